/* SPDX-License-Identifier: MIT */
/* Other libraries that walk over all processes: those that are there, each with its own best way to the same values. */
#ifndef PROC_BENCH_PEERS_H
#define PROC_BENCH_PEERS_H

/* Each of the three walks over all processes once; its context is the peer. */
struct peer {
    const char *name;
    void (*pids)(const void *peer);
    void (*statuses)(const void *peer); /* effective user, resident and swapped memory */
    void (*times)(const void *peer);    /* ticks in user and system mode */
};

/* All that are there, ended by NULL; of the others a word on standard error. */
const struct peer *const *peers(void);
void peers_end(void);

#endif
