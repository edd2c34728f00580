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
#include "plan.h"
#include "program.h"
#include "request.h"
#include "spawn.h"
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
    struct plan plan;
};

/* 0, or a negative errno with the failure; to be ended by done in either case. */
int proc__prepare(struct prepared *ret_prepared, const char *const argv[], const proc_options *options,
                  const struct spawn_call *call, struct failure *ret_failure);
void proc__prepared_done(struct prepared *prepared);
/* The thing that a step was given: the child side can only send its number. Dies with what is prepared. */
const char *proc__prepared_argument(const struct prepared *prepared, const struct report *report);

#endif
