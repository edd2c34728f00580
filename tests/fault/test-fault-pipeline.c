/* SPDX-License-Identifier: MIT */
/* Fault runs of pipelines and copies: whatever call fails while whichever stage starts or runs, nothing is left. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <proc/proc.h>

#include "fault.h"

#define LONG_MS 8000
#define INPUT_SIZE 70000 /* more than a pipe holds */

static const proc_stop_steps quick_stop = {(const proc_stop_step[]){{SIGKILL, PROC_ONE, 2000}}, 1};

static const char *input(void)
{
    static char bytes[INPUT_SIZE];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i % 251);
    return bytes;
}

static int is_empty(const proc_result *result)
{
    return result->exit.kind == PROC_RUNNING && result->out.len == 0 && result->err.len == 0 && result->error == 0 &&
           result->output_count == 0 && result->stage_count == 0 && !result->stages;
}

/* All came through, or the result says what is missing. */
static void check_copy(struct attempt *attempt, const proc_result *result)
{
    int complete = result->out.len == INPUT_SIZE && memcmp(result->out.data, input(), INPUT_SIZE) == 0;
    if (!complete && proc_result_ok(result))
        find_wrong(attempt, "bytes are lost, and the result is good");
    for (size_t i = 0; i < result->stage_count; i++)
        if (result->stages[i].kind == PROC_RUNNING && !result->error)
            find_wrong(attempt, "a stage still runs, and no error tells why");
}

/* ---- Starting ---- */

static proc_child *const no_child = (proc_child *)(uintptr_t)0x5a5a;

static void start_stages(struct attempt *attempt, const proc_request requests[], proc_options *options)
{
    proc_child *children[3] = {no_child, no_child, no_child};
    attempt->takes_error = 1;
    options->size = sizeof *options;
    options->stop = quick_stop;
    options->error = &attempt->error;
    fault_begin();
    attempt->rc = proc_spawn_pipeline(children, requests, options);
    fault_end();
    attempt->untouched = children[0] == no_child && children[1] == no_child && children[2] == no_child;
    for (int i = 0; attempt->rc > 0 && i < 3; i++) {
        int rc = proc_wait(children[i], LONG_MS, NULL);
        if (rc < 0)
            snprintf(attempt->wrong, sizeof attempt->wrong, "waiting for %d says %s", i, rc_name(rc));
    }
    for (int i = 0; attempt->rc > 0 && i < 3; i++)
        proc_child_free(children[i]);
}

static void start_plainly(struct attempt *attempt)
{
    start_stages(attempt, PROC_REQUESTS(PROC_REQUEST("true"), PROC_REQUEST("true"), PROC_REQUEST("true")),
                 &(proc_options){0});
}

static void start_with_all_kinds(struct attempt *attempt)
{
    start_stages(attempt,
                 PROC_REQUESTS(PROC_REQUEST("true"), {PROC_ARGV("true"), PROC_OPTIONS(.err = PROC_PIPE, .cwd = "/")},
                               PROC_REQUEST("true")),
                 &(proc_options){.flags = PROC_NEW_GROUP,
                                 .in = PROC_PIPE,
                                 .out = PROC_PIPE,
                                 .err = PROC_PATH("/dev/null"),
                                 .env_edit = PROC_ENV("A=1")});
}

/* The first has started by then, and waits for its input. */
static void start_what_is_not_there(struct attempt *attempt)
{
    start_stages(attempt, PROC_REQUESTS(PROC_REQUEST("cat"), PROC_REQUEST("/no/such/program"), PROC_REQUEST("true")),
          &(proc_options){.in = PROC_PIPE, .flags = PROC_NEW_GROUP});
    if (attempt->rc >= 0)
        find_wrong(attempt, "started what is not there");
    if (attempt->rc == -ENOENT)
        attempt->rc = 0;
}

static void a_start_of_stages_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"pipeline", start_plainly},
        {"pipeline with all kinds", start_with_all_kinds},
        {"pipeline of a missing program", start_what_is_not_there},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

/* ---- Running ---- */

static void run(struct attempt *attempt, const proc_request requests[], proc_options *options, int checks_copy)
{
    proc_result result;
    memset(&result, 0x5a, sizeof result);
    attempt->takes_error = 1;
    options->size = sizeof *options;
    options->stop = quick_stop;
    options->error = &attempt->error;
    fault_begin();
    attempt->rc = proc_pipeline(&result, requests, options);
    fault_end();
    attempt->untouched = is_empty(&result);
    if (attempt->rc == 0 && checks_copy)
        check_copy(attempt, &result);
    proc_result_done(&result);
}

static void run_fed_and_captured(struct attempt *attempt)
{
    run(attempt, PROC_REQUESTS(PROC_REQUEST("cat"), {PROC_ARGV(CHILD, "cat"), PROC_OPTIONS(.err = PROC_CAPTURE)}),
        &(proc_options){.in = PROC_BYTES(input(), INPUT_SIZE), .out = PROC_CAPTURE, .err = PROC_CAPTURE,
                        .timeout_ms = LONG_MS}, 1);
}

static void run_until_the_time_is_over(struct attempt *attempt)
{
    run(attempt, PROC_REQUESTS(PROC_REQUEST(CHILD, "sleep", "forever"), PROC_REQUEST("cat")),
        &(proc_options){.timeout_ms = 20, .flags = PROC_NEW_GROUP}, 0);
}

static void running_stages_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"pipeline, fed and captured", run_fed_and_captured},
        {"pipeline, out of time", run_until_the_time_is_over},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

/* ---- Copies ---- */

/* Captures from a child that copies its input, with a copy to fd. */
static void run_with_tee(struct attempt *attempt, int fd)
{
    proc_result result;
    attempt->takes_error = 1;
    proc_options options = {.size = sizeof options, .in = PROC_BYTES(input(), INPUT_SIZE), .out = PROC_CAPTURE_TEE(fd),
                            .timeout_ms = LONG_MS, .stop = quick_stop, .error = &attempt->error};
    fault_begin();
    attempt->rc = proc_run(&result, PROC_ARGV(CHILD, "cat"), &options);
    fault_end();
    attempt->untouched = is_empty(&result);
    if (attempt->rc == 0)
        check_copy(attempt, &result);
    proc_result_done(&result);
}

static void tee_to_a_file(struct attempt *attempt)
{
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    run_with_tee(attempt, fd);
    close(fd);
}

/* What it takes is more than it holds, so the rest is kept, given up in the end, and missed by nobody else. */
static void tee_to_what_is_full(struct attempt *attempt, int fd, int other)
{
    proc_result result;
    proc_child *child;
    proc_options options = {.size = sizeof options, .out = PROC_CAPTURE_TEE(fd), .stop = quick_stop};
    int rc = proc_spawn(&child, PROC_ARGV(CHILD, "write", "1000"), &options);
    if (rc < 0)
        complain("could not start: %s", rc_name(rc));
    fault_begin();
    (void)proc_pump_fd(child);
    do
        attempt->rc = proc_collect(child, 150, &result);
    while (attempt->rc == -ETIMEDOUT);
    fault_end();
    attempt->untouched = is_empty(&result);
    if (attempt->rc == 0 && result.out.len != 1000 && !result.out.error)
        find_wrong(attempt, "bytes that were to be kept are lost");
    if (attempt->rc == 0 && result.out.tee_error == 0 && result.out.total > 0)
        find_wrong(attempt, "the full target is not told");
    proc_result_done(&result);
    proc_child_free(child);
    close(fd);
    close(other);
}

static void tee_to_a_full_pipe(struct attempt *attempt)
{
    int ends[2];
    static const char zeros[4096];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        complain("no pipe");
    while (write(ends[1], zeros, sizeof zeros) > 0)
        ;
    fcntl(ends[1], F_SETFL, 0);
    tee_to_what_is_full(attempt, ends[1], ends[0]);
}

static void tee_to_a_full_socket(struct attempt *attempt)
{
    int ends[2];
    static const char zeros[4096];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        complain("no sockets");
    while (send(ends[1], zeros, sizeof zeros, MSG_DONTWAIT) > 0)
        ;
    tee_to_what_is_full(attempt, ends[1], ends[0]);
}

static void a_copy_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"tee to a file", tee_to_a_file},
        {"tee to a full pipe", tee_to_a_full_pipe},
        {"tee to a full socket", tee_to_a_full_socket},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        pidfd_test(a_start_of_stages_leaves_no_trace_when_a_call_fails),
        pidfd_test(running_stages_leaves_no_trace_when_a_call_fails),
        pidfd_test(a_copy_leaves_no_trace_when_a_call_fails),
    };
    return run_suite("fault-pipeline", tests, sizeof tests / sizeof tests[0], argc, argv);
}
