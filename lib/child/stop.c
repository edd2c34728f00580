/* SPDX-License-Identifier: MIT */
/* Ends a child, or several together, in steps: a signal, a wait, a stronger signal. Owns nothing. */
#include "stop.h"

#include <errno.h>
#include <unistd.h>

#include "handle.h"

static const proc_stop_step default_steps[2][2] = {
    [PROC_ONE] = {{SIGTERM, PROC_ONE, 5000}, {SIGKILL, PROC_ONE, 5000}},
    [PROC_GROUP] = {{SIGTERM, PROC_GROUP, 5000}, {SIGKILL, PROC_GROUP, 5000}},
};

static const proc_stop_step *step_at(const proc_child *child, size_t index)
{
    if (child->stop_count > 0)
        return index < child->stop_count ? &child->stop[index] : NULL;
    const proc_stop_step *steps = default_steps[child->leads_group ? PROC_GROUP : PROC_ONE];
    return index < 2 ? &steps[index] : NULL;
}

/* SIGKILL ends a suspended process as well, and who sends it a signal to suspend it wants just that. */
static int wants_the_child_awake(int signal)
{
    return signal != SIGKILL && signal != SIGCONT && signal != SIGSTOP && signal != SIGTSTP && signal != SIGTTIN &&
           signal != SIGTTOU;
}

/* 1: a signal to the group of the stage that it has joined is one to it. */
static int is_in_joined_group(const proc_child *child)
{
    return child->joined > 0 && getpgid(child->pid) == child->joined;
}

/* One signal on its way to all. */
struct call_to_end {
    size_t step;
    int awake;         /* 1: SIGCONT instead of the step's signal */
    int reached;       /* 1: somebody was sent it, or has ended in the meantime: the wait will tell */
    int group_reached; /* 1: so was a group */
    int failure;       /* the first negative errno */
};

static int goes_to_group(const struct call_to_end *call, const proc_child *child)
{
    return child->leads_group && step_at(child, call->step)->scope == PROC_GROUP;
}

static void signal_child(struct call_to_end *call, proc_child *child)
{
    const proc_stop_step *step = step_at(child, call->step);
    int rc = proc__child_signal_to_end(child, call->awake ? SIGCONT : step->signal, step->scope);
    call->group_reached |= rc == 0 && goes_to_group(call, child);
    call->reached |= rc == 0 || rc == -ESRCH;
    call->failure = call->failure ? call->failure : rc;
}

/*
 * Signals all once. Groups come first, and stand for all who are in them, also after their leader's own end. Then the
 * last one comes first: it must not take the death of the one before for the end of its input. 0, or the negative errno
 * of the first who could not be sent it, if nobody could.
 */
static int signal_all(const struct crew *crew, size_t step, int awake)
{
    struct call_to_end call = {.step = step, .awake = awake};
    for (size_t i = 0; i < crew->count; i++)
        if (goes_to_group(&call, crew->children[i]))
            signal_child(&call, crew->children[i]);
    for (size_t i = crew->count; i-- > 0;) {
        proc_child *child = crew->children[i];
        int has_been = goes_to_group(&call, child) || (call.group_reached && is_in_joined_group(child));
        if (!child->seen_ended && !has_been)
            signal_child(&call, child);
    }
    return call.reached ? 0 : call.failure;
}

int proc__stop_next(const struct crew *crew, struct stop_ladder *ladder)
{
    const proc_stop_step *step = step_at(crew->children[0], ladder->next);
    if (!step)
        return 0;
    int rc = signal_all(crew, ladder->next++, 0);
    if (rc < 0)
        return rc;
    if (wants_the_child_awake(step->signal))
        signal_all(crew, ladder->next - 1, 1);
    ladder->until = proc__deadline_in(step->wait_ms);
    return 1;
}

int proc_stop(proc_child *child, proc_exit *ret_exit)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    struct stop_ladder ladder = {0};
    rc = proc__child_look(child);
    while (rc == -ETIMEDOUT) {
        int taken = proc__stop_next(ALONE(child), &ladder);
        if (taken <= 0)
            return taken < 0 ? taken : -ETIMEDOUT;
        rc = proc__child_wait_until(child, ladder.until);
    }
    if (rc == 0 && ret_exit)
        *ret_exit = child->exit;
    return rc;
}
