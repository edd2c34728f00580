/* SPDX-License-Identifier: MIT */
/*
 * Every signal that there is: with a handler, ignored or blocked here when a child is started, in either memory and in
 * every kind of start; and handed on to a child by a program that stands before it.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#define LAST 64
#define ALWAYS_DEFAULT (PROC_SIGNAL(SIGKILL) | PROC_SIGNAL(SIGSTOP))

static void nothing(int number)
{
    (void)number;
}

/* All that libc lets us touch; those are told. */
static uint64_t set_all(void (*handler)(int))
{
    uint64_t done = 0;
    for (int number = 1; number <= LAST; number++)
        if (signal(number, handler) != SIG_ERR)
            done |= PROC_SIGNAL(number);
    return done;
}

static int nothing_to_do(void *user)
{
    (void)user;
    return 0;
}

/* What the child has: in our memory, in a copy, behind a hook, in front of a thread. */
static void require_signals(uint64_t ignored, uint32_t flags, uint64_t blocked)
{
    const proc_hook *hook = PROC_HOOK(nothing_to_do, NULL);
    const proc_options kinds[] = {
        {.size = sizeof kinds[0], .flags = flags},
        {.size = sizeof kinds[0], .flags = flags, .ids = same_ids()},
        {.size = sizeof kinds[0], .flags = flags, .hook = hook},
        {.size = sizeof kinds[0], .flags = flags | PROC_DIE_WITH_PARENT},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char *report = report_of(&kinds[i]);
        const uint64_t caught = report_mask(report, "SigCgt"), ignores = report_mask(report, "SigIgn"),
                       blocks = report_mask(report, "blocked");
        free(report);
        if (caught != 0 || ignores != ignored || blocks != blocked)
            complain("kind %zu: caught %jx, ignored %jx not %jx, blocked %jx not %jx", i, (uintmax_t)caught,
                     (uintmax_t)ignores, (uintmax_t)ignored, (uintmax_t)blocks, (uintmax_t)blocked);
    }
}

static int all_have_handlers(void *arg)
{
    (void)arg;
    require(set_all(nothing) != 0);
    require_signals(0, 0, 0);
    require_signals(0, PROC_INHERIT_SIGNALS, 0);
    return 0;
}

static void no_handler_of_any_signal_is_left(void **state)
{
    (void)state;
    assert_in_fork(all_have_handlers, NULL);
}

/* SIGTTIN and SIGTTOU among them, which a shell without job control hands on so. Not SIGCHLD: we wait for children. */
static int all_are_ignored(void *arg)
{
    (void)arg;
    const uint64_t ignored = set_all(SIG_IGN) & ~PROC_SIGNAL(SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    require(ignored & PROC_SIGNAL(SIGTTIN) && ignored & PROC_SIGNAL(SIGTTOU) && ignored & PROC_SIGNAL(LAST));
    require_signals(ignored & ~PROC_SIGNAL(SIGPIPE), 0, 0);
    require_signals(ignored, PROC_INHERIT_SIGNALS, 0);
    return 0;
}

static void every_ignored_signal_is_kept_but_sigpipe(void **state)
{
    (void)state;
    assert_in_fork(all_are_ignored, NULL);
}

static int all_are_blocked(void *arg)
{
    sigset_t all;
    (void)arg;
    set_all(SIG_DFL);
    sigfillset(&all);
    require(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
    /* libc keeps two or three of them for its threads, and lets nobody block those. */
    const uint64_t blocked = ~ALWAYS_DEFAULT & ~(((UINT64_C(1) << (SIGRTMIN - 32)) - 1) << 31);
    require_signals(0, 0, 0);
    require_signals(0, PROC_INHERIT_SIGNALS, blocked);
    return 0;
}

static void no_signal_is_blocked_unless_it_shall_be(void **state)
{
    (void)state;
    assert_in_fork(all_are_blocked, NULL);
}

/* ---- A program that stands before a child ---- */

#define NOT_FOR_OTHERS                                                                                         \
    (ALWAYS_DEFAULT | PROC_SIGNAL(SIGILL) | PROC_SIGNAL(SIGTRAP) | PROC_SIGNAL(SIGABRT) | PROC_SIGNAL(SIGBUS) | \
     PROC_SIGNAL(SIGFPE) | PROC_SIGNAL(SIGSEGV) | PROC_SIGNAL(SIGSYS) | PROC_SIGNAL(SIGCHLD))

static void hand_on(proc_signals *signals, proc_child *child, int number)
{
    proc_signal record;
    require(kill(getpid(), number) == 0);
    require_rc(proc_signals_read(signals, &record, 1, PATIENCE_MS), 1);
    require(record.signal == number);
    require_rc(proc_kill(child, record.signal, PROC_ONE), 0);
    const char *told = said(child);
    if (atoi(told) != number)
        complain("signal %d has arrived as %s", number, told);
}

static int hands_on_all(void *arg)
{
    const uint64_t set = UINT64_C(0x7fffffff) & ~NOT_FOR_OTHERS; /* the 31 standard ones */
    proc_signals *signals;
    proc_child *child;
    proc_exit ended;
    (void)arg;
    require_rc(proc_signals_new(&signals, set, NULL), 0);
    require_rc(proc_spawn(&child, CHILD_DOES("tell-signals"), PROC_OPTIONS(.out = PROC_PIPE)), 0);
    require(strcmp(said(child), "ready") == 0);
    for (int number = 1; number <= 31; number++)
        if (set & PROC_SIGNAL(number) && number != SIGTERM)
            hand_on(signals, child, number);
    hand_on(signals, child, SIGTERM);
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    require(proc_exit_ok(&ended));
    proc_child_free(child);
    proc_signals_free(signals);
    return 0;
}

static void every_signal_can_be_handed_on_to_a_child(void **state)
{
    (void)state;
    assert_in_fork(hands_on_all, NULL);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        /* An emulator keeps some for itself. */
        machine_test(no_handler_of_any_signal_is_left),
        machine_test(every_ignored_signal_is_kept_but_sigpipe),
        machine_test(no_signal_is_blocked_unless_it_shall_be),
        spawning_test(every_signal_can_be_handed_on_to_a_child),
    };
    return run_suite("every-signal", tests, sizeof tests / sizeof tests[0], argc, argv);
}
