/* SPDX-License-Identifier: MIT */
/*
 * Taking a lock. The order is what makes it safe: open without emptying, lock, see that the path still leads to this
 * file (who held it before may have removed it in between), and only then write. Owns an attempt until it has become a
 * handle.
 */
#include "lock_handle.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/pidfd.h"

#define REPLACED_MAX 64 /* times in a row that the file is another one once it is locked */
#define MODE_DEFAULT 0644

struct attempt {
    proc_lock_options options;
    proc_lock *lock; /* its file is open, or -1; locked only at the end */
    struct lock_wait wait;
    deadline until;
    proc_holder holder; /* who was in the way last */
    char reason[64];
};

static void end_attempt(void *arg)
{
    struct attempt *attempt = arg;
    proc__lock_wait_done(&attempt->wait);
    proc__lock_discard(attempt->lock);
}

static unsigned mode_of(const struct attempt *attempt)
{
    return attempt->options.mode ? *attempt->options.mode : MODE_DEFAULT;
}

/* ---- Until it is ours ---- */

/* 0: locked; -EAGAIN: by somebody else; -ESTALE: that file is not the one any more; or a negative errno. */
static int try_once(struct attempt *attempt, struct failure *failure)
{
    proc_lock *lock = attempt->lock;
    const char *reason = NULL;
    if (lock->file.fd < 0) {
        int rc = proc__lock_open(&lock->place, mode_of(attempt), &lock->file, &reason);
        if (rc < 0)
            return proc__lock_fail(failure, reason ? PROC_STEP_INSPECT : PROC_STEP_OPEN, rc, reason);
    }
    int rc = proc__lock_take(lock->file.fd, lock->kinds);
    if (rc < 0)
        proc__lock_drop(lock->file.fd, lock->kinds);
    if (rc == 0 || rc == -EAGAIN) {
        if (proc__lock_refresh(&lock->place, &lock->file))
            return rc;
        rc = -ESTALE;
    }
    proc__fd_close(&lock->file.fd);
    return proc__lock_fail(failure, PROC_STEP_LOCK, rc, NULL);
}

/* Only between two pauses: whoever replaces the file all the time is in the way, too. */
static int try_while_replaced(struct attempt *attempt, struct failure *failure)
{
    int rc = -ESTALE;
    for (int i = 0; rc == -ESTALE && i < REPLACED_MAX; i++)
        rc = try_once(attempt, failure);
    return rc == -ESTALE ? -EAGAIN : rc;
}

/* The descriptor that we try to lock serves to look, too: to close another one would lose a record lock of ours. */
static int see_holder(struct attempt *attempt)
{
    attempt->holder = (proc_holder){0};
    return attempt->lock->file.fd < 0 ? 0 : proc__lock_holder(&attempt->lock->file, &attempt->holder);
}

static void listen_to_holder(struct attempt *attempt)
{
    if (attempt->wait.pidfd >= 0 || attempt->wait.deaf || see_holder(attempt) < 0)
        return;
    if (attempt->holder.pid > 0 && !attempt->holder.foreign) {
        int pidfd = proc__pidfd_open(attempt->holder.pid);
        attempt->wait.pidfd = pidfd < 0 ? -1 : proc__fd_above_stdio(pidfd);
    }
}

static int fail_busy(struct attempt *attempt, struct failure *failure)
{
    int rc = see_holder(attempt);
    if (rc < 0)
        return proc__lock_fail(failure, PROC_STEP_LOCK, rc, NULL);
    const proc_holder *holder = &attempt->holder;
    if (holder->pid > 0)
        snprintf(attempt->reason, sizeof attempt->reason, "held by process %d%s", holder->pid,
                 holder->foreign ? " of another machine" : "");
    else
        snprintf(attempt->reason, sizeof attempt->reason, "held by an unknown process");
    if (attempt->options.ret_holder)
        *attempt->options.ret_holder = *holder;
    return proc__lock_fail(failure, PROC_STEP_LOCK, attempt->options.timeout_ms == 0 ? -EAGAIN : -ETIMEDOUT,
                           attempt->reason);
}

static int lock_it(struct attempt *attempt, struct failure *failure)
{
    ino_t listened = 0;
    for (;;) {
        int rc = try_while_replaced(attempt, failure);
        if (rc != -EAGAIN)
            return rc;
        if (proc__deadline_passed(attempt->until))
            return fail_busy(attempt, failure);
        const struct lock_file *file = &attempt->lock->file;
        if (file->fd >= 0 && file->inode != listened) {
            /* What has happened before we listened needs another look. */
            listened = file->inode;
            proc__lock_wait_for(&attempt->wait, file);
            continue;
        }
        listen_to_holder(attempt);
        rc = proc__lock_wait(&attempt->wait, attempt->until);
        if (rc < 0)
            return proc__lock_fail(failure, PROC_STEP_LOCK, rc, NULL);
    }
}

/* ---- Once it is ours ---- */

/* The umask may have taken something off, or an earlier version had other wishes. */
static int set_mode(const struct attempt *attempt)
{
    const struct lock_file *file = &attempt->lock->file;
    if ((file->mode & 07777) == mode_of(attempt) || file->owner != geteuid())
        return 0;
    return fchmod(file->fd, (mode_t)mode_of(attempt)) < 0 ? -errno : 0;
}

static int fill_it(struct attempt *attempt, struct failure *failure)
{
    const proc_lock *lock = attempt->lock;
    int rc = set_mode(attempt);
    if (rc == 0)
        rc = proc__lock_write(lock->file.fd, lock->owner, lock->flags, lock->file.size == 0);
    if (rc == 0)
        return 0;
    proc__lock_remove(lock);
    return proc__lock_fail(failure, PROC_STEP_WRITE, rc, NULL);
}

/* ---- The door ---- */

static int acquire(struct attempt *attempt, const char *path, struct failure *failure)
{
    int rc = proc__lock_new(path, &attempt->options, &attempt->lock, failure);
    if (rc == 0)
        rc = lock_it(attempt, failure);
    return rc < 0 ? rc : fill_it(attempt, failure);
}

int proc_lock_acquire(proc_lock **lock, const char *path, const proc_lock_options *options)
{
    struct attempt attempt = {.lock = NULL};
    struct failure failure = {0};
    if (!lock || !path)
        return -EINVAL;
    int rc = proc__lock_options(options, &attempt.options, &failure);
    if (rc < 0) {
        proc__error_render(attempt.options.error, "lock", path, &failure);
        return rc;
    }
    attempt.until = proc__deadline_in(attempt.options.timeout_ms);
    proc__lock_wait_begin(&attempt.wait, attempt.options.cancel_fd ? *attempt.options.cancel_fd : -1);
    pthread_cleanup_push(end_attempt, &attempt);
    rc = acquire(&attempt, path, &failure);
    if (rc == 0) {
        *lock = attempt.lock;
        attempt.lock = NULL;
    }
    pthread_cleanup_pop(1);
    if (rc < 0)
        proc__error_render(attempt.options.error, "lock", path, &failure);
    return rc;
}
