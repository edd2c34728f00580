/* SPDX-License-Identifier: MIT */
/* Fault runs of children on terminals and sockets, of job control, and of programs by descriptor and by a shell. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proc/proc.h>

#include "fault.h"

#define LONG_MS 8000

static const proc_stop_steps quick_stop = {(const proc_stop_step[]){{SIGKILL, PROC_ONE, 2000}}, 1};
static proc_child *const no_child = (proc_child *)(uintptr_t)0x5a5a;

/* ---- Starting ---- */

/* Starts under faults, and if that has worked takes the child to its end without. */
static void spawn(struct attempt *attempt, const char *const argv[], const proc_options *given, int code)
{
    proc_child *child = no_child;
    proc_options options = *given;
    attempt->takes_error = 1;
    options.error = &attempt->error;
    options.stop = quick_stop;
    fault_begin();
    attempt->rc = proc_spawn(&child, argv, &options);
    fault_end();
    attempt->untouched = child == no_child;
    if (attempt->rc < 0)
        return;
    proc_exit end = {0};
    if (proc_wait(child, LONG_MS, &end) < 0 || end.kind != PROC_EXITED || end.code != code)
        snprintf(attempt->wrong, sizeof attempt->wrong, "ended as %d with %d", end.kind, end.code);
    proc_child_free(child);
}

static void spawn_on_a_terminal(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV(CHILD, "exit", "3"),
          PROC_OPTIONS(.in = PROC_PTY, .out = PROC_CAPTURE_PTY, .fds = PROC_FDS({5, PROC_PTY}),
                       .terminal = PROC_TERMINAL(.rows = 5, .raw = 1)),
          3);
}

static void spawn_on_a_terminal_as_somebody_else(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV(CHILD, "exit", "3"),
          PROC_OPTIONS(.in = PROC_PTY, .ids = PROC_IDS(.uid = PROC_UID(65534), .gid = PROC_GID(65534))), 3);
}

static void spawn_with_sockets(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV(CHILD, "exit", "3"), PROC_OPTIONS(.in = PROC_SOCKET, .fds = PROC_FDS({5, PROC_SOCKET})),
          3);
}

static void spawn_by_descriptor(struct attempt *attempt)
{
    int fd = open(CHILD, O_RDONLY | O_CLOEXEC);
    spawn(attempt, PROC_ARGV("x", "exit", "3"),
          PROC_OPTIONS(.fds = PROC_FDS({fd, PROC_NULL}), .start = PROC_START(.program_fd = &fd)), 3);
    close(fd);
}

static void spawn_with_announced_descriptors(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV(CHILD, "exit", "3"),
          PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_NULL}, {4, PROC_SOCKET}),
                       .env_edit = PROC_ENV("A=1"), .start = PROC_START(.listen_names = PROC_NAMES("a", "b"))),
          3);
}

static char *script;

static void spawn_by_the_shell(struct attempt *attempt)
{
    spawn(attempt, PROC_ARGV(script, "3"), PROC_OPTIONS(.flags = PROC_SCRIPT_FALLBACK), 3);
    if (attempt->rc == -ENOEXEC) /* without a shell the file is what it was */
        attempt->rc = 0;
}

static void a_start_on_a_terminal_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"spawn on a terminal", spawn_on_a_terminal},
        {"spawn with sockets", spawn_with_sockets},
    };
    static const struct scenario as_root = {"spawn on a terminal as somebody else",
                                            spawn_on_a_terminal_as_somebody_else};
    (void)state;
    FAULT_CHECK(scenarios);
    if (geteuid() == 0)
        fault_check(&as_root, 1);
}

static void a_start_of_an_unusual_program_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"spawn by descriptor", spawn_by_descriptor},
        {"spawn with announced descriptors", spawn_with_announced_descriptors},
        {"spawn by the shell", spawn_by_the_shell},
    };
    (void)state;
    char *directory = directory_make();
    script = path_in(directory, "script");
    file_write(script, "exit $1\n");
    chmod(script, 0755);
    FAULT_CHECK(scenarios);
    free(script);
    directory_remove(directory);
}

/* ---- Living with it ---- */

static proc_child *start_or_give_up(const char *const argv[], const proc_options *given)
{
    proc_child *child;
    proc_options options = *given;
    options.stop = quick_stop;
    int rc = proc_spawn(&child, argv, &options);
    if (rc < 0)
        complain("could not start %s: %s", argv[0], rc_name(rc));
    return child;
}

static void type_and_read(struct attempt *attempt)
{
    proc_child *child = start_or_give_up(PROC_ARGV(CHILD, "cat"),
                              PROC_OPTIONS(.in = PROC_PTY, .out = PROC_PTY, .terminal = PROC_TERMINAL(.raw = 1)));
    char text[8] = "";
    fault_begin();
    attempt->rc = proc_write(child, 0, "abc", 3, LONG_MS);
    if (attempt->rc == 3)
        attempt->rc = proc_read(child, 1, text, sizeof text - 1, LONG_MS);
    fault_end();
    attempt->untouched = text[0] == '\0';
    if (attempt->rc > 0 && strncmp(text, "abc", (size_t)attempt->rc) != 0)
        find_wrong(attempt, "read something else");
    proc_child_free(child);
}

static void resize_it(struct attempt *attempt)
{
    proc_child *child = start_or_give_up(PROC_ARGV(CHILD, "sleep", "forever"), PROC_OPTIONS(.in = PROC_PTY));
    fault_begin();
    attempt->rc = proc_child_resize(child, 10, 20);
    fault_end();
    attempt->untouched = 1;
    proc_child_free(child);
}

static int is_empty(const proc_result *result)
{
    return result->exit.kind == PROC_RUNNING && result->out.len == 0 && !result->outputs;
}

/* That something has gone wrong shows in the result, or all bytes are there. */
static void run_on_a_terminal(struct attempt *attempt)
{
    proc_result result;
    attempt->takes_error = 1;
    fault_begin();
    attempt->rc =
        proc_run(&result, PROC_ARGV(CHILD, "write", "10000"),
                 PROC_OPTIONS(.in = PROC_PTY, .out = PROC_CAPTURE_PTY, .err = PROC_PTY, .timeout_ms = LONG_MS,
                              .stop = quick_stop, .terminal = PROC_TERMINAL(.raw = 1), .error = &attempt->error));
    fault_end();
    attempt->untouched = is_empty(&result);
    if (attempt->rc == 0 && result.out.total != 10000 && proc_result_ok(&result) && !result.output_open)
        find_wrong(attempt, "bytes are lost, and the result is good");
    proc_result_done(&result);
}

static void wait_for_a_stop(struct attempt *attempt, int timeout_ms)
{
    int number = 0;
    proc_child *child = start_or_give_up(PROC_ARGV(CHILD, "stop-self"), PROC_OPTIONS(.out = PROC_PIPE));
    fault_begin();
    attempt->rc = proc_wait_stopped(child, timeout_ms, &number);
    fault_end();
    attempt->untouched = number == 0;
    if (attempt->rc >= 0 && (attempt->rc != 1 || number != SIGSTOP))
        find_wrong(attempt, "it was not stopped");
    proc_child_free(child);
}

static void wait_for_a_stop_within_a_time(struct attempt *attempt)
{
    wait_for_a_stop(attempt, LONG_MS);
}

static void wait_for_a_stop_for_ever(struct attempt *attempt)
{
    wait_for_a_stop(attempt, -1);
}

static void living_on_a_terminal_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"type and read", type_and_read},
        {"resize", resize_it},
        {"run on a terminal", run_on_a_terminal},
        {"wait for a stop", wait_for_a_stop_within_a_time},
        {"wait for a stop for ever", wait_for_a_stop_for_ever},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

/* ---- Job control: each copy leads a session on the terminal that the test has made ---- */

static int tty = -1;

static void become_shell(void)
{
    if (getsid(0) != getpid() && (setsid() < 0 || ioctl(tty, TIOCSCTTY, 0) < 0))
        complain("no session on a terminal: %s", errno_name(errno));
}

static void check_foreground(struct attempt *attempt)
{
    if (attempt->rc < 0 && tcgetpgrp(tty) != getpgrp())
        find_wrong(attempt, "the foreground was not given back");
    proc_terminal_give(tty, getpgrp());
}

static void start_in_the_foreground(struct attempt *attempt)
{
    become_shell();
    spawn(attempt, PROC_ARGV(CHILD, "exit", "3"),
          PROC_OPTIONS(.flags = PROC_NEW_GROUP, .terminal = PROC_TERMINAL(.foreground = 1)), 3);
    check_foreground(attempt);
}

static void give_the_terminal(struct attempt *attempt)
{
    become_shell();
    fault_begin();
    attempt->rc = proc_terminal_give(tty, getpgrp());
    fault_end();
    attempt->untouched = 1;
}

static void job_control_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"start in the foreground", start_in_the_foreground},
        {"give the terminal", give_the_terminal},
    };
    (void)state;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(grantpt(master) == 0 && unlockpt(master) == 0);
    tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    FAULT_CHECK(scenarios);
    close(tty);
    close(master);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        pidfd_test(a_start_on_a_terminal_leaves_no_trace_when_a_call_fails),
        pidfd_test(a_start_of_an_unusual_program_leaves_no_trace_when_a_call_fails),
        pidfd_test(living_on_a_terminal_leaves_no_trace_when_a_call_fails),
        pidfd_test(job_control_leaves_no_trace_when_a_call_fails),
    };
    return run_suite("fault-terminal", tests, sizeof tests / sizeof tests[0], argc, argv);
}
