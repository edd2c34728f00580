/* SPDX-License-Identifier: MIT */
/* Signals in a loop: one by one, in order, none lost by a round that ends early. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loops.h"

#define RT PROC_SIGNAL(SIGRTMIN)

struct heard {
    int calls, rc, quit_at;
    int values[200];
    proc_watch *watch;
};

static int hear(proc_watch *watch, const proc_signal *signal, void *user)
{
    struct heard *heard = user;
    heard->values[heard->calls++] = signal->value;
    if (heard->calls == heard->quit_at)
        proc_loop_quit(proc_watch_loop(watch), 9);
    return heard->rc;
}

static void send_values(int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}), 0);
}

static void assert_all_heard(const struct heard *heard, int count)
{
    assert_int_equal(heard->calls, count);
    for (int i = 0; i < count; i++)
        assert_int_equal(heard->values[i], i);
}

static void signals_are_told_one_by_one_in_portions(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct ticks ticks = {0};
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_signals(loop, RT, hear, &heard, NULL), 0);
    assert_rc(proc_loop_timer(loop, 0, 0, tick, &ticks, NULL), 0);
    send_values(150);
    assert_rc(proc_loop_dispatch(loop, -1), 64 + 1);
    assert_int_equal(ticks.calls, 1);
    assert_rc(proc_loop_dispatch(loop, -1), 64);
    assert_rc(proc_loop_dispatch(loop, -1), 22);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    assert_all_heard(&heard, 150);
    proc_loop_free(loop);
}

static void signals_that_a_round_leaves_are_told_by_the_next(void **state)
{
    (void)state;
    struct heard heard = {.quit_at = 3};
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_signals(loop, RT, hear, &heard, NULL), 0);
    send_values(10);
    assert_rc(proc_loop_run(loop), 9);
    assert_int_equal(heard.calls, 3);
    assert_true(is_readable(proc_loop_fd(loop), PATIENCE_MS));
    heard.rc = -EPROTO;
    assert_rc(proc_loop_dispatch(loop, -1), -EPROTO);
    assert_int_equal(heard.calls, 4);
    heard.rc = 0;
    assert_rc(proc_loop_dispatch(loop, -1), 6);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    assert_all_heard(&heard, 10);
    proc_loop_free(loop);
}

static int hear_and_dispatch(proc_watch *watch, const proc_signal *signal, void *user)
{
    int rc = hear(watch, signal, user);
    return rc < 0 ? rc : proc_loop_dispatch(proc_watch_loop(watch), 0);
}

static void a_nested_round_goes_on_with_the_signals_in_order(void **state)
{
    (void)state;
    struct heard heard = {0};
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_signals(loop, RT, hear_and_dispatch, &heard, NULL), 0);
    send_values(5);
    assert_rc(proc_loop_dispatch(loop, -1), 5);
    assert_all_heard(&heard, 5);
    proc_loop_free(loop);
}

static int hear_once(proc_watch *watch, const proc_signal *signal, void *user)
{
    struct heard *heard = user;
    hear(watch, signal, user);
    heard->watch = proc_watch_free(heard->watch);
    return 0;
}

static int is_blocked(int signal)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, signal);
}

static void a_freed_watch_gives_the_mask_back(void **state)
{
    (void)state;
    struct heard heard = {0};
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_signals(loop, RT, hear_once, &heard, &heard.watch), 0);
    assert_true(is_blocked(SIGRTMIN));
    send_values(3); /* read together; the last two are lost with the watch */
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(heard.calls, 1);
    assert_false(is_blocked(SIGRTMIN));
    proc_loop_free(loop);
}

static void a_signal_is_watched_once_and_not_if_it_cannot_be_read(void **state)
{
    (void)state;
    struct heard heard = {0};
    proc_watch *watch = NULL;
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_signals(loop, RT | PROC_SIGNAL(SIGUSR1), hear, &heard, &watch), 0);
    assert_rc(proc_loop_signals(loop, RT | PROC_SIGNAL(SIGUSR2), hear, &heard, NULL), -EBUSY);
    assert_false(is_blocked(SIGUSR2));
    assert_rc(proc_loop_signals(loop, PROC_SIGNAL(SIGKILL), hear, &heard, NULL), -EINVAL);
    assert_rc(proc_loop_signals(loop, 0, hear, &heard, NULL), -EINVAL);
    assert_rc(proc_loop_signals(loop, PROC_SIGNAL(SIGUSR2), NULL, &heard, NULL), -EINVAL);
    watch = proc_watch_free(watch);
    assert_rc(proc_loop_signals(loop, RT, hear, &heard, NULL), 0);
    proc_loop_free(loop);
}

static int free_in_copy(void *arg)
{
    proc_loop_free(arg);
    require(!is_blocked(SIGRTMIN));
    return 0;
}

static void a_forked_copy_leaves_our_timer_and_signals_alone(void **state)
{
    (void)state;
    struct heard heard = {0};
    struct ticks ticks = {0};
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_signals(loop, RT, hear, &heard, NULL), 0);
    assert_rc(proc_loop_timer(loop, 1, 0, tick, &ticks, NULL), 0);
    assert_in_fork(free_in_copy, loop);
    send_values(1);
    while (ticks.calls + heard.calls < 2)
        assert_true(proc_loop_dispatch(loop, -1) > 0);
    proc_loop_free(loop);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_are_told_one_by_one_in_portions),
        cmocka_unit_test(signals_that_a_round_leaves_are_told_by_the_next),
        cmocka_unit_test(a_nested_round_goes_on_with_the_signals_in_order),
        cmocka_unit_test(a_freed_watch_gives_the_mask_back),
        cmocka_unit_test(a_signal_is_watched_once_and_not_if_it_cannot_be_read),
        cmocka_unit_test(a_forked_copy_leaves_our_timer_and_signals_alone),
    };
    return run_suite("loop-signals", tests, sizeof tests / sizeof tests[0], argc, argv);
}
