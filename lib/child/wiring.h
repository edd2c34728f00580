/* SPDX-License-Identifier: MIT */
/*
 * Wiring: the stdio entries of a request turned into open descriptors - which of ours becomes which of the child's, and
 * which ends stay with us.
 */
#ifndef PROC_LIB_CHILD_WIRING_H
#define PROC_LIB_CHILD_WIRING_H

#include "../base/system.h"

#include "../base/pty.h"
#include "handle.h"
#include "plan.h"
#include "request.h"

struct wiring {
    struct fd_move *moves; /* sorted by number */
    size_t move_count;
    int *ends; /* the child's ends and files: open here until it has started */
    size_t end_count;
    int null_fd; /* one /dev/null for all; -1 = none */

    struct stream *streams; /* our ends */
    size_t stream_count;

    struct stream *terminal; /* among them, the one of the terminal that entries share; NULL = none */
    int terminal_end;        /* what they all are in the child, among `ends`; -1 = none */
};

/* What a wiring is before it is made. */
#define NO_WIRING {.null_fd = -1, .terminal_end = -1}

/* Notes that what shall become this number of the child is not open. Returns -EBADF. */
int proc__fail_not_open(struct failure *ret_failure, int number);
/* Of ours: all descriptors that the entries name are open. To be asked before the first of our own is made. */
int proc__wiring_check(const struct request *request, struct failure *ret_failure);
/* What is wrong with a number that a descriptor could not be placed at. */
void proc__wiring_explain(struct failure *failure);
/* Opens all that the entries ask for. 0, or a negative errno with the failure; to be ended by done in either case. */
int proc__wiring_make(struct wiring *ret_wiring, const struct request *request, struct failure *ret_failure);
/* Which of ours becomes that number, which must be wired; open until the ends are closed. */
int proc__wiring_source(const struct wiring *wiring, int number);
/* The terminal; -1 twice: none. */
struct pty proc__wiring_pty(const struct wiring *wiring);
/* Closes what only the child needs. */
void proc__wiring_close_ends(struct wiring *wiring);
/* Gives back everything that is left, our ends too unless they were taken (streams NULL). */
void proc__wiring_done(struct wiring *wiring);

#endif
