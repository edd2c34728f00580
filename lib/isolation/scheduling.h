/* SPDX-License-Identifier: MIT */
/* When and where a new process runs. */
#ifndef PROC_LIB_ISOLATION_SCHEDULING_H
#define PROC_LIB_ISOLATION_SCHEDULING_H

#include "../base/system.h"

#include <proc/scheduling.h>

#include "../base/error.h"
#include "../base/step.h"

struct scheduling {
    proc_scheduling asked; /* what it points to is borrowed */
    unsigned long *cpus;   /* the kernel's set of them; NULL = as they are */
    size_t cpus_size;      /* bytes at cpus */
};

/* By themselves, before anything is made. 0, or a negative errno with the failure. */
int proc__scheduling_check(const proc_scheduling *options, struct failure *ret_failure);
/* Makes ready what the new process will need. 0, or a negative errno with the failure; done is right in either case. */
int proc__scheduling_prepare(struct scheduling *ret_scheduling, const proc_scheduling *options,
                             struct failure *ret_failure);
void proc__scheduling_done(struct scheduling *scheduling);
/* In the new process. */
struct report proc__scheduling_apply(const struct scheduling *scheduling);

#endif
