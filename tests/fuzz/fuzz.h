/* SPDX-License-Identifier: MIT */
/*
 * What a fuzz target is: a function of some bytes, which aborts where a promise is broken. libFuzzer calls it with
 * bytes that it makes up; without libFuzzer, replay.c calls it with the files of its corpus.
 */
#ifndef PROC_TESTS_FUZZ_H
#define PROC_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PROMISE(condition)                                                          \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

/* Takes the next line off the bytes, as a string of its own, for the caller to free; "" after the last one. */
static inline char *next_line(const uint8_t **data, size_t *size)
{
    const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
    size_t len = end ? (size_t)(end - *data) : *size;
    char *line = malloc(len + 1);
    PROMISE(line);
    memcpy(line, *data, len);
    line[len] = '\0';
    size_t taken = end ? len + 1 : len;
    *data += taken;
    *size -= taken;
    return line;
}

#endif
