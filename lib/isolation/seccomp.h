/* SPDX-License-Identifier: MIT */
/* A filter of system calls, as data. */
#ifndef PROC_LIB_ISOLATION_SECCOMP_H
#define PROC_LIB_ISOLATION_SECCOMP_H

#include "../base/system.h"

#include <proc/sandbox.h>

#include "../base/error.h"
#include "../base/step.h"

/* The kernel's struct sock_fprog. */
struct filter {
    unsigned short length; /* 0 = none */
    const struct sock_filter *instructions;
};

/* By itself. 0, or a negative errno with the failure. */
int proc__seccomp_check(const proc_sandbox *options, struct failure *ret_failure);
/* In the new process; no call that follows is sure to be answered by the kernel. */
struct report proc__seccomp_apply(const struct filter *filter, uint32_t flags);

#endif
