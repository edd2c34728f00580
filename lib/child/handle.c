/* SPDX-License-Identifier: MIT */
/* What can be asked of a handle without waiting, and whether it may be asked at all. Owns nothing. */
#include "handle.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

int proc__child_check(const proc_child *child)
{
    if (!child)
        return -EINVAL;
    return child->owner == (int)getpid() ? 0 : -ECHILD;
}

int proc_child_pid(const proc_child *child)
{
    return child ? child->pid : -EINVAL;
}

int proc_child_fd(const proc_child *child)
{
    return child ? child->pidfd : -EINVAL;
}

/* A child starts with the peak of the process that made it: a figure that is not above ours may be ours. */
static uint32_t may_be_our_peak(const proc_usage *usage)
{
    struct rusage self;
    if (getrusage(RUSAGE_SELF, &self) < 0)
        return 1;
    return usage->max_rss_bytes <= (int64_t)self.ru_maxrss * 1024 ? 1 : 0;
}

int proc_child_usage(const proc_child *child, proc_usage *ret_usage)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    if (!ret_usage)
        return -EINVAL;
    pthread_mutex_t *lock = (pthread_mutex_t *)&child->lock;
    pthread_mutex_lock(lock);
    if (!child->ended)
        rc = -EAGAIN;
    else if (!child->usage_known)
        rc = -ENODATA;
    else
        *ret_usage = child->usage;
    pthread_mutex_unlock(lock);
    if (rc == 0)
        ret_usage->max_rss_inherited = may_be_our_peak(ret_usage);
    return rc;
}

int proc_detach(proc_child *child)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&child->lock);
    child->detached = 1;
    pthread_mutex_unlock(&child->lock);
    return 0;
}
