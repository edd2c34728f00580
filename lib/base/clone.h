/* SPDX-License-Identifier: MIT */
/*
 * One new process, held in the hand by its pidfd from birth: clone3(2), else clone(2), on a stack of its own, with the
 * vfork wait: the caller goes on when the new process has called execve(2) or ended.
 */
#ifndef PROC_LIB_BASE_CLONE_H
#define PROC_LIB_BASE_CLONE_H

#include "system.h"

/* Where the new process lives. */
enum memory {
    MEMORY_SHARED,  /* in ours: nothing is copied, and what it writes we see */
    MEMORY_COPIED,  /* in a copy of ours, as after fork(2) */
    MEMORY_EMULATED /* as COPIED, by an emulator (valgrind, QEMU) that takes both for fork(2) and leaves the wait out */
};

/* What the kernel has done at the birth, so that the new process need not do it. */
enum {
    BORN_WITHOUT_HANDLERS = 1, /* no handler of ours can run in it; else it resets them before it unblocks a signal */
    BORN_IN_CGROUP = 2         /* it is where it was meant to be; else it has to move there */
};

/* Memory that is the same in every copy of ours made from now on, all 0; for munmap(2). NULL: errno tells why. */
void *proc__shared_memory(size_t size);

/*
 * What the new process runs. It must use proc__syscall() only, must not allocate, lock or return, and ends by execve(2)
 * or exit_group(2). born: of BORN_...
 */
typedef void clone_body(void *arg, int born);

/*
 * Makes the process. The caller has blocked all signals. The pid, and *ret_pidfd, above stdio if there is room; or
 * a negative errno, of which -ENOSYS: no pidfds here.
 *
 * cgroup: the directory of the control group to be born in, or -1. Where the kernel refuses that, for whatever reason,
 * the process is born in ours and told so: when it moves by itself it finds out why. Only for want of room (-EAGAIN, of
 * which the group may have less than we) there is no process.
 *
 * Until it execs, the new process tells nobody of its end: a start that fails sends no SIGCHLD, and only waits with
 * __WALL see it. With execve(2) it becomes a child like any other.
 */
int proc__clone(clone_body *body, void *arg, enum memory memory, int cgroup, int *ret_pidfd);

/* 1: a process can be born in a control group, 0: it has to move there; or a negative errno. */
int proc__clone_knows_cgroups(void);

/*
 * A copy of this process that goes on beside it, as by fork(2) but without a word to libc: it may make system calls and
 * nothing else. The caller has blocked all signals; flags: CLONE_NEW..., for its birth. As above, and 0 in the copy.
 */
int proc__clone_copy(uint64_t flags, int *ret_pidfd);
/*
 * The same, called in such a copy, and what it makes is a child of its own parent's. *pid gets its number before it
 * runs, so that in shared memory it is known whatever becomes of the caller. 0 in the new process; its number; or
 * a negative errno.
 */
int proc__clone_sibling(uint64_t flags, int *pid);
/* The same, and it is a child of the copy. */
int proc__clone_own(uint64_t flags, int *pid);

#endif
