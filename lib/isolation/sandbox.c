/* SPDX-License-Identifier: MIT */
/* What a new process may no longer do. */
#include "sandbox.h"

#include <errno.h>

int proc__sandbox_check(const proc_sandbox *options, struct failure *ret_failure)
{
    (void)options;
    return proc__fail(ret_failure, PROC_STEP_OPTIONS, ENOTSUP, -1, ".sandbox");
}

int proc__sandbox_prepare(struct sandbox *ret_sandbox, const proc_sandbox *options, struct failure *ret_failure)
{
    (void)options, (void)ret_failure;
    *ret_sandbox = (struct sandbox){0};
    return 0;
}

void proc__sandbox_done(struct sandbox *sandbox)
{
    (void)sandbox;
}

struct report proc__sandbox_apply(const struct sandbox *sandbox)
{
    (void)sandbox;
    return STEP_DONE;
}
