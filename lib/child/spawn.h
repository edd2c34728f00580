/* SPDX-License-Identifier: MIT */
/* Starting, for the other files of this folder. */
#ifndef PROC_LIB_CHILD_SPAWN_H
#define PROC_LIB_CHILD_SPAWN_H

#include "../base/system.h"

#include <proc/spawn.h>

#include "prepare.h"

/* One start on its way. */
struct spawn {
    struct prepared ready;
    proc_child *child; /* NULL until made */
    int64_t started;   /* proc_now_ms() at its beginning */
};

/* Of what is ready: the handle, so that nothing can fail after the start. 0 or a negative errno. */
int proc__spawn_make_child(struct spawn *spawn, struct failure *ret_failure);
/* Then the process. The handle is as before if it fails. */
int proc__spawn_start(struct spawn *spawn, struct failure *ret_failure);

/* As proc_spawn(); the caller has made sure that the thread cannot be cancelled meanwhile. */
int proc__spawn(proc_child **ret_child, const char *const argv[], const proc_options *options,
                const struct spawn_call *call);

/* For an argument that cannot be meant: tells what of it, and returns -EINVAL. */
int proc__refuse_call(const proc_options *options, const char *verb, const char *what);
/* The caller's place for details, unless its struct is too short to have one, or there is none. */
proc_error *proc__error_of(const proc_options *options);

#endif
