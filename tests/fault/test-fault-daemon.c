/* SPDX-License-Identifier: MIT */
/*
 * Fault runs of becoming and starting a daemon. Calls of the watcher and of the daemon count and fail as well: whatever
 * fails anywhere, the launcher is told so, and is left as it was.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fault.h"

#include <proc/daemon.h>

static proc_daemon *const no_daemon = (void *)-1;

/* Orphans come to us, so that none is left when the world is looked at. */
static void bury_orphans(void)
{
    world_bury_children(); /* it may run although it was told to have failed, when only the way back has */
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

/* A daemon that could not say that it is ready tells why by its exit code. */
static void note(struct attempt *attempt, int rc, const proc_daemon_report *report)
{
    attempt->rc = rc;
    attempt->error = report->error;
    attempt->takes_error = 1;
    if (rc == -ECHILD && report->exit.kind == PROC_EXITED && report->exit.code != 0) {
        attempt->rc = -report->exit.code;
        attempt->takes_error = 0;
    }
    if ((rc < 0) != (report->code != 0) || (rc < 0) == (report->outcome == PROC_DAEMON_READY))
        strcpy(attempt->wrong, "the report says something else than the result");
}

static void become(struct attempt *attempt, const proc_daemon_options *options)
{
    proc_daemon *daemon = no_daemon;
    proc_daemon_report report = {0};
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    fault_begin();
    int rc = proc_daemonize(&daemon, options, &report);
    if (rc == 0) {
        rc = proc_daemon_ready(daemon);
        proc_daemon_free(daemon);
        _exit(rc < 0 ? -rc : 0);
    }
    fault_end();
    attempt->untouched = daemon == no_daemon;
    note(attempt, rc, &report);
    bury_orphans();
}

static void become_one(struct attempt *attempt)
{
    become(attempt, NULL);
}

static const char *temporary(const char *name)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/proc-fault-%s-%d", name, (int)getpid());
    return path;
}

static void become_one_with_all(struct attempt *attempt)
{
    const char *log = temporary("log");
    int kept = dup(STDIN_FILENO);
    become(attempt, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_KEEP_ERR, .out = PROC_APPEND(log), .err = PROC_SAME_AS(1),
                                        .cwd = "/proc", .keep = PROC_KEEP(kept)));
    close(kept);
    unlink(log);
}

static void become_one_with_a_lock(struct attempt *attempt)
{
    const char *path = temporary("pid");
    become(attempt, PROC_DAEMON_OPTIONS(.lock = path));
    int step = attempt->error.step;
    /* Who cannot lock it cannot know whose it is; and a daemon that is only not heard has it rightly. */
    int may_stay = attempt->rc >= 0 || step == PROC_STEP_LOCK || step == PROC_STEP_READY || step == PROC_STEP_PIPE;
    if (unlink(path) == 0 && !may_stay)
        strcpy(attempt->wrong, "the file is left");
    if (attempt->rc == -ESTALE) { /* EAGAIN, when the daemon has made sure that the lock is still there */
        attempt->rc = -EAGAIN;
        attempt->takes_error = 0;
    }
}

/* Without a fork: everything is undone by who called. */
static void stay(struct attempt *attempt)
{
    proc_daemon *daemon = no_daemon;
    proc_daemon_report report = {0};
    char before[4096];
    if (!getcwd(before, sizeof before))
        abort();
    fault_begin();
    int rc = proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_STAY, .cwd = "/proc"), &report);
    fault_end();
    if (rc == 0 && chdir(before) < 0)
        strcpy(attempt->wrong, "there is no way back");
    attempt->rc = rc;
    attempt->error = report.error;
    attempt->takes_error = 1;
    attempt->untouched = daemon == no_daemon;
    if (rc == 0)
        proc_daemon_free(daemon);
}

static void spawn_one(struct attempt *attempt, const proc_daemon_options *options, const char *const argv[])
{
    proc_daemon_report report = {0};
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    fault_begin();
    int rc = proc_daemon_spawn(argv, NULL, options, &report);
    fault_end();
    attempt->untouched = 1;
    attempt->rc = rc;
    attempt->error = report.error;
    attempt->takes_error = 1;
    /* Who cannot be proven to be of its tree is not believed to be ready: the end that follows is the truth. */
    if (options && rc == -ECHILD && report.outcome == PROC_DAEMON_ENDED && proc_exit_ok(&report.exit))
        attempt->rc = 0;
    bury_orphans();
}

static void spawn_a_program(struct attempt *attempt)
{
    spawn_one(attempt, NULL, (const char *const[]){CHILD, "sleep", "forever", NULL});
}

static void spawn_one_that_says_so(struct attempt *attempt)
{
    spawn_one(attempt, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_NOTIFY), (const char *const[]){CHILD, "tell", NULL});
}

static int without_threads(void **state)
{
    (void)state;
    if (SANITIZER_THREADS)
        leave_out("the sanitizer has a thread of its own, and threads are refused");
    return 0;
}

static void becoming_a_daemon_tells_the_truth_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"daemonize", become_one},
        {"daemonize, with a log and more", become_one_with_all},
        {"daemonize, with a lock", become_one_with_a_lock},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

static void staying_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenario = {"stay", stay};
    (void)state;
    fault_check(&scenario, 1);
}

static void starting_a_daemon_tells_the_truth_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"daemon spawn", spawn_a_program},
        {"daemon spawn, notified", spawn_one_that_says_so},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(becoming_a_daemon_tells_the_truth_when_a_call_fails, without_threads),
        cmocka_unit_test_setup(staying_leaves_no_trace_when_a_call_fails, without_threads),
        cmocka_unit_test_setup(starting_a_daemon_tells_the_truth_when_a_call_fails, without_threads),
    };
    unsetenv("NOTIFY_SOCKET");
    return run_suite("fault-daemon", tests, sizeof tests / sizeof tests[0], argc, argv);
}
