/* SPDX-License-Identifier: MIT */
/* The descriptors of this process as a whole. */
#ifndef PROC_LIB_BASE_FD_TABLE_H
#define PROC_LIB_BASE_FD_TABLE_H

#include "system.h"

typedef void fd_visitor(int fd, void *arg);

/* The directory that lists them, close-on-exec, for when it can no longer be opened. Or a negative errno. */
long proc__fd_list_open(void);
/*
 * Shows every open descriptor once, and perhaps numbers that are not open. The visitor may close what it is shown, but
 * for the list: one that is open already, and stays so, or -1. For processes that borrow memory, too. 0 or a negative
 * errno.
 */
long proc__fd_visit(int list, fd_visitor *visit, void *arg);
/* Closes all but these, which it sorts; negative ones are no descriptors. 0 or a negative errno. */
int proc__fd_close_others(int *keep, size_t count);

#endif
