/* SPDX-License-Identifier: MIT */
/* What every module stands on: the version, the features of this kernel, the clock and its deadlines. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <proc/base.h>
#include <proc/procfs.h>

#include "base/clock.h"

/* ---- What this is, and where it runs ---- */

static void the_version_is_that_of_the_headers(void **state)
{
    (void)state;
    assert_int_equal(proc_version(), 10000 * PROC_VERSION_MAJOR + 100 * PROC_VERSION_MINOR + PROC_VERSION_PATCH);
}

static void a_feature_is_there_or_not_and_an_unknown_one_is_refused(void **state)
{
    (void)state;
    for (int feature = 0; feature < 64; feature++) {
        int rc = proc_has(feature);
        assert_true(rc == 0 || rc == 1 || rc == -EINVAL);
    }
    assert_rc(proc_has(0), -EINVAL);
    assert_rc(proc_has(-1), -EINVAL);
    assert_rc(proc_has(INT_MAX), -EINVAL);
}

/* What a profile takes away is gone for proc_has() as well. */
static void features_follow_the_profile(void **state)
{
    (void)state;
    const char *profile = getenv("PROC_TEST_PROFILE");
    if (!profile || strcmp(profile, "unprivileged") == 0)
        SKIP_TEST("needs a profile: meson test --setup old_kernel, sandbox or no_pidfd");
    if (strcmp(profile, "no-pidfd") == 0) {
        assert_rc(proc_has(PROC_FEATURE_PIDFD), 0);
        return;
    }
    assert_rc(proc_has(PROC_FEATURE_PIDFD), 1);
    assert_rc(proc_has(PROC_FEATURE_CLONE3), 0);
    assert_rc(proc_has(PROC_FEATURE_CLOSE_RANGE), 0);
    assert_rc(proc_has(PROC_FEATURE_INTO_CGROUP), 0);
    assert_rc(proc_has(PROC_FEATURE_EXIT_INFO), 0);
    assert_rc(proc_has(PROC_FEATURE_GROUP_SIGNAL), 0);
    assert_rc(proc_has(PROC_FEATURE_NOSIGNAL_WRITE), 0);
    assert_rc(proc_has(PROC_FEATURE_PEER_PIDFD), 0);
    assert_rc(proc_has(PROC_FEATURE_OPENAT2), 0);
    assert_rc(proc_has(PROC_FEATURE_LANDLOCK), 0);
    assert_rc(proc_has(PROC_FEATURE_SECCOMP), 1); /* the profile is one */
}

/* ---- Clock and deadlines ---- */

static void the_clock_is_the_monotonic_one(void **state)
{
    (void)state;
    int64_t before = patience_now();
    int64_t now = proc_now_ms();
    int64_t after = patience_now();
    assert_true(before <= now && now <= after);
}

static void a_deadline_of_zero_has_passed_and_a_negative_one_never_comes(void **state)
{
    (void)state;
    assert_true(proc__deadline_passed(proc__deadline_in(0)));
    assert_int_equal(proc__deadline_ms(proc__deadline_in(0)), 0);
    assert_true(proc__deadline_in(-1) == DEADLINE_NEVER);
    assert_true(proc__deadline_in(INT_MIN) == DEADLINE_NEVER);
    assert_false(proc__deadline_passed(DEADLINE_NEVER));
    assert_int_equal(proc__deadline_ms(DEADLINE_NEVER), -1);
}

static void a_deadline_is_rounded_up_and_never_longer_than_asked(void **state)
{
    (void)state;
    for (int ms = 1; ms < 100000; ms = ms * 3 + 1) {
        int left = proc__deadline_ms(proc__deadline_in(ms));
        assert_true(left <= ms && left >= 0);
    }
    int most = proc__deadline_ms(proc__deadline_in(INT_MAX));
    assert_true(most > INT_MAX - 60000 && most <= INT_MAX);
    assert_int_equal(proc__deadline_ms(DEADLINE_NEVER - 1), INT_MAX);
}

static void the_earlier_deadline_wins(void **state)
{
    (void)state;
    assert_true(proc__deadline_min(3, 5) == 3);
    assert_true(proc__deadline_min(DEADLINE_NEVER, 5) == 5);
    assert_true(proc__deadline_min(DEADLINE_NEVER, DEADLINE_NEVER) == DEADLINE_NEVER);
}

static void count_alarm(int number)
{
    (void)number;
}

/* Signals that come all the time neither end the poll nor make it longer. */
static int polls_under_a_storm(void *arg)
{
    (void)arg;
    const struct sigaction action = {.sa_handler = count_alarm};
    const struct itimerspec often = {{0, 1000000}, {0, 1000000}};
    timer_t timer;
    int ends[2];
    sigaction(SIGALRM, &action, NULL);
    require(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0);
    require(pipe(ends) == 0);
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    int64_t start = patience_now();
    require(proc__poll(&ready, 1, proc__deadline_in(50)) == 0);
    require(patience_now() - start >= 49);
    require(patience_now() - start < PATIENCE_MS / 2);
    return 0;
}

static void a_poll_keeps_its_deadline_under_a_storm_of_signals(void **state)
{
    (void)state;
    assert_in_fork(polls_under_a_storm, NULL);
}

static int polls_and_is_stopped(int fd)
{
    const struct sigaction action = {.sa_handler = count_alarm};
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    sigaction(SIGCONT, &action, NULL);
    return proc__poll(&ready, 1, proc__deadline_in(100)) == 1 && ready.revents == POLLIN ? 0 : 1;
}

/* Stopped in it, and continued when the time is over: the signal interrupts, but what came meanwhile counts. */
static void a_poll_that_is_continued_too_late_looks_once_more(void **state)
{
    int ends[2], status;
    proc_stat stat;
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0)
        leave(polls_and_is_stopped(ends[0]));
    assert_eventually(proc_stat_read(PROC_PID(pid), &stat) == 0 && stat.state == 'S');
    int64_t stopped = patience_now();
    kill(pid, SIGSTOP);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    assert_eventually(patience_now() > stopped + 150);
    assert_int_equal(write(ends[1], "x", 1), 1);
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(ends[0]);
    close(ends[1]);
}

static void a_poll_tells_what_is_ready(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    assert_rc(proc__poll(&ready, 1, proc__deadline_in(0)), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_rc(proc__poll(&ready, 1, DEADLINE_NEVER), 1);
    close(ends[0]);
    close(ends[1]);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_that_of_the_headers),
        cmocka_unit_test(a_feature_is_there_or_not_and_an_unknown_one_is_refused),
        cmocka_unit_test(features_follow_the_profile),
        cmocka_unit_test(the_clock_is_the_monotonic_one),
        cmocka_unit_test(a_deadline_of_zero_has_passed_and_a_negative_one_never_comes),
        cmocka_unit_test(a_deadline_is_rounded_up_and_never_longer_than_asked),
        cmocka_unit_test(the_earlier_deadline_wins),
        cmocka_unit_test(a_poll_keeps_its_deadline_under_a_storm_of_signals),
        cmocka_unit_test(a_poll_that_is_continued_too_late_looks_once_more),
        cmocka_unit_test(a_poll_tells_what_is_ready),
    };
    return run_suite("base", tests, sizeof tests / sizeof tests[0], argc, argv);
}
