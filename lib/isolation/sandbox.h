/* SPDX-License-Identifier: MIT */
/* What a new process may no longer do: the parts together, and the small ones. */
#ifndef PROC_LIB_ISOLATION_SANDBOX_H
#define PROC_LIB_ISOLATION_SANDBOX_H

#include "../base/system.h"

#include <proc/sandbox.h>

#include "../base/error.h"
#include "../base/step.h"
#include "seccomp.h"

struct sandbox {
    const char *root; /* NULL = as it is */
    proc_caps caps;
    int changes_caps, no_new_privs;
    int ruleset; /* of landlock; -1 = none */
    struct filter filter;
    uint32_t filter_flags;
};

/* By themselves, before anything is made. 0, or a negative errno with the failure. */
int proc__sandbox_check(const proc_sandbox *options, struct failure *ret_failure);
/* Makes ready what the new process will need. 0, or a negative errno with the failure; done is right in either case. */
int proc__sandbox_prepare(struct sandbox *ret_sandbox, const proc_sandbox *options, struct failure *ret_failure);
void proc__sandbox_done(struct sandbox *sandbox);

/* In the new process, beside those of capabilities.h, landlock.h and seccomp.h. */
struct report proc__sandbox_enter_root(const struct sandbox *sandbox);
struct report proc__sandbox_set_no_new_privs(const struct sandbox *sandbox);

#endif
