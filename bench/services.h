/* SPDX-License-Identifier: MIT */
/* The rows of services: each file has its own. */
#ifndef PROC_BENCH_SERVICES_H
#define PROC_BENCH_SERVICES_H

/* lock.c: PID files. */
void bench_locks(void);
/* loop.c: signals, and a death among that many living processes, or as many as there can be. */
void bench_loop(long alive);

#endif
