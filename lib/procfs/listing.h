/* SPDX-License-Identifier: MIT */
/*
 * Lists of numbers: descriptors, threads, children. They are gathered in memory of our own first, since a process may
 * vanish halfway, and a caller's array is written on success only.
 */
#ifndef PROC_LIB_PROCFS_LISTING_H
#define PROC_LIB_PROCFS_LISTING_H

#include "../base/system.h"

struct listing {
    int *numbers; /* NULL: none yet */
    size_t count;
    size_t capacity;
};

int proc__listing_add(struct listing *listing, int number);
/* All entries of an open directory of /proc that are numbers. 0 or an error as proc__target_open() has them. */
int proc__listing_take_directory(struct listing *listing, int dir);
/* Without that number, if it is there. */
void proc__listing_leave_out(struct listing *listing, int number);
/* Ends a listing. */
void proc__listing_done(struct listing *listing);
/* The same and, if rc is 0, its numbers are handed over, up to capacity. rc or the count. */
int64_t proc__listing_give(struct listing *listing, int rc, int *ret_numbers, size_t capacity);

#endif
