/* SPDX-License-Identifier: MIT */
/*
 * All other texts of /proc: any bytes are parsed by every parser, no record has more than it can, every iterator ends,
 * and its spans are in the text.
 */
#include "fuzz.h"

#include <proc/procfs.h>

static const char *text;
static size_t text_len;

static void check_span(proc_span span)
{
    PROMISE(span.data >= text && span.data <= text + text_len && span.len <= (size_t)(text + text_len - span.data));
}

static void check_records(void)
{
    proc_statm statm;
    proc_schedstat schedstat;
    proc_io io;
    proc_limit_list limits;
    proc_rollup rollup;
    proc_fd_info info;
    int count = proc_statm_parse(text, text_len, &statm);
    PROMISE(count >= 0 && count <= 7 && statm.field_count == (uint32_t)count);
    count = proc_schedstat_parse(text, text_len, &schedstat);
    PROMISE(count >= 0 && count <= 3 && schedstat.field_count == (uint32_t)count);
    count = proc_io_parse(text, text_len, &io);
    PROMISE(count >= 0 && io.present >> 7 == 0);
    count = proc_limits_parse(text, text_len, &limits);
    PROMISE(count >= 0 && count <= 16 && limits.present >> PROC_LIMIT_COUNT == 0);
    count = proc_rollup_parse(text, text_len, &rollup);
    PROMISE(count >= 0 && rollup.present >> 22 == 0);
    count = proc_fd_info_parse(text, text_len, &info);
    PROMISE(count >= 0 && info.present >> 6 == 0);
}

static void take_string(proc_span string)
{
    check_span(string);
    PROMISE(!string.len || !memchr(string.data, '\0', string.len));
}

static int next_string(proc_span *rest)
{
    proc_span string;
    int rc = proc_string_next(rest, &string);
    if (rc == 1)
        take_string(string);
    return rc;
}

static int next_pair(proc_span *rest)
{
    proc_span key, value;
    int rc = proc_pair_next(rest, &key, &value);
    if (rc == 1) {
        check_span(key);
        check_span(value);
    }
    return rc;
}

static int next_group(proc_span *rest)
{
    proc_cgroup_line line;
    int rc = proc_cgroup_next(rest, &line);
    if (rc == 1) {
        check_span(line.controllers);
        check_span(line.path);
        PROMISE(line.hierarchy >= 0);
    }
    return rc;
}

static int next_map(proc_span *rest)
{
    proc_map map;
    int rc = proc_map_next(rest, &map);
    if (rc == 1) {
        check_span(map.path);
        PROMISE(strlen(map.access) <= 4);
    }
    return rc;
}

/* As long as it says, and never longer than what it was. */
static void check_unescaped(proc_span escaped)
{
    int64_t len = proc_mount_unescape(escaped, NULL, 0);
    PROMISE(len >= 0 && (size_t)len <= escaped.len);
    char *bytes = malloc((size_t)len + 1);
    PROMISE(bytes && proc_mount_unescape(escaped, bytes, (size_t)len + 1) == len && bytes[len] == '\0');
    free(bytes);
}

static int next_mount(proc_span *rest)
{
    proc_mount mount;
    int rc = proc_mount_next(rest, &mount);
    if (rc != 1)
        return rc;
    const proc_span spans[] = {mount.root, mount.point,  mount.options,      mount.tags,
                               mount.type, mount.source, mount.super_options};
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        check_span(spans[i]);
        check_unescaped(spans[i]);
    }
    return rc;
}

/* Each step takes something off, until what is left is a line that was cut, or nothing. */
static void check_steps(int (*next)(proc_span *rest), char end)
{
    proc_span rest = {text, text_len};
    for (;;) {
        size_t before = rest.len;
        if (next(&rest) == 0)
            break;
        PROMISE(rest.len < before);
    }
    PROMISE(rest.len == 0 || !memchr(rest.data, end, rest.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    text = (const char *)data;
    text_len = size;
    if (size == 0)
        text = "";
    check_records();
    check_steps(next_string, '\0');
    check_steps(next_pair, '\n');
    check_steps(next_group, '\n');
    check_steps(next_map, '\n');
    check_steps(next_mount, '\n');
    check_unescaped((proc_span){text, text_len});
    return 0;
}
