/* SPDX-License-Identifier: MIT */
/*
 * The loop itself: rounds over what is ready, one in the other if a callback wants that, until told to quit or nothing
 * is left. Owns the epoll set and the timerfd. Knows no kind of watch.
 *
 * A round that ends early loses nothing: descriptors are watched level-triggered, timers leave the heap and watches the
 * queue only when they are called.
 */
#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "../base/fd.h"

/* Events that are fetched at once: 3 KiB of the stack in each round. */
#define EVENTS 256

int proc__loop_is_copy(const proc_loop *loop)
{
    return proc__origin_is_another(&loop->origin);
}

int proc__loop_check(const proc_loop *loop)
{
    if (!loop || loop->doomed)
        return -EINVAL;
    return proc__loop_is_copy(loop) ? -ECHILD : 0;
}

int proc__loop_stops(const proc_loop *loop)
{
    return loop->quitting || loop->doomed;
}

int proc__loop_answer(const proc_loop *loop, int rc)
{
    return proc__loop_is_copy(loop) ? -ECHILD : rc;
}

/* ---- Making and ending ---- */

static int make_descriptors(proc_loop *loop)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    loop->epoll_fd = fd < 0 ? -errno : proc__fd_above_stdio(fd);
    if (loop->epoll_fd < 0)
        return loop->epoll_fd;
    fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    loop->timer_fd = fd < 0 ? -errno : proc__fd_above_stdio(fd);
    if (loop->timer_fd < 0)
        return loop->timer_fd;
    struct epoll_event ring = {.events = EPOLLIN, .data.u64 = TIMER_DATA};
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timer_fd, &ring) < 0 ? -errno : 0;
}

int proc_loop_new(proc_loop **ret_loop)
{
    if (!ret_loop)
        return -EINVAL;
    proc_loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return -ENOMEM;
    proc__origin_take(&loop->origin);
    loop->epoll_fd = loop->timer_fd = -1;
    loop->free_slot = NO_SLOT;
    loop->armed = DEADLINE_NEVER;
    int rc = make_descriptors(loop);
    if (rc < 0) {
        proc_loop_free(loop);
        return rc;
    }
    *ret_loop = loop;
    return 0;
}

int proc_loop_fd(const proc_loop *loop)
{
    return loop ? loop->epoll_fd : -EINVAL;
}

static void release_loop(proc_loop *loop)
{
    proc__watch_discard_all(loop);
    proc__fd_close(&loop->timer_fd);
    proc__fd_close(&loop->epoll_fd);
    proc__origin_drop(&loop->origin);
    free(loop->slots);
    free(loop->heap);
    free(loop);
}

/* In a callback the rounds under way still need the memory: they stop, and the outermost releases it. */
proc_loop *proc_loop_free(proc_loop *loop)
{
    if (!loop || loop->doomed)
        return NULL;
    if (loop->depth == 0) {
        release_loop(loop);
        return NULL;
    }
    proc__watch_retire_all(loop);
    loop->doomed = 1;
    return NULL;
}

void proc_loop_quit(proc_loop *loop, int code)
{
    if (!loop)
        return;
    loop->quitting = 1;
    loop->quit_code = code > 0 ? code : 0;
}

/* ---- A round ---- */

/* How many, 0 = none in time or a signal came in between, or a negative errno. The only place where a loop sleeps. */
static int fetch(proc_loop *loop, struct epoll_event events[EVENTS], deadline until)
{
    int timeout = loop->first ? 0 : proc__deadline_ms(until);
    if (timeout != 0) {
        int rc = proc__timers_arm(loop);
        if (rc < 0)
            return rc;
    }
    int count = epoll_wait(loop->epoll_fd, events, EVENTS, timeout);
    return count < 0 && errno != EINTR ? -errno : count < 0 ? 0 : count;
}

static int serve(proc_loop *loop, const struct epoll_event *event, uint64_t round, int urgent)
{
    int second;
    proc_watch *watch = proc__watch_of_event(loop, event->data.u64, &second);
    /* Freed; or a nested round, which is younger than this event, has dealt with it. */
    if (!watch || !watch->live || watch->served > round || (watch->kind->urgent && !second) != urgent)
        return 0;
    watch->served = round;
    return watch->kind->ready(watch, event->events, second);
}

static int serve_all(proc_loop *loop, const struct epoll_event *events, int count, uint64_t round)
{
    int rc = 0;
    for (int urgent = 1; urgent >= 0; urgent--) {
        for (int i = 0; i < count && rc >= 0 && !proc__loop_stops(loop); i++) {
            if (events[i].data.u64 != TIMER_DATA)
                rc = serve(loop, &events[i], round, urgent);
            else
                loop->rang = 1;
        }
    }
    return rc;
}

/* Those that waited when the round came to the queue. */
static int serve_queue(proc_loop *loop)
{
    const uint64_t later = loop->orders;
    int rc = 0;
    while (rc >= 0 && !proc__loop_stops(loop) && loop->first && loop->first->turn_order < later) {
        proc_watch *watch = loop->first;
        proc__watch_unqueue(watch);
        rc = watch->kind->turn(watch);
    }
    return rc;
}

static int round_once(proc_loop *loop, deadline until)
{
    struct epoll_event events[EVENTS];
    int count = fetch(loop, events, until), cancellable;
    if (count < 0)
        return count;
    /* A thread that is cancelled in a callback would leave the round open for ever. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    loop->depth++;
    int rc = serve_all(loop, events, count, ++loop->round);
    if (rc >= 0 && loop->heap_count > 0)
        rc = proc__timers_run(loop, proc__now_ns());
    if (rc >= 0)
        rc = serve_queue(loop);
    loop->depth--;
    pthread_setcancelstate(cancellable, NULL);
    return rc < 0 ? rc : 0;
}

/* Leaves the loop so that its descriptor tells whether there is more to do. rc, or that the loop is gone. */
static int leave(proc_loop *loop, int rc)
{
    if (loop->depth > 0)
        return loop->doomed ? -ECANCELED : rc;
    if (loop->doomed) {
        release_loop(loop);
        return -ECANCELED;
    }
    /* The timer of a copy is ours. */
    int armed = rc == -ECHILD && proc__loop_is_copy(loop) ? 0 : proc__timers_arm(loop);
    return rc >= 0 && armed < 0 ? armed : rc;
}

int proc_loop_dispatch(proc_loop *loop, int timeout_ms)
{
    int rc = proc__loop_check(loop);
    if (rc < 0 || timeout_ms < -1)
        return rc < 0 ? rc : -EINVAL;
    const deadline until = proc__deadline_in(timeout_ms);
    const uint64_t calls = loop->calls;
    int is_over = proc__loop_stops(loop);
    while (rc == 0 && loop->calls == calls && !is_over) {
        rc = round_once(loop, until);
        is_over = proc__loop_stops(loop) || proc__deadline_passed(until);
    }
    return leave(loop, rc < 0 ? rc : (int)(loop->calls - calls));
}

int proc_loop_run(proc_loop *loop)
{
    int rc = proc__loop_check(loop);
    if (rc < 0)
        return rc;
    while (rc == 0 && !proc__loop_stops(loop) && loop->live > 0)
        rc = round_once(loop, DEADLINE_NEVER);
    if (rc == 0 && loop->quitting) {
        loop->quitting = 0;
        rc = loop->quit_code;
    }
    return leave(loop, rc);
}
