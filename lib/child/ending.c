/* SPDX-License-Identifier: MIT */
/*
 * Seeing the end of a child, and finding out how it was. Whoever sees it first, in any thread, reaps the child under
 * the handle's lock and records its status; everybody else reads the record. Owns nothing.
 */
#include "handle.h"

#include <errno.h>
#include <poll.h>

#include "../base/pidfd.h"
#include "../base/probe.h"

/* For what the kernel does at once; only so that no surprise of it can hang us. */
#define PATIENCE_MS 1000

/*
 * Not ours to reap: SIGCHLD is ignored, or somebody waited for just any child. The kernel may still know. It has the
 * status ready when it reports POLLHUP, which can be a moment after the process is gone for waitid(2).
 */
static proc_exit status_after_a_thief(int pidfd)
{
    proc_exit ended = {.kind = PROC_LOST};
    if (proc__pidfd_exit_info(pidfd, &ended) == -EAGAIN) {
        struct pollfd hangup = {.fd = pidfd};
        proc__poll(&hangup, 1, proc__deadline_in(PATIENCE_MS));
        proc__pidfd_exit_info(pidfd, &ended);
    }
    return ended;
}

#define REAPER_MS 5000

/*
 * Of one that is no child of ours: its end is told by its pidfd, but how it was only when its parent has reaped it. Not
 * every one does that, and then the wait has to end as well.
 */
static int look_at_orphan(proc_child *child)
{
    if (!child->reaped_end && !proc__pidfd_has_ended(child->pidfd))
        return -ETIMEDOUT;
    if (!child->reaped_end)
        child->reaped_end = proc__deadline_in(proc__probe_exit_info() != 0 ? REAPER_MS : 0);
    proc_exit ended = {.kind = PROC_LOST};
    if (proc__pidfd_exit_info(child->pidfd, &ended) == -EAGAIN && !proc__deadline_passed(child->reaped_end))
        return -ETIMEDOUT;
    child->exit = ended;
    child->ended = 1;
    return 0;
}

deadline proc__child_reaped_end(proc_child *child)
{
    pthread_mutex_lock(&child->lock);
    deadline end = child->ended ? 0 : child->reaped_end;
    pthread_mutex_unlock(&child->lock);
    return end;
}

static int look_locked(proc_child *child)
{
    if (child->ended)
        return 0;
    int rc = proc__pidfd_reap(child->pidfd, &child->exit, &child->usage);
    if (rc == 0)
        return -ETIMEDOUT;
    if (rc == -ECHILD && child->is_orphan)
        return look_at_orphan(child);
    /* Running and yet no child of ours: we are a copy of the program, in a pid namespace where it has the same pid. */
    if (rc < 0 && (rc != -ECHILD || !proc__pidfd_has_ended(child->pidfd)))
        return rc;
    if (rc == -ECHILD)
        child->exit = status_after_a_thief(child->pidfd);
    child->usage_known = rc == 1;
    child->ended = 1;
    return 0;
}

int proc__child_look(proc_child *child)
{
    int cancellable;
    /* A thread that is cancelled in there would keep the lock for ever. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    pthread_mutex_lock(&child->lock);
    int rc = look_locked(child);
    pthread_mutex_unlock(&child->lock);
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}

/*
 * Looks again after a nap where the pidfd does not tell when: it is readable and yet there is nothing to reap, because
 * a debugger that traces the child comes first; or poll(2) itself has failed, and the end of a wait must not depend on
 * it.
 */
int proc__child_wait_until(proc_child *child, deadline when)
{
    for (;;) {
        struct pollfd end = {.fd = child->pidfd, .events = POLLIN};
        if (proc__poll(&end, 1, when) == 0)
            return -ETIMEDOUT;
        int rc = proc__child_look(child);
        if (rc != -ETIMEDOUT || proc__nap(when) < 0)
            return rc;
    }
}
