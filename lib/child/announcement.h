/* SPDX-License-Identifier: MIT */
/* What the environment of the child says of descriptors that are handed over: LISTEN_FDS and its companions. */
#ifndef PROC_LIB_CHILD_ANNOUNCEMENT_H
#define PROC_LIB_CHILD_ANNOUNCEMENT_H

#include "../base/system.h"

#include "request.h"

struct announcement {
    const char **edits; /* to the environment, instead of the caller's own, which are among them; NULL: nothing */
    char *text;         /* of the variables */
    char *pid;          /* in it, where the child puts its pid; NULL: nothing is announced */
};

/* 1: descriptors from 3 on without a gap, in any order. */
int proc__announcement_is_dense(const proc_slots *fds);
/* NULL, or what is wrong with the names. */
const char *proc__announcement_check_names(const char *const *names, size_t count);

/* For this environment before its edits. 0 or -ENOMEM; done is right in either case. */
int proc__announcement_make(struct announcement *ret_announcement, const struct request *request,
                            const char *const *env);
void proc__announcement_done(struct announcement *announcement);
/* In the new process: it alone knows which number it has where it will be read. */
void proc__announcement_fill_in(char *pid);

#endif
