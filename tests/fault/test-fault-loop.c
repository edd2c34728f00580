/* SPDX-License-Identifier: MIT */
/* Fault runs of signals and loops. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

#include <proc/loop.h>

#define SET (PROC_SIGNAL(SIGUSR1) | PROC_SIGNAL(SIGRTMIN))

/* ---- Signals ---- */

static void open_a_set(struct attempt *attempt)
{
    proc_signals *const none = (proc_signals *)attempt;
    proc_signals *signals = none;
    attempt->takes_error = 1;
    fault_begin();
    attempt->rc = proc_signals_new(&signals, SET, &attempt->error);
    fault_end();
    attempt->untouched = signals == none;
    if (attempt->rc == 0)
        proc_signals_free(signals);
}

static void read_a_set(struct attempt *attempt)
{
    proc_signal record, before;
    proc_signals *signals = NULL;
    if (proc_signals_new(&signals, SET, NULL) < 0)
        return;
    memset(&record, 0x55, sizeof record);
    before = record;
    kill(getpid(), SIGUSR1);
    fault_begin();
    attempt->rc = proc_signals_read(signals, &record, 1, 1000);
    fault_end();
    attempt->untouched = memcmp(&record, &before, sizeof record) == 0;
    if (attempt->rc < 0 && proc_signals_read(signals, &record, 1, 0) != 1)
        strcpy(attempt->wrong, "the signal is lost");
    proc_signals_free(signals);
}

static void wait_in_vain(struct attempt *attempt)
{
    proc_signal record;
    proc_signals *signals = NULL;
    if (proc_signals_new(&signals, SET, NULL) < 0)
        return;
    fault_begin();
    int rc = proc_signals_read(signals, &record, 1, 1);
    fault_end();
    attempt->rc = rc == -ETIMEDOUT ? 0 : rc;
    attempt->untouched = 1;
    proc_signals_free(signals);
}

static void check_all_threads(struct attempt *attempt)
{
    int signal = -1;
    fault_begin();
    attempt->rc = proc_signals_check(SET, &signal);
    fault_end();
    attempt->untouched = signal == -1;
    if (attempt->rc >= 0 && (attempt->rc != getpid() || signal != SIGUSR1))
        strcpy(attempt->wrong, "a thread was missed");
}

static int can_open_pidfds(void)
{
    /* With all six arguments: the wrapper hands them on. */
    int fd = (int)syscall(434 /* pidfd_open */, (long)getpid(), 0L, 0L, 0L, 0L, 0L);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void queue_a_value(struct attempt *attempt)
{
    proc_signal record;
    proc_signals *signals = NULL;
    if (!can_open_pidfds() || proc_signals_new(&signals, SET, NULL) < 0)
        return;
    fault_begin();
    attempt->rc = proc_signal_queue(PROC_SELF, SIGRTMIN, 3);
    fault_end();
    attempt->untouched = 1;
    int came = proc_signals_read(signals, &record, 1, 0) == 1;
    if (came != (attempt->rc == 0))
        strcpy(attempt->wrong, "it says one thing and does another");
    proc_signals_free(signals);
}

static void every_failure_of_signals_is_told_and_leaves_nothing(void **state)
{
    static const struct scenario scenarios[] = {
        {"open a set", open_a_set},     {"read a set", read_a_set},       {"wait in vain", wait_in_vain},
        {"check", check_all_threads},   {"queue a value", queue_a_value},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

/* ---- Loops ---- */

static int ran;

static int on_fd(proc_watch *watch, int fd, uint32_t events, void *user)
{
    (void)fd, (void)events, (void)user;
    ran++;
    proc_watch_free(watch);
    return 0;
}

static int on_timer(proc_watch *watch, uint64_t expirations, void *user)
{
    (void)watch, (void)expirations, (void)user;
    ran++;
    return 0;
}

static int on_call(proc_watch *watch, void *user)
{
    (void)watch, (void)user;
    ran++;
    return 0;
}

static int on_signal(proc_watch *watch, const proc_signal *signal, void *user)
{
    (void)signal, (void)user;
    ran++;
    proc_watch_free(watch);
    return 0;
}

static int on_exit_of(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user)
{
    (void)watch, (void)child, (void)user;
    ran += ended->kind == PROC_EXITED && ended->code == 0;
    return 0;
}

static int on_process(proc_watch *watch, int pidfd, const proc_exit *ended, void *user)
{
    (void)watch, (void)pidfd, (void)ended, (void)user;
    ran++;
    return 0;
}

static int on_orphan(proc_watch *watch, int pid, const proc_exit *ended, void *user)
{
    (void)pid, (void)ended, (void)user;
    ran++;
    proc_loop_quit(proc_watch_loop(watch), 0);
    return 0;
}

static proc_loop *loop_outside_of_faults(void)
{
    proc_loop *loop = NULL;
    ran = 0;
    return proc_loop_new(&loop) < 0 ? NULL : loop;
}

static void make_a_loop(struct attempt *attempt)
{
    proc_loop *const none = (proc_loop *)attempt;
    proc_loop *loop = none;
    fault_begin();
    attempt->rc = proc_loop_new(&loop);
    fault_end();
    attempt->untouched = loop == none;
    if (attempt->rc == 0)
        proc_loop_free(loop);
}

/* Each kind of watch in turn. Those that were made must work, and those that were not leave nothing. */
static void make_watches(struct attempt *attempt)
{
    proc_watch *const none = (proc_watch *)attempt;
    proc_watch *watches[12];
    int ends[2], rc = 0;
    proc_loop *loop = loop_outside_of_faults();
    if (!loop || pipe(ends) < 0)
        return;
    for (int i = 0; i < 12; i++)
        watches[i] = none;
    fault_begin();
    for (int i = 0; i < 12 && rc == 0; i++) {
        switch (i) {
        case 0: rc = proc_loop_descriptor(loop, ends[1], EPOLLOUT, on_fd, NULL, &watches[i]); break;
        case 1: rc = proc_loop_signals(loop, SET, on_signal, NULL, &watches[i]); break;
        case 2: rc = proc_loop_timer_at(loop, 0, on_timer, NULL, &watches[i]); break;
        case 3: rc = proc_loop_orphans(loop, on_orphan, NULL, &watches[i]); break;
        default: rc = proc_loop_defer(loop, on_call, NULL, &watches[i]);
        }
    }
    fault_end();
    attempt->rc = rc;
    attempt->untouched = watches[11] == none;
    int made = 0;
    while (made < 12 && watches[made] != none)
        made++;
    int expected = made - (made > 1) - (made > 3); /* no signal has come, and no orphan */
    if (proc_loop_dispatch(loop, 0) != expected || ran != expected)
        strcpy(attempt->wrong, "a watch that was made does not call");
    proc_loop_free(loop);
    close(ends[0]);
    close(ends[1]);
}

static void run_a_round(struct attempt *attempt)
{
    int ends[2];
    proc_loop *loop = loop_outside_of_faults();
    if (!loop || pipe(ends) < 0)
        return;
    proc_watch *watch;
    int rc = proc_loop_descriptor(loop, ends[1], EPOLLOUT, on_fd, NULL, &watch);
    rc |= proc_loop_signals(loop, SET, on_signal, NULL, &watch);
    rc |= proc_loop_timer(loop, 1, 0, on_timer, NULL, NULL) | proc_loop_defer(loop, on_call, NULL, NULL);
    kill(getpid(), SIGUSR1);
    fault_begin();
    attempt->rc = rc < 0 ? rc : proc_loop_run(loop);
    fault_end();
    attempt->untouched = 1;
    /* What failed can be done again. */
    if (attempt->rc < 0)
        rc = proc_loop_run(loop);
    if (rc < 0 || ran != 4)
        strcpy(attempt->wrong, "something was lost");
    proc_loop_free(loop);
    close(ends[0]);
    close(ends[1]);
}

static void watch_a_child(struct attempt *attempt)
{
    proc_child *child = NULL;
    proc_loop *loop = loop_outside_of_faults();
    if (!loop)
        return;
    if (proc_spawn(&child, PROC_ARGV("cat"), PROC_OPTIONS(.in = PROC_TEXT("text"), .out = PROC_CAPTURE)) == 0) {
        fault_begin();
        attempt->rc = proc_loop_child(loop, child, on_exit_of, NULL, NULL);
        if (attempt->rc == 0)
            attempt->rc = proc_loop_run(loop);
        fault_end();
        attempt->untouched = 1;
        if (ran > 1 || (attempt->rc == 0 && ran != 1))
            strcpy(attempt->wrong, "the child was not told once");
    }
    proc_child_free(child);
    proc_loop_free(loop);
}

static void watch_a_process(struct attempt *attempt)
{
    proc_loop *loop = can_open_pidfds() ? loop_outside_of_faults() : NULL;
    int pid = loop ? fork() : -1;
    if (pid < 0)
        return;
    if (pid == 0)
        _exit(0);
    fault_begin();
    attempt->rc = proc_loop_process(loop, PROC_PID(pid), on_process, NULL, NULL);
    if (attempt->rc == 0)
        attempt->rc = proc_loop_run(loop);
    fault_end();
    attempt->untouched = 1;
    if (ran > 1 || (attempt->rc == 0 && ran != 1))
        strcpy(attempt->wrong, "the process was not told once");
    waitpid(pid, NULL, 0);
    proc_loop_free(loop);
}

static void reap_an_orphan(struct attempt *attempt)
{
    proc_loop *loop = loop_outside_of_faults();
    if (!loop || proc_loop_orphans(loop, on_orphan, NULL, NULL) < 0)
        return;
    int pid = fork();
    if (pid == 0)
        _exit(0);
    fault_begin();
    attempt->rc = proc_loop_run(loop);
    fault_end();
    attempt->untouched = 1;
    if (attempt->rc == 0 && (ran != 1 || waitpid(pid, NULL, WNOHANG) >= 0))
        strcpy(attempt->wrong, "the orphan was not reaped");
    waitpid(pid, NULL, 0);
    proc_loop_free(loop);
}

static void every_failure_of_a_loop_is_told_and_leaves_nothing(void **state)
{
    static const struct scenario scenarios[] = {
        {"make a loop", make_a_loop},       {"make watches", make_watches},       {"run a round", run_a_round},
        {"watch a child", watch_a_child},   {"watch a process", watch_a_process}, {"reap an orphan", reap_an_orphan},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_of_signals_is_told_and_leaves_nothing),
        cmocka_unit_test(every_failure_of_a_loop_is_told_and_leaves_nothing),
    };
    return run_suite("fault-loop", tests, sizeof tests / sizeof tests[0], argc, argv);
}
