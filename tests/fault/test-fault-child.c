/* SPDX-License-Identifier: MIT */
/* Fault runs of everything that one does with a child: start, feed, read, wait, signal, stop, run, collect, free. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/probe.h"
#include "child/handle.h"
#include "fault.h"

#define LONG_MS 8000
#define INPUT_SIZE 100000 /* more than a pipe holds */

static const proc_stop_steps quick_stop = {(const proc_stop_step[]){{SIGKILL, PROC_ONE, 2000}}, 1};

/* ---- Starting ---- */

static proc_child *const no_child = (proc_child *)(uintptr_t)0x5a5a;

/* Starts under faults, and if that has worked takes the child to its end without. */
static void spawn(struct attempt *attempt, const char *const argv[], proc_options *options, int code)
{
    proc_child *child = no_child;
    attempt->takes_error = 1;
    options->error = &attempt->error;
    fault_begin();
    attempt->rc = proc_spawn(&child, argv, options);
    fault_end();
    attempt->untouched = child == no_child;
    if (attempt->rc < 0)
        return;
    proc_exit end = {0};
    int rc = proc_wait(child, LONG_MS, &end);
    if (rc < 0)
        snprintf(attempt->wrong, sizeof attempt->wrong, "waiting says %s", rc_name(rc));
    else if (end.kind != PROC_EXITED || end.code != code)
        snprintf(attempt->wrong, sizeof attempt->wrong, "ended as %d with %d", end.kind, end.code);
    proc_child_free(child);
}

static void spawn_plainly(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV("true"), &(proc_options){.size = sizeof(proc_options)}, 0);
}

static void spawn_bound_to_us(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV("true"), &(proc_options){.size = sizeof(proc_options), .flags = PROC_DIE_WITH_PARENT}, 0);
}

/* All that does not need to be root, and many descriptors that have to change places. */
static void spawn_with_all_options(struct attempt *attempt)
{
    int here = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), high = fcntl(here, F_DUPFD_CLOEXEC, 5);
    const proc_slot slots[] = {
        {4, PROC_FD(here)},     {here, PROC_FD(high)},    {high, PROC_FD(here)}, {20, PROC_PIPE_FROM_CHILD},
        {21, PROC_SAME_AS(20)}, {22, PROC_PIPE_TO_CHILD}, {23, PROC_NULL},
    };
    size_t first = here == 4 || high == 4 ? 1 : 0;
    spawn(attempt, PROC_ARGV("true", "one", "two"),
          &(proc_options){
              .size = sizeof(proc_options),
              .flags = PROC_NEW_GROUP,
              .in = PROC_NULL,
              .out = PROC_PATH("/dev/null"),
              .err = PROC_SAME_AS(1),
              .fds = {slots + first, sizeof slots / sizeof slots[0] - first},
              .env = PROC_ENV("A=1", "PATH=/nowhere:/usr/bin:/bin"),
              .env_edit = PROC_ENV("B=2", "A"),
              .cwd = "bin/..",
              .umask = PROC_MODE(027),
              .stop = quick_stop,
              .start = PROC_START(.candidates = PROC_NAMES("no-such-program", "true"), .cwd_fd = PROC_INT(here)),
              .signals = PROC_DISPOSITIONS(.block = PROC_SIGNAL(SIGUSR1), .ignore = PROC_SIGNAL(SIGUSR2),
                                           .reset = PROC_SIGNAL(SIGHUP)),
          },
          0);
    close(here);
    close(high);
}

static void spawn_with_inherited_signals(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV("true"),
          &(proc_options){.size = sizeof(proc_options),
                          .flags = PROC_INHERIT_SIGNALS | PROC_INHERIT_FDS | PROC_NEW_SESSION},
          0);
}

static void spawn_as_somebody_else(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV("true"),
          &(proc_options){.size = sizeof(proc_options),
                          .ids = PROC_IDS(.uid = PROC_UID(65534), .gid = PROC_GID(65534), .groups = PROC_GROUPS(1, 2))},
          0);
}

static void spawn_with_pipes(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV("true"),
          &(proc_options){.size = sizeof(proc_options), .in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_PIPE}, 0);
}

static void spawn_with_transfers(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV("true"),
          &(proc_options){.size = sizeof(proc_options), .in = PROC_TEXT("x"), .out = PROC_CAPTURE, .err = PROC_CAPTURE},
          0);
}

static void spawn_with_stdio_closed(struct attempt *attempt)
{
    int aside[3];
    for (int fd = 0; fd < 3; fd++) {
        aside[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        close(fd);
    }
    spawn_with_pipes(attempt);
    for (int fd = 0; fd < 3; fd++) {
        dup2(aside[fd], fd);
        close(aside[fd]);
    }
}

/* A start that has to fail anyway: the program is missing. Whatever else fails, nothing is left behind. */
static void spawn_what_is_not_there(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV("/no/such/program"),
          &(proc_options){.size = sizeof(proc_options), .in = PROC_PIPE, .out = PROC_PIPE}, 0);
    if (attempt->rc >= 0)
        find_wrong(attempt, "started what is not there");
    if (attempt->rc == -ENOENT)
        attempt->rc = 0;
}

static void a_start_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"spawn", spawn_plainly},
        {"spawn bound to us", spawn_bound_to_us},
        {"spawn with all options", spawn_with_all_options},
        {"spawn with inherited signals", spawn_with_inherited_signals},
        {"spawn with pipes", spawn_with_pipes},
        {"spawn with transfers", spawn_with_transfers},
        {"spawn with stdio closed", spawn_with_stdio_closed},
        {"spawn of a missing program", spawn_what_is_not_there},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

static void a_start_with_other_ids_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenario = {"spawn as somebody else", spawn_as_somebody_else};
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("only root can change ids");
    fault_check(&scenario, 1);
}

/* ---- Living with a child: started without faults ---- */

static proc_child *start_or_give_up(const char *const argv[], proc_options options)
{
    proc_child *child;
    options.size = sizeof options;
    options.stop.items = options.stop.items ? options.stop.items : quick_stop.items;
    options.stop.count = options.stop.count ? options.stop.count : quick_stop.count;
    int rc = proc_spawn(&child, argv, &options);
    if (rc < 0)
        complain("could not start %s: %s", argv[0], rc_name(rc));
    return child;
}

static proc_child *start_and_read(const char *const argv[], proc_options options, const char *line)
{
    char got[64] = "";
    options.out = PROC_PIPE;
    proc_child *child = start_or_give_up(argv, options);
    for (size_t len = 0; len < strlen(line);) {
        int64_t more = proc_read(child, 1, got + len, sizeof got - 1 - len, LONG_MS);
        if (more <= 0)
            complain("read %s", rc_name(more));
        len += (size_t)more;
    }
    return child;
}

/* The end of a child: its sentinel must survive a failure, and a success must tell the truth. */
static proc_exit unknown_end(void)
{
    return (proc_exit){.kind = 0x5a, .code = 0x5a, .core = 0x5a};
}

static void check_end(struct attempt *attempt, const proc_exit *end, int kind, int code)
{
    attempt->untouched = end->kind == 0x5a && end->code == 0x5a && end->core == 0x5a;
    if (attempt->rc == 0 && (end->kind != kind || end->code != code))
        snprintf(attempt->wrong, sizeof attempt->wrong, "the end is told as %d with %d", end->kind, end->code);
}

/* After the faults the child can still be waited for. */
static void check_waitable(struct attempt *attempt, proc_child *child, int kind, int code)
{
    proc_exit end = {0};
    int rc = proc_wait(child, LONG_MS, &end);
    if (rc < 0 || end.kind != kind || end.code != code)
        snprintf(attempt->wrong, sizeof attempt->wrong, "afterwards a wait answers %s: %d with %d", rc_name(rc),
                 end.kind, end.code);
}

static void wait_for_the_end(struct attempt *attempt)
{
    proc_child *child = start_or_give_up(PROC_ARGV(CHILD, "exit", "7"), (proc_options){0});
    proc_exit end = unknown_end();
    fault_begin();
    attempt->rc = proc_wait(child, LONG_MS, &end);
    fault_end();
    check_end(attempt, &end, PROC_EXITED, 7);
    check_waitable(attempt, child, PROC_EXITED, 7);
    proc_child_free(child);
}

/* The status is gone for waitid(2): the kernel may tell by other means, or it is lost. */
static void wait_after_a_thief(struct attempt *attempt)
{
    proc_child *child = start_or_give_up(PROC_ARGV(CHILD, "exit", "7"), (proc_options){0});
    proc_exit end = unknown_end();
    int status;
    while (waitpid(proc_child_pid(child), &status, 0) < 0 && errno == EINTR)
        ;
    fault_begin();
    attempt->rc = proc_wait(child, LONG_MS, &end);
    fault_end();
    attempt->untouched = end.kind == 0x5a;
    if (attempt->rc == 0 && end.kind != PROC_LOST && (end.kind != PROC_EXITED || end.code != 7))
        find_wrong(attempt, "invented a status");
    proc_child_free(child);
}

static void wait_for_any(struct attempt *attempt)
{
    proc_child *children[2] = {start_or_give_up(PROC_ARGV(CHILD, "sleep", "forever"), (proc_options){0}),
                               start_or_give_up(PROC_ARGV(CHILD, "exit", "3"), (proc_options){0})};
    size_t index = 99;
    fault_begin();
    attempt->rc = proc_wait_any(children, 2, LONG_MS, &index);
    fault_end();
    attempt->untouched = index == 99;
    if (attempt->rc == 0 && index != 1)
        find_wrong(attempt, "the wrong one has ended");
    check_waitable(attempt, children[1], PROC_EXITED, 3);
    proc_child_free(children[0]);
    proc_child_free(children[1]);
}

static void stop_by_the_ladder(struct attempt *attempt)
{
    const proc_stop_step steps[] = {{SIGTERM, PROC_GROUP, 10}, {SIGKILL, PROC_GROUP, 2000}};
    proc_child *child = start_and_read(PROC_ARGV(CHILD, "ignore", "15"),
                                       (proc_options){.flags = PROC_NEW_GROUP, .stop = {steps, 2}}, "ready\n");
    proc_exit end = unknown_end();
    fault_begin();
    attempt->rc = proc_stop(child, &end);
    fault_end();
    check_end(attempt, &end, PROC_SIGNALED, SIGKILL);
    if (attempt->rc < 0)
        proc_kill(child, SIGKILL, PROC_ONE);
    check_waitable(attempt, child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
}

static void kill_the_group(struct attempt *attempt)
{
    proc_child *child = start_or_give_up(PROC_ARGV(CHILD, "sleep", "forever"), (proc_options){.flags = PROC_NEW_GROUP});
    fault_begin();
    attempt->rc = proc_kill(child, SIGKILL, PROC_GROUP);
    fault_end();
    attempt->untouched = 1;
    if (attempt->rc < 0)
        proc_kill(child, SIGKILL, PROC_ONE);
    check_waitable(attempt, child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
}

static int is_swept(void)
{
    siginfo_t info;
    proc__child_sweep();
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static void free_a_running_child(struct attempt *attempt)
{
    proc_child *child = start_or_give_up(PROC_ARGV(CHILD, "sleep", "forever"),
                                         (proc_options){.flags = PROC_NEW_GROUP, .in = PROC_PIPE, .out = PROC_CAPTURE});
    fault_begin();
    child = proc_child_free(child);
    fault_end();
    attempt->untouched = 1;
    if (child)
        find_wrong(attempt, "the free did not return NULL");
    /* What could not be killed or reaped then is the business of any later start, wait or free. */
    if (!EVENTUALLY(is_swept()))
        find_wrong(attempt, "the child is not reaped later on");
}

static void feed_and_read(struct attempt *attempt)
{
    char answer[8] = "~~~~~~~";
    proc_child *child = start_or_give_up(PROC_ARGV(CHILD, "cat"), (proc_options){.in = PROC_PIPE, .out = PROC_PIPE});
    fault_begin();
    attempt->rc = proc_write(child, 0, "hello", 5, LONG_MS);
    if (attempt->rc == 5)
        attempt->rc = proc_read(child, 1, answer, sizeof answer, LONG_MS);
    fault_end();
    attempt->untouched = memcmp(answer, "~~~~~~~", 8) == 0;
    if (attempt->rc > 0 && strncmp(answer, "hello", (size_t)attempt->rc) != 0)
        find_wrong(attempt, "read something else");
    proc_close(child, 0);
    proc_child_free(child);
}

static void a_verb_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"wait", wait_for_the_end},        {"wait after a thief", wait_after_a_thief}, {"wait any", wait_for_any},
        {"stop", stop_by_the_ladder},      {"kill a group", kill_the_group},           {"free", free_a_running_child},
        {"write and read", feed_and_read},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

/* ---- Moving the bytes ---- */

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
           result->output_count == 0;
}

static int had_an_error(const proc_result *result)
{
    return result->error || result->out.error || result->err.error;
}

/* All came back, or the result says what is missing. */
static void check_copy(struct attempt *attempt, const proc_result *result)
{
    int complete = result->out.len == INPUT_SIZE && memcmp(result->out.data, input(), INPUT_SIZE) == 0;
    if (result->out.len > INPUT_SIZE || result->out.total < result->out.len)
        find_wrong(attempt, "more came back than was sent");
    else if (!complete && proc_result_ok(result))
        find_wrong(attempt, "bytes are lost, and the result is good");
    else if (!complete && !had_an_error(result) && !result->timed_out && result->exit.kind == PROC_EXITED &&
             result->exit.code == 0)
        find_wrong(attempt, "bytes are lost without an error");
    else if (result->exit.kind == PROC_RUNNING && !result->error)
        find_wrong(attempt, "the child still runs, and no error tells why");
}

static void run_fed_and_captured(struct attempt *attempt)
{
    proc_result result;
    memset(&result, 0x5a, sizeof result);
    attempt->takes_error = 1;
    proc_options options = {.size = sizeof options,
                            .in = PROC_BYTES(input(), INPUT_SIZE),
                            .out = PROC_CAPTURE,
                            .err = PROC_CAPTURE,
                            .timeout_ms = LONG_MS,
                            .stop = quick_stop,
                            .error = &attempt->error};
    fault_begin();
    attempt->rc = proc_run(&result, PROC_ARGV(CHILD, "cat"), &options);
    fault_end();
    attempt->untouched = is_empty(&result);
    if (attempt->rc == 0)
        check_copy(attempt, &result);
    proc_result_done(&result);
}

static void run_until_the_time_is_over(struct attempt *attempt)
{
    proc_result result;
    attempt->takes_error = 1;
    proc_options options = {
        .size = sizeof options, .out = PROC_CAPTURE, .timeout_ms = 20, .stop = quick_stop, .error = &attempt->error};
    fault_begin();
    attempt->rc = proc_run(&result, PROC_ARGV(CHILD, "sleep", "forever"), &options);
    fault_end();
    attempt->untouched = is_empty(&result);
    if (attempt->rc == 0 && result.exit.kind != PROC_SIGNALED && !result.error)
        find_wrong(attempt, "it was not stopped");
    proc_result_done(&result);
}

static int keep_count(int fd, const char *data, size_t len, void *user)
{
    (void)fd, (void)data;
    *(size_t *)user += len;
    return 0;
}

static void run_with_callbacks(struct attempt *attempt)
{
    size_t count = 0;
    proc_result result;
    attempt->takes_error = 1;
    proc_options options = {.size = sizeof options,
                            .out = PROC_LINES(keep_count, &count),
                            .timeout_ms = LONG_MS,
                            .stop = quick_stop,
                            .error = &attempt->error};
    fault_begin();
    attempt->rc = proc_run(&result, PROC_ARGV(CHILD, "lines", "one", "two", "three"), &options);
    fault_end();
    attempt->untouched = is_empty(&result);
    if (attempt->rc == 0 && count != 14 && proc_result_ok(&result))
        find_wrong(attempt, "lines are lost, and the result is good");
    proc_result_done(&result);
}

static void collect_a_child(struct attempt *attempt)
{
    proc_child *child = start_or_give_up(PROC_ARGV(CHILD, "cat"),
                                         (proc_options){.in = PROC_BYTES(input(), INPUT_SIZE), .out = PROC_CAPTURE});
    proc_result result;
    fault_begin();
    attempt->rc = proc_collect(child, LONG_MS, &result);
    fault_end();
    attempt->untouched = is_empty(&result);
    if (attempt->rc == 0)
        check_copy(attempt, &result);
    proc_result_done(&result);
    proc_child_free(child);
}

static void pump_a_child(struct attempt *attempt)
{
    proc_child *child = start_or_give_up(PROC_ARGV(CHILD, "cat"),
                                         (proc_options){.in = PROC_BYTES(input(), INPUT_SIZE), .out = PROC_CAPTURE});
    fault_begin();
    do
        attempt->rc = proc_pump(&child, 1, LONG_MS);
    while (attempt->rc > 0);
    fault_end();
    attempt->untouched = 1;
    proc_child_free(child);
}

static void make_a_pump_descriptor(struct attempt *attempt)
{
    proc_child *child =
        start_or_give_up(PROC_ARGV(CHILD, "cat"), (proc_options){.in = PROC_TEXT("x"), .out = PROC_CAPTURE});
    fault_begin();
    attempt->rc = proc_pump_fd(child);
    fault_end();
    attempt->untouched = 1;
    proc_child_free(child);
}

static void moving_bytes_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"run, fed and captured", run_fed_and_captured},
        {"run, out of time", run_until_the_time_is_over},
        {"run with callbacks", run_with_callbacks},
        {"collect", collect_a_child},
        {"pump", pump_a_child},
        {"pump descriptor", make_a_pump_descriptor},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

/* ---- What the kernel tells ---- */

static void ask_for_features(struct attempt *attempt)
{
    fault_begin();
    for (int feature = 1; feature <= PROC_FEATURE_FAST_SPAWN && attempt->rc >= 0; feature++) {
        int rc = proc_has(feature);
        attempt->rc = rc == -EINVAL ? 0 : rc; /* a number without a meaning */
    }
    fault_end();
    attempt->untouched = 1;
}

static void asking_for_features_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenario = {"has", ask_for_features};
    (void)state;
    fault_check(&scenario, 1);
}

/* ---- Where pidfds are denied ---- */

static void without_pidfds_a_start_says_so_and_leaves_nothing(void **state)
{
    proc_child *child = no_child;
    proc_error error;
    (void)state;
    if (proc__probe_memory() >= 0)
        SKIP_TEST("needs a profile: meson test --setup no_pidfd");
    assert_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.error = &error)), -ENOSYS);
    assert_ptr_equal(child, no_child);
    assert_int_equal(error.code, ENOSYS);
    assert_contains(error.text, "pidfd");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(asking_for_features_leaves_no_trace_when_a_call_fails),
        pidfd_test(a_start_leaves_no_trace_when_a_call_fails),
        pidfd_test(a_start_with_other_ids_leaves_no_trace_when_a_call_fails),
        pidfd_test(a_verb_leaves_no_trace_when_a_call_fails),
        pidfd_test(moving_bytes_leaves_no_trace_when_a_call_fails),
        cmocka_unit_test(without_pidfds_a_start_says_so_and_leaves_nothing),
    };
    return run_suite("fault-child", tests, sizeof tests / sizeof tests[0], argc, argv);
}
