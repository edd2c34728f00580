/* SPDX-License-Identifier: MIT */
/*
 * Runs that are interrupted, and every way in which a child may take that: obey, refuse, say goodbye, be gone already,
 * or leave somebody who holds its streams. What comes back is the true end, and in time.
 */
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

/* ---- Interrupted as soon as the child has said its first line ---- */

struct interrupter {
    int ends[2];
    char heard[100];
};

static int interrupt(int fd, const char *line, size_t len, void *user)
{
    struct interrupter *interrupter = user;
    (void)fd;
    if (len > 0 && len < sizeof interrupter->heard - strlen(interrupter->heard))
        strncat(interrupter->heard, line, len);
    return len > 0 && write(interrupter->ends[1], "!", 1) != 1 ? -errno : 0;
}

static const proc_stop_step once[] = {{SIGINT, PROC_ONE, -1}}, quit[] = {{SIGQUIT, PROC_ONE, -1}},
                            at_last[] = {{SIGINT, PROC_ONE, 1}, {SIGKILL, PROC_ONE, -1}},
                            at_once[] = {{SIGKILL, PROC_ONE, -1}};

#define SCRIPT(text) PROC_ARGV("sh", "-c", text, CHILD)

static void run_interrupted(proc_result *result, struct interrupter *interrupter, const char *const argv[],
                            proc_stop_steps steps)
{
    *interrupter = (struct interrupter){.heard = ""};
    assert_int_equal(pipe2(interrupter->ends, O_CLOEXEC), 0);
    assert_rc(proc_run(result, argv,
                       PROC_OPTIONS(.out = PROC_LINES(interrupt, interrupter), .err = PROC_CAPTURE, .stop = steps,
                                    .transfer = PROC_TRANSFER(.cancel_fd = &interrupter->ends[0], .drain_ms = 1))),
              0);
    close(interrupter->ends[0]);
    close(interrupter->ends[1]);
}

static void however_a_child_takes_it_its_true_end_is_told(void **state)
{
    const struct {
        const char *const *argv;
        proc_stop_steps steps;
        int kind, code;
        const char *err;
    } cases[] = {
        {PROC_ARGV(CHILD, "ready"), {once, 1}, PROC_SIGNALED, SIGINT, ""},
        {PROC_ARGV(CHILD, "exit-on", "2", "0"), {once, 1}, PROC_EXITED, 0, ""},
        {PROC_ARGV(CHILD, "exit-on", "2", "3"), {once, 1}, PROC_EXITED, 3, ""},
        {PROC_ARGV(CHILD, "ignore", "2"), {at_last, 2}, PROC_SIGNALED, SIGKILL, ""},
        {SCRIPT("trap 'echo goodbye >&2; exit 2' QUIT; echo ready; while :; do \"$0\" sleep 5; done"), {quit, 1},
         PROC_EXITED, 2, "goodbye\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct interrupter interrupter;
        proc_result result;
        run_interrupted(&result, &interrupter, cases[i].argv, cases[i].steps);
        assert_int_equal(result.exit.kind, cases[i].kind);
        assert_int_equal(result.exit.code, cases[i].code);
        assert_string_equal(result.err.data, cases[i].err);
        assert_int_equal(result.cancelled, 1);
        assert_int_equal(result.timed_out | result.output_open | result.error, 0);
        assert_false(proc_result_ok(&result)); /* also one that left with 0: it was not let do what it should */
        proc_result_done(&result);
    }
}

/* It ends at the same moment: whichever comes first, nothing is made up. */
static void one_that_ends_by_itself_meanwhile_has_its_own_end(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct interrupter interrupter;
        proc_result result;
        run_interrupted(&result, &interrupter, PROC_ARGV(CHILD, "echo", "bye"), (proc_stop_steps){once, 1});
        assert_string_equal(interrupter.heard, "bye\n");
        if (result.exit.kind == PROC_EXITED)
            assert_int_equal(result.exit.code, 0);
        else
            assert_true(result.exit.kind == PROC_SIGNALED && result.exit.code == SIGINT && result.cancelled);
        assert_int_equal(result.error, 0);
        assert_int_equal(proc_result_ok(&result), !result.cancelled);
        proc_result_done(&result);
    }
}

/* ---- Interrupted from the beginning ---- */

static void who_is_interrupted_before_the_start_is_stopped_at_once(void **state)
{
    int ends[2];
    (void)state;
    for (int hung_up = 0; hung_up <= 1; hung_up++) {
        proc_result result;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(write(ends[1], "!", !hung_up), !hung_up);
        close(ends[1]); /* which is a reason by itself */
        assert_rc(proc_run(&result, PROC_ARGV(CHILD, "sleep", "forever"),
                           PROC_OPTIONS(.transfer = PROC_TRANSFER(.cancel_fd = &ends[0]))),
                  0);
        assert_int_equal(result.cancelled, 1);
        assert_int_equal(result.exit.kind, PROC_SIGNALED);
        assert_int_equal(result.exit.code, SIGTERM);
        proc_result_done(&result);
        close(ends[0]);
    }
}

/* ---- Somebody holds the streams of a child that is killed ---- */

/* The grandchild prints its number and stays. */
#define LEAVES_SOMEBODY SCRIPT("\"$0\" sleep forever & echo $!; wait")

static void end_stranger(const char *printed)
{
    int pid = atoi(printed);
    assert_true(pid > 1);
    kill(pid, SIGKILL);
}

static void a_grandchild_that_holds_the_output_of_a_killed_child_keeps_nobody(void **state)
{
    struct interrupter interrupter;
    proc_result result;
    (void)state;
    int64_t before = patience_now();
    run_interrupted(&result, &interrupter, LEAVES_SOMEBODY, (proc_stop_steps){at_once, 1});
    assert_true(patience_now() - before < PATIENCE_MS);
    assert_int_equal(result.exit.kind, PROC_SIGNALED);
    assert_int_equal(result.exit.code, SIGKILL);
    assert_int_equal(result.cancelled, 1);
    assert_int_equal(result.output_open, 1);
    assert_int_equal(result.err.open, 1);
    end_stranger(interrupter.heard);
    proc_result_done(&result);
}

/* The time is longer each time, until the grandchild was there before it was over. */
static void so_it_is_when_the_time_is_over(void **state)
{
    proc_result result;
    (void)state;
    for (int time = 100;; time *= 2) {
        int64_t before = patience_now();
        assert_rc(proc_run(&result, SCRIPT("\"$0\" sleep forever 2>/dev/null & echo $!; wait"),
                           PROC_OPTIONS(.out = PROC_CAPTURE, .timeout_ms = time, .stop = {at_once, 1},
                                        .transfer = PROC_TRANSFER(.drain_ms = 1))),
                  0);
        assert_true(patience_now() - before < time + PATIENCE_MS);
        assert_int_equal(result.exit.kind, PROC_SIGNALED);
        assert_int_equal(result.exit.code, SIGKILL);
        assert_int_equal(result.timed_out, 1);
        if (result.out.len > 0)
            break;
        proc_result_done(&result);
    }
    assert_int_equal(result.out.open, 1);
    assert_int_equal(result.output_open, 1);
    end_stranger(result.out.data);
    proc_result_done(&result);
}

static void a_grandchild_that_holds_the_input_of_a_killed_child_keeps_nobody(void **state)
{
    enum { MUCH = 10 << 20 };
    proc_result result;
    (void)state;
    char *data = calloc(1, MUCH);
    proc_child *child =
        start(SCRIPT("exec 3<&0; \"$0\" sleep forever <&3 3<&- 2>&1 & echo $!; wait"),
              PROC_OPTIONS(.in = PROC_BYTES(data, MUCH), .out = PROC_PIPE, .err = PROC_CAPTURE));
    char grandchild[16];
    snprintf(grandchild, sizeof grandchild, "%s", said(child));
    assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    assert_rc(proc_collect(child, PATIENCE_MS, &result), 0);
    assert_int_equal(result.exit.kind, PROC_SIGNALED);
    assert_int_equal(result.input_cut, 1);
    proc_result_done(&result);
    proc_child_free(child);
    end_stranger(grandchild);
    free(data);
}

/* ---- A stop that is not allowed ---- */

static int become_somebody(int fd, const char *line, size_t len, void *user)
{
    int *pid = user;
    (void)fd;
    if (len == 0 || *pid != 0)
        return 0;
    *pid = atoi(line);
    return setresuid(4321, 4321, 0) < 0 ? -errno : 0;
}

/* The child is root's, and we are not any more by the time that it shall be stopped. */
static int may_not_stop_it(void *arg)
{
    proc_result result;
    int pid = 0;
    (void)arg;
    for (int time = 100; pid == 0; time *= 2) {
        require_rc(proc_run(&result, SCRIPT("echo $$; exec \"$0\" sleep forever"),
                            PROC_OPTIONS(.out = PROC_LINES(become_somebody, &pid), .timeout_ms = time)),
                   0);
        require(result.timed_out == 1);
        require_rc(result.error, pid == 0 ? 0 : -EPERM);
        require((result.exit.kind == PROC_RUNNING) == (pid != 0));
        require(!proc_result_ok(&result));
        proc_result_done(&result);
    }
    require(setresuid(0, 0, 0) == 0);
    require(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
    return 0;
}

static void a_stop_that_is_not_allowed_is_told_and_keeps_nobody(void **state)
{
    (void)state;
    assert_in_fork(may_not_stop_it, NULL);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(however_a_child_takes_it_its_true_end_is_told),
        spawning_test(one_that_ends_by_itself_meanwhile_has_its_own_end),
        spawning_test(who_is_interrupted_before_the_start_is_stopped_at_once),
        spawning_test(a_grandchild_that_holds_the_output_of_a_killed_child_keeps_nobody),
        spawning_test(so_it_is_when_the_time_is_over),
        spawning_test(a_grandchild_that_holds_the_input_of_a_killed_child_keeps_nobody),
        root_test(a_stop_that_is_not_allowed_is_told_and_keeps_nobody),
    };
    return run_suite("interrupt", tests, sizeof tests / sizeof tests[0], argc, argv);
}
