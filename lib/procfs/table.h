/* SPDX-License-Identifier: MIT */
/* The inside of a table: its rows, in several orders. */
#ifndef PROC_LIB_PROCFS_TABLE_H
#define PROC_LIB_PROCFS_TABLE_H

#include "../base/system.h"

#include <proc/walk.h>

#include "walk_read.h"

struct row {
    proc_entry entry; /* first: who has the entry has the row */
    struct kept kept;
    char *texts; /* what the entry points to */
    size_t texts_size;
    uint64_t ticks;     /* at the last sample */
    int64_t sampled_at; /* on CLOCK_MONOTONIC; 0 = never */
    int seen;           /* 1: in the refresh that goes on */
    struct row *parent, *child, *sibling;
    struct row *next_free;
};

struct proc_table {
    struct reader reader;
    struct row **by_id;   /* count rows, by id */
    struct row **order;   /* the same, as they were sorted last */
    struct row **fresh;   /* fresh_count rows of the refresh that goes on */
    struct row **scratch; /* for sorting */
    size_t count, fresh_count, capacity;
    struct row *free;
    struct row *root; /* the first without a parent */
    long ticks_per_second;
    struct list processes, threads;
};

/* Two counts together, or the largest number if that is none. */
static inline uint64_t sum_of(uint64_t a, uint64_t b)
{
    return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

/* A stable sort by one field, 0 = by id, without an allocation: scratch has room for as many rows. */
void proc__table_sort_rows(struct row **rows, struct row **scratch, size_t count, uint64_t field, int descending);
/* The row of that id; NULL: there is none. */
struct row *proc__table_row(const proc_table *table, int id);
/* Links parents, children and siblings in the present order, if the table knows of parents. */
void proc__table_link(proc_table *table);

#endif
