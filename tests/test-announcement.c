/* SPDX-License-Identifier: MIT */
/* Descriptors that are announced to a child by its environment, and what was announced to us and is not its business. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

/* The child's own pid in its own words. */
static void assert_addressed(const char *report)
{
    assert_non_null(report_env(report, "LISTEN_PID"));
    assert_int_equal(atoll(report_env(report, "LISTEN_PID")), report_number(report, "pid"));
}

static void descriptors_are_announced_with_the_childs_own_pid(void **state)
{
    (void)state;
    char *report = report_of(
        PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({4, PROC_PIPE_TO_CHILD}, {3, PROC_NULL}, {5, PROC_PIPE})));
    assert_string_equal(report_fds(report), "0 1 2 3 4 5");
    assert_string_equal(report_env(report, "LISTEN_FDS"), "3");
    assert_addressed(report);
    assert_null(report_env(report, "LISTEN_FDNAMES"));
    free(report);
}

static void descriptors_are_announced_with_names(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_NULL}, {4, PROC_NULL}),
                                          .env = PROC_ENV("A=1"),
                                          .start = PROC_START(.listen_names = PROC_NAMES("web", "web-tls"))));
    assert_string_equal(report_env(report, "LISTEN_FDNAMES"), "web:web-tls");
    assert_string_equal(report_env(report, "LISTEN_FDS"), "2");
    assert_addressed(report);
    assert_string_equal(report_env(report, "A"), "1");
    assert_int_equal(report_env_count(report), 4);
    free(report);
}

/* The child side writes into the environment, whichever memory it has. */
static void a_copied_child_has_its_pid_too(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_NULL}),
                                          .ids = PROC_IDS(.gid = PROC_GID(65534))));
    assert_string_equal(report_env(report, "LISTEN_FDS"), "1");
    assert_addressed(report);
    free(report);
}

/* Sources on the very numbers that are announced. */
static void announced_descriptors_may_change_places(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char *report = report_of(
        PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_FD(ends[1])}, {4, PROC_FD(ends[0])})));
    struct report_fd first, second;
    assert_true(report_fd(report, 3, &first) && report_fd(report, 4, &second));
    assert_int_equal(first.flags & 3, 1);
    assert_int_equal(second.flags & 3, 0);
    assert_addressed(report);
    free(report);
    close(ends[0]);
    close(ends[1]);
}

static void older_announcements_are_replaced(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_NULL}),
                                          .env = PROC_ENV("LISTEN_FDS=9", "LISTEN_FDNAMES=old", "LISTEN_PIDFDID=4"),
                                          .env_edit = PROC_ENV("LISTEN_PID=1")));
    assert_string_equal(report_env(report, "LISTEN_FDS"), "1");
    assert_addressed(report);
    assert_null(report_env(report, "LISTEN_FDNAMES"));
    assert_null(report_env(report, "LISTEN_PIDFDID"));
    free(report);
}

/* In a copy: the environment is the program's. */
static int was_announced_to(void *arg)
{
    const char *expected = *(const int *)arg ? NULL : "7";
    char pid[16];
    snprintf(pid, sizeof pid, "%d", *(const int *)arg ? (int)getpid() : 1);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "7", 1);
    setenv("LISTEN_FDNAMES", "a:b", 1);
    setenv("LISTEN_PIDFDID", "12", 1);
    char *report = report_of(PROC_OPTIONS(.env_edit = PROC_ENV("MARK=1")));
    const char *count = report_env(report, "LISTEN_FDS");
    require(expected ? count && strcmp(count, expected) == 0 : count == NULL);
    require(!!report_env(report, "LISTEN_PID") == !!expected && !!report_env(report, "LISTEN_FDNAMES") == !!expected);
    require(!!report_env(report, "LISTEN_PIDFDID") == !!expected);
    require(report_env(report, "MARK"));
    require(strcmp(getenv("LISTEN_PID"), pid) == 0);
    free(report);
    report = report_of(PROC_OPTIONS(.env_edit = PROC_ENV("LISTEN_PID=3")));
    require(strcmp(report_env(report, "LISTEN_PID"), "3") == 0); /* what the caller says is believed */
    free(report);
    return 0;
}

static void what_was_announced_to_us_is_not_handed_on(void **state)
{
    int to_us = 1;
    (void)state;
    assert_in_fork(was_announced_to, &to_us);
}

static void what_was_announced_to_somebody_else_is_left_alone(void **state)
{
    int to_us = 0;
    (void)state;
    assert_in_fork(was_announced_to, &to_us);
}

static void announcements_that_make_no_sense_are_refused(void **state)
{
    static const char gap[] = "PROC_LISTEN_FDS: .fds are 3, 4, 5, ... without a gap",
                      letters[] = ".start->listen_names: 1 to 255 printable letters, no colon",
                      count[] = ".start->listen_names: one for each of .fds";
    char long_name[257];
    (void)state;
    memset(long_name, 'x', 256);
    long_name[256] = '\0';
#define NAMED(...)                                                           \
    *PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_NULL}), \
                  .start = PROC_START(.listen_names = PROC_NAMES(__VA_ARGS__)))
    const struct {
        proc_options options;
        const char *what;
    } cases[] = {
        {*PROC_OPTIONS(.flags = PROC_LISTEN_FDS), gap},
        {*PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({4, PROC_NULL})), gap},
        {*PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_NULL}, {5, PROC_NULL})), gap},
        {NAMED("a:b"), letters},
        {NAMED(""), letters},
        {NAMED("a\n"), letters},
        {NAMED("\xc3\xa4"), letters},
        {NAMED(long_name), letters},
        {NAMED("a", "b"), count},
        {*PROC_OPTIONS(.start = PROC_START(.listen_names = PROC_NAMES("a"))),
         ".start->listen_names without PROC_LISTEN_FDS"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char start_of_text[200];
        proc_child *child;
        proc_error error;
        proc_options mine = cases[i].options;
        mine.error = &error;
        assert_rc(proc_spawn(&child, PROC_ARGV("x"), &mine), -EINVAL);
        snprintf(start_of_text, sizeof start_of_text, "%.40s", cases[i].what);
        assert_contains(error.text, start_of_text);
    }
    assert_fails(PROC_ARGV("x"),
                 PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_NULL}, {3, PROC_NULL})), -EINVAL,
                 PROC_STEP_OPTIONS, 3, NULL);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(descriptors_are_announced_with_the_childs_own_pid),
        spawning_test(descriptors_are_announced_with_names),
        root_test(a_copied_child_has_its_pid_too),
        spawning_test(announced_descriptors_may_change_places),
        spawning_test(older_announcements_are_replaced),
        spawning_test(what_was_announced_to_us_is_not_handed_on),
        spawning_test(what_was_announced_to_somebody_else_is_left_alone),
        cmocka_unit_test(announcements_that_make_no_sense_are_refused),
    };
    return run_suite("announcement", tests, sizeof tests / sizeof tests[0], argc, argv);
}
