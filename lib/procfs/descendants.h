/* SPDX-License-Identifier: MIT */
/*
 * Processes and all that come of them, found by what /proc tells of parents, and held. That a process belongs to the
 * tree is believed only under a proof that no pid which is given away meanwhile can deceive: see descendants.c.
 */
#ifndef PROC_LIB_PROCFS_DESCENDANTS_H
#define PROC_LIB_PROCFS_DESCENDANTS_H

#include "../base/system.h"

#include "../base/clock.h"

struct pollfd;

struct kin {
    int pid, ppid;  /* the parent as the last scan saw it */
    int pidfd;
    int is_root;    /* 1: the pidfd is the caller's */
    int with_group; /* 1: who is in the process group of that number belongs to the tree as well */
    int is_still;   /* 1: the last scan saw all its threads suspended or ended: it forks no more by itself */
    int is_running; /* 1: the last scan saw it on a CPU, or waiting for one */
    int is_denied;  /* the caller's to set: 1: it may not be signalled, so that nobody waits for it */
    int is_told;    /* the caller's to set: 1: it was sent a signal */
    int depth;      /* how many parents of it are in the tree, once they have been sorted */
    uint64_t start; /* in ticks since boot; 0 = of a root, until a scan has seen it */
};

/* {0} is empty. */
struct descendants {
    struct kin *items;
    size_t count, room;
    struct pollfd *polled; /* of the same room, so that a wait lacks no memory */
};

/* 0: trees can be followed here; or a negative errno: no /proc, another pid namespace's, or no pidfds by number. */
int proc__descendants_possible(void);

/* One more process whose descendants are looked for; our child, or not. 0 or -ENOMEM. */
int proc__descendants_add_root(struct descendants *tree, int pid, int pidfd, int with_group);

/*
 * Looks through all processes once. How many were found that were not known, or a negative errno: those that have been
 * found are there. The calling program is never among them.
 */
int proc__descendants_scan(struct descendants *tree);

/* Every parent before its children; otherwise as they were found. */
void proc__descendants_sort(struct descendants *tree);

/* 1: it has ended, reaped or not. */
int proc__kin_has_ended(const struct kin *kin);
/* Waits until then for the end of all but the denied. How many of those are left. */
int proc__descendants_await(struct descendants *tree, deadline when);

/* Lets go of all. */
void proc__descendants_done(struct descendants *tree);

#endif
