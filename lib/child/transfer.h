/* SPDX-License-Identifier: MIT */
/*
 * The moving of one stream's bytes: from BYTES or a supplying CALLBACK into the child, or from the child into a CAPTURE
 * or a taking CALLBACK. Knows one descriptor, an entry and the bytes; nothing of children, locks or polling.
 */
#ifndef PROC_LIB_CHILD_TRANSFER_H
#define PROC_LIB_CHILD_TRANSFER_H

#include "../base/system.h"

#include <proc/run.h>

#include "capture.h"
#include "tee.h"

/* What a move has done. */
enum {
    TRANSFER_MOVED, /* some bytes, and more may follow */
    TRANSFER_WAITS, /* none: the other side is not ready */
    TRANSFER_ENDED  /* it is over, well or not: our end is to be closed */
};

struct transfer {
    proc_stdio is;  /* the entry; of kind PIPE, SOCKET or PTY: nothing to move */
    uint64_t total; /* bytes moved */
    uint64_t due;   /* from the child: `total` has to get here before we may leave */
    int error;      /* 0, or the first negative errno */
    int cut;        /* to the child: 1 = it stopped reading before all was written */
    int left;       /* from the child: 1 = we left while the other end was still held */

    struct capture kept; /* CAPTURE */
    struct tee tee;      /* from the child: what is read goes there as well */

    /*
     * BYTES, and a supply's buffer: [done, len) is still to write. A chunk's or line's buffer: [0, len) is to be
     * delivered, [0, done) has no newline.
     */
    char *buffer;
    size_t capacity, len, done;
};

/* Takes over an entry; allocates nothing. */
void proc__transfer_init(struct transfer *transfer, const proc_stdio *entry);
void proc__transfer_done(struct transfer *transfer);
/* 1: the library moves its bytes; 0: the caller reads and writes them. */
int proc__transfer_is_ours(const struct transfer *transfer);
/* 1: they go through the child's terminal. */
int proc__transfer_is_on_terminal(const struct transfer *transfer);
/*
 * read(2) and write(2) that take the end of a terminal (EIO) or a socket (ECONNRESET) for what it is: 0 = the end of
 * file, -EPIPE = nobody is there any more. Count or a negative errno.
 */
int64_t proc__transfer_read(const struct transfer *transfer, int fd, void *buffer, size_t size);
int64_t proc__transfer_write(const struct transfer *transfer, int fd, const void *data, size_t size);

/* Moves one bounded portion through fd, our non-blocking end of the child's descriptor `number`. TRANSFER_... */
int proc__transfer_move(struct transfer *transfer, int fd, int number);
/* Notes that what fd, which the child writes, holds at this moment is due. */
void proc__transfer_note_due(struct transfer *transfer, int fd);
int proc__transfer_is_due(const struct transfer *transfer);
/* Gives up an unfinished one: delivers an unfinished line, and notes that it was cut or left. */
void proc__transfer_leave(struct transfer *transfer, int from_child, int number);
/* Hands over what a CAPTURE has collected; leaves it empty. */
proc_output proc__transfer_take(struct transfer *transfer, int number);

#endif
