/* SPDX-License-Identifier: MIT */
/*
 * Signals to a child or its group, never to a stranger: through the pidfd, or under the lock while the child is
 * certainly not reaped. Owns nothing.
 */
#include "handle.h"

#include <errno.h>
#include <unistd.h>

#include "../base/pidfd.h"

/* A kernel or an emulator without the call or the flag, or a filter against it. A true EPERM comes from kill(2) too. */
static int is_missing(int rc)
{
    return rc == -ENOSYS || rc == -EINVAL || rc == -EPERM;
}

/*
 * kill(2) takes a number, which is free for others once the child is reaped. Under the lock we do not reap it, and the
 * kernel has just told that nobody else has.
 */
static int signal_by_number(proc_child *child, int signal, int scope)
{
    int rc = proc__pidfd_is_child(child->pidfd);
    if (rc == 0 && kill(scope == PROC_GROUP ? -child->pid : child->pid, signal) < 0)
        rc = -errno;
    return rc == -ECHILD ? -ESRCH : rc;
}

/* Its reaper may free an orphan's number at any time: where the flag is missing, or denied, there is no other way. */
static int judge_group_refusal(const proc_child *child, int rc)
{
    int is_denied = rc == -EPERM && proc__pidfd_signal(child->pidfd, 0, 0) == 0;
    return rc == -EINVAL || is_denied ? -ENOTSUP : rc;
}

int proc__child_signal(proc_child *child, int signal, int scope)
{
    int rc = -ESRCH;
    pthread_mutex_lock(&child->lock);
    if (!child->ended)
        rc = proc__pidfd_signal(child->pidfd, signal, scope == PROC_GROUP ? SIGNAL_PROCESS_GROUP : 0);
    if (is_missing(rc) && !child->is_orphan)
        rc = signal_by_number(child, signal, scope);
    if (rc < 0 && child->is_orphan && scope == PROC_GROUP)
        rc = judge_group_refusal(child, rc);
    pthread_mutex_unlock(&child->lock);
    return rc;
}

/*
 * A job-controlling program may move itself from the group that it led into an older one. The pid is asked about by its
 * number, so a thief may have freed it and the answer be a stranger's: then the pidfd finds nobody.
 */
int proc__child_signal_to_end(proc_child *child, int signal, int scope)
{
    int rc = proc__child_signal(child, signal, scope);
    if (rc == -ENOTSUP || (scope == PROC_GROUP && getpgid(child->pid) != child->pid))
        rc = proc__child_signal(child, signal, PROC_ONE);
    return rc;
}

int proc_kill(proc_child *child, int signal, int scope)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    if (signal < 0 || signal > LAST_SIGNAL)
        return -EINVAL;
    if (scope == PROC_TREE)
        return -ENOTSUP;
    if (scope != PROC_ONE && (scope != PROC_GROUP || !child->leads_group))
        return -EINVAL;
    return proc__child_signal(child, signal, scope);
}
