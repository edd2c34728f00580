/* SPDX-License-Identifier: MIT */
/* The terminal of a new process. */
#include "terminal.h"

#include <errno.h>

int proc__terminal_check(const proc_terminal *options, struct failure *ret_failure)
{
    (void)options;
    return proc__fail(ret_failure, PROC_STEP_OPTIONS, ENOTSUP, -1, ".terminal");
}

int proc__terminal_prepare(struct terminal *ret_terminal, const proc_terminal *options, struct failure *ret_failure)
{
    (void)options, (void)ret_failure;
    *ret_terminal = (struct terminal){0};
    return 0;
}

void proc__terminal_done(struct terminal *terminal)
{
    (void)terminal;
}

struct report proc__terminal_apply(const struct terminal *terminal)
{
    (void)terminal;
    return STEP_DONE;
}
