/* SPDX-License-Identifier: MIT */
/* What a new process is to execute: paths to try, or one open file, and the shell for a file without a format. */
#ifndef PROC_LIB_CHILD_PROGRAM_H
#define PROC_LIB_CHILD_PROGRAM_H

#include "../base/system.h"

#include "plan.h"
#include "request.h"
#include "wiring.h"

struct program {
    const char **paths;
    const char *search_list; /* NULL = the program is a path */
    const char **script_argv;
};

/*
 * Writes its part of the plan, whose environment and wiring are there. 0, or a negative errno with the failure; done is
 * right in either case.
 */
int proc__program_prepare(struct program *ret_program, struct plan *plan, const struct request *request,
                          const struct wiring *wiring, struct failure *ret_failure);
void proc__program_done(struct program *program);
/* The thing that a failed search or execution is about, or NULL. */
const char *proc__program_argument(const struct program *program, const struct report *report);
/* Tells a file that is not there from one whose interpreter is not, for both are ENOENT. */
void proc__program_explain(const struct program *program, const struct plan *plan, struct failure *failure);

#endif
