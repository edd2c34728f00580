/* SPDX-License-Identifier: MIT */
/* What a new process may use. */
#ifndef PROC_LIB_ISOLATION_LIMITS_H
#define PROC_LIB_ISOLATION_LIMITS_H

#include "../base/system.h"

#include <proc/limits.h>

#include "../base/error.h"
#include "../base/step.h"

struct limits {
    int unused;
};

/* By themselves, before anything is made. 0, or a negative errno with the failure. */
int proc__limits_check(const proc_limits *options, struct failure *ret_failure);
/* Makes ready what the new process will need. 0, or a negative errno with the failure; done is right in either case. */
int proc__limits_prepare(struct limits *ret_limits, const proc_limits *options, struct failure *ret_failure);
void proc__limits_done(struct limits *limits);
/* In the new process. */
struct report proc__limits_apply(const struct limits *limits);

#endif
