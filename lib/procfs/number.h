/* SPDX-License-Identifier: MIT */
/*
 * Numbers in a text in which every line ends with a line feed. Each reader stops at the first byte that is not its own,
 * and a line feed is nobody's: so none has to look for the end of the text, and none can pass it.
 *
 * All take a place in such a text and return the place behind the number; NULL: no number is there, or it does not fit.
 */
#ifndef PROC_LIB_PROCFS_NUMBER_H
#define PROC_LIB_PROCFS_NUMBER_H

#include "../base/system.h"

/* Digits that fit into 64 bits whatever they are. */
#define SAFE_DIGITS 19

static inline int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static inline const char *skip_blanks(const char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

static inline unsigned digit_of(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

/* The long way, for numbers that may be too large. */
static inline const char *take_long_number(const char *at, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (; digit_of(*at) <= 9; at++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit_of(*at), &value))
            return NULL;
    *ret_value = value;
    return at;
}

static inline const char *take_u64(const char *at, uint64_t *ret_value)
{
    const char *start = at;
    uint64_t value = 0;
    for (; digit_of(*at) <= 9; at++)
        value = value * 10 + digit_of(*at);
    if (at == start)
        return NULL;
    if (at - start > SAFE_DIGITS)
        return take_long_number(start, ret_value);
    *ret_value = value;
    return at;
}

static inline const char *take_u32(const char *at, uint32_t *ret_value)
{
    uint64_t value;
    at = take_u64(at, &value);
    if (!at || value > UINT32_MAX)
        return NULL;
    *ret_value = (uint32_t)value;
    return at;
}

static inline const char *take_i64(const char *at, int64_t *ret_value)
{
    uint64_t value;
    int negative = *at == '-';
    at = take_u64(at + negative, &value);
    if (!at || value > (uint64_t)INT64_MAX + (unsigned)negative)
        return NULL;
    *ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
    return at;
}

static inline const char *take_i32(const char *at, int32_t *ret_value)
{
    int64_t value;
    at = take_i64(at, &value);
    if (!at || value < INT32_MIN || value > INT32_MAX)
        return NULL;
    *ret_value = (int32_t)value;
    return at;
}

/* A user or group id. Kernels before 3.5 print those beyond 2^31 as negative numbers. */
static inline const char *take_id(const char *at, uint32_t *ret_id)
{
    int32_t negative;
    if (*at != '-')
        return take_u32(at, ret_id);
    at = take_i32(at, &negative);
    *ret_id = (uint32_t)(at ? negative : 0);
    return at;
}

static inline const char *take_octal(const char *at, uint32_t *ret_value)
{
    const char *start = at;
    uint64_t value = 0;
    for (; digit_of(*at) <= 7; at++) {
        value = value << 3 | digit_of(*at);
        if (value > UINT32_MAX)
            return NULL;
    }
    *ret_value = (uint32_t)value;
    return at > start ? at : NULL;
}

/* 0 to 15, or more if that is no hexadecimal digit. */
static inline unsigned hex_digit_of(char c)
{
    unsigned digit = digit_of(c);
    if (digit <= 9)
        return digit;
    unsigned letter = ((unsigned)(unsigned char)c | 0x20) - 'a';
    return letter <= 5 ? letter + 10 : 16;
}

/* Up to 128 bits, the low ones in the first word, and how many digits there were. */
static inline const char *take_hex(const char *at, uint64_t ret_words[2], unsigned *ret_digits)
{
    const char *start = at;
    uint64_t low = 0, high = 0;
    unsigned digit;
    for (; (digit = hex_digit_of(*at)) <= 15; at++) {
        high = high << 4 | low >> 60;
        low = low << 4 | digit;
    }
    if (at == start || at - start > 32)
        return NULL;
    ret_words[0] = low;
    ret_words[1] = high;
    *ret_digits = (unsigned)(at - start);
    return at;
}

#endif
