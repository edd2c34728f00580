/* SPDX-License-Identifier: MIT */
/*
 * Time: a binary heap of the watches that are due at some moment, and the one timerfd that rings for the first of them.
 * It also rings at once while a watch waits for its turn, so that the descriptor of the loop is readable then.
 *
 * The timer may ring too early, and then finds nothing to do: a timeout that is put off again and again costs no system
 * call but one each time the old moment passes.
 */
#include "loop.h"

#include <errno.h>
#include <sys/timerfd.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
/* A moment that has certainly passed; 0 would stop the timerfd. */
#define AT_ONCE 1
/* As far as a time_t of 32 bits counts, in which a later moment would be a past one: the timer rings too early then. */
#define FAR_S INT32_MAX

/* ---- The heap ---- */

static int comes_before(const proc_watch *a, const proc_watch *b)
{
    return a->due < b->due || (a->due == b->due && a->due_order < b->due_order);
}

static void put_at(proc_loop *loop, size_t place, proc_watch *watch)
{
    loop->heap[place - 1] = watch;
    watch->heap_at = place;
}

/* Finds the place of a watch that belongs at `place` or above. */
static void lift(proc_loop *loop, size_t place, proc_watch *watch)
{
    for (; place > 1 && comes_before(watch, loop->heap[place / 2 - 1]); place /= 2)
        put_at(loop, place, loop->heap[place / 2 - 1]);
    put_at(loop, place, watch);
}

/* The same at `place` or below. */
static void sink(proc_loop *loop, size_t place, proc_watch *watch)
{
    for (size_t child; (child = 2 * place) <= loop->heap_count; place = child) {
        if (child < loop->heap_count && comes_before(loop->heap[child], loop->heap[child - 1]))
            child++;
        if (!comes_before(loop->heap[child - 1], watch))
            break;
        put_at(loop, place, loop->heap[child - 1]);
    }
    put_at(loop, place, watch);
}

static void take_out(proc_loop *loop, proc_watch *watch)
{
    size_t place = watch->heap_at;
    proc_watch *last = loop->heap[--loop->heap_count];
    watch->heap_at = 0;
    if (last == watch)
        return;
    if (place > 1 && comes_before(last, loop->heap[place / 2 - 1]))
        lift(loop, place, last);
    else
        sink(loop, place, last);
}

void proc__watch_set_due(proc_watch *watch, deadline due)
{
    proc_loop *loop = watch->loop;
    if (watch->heap_at > 0)
        take_out(loop, watch);
    watch->due = due;
    if (due == DEADLINE_NEVER)
        return;
    /* Behind those that wait already: a timer that its own callback sets to the past does not keep them waiting. */
    const deadline now = proc__now_ns();
    watch->due = due < now ? now : due;
    watch->due_order = loop->orders++;
    lift(loop, ++loop->heap_count, watch);
    proc__timers_changed(loop);
}

int proc__timers_run(proc_loop *loop, deadline now)
{
    const uint64_t later = loop->orders;
    int rc = 0;
    while (rc >= 0 && !proc__loop_stops(loop) && loop->heap_count > 0) {
        proc_watch *watch = loop->heap[0];
        if (watch->due > now || watch->due_order >= later)
            break;
        proc__watch_set_due(watch, DEADLINE_NEVER);
        rc = watch->kind->due(watch);
    }
    return rc;
}

/* ---- The timerfd ---- */

int proc__timers_arm(proc_loop *loop)
{
    deadline due = loop->heap_count > 0 ? loop->heap[0]->due : DEADLINE_NEVER;
    if (loop->first)
        due = AT_ONCE;
    if (!loop->rang && due >= loop->armed)
        return 0;
    struct itimerspec when = {.it_value = {0, 0}};
    if (due != DEADLINE_NEVER) {
        when.it_value.tv_sec = (time_t)(due / NS_PER_S < FAR_S ? due / NS_PER_S : FAR_S);
        when.it_value.tv_nsec = (long)(due % NS_PER_S);
    }
    if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
        return -errno;
    loop->armed = due;
    loop->rang = 0;
    return 0;
}

void proc__timers_changed(proc_loop *loop)
{
    /* A failure is told by the next round, which tries again. */
    if (loop->depth == 0)
        (void)proc__timers_arm(loop);
}

/* ---- Timers of the caller ---- */

static deadline after(int ms)
{
    return proc__now_ns() + ms * NS_PER_MS;
}

static void set(proc_watch *watch, deadline first, int period_ms)
{
    watch->as.timer.next = first;
    watch->as.timer.period = period_ms * NS_PER_MS;
    proc__watch_revive(watch);
    proc__watch_set_due(watch, first);
}

/* How many periods have begun since it was due; sets it to the first moment of its series that is still to come. */
static uint64_t go_on(proc_watch *watch)
{
    const int64_t period = watch->as.timer.period;
    const int64_t begun = (proc__now_ns() - watch->as.timer.next) / period + 1;
    watch->as.timer.next += begun * period;
    proc__watch_set_due(watch, watch->as.timer.next);
    return (uint64_t)begun;
}

static int expire(proc_watch *watch)
{
    proc_loop *loop = watch->loop;
    const struct watch_ref self = watch->self;
    uint64_t expirations = 1;
    if (watch->as.timer.period > 0)
        expirations = go_on(watch);
    else
        proc__watch_rest(watch);
    loop->calls++;
    int rc = proc__loop_answer(loop, watch->as.timer.call(watch, expirations, watch->user));
    watch = proc__watch_find(loop, self);
    /* Unless the callback has set it again. */
    if (watch && !watch->live)
        proc__watch_finish(watch);
    return rc;
}

static const struct watch_kind timer_kind = {.due = expire};

static int new_timer(proc_loop *loop, proc_on_timer call, void *user, proc_watch **ret_watch)
{
    int rc = call ? proc__watch_new(loop, &timer_kind, user, ret_watch) : -EINVAL;
    if (rc == 0)
        (*ret_watch)->as.timer.call = call;
    return rc;
}

static int are_times(int first_ms, int period_ms)
{
    return first_ms >= -1 && period_ms >= 0 && (first_ms >= 0 || period_ms == 0);
}

int proc_loop_timer(proc_loop *loop, int first_ms, int period_ms, proc_on_timer call, void *user,
                    proc_watch **ret_watch)
{
    proc_watch *watch;
    /* One that is not set yet, and that nobody could set. */
    if (!are_times(first_ms, period_ms) || (first_ms < 0 && !ret_watch))
        return -EINVAL;
    int rc = new_timer(loop, call, user, &watch);
    if (rc != 0)
        return rc;
    if (first_ms < 0)
        proc__watch_rest(watch);
    else
        set(watch, after(first_ms), period_ms);
    return proc__watch_give(watch, ret_watch);
}

int proc_loop_timer_at(proc_loop *loop, int64_t at_ms, proc_on_timer call, void *user, proc_watch **ret_watch)
{
    proc_watch *watch;
    int rc = new_timer(loop, call, user, &watch);
    if (rc != 0)
        return rc;
    deadline at = at_ms < 0 ? 0 : at_ms > DEADLINE_NEVER / NS_PER_MS ? DEADLINE_NEVER : at_ms * NS_PER_MS;
    set(watch, at, 0);
    return proc__watch_give(watch, ret_watch);
}

int proc_watch_set_timer(proc_watch *watch, int first_ms, int period_ms)
{
    if (!watch || watch->kind != &timer_kind || !are_times(first_ms, period_ms))
        return -EINVAL;
    int rc = proc__loop_check(watch->loop);
    if (rc < 0)
        return rc;
    if (first_ms < 0)
        proc__watch_rest(watch);
    else
        set(watch, after(first_ms), period_ms);
    return 0;
}
