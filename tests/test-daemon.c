/* SPDX-License-Identifier: MIT */
/*
 * Daemons: every step of daemon(7) as it is seen in /proc from outside, and every outcome that a launcher can have.
 * This process is a subreaper, so that daemons become its children when they are orphaned, and none outlives its test.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/daemon.h>
#include <proc/notify.h>
#include <proc/procfs.h>
#include <proc/status.h>
#include <proc/terminal.h>

#define DAEMON helper("daemon")
#define DAEMON_DOES(...) ((const char *const[]){DAEMON, __VA_ARGS__, NULL})
/* The same from a shell that ignores SIGHUP, as nohup(1) does. */
#define IGNORING_HUP(...) \
    ((const char *const[]){"/bin/sh", "-c", "trap '' HUP; exec \"$0\" \"$@\"", DAEMON, __VA_ARGS__, NULL})
#define NOBODY 65534

/* ---- Launching ---- */

static int needs_launching(void **state)
{
    if (SANITIZER_THREADS)
        leave_out("the sanitizer has a thread of its own, and threads are refused");
    return adopt_orphans(state);
}

/* What a launcher has told, and how it left. */
struct told {
    int rc, outcome, code, pid, kind, ended, status;
    char text[300];
};

static struct told launch(const char *const argv[])
{
    struct told told = {.rc = INT_MAX};
    struct outside outside = outside_run(argv);
    int len = 0;
    told.status = WIFEXITED(outside.status) ? WEXITSTATUS(outside.status) : -1;
    if (sscanf(outside.output, "%d %d %d %d %d %d %n", &told.rc, &told.outcome, &told.code, &told.pid, &told.kind,
               &told.ended, &len) == 6)
        snprintf(told.text, sizeof told.text, "%.*s", (int)strcspn(outside.output + len, "\n"), outside.output + len);
    outside_done(&outside);
    return told;
}

/* Of an orphan that has become our child: its wait status. */
static int await(int pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static void end(int pid)
{
    if (pid > 1)
        kill(pid, SIGKILL);
    await(pid);
}

static struct told launch_ready(const char *const argv[])
{
    struct told told = launch(argv);
    if (told.rc < 0 || told.outcome != PROC_DAEMON_READY || told.code != 0 || told.status != 0)
        fail_msg("not ready: %d %d %d %s", told.rc, told.outcome, told.status, told.text);
    assert_string_equal(told.text, "");
    return told;
}

#define assert_told(argv, rc, outcome, code, text) \
    check_told((argv), (rc), (outcome), (code), (text), __FILE__, __LINE__)
static struct told check_told(const char *const argv[], int rc, int outcome, int code, const char *text,
                              const char *file, int line)
{
    struct told told = launch(argv);
    check_rc(told.rc, rc, "the launcher's call", file, line);
    _assert_int_equal((unsigned)told.outcome, (unsigned)outcome, file, line);
    _assert_int_equal((unsigned)told.code, (unsigned)code, file, line);
    _assert_int_equal((unsigned)told.status, (unsigned)code, file, line);
    check_contains(told.text, text, file, line);
    return told;
}

/* ---- Looking at a daemon ---- */

static proc_stat stat_of(int pid)
{
    proc_stat stat;
    assert_rc(proc_stat_read(PROC_PID(pid), &stat) < 0, 0);
    return stat;
}

static proc_status status_of(int pid)
{
    proc_status status;
    assert_rc(proc_status_read(PROC_PID(pid), NULL, sizeof status, &status), 0);
    return status;
}

static const char *link_of(int pid, int fd)
{
    static char path[PATH_MAX];
    int deleted;
    int64_t len = proc_fd_link_read(PROC_PID(pid), fd, path, sizeof path, &deleted);
    return len < 0 ? "" : path;
}

static const char *cwd_of(int pid)
{
    static char path[PATH_MAX];
    char name[32];
    snprintf(name, sizeof name, "/proc/%d/cwd", pid);
    ssize_t len = readlink(name, path, sizeof path - 1);
    path[len < 0 ? 0 : len] = '\0';
    return path;
}

/*
 * How many descriptors it has open, but for those that valgrind keeps for itself, far up. The line to the launcher may
 * be among them for a moment, when that has been told already.
 */
static int count_fds(int pid)
{
    int fds[256], count = 0;
    int64_t all = proc_fd_list(PROC_PID(pid), fds, 256);
    for (int64_t i = 0; i < all && i < 256; i++)
        count += fds[i] < 256;
    return count;
}

/* ---- The steps, from outside ---- */

static void it_has_a_session_without_leading_it_and_no_terminal(void **state)
{
    (void)state;
    struct told told = launch_ready(DAEMON_DOES("become", "ready"));
    proc_stat stat = stat_of(told.pid);
    assert_int_not_equal(stat.session, told.pid);
    assert_int_not_equal(stat.session, getsid(0));
    assert_int_not_equal(stat.pgrp, told.pid);
    assert_int_not_equal(stat.pgrp, getpgrp());
    assert_int_equal(stat.tty, 0);
    end(told.pid);
}

static void the_process_between_is_gone_and_the_daemon_an_orphan(void **state)
{
    (void)state;
    struct told told = launch_ready(DAEMON_DOES("become", "ready"));
    proc_stat stat = stat_of(told.pid);
    assert_int_equal(stat.ppid, getpid());
    errno = 0;
    assert_true(kill(stat.session, 0) == -1 && errno == ESRCH);
    end(told.pid);
}

static void it_is_in_the_root_directory_with_a_safe_umask(void **state)
{
    (void)state;
    umask(0);
    struct told told = launch_ready(DAEMON_DOES("become", "ready"));
    assert_string_equal(cwd_of(told.pid), "/");
    assert_int_equal(status_of(told.pid).umask, 022);
    end(told.pid);
    told = launch_ready(DAEMON_DOES("--cwd", "/proc", "--umask", "027", "become", "ready"));
    assert_string_equal(cwd_of(told.pid), "/proc");
    assert_int_equal(status_of(told.pid).umask, 027);
    end(told.pid);
    umask(022);
}

static int remember_umask(void **state)
{
    umask(022);
    return needs_launching(state);
}

static void its_stdio_is_the_null_device_and_nothing_else_is_open(void **state)
{
    (void)state;
    assert_int_equal(dup2(STDIN_FILENO, 90), 90);
    assert_int_equal(dup2(STDIN_FILENO, 91), 91);
    struct told told = launch_ready(DAEMON_DOES("become", "ready"));
    for (int fd = 0; fd < 3; fd++)
        assert_string_equal(link_of(told.pid, fd), "/dev/null");
    assert_eventually(count_fds(told.pid) == 3);
    end(told.pid);
    told = launch_ready(DAEMON_DOES("--keep", "91", "become", "ready"));
    assert_string_not_equal(link_of(told.pid, 91), "");
    assert_string_equal(link_of(told.pid, 90), "");
    assert_eventually(count_fds(told.pid) == 4);
    end(told.pid);
    close(90);
    close(91);
}

static void a_descriptor_that_is_named_twice_is_kept(void **state)
{
    (void)state;
    assert_int_equal(dup2(STDIN_FILENO, 90), 90);
    assert_int_equal(dup2(STDIN_FILENO, 91), 91);
    struct told told = launch_ready(DAEMON_DOES("--keep", "91", "--keep", "90", "--keep", "91", "become", "ready"));
    assert_eventually(count_fds(told.pid) == 5);
    end(told.pid);
    told = launch_ready(
        DAEMON_DOES("--keep", "91", "--keep", "90", "--keep", "91", "spawn", CHILD, "sleep", "forever"));
    assert_eventually(count_fds(told.pid) == 5);
    assert_string_not_equal(link_of(told.pid, 90), "");
    assert_string_not_equal(link_of(told.pid, 91), "");
    end(told.pid);
    close(90);
    close(91);
}

static void a_log_is_appended_to_and_found_from_the_launchers_directory(void **state)
{
    proc_fd_info info;
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "log"), *command;
    file_write(path, "before\n");
    assert_true(asprintf(&command, "cd %s && exec %s --out log --err log become complain", directory, DAEMON) > 0);
    struct told told = launch_ready((const char *const[]){"/bin/sh", "-c", command, NULL});
    assert_string_equal(link_of(told.pid, 1), path);
    assert_string_equal(cwd_of(told.pid), "/");
    assert_rc(proc_fd_info_read(PROC_PID(told.pid), 1, NULL, &info), 0);
    assert_true(info.flags & O_APPEND);
    char *text = NULL;
    assert_eventually((free(text), text = file_read(path)) && strstr(text, "after that"));
    assert_string_equal(text, "before\nbefore it is ready\nafter that\n");
    end(told.pid);
    free(text);
    free(command);
    free(path);
    directory_remove(directory);
}

static void signals_are_at_their_defaults_and_none_is_blocked(void **state)
{
    sigset_t some, before;
    (void)state;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    sigaddset(&some, SIGRTMAX);
    pthread_sigmask(SIG_BLOCK, &some, &before);
    struct told told = launch(IGNORING_HUP("become", "ready"));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(told.outcome, PROC_DAEMON_READY);
    /* While it tells that it is ready, SIGPIPE may be blocked. */
    assert_eventually(status_of(told.pid).sig_blocked[0] == 0);
    proc_status status = status_of(told.pid);
    assert_true(status.sig_ignored[0] == 0 && status.sig_caught[0] == 0);
    end(told.pid);
}

static void standard_error_stays_until_it_is_ready(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "log"), *command;
    assert_true(asprintf(&command, "%s --keep-err --err %s become complain 2>&1", DAEMON, path) > 0);
    struct outside outside = outside_run((const char *const[]){"/bin/sh", "-c", command, NULL});
    int rc, outcome, code, pid = 0;
    assert_int_equal(outside.status, 0);
    assert_true(strncmp(outside.output, "before it is ready\n", 19) == 0);
    assert_int_equal(sscanf(outside.output + 19, "%d %d %d %d", &rc, &outcome, &code, &pid), 4);
    assert_string_equal(link_of(pid, 2), path);
    assert_eventually(count_fds(pid) == 3);
    char *text = NULL;
    assert_eventually((free(text), text = file_read(path)) && strcmp(text, "after that\n") == 0);
    end(pid);
    free(text);
    outside_done(&outside);
    free(command);
    free(path);
    directory_remove(directory);
}

static void standard_error_stays_no_longer_when_it_has_failed(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "log"), *command, *text = NULL;
    assert_true(asprintf(&command, "%s --keep-err --err %s become fail 3 why 2>&1", DAEMON, path) > 0);
    struct outside outside = outside_run((const char *const[]){"/bin/sh", "-c", command, NULL});
    assert_int_equal(WEXITSTATUS(outside.status), 3);
    assert_null(strstr(outside.output, "after it failed"));
    assert_eventually((free(text), text = file_read(path)) && strcmp(text, "after it failed\n") == 0);
    await(-1);
    free(text);
    outside_done(&outside);
    free(command);
    free(path);
    directory_remove(directory);
}

/* In the daemon: no descriptor more than 0 to 2. The hard limit stays: valgrind keeps numbers of its own below it. */
static void leave_no_room(void)
{
    static int forks;
    struct rlimit limit;
    if (++forks != 2)
        return;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int cannot_keep_err(void *arg)
{
    proc_daemon *daemon;
    proc_daemon_report report;
    (void)arg;
    require(pthread_atfork(NULL, NULL, leave_no_room) == 0);
    int rc = proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_KEEP_ERR), &report);
    if (rc == 0)
        _exit(proc_daemon_ready(daemon) != 1);
    require_rc(rc, -EMFILE);
    require(strstr(report.error.text, "descriptor 2: Too many open files"));
    return 0;
}

static void where_standard_error_cannot_stay_it_fails(void **state)
{
    (void)state;
    assert_in_fork(cannot_keep_err, NULL);
    await(-1);
}

static int launches_without_stdio(void *arg)
{
    int ends[2];
    (void)arg;
    proc_daemon *daemon;
    proc_daemon_report report;
    require(pipe2(ends, O_CLOEXEC) == 0);
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    int rc = proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_KEEP_ERR), &report);
    if (rc == 0) {
        proc_daemon_ready(daemon);
        for (;;)
            pause();
    }
    if (rc != 1)
        return 1;
    for (int fd = 0; fd < 3; fd++)
        if (strcmp(link_of(report.pid, fd), "/dev/null") != 0)
            return 2;
    if (!EVENTUALLY(count_fds(report.pid) == 3))
        return 3;
    kill(report.pid, SIGKILL);
    return fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0 ? 0 : 4;
}

static void bury(void)
{
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

static void a_launcher_without_stdio_makes_a_daemon_with_it(void **state)
{
    (void)state;
    assert_in_fork(launches_without_stdio, NULL);
    bury();
}

static void it_becomes_another_user_last(void **state)
{
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("only root may change credentials");
    char *directory = directory_make(), *path = path_in(directory, "pid");
    struct told told = launch_ready(DAEMON_DOES("--uid", "65534", "--lock", path, "become", "ready"));
    proc_status status = status_of(told.pid);
    for (int i = 0; i < 3; i++)
        assert_true(status.uid[i] == NOBODY && status.gid[i] == NOBODY);
    char *text = file_read(path);
    assert_int_equal(atoi(text), told.pid);
    end(told.pid);
    free(text);
    unlink(path);
    free(path);
    directory_remove(directory);
}

/* ---- Outcomes ---- */

static void its_own_words_reach_the_launcher_with_the_code(void **state)
{
    (void)state;
    struct told told = assert_told(DAEMON_DOES("become", "fail", "78", "no port is free"), -ECANCELED,
                                   PROC_DAEMON_FAILED, 78, "no port is free");
    await(told.pid);
    told = assert_told(DAEMON_DOES("become", "fail", "0", "two\nlines\x1b[m"), -ECANCELED, PROC_DAEMON_FAILED, 1,
                       "two\\x0alines\\x1b[m");
    await(told.pid);
}

static void an_end_before_it_is_ready_is_told_as_it_was(void **state)
{
    (void)state;
    struct told told = assert_told(DAEMON_DOES("become", "exit", "3"), -ECHILD, PROC_DAEMON_ENDED, 3,
                                   "daemonize: start: exited with 3 before it was ready");
    assert_true(told.kind == PROC_EXITED && told.ended == 3);
    told = assert_told(DAEMON_DOES("become", "exit", "0"), -ECHILD, PROC_DAEMON_ENDED, 1, "exited with 0 before");
    assert_true(told.kind == PROC_EXITED && told.ended == 0);
    told = assert_told(DAEMON_DOES("become", "signal", "11"), -ECHILD, PROC_DAEMON_ENDED, 128 + SIGSEGV,
                       "killed by SIGSEGV");
    assert_true(told.kind == PROC_SIGNALED && told.ended == SIGSEGV);
    /* It was reaped by who watched it: there is no zombie. */
    assert_true(kill(told.pid, 0) == -1);
}

static void the_status_is_true_where_sigchld_is_ignored(void **state)
{
    (void)state;
    char *command;
    assert_true(asprintf(&command, "trap '' CHLD; exec %s become exit 7", DAEMON) > 0);
    struct outside outside = outside_run((const char *const[]){"/bin/sh", "-c", command, NULL});
    assert_int_equal(WEXITSTATUS(outside.status), 7);
    assert_contains(outside.output, "exited with 7");
    outside_done(&outside);
    free(command);
}

static void one_that_is_silent_costs_only_the_time(void **state)
{
    (void)state;
    int64_t start = patience_now();
    struct told told = assert_told(DAEMON_DOES("--timeout", "200", "become", "silent"), -ETIMEDOUT,
                                   PROC_DAEMON_SILENT, 124, "not ready after 200 ms, but running");
    assert_true(patience_now() - start >= 200);
    assert_int_equal(stat_of(told.pid).ppid, getpid());
    end(told.pid);
}

static void one_that_takes_its_time_is_waited_for(void **state)
{
    (void)state;
    int64_t start = patience_now();
    struct told told = launch_ready(DAEMON_DOES("--timeout", "-1", "become", "late", "300"));
    assert_true(patience_now() - start >= 300);
    end(told.pid);
}

static void a_step_that_fails_is_named(void **state)
{
    (void)state;
    assert_told(DAEMON_DOES("--out", "/nowhere/log", "become", "ready"), -ENOENT, PROC_DAEMON_FAILED, 1,
                "daemonize: open \"/nowhere/log\": No such file or directory");
    struct told told = assert_told(DAEMON_DOES("--cwd", "/nowhere", "become", "ready"), -ENOENT, PROC_DAEMON_FAILED, 1,
                                   "daemonize: chdir \"/nowhere\": No such file or directory");
    await(told.pid);
    assert_told(DAEMON_DOES("--keep", "77", "become", "ready"), -EBADF, PROC_DAEMON_FAILED, 1, "descriptor 77");
}

/* The numbers that are free are those which the lock and its directory are about to get. */
static void what_is_not_open_does_not_become_the_lock(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "pid");
    const int first = dup(STDIN_FILENO);
    close(first);
    for (int fd = first; fd < first + 6; fd++) {
        proc_daemon *daemon = NULL;
        proc_daemon_report report;
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int rc = proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.lock = path, .out = PROC_FD(fd)), &report);
        if (rc == 0)
            _exit(proc_daemon_ready(daemon) < 0);
        assert_rc(rc, -EBADF);
        assert_contains(report.error.text, "descriptor 1: our descriptor for it is not open");
        rc = proc_daemon_spawn(PROC_ARGV("true"), NULL, PROC_DAEMON_OPTIONS(.lock = path, .err = PROC_FD(fd)), &report);
        assert_rc(rc, -EBADF);
        assert_int_equal(access(path, F_OK), -1);
    }
    free(path);
    directory_remove(directory);
}

static void threads_are_refused_with_a_text(void **state)
{
    (void)state;
    assert_told(DAEMON_DOES("--thread", "become", "ready"), -EBUSY, PROC_DAEMON_FAILED, 1, "other threads run");
    assert_told(DAEMON_DOES("--thread", "spawn", "true"), -EBUSY, PROC_DAEMON_FAILED, 1, "other threads run");
}

static int null_is_a_file(void *arg)
{
    char path[] = "/tmp/proc-not-null-XXXXXX";
    (void)arg;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, "") < 0)
        return 77;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0 || mount(path, "/dev/null", "none", MS_BIND, "") < 0)
        return 77;
    proc_daemon *daemon = NULL;
    proc_daemon_report report;
    int rc = proc_daemonize(&daemon, NULL, &report);
    unlink(path);
    close(fd);
    if (rc == 0)
        return 1;
    require_rc(rc, -ENODEV);
    require(strstr(report.error.text, "\"/dev/null\": not the null device"));
    return 0;
}

static void a_file_in_the_place_of_the_null_device_is_refused(void **state)
{
    struct verdict verdict;
    (void)state;
    run_in_fork(&verdict, null_is_a_file, NULL, PATIENCE_MS);
    if (verdict.code == 77)
        SKIP_TEST("needs the right to mount");
    if (verdict.code != 0)
        fail_msg("%s", verdict.text);
}

/* ---- What may happen in between ---- */

/* The watcher is the daemon's parent as long as that is not ready. */
static int watcher_of(pid_t launcher)
{
    int pids[4], ours[4];
    if (proc_children_list(PROC_PID(launcher), pids, 4) != 1)
        return 0;
    return proc_children_list(PROC_PID(pids[0]), ours, 4) == 1 ? pids[0] : 0;
}

static pid_t start_launcher(const char *const argv[], int *ret_out)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(ends[1]);
    *ret_out = ends[0];
    return pid;
}

static void a_watcher_that_is_killed_is_no_success(void **state)
{
    int out, daemon;
    char line[300] = "";
    (void)state;
    pid_t launcher = start_launcher(DAEMON_DOES("become", "silent"), &out);
    assert_eventually(watcher_of(launcher) > 0);
    int watcher = watcher_of(launcher);
    assert_int_equal(proc_children_list(PROC_PID(watcher), &daemon, 1), 1);
    kill(watcher, SIGKILL);
    assert_int_equal(WEXITSTATUS(await(launcher)), 1);
    assert_true(read(out, line, sizeof line - 1) > 0);
    assert_contains(line, "its watcher was killed");
    close(out);
    end(daemon);
}

static void a_launcher_that_is_killed_takes_only_the_watcher_along(void **state)
{
    int out, daemon;
    (void)state;
    pid_t launcher = start_launcher(DAEMON_DOES("become", "silent"), &out);
    assert_eventually(watcher_of(launcher) > 0);
    int watcher = watcher_of(launcher);
    assert_int_equal(proc_children_list(PROC_PID(watcher), &daemon, 1), 1);
    kill(launcher, SIGKILL);
    await(launcher);
    assert_int_equal(await(watcher), 0);
    assert_int_equal(stat_of(daemon).ppid, getpid());
    end(daemon);
    close(out);
}

static int launches_from_here(void *arg)
{
    const proc_daemon_options *options = arg;
    proc_daemon *daemon;
    proc_daemon_report report;
    int rc = proc_daemonize(&daemon, options, &report);
    if (rc == 0) {
        /* A copy of the daemon is not the daemon. */
        pid_t copy = fork();
        if (copy == 0)
            _exit(proc_daemon_ready(daemon) == -ECHILD && proc_daemon_fail(daemon, 5, "x") == 5 &&
                          proc_daemon_free(daemon) == NULL
                      ? 0
                      : 1);
        if (await(copy) != 0)
            _exit(proc_daemon_fail(daemon, 9, "a copy spoke"));
        if (proc_daemon_ready(daemon) != 1 || proc_daemon_ready(daemon) != 0)
            _exit(1);
        daemon = proc_daemon_free(daemon);
        _exit(0);
    }
    require_rc(rc, 1);
    require(report.outcome == PROC_DAEMON_READY);
    return 0;
}

/* In this very process, whose world is looked at afterwards. */
static void the_launcher_is_as_it_was_before(void **state)
{
    proc_daemon *daemon = (void *)-1;
    proc_daemon_report report;
    (void)state;
    fflush(NULL);
    int rc = proc_daemonize(&daemon, NULL, &report);
    if (rc == 0)
        _exit(proc_daemon_ready(daemon) == 1 ? 0 : 1);
    assert_rc(rc, 1);
    assert_ptr_equal(daemon, (void *)-1);
    assert_int_equal(report.outcome, PROC_DAEMON_READY);
    assert_int_equal(await(report.pid), 0);
    rc = proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.cwd = "/nowhere"), &report);
    if (rc == 0)
        _exit(1);
    assert_rc(rc, -ENOENT);
    await(report.pid);
}

static void a_forked_copy_of_a_daemon_cannot_speak_for_it(void **state)
{
    (void)state;
    assert_in_fork(launches_from_here, NULL);
    bury();
}

/* ---- The lock ---- */

static void a_second_one_is_told_the_pid_of_the_first(void **state)
{
    char expected[120];
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "pid");
    struct told first = launch_ready(DAEMON_DOES("--lock", path, "become", "serve"));
    char *text = file_read(path);
    assert_int_equal(atoi(text), first.pid);
    free(text);
    /* 0 to 2, the lock and its directory. */
    assert_eventually(count_fds(first.pid) == 5);
    snprintf(expected, sizeof expected, "already running, pid %d", first.pid);
    struct told second = assert_told(DAEMON_DOES("--lock", path, "become", "ready"), -EAGAIN, PROC_DAEMON_REFUSED, 1,
                                     expected);
    assert_int_equal(second.pid, first.pid);
    second = assert_told(DAEMON_DOES("--lock", path, "spawn", "true"), -EAGAIN, PROC_DAEMON_REFUSED, 1, expected);
    kill(first.pid, SIGTERM);
    assert_int_equal(await(first.pid), 0);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
    directory_remove(directory);
}

static void a_start_that_fails_leaves_no_lock(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "pid");
    struct told told = assert_told(DAEMON_DOES("--lock", path, "--cwd", "/nowhere", "become", "ready"), -ENOENT,
                                   PROC_DAEMON_FAILED, 1, "chdir");
    await(told.pid);
    assert_int_equal(access(path, F_OK), -1);
    told = assert_told(DAEMON_DOES("--lock", path, "become", "fail", "4", "why"), -ECANCELED, PROC_DAEMON_FAILED, 4,
                       "why");
    await(told.pid);
    assert_int_equal(access(path, F_OK), -1);
    assert_told(DAEMON_DOES("--lock", path, "--out", "/nowhere/x", "become", "ready"), -ENOENT, PROC_DAEMON_FAILED, 1,
                "open");
    assert_int_equal(access(path, F_OK), -1);
    told = assert_told(DAEMON_DOES("--lock", path, "spawn", "no-such-program-anywhere"), -ENOENT, PROC_DAEMON_FAILED,
                       127, "search");
    await(told.pid);
    assert_int_equal(access(path, F_OK), -1);
    assert_told(DAEMON_DOES("--lock", "/nowhere/pid", "become", "ready"), -ENOENT, PROC_DAEMON_FAILED, 1,
                "/nowhere/pid");
    free(path);
    directory_remove(directory);
}

static void a_silent_one_keeps_its_lock(void **state)
{
    proc_holder holder;
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "pid");
    struct told told = launch(DAEMON_DOES("--timeout", "200", "--lock", path, "become", "silent"));
    assert_int_equal(told.outcome, PROC_DAEMON_SILENT);
    assert_rc(proc_lock_query(path, NULL, &holder), 0);
    assert_true(holder.state == PROC_LOCK_HELD && holder.pid == told.pid);
    end(told.pid);
    assert_rc(proc_lock_query(path, NULL, &holder), 0);
    assert_int_equal(holder.state, PROC_LOCK_FREE);
    unlink(path);
    free(path);
    directory_remove(directory);
}

/* A file is empty for a moment while it is written anew, as by a program that takes its lock over. */
static int is_ready_with_an_empty_file(void *arg)
{
    const char *path = arg;
    proc_daemon *daemon;
    proc_daemon_report report;
    int rc = proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.lock = path), &report);
    if (rc == 0) {
        alarm(60);
        if (truncate(path, 0) < 0)
            _exit(proc_daemon_fail(daemon, 9, "truncate"));
        proc_daemon_ready(daemon);
        for (;;)
            pause();
    }
    require_rc(rc, 1);
    kill(report.pid, SIGKILL);
    require(access(path, F_OK) == 0);
    return 0;
}

static void a_launcher_does_not_remove_the_file_of_a_daemon_that_is_ready(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "pid");
    assert_in_fork(is_ready_with_an_empty_file, path);
    bury();
    free(path);
    directory_remove(directory);
}

static void a_program_carries_the_lock_on(void **state)
{
    proc_holder holder;
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "pid");
    struct told told = launch_ready(DAEMON_DOES("--lock", path, "spawn", CHILD, "sleep", "forever"));
    assert_rc(proc_lock_query(path, NULL, &holder), 0);
    assert_true(holder.state == PROC_LOCK_HELD && holder.pid == told.pid);
    end(told.pid);
    assert_rc(proc_lock_query(path, NULL, &holder), 0);
    assert_int_equal(holder.state, PROC_LOCK_FREE);
    unlink(path);
    free(path);
    directory_remove(directory);
}

/* ---- Programs ---- */

static void a_program_is_started_with_the_same_steps(void **state)
{
    (void)state;
    assert_int_equal(dup2(STDIN_FILENO, 90), 90);
    struct told told = launch_ready(IGNORING_HUP("--umask", "077", "spawn", CHILD, "sleep", "forever"));
    close(90);
    proc_stat stat = stat_of(told.pid);
    assert_string_equal(stat.name, "child");
    assert_true(stat.session != told.pid && stat.session != getsid(0) && stat.tty == 0 && stat.ppid == getpid());
    assert_string_equal(cwd_of(told.pid), "/");
    proc_status status = status_of(told.pid);
    assert_int_equal(status.umask, 077);
    assert_true(status.sig_blocked[0] == 0 && status.sig_ignored[0] == 0 && status.sig_caught[0] == 0);
    for (int fd = 0; fd < 3; fd++)
        assert_string_equal(link_of(told.pid, fd), "/dev/null");
    assert_eventually(count_fds(told.pid) == 3);
    end(told.pid);
}

static void a_program_that_cannot_be_run_is_127_or_126(void **state)
{
    (void)state;
    struct told told = assert_told(DAEMON_DOES("spawn", "no-such-program-anywhere"), -ENOENT, PROC_DAEMON_FAILED, 127,
                                   "daemon \"no-such-program-anywhere\": search");
    await(told.pid);
    told = assert_told(DAEMON_DOES("spawn", "/nowhere/at/all"), -ENOENT, PROC_DAEMON_FAILED, 127,
                       "exec \"/nowhere/at/all\": No such file or directory");
    await(told.pid);
    told = assert_told(DAEMON_DOES("spawn", "/etc/passwd"), -EACCES, PROC_DAEMON_FAILED, 126, "Permission denied");
    await(told.pid);
}

static void a_program_says_itself_when_it_is_ready(void **state)
{
    (void)state;
    struct told told = launch_ready(DAEMON_DOES("--notify", "spawn", CHILD, "tell-and-stay", "STATUS=x\nREADY=1"));
    assert_string_equal(stat_of(told.pid).name, "child");
    end(told.pid);
    told = assert_told(DAEMON_DOES("--notify", "--timeout", "300", "spawn", CHILD, "tell-and-stay", "STATUS=not yet"),
                       -ETIMEDOUT, PROC_DAEMON_SILENT, 124, "not ready after 300 ms");
    end(told.pid);
    told = assert_told(DAEMON_DOES("--notify", "spawn", CHILD, "exit", "5"), -ECHILD, PROC_DAEMON_ENDED, 5,
                       "exited with 5 before it was ready");
    assert_told(DAEMON_DOES("--notify", "spawn", CHILD, "kill", "9"), -ECHILD, PROC_DAEMON_ENDED, 137,
                "killed by SIGKILL");
}

static void the_last_words_of_a_program_are_told(void **state)
{
    (void)state;
    assert_told(DAEMON_DOES("--notify", "spawn", CHILD, "tell-and-fail", "STATUS=looks", "STATUS=no port\033 is free"),
                -ECHILD, PROC_DAEMON_ENDED, 78, "exited with 78 before it was ready: no port\\x1b is free");
    char status[400] = "STATUS=";
    memset(status + 7, 'x', 300);
    struct told told = assert_told(DAEMON_DOES("--notify", "spawn", CHILD, "tell-and-fail", status), -ECHILD,
                                   PROC_DAEMON_ENDED, 78, "before it was ready: xxx");
    assert_int_equal(strlen(told.text), sizeof((proc_error *)0)->text - 1);
}

/* The shortest of three times in which it came to say it. */
static void so_is_what_one_that_is_not_ready_in_time_has_told_last(void **state)
{
    static const char *const limits[] = {"300", "3000", "30000"};
    int is_told = 0;
    (void)state;
    for (size_t i = 0; i < 3 && !is_told; i++) {
        struct told told = assert_told(DAEMON_DOES("--notify", "--timeout", limits[i], "spawn", CHILD, "tell-and-stay",
                                                   "STATUS=reading\033 the journal"),
                                       -ETIMEDOUT, PROC_DAEMON_SILENT, 124, " ms, but running");
        is_told = strstr(told.text, " ms, but running: reading\\x1b the journal") != NULL;
        end(told.pid);
    }
    assert_true(is_told);
}

static void a_program_is_not_told_of_our_supervisor(void **state)
{
    (void)state;
    setenv("NOTIFY_SOCKET", "@nobody-is-here", 1);
    struct told told = launch_ready(DAEMON_DOES("spawn", CHILD, "sleep", "forever"));
    unsetenv("NOTIFY_SOCKET");
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/environ", told.pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    static char environment[65536];
    ssize_t len = read(fd, environment, sizeof environment);
    close(fd);
    assert_true(len > 0);
    assert_null(memmem(environment, (size_t)len, "NOTIFY_SOCKET", 13));
    end(told.pid);
}

/* ---- Supervision ---- */

static int stays_and_tells(void *arg)
{
    const proc_daemon_options *options = arg;
    proc_daemon *daemon;
    proc_daemon_report report;
    pid_t pid = getpid(), session = getsid(0);
    require_rc(proc_daemonize(&daemon, options, &report), 0);
    require(getpid() == pid && getsid(0) == session);
    int rc = proc_daemon_ready(daemon);
    daemon = proc_daemon_free(daemon);
    return rc;
}

static void under_a_supervisor_nothing_is_forked(void **state)
{
    struct verdict verdict;
    proc_notify_server *server;
    proc_notify_message message;
    (void)state;
    assert_int_equal(proc_supervised(), 0);
    assert_rc(proc_notify_server_new(&server, NULL), 0);
    putenv((char *)(uintptr_t)proc_notify_server_env(server));
    assert_int_equal(proc_supervised(), 1);
    run_in_fork(&verdict, stays_and_tells, (void *)(uintptr_t)PROC_DAEMON_OPTIONS(.flags = 0), PATIENCE_MS);
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(verdict.code, 1);
    assert_rc(proc_notify_server_receive(server, NULL, 0, &message), 0);
    assert_int_equal(message.what, PROC_NOTIFY_READY);
    proc_notify_message_done(&message);
    server = proc_notify_server_free(server);
    /* And where it was asked for; nobody is told then. */
    run_in_fork(&verdict, stays_and_tells, (void *)(uintptr_t)PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_STAY),
                PATIENCE_MS);
    assert_int_equal(verdict.code, 0);
}

static int says_it_again(void *arg)
{
    proc_daemon *daemon;
    proc_daemon_report report;
    proc_notify_server *server = NULL;
    proc_notify_message message;
    (void)arg;
    require(setenv("NOTIFY_SOCKET", "@nobody-is-here-yet", 1) == 0);
    require_rc(proc_daemonize(&daemon, NULL, &report), 0);
    require_rc(proc_daemon_ready(daemon), -ECONNREFUSED);
    require_rc(proc_notify_server_new(&server, NULL), 0);
    putenv((char *)(uintptr_t)proc_notify_server_env(server));
    require_rc(proc_daemon_ready(daemon), 1);
    require_rc(proc_notify_server_receive(server, NULL, 0, &message), 0);
    require(message.what == PROC_NOTIFY_READY);
    proc_notify_message_done(&message);
    require_rc(proc_daemon_ready(daemon), 0);
    unsetenv("NOTIFY_SOCKET");
    server = proc_notify_server_free(server);
    daemon = proc_daemon_free(daemon);
    return 0;
}

static void what_a_supervisor_did_not_hear_can_be_said_again(void **state)
{
    (void)state;
    assert_in_fork(says_it_again, NULL);
}

static void a_notification_descriptor_is_a_supervisor_too(void **state)
{
    struct verdict verdict;
    int ends[2];
    char byte;
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    run_in_fork(&verdict, stays_and_tells, (void *)(uintptr_t)PROC_DAEMON_OPTIONS(.notify_fd = PROC_INT(ends[1])),
                PATIENCE_MS);
    close(ends[1]);
    assert_int_equal(verdict.code, 1);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, '\n');
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static int is_meant_by_listen_pid(void *arg)
{
    char number[16];
    (void)arg;
    snprintf(number, sizeof number, "%d", (int)getpid());
    setenv("LISTEN_PID", number, 1);
    require(proc_supervised() == 1);
    snprintf(number, sizeof number, "%d", (int)getppid());
    setenv("LISTEN_PID", number, 1);
    require(proc_supervised() == 0);
    return 0;
}

static int is_process_one(void *arg)
{
    int status;
    (void)arg;
    if (unshare(CLONE_NEWPID) < 0)
        return 77;
    pid_t pid = fork();
    if (pid == 0)
        _exit(proc_supervised() == 1 && getpid() == 1 ? 0 : 1);
    require(waitpid(pid, &status, 0) == pid);
    return status != 0;
}

static void sockets_handed_over_and_process_one_are_signs_of_a_supervisor(void **state)
{
    struct verdict verdict;
    (void)state;
    assert_in_fork(is_meant_by_listen_pid, NULL);
    run_in_fork(&verdict, is_process_one, NULL, PATIENCE_MS);
    if (verdict.code == 77)
        SKIP_TEST("needs the right to make a pid namespace");
    assert_int_equal(verdict.code, 0);
}

static int does_what_was_asked_for(void *arg)
{
    proc_daemon *daemon = NULL;
    proc_daemon_report report;
    char cwd[PATH_MAX], path[PATH_MAX];
    (void)arg;
    snprintf(path, sizeof path, "/tmp/proc-test-stay-%d", (int)getpid());
    umask(0);
    require_rc(proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_STAY, .cwd = "/nowhere", .lock = path),
                              &report),
               -ENOENT);
    require(access(path, F_OK) < 0 && daemon == NULL);
    require_rc(proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_STAY, .cwd = "/proc", .lock = path,
                                                           .umask = PROC_MODE(027)),
                              &report),
               0);
    require(getcwd(cwd, sizeof cwd) && strcmp(cwd, "/proc") == 0);
    require(umask(0) == 027);
    require(proc_daemon_lock(daemon) && proc_lock_verify(proc_daemon_lock(daemon)) == 0);
    require(proc_daemon_fail(daemon, 3, "nobody hears") == 3);
    daemon = proc_daemon_free(daemon);
    require(access(path, F_OK) < 0);
    return 0;
}

static void without_a_fork_only_what_was_asked_for_is_done(void **state)
{
    (void)state;
    assert_in_fork(does_what_was_asked_for, NULL);
}

static int stays_where_it_cannot_come_back_to(void *arg)
{
    proc_daemon *daemon;
    proc_daemon_report report;
    const char *directory = arg;
    char cwd[PATH_MAX];
    require(chmod(directory, 0700) == 0 && chdir(directory) == 0);
    if (geteuid() == 0)
        require(setresuid(NOBODY, NOBODY, NOBODY) == 0);
    else
        require(chmod(directory, 0) == 0);
    require_rc(proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_STAY), &report), 0);
    daemon = proc_daemon_free(daemon);
    require_rc(
        proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_STAY, .cwd = "/nowhere"), &report), -ENOENT);
    require(strstr(report.error.text, "chdir \"/nowhere\": No such file"));
    require_rc(proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_STAY, .cwd = "/"), &report), 0);
    require(getcwd(cwd, sizeof cwd) && strcmp(cwd, "/") == 0);
    daemon = proc_daemon_free(daemon);
    return 0;
}

/* As after `sudo -u nobody` in a home directory of root. */
static void a_directory_that_is_closed_to_us_is_no_failure_where_nothing_is_forked(void **state)
{
    (void)state;
    char *directory = directory_make();
    assert_in_fork(stays_where_it_cannot_come_back_to, directory);
    chmod(directory, 0700);
    directory_remove(directory);
}

/* ---- Options ---- */

static void check_refusal(const proc_daemon_report *report, int rc, const char *text, const char *file, int line)
{
    assert_true(report->outcome == PROC_DAEMON_FAILED && report->code == 1 && report->error.code == -rc);
    check_contains(report->error.text, text, file, line);
}

#define assert_refused(options, rc, text) check_refused((options), (rc), (text), __FILE__, __LINE__)
static void check_refused(const proc_daemon_options *options, int rc, const char *text, const char *file, int line)
{
    proc_daemon *daemon = (void *)-1;
    proc_daemon_report report;
    int got = proc_daemonize(&daemon, options, &report);
    if (got == 0)
        _exit(1);
    check_rc(got, rc, "proc_daemonize", file, line);
    assert_ptr_equal(daemon, (void *)-1);
    check_refusal(&report, rc, text, file, line);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    struct {
        proc_daemon_options known;
        uint64_t more;
    } longer = {.known = {.size = sizeof longer}, .more = 1};
    proc_daemon *daemon = NULL;
    proc_daemon_report report;
    (void)state;
    memset(&report, 0x55, sizeof report);
    assert_rc(proc_daemonize(NULL, NULL, &report), -EINVAL);
    check_refusal(&report, -EINVAL, "nowhere to put the daemon", __FILE__, __LINE__);
    assert_rc(proc_daemonize(&daemon, NULL, NULL), -EINVAL);
    assert_refused(&(const proc_daemon_options){.size = 0}, -EINVAL, "size is not set");
    assert_refused(&longer.known, -E2BIG, "more than this version knows");
    assert_refused(PROC_DAEMON_OPTIONS(.flags = 0x80000000u), -ENOTSUP, ".flags");
    assert_refused(PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_NOTIFY), -EINVAL, "NOTIFY is for proc_daemon_spawn");
    assert_refused(PROC_DAEMON_OPTIONS(.timeout_ms = -2), -EINVAL, ".timeout_ms");
    assert_refused(PROC_DAEMON_OPTIONS(.in = PROC_PIPE), -EINVAL, "stdio of a daemon");
    assert_refused(PROC_DAEMON_OPTIONS(.out = PROC_CAPTURE), -EINVAL, "stdio of a daemon");
    assert_refused(PROC_DAEMON_OPTIONS(.keep = PROC_KEEP(2)), -EINVAL, ".keep");
    assert_refused(PROC_DAEMON_OPTIONS(.keep = PROC_KEEP(1000)), -EBADF, "descriptor 1000");
    assert_refused(PROC_DAEMON_OPTIONS(.umask = PROC_MODE(01000)), -EINVAL, ".umask");
    assert_refused(PROC_DAEMON_OPTIONS(.ids = PROC_IDS(.uid = PROC_UID(1))), -EINVAL, "gid");
    assert_refused(PROC_DAEMON_OPTIONS(.notify_fd = PROC_INT(1000)), -EBADF, ".notify_fd");
    assert_refused(PROC_DAEMON_OPTIONS(.lock_options = PROC_LOCK_OPTIONS(.flags = 0)), -EINVAL, "without .lock");
    assert_refused(PROC_DAEMON_OPTIONS(.lock = "/x", .lock_options = PROC_LOCK_OPTIONS(.flags = PROC_LOCK_FCNTL)),
                   -EINVAL, "record lock");
    assert_refused(PROC_DAEMON_OPTIONS(.lock = "/x", .lock_options = PROC_LOCK_OPTIONS(.error = &report.error)),
                   -EINVAL, "in the report");
    assert_rc(proc_daemon_ready(NULL), -EINVAL);
    assert_int_equal(proc_daemon_fail(NULL, 300, "x"), 1);
    assert_int_equal(proc_daemon_fail(NULL, 7, NULL), 7);
    assert_null(proc_daemon_lock(NULL));
    assert_null(proc_daemon_free(NULL));
}

#define assert_program_refused(options, how, rc, text) check_program((options), (how), (rc), (text), __FILE__, __LINE__)
static void check_program(const proc_options *options, const proc_daemon_options *how, int rc, const char *text,
                          const char *file, int line)
{
    proc_daemon_report report;
    check_rc(proc_daemon_spawn(PROC_ARGV("true"), options, how, &report), rc, "proc_daemon_spawn", file, line);
    check_refusal(&report, rc, text, file, line);
}

static void a_program_has_its_own_options_and_the_daemons_are_not_among_them(void **state)
{
    proc_daemon_report report;
    proc_error error;
    (void)state;
    assert_rc(proc_daemon_spawn(PROC_ARGV("true"), NULL, NULL, NULL), -EINVAL);
    assert_rc(proc_daemon_spawn(NULL, NULL, NULL, &report), -EINVAL);
    assert_program_refused(PROC_OPTIONS(.out = PROC_NULL), NULL, -EINVAL, "the daemon's options");
    assert_program_refused(PROC_OPTIONS(.cwd = "/"), NULL, -EINVAL, "the daemon's options");
    assert_program_refused(PROC_OPTIONS(.fds = PROC_FDS({3, PROC_NULL})), NULL, -EINVAL, ".keep");
    assert_program_refused(PROC_OPTIONS(.start = PROC_START(.cwd_fd = PROC_INT(0))), NULL, -EINVAL, ".start->cwd_fd");
    assert_program_refused(PROC_OPTIONS(.start = PROC_START(.group = PROC_INT(1))), NULL, -EINVAL, ".start->cwd_fd");
    assert_program_refused(PROC_OPTIONS(.flags = PROC_NEW_GROUP), NULL, -EINVAL, ".flags");
    assert_program_refused(PROC_OPTIONS(.timeout_ms = 5), NULL, -EINVAL, ".timeout_ms");
    assert_program_refused(PROC_OPTIONS(.terminal = PROC_TERMINAL(.foreground = 1)), NULL, -EINVAL, ".terminal");
    assert_program_refused(PROC_OPTIONS(.error = &error), NULL, -EINVAL, ".error");
    assert_program_refused(&(const proc_options){.size = 0}, NULL, -EINVAL, "size is not set");
    assert_program_refused(NULL, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_STAY), -EINVAL, "STAY");
    assert_program_refused(NULL, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_KEEP_ERR), -EINVAL, "KEEP_ERR");
    assert_program_refused(NULL, PROC_DAEMON_OPTIONS(.notify_fd = PROC_INT(0)), -EINVAL, ".notify_fd");
}

static void a_program_by_descriptor_becomes_a_daemon(void **state)
{
    proc_daemon_report report = {0};
    int status = 0, fd = open(CHILD, O_RDONLY | O_CLOEXEC);
    (void)state;
    assert_rc(proc_daemon_spawn(PROC_ARGV("by-descriptor", "exit-on", "15", "23"),
                                PROC_OPTIONS(.start = PROC_START(.program_fd = &fd)), NULL, &report), 0);
    close(fd);
    assert_true(report.pid > 0);
    /* Now, or once it is ready for it: both are its own doing. It is an orphan, and comes to us. */
    assert_int_equal(kill(report.pid, SIGTERM), 0);
    assert_int_equal(waitpid(report.pid, &status, 0), report.pid);
    assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 23));
}

#define daemon_test(test) cmocka_unit_test_setup_teardown(test, needs_launching, adopt_no_more)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        daemon_test(it_has_a_session_without_leading_it_and_no_terminal),
        daemon_test(the_process_between_is_gone_and_the_daemon_an_orphan),
        cmocka_unit_test_setup_teardown(it_is_in_the_root_directory_with_a_safe_umask, remember_umask, adopt_no_more),
        daemon_test(its_stdio_is_the_null_device_and_nothing_else_is_open),
        daemon_test(a_descriptor_that_is_named_twice_is_kept),
        daemon_test(a_log_is_appended_to_and_found_from_the_launchers_directory),
        daemon_test(signals_are_at_their_defaults_and_none_is_blocked),
        daemon_test(standard_error_stays_until_it_is_ready),
        daemon_test(standard_error_stays_no_longer_when_it_has_failed),
        daemon_test(where_standard_error_cannot_stay_it_fails),
        daemon_test(a_launcher_without_stdio_makes_a_daemon_with_it),
        daemon_test(it_becomes_another_user_last),
        daemon_test(its_own_words_reach_the_launcher_with_the_code),
        daemon_test(an_end_before_it_is_ready_is_told_as_it_was),
        daemon_test(the_status_is_true_where_sigchld_is_ignored),
        daemon_test(one_that_is_silent_costs_only_the_time),
        daemon_test(one_that_takes_its_time_is_waited_for),
        daemon_test(a_step_that_fails_is_named),
        daemon_test(what_is_not_open_does_not_become_the_lock),
        daemon_test(threads_are_refused_with_a_text),
        daemon_test(a_file_in_the_place_of_the_null_device_is_refused),
        daemon_test(a_watcher_that_is_killed_is_no_success),
        daemon_test(a_launcher_that_is_killed_takes_only_the_watcher_along),
        daemon_test(the_launcher_is_as_it_was_before),
        daemon_test(a_forked_copy_of_a_daemon_cannot_speak_for_it),
        daemon_test(a_second_one_is_told_the_pid_of_the_first),
        daemon_test(a_start_that_fails_leaves_no_lock),
        daemon_test(a_silent_one_keeps_its_lock),
        daemon_test(a_launcher_does_not_remove_the_file_of_a_daemon_that_is_ready),
        daemon_test(a_program_carries_the_lock_on),
        daemon_test(a_program_is_started_with_the_same_steps),
        daemon_test(a_program_that_cannot_be_run_is_127_or_126),
        daemon_test(a_program_says_itself_when_it_is_ready),
        daemon_test(the_last_words_of_a_program_are_told),
        daemon_test(so_is_what_one_that_is_not_ready_in_time_has_told_last),
        daemon_test(a_program_is_not_told_of_our_supervisor),
        daemon_test(under_a_supervisor_nothing_is_forked),
        daemon_test(what_a_supervisor_did_not_hear_can_be_said_again),
        daemon_test(a_notification_descriptor_is_a_supervisor_too),
        daemon_test(sockets_handed_over_and_process_one_are_signs_of_a_supervisor),
        daemon_test(without_a_fork_only_what_was_asked_for_is_done),
        daemon_test(a_directory_that_is_closed_to_us_is_no_failure_where_nothing_is_forked),
        daemon_test(options_that_make_no_sense_are_refused),
        daemon_test(a_program_has_its_own_options_and_the_daemons_are_not_among_them),
        daemon_test(a_program_by_descriptor_becomes_a_daemon),
    };
    unsetenv("NOTIFY_SOCKET");
    setenv("PATH", "/usr/bin:/bin", 1); /* no directory that is closed to us, which would be another error */
    return run_suite("daemon", tests, sizeof tests / sizeof tests[0], argc, argv);
}
