/* SPDX-License-Identifier: MIT */
/*
 * Children by their handles: moves their bytes until they end, then drains what they left, tells, and reaps. Owns
 * nothing: pidfd and streams are the handle's, whose free ends the watch.
 *
 *   running     pidfd and pump descriptor are in the epoll set
 *   ended       the pidfd is out of it, since it would be readable for ever; the pump goes on as long as drain_ms runs
 *   told        nothing is in it; the handle may be freed by the callback, or be reaped behind it
 */
#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>

#include "../child/handle.h"

static void unpoll_end(proc_watch *watch)
{
    if (watch->as.child.polled)
        proc__watch_unpoll(watch, watch->as.child.child->pidfd);
    watch->as.child.polled = 0;
}

static void unpoll_pump(proc_watch *watch)
{
    if (watch->as.child.pump_fd >= 0)
        proc__watch_unpoll(watch, watch->as.child.pump_fd);
    watch->as.child.pump_fd = -1;
}

static int tell_of_child(proc_watch *watch, const proc_exit *ended)
{
    proc_loop *loop = watch->loop;
    const struct watch_ref self = watch->self;
    unpoll_end(watch);
    unpoll_pump(watch);
    proc__watch_rest(watch);
    loop->calls++;
    int rc = proc__loop_answer(loop, watch->as.child.call(watch, watch->as.child.child, ended, watch->user));
    watch = proc__watch_find(loop, self);
    if (!watch)
        return rc;
    if (watch->as.child.child)
        (void)proc__child_look(watch->as.child.child);
    proc__watch_finish(watch);
    return rc;
}

/*
 * It seems to have ended. A debugger may come first, another thread may be moving its bytes, a descendant may hold an
 * output: then this is tried again.
 */
static int go_on_to_the_end(proc_watch *watch)
{
    proc_loop *loop = watch->loop;
    proc_child *child = watch->as.child.child;
    const struct watch_ref self = watch->self;
    deadline again = proc__deadline_in(LOOK_AGAIN_MS);
    proc_exit ended;
    int rc = proc__child_peek(child, &ended);
    unpoll_end(watch);
    if (rc == 0)
        rc = proc__child_drain(child, &again);
    /* Draining calls functions of the caller. */
    const int answer = proc__loop_answer(loop, 0);
    if (answer < 0 || proc__watch_find(loop, self) != watch || !watch->live)
        return answer;
    if (rc == 0)
        return tell_of_child(watch, &ended);
    if (rc != -ETIMEDOUT && rc != -EBUSY)
        return rc;
    proc__watch_set_due(watch, again);
    return 0;
}

static int move_bytes(proc_watch *watch)
{
    proc_loop *loop = watch->loop;
    proc_child *child = watch->as.child.child;
    const struct watch_ref self = watch->self;
    int rc = proc__child_move(child);
    /* So does moving. */
    const int answer = proc__loop_answer(loop, 0);
    if (answer < 0 || proc__watch_find(loop, self) != watch || !watch->live)
        return answer;
    if (rc == 0)
        unpoll_pump(watch);
    if (rc >= 0)
        return watch->as.child.polled ? 0 : go_on_to_the_end(watch);
    /* Another thread is moving them: not to be asked at once again. */
    (void)proc__watch_poll_again(watch, watch->as.child.pump_fd, 0, 1);
    proc__watch_set_due(watch, proc__deadline_in(LOOK_AGAIN_MS));
    return 0;
}

static int child_is_ready(proc_watch *watch, uint32_t events, int second)
{
    (void)events;
    return second ? move_bytes(watch) : go_on_to_the_end(watch);
}

static int look_again(proc_watch *watch)
{
    if (watch->as.child.pump_fd >= 0)
        (void)proc__watch_poll_again(watch, watch->as.child.pump_fd, EPOLLIN, 1);
    return watch->as.child.polled ? 0 : go_on_to_the_end(watch);
}

static void end_child(proc_watch *watch, int is_copy)
{
    if (!watch->as.child.child)
        return;
    if (!is_copy) {
        unpoll_end(watch);
        unpoll_pump(watch);
    }
    proc__child_unwatch(watch->as.child.child);
    watch->as.child.child = NULL;
}

static void handle_is_freed(void *arg)
{
    proc__watch_finish(arg);
}

static const struct watch_kind child_kind = {.urgent = 1, .ready = child_is_ready, .due = look_again, .end = end_child};

static int poll_both(proc_watch *watch)
{
    proc_child *child = watch->as.child.child;
    int rc = proc__watch_poll(watch, child->pidfd, EPOLLIN, 0);
    if (rc < 0)
        return rc;
    watch->as.child.polled = 1;
    if (proc__child_moving(child) == 0)
        return 0;
    int pump_fd = proc_pump_fd(child);
    if (pump_fd < 0)
        return pump_fd;
    rc = proc__watch_poll(watch, pump_fd, EPOLLIN, 1);
    if (rc == 0)
        watch->as.child.pump_fd = pump_fd;
    return rc;
}

int proc_loop_child(proc_loop *loop, proc_child *child, proc_on_exit call, void *user, proc_watch **ret_watch)
{
    proc_watch *watch;
    int rc = call ? proc__child_check(child) : -EINVAL;
    if (rc == 0)
        rc = proc__watch_new(loop, &child_kind, user, &watch);
    if (rc != 0)
        return rc;
    watch->as.child.call = call;
    watch->as.child.pump_fd = -1;
    watch->as.child.watcher = (struct child_watcher){handle_is_freed, watch};
    rc = proc__child_watch(child, &watch->as.child.watcher);
    if (rc == 0) {
        watch->as.child.child = child;
        rc = poll_both(watch);
    }
    return rc < 0 ? proc__watch_undo(watch, rc) : proc__watch_give(watch, ret_watch);
}
