/* SPDX-License-Identifier: MIT */
/* The kernel's lists of CPUs and memory nodes, "0-3,8": read range by range, never spread out. Pure. */
#include "system.h"

#include <errno.h>

#include <proc/base.h>

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

static void skip_blanks(proc_span *text)
{
    while (text->len > 0 && is_blank(*text->data)) {
        text->data++;
        text->len--;
    }
}

/* 1 and the byte is behind us, 0: something else is there. */
static int take(proc_span *text, char c)
{
    if (text->len == 0 || *text->data != c)
        return 0;
    text->data++;
    text->len--;
    return 1;
}

static int take_number(proc_span *text, uint32_t *ret_number)
{
    uint64_t number = 0;
    size_t digits = 0;
    while (text->len > 0 && *text->data >= '0' && *text->data <= '9') {
        number = number * 10 + (uint64_t)(*text->data - '0');
        if (number > UINT32_MAX)
            return -EINVAL;
        text->data++;
        text->len--;
        digits++;
    }
    *ret_number = (uint32_t)number;
    return digits > 0 ? 0 : -EINVAL;
}

/* One range and the comma behind it. */
static int take_range(proc_span *text, uint32_t *ret_first, uint32_t *ret_last)
{
    if (take_number(text, ret_first) < 0)
        return -EINVAL;
    *ret_last = *ret_first;
    if (take(text, '-') && (take_number(text, ret_last) < 0 || *ret_last < *ret_first))
        return -EINVAL;
    skip_blanks(text);
    if (text->len == 0)
        return 0;
    return take(text, ',') && text->len > 0 ? 0 : -EINVAL;
}

int proc_range_next(proc_span *rest, uint32_t *ret_first, uint32_t *ret_last)
{
    if (!rest || !ret_first || !ret_last || (!rest->data && rest->len > 0))
        return -EINVAL;
    proc_span text = *rest;
    uint32_t first, last;
    skip_blanks(&text);
    if (text.len == 0) {
        *rest = text;
        return 0;
    }
    if (take_range(&text, &first, &last) < 0)
        return -EINVAL;
    *rest = text;
    *ret_first = first;
    *ret_last = last;
    return 1;
}
