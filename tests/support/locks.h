/* SPDX-License-Identifier: MIT */
/* Other processes that hold a lock, and plain locks without the library. */
#ifndef PROC_TESTS_LOCKS_H
#define PROC_TESTS_LOCKS_H

#include <proc/lock.h>

/* A test with a directory of its own, and a path in it where no file is yet. */
#define lock_test(test) cmocka_unit_test_setup_teardown(test, lock_place_make, lock_place_remove)
/* The same, left out where a process cannot be opened by its number. */
#define lock_pidfd_test(test) cmocka_unit_test_setup_teardown(test, lock_place_make_with_pidfds, lock_place_remove)
int lock_place_make(void **state);
int lock_place_make_with_pidfds(void **state);
int lock_place_remove(void **state);
extern char *lock_directory, *lock_path;

/* That path, locked by the library; the test fails if it cannot be had. */
proc_lock *take_lock(const proc_lock_options *options);
/* Who holds it now; the test fails if that cannot be asked. */
proc_holder holder_now(void);
/* How a child exited, reaped; -1: not by itself. */
int status_of(int pid);

/* A forked copy that holds a lock until it is told to let go, or killed. */
struct keeper {
    int pid;
    int go; /* closing it makes the copy give the lock back and exit with 0 */
};

/* By the library; the test fails if it cannot be had. */
struct keeper keep_lock(const char *path, const proc_lock_options *options);
/* By the bare calls, one kind each, on a file that is made if need be; writes text into it, NULL = nothing. */
struct keeper keep_bare_lock(const char *path, unsigned kind, const char *text);
/* Lets it go, and waits for its end. */
void keeper_lets_go(struct keeper *keeper);
/* Kills it, and waits for its end. */
void keeper_dies(struct keeper *keeper);

/* One lock of that kind at once on an open file: 0 or -1 with errno. */
int take_bare_lock(int fd, unsigned kind);

#endif
