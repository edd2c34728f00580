/* SPDX-License-Identifier: MIT */
/*
 * A function of ours on the way of a child to its program: where it runs, what it sees, and that whatever it does -
 * refuses, crashes, exits, stays, closes what is not its own - is told for what it is.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

static int answer(void *user)
{
    return *(const int *)user;
}

static int come_back(void *user)
{
    (void)user;
    return 0;
}

#define ANSWERS(value) PROC_HOOK(answer, (void *)(uintptr_t) & (const int){value})

/* ---- Where it runs ---- */

static int look_around(void *user)
{
    char directory[64] = "";
    sigset_t mask;
    struct sigaction action;
    const int *kept = user;
    if (!getcwd(directory, sizeof directory) || strcmp(directory, "/proc") != 0 || getsid(0) != getpid())
        return -ENOTDIR;
    if (fcntl(9, F_GETFD) != 0 || fcntl(*kept, F_GETFD) < 0) /* placed; and the rest not closed yet */
        return -EBADF;
    if (pthread_sigmask(SIG_SETMASK, NULL, &mask) != 0 || !sigismember(&mask, SIGTERM))
        return -EINTR;
    if (sigaction(SIGUSR1, NULL, &action) < 0 || action.sa_handler == SIG_DFL)
        return -ENOSYS;
    return dprintf(9, "hook\n") == 5 ? 0 : -EIO;
}

static void note_nothing(int number)
{
    (void)number;
}

static int hook_in_its_place(void *arg)
{
    int extra = fcntl(STDERR_FILENO, F_DUPFD, 30), ends[2];
    char text[64] = "";
    proc_child *child;
    proc_error error = {0};
    (void)arg;
    signal(SIGUSR1, note_nothing);
    require(extra >= 30 && pipe2(ends, O_CLOEXEC) == 0);
    int rc = proc_spawn(&child, PROC_ARGV("sh", "-c", "echo program >&9; kill -USR1 $$"),
                        PROC_OPTIONS(.cwd = "/proc", .flags = PROC_NEW_SESSION, .error = &error,
                                     .fds = PROC_FDS({9, PROC_FD(ends[1])}), .hook = PROC_HOOK(look_around, &extra)));
    if (rc < 0)
        complain("%s", error.text);
    close(ends[1]);
    proc_exit ended;
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    require(ended.kind == PROC_SIGNALED && ended.code == SIGUSR1);
    require(read(ends[0], text, sizeof text - 1) > 0 && strcmp(text, "hook\nprogram\n") == 0);
    proc_child_free(child);
    return 0;
}

static void it_runs_behind_the_ids_and_before_the_rest_is_closed(void **state)
{
    (void)state;
    assert_in_fork(hook_in_its_place, NULL);
}

static int is_nobody(void *user)
{
    (void)user;
    return getuid() == 65534 && geteuid() == 65534 && getegid() == 65534 ? 0 : -EPERM;
}

static void it_has_the_ids_of_the_child(void **state)
{
    (void)state;
    proc_child *child =
        start(CHILD_DOES("exit", "3"), PROC_OPTIONS(.hook = PROC_HOOK(is_nobody, NULL),
                                                    .ids = PROC_IDS(.uid = PROC_UID(65534), .gid = PROC_GID(65534))));
    assert_ends(child, PROC_EXITED, 3);
    proc_child_free(child);
}

static int open_something(void *user)
{
    (void)user;
    return open("/", O_RDONLY) >= 0 && dup2(STDERR_FILENO, 77) == 77 ? 0 : -errno;
}

static void what_it_opens_is_closed_and_what_it_writes_to_memory_is_its_own(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "[ ! -e /proc/self/fd/77 ]"),
                       PROC_OPTIONS(.hook = PROC_HOOK(open_something, NULL))),
              0);
    assert_true(proc_exit_ok(&result.exit));
    proc_result_done(&result);
}

static int allocate(void *user)
{
    char *block = malloc(100000);
    if (!block)
        return -ENOMEM;
    snprintf(block, 100, "%s", (const char *)user);
    setenv("HOOK", block, 1);
    free(block);
    return 0;
}

/* It works with libc; and the environment of the program is still the one that was asked for. */
static void it_may_use_libc(void **state)
{
    (void)state;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "echo \"$HOOK$A\""),
                       PROC_OPTIONS(.out = PROC_CAPTURE, .env = PROC_ENV("A=1", "PATH=/usr/bin:/bin"),
                                    .hook = PROC_HOOK(allocate, (void *)(uintptr_t) "word"))),
              0);
    assert_string_equal(result.out.data, "1\n");
    proc_result_done(&result);
}

/* ---- What it answers ---- */

static void its_errno_is_that_of_the_start(void **state)
{
    (void)state;
    assert_fails(CHILD_DOES("exit"), PROC_OPTIONS(.hook = ANSWERS(-EXDEV)), -EXDEV, PROC_STEP_HOOK, -1, NULL);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = ANSWERS(-EPERM)), -EPERM, PROC_STEP_HOOK, -1,
                 "spawn \"true\": hook: Operation not permitted");
    /* No errno, no answer that means anything. */
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = ANSWERS(1)), -EINVAL, PROC_STEP_HOOK, -1, NULL);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = ANSWERS(-100000)), -EINVAL, PROC_STEP_HOOK, -1, NULL);
}

static void steps_before_and_behind_it_are_named_as_without_it(void **state)
{
    (void)state;
    const proc_hook *hook = PROC_HOOK(come_back, NULL);
    assert_fails(PROC_ARGV("/nope/program"), PROC_OPTIONS(.hook = hook), -ENOENT, PROC_STEP_EXEC, 0,
                 "spawn \"/nope/program\": exec \"/nope/program\": No such file or directory");
    assert_fails(PROC_ARGV("no-such-program"), PROC_OPTIONS(.hook = hook, .search = "/bin"), -ENOENT, PROC_STEP_SEARCH,
                 -1, "spawn \"no-such-program\": search \"/bin\": No such file or directory");
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = hook, .cwd = "/nope"), -ENOENT, PROC_STEP_CWD, -1,
                 "spawn \"true\": chdir \"/nope\": No such file or directory");
}

/* ---- What it should not do ---- */

static int leave_with(void *user)
{
    _exit(*(const int *)user);
}

static int crash(void *user)
{
    (void)user;
    kill(getpid(), SIGKILL);
    return 0;
}

/* Only its pipe and its status are left to tell of its end. */
static int crash_unpolled(void *arg)
{
    proc_child *child = NULL;
    proc_error error;
    (void)arg;
#ifdef SYS_poll
    require(deny_call(SYS_poll, ENOMEM) == 0);
#endif
    require(deny_call(SYS_ppoll, ENOMEM) == 0);
    require_rc(proc_spawn(&child, PROC_ARGV(CHILD), PROC_OPTIONS(.hook = PROC_HOOK(crash, NULL), .error = &error)),
               -ECHILD);
    require(error.step == PROC_STEP_HOOK);
    return 0;
}

static void one_that_crashes_is_no_start_where_poll_fails(void **state)
{
    (void)state;
    assert_in_fork(crash_unpolled, NULL);
}

static int stay(void *user)
{
    (void)user;
    live_on();
}

static void one_that_ends_its_process_is_told_with_how(void **state)
{
    const int code = 3, nothing = 0;
    (void)state;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(leave_with, (void *)(uintptr_t)&code)), -ECHILD,
                 PROC_STEP_HOOK, -1, "spawn \"true\": hook: exited with 3");
    /* Also with success: it is not the program's. */
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(leave_with, (void *)(uintptr_t)&nothing)), -ECHILD,
                 PROC_STEP_HOOK, -1, "spawn \"true\": hook: exited with 0");
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(crash, NULL)), -ECHILD, PROC_STEP_HOOK, -1,
                 "spawn \"true\": hook: killed by SIGKILL");
}

static void one_that_stays_is_ended_when_its_time_is_over(void **state)
{
    proc_result result;
    proc_error error;
    (void)state;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(stay, NULL, .timeout_ms = 40)), -ETIMEDOUT,
                 PROC_STEP_HOOK, -1, "spawn \"true\": hook: not back after 40 ms");
    /* A run has no more than its own. */
    assert_rc(
        proc_run(&result, PROC_ARGV("true"),
                 PROC_OPTIONS(.timeout_ms = 30, .hook = PROC_HOOK(stay, NULL, .timeout_ms = -1), .error = &error)),
        -ETIMEDOUT);
    assert_string_equal(error.text, "run \"true\": hook: not back after 30 ms");
    proc_result_done(&result);
}

static int stay_without_signals(void *arg)
{
    proc_child *child;
    (void)arg;
    require(deny_call(424 /* pidfd_send_signal */, EPERM) == 0);
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(stay, NULL, .timeout_ms = 20))),
               -ETIMEDOUT);
    require(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
    return 0;
}

static void one_that_stays_is_ended_where_pidfds_cannot_be_signalled(void **state)
{
    (void)state;
    assert_in_fork(stay_without_signals, NULL);
}

static int close_all(void *user)
{
    (void)user;
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    return 0;
}

static void one_that_closes_what_is_not_its_own_is_not_taken_for_a_start(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(close_all, NULL)), -EBADF, PROC_STEP_HOOK, -1,
                 "spawn \"true\": hook: Bad file descriptor");
}

/* The parent is a thread of its own then, and the hook runs in a copy of that. */
static void it_may_be_had_with_a_child_that_dies_with_us(void **state)
{
    (void)state;
    proc_child *child =
        start(CHILD_DOES("exit", "3"), PROC_OPTIONS(.hook = PROC_HOOK(come_back, NULL), .flags = PROC_DIE_WITH_PARENT));
    assert_ends(child, PROC_EXITED, 3);
    proc_child_free(child);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = ANSWERS(-EXDEV), .flags = PROC_DIE_WITH_PARENT), -EXDEV,
                 PROC_STEP_HOOK, -1, NULL);
}

static void every_stage_of_a_pipeline_may_have_one(void **state)
{
    const proc_options hooked = *PROC_OPTIONS(.hook = PROC_HOOK(come_back, NULL));
    const proc_options refused = *PROC_OPTIONS(.hook = ANSWERS(-EXDEV));
    proc_result result;
    (void)state;
    assert_rc(proc_pipeline(&result,
                            (const proc_request[]){{PROC_ARGV("echo", "word"), &hooked},
                                                   {PROC_ARGV("tr", "a-z", "A-Z"), &hooked},
                                                   {NULL, NULL}},
                            PROC_OPTIONS(.out = PROC_CAPTURE)),
              0);
    assert_string_equal(result.out.data, "WORD\n");
    proc_result_done(&result);
    assert_rc(proc_pipeline(
                  &result,
                  (const proc_request[]){{PROC_ARGV("echo", "word"), NULL}, {PROC_ARGV("cat"), &refused}, {NULL, NULL}},
                  PROC_OPTIONS(.out = PROC_CAPTURE)),
              -EXDEV);
    proc_result_done(&result);
}

static int become_something_else(void *user)
{
    execl("/bin/sleep", "sleep", "100", (char *)NULL);
    (void)user;
    return -errno;
}

static void one_that_becomes_a_program_is_a_start(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(become_something_else, NULL)));
    assert_rc(proc_wait(child, 0, NULL), -ETIMEDOUT);
    proc_child_free(child);
}

static void a_hook_that_says_nothing_is_refused(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(NULL, NULL)), -EINVAL, PROC_STEP_OPTIONS, -1,
                 "spawn \"true\": options \".hook without .run\": Invalid argument");
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(come_back, NULL, .timeout_ms = -2)), -EINVAL,
                 PROC_STEP_OPTIONS, -1, "spawn \"true\": options \".hook->timeout_ms is below -1\": Invalid argument");
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(come_back, NULL, .reserved = 1)), -EINVAL,
                 PROC_STEP_OPTIONS, -1, "spawn \"true\": options \".hook: a member that must be 0\": Invalid argument");
    const proc_hook nothing = {0};
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = &nothing), -EINVAL, PROC_STEP_OPTIONS, -1, NULL);
}

/* ---- Whatever others are at ---- */

static atomic_int enough;

/* Copies that hold whatever was open when they were made, for longer than a start takes. */
static void *fork_and_hold(void *arg)
{
    int pids[8] = {0};
    (void)arg;
    for (size_t i = 0; !atomic_load(&enough); i = (i + 1) % 8) {
        if (pids[i] > 0)
            end_process(pids[i]);
        pids[i] = fork_bound();
        if (pids[i] == 0)
            live_on();
    }
    for (size_t i = 0; i < 8; i++)
        if (pids[i] > 0)
            end_process(pids[i]);
    return NULL;
}

static void copies_that_others_fork_do_not_hold_it_up(void **state)
{
    pthread_t thread;
    (void)state;
    atomic_store(&enough, 0);
    assert_int_equal(pthread_create(&thread, NULL, fork_and_hold, NULL), 0);
    for (int i = 0; i < 20; i++) {
        proc_child *child = start(CHILD_DOES("exit", "4"), PROC_OPTIONS(.hook = PROC_HOOK(come_back, NULL)));
        assert_ends(child, PROC_EXITED, 4);
        proc_child_free(child);
        assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.hook = ANSWERS(-EDOM)), -EDOM, PROC_STEP_HOOK, -1, NULL);
    }
    atomic_store(&enough, 1);
    pthread_join(thread, NULL);
}

static int with_a_thief(void *arg)
{
    proc_child *child;
    proc_error error;
    proc_exit ended;
    const int code = 3;
    (void)arg;
    thief_start(0);
    for (int i = 0; i < 20; i++) {
        require_rc(proc_spawn(&child, CHILD_DOES("exit", "4"), PROC_OPTIONS(.hook = PROC_HOOK(come_back, NULL))), 0);
        require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
        proc_child_free(child);
        require_rc(proc_spawn(&child, PROC_ARGV("true"),
                              PROC_OPTIONS(.error = &error, .hook = PROC_HOOK(leave_with, (void *)(uintptr_t)&code))),
                   -ECHILD);
        require(strstr(error.text, "hook: exited with 3") || strstr(error.text, "hook: ended, "));
    }
    thief_stop();
    return 0;
}

static void a_thief_does_not_change_what_is_told(void **state)
{
    (void)state;
    assert_in_fork(with_a_thief, NULL);
}

/* Where the kernel denies it at the last moment, as a filter may. */
static int without_pidfd_open(void *arg)
{
    proc_child *child;
    proc_error error;
    (void)arg;
    require(deny_call(434 /* pidfd_open */, EPERM) == 0);
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(come_back, NULL), .error = &error)),
               -ENOSYS);
    require(error.step == PROC_STEP_CLONE);
    require(waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD);
    return 0;
}

static void one_that_cannot_be_held_is_not_left_behind(void **state)
{
    (void)state;
    assert_in_fork(without_pidfd_open, NULL);
}

/* ---- On the way to a daemon's program ---- */

static int needs_launching(void **state)
{
    int rc = needs_pidfds(state);
    if (SANITIZER_THREADS)
        leave_out("the sanitizer has a thread of its own, and threads are refused");
    return rc < 0 ? rc : adopt_orphans(state);
}
#define daemon_test(test) cmocka_unit_test_setup_teardown(test, needs_launching, adopt_no_more)

/* Where it is, and that the launcher's own memory is there. */
static int note_place(void *user)
{
    char directory[64] = "";
    int fd = open(user, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0 || !getcwd(directory, sizeof directory))
        return -errno;
    return dprintf(fd, "hook %d %d %s\n", (int)getpid(), getsid(0) != getpid(), directory) > 0 ? 0 : -EIO;
}

static void a_daemon_has_it_before_its_program(void **state)
{
    proc_daemon_report report = {0};
    char expected[100], *directory = directory_make(), *path = path_in(directory, "seen"), *text = NULL;
    (void)state;
    file_write(path, "");
    assert_rc(proc_daemon_spawn(PROC_ARGV("sh", "-c", "echo program >> \"$0\"; exec sleep 60", path),
                                PROC_OPTIONS(.hook = PROC_HOOK(note_place, path)), NULL, &report), 0);
    snprintf(expected, sizeof expected, "hook %d 1 /\nprogram\n", report.pid);
    assert_eventually((free(text), text = file_read(path)) && strstr(text, "program\n"));
    end_process(report.pid);
    assert_string_equal(text, expected);
    free(text);
    free(path);
    directory_remove(directory);
}

static void a_daemon_that_its_hook_refuses_has_failed(void **state)
{
    proc_daemon_report report = {0};
    (void)state;
    assert_rc(proc_daemon_spawn(PROC_ARGV("true"), PROC_OPTIONS(.hook = ANSWERS(-EDQUOT)), NULL, &report), -EDQUOT);
    assert_int_equal(report.outcome, PROC_DAEMON_FAILED);
    assert_int_equal(report.error.step, PROC_STEP_HOOK);
    assert_string_equal(report.error.text, "daemon \"true\": hook: Disk quota exceeded");
    waitpid(report.pid, NULL, 0);
}

static void a_daemon_that_ends_in_its_hook_is_told_as_one_that_ends(void **state)
{
    static int code = 3;
    proc_daemon_report report = {0};
    (void)state;
    assert_rc(proc_daemon_spawn(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(leave_with, &code)), NULL, &report),
              -ECHILD);
    assert_int_equal(report.outcome, PROC_DAEMON_ENDED);
    assert_true(report.exit.kind == PROC_EXITED && report.exit.code == 3);
    assert_rc(proc_daemon_spawn(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(crash, NULL)), NULL, &report),
              -ECHILD);
    assert_int_equal(report.outcome, PROC_DAEMON_ENDED);
    assert_true(report.exit.kind == PROC_SIGNALED && report.exit.code == SIGKILL);
}

static void a_daemon_that_stays_in_its_hook_is_silent(void **state)
{
    proc_daemon_report report = {0};
    (void)state;
    assert_rc(proc_daemon_spawn(PROC_ARGV("true"), PROC_OPTIONS(.hook = PROC_HOOK(stay, NULL)),
                                PROC_DAEMON_OPTIONS(.timeout_ms = 100), &report), -ETIMEDOUT);
    assert_int_equal(report.outcome, PROC_DAEMON_SILENT);
    assert_true(report.pid > 0);
    end_process(report.pid);
}

/* Nobody would keep it: the launcher has another one. */
static void a_daemons_hook_has_no_time_of_its_own(void **state)
{
    proc_daemon_report report = {0};
    (void)state;
    assert_rc(proc_daemon_spawn(PROC_ARGV("true"),
                                PROC_OPTIONS(.hook = PROC_HOOK(come_back, NULL, .timeout_ms = 1000)), NULL, &report),
              -EINVAL);
    assert_contains(report.error.text, "the program's .hook->timeout_ms: use the daemon's .timeout_ms");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(it_runs_behind_the_ids_and_before_the_rest_is_closed),
        root_test(it_has_the_ids_of_the_child),
        spawning_test(what_it_opens_is_closed_and_what_it_writes_to_memory_is_its_own),
        spawning_test(it_may_use_libc),
        spawning_test(its_errno_is_that_of_the_start),
        spawning_test(steps_before_and_behind_it_are_named_as_without_it),
        spawning_test(one_that_ends_its_process_is_told_with_how),
        pidfd_test(one_that_crashes_is_no_start_where_poll_fails),
        spawning_test(one_that_stays_is_ended_when_its_time_is_over),
        machine_test(one_that_stays_is_ended_where_pidfds_cannot_be_signalled),
        spawning_test(one_that_closes_what_is_not_its_own_is_not_taken_for_a_start),
        spawning_test(one_that_becomes_a_program_is_a_start),
        spawning_test(it_may_be_had_with_a_child_that_dies_with_us),
        spawning_test(every_stage_of_a_pipeline_may_have_one),
        spawning_test(a_hook_that_says_nothing_is_refused),
        machine_test(copies_that_others_fork_do_not_hold_it_up),
        machine_test(a_thief_does_not_change_what_is_told),
        machine_test(one_that_cannot_be_held_is_not_left_behind),
        daemon_test(a_daemon_has_it_before_its_program),
        daemon_test(a_daemon_that_its_hook_refuses_has_failed),
        daemon_test(a_daemon_that_ends_in_its_hook_is_told_as_one_that_ends),
        daemon_test(a_daemon_that_stays_in_its_hook_is_silent),
        daemon_test(a_daemons_hook_has_no_time_of_its_own),
    };
    return run_suite("hook", tests, sizeof tests / sizeof tests[0], argc, argv);
}
