/* SPDX-License-Identifier: MIT */
/* The terminal of a new process: which one it is, how large, and who is in its foreground. */
#ifndef PROC_LIB_CHILD_TERMINAL_H
#define PROC_LIB_CHILD_TERMINAL_H

#include "../base/system.h"

#include <proc/terminal.h>

#include "../base/error.h"
#include "../base/pty.h"
#include "../base/step.h"

struct terminal {
    int controlling;      /* becomes the controlling one; -1: none. Borrowed */
    int ours;             /* our own terminal, into whose foreground the child's group goes; -1: not so */
    int foreground_group; /* who was there before */
};

/* By themselves, before anything is made. 0, or a negative errno with the failure. */
int proc__terminal_check(const proc_terminal *options, struct failure *ret_failure);
/*
 * Makes ready what the new process will need: a pseudoterminal as it shall be (for this user; NULL: us), or our own
 * terminal. 0, or a negative errno with the failure; done is right in either case.
 */
int proc__terminal_prepare(struct terminal *ret_terminal, const proc_terminal *options, const struct pty *pty,
                           const uint32_t *uid, struct failure *ret_failure);
void proc__terminal_done(struct terminal *terminal);
/* In the new process. */
struct report proc__terminal_apply(const struct terminal *terminal);
/* A start has failed: who was in the foreground before is so again. */
void proc__terminal_undo(const struct terminal *terminal);

#endif
