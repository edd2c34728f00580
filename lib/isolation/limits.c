/* SPDX-License-Identifier: MIT */
/* What a new process may use. */
#include "limits.h"

#include <errno.h>

int proc__limits_check(const proc_limits *options, struct failure *ret_failure)
{
    (void)options;
    return proc__fail(ret_failure, PROC_STEP_OPTIONS, ENOTSUP, -1, ".limits");
}

int proc__limits_prepare(struct limits *ret_limits, const proc_limits *options, struct failure *ret_failure)
{
    (void)options, (void)ret_failure;
    *ret_limits = (struct limits){0};
    return 0;
}

void proc__limits_done(struct limits *limits)
{
    (void)limits;
}

struct report proc__limits_apply(const struct limits *limits)
{
    (void)limits;
    return STEP_DONE;
}
