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

static int take_range(int fd, int command)
{
    struct flock range = whole_file;
    if (fcntl(fd, command, &range) == 0)
        return 0;
    return errno == EACCES ? -EAGAIN : -errno;
}

int proc__lock_take(int fd, unsigned kinds)
{
    int rc = 0;
    if (kinds & PROC_LOCK_OFD)
        rc = take_range(fd, F_OFD_SETLK);
    if (rc == 0 && (kinds & PROC_LOCK_FCNTL))
        rc = take_range(fd, F_SETLK);
    if (rc == 0 && (kinds & PROC_LOCK_FLOCK) && flock(fd, LOCK_EX | LOCK_NB) < 0)
        rc = -errno;
    return rc;
}

/* flock(2) comes last: what fails has not got it. */
void proc__lock_drop(int fd, unsigned kinds)
{
    struct flock range = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    if (kinds & PROC_LOCK_OFD)
        fcntl(fd, F_OFD_SETLK, &range);
    if (kinds & PROC_LOCK_FCNTL)
        fcntl(fd, F_SETLK, &range);
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
