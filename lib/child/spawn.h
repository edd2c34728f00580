/* SPDX-License-Identifier: MIT */
/* Starting, for the other files of this folder. */
#ifndef PROC_LIB_CHILD_SPAWN_H
#define PROC_LIB_CHILD_SPAWN_H

#include "../base/system.h"

#include <proc/spawn.h>

/* What the start is to its caller: the first word of error texts, and whether it also moves the bytes to the end. */
struct spawn_call {
    const char *verb;
    int is_run;
};

/* As proc_spawn(); the caller has made sure that the thread cannot be cancelled meanwhile. */
int proc__spawn(proc_child **ret_child, const char *const argv[], const proc_options *options,
                const struct spawn_call *call);

#endif
