/* SPDX-License-Identifier: MIT */
/* A filter of system calls by data, and that a start under any filter comes to an end which is told as it is. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/daemon.h>
#include <proc/proc.h>

#include "places.h"

/* ---- Filters ---- */

struct filter {
    struct sock_filter code[60];
    size_t len;
};

#define REFUSE(error) (SECCOMP_RET_ERRNO | (uint32_t)(error))

static void add(struct filter *filter, struct sock_filter instruction)
{
    filter->code[filter->len++] = instruction;
}

static struct filter allow_all(void)
{
    struct filter filter = {.len = 0};
    add(&filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    add(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    return filter;
}

/* That call gets this answer, all else what it got before. */
static void answer(struct filter *filter, long number, uint32_t action)
{
    filter->len--;
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1));
    add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
    add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

static struct filter one_answer(long number, uint32_t action)
{
    struct filter filter = allow_all();
    answer(&filter, number, action);
    return filter;
}

#define UNDER(filter) PROC_SANDBOX(.seccomp = (filter).code, .seccomp_length = (filter).len)

static int needs_filters(void **state)
{
    if (proc_has(PROC_FEATURE_SECCOMP) != 1) {
        leave_out("there is no seccomp here");
        return 0;
    }
    return needs_a_machine(state);
}

/* Daemons are then ours to reap. */
static int needs_filters_and_orphans(void **state)
{
    int rc = needs_filters(state);
    if (SANITIZER_THREADS)
        leave_out("the sanitizer has a thread of its own, and threads are refused");
    return rc < 0 ? rc : adopt_orphans(state);
}

#define filter_test(test) cmocka_unit_test_setup(test, needs_filters)

/* ---- What a program finds ---- */

static void the_program_runs_under_the_filter(void **state)
{
    (void)state;
    struct filter filter = one_answer(SYS_uname, REFUSE(EDOM));
    proc_child *child = start(CHILD_DOES("try-uname"), PROC_OPTIONS(.out = PROC_PIPE, .sandbox = UNDER(filter)));
    assert_string_equal(said(child), "uname EDOM");
    proc_child_free(child);
    child = start(CHILD_DOES("try-uname"), PROC_OPTIONS(.out = PROC_PIPE));
    assert_string_equal(said(child), "uname 0");
    proc_child_free(child);
}

static void a_filter_may_kill_the_program(void **state)
{
    (void)state;
    struct filter filter = one_answer(SYS_uname, SECCOMP_RET_KILL_PROCESS);
    proc_child *child = start(CHILD_DOES("try-uname"), PROC_OPTIONS(.sandbox = UNDER(filter)));
    proc_exit ended;
    assert_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    assert_int_equal(ended.kind, PROC_SIGNALED);
    assert_int_equal(ended.code, SIGSYS);
    proc_child_free(child);
}

static int unprivileged_finds(void *arg)
{
    (void)arg;
    struct filter filter = allow_all();
    int ours = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    if (geteuid() == 0) {
        char *report = report_of(PROC_OPTIONS(.sandbox = UNDER(filter)));
        require(report_number(report, "Seccomp") == 2 && report_number(report, "no_new_privs") == ours);
        free(report);
        require(setgid(65534) == 0 && setuid(65534) == 0);
    }
    char *report = report_of(PROC_OPTIONS(.sandbox = UNDER(filter)));
    require(report_number(report, "Seccomp") == 2 && report_number(report, "no_new_privs") == 1);
    require(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == ours && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0);
    free(report);
    return 0;
}

static void no_new_privileges_are_implied_without_privileges_alone(void **state)
{
    (void)state;
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0)
        SKIP_TEST("we are under a filter ourselves");
    assert_in_fork(unprivileged_finds, NULL);
}

/* All that the library needs is done by then. */
static void descriptors_are_closed_whatever_the_filter_denies(void **state)
{
    (void)state;
    struct filter filter = one_answer(SYS_dup3, SECCOMP_RET_KILL_PROCESS);
    answer(&filter, 436 /* close_range */, SECCOMP_RET_KILL_PROCESS);
    answer(&filter, SYS_rt_sigaction, SECCOMP_RET_KILL_PROCESS);
    answer(&filter, SYS_chdir, SECCOMP_RET_KILL_PROCESS);
    int extra = dup(STDERR_FILENO);
    proc_child *child =
        start(CHILD_DOES("fds"), PROC_OPTIONS(.in = PROC_NULL, .out = PROC_PIPE, .cwd = "/",
                                              .fds = PROC_FDS({7, PROC_FD(2)}), .sandbox = UNDER(filter)));
    char *all = all_of(child, 1);
    assert_string_equal(all, "0\n1\n2\n7\n");
    free(all);
    close(extra);
    proc_child_free(child);
}

/* ---- Starts that fail under a filter ---- */

#define MISSING "/no/such/program"
#define assert_still_missing(filter)                                                                     \
    assert_fails(PROC_ARGV(MISSING), PROC_OPTIONS(.sandbox = UNDER(filter)), -ENOENT, PROC_STEP_EXEC, 0, \
                 "spawn \"" MISSING "\": exec \"" MISSING "\": No such file or directory")

static void a_failure_comes_home_whatever_the_filter_denies(void **state)
{
    static const uint32_t actions[] = {
        REFUSE(EPERM), REFUSE(0), REFUSE(EINTR), SECCOMP_RET_TRAP, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD};
    static const long calls[] = {SYS_write, SYS_exit_group, SYS_exit, SYS_faccessat};
    (void)state;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        struct filter all = allow_all();
        for (size_t j = 0; j < sizeof calls / sizeof calls[0]; j++) {
            int tells_more = calls[j] == SYS_faccessat; /* and so has to be answered */
            struct filter one = one_answer(calls[j], actions[i]);
            if (!tells_more)
                assert_still_missing(one);
            if (!tells_more)
                answer(&all, calls[j], actions[i]);
        }
        assert_still_missing(all);
    }
}

static void a_filter_that_denies_execve_is_a_start_that_fails(void **state)
{
    static const int errors[] = {EPERM, ENOSYS, EINTR, ENOENT, EACCES, ETXTBSY};
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct filter filter = one_answer(SYS_execve, REFUSE(errors[i]));
        assert_fails(PROC_ARGV("/bin/sh"), PROC_OPTIONS(.sandbox = UNDER(filter)), -errors[i], PROC_STEP_EXEC, 0, NULL);
    }
    struct filter liar = one_answer(SYS_execve, REFUSE(0));
    assert_fails(PROC_ARGV("/bin/sh"), PROC_OPTIONS(.sandbox = UNDER(liar)), -EPERM, PROC_STEP_EXEC, 0,
                 "spawn \"/bin/sh\": exec \"/bin/sh\": Operation not permitted");
}

/* A shell, by a descriptor. */
static void a_program_by_descriptor_that_a_filter_denies_comes_to_an_end(void **state)
{
    static const int errors[] = {EACCES, EINTR, ENOENT, ETXTBSY};
    int fd = open("/bin/sh", O_RDONLY | O_CLOEXEC);
    (void)state;
#define SHELL_UNDER(filter) PROC_OPTIONS(.start = PROC_START(.program_fd = &fd), .sandbox = UNDER(filter))
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct filter filter = one_answer(SYS_execveat, REFUSE(errors[i]));
        assert_fails(PROC_ARGV("sh"), SHELL_UNDER(filter), -errors[i], PROC_STEP_EXEC, fd, NULL);
    }
    struct filter liar = one_answer(SYS_execveat, REFUSE(0)), both = one_answer(SYS_execveat, REFUSE(EPERM));
    assert_fails(PROC_ARGV("sh"), SHELL_UNDER(liar), -EPERM, PROC_STEP_EXEC, fd, NULL);
    proc_child *child = start(PROC_ARGV("sh", "-c", "exit 3"), SHELL_UNDER(both)); /* through /proc */
    assert_ends(child, PROC_EXITED, 3);
    proc_child_free(child);
    answer(&both, SYS_execve, REFUSE(0));
    assert_fails(PROC_ARGV("sh"), SHELL_UNDER(both), -EPERM, PROC_STEP_EXEC, fd, NULL);
    both = one_answer(SYS_execveat, REFUSE(ENOSYS));
    answer(&both, SYS_execve, REFUSE(EINTR));
    assert_fails(PROC_ARGV("sh"), SHELL_UNDER(both), -EINTR, PROC_STEP_EXEC, fd, NULL);
    close(fd);
}

static void the_pid_that_is_announced_is_none_of_the_filters_business(void **state)
{
    (void)state;
    struct filter liar = one_answer(SYS_getpid, REFUSE(0));
    proc_child *child = start(PROC_ARGV("sh", "-c", "echo $LISTEN_PID"),
                              PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_NULL}), .out = PROC_PIPE,
                                           .sandbox = UNDER(liar)));
    assert_int_equal(atoi(said(child)), proc_child_pid(child));
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

static void a_filter_that_kills_for_execve_is_a_start_that_fails(void **state)
{
    static const uint32_t actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP};
    (void)state;
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        struct filter filter = one_answer(SYS_execve, actions[i]);
        assert_fails(PROC_ARGV("/bin/sh"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .sandbox = UNDER(filter)),
                     -EPERM, PROC_STEP_SECCOMP, SIGSYS,
                     "spawn \"/bin/sh\": seccomp \"killed by the filter\": Operation not permitted");
    }
}

/* There no vfork wait tells the end, and the pipe that does may be denied: by a birth, and by one with two. */
static void a_birth_into_namespaces_under_a_filter_is_told_truly(void **state)
{
    static const uint32_t kinds[] = {PROC_NS_PID, PROC_NS_USER, PROC_NS_TIME};
    static const uint32_t answers[] = {REFUSE(EPERM), REFUSE(0), REFUSE(EINTR), SECCOMP_RET_KILL_PROCESS};
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID | PROC_NS_USER | PROC_NS_TIME);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!can_make(kinds[i]))
            continue; /* without privileges only together with a user namespace */
        const proc_namespaces *born = PROC_NAMESPACES(.create = kinds[i]);
        for (size_t j = 0; j < sizeof answers / sizeof answers[0]; j++) {
            struct filter mute = one_answer(SYS_write, answers[j]);
            answer(&mute, SYS_exit_group, answers[j]);
            answer(&mute, SYS_exit, answers[j]);
            assert_fails(PROC_ARGV(MISSING), PROC_OPTIONS(.namespaces = born, .sandbox = UNDER(mute)), -ENOENT,
                         PROC_STEP_EXEC, 0, NULL);
        }
        struct filter deadly = one_answer(SYS_execve, SECCOMP_RET_KILL_PROCESS);
        assert_fails(PROC_ARGV("/bin/sh"), PROC_OPTIONS(.namespaces = born, .sandbox = UNDER(deadly)), -EPERM,
                     PROC_STEP_SECCOMP, SIGSYS,
                     "spawn \"/bin/sh\": seccomp \"killed by the filter\": Operation not permitted");
        struct filter harmless = one_answer(SYS_uname, SECCOMP_RET_KILL_PROCESS);
        proc_child *child =
            start(CHILD_DOES("try-uname"), PROC_OPTIONS(.namespaces = born, .sandbox = UNDER(harmless)));
        assert_ends(child, PROC_SIGNALED, SIGSYS); /* the program, not the start */
        proc_child_free(child);
    }
}

/* The other ways to be born: beside us, behind a gate. */
static int pass(void *unused)
{
    (void)unused;
    return 0;
}

#define IN_EACH_HOLD(options)                                                                              \
    for (int i = 0; i < 2; i++, (options).hook = NULL, (options).namespaces = PROC_NAMESPACES(.create = PROC_NS_PID))

static void a_failure_comes_home_from_a_held_start_too(void **state)
{
    struct filter mute = one_answer(SYS_write, REFUSE(EPERM));
    proc_options options = {.size = sizeof options, .hook = PROC_HOOK(pass, NULL)};
    (void)state;
    answer(&mute, SYS_exit_group, REFUSE(EPERM));
    NEED_NAMESPACES(PROC_NS_PID);
    options.sandbox = UNDER(mute);
    IN_EACH_HOLD(options)
        assert_fails(PROC_ARGV(MISSING), &options, -ENOENT, PROC_STEP_EXEC, 0,
                     "spawn \"" MISSING "\": exec \"" MISSING "\": No such file or directory");
}

static void *stay(void *unused)
{
    while (pause() < 0)
        ;
    return unused;
}

/* Left behind in the copy, and under no filter. */
static int make_a_thread(void *unused)
{
    pthread_t thread;
    (void)unused;
    return -pthread_create(&thread, NULL, stay, NULL);
}

static int fails_with_a_thread(void *arg)
{
    const proc_sandbox *mute = arg;
    proc_child *child;
    require_rc(proc_spawn(&child, PROC_ARGV(MISSING), PROC_OPTIONS(.hook = PROC_HOOK(make_a_thread, NULL), .sandbox = mute)),
               -ENOENT);
    return 0;
}

static void a_copy_that_has_threads_leaves_as_a_whole(void **state)
{
    struct filter mute = one_answer(SYS_write, REFUSE(EPERM));
    (void)state;
    answer(&mute, SYS_exit_group, REFUSE(EPERM));
    assert_in_fork(fails_with_a_thread, (void *)(uintptr_t)UNDER(mute));
}

static void a_filter_that_allows_nothing_but_execve_still_starts(void **state)
{
    (void)state;
    struct filter filter = {.len = 0};
    add(&filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
    add(&filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0));
    add(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    add(&filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    proc_child *child = start(PROC_ARGV("/bin/sh"), PROC_OPTIONS(.sandbox = UNDER(filter)));
    proc_exit ended;
    assert_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    assert_int_equal(ended.code, SIGSYS);
    proc_child_free(child);
}

static void a_program_that_is_no_filter_is_told(void **state)
{
    (void)state;
    struct filter filter = allow_all();
    filter.len = 1; /* falls off its end */
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.sandbox = UNDER(filter)), -EINVAL, PROC_STEP_SECCOMP, -1,
                 "spawn \"true\": seccomp: Invalid argument");
}

static void a_daemons_program_under_a_filter_is_told_truly(void **state)
{
    proc_daemon_report report;
    (void)state;
    struct filter good = one_answer(SYS_uname, REFUSE(EDOM)), denied = one_answer(SYS_execve, REFUSE(EACCES)),
                  mute = one_answer(SYS_write, REFUSE(EPERM)),
                  deadly = one_answer(SYS_execve, SECCOMP_RET_KILL_PROCESS);
    answer(&mute, SYS_writev, REFUSE(EPERM));
    answer(&mute, SYS_pwritev2, REFUSE(EPERM));
    assert_rc(proc_daemon_spawn(PROC_ARGV("sleep", "60"), PROC_OPTIONS(.sandbox = UNDER(good)), NULL, &report), 0);
    assert_int_equal(report.outcome, PROC_DAEMON_READY);
    end_process(report.pid);
    assert_true(proc_daemon_spawn(PROC_ARGV("/bin/sh"), PROC_OPTIONS(.sandbox = UNDER(denied)), NULL, &report) < 0);
    assert_int_equal(report.outcome, PROC_DAEMON_FAILED);
    assert_int_equal(report.error.step, PROC_STEP_EXEC);
    assert_true(proc_daemon_spawn(PROC_ARGV(MISSING), PROC_OPTIONS(.sandbox = UNDER(mute)), NULL, &report) < 0);
    assert_int_not_equal(report.outcome, PROC_DAEMON_READY);
    assert_true(proc_daemon_spawn(PROC_ARGV("/bin/sh"), PROC_OPTIONS(.sandbox = UNDER(deadly)), NULL, &report) < 0);
    assert_int_equal(report.outcome, PROC_DAEMON_ENDED);
    assert_int_equal(report.exit.code, SIGSYS);
    while (waitpid(-1, NULL, 0) > 0) /* who has failed was left to us by its watcher, and ends */
        ;
}

/* ---- What makes no sense ---- */

#define assert_refused(code, what, ...)                                                                              \
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.sandbox = PROC_SANDBOX(__VA_ARGS__)), -(code), PROC_STEP_OPTIONS, -1, \
                 what)
#define TEXT(what) "spawn \"x\": options \".sandbox->seccomp_" what

static void filters_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct filter filter = allow_all();
    assert_refused(EINVAL, TEXT("length and _flags without .seccomp\": Invalid argument"), .seccomp_length = 1);
    assert_refused(EINVAL, TEXT("length and _flags without .seccomp\": Invalid argument"), .seccomp_flags = 2);
    assert_refused(EINVAL, TEXT("length is not 1 to 4096\": Invalid argument"), .seccomp = filter.code);
    assert_refused(EINVAL, TEXT("length is not 1 to 4096\": Invalid argument"), .seccomp = filter.code,
                   .seccomp_length = 4097);
    for (uint32_t flag = 1; flag; flag <<= 1) {
        const proc_sandbox sandbox = {
            .size = sizeof sandbox, .seccomp = filter.code, .seccomp_length = filter.len, .seccomp_flags = flag};
        const char *text = flag & 0x11   ? TEXT("flags: a child has no other threads\": Invalid argument")
                           : flag & 0x28 ? TEXT("flags: a listener would be lost\": Invalid argument")
                                         : TEXT("flags: one that this version lacks\": Operation not supported");
        if (!(flag & 6))
            assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.sandbox = &sandbox), flag & 0x39 ? -EINVAL : -ENOTSUP,
                         PROC_STEP_OPTIONS, -1, text);
    }
}

static void flags_that_make_sense_are_taken(void **state)
{
    (void)state;
    struct filter filter = allow_all();
    proc_child *child = start(PROC_ARGV("true"),
                              PROC_OPTIONS(.sandbox = PROC_SANDBOX(.seccomp = filter.code, .seccomp_length = filter.len,
                                                                   .seccomp_flags = 2 | 4)));
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        filter_test(the_program_runs_under_the_filter),
        filter_test(a_filter_may_kill_the_program),
        filter_test(no_new_privileges_are_implied_without_privileges_alone),
        filter_test(descriptors_are_closed_whatever_the_filter_denies),
        filter_test(a_failure_comes_home_whatever_the_filter_denies),
        filter_test(a_filter_that_denies_execve_is_a_start_that_fails),
        filter_test(a_program_by_descriptor_that_a_filter_denies_comes_to_an_end),
        filter_test(the_pid_that_is_announced_is_none_of_the_filters_business),
        filter_test(a_filter_that_kills_for_execve_is_a_start_that_fails),
        filter_test(a_birth_into_namespaces_under_a_filter_is_told_truly),
        filter_test(a_failure_comes_home_from_a_held_start_too),
        filter_test(a_copy_that_has_threads_leaves_as_a_whole),
        filter_test(a_filter_that_allows_nothing_but_execve_still_starts),
        filter_test(a_program_that_is_no_filter_is_told),
        cmocka_unit_test_setup_teardown(a_daemons_program_under_a_filter_is_told_truly, needs_filters_and_orphans,
                                        adopt_no_more),
        cmocka_unit_test(filters_that_make_no_sense_are_refused),
        filter_test(flags_that_make_sense_are_taken),
    };
    return run_suite("seccomp", tests, sizeof tests / sizeof tests[0], argc, argv);
}
