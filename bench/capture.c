/* SPDX-License-Identifier: MIT */
/*
 * What moving a large output costs above a plain loop of poll(2) and read(2) on the same pipe: dropped chunk by chunk,
 * and kept in memory.
 */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <proc/proc.h>

#define PIECE ((size_t)64 << 10)

static long mib = 64;
static long chunk_kib = 64;
static long pipe_kib = 0;

/* The program that writes, and how much. */
struct writer {
    const char *path;
    char *argv[4];
    size_t bytes;
};

/* ---- Raw ---- */

static int raw_begin(const struct writer *writer, long kib, int *ret_pidfd)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        bench_die("pipe2", errno);
    if (kib > 0 && fcntl(ends[0], F_SETPIPE_SZ, (int)kib * 1024) < 0)
        bench_die("F_SETPIPE_SZ", errno);
    *ret_pidfd = raw_start(&(struct raw_program){writer->path, writer->argv, ends[1]});
    close(ends[1]);
    return ends[0];
}

static void raw_finish(const struct writer *writer, int fd, int pidfd, size_t total)
{
    close(fd);
    raw_end(pidfd);
    if (total != writer->bytes)
        bench_die("raw: bytes are missing", 0);
}

static size_t polled_read(int fd, char *buffer, size_t size)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    if (poll(&one, 1, -1) < 0)
        bench_die("poll", errno);
    ssize_t got = read(fd, buffer, size);
    if (got < 0)
        bench_die("read", errno);
    return (size_t)got;
}

static void drop_raw(const struct writer *writer, long kib)
{
    static char buffer[PIECE];
    size_t total = 0, got;
    int pidfd, fd = raw_begin(writer, kib, &pidfd);
    while ((got = polled_read(fd, buffer, sizeof buffer)) > 0)
        total += got;
    raw_finish(writer, fd, pidfd, total);
}

static void raw_drop(const void *context)
{
    drop_raw(context, pipe_kib);
}

static void raw_drop_large_pipe(const void *context)
{
    drop_raw(context, 1024);
}

static void raw_keep(const void *context)
{
    const struct writer *writer = context;
    char *data = NULL;
    size_t total = 0, capacity = 0, got;
    int pidfd, fd = raw_begin(writer, pipe_kib, &pidfd);
    do {
        if (total == capacity) {
            capacity = capacity ? capacity * 2 : 4096;
            data = realloc(data, capacity);
            if (!data)
                bench_die("realloc", ENOMEM);
        }
        got = polled_read(fd, data + total, capacity - total < PIECE ? capacity - total : PIECE);
        total += got;
    } while (got > 0);
    raw_finish(writer, fd, pidfd, total);
    free(data);
}

/* ---- The library ---- */

static int add_up(int fd, const char *data, size_t len, void *user)
{
    (void)fd, (void)data;
    *(size_t *)user += len;
    return 0;
}

static void check(const struct writer *writer, const proc_result *result, size_t total)
{
    if (!proc_result_ok(result) || total != writer->bytes)
        bench_die("bytes are missing", -result->error);
}

static void spawn_and_collect(const void *context)
{
    const struct writer *writer = context;
    size_t total = 0;
    proc_child *child;
    proc_result result;
    int rc = proc_spawn(&child, PROC_STRINGS(writer->argv), PROC_OPTIONS(.out = PROC_CALLBACK(add_up, &total)));
    if (rc == 0)
        rc = proc_collect(child, -1, &result);
    if (rc < 0)
        bench_die("proc_spawn, proc_collect", -rc);
    check(writer, &result, total);
    proc_result_done(&result);
    proc_child_free(child);
}

static void run_and_keep(const struct writer *writer, size_t most)
{
    proc_result result;
    int rc = proc_run(&result, PROC_STRINGS(writer->argv), PROC_OPTIONS(.out = PROC_CAPTURE_HEAD(most)));
    if (rc < 0)
        bench_die("proc_run", -rc);
    check(writer, &result, result.out.total);
    if (result.out.len != (most < writer->bytes ? most : writer->bytes))
        bench_die("proc_run has kept too little", 0);
    proc_result_done(&result);
}

static void run_keep_few(const void *context)
{
    run_and_keep(context, 4096);
}

static void run_keep_all(const void *context)
{
    const struct writer *writer = context;
    run_and_keep(writer, writer->bytes);
}

int main(int argc, char *argv[])
{
    const struct bench_option options[] = {
        {"mib", "how much the child writes", &mib},
        {"chunk-kib", "how much it writes at a time, 1024 at most", &chunk_kib},
        {"pipe-kib", "the size of the raw loop's pipe; 0 = as the kernel makes them", &pipe_kib},
    };
    bench_begin(argc, argv, options, sizeof options / sizeof options[0]);

    char bytes[32], chunk[32];
    snprintf(bytes, sizeof bytes, "%ld", mib << 20);
    snprintf(chunk, sizeof chunk, "%ld", chunk_kib << 10);
    const char *path = bench_sibling("child-writer");
    const struct writer writer = {path, {(char *)(uintptr_t)path, bytes, chunk, NULL}, (size_t)mib << 20};
    const double ns_per_unit = 1e6 * (double)mib / 1024;

    const struct bench_work drop = {"large output, dropped", "ms/GiB", ns_per_unit, 0};
    const struct bench_way drop_ways[] = {
        {"raw poll, read", raw_drop, &writer, 0},
        {"raw again", raw_drop, &writer, 0},
        {"proc_spawn, CALLBACK", spawn_and_collect, &writer, 0},
        {"proc_run, CAPTURE of 4 KiB", run_keep_few, &writer, 0},
        {"raw, pipe of 1 MiB", raw_drop_large_pipe, &writer, 0},
    };
    bench_row(&drop, drop_ways, sizeof drop_ways / sizeof drop_ways[0]);

    const struct bench_work keep = {"large output, kept", "ms/GiB", ns_per_unit, 0};
    const struct bench_way keep_ways[] = {
        {"raw poll, read, realloc", raw_keep, &writer, 0},
        {"raw again", raw_keep, &writer, 0},
        {"proc_run, CAPTURE of all", run_keep_all, &writer, 0},
    };
    bench_row(&keep, keep_ways, sizeof keep_ways / sizeof keep_ways[0]);
    return 0;
}
