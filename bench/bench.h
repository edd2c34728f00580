/* SPDX-License-Identifier: MIT */
/*
 * What every benchmark needs: its options, its place on one processor, and rows of ways to do the same work, timed in
 * alternating blocks so that a slow spell of the machine hits both sides of a ratio.
 */
#ifndef PROC_BENCH_BENCH_H
#define PROC_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* ---- Options: `--name NUMBER` ---- */

struct bench_option {
    const char *name;
    const char *help;
    long *value; /* holds the default */
};

/* Takes the given options, and those of every benchmark: --blocks, --seconds, --cpu. Then moves to that processor. */
void bench_begin(int argc, char *argv[], const struct bench_option *options, size_t count);

/* ---- Rows ---- */

/* One way to do the work of a row. */
struct bench_way {
    const char *name;
    void (*once)(const void *context);
    const void *context;
    int helper; /* 0: done here; else the helper process that does it */
};

/* What a row is about. */
struct bench_work {
    const char *name;
    const char *unit; /* of its column of times */
    double unit_ns;   /* how many nanoseconds one of these has, for one time of the work */
    int block_ms;     /* how long one block should take; a block does the work at least once */
};

#define BENCH_MOST_WAYS 8

/* Prints the row, of at most so many ways: the first way as the measure, then each other way by its ratio to it. */
void bench_row(const struct bench_work *work, const struct bench_way *ways, size_t count);

/* ---- For ways that need another process to be measured in ---- */

/* A copy of this process as it is now, which does blocks when a way names it. It ends with us. */
int bench_helper(void);

/* ---- Small things ---- */

__attribute__((noreturn)) void bench_die(const char *what, int error);
int64_t bench_now(void);
/* In a way: what has been done since `begin` is not of the work, and does not count. */
void bench_leave_out(int64_t begin);
/* The path of a program beside our own, for good. */
const char *bench_sibling(const char *name);

#endif
