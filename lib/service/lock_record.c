/* SPDX-License-Identifier: MIT */
/*
 * What stands in a PID file: the pid on the first line, as everybody reads it, and behind it lines of `key: value` that
 * tell the process from every other one. The parser is pure, and believes nothing but digits.
 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <proc/procfs.h>

#include "../base/fd.h"
#include "../base/pidfd.h"

#define PID_LIMIT (4 * 1024 * 1024) /* no kernel gives higher ones */
#define FIRST_LINE_MAX 64
#define CONTENT_MAX 1024 /* ours are a quarter of it */

/* ---- Reading ---- */

/* All of it digits, and not beyond the limit. */
static int parse_number(proc_span digits, uint64_t limit, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(unsigned char)digits.data[i] - '0';
        if (digit > 9 || value > (limit - digit) / 10)
            return 0;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return digits.len > 0;
}

/* The next line, without its line feed; one at the end that has none is whole too if `cut` says so. 0: none. */
static int split_line(proc_span *rest, int cut, proc_span *ret_line)
{
    const char *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    if (!end && !(cut && rest->len > 0))
        return 0;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    *ret_line = (proc_span){rest->data, len};
    size_t taken = end ? len + 1 : len;
    rest->data += taken;
    rest->len -= taken;
    return 1;
}

static int take_key(proc_span *line, const char *key)
{
    size_t len = strlen(key);
    if (line->len < len || memcmp(line->data, key, len) != 0)
        return 0;
    line->data += len;
    line->len -= len;
    return 1;
}

/* A word of visible bytes that fits, or nothing. */
static void keep_word(proc_span word, char *ret_text, size_t size)
{
    if (word.len >= size)
        return;
    for (size_t i = 0; i < word.len; i++)
        if (word.data[i] <= ' ' || word.data[i] > '~')
            return;
    memcpy(ret_text, word.data, word.len);
    ret_text[word.len] = '\0';
}

static void parse_detail(proc_span line, struct lock_record *record)
{
    uint64_t value;
    if (take_key(&line, "start: ")) {
        if (parse_number(line, UINT64_MAX, &value))
            record->start_ticks = value;
    } else if (take_key(&line, "pidfd: ")) {
        if (parse_number(line, UINT64_MAX, &value))
            record->inode = value;
    } else if (take_key(&line, "boot: ")) {
        keep_word(line, record->boot, sizeof record->boot);
    } else if (take_key(&line, "host: ")) {
        keep_word(line, record->host, sizeof record->host);
    }
}

enum lock_content proc__lock_parse(const char *text, size_t len, struct lock_record *ret_record)
{
    proc_span rest = {text, len}, line;
    uint64_t pid;
    *ret_record = (struct lock_record){0};
    if (!split_line(&rest, 1, &line))
        return LOCK_EMPTY;
    if (line.len > FIRST_LINE_MAX || !parse_number(line, PID_LIMIT, &pid) || pid == 0)
        return LOCK_GARBAGE;
    ret_record->pid = (int)pid;
    while (split_line(&rest, 0, &line))
        parse_detail(line, ret_record);
    return LOCK_NAMES;
}

int proc__lock_read(int fd, struct lock_record *ret_record)
{
    char text[CONTENT_MAX];
    ssize_t len;
    do
        len = pread(fd, text, sizeof text, 0);
    while (len < 0 && errno == EINTR);
    return len < 0 ? -errno : (int)proc__lock_parse(text, (size_t)len, ret_record);
}

/* ---- Who we are ---- */

/* The first word of a file of the kernel. */
static int read_word(const char *path, char *ret_word, size_t size)
{
    char text[64];
    int64_t len = proc__fd_read_text(AT_FDCWD, path, text, sizeof text);
    if (len < 0)
        return (int)len;
    proc_span rest = {text, (size_t)len}, line;
    if (split_line(&rest, 1, &line))
        keep_word(line, ret_word, size);
    return 0;
}

/* A name may hold anything, and must not look like more lines. */
static void keep_host(char *ret_host, size_t size)
{
    struct utsname names;
    if (uname(&names) < 0)
        return;
    for (char *c = names.nodename; *c; c++)
        if (*c <= ' ' || *c > '~')
            *c = '?';
    keep_word((proc_span){names.nodename, strlen(names.nodename)}, ret_host, size);
}

int proc__lock_here(struct lock_record *record)
{
    int rc = read_word("/proc/sys/kernel/random/boot_id", record->boot, sizeof record->boot);
    keep_host(record->host, sizeof record->host);
    return proc__is_want_of_ours(rc) ? rc : 0;
}

static int take_own_inode(int pid, uint64_t *ret_inode)
{
    int pidfd = proc__pidfd_open(pid);
    if (pidfd >= 0)
        *ret_inode = proc__pidfd_inode(pidfd);
    int rc = proc__is_want_of_ours(pidfd) ? pidfd : 0;
    proc__fd_close(&pidfd);
    return rc;
}

/*
 * The same as proc_identity_get() tells, for a third of its price: we do not vanish while we look. Without a /proc of
 * our pid namespace the pid alone is told.
 */
static int describe_us(struct lock_record *record)
{
    proc_stat stat;
    int rc = proc_stat_read(PROC_SELF, &stat);
    if (rc < 0)
        return proc__is_want_of_ours(rc) ? rc : 0;
    if (stat.pid != record->pid || !proc_stat_has(&stat, PROC_STAT_START_TICKS))
        return 0;
    record->start_ticks = stat.start_ticks;
    rc = take_own_inode(record->pid, &record->inode);
    return rc < 0 ? rc : proc__lock_here(record);
}

/* ---- Writing ---- */

struct content {
    char text[CONTENT_MAX];
    size_t len;
};

static void add_text(struct content *content, const char *key, const char *value)
{
    if (value[0])
        content->len +=
            (size_t)snprintf(content->text + content->len, sizeof content->text - content->len, "%s: %s\n", key, value);
}

static void add_number(struct content *content, const char *key, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    if (value)
        add_text(content, key, digits);
}

/* The lines are known to fit: each of the four values is bounded. */
static void print(const struct lock_record *record, struct content *ret_content)
{
    ret_content->len = (size_t)snprintf(ret_content->text, sizeof ret_content->text, "%d\n", record->pid);
    add_number(ret_content, "start", record->start_ticks);
    add_number(ret_content, "pidfd", record->inode);
    add_text(ret_content, "boot", record->boot);
    add_text(ret_content, "host", record->host);
}

int proc__lock_empty(int fd)
{
    while (ftruncate(fd, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* In one call, so that who reads sees nothing or all. */
static int write_content(int fd, const struct content *content)
{
    ssize_t done;
    do
        done = pwrite(fd, content->text, content->len, 0);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return -errno;
    return (size_t)done == content->len ? 0 : -ENOSPC;
}

int proc__lock_write(int fd, int pid, unsigned flags, int is_empty)
{
    struct lock_record record = {.pid = pid};
    struct content content;
    int rc = flags & PROC_LOCK_PLAIN ? 0 : describe_us(&record);
    if (rc < 0)
        return rc;
    print(&record, &content);
    if (!is_empty)
        rc = proc__lock_empty(fd);
    if (rc == 0)
        rc = write_content(fd, &content);
    if (rc < 0)
        proc__lock_empty(fd);
    return rc;
}
