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

#include <string.h>

/* Digits that fit into 64 bits whatever they are. */
#define SAFE_DIGITS 19

static inline int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static inline const char *skip_blanks(const char *at)
{
    /* Nearly always it is one tab: a guess that the processor can make before it has seen the byte. */
    if (*at == '\t' && (unsigned char)at[1] > ' ')
        return at + 1;
    while (is_blank(*at))
        at++;
    return at;
}

static inline unsigned digit_of(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Eight bytes as one number, the first in its lowest byte. */
static inline uint64_t eight_bytes(const char *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
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
    if (*at == '-') {
        at = take_u64(at + 1, &value);
        if (!at || value > (uint64_t)INT64_MAX + 1)
            return NULL;
        *ret_value = (int64_t)(0 - value);
        return at;
    }
    at = take_u64(at, &value);
    if (!at || value > INT64_MAX)
        return NULL;
    *ret_value = (int64_t)value;
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

/*
 * Eight digits at once, as a kernel prints them, in small letters: masks have many. Each byte is turned into its digit,
 * and that back into a byte: the same comes out if it was one. 0: not all were.
 */
static inline int take_eight_hex(const char *at, uint64_t *ret_value)
{
    uint64_t bytes = eight_bytes(at);
    if (bytes == EVERY_BYTE('0')) {
        *ret_value = 0;
        return 1;
    }
    uint64_t digits = (bytes & EVERY_BYTE(0x0f)) + (bytes >> 6 & EVERY_BYTE(1)) * 9;
    uint64_t letters = (digits + EVERY_BYTE(6)) >> 4 & EVERY_BYTE(1);
    uint64_t again = digits + EVERY_BYTE('0') + letters * ('a' - '0' - 10);
    if (again != bytes || (digits & EVERY_BYTE(0xf0)) != 0)
        return 0;
    digits = (digits << 4 | digits >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    digits = (digits << 8 | digits >> 16) & UINT64_C(0x0000ffff0000ffff);
    *ret_value = (digits << 16 | digits >> 32) & UINT32_MAX;
    return 1;
}

/*
 * A number in eight columns, right-aligned behind spaces, as a kernel prints sizes: the spaces become zeros, then all
 * eight have to be digits. 0: it is not written so.
 */
static inline int take_eight_columns(const char *at, uint64_t *ret_value)
{
    uint64_t bytes = eight_bytes(at);
    uint64_t other = bytes ^ EVERY_BYTE(' ');
    if (other == 0)
        return 0;
    unsigned spaces = (unsigned)__builtin_ctzll(other) & ~7u;
    bytes |= EVERY_BYTE('0') & ~(UINT64_MAX << spaces);
    if (((bytes & EVERY_BYTE(0xf0)) | ((bytes + EVERY_BYTE(6)) & EVERY_BYTE(0xf0)) >> 4) != EVERY_BYTE(0x33))
        return 0;
    uint64_t digits = bytes & EVERY_BYTE(0x0f);
    digits = (digits * 10 + (digits >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    digits = (digits * 100 + (digits >> 16)) & UINT64_C(0x0000ffff0000ffff);
    *ret_value = (digits * 10000 + (digits >> 32)) & UINT32_MAX;
    return 1;
}

/* Up to 128 bits before end, the low ones in the first word, and how many digits there were. */
static inline const char *take_hex(const char *at, const char *end, uint64_t ret_words[2], unsigned *ret_digits)
{
    const char *start = at;
    uint64_t low = 0, high = 0, eight;
    unsigned digit;
    /* What nearly every mask is. */
    if (end - at > 16 && at[16] == '\n' && take_eight_hex(at, &eight) && take_eight_hex(at + 8, &low)) {
        ret_words[0] = eight << 32 | low;
        ret_words[1] = 0;
        *ret_digits = 16;
        return at + 16;
    }
    for (low = 0; end - at >= 8 && take_eight_hex(at, &eight); at += 8) {
        high = high << 32 | low >> 32;
        low = low << 32 | eight;
    }
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

/* Up to 64 bits before end. */
static inline const char *take_hex_word(const char *at, const char *end, uint64_t *ret_value)
{
    uint64_t words[2];
    unsigned digits;
    at = take_hex(at, end, words, &digits);
    if (!at || words[1] != 0)
        return NULL;
    *ret_value = words[0];
    return at;
}

#endif
