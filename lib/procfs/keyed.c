/* SPDX-License-Identifier: MIT */
/* Reads lines "key: number" by a table, the next row first: a kernel prints its keys in one order. Keeps nothing. */
#include "keyed.h"

#include <errno.h>
#include <string.h>

#include <proc/procfs.h>

#include "line.h"
#include "record.h"

int proc_pair_next(proc_span *rest, proc_span *ret_key, proc_span *ret_value)
{
    const char *line, *stop;
    if (!is_readable(rest) || !ret_key || !ret_value)
        return -EINVAL;
    while ((line = next_line(rest, &stop))) {
        proc_span all = span_trimmed(line, stop);
        if (all.len == 0)
            continue;
        const char *colon = memchr(line, ':', (size_t)(stop - line));
        *ret_key = span_of(line, colon ? colon : line);
        *ret_value = colon ? span_trimmed(colon + 1, stop) : all;
        return 1;
    }
    return 0;
}

static int is_key(proc_span key, const char *name)
{
    return strlen(name) == key.len && memcmp(name, key.data, key.len) == 0;
}

static const struct keyed *find(proc_span key, const struct keyed *rows, size_t count, size_t expected)
{
    for (size_t i = 0; i < count; i++) {
        const struct keyed *row = &rows[(expected + i) % count];
        if (is_key(key, row->key))
            return row;
    }
    return NULL;
}

static const char *take_kb(const char *at, const char *end, uint64_t *ret_value)
{
    at = take_u64(at, ret_value);
    return at && end - at == 3 && memcmp(at, " kB", 3) == 0 ? end : NULL;
}

/* The place behind the value, or NULL. It has a line feed behind it, which no reader goes beyond. */
static const char *take_value(enum keyed_form form, proc_span value, void *member)
{
    const char *at = value.data;
    switch (form) {
    case KEYED_U64: return take_u64(at, member);
    case KEYED_I64: return take_i64(at, member);
    case KEYED_I32: return take_i32(at, member);
    case KEYED_OCTAL: return take_octal(at, member);
    case KEYED_HEX: return take_hex_word(at, at + value.len, member);
    case KEYED_KB: return take_kb(at, at + value.len, member);
    }
    return NULL;
}

static uint64_t take_rows(proc_span rest, const struct keyed_record *shape, void *record)
{
    proc_span key, value;
    uint64_t present = 0;
    size_t expected = 0;
    while (proc_pair_next(&rest, &key, &value) == 1) {
        const struct keyed *row = find(key, shape->rows, shape->count, expected);
        if (!row)
            continue;
        expected = (size_t)(row - shape->rows) + 1;
        uint64_t bit = UINT64_C(1) << row->number;
        if (present & bit)
            continue;
        const char *behind = take_value((enum keyed_form)row->form, value, (char *)record + row->offset);
        if (behind == value.data + value.len)
            present |= bit;
    }
    return present;
}

int proc__keyed_parse(const char *text, size_t len, const struct keyed_record *shape, void *ret_record)
{
    if (!ret_record || (!text && len > 0))
        return -EINVAL;
    memset(ret_record, 0, shape->size);
    uint64_t present = take_rows((proc_span){text, len}, shape, ret_record);
    memcpy(ret_record, &present, sizeof present);
    return __builtin_popcountll(present);
}

int proc__keyed_read(const proc_target *target, const char *file, const struct keyed_record *shape, void *ret_record)
{
    char bytes[RECORD_SIZE];
    if (!ret_record)
        return -EINVAL;
    int64_t len = proc__record_read(target, file, bytes, sizeof bytes);
    if (len < 0)
        return (int)len;
    proc__keyed_parse(bytes, (size_t)len, shape, ret_record);
    return 0;
}
