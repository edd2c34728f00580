/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the end of children, and finding out how it was. Whoever sees the end first, in any thread, reaps the
 * child under the handle's lock and records its status; everybody else reads the record.
 */
#include "handle.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "../base/pidfd.h"

/* For what the kernel does at once; only so that no surprise of it can hang us. */
#define PATIENCE_MS 1000

/* ---- How it ended ---- */

/*
 * Not ours to reap: SIGCHLD is ignored, or somebody waited for just any child. The kernel may still know. It has the
 * status ready when it reports POLLHUP, which can be a moment after the process is gone for waitid(2).
 */
static proc_exit status_after_a_thief(int pidfd)
{
    proc_exit ended = {.kind = PROC_LOST};
    if (proc__pidfd_exit_info(pidfd, &ended) == -EAGAIN) {
        struct pollfd hangup = {.fd = pidfd};
        int cancellable;
        /* A thread that is cancelled here would keep the handle's lock for ever. */
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
        proc__poll(&hangup, 1, proc__deadline_in(PATIENCE_MS));
        pthread_setcancelstate(cancellable, NULL);
        proc__pidfd_exit_info(pidfd, &ended);
    }
    return ended;
}

static int look_locked(proc_child *child)
{
    if (child->ended)
        return 0;
    int rc = proc__pidfd_reap(child->pidfd, &child->exit, &child->usage);
    if (rc == 0)
        return -ETIMEDOUT;
    if (rc < 0 && rc != -ECHILD)
        return rc;
    if (rc == -ECHILD)
        child->exit = status_after_a_thief(child->pidfd);
    child->usage_known = rc == 1;
    child->ended = 1;
    return 0;
}

int proc__child_look(proc_child *child)
{
    pthread_mutex_lock(&child->lock);
    int rc = look_locked(child);
    pthread_mutex_unlock(&child->lock);
    return rc;
}

/* ---- Waiting ---- */

/*
 * Looks again after a nap where the pidfd does not tell when: it is readable and yet there is nothing to reap, because a
 * debugger that traces the child comes first; or poll(2) itself has failed, and a wait that ends must not depend on it.
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

int proc_wait(proc_child *child, int timeout_ms, proc_exit *ret_exit)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    if (timeout_ms < -1)
        return -EINVAL;
    proc__child_sweep();
    rc = proc__child_wait_until(child, proc__deadline_in(timeout_ms));
    if (rc == 0 && ret_exit)
        *ret_exit = child->exit;
    return rc;
}

/* The first whose pidfd may be readable and that has really ended: 0; -ETIMEDOUT: none has; or another negative errno. */
static int find_ended(proc_child *const children[], const struct pollfd *ends, size_t count, size_t *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (!ends[i].revents)
            continue;
        int rc = proc__child_look(children[i]);
        if (rc == 0)
            *ret_index = i;
        if (rc != -ETIMEDOUT)
            return rc;
    }
    return -ETIMEDOUT;
}

static int wait_any_until(proc_child *const children[], struct pollfd *ends, size_t count, deadline when,
                          size_t *ret_index)
{
    for (;;) {
        int ready = proc__poll(ends, count, when);
        if (ready == 0)
            return -ETIMEDOUT;
        for (size_t i = 0; ready < 0 && i < count; i++)
            ends[i].revents = POLLIN;
        int rc = find_ended(children, ends, count, ret_index);
        if (rc != -ETIMEDOUT || proc__nap(when) < 0)
            return rc;
    }
}

int proc_wait_any(proc_child *const children[], size_t count, int timeout_ms, size_t *ret_index)
{
    if (!children || count == 0 || timeout_ms < -1)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        int rc = proc__child_check(children[i]);
        if (rc < 0)
            return rc;
    }
    deadline when = proc__deadline_in(timeout_ms);
    proc__child_sweep();
    struct pollfd *ends = calloc(count, sizeof *ends);
    if (!ends)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        ends[i] = (struct pollfd){.fd = children[i]->pidfd, .events = POLLIN};
    size_t index = 0;
    int rc;
    pthread_cleanup_push(free, ends);
    rc = wait_any_until(children, ends, count, when, &index);
    pthread_cleanup_pop(1);
    if (rc == 0 && ret_index)
        *ret_index = index;
    return rc;
}
