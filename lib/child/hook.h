/* SPDX-License-Identifier: MIT */
/* A function of the caller's on the way of a new process to its program. */
#ifndef PROC_LIB_CHILD_HOOK_H
#define PROC_LIB_CHILD_HOOK_H

#include "../base/system.h"

#include <proc/fork.h>

#include "../base/error.h"
#include "../base/step.h"

struct hook {
    int (*run)(void *user);
    void *user;
    int timeout_ms; /* -1 = for ever */
    int is_watched; /* 1: its beginning and its end are told by the words of held.h */

    proc_exit ended; /* how it has ended its process, where it should have come back; kind PROC_RUNNING: it has not */
    char reason[64]; /* for the text of a failure */
};

int proc__hook_check(const proc_hook *options, struct failure *ret_failure);
/* call_timeout_ms: of the whole call, 0 and -1 = none. */
void proc__hook_prepare(struct hook *ret_hook, const proc_hook *options, int call_timeout_ms);
/* Adds to a failure of its step what it has done instead of coming back. */
void proc__hook_explain(struct hook *hook, struct failure *failure);
/* In the new process, which must be a copy made by fork(2). */
struct report proc__hook_run(const struct hook *hook, int report_fd);

#endif
