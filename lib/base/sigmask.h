/* SPDX-License-Identifier: MIT */
/*
 * The calling thread's signal mask as the kernel sees it: all 64 signals, with the two that libc keeps for itself and
 * does not let pthread_sigmask(3) touch.
 */
#ifndef PROC_LIB_BASE_SIGMASK_H
#define PROC_LIB_BASE_SIGMASK_H

#include "system.h"

struct sigmask {
    uint64_t bits[KERNEL_SIGSET_BYTES / 8];
};

/* Blocks every signal. Fails only where a filter denies the call. */
int proc__sigmask_block_all(struct sigmask *ret_before);
int proc__sigmask_set(const struct sigmask *mask);
int proc__sigmask_get(struct sigmask *ret_mask);

#endif
