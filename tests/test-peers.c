/* SPDX-License-Identifier: MIT */
/*
 * Together with the programs that everybody has: start-stop-daemon, nohup(1), setsid(1), flock(1). Each test is left
 * out where its program is not. This process is a subreaper, so that daemons become its children when they are
 * orphaned.
 */
#define _GNU_SOURCE 1
#include "started.h"
#include "test.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/lock.h>
#include <proc/procfs.h>
#include <proc/run.h>

#define DAEMON helper("daemon")

/* Where a system's program is; NULL = nowhere. In static memory. */
static const char *find(const char *name)
{
    static const char *const places[] = {"/usr/sbin", "/sbin", "/usr/bin", "/bin"};
    static char path[64];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", places[i], name);
        if (access(path, X_OK) == 0)
            return path;
    }
    return NULL;
}

/* ---- start-stop-daemon ---- */

static char *directory, *pid_file;

static int place_make(void **state)
{
    directory = directory_make();
    pid_file = path_in(directory, "pid");
    return adopt_orphans(state);
}

static int place_remove(void **state)
{
    free(pid_file);
    directory = directory_remove(directory);
    return adopt_no_more(state);
}

/* That of dpkg: others of that name have other options. */
static int has_start_stop_daemon(void)
{
    const char *path = find("start-stop-daemon");
    if (!path)
        return 0;
    struct outside outside = outside_run((const char *const[]){path, "--version", NULL});
    int is_there = strstr(outside.output, "for Debian") != NULL;
    outside_done(&outside);
    return is_there;
}

/* How it exits: of --status 0 = runs, 1 = is dead and its file is there, 3 = does not run. */
#define CONTROL(...) control((const char *const[]){find("start-stop-daemon"), __VA_ARGS__, NULL})
static int control(const char *const argv[])
{
    struct outside outside = outside_run(argv);
    int status = outside.status;
    outside_done(&outside);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int wait_status(int pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* Who holds the lock; and the pid in the file, 0 = none. */
static proc_holder look(int *ret_pid)
{
    proc_holder holder;
    char *text = file_read(pid_file);
    *ret_pid = text ? atoi(text) : 0;
    free(text);
    assert_rc(proc_lock_query(pid_file, NULL, &holder), 0);
    return holder;
}

/* Who runs by everybody's account: that of the file, the lock and start-stop-daemon. */
static int runs(void)
{
    int pid;
    proc_holder holder = look(&pid);
    assert_int_equal(holder.state, PROC_LOCK_HELD);
    assert_int_equal(holder.pid, pid);
    assert_int_equal(CONTROL("--status", "--pidfile", pid_file), 0);
    return pid;
}

static int start_ours(void)
{
    return CONTROL("--start", "--quiet", "--pidfile", pid_file, "--startas", DAEMON, "--", "--lock", pid_file, "become",
                   "serve");
}

/* It waits until the daemon has gone, which it has when its parent has reaped it: we. */
static void stop_daemon(int pid)
{
    int stopper = fork_bound();
    if (stopper == 0)
        leave(CONTROL("--stop", "--quiet", "--pidfile", pid_file, "--retry", "TERM/20"));
    assert_int_equal(wait_status(pid), 0);
    assert_int_equal(wait_status(stopper), 0);
}

static void start_stop_daemon_starts_and_stops_a_daemon_of_ours(void **state)
{
    (void)state;
    if (!has_start_stop_daemon())
        SKIP_TEST("no start-stop-daemon of dpkg here");
    if (SANITIZER_THREADS)
        SKIP_TEST("the sanitizer has a thread of its own, and threads are refused");
    assert_int_equal(start_ours(), 0);
    int first = runs();
    assert_int_equal(start_ours(), 1);
    assert_int_equal(runs(), first);
    stop_daemon(first);
    assert_int_equal(CONTROL("--status", "--pidfile", pid_file), 3);

    /* One that is killed leaves its file, which is in nobody's way. */
    assert_int_equal(start_ours(), 0);
    int second = runs();
    kill(second, SIGKILL);
    wait_status(second);
    assert_int_equal(CONTROL("--status", "--pidfile", pid_file), 1);
    assert_int_equal(start_ours(), 0);
    stop_daemon(runs());
}

/* In the background: it is gone before its file is written. */
#define START_IN_BACKGROUND(...)                                                                               \
    CONTROL("--start", "--quiet", "--background", "--make-pidfile", "--pidfile", pid_file, "--startas", __VA_ARGS__)

static void end_and_clean(int pid)
{
    kill(pid, SIGKILL);
    wait_status(pid);
    unlink(pid_file);
}

/* A file that names who runs says nothing without a lock. */
static void a_pid_file_that_nobody_locks_is_a_free_one(void **state)
{
    (void)state;
    int pid;
    proc_lock *lock = NULL;
    if (!has_start_stop_daemon())
        SKIP_TEST("no start-stop-daemon of dpkg here");
    assert_int_equal(START_IN_BACKGROUND(CHILD, "--", "sleep", "forever"), 0);
    assert_eventually((look(&pid), pid > 0));
    assert_int_not_equal(look(&pid).state, PROC_LOCK_HELD);
    int rc = proc_lock_acquire(&lock, pid_file, NULL);
    proc_lock_free(lock);
    end_and_clean(pid);
    assert_rc(rc, 0);
}

/* It writes the pid, and becomes flock(1), which becomes the program, and keeps the lock. */
static void a_pid_file_of_start_stop_daemon_names_the_holder_of_a_lock(void **state)
{
    (void)state;
    int pid;
    proc_holder holder;
    const char *path = find("flock");
    char *flock = path ? strdup(path) : NULL;
    if (!has_start_stop_daemon() || !flock) {
        free(flock);
        SKIP_TEST("no start-stop-daemon of dpkg, or no flock(1) here");
    }
    assert_int_equal(START_IN_BACKGROUND(flock, "--", "--no-fork", pid_file, CHILD, "sleep", "forever"), 0);
    assert_eventually((holder = look(&pid), pid > 0 && holder.state != PROC_LOCK_FREE));
    end_and_clean(pid);
    free(flock);
    if (holder.state == PROC_LOCK_UNSEEN)
        SKIP_TEST("/proc/locks does not tell of flock(2) here");
    assert_int_equal(holder.pid, pid);
    assert_int_equal(holder.kinds, PROC_LOCK_FLOCK);
}

/* ---- nohup(1) ---- */

/* What this program does with --spawn: a child as everybody starts one. */
static int spawn_report(void)
{
    proc_result result;
    int rc = proc_run(&result, PROC_ARGV(REPORT), NULL);
    proc_result_done(&result);
    return rc < 0;
}

static void assert_ignores_hangup(const char *report)
{
    assert_true(report_mask(report, "SigIgn") & UINT64_C(1) << (SIGHUP - 1));
}

static void under_nohup_a_child_ignores_hangup_too(void **state)
{
    (void)state;
    char self[PATH_MAX] = "";
    if (!find("nohup"))
        SKIP_TEST("no nohup(1) here");
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    struct outside outside = outside_run((const char *const[]){find("nohup"), self, "--spawn", NULL});
    assert_int_equal(outside.status, 0);
    assert_ignores_hangup(outside.output);
    outside_done(&outside);

    proc_child *child = start(PROC_ARGV("nohup", REPORT), PROC_OPTIONS(.out = PROC_PIPE));
    char *report = all_of(child, STDOUT_FILENO);
    assert_ignores_hangup(report);
    assert_ends(child, PROC_EXITED, 0);
    free(report);
    proc_child_free(child);
}

/* ---- setsid(1) ---- */

static void what_setsid_becomes_is_what_we_hold(void **state)
{
    (void)state;
    proc_stat stat;
    if (!find("setsid"))
        SKIP_TEST("no setsid(1) here");
    proc_child *child = start(PROC_ARGV("setsid", CHILD, "ready"), PROC_OPTIONS(.out = PROC_PIPE));
    const int pid = proc_child_pid(child);
    assert_string_equal(said(child), "ready");
    assert_true(proc_stat_read(PROC_PID(pid), &stat) >= 0);
    assert_string_equal(stat.name, "child");
    assert_true(stat.session == pid && stat.pgrp == pid && stat.tty == 0);
    assert_rc(proc_kill(child, SIGTERM, PROC_ONE), 0);
    assert_ends(child, PROC_SIGNALED, SIGTERM);
    proc_child_free(child);
}

/* It has to fork then, and hands the exit code on. */
static void a_leader_of_a_group_that_runs_setsid_tells_the_code(void **state)
{
    (void)state;
    if (!find("setsid"))
        SKIP_TEST("no setsid(1) here");
    proc_child *child = start(PROC_ARGV("setsid", "-w", CHILD, "exit", "7"), PROC_OPTIONS(.flags = PROC_NEW_GROUP));
    assert_ends(child, PROC_EXITED, 7);
    proc_child_free(child);
}

#define placed_test(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        placed_test(start_stop_daemon_starts_and_stops_a_daemon_of_ours),
        placed_test(a_pid_file_that_nobody_locks_is_a_free_one),
        placed_test(a_pid_file_of_start_stop_daemon_names_the_holder_of_a_lock),
        spawning_test(under_nohup_a_child_ignores_hangup_too),
        spawning_test(what_setsid_becomes_is_what_we_hold),
        spawning_test(a_leader_of_a_group_that_runs_setsid_tells_the_code),
    };
    if (argc > 1 && strcmp(argv[1], "--spawn") == 0)
        return spawn_report();
    return run_suite("peers", tests, sizeof tests / sizeof tests[0], argc, argv);
}
