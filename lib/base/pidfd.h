/* SPDX-License-Identifier: MIT */
/*
 * The system calls on pidfds, which libc wraps late or not at all. Knows processes only as descriptors.
 */
#ifndef PROC_LIB_BASE_PIDFD_H
#define PROC_LIB_BASE_PIDFD_H

#include "system.h"

#include <proc/child.h>

/* pidfd_open(2): the descriptor or a negative errno. */
int proc__pidfd_open(int pid);
/* pidfd_send_signal(2): 0 or a negative errno. */
int proc__pidfd_signal(int pidfd, int signal, unsigned flags);
/*
 * waitid(2) for an ended child, at once. 1 = reaped, both outputs written; 0 = it still runs; a negative errno, of
 * which -ECHILD: not our child, or no longer.
 */
int proc__pidfd_reap(int pidfd, proc_exit *ret_exit, proc_usage *ret_usage);
/* 1: the process has ended, whosever child it is or was; where poll(2) fails that is seen only when it is reaped. */
int proc__pidfd_has_ended(int pidfd);
/* Waits for the end of a child, however long it takes, and reaps it. 0 or a negative errno. */
int proc__pidfd_await(int pidfd);
/* The same, and how it has ended. */
int proc__pidfd_await_exit(int pidfd, proc_exit *ret_exit);
/*
 * Kills a child that has failed before it was anybody's, reaps it and closes its pidfd. By its number, pid, where the
 * pidfd cannot be signalled: that is its own until we reap it.
 */
void proc__pidfd_end(int *pidfd, int pid);
/* The same for one that has no pidfd. */
void proc__pidfd_end_unheld(int pid);
/* A look at once, without reaping: who waits for the child finds it as it was. */
int proc__pidfd_peek(int pidfd, proc_exit *ret_exit);
/* The same for a stop: 1 = it is stopped, by this signal; 0 = it is not, or has ended; or a negative errno. */
int proc__pidfd_peek_stop(int pidfd, int *ret_signal);
/* Waits, without taking it, for a stop or the end of a child, or a signal to us. A point to be cancelled at. */
void proc__pidfd_await_change(int pidfd);
/*
 * For a process out of proc__clone() whose vfork wait is over: the signal that has killed it before it executed
 * anything; 0 = it has. Without reaping, and without waiting for more than the rest of its end.
 */
int proc__pidfd_died_unexecuted(int pidfd);
/* 0: it is our child, running or not reaped yet; -ECHILD: it is not, or no longer. */
int proc__pidfd_is_child(int pidfd);
/*
 * How a process, reaped by anybody, has ended: PIDFD_GET_INFO. 0; -EAGAIN: not reaped yet, ask again after POLLHUP; or
 * -ENODATA: this kernel does not tell.
 */
int proc__pidfd_exit_info(int pidfd, proc_exit *ret_exit);
/* What PIDFD_GET_INFO tells without a look at /proc, in the caller's pid and user namespaces. */
struct pidfd_ids {
    int32_t ppid;
    uint32_t uid, euid, gid, egid;
};

/* 0; -ESRCH: reaped; or -ENODATA: this kernel does not tell (before 6.13), or not to us. */
int proc__pidfd_ids(int pidfd, struct pidfd_ids *ret_ids);
/* The inode of a pidfd, which no two processes share until the machine is booted again; 0: none such here. */
uint64_t proc__pidfd_inode(int pidfd);

#endif
