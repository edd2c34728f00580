/* SPDX-License-Identifier: MIT */
/*
 * Text that is written into a caller's bytes as snprintf(3) does: what fits is there and terminated, what does not is
 * counted. A piece that does not fit whole is left out, and all after it, so that no letter and no escape is cut.
 */
#ifndef PROC_LIB_BASE_TEXT_H
#define PROC_LIB_BASE_TEXT_H

#include "system.h"

struct text {
    char *data;
    size_t size;   /* bytes at data */
    size_t len;    /* bytes that are there */
    size_t needed; /* bytes that all pieces take together */
};

/* An empty text, terminated if there is room for it. */
struct text proc__text_into(char *data, size_t size);
void proc__text_put(struct text *text, const char *piece, size_t len);
void proc__text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The decimal digits of a number of 0 or more, without stdio and without a terminator: how many. */
size_t proc__text_decimal(char ret_digits[10], int number);
/* What a public call returns: the length needed. */
int64_t proc__text_length(const struct text *text);

#endif
