/* SPDX-License-Identifier: MIT */
/*
 * The signals of a new process: what becomes of each when it comes, and which are blocked. The dispositions go first,
 * or a handler of the parent's could run in its memory.
 */
#include "child_side.h"

#include <signal.h>

#include "../base/sigaction.h"

static long set_disposition(int signal, uintptr_t handler)
{
    const struct kernel_sigaction action = {.handler = handler};
    return proc__sigaction(signal, &action, NULL);
}

static int has_handler(int signal)
{
    struct kernel_sigaction action = {0};
    proc__sigaction(signal, NULL, &action);
    return action.handler != (uintptr_t)SIG_DFL && action.handler != (uintptr_t)SIG_IGN;
}

/* A function that goes on needs what libc has installed for its threads; a program gets it anew. */
static int is_libcs(int signal)
{
    return signal >= FIRST_REAL_TIME && signal < SIGRTMIN;
}

struct report proc__child_set_dispositions(const struct plan *plan, int born)
{
    uint64_t change = born & BORN_WITHOUT_HANDLERS ? plan->reset | plan->ignore : ~UINT64_C(0);
    for (int signal = 1; signal <= LAST_SIGNAL; signal++) {
        uint64_t bit = PROC_SIGNAL(signal);
        if (!(change & bit) || (plan->stays && is_libcs(signal)))
            continue;
        long rc = 0;
        if (plan->ignore & bit)
            rc = set_disposition(signal, (uintptr_t)SIG_IGN);
        else if ((plan->reset & bit) || has_handler(signal))
            rc = set_disposition(signal, (uintptr_t)SIG_DFL);
        if (rc < 0)
            return proc__step_failed(PROC_STEP_SIGNALS, rc, signal);
    }
    return STEP_DONE;
}

struct report proc__child_set_mask(const struct plan *plan)
{
    int rc = proc__sigmask_set(&plan->mask);
    return rc < 0 ? proc__step_failed(PROC_STEP_SIGNALS, rc, 0) : STEP_DONE;
}
