/* SPDX-License-Identifier: MIT */
/* Fault runs of what is made by fork(2), functions in children and hooks; and of becoming a program and undoing it. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/probe.h"
#include "fault.h"

#define LONG_MS 8000

static proc_child *const no_child = (proc_child *)(uintptr_t)0x5a5a;

/* Takes what has been started to its end, without faults. */
static void finish(struct attempt *attempt, proc_child *child, int code)
{
    proc_exit end = {0};
    attempt->untouched = child == no_child;
    if (attempt->rc < 0)
        return;
    int rc = proc_wait(child, LONG_MS, &end);
    if (rc < 0 || end.kind != PROC_EXITED || end.code != code)
        snprintf(attempt->wrong, sizeof attempt->wrong, "waiting says %s: %d with %d", rc_name(rc), end.kind, end.code);
    proc_child_free(child);
}

/* ---- Functions ---- */

static int return_three(void *user)
{
    (void)user;
    return 3;
}

static void fork_it(struct attempt *attempt, proc_options *options)
{
    proc_child *child = no_child;
    attempt->takes_error = 1;
    options->size = sizeof *options;
    options->error = &attempt->error;
    fault_begin();
    attempt->rc = proc_fork(&child, return_three, NULL, options);
    fault_end();
    finish(attempt, child, 3);
}

static void fork_plainly(struct attempt *attempt)
{
    fork_it(attempt, &(proc_options){0});
}

static void fork_with_all_options(struct attempt *attempt)
{
    int here = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), high = fcntl(here, F_DUPFD_CLOEXEC, 6);
    fork_it(attempt, &(proc_options){
                         .flags = PROC_NEW_GROUP,
                         .in = PROC_NULL,
                         .out = PROC_PIPE,
                         .fds = PROC_FDS({here, PROC_FD(high)}, {high, PROC_FD(here)}, {20, PROC_SAME_AS(high)}),
                         .cwd = "usr",
                         .umask = PROC_MODE(027),
                         .env = PROC_ENV("A=1"),
                         .env_edit = PROC_ENV("B=2", "A"),
                         .start = PROC_START(.cwd_fd = &here),
                         .signals = PROC_DISPOSITIONS(.block = PROC_SIGNAL(SIGUSR1), .ignore = PROC_SIGNAL(SIGUSR2)),
                     });
    close(here);
    close(high);
}

static void fork_and_inherit(struct attempt *attempt)
{
    fork_it(attempt, &(proc_options){.flags = PROC_INHERIT_FDS | PROC_INHERIT_SIGNALS | PROC_NEW_SESSION});
}

static void a_fork_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"fork", fork_plainly},
        {"fork with all options", fork_with_all_options},
        {"fork and inherit", fork_and_inherit},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

/* ---- Hooks ---- */

static int answer(void *user)
{
    return *(const int *)user;
}

static int crash(void *user)
{
    (void)user;
    raise(SIGKILL);
    return 0;
}

static int spawn_it(struct attempt *attempt, const proc_hook *hook, uint32_t flags)
{
    proc_child *child = no_child;
    attempt->takes_error = 1;
    fault_begin();
    attempt->rc = proc_spawn(&child, PROC_ARGV(CHILD, "exit", "4"),
                             PROC_OPTIONS(.flags = flags, .hook = hook, .out = PROC_NULL, .error = &attempt->error));
    fault_end();
    finish(attempt, child, 4);
    return attempt->rc >= 0;
}

static void spawn_with_a_hook(struct attempt *attempt)
{
    const int fine = 0;
    spawn_it(attempt, PROC_HOOK(answer, (void *)(uintptr_t)&fine), 0);
}

static void spawn_bound_with_a_hook(struct attempt *attempt)
{
    const int fine = 0;
    spawn_it(attempt, PROC_HOOK(answer, (void *)(uintptr_t)&fine), PROC_DIE_WITH_PARENT);
}

/* A start that has to fail anyway. */
static void expect(struct attempt *attempt, int started, int rc)
{
    if (started)
        snprintf(attempt->wrong, sizeof attempt->wrong, "started although it was refused");
    if (attempt->rc == rc)
        attempt->rc = 0;
}

static void spawn_with_a_hook_that_refuses(struct attempt *attempt)
{
    const int refusal = -EXDEV;
    expect(attempt, spawn_it(attempt, PROC_HOOK(answer, (void *)(uintptr_t)&refusal), 0), -EXDEV);
}

static void spawn_with_a_hook_that_crashes(struct attempt *attempt)
{
    expect(attempt, spawn_it(attempt, PROC_HOOK(crash, NULL), 0), -ECHILD);
}

static void a_hook_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"hook", spawn_with_a_hook},
        {"hook of a bound child", spawn_bound_with_a_hook},
        {"hook that refuses", spawn_with_a_hook_that_refuses},
        {"hook that crashes", spawn_with_a_hook_that_crashes},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

/* ---- Becoming a program, one that is missing ---- */

static void become(struct attempt *attempt, proc_options *options)
{
    attempt->takes_error = 1;
    attempt->untouched = 1;
    options->size = sizeof *options;
    options->error = &attempt->error;
    fault_begin();
    attempt->rc = proc_exec(PROC_ARGV("/no/such/program"), options);
    fault_end();
    if (attempt->rc == -ENOENT)
        attempt->rc = 0;
}

static void become_plainly(struct attempt *attempt)
{
    become(attempt, &(proc_options){0});
}

static void become_with_all_options(struct attempt *attempt)
{
    int here = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), high = fcntl(here, F_DUPFD_CLOEXEC, 6);
    become(attempt,
           &(proc_options){
               .err = PROC_INHERIT,
               .fds = PROC_FDS({20, PROC_FD(high)}, {21, PROC_SAME_AS(20)}, {22, PROC_NULL}, {high, PROC_INHERIT}),
               .umask = PROC_MODE(027),
               .env_edit = PROC_ENV("A=1"),
               .signals = PROC_DISPOSITIONS(.block = PROC_SIGNAL(SIGUSR1), .ignore = PROC_SIGNAL(SIGUSR2)),
           });
    close(here);
    close(high);
}

/* What could not be given back has to be told: then it is given back here. */
static void become_with_numbers_that_are_taken(struct attempt *attempt)
{
    enum { FIRST = 40, SECOND, THIRD, ASIDE = 60 };
    for (int fd = FIRST; fd <= THIRD; fd++) {
        dup3(STDERR_FILENO, fd, O_CLOEXEC);
        dup3(STDERR_FILENO, fd - FIRST + ASIDE, O_CLOEXEC);
    }
    become(attempt,
           &(proc_options){.fds = PROC_FDS({FIRST, PROC_FD(SECOND)}, {SECOND, PROC_FD(FIRST)}, {THIRD, PROC_NULL})});
    for (int fd = FIRST; fd <= THIRD; fd++) {
        if (!(attempt->error.changed & PROC_CHANGED_FDS) && fcntl(fd, F_GETFD) != FD_CLOEXEC)
            snprintf(attempt->wrong, sizeof attempt->wrong, "descriptor %d has changed", fd);
        close(fd);
        close(fd - FIRST + ASIDE);
    }
}

static void what_fails_on_the_way_to_a_program_is_undone(void **state)
{
    static const struct scenario scenarios[] = {
        {"exec", become_plainly},
        {"exec with all options", become_with_all_options},
        {"exec with numbers that are taken", become_with_numbers_that_are_taken},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

/* ---- Finding one ---- */

static void find_a_program(struct attempt *attempt)
{
    char path[256] = "untouched";
    int here = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    attempt->takes_error = 1;
    fault_begin();
    attempt->rc = proc_which("sh",
                             PROC_OPTIONS(.search = "/nope:/usr/bin:/bin", .cwd = "usr", .env_edit = PROC_ENV("A=1"),
                                          .start = PROC_START(.cwd_fd = &here), .error = &attempt->error),
                             path, sizeof path);
    fault_end();
    attempt->untouched = strcmp(path, "untouched") == 0;
    close(here);
}

static void a_search_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenario = {"which", find_a_program};
    (void)state;
    fault_check(&scenario, 1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        pidfd_test(a_fork_leaves_no_trace_when_a_call_fails),
        pidfd_test(a_hook_leaves_no_trace_when_a_call_fails),
        cmocka_unit_test(what_fails_on_the_way_to_a_program_is_undone),
        cmocka_unit_test(a_search_leaves_no_trace_when_a_call_fails),
    };
    return run_suite("fault-fork", tests, sizeof tests / sizeof tests[0], argc, argv);
}
