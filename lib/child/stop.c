/* SPDX-License-Identifier: MIT */
/* Ends a child in steps: a signal, a wait, a stronger signal. Owns nothing. */
#include "stop.h"

#include <errno.h>

#include "handle.h"

/* SIGKILL ends a suspended process as well, and who sends it a signal to suspend it wants just that. */
static int wants_the_child_awake(int signal)
{
    return signal != SIGKILL && signal != SIGCONT && signal != SIGSTOP && signal != SIGTSTP && signal != SIGTTIN &&
           signal != SIGTTOU;
}

int proc__stop_next(proc_child *child, struct stop_ladder *ladder)
{
    if (ladder->next == child->stop_count)
        return 0;
    const proc_stop_step *step = &child->stop[ladder->next++];
    int rc = proc__child_signal(child, step->signal, step->scope);
    /* It has ended in the meantime: the wait will tell. */
    if (rc < 0 && rc != -ESRCH)
        return rc;
    if (wants_the_child_awake(step->signal))
        proc__child_signal(child, SIGCONT, step->scope);
    ladder->until = proc__deadline_in(step->wait_ms);
    return 1;
}

int proc_stop(proc_child *child, proc_exit *ret_exit)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    struct stop_ladder ladder = {0};
    rc = proc__child_wait_until(child, proc__deadline_in(0));
    while (rc == -ETIMEDOUT) {
        int taken = proc__stop_next(child, &ladder);
        if (taken <= 0)
            return taken < 0 ? taken : -ETIMEDOUT;
        rc = proc__child_wait_until(child, ladder.until);
    }
    return rc < 0 ? rc : proc_wait(child, 0, ret_exit);
}
