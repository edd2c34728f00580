/* SPDX-License-Identifier: MIT */
/* The terminal of a new process. */
#ifndef PROC_LIB_CHILD_TERMINAL_H
#define PROC_LIB_CHILD_TERMINAL_H

#include "../base/system.h"

#include <proc/terminal.h>

#include "../base/error.h"
#include "../base/step.h"

struct terminal {
    int unused;
};

/* By themselves, before anything is made. 0, or a negative errno with the failure. */
int proc__terminal_check(const proc_terminal *options, struct failure *ret_failure);
/* Makes ready what the new process will need. 0, or a negative errno with the failure; done is right in either case. */
int proc__terminal_prepare(struct terminal *ret_terminal, const proc_terminal *options, struct failure *ret_failure);
void proc__terminal_done(struct terminal *terminal);
/* In the new process. */
struct report proc__terminal_apply(const struct terminal *terminal);

#endif
