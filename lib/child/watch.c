/* SPDX-License-Identifier: MIT */
/* A handle that is watched by a loop: tells it when it is freed, and goes towards its end without waiting. */
#include "watch.h"

#include <errno.h>

#include "../base/pidfd.h"
#include "handle.h"
#include "pump.h"

int proc__child_watch(proc_child *child, struct child_watcher *watcher)
{
    struct child_watcher *nobody = NULL;
    return atomic_compare_exchange_strong(&child->watcher, &nobody, watcher) ? 0 : -EBUSY;
}

void proc__child_unwatch(proc_child *child)
{
    atomic_store(&child->watcher, NULL);
}

void proc__child_tell_watcher(proc_child *child)
{
    struct child_watcher *watcher = atomic_exchange(&child->watcher, NULL);
    if (watcher)
        watcher->gone(watcher->arg);
}

int proc__child_moving(proc_child *child)
{
    int count = 0;
    pthread_mutex_lock(&child->lock);
    for (size_t i = 0; i < child->stream_count; i++)
        count += proc__stream_is_moving(&child->streams[i]);
    pthread_mutex_unlock(&child->lock);
    return count;
}

int proc__child_move(proc_child *child)
{
    int rc = proc__pump_enter(child);
    if (rc < 0)
        return rc;
    proc__pump_round(ALONE(child), proc__deadline_in(0), 0);
    rc = proc__child_moving(child);
    proc__pump_leave(child);
    return rc;
}

int proc__child_peek(proc_child *child, proc_exit *ret_exit)
{
    int rc = proc__pidfd_peek(child->pidfd, ret_exit);
    if (rc >= 0)
        return rc == 1 ? 0 : -ETIMEDOUT;
    /* Reaped: by another call on the handle, which has recorded how, or by a stranger. */
    rc = proc__child_look(child);
    if (rc == 0)
        *ret_exit = child->exit;
    return rc;
}

int proc__child_drain(proc_child *child, deadline *ret_until)
{
    int rc = proc__pump_enter(child);
    if (rc < 0)
        return rc;
    if (child->drain_until == 0) {
        child->drain_until = proc__deadline_in(child->drain_ms);
        proc__pump_note_due(ALONE(child));
    }
    proc__pump_move_due(ALONE(child));
    if (proc__pump_outputs_open(ALONE(child)) > 0 && !proc__deadline_passed(child->drain_until)) {
        *ret_until = child->drain_until;
        rc = -ETIMEDOUT;
    }
    proc__pump_leave(child);
    return rc;
}
