/* SPDX-License-Identifier: MIT */
/*
 * Which process made a thing that forked copies must not use as theirs, asked for without a system call: a page that
 * the kernel wipes in every copy (MADV_WIPEONFORK). Its pid has to do where that cannot be had. A process that borrows
 * our memory, as after vfork(2), finds the mark of ours.
 */
#ifndef PROC_LIB_BASE_ORIGIN_H
#define PROC_LIB_BASE_ORIGIN_H

#include "system.h"

struct origin {
    int pid;
    volatile char *mark; /* 1 where it was made, 0 in a copy; NULL: the pid tells */
};

/* This process. Cannot fail. */
void proc__origin_take(struct origin *ret_origin);
/* 1: this process is a forked copy of the one that took it, or a copy of a copy. */
int proc__origin_is_another(const struct origin *origin);
/* Gives the page back; in a copy, the copy's. What was never taken is all zero. */
void proc__origin_drop(struct origin *origin);

#endif
