/* SPDX-License-Identifier: MIT */
/*
 * What contradicts each other across the parts of a request: told by name before anything is made. Each part by itself
 * has been looked at already.
 */
#include "request.h"

#include <errno.h>

static int contradicts(struct failure *ret_failure, const char *what)
{
    return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, -1, what);
}

int proc__request_check_combinations(const struct request *request, struct failure *ret_failure)
{
    if (request->sandbox.root && request->start.cwd_fd)
        return contradicts(ret_failure, ".start->cwd_fd would lead out of .sandbox->root");
    return 0;
}
