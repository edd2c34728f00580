/* SPDX-License-Identifier: MIT */
/* The descriptors of this process as a whole. */
#ifndef PROC_LIB_BASE_FD_TABLE_H
#define PROC_LIB_BASE_FD_TABLE_H

#include "system.h"

typedef void fd_visitor(int fd, void *arg);

/* Where all descriptors are found: in a directory of /proc, or, without it, by trying every number below an end. */
struct fd_list {
    int dir; /* -1 = none */
    int end; /* -1 = not known */
};

/* 0 or a negative errno; dir is to be closed. These calls are for processes that borrow memory, too. */
long proc__fd_list_open(struct fd_list *ret_list);
/*
 * Shows every open descriptor once but dir, and perhaps numbers that are not open. The visitor may close what it is
 * shown. 0 or a negative errno.
 */
long proc__fd_list_visit(const struct fd_list *list, fd_visitor *visit, void *arg);
/* Both at once. */
long proc__fd_visit(fd_visitor *visit, void *arg);
/* Closes all but these, which it sorts; negative ones are no descriptors. 0 or a negative errno. */
int proc__fd_close_others(int *keep, size_t count);

#endif
