/* SPDX-License-Identifier: MIT */
/*
 * Calls that wait: nobody is woken up before there is something to do, and signals that come meanwhile disturb nothing.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <proc/proc.h>

/* ---- Nobody is woken up ---- */

#define WHILE_MS 100

static int64_t wait_one(proc_child *child)
{
    return proc_wait(child, WHILE_MS, NULL);
}

static int64_t wait_any(proc_child *child)
{
    return proc_wait_any(&child, 1, WHILE_MS, NULL);
}

static int64_t read_some(proc_child *child)
{
    char byte;
    return proc_read(child, 1, &byte, 1, WHILE_MS);
}

static int64_t write_some(proc_child *child)
{
    static const char much[1 << 20];
    int64_t fits = proc_write(child, 0, much, sizeof much, 0);
    return fits == -ETIMEDOUT || (fits > 0 && fits < (int64_t)sizeof much)
               ? proc_write(child, 0, much, sizeof much, WHILE_MS) : fits;
}

static int64_t collect(proc_child *child)
{
    proc_result result;
    int rc = proc_collect(child, WHILE_MS, &result);
    proc_result_done(&result);
    return rc;
}

static int64_t pump(proc_child *child)
{
    return proc_pump(&child, 1, WHILE_MS);
}

static int64_t stop(proc_child *child)
{
    return proc_stop(child, NULL);
}

/* As a stranger's. */
static int64_t wait_for_exit(proc_child *child)
{
    proc_exit ended;
    return proc_exit_wait(PROC_PID(proc_child_pid(child)), WHILE_MS, &ended);
}

static long times_blocked(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

/* Who looks every 10 ms would block ten times, who looks every 20 ms five times. */
static void who_waits_is_not_woken_up_before_there_is_something_to_do(void **state)
{
    static const struct {
        const char *name;
        int64_t (*call)(proc_child *child);
    } waits[] = {
        {"wait", wait_one}, {"wait_any", wait_any}, {"read", read_some}, {"write", write_some},
        {"collect", collect}, {"pump", pump}, {"stop", stop}, {"exit_wait", wait_for_exit},
    };
    (void)state;
    /* A signal that does it no harm. */
    const proc_stop_step step = {SIGURG, PROC_ONE, WHILE_MS};
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_CAPTURE,
                                                                .stop = {&step, 1}));
    assert_string_equal(said(child), "ready");
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        int64_t begun = patience_now();
        long before = times_blocked();
        int64_t rc = waits[i].call(child);
        long blocked = times_blocked() - before;
        if (rc != -ETIMEDOUT || patience_now() - begun < WHILE_MS - 1 || blocked > 3)
            fail_msg("%s: %s after %ld ms, blocked %ld times", waits[i].name, rc_name(rc),
                     (long)(patience_now() - begun), blocked);
    }
    proc_child_free(child);
}

/* ---- Signals that come meanwhile ---- */

static volatile sig_atomic_t signals_seen;

static void see_signal(int number)
{
    (void)number;
    signals_seen = signals_seen + 1;
}

/* A thousand times a second, and no call is taken up again by the kernel. */
static void let_it_rain(void)
{
    const struct sigaction action = {.sa_handler = see_signal};
    const struct itimerval often = {{0, 1000}, {0, 1000}};
    require(sigaction(SIGALRM, &action, NULL) == 0);
    require(setitimer(ITIMER_REAL, &often, NULL) == 0);
}

#define MUCH (4 << 20)

static int nothing_to_do(void *user)
{
    (void)user;
    return 0;
}

static int leave_with_7(void *user)
{
    (void)user;
    return 7;
}

static void require_run(const proc_result *result, size_t size)
{
    require(proc_result_ok(result));
    require(result->out.total == size && result->input_cut == 0 && result->output_open == 0);
}

static void run_in_the_rain(void)
{
    proc_result result;
    char *data = calloc(1, MUCH);
    require(data);
    require_rc(proc_run(&result, CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_BYTES(data, MUCH), .out = PROC_CAPTURE)),
               0);
    require_run(&result, MUCH);
    proc_result_done(&result);
    require_rc(proc_run(&result, CHILD_DOES("write", "300000"),
                        PROC_OPTIONS(.out = PROC_CAPTURE, .hook = PROC_HOOK(nothing_to_do, NULL))),
               0);
    require_run(&result, 300000);
    proc_result_done(&result);
    require_rc(proc_pipeline(&result, PROC_REQUESTS(PROC_REQUEST(CHILD, "cat"), PROC_REQUEST(CHILD, "cat")),
                             PROC_OPTIONS(.in = PROC_BYTES(data, MUCH), .out = PROC_CAPTURE)),
               0);
    require_run(&result, MUCH);
    proc_result_done(&result);
    free(data);
}

static void live_in_the_rain(void)
{
    static const char much[1 << 20];
    proc_child *child;
    proc_exit ended;
    require_rc(proc_spawn(&child, CHILD_DOES("read-all"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE)), 0);
    require_rc(proc_wait(child, 50, &ended), -ETIMEDOUT);
    require_rc(proc_write(child, 0, much, sizeof much, -1), sizeof much);
    require_rc(proc_close(child, 0), 0);
    char *told = all_of(child, 1);
    require(strncmp(told, "1048576 ", 8) == 0);
    free(told);
    require_rc(proc_wait(child, -1, &ended), 0);
    require(proc_exit_ok(&ended));
    proc_child_free(child);
    require_rc(proc_spawn(&child, CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.in = PROC_PIPE)), 0);
    require_rc(proc_stop(child, &ended), 0);
    require(ended.kind == PROC_SIGNALED && ended.code == SIGTERM);
    proc_child_free(child);
}

static void fork_in_the_rain(void)
{
    proc_child *child;
    proc_exit ended;
    require_rc(proc_fork(&child, leave_with_7, NULL, PROC_OPTIONS(.out = PROC_NULL)), 0);
    require_rc(proc_wait(child, -1, &ended), 0);
    require(ended.kind == PROC_EXITED && ended.code == 7);
    proc_child_free(child);
    require_rc(proc_spawn(&child, CHILD_DOES("exit", "7"), PROC_OPTIONS(.flags = PROC_DIE_WITH_PARENT)), 0);
    require_rc(proc_wait(child, -1, &ended), 0);
    require(ended.kind == PROC_EXITED && ended.code == 7);
    proc_child_free(child);
}

static int all_goes_well_in_the_rain(void *arg)
{
    const struct itimerval never = {{0, 0}, {0, 0}};
    (void)arg;
    let_it_rain();
    run_in_the_rain();
    live_in_the_rain();
    fork_in_the_rain();
    require(setitimer(ITIMER_REAL, &never, NULL) == 0);
    require(signals_seen >= 10); /* there was a wait of 50 ms */
    return 0;
}

static void signals_that_come_all_the_time_disturb_no_call(void **state)
{
    (void)state;
    assert_in_fork(all_goes_well_in_the_rain, NULL);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        pidfd_test(who_waits_is_not_woken_up_before_there_is_something_to_do),
        spawning_test(signals_that_come_all_the_time_disturb_no_call),
    };
    return run_suite("idle", tests, sizeof tests / sizeof tests[0], argc, argv);
}
