/* SPDX-License-Identifier: MIT */
/* Time in a loop. Times are held to from below only: a loaded machine is late as long as it likes. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "loops.h"

/* ---- Timers ---- */

static void a_timer_comes_once_and_not_too_early(void **state)
{
    (void)state;
    struct ticks ticks = {0};
    proc_loop *loop = new_loop();
    int64_t before = proc_now_ms();
    assert_rc(proc_loop_timer(loop, 30, 0, tick, &ticks, NULL), 0);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_true(proc_now_ms() - before >= 30);
    assert_int_equal(ticks.calls, 1);
    assert_int_equal(ticks.expirations, 1);
    proc_loop_free(loop);
}

static void a_wait_ends_with_its_own_time(void **state)
{
    (void)state;
    struct ticks ticks = {0};
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_timer(loop, INT_MAX, 0, tick, &ticks, NULL), 0);
    int64_t before = proc_now_ms();
    assert_rc(proc_loop_dispatch(loop, 20), 0);
    assert_true(proc_now_ms() - before >= 20);
    assert_int_equal(ticks.calls, 0);
    proc_loop_free(loop);
}

static int quit_at_five(proc_watch *watch, uint64_t expirations, void *user)
{
    struct ticks *ticks = user;
    tick(watch, expirations, user);
    if (ticks->expirations >= 5)
        proc_loop_quit(proc_watch_loop(watch), 1);
    return 0;
}

static void a_period_does_not_drift_and_counts_what_is_late(void **state)
{
    (void)state;
    struct ticks ticks = {0};
    proc_loop *loop = new_loop();
    int64_t before = proc_now_ms();
    assert_rc(proc_loop_timer(loop, 0, 10, quit_at_five, &ticks, NULL), 0);
    assert_rc(proc_loop_run(loop), 1);
    assert_true(proc_now_ms() - before >= 40);
    ticks.expirations = 0;
    int calls = ticks.calls;
    poll(NULL, 0, 50); /* the loop is late by at least four periods */
    assert_rc(proc_loop_dispatch(loop, 0), 1);
    assert_int_equal(ticks.calls, calls + 1);
    assert_true(ticks.expirations >= 4);
    proc_loop_free(loop);
}

static void a_moment_that_has_passed_is_now_and_one_beyond_the_clock_is_never(void **state)
{
    (void)state;
    struct ticks past = {0}, never = {0}, soon = {0};
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_timer_at(loop, INT64_MIN, tick, &past, NULL), 0);
    assert_rc(proc_loop_timer_at(loop, 0, tick, &past, NULL), 0);
    assert_rc(proc_loop_timer_at(loop, proc_now_ms() - 5, tick, &past, NULL), 0);
    assert_rc(proc_loop_timer_at(loop, INT64_MAX, tick, &never, NULL), 0);
    assert_rc(proc_loop_timer_at(loop, INT64_MAX / 1000000, tick, &never, NULL), 0);
    assert_rc(proc_loop_timer_at(loop, INT64_MAX / 1000000 + 1, tick, &never, NULL), 0);
    /* Below zero in a time_t of 32 bits. */
    assert_rc(proc_loop_timer_at(loop, INT64_C(3000000000000), tick, &never, NULL), 0);
    assert_rc(proc_loop_dispatch(loop, 0), 3);
    int64_t at = proc_now_ms() + 10;
    assert_rc(proc_loop_timer_at(loop, at, tick, &soon, NULL), 0);
    assert_rc(proc_loop_dispatch(loop, -1), 1);
    assert_true(proc_now_ms() >= at);
    assert_int_equal(past.calls, 3);
    assert_int_equal(soon.calls, 1);
    assert_int_equal(never.calls, 0);
    proc_loop_free(loop);
}

static void bad_times_are_refused(void **state)
{
    (void)state;
    struct ticks ticks = {0};
    proc_watch *watch = NULL;
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_timer(loop, -2, 0, tick, &ticks, &watch), -EINVAL);
    assert_rc(proc_loop_timer(loop, 0, -1, tick, &ticks, &watch), -EINVAL);
    assert_rc(proc_loop_timer(loop, -1, 5, tick, &ticks, &watch), -EINVAL);
    assert_rc(proc_loop_timer(loop, -1, 0, tick, &ticks, NULL), -EINVAL);
    assert_rc(proc_loop_timer(loop, 0, 0, NULL, &ticks, &watch), -EINVAL);
    assert_rc(proc_loop_timer_at(loop, 0, NULL, &ticks, &watch), -EINVAL);
    assert_null(watch);
    assert_rc(proc_loop_timer(loop, INT_MAX, INT_MAX, tick, &ticks, &watch), 0);
    assert_rc(proc_watch_set_timer(watch, -2, 0), -EINVAL);
    assert_rc(proc_watch_set_timer(NULL, 0, 0), -EINVAL);
    assert_rc(proc_watch_set_events(watch, 0), -EINVAL);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    proc_loop_free(loop);
}

static int set_again_three_times(proc_watch *watch, uint64_t expirations, void *user)
{
    struct ticks *ticks = user;
    tick(watch, expirations, user);
    return ticks->calls < 3 ? proc_watch_set_timer(watch, 1, 0) : 0;
}

static void a_timer_is_set_again_put_off_and_taken_back(void **state)
{
    (void)state;
    struct ticks ticks = {0}, own = {0};
    proc_watch *watch;
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_timer(loop, -1, 0, tick, &ticks, &watch), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_rc(proc_watch_set_timer(watch, 1, 0), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(ticks.calls, 1);
    assert_rc(proc_watch_set_timer(watch, 0, 0), 0);
    assert_rc(proc_watch_set_timer(watch, INT_MAX, 0), 0);
    assert_rc(proc_loop_dispatch(loop, 5), 0);
    assert_rc(proc_watch_set_timer(watch, 0, 0), 0);
    assert_rc(proc_watch_set_timer(watch, -1, 0), 0);
    assert_rc(proc_loop_dispatch(loop, 5), 0);
    assert_int_equal(ticks.calls, 1);
    /* The loop's own, from its callback. */
    assert_rc(proc_loop_timer(loop, 0, 0, set_again_three_times, &own, NULL), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(own.calls, 3);
    watch = proc_watch_free(watch);
    proc_loop_free(loop);
}

static int set_to_now(proc_watch *watch, uint64_t expirations, void *user)
{
    tick(watch, expirations, user);
    return proc_watch_set_timer(watch, 0, 0);
}

static void a_timer_that_is_always_due_starves_nobody(void **state)
{
    (void)state;
    struct ticks busy = {0}, other = {0};
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_timer(loop, 0, 0, set_to_now, &busy, NULL), 0);
    assert_rc(proc_loop_timer(loop, 0, 0, set_to_now, &other, NULL), 0);
    for (int i = 1; i <= 10; i++) {
        assert_rc(proc_loop_dispatch(loop, -1), 2);
        assert_int_equal(busy.calls, i);
        assert_int_equal(other.calls, i);
    }
    proc_loop_free(loop);
}

static int free_itself(proc_watch *watch, uint64_t expirations, void *user)
{
    tick(watch, expirations, user);
    proc_watch_free(watch);
    return 0;
}

static void a_timer_may_free_itself(void **state)
{
    (void)state;
    struct ticks ticks = {0};
    proc_loop *loop = new_loop();
    for (int i = 0; i < 4; i++)
        assert_rc(proc_loop_timer(loop, 0, i % 2, free_itself, &ticks, NULL), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(ticks.calls, 4);
    proc_loop_free(loop);
}

static int64_t last_moment;

static int check_order(proc_watch *watch, uint64_t expirations, void *user)
{
    const int64_t *at = user;
    (void)watch, (void)expirations;
    if (*at < last_moment)
        return -EPROTO;
    last_moment = *at;
    return 0;
}

enum { COUNT = 5000 };

static struct {
    int64_t at[COUNT];
    proc_watch *watches[COUNT];
} many;

/* 0: the first were due before the last were set, which takes them out of order. */
static int set_many(proc_loop *loop, unsigned *seed, int ahead_ms)
{
    const int64_t start = proc_now_ms() + ahead_ms;
    for (int i = 0; i < COUNT; i++) {
        many.at[i] = start + rand_r(seed) % 40;
        assert_rc(proc_loop_timer_at(loop, many.at[i], check_order, &many.at[i], &many.watches[i]), 0);
    }
    return proc_now_ms() < start;
}

static void thousands_of_timers_come_in_their_order(void **state)
{
    (void)state;
    unsigned seed = 7;
    proc_loop *loop = new_loop();
    for (int ahead_ms = 50; !set_many(loop, &seed, ahead_ms); ahead_ms *= 4) {
        proc_loop_free(loop);
        loop = new_loop();
    }
    int left = COUNT;
    for (int i = 0; i < COUNT; i += 1 + rand_r(&seed) % 3) {
        many.watches[i] = proc_watch_free(many.watches[i]);
        left--;
    }
    last_moment = 0;
    while (left > 0) {
        int rc = proc_loop_dispatch(loop, PATIENCE_MS);
        assert_true(rc > 0);
        left -= rc;
    }
    assert_rc(proc_loop_run(loop), 0);
    proc_loop_free(loop);
}

static void a_due_timer_makes_the_loop_readable(void **state)
{
    (void)state;
    struct ticks ticks = {0};
    proc_watch *watch;
    proc_loop *loop = new_loop();
    int fd = proc_loop_fd(loop);
    assert_rc(proc_loop_timer(loop, INT_MAX, 0, tick, &ticks, &watch), 0);
    assert_false(is_readable(fd, 0));
    assert_rc(proc_watch_set_timer(watch, 5, 0), 0);
    assert_true(is_readable(fd, PATIENCE_MS));
    assert_rc(proc_loop_dispatch(loop, 0), 1);
    assert_false(is_readable(fd, 0));
    /* Freed: it rings once more in vain at most. */
    assert_rc(proc_watch_set_timer(watch, 0, 0), 0);
    proc_watch_free(watch);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    assert_false(is_readable(fd, 0));
    proc_loop_free(loop);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_comes_once_and_not_too_early),
        cmocka_unit_test(a_wait_ends_with_its_own_time),
        cmocka_unit_test(a_period_does_not_drift_and_counts_what_is_late),
        cmocka_unit_test(a_moment_that_has_passed_is_now_and_one_beyond_the_clock_is_never),
        cmocka_unit_test(bad_times_are_refused),
        cmocka_unit_test(a_timer_is_set_again_put_off_and_taken_back),
        cmocka_unit_test(a_timer_that_is_always_due_starves_nobody),
        cmocka_unit_test(a_timer_may_free_itself),
        cmocka_unit_test(thousands_of_timers_come_in_their_order),
        cmocka_unit_test(a_due_timer_makes_the_loop_readable),
    };
    return run_suite("loop-time", tests, sizeof tests / sizeof tests[0], argc, argv);
}
