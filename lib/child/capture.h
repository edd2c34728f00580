/* SPDX-License-Identifier: MIT */
/*
 * A bounded memory for bytes that keep coming: up to a limit all are kept, beyond it the first or the last ones. Says
 * where the next bytes are to be put, so that they are read straight into their place, and always has room for some:
 * who empties a pipe must not stop because memory is short. Knows nothing of descriptors.
 */
#ifndef PROC_LIB_CHILD_CAPTURE_H
#define PROC_LIB_CHILD_CAPTURE_H

#include "../base/system.h"

struct capture {
    size_t limit;    /* how many bytes are kept */
    int tail;        /* 1: the last ones, 0: the first */
    int error;       /* 0, or -ENOMEM: less than `limit` could be kept */
    char *data;      /* `capacity` bytes and one for a terminator, or NULL */
    size_t capacity; /* grows up to `most` */
    size_t most;
    size_t len;      /* bytes at data */
    size_t oldest;   /* tail: data is a ring once it is full, and begins here */
    char *spare;     /* takes what is not kept; NULL until needed */
    char few[256];   /* the same, when there is no memory even for that */
};

/* Keeps the first or last `limit` bytes; 0 = 64 MiB. Allocates nothing. */
void proc__capture_init(struct capture *capture, size_t limit, int tail);
/* Where the next bytes go, and how many fit: at least one. */
char *proc__capture_room(struct capture *capture, size_t *ret_room);
/* So many bytes have been put there. */
void proc__capture_add(struct capture *capture, size_t count);
/* Hands over what was kept, terminated: the caller's to give back by proc__capture_free(). Leaves it empty. */
char *proc__capture_take(struct capture *capture, size_t *ret_len);
void proc__capture_done(struct capture *capture);

/* The text that stands for "nothing came"; not from malloc(3), and not to be written to. */
char *proc__capture_nothing(void);
/* Gives back what proc__capture_take() or proc__capture_nothing() gave; NULL is welcome. */
void proc__capture_free(char *data);

#endif
