/* SPDX-License-Identifier: MIT */
/*
 * What a proc_child holds. Shared by the files of this folder only; who may touch what:
 *
 *   never changes after the start   owner, pid, pidfd, leads_group, joined, is_first, is_orphan, parent_thread, stop*,
 *                                   started, drain_ms, cancel_fd
 *   under `lock`                    detached, reaped_end, ended, exit, usage*, reach, pumping, pump_fd; of each stream
 *                                   fd, users, closing, and, changed only by who set `pumping`, done and waits_for_tee
 *   atomically                      watcher
 *   only by who set `pumping`       the transfer of each stream, and all from `polled` to `drain_until`
 */
#ifndef PROC_LIB_CHILD_HANDLE_H
#define PROC_LIB_CHILD_HANDLE_H

#include "../base/system.h"

#include <pthread.h>
#include <stdatomic.h>

#include <proc/run.h>

#include "../base/clock.h"
#include "parent_thread.h"
#include "transfer.h"

struct pollfd;
struct child_watcher;

/* Our end of one descriptor of the child, or of its terminal. */
struct stream {
    int number;           /* in the child */
    struct stream *is_at; /* another number of the terminal, whose stream is this one too; NULL: has one of its own */
    int fd;               /* ours, non-blocking; -1 once closed or taken */
    int from_child;       /* 1: the child writes and we read */
    int to_child;         /* 1: we write and the child reads; a socket and a terminal go both ways */
    int users;            /* verbs that are using fd just now */
    int closing;          /* 1: the last user closes fd */
    int done;             /* 1: all bytes of a terminal have been moved, but fd stays open */
    int waits_for_tee;    /* 1: the pump's epoll set waits for the target of its tee instead of fd */
    struct transfer transfer; /* what moves its bytes; of a kind without moving: nobody but the verbs */
};

struct proc_child {
    pthread_mutex_t lock;
    pthread_mutex_t tree_lock; /* before `lock`: one signal to the tree at a time */
    int owner; /* pid of the program that started it: in a forked copy the handle is only memory */
    int pid;
    int pidfd;
    int leads_group;
    int joined;   /* pid of the stage of its pipeline whose process group it has joined; 0 = none */
    int is_first; /* 1: it is the first process of a pid namespace that was made for it */
    int detached;
    int is_orphan;       /* 1: no child of ours, unless we are who gets orphans */
    deadline reaped_end; /* of an orphan that has ended: until when we wait for its reaper; 0 = it has not */
    struct parent_thread parent_thread; /* of a child that dies with us */

    int ended; /* 1: exit is final, and the pid is free for others */
    proc_exit exit;
    int usage_known;
    proc_usage usage;
    proc_reach reach; /* of the last stop step, or signal to the tree */

    proc_stop_step *stop; /* NULL = the default steps */
    size_t stop_count;
    int64_t started; /* proc_now_ms() before the start */
    int drain_ms;    /* -1 = for ever */
    int cancel_fd;   /* -1 = none; the caller's */

    struct stream *streams;
    size_t stream_count;
    int pumping; /* 1: a thread is moving the bytes */
    int pump_fd; /* epoll set of the transferring streams; -1 until asked for */

    /*
     * Made by proc__pump_prepare() at the start, so that no memory can be lacking once the child runs; of several whose
     * bytes are moved together the first's is for all.
     */
    struct pollfd *polled; /* room for all transferring streams, ends and one more; NULL: a few on the stack will do */
    proc_output *outputs;  /* room for those that have no place of their own in a result; NULL once handed over */
    int seen_ended;       /* 1: its end is not waited for any more */
    int handed_over;      /* 1: a result has got the outputs */
    int transfer_error;   /* the first errno of a transfer */
    deadline drain_until; /* 0 until the child is seen to have ended */

    _Atomic(struct child_watcher *) watcher; /* to be told when the handle is freed, see watch.h; NULL: nobody */

    struct proc_child *next; /* among the killed children that are not reaped yet */
};

/* Children that are taken to their end together: one, or the stages of a pipeline. */
struct crew {
    proc_child *const *children;
    size_t count;
};
#define ALONE(child) (&(const struct crew){&(child), 1})

/* A handle without a process yet; copies the steps. NULL: no memory. */
proc_child *proc__child_new(const proc_stop_step *stop, size_t stop_count, int leads_group);
/* Gives back a handle and its descriptors; the process is no concern of it. NULL is welcome. */
void proc__child_discard(proc_child *child);
/* Reaps what it can of the killed children that were not gone when their handles were freed. */
void proc__child_sweep(void);

/* 0; -EINVAL for NULL; -ECHILD in a forked copy of the program that made the handle. */
int proc__child_check(const proc_child *child);

/* The stream of that number, or NULL. */
struct stream *proc__stream_find(const proc_child *child, int number);
/* The stream that is the child's terminal, or NULL. */
struct stream *proc__stream_terminal(const proc_child *child);
/* 1: the library has bytes of it to move. Under the lock, or by who has entered the pump. */
int proc__stream_is_moving(const struct stream *stream);
/* Borrow fd for a call that must not hold the lock: the descriptor or -EBADF; to be given back. */
int proc__stream_enter(proc_child *child, struct stream *stream);
void proc__stream_leave(proc_child *child, struct stream *stream);
/*
 * Closes our end, now or when its last user leaves; takes it out of the pump's epoll set first. 0; -EBADF: it is closed
 * or taken already.
 */
int proc__stream_close(proc_child *child, struct stream *stream);
/*
 * All its bytes have been moved: closes our end. But that of a terminal stays: without it the kernel would hang up, and
 * a child that has only let go of its descriptors be killed by SIGHUP.
 */
void proc__stream_finish(proc_child *child, struct stream *stream);
/* Has the pump's epoll set wait for what this stream waits for now: bytes of the child, or the target of its tee. */
void proc__pump_set_follow(proc_child *child, struct stream *stream);
/* Takes the stream out of the set; under the lock. */
void proc__pump_set_remove(proc_child *child, struct stream *stream);

/* Looks once, without waiting: 0 and child->exit is final, -ETIMEDOUT if it still runs, or another negative errno. */
int proc__child_look(proc_child *child);
/* Waits until then; answers as the look does. */
int proc__child_wait_until(proc_child *child, deadline when);
/* Until when its reaper is waited for, of an orphan that has ended; 0: there is no such wait, or it is over. */
deadline proc__child_reaped_end(proc_child *child);
/* As proc_kill(), for a handle and arguments that are known to be good. */
int proc__child_signal(proc_child *child, int signal, int scope);
/*
 * The same to end the child: it is reached in any case, also if it has left the group that it led. PROC_GROUP: its
 * group was; PROC_ONE: it alone; or a negative errno.
 */
int proc__child_signal_to_end(proc_child *child, int signal, int scope);
/*
 * The same to several, each of them once; PROC_GROUP: the groups of those who lead one, the others alone. PROC_GROUP: a
 * group was reached; PROC_ONE: none was; or the negative errno of the first who could not be sent it, if nobody could.
 */
int proc__crew_signal(const struct crew *crew, int signal, int scope);

#endif
