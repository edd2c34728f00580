/* SPDX-License-Identifier: MIT */
/* One stdio entry by itself, as the caller has given it. */
#ifndef PROC_LIB_CHILD_ENTRY_H
#define PROC_LIB_CHILD_ENTRY_H

#include "../base/system.h"

#include <proc/spawn.h>

#include "../base/error.h"

/* number: which of the child's it is; is_run: as of the call. 0, or a negative errno with the failure. */
int proc__entry_check(const proc_stdio *entry, int number, int is_run, struct failure *ret_failure);
/* 1: the child reads this PIPE, BYTES or CALLBACK entry; 0: it writes it. */
int proc__entry_to_child(const proc_stdio *entry, int number);
/* 1: in the child it is the terminal that all such entries share. */
int proc__entry_on_terminal(const proc_stdio *entry);

#endif
