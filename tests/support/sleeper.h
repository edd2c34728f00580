/* SPDX-License-Identifier: MIT */
/*
 * Processes to look at, by plain fork(2). They die with us: one that a failed test leaves behind would keep the output
 * of the test open, and whoever reads that would wait for it.
 */
#ifndef PROC_TESTS_SLEEPER_H
#define PROC_TESTS_SLEEPER_H

/* fork(2), but the child is killed when the thread that made it ends. */
int fork_bound(void);
/* Does nothing until a signal ends it. */
_Noreturn void live_on(void);
/* A child that does nothing until it is killed; aborts if there can be none. */
int sleeper(void);
/* Kills a child and reaps it. */
void end(int pid);

#endif
