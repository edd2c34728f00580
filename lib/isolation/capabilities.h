/* SPDX-License-Identifier: MIT */
/* The five sets of capabilities of a new process. */
#ifndef PROC_LIB_ISOLATION_CAPABILITIES_H
#define PROC_LIB_ISOLATION_CAPABILITIES_H

#include "../base/system.h"

#include <proc/sandbox.h>

#include "../base/error.h"
#include "../base/step.h"

/* 1: at least one set is said. */
int proc__caps_are_said(const proc_caps *caps);
/* By themselves. 0, or -EINVAL with the failure. */
int proc__caps_check(const proc_caps *caps, struct failure *ret_failure);

/*
 * In the new process. Its user is about to change: what it has is kept until the sets are applied. *ret_before: what
 * proc__caps_keep_again() has to be told afterwards, whatever came of it.
 */
struct report proc__caps_keep(int *ret_before);
void proc__caps_keep_again(int before);
/* Sets them all. user_changed: 1 = what it has now was kept for this alone. The index of a failure is a capability. */
struct report proc__caps_apply(const proc_caps *caps, int user_changed);

#endif
