/* SPDX-License-Identifier: MIT */
/* What a new process may no longer do. */
#ifndef PROC_LIB_ISOLATION_SANDBOX_H
#define PROC_LIB_ISOLATION_SANDBOX_H

#include "../base/system.h"

#include <proc/sandbox.h>

#include "../base/error.h"
#include "../base/step.h"

struct sandbox {
    int unused;
};

/* By themselves, before anything is made. 0, or a negative errno with the failure. */
int proc__sandbox_check(const proc_sandbox *options, struct failure *ret_failure);
/* Makes ready what the new process will need. 0, or a negative errno with the failure; done is right in either case. */
int proc__sandbox_prepare(struct sandbox *ret_sandbox, const proc_sandbox *options, struct failure *ret_failure);
void proc__sandbox_done(struct sandbox *sandbox);
/* In the new process. */
struct report proc__sandbox_apply(const struct sandbox *sandbox);

#endif
