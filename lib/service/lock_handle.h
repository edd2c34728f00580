/* SPDX-License-Identifier: MIT */
/* A lock that is held, and the parts of its life that several files need. */
#ifndef PROC_LIB_SERVICE_LOCK_HANDLE_H
#define PROC_LIB_SERVICE_LOCK_HANDLE_H

#include "lock.h"

struct proc_lock {
    struct lock_place place; /* its name is our own copy */
    struct lock_file file;
    int owner; /* the process that may remove the file: a forked copy is another one */
    unsigned kinds, flags;
    char name[];
};

/* Looks at the caller's options; those that are NULL are all zero. 0, -EINVAL, -E2BIG, -ENOTSUP, with the failure. */
int proc__lock_options(const proc_lock_options *given, proc_lock_options *ret_options, struct failure *failure);
/* A handle without a file yet, its directory open. 0 or a negative errno, with the failure. */
int proc__lock_new(const char *path, const proc_lock_options *options, proc_lock **ret_lock, struct failure *failure);
/* Gives back the handle and its descriptors; the file stays as it is. NULL is welcome. */
void proc__lock_discard(proc_lock *lock);
/* Removes the file, or empties it: only while it is ours. */
void proc__lock_remove(const proc_lock *lock);
/* 0: the path leads to our file, and the locks are ours; -ESTALE: not so; or another negative errno. */
int proc__lock_still_ours(const proc_lock *lock);
/* Says what was wrong with a file: its reason, if there is one, tells more than the errno. Returns rc. */
int proc__lock_fail(struct failure *failure, int step, int rc, const char *reason);

#endif
