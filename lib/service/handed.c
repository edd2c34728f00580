/* SPDX-License-Identifier: MIT */
/*
 * Descriptors and wishes that come by the environment: LISTEN_..., WATCHDOG_.... Each names the process that it is
 * meant for, since an environment is inherited by many. Keeps nothing.
 */
#include "handed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/notify.h>

#include "../base/error.h"
#include "../base/fd.h"
#include "../base/pidfd.h"
#include "../procfs/record.h"
#include "notify_text.h"

#define FIRST_FD 3

int proc__handed_number(const char *variable, uint64_t most, uint64_t *ret_number)
{
    const char *value = getenv(variable);
    if (!value || *value == '\0')
        return 0;
    int rc = proc__notify_number((proc_span){value, strlen(value)}, most, ret_number);
    return rc < 0 ? rc : 1;
}

/* 1: not said, or us; 0: another process; -EINVAL. */
static int may_be_us(const char *variable)
{
    uint64_t pid;
    int rc = proc__handed_number(variable, INT_MAX, &pid);
    return rc <= 0 ? rc == 0 ? 1 : rc : pid == (uint64_t)getpid();
}

/*
 * A pid may have been given away again since then, the inode of a pidfd never. Where the kernel has none, the pid has
 * to do.
 */
static int is_our_inode(void)
{
    uint64_t meant;
    int rc = proc__handed_number("LISTEN_PIDFDID", UINT64_MAX, &meant);
    if (rc <= 0)
        return rc == 0 ? 1 : rc;
    int pidfd = proc__pidfd_open((int)getpid());
    if (pidfd < 0)
        return 1;
    uint64_t inode = proc__pidfd_inode(pidfd);
    proc__fd_close(&pidfd);
    return inode == 0 || inode == meant;
}

int proc__handed_count(void)
{
    uint64_t pid, count;
    int rc = proc__handed_number("LISTEN_PID", INT_MAX, &pid);
    if (rc <= 0 || pid != (uint64_t)getpid())
        return rc < 0 ? rc : 0;
    rc = proc__handed_number("LISTEN_FDS", INT_MAX - FIRST_FD, &count);
    if (rc <= 0)
        return rc;
    rc = is_our_inode();
    return rc <= 0 ? rc : (int)count;
}

int proc_listen_fds(void)
{
    int count = proc__handed_count();
    for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++)
        if (!proc__fd_is_open(fd))
            return -EBADF;
    for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return count;
}

int proc_listen_name(int fd, char *ret_name, size_t size)
{
    if (!ret_name && size > 0)
        return -EINVAL;
    int count = proc__handed_count();
    if (count < 0)
        return count;
    if (fd < FIRST_FD || fd - FIRST_FD >= count)
        return -ENOENT;
    const char *names = getenv("LISTEN_FDNAMES");
    if (!names)
        return proc__text_out("unknown", ret_name, size);
    for (int skip = fd - FIRST_FD; skip > 0; skip--) {
        names = strchr(names, ':');
        if (!names)
            return -ENOENT;
        names++;
    }
    return (int)proc__record_give(names, strcspn(names, ":"), ret_name, size);
}

int proc_notify_watchdog_ms(void)
{
    uint64_t period_us;
    int us = may_be_us("WATCHDOG_PID");
    if (us <= 0)
        return us;
    int rc = proc__handed_number("WATCHDOG_USEC", UINT64_MAX, &period_us);
    if (rc <= 0)
        return rc;
    if (period_us == 0)
        return -EINVAL;
    uint64_t period_ms = period_us / 1000;
    return period_ms < 1 ? 1 : period_ms > INT_MAX ? INT_MAX : (int)period_ms;
}
