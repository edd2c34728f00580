/* SPDX-License-Identifier: MIT */
/*
 * The stop steps of a child, or of several together, one at a time: whoever climbs waits in its own way, since a child
 * that is to end may first have to get rid of its output.
 */
#ifndef PROC_LIB_CHILD_STOP_H
#define PROC_LIB_CHILD_STOP_H

#include "../base/system.h"

#include "../base/clock.h"
#include "tree.h"

struct crew;

struct stop_ladder {
    size_t next;    /* the step to be taken next; {0} is the foot of the ladder */
    deadline until; /* how long the last one taken may last */
    struct tree tree; /* whom the steps for trees have found */
};

/*
 * Takes the next step. 1 = taken: wait until `until`; 0 = there is none left; or the negative errno of the signal, if
 * nobody could be sent one.
 */
int proc__stop_next(const struct crew *crew, struct stop_ladder *ladder);
/* The same when the children have ended, and descendants that a step has found have not: the next one for trees. */
int proc__stop_next_for_trees(const struct crew *crew, struct stop_ladder *ladder);
/* Gives back what a ladder holds, and leaves in the handles how far it has reached. */
void proc__stop_done(const struct crew *crew, struct stop_ladder *ladder);

#endif
