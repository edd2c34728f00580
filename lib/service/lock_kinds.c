/* SPDX-License-Identifier: MIT */
/*
 * The three kinds of locks: taken at once, and looked at without being touched: by a call, which does not see flock(2),
 * then in the kernel's list. Keeps nothing.
 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- Taking ---- */

/* l_len 0: to the end, however long it grows. */
static const struct flock whole_file = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

/* A file system that asks a server can be interrupted, although nothing here waits for a lock. */
static int set_range(int fd, int command, short type)
{
    struct flock range = whole_file;
    range.l_type = type;
    while (fcntl(fd, command, &range) < 0)
        if (errno != EINTR)
            return errno == EACCES ? -EAGAIN : -errno;
    return 0;
}

static int take_flock(int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

int proc__lock_take(int fd, unsigned kinds)
{
    int rc = 0;
    if (kinds & PROC_LOCK_OFD)
        rc = set_range(fd, F_OFD_SETLK, F_WRLCK);
    if (rc == 0 && (kinds & PROC_LOCK_FCNTL))
        rc = set_range(fd, F_SETLK, F_WRLCK);
    if (rc == 0 && (kinds & PROC_LOCK_FLOCK))
        rc = take_flock(fd);
    return rc;
}

/* flock(2) comes last: what fails has not got it. */
void proc__lock_drop(int fd, unsigned kinds)
{
    if (kinds & PROC_LOCK_OFD)
        (void)set_range(fd, F_OFD_SETLK, F_UNLCK);
    if (kinds & PROC_LOCK_FCNTL)
        (void)set_range(fd, F_SETLK, F_UNLCK);
}

/* ---- Looking ---- */

/* OFD and FCNTL: the kernel tells by a call. 1: seen. */
static int look_at_ranges(int fd, struct lock_sight *sight)
{
    struct flock range = whole_file;
    if (fcntl(fd, F_OFD_GETLK, &range) < 0 || range.l_type == F_UNLCK)
        return 0;
    /* -1: it belongs to an open file, not to a process. */
    sight->kinds = range.l_pid == -1 ? PROC_LOCK_OFD : PROC_LOCK_FCNTL;
    sight->pid = range.l_pid > 0 ? range.l_pid : 0;
    sight->state = PROC_LOCK_HELD;
    return 1;
}

int proc__lock_look(const struct lock_file *file, struct lock_sight *ret_sight)
{
    *ret_sight = (struct lock_sight){.state = PROC_LOCK_UNSEEN};
    return look_at_ranges(file->fd, ret_sight) ? 0 : proc__lock_look_at_list(file, ret_sight);
}
