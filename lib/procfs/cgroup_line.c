/* SPDX-License-Identifier: MIT */
/* /proc/<pid>/cgroup: "id:controllers:path", and only the path may hold a colon. Pure. */
#include "../base/system.h"

#include <errno.h>
#include <string.h>

#include <proc/procfs.h>

#include "line.h"

static int take_fields(const char *at, const char *stop, proc_cgroup_line *line)
{
    at = take_i32(at, &line->hierarchy);
    if (!at || *at != ':' || line->hierarchy < 0)
        return -EBADMSG;
    const char *controllers = at + 1;
    const char *colon = memchr(controllers, ':', (size_t)(stop - controllers));
    if (!colon)
        return -EBADMSG;
    line->controllers = span_of(controllers, colon);
    line->path = span_of(colon + 1, stop);
    line->deleted = take_deleted_mark(&line->path);
    return 1;
}

int proc_cgroup_next(proc_span *rest, proc_cgroup_line *ret_line)
{
    const char *start, *stop;
    if (!is_readable(rest) || !ret_line)
        return -EINVAL;
    start = next_line(rest, &stop);
    if (!start)
        return 0;
    proc_cgroup_line line = {0};
    int rc = take_fields(start, stop, &line);
    if (rc == 1)
        *ret_line = line;
    return rc;
}
