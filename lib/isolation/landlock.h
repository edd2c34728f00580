/* SPDX-License-Identifier: MIT */
/* A set of rules of landlock(7): made by the parent, entered by the new process. */
#ifndef PROC_LIB_ISOLATION_LANDLOCK_H
#define PROC_LIB_ISOLATION_LANDLOCK_H

#include "../base/system.h"

#include <proc/sandbox.h>

#include "../base/error.h"
#include "../base/step.h"

/* 1: something is denied. */
int proc__landlock_is_wanted(const proc_sandbox *options);
/* By themselves. 0, or -EINVAL with the failure. */
int proc__landlock_check(const proc_sandbox *options, struct failure *ret_failure);
/* The set, a descriptor, -1 if nothing is left of it on this kernel. 0, or a negative errno with the failure. */
int proc__landlock_make(int *ret_ruleset, const proc_sandbox *options, struct failure *ret_failure);
/* In the new process, which has no_new_privs. */
struct report proc__landlock_enter(int ruleset);

#endif
