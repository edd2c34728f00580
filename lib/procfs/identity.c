/* SPDX-License-Identifier: MIT */
/*
 * Who a process is, whatever becomes of its pid. All is asked of one open directory, which the kernel never lets speak
 * for a later process; keeps nothing.
 */
#include "target.h"

#include <errno.h>
#include <fcntl.h>

#include "../base/fd.h"
#include "../base/pidfd.h"

#include <proc/procfs.h>

/* No pidfds here, or none for the processes of that /proc: the rest of an identity has to do. */
static int is_without_pidfds(int rc)
{
    return rc == -ENOSYS || rc == -EPERM || rc == -EOPNOTSUPP;
}

static int identify(const proc_target *in_directory, proc_identity *ret_identity)
{
    proc_stat stat;
    uint64_t inode = 0;
    int pidfd = proc__target_pidfd(in_directory);
    if (pidfd < 0 && !is_without_pidfds(pidfd))
        return pidfd;
    if (pidfd >= 0)
        inode = proc__pidfd_inode(pidfd);
    proc__fd_close(&pidfd);
    int rc = proc_stat_read(in_directory, &stat);
    if (rc < 0)
        return rc;
    if (!proc_stat_has(&stat, PROC_STAT_PID) || !proc_stat_has(&stat, PROC_STAT_START_TICKS))
        return -ENODATA;
    *ret_identity = (proc_identity){.pid = stat.pid, .start_ticks = stat.start_ticks, .inode = inode};
    return 0;
}

int proc_identity_get(const proc_target *target, proc_identity *ret_identity)
{
    if (!ret_identity || (target && target->tid != 0))
        return -EINVAL;
    int dir = proc__target_open(target, ".", O_PATH | O_DIRECTORY);
    if (dir < 0)
        return dir;
    const proc_target in_directory = {.dir_fd = &dir};
    int rc = identify(&in_directory, ret_identity);
    proc__fd_close(&dir);
    return rc;
}

int proc_identity_same(const proc_identity *a, const proc_identity *b)
{
    if (!a || !b || a->pid <= 0 || a->pid != b->pid || a->start_ticks != b->start_ticks)
        return 0;
    return a->inode == b->inode || a->inode == 0 || b->inode == 0;
}
