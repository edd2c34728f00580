/* SPDX-License-Identifier: MIT */
/*
 * A child that shall die with this program. The kernel sends its parent-death signal when the thread ends that made it,
 * not when the program does; so such a child is made by a thread of its own, which ends with the child. It is a copy of
 * the calling one in all that a child inherits: CPUs, nice, policy, ids, namespaces, filters.
 */
#ifndef PROC_LIB_CHILD_PARENT_THREAD_H
#define PROC_LIB_CHILD_PARENT_THREAD_H

#include "../base/system.h"

#include <pthread.h>

#include "plan.h"

struct parent_thread {
    pthread_t thread;
    int exists;
};

/* As proc__start(), by a thread that stays the parent. Fails with PROC_STEP_DIE_WITH_PARENT if there can be none. */
int proc__parent_thread_start(struct parent_thread *ret_thread, const struct plan *plan, enum memory memory,
                              int *ret_pid, int *ret_pidfd, struct report *ret_report);
/* Nobody will ask for the child again. has_ended: then the thread is on its way, and waited for. */
void proc__parent_thread_done(struct parent_thread *thread, int has_ended);

#endif
