/* SPDX-License-Identifier: MIT */
/*
 * A lock once it is held: looked after, written anew, given back. Who may remove the file is a matter of pids: a forked
 * copy of the handle, and one whose lock was passed on, do nothing but close. The lock is never given up otherwise than
 * by closing: to unlock would unlock for all who share it.
 */
#include "lock_handle.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/fd.h"

/* ---- Making ---- */

int proc__lock_fail(struct failure *failure, int step, int rc, const char *reason)
{
    proc__fail(failure, step, -rc, -1, NULL);
    failure->reason = reason;
    return rc;
}

/* Writable by us, and by nobody else. */
static int is_safe_mode(uint32_t mode)
{
    return (mode & ~(uint32_t)0644) == 0 && (mode & 0600) == 0600;
}

/* A size that was never set may span what is not even memory. */
#define ABSURD_SIZE ((size_t)64 << 10)

static int take_struct(const proc_lock_options *given, proc_lock_options *ret_options, struct failure *failure)
{
    const size_t known = sizeof *given;
    size_t size = given->size;
    *ret_options = (proc_lock_options){0};
    if (size < sizeof size)
        return proc__refuse(failure, EINVAL, "size is not set");
    if (size > ABSURD_SIZE)
        return proc__refuse(failure, E2BIG, "size");
    memcpy(ret_options, given, size < known ? size : known);
    for (size_t i = known; i < size; i++)
        if (((const char *)given)[i] != 0)
            return proc__refuse(failure, E2BIG, "members of a newer version");
    return 0;
}

int proc__lock_options(const proc_lock_options *given, proc_lock_options *ret_options, struct failure *failure)
{
    static const proc_lock_options none = {.size = sizeof none};
    int rc = take_struct(given ? given : &none, ret_options, failure);
    if (rc < 0)
        return rc;
    const proc_lock_options *options = ret_options;
    if (options->flags & ~(LOCK_KINDS | PROC_LOCK_KEEP_FILE | PROC_LOCK_PLAIN))
        return proc__refuse(failure, ENOTSUP, ".flags");
    if ((options->flags & PROC_LOCK_OFD) && (options->flags & PROC_LOCK_FCNTL))
        return proc__refuse(failure, EINVAL, ".flags: OFD and FCNTL exclude each other");
    if (options->timeout_ms < -1)
        return proc__refuse(failure, EINVAL, ".timeout_ms");
    if (options->mode && !is_safe_mode(*options->mode))
        return proc__refuse(failure, EINVAL, ".mode");
    if (options->cancel_fd && !proc__fd_is_open(*options->cancel_fd))
        return proc__refuse(failure, EBADF, ".cancel_fd");
    return 0;
}

int proc__lock_new(const char *path, const proc_lock_options *options, proc_lock **ret_lock, struct failure *failure)
{
    struct lock_place place;
    int rc = proc__lock_find(options->dir_fd ? *options->dir_fd : AT_FDCWD, path, &place);
    if (rc < 0)
        return proc__lock_fail(failure, PROC_STEP_OPEN, rc, NULL);
    size_t size = strlen(place.name) + 1;
    proc_lock *lock = malloc(sizeof *lock + size);
    if (!lock) {
        proc__fd_close(&place.dir);
        return proc__lock_fail(failure, PROC_STEP_MEMORY, -ENOMEM, NULL);
    }
    unsigned kinds = options->flags & LOCK_KINDS;
    *lock = (proc_lock){
        .place = {place.dir, lock->name},
        .file = {.fd = -1},
        .owner = (int)getpid(),
        .kinds = kinds ? kinds : PROC_LOCK_OFD | PROC_LOCK_FLOCK,
        .flags = options->flags & ~LOCK_KINDS,
    };
    memcpy(lock->name, place.name, size);
    *ret_lock = lock;
    return 0;
}

void proc__lock_discard(proc_lock *lock)
{
    if (!lock)
        return;
    proc__fd_close(&lock->file.fd);
    proc__fd_close(&lock->place.dir);
    free(lock);
}

/* ---- Looking after it ---- */

int proc_lock_fd(const proc_lock *lock)
{
    return lock ? lock->file.fd : -EINVAL;
}

/* To take a lock that is ours changes nothing. */
int proc__lock_still_ours(const proc_lock *lock)
{
    if (!proc__lock_in_place(&lock->place, &lock->file))
        return -ESTALE;
    int rc = proc__lock_take(lock->file.fd, lock->kinds);
    return rc == -EAGAIN ? -ESTALE : rc;
}

int proc_lock_verify(const proc_lock *lock)
{
    struct lock_record record = {0};
    if (!lock)
        return -EINVAL;
    if (lock->owner != (int)getpid())
        return -ECHILD;
    int rc = proc__lock_still_ours(lock);
    if (rc == 0)
        rc = proc__lock_read(lock->file.fd, &record);
    if (rc < 0)
        return rc;
    return rc == LOCK_NAMES && record.pid == lock->owner ? 0 : -ESTALE;
}

int proc_lock_rewrite(proc_lock *lock)
{
    const int us = (int)getpid();
    int cancellable;
    if (!lock)
        return -EINVAL;
    if (lock->owner != us && (lock->kinds & PROC_LOCK_FCNTL))
        return -EOPNOTSUPP;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    int rc = proc__lock_still_ours(lock);
    if (rc == 0)
        rc = proc__lock_write(lock->file.fd, us, lock->flags, 0);
    if (rc == 0)
        lock->owner = us;
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}

int proc_lock_hand_over(proc_lock *lock, int whether)
{
    if (!lock || (whether != 0 && whether != 1))
        return -EINVAL;
    if (lock->owner != (int)getpid())
        return -ECHILD;
    return fcntl(lock->file.fd, F_SETFD, whether ? 0 : FD_CLOEXEC) < 0 ? -errno : 0;
}

/* ---- Giving it back ---- */

void proc__lock_remove(const proc_lock *lock)
{
    if (lock->flags & PROC_LOCK_KEEP_FILE)
        proc__lock_empty(lock->file.fd);
    else
        unlinkat(lock->place.dir, lock->place.name, 0);
}

/* Whoever has written himself into it has taken it over. */
static int names_somebody_else(const proc_lock *lock)
{
    struct lock_record record;
    return proc__lock_read(lock->file.fd, &record) == LOCK_NAMES && record.pid != lock->owner;
}

proc_lock *proc_lock_free(proc_lock *lock)
{
    int cancellable;
    if (!lock)
        return NULL;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    /* Before it is closed: afterwards it may be somebody else's. */
    if (lock->owner == (int)getpid() && proc__lock_in_place(&lock->place, &lock->file) && !names_somebody_else(lock))
        proc__lock_remove(lock);
    proc__lock_discard(lock);
    pthread_setcancelstate(cancellable, NULL);
    return NULL;
}
