/* SPDX-License-Identifier: MIT */
/*
 * Living with a child: wait, signal, stop, detach, free; read, write, close, take; what it has cost. Also when others
 * wait for it, ignore it, debug it, or when this is only a copy of the program that started it.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <proc/proc.h>

#ifndef PTRACE_SEIZE
#define PTRACE_SEIZE 0x4206
#endif

/* A child that says `ready` and then waits for signals. */
static proc_child *start_ready(uint32_t flags)
{
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_PIPE, .flags = flags));
    assert_string_equal(said(child), "ready");
    return child;
}

/* Its end can be seen; nobody has waited for it. */
static void await_end(proc_child *child)
{
    struct pollfd end = {.fd = proc_child_fd(child), .events = POLLIN};
    assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
}

/* ---- Wait ---- */

static void every_exit_code_and_signal_is_told(void **state)
{
    (void)state;
    for (int code = 0; code <= 255; code += 51) {
        char text[8];
        snprintf(text, sizeof text, "%d", code);
        proc_child *child = start_child("exit", text);
        assert_ends(child, PROC_EXITED, code);
        proc_child_free(child);
    }
    for (const char *const *number = PROC_NAMES("15", "9", "11", "34"); *number; number++) {
        proc_child *child = start_child("kill", *number);
        assert_ends(child, PROC_SIGNALED, atoi(*number));
        proc_child_free(child);
    }
}

static void a_wait_ends_with_its_time_and_can_be_repeated(void **state)
{
    proc_exit ended = {.kind = 77};
    (void)state;
    proc_child *child = start_ready(0);
    int64_t before = patience_now();
    assert_rc(proc_wait(child, 0, &ended), -ETIMEDOUT);
    assert_rc(proc_wait(child, 30, &ended), -ETIMEDOUT);
    assert_true(patience_now() - before >= 29);
    assert_int_equal(ended.kind, 77);
    assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    for (int i = 0; i < 3; i++)
        assert_ends(child, PROC_SIGNALED, SIGKILL);
    assert_rc(proc_wait(child, 0, NULL), 0);
    proc_child_free(child);
}

static void the_pidfd_is_readable_once_the_child_has_ended(void **state)
{
    (void)state;
    proc_child *child = start_ready(0);
    struct pollfd end = {.fd = proc_child_fd(child), .events = POLLIN};
    assert_int_equal(poll(&end, 1, 0), 0);
    assert_rc(proc_kill(child, SIGTERM, PROC_ONE), 0);
    assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
    assert_ends(child, PROC_SIGNALED, SIGTERM);
    proc_child_free(child);
}

static void bad_arguments_are_refused(void **state)
{
    char byte;
    size_t index;
    (void)state;
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
    assert_rc(proc_wait(NULL, 0, NULL), -EINVAL);
    assert_rc(proc_wait(child, -2, NULL), -EINVAL);
    assert_rc(proc_wait_any(NULL, 1, 0, &index), -EINVAL);
    assert_rc(proc_wait_any(&child, 0, 0, &index), -EINVAL);
    assert_rc(proc_wait_any(&child, 1, -2, &index), -EINVAL);
    assert_rc(proc_wait_any((proc_child *[]){child, NULL}, 2, 0, &index), -EINVAL);
    assert_rc(proc_kill(NULL, SIGTERM, PROC_ONE), -EINVAL);
    assert_rc(proc_kill(child, -1, PROC_ONE), -EINVAL);
    assert_rc(proc_kill(child, 65, PROC_ONE), -EINVAL);
    assert_rc(proc_kill(child, SIGTERM, 9), -EINVAL);
    assert_rc(proc_kill(child, SIGTERM, PROC_GROUP), -EINVAL); /* it leads none */
    assert_rc(proc_kill(child, 65, PROC_TREE), -EINVAL);
    assert_rc(proc_child_reach(child, NULL), -EINVAL);
    assert_rc(proc_child_reach(NULL, &(proc_reach){0}), -EINVAL);
    assert_rc(proc_stop(NULL, NULL), -EINVAL);
    assert_rc(proc_detach(NULL), -EINVAL);
    assert_rc(proc_child_usage(child, NULL), -EINVAL);
    assert_rc(proc_child_pid(NULL), -EINVAL);
    assert_rc(proc_child_fd(NULL), -EINVAL);
    assert_rc(proc_read(child, 1, NULL, 1, 0), -EINVAL);
    assert_rc(proc_read(child, 1, &byte, 0, 0), -EINVAL);
    assert_rc(proc_read(child, 1, &byte, 1, -2), -EINVAL);
    assert_rc(proc_write(child, 0, NULL, 1, 0), -EINVAL);
    assert_rc(proc_write(child, 0, "x", 1, -2), -EINVAL);
    assert_null(proc_child_free(NULL));
    proc_child_free(child);
}

struct waiter {
    pthread_t thread;
    proc_child *child;
    atomic_int *running;
    int rc;
    proc_exit ended;
};

static void *wait_for_ever(void *arg)
{
    struct waiter *waiter = arg;
    atomic_fetch_add(waiter->running, 1);
    waiter->rc = proc_wait(waiter->child, PATIENCE_MS, &waiter->ended);
    return NULL;
}

static void several_threads_wait_and_another_one_kills(void **state)
{
    struct waiter waiters[4];
    atomic_int running = 0;
    (void)state;
    proc_child *child = start_ready(0);
    for (int i = 0; i < 4; i++) {
        waiters[i] = (struct waiter){.child = child, .running = &running};
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for_ever, &waiters[i]), 0);
    }
    assert_eventually(atomic_load(&running) == 4);
    assert_rc(proc_kill(child, SIGTERM, PROC_ONE), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_rc(waiters[i].rc, 0);
        assert_int_equal(waiters[i].ended.kind, PROC_SIGNALED);
        assert_int_equal(waiters[i].ended.code, SIGTERM);
    }
    proc_child_free(child);
}

static void wait_any_finds_the_one_that_has_ended(void **state)
{
    enum { COUNT = 4 };
    proc_child *children[COUNT];
    size_t index = 99;
    (void)state;
    for (int i = 0; i < COUNT; i++)
        children[i] = start_ready(0);
    assert_rc(proc_wait_any(children, COUNT, 0, &index), -ETIMEDOUT);
    assert_rc(proc_wait_any(children, COUNT, 20, &index), -ETIMEDOUT);
    assert_int_equal(index, 99);
    assert_rc(proc_kill(children[2], SIGTERM, PROC_ONE), 0);
    assert_rc(proc_wait_any(children, COUNT, PATIENCE_MS, &index), 0);
    assert_int_equal(index, 2);
    assert_rc(proc_wait_any(children, COUNT, 0, NULL), 0); /* and again */
    assert_ends(children[2], PROC_SIGNALED, SIGTERM);
    for (int i = 0; i < COUNT; i++)
        proc_child_free(children[i]);
}

/* ---- The status, whoever else has waited ---- */

static int exit_info(void)
{
    return proc_has(PROC_FEATURE_EXIT_INFO) == 1;
}

/* The true one where the kernel keeps it, else LOST; never an invented one. */
static int is_true_or_lost(const proc_exit *ended, int kind, int code)
{
    if (exit_info())
        return ended->kind == kind && ended->code == code;
    return ended->kind == PROC_LOST && ended->code == 0;
}

static void a_status_that_was_stolen_is_true_or_lost(void **state)
{
    static const struct {
        const char *verb, *argument;
        int kind, code;
    } ends[] = {{"exit", "42", PROC_EXITED, 42}, {"kill", "15", PROC_SIGNALED, 15}, {"exit", "0", PROC_EXITED, 0}};
    proc_exit ended;
    proc_usage usage;
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        proc_child *child = start_child(ends[i].verb, ends[i].argument);
        assert_int_equal(waitpid(-1, NULL, 0), proc_child_pid(child));
        assert_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
        assert_true(is_true_or_lost(&ended, ends[i].kind, ends[i].code));
        assert_rc(proc_child_usage(child, &usage), -ENODATA);
        proc_child_free(child);
    }
}

static int ends_unseen(void *arg)
{
    proc_exit ended;
    proc_usage usage;
    proc_child *child;
    (void)arg;
    signal(SIGCHLD, SIG_IGN);
    require_rc(proc_spawn(&child, CHILD_DOES("exit", "42"), NULL), 0);
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    require(is_true_or_lost(&ended, PROC_EXITED, 42));
    require_rc(proc_child_usage(child, &usage), -ENODATA);
    require_rc(proc_kill(child, SIGTERM, PROC_ONE), -ESRCH);
    require(!proc_child_free(child));
    return 0;
}

static void an_ignored_sigchld_does_not_hide_the_status(void **state)
{
    (void)state;
    assert_in_fork(ends_unseen, NULL);
}

static void *steal(void *arg)
{
    return (void *)(intptr_t)waitpid(*(int *)arg, NULL, 0);
}

/* The thief is faster than the wait that runs already. */
static void a_thief_does_not_hang_a_wait(void **state)
{
    pthread_t thief;
    proc_exit ended;
    (void)state;
    for (int i = 0; i < 50; i++) {
        proc_child *child = start_child("exit", "9");
        int pid = proc_child_pid(child);
        assert_int_equal(pthread_create(&thief, NULL, steal, &pid), 0);
        assert_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
        assert_true(ended.kind == PROC_LOST || (ended.kind == PROC_EXITED && ended.code == 9));
        assert_true(!exit_info() || ended.kind == PROC_EXITED);
        pthread_join(thief, NULL);
        proc_child_free(child);
    }
}

/* ---- Kill ---- */

static void a_signal_reaches_the_child(void **state)
{
    (void)state;
    proc_child *child = start_child("exit-on", "10", "33");
    assert_string_equal(said(child), "ready");
    assert_rc(proc_kill(child, 0, PROC_ONE), 0);
    assert_rc(proc_kill(child, SIGUSR1, PROC_ONE), 0);
    assert_ends(child, PROC_EXITED, 33);
    proc_child_free(child);
}

static void an_ended_child_takes_signals_until_it_is_waited_for(void **state)
{
    (void)state;
    proc_child *child = start_child("exit", "3");
    await_end(child);
    assert_rc(proc_kill(child, SIGTERM, PROC_ONE), 0);
    assert_rc(proc_kill(child, 0, PROC_ONE), 0);
    assert_ends(child, PROC_EXITED, 3);
    assert_rc(proc_kill(child, SIGTERM, PROC_ONE), -ESRCH);
    assert_rc(proc_kill(child, 0, PROC_ONE), -ESRCH);
    proc_child_free(child);
}

static void a_signal_to_the_group_reaches_all_of_it(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("tree", "2"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP));
    char byte;
    int first = atoi(said(child)), second = atoi(said(child));
    assert_string_equal(said(child), "ready");
    assert_true(state_of(first) && state_of(second));
    assert_rc(proc_kill(child, SIGTERM, PROC_GROUP), 0);
    /* Nobody of them holds the pipe any more. */
    assert_rc(proc_read(child, 1, &byte, 1, PATIENCE_MS), 0);
    assert_ends(child, PROC_SIGNALED, SIGTERM);
    assert_rc(proc_kill(child, SIGTERM, PROC_GROUP), -ESRCH);
    proc_child_free(child);
}

static void a_group_is_not_signalled_once_a_thief_has_its_leader(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("exit", "0"), PROC_OPTIONS(.flags = PROC_NEW_GROUP));
    assert_int_equal(waitpid(-1, NULL, 0), proc_child_pid(child));
    assert_rc(proc_kill(child, SIGTERM, PROC_ONE), -ESRCH);
    assert_rc(proc_kill(child, SIGTERM, PROC_GROUP), -ESRCH);
    proc_child_free(child);
}

/* The first process of the namespace. A stranger gets the number, also as that of its group, of a child that a thief has. */
static int meets_a_stranger(void *arg)
{
    (void)arg;
    proc_child *child;
    proc_exit ended;
    require_rc(proc_spawn(&child, CHILD_DOES("exit", "5"), PROC_OPTIONS(.flags = PROC_NEW_GROUP)), 0);
    int pid = proc_child_pid(child);
    require(waitpid(pid, NULL, 0) == pid);
    choose_next_pid(pid);
    pid_t stranger = fork_bound();
    if (stranger == 0) {
        setpgid(0, 0);
        live_on();
    }
    if (stranger != pid)
        return NOT_POSSIBLE;
    setpgid(stranger, stranger);
    require_rc(proc_kill(child, SIGKILL, PROC_ONE), -ESRCH);
    require_rc(proc_kill(child, SIGKILL, PROC_GROUP), -ESRCH);
    require_rc(proc_stop(child, &ended), 0);
    require(is_true_or_lost(&ended, PROC_EXITED, 5));
    require_rc(proc_kill(child, SIGKILL, PROC_GROUP), -ESRCH);
    require(!proc_child_free(child));
    require(waitpid(stranger, NULL, WNOHANG) == 0);
    kill(stranger, SIGKILL);
    require(waitpid(stranger, NULL, 0) == stranger);
    return 0;
}

static void a_stranger_with_a_recycled_pid_is_never_signalled_or_reaped(void **state)
{
    (void)state;
    assert_in_pid_namespace(meets_a_stranger);
}

static int kills_a_child_of_others(void *arg)
{
    (void)arg;
    proc_child *child;
    char line[8];
    require_rc(proc_spawn(&child, CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP)), 0);
    require(proc_read(child, 1, line, sizeof line, PATIENCE_MS) > 0);
    require(setresuid(4321, 4321, 0) == 0);
    require_rc(proc_kill(child, SIGTERM, PROC_ONE), -EPERM);
    require_rc(proc_kill(child, SIGTERM, PROC_GROUP), -EPERM);
    require_rc(proc_stop(child, NULL), -EPERM);
    require_rc(proc_wait(child, 0, NULL), -ETIMEDOUT);
    require(setresuid(0, 0, 0) == 0);
    require(!proc_child_free(child));
    return 0;
}

static void a_child_with_other_credentials_is_not_ours_to_signal(void **state)
{
    (void)state;
    assert_in_fork(kills_a_child_of_others, NULL);
}

/* ---- Stop ---- */

static void a_child_that_obeys_is_stopped_by_the_first_step(void **state)
{
    proc_exit ended;
    (void)state;
    proc_child *child = start_child("exit-on", "15", "6");
    assert_string_equal(said(child), "ready");
    assert_rc(proc_stop(child, &ended), 0);
    assert_true(ended.kind == PROC_EXITED && ended.code == 6);
    assert_rc(proc_stop(child, &ended), 0); /* had ended before */
    assert_true(ended.kind == PROC_EXITED && ended.code == 6);
    assert_rc(proc_stop(child, NULL), 0);
    proc_child_free(child);
}

static void a_child_that_ignores_the_first_step_meets_the_next(void **state)
{
    proc_exit ended;
    (void)state;
    proc_child *child =
        start(CHILD_DOES("ignore", "15", "2"),
              PROC_OPTIONS(.out = PROC_PIPE, .stop = PROC_STOP_STEPS({SIGINT, PROC_ONE, 0}, {SIGTERM, PROC_ONE, 20},
                                                                     {SIGKILL, PROC_ONE, -1})));
    assert_string_equal(said(child), "ready");
    assert_rc(proc_stop(child, &ended), 0);
    assert_true(ended.kind == PROC_SIGNALED && ended.code == SIGKILL);
    proc_child_free(child);
}

static void a_ladder_that_is_too_short_says_so(void **state)
{
    (void)state;
    proc_child *child =
        start(CHILD_DOES("ignore", "15"),
              PROC_OPTIONS(.out = PROC_PIPE, .stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, 5}, {SIGTERM, PROC_ONE, 5})));
    assert_string_equal(said(child), "ready");
    assert_rc(proc_stop(child, NULL), -ETIMEDOUT);
    assert_rc(proc_wait(child, 0, NULL), -ETIMEDOUT);
    proc_child_free(child);
}

static void a_suspended_child_is_continued_so_that_it_can_obey(void **state)
{
    proc_exit ended;
    (void)state;
    proc_child *child = start_child("exit-on", "15", "8");
    assert_string_equal(said(child), "ready");
    assert_rc(proc_kill(child, SIGSTOP, PROC_ONE), 0);
    assert_eventually(state_of(proc_child_pid(child)) == 'T');
    assert_rc(proc_wait(child, 0, NULL), -ETIMEDOUT); /* suspended is not ended */
    assert_rc(proc_stop(child, &ended), 0);
    assert_true(ended.kind == PROC_EXITED && ended.code == 8);
    proc_child_free(child);
}

static void the_default_steps_go_to_the_group_that_the_child_leads(void **state)
{
    char byte;
    (void)state;
    proc_child *child = start(CHILD_DOES("tree", "2"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_SESSION));
    said(child);
    said(child);
    assert_string_equal(said(child), "ready");
    assert_rc(proc_stop(child, NULL), 0);
    assert_rc(proc_read(child, 1, &byte, 1, PATIENCE_MS), 0);
    proc_child_free(child);
}

static void a_step_to_one_spares_the_rest_of_the_group(void **state)
{
    (void)state;
    proc_child *child =
        start(CHILD_DOES("tree", "1"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP,
                                                    .stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, PATIENCE_MS})));
    int other = atoi(said(child));
    assert_string_equal(said(child), "ready");
    assert_rc(proc_stop(child, NULL), 0);
    assert_true(state_of(other) != 0 && state_of(other) != 'Z');
    kill(other, SIGKILL);
    assert_eventually(state_of(other) == 0 || state_of(other) == 'Z');
    proc_child_free(child);
}

/* ---- Free, detach ---- */

static void freeing_kills_and_reaps_a_running_child(void **state)
{
    (void)state;
    proc_child *child = start_child("ignore", "15");
    assert_string_equal(said(child), "ready");
    int pid = proc_child_pid(child);
    assert_null(proc_child_free(child));
    assert_int_equal(state_of(pid), 0);
    assert_true(waitpid(pid, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void freeing_kills_the_group_that_the_child_leads(void **state)
{
    char byte;
    (void)state;
    proc_child *child = start(CHILD_DOES("tree", "2"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP));
    said(child);
    said(child);
    assert_string_equal(said(child), "ready");
    int fd = proc_child_take_stream(child, 1);
    proc_child_free(child);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
}

static proc_child *start_one_that_leaves_its_group(int *ret_member)
{
    proc_child *child = start(CHILD_DOES("leave-group"),
                              PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP,
                                           .stop = PROC_STOP_STEPS({SIGTERM, PROC_GROUP, PATIENCE_MS})));
    *ret_member = atoi(said(child));
    assert_string_equal(said(child), "ready");
    return child;
}

static void a_child_that_has_left_its_group_is_ended_with_the_group(void **state)
{
    int member;
    (void)state;
    proc_child *child = start_one_that_leaves_its_group(&member);
    assert_rc(proc_stop(child, NULL), 0);
    assert_ends(child, PROC_SIGNALED, SIGTERM);
    assert_eventually(state_of(member) == 0 || state_of(member) == 'Z');
    proc_child_free(child);

    child = start_one_that_leaves_its_group(&member);
    int pid = proc_child_pid(child);
    proc_child_free(child);
    assert_int_equal(state_of(pid), 0);
    assert_eventually(state_of(member) == 0 || state_of(member) == 'Z');
}

static void freeing_reaps_an_ended_child(void **state)
{
    (void)state;
    proc_child *child = start_child("exit", "0");
    int pid = proc_child_pid(child);
    await_end(child);
    proc_child_free(child);
    assert_true(waitpid(pid, NULL, WNOHANG) < 0 && errno == ECHILD);
}

/* By hand: the library lets it go, the test does not. */
static void end_by_hand(int pid)
{
    assert_true(state_of(pid) != 0 && state_of(pid) != 'Z');
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_detached_child_runs_on(void **state)
{
    (void)state;
    proc_child *child = start_ready(PROC_DETACH);
    int pid = proc_child_pid(child);
    proc_child_free(child);
    end_by_hand(pid);
    child = start_ready(0);
    pid = proc_child_pid(child);
    assert_rc(proc_detach(child), 0);
    assert_rc(proc_wait(child, 0, NULL), -ETIMEDOUT); /* the verbs still work */
    proc_child_free(child);
    end_by_hand(pid);
}

/* ---- A debugger keeps an ended child from its parent ---- */

struct tracer {
    int pid;
    int ends[2]; /* it lets go when our end is closed */
};

/* SEIZE leaves the child running; once dead it is kept as long as the tracer likes. */
static int trace(int target, struct tracer *tracer)
{
    int told[2];
    char answer = 0;
    if (pipe2(tracer->ends, O_CLOEXEC) < 0 || pipe2(told, O_CLOEXEC) < 0)
        return -1;
    tracer->pid = fork();
    if (tracer->pid == 0) {
        close(tracer->ends[1]);
        answer = ptrace(PTRACE_SEIZE, target, NULL, NULL) == 0 ? 'y' : 'n';
        if (write(told[1], &answer, 1) < 0 || read(tracer->ends[0], &answer, 1) < 0)
            _exit(1);
        _exit(0);
    }
    close(told[1]);
    close(tracer->ends[0]);
    if (read(told[0], &answer, 1) < 0)
        answer = 'n';
    close(told[0]);
    return answer == 'y' ? 0 : -1;
}

static void trace_no_more(struct tracer *tracer)
{
    close(tracer->ends[1]);
    assert_int_equal(waitpid(tracer->pid, NULL, 0), tracer->pid);
}

static void a_child_that_the_kernel_holds_on_to_is_reaped_later(void **state)
{
    struct tracer tracer;
    (void)state;
    proc_child *child = start_ready(0);
    int pid = proc_child_pid(child);
    if (trace(pid, &tracer) < 0) {
        trace_no_more(&tracer);
        proc_child_free(child);
        SKIP_TEST("ptrace is not allowed here");
    }
    int64_t before = patience_now();
    proc_child_free(child);
    assert_true(patience_now() - before < PATIENCE_MS / 2);
    assert_int_equal(state_of(pid), 'Z');
    trace_no_more(&tracer);
    assert_int_equal(state_of(pid), 'Z');
    child = start(PROC_ARGV("true"), PROC_OPTIONS(.in = PROC_NULL)); /* looks through the list */
    assert_int_equal(state_of(pid), 0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

static int64_t own_cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void a_wait_for_a_child_that_a_debugger_keeps_does_not_spin(void **state)
{
    struct tracer tracer;
    (void)state;
    proc_child *child = start_ready(0);
    int allowed = trace(proc_child_pid(child), &tracer) == 0;
    assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    int64_t before = own_cpu_ms();
    int rc = allowed ? proc_wait(child, 300, NULL) : 0;
    int any = allowed ? proc_wait_any(&child, 1, 300, NULL) : 0;
    int64_t spent = own_cpu_ms() - before;
    trace_no_more(&tracer);
    assert_ends(child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
    if (!allowed)
        SKIP_TEST("ptrace is not allowed here");
    assert_rc(rc, -ETIMEDOUT);
    assert_rc(any, -ETIMEDOUT);
    assert_true(spent < 200);
}

static void a_child_that_we_trace_ourselves_and_that_is_stopped_has_not_ended(void **state)
{
    proc_exit ended = {.kind = -1};
    (void)state;
    proc_child *child = start_ready(0);
    int pid = proc_child_pid(child);
    if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0) {
        proc_child_free(child);
        SKIP_TEST("ptrace is not allowed here");
    }
    assert_eventually(state_of(pid) == 't');
    assert_rc(proc_exit_get(PROC_PID(pid), &ended), 0);
    assert_int_equal(ended.kind, PROC_RUNNING);
    proc_child_free(child);
    assert_int_equal(state_of(pid), 0);
}

/* ---- A copy of the program ---- */

static int every_verb_answers_echild(void *arg)
{
    proc_child *child = arg;
    char byte;
    size_t index;
    proc_usage usage;
    proc_reach reach;
    require_rc(proc_wait(child, 0, NULL), -ECHILD);
    require_rc(proc_wait_any(&child, 1, 0, &index), -ECHILD);
    require_rc(proc_kill(child, SIGKILL, PROC_ONE), -ECHILD);
    require_rc(proc_kill(child, SIGKILL, PROC_TREE), -ECHILD);
    require_rc(proc_child_reach(child, &reach), -ECHILD);
    require_rc(proc_stop(child, NULL), -ECHILD);
    require_rc(proc_detach(child), -ECHILD);
    require_rc(proc_child_usage(child, &usage), -ECHILD);
    require_rc(proc_read(child, 1, &byte, 1, 0), -ECHILD);
    require_rc(proc_write(child, 0, "x", 1, 0), -ECHILD);
    require_rc(proc_close(child, 1), -ECHILD);
    require_rc(proc_child_stream(child, 1), -ECHILD);
    require_rc(proc_child_take_stream(child, 1), -ECHILD);
    require(proc_child_pid(child) > 0);
    int pidfd = proc_child_fd(child), stream = fcntl(pidfd, F_GETFD);
    require(stream >= 0);
    require(!proc_child_free(child));
    require(fcntl(pidfd, F_GETFD) < 0); /* its own copy is closed */
    return 0;
}

static void in_a_forked_copy_every_verb_answers_echild_and_free_does_no_harm(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
    assert_in_fork(every_verb_answers_echild, child);
    assert_rc(proc_write(child, 0, "alive\n", 6, PATIENCE_MS), 6);
    assert_string_equal(said(child), "alive");
    proc_child_free(child);
}

/* ---- Usage ---- */

static void usage_is_known_after_the_wait(void **state)
{
    proc_usage usage;
    (void)state;
    proc_child *child = start_child("burn", "60", "40");
    assert_rc(proc_child_usage(child, &usage), -EAGAIN);
    await_end(child);
    assert_rc(proc_child_usage(child, &usage), -EAGAIN);
    assert_ends(child, PROC_EXITED, 0);
    memset(&usage, 0x55, sizeof usage);
    assert_rc(proc_child_usage(child, &usage), 0);
    assert_true(usage.user_us + usage.system_us >= 50000 && usage.user_us + usage.system_us < 20 * 1000000);
    assert_true(usage.max_rss_bytes >= 40 << 20);
    assert_true(usage.minor_faults > 0);
    assert_true(usage.max_rss_inherited == 0 || usage.max_rss_inherited == 1);
    assert_true(usage.reserved0 == 0 && usage.reserved[0] == 0 && usage.reserved[3] == 0);
    proc_child_free(child);
}

static void a_peak_that_may_be_ours_is_flagged(void **state)
{
    proc_usage usage;
    (void)state;
    char *ours = malloc(64 << 20);
    assert_non_null(ours);
    memset(ours, 1, 64 << 20);
    proc_child *child = start(PROC_ARGV("true"), PROC_OPTIONS(.in = PROC_NULL));
    assert_true(ours[12345] == 1);
    free(ours);
    assert_ends(child, PROC_EXITED, 0);
    assert_rc(proc_child_usage(child, &usage), 0);
    assert_int_equal(usage.max_rss_inherited, 1);
    proc_child_free(child);
}

/* ---- Streams ---- */

static void a_read_waits_as_long_as_told_and_sees_the_end(void **state)
{
    char text[16];
    (void)state;
    proc_child *child = start(CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
    int64_t before = patience_now();
    assert_rc(proc_read(child, 1, text, sizeof text, 0), -ETIMEDOUT);
    assert_rc(proc_read(child, 1, text, sizeof text, 30), -ETIMEDOUT);
    assert_true(patience_now() - before >= 29);
    assert_rc(proc_write(child, 0, "abc", 3, 0), 3);
    assert_rc(proc_read(child, 1, text, 2, -1), 2);
    assert_rc(proc_read(child, 1, text, sizeof text, PATIENCE_MS), 1);
    assert_rc(proc_close(child, 0), 0);
    assert_rc(proc_read(child, 1, text, sizeof text, PATIENCE_MS), 0);
    assert_rc(proc_read(child, 1, text, sizeof text, 0), 0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

static void a_write_gives_what_fits_and_then_times_out(void **state)
{
    enum { MUCH = 4 << 20 };
    (void)state;
    char *data = calloc(1, MUCH);
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
    int64_t fitted = proc_write(child, 0, data, MUCH, 0);
    assert_true(fitted > 0 && fitted < MUCH);
    assert_rc(proc_write(child, 0, data, MUCH, 0), -ETIMEDOUT);
    assert_rc(proc_write(child, 0, data, MUCH, 20), -ETIMEDOUT);
    assert_rc(proc_write(child, 0, data, 0, 0), 0);
    free(data);
    proc_child_free(child);
}

static void a_write_of_any_size_is_written_whole(void **state)
{
    enum { MUCH = 1 << 20 };
    (void)state;
    char *data = malloc(MUCH);
    assert_non_null(data);
    for (int i = 0; i < MUCH; i++)
        data[i] = (char)(i % 251);
    proc_child *child = start(CHILD_DOES("read-all"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
    assert_rc(proc_write(child, 0, data, MUCH, -1), MUCH);
    assert_rc(proc_close(child, 0), 0);
    const char *line = said(child);
    assert_contains(line, "1048576 ");
    assert_contains(line, " pattern");
    free(data);
    proc_child_free(child);
}

static int writes_to_the_dead(void *arg)
{
    (void)arg;
    proc_child *child;
    signal(SIGPIPE, SIG_DFL); /* it would end us */
    require_rc(proc_spawn(&child, CHILD_DOES("exit", "0"), PROC_OPTIONS(.in = PROC_PIPE)), 0);
    require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    for (int i = 0; i < 3; i++)
        require_rc(proc_write(child, 0, "x", 1, PATIENCE_MS), -EPIPE);
    sigset_t pending;
    sigpending(&pending);
    require(!sigismember(&pending, SIGPIPE));
    proc_child_free(child);
    return 0;
}

static void writing_to_a_dead_child_is_an_error_and_raises_no_sigpipe(void **state)
{
    (void)state;
    assert_in_fork(writes_to_the_dead, NULL);
}

static void a_reader_that_goes_away_on_the_way_leaves_a_count(void **state)
{
    enum { MUCH = 1 << 20 };
    (void)state;
    char *data = calloc(1, MUCH);
    proc_child *child = start(CHILD_DOES("read", "100000"), PROC_OPTIONS(.in = PROC_PIPE));
    int64_t done = proc_write(child, 0, data, MUCH, PATIENCE_MS);
    assert_true(done >= 100000 && done < MUCH);
    assert_rc(proc_write(child, 0, data, MUCH, PATIENCE_MS), -EPIPE);
    assert_ends(child, PROC_EXITED, 0);
    free(data);
    proc_child_free(child);
}

static void streams_that_are_not_there_or_run_the_other_way_are_told(void **state)
{
    char byte;
    (void)state;
    proc_child *child = start(CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
    assert_rc(proc_read(child, 2, &byte, 1, 0), -EBADF);
    assert_rc(proc_read(child, 0, &byte, 1, 0), -EBADF);
    assert_rc(proc_write(child, 1, "x", 1, 0), -EBADF);
    assert_rc(proc_write(child, -1, "x", 1, 0), -EBADF);
    assert_rc(proc_child_stream(child, 2), -EBADF);
    assert_rc(proc_child_take_stream(child, 2), -EBADF);
    assert_rc(proc_close(child, 7), -EBADF);
    assert_rc(proc_close(child, 0), 0);
    assert_rc(proc_close(child, 0), -EBADF);
    assert_rc(proc_write(child, 0, "x", 1, 0), -EBADF);
    assert_rc(proc_child_stream(child, 0), -EBADF);
    assert_rc(proc_child_take_stream(child, 0), -EBADF);
    proc_child_free(child);
}

struct reader {
    proc_child *child;
    atomic_int running;
    int64_t got, after;
};

static void *read_for_ever(void *arg)
{
    struct reader *reader = arg;
    char byte;
    atomic_store(&reader->running, 1);
    reader->got = proc_read(reader->child, 1, &byte, 1, PATIENCE_MS);
    reader->after = proc_read(reader->child, 1, &byte, 1, 0);
    return NULL;
}

/* It is in the call for certain when the stream cannot be taken any more. Else what we took is put back. */
static int is_reading(struct reader *reader)
{
    return atomic_load(&reader->running) && state_of(getpid()) != 0 && proc_child_stream(reader->child, 1) > 0;
}

static void a_close_lets_a_reader_in_another_thread_finish_first(void **state)
{
    struct reader reader = {0};
    pthread_t thread;
    (void)state;
    reader.child = start(CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
    assert_int_equal(pthread_create(&thread, NULL, read_for_ever, &reader), 0);
    assert_eventually(is_reading(&reader));
    int taken = proc_child_take_stream(reader.child, 1);
    if (taken < 0) { /* it reads already: the usual case */
        assert_rc(taken, -EBUSY);
        int fd = proc_child_stream(reader.child, 1);
        assert_rc(proc_close(reader.child, 1), 0);
        assert_rc(proc_close(reader.child, 1), -EBADF);
        assert_true(fcntl(fd, F_GETFD) >= 0);
        assert_rc(proc_write(reader.child, 0, "x", 1, PATIENCE_MS), 1);
        pthread_join(thread, NULL);
        assert_rc(reader.got, 1);
        assert_rc(reader.after, -EBADF);
        assert_true(fcntl(fd, F_GETFD) < 0);
    } else {
        pthread_join(thread, NULL);
        assert_rc(reader.got, -EBADF);
        close(taken);
    }
    proc_child_free(reader.child);
}

static void *read_until_cancelled(void *child)
{
    char byte;
    (void)proc_read(child, 1, &byte, 1, -1);
    return NULL;
}

static void *wait_for_any_for_ever(void *child)
{
    proc_child *one = child;
    (void)proc_wait_any(&one, 1, -1, NULL);
    return NULL;
}

static void *free_at_once(void *child)
{
    proc_child_free(child);
    return NULL;
}

static void *cancelled(void *(*body)(void *), void *arg)
{
    void *result = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, body, arg), 0);
    pthread_cancel(thread);
    assert_int_equal(pthread_join(thread, &result), 0);
    return result;
}

/* poll(2) refuses more descriptors than the limit allows for, even a single one. */
static int lives_without_a_limit_for_descriptors(void *arg)
{
    char byte;
    size_t index;
    proc_exit ended = {0};
    proc_child *child = NULL, *other = NULL;
    (void)arg;
    require_rc(proc_spawn(&child, CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_PIPE)), 0);
    require_rc(proc_spawn(&other, CHILD_DOES("sleep", "100"), NULL), 0);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 0;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    require_rc(proc_wait(child, 20, &ended), -ETIMEDOUT);
    require_rc(proc_wait_any(&child, 1, 20, &index), -ETIMEDOUT);
    require_rc(proc_read(child, 1, &byte, 1, -1), 1);
    require_rc(proc_wait_any((proc_child *[]){child, other}, 2, -1, &index), 0);
    require(index == 1);
    require_rc(proc_stop(child, &ended), 0);
    require(ended.kind == PROC_SIGNALED && ended.code == SIGTERM);
    proc_child_free(other);
    proc_child_free(child);
    return 0;
}

static void a_limit_below_what_is_open_does_not_end_a_wait(void **state)
{
    (void)state;
    assert_in_fork(lives_without_a_limit_for_descriptors, NULL);
}

/* What is not given back, the suite and the sanitizers see. */
static void a_cancelled_thread_lets_go_of_all_that_it_used(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        proc_child *child = start_child("ready");
        assert_string_equal(said(child), "ready");
        int fd = proc_child_stream(child, 1);
        assert_ptr_equal(cancelled(read_until_cancelled, child), PTHREAD_CANCELED);
        assert_ptr_equal(cancelled(wait_for_any_for_ever, child), PTHREAD_CANCELED);
        assert_rc(proc_close(child, 1), 0);
        assert_true(fcntl(fd, F_GETFD) < 0);
        cancelled(free_at_once, child);
    }
}

static void a_stream_that_was_taken_outlives_the_handle(void **state)
{
    char text[8] = "";
    (void)state;
    proc_child *child = start_child("print", "1", "text");
    int same = proc_child_stream(child, 1), fd = proc_child_take_stream(child, 1);
    assert_true(fd > 2);
    assert_int_equal(fd, same);
    assert_rc(proc_child_take_stream(child, 1), -EBADF);
    assert_rc(proc_child_stream(child, 1), -EBADF);
    assert_rc(proc_read(child, 1, text, sizeof text, 0), -EBADF);
    assert_rc(proc_close(child, 1), -EBADF);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    assert_int_equal(read(fd, text, sizeof text), 4);
    assert_string_equal(text, "text");
    close(fd);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(every_exit_code_and_signal_is_told),
        spawning_test(a_wait_ends_with_its_time_and_can_be_repeated),
        spawning_test(the_pidfd_is_readable_once_the_child_has_ended),
        spawning_test(bad_arguments_are_refused),
        spawning_test(several_threads_wait_and_another_one_kills),
        spawning_test(wait_any_finds_the_one_that_has_ended),
        spawning_test(a_status_that_was_stolen_is_true_or_lost),
        spawning_test(an_ignored_sigchld_does_not_hide_the_status),
        spawning_test(a_thief_does_not_hang_a_wait),
        spawning_test(a_signal_reaches_the_child),
        spawning_test(an_ended_child_takes_signals_until_it_is_waited_for),
        spawning_test(a_signal_to_the_group_reaches_all_of_it),
        spawning_test(a_group_is_not_signalled_once_a_thief_has_its_leader),
        root_test(a_stranger_with_a_recycled_pid_is_never_signalled_or_reaped),
        root_test(a_child_with_other_credentials_is_not_ours_to_signal),
        spawning_test(a_child_that_obeys_is_stopped_by_the_first_step),
        spawning_test(a_child_that_ignores_the_first_step_meets_the_next),
        spawning_test(a_ladder_that_is_too_short_says_so),
        spawning_test(a_suspended_child_is_continued_so_that_it_can_obey),
        spawning_test(the_default_steps_go_to_the_group_that_the_child_leads),
        spawning_test(a_step_to_one_spares_the_rest_of_the_group),
        spawning_test(freeing_kills_and_reaps_a_running_child),
        spawning_test(freeing_kills_the_group_that_the_child_leads),
        spawning_test(a_child_that_has_left_its_group_is_ended_with_the_group),
        spawning_test(freeing_reaps_an_ended_child),
        spawning_test(a_detached_child_runs_on),
        machine_test(a_child_that_the_kernel_holds_on_to_is_reaped_later),
        machine_test(a_wait_for_a_child_that_a_debugger_keeps_does_not_spin),
        machine_test(a_child_that_we_trace_ourselves_and_that_is_stopped_has_not_ended),
        spawning_test(in_a_forked_copy_every_verb_answers_echild_and_free_does_no_harm),
        spawning_test(usage_is_known_after_the_wait),
        machine_test(a_peak_that_may_be_ours_is_flagged),
        spawning_test(a_read_waits_as_long_as_told_and_sees_the_end),
        spawning_test(a_write_gives_what_fits_and_then_times_out),
        spawning_test(a_write_of_any_size_is_written_whole),
        spawning_test(writing_to_a_dead_child_is_an_error_and_raises_no_sigpipe),
        spawning_test(a_reader_that_goes_away_on_the_way_leaves_a_count),
        spawning_test(streams_that_are_not_there_or_run_the_other_way_are_told),
        spawning_test(a_close_lets_a_reader_in_another_thread_finish_first),
        machine_test(a_limit_below_what_is_open_does_not_end_a_wait),
        spawning_test(a_cancelled_thread_lets_go_of_all_that_it_used),
        spawning_test(a_stream_that_was_taken_outlives_the_handle),
    };
    return run_suite("child", tests, sizeof tests / sizeof tests[0], argc, argv);
}
