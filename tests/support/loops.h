/* SPDX-License-Identifier: MIT */
/* What tests of the loop share: a loop, descriptors that are ready, and callbacks that note what they are told. */
#ifndef PROC_TESTS_LOOPS_H
#define PROC_TESTS_LOOPS_H

#include <proc/loop.h>

/* A new one; the test fails if it cannot be had. */
proc_loop *new_loop(void);

/* An eventfd that is readable. */
int ready_eventfd(void);
/* So that it is not readable any more, or again. */
void empty(int fd);
/* What poll(2) says of POLLIN: 1 or 0. */
int is_readable(int fd, int timeout_ms);

/* What a callback has seen, and what it is to do. */
struct seen {
    int calls, fd, rc;
    uint32_t events;
    proc_watch *watch, *other; /* to be freed */
    proc_loop *loop;           /* to be used */
};

/* A proc_on_fd: notes, and returns rc. */
int note(proc_watch *watch, int fd, uint32_t events, void *seen);
/* The same, of a descriptor that is to be ready once. */
int note_and_empty(proc_watch *watch, int fd, uint32_t events, void *seen);
/* A proc_on_call: counts, and returns rc. */
int note_call(proc_watch *watch, void *seen);

struct ticks {
    int calls, rc;
    uint64_t expirations;
    proc_watch *watch;
};

/* A proc_on_timer: counts, and returns rc. */
int tick(proc_watch *watch, uint64_t expirations, void *ticks);

#endif
