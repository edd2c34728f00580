/* SPDX-License-Identifier: MIT */
/*
 * The frame of every test binary: one module, one group, one table of cmocka tests.
 *
 *     int main(int argc, char **argv)
 *     {
 *         static const struct CMUnitTest tests[] = {
 *             cmocka_unit_test(reaps_a_child_that_exits_before_the_wait),
 *         };
 *         return run_suite("child", tests, sizeof tests / sizeof tests[0], argc, argv);
 *     }
 *
 * Each test is watched: the world after its teardown must be the world before its setup. Its outcome goes to a results
 * file, which tests/check-matrix reads. `test-child 'reaps*'` runs the tests of that pattern only.
 */
#ifndef PROC_TESTS_SUITE_H
#define PROC_TESTS_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The exit code for main: 0 = passed, 1 = failed, 77 = all were skipped. */
int run_suite(const char *name, const struct CMUnitTest *tests, size_t count, int argc, char **argv);

/* Leaves the running test out and prints `SKIP <test>: reason`. cmocka's own skip() is a failure in the matrix. */
_Noreturn void skip_test(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define SKIP_TEST(...) skip_test(__FILE__, __LINE__, __VA_ARGS__)
/* The same, said by a setup function, from which cmocka cannot skip: the test is left out when its turn comes. */
void leave_out(const char *reason);

/* Return codes, shown by name. */
#define assert_rc(rc, expected) check_rc((rc), (expected), #rc, __FILE__, __LINE__)
void check_rc(int64_t rc, int64_t expected, const char *what, const char *file, int line);

/* Texts: that one contains the other. */
#define assert_contains(text, part) check_contains((text), (part), __FILE__, __LINE__)
void check_contains(const char *text, const char *part, const char *file, int line);

/* Until the condition holds; fails when the patience is over. */
#define assert_eventually(condition)                          \
    do {                                                      \
        if (!EVENTUALLY(condition))                           \
            fail_msg("in vain waited for: %s", #condition);   \
    } while (0)

/* Runs body in a forked copy and fails with its complaint. */
#define assert_in_fork(body, arg) check_in_fork((body), (arg), NULL, #body, __FILE__, __LINE__)
/* The same for what the machine may not allow: leaves the test out if the body leaves with NOT_POSSIBLE. */
#define assert_in_fork_or_skip(body, arg, reason) check_in_fork((body), (arg), (reason), #body, __FILE__, __LINE__)
/* reason: NULL = there is none to leave it out. */
void check_in_fork(int (*body)(void *arg), void *arg, const char *reason, const char *what, const char *file, int line);

#endif
