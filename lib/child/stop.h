/* SPDX-License-Identifier: MIT */
/*
 * The stop steps of a child, or of several together, one at a time: whoever climbs waits in its own way, since a child
 * that is to end may first have to get rid of its output.
 */
#ifndef PROC_LIB_CHILD_STOP_H
#define PROC_LIB_CHILD_STOP_H

#include "../base/system.h"

#include "../base/clock.h"

struct crew;

struct stop_ladder {
    size_t next;    /* the step to be taken next; {0} is the foot of the ladder */
    deadline until; /* how long the last one taken may last */
};

/*
 * Takes the next step. 1 = taken: wait until `until`; 0 = there is none left; or the negative errno of the signal, if
 * nobody could be sent one.
 */
int proc__stop_next(const struct crew *crew, struct stop_ladder *ladder);

#endif
