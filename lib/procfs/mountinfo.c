/* SPDX-License-Identifier: MIT */
/*
 * /proc/<pid>/mountinfo: fields with exactly one space between them, since a field may be empty, any number of tags,
 * and a hyphen behind those. Pure.
 */
#include "../base/system.h"

#include <errno.h>
#include <string.h>

#include <proc/procfs.h>

#include "line.h"

/* The next field of a line, and steps over the space behind it; NULL data: there is none. */
static proc_span take_field(const char **at, const char *stop)
{
    const char *start = *at;
    if (start > stop)
        return (proc_span){NULL, 0};
    const char *space = memchr(start, ' ', (size_t)(stop - start));
    const char *end = space ? space : stop;
    *at = end + 1;
    return span_of(start, end);
}

static const char *take_mount_numbers(const char *at, proc_mount *mount)
{
    at = take_i32(at, &mount->id);
    at = at && *at == ' ' ? take_i32(at + 1, &mount->parent_id) : NULL;
    at = at && *at == ' ' ? take_u32(at + 1, &mount->major) : NULL;
    at = at && *at == ':' ? take_u32(at + 1, &mount->minor) : NULL;
    return at && *at == ' ' ? at + 1 : NULL;
}

/* Everything up to the hyphen. Whether there is one. */
static int take_tags(const char **at, const char *stop, proc_span *ret_tags)
{
    const char *start = *at;
    for (;;) {
        proc_span field = take_field(at, stop);
        if (!field.data)
            return 0;
        if (field.len == 1 && *field.data == '-') {
            *ret_tags = span_of(start, field.data > start ? field.data - 1 : start);
            return 1;
        }
    }
}

static int take_mount_line(const char *at, const char *stop, proc_mount *mount)
{
    at = take_mount_numbers(at, mount);
    if (!at)
        return -EBADMSG;
    mount->root = take_field(&at, stop);
    mount->point = take_field(&at, stop);
    mount->options = take_field(&at, stop);
    if (!take_tags(&at, stop, &mount->tags))
        return -EBADMSG;
    mount->type = take_field(&at, stop);
    mount->source = take_field(&at, stop);
    if (!mount->source.data || at > stop)
        return -EBADMSG;
    mount->super_options = span_of(at, stop);
    return 1;
}

int proc_mount_next(proc_span *rest, proc_mount *ret_mount)
{
    const char *line, *stop;
    if (!is_readable(rest) || !ret_mount)
        return -EINVAL;
    line = next_line(rest, &stop);
    if (!line)
        return 0;
    proc_mount mount = {0};
    int rc = take_mount_line(line, stop, &mount);
    if (rc == 1)
        *ret_mount = mount;
    return rc;
}

/* The byte that three octal digits behind a backslash stand for, or -1. */
static int escaped_byte(const char *at, size_t left)
{
    if (left < 4 || at[0] != '\\' || digit_of(at[1]) > 3 || digit_of(at[2]) > 7 || digit_of(at[3]) > 7)
        return -1;
    return (int)(digit_of(at[1]) << 6 | digit_of(at[2]) << 3 | digit_of(at[3]));
}

int64_t proc_mount_unescape(proc_span text, char *ret_text, size_t size)
{
    size_t len = 0;
    if (!is_readable(&text) || (!ret_text && size > 0))
        return -EINVAL;
    for (size_t i = 0; i < text.len; len++) {
        int byte = escaped_byte(text.data + i, text.len - i);
        char c = byte >= 0 ? (char)byte : text.data[i];
        i += byte >= 0 ? 4 : 1;
        if (len + 1 < size)
            ret_text[len] = c;
    }
    if (size > 0)
        ret_text[len < size ? len : size - 1] = '\0';
    return (int64_t)len;
}
