/* SPDX-License-Identifier: MIT */
/*
 * The copy that a descriptor of the caller's gets of what a child writes. Never waits and raises no SIGPIPE: what its
 * target does not take now is kept, and who reads from the child reads no more until it has been taken.
 */
#ifndef PROC_LIB_CHILD_TEE_H
#define PROC_LIB_CHILD_TEE_H

#include "../base/system.h"

struct tee {
    int fd;    /* our own copy; -1 = there is no target */
    int way;   /* how it is written to, see tee.c */
    int error; /* 0, or the negative errno for which it was given up: nothing more is written */
    char *kept; /* [done, len) is still to be written; NULL = nothing */
    size_t len, done;
};

/* Without a target. */
void proc__tee_init(struct tee *tee);
/* Takes a copy of fd, which stays the caller's. 0; -EBADF: it is not open for writing; or another negative errno. */
int proc__tee_open(struct tee *tee, int fd);
/* Must not be in an epoll set any more. */
void proc__tee_close(struct tee *tee);

/* Writes a copy of the bytes, or keeps what of it cannot be written now; only if nothing is kept already. */
void proc__tee_write(struct tee *tee, const char *data, size_t size);
/* Goes on with what is kept. */
void proc__tee_go_on(struct tee *tee);
/* How much is kept: 0 = it waits for nothing. */
size_t proc__tee_waits(const struct tee *tee);
/* Writes no more, for that reason; what is kept is lost to the target. */
void proc__tee_give_up(struct tee *tee, int error);

#endif
