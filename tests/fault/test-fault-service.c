/* SPDX-License-Identifier: MIT */
/* Fault runs of signals and loops. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#include <proc/signals.h>

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

static void queue_a_value(struct attempt *attempt)
{
    proc_signal record;
    proc_signals *signals = NULL;
    if (proc_signals_new(&signals, SET, NULL) < 0)
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

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_of_signals_is_told_and_leaves_nothing),
    };
    return run_suite("fault-service", tests, sizeof tests / sizeof tests[0], argc, argv);
}
