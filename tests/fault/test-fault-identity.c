/* SPDX-License-Identifier: MIT */
/* Fault runs of who a process is, and how one ended. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

#include <proc/procfs.h>

static void identify_ourselves(struct attempt *attempt)
{
    proc_identity identity, before;
    memset(&identity, 0x55, sizeof identity);
    memcpy(&before, &identity, sizeof identity);
    fault_begin();
    attempt->rc = proc_identity_get(PROC_SELF, &identity);
    fault_end();
    attempt->untouched = memcmp(&identity, &before, sizeof identity) == 0;
    if (attempt->rc == 0 && (identity.pid != getpid() || identity.start_ticks == 0))
        strcpy(attempt->wrong, "somebody else");
}

/* A child that has ended and is not reaped, looked at in one of two ways. */
static void ask_for_an_end(struct attempt *attempt, int (*ask)(const proc_target *target, proc_exit *ret_exit))
{
    proc_exit exit, before;
    memset(&exit, 0x55, sizeof exit);
    memcpy(&before, &exit, sizeof exit);
    int pid = zombie(3);
    fault_begin();
    attempt->rc = ask(PROC_PID(pid), &exit);
    fault_end();
    attempt->untouched = memcmp(&exit, &before, sizeof exit) == 0;
    if (attempt->rc == 0 && exit.kind == PROC_EXITED && exit.code != 3)
        strcpy(attempt->wrong, "another code");
    if (attempt->rc == 0 && exit.kind == PROC_RUNNING)
        strcpy(attempt->wrong, "it has ended");
    waitpid(pid, NULL, 0);
}

static int wait_for_a_while(const proc_target *target, proc_exit *ret_exit)
{
    return proc_exit_wait(target, PATIENCE_MS, ret_exit);
}

static void look_once(struct attempt *attempt)
{
    ask_for_an_end(attempt, proc_exit_get);
}

static void wait_for_it(struct attempt *attempt)
{
    ask_for_an_end(attempt, wait_for_a_while);
}

static void every_failure_of_asking_who_and_how_is_told_and_leaves_nothing(void **state)
{
    static const struct scenario scenarios[] = {
        {"identity", identify_ourselves},
        {"exit, once", look_once},
        {"exit, waited for", wait_for_it},
    };
    (void)state;
    if (proc_exit_get(PROC_SELF, &(proc_exit){0}) == -ENOSYS)
        SKIP_TEST("no pidfds here");
    FAULT_CHECK(scenarios);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_of_asking_who_and_how_is_told_and_leaves_nothing),
    };
    return run_suite("fault-identity", tests, sizeof tests / sizeof tests[0], argc, argv);
}
