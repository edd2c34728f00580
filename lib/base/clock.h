/* SPDX-License-Identifier: MIT */
/*
 * Deadlines: a moment on CLOCK_MONOTONIC, made once from a timeout and asked as often as needed, so that a wait which
 * is interrupted or resumed never gets longer.
 */
#ifndef PROC_LIB_BASE_CLOCK_H
#define PROC_LIB_BASE_CLOCK_H

#include "system.h"

struct pollfd;

/* Nanoseconds on CLOCK_MONOTONIC. */
typedef int64_t deadline;

#define DEADLINE_NEVER INT64_MAX

/* Now. */
deadline proc__now_ns(void);
/* timeout_ms as in the public API: 0 = now, negative = never. */
deadline proc__deadline_in(int timeout_ms);
/* The one that comes first. */
deadline proc__deadline_min(deadline a, deadline b);
/* 1 = the moment has come. */
int proc__deadline_passed(deadline when);
/* Milliseconds left, rounded up, at most INT_MAX; -1 = never: as poll(2) wants it. */
int proc__deadline_ms(deadline when);
/* poll(2) until then, never returning for a signal. How many are ready, 0 = the time is over, or a negative errno. */
int proc__poll(struct pollfd *fds, size_t count, deadline when);

/*
 * For what cannot be polled for, or where poll(2) itself fails (no memory, or a limit lowered below the number of the
 * descriptors): a moment off, at most until then. 0 = try again, -ETIMEDOUT = the time is over.
 */
int proc__nap(deadline when);

#endif
