/* SPDX-License-Identifier: MIT */
/*
 * Reads one process by its plan. Its directory, where one is opened, comes first and the pidfd before the files: a file
 * that is read through the directory, or that was kept open, proves that the process was there all the time until then,
 * and so that the number was its own.
 */
#include "walk_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../base/buffer.h"
#include "../base/fd.h"
#include "../base/pidfd.h"
#include "../base/text.h"
#include "target.h"
#include "walk_values.h"

#include <proc/status.h>

#define CMDLINE_LIMIT ((size_t)128 << 10)

/* The process that is being read. */
struct subject {
    struct reader *reader;
    struct kept *kept;
    int base;      /* the directory that its own stands in */
    int directory; /* its own, or -1 */
    struct filling filling;
};

enum outcome { READ, GONE, ABSENT, DENIED };

/* ---- Files ---- */

int proc__kept_close(struct kept *kept)
{
    int closed = 0;
    for (int i = 0; i < CORE_COUNT; i++) {
        closed += kept->fds[i] >= 0;
        proc__fd_close(&kept->fds[i]);
    }
    return closed;
}

/* "123", or "123/stat" */
static void path_to(char path[32], int number, const char *file)
{
    path += proc__text_decimal(path, number);
    *path = file ? '/' : '\0';
    if (file)
        memcpy(path + 1, file, strlen(file) + 1);
}

static int open_file(const struct subject *subject, const char *file)
{
    char path[32];
    /* Not held up by a FIFO, which may stand in a tree that somebody else has laid out. */
    const int flags = O_RDONLY | O_NONBLOCK;
    if (subject->directory >= 0)
        return proc__fd_open_at(subject->directory, file, flags, 0);
    path_to(path, subject->filling.entry->tid, file);
    return proc__fd_open_at(subject->base, path, flags, 0);
}

/* A file that was read before, once more from its beginning; in one call, unless it has grown a lot. */
static int read_again(int fd, proc_buffer *text)
{
    int64_t got = proc__fd_read_first(fd, text->data, text->capacity);
    if (got < 0)
        return (int)got;
    text->len = (size_t)got;
    text->data[got] = '\0';
    if (text->len < text->capacity)
        return 0;
    /* Too long for one call: the long way, with all that it knows of limits. */
    return lseek(fd, 0, SEEK_SET) < 0 ? -errno : proc__buffer_fill(text, fd, ONE_RECORD);
}

static int read_kept(const struct subject *subject, enum source source, proc_buffer *text)
{
    struct reader *reader = subject->reader;
    int *kept = subject->kept && source < CORE_COUNT ? &subject->kept->fds[source] : NULL;
    if (kept && *kept >= 0 && text->data)
        return read_again(*kept, text);
    int fd = open_file(subject, proc__source_file(source));
    if (fd < 0)
        return fd;
    int rc = proc__buffer_fill(text, fd, source == SOURCE_CMDLINE ? UNTIL_END : ONE_RECORD);
    if (rc == 0 && kept && *kept < 0 && reader->may_keep > 0) {
        *kept = fd;
        reader->may_keep--;
        return 0;
    }
    proc__fd_close(&fd);
    return rc;
}

/* Some files are missing in some kernels, or for threads: that is not the process's end. */
static int is_there(const struct subject *subject)
{
    int fd = open_file(subject, "stat");
    int rc = fd < 0 ? fd : 0;
    proc__fd_close(&fd);
    return rc != -ENOENT && rc != -ESRCH;
}

static enum outcome outcome_of(const struct subject *subject, enum source source, int rc)
{
    switch (rc) {
    case 0: return READ;
    case -EACCES:
    case -EPERM: return DENIED;
    case -ENOENT:
    case -ESRCH: return source < CORE_COUNT || !is_there(subject) ? GONE : ABSENT;
    default: return ABSENT;
    }
}

static int read_ids(const struct subject *subject)
{
    struct pidfd_ids ids;
    int pidfd = proc__pidfd_open(subject->filling.entry->pid);
    /* Listed, but no longer there. */
    if (pidfd == -EINVAL || pidfd == -ENOENT)
        pidfd = -ESRCH;
    if (pidfd < 0)
        return pidfd;
    int rc = proc__pidfd_ids(pidfd, &ids);
    proc__fd_close(&pidfd);
    if (rc < 0)
        return rc;
    proc__fill_in_ids(&subject->filling, &ids);
    return 0;
}

static proc_buffer *buffer_for(struct reader *reader, enum source source)
{
    if (source == SOURCE_CGROUP)
        return &reader->cgroup;
    return source == SOURCE_CMDLINE ? &reader->cmdline : &reader->text;
}

static int read_source(const struct subject *subject, enum source source)
{
    if (source == SOURCE_INFO)
        return read_ids(subject);
    proc_buffer *text = buffer_for(subject->reader, source);
    int rc = read_kept(subject, source, text);
    if (rc < 0)
        return rc;
    /* Some emulations open the files of a process that has gone, and have nothing in them. */
    if (text->len == 0 && source < CORE_COUNT)
        return -ESRCH;
    proc__fill_in(&subject->filling, source, text);
    return 0;
}

/*
 * The same by another file, where the first is no way to it: else all that a kernel or an emulation does not tell of
 * would be taken for gone.
 */
static int read_by_some_way(const struct subject *subject, enum source source)
{
    int rc = read_source(subject, source);
    /* Of one whose parent is outside the pid namespace, kernels from 6.13 on say that it is not there. */
    if (source == SOURCE_INFO && rc < 0 && !proc__is_want_of_ours(rc))
        rc = read_source(subject, source = SOURCE_STATUS);
    if (source < CORE_COUNT && source != SOURCE_STAT && rc == -ENOENT)
        rc = read_source(subject, SOURCE_STAT);
    return rc;
}

/* ---- A process ---- */

/* Beside 1 = read and 0 = gone: a filter is against it. */
#define NOT_WANTED 2

/* 1, 0, NOT_WANTED, or our own want. */
static int read_sources(const struct subject *subject)
{
    const struct walk_plan *plan = &subject->reader->plan;
    proc_entry *entry = subject->filling.entry;
    for (int i = 0; i < SOURCE_COUNT; i++) {
        enum source source = (enum source)i;
        if (!(plan->sources & SOURCE_BIT(source)))
            continue;
        int rc = read_by_some_way(subject, source);
        if (proc__is_want_of_ours(rc))
            return rc;
        switch (outcome_of(subject, source, rc)) {
        case GONE: return 0;
        case DENIED: entry->denied |= proc__source_fields(source) & plan->fields; break;
        case READ:
        case ABSENT: break;
        }
        if (!proc__wanted_may_match(&subject->reader->wanted, entry))
            return NOT_WANTED;
    }
    entry->denied &= ~entry->present;
    return subject->reader->wanted.filtered & ~entry->present ? NOT_WANTED : 1;
}

/* All that the plan needs is open: each such file speaks for one process only. */
static int needs_directory(const struct reader *reader, const struct kept *kept)
{
    if (!reader->plan.directory)
        return 0;
    for (int i = 0; i < SOURCE_COUNT; i++)
        if ((reader->plan.sources & SOURCE_BIT(i)) && !(kept && i < CORE_COUNT && kept->fds[i] >= 0))
            return 1;
    return 0;
}

static int read_once(struct reader *reader, int base, struct kept *kept, proc_entry *entry)
{
    char path[32];
    struct subject subject = {reader, kept, base, -1, {reader->plan.fields, reader->page_kb, entry}};
    if (needs_directory(reader, kept)) {
        path_to(path, entry->tid, NULL);
        subject.directory = proc__fd_open_at(base, path, O_PATH | O_DIRECTORY, 0);
        if (proc__is_want_of_ours(subject.directory))
            return subject.directory;
        if (subject.directory == -ENOENT || subject.directory == -ESRCH)
            return 0;
    }
    int rc = read_sources(&subject);
    proc__fd_close(&subject.directory);
    return rc;
}

int proc__reader_read(struct reader *reader, int base, int pid, int tid, struct kept *kept, proc_entry *ret_entry)
{
    *ret_entry = (proc_entry){.pid = pid, .tid = tid};
    int rc = read_once(reader, base, kept, ret_entry);
    int closed = rc == 0 && kept ? proc__kept_close(kept) : 0;
    if (closed > 0) {
        /* Its files are of one that has gone: the number may be somebody else's by now. */
        reader->may_keep += closed;
        *ret_entry = (proc_entry){.pid = pid, .tid = tid};
        rc = read_once(reader, base, kept, ret_entry);
    }
    return rc == NOT_WANTED ? 0 : rc;
}

/* ---- A /proc ---- */

static int open_root(const struct wanted *wanted)
{
    const int *given = wanted->options.root_fd;
    struct statfs about;
    int fd = given ? proc__fd_open_at(*given, ".", O_RDONLY | O_DIRECTORY, 0)
                   : proc__fd_open("/proc", O_RDONLY | O_DIRECTORY, 0);
    if (given)
        return fd;
    if (fd == -ENOENT || (fd >= 0 && (fstatfs(fd, &about) < 0 || about.f_type != PROC_MAGIC))) {
        proc__fd_close(&fd);
        return -ENODEV;
    }
    return fd;
}

/* Whether pidfds can tell of the processes there: it counts as our pid namespace does, and the kernel tells us. */
static int can_ask_pidfds(int root)
{
    proc_status status;
    struct pidfd_ids ids;
    struct statfs about;
    const proc_target self = {.root_fd = &root};
    if (fstatfs(root, &about) < 0 || about.f_type != PROC_MAGIC ||
        proc_status_read(&self, NULL, sizeof status, &status) < 0 || !proc_status_has(&status, PROC_KEY_NS_PID) ||
        status.ns_depth != 1)
        return 0;
    int pidfd = proc__pidfd_open(getpid());
    if (pidfd < 0)
        return 0;
    int rc = proc__pidfd_ids(pidfd, &ids);
    proc__fd_close(&pidfd);
    return rc == 0 && ids.ppid == getppid();
}

static struct walk_plan plan_for(const struct reader *reader, uint64_t fields)
{
    const unsigned files = ALL_SOURCES & ~SOURCE_BIT(SOURCE_INFO);
    const uint32_t flags = reader->wanted.options.flags;
    if (flags & (PROC_WALK_THREADS | PROC_WALK_SAMPLE))
        return proc__plan_for(fields, files);
    struct walk_plan plan = proc__plan_for(fields, ALL_SOURCES);
    if ((plan.sources & SOURCE_BIT(SOURCE_INFO)) && !can_ask_pidfds(reader->root))
        return proc__plan_for(fields, files);
    return plan;
}

int proc__reader_begin(struct reader *reader, const struct wanted *wanted, uint64_t more_fields)
{
    *reader = (struct reader){.wanted = *wanted, .cmdline = {.limit = CMDLINE_LIMIT}};
    reader->root = open_root(wanted);
    if (reader->root < 0)
        return reader->root;
    reader->page_kb = (unsigned)(sysconf(_SC_PAGESIZE) / 1024);
    reader->plan = plan_for(reader, wanted->options.fields | wanted->filtered | more_fields);
    return 0;
}

void proc__reader_end(struct reader *reader)
{
    proc__fd_close(&reader->root);
    proc_buffer_done(&reader->text);
    proc_buffer_done(&reader->cgroup);
    proc_buffer_done(&reader->cmdline);
}

int proc__reader_list(const struct reader *reader, struct list *ret_list)
{
    int fd = proc__fd_open_at(reader->root, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    proc__list_begin(ret_list, fd);
    return 0;
}

int proc__reader_list_threads(const struct reader *reader, int pid, struct list *ret_list)
{
    char path[32];
    path_to(path, pid, "task");
    int fd = proc__fd_open_at(reader->root, path, O_RDONLY | O_DIRECTORY, 0);
    if (proc__is_want_of_ours(fd))
        return fd;
    proc__list_begin(ret_list, fd < 0 ? -1 : fd);
    return 0;
}
