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

/* Descriptors that steps after the moves still need; -1: none. */
enum {
    NEEDED_REPORT,  /* the way home, or what tells that we have gone */
    NEEDED_FD_LIST, /* /proc/self/fd, where it will be out of reach */
    NEEDED_RULESET, /* of landlock */
    NEEDED_PROGRAM, /* what is executed */
    NEEDED_COUNT
};
struct needed {
    int fds[NEEDED_COUNT];
    int fd_end; /* where the list lets us down: no descriptor has this number or a higher one; -1 = not known */
};

struct needed proc__needed_of(const struct plan *plan, int report_fd);
/* The whole list, as proc__child_side(). */
struct report proc__child_steps(const struct plan *plan, int born, struct needed *needed);
/* 1: the list comes to this step only behind that one. */
int proc__step_is_behind(int step, int other);
/* What the list may have changed for good when this step fails, PROC_CHANGED_..., whatever is asked for. */
uint32_t proc__steps_changed(int failed_step);

struct report proc__child_enter_directory(const struct plan *plan);
/* A close-on-exec copy of fd at a number of *next or more that no move will overwrite; then *next is behind it. */
long proc__child_put_aside(const struct plan *plan, int fd, int *next);
/* Opens the list of descriptors if close_range(2) is missing. */
void proc__child_open_fd_list(struct needed *needed);
/* Puts aside what a move would overwrite. */
struct report proc__child_save_needed(const struct plan *plan, struct needed *needed);
/* All moves happen as if at once. */
struct report proc__child_place_descriptors(const struct plan *plan);
struct report proc__child_change_credentials(const struct plan *plan);
/* Marks all others close-on-exec, so that nothing is lost if a later step fails. */
struct report proc__child_mark_others(const struct plan *plan, const struct needed *needed);
/* Without an execve(2) to come: closes them, but for what is needed still. In a copy only. */
struct report proc__child_close_others(const struct plan *plan, const struct needed *needed);
/* Closes what is needed no more where no execve(2) will: all but the way home. */
void proc__child_drop_needed(struct needed *needed);
/* born: BORN_WITHOUT_HANDLERS = there are no handlers left to reset. */
struct report proc__child_set_dispositions(const struct plan *plan, int born);
struct report proc__child_set_mask(const struct plan *plan);
/* Returns only if nothing of what is planned can be executed. */
struct report proc__child_execute(const struct plan *plan, const struct needed *needed);

#endif
