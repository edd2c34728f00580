/* SPDX-License-Identifier: MIT */
/*
 * Running a part of a test in a forked copy: what changes the whole process (descriptors 0 to 2, ids, dispositions)
 * does not reach the other tests. cmocka must not be used in there, a copy would go on with the test run: `require`
 * instead.
 */
#ifndef PROC_TESTS_FORKED_H
#define PROC_TESTS_FORKED_H

/* What a body leaves with if the machine does not let it do what it is about. */
#define NOT_POSSIBLE 77

struct verdict {
    int timed_out;  /* 1: it was killed, its time was over */
    int code;       /* exit code, -1 if a signal ended it */
    int signal;     /* that signal, or 0 */
    char text[512]; /* what `require` said */
};

/* Runs body(arg) in a forked copy, which leaves with what body returns; kills it after limit_ms. */
void run_in_fork(struct verdict *ret_verdict, int (*body)(void *arg), void *arg, int limit_ms);

/* In the copy: leaves it with code, without the exit handlers that belong to the test run. */
_Noreturn void leave(int code);
/* In the copy: tells the test in a sentence and leaves. */
_Noreturn void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define require(condition)                                                \
    do {                                                                  \
        if (!(condition))                                                 \
            complain("%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
    } while (0)
/* Shows both values, as names of error codes. */
#define require_rc(rc, expected)                                                                                     \
    do {                                                                                                             \
        int64_t got_ = (rc), expected_ = (expected);                                                                 \
        if (got_ != expected_)                                                                                       \
            complain("%s:%d: %s is %s, not %s", __FILE__, __LINE__, #rc, rc_name(got_), rc_name(expected_));          \
    } while (0)

#endif
