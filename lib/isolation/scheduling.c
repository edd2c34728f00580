/* SPDX-License-Identifier: MIT */
/* When and where a new process runs. */
#include "scheduling.h"

#include <errno.h>

int proc__scheduling_check(const proc_scheduling *options, struct failure *ret_failure)
{
    (void)options;
    return proc__fail(ret_failure, PROC_STEP_OPTIONS, ENOTSUP, -1, ".scheduling");
}

int proc__scheduling_prepare(struct scheduling *ret_scheduling, const proc_scheduling *options, struct failure *ret_failure)
{
    (void)options, (void)ret_failure;
    *ret_scheduling = (struct scheduling){0};
    return 0;
}

void proc__scheduling_done(struct scheduling *scheduling)
{
    (void)scheduling;
}

struct report proc__scheduling_apply(const struct scheduling *scheduling)
{
    (void)scheduling;
    return STEP_DONE;
}
