/* SPDX-License-Identifier: MIT */
/*
 * Takes children to their end: moves their bytes, waits, stops them when the time is over, drains what they left, and
 * fills the result. Every wait in here has a bound, so that no grandchild, writer or blocked reader can keep us:
 *
 *   until all end     at most to the caller's time; then proc_collect() returns, the others stop them
 *   stopping          one stop step after the other; the bytes go on moving, since it may be blocked in a write; then
 *                     the same for descendants that a step for trees has found
 *   draining          what the outputs hold at the last end, in any case; what descendants add, for drain_ms
 *   slow tees         to the caller's time; one that lets us wait while we are stopping is given up
 *
 * Whether there is one child or the stages of a pipeline makes no difference but to the looks at their ends.
 */
#include "course.h"

#include <errno.h>

#include "pump.h"
#include "watch.h"

#define LOOK_AGAIN_MS 10

/* The options are not checked yet, but their first two members have been there from the beginning. */
deadline proc__course_time(const proc_options *options)
{
    if (!options || options->size < offsetof(proc_options, timeout_ms) + sizeof options->timeout_ms)
        return DEADLINE_NEVER;
    return options->timeout_ms > 0 ? proc__deadline_in(options->timeout_ms) : DEADLINE_NEVER;
}

/* ---- Until all have ended ---- */

static int begin_to_stop(struct course *course, int *reason)
{
    *reason = 1;
    course->stopping = 1;
    return proc__stop_next(&course->crew, &course->ladder);
}

/*
 * The one child is reaped at once. Of several none is before all have ended: the first's number may be that of the
 * group of all, which must not fall to strangers.
 */
static int look_at(const struct course *course, proc_child *child)
{
    proc_exit ended;
    return course->crew.count == 1 ? proc__child_look(child) : proc__child_peek(child, &ended);
}

static int count_running(const struct course *course)
{
    int running = 0;
    for (size_t i = 0; i < course->crew.count; i++)
        running += !course->crew.children[i]->seen_ended;
    return running;
}

/* Looks at those that may have ended. How many have not, or a negative errno. */
static int look_at_all(const struct course *course)
{
    for (size_t i = 0; i < course->crew.count; i++) {
        proc_child *child = course->crew.children[i];
        int rc = child->seen_ended ? 0 : look_at(course, child);
        if (rc < 0 && rc != -ETIMEDOUT)
            return rc;
        child->seen_ended = rc == 0;
    }
    return count_running(course);
}

/* Takes the step that is next now that the time of the last one, or of the caller, is over. As proc__stop_next(). */
static int go_on_to_stop(struct course *course)
{
    if (course->stopping)
        return proc__stop_next(&course->crew, &course->ladder);
    return course->stops ? begin_to_stop(course, &course->timed_out) : -ETIMEDOUT;
}

/* Until all have ended: 0. -ETIMEDOUT: the caller's time is over; 1: no step of the stop could end them. */
static int until_all_end(struct course *course)
{
    int running = count_running(course), looks_ended = 0;
    while (running > 0) {
        /* Who shall end may have to write before, so no tee holds its output back any longer. */
        if (course->stopping)
            proc__pump_give_up_tees(&course->crew);
        deadline over = course->stopping ? course->ladder.until : course->until;
        /* A pidfd says so, but a tracer keeps the status for a while: no reason to spin. */
        deadline when = looks_ended ? proc__deadline_min(over, proc__deadline_in(LOOK_AGAIN_MS)) : over;
        int watched = (looks_ended ? 0 : PUMP_END) | (course->stopping ? 0 : PUMP_CANCEL);
        int seen = proc__pump_round(&course->crew, when, watched);
        int before = running, taken = 1;
        if (seen & PUMP_END)
            running = look_at_all(course);
        looks_ended = (seen & PUMP_END) && running == before;
        if (running > 0 && seen & PUMP_CANCEL)
            taken = begin_to_stop(course, &course->cancelled);
        else if (running > 0 && proc__deadline_passed(over))
            taken = go_on_to_stop(course);
        if (taken == -ETIMEDOUT)
            return taken;
        if (running < 0 || taken <= 0) {
            course->error = running < 0 ? running : taken;
            return 1;
        }
    }
    return 0;
}

/* The children have ended; who comes of them, and was found by a step for trees, has the time of the steps as well. */
static void until_trees_end(struct course *course)
{
    int taken = 1;
    while (taken > 0 && proc__tree_await(&course->ladder.tree, proc__deadline_in(0)) > 0) {
        proc__pump_give_up_tees(&course->crew);
        deadline over = course->ladder.until;
        proc__pump_round(&course->crew, proc__deadline_min(over, proc__deadline_in(LOOK_AGAIN_MS)), 0);
        if (proc__deadline_passed(over))
            taken = proc__stop_next_for_trees(&course->crew, &course->ladder);
    }
}

/* ---- Draining ---- */

/* When draining has to end, and whether the caller's time is what ends it. */
static deadline drain_end(const struct course *course)
{
    const proc_child *first = course->crew.children[0];
    if (course->cancelled)
        return first->drain_ms < 0 ? proc__deadline_in(0) : first->drain_until;
    if (course->stops && first->drain_ms >= 0)
        return first->drain_until;
    return proc__deadline_min(first->drain_until, course->until);
}

/* All have ended. 0 = their outputs have ended as well, or had their time; -ETIMEDOUT: the caller's time is over. */
static int drain(struct course *course)
{
    const struct crew *crew = &course->crew;
    proc_child *first = crew->children[0];
    if (first->drain_until == 0) {
        first->drain_until = proc__deadline_in(first->drain_ms);
        proc__pump_note_due(crew);
    }
    deadline end = drain_end(course);
    int watched = first->drain_ms < 0 ? PUMP_CANCEL : 0;
    int seen = 0;
    while (!seen && proc__pump_outputs_open(crew) > 0 && !proc__deadline_passed(end))
        seen = proc__pump_round(crew, end, watched);
    /* What takes its copy slowly has the caller's time, not that of the outputs. */
    deadline slow = course->cancelled ? end : course->until;
    while (!seen && proc__pump_waits_for_tees(crew) && !proc__deadline_passed(slow))
        seen = proc__pump_round(crew, slow, PUMP_CANCEL);
    proc__pump_move_due(crew);
    int may_return = !course->stops && !course->cancelled && !seen;
    int has_time = !proc__deadline_passed(first->drain_until);
    return may_return && has_time && proc__pump_outputs_open(crew) > 0 ? -ETIMEDOUT : 0;
}

int proc__course_run(struct course *course)
{
    int rc = until_all_end(course);
    if (rc == 0)
        until_trees_end(course);
    if (course->stopping)
        proc__stop_done(&course->crew, &course->ladder);
    if (rc == 0)
        return drain(course);
    proc__pump_note_due(&course->crew);
    proc__pump_move_due(&course->crew);
    return rc < 0 ? rc : 0;
}

/* ---- The result ---- */

static void hand_over(const struct course *course, proc_result *ret_result)
{
    proc_child *first = course->crew.children[0];
    size_t others = 0;
    for (size_t i = 0; i < course->crew.count; i++) {
        proc_child *child = course->crew.children[i];
        for (size_t j = 0; j < child->stream_count; j++) {
            struct stream *stream = &child->streams[j];
            if (stream->transfer.is.kind != PROC_STDIO_CAPTURE)
                continue;
            proc_output output = proc__transfer_take(&stream->transfer, stream->number);
            output.stage = (int32_t)i;
            if (stream->number == 1)
                ret_result->out = output;
            else if (stream->number == 2 && i == course->err_stage)
                ret_result->err = output;
            else
                first->outputs[others++] = output;
        }
    }
    ret_result->outputs = first->outputs;
    ret_result->output_count = others;
    first->outputs = NULL;
    first->handed_over = 1;
}

static void add_usage(proc_usage *sum, const proc_usage *usage)
{
    sum->user_us += usage->user_us;
    sum->system_us += usage->system_us;
    sum->minor_faults += usage->minor_faults;
    sum->major_faults += usage->major_faults;
    sum->blocks_in += usage->blocks_in;
    sum->blocks_out += usage->blocks_out;
    sum->switches += usage->switches;
    sum->preemptions += usage->preemptions;
    if (usage->max_rss_bytes > sum->max_rss_bytes) {
        sum->max_rss_bytes = usage->max_rss_bytes;
        sum->max_rss_inherited = usage->max_rss_inherited;
    }
}

/* What one of the children adds. One that could not be stopped is still PROC_RUNNING, and its cost not known yet. */
static void add_child(const struct course *course, size_t stage, proc_result *ret_result)
{
    proc_child *child = course->crew.children[stage];
    for (size_t i = 0; i < child->stream_count; i++) {
        const struct transfer *transfer = &child->streams[i].transfer;
        ret_result->output_open |= transfer->left;
        ret_result->input_cut |= transfer->cut;
    }
    if (ret_result->error == 0)
        ret_result->error = child->transfer_error;
    proc_exit ended = {.kind = PROC_RUNNING};
    proc_usage usage;
    if (proc__child_look(child) == 0)
        ended = child->exit;
    if (proc_child_usage(child, &usage) == 0)
        add_usage(&ret_result->usage, &usage);
    if (course->stages)
        course->stages[stage] = ended;
    ret_result->exit = ended;
}

void proc__course_fill(struct course *course, proc_result *ret_result)
{
    const proc_child *first = course->crew.children[0];
    proc__pump_give_up(&course->crew);
    for (size_t i = 0; i < course->crew.count; i++)
        add_child(course, i, ret_result);
    if (!first->handed_over)
        hand_over(course, ret_result);
    if (ret_result->error == 0)
        ret_result->error = course->error;
    ret_result->stages = course->stages;
    ret_result->stage_count = course->stages ? course->crew.count : 0;
    ret_result->reach = proc__reach_of(first);
    ret_result->timed_out = course->timed_out;
    ret_result->cancelled = course->cancelled;
    ret_result->duration_ms = proc_now_ms() - first->started;
}
