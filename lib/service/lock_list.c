/* SPDX-License-Identifier: MIT */
/*
 * Locks as the kernel prints them: all that the reader's pid namespace may see in /proc/locks, and those of a
 * descriptor in its fdinfo. Names files as these lines do. Keeps nothing.
 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <proc/procfs.h>

#include "../base/buffer.h"
#include "../base/fd.h"
#include "../procfs/line.h"

/* ---- One line: `1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF` ---- */

struct printed_lock {
    unsigned kind;
    int pid; /* who took it; -1 for OFD */
    uint64_t major, minor, inode;
};

static int take_word(proc_span *line, proc_span *ret_word)
{
    const char *at = line->data, *stop = at + line->len;
    while (at < stop && is_blank(*at))
        at++;
    const char *start = at;
    while (at < stop && !is_blank(*at))
        at++;
    *ret_word = span_of(start, at);
    skip_to(line, at);
    return ret_word->len > 0;
}

static int take_nth_word(proc_span *line, int n, proc_span *ret_word)
{
    while (n-- > 0)
        if (!take_word(line, ret_word))
            return 0;
    return 1;
}

static unsigned kind_named(proc_span word)
{
    static const struct {
        const char *name;
        unsigned kind;
    } kinds[] = {{"FLOCK", PROC_LOCK_FLOCK}, {"OFDLCK", PROC_LOCK_OFD}, {"POSIX", PROC_LOCK_FCNTL}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (word.len == strlen(kinds[i].name) && memcmp(word.data, kinds[i].name, word.len) == 0)
            return kinds[i].kind;
    return 0;
}

/* "fd:01:131075": two hexadecimal numbers and a decimal one. A blank stands behind it. */
static int take_file(const char *at, const char *stop, struct printed_lock *lock)
{
    at = take_hex_word(at, stop, &lock->major);
    at = at && *at == ':' ? take_hex_word(at + 1, stop, &lock->minor) : NULL;
    at = at && *at == ':' ? take_u64(at + 1, &lock->inode) : NULL;
    return at != NULL;
}

/* 1: a lock; 0: something else, also one that is only waited for ("->"). The line ends with a line feed. */
static int parse_lock(proc_span line, struct printed_lock *ret_lock)
{
    const char *stop = line.data + line.len;
    proc_span word;
    if (!take_nth_word(&line, 2, &word))
        return 0;
    ret_lock->kind = kind_named(word);
    if (!ret_lock->kind || !take_nth_word(&line, 3, &word))
        return 0;
    if (!take_i32(word.data, &ret_lock->pid) || !take_word(&line, &word))
        return 0;
    return take_file(word.data, stop, ret_lock);
}

/* The locks among the lines of a text that are on that file: their kinds, and who took the last one of FLOCK. */
static unsigned find_locks(proc_span text, const struct printed_lock *wanted, const char *prefix, int *ret_pid)
{
    const char *line, *stop;
    unsigned kinds = 0;
    size_t skipped = strlen(prefix);
    while ((line = next_line(&text, &stop))) {
        struct printed_lock lock;
        if ((size_t)(stop - line) < skipped || memcmp(line, prefix, skipped) != 0 ||
            !parse_lock(span_of(line + skipped, stop), &lock))
            continue;
        if (lock.major != wanted->major || lock.minor != wanted->minor || lock.inode != wanted->inode)
            continue;
        kinds |= lock.kind;
        if (lock.kind == PROC_LOCK_FLOCK)
            *ret_pid = lock.pid;
    }
    return kinds;
}

/* ---- The file as these lines name it ---- */

static int find_mount(proc_span mounts, int id, struct printed_lock *ret_name)
{
    proc_mount mount;
    int rc;
    while ((rc = proc_mount_next(&mounts, &mount)) != 0)
        if (rc == 1 && mount.id == id) {
            ret_name->major = mount.major;
            ret_name->minor = mount.minor;
            return 1;
        }
    return 0;
}

/*
 * The device of the file system, which is not always that of stat(2), and the kernel's own inode number. 1; 0: it
 * cannot be told; or a negative errno.
 */
static int name_file(int fd, proc_buffer *buffer, struct printed_lock *ret_name)
{
    proc_fd_info info;
    int rc = proc_fd_info_read(PROC_SELF, fd, NULL, &info);
    if (rc == 0)
        rc = proc_file_read(PROC_SELF, PROC_FILE_MOUNTINFO, buffer);
    if (rc < 0)
        return rc;
    if (!(info.present & (UINT64_C(1) << PROC_FD_INFO_MOUNT_ID)))
        return 0;
    if (info.present & (UINT64_C(1) << PROC_FD_INFO_INODE))
        ret_name->inode = info.inode;
    return find_mount(proc_buffer_span(buffer), info.mount_id, ret_name);
}

static struct printed_lock name_by_stat(const struct lock_file *file)
{
    return (struct printed_lock){.major = major(file->device), .minor = minor(file->device), .inode = file->inode};
}

static int is_same_device(const struct printed_lock *a, const struct printed_lock *b)
{
    return a->major == b->major && a->minor == b->minor;
}

/* ---- The list ---- */

/* The first pid namespace, in which no lock is hidden. */
#define FIRST_PID_NAMESPACE 0xEFFFFFFCu

static int sees_all(void)
{
    uint64_t inode;
    return proc_namespace_read(PROC_SELF, "pid", &inode) == 0 && inode == FIRST_PID_NAMESPACE;
}

static int read_locks(proc_buffer *buffer)
{
    int fd = proc__fd_open("/proc/locks", O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int rc = proc__buffer_fill(buffer, fd, UNTIL_END);
    proc__fd_close(&fd);
    return rc;
}

/* What fits into one read is of one moment; in a longer list a lock may slip by between two reads. */
#define ONE_READ 4000
#define LOOKS 3

static int look_at_list(const struct printed_lock *name, proc_buffer *buffer, struct lock_sight *sight)
{
    for (int i = 0; i < LOOKS; i++) {
        int rc = read_locks(buffer);
        if (rc < 0)
            return rc;
        int pid = 0;
        sight->kinds = find_locks(proc_buffer_span(buffer), name, "", &pid);
        sight->pid = pid > 0 ? pid : 0;
        if (sight->kinds || buffer->len < ONE_READ)
            break;
    }
    return 0;
}

static int look_by_name(const struct lock_file *file, proc_buffer *buffer, struct lock_sight *sight)
{
    const struct printed_lock by_stat = name_by_stat(file);
    struct printed_lock name = by_stat;
    int named = name_file(file->fd, buffer, &name);
    int rc = named < 0 ? named : look_at_list(&name, buffer, sight);
    if (rc < 0)
        return rc;
    /* Where stat(2) names another device, files of several subvolumes may share a name in the list. */
    if (sight->kinds)
        sight->state = is_same_device(&name, &by_stat) ? PROC_LOCK_HELD : PROC_LOCK_UNSEEN;
    else
        sight->state = named == 1 && sees_all() ? PROC_LOCK_FREE : PROC_LOCK_UNSEEN;
    return 0;
}

int proc__lock_look_at_list(const struct lock_file *file, struct lock_sight *sight)
{
    proc_buffer buffer = {0};
    int rc = look_by_name(file, &buffer, sight);
    proc_buffer_done(&buffer);
    /* No /proc, or a denied one: nothing is seen. */
    return proc__is_want_of_ours(rc) ? rc : 0;
}

/* ---- Descriptors ---- */

/* Kinds, or a negative errno. */
static int kinds_of(const proc_target *target, int fd, const struct printed_lock *name, proc_buffer *buffer)
{
    proc_fd_info info;
    int pid;
    int rc = proc_fd_info_read(target, fd, buffer, &info);
    return rc < 0 ? rc : (int)find_locks(proc_buffer_span(buffer), name, "lock:\t", &pid);
}

int proc__lock_kinds_of_ours(const struct lock_file *file)
{
    proc_buffer buffer = {0};
    struct printed_lock name = name_by_stat(file);
    int rc = name_file(file->fd, &buffer, &name);
    if (rc >= 0)
        rc = kinds_of(PROC_SELF, file->fd, &name, &buffer);
    proc_buffer_done(&buffer);
    return rc;
}

int64_t proc__lock_list_fds(const proc_target *target, int **ret_fds)
{
    int64_t count = proc_fd_list(target, NULL, 0);
    if (count < 0)
        return count;
    int *fds = calloc((size_t)count + 1, sizeof *fds);
    if (!fds)
        return -ENOMEM;
    int64_t now = proc_fd_list(target, fds, (size_t)count);
    if (now < 0) {
        free(fds);
        return now;
    }
    *ret_fds = fds;
    return now < count ? now : count;
}

int proc__lock_is_held_by(int pid, const struct lock_file *file)
{
    proc_buffer buffer = {0};
    struct printed_lock name = name_by_stat(file);
    int *fds = NULL;
    int rc = name_file(file->fd, &buffer, &name);
    int64_t count = rc < 0 ? rc : proc__lock_list_fds(PROC_PID(pid), &fds);
    rc = count < 0 ? (int)count : 0;
    for (int64_t i = 0; rc == 0 && i < count; i++)
        rc = kinds_of(PROC_PID(pid), fds[i], &name, &buffer) > 0;
    free(fds);
    proc_buffer_done(&buffer);
    return rc == -ESRCH ? 0 : rc;
}
