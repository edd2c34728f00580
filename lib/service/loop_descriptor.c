/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of the caller, and calls that are deferred. What epoll(7) refuses because it is always ready has a turn
 * in the queue in each round instead. Owns nothing.
 */
#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>

#define READY_TO_MOVE (EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM)
#define LEVEL_TRIGGERED \
    (READY_TO_MOVE | EPOLLPRI | EPOLLRDBAND | EPOLLWRBAND | EPOLLMSG | EPOLLRDHUP | EPOLLERR | EPOLLHUP)

/* ---- Descriptors ---- */

static int descriptor_is_ready(proc_watch *watch, uint32_t events, int second)
{
    (void)second;
    /* What it is watched for may have changed since the event was fetched. */
    events &= watch->as.descriptor.events | EPOLLERR | EPOLLHUP;
    if (!events)
        return 0;
    proc_loop *loop = watch->loop;
    loop->calls++;
    return proc__loop_answer(loop, watch->as.descriptor.call(watch, watch->as.descriptor.fd, events, watch->user));
}

static int descriptor_is_always_ready(proc_watch *watch)
{
    const uint32_t events = watch->as.descriptor.events & READY_TO_MOVE;
    proc__watch_queue(watch);
    return descriptor_is_ready(watch, events, 0);
}

static void queue_if_always_ready(proc_watch *watch)
{
    if (watch->as.descriptor.events & READY_TO_MOVE)
        proc__watch_queue(watch);
    else
        proc__watch_unqueue(watch);
}

static void end_descriptor(proc_watch *watch, int is_copy)
{
    if (!watch->as.descriptor.always && !is_copy)
        proc__watch_unpoll(watch, watch->as.descriptor.fd);
}

static const struct watch_kind descriptor_kind = {
    .ready = descriptor_is_ready, .turn = descriptor_is_always_ready, .end = end_descriptor};

static int poll_first(proc_watch *watch)
{
    int rc = proc__watch_poll(watch, watch->as.descriptor.fd, watch->as.descriptor.events, 0);
    watch->as.descriptor.always = rc < 0;
    if (rc != -EPERM)
        return rc;
    queue_if_always_ready(watch);
    return 0;
}

int proc_loop_descriptor(proc_loop *loop, int fd, uint32_t events, proc_on_fd call, void *user, proc_watch **ret_watch)
{
    proc_watch *watch;
    if (!call || events & ~(uint32_t)LEVEL_TRIGGERED)
        return -EINVAL;
    int rc = proc__watch_new(loop, &descriptor_kind, user, &watch);
    if (rc < 0)
        return rc;
    watch->as.descriptor.call = call;
    watch->as.descriptor.fd = fd;
    watch->as.descriptor.events = events;
    rc = poll_first(watch);
    return rc < 0 ? proc__watch_undo(watch, rc) : proc__watch_give(watch, ret_watch);
}

int proc_watch_set_events(proc_watch *watch, uint32_t events)
{
    if (!watch || watch->kind != &descriptor_kind || events & ~(uint32_t)LEVEL_TRIGGERED)
        return -EINVAL;
    int rc = proc__loop_check(watch->loop);
    if (rc == 0 && !watch->as.descriptor.always)
        rc = proc__watch_poll_again(watch, watch->as.descriptor.fd, events, 0);
    if (rc < 0)
        return rc;
    watch->as.descriptor.events = events;
    if (watch->as.descriptor.always)
        queue_if_always_ready(watch);
    return 0;
}

/* ---- Deferred calls ---- */

static int call_deferred(proc_watch *watch)
{
    proc_loop *loop = watch->loop;
    const struct watch_ref self = watch->self;
    proc__watch_rest(watch);
    loop->calls++;
    int rc = proc__loop_answer(loop, watch->as.deferred.call(watch, watch->user));
    watch = proc__watch_find(loop, self);
    if (watch)
        proc__watch_finish(watch);
    return rc;
}

static const struct watch_kind deferred_kind = {.turn = call_deferred};

int proc_loop_defer(proc_loop *loop, proc_on_call call, void *user, proc_watch **ret_watch)
{
    proc_watch *watch;
    if (!call)
        return -EINVAL;
    int rc = proc__watch_new(loop, &deferred_kind, user, &watch);
    if (rc < 0)
        return rc;
    watch->as.deferred.call = call;
    proc__watch_queue(watch);
    return proc__watch_give(watch, ret_watch);
}
