/* SPDX-License-Identifier: MIT */
/* Whether a process belongs to the tree that may speak. */
#ifndef PROC_LIB_SERVICE_NOTIFY_TREE_H
#define PROC_LIB_SERVICE_NOTIFY_TREE_H

#include "../base/system.h"

typedef struct proc_child proc_child;

/* A process as a message names it. */
struct named {
    int pid;   /* 0 = unknown */
    int pidfd; /* -1 = none, and the pid has to do */
};

/* 1: it is the child or one of its descendants; 0: not, or it cannot be told any more. */
int proc__tree_of_child(const struct named *process, const proc_child *child);
/* The same for any process as the root, which may have ended. */
int proc__tree_of(const struct named *process, const struct named *root);

#endif
