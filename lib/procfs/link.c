/* SPDX-License-Identifier: MIT */
/*
 * Links of a process: program, directories, namespaces, and for descriptors.c what is open. Each is opened as itself
 * first, so that a target is reached in one way only, whatever it is; then read. Keeps nothing.
 */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <proc/procfs.h>

#include "../base/fd.h"
#include "line.h"
#include "record.h"
#include "target.h"

/* The kernel puts a path together in PATH_MAX bytes, in older ones in a page. */
#define LINK_SIZE 8192

/* Nothing is behind the link: whether that is so because the process has gone. */
static int nothing_there(const proc_target *target, const char *name)
{
    int fd = proc__target_open(target, name, O_PATH | O_NOFOLLOW);
    if (fd < 0)
        return fd;
    proc__fd_close(&fd);
    return -ENODATA;
}

int64_t proc__link_text(const proc_target *target, const char *name, char *ret_text, size_t size)
{
    int fd = proc__target_open(target, name, O_PATH | O_NOFOLLOW);
    if (fd < 0)
        return fd;
    int64_t len = proc__syscall(SYS_readlinkat, fd, (long)"", (long)ret_text, (long)size, 0, 0);
    proc__fd_close(&fd);
    if (len == -ENOENT)
        return nothing_there(target, name);
    if (len < 0)
        return proc__target_error((int)len);
    return (size_t)len < size ? len : -ENAMETOOLONG;
}

/* Whether the mark is no part of a name: 0 only if a file of that very name is what the link leads to. */
static int is_deleted(const proc_target *target, const char *name, const char *path)
{
    struct stat behind, named;
    int fd = proc__target_open(target, name, O_PATH);
    if (fd < 0)
        return 1;
    int known = fstat(fd, &behind) == 0;
    proc__fd_close(&fd);
    if (!known || behind.st_nlink == 0 || lstat(path, &named) < 0)
        return 1;
    return named.st_dev != behind.st_dev || named.st_ino != behind.st_ino;
}

int64_t proc__link_path(const proc_target *target, const char *name, char *ret_path, size_t size, int *ret_deleted)
{
    char text[LINK_SIZE];
    if (!ret_path && size > 0)
        return -EINVAL;
    int64_t len = proc__link_text(target, name, text, sizeof text - 1);
    if (len < 0)
        return len;
    text[len] = '\0';
    proc_span path = {text, (size_t)len}, without = path;
    int deleted = take_deleted_mark(&without) && is_deleted(target, name, text);
    if (deleted)
        path = without;
    if (ret_deleted)
        *ret_deleted = deleted;
    return proc__record_give(path.data, path.len, ret_path, size);
}

int64_t proc_link_read(const proc_target *target, int which, char *ret_path, size_t size, int *ret_deleted)
{
    switch (which) {
    case PROC_LINK_EXE: return proc__link_path(target, "exe", ret_path, size, ret_deleted);
    case PROC_LINK_CWD: return proc__link_path(target, "cwd", ret_path, size, ret_deleted);
    case PROC_LINK_ROOT: return proc__link_path(target, "root", ret_path, size, ret_deleted);
    default: return -EINVAL;
    }
}

/* "net:[4026531833]" */
static int take_inode(const char *text, size_t len, uint64_t *ret_inode)
{
    uint64_t inode;
    const char *open = len > 0 && text[len - 1] == ']' ? memchr(text, '[', len) : NULL;
    const char *behind = open ? take_u64(open + 1, &inode) : NULL;
    if (!behind || behind != text + len - 1)
        return -EBADMSG;
    *ret_inode = inode;
    return 0;
}

int proc_namespace_read(const proc_target *target, const char *kind, uint64_t *ret_inode)
{
    char name[48] = "ns/", text[128];
    size_t len = kind ? strnlen(kind, sizeof name) : 0;
    if (!ret_inode || len == 0 || len >= sizeof name - 3 || memchr(kind, '/', len) || kind[0] == '.')
        return -EINVAL;
    memcpy(name + 3, kind, len + 1);
    int64_t text_len = proc__link_text(target, name, text, sizeof text);
    return text_len < 0 ? (int)text_len : take_inode(text, (size_t)text_len, ret_inode);
}
