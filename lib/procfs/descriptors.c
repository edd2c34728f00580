/* SPDX-License-Identifier: MIT */
/* Open descriptors of a process: which, where they lead, and what the kernel knows of each. Keeps nothing. */
#include "../base/system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <proc/procfs.h>

#include "../base/buffer.h"
#include "../base/fd.h"
#include "keyed.h"
#include "link.h"
#include "listing.h"
#include "target.h"

static int is_same(int dir, const char *one, const char *other)
{
    struct stat a, b;
    return fstatat(dir, one, &a, 0) == 0 && fstatat(dir, other, &b, 0) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/*
 * Whether that directory of descriptors is our own, and so has the one by which we look at it. It is below a process,
 * or below one of its threads; one of the two ways leads nowhere.
 */
static int is_ours(int dir)
{
    char number[16];
    snprintf(number, sizeof number, "%d", dir);
    return is_same(dir, number, ".") &&
           (is_same(dir, "..", "../../self") || is_same(dir, "../../..", "../../../../self"));
}

int64_t proc_fd_list(const proc_target *target, int *ret_fds, size_t capacity)
{
    if (!ret_fds && capacity > 0)
        return -EINVAL;
    int dir = proc__target_open(target, "fd", O_DIRECTORY);
    if (dir < 0)
        return dir;
    struct listing fds = {0};
    int rc = proc__listing_take_directory(&fds, dir);
    if (is_ours(dir))
        proc__listing_leave_out(&fds, dir);
    proc__fd_close(&dir);
    return proc__listing_give(&fds, rc, ret_fds, capacity);
}

int64_t proc_fd_link_read(const proc_target *target, int fd, char *ret_path, size_t size, int *ret_deleted)
{
    char name[24];
    if (fd < 0)
        return -EINVAL;
    snprintf(name, sizeof name, "fd/%d", fd);
    int64_t len = proc__link_path(target, name, ret_path, size, ret_deleted);
    return len == -ENODATA ? -ESRCH : len;
}

#define INFO_ROW(text, number, form, member) {text, offsetof(proc_fd_info, member), KEYED_##form, PROC_FD_INFO_##number}

static const struct keyed info_rows[] = {
    INFO_ROW("pos", POSITION, I64, position),
    INFO_ROW("flags", FLAGS, OCTAL, flags),
    INFO_ROW("mnt_id", MOUNT_ID, I32, mount_id),
    INFO_ROW("ino", INODE, U64, inode),
    INFO_ROW("Pid", PID, I32, pid),
    INFO_ROW("eventfd-count", EVENT_COUNT, HEX, event_count),
};

static const struct keyed_record info_record = KEYED_RECORD(proc_fd_info, info_rows);

int proc_fd_info_parse(const char *text, size_t len, proc_fd_info *ret_info)
{
    return proc__keyed_parse(text, len, &info_record, ret_info);
}

static int read_text(const proc_target *target, const char *name, proc_buffer *buffer)
{
    int fd = proc__target_open(target, name, 0);
    if (fd < 0)
        return fd;
    int rc = proc__buffer_fill(buffer, fd, UNTIL_END);
    proc__fd_close(&fd);
    return rc < 0 ? proc__target_error(rc) : 0;
}

int proc_fd_info_read(const proc_target *target, int fd, proc_buffer *buffer, proc_fd_info *ret_info)
{
    char name[32];
    if (fd < 0 || !ret_info)
        return -EINVAL;
    snprintf(name, sizeof name, "fdinfo/%d", fd);
    /* Without keeping the text: the keys of the record are its first ones. */
    if (!buffer)
        return proc__keyed_read(target, name, &info_record, ret_info);
    int rc = read_text(target, name, buffer);
    if (rc == 0)
        proc_fd_info_parse(buffer->data, buffer->len, ret_info);
    return rc;
}
