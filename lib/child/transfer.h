/* SPDX-License-Identifier: MIT */
/*
 * The moving of one stream's bytes: from BYTES or a supplying CALLBACK into the child, or from the child into a CAPTURE
 * or a taking CALLBACK. Knows one descriptor, an entry and the bytes; nothing of children, locks or polling.
 */
#ifndef PROC_LIB_CHILD_TRANSFER_H
#define PROC_LIB_CHILD_TRANSFER_H

#include "../base/system.h"

#include <proc/spawn.h>

struct transfer {
    proc_stdio is;  /* the entry; kind PROC_STDIO_PIPE: nothing to move */
    uint64_t total; /* bytes moved */
    int error;      /* 0, or the first negative errno */
    int cut;        /* 1: the child stopped reading before all was written */

    /* BYTES and supply: [done, len) is still to write. CAPTURE: what is kept. LINES: the unfinished line. */
    char *buffer;
    size_t len, done, capacity;
};

/* Takes over an entry; allocates nothing. */
void proc__transfer_init(struct transfer *transfer, const proc_stdio *entry);
void proc__transfer_done(struct transfer *transfer);
/* 1: somebody has to move its bytes; 0: a PIPE, which the caller reads and writes. */
int proc__transfer_is_ours(const struct transfer *transfer);

#endif
