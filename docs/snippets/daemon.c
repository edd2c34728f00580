/* SPDX-License-Identifier: MIT */
/* The snippets of daemons, as in snippets.c. This program starts itself with a word for each; see main(). */
#include "snippet.h"

#include <errno.h>
#include <signal.h>

static const char *pid_file;
static volatile sig_atomic_t told_to_end;

static void end(int signal)
{
    (void)signal;
    told_to_end = 1;
}

static void serve(void)
{
    sigset_t term, before;
    signal(SIGTERM, end);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before);
    alarm(60);
    while (!told_to_end)
        sigsuspend(&before);
}

static int open_the_port(void)
{
    return 0;
}

/* The whole of a daemon's main(). */
static int run_daemon(void)
{
    //! [daemonize]
    proc_daemon *daemon;
    proc_daemon_report report;
    if (proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.lock = pid_file), &report) != 0) {
        if (report.code != 0)
            fprintf(stderr, "%s\n", report.error.text); /* daemonize: lock "/run/hello.pid": already running, pid 42 */
        return report.code;
    }
    int rc = open_the_port(); /* here we are the daemon */
    if (rc < 0)
        return proc_daemon_fail(daemon, 69, "the port is in use");
    proc_daemon_ready(daemon); /* now the launcher leaves with 0 */
    serve();
    daemon = proc_daemon_free(daemon); /* removes the PID file */
    //! [daemonize]
    return 0;
}

static int run_failing_daemon(void)
{
    proc_daemon *daemon;
    proc_daemon_report report;
    if (proc_daemonize(&daemon, NULL, &report) != 0) {
        CHECK(report.outcome == PROC_DAEMON_FAILED && strcmp(report.error.text, "no configuration") == 0);
        return report.code;
    }
    //! [fail]
    if (access("/nowhere/hello.conf", R_OK) < 0)
        return proc_daemon_fail(daemon, 78, "no configuration");
    //! [fail]
    return 0;
}

static int run_in_the_foreground(void)
{
    proc_daemon *daemon;
    proc_daemon_report report;
    int rc = proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_STAY, .lock = pid_file), &report);
    CHECK(rc == 0);
    //! [lock]
    proc_lock *lock = proc_daemon_lock(daemon);
    if (lock && proc_lock_verify(lock) == -ESTALE)
        return 1; /* somebody has taken our place */
    //! [lock]
    daemon = proc_daemon_free(daemon);
    return 0;
}

static int start_a_program(const char *program)
{
    //! [spawn]
    proc_daemon_report report;
    int rc = proc_daemon_spawn(PROC_ARGV(program, "--verbose"), NULL,
                               PROC_DAEMON_OPTIONS(.out = PROC_APPEND("/tmp/hello.log"), .err = PROC_SAME_AS(1)),
                               &report);
    if (rc == 0)
        printf("started pid %d\n", report.pid);
    else
        fprintf(stderr, "%s\n", report.error.text); /* daemon "hello": search "/usr/bin:/bin": No such file ... */
    //! [spawn]
    return report.code;
}

static void supervised(void)
{
    //! [supervised]
    int detach = !proc_supervised(); /* what --daemon is good for */
    //! [supervised]
    CHECK(detach == 1);
}

/* Runs this program with a word, as a shell would. */
static proc_exit run_self(const char *self, const char *word)
{
    proc_result result;
    CHECK(proc_run(&result, PROC_ARGV(self, word, pid_file), PROC_OPTIONS(.timeout_ms = 30000)) == 0);
    proc_exit ended = result.exit;
    proc_result_done(&result);
    return ended;
}

static int has_threads_of_its_own(void)
{
    return proc_task_list(PROC_SELF, NULL, 0) > 1; /* of a sanitizer: nothing here can work then */
}

int main(int argc, char **argv)
{
    if (has_threads_of_its_own() || proc_has(PROC_FEATURE_PIDFD) != 1)
        return 0;
    if (argc > 2) {
        pid_file = argv[2];
        if (strcmp(argv[1], "daemon") == 0)
            return run_daemon();
        if (strcmp(argv[1], "failing") == 0)
            return run_failing_daemon();
        return strcmp(argv[1], "foreground") == 0 ? run_in_the_foreground() : 2;
    }
    unsetenv("NOTIFY_SOCKET");
    setenv("PATH", "/usr/bin:/bin", 1); /* without directories that are closed to us */
    char path[64];
    proc_exit ended;
    snprintf(path, sizeof path, "/tmp/proc-snippet-%d.pid", (int)getpid());
    pid_file = path;
    supervised();
    ended = run_self(argv[0], "daemon");
    CHECK(proc_exit_ok(&ended));
    ended = run_self(argv[0], "daemon");
    CHECK(ended.kind == PROC_EXITED && ended.code == 1);
    CHECK(proc_lock_signal(pid_file, NULL, SIGTERM, 30000) == 0);
    ended = run_self(argv[0], "failing");
    CHECK(ended.kind == PROC_EXITED && ended.code == 78);
    ended = run_self(argv[0], "foreground");
    CHECK(proc_exit_ok(&ended));
    CHECK(start_a_program("no-such-program-anywhere") == 127);
    unlink("/tmp/hello.log");
    return 0;
}
