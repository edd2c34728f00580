/* SPDX-License-Identifier: MIT */
/* What tests of signals to trees share: whether trees can be followed, and who is left of one. */
#ifndef PROC_TESTS_TREES_H
#define PROC_TESTS_TREES_H

#include <proc/child.h>

/* Left out where trees cannot be followed: there the group is what is reached, and other tests are about that. */
#define walking_test(test) cmocka_unit_test_setup(test, needs_walks)
int needs_walks(void **state);

/* What the handle tells of its last one. */
proc_reach reach_of(const proc_child *child);
/* 1: no such process, or it is nobody's but its parent's any more. */
int has_ended(int pid);
/* The next line of the child is a pid. */
int said_pid(proc_child *child);

#endif
