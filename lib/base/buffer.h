/* SPDX-License-Identifier: MIT */
/* Filling a caller's growing buffer from a descriptor. */
#ifndef PROC_LIB_BASE_BUFFER_H
#define PROC_LIB_BASE_BUFFER_H

#include "system.h"

#include <proc/base.h>

/* How much there is to read. */
enum extent {
    UNTIL_END, /* whatever comes until a read gives nothing */
    ONE_RECORD /* one that the kernel hands out whole: done when a read leaves room behind a line feed */
};

/*
 * Reads all of fd, or up to the buffer's limit and notes then that there was more. 0 or a negative errno; the buffer is
 * then empty, and keeps its memory.
 */
int proc__buffer_fill(proc_buffer *buffer, int fd, enum extent extent);

#endif
