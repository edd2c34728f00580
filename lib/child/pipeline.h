/* SPDX-License-Identifier: MIT */
/* A pipeline between its request and its running stages. */
#ifndef PROC_LIB_CHILD_PIPELINE_H
#define PROC_LIB_CHILD_PIPELINE_H

#include "../base/system.h"

#include "spawn.h"

struct stage {
    struct spawn spawn;
    int has_err; /* of its own */
};

struct pipeline {
    const struct spawn_call *call;
    const proc_request *requests;
    proc_options common; /* those of the pipeline */
    size_t count;
    struct stage *stages;
    size_t taken;          /* how many of them have been looked at, and are to be given back */
    proc_child **children; /* of all stages, once made */
    int (*pipes)[2];       /* what each writes and the next one reads; -1 = closed */
    size_t err_stage;      /* whose `err` is that of the pipeline; count = nobody's */
    int leader;            /* pid of who leads the group of all; 0 = there is none */
    struct failure failure;
    size_t failed; /* which stage; count = none in particular */
};

/* All but the start. 0 or a negative errno; to be ended by done in either case. */
int proc__pipeline_make(struct pipeline *ret_pipeline, const proc_request requests[], const proc_options *options,
                        const struct spawn_call *call);
/* Starts all stages or none: 0, and the children are the caller's; or a negative errno. */
int proc__pipeline_start(struct pipeline *pipeline);
/* Tells of a failure. */
void proc__pipeline_tell(const struct pipeline *pipeline, proc_error *error);
/* Gives back all but children that run. */
void proc__pipeline_done(struct pipeline *pipeline);

#endif
