/* SPDX-License-Identifier: MIT */
/* Whether a process belongs to the tree that may speak. */
#ifndef PROC_LIB_SERVICE_NOTIFY_TREE_H
#define PROC_LIB_SERVICE_NOTIFY_TREE_H

#include "../base/system.h"

/* A process as it is known to us or named in a message. */
struct named {
    int pid;   /* 0 = unknown */
    int pidfd; /* -1 = none: then the pid is sure to be its own, or has to do */
};

/* 1: it is the root, which may have ended, or one of its descendants; 0: not, or it cannot be told any more. */
int proc__tree_has(const struct named *root, const struct named *process);

#endif
