/* SPDX-License-Identifier: MIT */
/* What a new process may use: the control group it is in, how soon it goes when memory is short, resource limits. */
#ifndef PROC_LIB_ISOLATION_LIMITS_H
#define PROC_LIB_ISOLATION_LIMITS_H

#include "../base/system.h"

#include <proc/limits.h>

#include "../base/error.h"
#include "../base/step.h"
#include "cgroup_join.h"

struct limits {
    proc_rlimits rlimits; /* borrowed */
    struct cgroup_join cgroup;
    char oom_score[12]; /* what is to be written; empty = nothing */
    size_t oom_score_len;
};

/* By themselves, before anything is made. 0, or a negative errno with the failure. */
int proc__limits_check(const proc_limits *options, struct failure *ret_failure);
/* Makes ready what the new process will need. 0, or a negative errno with the failure; done is right in either case. */
int proc__limits_prepare(struct limits *ret_limits, const proc_limits *options, struct failure *ret_failure);
void proc__limits_done(struct limits *limits);

/* In the new process: three steps. */
struct report proc__limits_enter_cgroup(const struct limits *limits);
struct report proc__limits_set_oom_score(const struct limits *limits);
struct report proc__limits_set_rlimits(const struct limits *limits);

/* "RLIMIT_NOFILE"; NULL for a resource that has no name here. */
const char *proc__rlimit_name(int resource);

#endif
