/* SPDX-License-Identifier: MIT */
/*
 * The daemon's own steps, once it is alone: the lock, its place, its descriptors, its ids, its signals; and the same
 * without a fork, where whatever fails is undone. A step that fails is told to the launcher, and ends the process.
 */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/fd_table.h"
#include "../base/sigmask.h"
#include "lock_handle.h"

static int write_lock(struct launch *launch, struct failure *failure)
{
    if (!launch->daemon->lock)
        return 0;
    int rc = proc_lock_rewrite(launch->daemon->lock);
    return rc < 0 ? proc__fail(failure, PROC_STEP_LOCK, -rc, -1, launch->options.lock) : 0;
}

/* ---- Going on ---- */

/* 0, also if there is none to be copied; or a negative errno. */
static int copy_err(int *ret_copy)
{
    *ret_copy = proc__fd_copy(STDERR_FILENO);
    return *ret_copy >= 0 || *ret_copy == -EBADF ? 0 : *ret_copy;
}

/* Standard error stays what it was until ready; what it shall be is put aside. */
static int keep_err(int old_err, int *ret_later)
{
    int rc = copy_err(ret_later);
    return rc < 0 ? rc : proc__fd_put(old_err, STDERR_FILENO);
}

static int take_place(struct launch *launch, struct failure *failure)
{
    proc_daemon *daemon = launch->daemon;
    int old_err = -1, rc = 0;
    if (launch->options.flags & PROC_DAEMON_KEEP_ERR && (rc = copy_err(&old_err)) < 0)
        return proc__fail(failure, PROC_STEP_FDS, -rc, STDERR_FILENO, NULL);
    struct report report = proc__child_settle(&launch->ready.plan, &daemon->line);
    if (report.step)
        rc = proc__prepared_fail(&launch->ready, &report, failure);
    else if (old_err >= 0 && (rc = keep_err(old_err, &daemon->err)) < 0)
        rc = proc__fail(failure, PROC_STEP_FDS, -rc, STDERR_FILENO, NULL);
    proc__fd_close(&old_err);
    return rc;
}

static int close_the_rest(struct launch *launch, struct failure *failure)
{
    const proc_daemon *daemon = launch->daemon;
    size_t count = launch->keep_count;
    for (size_t i = 0; i < count; i++)
        launch->kept[i] = launch->options.keep[i];
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        launch->kept[count++] = fd;
    launch->kept[count++] = daemon->line;
    launch->kept[count++] = daemon->err;
    launch->kept[count++] = daemon->lock ? daemon->lock->file.fd : -1;
    launch->kept[count++] = daemon->lock ? daemon->lock->place.dir : -1;
    int rc = proc__fd_close_others(launch->kept, count);
    return rc < 0 ? proc__fail(failure, PROC_STEP_CLOSE, -rc, -1, NULL) : 0;
}

/* libc refuses those that it keeps for itself, and the kernel those two that have no other disposition. */
static int reset_signals(struct failure *failure)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};
    const struct sigmask none = {.bits = {0}};
    for (int signal = 1; signal <= LAST_SIGNAL; signal++)
        sigaction(signal, &action, NULL);
    int rc = proc__sigmask_set(&none);
    return rc < 0 ? proc__fail(failure, PROC_STEP_SIGNALS, -rc, -1, NULL) : 0;
}

static int settle_all(struct launch *launch, struct failure *failure)
{
    int rc = write_lock(launch, failure);
    if (rc == 0)
        rc = take_place(launch, failure);
    if (rc < 0)
        return rc;
    /* While its numbers are still its own. */
    proc__prepared_done(&launch->ready);
    launch->is_prepared = 0;
    rc = close_the_rest(launch, failure);
    return rc < 0 ? rc : reset_signals(failure);
}

/* Before any lock file is given back: what is told first is believed. */
_Noreturn static void give_up(struct launch *launch, const struct failure *failure)
{
    struct daemon_word word = proc__word_failed(launch, failure);
    proc_lock_free(launch->daemon->lock);
    proc__word_send(launch->daemon->line, &word);
    _exit(word.code);
}

static void take_up_line(struct launch *launch)
{
    launch->daemon->owner = (int)getpid();
    launch->daemon->line = launch->to_watcher[1];
    launch->to_watcher[1] = -1;
}

void proc__daemon_settle(struct launch *launch)
{
    struct failure failure = {0};
    take_up_line(launch);
    if (settle_all(launch, &failure) < 0)
        give_up(launch, &failure);
}

_Noreturn void proc__daemon_become(struct launch *launch)
{
    struct failure failure = {0};
    take_up_line(launch);
    if (write_lock(launch, &failure) == 0) {
        struct report report = proc__child_side(&launch->ready.plan, 0, &launch->daemon->line);
        proc__prepared_fail(&launch->ready, &report, &failure);
    }
    give_up(launch, &failure);
}

/* ---- Staying ---- */

/* What can be undone is undone; of the rest, groups that were changed before a user was refused, the report tells. */
static int settle_or_undo(struct launch *launch, int cwd, struct failure *failure)
{
    const struct plan *plan = &launch->ready.plan;
    int none = -1;
    mode_t mask = plan->umask >= 0 ? umask((mode_t)plan->umask) : 0;
    struct report report = proc__child_settle(plan, &none);
    if (!report.step)
        return 0;
    if (plan->umask >= 0)
        umask(mask);
    launch->changed = report.step == PROC_STEP_GID || report.step == PROC_STEP_UID ? PROC_CHANGED_IDS : 0;
    if (plan->cwd && report.step != PROC_STEP_CWD && fchdir(cwd) < 0)
        launch->changed |= PROC_CHANGED_ROOT;
    return proc__prepared_fail(&launch->ready, &report, failure);
}

/* Where to come back to. A directory that is closed to us can only be left: no reason to stay in it. */
static int open_way_back(const struct launch *launch, int *ret_cwd)
{
    *ret_cwd = launch->ready.plan.cwd ? proc__fd_open(".", O_PATH | O_DIRECTORY, 0) : -1;
    return proc__is_want_of_ours(*ret_cwd) ? *ret_cwd : 0;
}

int proc__daemon_stay(struct launch *launch, struct failure *failure)
{
    int cwd;
    int rc = open_way_back(launch, &cwd);
    if (rc < 0)
        return proc__fail(failure, PROC_STEP_CWD, -rc, -1, NULL);
    rc = settle_or_undo(launch, cwd, failure);
    proc__fd_close(&cwd);
    launch->daemon->owner = (int)getpid();
    return rc;
}
