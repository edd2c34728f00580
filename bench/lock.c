/* SPDX-License-Identifier: MIT */
/*
 * What a PID file costs above the calls that any careful one makes: open, flock, see that the path still leads to the
 * file, write the pid, remove, close. On a file system in memory, where PID files live, and on the one of /tmp.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proc/lock.h>

/* ---- Ways to take a lock and give it back ---- */

static int take_ofd(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &whole);
}

static void raw_cycle(const char *path, int ofd, int flock_too)
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

static void raw(const void *path)
{
    raw_cycle(path, 0, 1);
}

static void raw_ofd(const void *path)
{
    raw_cycle(path, 1, 0);
}

static void raw_both(const void *path)
{
    raw_cycle(path, 1, 1);
}

static void by_proc_lock(const char *path, uint32_t flags)
{
    proc_lock *lock;
    int rc = proc_lock_acquire(&lock, path, PROC_LOCK_OPTIONS(.flags = flags));
    if (rc < 0)
        bench_die("proc_lock_acquire", -rc);
    proc_lock_free(lock);
}

static void plain_flock(const void *path)
{
    by_proc_lock(path, PROC_LOCK_FLOCK | PROC_LOCK_PLAIN);
}

static void plain_both(const void *path)
{
    by_proc_lock(path, PROC_LOCK_PLAIN);
}

static void in_full(const void *path)
{
    by_proc_lock(path, 0);
}

/* ---- Ways to ask who has it ---- */

static void raw_question(const void *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char line[16];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &whole) < 0 || read(fd, line, sizeof line) <= 0)
        bench_die("raw question", errno);
    close(fd);
}

static void by_proc_lock_query(const void *path)
{
    proc_holder holder;
    int rc = proc_lock_query(path, NULL, &holder);
    if (rc < 0 || holder.pid != (int)getpid())
        bench_die("proc_lock_query", -rc);
}

/* ---- */

static void measure(const char *where, const char *template)
{
    char directory[64], path[80], name[40];
    snprintf(directory, sizeof directory, "%s", template);
    if (!mkdtemp(directory))
        bench_die(template, errno);
    snprintf(path, sizeof path, "%s/bench.pid", directory);

    snprintf(name, sizeof name, "PID file, %s", where);
    const struct bench_work cycle = {name, "us", 1e3, 2};
    const struct bench_way ways[] = {
        {"raw flock", raw, path, 0},
        {"raw again", raw, path, 0},
        {"raw OFD", raw_ofd, path, 0},
        {"raw OFD and flock", raw_both, path, 0},
        {"proc_lock, flock, pid", plain_flock, path, 0},
        {"proc_lock, both, pid", plain_both, path, 0},
        {"proc_lock, default", in_full, path, 0},
    };
    bench_row(&cycle, ways, sizeof ways / sizeof ways[0]);

    proc_lock *lock;
    if (proc_lock_acquire(&lock, path, NULL) < 0)
        bench_die(path, 0);
    snprintf(name, sizeof name, "who has it, %s", where);
    const struct bench_work question = {name, "us", 1e3, 2};
    const struct bench_way questions[] = {
        {"raw, believed", raw_question, path, 0},
        {"proc_lock_query, confirmed", by_proc_lock_query, path, 0},
    };
    bench_row(&question, questions, sizeof questions / sizeof questions[0]);
    proc_lock_free(lock);
    rmdir(directory);
}

int main(int argc, char *argv[])
{
    bench_begin(argc, argv, NULL, 0);
    measure("memory", "/dev/shm/bench-lock.XXXXXX");
    measure("/tmp", "/tmp/bench-lock.XXXXXX");
    return 0;
}
