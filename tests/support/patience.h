/* SPDX-License-Identifier: MIT */
/*
 * Waiting in tests: a condition is asked again and again until it holds or the patience is over. No test sleeps for a
 * guessed time.
 */
#ifndef PROC_TESTS_PATIENCE_H
#define PROC_TESTS_PATIENCE_H

#include <stdint.h>

/* Long enough for a slow machine under an emulator; only a failing test ever waits so long. */
#define PATIENCE_MS 20000

/* Milliseconds on CLOCK_MONOTONIC, asked without the library under test. */
int64_t patience_now(void);
/* A millisecond off, between two askings. */
void patience_rest(void);

/* 1 = the condition has come true, 0 = the patience is over. For forked copies; tests use assert_eventually(). */
#define EVENTUALLY(condition)                                     \
    __extension__({                                               \
        int64_t until_ = patience_now() + PATIENCE_MS;            \
        int holds_;                                               \
        while (!(holds_ = !!(condition)) && patience_now() < until_) \
            patience_rest();                                      \
        holds_;                                                   \
    })

#endif
