/* SPDX-License-Identifier: MIT */
/* Children that tests start by the library: what they were given, what they say, how they end. */
#ifndef PROC_TESTS_STARTED_H
#define PROC_TESTS_STARTED_H

#include "test.h"

#include <proc/spawn.h>

/* A test that starts something: left out, with the reason, where nothing can be started. */
#define spawning_test(test) cmocka_unit_test_setup(test, needs_pidfds)
/* The same for a test that opens pidfds by number, which an emulator may lack although it can start children. */
#define pidfd_test(test) cmocka_unit_test_setup(test, needs_pidfd_open)
int needs_pidfd_open(void **state);
/* The same for a test that only root can run. */
#define root_test(test) cmocka_unit_test_setup(test, needs_root)
int needs_pidfds(void **state);
int needs_root(void **state);
/* The same for a test of what an emulator like valgrind does in a way of its own. */
#define machine_test(test) cmocka_unit_test_setup(test, needs_a_machine)
int needs_a_machine(void **state);
/* 1 = children can be started and waited for here. */
int pidfds_work(void);

/* `child VERB ...`, as an argument vector. */
#define CHILD_DOES(...) PROC_ARGV(CHILD, __VA_ARGS__)
/* A child with a pipe from its stdout that does so; it must start. */
#define start_child(...) start(CHILD_DOES(__VA_ARGS__), PROC_OPTIONS(.out = PROC_PIPE))
proc_child *start(const char *const argv[], const proc_options *options);

/* Leaves the test out where such a start is denied: not every root may do all that root may. */
void skip_if_denied(const proc_options *options);

/* What the helper `report` tells when it is started like that. To be freed; "" if it could not, as stderr tells. */
char *report_of(const proc_options *options);
/* In a forked copy: a daemon whose program sleeps, to be looked at and ended. */
int start_daemon(const proc_options *program);
void end_daemon(int pid);
/* Ids that change nothing but the memory that the child starts in, which is a copy. In static memory. */
const proc_ids *same_ids(void);
/* In the memory that is the default here, and in a copy: `.ids = in_copy ? same_ids() : NULL`. */
#define IN_EACH_MEMORY(in_copy) for (int in_copy = 0; in_copy <= 1; in_copy++)
/* The next line from the child's descriptor 1, without its newline; "" at the end. In static memory. */
const char *said(proc_child *child);
/* All that is left to read there. To be freed. */
char *all_of(proc_child *child, int fd);

/* The child has ended in this way, or does so now. */
#define assert_ends(child, kind, code) check_ends((child), (kind), (code), __FILE__, __LINE__)
void check_ends(proc_child *child, int kind, int code, const char *file, int line);
/* Started so, it must fail: outputs untouched, and the error as expected. */
#define assert_fails(argv, options, rc, step, index, text) \
    check_fails((argv), (options), (rc), (step), (index), (text), __FILE__, __LINE__)
void check_fails(const char *const argv[], const proc_options *options, int rc, int step, int index, const char *text,
                 const char *file, int line);

/* The state of a process in /proc/PID/stat: 'R', 'S', 'T', 'Z', ...; 0 = it is gone. */
int state_of(int pid);
/* From now on the calling thread, and what it starts, gets this errno from that system call. -1 if it cannot be. */
int deny_call(long number, int error);
/* The same, only if one of these bits is set in the lower half of that argument. */
int deny_call_if(long number, unsigned argument, unsigned bits, int error);

#endif
