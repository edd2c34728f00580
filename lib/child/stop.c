/* SPDX-License-Identifier: MIT */
/* Ends a child in steps: a signal, a wait, a stronger signal. Owns nothing. */
#include "stop.h"

#include <errno.h>

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

int proc__stop_next(proc_child *child, struct stop_ladder *ladder)
{
    const proc_stop_step *step = step_at(child, ladder->next);
    if (!step)
        return 0;
    ladder->next++;
    int rc = proc__child_signal_to_end(child, step->signal, step->scope);
    /* It has ended in the meantime: the wait will tell. */
    if (rc < 0 && rc != -ESRCH)
        return rc;
    if (wants_the_child_awake(step->signal))
        proc__child_signal_to_end(child, SIGCONT, step->scope);
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
        int taken = proc__stop_next(child, &ladder);
        if (taken <= 0)
            return taken < 0 ? taken : -ETIMEDOUT;
        rc = proc__child_wait_until(child, ladder.until);
    }
    if (rc == 0 && ret_exit)
        *ret_exit = child->exit;
    return rc;
}
