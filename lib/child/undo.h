/* SPDX-License-Identifier: MIT */
/* What a process was like before it began to become a program, and how it becomes so again. */
#ifndef PROC_LIB_CHILD_UNDO_H
#define PROC_LIB_CHILD_UNDO_H

#include "../base/system.h"

#include "../base/sigaction.h"
#include "../base/sigmask.h"
#include "child_side.h"
#include "plan.h"

/* A number that the plan is about to place something on. */
struct undo_fd {
    int flags; /* of what is there, as of F_GETFD; negative: nothing */
    int copy;  /* of it; -1 = none is needed */
};

struct undo {
    const struct plan *plan;
    struct fd_move *moves; /* as they were */
    struct undo_fd *fds;   /* one per move */
    size_t fd_count;       /* 0 until they are filled in */
    int *inheritable;      /* every other descriptor that is not close-on-exec */
    size_t inheritable_count, inheritable_room;
    struct needed needed;
    int cwd;     /* -1 = none is needed */
    int entered; /* 1: the directory has been changed before its turn */
    int placed;  /* 1: so have the descriptors */
    int umask;   /* -1 = not changed */
    struct sigmask mask;
    struct kernel_sigaction actions[LAST_SIGNAL + 1]; /* of the signals that the plan ignores or resets */
};

/*
 * Notes it, and blocks all signals. 0, or a negative errno with the report: nothing has changed then. To be ended by
 * done in either case.
 */
int proc__undo_prepare(struct undo *ret_undo, const struct plan *plan, struct report *ret_report);
/*
 * Gives back all that can be, after this step has failed; needed: what the steps have made of what they need. The
 * PROC_CHANGED_ bits of what could not be.
 */
uint32_t proc__undo(const struct undo *undo, const struct report *failed, const struct needed *needed);
void proc__undo_done(struct undo *undo);

#endif
