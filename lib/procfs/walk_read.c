/* SPDX-License-Identifier: MIT */
/*
 * Reads one process by its plan. Its directory, where one is opened, comes first and the pidfd before the files: a file
 * that is read through the directory, or that was kept open, proves that the process was there all the time until then,
 * and so that the number was its own.
 */
#include "walk_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../base/buffer.h"
#include "../base/fd.h"
#include "../base/pidfd.h"
#include "number.h"

#include <proc/procfs.h>
#include <proc/status.h>

#define PROC_MAGIC 0x9fa0
#define CMDLINE_LIMIT ((size_t)128 << 10)

/* The process that is being read. */
struct subject {
    struct reader *reader;
    struct kept *kept;
    int base;      /* the directory that its own stands in */
    int directory; /* its own, or -1 */
    proc_entry *entry;
};

enum outcome { READ, GONE, ABSENT, DENIED };

/* ---- Options ---- */

static int is_zero(const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (((const char *)bytes)[i] != 0)
            return 0;
    return 1;
}

int proc__wanted_take(const proc_walk_options *given, struct wanted *ret_wanted)
{
    struct wanted wanted = {.options = {.size = sizeof wanted.options}};
    proc_walk_options *options = &wanted.options;
    if (given) {
        size_t size = given->size;
        if (size < sizeof size)
            return -EINVAL;
        if (size > sizeof *options && !is_zero((const char *)given + sizeof *options, size - sizeof *options))
            return -E2BIG;
        memcpy(options, given, size < sizeof *options ? size : sizeof *options);
    }
    const uint32_t flags = PROC_WALK_THREADS | PROC_WALK_NO_KERNEL | PROC_WALK_SAMPLE;
    if ((options->fields & ~ALL_FIELDS) || (options->flags & ~flags) || options->parent < 0)
        return -EINVAL;
    wanted.uid = options->uid ? *options->uid : 0;
    wanted.filtered = (options->flags & PROC_WALK_NO_KERNEL ? PROC_FIELD_KTHREAD : 0) |
                      (options->parent ? PROC_FIELD_PARENT : 0) | (options->uid ? PROC_FIELD_USER : 0) |
                      (options->name ? PROC_FIELD_NAME : 0) | (options->cgroup ? PROC_FIELD_CGROUP : 0);
    *ret_wanted = wanted;
    return 0;
}

/* ---- Filters ---- */

static int is_in_cgroup(const char *path, const char *group)
{
    size_t len = strlen(group);
    while (len > 0 && group[len - 1] == '/')
        len--;
    return strncmp(path, group, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Whether a filter for that field lets the entry, which has it, pass. */
static int passes(const struct wanted *wanted, uint64_t field, const proc_entry *entry)
{
    switch (field) {
    case PROC_FIELD_KTHREAD: return !entry->kthread;
    case PROC_FIELD_PARENT: return entry->ppid == wanted->options.parent;
    case PROC_FIELD_USER: return entry->euid == wanted->uid;
    case PROC_FIELD_NAME: return strcmp(entry->name, wanted->options.name) == 0;
    case PROC_FIELD_CGROUP: return is_in_cgroup(entry->cgroup, wanted->options.cgroup);
    default: return 1;
    }
}

/* 1: no filter is against what is known so far. */
static int may_match(const struct wanted *wanted, const proc_entry *entry)
{
    for (uint64_t left = wanted->filtered & entry->present; left; left &= left - 1)
        if (!passes(wanted, left & (0 - left), entry))
            return 0;
    return 1;
}

/* ---- Values ---- */

/* Whether the entry still lacks that field; then the caller fills it in. */
static int lacks(const struct subject *subject, uint64_t field)
{
    proc_entry *entry = subject->entry;
    if (!(subject->reader->plan.fields & field) || (entry->present & field))
        return 0;
    entry->present |= field;
    return 1;
}

static void set_name(proc_entry *entry, const char *name, size_t len)
{
    len = len < sizeof entry->name ? len : sizeof entry->name - 1;
    memcpy(entry->name, name, len);
    entry->name[len] = '\0';
}

static void take_comm(const struct subject *subject, const char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (lacks(subject, PROC_FIELD_NAME))
        set_name(subject->entry, text, len);
}

static void take_statm(const struct subject *subject, const char *text)
{
    uint64_t size, resident;
    const char *at = take_u64(skip_blanks(text), &size);
    at = at ? take_u64(skip_blanks(at), &resident) : NULL;
    if (!at)
        return;
    if (lacks(subject, PROC_FIELD_RSS))
        subject->entry->rss_kb = resident * subject->reader->page_kb;
    if (lacks(subject, PROC_FIELD_VM_SIZE))
        subject->entry->vm_size_kb = size * subject->reader->page_kb;
}

static int stat_has_all(const proc_stat *stat, int first, int second, int third)
{
    return proc_stat_has(stat, first) && proc_stat_has(stat, second) && proc_stat_has(stat, third);
}

static void take_stat(const struct subject *subject, const char *text, size_t len)
{
    proc_stat stat;
    proc_entry *entry = subject->entry;
    proc_stat_parse(text, len, &stat);
    if (proc_stat_has(&stat, PROC_STAT_PPID) && lacks(subject, PROC_FIELD_PARENT))
        entry->ppid = stat.ppid;
    if (proc_stat_has(&stat, PROC_STAT_NAME) && lacks(subject, PROC_FIELD_NAME))
        set_name(entry, stat.name, stat.name_len);
    if (proc_stat_has(&stat, PROC_STAT_STATE) && lacks(subject, PROC_FIELD_STATE))
        entry->state = stat.state;
    if (proc_stat_has(&stat, PROC_STAT_START_TICKS) && lacks(subject, PROC_FIELD_START))
        entry->start_ticks = stat.start_ticks;
    if (stat_has_all(&stat, PROC_STAT_USER_TICKS, PROC_STAT_SYSTEM_TICKS, PROC_STAT_SYSTEM_TICKS) &&
        lacks(subject, PROC_FIELD_TIMES)) {
        entry->user_ticks = stat.user_ticks;
        entry->system_ticks = stat.system_ticks;
    }
    if (proc_stat_has(&stat, PROC_STAT_VM_SIZE) && lacks(subject, PROC_FIELD_VM_SIZE))
        entry->vm_size_kb = stat.vm_size_bytes / 1024;
    if (proc_stat_has(&stat, PROC_STAT_THREADS) && lacks(subject, PROC_FIELD_THREADS))
        entry->threads = (uint32_t)stat.threads;
    if (stat_has_all(&stat, PROC_STAT_PGRP, PROC_STAT_SESSION, PROC_STAT_TTY) && lacks(subject, PROC_FIELD_GROUP)) {
        entry->pgrp = stat.pgrp;
        entry->session = stat.session;
        entry->tty = stat.tty;
    }
    if (stat_has_all(&stat, PROC_STAT_PRIORITY, PROC_STAT_NICE, PROC_STAT_POLICY) && lacks(subject, PROC_FIELD_NICE)) {
        entry->priority = stat.priority;
        entry->nice = stat.nice;
        entry->policy = stat.policy;
    }
    if (proc_stat_has(&stat, PROC_STAT_FLAGS) && lacks(subject, PROC_FIELD_KTHREAD))
        entry->kthread = (stat.flags & PROC_STAT_FLAG_KERNEL_THREAD) != 0;
}

/* A size that is not there because there is no memory is 0. */
static void take_size(const struct subject *subject, const proc_status *status, int key, uint64_t field, uint64_t value,
                      uint64_t *ret_kb)
{
    int has = proc_status_has(status, key);
    int empty = !proc_status_has(status, PROC_KEY_VM_SIZE) && !proc_status_has(status, PROC_KEY_MEM);
    if ((has || empty) && lacks(subject, field))
        *ret_kb = has ? value : 0;
}

static void take_status(const struct subject *subject, const char *text, size_t len)
{
    proc_status status;
    proc_entry *entry = subject->entry;
    proc_status_parse(text, len, sizeof status, &status);
    if (proc_status_has(&status, PROC_KEY_PPID) && lacks(subject, PROC_FIELD_PARENT))
        entry->ppid = status.ppid;
    if (proc_status_has(&status, PROC_KEY_NAME) && lacks(subject, PROC_FIELD_NAME))
        set_name(entry, status.name, status.name_len);
    if (proc_status_has(&status, PROC_KEY_STATE) && lacks(subject, PROC_FIELD_STATE))
        entry->state = status.state;
    if (proc_status_has(&status, PROC_KEY_UID) && proc_status_has(&status, PROC_KEY_GID) &&
        lacks(subject, PROC_FIELD_USER)) {
        entry->uid = status.uid[0];
        entry->euid = status.uid[1];
        entry->gid = status.gid[0];
        entry->egid = status.gid[1];
    }
    take_size(subject, &status, PROC_KEY_VM_RSS, PROC_FIELD_RSS, status.vm_rss_kb, &entry->rss_kb);
    take_size(subject, &status, PROC_KEY_VM_SIZE, PROC_FIELD_VM_SIZE, status.vm_size_kb, &entry->vm_size_kb);
    take_size(subject, &status, PROC_KEY_VM_SWAP, PROC_FIELD_SWAP, status.vm_swap_kb, &entry->swap_kb);
    if (proc_status_has(&status, PROC_KEY_THREADS) && lacks(subject, PROC_FIELD_THREADS))
        entry->threads = status.threads;
    if (proc_status_has(&status, PROC_KEY_VOLUNTARY_SWITCHES) &&
        proc_status_has(&status, PROC_KEY_NONVOLUNTARY_SWITCHES) && lacks(subject, PROC_FIELD_SWITCHES)) {
        entry->voluntary_switches = status.voluntary_switches;
        entry->nonvoluntary_switches = status.nonvoluntary_switches;
    }
    int kthread = proc_status_is_kernel_thread(&status);
    if (kthread >= 0 && lacks(subject, PROC_FIELD_KTHREAD))
        entry->kthread = (uint32_t)kthread;
    if (proc_status_has(&status, PROC_KEY_NS_PID) && status.ns_depth > 0 && lacks(subject, PROC_FIELD_INNER_PID))
        entry->inner_pid = status.ns_pid[status.ns_depth - 1];
}

/* The number behind a key at the start of a line; 0: there is none. */
static int number_after(const char *text, const char *end, const char *key, uint64_t *ret_value)
{
    const size_t len = strlen(key);
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            return 0;
        if ((size_t)(stop - line) > len && memcmp(line, key, len) == 0)
            return take_u64(skip_blanks(line + len), ret_value) != NULL;
        line = stop + 1;
    }
    return 0;
}

static void take_io(const struct subject *subject, const char *text, size_t len)
{
    uint64_t fetched, sent;
    if (!number_after(text, text + len, "read_bytes:", &fetched) ||
        !number_after(text, text + len, "write_bytes:", &sent) || !lacks(subject, PROC_FIELD_IO))
        return;
    subject->entry->read_bytes = fetched;
    subject->entry->written_bytes = sent;
}

static void take_pss(const struct subject *subject, const char *text, size_t len)
{
    uint64_t kb;
    if (number_after(text, text + len, "Pss:", &kb) && lacks(subject, PROC_FIELD_PSS))
        subject->entry->pss_kb = kb;
}

/* The line "0::/path" of version 2, else the path of the first line; ends it with a NUL. */
static void take_cgroup(const struct subject *subject, char *text, size_t len)
{
    char *end = text + len, *best = NULL;
    for (char *line = text, *stop; line < end && (stop = memchr(line, '\n', (size_t)(end - line))); line = stop + 1) {
        char *first = memchr(line, ':', (size_t)(stop - line));
        char *second = first ? memchr(first + 1, ':', (size_t)(stop - first - 1)) : NULL;
        if (!second)
            continue;
        *stop = '\0';
        int is_v2 = second == first + 1 && first == line + 1 && *line == '0';
        if (is_v2 || !best)
            best = second + 1;
        if (is_v2)
            break;
    }
    if (best && lacks(subject, PROC_FIELD_CGROUP))
        subject->entry->cgroup = best;
}

static void take_text(const struct subject *subject, enum source source, proc_buffer *text)
{
    switch (source) {
    case SOURCE_COMM: take_comm(subject, text->data, text->len); break;
    case SOURCE_STATM: take_statm(subject, text->data); break;
    case SOURCE_STAT: take_stat(subject, text->data, text->len); break;
    case SOURCE_STATUS: take_status(subject, text->data, text->len); break;
    case SOURCE_CGROUP: take_cgroup(subject, text->data, text->len); break;
    case SOURCE_IO: take_io(subject, text->data, text->len); break;
    case SOURCE_PSS: take_pss(subject, text->data, text->len); break;
    case SOURCE_CMDLINE:
        if (lacks(subject, PROC_FIELD_CMDLINE))
            subject->entry->cmdline = (proc_span){text->data, text->len};
        break;
    case SOURCE_INFO:
    case SOURCE_COUNT: break;
    }
}

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

/* A want of ours, not a state of the process. */
static int is_our_want(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM;
}

/* "123", or "123/stat" */
static void path_to(char path[32], int number, const char *file)
{
    char digits[12];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(path, digits + start, sizeof digits - start);
    path += sizeof digits - start;
    if (file)
        *path++ = '/';
    strcpy(path, file ? file : "");
}

static int open_file(const struct subject *subject, const char *file)
{
    char path[32];
    if (subject->directory >= 0)
        return proc__fd_open_at(subject->directory, file, O_RDONLY, 0);
    path_to(path, subject->entry->tid, file);
    return proc__fd_open_at(subject->base, path, O_RDONLY, 0);
}

/* A file that was read before, once more from its beginning; in one call, unless it has grown a lot. */
static int read_again(int fd, proc_buffer *text)
{
    for (;;) {
        ssize_t got = pread(fd, text->data, text->capacity, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        text->len = (size_t)got;
        text->data[got] = '\0';
        if (text->len < text->capacity)
            return 0;
        /* Too long for one call: the long way, with all that it knows of limits. */
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : proc__buffer_fill(text, fd, ONE_RECORD);
    }
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
    proc_entry *entry = subject->entry;
    int pidfd = proc__pidfd_open(entry->pid);
    /* Listed, but no longer there. */
    if (pidfd == -EINVAL || pidfd == -ENOENT)
        pidfd = -ESRCH;
    if (pidfd < 0)
        return pidfd;
    int rc = proc__pidfd_ids(pidfd, &ids);
    proc__fd_close(&pidfd);
    if (rc < 0)
        return rc;
    if (lacks(subject, PROC_FIELD_PARENT))
        entry->ppid = ids.ppid;
    if (lacks(subject, PROC_FIELD_USER)) {
        entry->uid = ids.uid;
        entry->euid = ids.euid;
        entry->gid = ids.gid;
        entry->egid = ids.egid;
    }
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
    take_text(subject, source, text);
    return 0;
}

/* ---- A process ---- */

/* Beside 1 = read and 0 = gone: a filter is against it. */
#define NOT_WANTED 2

/* 1, 0, NOT_WANTED, or our own want. */
static int read_sources(const struct subject *subject)
{
    const struct walk_plan *plan = &subject->reader->plan;
    proc_entry *entry = subject->entry;
    for (int i = 0; i < SOURCE_COUNT; i++) {
        enum source source = (enum source)i;
        if (!(plan->sources & SOURCE_BIT(source)))
            continue;
        int rc = read_source(subject, source);
        if (is_our_want(rc))
            return rc;
        switch (outcome_of(subject, source, rc)) {
        case GONE: return 0;
        case DENIED: entry->denied |= proc__source_fields(source) & plan->fields; break;
        case READ:
        case ABSENT: break;
        }
        if (!may_match(&subject->reader->wanted, entry))
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
    struct subject subject = {reader, kept, base, -1, entry};
    if (needs_directory(reader, kept)) {
        path_to(path, entry->tid, NULL);
        subject.directory = proc__fd_open_at(base, path, O_PATH | O_DIRECTORY, 0);
        if (is_our_want(subject.directory))
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
    if (is_our_want(fd))
        return fd;
    proc__list_begin(ret_list, fd < 0 ? -1 : fd);
    return 0;
}
