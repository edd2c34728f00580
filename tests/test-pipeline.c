/* SPDX-License-Identifier: MIT */
/* Black box: a | b | c, run to the end or started as handles. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <proc/proc.h>

#include "started.h"

#define MIB ((size_t)1 << 20)
/* One stage with options: {arguments, options}. */
#define STAGE(argv, ...) {argv, PROC_OPTIONS(__VA_ARGS__)}
#define SHELL(text) PROC_ARGV("sh", "-c", text, CHILD)
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

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

static void assert_text(const proc_result *result, const char *expected)
{
    char text[200];
    proc_result_text(result, text, sizeof text);
    assert_string_equal(text, expected);
}

/* ---- Bytes ---- */

static void what_one_stage_writes_the_next_one_reads(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("tr", "a-z", "A-Z"), PROC_REQUEST("sort"),
                                                   PROC_REQUEST("head", "-n", "2")),
                            PROC_OPTIONS(.in = PROC_TEXT("pear\nplum\nfig\n"), .out = PROC_CAPTURE, .timeout_ms = 20000)), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(result.out.data, "FIG\nPEAR\n");
    assert_int_equal(result.out.stage, 2);
    assert_int_equal(result.stage_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_exited(&result.stages[i], 0);
    assert_true(result.usage.max_rss_bytes > 0);
    assert_int_equal(result.timed_out | result.cancelled | result.output_open | result.input_cut | result.error, 0);
    assert_text(&result, "exited with 0");
    proc_result_done(&result);
    assert_null(result.stages);
    proc_result_done(&result);
}

static void ten_megabytes_go_through_all_stages(void **state)
{
    (void)state;
    size_t size = 10 * MIB;
    char *data = malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i % 251);
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("cat"), PROC_REQUEST(CHILD, "cat"), PROC_REQUEST("cat")),
                            PROC_OPTIONS(.in = PROC_BYTES(data, size), .out = PROC_CAPTURE)), 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.input_cut, 0);
    assert_int_equal(result.out.len, size);
    assert_memory_equal(result.out.data, data, size);
    free(data);
    proc_result_done(&result);
}

static int64_t supply_for_ever(int fd, char *buffer, size_t size, void *user)
{
    (void)fd, (void)user;
    memset(buffer, 'x', size);
    return (int64_t)size;
}

static void endless_input_of_a_stage_that_does_not_read_is_cut(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST(CHILD, "exit", "0"), PROC_REQUEST("cat")),
                            PROC_OPTIONS(.in = PROC_SUPPLY(supply_for_ever, NULL), .out = PROC_CAPTURE)), 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.input_cut, 1);
    assert_string_equal(result.out.data, "");
    proc_result_done(&result);
}

static int add_line(int fd, const char *data, size_t len, void *user)
{
    (void)fd;
    if (len > 0) {
        strncat(user, data, len);
        strcat(user, "|");
    }
    return 0;
}

static void files_and_functions_are_at_both_ends(void **state)
{
    (void)state;
    char *directory = directory_make(), *from = path_in(directory, "from"), *to = path_in(directory, "to");
    char lines[100] = "", errors[100] = "";
    file_write(from, "two\none\n");
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("cat"), PROC_REQUEST("sort")),
                            PROC_OPTIONS(.in = PROC_PATH(from), .out = PROC_PATH(to))), 0);
    proc_result_done(&result);
    char *text = file_read(to);
    assert_string_equal(text, "one\ntwo\n");
    free(text);
    assert_rc(proc_pipeline(&result, PROC_REQUESTS({SHELL("echo first >&2; cat"), NULL}, PROC_REQUEST("sort")),
                            PROC_OPTIONS(.in = PROC_PATH(from), .out = PROC_LINES(add_line, lines),
                                         .err = PROC_LINES(add_line, errors))), 0);
    assert_string_equal(lines, "one\n|two\n|");
    assert_string_equal(errors, "first\n|");
    proc_result_done(&result);
    free(from);
    free(to);
    directory_remove(directory);
}

static void a_pipeline_may_have_one_stage_or_many(void **state)
{
    (void)state;
    const char *const *cat = PROC_ARGV("cat");
    proc_request many[41] = {{NULL, NULL}};
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("cat")),
                            PROC_OPTIONS(.in = PROC_TEXT("x"), .out = PROC_CAPTURE, .err = PROC_CAPTURE)), 0);
    assert_string_equal(result.out.data, "x");
    assert_int_equal(result.stage_count, 1);
    proc_result_done(&result);
    for (int i = 0; i < 40; i++)
        many[i].argv = cat;
    assert_rc(proc_pipeline(&result, many, PROC_OPTIONS(.in = PROC_TEXT("x"), .out = PROC_CAPTURE)), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(result.out.data, "x");
    assert_int_equal(result.stage_count, 40);
    proc_result_done(&result);
}

/* ---- Ends ---- */

static void a_stage_that_feeds_one_that_has_ended_is_no_failure(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST(CHILD, "write-forever"), PROC_REQUEST("head", "-c", "5"),
                                                   PROC_REQUEST("wc", "-c")), PROC_OPTIONS(.out = PROC_CAPTURE)), 0);
    assert_killed(&result.stages[0], SIGPIPE);
    assert_exited(&result.stages[1], 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(atoi(result.out.data), 5);
    proc_result_done(&result);
    /* The last one feeds nobody. */
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("true"), PROC_REQUEST(CHILD, "kill", "13")), NULL), 0);
    assert_false(proc_result_ok(&result));
    proc_result_done(&result);
}

static void the_last_failure_is_told_as_pipefail_does(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST(CHILD, "exit", "3"), PROC_REQUEST(CHILD, "exit", "4"),
                                                   PROC_REQUEST("cat")), PROC_OPTIONS(.out = PROC_CAPTURE)), 0);
    assert_exited(&result.exit, 0);
    assert_exited(&result.stages[0], 3);
    assert_exited(&result.stages[1], 4);
    assert_false(proc_result_ok(&result));
    assert_text(&result, "exited with 0; stage 1 exited with 4");
    /* Who does not care about those in front asks about the last. */
    assert_true(proc_exit_ok(&result.exit));
    proc_result_done(&result);
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("true"), PROC_REQUEST("false")), NULL), 0);
    assert_exited(&result.exit, 1);
    assert_false(proc_result_ok(&result));
    assert_text(&result, "exited with 1");
    proc_result_done(&result);
}

static void a_stage_that_cannot_start_takes_all_others_with_it(void **state)
{
    (void)state;
    proc_result result;
    proc_error error = {0};
    proc_child *untouched = (proc_child *)&error, *children[3] = {untouched, untouched, untouched};
    const proc_request requests[] = {{CHILD_DOES("sleep", "forever"), NULL},
                                     {PROC_ARGV("/no/such/program", "x"), NULL},
                                     {CHILD_DOES("cat"), NULL},
                                     {NULL, NULL}};
    memset(&result, 0xa5, sizeof result);
    assert_rc(proc_pipeline(&result, requests, PROC_OPTIONS(.out = PROC_CAPTURE, .flags = PROC_NEW_GROUP, .error = &error)),
              -ENOENT);
    assert_int_equal(error.step, PROC_STEP_EXEC);
    assert_int_equal(error.stage, 1);
    assert_string_equal(error.text, "pipeline \"/no/such/program\": exec \"/no/such/program\": No such file or directory");
    assert_int_equal(result.stage_count, 0);
    assert_string_equal(result.out.data, "");
    proc_result_done(&result);
    assert_rc(proc_spawn_pipeline(children, requests, PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_DETACH, .error = &error)),
              -ENOENT);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(children[i], untouched);
}

static int until_a_byte_comes(void *fd)
{
    char byte;
    return read(*(int *)fd, &byte, 1) == 1 ? 0 : -EIO;
}

/* The last stage fails only when the second one is about to read. */
static void a_killed_stage_is_no_end_of_input_for_the_next_one(void **state)
{
    (void)state;
    char *directory = directory_make(), *mark = path_in(directory, "mark");
    for (int i = 0; i < 30; i++) {
        int ready[2];
        proc_child *children[3];
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        const proc_request requests[] = {
            {CHILD_DOES("sleep", "forever"), NULL},
            STAGE(PROC_ARGV("sh", "-c", "echo >&3; read l; : >\"$0\"", mark), .fds = PROC_FDS({3, PROC_FD(ready[1])})),
            STAGE(PROC_ARGV("/no/such/program"), .fds = PROC_FDS({3, PROC_FD(ready[0])}),
                  .hook = PROC_HOOK(until_a_byte_comes, (int[]){3})),
            {NULL, NULL}};
        assert_rc(proc_spawn_pipeline(children, requests, NULL), -ENOENT);
        close(ready[0]);
        close(ready[1]);
        assert_int_equal(access(mark, F_OK), -1);
    }
    free(mark);
    directory_remove(directory);
}

/* ---- Errors of all, and of each ---- */

static void one_err_of_all_comes_in_the_order_of_its_writing(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS({SHELL("echo a >&2; echo"), NULL},
                                                   {SHELL("read l; echo b >&2; echo"), NULL},
                                                   {SHELL("read l; echo c >&2"), NULL}),
                            PROC_OPTIONS(.err = PROC_CAPTURE, .timeout_ms = PATIENCE_MS)), 0);
    assert_string_equal(result.err.data, "a\nb\nc\n");
    assert_int_equal(result.output_count, 0);
    assert_int_equal(result.output_open, 0);
    proc_result_done(&result);
}

static void a_stage_may_have_an_err_of_its_own(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(STAGE(SHELL("echo a >&2; echo A >&3"), .err = PROC_CAPTURE,
                                                         .fds = PROC_FDS({3, PROC_CAPTURE})),
                                                   {SHELL("cat; echo b >&2"), NULL},
                                                   STAGE(SHELL("cat; echo c >&2"), .err = PROC_CAPTURE)),
                            PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_CAPTURE)), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(result.err.data, "b\n");
    assert_int_equal(result.err.stage, 1);
    static const struct {
        int stage, fd;
        const char *text;
    } expected[] = {{0, 2, "a\n"}, {0, 3, "A\n"}, {2, 2, "c\n"}};
    assert_int_equal(result.output_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(result.outputs[i].stage, expected[i].stage);
        assert_int_equal(result.outputs[i].fd, expected[i].fd);
        assert_string_equal(result.outputs[i].data, expected[i].text);
    }
    proc_result_done(&result);
}

static void the_own_err_of_a_single_stage_is_collected(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(STAGE(SHELL("echo a >&2; echo A"), .err = PROC_CAPTURE)),
                            PROC_OPTIONS(.out = PROC_CAPTURE)), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(result.out.data, "A\n");
    assert_string_equal(result.err.data, "");
    assert_int_equal(result.output_count, 1);
    assert_int_equal(result.outputs[0].fd, 2);
    assert_string_equal(result.outputs[0].data, "a\n");
    proc_result_done(&result);
}

static void a_file_for_all_errors_is_opened_once(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "log");
    file_write(path, "old");
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS({SHELL("echo a >&2; echo"), NULL}, {SHELL("read l; echo b >&2"), NULL}),
                            PROC_OPTIONS(.err = PROC_PATH(path))), 0);
    char *text = file_read(path);
    assert_string_equal(text, "a\nb\n");
    free(text);
    free(path);
    directory_remove(directory);
    proc_result_done(&result);
}

static void err_may_go_the_way_of_out(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS({SHELL("echo a; echo b >&2"), NULL}, PROC_REQUEST("cat")),
                            PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_SAME_AS(1))), 0);
    assert_string_equal(result.out.data, "a\nb\n");
    proc_result_done(&result);
}

/* ---- Options ---- */

static void what_a_stage_does_not_say_is_as_the_pipeline_says(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS({SHELL("echo $A; pwd; umask"), NULL},
                                                   STAGE(SHELL("cat; echo $A; pwd; umask"), .env_edit = PROC_ENV("A=2")),
                                                   STAGE(SHELL("cat; echo $A; pwd; umask"), .cwd = "/")),
                            PROC_OPTIONS(.out = PROC_CAPTURE, .env_edit = PROC_ENV("A=1"), .cwd = "/proc",
                                         .umask = PROC_MODE(027))), 0);
    assert_string_equal(result.out.data, "1\n/proc\n0027\n2\n/proc\n0027\n1\n/\n0027\n");
    proc_result_done(&result);
}

/* Seen from each place: no stage holds an end of another one's pipe. */
static void no_stage_has_more_than_its_own_descriptors(void **state)
{
    (void)state;
    const char *const *lists = CHILD_DOES("fds"), *const *passes = CHILD_DOES("cat"), *const *ends = CHILD_DOES("exit", "0");
    const proc_request cases[][4] = {
        {{lists, NULL}, {passes, NULL}, {passes, NULL}, {NULL, NULL}},
        {{ends, NULL}, {lists, NULL}, {passes, NULL}, {NULL, NULL}},
        {{ends, NULL}, {ends, NULL}, {lists, NULL}, {NULL, NULL}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        proc_result result;
        assert_rc(proc_pipeline(&result, cases[i], PROC_OPTIONS(.in = PROC_NULL, .out = PROC_CAPTURE, .err = PROC_CAPTURE)), 0);
        assert_string_equal(result.out.data, "0\n1\n2\n");
        proc_result_done(&result);
    }
}

static void what_makes_no_sense_in_a_pipeline_is_refused(void **state)
{
    (void)state;
    proc_error error;
    const proc_request plain[] = {{PROC_ARGV("true"), NULL}, {PROC_ARGV("true"), NULL}, {NULL, NULL}};
    const proc_options *stages[] = {
        PROC_OPTIONS(.in = PROC_NULL),           PROC_OPTIONS(.timeout_ms = 1),
        PROC_OPTIONS(.transfer = PROC_TRANSFER()), PROC_OPTIONS(.error = &error),
        PROC_OPTIONS(.stop = PROC_STOP_STEPS({SIGINT, PROC_ONE, 1})), PROC_OPTIONS(.in = {.size = 3}),
    };
    proc_result result;
    for (size_t i = 0; i < COUNT(stages); i++) {
        error = (proc_error){0};
        assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("true"), {PROC_ARGV("env"), stages[i]}),
                                PROC_OPTIONS(.error = &error)), -EINVAL);
        assert_int_equal(error.step, PROC_STEP_OPTIONS);
        assert_int_equal(error.stage, 1);
        assert_contains(error.text, "pipeline \"env\": options \"");
    }
    assert_rc(proc_pipeline(&result, PROC_REQUESTS({PROC_ARGV("env"), PROC_OPTIONS(.out = PROC_CAPTURE)}, PROC_REQUEST("true")),
                            PROC_OPTIONS(.error = &error)), -EINVAL);
    assert_int_equal(error.stage, 0);
    assert_string_equal(error.text, "pipeline \"env\": options \".out is what the next stage reads\" for descriptor 1: "
                                    "Invalid argument");
    const proc_options *all[] = {
        PROC_OPTIONS(.out = PROC_PIPE, .error = &error),
        PROC_OPTIONS(.flags = PROC_DETACH, .error = &error),
        PROC_OPTIONS(.flags = PROC_NEW_GROUP | PROC_NEW_SESSION, .error = &error),
        PROC_OPTIONS(.fds = PROC_FDS({5, PROC_CAPTURE}), .error = &error),
        PROC_OPTIONS(.in = PROC_PTY, .error = &error),
        PROC_OPTIONS(.err = PROC_CAPTURE_PTY, .error = &error),
        PROC_OPTIONS(.terminal = PROC_TERMINAL(.controlling_fd = PROC_INT(0)), .error = &error),
        PROC_OPTIONS(.timeout_ms = -2, .error = &error),
        PROC_OPTIONS(.flags = PROC_NEW_GROUP, .namespaces = PROC_NAMESPACES(.create = PROC_NS_PID), .error = &error),
    };
    for (size_t i = 0; i < COUNT(all); i++) {
        error = (proc_error){0};
        assert_rc(proc_pipeline(&result, plain, all[i]), -EINVAL);
        assert_int_equal(error.step, PROC_STEP_OPTIONS);
    }
    /* Also what is of no use, since the stages say something else. */
    error = (proc_error){0};
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(STAGE(PROC_ARGV("true"), .in = PROC_NULL)),
                            PROC_OPTIONS(.in = {.size = 3}, .error = &error)), -EINVAL);
    assert_string_equal(error.text, "pipeline: options \"entry: .size is not for this kind\" for descriptor 0: "
                                    "Invalid argument");
    assert_rc(proc_pipeline(&result, plain + 2, PROC_OPTIONS(.error = &error)), -EINVAL);
    assert_int_equal(error.stage, -1);
    assert_string_equal(error.text, "pipeline: options \"there is no stage\": Invalid argument");
    assert_rc(proc_pipeline(&result, NULL, NULL), -EINVAL);
    assert_rc(proc_pipeline(NULL, plain, NULL), -EINVAL);
    assert_rc(proc_spawn_pipeline(NULL, plain, NULL), -EINVAL);
}

/* A terminal of its own is a session of its own, which no group of all can have. */
static void a_stage_on_a_terminal_of_its_own_is_in_no_group_of_all(void **state)
{
    (void)state;
    proc_result result;
    proc_error error;
    const proc_request requests[] = {{PROC_ARGV("echo", "word"), NULL},
                                     {PROC_ARGV("cat"), PROC_OPTIONS(.out = PROC_CAPTURE_PTY)},
                                     {NULL, NULL}};
    assert_rc(proc_pipeline(&result, requests, PROC_OPTIONS(.flags = PROC_NEW_GROUP, .error = &error)), -EINVAL);
    assert_contains(error.text, "pipeline \"cat\": options \"PROC_NEW_GROUP of all excludes a new session");
    assert_rc(proc_pipeline(&result, requests, NULL), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(result.out.data, "word\r\n");
    proc_result_done(&result);
}

static void a_descriptor_that_is_not_open_never_becomes_one_of_ours(void **state)
{
    (void)state;
    proc_result result;
    proc_error error;
    int lowest = fcntl(0, F_DUPFD_CLOEXEC, 3);
    close(lowest);
    for (int number = lowest; number < lowest + 6; number++) {
        if (fcntl(number, F_GETFD) >= 0)
            continue;
        assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("cat"), STAGE(PROC_ARGV("env"), .err = PROC_FD(number))),
                                PROC_OPTIONS(.in = PROC_TEXT(""), .error = &error)), -EBADF);
        assert_contains(error.text, "pipeline \"env\": descriptor 2: ");
    }
}

/* ---- Time, cancelling, stopping ---- */

static void all_stages_are_stopped_when_the_time_is_over(void **state)
{
    (void)state;
    static const uint32_t flags[] = {0, PROC_NEW_GROUP, PROC_NEW_SESSION};
    for (size_t i = 0; i < COUNT(flags); i++) {
        proc_result result;
        assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST(CHILD, "sleep", "forever"),
                                                       PROC_REQUEST("cat"),
                                                       PROC_REQUEST(CHILD, "sleep", "forever")),
                                PROC_OPTIONS(.out = PROC_CAPTURE, .timeout_ms = 50, .flags = flags[i])), 0);
        assert_int_equal(result.timed_out, 1);
        assert_true(result.duration_ms >= 50);
        for (int stage = 0; stage < 3; stage++)
            assert_killed(&result.stages[stage], SIGTERM);
        assert_text(&result, "timed out, killed by SIGTERM; stage 1 killed by SIGTERM");
        proc_result_done(&result);
    }
}

static int cancel_at_first_line(int fd, const char *line, size_t len, void *user)
{
    (void)fd, (void)line;
    return len > 0 && write(*(int *)user, "!", 1) != 1 ? -EIO : 0;
}

static void a_cancel_stops_all_by_the_steps_whoever_has_ended(void **state)
{
    (void)state;
    static const uint32_t flags[] = {0, PROC_NEW_GROUP};
    for (size_t i = 0; i < COUNT(flags); i++) {
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        proc_result result;
        /* The first, which leads the group, has ended when the last one speaks, which does not hear the first signal. */
        assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("true"),
                                                       {SHELL("cat; echo; exec \"$0\" sleep forever"), NULL},
                                                       {SHELL("read line; exec \"$0\" ignore 15"), NULL}),
                                PROC_OPTIONS(.out = PROC_LINES(cancel_at_first_line, &ends[1]), .flags = flags[i],
                                             .stop = PROC_STOP_STEPS({SIGTERM, i ? PROC_GROUP : PROC_ONE, 50},
                                                                     {SIGKILL, i ? PROC_GROUP : PROC_ONE, -1}),
                                             .transfer = PROC_TRANSFER(.cancel_fd = &ends[0]))), 0);
        assert_int_equal(result.cancelled, 1);
        assert_int_equal(result.timed_out, 0);
        assert_exited(&result.stages[0], 0);
        assert_killed(&result.stages[1], SIGTERM);
        assert_killed(&result.stages[2], SIGKILL);
        proc_result_done(&result);
        close(ends[0]);
        close(ends[1]);
    }
}

/* poll(2) refuses more descriptors than the limit allows. */
static int cancel_with_a_low_limit(void *unused)
{
    (void)unused;
    int cancel[2];
    proc_child *child;
    proc_result result;
    if (pipe2(cancel, O_CLOEXEC) < 0 || write(cancel[1], "", 1) != 1)
        return 1;
    if (proc_spawn(&child, CHILD_DOES("sleep", "forever"),
                   PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_CAPTURE,
                                .transfer = PROC_TRANSFER(.cancel_fd = &cancel[0]))) < 0)
        return 2;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 2;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (proc_collect(child, PATIENCE_MS, &result) != 0 || !result.cancelled)
        return 3;
    proc_result_done(&result);
    proc_child_free(child);
    return 0;
}

static void a_cancel_is_noticed_whatever_the_limit(void **state)
{
    (void)state;
    assert_in_fork(cancel_with_a_low_limit, NULL);
}

/* From now on everybody else comes first, and more so after some work. */
static int step_back_and_cancel(int fd, const char *data, size_t len, void *cancel)
{
    (void)fd, (void)data;
    if (len == 0)
        return 0;
    sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
    for (int64_t until = proc_now_ms() + 50; proc_now_ms() < until;)
        ;
    return write(*(int *)cancel, "", 1) == 1 ? 0 : -EIO;
}

/* On one CPU, where the next stage sees the end of the one before ahead of our next call. */
static int cancel_in_slow_motion(void *mark)
{
    int cancel[2];
    cpu_set_t here;
    proc_result result;
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    if (sched_setaffinity(0, sizeof here, &here) < 0 || pipe2(cancel, O_CLOEXEC) < 0)
        return 1;
    const proc_request requests[] = {
        {CHILD_DOES("sleep", "forever"), NULL},
        STAGE(PROC_ARGV("sh", "-c", "echo >&3; read l; : >\"$0\"", mark),
              .fds = PROC_FDS({3, PROC_CALLBACK(step_back_and_cancel, &cancel[1])})),
        {NULL, NULL}};
    if (proc_pipeline(&result, requests, PROC_OPTIONS(.transfer = PROC_TRANSFER(.cancel_fd = &cancel[0]))) < 0)
        return 2;
    int is_good = result.cancelled && access(mark, F_OK) < 0;
    proc_result_done(&result);
    return is_good ? 0 : 3;
}

static void a_stopped_stage_is_no_end_of_input_for_the_next_one(void **state)
{
    (void)state;
    char *directory = directory_make(), *mark = path_in(directory, "mark");
    for (int i = 0; i < 5; i++)
        assert_in_fork(cancel_in_slow_motion, mark);
    free(mark);
    directory_remove(directory);
}

static void a_stop_that_is_too_weak_tells_who_still_runs(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS({SHELL("exec \"$0\" ignore 15 2"), NULL},
                                                   {SHELL("cat; exit 6"), NULL}),
                            PROC_OPTIONS(.out = PROC_LINES(cancel_at_first_line, &ends[1]),
                                         .stop = PROC_STOP_STEPS({SIGINT, PROC_ONE, 1}),
                                         .transfer = PROC_TRANSFER(.cancel_fd = &ends[0]))), 0);
    assert_int_equal(result.stages[0].kind, PROC_RUNNING);
    assert_false(proc_result_ok(&result));
    proc_result_done(&result);
    close(ends[0]);
    close(ends[1]);
}

static void a_grandchild_that_holds_an_output_costs_the_drain_time(void **state)
{
    (void)state;
    int64_t before = patience_now();
    proc_result result;
    assert_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("true"), {SHELL("\"$0\" orphan; exit 7"), NULL}),
                            PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_CAPTURE)), 0);
    assert_true(patience_now() - before < PATIENCE_MS);
    assert_exited(&result.exit, 7);
    assert_int_equal(result.output_open, 1);
    assert_int_equal(result.out.open, 1);
    assert_int_equal(result.err.open, 1);
    assert_true(atoi(result.out.data) > 1);
    kill(atoi(result.out.data), SIGKILL);
    proc_result_done(&result);
}

/* ---- Handles ---- */

static void started_stages_are_fed_read_and_waited_for(void **state)
{
    (void)state;
    proc_child *stages[3];
    assert_rc(proc_spawn_pipeline(stages, PROC_REQUESTS(PROC_REQUEST("cat"), PROC_REQUEST("tr", "a-z", "A-Z"),
                                                        {SHELL("cat; echo err >&2"), NULL}),
                                  PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_PIPE)), 3);
    assert_rc(proc_write(stages[0], 0, "hello\n", 6, -1), 6);
    assert_rc(proc_close(stages[0], 0), 0);
    assert_rc(proc_child_stream(stages[0], 1), -EBADF);
    assert_rc(proc_child_stream(stages[0], 2), -EBADF);
    assert_string_equal(said(stages[2]), "HELLO");
    char *errors = all_of(stages[2], 2);
    assert_string_equal(errors, "err\n");
    free(errors);
    for (int i = 0; i < 3; i++) {
        assert_ends(stages[i], PROC_EXITED, 0);
        proc_child_free(stages[i]);
    }
}

static void one_group_is_led_by_the_first_and_signalled_as_one(void **state)
{
    (void)state;
    proc_child *stages[3];
    assert_rc(proc_spawn_pipeline(stages, PROC_REQUESTS(PROC_REQUEST("true"), PROC_REQUEST(CHILD, "sleep", "forever"),
                                                        PROC_REQUEST(CHILD, "sleep", "forever")),
                                  PROC_OPTIONS(.flags = PROC_NEW_GROUP)), 3);
    /* The first has ended, and as long as nobody waits for it the group keeps its number. */
    assert_eventually(state_of(proc_child_pid(stages[0])) == 'Z');
    for (int i = 0; i < 3; i++)
        assert_int_equal(getpgid(proc_child_pid(stages[i])), proc_child_pid(stages[0]));
    assert_rc(proc_kill(stages[1], SIGTERM, PROC_GROUP), -EINVAL);
    assert_rc(proc_kill(stages[0], SIGTERM, PROC_GROUP), 0);
    assert_ends(stages[1], PROC_SIGNALED, SIGTERM);
    assert_ends(stages[2], PROC_SIGNALED, SIGTERM);
    assert_ends(stages[0], PROC_EXITED, 0);
    for (int i = 0; i < 3; i++)
        proc_child_free(stages[i]);
}

static int run_without_zombies(void *arg)
{
    (void)arg;
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 30; i++) {
        proc_result result;
        require(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST("true"), PROC_REQUEST("true"), PROC_REQUEST("true")),
                              PROC_OPTIONS(.flags = PROC_NEW_GROUP)) == 0);
        proc_result_done(&result);
    }
    signal(SIGCHLD, SIG_DFL);
    return 0;
}

static void a_group_whose_members_vanish_is_no_failure(void **state)
{
    (void)state;
    assert_in_fork(run_without_zombies, NULL);
}

static void detached_stages_run_on(void **state)
{
    (void)state;
    int pids[2];
    proc_child *stages[2];
    assert_rc(proc_spawn_pipeline(stages, PROC_REQUESTS(PROC_REQUEST(CHILD, "sleep", "forever"),
                                                        PROC_REQUEST(CHILD, "sleep", "forever")),
                                  PROC_OPTIONS(.flags = PROC_DETACH)), 2);
    for (int i = 0; i < 2; i++) {
        pids[i] = proc_child_pid(stages[i]);
        proc_child_free(stages[i]);
        assert_int_equal(kill(pids[i], 0), 0);
        end_process(pids[i]);
    }
}

static void a_pump_moves_the_bytes_of_all_stages(void **state)
{
    (void)state;
    proc_child *stages[2];
    int rc;
    assert_rc(proc_spawn_pipeline(stages, PROC_REQUESTS({SHELL("cat; echo a >&2"), NULL}, PROC_REQUEST("cat")),
                                  PROC_OPTIONS(.in = PROC_TEXT("hello"), .out = PROC_CAPTURE, .err = PROC_CAPTURE)), 2);
    while ((rc = proc_pump(stages, 2, PATIENCE_MS)) > 0)
        ;
    assert_rc(rc, 0);
    proc_result result;
    assert_rc(proc_collect(stages[1], -1, &result), 0);
    assert_string_equal(result.out.data, "hello");
    assert_string_equal(result.err.data, "a\n");
    assert_null(result.stages);
    proc_result_done(&result);
    for (int i = 0; i < 2; i++)
        proc_child_free(stages[i]);
}

/* ---- Threads ---- */

struct crowd {
    proc_child *stages[3];
    _Atomic int stop;
};

static void *use_all_verbs(void *arg)
{
    struct crowd *crowd = arg;
    while (!atomic_load(&crowd->stop)) {
        proc_usage usage;
        proc_result result;
        for (int i = 0; i < 3; i++) {
            (void)proc_wait(crowd->stages[i], 0, NULL);
            (void)proc_kill(crowd->stages[i], 0, i ? PROC_ONE : PROC_GROUP);
            (void)proc_child_usage(crowd->stages[i], &usage);
            (void)proc_pump_fd(crowd->stages[i]);
        }
        (void)proc_pump(crowd->stages, 3, 1);
        if (proc_collect(crowd->stages[2], 0, &result) == 0)
            proc_result_done(&result);
    }
    return NULL;
}

static void eight_threads_use_the_handles_of_one_pipeline(void **state)
{
    (void)state;
    struct crowd crowd = {.stop = 0};
    pthread_t threads[8];
    int copy = open("/dev/null", O_WRONLY | O_CLOEXEC);
    proc_stdio out = PROC_CAPTURE_TAIL(1000);
    out.flags |= PROC_STDIO_TEE;
    out.fd = copy;
    assert_rc(proc_spawn_pipeline(crowd.stages, PROC_REQUESTS(PROC_REQUEST(CHILD, "write-forever"), PROC_REQUEST("cat"),
                                                              PROC_REQUEST("head", "-c", "3000000")),
                                  PROC_OPTIONS(.out = out, .err = PROC_CAPTURE, .flags = PROC_NEW_GROUP)), 3);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_all_verbs, &crowd), 0);
    int rc = proc_wait(crowd.stages[2], PATIENCE_MS, NULL);
    proc_exit first = {0};
    int first_rc = proc_wait(crowd.stages[0], PATIENCE_MS, &first);
    atomic_store(&crowd.stop, 1);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++)
        proc_child_free(crowd.stages[i]);
    close(copy);
    assert_rc(rc, 0);
    assert_rc(first_rc, 0);
    assert_killed(&first, SIGPIPE);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(what_one_stage_writes_the_next_one_reads),
        spawning_test(ten_megabytes_go_through_all_stages),
        spawning_test(endless_input_of_a_stage_that_does_not_read_is_cut),
        spawning_test(files_and_functions_are_at_both_ends),
        spawning_test(a_pipeline_may_have_one_stage_or_many),
        spawning_test(a_stage_that_feeds_one_that_has_ended_is_no_failure),
        spawning_test(the_last_failure_is_told_as_pipefail_does),
        spawning_test(a_stage_that_cannot_start_takes_all_others_with_it),
        spawning_test(a_killed_stage_is_no_end_of_input_for_the_next_one),
        spawning_test(one_err_of_all_comes_in_the_order_of_its_writing),
        spawning_test(a_stage_may_have_an_err_of_its_own),
        spawning_test(the_own_err_of_a_single_stage_is_collected),
        spawning_test(a_file_for_all_errors_is_opened_once),
        spawning_test(err_may_go_the_way_of_out),
        spawning_test(what_a_stage_does_not_say_is_as_the_pipeline_says),
        spawning_test(no_stage_has_more_than_its_own_descriptors),
        spawning_test(what_makes_no_sense_in_a_pipeline_is_refused),
        spawning_test(a_stage_on_a_terminal_of_its_own_is_in_no_group_of_all),
        spawning_test(a_descriptor_that_is_not_open_never_becomes_one_of_ours),
        spawning_test(all_stages_are_stopped_when_the_time_is_over),
        spawning_test(a_cancel_stops_all_by_the_steps_whoever_has_ended),
        spawning_test(a_cancel_is_noticed_whatever_the_limit),
        spawning_test(a_stopped_stage_is_no_end_of_input_for_the_next_one),
        spawning_test(a_stop_that_is_too_weak_tells_who_still_runs),
        spawning_test(a_grandchild_that_holds_an_output_costs_the_drain_time),
        spawning_test(started_stages_are_fed_read_and_waited_for),
        spawning_test(one_group_is_led_by_the_first_and_signalled_as_one),
        spawning_test(a_group_whose_members_vanish_is_no_failure),
        spawning_test(detached_stages_run_on),
        spawning_test(a_pump_moves_the_bytes_of_all_stages),
        spawning_test(eight_threads_use_the_handles_of_one_pipeline),
    };
    return run_suite("pipeline", tests, sizeof tests / sizeof tests[0], argc, argv);
}
