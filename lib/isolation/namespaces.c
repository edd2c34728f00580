/* SPDX-License-Identifier: MIT */
/* Where a new process lives. */
#include "namespaces.h"

#include <errno.h>

int proc__namespaces_check(const proc_namespaces *options, struct failure *ret_failure)
{
    (void)options;
    return proc__fail(ret_failure, PROC_STEP_OPTIONS, ENOTSUP, -1, ".namespaces");
}

int proc__namespaces_prepare(struct namespaces *ret_namespaces, const proc_namespaces *options, struct failure *ret_failure)
{
    (void)options, (void)ret_failure;
    *ret_namespaces = (struct namespaces){0};
    return 0;
}

void proc__namespaces_done(struct namespaces *namespaces)
{
    (void)namespaces;
}

struct report proc__namespaces_apply(const struct namespaces *namespaces)
{
    (void)namespaces;
    return STEP_DONE;
}
