/* SPDX-License-Identifier: MIT */
/*
 * All the descriptors of a process, to be gone through without memory of its own: for a process that has just been
 * cloned, or is about to close what it has. Raw calls only. Keeps nothing.
 */
#include "fd_table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>

#include "fd.h"

/* What getdents64(2) fills in. */
struct directory_entry {
    uint64_t inode;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
};

static int entry_number(const char *name)
{
    int number = 0;
    for (; *name >= '0' && *name <= '9'; name++)
        number = number * 10 + (*name - '0');
    return *name == '\0' ? number : -1;
}

static long open_directory(void)
{
    long dir;
    do
        dir = proc__syscall(SYS_openat, AT_FDCWD, (long)"/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
    while (dir == -EINTR);
    return dir;
}

/* By the hard limit: the soft one may have been lowered below what is open. */
static long find_end(void)
{
    uint64_t limit[2]; /* soft, hard */
    long rc = proc__syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)limit, 0, 0);
    return rc < 0 ? rc : limit[1] > INT_MAX ? INT_MAX : (long)limit[1];
}

long proc__fd_list_open(struct fd_list *ret_list)
{
    long dir = open_directory(), end = find_end();
    *ret_list = (struct fd_list){.dir = dir < 0 ? -1 : (int)dir, .end = end < 0 ? -1 : (int)end};
    return dir < 0 && end < 0 ? end : 0;
}

static long visit_listed(int dir, fd_visitor *visit, void *arg)
{
    _Alignas(struct directory_entry) char buffer[1024];
    long len;
    while ((len = proc__syscall(SYS_getdents64, dir, (long)buffer, sizeof buffer, 0, 0, 0)) > 0)
        for (long at = 0; at < len;) {
            const struct directory_entry *entry = (const void *)(buffer + at);
            int fd = entry_number(entry->name);
            if (fd >= 0 && fd != dir)
                visit(fd, arg);
            at += entry->size;
        }
    return len;
}

long proc__fd_list_visit(const struct fd_list *list, fd_visitor *visit, void *arg)
{
    long rc = list->dir < 0 ? -ENOENT : visit_listed(list->dir, visit, arg);
    if (rc >= 0 || list->end < 0)
        return rc;
    for (int fd = 0; fd < list->end; fd++)
        visit(fd, arg);
    return 0;
}

long proc__fd_visit(fd_visitor *visit, void *arg)
{
    struct fd_list list;
    long rc = proc__fd_list_open(&list);
    if (rc == 0)
        rc = proc__fd_list_visit(&list, visit, arg);
    if (list.dir >= 0)
        proc__syscall(SYS_close, list.dir, 0, 0, 0, 0, 0);
    return rc;
}

/* ---- Closing all but a few ---- */

struct kept {
    const int *fds; /* sorted */
    size_t count;
};

static int is_kept(const struct kept *kept, int fd)
{
    for (size_t i = 0; i < kept->count; i++)
        if (kept->fds[i] == fd)
            return 1;
    return 0;
}

static void close_unless_kept(int fd, void *arg)
{
    if (!is_kept(arg, fd))
        proc__fd_close(&fd);
}

static long close_range_of(unsigned first, unsigned last)
{
    return first > last ? 0 : proc__syscall(SYS_close_range, (long)first, (long)last, 0, 0, 0, 0);
}

/* The gaps between those that are kept. */
static long close_gaps(const struct kept *kept)
{
    unsigned first = 0;
    for (size_t i = 0; i < kept->count; i++) {
        unsigned number = (unsigned)kept->fds[i];
        if (number < first)
            continue;
        long rc = number > first ? close_range_of(first, number - 1) : 0;
        if (rc < 0)
            return rc;
        first = number + 1;
    }
    return close_range_of(first, UINT_MAX);
}

static void sort(int *fds, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int fd = fds[i];
        size_t at = i;
        for (; at > 0 && fds[at - 1] > fd; at--)
            fds[at] = fds[at - 1];
        fds[at] = fd;
    }
}

int proc__fd_close_others(int *keep, size_t count)
{
    sort(keep, count);
    struct kept kept = {keep, count};
    while (kept.count > 0 && kept.fds[0] < 0) {
        kept.fds++;
        kept.count--;
    }
    long rc = close_gaps(&kept);
    if (rc < 0)
        rc = proc__fd_visit(close_unless_kept, &kept);
    return (int)rc;
}
