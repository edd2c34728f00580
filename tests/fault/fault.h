/* SPDX-License-Identifier: MIT */
/*
 * Fault runs: a scenario is run again and again, each time in a forked copy, each time with another of its calls to
 * libc or to the kernel failing: the first, the second, ... - alone, or with all that follow - and with each error that
 * the call may give. Afterwards the call must have said so, and left no trace.
 *
 * The library is linked against wrappers (wrap.c) for all calls that can fail; answers.c knows with what. Calls of a
 * child, between its birth and execve(2), count and fail too.
 */
#ifndef PROC_TESTS_FAULT_H
#define PROC_TESTS_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include <proc/base.h>

/* What a scenario tells of its one call under test. */
struct attempt {
    int64_t rc;       /* what it has returned; a count is a success */
    proc_error error; /* filled by the call, if it takes one */
    int takes_error;
    int untouched;    /* 1: all outputs still hold their sentinels; looked at after a failure */
    char wrong[200];  /* a sentence, if the scenario itself found something wrong */
};

/* By the scenario itself. */
void find_wrong(struct attempt *attempt, const char *what);

struct scenario {
    const char *name;
    /*
     * Sets up, calls fault_begin(), the call under test, fault_end(), and clears up. Faults happen between the two
     * only. Must not use cmocka, and must leave the world as it was.
     */
    void (*run)(struct attempt *attempt);
};

void fault_begin(void);
void fault_end(void);

/* All cases of a scenario. Returns how many are broken, and prints each if `show`. */
int fault_run(const struct scenario *scenario, int show);
/* Not all, if PROC_TEST_FAULT_STRIDE says so; what checks the harness itself does not ask. */
void fault_take_stride(void);
/* All cases of all scenarios, in a cmocka test: fails if one is broken. */
void fault_check(const struct scenario *scenarios, size_t count);
#define FAULT_CHECK(table) fault_check((table), sizeof(table) / sizeof(table)[0])

/* ---- Between the parts of the harness ---- */

/* The errors to give, ended by 0. */
struct answers {
    int once[8];   /* when this call is the only one to fail */
    int always[4]; /* when all fail from one call on: no EINTR, and nothing that is needed to clear up */
};

/* number: of a system call, or a command of fcntl or epoll_ctl; arg: what else decides. NULL: never fails. */
const struct answers *answers_for(const char *call, long number, long arg);
/* 0, or the error that this call shall give. Safe wherever the call itself is; errno is not touched. */
int fault_strike(const char *call, long number, long arg);
/* Blocks that the wrappers have given out and not got back. */
long heap_live_blocks(void);

#endif
