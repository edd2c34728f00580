/* SPDX-License-Identifier: MIT */
/* /proc/<pid>/limits: columns, of which the first has blanks in it. Parsing is pure. */
#include "../base/system.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include <proc/procfs.h>

#include "line.h"
#include "record.h"

/* The numbers differ among machines: those of this one. libc may lack the newest name, never its number. */
#ifndef RLIMIT_RTTIME
#define RLIMIT_RTTIME 15
#endif

static const struct {
    const char *name;
    int resource;
} rows[] = {
    {"Max cpu time", RLIMIT_CPU},
    {"Max file size", RLIMIT_FSIZE},
    {"Max data size", RLIMIT_DATA},
    {"Max stack size", RLIMIT_STACK},
    {"Max core file size", RLIMIT_CORE},
    {"Max resident set", RLIMIT_RSS},
    {"Max processes", RLIMIT_NPROC},
    {"Max open files", RLIMIT_NOFILE},
    {"Max locked memory", RLIMIT_MEMLOCK},
    {"Max address space", RLIMIT_AS},
    {"Max file locks", RLIMIT_LOCKS},
    {"Max pending signals", RLIMIT_SIGPENDING},
    {"Max msgqueue size", RLIMIT_MSGQUEUE},
    {"Max nice priority", RLIMIT_NICE},
    {"Max realtime priority", RLIMIT_RTPRIO},
    {"Max realtime timeout", RLIMIT_RTTIME},
};

/* A number or the word for none, with a blank or a line feed behind it; stop is the line feed. */
static const char *take_limit(const char *at, const char *stop, uint64_t *ret_limit)
{
    static const char unlimited[] = "unlimited";
    const size_t len = sizeof unlimited - 1;
    at = skip_blanks(at);
    if ((size_t)(stop - at) >= len && memcmp(at, unlimited, len) == 0) {
        *ret_limit = PROC_UNLIMITED;
        at += len;
    } else {
        at = take_u64(at, ret_limit);
    }
    return at && (is_blank(*at) || *at == '\n') ? at : NULL;
}

static void take_row(const char *line, const char *stop, proc_limit_list *limits)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].name);
        if ((size_t)(stop - line) <= len || memcmp(line, rows[i].name, len) != 0 || !is_blank(line[len]))
            continue;
        uint64_t soft, hard;
        const char *at = take_limit(line + len, stop, &soft);
        if (!at || !take_limit(at, stop, &hard))
            return;
        limits->soft[rows[i].resource] = soft;
        limits->hard[rows[i].resource] = hard;
        limits->present |= UINT64_C(1) << rows[i].resource;
        return;
    }
}

int proc_limits_parse(const char *text, size_t len, proc_limit_list *ret_limits)
{
    proc_span rest = {text, len};
    const char *line, *stop;
    if (!ret_limits || !is_readable(&rest))
        return -EINVAL;
    *ret_limits = (proc_limit_list){0};
    while ((line = next_line(&rest, &stop)))
        take_row(line, stop, ret_limits);
    return __builtin_popcountll(ret_limits->present);
}

int proc_limits_read(const proc_target *target, proc_limit_list *ret_limits)
{
    char bytes[RECORD_SIZE];
    if (!ret_limits)
        return -EINVAL;
    int64_t len = proc__record_read(target, "limits", bytes, sizeof bytes);
    if (len < 0)
        return (int)len;
    proc_limits_parse(bytes, (size_t)len, ret_limits);
    return 0;
}
