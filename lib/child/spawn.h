/* SPDX-License-Identifier: MIT */
/* The start of a child, for all calls that begin with one. */
#ifndef PROC_LIB_CHILD_SPAWN_H
#define PROC_LIB_CHILD_SPAWN_H

#include "../base/system.h"

#include <proc/spawn.h>

struct spawn_call {
    const char *verb; /* begins every error text */
    int is_run;       /* 1: timeout_ms is welcome, PIPE entries and PROC_DETACH are not */
};

/* As proc_spawn(). */
int proc__spawn(proc_child **child, const char *const argv[], const proc_options *options,
                const struct spawn_call *call);

#endif
