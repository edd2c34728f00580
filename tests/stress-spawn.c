/* SPDX-License-Identifier: MIT */
/*
 * Thousands of starts one after the other, each with another set of options: at the end there are as many descriptors,
 * children, memory mappings and blocks of heap as after the first few.
 *
 *     stress-spawn [STARTS]      or PROC_STRESS=STARTS; 2000 unless said otherwise
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <proc/proc.h>

#include "test.h"

#define DEFAULT_STARTS 2000
#define WARM_UP 200
#define HEAP_SLACK (64 * 1024) /* stdio's and the allocator's own habits */

struct footprint {
    long descriptors, maps, heap, children;
};

/* ---- What is measured ---- */

static long count_entries(const char *path)
{
    long count = 0;
    DIR *directory = opendir(path);
    while (directory && readdir(directory))
        count++;
    if (directory)
        closedir(directory);
    return count;
}

static long count_lines(const char *path)
{
    char *text = file_read(path);
    long count = 0;
    for (const char *at = text; at && (at = strchr(at, '\n')); at++)
        count++;
    free(text);
    return count;
}

static long heap_in_use(void)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    return (long)mallinfo2().uordblks;
#else
    return 0;
#endif
}

static long count_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WNOHANG | WEXITED | WNOWAIT | __WALL) == 0;
}

static struct footprint measure(void)
{
    return (struct footprint){
        .descriptors = count_entries("/proc/self/fd"),
        .maps = count_lines("/proc/self/maps"),
        .heap = heap_in_use(),
        .children = count_children(),
    };
}

static int is_flat(const char *what, long before, long after, long slack)
{
    printf("%-12s %ld -> %ld\n", what, before, after);
    return after <= before + slack;
}

static int compare(const struct footprint *before, const struct footprint *after)
{
    int flat = is_flat("descriptors", before->descriptors, after->descriptors, 0);
    flat &= is_flat("mappings", before->maps, after->maps, 2);
    flat &= is_flat("heap bytes", before->heap, after->heap, HEAP_SLACK);
    flat &= is_flat("children", 0, after->children, 0);
    return flat;
}

/* ---- What is started: each returns 0 or a negative errno ---- */

static int start_and_wait(const proc_options *options)
{
    proc_child *child;
    proc_exit end;
    int rc = proc_spawn(&child, PROC_ARGV(CHILD, "exit", "5"), options);
    if (rc < 0)
        return rc;
    rc = proc_wait(child, PATIENCE_MS, &end);
    proc_child_free(child);
    if (rc == 0 && (end.kind != PROC_EXITED || end.code != 5))
        return -EPROTO;
    return rc;
}

static int plainly(void)
{
    return start_and_wait(NULL);
}

static int with_pipes(void)
{
    return start_and_wait(PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_PIPE));
}

static int in_a_group_elsewhere(void)
{
    return start_and_wait(PROC_OPTIONS(.flags = PROC_NEW_GROUP, .cwd = "/", .env_edit = PROC_ENV("A=1")));
}

static int what_is_missing(void)
{
    proc_child *child;
    int rc = proc_spawn(&child, PROC_ARGV("/no/such/program"), PROC_OPTIONS(.out = PROC_PIPE));
    return rc == -ENOENT ? 0 : -EPROTO;
}

static int killed_by_the_free(void)
{
    proc_child *child;
    int rc = proc_spawn(&child, PROC_ARGV(CHILD, "sleep", "forever"), PROC_OPTIONS(.out = PROC_CAPTURE));
    if (rc == 0)
        proc_child_free(child);
    return rc;
}

static int run_and_captured(void)
{
    proc_result result;
    int rc = proc_run(&result, PROC_ARGV(CHILD, "cat"),
                      PROC_OPTIONS(.in = PROC_TEXT("hello"), .out = PROC_CAPTURE, .timeout_ms = PATIENCE_MS));
    if (rc == 0 && (!proc_result_ok(&result) || strcmp(result.out.data, "hello") != 0))
        rc = -EPROTO;
    proc_result_done(&result);
    return rc;
}

/* In a copy of our memory. */
static int with_ids(void)
{
    const uint32_t uid = geteuid(), gid = getegid();
    return start_and_wait(PROC_OPTIONS(.ids = PROC_IDS(.uid = &uid, .gid = &gid, .keep_groups = 1)));
}

static int nothing_to_do(void *user)
{
    (void)user;
    return 0;
}

static int with_a_hook(void)
{
    return start_and_wait(PROC_OPTIONS(.hook = PROC_HOOK(nothing_to_do, NULL), .out = PROC_PIPE));
}

static int bound_to_us(void)
{
    return start_and_wait(PROC_OPTIONS(.flags = PROC_DIE_WITH_PARENT));
}

static int on_a_terminal(void)
{
    return start_and_wait(PROC_OPTIONS(.in = PROC_PTY, .out = PROC_PTY, .err = PROC_PTY));
}

static int (*const ways[])(void) = {
    plainly, with_pipes, in_a_group_elsewhere, what_is_missing, killed_by_the_free, run_and_captured,
    with_ids, with_a_hook, bound_to_us, on_a_terminal,
};
#define WAYS (sizeof ways / sizeof ways[0])

static int start_many(long count)
{
    for (long i = 0; i < count; i++) {
        int rc = ways[(size_t)i % WAYS]();
        if (rc < 0) {
            printf("start %ld, way %zu: %s\n", i, (size_t)i % WAYS, rc_name(rc));
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *asked = argc > 1 ? argv[1] : getenv("PROC_STRESS");
    long starts = asked ? strtol(asked, NULL, 10) : DEFAULT_STARTS;
    signal(SIGPIPE, SIG_DFL);
    if (!proc_has(PROC_FEATURE_PIDFD)) {
        printf("SKIP stress-spawn: no pidfds here\n");
        return 77;
    }
    if (start_many(WARM_UP) < 0)
        return 1;
    struct footprint before = measure();
    before = measure();
    int64_t start = proc_now_ms();
    if (start_many(starts) < 0)
        return 1;
    int64_t took = proc_now_ms() - start;
    struct footprint after = measure();
    printf("%ld starts in %lld ms\n", starts, (long long)took);
    return compare(&before, &after) ? 0 : 1;
}
