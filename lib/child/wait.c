/* SPDX-License-Identifier: MIT */
/* The waits: for one child, its end or a stop, and for the first of a few. Owns nothing that outlives the call. */
#include "handle.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "../base/pidfd.h"

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

/* ---- Its end, or a stop ---- */

#define STOP_LOOK_MS 10

/*
 * 0: it has ended; 1: it is stopped; -ETIMEDOUT: it runs; or another negative errno. Its end is only looked at: reaped,
 * the leader of a job could not be told to go on with the group that it leads.
 */
static int look_for_both(proc_child *child, int *ret_signal)
{
    proc_exit unused;
    int rc = proc__pidfd_peek(child->pidfd, &unused);
    if (rc < 0) /* reaped already */
        return proc__child_look(child);
    if (rc == 1)
        return 0;
    return proc__pidfd_peek_stop(child->pidfd, ret_signal) == 1 ? 1 : -ETIMEDOUT;
}

/*
 * 1: something has happened; 0: it is time to look. No descriptor tells of a stop, and waitid(2) knows no time: so
 * either the one or the other.
 */
static int wait_for_both(const proc_child *child, deadline when)
{
    if (when == DEADLINE_NEVER) {
        proc__pidfd_await_change(child->pidfd);
        return 1;
    }
    struct pollfd end = {.fd = child->pidfd, .events = POLLIN};
    return proc__poll(&end, 1, proc__deadline_min(when, proc__deadline_in(STOP_LOOK_MS))) != 0;
}

int proc_wait_stopped(proc_child *child, int timeout_ms, int *ret_signal)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    if (timeout_ms < -1)
        return -EINVAL;
    deadline when = proc__deadline_in(timeout_ms);
    int signal = 0, told = 0;
    while ((rc = look_for_both(child, &signal)) == -ETIMEDOUT) {
        /* A tracer comes first, or a signal to us has ended the wait: no reason to spin. */
        if (proc__deadline_passed(when) || (told && proc__nap(when) < 0))
            return -ETIMEDOUT;
        told = wait_for_both(child, when);
    }
    if (rc == 1 && ret_signal)
        *ret_signal = signal;
    return rc;
}

/* ---- The end of one of a few ---- */

/* The first whose pidfd may be readable and that has ended: 0; -ETIMEDOUT: none has; or another negative errno. */
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
