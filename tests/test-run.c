/* SPDX-License-Identifier: MIT */
/* Black box: proc_run() and the result, with real children. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

#include "started.h"

#define MIB ((size_t)1 << 20)
#define PATTERN 251

static char *pattern(size_t size)
{
    char *data = malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i % PATTERN);
    return data;
}

static void assert_pattern(const char *data, size_t len, size_t from)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != (char)((from + i) % PATTERN))
            fail_msg("byte %zu of %zu is wrong", i, len);
    }
}

static void assert_exited(const proc_exit *ended, int code)
{
    assert_int_equal(ended->kind, PROC_EXITED);
    assert_int_equal(ended->code, code);
}

static void assert_killed(const proc_exit *ended, int signal)
{
    assert_int_equal(ended->kind, PROC_SIGNALED);
    assert_int_equal(ended->code, signal);
}

/* A descendant that outlives its parent is no child of ours: ended by the number that the parent printed. */
static void end_stranger(const char *printed)
{
    int pid = atoi(printed);
    assert_true(pid > 1);
    kill(pid, SIGKILL);
}

/* ---- Feeding and capturing ---- */

static void captures_what_a_child_writes_and_how_it_ended(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "echo out; echo err >&2; exit 3"),
                       PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_CAPTURE)), 0);
    assert_exited(&result.exit, 3);
    assert_string_equal(result.out.data, "out\n");
    assert_string_equal(result.err.data, "err\n");
    assert_int_equal(result.out.len, 4);
    assert_int_equal(result.out.total, 4);
    assert_int_equal(result.out.fd, 1);
    assert_int_equal(result.err.fd, 2);
    assert_int_equal(result.timed_out | result.cancelled | result.output_open | result.input_cut | result.error, 0);
    assert_true(result.usage.max_rss_bytes > 0);
    assert_false(proc_result_ok(&result));
    proc_result_done(&result);
}

static void captures_both_streams_without_deadlock(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "\"$0\" write 10000000 65536 1 & \"$0\" write 9000000 4096 2; wait",
                                          CHILD),
                       PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_CAPTURE)), 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.out.len, 10000000);
    assert_int_equal(result.err.len, 9000000);
    assert_pattern(result.out.data, result.out.len, 0);
    assert_pattern(result.err.data, result.err.len, 0);
    proc_result_done(&result);
}

static void ten_megabytes_go_in_and_come_out_at_once(void **state)
{
    (void)state;
    size_t size = 10 * MIB;
    char *data = pattern(size);
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "cat"),
                       PROC_OPTIONS(.in = PROC_BYTES(data, size), .out = PROC_CAPTURE)), 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.input_cut, 0);
    assert_int_equal(result.out.len, size);
    assert_memory_equal(result.out.data, data, size);
    free(data);
    proc_result_done(&result);
}

static void an_empty_input_is_an_end_of_file(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("cat"), PROC_OPTIONS(.in = PROC_TEXT(""), .out = PROC_CAPTURE)), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(result.out.data, "");
    proc_result_done(&result);
}

static void input_that_is_not_read_is_cut_and_no_failure(void **state)
{
    (void)state;
    size_t size = 10 * MIB;
    char *data = pattern(size);
    const char *const *programs[] = {PROC_ARGV(CHILD, "exit", "0"), PROC_ARGV(CHILD, "read", "100000"),
                                     PROC_ARGV("sh", "-c", "exec <&-; \"$0\" sleep 20", CHILD)};
    for (int i = 0; i < 3; i++) {
        proc_result result;
        assert_rc(proc_run(&result, programs[i], PROC_OPTIONS(.in = PROC_BYTES(data, size))), 0);
        assert_true(proc_result_ok(&result));
        assert_int_equal(result.input_cut, 1);
        proc_result_done(&result);
    }
    free(data);
}

static void a_merged_stream_comes_in_the_order_of_its_writing(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "echo 1; echo 2 >&2; echo 3; echo 4 >&2"),
                       PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_SAME_AS(1))), 0);
    assert_string_equal(result.out.data, "1\n2\n3\n4\n");
    assert_string_equal(result.err.data, "");
    assert_int_equal(result.output_count, 0);
    proc_result_done(&result);
}

static void more_streams_than_three_are_moved_and_come_in_the_order_of_the_entries(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result,
                       PROC_ARGV("sh", "-c",
                                 "cat <&3 >&5; echo seven >&7; echo four >&4; echo out; echo eight >&8; echo six >&6; "
                                 "echo nine >&9; echo err >&2"),
                       PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_CAPTURE,
                                    .fds = PROC_FDS({7, PROC_CAPTURE}, {3, PROC_TEXT("three")}, {4, PROC_CAPTURE},
                                                    {5, PROC_CAPTURE}, {9, PROC_CAPTURE}, {8, PROC_CAPTURE},
                                                    {6, PROC_CAPTURE_HEAD(2)}))), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(result.out.data, "out\n");
    assert_string_equal(result.err.data, "err\n");
    static const struct {
        int fd;
        const char *text;
    } expected[] = {{7, "seven\n"}, {4, "four\n"}, {5, "three"}, {9, "nine\n"}, {8, "eight\n"}, {6, "si"}};
    assert_int_equal(result.output_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(result.outputs[i].fd, expected[i].fd);
        assert_string_equal(result.outputs[i].data, expected[i].text);
    }
    proc_result_done(&result);
}

static void past_its_limit_a_capture_keeps_the_beginning_and_counts(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "write", "3000000"), PROC_OPTIONS(.out = PROC_CAPTURE_HEAD(100000))), 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.out.len, 100000);
    assert_int_equal(result.out.total, 3000000);
    assert_int_equal(result.out.truncated, 1);
    assert_pattern(result.out.data, result.out.len, 0);
    proc_result_done(&result);
}

static void past_its_limit_a_tail_keeps_the_end_and_counts(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "write", "3000000"), PROC_OPTIONS(.out = PROC_CAPTURE_TAIL(100000))), 0);
    assert_int_equal(result.out.len, 100000);
    assert_int_equal(result.out.total, 3000000);
    assert_int_equal(result.out.truncated, 1);
    assert_pattern(result.out.data, result.out.len, 2900000);
    proc_result_done(&result);
}

static void exactly_the_limit_is_not_truncated(void **state)
{
    (void)state;
    for (int tail = 0; tail < 2; tail++) {
        proc_result result;
        assert_rc(proc_run(&result, PROC_ARGV(CHILD, "print", "1", "12345"),
                           PROC_OPTIONS(.out = tail ? PROC_CAPTURE_TAIL(5) : PROC_CAPTURE_HEAD(5))), 0);
        assert_string_equal(result.out.data, "12345");
        assert_int_equal(result.out.truncated, 0);
        proc_result_done(&result);
    }
}

/* ---- Time, cancelling, stopping ---- */

static void a_child_beyond_its_time_is_stopped(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "sleep", "forever"), PROC_OPTIONS(.timeout_ms = 50)), 0);
    assert_int_equal(result.timed_out, 1);
    assert_int_equal(result.cancelled, 0);
    assert_killed(&result.exit, SIGTERM);
    assert_true(result.duration_ms >= 50);
    assert_false(proc_result_ok(&result));
    char text[100];
    assert_int_equal(proc_result_text(&result, text, sizeof text), (int)strlen("timed out, killed by SIGTERM"));
    assert_string_equal(text, "timed out, killed by SIGTERM");
    proc_result_done(&result);
}

/* The time is longer each time, until the child has come to write before it was over. */
static void a_busy_writer_does_not_keep_us_beyond_its_time(void **state)
{
    (void)state;
    uint64_t written = 0;
    for (int time = 50; written <= 10; time *= 2) {
        proc_result result;
        assert_true(time < PATIENCE_MS);
        int64_t before = patience_now();
        assert_rc(proc_run(&result, PROC_ARGV(CHILD, "write-forever"),
                           PROC_OPTIONS(.out = PROC_CAPTURE_HEAD(10), .timeout_ms = time)), 0);
        assert_true(patience_now() - before < time + PATIENCE_MS);
        assert_int_equal(result.timed_out, 1);
        assert_int_equal(result.output_open, 0);
        written = result.out.total;
        proc_result_done(&result);
    }
}

static void no_time_and_minus_one_mean_for_ever(void **state)
{
    (void)state;
    for (int timeout = -1; timeout <= 0; timeout++) {
        proc_result result;
        assert_rc(proc_run(&result, PROC_ARGV(CHILD, "sleep", "30"), PROC_OPTIONS(.timeout_ms = timeout)), 0);
        assert_true(proc_result_ok(&result));
        proc_result_done(&result);
    }
}

/* Cancels as soon as the child has said its first line. */
struct canceller {
    int ends[2];
    char heard[200];
};

static void canceller_make(struct canceller *canceller)
{
    *canceller = (struct canceller){.heard = ""};
    assert_int_equal(pipe2(canceller->ends, O_CLOEXEC), 0);
}

static void canceller_remove(struct canceller *canceller)
{
    close(canceller->ends[0]);
    close(canceller->ends[1]);
}

static int cancel_at_first_line(int fd, const char *line, size_t len, void *user)
{
    struct canceller *canceller = user;
    (void)fd;
    if (len > 0 && canceller->heard[0] == '\0' && write(canceller->ends[1], "!", 1) != 1)
        return -EIO;
    strncat(canceller->heard, line, len);
    return 0;
}

static void a_readable_cancel_fd_stops_the_child_and_is_not_read(void **state)
{
    (void)state;
    struct canceller canceller;
    canceller_make(&canceller);
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "ready"),
                       PROC_OPTIONS(.out = PROC_LINES(cancel_at_first_line, &canceller),
                                    .transfer = PROC_TRANSFER(.cancel_fd = &canceller.ends[0]))), 0);
    assert_int_equal(result.cancelled, 1);
    assert_int_equal(result.timed_out, 0);
    assert_killed(&result.exit, SIGTERM);
    assert_string_equal(canceller.heard, "ready\n");
    char text[100], left[4];
    proc_result_text(&result, text, sizeof text);
    assert_string_equal(text, "cancelled, killed by SIGTERM");
    assert_int_equal(read(canceller.ends[0], left, sizeof left), 1);
    proc_result_done(&result);
    canceller_remove(&canceller);
}

static void the_stop_steps_go_on_until_the_child_ends(void **state)
{
    (void)state;
    struct canceller canceller;
    canceller_make(&canceller);
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "ignore", "15", "2"),
                       PROC_OPTIONS(.out = PROC_LINES(cancel_at_first_line, &canceller),
                                    .stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, 1}, {SIGINT, PROC_ONE, 0},
                                                            {SIGKILL, PROC_ONE, -1}),
                                    .transfer = PROC_TRANSFER(.cancel_fd = &canceller.ends[0]))), 0);
    assert_killed(&result.exit, SIGKILL);
    proc_result_done(&result);
    canceller_remove(&canceller);
}

static void a_stop_that_is_too_weak_leaves_a_running_child_that_is_killed(void **state)
{
    (void)state;
    struct canceller canceller;
    canceller_make(&canceller);
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "ignore", "15"),
                       PROC_OPTIONS(.out = PROC_LINES(cancel_at_first_line, &canceller),
                                    .stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, 1}),
                                    .transfer = PROC_TRANSFER(.cancel_fd = &canceller.ends[0]))), 0);
    assert_int_equal(result.exit.kind, PROC_RUNNING);
    assert_int_equal(result.cancelled, 1);
    proc_result_done(&result);
    canceller_remove(&canceller);
}

static void a_child_that_writes_before_it_ends_is_drained_while_it_is_stopped(void **state)
{
    (void)state;
    struct canceller canceller;
    canceller_make(&canceller);
    proc_result result;
    assert_rc(proc_run(&result,
                       PROC_ARGV("sh", "-c", "trap '\"$0\" write 1000000 65536 2; exit 7' TERM; echo ready; "
                                 "while :; do \"$0\" sleep 5; done", CHILD),
                       PROC_OPTIONS(.out = PROC_LINES(cancel_at_first_line, &canceller), .err = PROC_CAPTURE,
                                    .stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, -1}),
                                    .transfer = PROC_TRANSFER(.cancel_fd = &canceller.ends[0]))), 0);
    assert_exited(&result.exit, 7);
    assert_int_equal(result.err.total, 1000000);
    proc_result_done(&result);
    canceller_remove(&canceller);
}

static void a_suspended_child_is_continued_to_be_stopped(void **state)
{
    (void)state;
    struct canceller canceller;
    canceller_make(&canceller);
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "trap 'echo asked; exit 5' TERM; echo ready; kill -STOP $$"),
                       PROC_OPTIONS(.out = PROC_LINES(cancel_at_first_line, &canceller),
                                    .stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, -1}),
                                    .transfer = PROC_TRANSFER(.cancel_fd = &canceller.ends[0]))), 0);
    assert_exited(&result.exit, 5);
    assert_string_equal(canceller.heard, "ready\nasked\n");
    proc_result_done(&result);
    canceller_remove(&canceller);
}

static void the_group_is_stopped_with_the_child_that_leads_it(void **state)
{
    (void)state;
    struct canceller canceller;
    canceller_make(&canceller);
    proc_result result;
    /* The output ends only when nobody holds it any more. */
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "tree", "3"),
                       PROC_OPTIONS(.out = PROC_LINES(cancel_at_first_line, &canceller), .flags = PROC_NEW_GROUP,
                                    .transfer = PROC_TRANSFER(.cancel_fd = &canceller.ends[0], .drain_ms = PATIENCE_MS))),
              0);
    assert_killed(&result.exit, SIGTERM);
    assert_int_equal(result.output_open, 0);
    proc_result_done(&result);
    canceller_remove(&canceller);
}

static void a_child_that_closes_its_output_but_runs_on_is_waited_for(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "echo bye; exec >&-; \"$0\" sleep 100 2>&-; exit 6", CHILD),
                       PROC_OPTIONS(.out = PROC_CAPTURE)), 0);
    assert_exited(&result.exit, 6);
    assert_string_equal(result.out.data, "bye\n");
    proc_result_done(&result);
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "close-stdout-and-pause"),
                       PROC_OPTIONS(.out = PROC_CAPTURE, .timeout_ms = 50)), 0);
    assert_int_equal(result.timed_out, 1);
    assert_int_equal(result.output_open, 0);
    proc_result_done(&result);
}

/* ---- Descendants that hold a stream ---- */

static void a_grandchild_that_holds_the_output_costs_only_the_drain_time(void **state)
{
    (void)state;
    proc_result result;
    int64_t before = patience_now();
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "orphan"),
                       PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_CAPTURE,
                                    .transfer = PROC_TRANSFER(.drain_ms = 1))), 0);
    assert_true(patience_now() - before < PATIENCE_MS);
    assert_exited(&result.exit, 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.output_open, 1);
    assert_int_equal(result.out.open, 1);
    assert_int_equal(result.err.open, 1);
    end_stranger(result.out.data);
    proc_result_done(&result);
}

static void only_the_output_that_is_held_is_told_to_be_open(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "\"$0\" sleep forever >/dev/null & echo $!; exit 9", CHILD),
                       PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_CAPTURE)), 0);
    assert_exited(&result.exit, 9);
    assert_int_equal(result.output_open, 1);
    assert_int_equal(result.out.open, 0);
    assert_int_equal(result.err.open, 1);
    end_stranger(result.out.data);
    proc_result_done(&result);
}

static void a_grandchild_that_holds_the_input_costs_nothing(void **state)
{
    (void)state;
    size_t size = 2 * MIB;
    char *data = pattern(size);
    proc_result result;
    assert_rc(proc_run(&result,
                       PROC_ARGV("sh", "-c", "exec 3<&0; \"$0\" sleep forever <&3 >/dev/null 2>&1 & echo $!", CHILD),
                       PROC_OPTIONS(.in = PROC_BYTES(data, size), .out = PROC_CAPTURE,
                                    .transfer = PROC_TRANSFER(.drain_ms = -1))), 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.input_cut, 1);
    assert_int_equal(result.output_open, 0);
    end_stranger(result.out.data);
    free(data);
    proc_result_done(&result);
}

static void output_within_the_drain_time_is_still_captured(void **state)
{
    (void)state;
    static const int32_t drains[] = {-1, PATIENCE_MS};
    for (int i = 0; i < 2; i++) {
        proc_result result;
        assert_rc(proc_run(&result, PROC_ARGV(CHILD, "grandchild-holds-stdout", "50", "3"),
                           PROC_OPTIONS(.out = PROC_CAPTURE, .transfer = PROC_TRANSFER(.drain_ms = drains[i]))), 0);
        assert_exited(&result.exit, 3);
        assert_string_equal(result.out.data, "parent\ngrandchild\n");
        assert_int_equal(result.output_open, 0);
        proc_result_done(&result);
    }
}

/*
 * Runs a child that ends by itself, and leaves somebody who holds its output. 0: it was stopped before it came so far,
 * and is to be given more time.
 */
static int ends_within(int time, proc_result *ret_result, const char *const argv[], int drain_ms)
{
    assert_true(time < PATIENCE_MS);
    assert_rc(proc_run(ret_result, argv, PROC_OPTIONS(.out = PROC_CAPTURE, .timeout_ms = time,
                                                      .transfer = PROC_TRANSFER(.drain_ms = drain_ms))), 0);
    if (ret_result->exit.kind == PROC_EXITED)
        return 1;
    if (atoi(ret_result->out.data) > 1)
        end_stranger(ret_result->out.data);
    proc_result_done(ret_result);
    return 0;
}

static void a_bounded_drain_has_its_time_even_if_the_run_has_none_left(void **state)
{
    (void)state;
    proc_result result;
    char later[16];
    int time = 250;
    do {
        time *= 2;
        snprintf(later, sizeof later, "%d", time + 200);
    } while (!ends_within(time, &result, PROC_ARGV(CHILD, "grandchild-holds-stdout", later, "3"), PATIENCE_MS));
    assert_exited(&result.exit, 3);
    assert_string_equal(result.out.data, "parent\ngrandchild\n");
    assert_int_equal(result.timed_out, 0);
    proc_result_done(&result);
}

static void draining_for_ever_ends_with_the_time_or_a_cancel(void **state)
{
    (void)state;
    proc_result result;
    for (int time = 200; !ends_within(time, &result, PROC_ARGV(CHILD, "orphan"), -1); time *= 2)
        continue;
    assert_exited(&result.exit, 0);
    assert_int_equal(result.timed_out, 0);
    assert_int_equal(result.output_open, 1);
    end_stranger(result.out.data);
    proc_result_done(&result);

    struct canceller canceller;
    canceller_make(&canceller);
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "\"$0\" sleep forever & echo $!; exec >&-; \"$0\" sleep 1", CHILD),
                       PROC_OPTIONS(.out = PROC_LINES(cancel_at_first_line, &canceller), .stop = PROC_STOP_STEPS({SIGCONT,
                                    PROC_ONE, -1}),
                                    .transfer = PROC_TRANSFER(.drain_ms = -1, .cancel_fd = &canceller.ends[0]))), 0);
    assert_int_equal(result.output_open, 1);
    end_stranger(canceller.heard);
    proc_result_done(&result);
    canceller_remove(&canceller);
}

static void a_grandchild_that_writes_for_ever_is_left(void **state)
{
    (void)state;
    proc_result result;
    int64_t before = patience_now();
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "\"$0\" write-forever 2>/dev/null & echo $! >&2", CHILD),
                       PROC_OPTIONS(.out = PROC_CAPTURE_TAIL(10), .err = PROC_CAPTURE)), 0);
    assert_true(patience_now() - before < PATIENCE_MS);
    assert_int_equal(result.out.open, 1);
    assert_int_equal(result.err.open, 0);
    assert_int_equal(result.out.len, 10);
    end_stranger(result.err.data);
    proc_result_done(&result);
}

/* ---- Functions ---- */

struct listener {
    char text[300];
    size_t bytes;
    int ends, refuse;
    proc_result inner;
};

static int listen_to(int fd, const char *data, size_t len, void *user)
{
    struct listener *listener = user;
    (void)fd;
    listener->bytes += len;
    listener->ends += len == 0;
    if (strlen(listener->text) + len < sizeof listener->text - 2) {
        strncat(listener->text, data, len);
        strcat(listener->text, "|");
    }
    return listener->refuse;
}

static void lines_and_chunks_go_to_functions_with_one_end_each(void **state)
{
    (void)state;
    struct listener lines = {.text = ""}, chunks = {.text = ""};
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "printf 'one\\ntwo\\nrest'; \"$0\" write 300000 65536 2", CHILD),
                       PROC_OPTIONS(.out = PROC_LINES(listen_to, &lines), .err = PROC_CALLBACK(listen_to, &chunks))), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(lines.text, "one\n|two\n|rest||");
    assert_int_equal(lines.ends, 1);
    assert_int_equal(chunks.ends, 1);
    assert_int_equal(chunks.bytes, 300000);
    proc_result_done(&result);
}

static void a_function_that_refuses_closes_the_stream_under_the_writer(void **state)
{
    (void)state;
    struct listener listener = {.refuse = -ECANCELED};
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV(CHILD, "write-forever"), PROC_OPTIONS(.out = PROC_CALLBACK(listen_to, &listener))),
              0);
    assert_killed(&result.exit, SIGPIPE);
    assert_rc(result.error, -ECANCELED);
    assert_int_equal(listener.ends, 0);
    assert_false(proc_result_ok(&result));
    char text[100];
    proc_result_text(&result, text, sizeof text);
    assert_contains(text, "killed by SIGPIPE; transfer: ");
    proc_result_done(&result);
}

static int64_t supply_numbers(int fd, char *buffer, size_t size, void *user)
{
    int *next = user;
    (void)fd;
    return *next == 0 ? 0 : snprintf(buffer, size, "%d\n", (*next)--);
}

static void a_function_supplies_what_the_child_reads(void **state)
{
    (void)state;
    int next = 3, endless = 1 << 30;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("cat"),
                       PROC_OPTIONS(.in = PROC_SUPPLY(supply_numbers, &next), .out = PROC_CAPTURE)), 0);
    assert_string_equal(result.out.data, "3\n2\n1\n");
    proc_result_done(&result);
    assert_rc(proc_run(&result, PROC_ARGV("head", "-n1"),
                       PROC_OPTIONS(.in = PROC_SUPPLY(supply_numbers, &endless), .out = PROC_CAPTURE)), 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.input_cut, 1);
    assert_string_equal(result.out.data, "1073741824\n");
    proc_result_done(&result);
}

static int run_another(int fd, const char *data, size_t len, void *user)
{
    struct listener *listener = user;
    (void)fd;
    if (len == 0)
        return 0;
    proc_stdio input = PROC_BYTES(data, len);
    return proc_run(&listener->inner, PROC_ARGV("tr", "a-z", "A-Z"), PROC_OPTIONS(.in = input, .out = PROC_CAPTURE));
}

static void a_function_may_run_another_child(void **state)
{
    (void)state;
    struct listener listener = {.text = ""};
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("echo", "hello"), PROC_OPTIONS(.out = PROC_LINES(run_another, &listener))), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(listener.inner.out.data, "HELLO\n");
    proc_result_done(&listener.inner);
    proc_result_done(&result);
}

/* ---- Failures ---- */

static void a_start_that_fails_leaves_an_empty_result(void **state)
{
    (void)state;
    proc_result result;
    proc_error error = {0};
    memset(&result, 0xa5, sizeof result);
    assert_rc(proc_run(&result, PROC_ARGV("/no/such/program"), PROC_OPTIONS(.out = PROC_CAPTURE, .error = &error)), -ENOENT);
    assert_int_equal(error.step, PROC_STEP_EXEC);
    assert_contains(error.text, "run \"/no/such/program\": ");
    assert_string_equal(result.out.data, "");
    assert_string_equal(result.err.data, "");
    assert_int_equal(result.output_count, 0);
    proc_result_done(&result);
    proc_result_done(&result);
}

static void what_nobody_would_read_or_wait_for_is_refused(void **state)
{
    (void)state;
    proc_result result;
    proc_error error;
    const proc_options *refused[] = {
        PROC_OPTIONS(.out = PROC_PIPE, .error = &error),
        PROC_OPTIONS(.fds = PROC_FDS({5, PROC_PIPE_TO_CHILD}), .error = &error),
        PROC_OPTIONS(.flags = PROC_DETACH, .error = &error),
        PROC_OPTIONS(.timeout_ms = -2, .error = &error),
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        error = (proc_error){0};
        assert_rc(proc_run(&result, PROC_ARGV("true"), refused[i]), -EINVAL);
        assert_int_equal(error.step, PROC_STEP_OPTIONS);
        assert_contains(error.text, "run \"true\": ");
        proc_result_done(&result);
    }
    assert_rc(proc_run(NULL, PROC_ARGV("true"), NULL), -EINVAL);
}

/* ---- Cancelled threads ---- */

static int cancel_this_thread(int fd, const char *data, size_t len, void *user)
{
    (void)fd, (void)data, (void)user;
    return len > 0 ? -pthread_cancel(pthread_self()) : 0;
}

static void *run_while_cancelled(void *arg)
{
    proc_result result;
    if (proc_run(&result, PROC_ARGV("echo", "cancel"), PROC_OPTIONS(.out = PROC_LINES(cancel_this_thread, NULL))) == 0)
        *(int *)arg = proc_result_ok(&result);
    proc_result_done(&result);
    pthread_testcancel();
    *(int *)arg = -1;
    return NULL;
}

static int cancel_a_running_thread(void *arg)
{
    pthread_t thread;
    void *end = NULL;
    int went_well = 0;
    (void)arg;
    require(pthread_create(&thread, NULL, run_while_cancelled, &went_well) == 0);
    require(pthread_join(thread, &end) == 0);
    require(went_well == 1);
    require(end == PTHREAD_CANCELED);
    return 0;
}

/* In a copy, since libc's cancelling changes dispositions for good. */
static void a_cancelled_thread_finishes_its_run_first(void **state)
{
    (void)state;
    assert_in_fork(cancel_a_running_thread, NULL);
}

/* ---- The result by itself ---- */

static void a_result_is_given_back_once_and_again(void **state)
{
    (void)state;
    proc_result empty = {0}, result;
    proc_result_done(NULL);
    proc_result_done(&empty);
    assert_rc(proc_run(&result, PROC_ARGV("echo", "x"), PROC_OPTIONS(.out = PROC_CAPTURE)), 0);
    proc_output out = proc_output_take(&result.out);
    assert_string_equal(result.out.data, "");
    assert_int_equal(result.out.len, 0);
    proc_result_done(&result);
    proc_result_done(&result);
    assert_string_equal(out.data, "x\n");
    proc_output_done(&out);
    proc_output_done(&out);
    proc_output_done(NULL);
}

static void a_result_says_in_words_how_it_went(void **state)
{
    (void)state;
    static const struct {
        proc_result result;
        const char *text;
    } cases[] = {
        {{.exit = {.kind = PROC_EXITED, .code = 2}}, "exited with 2"},
        {{.exit = {.kind = PROC_SIGNALED, .code = SIGKILL}, .timed_out = 1}, "timed out, killed by SIGKILL"},
        {{.exit = {.kind = PROC_RUNNING}, .cancelled = 1}, "cancelled, still running"},
    };
    char text[100];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int len = (int)strlen(cases[i].text);
        assert_int_equal(proc_result_text(&cases[i].result, NULL, 0), len);
        assert_int_equal(proc_result_text(&cases[i].result, text, sizeof text), len);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(proc_result_text(&cases[i].result, text, 4), len);
        assert_int_equal(strlen(text), 3);
    }
    assert_rc(proc_result_text(NULL, text, sizeof text), -EINVAL);
    assert_rc(proc_result_text(&cases[0].result, NULL, 5), -EINVAL);
    assert_int_equal(proc_result_ok(NULL), 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(captures_what_a_child_writes_and_how_it_ended),
        spawning_test(captures_both_streams_without_deadlock),
        spawning_test(ten_megabytes_go_in_and_come_out_at_once),
        spawning_test(an_empty_input_is_an_end_of_file),
        spawning_test(input_that_is_not_read_is_cut_and_no_failure),
        spawning_test(a_merged_stream_comes_in_the_order_of_its_writing),
        spawning_test(more_streams_than_three_are_moved_and_come_in_the_order_of_the_entries),
        spawning_test(past_its_limit_a_capture_keeps_the_beginning_and_counts),
        spawning_test(past_its_limit_a_tail_keeps_the_end_and_counts),
        spawning_test(exactly_the_limit_is_not_truncated),
        spawning_test(a_child_beyond_its_time_is_stopped),
        spawning_test(a_busy_writer_does_not_keep_us_beyond_its_time),
        spawning_test(no_time_and_minus_one_mean_for_ever),
        spawning_test(a_readable_cancel_fd_stops_the_child_and_is_not_read),
        spawning_test(the_stop_steps_go_on_until_the_child_ends),
        spawning_test(a_stop_that_is_too_weak_leaves_a_running_child_that_is_killed),
        spawning_test(a_child_that_writes_before_it_ends_is_drained_while_it_is_stopped),
        spawning_test(a_suspended_child_is_continued_to_be_stopped),
        spawning_test(the_group_is_stopped_with_the_child_that_leads_it),
        spawning_test(a_child_that_closes_its_output_but_runs_on_is_waited_for),
        spawning_test(a_grandchild_that_holds_the_output_costs_only_the_drain_time),
        spawning_test(only_the_output_that_is_held_is_told_to_be_open),
        spawning_test(a_grandchild_that_holds_the_input_costs_nothing),
        spawning_test(output_within_the_drain_time_is_still_captured),
        spawning_test(a_bounded_drain_has_its_time_even_if_the_run_has_none_left),
        spawning_test(draining_for_ever_ends_with_the_time_or_a_cancel),
        spawning_test(a_grandchild_that_writes_for_ever_is_left),
        spawning_test(lines_and_chunks_go_to_functions_with_one_end_each),
        spawning_test(a_function_that_refuses_closes_the_stream_under_the_writer),
        spawning_test(a_function_supplies_what_the_child_reads),
        spawning_test(a_function_may_run_another_child),
        spawning_test(a_start_that_fails_leaves_an_empty_result),
        spawning_test(what_nobody_would_read_or_wait_for_is_refused),
        spawning_test(a_cancelled_thread_finishes_its_run_first),
        spawning_test(a_result_is_given_back_once_and_again),
        spawning_test(a_result_says_in_words_how_it_went),
    };
    return run_suite("run", tests, sizeof tests / sizeof tests[0], argc, argv);
}
