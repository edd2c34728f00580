/* SPDX-License-Identifier: MIT */
/*
 * What a loop, on a higher floor, needs of a handle: to be told when it is freed, and to take the child to its end in
 * steps that do not wait. This floor knows nothing of loops.
 */
#ifndef PROC_LIB_CHILD_WATCH_H
#define PROC_LIB_CHILD_WATCH_H

#include "../base/system.h"

#include <proc/child.h>

#include "../base/clock.h"

/* Part of who watches; the handle borrows it. Not under its lock, which in a forked copy may be held by nobody. */
struct child_watcher {
    void (*gone)(void *arg); /* called once, at the beginning of proc_child_free(), while all descriptors are open */
    void *arg;
};

/* 0; -EBUSY: somebody watches it. */
int proc__child_watch(proc_child *child, struct child_watcher *watcher);
void proc__child_unwatch(proc_child *child);
/* The free's part: tells the watcher, if there is one. */
void proc__child_tell_watcher(proc_child *child);

/* How many streams there are whose bytes are moved by the library and that are open. */
int proc__child_moving(proc_child *child);
/* Moves what can be moved now: how many of them are left; or -EBUSY: another thread is moving the bytes. */
int proc__child_move(proc_child *child);
/*
 * How the child has ended, without reaping it if that can be: 0; -ETIMEDOUT: it runs, or a debugger comes first; or
 * another negative errno.
 */
int proc__child_peek(proc_child *child, proc_exit *ret_exit);
/*
 * Of a child that has ended: moves what its outputs held at its end, and what has come since, as far as it is there. 0:
 * there is nothing to wait for; -ETIMEDOUT: outputs are open, for which drain_ms runs until *ret_until; -EBUSY: another
 * thread is moving the bytes.
 */
int proc__child_drain(proc_child *child, deadline *ret_until);

#endif
