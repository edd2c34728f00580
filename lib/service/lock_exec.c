/* SPDX-License-Identifier: MIT */
/*
 * Taking up a lock that came with a descriptor, through execve(2) or from a parent. The descriptor is found by what it
 * is, not by a number that somebody would have to hand on. The path is never opened here: to close it again would lose
 * a record lock.
 */
#include "lock_handle.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/fd.h"

/* Nothing is taken here, so there is nothing to wait for, to choose or to make. */
static int check_options(const proc_lock_options *options, struct failure *failure)
{
    if (options->flags & LOCK_KINDS)
        return proc__refuse(failure, EINVAL, ".flags: the kinds are those that came along");
    if (options->timeout_ms != 0)
        return proc__refuse(failure, EINVAL, ".timeout_ms");
    if (options->mode)
        return proc__refuse(failure, EINVAL, ".mode");
    if (options->cancel_fd)
        return proc__refuse(failure, EINVAL, ".cancel_fd");
    return options->ret_holder ? proc__refuse(failure, EINVAL, ".ret_holder") : 0;
}

/* One that passes execve(2) has come so, and belongs to no handle yet. */
static int has_come_along(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return flags >= 0 && !(flags & FD_CLOEXEC);
}

/* 0: it leads to the file at the place, and holds a lock on it; -ENOENT: not so; or a negative errno. */
static int try_descriptor(proc_lock *lock, int fd)
{
    struct lock_file file;
    const char *reason;
    if (!has_come_along(fd) || proc__lock_inspect(fd, &file, &reason) < 0)
        return -ENOENT;
    if (!proc__lock_in_place(&lock->place, &file))
        return -ENOENT;
    int kinds = proc__lock_kinds_of_ours(&file);
    if (kinds <= 0)
        return kinds < 0 ? kinds : -ENOENT;
    lock->file = file;
    lock->kinds = (unsigned)kinds;
    return 0;
}

static int find_descriptor(proc_lock *lock, struct failure *failure)
{
    int *fds = NULL;
    int64_t count = proc__lock_list_fds(PROC_SELF, &fds);
    int rc = count < 0 ? (int)count : -ENOENT;
    for (int64_t i = 0; i < count && rc == -ENOENT; i++)
        rc = try_descriptor(lock, fds[i]);
    free(fds);
    if (rc < 0)
        proc__lock_fail(failure, PROC_STEP_LOCK, rc == -ENOENT ? -ESTALE : rc,
                        rc == -ENOENT ? "no descriptor holds it" : NULL);
    return rc == -ENOENT ? -ESTALE : rc;
}

static int make_ours(proc_lock *lock, struct failure *failure)
{
    int rc = proc__lock_still_ours(lock);
    if (rc < 0)
        return proc__lock_fail(failure, PROC_STEP_LOCK, rc, NULL);
    rc = proc__lock_write(lock->file.fd, lock->owner, lock->flags, lock->file.size == 0);
    if (rc < 0)
        return proc__lock_fail(failure, PROC_STEP_WRITE, rc, NULL);
    return fcntl(lock->file.fd, F_SETFD, FD_CLOEXEC) < 0 ? proc__lock_fail(failure, PROC_STEP_LOCK, -errno, NULL) : 0;
}

static int take_over(const char *path, const proc_lock_options *options, proc_lock **ret_lock, struct failure *failure)
{
    proc_lock *lock;
    int rc = proc__lock_new(path, options, &lock, failure);
    if (rc < 0)
        return rc;
    rc = find_descriptor(lock, failure);
    if (rc == 0)
        rc = make_ours(lock, failure);
    if (rc == 0) {
        *ret_lock = lock;
        return 0;
    }
    /* It came along, and is not ours to close. */
    lock->file.fd = -1;
    proc__lock_discard(lock);
    return rc;
}

int proc_lock_take_over(proc_lock **lock, const char *path, const proc_lock_options *options)
{
    proc_lock_options taken;
    struct failure failure = {0};
    int cancellable;
    if (!lock || !path)
        return -EINVAL;
    int rc = proc__lock_options(options, &taken, &failure);
    if (rc == 0)
        rc = check_options(&taken, &failure);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    if (rc == 0)
        rc = take_over(path, &taken, lock, &failure);
    pthread_setcancelstate(cancellable, NULL);
    if (rc < 0)
        proc__error_render(taken.error, "take over", path, &failure);
    return rc;
}
