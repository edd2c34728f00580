/* SPDX-License-Identifier: MIT */
/*
 * The floor: a start and a wait by the four system calls that they cannot do without. No signal is blocked, no handler
 * reset, no descriptor closed, and nobody is told why the program could not be run: it just dies.
 */
#ifndef PROC_BENCH_RAW_H
#define PROC_BENCH_RAW_H

#include "bench.h"

/* waitid(2)'s idtype for a pidfd, which older libcs lack. */
#define WAIT_FOR_PIDFD ((idtype_t)3)

struct raw_program {
    const char *path;
    char *const *argv;
    int out; /* becomes descriptor 1; -1 = ours */
};

/* The pidfd. clone3(CLONE_VM | CLONE_VFORK | CLONE_PIDFD) on a stack that is kept, execve. */
int raw_start(const struct raw_program *program);
/* waitid(P_PIDFD), close. The program must have exited with 0. */
void raw_end(int pidfd);
/* The same; it must have been killed by SIGKILL. */
void raw_end_killed(int pidfd);

#endif
