/* SPDX-License-Identifier: MIT */
/*
 * Signals to a child or its group, or to several children, never to a stranger: through the pidfd, or under the lock
 * while the child is certainly not reaped. Owns nothing.
 */
#include "handle.h"

#include <errno.h>
#include <unistd.h>

#include "../base/pidfd.h"
#include "tree.h"

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

int proc__child_signal(proc_child *child, int signal, int scope)
{
    int rc = -ESRCH;
    pthread_mutex_lock(&child->lock);
    if (!child->ended)
        rc = proc__pidfd_signal(child->pidfd, signal, scope == PROC_GROUP ? SIGNAL_PROCESS_GROUP : 0);
    if (is_missing(rc))
        rc = signal_by_number(child, signal, scope);
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
    if (scope == PROC_GROUP && getpgid(child->pid) != child->pid)
        rc = proc__child_signal(child, signal, PROC_ONE);
    return rc;
}

/* 1: a signal to the group of the stage that it has joined is one to it. */
static int is_in_joined_group(const proc_child *child)
{
    return child->joined > 0 && getpgid(child->pid) == child->joined;
}

/*
 * Who leads a group comes before who joins it, and stands for the group also after its own end. Who has ended in the
 * meantime is no failure: the wait will tell.
 */
int proc__crew_signal(const struct crew *crew, int signal, int scope)
{
    int failure = 0, reached = 0, group_reached = 0;
    for (size_t i = 0; i < crew->count; i++) {
        proc_child *child = crew->children[i];
        int is_for_group = scope == PROC_GROUP && child->leads_group;
        /* Of one child alone it is for the pid to tell: another thread may be taking it to its end. */
        int is_over = crew->count > 1 && child->seen_ended;
        if ((is_over && !is_for_group) || (group_reached && is_in_joined_group(child)))
            continue;
        int rc = proc__child_signal_to_end(child, signal, is_for_group ? PROC_GROUP : PROC_ONE);
        group_reached |= is_for_group && rc == 0;
        reached |= rc == 0 || rc == -ESRCH;
        failure = failure ? failure : rc;
    }
    return reached ? 0 : failure;
}

int proc_kill(proc_child *child, int signal, int scope)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    if (signal < 0 || signal > LAST_SIGNAL)
        return -EINVAL;
    if (scope == PROC_TREE)
        return proc__child_signal_tree(child, signal);
    if (scope != PROC_ONE && (scope != PROC_GROUP || !child->leads_group))
        return -EINVAL;
    return proc__child_signal(child, signal, scope);
}
