/* SPDX-License-Identifier: MIT */
/* The start of a process that runs a function of the caller's: by fork(2), for all that libc has to know. */
#ifndef PROC_LIB_CHILD_START_FORKED_H
#define PROC_LIB_CHILD_START_FORKED_H

#include "../base/system.h"

#include "plan.h"

/* As proc__start(), in a copy of our memory that libc knows of. How a hook has ended its process is noted in it. */
int proc__start_forked(const struct plan *plan, int *ret_pid, int *ret_pidfd, struct report *ret_report);

#endif
