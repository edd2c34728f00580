/* SPDX-License-Identifier: MIT */
/*
 * The start of a process that is held, and often borne by another one than us: into namespaces (see namespaces.h for
 * which need it), and of one that is to be no child of ours.
 */
#ifndef PROC_LIB_CHILD_START_BETWEEN_H
#define PROC_LIB_CHILD_START_BETWEEN_H

#include "../base/system.h"

#include "plan.h"

/* As proc__start(), in a copy of our memory. */
int proc__start_between(const struct plan *plan, int *ret_pid, int *ret_pidfd, struct report *ret_report);

#endif
