/* SPDX-License-Identifier: MIT */
/*
 * Moving the bytes of all transferring streams of a child: one poll, one portion for each that is ready. Who calls has
 * set `pumping`, or is alone with the handle.
 */
#ifndef PROC_LIB_CHILD_PUMP_H
#define PROC_LIB_CHILD_PUMP_H

#include "../base/system.h"

#include "handle.h"

/* What a round watches beside the streams, and what it has seen. */
enum {
    PUMP_END = 1,   /* the child has ended */
    PUMP_CANCEL = 2 /* its cancel_fd is readable */
};

/* Before the child is started: makes what moving its bytes will need. 0 or -ENOMEM. */
int proc__pump_prepare(proc_child *child);
/* Gives that back, and the epoll set. */
void proc__pump_done(proc_child *child);

/* Makes the caller the one who moves the bytes: 0, or -EBUSY if another one does. */
int proc__pump_enter(proc_child *child);
void proc__pump_leave(proc_child *child);

/*
 * Waits until something can be moved, something watched happens, or the time is over; then moves one portion of every
 * stream that is ready. Which of the watched has happened; never fails.
 */
int proc__pump_round(proc_child *child, deadline when, int watched);

/* How many streams that the child writes are open. */
size_t proc__pump_outputs_open(const proc_child *child);
/* Notes that all that the outputs hold at this moment is due... */
void proc__pump_note_due(proc_child *child);
/* ...and moves it. What is written meanwhile may stay, so this ends whatever the writers do. */
void proc__pump_move_due(proc_child *child);
/* Gives up what is still open, and closes our ends. */
void proc__pump_give_up(proc_child *child);

#endif
