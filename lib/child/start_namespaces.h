/* SPDX-License-Identifier: MIT */
/* The start of a process that is born into namespaces: see namespaces.h for which need it. */
#ifndef PROC_LIB_CHILD_START_NAMESPACES_H
#define PROC_LIB_CHILD_START_NAMESPACES_H

#include "../base/system.h"

#include "plan.h"

/* As proc__start(), in a copy of our memory. */
int proc__start_in_namespaces(const struct plan *plan, int *ret_pid, int *ret_pidfd, struct report *ret_report);

#endif
