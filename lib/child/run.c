/* SPDX-License-Identifier: MIT */
/*
 * Takes a child to its end: moves its bytes, waits, stops it when the time is over, drains what it left, and fills the
 * result. Every wait in here has a bound, so that no grandchild, writer or blocked reader can keep us:
 *
 *   until it ends     at most to the caller's time; then proc_collect() returns, proc_run() stops it
 *   stopping          one stop step after the other; the bytes go on moving, since it may be blocked in a write
 *   draining          what its outputs hold at its end, in any case; what its descendants add, for drain_ms
 */
#include "pump.h"

#include <errno.h>

#include "result.h"
#include "spawn.h"
#include "stop.h"

#define LOOK_AGAIN_MS 10

/* One call on its way to the child's end. */
struct course {
    proc_child *child;
    deadline until; /* the caller's time */
    int stops;      /* 1: then the child is stopped, 0: then we return */

    int stopping; /* 1: on the ladder */
    struct stop_ladder ladder;
    int timed_out, cancelled;
    int error; /* of a stop that cannot be carried out */
};

static int begin_to_stop(struct course *course, int *reason)
{
    *reason = 1;
    course->stopping = 1;
    return proc__stop_next(course->child, &course->ladder);
}

/* Until the child has ended: 0. -ETIMEDOUT: the caller's time is over; 1: no step of the stop could end it. */
static int until_it_ends(struct course *course)
{
    proc_child *child = course->child;
    int looks_ended = 0;
    for (;;) {
        deadline over = course->stopping ? course->ladder.until : course->until;
        /* Its pidfd says so, but a tracer keeps the status for a while: no reason to spin. */
        deadline when = looks_ended ? proc__deadline_min(over, proc__deadline_in(LOOK_AGAIN_MS)) : over;
        int seen = proc__pump_round(child, when, (looks_ended ? 0 : PUMP_END) | (course->stopping ? 0 : PUMP_CANCEL));
        looks_ended = (seen & PUMP_END) != 0;
        int rc = looks_ended ? proc__child_look(child) : -ETIMEDOUT;
        if (rc != -ETIMEDOUT) {
            course->error = rc;
            return rc < 0;
        }

        int taken;
        if (seen & PUMP_CANCEL)
            taken = begin_to_stop(course, &course->cancelled);
        else if (!proc__deadline_passed(over))
            continue;
        else if (course->stopping)
            taken = proc__stop_next(child, &course->ladder);
        else if (course->stops)
            taken = begin_to_stop(course, &course->timed_out);
        else
            return -ETIMEDOUT;
        if (taken <= 0) {
            course->error = taken;
            return 1;
        }
    }
}

/* When draining has to end, and whether the caller's time is what ends it. */
static deadline drain_end(const struct course *course)
{
    const proc_child *child = course->child;
    if (course->cancelled)
        return child->drain_ms < 0 ? proc__deadline_in(0) : child->drain_until;
    if (course->stops && child->drain_ms >= 0)
        return child->drain_until;
    return proc__deadline_min(child->drain_until, course->until);
}

/* The child has ended. 0 = its outputs have ended as well, or had their time; -ETIMEDOUT: the caller's time is over. */
static int drain(struct course *course)
{
    proc_child *child = course->child;
    if (child->drain_until == 0) {
        child->drain_until = proc__deadline_in(child->drain_ms);
        proc__pump_note_due(child);
    }
    deadline end = drain_end(course);
    int watched = child->drain_ms < 0 ? PUMP_CANCEL : 0;
    int seen = 0;
    while (!seen && proc__pump_outputs_open(child) > 0 && !proc__deadline_passed(end))
        seen = proc__pump_round(child, end, watched);
    proc__pump_move_due(child);
    int may_return = !course->stops && !course->cancelled && !seen;
    int has_time = !proc__deadline_passed(child->drain_until);
    return may_return && has_time && proc__pump_outputs_open(child) > 0 ? -ETIMEDOUT : 0;
}

/* 0, or -ETIMEDOUT: the call may be repeated. */
static int take_to_its_end(struct course *course)
{
    int rc = until_it_ends(course);
    if (rc == 0)
        return drain(course);
    proc__pump_note_due(course->child);
    proc__pump_move_due(course->child);
    return rc < 0 ? rc : 0;
}

static void hand_over(proc_child *child, proc_result *result)
{
    size_t others = 0;
    for (size_t i = 0; i < child->stream_count; i++) {
        struct stream *stream = &child->streams[i];
        if (stream->transfer.is.kind != PROC_STDIO_CAPTURE)
            continue;
        proc_output output = proc__transfer_take(&stream->transfer, stream->number);
        if (stream->number == 1)
            result->out = output;
        else if (stream->number == 2)
            result->err = output;
        else
            child->outputs[others++] = output;
    }
    result->outputs = child->outputs;
    result->output_count = others;
    child->outputs = NULL;
    child->handed_over = 1;
}

static void fill(proc_result *result, const struct course *course)
{
    proc_child *child = course->child;
    proc__pump_give_up(child);
    for (size_t i = 0; i < child->stream_count; i++) {
        const struct transfer *transfer = &child->streams[i].transfer;
        result->output_open |= transfer->left;
        result->input_cut |= transfer->cut;
    }
    if (!child->handed_over)
        hand_over(child, result);
    /* A child that could not be stopped is still PROC_RUNNING, and nobody knows yet what it costs. */
    if (proc__child_look(child) == 0)
        result->exit = child->exit;
    (void)proc_child_usage(child, &result->usage);
    result->timed_out = course->timed_out;
    result->cancelled = course->cancelled;
    result->error = child->transfer_error ? child->transfer_error : course->error;
    result->duration_ms = proc_now_ms() - child->started;
}

int proc_collect(proc_child *child, int timeout_ms, proc_result *result)
{
    if (!result)
        return -EINVAL;
    proc__result_empty(result);
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    if (timeout_ms < -1)
        return -EINVAL;
    struct course course = {.child = child, .until = proc__deadline_in(timeout_ms)};
    int cancellable;
    /* A thread that is cancelled halfway would keep the others out for ever. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    rc = proc__pump_enter(child);
    if (rc == 0) {
        rc = take_to_its_end(&course);
        if (rc == 0)
            fill(result, &course);
        proc__pump_leave(child);
    }
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}

/* The options are not checked yet, but their first two members have been there from the beginning. */
static deadline end_of_time(const proc_options *options)
{
    if (!options || options->size < offsetof(proc_options, timeout_ms) + sizeof options->timeout_ms)
        return DEADLINE_NEVER;
    return options->timeout_ms > 0 ? proc__deadline_in(options->timeout_ms) : DEADLINE_NEVER;
}

int proc_run(proc_result *result, const char *const argv[], const proc_options *options)
{
    static const struct spawn_call call = {.verb = "run", .is_run = 1};
    if (!result)
        return -EINVAL;
    proc__result_empty(result);
    struct course course = {.until = end_of_time(options), .stops = 1};
    int cancellable;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    int rc = proc__spawn(&course.child, argv, options, &call);
    if (rc == 0) {
        (void)take_to_its_end(&course);
        fill(result, &course);
        proc_child_free(course.child);
    }
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}
