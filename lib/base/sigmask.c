/* SPDX-License-Identifier: MIT */
/* The whole signal mask, set and given back. Owns nothing. */
#include "sigmask.h"

int proc__sigmask_block_all(struct sigmask *ret_before)
{
    struct sigmask all;
    for (size_t i = 0; i < sizeof all.bits / sizeof all.bits[0]; i++)
        all.bits[i] = ~UINT64_C(0);
    return (int)proc__syscall(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)ret_before, sizeof all, 0, 0);
}

int proc__sigmask_set(const struct sigmask *mask)
{
    return (int)proc__syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)mask, 0, sizeof *mask, 0, 0);
}

int proc__sigmask_get(struct sigmask *ret_mask)
{
    return (int)proc__syscall(SYS_rt_sigprocmask, SIG_SETMASK, 0, (long)ret_mask, sizeof *ret_mask, 0, 0);
}
