/* SPDX-License-Identifier: MIT */
/* The numbers in a directory of /proc: of processes, or of the threads of one. */
#ifndef PROC_LIB_PROCFS_WALK_LIST_H
#define PROC_LIB_PROCFS_WALK_LIST_H

#include "../base/system.h"

struct list {
    int fd;     /* the directory, open to be read; belongs to the list; -1: none */
    size_t len; /* bytes that are there */
    size_t at;  /* and used up */
    _Alignas(8) char bytes[16384];
};

/* A list of a directory that is open, which it takes; -1: of nothing. */
void proc__list_begin(struct list *list, int fd);
/* Starts at the beginning again. */
int proc__list_rewind(struct list *list);
/* 1 and the next number, 0 at the end, or a negative errno. A directory that has gone ends, too. */
int proc__list_next(struct list *list, int *ret_number);
/* Closes the directory. */
void proc__list_end(struct list *list);

#endif
