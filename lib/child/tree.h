/* SPDX-License-Identifier: MIT */
/* A signal to children and all their descendants, by the best way there is, and the truth about how far it came. */
#ifndef PROC_LIB_CHILD_TREE_H
#define PROC_LIB_CHILD_TREE_H

#include "../base/system.h"

#include <proc/child.h>

#include "../base/clock.h"
#include "../procfs/descendants.h"

struct crew;

/* {0}: nobody has been looked for yet. Who has once been found stays so from one signal to the next. */
struct tree {
    struct descendants found;
    proc_reach reach; /* of the last signal */
};

/* Until when a search may go on, or the wait for the end of the killed: a second, or less if the caller has less. */
deadline proc__tree_time(int wait_ms);
/*
 * 0: all who were found got it; or the first failure: tree->reach tells who got it nevertheless. awake: continues them
 * afterwards.
 */
int proc__tree_signal(struct tree *tree, const struct crew *crew, int signal, int awake, deadline until);
/* Waits until then for the end of all that were found, and may be signalled. How many are left; reach counts all. */
int proc__tree_await(struct tree *tree, deadline when);
/* Lets go of all, and leaves what was reached in the handles, if there was a signal. */
void proc__tree_done(struct tree *tree, const struct crew *crew);

/* What a handle tells of its last one. */
void proc__reach_note(proc_child *child, const proc_reach *reach);
proc_reach proc__reach_of(const proc_child *child);

/* proc_kill() of a tree. */
int proc__child_signal_tree(proc_child *child, int signal);

#endif
