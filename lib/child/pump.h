/* SPDX-License-Identifier: MIT */
/*
 * Moving the bytes of all transferring streams of a child, or of several together: one poll, one portion for each that
 * is ready. Who calls has set `pumping`, or is alone with the handles.
 */
#ifndef PROC_LIB_CHILD_PUMP_H
#define PROC_LIB_CHILD_PUMP_H

#include "../base/system.h"

#include "handle.h"

/* What a round watches beside the streams, and what it has seen. */
enum {
    PUMP_END = 1,   /* a child whose end had not been seen yet may have ended */
    PUMP_CANCEL = 2 /* the first's cancel_fd is readable */
};

/* Before the children are started: makes what moving their bytes will need, in the first's handle. 0 or -ENOMEM. */
int proc__pump_prepare(const struct crew *crew);
/* Gives that back, and the epoll set. */
void proc__pump_done(proc_child *child);

/* Makes the caller the one who moves the bytes: 0, or -EBUSY if another one does. */
int proc__pump_enter(proc_child *child);
void proc__pump_leave(proc_child *child);

/*
 * Waits until something can be moved, something watched happens, or the time is over; then moves one portion of every
 * stream that is ready. Which of the watched has happened; never fails.
 */
int proc__pump_round(const struct crew *crew, deadline when, int watched);

/* How many streams that the children write are open. */
size_t proc__pump_outputs_open(const struct crew *crew);
/* Notes that all that the outputs hold at this moment is due... */
void proc__pump_note_due(const struct crew *crew);
/* ...and moves it. What is written meanwhile may stay, so this ends whatever the writers do. */
void proc__pump_move_due(const struct crew *crew);
/* 1: something that is due waits for the target of a tee. */
int proc__pump_waits_for_tees(const struct crew *crew);
/* The targets of tees that let us wait get no more. How many. */
size_t proc__pump_give_up_tees(const struct crew *crew);
/* Gives up what is still open, and closes our ends; what is due has been moved before. */
void proc__pump_give_up(const struct crew *crew);

#endif
