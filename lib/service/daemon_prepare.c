/* SPDX-License-Identifier: MIT */
/*
 * All that is done for a daemon before anything is forked, so that it can be told to the user at once, and nothing can
 * be lacking later: the lock first, since files are not to be emptied under another daemon; then files, lists, pipes.
 */
#include "daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <proc/procfs.h>

#include "../base/clock.h"
#include "../base/fd.h"
#include "../child/environment.h"
#include "lock_handle.h"

#define NULL_MAJOR 1
#define NULL_MINOR 3
#define STARTING_MS 500

/* Beside the caller's: 0 to 2, the line, standard error to be, the lock and its directory. */
#define KEPT_BESIDE 7

/* ---- Threads ---- */

/* Where /proc does not tell, we take the caller's word. */
static int check_threads(struct failure *failure)
{
    int64_t threads = proc_task_list(PROC_SELF, NULL, 0);
    if (threads <= 1)
        return 0;
    proc__fail(failure, PROC_STEP_FORK, EBUSY, -1, NULL);
    failure->reason = "other threads run, do it before they start";
    return -EBUSY;
}

/* ---- The lock ---- */

/* One that starts at this very moment is about to write its pid. */
static void wait_for_pid(const struct launch *launch, const proc_lock_options *options, proc_holder *holder)
{
    deadline until = proc__deadline_in(STARTING_MS);
    while (holder->starting && proc__nap(until) == 0)
        if (proc_lock_query(launch->options.lock, options->dir_fd, holder) < 0)
            return;
}

static int tell_holder(const struct launch *launch, int rc, const proc_holder *holder, proc_daemon_report *report)
{
    char reason[64] = "already running";
    if (holder->foreign)
        snprintf(reason, sizeof reason, "already running on another machine");
    else if (holder->pid > 0)
        snprintf(reason, sizeof reason, "already running, pid %d", holder->pid);
    const struct failure failure = {
        .step = PROC_STEP_LOCK, .code = -rc, .index = -1, .argument = launch->options.lock, .reason = reason};
    report->outcome = PROC_DAEMON_REFUSED;
    report->pid = holder->foreign ? 0 : holder->pid;
    proc__error_render(&report->error, launch->verb, launch->thing, &failure);
    return rc;
}

static int take_lock(struct launch *launch, proc_daemon_report *report, struct failure *failure)
{
    proc_holder holder = {0};
    proc_lock_options options = {.size = sizeof options};
    if (!launch->options.lock)
        return 0;
    if (launch->options.lock_options && proc__lock_options(launch->options.lock_options, &options, failure) < 0)
        return -failure->code;
    options.size = sizeof options;
    options.ret_holder = &holder;
    options.error = &report->error;
    int rc = proc_lock_acquire(&launch->daemon->lock, launch->options.lock, &options);
    if (rc != -EAGAIN && rc != -ETIMEDOUT)
        return rc;
    wait_for_pid(launch, &options, &holder);
    return tell_holder(launch, rc, &holder, report);
}

/* ---- Lists ---- */

static int make_daemon(struct launch *launch, struct failure *failure)
{
    launch->daemon = calloc(1, sizeof *launch->daemon);
    launch->kept = calloc(launch->keep_count + KEPT_BESIDE, sizeof *launch->kept);
    if (!launch->daemon || !launch->kept)
        return proc__fail_memory(failure);
    const int *notify_fd = launch->options.notify_fd;
    launch->daemon->line = launch->daemon->err = -1;
    launch->daemon->stays = launch->stays;
    launch->daemon->notify_fd = notify_fd ? *notify_fd : -1;
    return 0;
}

static int is_among(const proc_slot *slots, size_t count, int fd)
{
    for (size_t i = 0; i < count; i++)
        if (slots[i].number == fd)
            return 1;
    return 0;
}

/* For a program: every descriptor that it shall have, once, at the number that it has here. */
static int make_slots(struct launch *launch, struct failure *failure)
{
    size_t count = 0;
    launch->slots = calloc(launch->keep_count + 1, sizeof *launch->slots);
    if (!launch->slots)
        return proc__fail_memory(failure);
    for (size_t i = 0; i < launch->keep_count; i++) {
        int fd = launch->options.keep[i];
        if (!is_among(launch->slots, count, fd))
            launch->slots[count++] = (proc_slot){fd, PROC_FD(fd)};
    }
    if (launch->daemon->lock) {
        int fd = proc_lock_fd(launch->daemon->lock);
        launch->slots[count++] = (proc_slot){fd, PROC_FD(fd)};
    }
    launch->program.fds = (proc_slots){launch->slots, count};
    return 0;
}

/* Ours are not meant for it; what the caller sets itself comes behind, and wins. */
static int make_edits(struct launch *launch, struct failure *failure)
{
    static const char *const ours[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC",  "WATCHDOG_PID",  "LISTEN_PID",
                                       "LISTEN_FDS",    "LISTEN_FDNAMES", "LISTEN_PIDFDID"};
    const size_t own = sizeof ours / sizeof ours[0];
    const char *const *given = launch->program.env_edit;
    size_t count = proc__strings_count(given);
    launch->edits = calloc(own + count + 2, sizeof *launch->edits);
    if (!launch->edits)
        return proc__fail_memory(failure);
    size_t at = 0;
    for (; at < own && !launch->program.env; at++)
        launch->edits[at] = ours[at];
    for (size_t i = 0; i < count; i++)
        launch->edits[at++] = given[i];
    if (launch->server)
        launch->edits[at++] = proc_notify_server_env(launch->server);
    launch->program.env_edit = launch->edits;
    return 0;
}

static int make_for_program(struct launch *launch, struct failure *failure)
{
    int rc = 0;
    if (launch->options.flags & PROC_DAEMON_NOTIFY)
        rc = proc_notify_server_new(&launch->server, NULL);
    if (rc < 0)
        return proc__fail(failure, PROC_STEP_READY, -rc, -1, NULL);
    rc = make_slots(launch, failure);
    return rc < 0 ? rc : make_edits(launch, failure);
}

/* ---- Files ---- */

/* A /dev without devices, or a file that somebody has put there, would collect what the daemon writes. */
static int check_null(const struct launch *launch, struct failure *failure)
{
    struct stat about;
    int fd = launch->ready.wiring.null_fd;
    if (fd < 0)
        return 0;
    if (fstat(fd, &about) == 0 && S_ISCHR(about.st_mode) && about.st_rdev == makedev(NULL_MAJOR, NULL_MINOR))
        return 0;
    proc__fail(failure, PROC_STEP_OPEN, ENODEV, -1, "/dev/null");
    failure->reason = "not the null device";
    return -ENODEV;
}

static int make_ready(struct launch *launch, struct failure *failure)
{
    const struct spawn_call call = {.verb = launch->verb};
    launch->is_prepared = 1;
    int rc = proc__prepare(&launch->ready, launch->argv, &launch->program, &call, failure);
    return rc < 0 ? rc : check_null(launch, failure);
}

static int make_pipes(struct launch *launch, struct failure *failure)
{
    int rc = proc__fd_pipe(launch->to_launcher);
    if (rc == 0)
        rc = proc__fd_pipe(launch->to_watcher);
    if (rc == 0) /* only ever read when something is there, and it must not be waited for */
        rc = proc__fd_nonblocking(launch->to_watcher[0]);
    return rc < 0 ? proc__fail(failure, PROC_STEP_PIPE, -rc, -1, NULL) : 0;
}

int proc__daemon_prepare(struct launch *launch, proc_daemon_report *report, struct failure *failure)
{
    int rc = launch->stays ? 0 : check_threads(failure);
    if (rc == 0)
        rc = make_daemon(launch, failure);
    if (rc == 0)
        rc = take_lock(launch, report, failure);
    if (rc == 0 && launch->spawns)
        rc = make_for_program(launch, failure);
    if (rc == 0)
        rc = make_ready(launch, failure);
    if (rc == 0 && !launch->stays)
        rc = make_pipes(launch, failure);
    return rc;
}

void proc__daemon_discard(struct launch *launch)
{
    for (int i = 0; i < 2; i++) {
        proc__fd_close(&launch->to_launcher[i]);
        proc__fd_close(&launch->to_watcher[i]);
    }
    if (launch->is_prepared)
        proc__prepared_done(&launch->ready);
    launch->server = proc_notify_server_free(launch->server);
    if (launch->daemon)
        proc_lock_free(launch->daemon->lock);
    free(launch->daemon);
    free(launch->kept);
    free(launch->slots);
    free(launch->edits);
}
