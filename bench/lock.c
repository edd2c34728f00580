/* SPDX-License-Identifier: MIT */
/*
 * What a PID file costs, on a file system in memory, where PID files live, and on the one of /tmp. Raw is done twice:
 *
 *   bare      open, lock, see that the path still leads to the file, write the pid, remove, close. A link on the way
 *             may turn all of it to another place; whoever put a file of his own there loses it.
 *   checked   what the library promises, by the calls that this cannot do without: the directory opened by a path
 *             without links, and held, so that it stays the one that is meant; the file made in it, or trusted after a
 *             look; both kinds of locks; the same file there once they are held, and again before it is removed, if it
 *             names nobody else then. And in full: who we are, by start time, boot and pidfd.
 *
 * Bare to checked is what the promise costs, whoever keeps it; checked to ours is what the library costs.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <proc/lock.h>

#include "services.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

struct place {
    char directory[64], path[80];
};

#define NAME "bench.pid"

/* ---- Bare ---- */

static int take_ofd(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &whole);
}

static void bare_cycle(const char *path, int ofd, int flock_too)
{
    char line[16];
    struct stat locked, there;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0 || (ofd && take_ofd(fd) < 0) || (flock_too && flock(fd, LOCK_EX | LOCK_NB) < 0) ||
        fstat(fd, &locked) < 0 || stat(path, &there) < 0 || locked.st_ino != there.st_ino)
        bench_die("raw lock", errno);
    ssize_t len = snprintf(line, sizeof line, "%d\n", (int)getpid());
    if (write(fd, line, (size_t)len) != len || unlink(path) < 0)
        bench_die("raw PID file", errno);
    close(fd);
}

static void bare(const void *context)
{
    bare_cycle(((const struct place *)context)->path, 0, 1);
}

static void bare_ofd(const void *context)
{
    bare_cycle(((const struct place *)context)->path, 1, 0);
}

static void bare_both(const void *context)
{
    bare_cycle(((const struct place *)context)->path, 1, 1);
}

/* ---- Checked ---- */

static int is_there(int dir, const struct stat *file)
{
    struct stat there;
    return fstatat(dir, NAME, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == file->st_ino &&
           there.st_dev == file->st_dev;
}

static int is_trusted(const struct stat *file)
{
    return S_ISREG(file->st_mode) && file->st_nlink == 1 && (file->st_uid == 0 || file->st_uid == geteuid()) &&
           !(file->st_mode & (S_IWGRP | S_IWOTH));
}

static ssize_t read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, text, size - 1);
    if (len < 0)
        bench_die(path, errno);
    close(fd);
    text[len] = '\0';
    return len;
}

/* The lines that are ours by default. */
static size_t say_who_we_are(char *text, size_t size)
{
    char record[1024], boot[64];
    struct utsname names;
    struct stat about;
    read_file("/proc/self/stat", record, sizeof record);
    read_file("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    const char *start = strrchr(record, ')');
    for (int field = 2; start && field < 22; field++)
        start = strchr(start + 1, ' ');
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (!start || pidfd < 0 || fstat(pidfd, &about) < 0 || uname(&names) < 0)
        bench_die("who we are", errno);
    close(pidfd);
    return (size_t)snprintf(text, size, "%d\nstart: %llu\npidfd: %llu\nboot: %shost: %s\n", (int)getpid(),
                            strtoull(start, NULL, 10), (unsigned long long)about.st_ino, boot, names.nodename);
}

static void checked_cycle(const char *directory, int in_full)
{
    /* openat2(2)'s struct open_how, with RESOLVE_NO_SYMLINKS. */
    const struct {
        uint64_t flags, mode, resolve;
    } how = {O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0x04};
    char text[512];
    struct stat file;
    int dir = (int)syscall(SYS_openat2, AT_FDCWD, directory, &how, sizeof how);
    int fd = openat(dir, NAME, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    if (fd < 0 || fstat(fd, &file) < 0 || !is_trusted(&file) || take_ofd(fd) < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
        !is_there(dir, &file))
        bench_die("raw lock", errno);
    size_t len =
        in_full ? say_who_we_are(text, sizeof text) : (size_t)snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (pwrite(fd, text, len, 0) != (ssize_t)len)
        bench_die("raw PID file", errno);
    if (!is_there(dir, &file) || pread(fd, text, sizeof text, 0) <= 0 || atoi(text) != (int)getpid() ||
        unlinkat(dir, NAME, 0) < 0)
        bench_die("raw removal", errno);
    close(fd);
    close(dir);
}

static void checked(const void *context)
{
    checked_cycle(((const struct place *)context)->directory, 0);
}

static void checked_in_full(const void *context)
{
    checked_cycle(((const struct place *)context)->directory, 1);
}

/* ---- Ours ---- */

static void by_proc_lock(const struct place *place, uint32_t flags)
{
    proc_lock *lock;
    int rc = proc_lock_acquire(&lock, place->path, PROC_LOCK_OPTIONS(.flags = flags));
    if (rc < 0)
        bench_die("proc_lock_acquire", -rc);
    proc_lock_free(lock);
}

static void plain_flock(const void *context)
{
    by_proc_lock(context, PROC_LOCK_FLOCK | PROC_LOCK_PLAIN);
}

static void plain_both(const void *context)
{
    by_proc_lock(context, PROC_LOCK_PLAIN);
}

static void in_full(const void *context)
{
    by_proc_lock(context, 0);
}

/* ---- Ways to ask who has it ---- */

static void raw_question(const void *context)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char line[16];
    int fd = open(((const struct place *)context)->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &whole) < 0 || read(fd, line, sizeof line) <= 0)
        bench_die("raw question", errno);
    close(fd);
}

static void by_proc_lock_query(const void *context)
{
    proc_holder holder;
    int rc = proc_lock_query(((const struct place *)context)->path, NULL, &holder);
    if (rc < 0 || holder.pid != (int)getpid())
        bench_die("proc_lock_query", -rc);
}

/* ---- Rows ---- */

static void row(const char *what, const char *where, const struct bench_way *ways, size_t count)
{
    char name[40];
    snprintf(name, sizeof name, "%s, %s", what, where);
    const struct bench_work work = {name, "us", 1e3, 2};
    bench_row(&work, ways, count);
}

#define ROW(what, where, ways) row((what), (where), (ways), sizeof(ways) / sizeof(ways)[0])

static void measure_asking(const char *where, const struct place *place)
{
    const struct bench_way ways[] = {
        {"raw, believed", raw_question, place, 0},
        {"proc_lock_query, confirmed", by_proc_lock_query, place, 0},
    };
    proc_lock *lock;
    if (proc_lock_acquire(&lock, place->path, NULL) < 0)
        bench_die(place->path, 0);
    ROW("who has it", where, ways);
    proc_lock_free(lock);
}

static void measure(const char *where, const char *template)
{
    struct place place;
    snprintf(place.directory, sizeof place.directory, "%s", template);
    if (!mkdtemp(place.directory))
        bench_die(template, errno);
    snprintf(place.path, sizeof place.path, "%s/" NAME, place.directory);
    const struct bench_way promised[] = {
        {"raw, checked", checked, &place, 0},
        {"raw again", checked, &place, 0},
        {"proc_lock, both, pid", plain_both, &place, 0},
    };
    const struct bench_way full[] = {
        {"raw, checked, in full", checked_in_full, &place, 0},
        {"proc_lock, default", in_full, &place, 0},
    };
    const struct bench_way least[] = {
        {"raw flock, bare", bare, &place, 0},
        {"raw OFD", bare_ofd, &place, 0},
        {"raw OFD and flock", bare_both, &place, 0},
        {"raw, checked", checked, &place, 0},
        {"proc_lock, flock, pid", plain_flock, &place, 0},
        {"proc_lock, both, pid", plain_both, &place, 0},
        {"proc_lock, default", in_full, &place, 0},
    };
    ROW("PID file", where, promised);
    ROW("who we are", where, full);
    ROW("to bare", where, least);
    measure_asking(where, &place);
    rmdir(place.directory);
}

void bench_locks(void)
{
    measure("memory", "/dev/shm/bench-lock.XXXXXX");
    measure("/tmp", "/tmp/bench-lock.XXXXXX");
}
