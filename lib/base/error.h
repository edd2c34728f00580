/* SPDX-License-Identifier: MIT */
/*
 * Failures on their way out: a step, an errno and a pointer to the thing, carried without memory of their own until the
 * public door renders them into the caller's proc_error.
 */
#ifndef PROC_LIB_BASE_ERROR_H
#define PROC_LIB_BASE_ERROR_H

#include "system.h"

#include <proc/base.h>

struct failure {
    int step;             /* PROC_STEP_... */
    int code;             /* errno, positive */
    int index;            /* which one; -1 if there is only one */
    const char *argument; /* what the step was given: borrowed from the request; or NULL */
    const char *reason;   /* words that say more than the errno's, borrowed, at most 64 bytes; or NULL */
};

/* Notes a failure, and returns -code: `return proc__fail(failure, ...)`. */
int proc__fail(struct failure *ret_failure, int step, int code, int index, const char *argument);
/* The same for a request that makes no sense, or that this version cannot carry out; the words say what of it. */
int proc__refuse(struct failure *ret_failure, int code, const char *what);
/* The same for memory that we lack. */
int proc__fail_memory(struct failure *ret_failure);
/* Writes `verb "thing": step "argument": reason` into the caller's error, if there is one. */
void proc__error_render(proc_error *error, const char *verb, const char *thing, const struct failure *failure);
/* The words for an errno, in the buffer or static. Safe in any thread, unlike strerror(3). */
const char *proc__reason(int code, char *buffer, size_t size);
/* Copies text as snprintf does: always terminated if size > 0, the length needed comes back. */
int proc__text_out(const char *text, char *ret_text, size_t size);

#endif
