/* SPDX-License-Identifier: MIT */
/*
 * From a target to a pidfd that is sure to be of the process that the target means. Keeps nothing; stands above the
 * reader of a status, which stands above target.c.
 */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/pidfd.h"

#include <proc/status.h>

static int open_pidfd(int pid)
{
    int fd = proc__pidfd_open(pid);
    if (fd >= 0)
        return proc__fd_above_stdio(fd);
    /* What newer and older kernels say of a thread's id. */
    return fd == -EINVAL || fd == -ENOENT ? -ESRCH : fd;
}

/* The same for a pid as that /proc counts. */
static int open_pidfd_under(const struct root *root, int pid)
{
    int fd = open_pidfd(pid);
    if (fd >= 0 && proc__target_pid_of(root, fd) != pid) {
        proc__fd_close(&fd);
        return -EOPNOTSUPP;
    }
    return fd;
}

/* The process whose directory that is, which names it as long as it can be read. */
static int open_pidfd_in(const proc_target *target)
{
    const struct root above = {*target->dir_fd, "../"};
    proc_status status;
    int rc = proc_status_read(target, NULL, sizeof status, &status);
    if (rc < 0)
        return rc;
    if (!proc_status_has(&status, PROC_KEY_PID) || !proc_status_has(&status, PROC_KEY_TGID) ||
        status.pid != status.tgid)
        return -ESRCH;
    int fd = open_pidfd_under(&above, status.pid);
    /* Only if it was there all the time the number was its own. */
    rc = proc_status_read(target, NULL, sizeof status, &status);
    if (fd >= 0 && rc < 0)
        proc__fd_close(&fd);
    return rc < 0 ? rc : fd;
}

/* Pidfds of threads, since 6.9, carry it among their flags: PIDFD_THREAD. */
static int is_of_a_thread(int pidfd)
{
    int flags = fcntl(pidfd, F_GETFL);
    return flags >= 0 && (flags & O_EXCL);
}

static int another(int pidfd)
{
    if (is_of_a_thread(pidfd))
        return -EINVAL;
    return proc__fd_copy(pidfd);
}

int proc__target_pidfd(const proc_target *target)
{
    if (!target)
        return open_pidfd(getpid());
    int rc = proc__target_check(target);
    if (rc < 0 || target->tid != 0)
        return rc < 0 ? rc : -EINVAL;
    if (target->pidfd)
        return another(*target->pidfd);
    if (target->dir_fd)
        return open_pidfd_in(target);
    if (target->pid == 0)
        return open_pidfd(getpid());
    if (!target->root_fd)
        return open_pidfd(target->pid);
    struct root root = proc__target_root(target);
    return open_pidfd_under(&root, target->pid);
}
