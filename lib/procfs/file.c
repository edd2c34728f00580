/* SPDX-License-Identifier: MIT */
/* Files of a process as they are: whole ones in a buffer, names, and strings one by one. Keeps nothing. */
#include "../base/system.h"

#include <errno.h>
#include <string.h>

#include <proc/procfs.h>

#include "../base/buffer.h"
#include "../base/fd.h"
#include "line.h"
#include "record.h"
#include "target.h"

static const char *name_of(int which)
{
    switch (which) {
    case PROC_FILE_COMM: return "comm";
    case PROC_FILE_CMDLINE: return "cmdline";
    case PROC_FILE_ENVIRON: return "environ";
    case PROC_FILE_CGROUP: return "cgroup";
    case PROC_FILE_MAPS: return "maps";
    case PROC_FILE_MOUNTINFO: return "mountinfo";
    case PROC_FILE_LIMITS: return "limits";
    case PROC_FILE_IO: return "io";
    case PROC_FILE_STATUS: return "status";
    case PROC_FILE_STAT: return "stat";
    case PROC_FILE_SMAPS_ROLLUP: return "smaps_rollup";
    default: return NULL;
    }
}

/*
 * mountinfo says -EINVAL of a process that has ended and has no mounts any more. So does the target of one that makes
 * no sense, in which then no other file can be opened either.
 */
static int has_no_mounts(const proc_target *target)
{
    int fd = proc__target_open(target, "stat", 0);
    if (fd < 0)
        return fd;
    proc__fd_close(&fd);
    return -ESRCH;
}

int proc_file_read(const proc_target *target, int which, proc_buffer *buffer)
{
    const char *name = name_of(which);
    if (!name || !buffer)
        return -EINVAL;
    int fd = proc__target_open(target, name, 0);
    if (fd == -EINVAL && which == PROC_FILE_MOUNTINFO)
        return has_no_mounts(target);
    if (fd < 0)
        return fd;
    int rc = proc__buffer_fill(buffer, fd, UNTIL_END);
    proc__fd_close(&fd);
    return rc < 0 ? proc__target_error(rc) : 0;
}

int proc_string_next(proc_span *rest, proc_span *ret_string)
{
    if (!is_readable(rest) || !ret_string)
        return -EINVAL;
    if (rest->len == 0)
        return 0;
    const char *end = rest->data + rest->len;
    const char *stop = memchr(rest->data, '\0', rest->len);
    *ret_string = span_of(rest->data, stop ? stop : end);
    skip_to(rest, stop ? stop + 1 : end);
    return 1;
}

int64_t proc_comm_read(const proc_target *target, char *ret_name, size_t size)
{
    char bytes[128];
    if (!ret_name && size > 0)
        return -EINVAL;
    int64_t len = proc__record_read(target, "comm", bytes, sizeof bytes);
    if (len < 0)
        return len;
    /* The kernel's own line feed; those before it belong to the name. */
    return proc__record_give(bytes, (size_t)len - (bytes[len - 1] == '\n'), ret_name, size);
}

int64_t proc_wchan_read(const proc_target *target, char *ret_name, size_t size)
{
    char bytes[RECORD_SIZE];
    if (!ret_name && size > 0)
        return -EINVAL;
    int64_t len = proc__record_read(target, "wchan", bytes, sizeof bytes);
    if (len < 0)
        return len;
    int is_none = bytes[0] == '0' && (len == 1 || bytes[1] == '\n');
    return proc__record_give(bytes, is_none ? 0 : (size_t)len, ret_name, size);
}

proc_span proc_buffer_span(const proc_buffer *buffer)
{
    const proc_span none = {NULL, 0};
    return buffer && buffer->data ? (proc_span){buffer->data, buffer->len} : none;
}
