/* SPDX-License-Identifier: MIT */
/* Starting, for the other files of this folder. */
#ifndef PROC_LIB_CHILD_SPAWN_H
#define PROC_LIB_CHILD_SPAWN_H

#include "../base/system.h"

#include <proc/spawn.h>

#include "plan.h"

struct request;
struct failure;

/* What the start is to its caller. */
struct spawn_call {
    const char *verb; /* the first word of error texts */
    int is_run;       /* 1: it also moves the bytes to the end */
    /* What this call cannot do of what a request may say; NULL: it can do all. 0 or a negative errno. */
    int (*check)(const struct request *request, struct failure *ret_failure);
    forked_body *body; /* what the new process does instead of becoming a program; NULL: it does */
    void *arg;
};

/* The caller's place for details, unless its struct is too short to have one; options may be NULL. */
proc_error *proc__options_error(const proc_options *options);

/* As proc_spawn(); the caller has made sure that the thread cannot be cancelled meanwhile. */
int proc__spawn(proc_child **ret_child, const char *const argv[], const proc_options *options,
                const struct spawn_call *call);

#endif
