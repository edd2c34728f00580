/* SPDX-License-Identifier: MIT */
/* Lines of a text that is read piece by piece. One without a line feed was cut, and is none. */
#ifndef PROC_LIB_PROCFS_LINE_H
#define PROC_LIB_PROCFS_LINE_H

#include "../base/system.h"

#include <string.h>

#include <proc/base.h>

#include "number.h"

static inline int is_readable(const proc_span *span)
{
    return span && (span->data || span->len == 0);
}

static inline void skip_to(proc_span *rest, const char *at)
{
    rest->len -= (size_t)(at - rest->data);
    rest->data = at;
}

/* The next line and the place of its line feed; NULL: there is none that is whole. */
static inline const char *next_line(proc_span *rest, const char **ret_stop)
{
    const char *line = rest->data;
    const char *stop = rest->len > 0 ? memchr(line, '\n', rest->len) : NULL;
    if (!stop)
        return NULL;
    *ret_stop = stop;
    skip_to(rest, stop + 1);
    return line;
}

static inline proc_span span_of(const char *at, const char *stop)
{
    return (proc_span){at, (size_t)(stop - at)};
}

/* From the first byte that is no blank to the last one before stop. */
static inline proc_span span_trimmed(const char *at, const char *stop)
{
    while (at < stop && is_blank(*at))
        at++;
    while (stop > at && is_blank(stop[-1]))
        stop--;
    return span_of(at, stop);
}

/* Takes the kernel's mark for a name that was removed off the end of a path. 1: it was there. */
static inline int take_deleted_mark(proc_span *path)
{
    static const char mark[] = " (deleted)";
    const size_t len = sizeof mark - 1;
    if (path->len <= len || memcmp(path->data + path->len - len, mark, len) != 0)
        return 0;
    path->len -= len;
    return 1;
}

#endif
