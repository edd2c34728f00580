/* SPDX-License-Identifier: MIT */
/* The start of a process that runs a function of the caller's: by fork(2), for all that libc has to know. */
#ifndef PROC_LIB_CHILD_START_FORKED_H
#define PROC_LIB_CHILD_START_FORKED_H

#include "../base/system.h"

#include "plan.h"

/* What goes on where no program is executed; does not return. */
typedef void forked_body(void *arg);

/*
 * As proc__start(), in a copy of our memory that libc knows of. body: called once the plan is carried out, if the plan
 * ends without a program; else NULL. *ret_end, written on failure only: how the process has ended if it did that by
 * itself, where it should have gone on; kind PROC_RUNNING: it did not.
 */
int proc__start_forked(const struct plan *plan, forked_body *body, void *arg, int *ret_pid, int *ret_pidfd,
                       struct report *ret_report, proc_exit *ret_end);

#endif
