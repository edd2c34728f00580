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
    if (scope != PROC_GROUP || (rc != -ENOTSUP && getpgid(child->pid) == child->pid))
        return rc < 0 ? rc : scope;
    int alone = proc__child_signal(child, signal, PROC_ONE);
    return rc == 0 && (alone == 0 || alone == -ESRCH) ? PROC_GROUP : alone;
}

/* 1: a signal to the group of the stage that it has joined is one to it. */
static int is_in_joined_group(const proc_child *child)
{
    return child->joined > 0 && getpgid(child->pid) == child->joined;
}

/* One signal on its way to all. */
struct call_to_all {
    int signal, scope;
    int reached;       /* 1: somebody was sent it, or has ended in the meantime: the wait will tell */
    int group_reached; /* 1: so was a group */
    int failure;       /* the first negative errno */
};

static int goes_to_group(const struct call_to_all *call, const proc_child *child)
{
    return child->leads_group && call->scope == PROC_GROUP;
}

static void signal_child(struct call_to_all *call, proc_child *child)
{
    int to_group = goes_to_group(call, child);
    int rc = proc__child_signal_to_end(child, call->signal, to_group ? PROC_GROUP : PROC_ONE);
    call->group_reached |= rc == PROC_GROUP;
    call->reached |= rc >= 0 || rc == -ESRCH;
    call->failure = call->failure || rc >= 0 ? call->failure : rc;
}

/*
 * Groups come first, and stand for all who are in them, also after their leader's own end. Then the last one comes
 * first: it must not take the death of the one before for the end of its input.
 */
int proc__crew_signal(const struct crew *crew, int signal, int scope)
{
    struct call_to_all call = {.signal = signal, .scope = scope};
    for (size_t i = 0; i < crew->count; i++)
        if (goes_to_group(&call, crew->children[i]))
            signal_child(&call, crew->children[i]);
    for (size_t i = crew->count; i-- > 0;) {
        proc_child *child = crew->children[i];
        int has_been = goes_to_group(&call, child) || (call.group_reached && is_in_joined_group(child));
        /* Of one child alone it is for the pidfd to tell: another thread may be taking it to its end. */
        int is_over = crew->count > 1 && child->seen_ended;
        if (!is_over && !has_been)
            signal_child(&call, child);
    }
    if (!call.reached)
        return call.failure;
    return call.group_reached ? PROC_GROUP : PROC_ONE;
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
