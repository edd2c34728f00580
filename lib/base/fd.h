/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that the library makes: close-on-exec from birth and never 0, 1 or 2, so that a program which runs with
 * its stdio closed does not print into one of our pipes.
 */
#ifndef PROC_LIB_BASE_FD_H
#define PROC_LIB_BASE_FD_H

#include "system.h"

#include <errno.h>

/* A descriptor or memory that we lack: an error of its own, where others mean that something is not to be known. */
static inline int proc__is_want_of_ours(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM;
}

/* Closes *fd unless it is negative, and sets it to -1. errno stays as it was. */
void proc__fd_close(int *fd);
/* 1: such a descriptor is open; 0: not. */
int proc__fd_is_open(int fd);
/* A close-on-exec copy above 2, or a negative errno. */
int proc__fd_copy(int fd);
/*
 * Moves a close-on-exec descriptor above 2. Takes fd in every case; the new number or a negative errno. One that is a
 * negative errno already stays so.
 */
int proc__fd_above_stdio(int fd);
/* A pipe: [0] to read, [1] to write. 0 or a negative errno. */
int proc__fd_pipe(int ret_ends[2]);
/* A pair of stream sockets that lead to each other. 0 or a negative errno. */
int proc__fd_socket_pair(int ret_ends[2]);
/* dup2(2): makes number what fd is, not close-on-exec. 0 or a negative errno. */
int proc__fd_put(int fd, int number);
/* open(2) with O_CLOEXEC and O_NOCTTY, tried again when a signal interrupts it. The descriptor or a negative errno. */
int proc__fd_open(const char *path, int flags, unsigned mode);
/* The same by openat(2), for a path that may start at the directory dir. */
int proc__fd_open_at(int dir, const char *path, int flags, unsigned mode);
/* Makes one end of a new pipe non-blocking: it has no other flags and is shared with nobody. 0 or a negative errno. */
int proc__fd_nonblocking(int fd);

/* write(2) that never raises SIGPIPE. Count or a negative errno. */
int64_t proc__fd_write_quietly(int fd, const void *data, size_t size);
/* read(2), tried again when a signal interrupts it. Count or a negative errno. */
int64_t proc__fd_read(int fd, void *buffer, size_t size);
/* The same by pread(2), from the beginning of the file. */
int64_t proc__fd_read_first(int fd, void *buffer, size_t size);
/* What of a file there is room for, by its path from the directory dir, terminated. Its length or a negative errno. */
int64_t proc__fd_read_text(int dir, const char *path, char *ret_text, size_t size);

#endif
