/* SPDX-License-Identifier: MIT */
/* One call on its way to the end of a child, or of several that were started as one. */
#ifndef PROC_LIB_CHILD_COURSE_H
#define PROC_LIB_CHILD_COURSE_H

#include "../base/system.h"

#include <proc/run.h>

#include "handle.h"
#include "stop.h"

struct course {
    struct crew crew;  /* of several, drain_ms and cancel_fd are those of the first, and the result is for all */
    size_t err_stage;  /* whose captured 2 is the `err` of the result */
    proc_exit *stages; /* of several: room for how each has ended, handed over with the result */
    deadline until;    /* the caller's time */
    int stops;         /* 1: then they are stopped, 0: then we return */

    int stopping; /* 1: on the ladder */
    struct stop_ladder ladder;
    int timed_out, cancelled;
    int error; /* of a stop that cannot be carried out */
};

/* The time that the options of a run give it, from now on. */
deadline proc__course_time(const proc_options *options);
/* Moves, waits, stops, drains. 0 = the result may be filled; -ETIMEDOUT: the call may be repeated. */
int proc__course_run(struct course *course);
/* Gives up what is still open, and tells how it went; the result is empty before. */
void proc__course_fill(struct course *course, proc_result *ret_result);

#endif
