/* SPDX-License-Identifier: MIT */
/* proc_collect(), proc_pump(), proc_pump_fd() and proc_stop() on started children; with looks behind the handle. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <proc/proc.h>

#include "child/handle.h"

static proc_child *start(const char *const argv[], const proc_options *options)
{
    proc_child *child = NULL;
    assert_rc(proc_spawn(&child, argv, options), 0);
    return child;
}

static int is_readable(int fd, int timeout_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return poll(&one, 1, timeout_ms) == 1;
}

static void end_stranger(const char *printed)
{
    int pid = atoi(printed);
    assert_true(pid > 1);
    kill(pid, SIGKILL);
}

/* ---- Collecting ---- */

static void collecting_takes_a_started_child_to_its_end(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("sh", "-c", "cat; echo err >&2; exit 3"),
                              PROC_OPTIONS(.in = PROC_TEXT("in"), .out = PROC_CAPTURE, .err = PROC_CAPTURE));
    proc_result result;
    assert_rc(proc_collect(child, -1, &result), 0);
    assert_int_equal(result.exit.kind, PROC_EXITED);
    assert_int_equal(result.exit.code, 3);
    assert_string_equal(result.out.data, "in");
    assert_string_equal(result.err.data, "err\n");
    assert_true(result.usage.max_rss_bytes > 0);
    child = proc_child_free(child);
    assert_string_equal(result.out.data, "in");
    proc_result_done(&result);
}

static void a_collect_that_runs_out_of_time_goes_on_where_it_was(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("sh", "-c", "echo first; read line; echo $line"),
                              PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_CAPTURE));
    proc_result result;
    assert_rc(proc_collect(child, 20, &result), -ETIMEDOUT);
    assert_string_equal(result.out.data, "");
    assert_rc(proc_collect(child, 0, &result), -ETIMEDOUT);
    assert_rc(proc_write(child, 0, "second\n", 7, -1), 7);
    assert_rc(proc_collect(child, -1, &result), 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.timed_out, 0);
    assert_string_equal(result.out.data, "first\nsecond\n");
    proc_result_done(&result);
    proc_child_free(child);
}

static void only_the_first_result_has_the_outputs(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("sh", "-c", "echo x; echo y >&5; exit 4"),
                              PROC_OPTIONS(.out = PROC_CAPTURE, .fds = PROC_FDS({5, PROC_CAPTURE})));
    proc_result first, second;
    assert_rc(proc_collect(child, -1, &first), 0);
    assert_rc(proc_collect(child, 0, &second), 0);
    assert_string_equal(first.out.data, "x\n");
    assert_int_equal(first.output_count, 1);
    assert_string_equal(first.outputs[0].data, "y\n");
    assert_int_equal(second.exit.code, 4);
    assert_string_equal(second.out.data, "");
    assert_int_equal(second.output_count, 0);
    proc_result_done(&first);
    proc_result_done(&second);
    proc_child_free(child);
}

static void a_child_that_was_waited_for_is_still_collected(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("echo", "x"), PROC_OPTIONS(.out = PROC_CAPTURE));
    proc_result result;
    assert_rc(proc_wait(child, -1, NULL), 0);
    assert_rc(proc_collect(child, 0, &result), 0);
    assert_string_equal(result.out.data, "x\n");
    proc_result_done(&result);
    proc_child_free(child);
}

/* The stream of that number, as the library sees it. */
static struct stream *stream_of(proc_child *child, int number)
{
    struct stream *stream = proc__stream_find(child, number);
    assert_non_null(stream);
    return stream;
}

static void all_that_a_large_pipe_holds_at_the_end_is_captured_whatever_the_drain_time(void **state)
{
    (void)state;
    /* The orphan holds the output after the child has gone, and the pipe is full of what the child left. */
    proc_child *child = start(PROC_ARGV("sh", "-c", "read line; \"$0\" write 1000000; \"$0\" orphan >&2", CHILD),
                              PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_CAPTURE, .err = PROC_PIPE,
                                           .transfer = PROC_TRANSFER(.drain_ms = 1)));
    char printed[32] = "";
    if (fcntl(stream_of(child, 1)->fd, F_SETPIPE_SZ, 1 << 20) < 0) {
        proc_child_free(child);
        SKIP_TEST("no pipe of 1 MiB here");
    }
    assert_rc(proc_write(child, 0, "go\n", 3, -1), 3);
    assert_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    proc_result result;
    assert_rc(proc_collect(child, -1, &result), 0);
    assert_true(proc_read(child, 2, printed, sizeof printed - 1, PATIENCE_MS) > 0);
    assert_int_equal(result.out.len, 1000000);
    proc_result_done(&result);
    proc_child_free(child);
    end_stranger(printed);
}

static void collecting_bounds_the_drain_by_its_own_time_too(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV(CHILD, "orphan"), PROC_OPTIONS(.out = PROC_CAPTURE, .transfer = PROC_TRANSFER(
                                                                           .drain_ms = 200)));
    proc_result result;
    assert_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    assert_rc(proc_collect(child, 0, &result), -ETIMEDOUT);
    assert_rc(proc_collect(child, -1, &result), 0);
    assert_int_equal(result.output_open, 1);
    end_stranger(result.out.data);
    proc_result_done(&result);
    proc_child_free(child);
}

static void a_cancelled_collect_stops_the_child(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    proc_child *child = start(PROC_ARGV(CHILD, "sleep", "forever"),
                              PROC_OPTIONS(.transfer = PROC_TRANSFER(.cancel_fd = &ends[0])));
    proc_result result;
    assert_rc(proc_collect(child, 0, &result), -ETIMEDOUT);
    assert_int_equal(write(ends[1], "!", 1), 1);
    assert_rc(proc_collect(child, 0, &result), 0);
    assert_int_equal(result.cancelled, 1);
    assert_int_equal(result.exit.kind, PROC_SIGNALED);
    assert_int_equal(result.exit.code, SIGTERM);
    proc_result_done(&result);
    proc_child_free(child);
    close(ends[0]);
    close(ends[1]);
}

static int write_there(int fd, const char *data, size_t len, void *user)
{
    (void)fd, (void)data;
    return len == 0 || write(*(int *)user, "!", 1) == 1 ? 0 : -EIO;
}

static void a_cancel_ends_a_drain_without_end(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    proc_child *child = start(PROC_ARGV("sh", "-c", "echo drained; \"$0\" orphan 3>&1 1>&2 2>&3", CHILD),
                              PROC_OPTIONS(.out = PROC_LINES(write_there, &ends[1]), .err = PROC_CAPTURE,
                                           .transfer = PROC_TRANSFER(.drain_ms = -1, .cancel_fd = &ends[0])));
    assert_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    /* The child has ended, so there is nothing to stop: only the drain is cut short. */
    proc_result result;
    assert_rc(proc_collect(child, PATIENCE_MS, &result), 0);
    assert_int_equal(result.cancelled, 0);
    assert_int_equal(result.output_open, 1);
    end_stranger(result.err.data);
    proc_result_done(&result);
    proc_child_free(child);
    close(ends[0]);
    close(ends[1]);
}

/* ---- One mover at a time ---- */

struct intruder {
    proc_child *child;
    int collect, pump;
};

static int intrude(int fd, const char *data, size_t len, void *user)
{
    struct intruder *intruder = user;
    proc_result result;
    (void)fd, (void)data, (void)len;
    intruder->collect = proc_collect(intruder->child, 0, &result);
    intruder->pump = proc_pump(&intruder->child, 1, 0);
    return 0;
}

static void nobody_moves_the_bytes_that_another_one_is_moving(void **state)
{
    (void)state;
    struct intruder intruder = {.child = NULL};
    proc_child *child = start(PROC_ARGV("echo", "x"), PROC_OPTIONS(.out = PROC_CALLBACK(intrude, &intruder)));
    intruder.child = child;
    proc_result result;
    assert_rc(proc_collect(child, -1, &result), 0);
    assert_rc(intruder.collect, -EBUSY);
    assert_rc(intruder.pump, -EBUSY);
    proc_result_done(&result);
    /* A child that is named twice meets itself, and is free again afterwards. */
    proc_child *twice[] = {child, child};
    assert_rc(proc_pump(twice, 2, 0), -EBUSY);
    assert_rc(proc_pump(twice, 1, 0), 0);
    proc_child_free(child);
}

static int move_in_the_copy(void *arg)
{
    proc_child *child = arg;
    proc_result result;
    require_rc(proc_collect(child, 0, &result), -ECHILD);
    require_rc(proc_pump(&child, 1, 0), -ECHILD);
    require_rc(proc_pump_fd(child), -ECHILD);
    require_rc(proc_stop(child, NULL), -ECHILD);
    return 0;
}

static void a_forked_copy_moves_nothing(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("echo", "x"), PROC_OPTIONS(.out = PROC_CAPTURE));
    assert_in_fork(move_in_the_copy, child);
    proc_result result;
    assert_rc(proc_collect(child, -1, &result), 0);
    assert_string_equal(result.out.data, "x\n");
    proc_result_done(&result);
    proc_child_free(child);
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    proc_child *none = NULL;
    proc_result result;
    assert_rc(proc_collect(NULL, 0, &result), -EINVAL);
    proc_child *child = start(PROC_ARGV("true"), NULL);
    assert_rc(proc_collect(child, 0, NULL), -EINVAL);
    assert_rc(proc_collect(child, -2, &result), -EINVAL);
    assert_rc(proc_pump(NULL, 1, 0), -EINVAL);
    assert_rc(proc_pump(&child, 0, 0), -EINVAL);
    assert_rc(proc_pump(&child, 1, -2), -EINVAL);
    assert_rc(proc_pump(&none, 1, 0), -EINVAL);
    assert_rc(proc_pump_fd(NULL), -EINVAL);
    assert_rc(proc_stop(NULL, NULL), -EINVAL);
    proc_child_free(child);
}

/* ---- Pumping ---- */

static void pumping_moves_all_and_says_how_many_streams_are_left(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV(CHILD, "cat"), PROC_OPTIONS(.in = PROC_TEXT("through"), .out = PROC_CAPTURE,
                                                                  .err = PROC_CAPTURE));
    int left, most = 0;
    while ((left = proc_pump(&child, 1, PATIENCE_MS)) > 0)
        most = left > most ? left : most;
    assert_rc(left, 0);
    assert_in_range(most, 1, 3);
    proc_result result;
    assert_rc(proc_collect(child, -1, &result), 0);
    assert_string_equal(result.out.data, "through");
    proc_result_done(&result);
    proc_child_free(child);
}

static void pumping_in_vain_says_so(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV(CHILD, "sleep", "forever"), PROC_OPTIONS(.out = PROC_CAPTURE));
    assert_rc(proc_pump(&child, 1, 0), -ETIMEDOUT);
    assert_rc(proc_pump(&child, 1, 5), -ETIMEDOUT);
    proc_child_free(child);
}

static void one_pump_serves_many_children(void **state)
{
    (void)state;
    enum { COUNT = 12 };
    proc_child *children[COUNT];
    for (int i = 0; i < COUNT; i++)
        children[i] = start(PROC_ARGV(CHILD, "write", "200000"), PROC_OPTIONS(.out = PROC_CAPTURE));
    int left;
    while ((left = proc_pump(children, COUNT, PATIENCE_MS)) > 0)
        ;
    assert_rc(left, 0);
    for (int i = 0; i < COUNT; i++) {
        proc_result result;
        assert_rc(proc_collect(children[i], -1, &result), 0);
        assert_int_equal(result.out.len, 200000);
        proc_result_done(&result);
        proc_child_free(children[i]);
    }
}

static void a_foreign_loop_is_told_when_there_is_something_to_move(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV(CHILD, "cat"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_CAPTURE));
    int loop = epoll_create1(EPOLL_CLOEXEC), fd = proc_pump_fd(child);
    assert_true(fd > 2);
    assert_rc(proc_pump_fd(child), fd);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    assert_int_equal(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event), 0);
    assert_int_equal(epoll_wait(loop, &event, 1, 0), 0);
    assert_rc(proc_write(child, 0, "x", 1, -1), 1);
    assert_int_equal(epoll_wait(loop, &event, 1, PATIENCE_MS), 1);
    assert_rc(proc_pump(&child, 1, 0), 1);
    assert_int_equal(epoll_wait(loop, &event, 1, 0), 0);
    assert_rc(proc_close(child, 0), 0);
    assert_int_equal(epoll_wait(loop, &event, 1, PATIENCE_MS), 1);
    assert_rc(proc_pump(&child, 1, 0), 0);
    /* All is moved: it is silent for good. */
    assert_int_equal(epoll_wait(loop, &event, 1, 0), 0);
    assert_false(is_readable(fd, 0));
    proc_result result;
    assert_rc(proc_collect(child, -1, &result), 0);
    assert_string_equal(result.out.data, "x");
    proc_result_done(&result);
    close(loop);
    proc_child_free(child);
}

static void the_loops_descriptor_is_ready_for_feeding_as_well(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV(CHILD, "cat"), PROC_OPTIONS(.in = PROC_TEXT("x"), .out = PROC_NULL));
    assert_true(is_readable(proc_pump_fd(child), PATIENCE_MS));
    assert_rc(proc_pump(&child, 1, 0), 0);
    assert_false(is_readable(proc_pump_fd(child), 0));
    proc_child_free(child);
}

static void streams_of_the_caller_are_not_pumped(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("echo", "mine"), PROC_OPTIONS(.out = PROC_PIPE));
    char buffer[20] = "";
    proc_result result;
    assert_rc(proc_pump(&child, 1, 0), 0);
    assert_rc(proc_collect(child, -1, &result), 0);
    assert_string_equal(result.out.data, "");
    assert_rc(proc_read(child, 1, buffer, sizeof buffer, -1), 5);
    assert_string_equal(buffer, "mine\n");
    proc_result_done(&result);
    proc_child_free(child);
}

/* ---- Stopping ---- */

/* A started child that has said its first line. */
static proc_child *start_ready(const char *const argv[], const proc_options *options)
{
    proc_child *child = start(argv, options);
    char line[100];
    assert_true(proc_read(child, 1, line, sizeof line, PATIENCE_MS) > 0);
    return child;
}

static void a_stop_is_as_gentle_as_it_can_be(void **state)
{
    (void)state;
    proc_exit ended;
    proc_child *willing = start_ready(PROC_ARGV(CHILD, "exit-on", "15", "6"), PROC_OPTIONS(.out = PROC_PIPE));
    assert_rc(proc_stop(willing, &ended), 0);
    assert_int_equal(ended.kind, PROC_EXITED);
    assert_int_equal(ended.code, 6);
    proc_child_free(willing);

    proc_child *stubborn = start_ready(PROC_ARGV(CHILD, "ignore", "15"),
                                       PROC_OPTIONS(.out = PROC_PIPE, .stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, 1},
                                                                                             {SIGKILL, PROC_ONE, -1})));
    assert_rc(proc_stop(stubborn, &ended), 0);
    assert_int_equal(ended.kind, PROC_SIGNALED);
    assert_int_equal(ended.code, SIGKILL);
    assert_rc(proc_stop(stubborn, NULL), 0);
    proc_child_free(stubborn);
}

static void a_stop_of_an_ended_child_tells_how_it_ended(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV(CHILD, "exit", "9"), NULL);
    assert_true(is_readable(proc_child_fd(child), PATIENCE_MS));
    for (int i = 0; i < 2; i++) {
        proc_exit ended;
        assert_rc(proc_stop(child, &ended), 0);
        assert_int_equal(ended.code, 9);
    }
    proc_child_free(child);
}

static void a_stop_whose_steps_are_too_weak_times_out_and_can_be_repeated(void **state)
{
    (void)state;
    proc_child *child = start_ready(PROC_ARGV(CHILD, "ignore", "15", "1"),
                                    PROC_OPTIONS(.out = PROC_PIPE, .stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, 0},
                                                                                          {SIGHUP, PROC_ONE, 5})));
    proc_exit ended = {.code = 77};
    assert_rc(proc_stop(child, &ended), -ETIMEDOUT);
    assert_rc(proc_stop(child, &ended), -ETIMEDOUT);
    assert_int_equal(ended.code, 77);
    assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    assert_rc(proc_wait(child, -1, NULL), 0);
    assert_rc(proc_stop(child, &ended), 0);
    proc_child_free(child);
}

static int is_suspended(proc_child *child)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/stat", proc_child_pid(child));
    char *stat = file_read(path);
    const char *after_name = stat ? strrchr(stat, ')') : NULL;
    int suspended = after_name && after_name[1] == ' ' && after_name[2] == 'T';
    free(stat);
    return suspended;
}

static void a_suspended_child_is_continued_so_that_it_can_act_on_the_signal(void **state)
{
    (void)state;
    proc_child *child = start_ready(PROC_ARGV("sh", "-c", "trap 'exit 8' TERM; echo ready; kill -STOP $$; exit 1"),
                                    PROC_OPTIONS(.out = PROC_PIPE, .stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, -1})));
    assert_eventually(is_suspended(child));
    proc_exit ended;
    assert_rc(proc_stop(child, &ended), 0);
    assert_int_equal(ended.kind, PROC_EXITED);
    assert_int_equal(ended.code, 8);
    proc_child_free(child);
}

static void a_step_that_suspends_does_not_continue(void **state)
{
    (void)state;
    proc_child *child = start_ready(PROC_ARGV(CHILD, "ready"),
                                    PROC_OPTIONS(.out = PROC_PIPE, .stop = PROC_STOP_STEPS({SIGSTOP, PROC_ONE, 1})));
    assert_rc(proc_stop(child, NULL), -ETIMEDOUT);
    assert_eventually(is_suspended(child));
    proc_child_free(child);
}

static void the_default_stop_reaches_the_group_that_the_child_leads(void **state)
{
    (void)state;
    proc_child *child = start_ready(PROC_ARGV(CHILD, "tree", "1"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP));
    char rest[100];
    assert_rc(proc_stop(child, NULL), 0);
    /* The end of file comes once the other member has gone as well. */
    int64_t got;
    while ((got = proc_read(child, 1, rest, sizeof rest, PATIENCE_MS)) > 0)
        ;
    assert_rc(got, 0);
    proc_child_free(child);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(collecting_takes_a_started_child_to_its_end),
        cmocka_unit_test(a_collect_that_runs_out_of_time_goes_on_where_it_was),
        cmocka_unit_test(only_the_first_result_has_the_outputs),
        cmocka_unit_test(a_child_that_was_waited_for_is_still_collected),
        cmocka_unit_test(all_that_a_large_pipe_holds_at_the_end_is_captured_whatever_the_drain_time),
        cmocka_unit_test(collecting_bounds_the_drain_by_its_own_time_too),
        cmocka_unit_test(a_cancelled_collect_stops_the_child),
        cmocka_unit_test(a_cancel_ends_a_drain_without_end),
        cmocka_unit_test(nobody_moves_the_bytes_that_another_one_is_moving),
        cmocka_unit_test(a_forked_copy_moves_nothing),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(pumping_moves_all_and_says_how_many_streams_are_left),
        cmocka_unit_test(pumping_in_vain_says_so),
        cmocka_unit_test(one_pump_serves_many_children),
        cmocka_unit_test(a_foreign_loop_is_told_when_there_is_something_to_move),
        cmocka_unit_test(the_loops_descriptor_is_ready_for_feeding_as_well),
        cmocka_unit_test(streams_of_the_caller_are_not_pumped),
        cmocka_unit_test(a_stop_is_as_gentle_as_it_can_be),
        cmocka_unit_test(a_stop_of_an_ended_child_tells_how_it_ended),
        cmocka_unit_test(a_stop_whose_steps_are_too_weak_times_out_and_can_be_repeated),
        cmocka_unit_test(a_suspended_child_is_continued_so_that_it_can_act_on_the_signal),
        cmocka_unit_test(a_step_that_suspends_does_not_continue),
        cmocka_unit_test(the_default_stop_reaches_the_group_that_the_child_leads),
    };
    return run_suite("pump", tests, sizeof tests / sizeof tests[0], argc, argv);
}
