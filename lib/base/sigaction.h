/* SPDX-License-Identifier: MIT */
/*
 * The disposition of a signal as the kernel sees it: all 64, with those that libc keeps for itself and does not let
 * sigaction(2) touch. Raw calls.
 */
#ifndef PROC_LIB_BASE_SIGACTION_H
#define PROC_LIB_BASE_SIGACTION_H

#include "system.h"

/* Large enough for any kernel's struct sigaction; zero is SIG_DFL everywhere. */
struct kernel_sigaction {
#if defined(__mips__)
    unsigned long flags;
    uintptr_t handler;
#else
    uintptr_t handler;
    unsigned long flags;
#endif
    unsigned long rest[6];
};

/* 0 or a negative errno; either may be NULL. */
static inline long proc__sigaction(int signal, const struct kernel_sigaction *new, struct kernel_sigaction *ret_old)
{
    return proc__syscall(SYS_rt_sigaction, signal, (long)new, (long)ret_old, KERNEL_SIGSET_BYTES, 0, 0);
}

#endif
