/* SPDX-License-Identifier: MIT */
/*
 * The parts of what a new process does between its birth and execve(2), for child_side.c, which says when. They may run
 * in its parent's memory, on a small stack, while other threads of the parent go on: so they make system calls and
 * nothing else. No allocation, no lock, no libc state, no large locals.
 */
#ifndef PROC_LIB_CHILD_CHILD_SIDE_H
#define PROC_LIB_CHILD_CHILD_SIDE_H

#include "../base/system.h"

#include "../base/step.h"
#include "plan.h"

/* Descriptors of the parent's that steps after the moves still need; -1: none. */
enum {
    NEEDED_REPORT,  /* the way home */
    NEEDED_PROGRAM, /* what is executed */
    NEEDED_COUNT
};
struct needed {
    int fds[NEEDED_COUNT];
};

/* Puts aside what a move would overwrite. */
struct report proc__child_save_needed(const struct plan *plan, struct needed *needed);
/* All moves happen as if at once. */
struct report proc__child_place_descriptors(const struct plan *plan);
/* Marks all others close-on-exec, so that nothing is lost if a later step fails. */
struct report proc__child_close_others(const struct plan *plan);
/* handlers_cleared: 1 = there are no handlers left to reset. */
struct report proc__child_set_dispositions(const struct plan *plan, int handlers_cleared);
struct report proc__child_set_mask(const struct plan *plan);
/* Returns only if nothing of what is planned can be executed. */
struct report proc__child_execute(const struct plan *plan, const struct needed *needed);

#endif
