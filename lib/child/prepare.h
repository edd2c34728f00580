/* SPDX-License-Identifier: MIT */
/* A request made ready to be carried out by a new process, or by this one. */
#ifndef PROC_LIB_CHILD_PREPARE_H
#define PROC_LIB_CHILD_PREPARE_H

#include "../base/system.h"

#include "../isolation/limits.h"
#include "../isolation/namespaces.h"
#include "../isolation/sandbox.h"
#include "../isolation/scheduling.h"
#include "announcement.h"
#include "hook.h"
#include "plan.h"
#include "program.h"
#include "request.h"
#include "terminal.h"
#include "wiring.h"

struct prepared {
    struct request request;
    struct wiring wiring;
    struct program program;
    struct announcement announcement;
    const char **edited_env; /* NULL = nothing was edited */
    struct terminal terminal;
    struct scheduling scheduling;
    struct limits limits;
    struct namespaces namespaces;
    struct sandbox sandbox;
    struct hook hook;
    int *kept; /* NULL = a program is started */
    struct plan plan;
};

/*
 * In two parts, between which others may be looked at, and descriptors made for all: the look at the request, which
 * makes nothing, and the making. Each 0, or a negative errno with the failure; to be ended by done in any case.
 */
int proc__prepare_take(struct prepared *ret_prepared, const char *const argv[], const proc_options *options,
                       const struct spawn_call *call, struct failure *ret_failure);
int proc__prepare_make(struct prepared *prepared, const struct spawn_call *call, struct failure *ret_failure);
/* Both. */
int proc__prepare(struct prepared *ret_prepared, const char *const argv[], const proc_options *options,
                  const struct spawn_call *call, struct failure *ret_failure);
/* The same up to the paths of the program: opens nothing. */
int proc__prepare_program(struct prepared *ret_prepared, const char *const argv[], const proc_options *options,
                          const struct spawn_call *call, struct failure *ret_failure);
void proc__prepared_done(struct prepared *prepared);
/*
 * Notes what the child side reports, which can only send numbers: with the thing that the step was given, and words for
 * what the errno alone does not tell. They die with what is prepared. Returns -code.
 */
int proc__prepared_fail(struct prepared *prepared, const struct report *report, struct failure *ret_failure);

#endif
