/* SPDX-License-Identifier: MIT */
/*
 * What a loop and its watches hold, for the files of this folder.
 *
 * A callback may free any watch, even the one it is called for, or the loop. So nothing that is kept over a callback is
 * a pointer to a watch: it is a reference {slot, generation}, which names that watch and none that gets its memory, its
 * slot or its descriptor after it. The kernel keeps the same reference for each descriptor: an event that was fetched
 * before its watch was freed, or that a descriptor sends after its end, names nobody.
 */
#ifndef PROC_LIB_SERVICE_LOOP_H
#define PROC_LIB_SERVICE_LOOP_H

#include "../base/system.h"

#include <proc/loop.h>

#include "../base/clock.h"
#include "../base/origin.h"
#include "../child/watch.h"

/* A descriptor that says "ready" where there is nothing to be had, or a transfer that another thread is busy with. */
#define LOOK_AGAIN_MS 10
/* What one source may have in one round: records of signals, orphans. */
#define PORTION 64

struct watch_ref {
    uint32_t slot, generation;
};

/* What is different from one kind of watch to the next. What a call returns ends the round if it is negative. */
struct watch_kind {
    int urgent; /* 1: its first descriptor is served before those of the others */
    /* A descriptor of it is ready: the first one, or `second`. */
    int (*ready)(proc_watch *watch, uint32_t events, int second);
    /* Its `due` has come. */
    int (*due)(proc_watch *watch);
    /* Its turn in the queue has come. */
    int (*turn)(proc_watch *watch);
    /*
     * Gives back what it holds, once. is_copy: of a forked copy, where epoll set, timer and what else is shared with
     * the original must not be touched. May be NULL.
     */
    void (*end)(proc_watch *watch, int is_copy);
};

struct proc_watch {
    proc_loop *loop;
    const struct watch_kind *kind;
    struct watch_ref self;
    int live;  /* 1: may call; counts in loop->live */
    int ended; /* 1: has given back what it held */
    int owned; /* 1: the loop frees it when it is no longer live */
    void *user;
    uint64_t served; /* the last round that has dealt with its descriptors */

    deadline due;       /* DEADLINE_NEVER: not in the heap */
    uint64_t due_order; /* the first come is the first served among equals */
    size_t heap_at;     /* place in the heap, from 1; 0 = not there */

    int queued; /* 1: waits for its turn */
    uint64_t turn_order;
    proc_watch *next, *previous;

    union {
        struct {
            proc_on_exit call;
            proc_child *child; /* NULL: its handle was freed, or is none of our business any more */
            struct child_watcher watcher;
            int polled;  /* 1: its pidfd is in the epoll set */
            int pump_fd; /* borrowed from the handle; -1: not in the epoll set */
        } child;
        struct {
            proc_on_process call;
            int pidfd;
            deadline patience; /* how long its parent has to reap it; 0: it runs */
        } process;
        struct {
            proc_on_orphan call;
            proc_signals *children; /* SIGCHLD */
            int before;             /* the setting of the process */
        } orphans;
        struct {
            proc_on_signal call;
            proc_signals *signals;
            struct signal_batch *batch;
        } signals;
        struct {
            proc_on_timer call;
            deadline next;  /* as asked for, where `due` would say now */
            int64_t period; /* ns; 0 = once */
        } timer;
        struct {
            proc_on_fd call;
            int fd;
            uint32_t events;
            int always; /* 1: always ready, and not in the epoll set */
        } descriptor;
        struct {
            proc_on_call call;
        } deferred;
    } as;
};

struct watch_slot {
    proc_watch *watch; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

struct proc_loop {
    struct origin origin;
    int epoll_fd, timer_fd;
    int depth;  /* rounds that are under way, one in the other */
    int doomed; /* 1: freed in a callback */
    int quitting, quit_code;
    uint64_t round;   /* of the innermost, counted on for ever */
    uint64_t calls;   /* callbacks that have been made */
    size_t live;      /* watches that may call */
    uint64_t signals; /* all that are watched, by any watch */

    struct watch_slot *slots;
    uint32_t slot_count, slot_room, free_slot; /* free_slot: NO_SLOT = none */

    proc_watch **heap; /* by due; room for as many as there are slots */
    size_t heap_count;
    uint64_t orders; /* given out to timers and turns */
    deadline armed;  /* when the timerfd rings; DEADLINE_NEVER: not */
    int rang;        /* 1: it is readable, until it is set again */

    proc_watch *first, *last; /* the queue */
};

#define NO_SLOT UINT32_MAX

/* ---- loop.c ---- */

/* 0; -EINVAL for NULL or a loop that was freed; -ECHILD in a forked copy. */
int proc__loop_check(const proc_loop *loop);
int proc__loop_is_copy(const proc_loop *loop);
/* 1: a callback wants the round to end, by quit or free. */
int proc__loop_stops(const proc_loop *loop);
/* What a callback has answered; -ECHILD: in the copy of one that has forked, which has no part in the round. */
int proc__loop_answer(const proc_loop *loop, int rc);

/* ---- loop_watch.c: watches of all kinds ---- */

/* A live watch that belongs to the loop until it is given away. 0, -ENOMEM, and as proc__loop_check(). */
int proc__watch_new(proc_loop *loop, const struct watch_kind *kind, void *user, proc_watch **ret_watch);
/* The last step of making one: hands it over to the caller, if that wants it. Returns 0. */
int proc__watch_give(proc_watch *watch, proc_watch **ret_watch);
/* The step of failure: frees it. Returns rc. */
int proc__watch_undo(proc_watch *watch, int rc);
/* The watch, or NULL: freed, alone or with its loop. */
proc_watch *proc__watch_find(const proc_loop *loop, struct watch_ref ref);
/* It will not call, unless it is revived. */
void proc__watch_rest(proc_watch *watch);
void proc__watch_revive(proc_watch *watch);
/* It will not call any more, and gives back what it holds. */
void proc__watch_retire(proc_watch *watch);
/* The same when it has called for the last time: also frees it, if it is the loop's. */
void proc__watch_finish(proc_watch *watch);
/* Frees it in any case. */
void proc__watch_discard(proc_watch *watch);
/* The same for all of a loop. */
void proc__watch_retire_all(proc_loop *loop);
void proc__watch_discard_all(proc_loop *loop);

/* The epoll set. 0 or a negative errno. */
int proc__watch_poll(proc_watch *watch, int fd, uint32_t events, int second);
int proc__watch_poll_again(proc_watch *watch, int fd, uint32_t events, int second);
void proc__watch_unpoll(proc_watch *watch, int fd);
/* The watch that an event names, if it is still there; *ret_second: which of its descriptors. */
proc_watch *proc__watch_of_event(const proc_loop *loop, uint64_t data, int *ret_second);

/* The queue: a turn in this round if that has not come to the queue yet, else in the next. */
void proc__watch_queue(proc_watch *watch);
void proc__watch_unqueue(proc_watch *watch);

/* ---- loop_timer.c ---- */

#define TIMER_DATA UINT64_MAX /* the event of the timerfd; no watch's */

/* When kind->due is to be called; DEADLINE_NEVER takes it back. A moment that has passed counts as now. */
void proc__watch_set_due(proc_watch *watch, deadline due);
/* Calls those that are due by then, each once. */
int proc__timers_run(proc_loop *loop, deadline now);
/* Sets the timerfd to what comes first: a watch that is due, or at once if one waits for its turn. 0 or -errno. */
int proc__timers_arm(proc_loop *loop);
/* The same if no round is under way, which would do it at its end. */
void proc__timers_changed(proc_loop *loop);

#endif
