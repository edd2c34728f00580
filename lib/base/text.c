/* SPDX-License-Identifier: MIT */
/* Bounded text, piece by piece, and the pieces that are safe to show. Owns nothing. */
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <proc/base.h>

/* The longest piece that is printed by a format. */
#define PIECE_MAX 64

struct text proc__text_into(char *data, size_t size)
{
    if (size > 0)
        data[0] = '\0';
    return (struct text){.data = data, .size = size};
}

void proc__text_put(struct text *text, const char *piece, size_t len)
{
    if (text->len == text->needed && len < text->size - text->len) {
        memcpy(text->data + text->len, piece, len);
        text->len += len;
        text->data[text->len] = '\0';
    }
    text->needed += len;
}

void proc__text_print(struct text *text, const char *format, ...)
{
    char piece[PIECE_MAX];
    va_list values;
    va_start(values, format);
    int len = vsnprintf(piece, sizeof piece, format, values); /* NOLINT(clang-analyzer-valist.Uninitialized): it is */
    va_end(values);
    assert(len >= 0 && len < PIECE_MAX);
    proc__text_put(text, piece, (size_t)len);
}

size_t proc__text_decimal(char ret_digits[10], int number)
{
    char digits[10];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(ret_digits, digits + start, sizeof digits - start);
    return sizeof digits - start;
}

int64_t proc__text_length(const struct text *text)
{
    return (int64_t)text->needed;
}

/* How many bytes the letter at `bytes` has by its first one: 1 to 4, or 0 if no letter starts so. */
static size_t letter_size(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/* The letter's number, or -1 if these bytes are no UTF-8: cut, too long, a surrogate, or beyond the last letter. */
static int32_t decode(const unsigned char *bytes, size_t size)
{
    static const int32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    int32_t letter = size == 1 ? bytes[0] : bytes[0] & (0x7f >> size);
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return -1;
        letter = letter << 6 | (bytes[i] & 0x3f);
    }
    if (letter < smallest[size] || letter > 0x10ffff || (letter >= 0xd800 && letter <= 0xdfff))
        return -1;
    return letter;
}

/* What a terminal obeys, or what makes a line read other than it is: to be shown as bytes. */
static int is_unsafe(int32_t letter)
{
    return letter < 0x20 || (letter >= 0x7f && letter <= 0x9f) || letter == '\\' || letter == 0x061c ||
           (letter >= 0x200e && letter <= 0x200f) || (letter >= 0x2028 && letter <= 0x202e) ||
           (letter >= 0x2066 && letter <= 0x2069) || letter == 0xfeff;
}

/* The size of a letter that may be shown as it is; 0 = show its first byte as \xNN and go on behind that. */
static size_t safe_letter(const unsigned char *bytes, size_t len)
{
    size_t size = letter_size(bytes[0]);
    if (size == 0 || size > len)
        return 0;
    int32_t letter = decode(bytes, size);
    return letter < 0 || is_unsafe(letter) ? 0 : size;
}

int64_t proc_escape(const void *data, size_t len, char *ret_text, size_t size)
{
    if ((!data && len > 0) || (!ret_text && size > 0) || len > PTRDIFF_MAX / 4)
        return -EINVAL;
    const unsigned char *bytes = data;
    struct text text = proc__text_into(ret_text, size);
    for (size_t i = 0; i < len;) {
        static const char digits[] = "0123456789abcdef";
        const char escape[4] = {'\\', 'x', digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        size_t letter = safe_letter(bytes + i, len - i);
        if (letter > 0)
            proc__text_put(&text, (const char *)bytes + i, letter);
        else
            proc__text_put(&text, escape, sizeof escape);
        i += letter > 0 ? letter : 1;
    }
    return proc__text_length(&text);
}
