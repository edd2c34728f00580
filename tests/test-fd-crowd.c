/* SPDX-License-Identifier: MIT */
/*
 * Starting from a crowded table of descriptors: strangers in every gap between what the child shall have, a hundred
 * thousand of them, and no room at all; with close_range(2), without it, and without /proc.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <proc/proc.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* How it is found out what else is open. */
enum finding { BY_RANGE, BY_LIST, BY_NUMBER, FINDINGS };

/* For the rest of a forked copy. */
static void take_away_up_to(enum finding finding)
{
    if (finding >= BY_LIST)
        require(deny_call(SYS_close_range, ENOSYS) == 0);
    if (finding == BY_NUMBER) /* no directory can be opened: as if there were no /proc */
        require(deny_call_if(SYS_openat, 2, O_DIRECTORY, ENOENT) == 0);
}

static int limit_descriptors(rlim_t most)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

/* What the child has open must be this. */
static void require_open(const proc_slots *wanted, const proc_ids *ids, const char *end, const char *expected)
{
    proc_child *child;
    require_rc(proc_spawn(&child, CHILD_DOES("fds", end),
                          PROC_OPTIONS(.in = PROC_NULL, .out = PROC_PIPE, .fds = *wanted, .ids = ids)),
               0);
    char *open = all_of(child, 1);
    if (strcmp(open, expected) != 0)
        complain("open are %.200s", open);
    free(open);
    proc_child_free(child);
}

/* ---- Gaps ---- */

/* Not close-on-exec; every third number from 3 on stays free, so that no run of them is a long one. */
static void fill_with_gaps(int end)
{
    for (int fd = 3; fd < end; fd++)
        if (fd % 3 == 0)
            close(fd);
        else
            require(dup2(STDERR_FILENO, fd) == fd);
}

/* The limit is below some of them by then, but not below what is wanted. */
static int only_what_is_wanted_passes(void *arg)
{
    fill_with_gaps(400);
    require(fcntl(STDERR_FILENO, F_DUPFD, 800) >= 800);
    require(limit_descriptors(350) == 0);
    take_away_up_to(*(const enum finding *)arg);
    const proc_slots wanted = PROC_FDS({300, PROC_SAME_AS(0)}, {7, PROC_NULL}, {41, PROC_NULL}, {40, PROC_FD(8)},
                                       {349, PROC_INHERIT});
    IN_EACH_MEMORY(in_copy)
        require_open(&wanted, in_copy ? same_ids() : NULL, "1000", "0\n1\n2\n7\n40\n41\n300\n349\n");
    return 0;
}

static void nothing_passes_through_the_gaps_between_what_is_wanted(void **state)
{
    (void)state;
    for (enum finding finding = BY_RANGE; finding < FINDINGS; finding++)
        assert_in_fork(only_what_is_wanted_passes, &finding);
}

/* ---- A hundred thousand ---- */

#define MANY 100000
#define FEW 4000

/* As many as are allowed, where there must be fewer. */
static int raise_limit(void)
{
    const struct rlimit enough = {MANY, MANY};
    struct rlimit limit;
    if (setrlimit(RLIMIT_NOFILE, &enough) == 0)
        return MANY;
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit_descriptors(MANY) < 0 ? -1 : limit.rlim_max < MANY ? (int)limit.rlim_max : MANY;
}

static int none_of_so_many_passes(void *arg)
{
    const int end = raise_limit(), room = 50;
    char expected[64], end_text[16];
    if (end < FEW)
        return NOT_POSSIBLE;
    for (int fd = 0; fd < end - room;)
        require((fd = fcntl(STDERR_FILENO, fd % 3 ? F_DUPFD : F_DUPFD_CLOEXEC, 3)) > 0);
    take_away_up_to(*(const enum finding *)arg);
    const proc_slots wanted = PROC_FDS({5, PROC_NULL}, {end / 2, PROC_NULL});
    snprintf(expected, sizeof expected, "0\n1\n2\n5\n%d\n", end / 2);
    snprintf(end_text, sizeof end_text, "%d", end);
    require_open(&wanted, NULL, end_text, expected);
    return 0;
}

static void none_of_up_to_a_hundred_thousand_passes(void **state)
{
    struct verdict verdict;
    (void)state;
    for (enum finding finding = BY_RANGE; finding < FINDINGS; finding++) {
        run_in_fork(&verdict, none_of_so_many_passes, &finding, PATIENCE_MS);
        if (verdict.code == NOT_POSSIBLE)
            SKIP_TEST("no more than %d descriptors are allowed here", FEW);
        if (verdict.code != 0)
            fail_msg("way %d: %s", (int)finding, verdict.timed_out ? "its time was over" : verdict.text);
    }
}

/* ---- No room ---- */

/*
 * Files are opened by us, so a number must be free for each; what was opened before is given back. The copy's own way
 * to complain is among the numbers that are taken.
 */
static int opens_files_once_there_is_room(void *arg)
{
    const char *path = arg;
    int last = 0, highest = -1, free_numbers = 0;
    require(limit_descriptors(64) == 0);
    while ((last = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        highest = last;
    for (;;) {
        proc_child *child = (proc_child *)(uintptr_t)0x55;
        proc_error error = {0};
        int rc = proc_spawn(&child, PROC_ARGV("true"),
                            PROC_OPTIONS(.in = PROC_PATH("/dev/null"), .out = PROC_APPEND(path),
                                         .err = PROC_APPEND(path), .error = &error));
        if (rc == 0) {
            require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
            proc_child_free(child);
            break;
        }
        require_rc(rc, -EMFILE);
        require(child == (proc_child *)(uintptr_t)0x55);
        if (free_numbers < 3)
            require(error.step == PROC_STEP_OPEN && error.index == free_numbers);
        else
            require(error.step == PROC_STEP_CLONE);
        close(highest--);
        free_numbers++;
    }
    /* One for each file, and one for the child itself. */
    require(free_numbers == 4);
    return 0;
}

static void files_are_opened_once_there_is_room_and_until_then_the_full_table_is_told(void **state)
{
    (void)state;
    if (proc_has(PROC_FEATURE_FAST_SPAWN) != 1)
        SKIP_TEST("a start in a copy of our memory may need a number more");
    char *directory = directory_make(), *path = path_in(directory, "file");
    assert_in_fork(opens_files_once_there_is_room, path);
    free(path);
    directory_remove(directory);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        machine_test(nothing_passes_through_the_gaps_between_what_is_wanted),
        machine_test(none_of_up_to_a_hundred_thousand_passes),
        machine_test(files_are_opened_once_there_is_room_and_until_then_the_full_table_is_told),
    };
    return run_suite("fd-crowd", tests, sizeof tests / sizeof tests[0], argc, argv);
}
