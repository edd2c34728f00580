/* SPDX-License-Identifier: MIT */
/*
 * A request: what the caller asked for, taken over from structs of any size and found to make sense. After the check no
 * part of the library looks at the caller's own structs again.
 */
#ifndef PROC_LIB_CHILD_REQUEST_H
#define PROC_LIB_CHILD_REQUEST_H

#include "../base/system.h"

#include <proc/fork.h>
#include <proc/limits.h>
#include <proc/namespace.h>
#include <proc/sandbox.h>
#include <proc/scheduling.h>
#include <proc/spawn.h>
#include <proc/terminal.h>

#include "../base/error.h"
#include "plan.h"

struct request;

/* What the start is to its caller. */
struct spawn_call {
    const char *verb; /* the first word of error texts */
    int is_run;       /* 1: it also moves the bytes to the end */
    int may_orphan;   /* 1: what it starts need be no child of ours */
    int is_question;  /* 1: it starts nothing, so it takes what any of the others does */
    /* What this call cannot do of what a request may say; NULL: it can do all. 0 or a negative errno. */
    int (*check)(const struct request *request, struct failure *ret_failure);
    forked_body *body; /* what the new process does instead of becoming a program; NULL: it does */
    void *arg;
};

struct request {
    const char *const *argv;
    proc_options options; /* every struct behind it is one of the following, or absent */
    proc_start start;
    proc_transfer transfer;
    proc_ids ids;
    proc_dispositions signals;
    proc_terminal terminal;
    proc_scheduling scheduling;
    proc_limits limits;
    proc_namespaces namespaces;
    proc_sandbox sandbox;
    proc_hook hook;
};

/*
 * Fills the request from what the caller gave, options may be NULL. 0; -EINVAL, -ENOTSUP or -E2BIG with the failure
 * saying what.
 */
int proc__request_take(struct request *ret_request, const char *const argv[], const proc_options *options,
                       const struct spawn_call *call, struct failure *ret_failure);

/* The caller's options in the size that this version knows; NULL = all defaults. 0, -EINVAL or -E2BIG. */
int proc__options_take(proc_options *ret_options, const proc_options *given, struct failure *ret_failure);

/* The entry of the child's descriptor number i of [0, 3 + fds.count): 0, 1, 2 and then the slots, and its number. */
const proc_stdio *proc__request_entry(const struct request *request, size_t i, int *ret_number);
size_t proc__request_entry_count(const struct request *request);
/* 1: the child's supplementary groups are set, also to none, which is what another user has unless it keeps ours. */
int proc__request_sets_groups(const struct request *request);

#endif
