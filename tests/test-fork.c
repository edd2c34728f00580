/* SPDX-License-Identifier: MIT */
/*
 * A function in a child of its own: that every option holds for it as for a program, that it may do what libc lets a
 * forked copy do, whatever other threads are at, and that it leaves our stdio, handles and exit functions alone.
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

#define DEFAULT_ROUNDS 40 /* PROC_TEST_FORK_ROUNDS=1500 */

/* Must start. */
static proc_child *fork_child(int (*run)(void *user), void *user, const proc_options *options)
{
    proc_child *child = NULL;
    proc_error error = {0};
    proc_options mine = options ? *options : *PROC_OPTIONS(.flags = 0);
    mine.error = &error;
    if (proc_fork(&child, run, user, &mine) < 0)
        fail_msg("%s", error.text);
    return child;
}

static void assert_code(int (*run)(void *user), void *user, const proc_options *options, int code)
{
    proc_child *child = fork_child(run, user, options);
    assert_ends(child, PROC_EXITED, code);
    proc_child_free(child);
}

static int return_it(void *user)
{
    return *(const int *)user;
}

/* ---- The function and its end ---- */

static int is_another(void *user)
{
    return getpid() != *(const int *)user && getppid() == *(const int *)user ? 7 : 1;
}

static void what_a_function_returns_is_the_exit_code(void **state)
{
    static const int values[] = {0, 1, 255, 256 + 3, -1}, codes[] = {0, 1, 255, 3, 255};
    int pid = (int)getpid();
    (void)state;
    assert_code(is_another, &pid, NULL, 7);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_code(return_it, (void *)(uintptr_t)&values[i], NULL, codes[i]);
}

static int crash(void *user)
{
    (void)user;
    kill(getpid(), SIGKILL);
    return 0;
}

static void a_function_that_crashes_is_told_as_a_program_is(void **state)
{
    (void)state;
    proc_child *child = fork_child(crash, NULL, NULL);
    assert_ends(child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
}

static int write_to_memory(void *user)
{
    *(volatile int *)user = 1;
    return 0;
}

static void its_memory_is_a_copy_of_ours(void **state)
{
    volatile int ours = 0;
    (void)state;
    assert_code(write_to_memory, (void *)(uintptr_t)&ours, NULL, 0);
    assert_int_equal(ours, 0);
}

static int print_a_word(void *user)
{
    printf("%s", (const char *)user);
    return 0;
}

static void shout(void)
{
    fputs("at exit\n", stdout);
    fflush(stdout);
}

static int stdio_of_a_function(void *arg)
{
    char *text;
    proc_child *child;
    (void)arg;
    atexit(shout);
    setvbuf(stdout, NULL, _IOFBF, 4096);
    printf("not written yet\n");
    require_rc(proc_fork(&child, print_a_word, (void *)(uintptr_t) "mine", PROC_OPTIONS(.out = PROC_PIPE)), 0);
    text = all_of(child, 1);
    require(strcmp(text, "mine") == 0);
    free(text);
    require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    proc_child_free(child);
    return 0;
}

static void what_it_prints_is_written_once_and_what_we_had_is_not(void **state)
{
    (void)state;
    assert_in_fork(stdio_of_a_function, NULL);
}

static int read_a_line(void *user)
{
    char line[32] = "";
    return fgets(line, sizeof line, stdin) && strcmp(line, user) == 0 ? 0 : 1;
}

static int stdin_of_a_function(void *arg)
{
    char line[32];
    proc_child *child;
    proc_result result = {0};
    int ends[2];
    (void)arg;
    require(pipe(ends) == 0 && write(ends[1], "first\nsecond\n", 13) == 13);
    require(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO && fgets(line, sizeof line, stdin));
    const proc_options *options = PROC_OPTIONS(.in = PROC_TEXT("theirs\n"));
    require_rc(proc_fork(&child, read_a_line, (void *)(uintptr_t) "theirs\n", options), 0);
    require_rc(proc_collect(child, PATIENCE_MS, &result), 0);
    require(proc_exit_ok(&result.exit));
    require(fgets(line, sizeof line, stdin) && strcmp(line, "second\n") == 0);
    proc_result_done(&result);
    proc_child_free(child);
    return 0;
}

static void it_does_not_read_what_we_have_read_ahead(void **state)
{
    (void)state;
    assert_in_fork(stdin_of_a_function, NULL);
}

/* ---- Options ---- */

/* The open descriptors from 3 on without these flags, as a text of their numbers. */
static void list_fds(int flags, char *text, size_t size)
{
    size_t len = 0;
    text[0] = '\0';
    for (int fd = 3; fd < 1024; fd++) {
        int has = fcntl(fd, F_GETFD);
        if (has >= 0 && !(has & flags))
            len += (size_t)snprintf(text + len, size - len, "%d ", fd);
    }
}

static int has_only(void *user)
{
    char text[512];
    list_fds(0, text, sizeof text);
    if (strcmp(text, user) == 0)
        return 0;
    fprintf(stderr, "open: %s\n", text);
    return 1;
}

static void it_has_no_descriptor_that_was_not_asked_for(void **state)
{
    int open_one = open("/", O_RDONLY), closed_one = open("/", O_RDONLY | O_CLOEXEC);
    (void)state;
    assert_true(open_one >= 0 && closed_one >= 0);
    assert_code(has_only, (void *)(uintptr_t) "", NULL, 0);
    assert_code(has_only, (void *)(uintptr_t) "3 20 21 ",
                PROC_OPTIONS(.fds = PROC_FDS({20, PROC_FD(closed_one)}, {3, PROC_NULL}, {21, PROC_SAME_AS(20)})), 0);
    close(open_one);
    close(closed_one);
}

static int inherits(void *arg)
{
    char text[512];
    proc_child *child;
    proc_result result = {0};
    (void)arg;
    require(dup2(STDERR_FILENO, 40) == 40 && fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 50) >= 50);
    list_fds(FD_CLOEXEC, text, sizeof text);
    require_rc(proc_fork(&child, has_only, text, PROC_OPTIONS(.flags = PROC_INHERIT_FDS, .in = PROC_TEXT("x"))), 0);
    require_rc(proc_collect(child, PATIENCE_MS, &result), 0);
    require(proc_exit_ok(&result.exit));
    proc_result_done(&result);
    proc_child_free(child);
    return 0;
}

static void what_is_inherited_is_what_execve_would_leave_open(void **state)
{
    (void)state;
    assert_in_fork(inherits, NULL);
}

static int shuts_by_hand(void *arg)
{
    (void)arg;
    require(deny_call(436 /* close_range */, ENOSYS) == 0);
    proc_child *child;
    proc_exit ended;
    require_rc(proc_fork(&child, has_only, (void *)(uintptr_t) "", NULL), 0);
    require(proc_wait(child, PATIENCE_MS, &ended) == 0 && proc_exit_ok(&ended));
    proc_child_free(child);
    return 0;
}

static void descriptors_are_closed_without_close_range_too(void **state)
{
    (void)state;
    assert_in_fork(shuts_by_hand, NULL);
}

static int is_as_asked(void *user)
{
    char directory[64] = "";
    mode_t mask = umask(0);
    (void)user;
    if (!getcwd(directory, sizeof directory) || strcmp(directory, "/proc") != 0)
        return 1;
    if (mask != 027)
        return 2;
    if (getsid(0) != getpid())
        return 3;
    if (!getenv("A") || getenv("B") || getenv("HOME"))
        return 4;
    /* Also what can be changed can be. */
    if (setenv("C", "3", 1) < 0 || unsetenv("A") < 0 || !getenv("C") || getenv("A"))
        return 5;
    return 0;
}

static void directory_umask_session_and_environment_are_as_asked(void **state)
{
    static const char *const constant[] = {"A=1", "B=2", NULL};
    (void)state;
    assert_code(is_as_asked, NULL,
                PROC_OPTIONS(.cwd = "/proc", .umask = PROC_MODE(027), .flags = PROC_NEW_SESSION, .env = constant,
                             .env_edit = PROC_ENV("B")),
                0);
    assert_code(is_as_asked, NULL,
                PROC_OPTIONS(.cwd = "/proc", .umask = PROC_MODE(027), .flags = PROC_NEW_SESSION,
                             .env = (const char *const[]){"A=1", NULL}),
                0);
}

static int is_announced_to(void *user)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
    (void)user;
    if (!pid || atoi(pid) != getpid())
        return 1;
    if (!fds || strcmp(fds, "1") != 0 || !names || strcmp(names, "null") != 0)
        return 2;
    return fcntl(3, F_GETFD) == 0 ? 0 : 3;
}

static void descriptors_are_announced_to_it(void **state)
{
    (void)state;
    assert_code(is_announced_to, NULL,
                PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_NULL}),
                             .start = PROC_START(.listen_names = PROC_NAMES("null"))),
                0);
    assert_code(is_announced_to, NULL,
                PROC_OPTIONS(.flags = PROC_LISTEN_FDS | PROC_INHERIT_FDS, .fds = PROC_FDS({3, PROC_NULL}),
                             .env = PROC_ENV("LISTEN_PID=1", "A=1"),
                             .start = PROC_START(.listen_names = PROC_NAMES("null"))),
                0);
}

static int leads_a_terminal(void *user)
{
    char line[8];
    (void)user;
    if (getsid(0) != getpid() || tcgetpgrp(0) != getpid() || !isatty(1))
        return 1;
    return fgets(line, sizeof line, stdin) && strcmp(line, "word\n") == 0 ? 0 : 2;
}

static void it_may_have_a_terminal(void **state)
{
    (void)state;
    proc_child *child = fork_child(leads_a_terminal, NULL, PROC_OPTIONS(.in = PROC_PTY, .out = PROC_PTY));
    assert_rc(proc_write(child, 0, "word\n", 5, PATIENCE_MS), 5);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

static int is_nobody(void *user)
{
    uid_t real, effective, saved;
    (void)user;
    if (getresuid(&real, &effective, &saved) < 0 || real != 65534 || effective != 65534 || saved != 65534)
        return 1;
    /* Not by libc, which would change a thread of the thread sanitizer's as well. */
    return getgid() == 65534 && getgroups(0, NULL) == 0 && syscall(SYS_setresuid, 0, 0, 0) < 0 ? 0 : 2;
}

static void its_ids_are_as_asked(void **state)
{
    (void)state;
    assert_code(is_nobody, NULL, PROC_OPTIONS(.ids = PROC_IDS(.uid = PROC_UID(65534), .gid = PROC_GID(65534))), 0);
}

static void note_nothing(int number)
{
    (void)number;
}

static int disposition_is(int number, void (*handler)(int))
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == handler;
}

static int signals_are_a_programs(void *user)
{
    sigset_t mask;
    (void)user;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    if (sigismember(&mask, SIGTERM) || !sigismember(&mask, SIGUSR2))
        return 1;
    if (!disposition_is(SIGUSR1, SIG_DFL) || !disposition_is(SIGHUP, SIG_IGN) || !disposition_is(SIGPIPE, SIG_DFL))
        return 2;
    return disposition_is(SIGQUIT, SIG_IGN) ? 0 : 3;
}

static int give_signals(void *arg)
{
    sigset_t blocked;
    proc_child *child;
    proc_exit ended;
    (void)arg;
    signal(SIGUSR1, note_nothing);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    require_rc(proc_fork(&child, signals_are_a_programs, NULL,
                         PROC_OPTIONS(.signals = PROC_DISPOSITIONS(.block = PROC_SIGNAL(SIGUSR2),
                                                                   .ignore = PROC_SIGNAL(SIGQUIT)))),
               0);
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    if (!proc_exit_ok(&ended))
        complain("the child says %d", ended.code);
    proc_child_free(child);
    return 0;
}

static void its_signals_are_those_of_a_program(void **state)
{
    (void)state;
    assert_in_fork(give_signals, NULL);
}

static int echo(void *user)
{
    char text[64];
    ssize_t got = read(STDIN_FILENO, text, sizeof text);
    (void)user;
    return got > 0 && write(STDOUT_FILENO, text, (size_t)got) == got ? 0 : 1;
}

static void its_streams_are_moved_as_those_of_a_program(void **state)
{
    proc_result result = {0};
    (void)state;
    proc_child *child = fork_child(echo, NULL, PROC_OPTIONS(.in = PROC_TEXT("to and fro"), .out = PROC_CAPTURE));
    assert_rc(proc_collect(child, PATIENCE_MS, &result), 0);
    assert_true(proc_exit_ok(&result.exit));
    assert_string_equal(result.out.data, "to and fro");
    proc_result_done(&result);
    proc_child_free(child);
}

/* ---- What fails ---- */

static void assert_fork_fails(const proc_options *options, int rc, int step, const char *text)
{
    proc_child *const untouched = (proc_child *)(uintptr_t)0x55;
    proc_child *child = untouched;
    proc_error error = {.changed = 7};
    const int code = 0;
    proc_options mine = *options;
    mine.error = &error;
    assert_rc(proc_fork(&child, return_it, (void *)(uintptr_t)&code, &mine), rc);
    assert_ptr_equal(child, untouched);
    assert_int_equal(error.step, step);
    assert_int_equal(error.changed, 0);
    assert_string_equal(error.text, text);
}

static void a_step_that_fails_is_named_and_nothing_is_left(void **state)
{
    proc_child *child = NULL;
    const int code = 0;
    (void)state;
    assert_fork_fails(PROC_OPTIONS(.cwd = "/nope"), -ENOENT, PROC_STEP_CWD,
                      "fork: chdir \"/nope\": No such file or directory");
    assert_fork_fails(PROC_OPTIONS(.in = PROC_PATH("/nope/file")), -ENOENT, PROC_STEP_OPEN,
                      "fork: open \"/nope/file\": No such file or directory");
    assert_fork_fails(PROC_OPTIONS(.fds = PROC_FDS({1 << 29, PROC_NULL})), -EBADF, PROC_STEP_FDS,
                      "fork: descriptor 536870912: not below our RLIMIT_NOFILE");
    assert_rc(proc_fork(NULL, return_it, (void *)(uintptr_t)&code, NULL), -EINVAL);
    assert_rc(proc_fork(&child, NULL, NULL, NULL), -EINVAL);
    assert_null(child);
}

static void what_is_about_a_program_is_refused(void **state)
{
    static const char programs[] =
        "fork: options \".program, .search, .candidates, .program_fd: it is a function\": Invalid argument";
    static const char flags[] =
        "fork: options \"PROC_SEARCH_RELATIVE, PROC_SCRIPT_FALLBACK: it is a function\": Invalid argument";
    (void)state;
    assert_fork_fails(PROC_OPTIONS(.program = "ls"), -EINVAL, PROC_STEP_OPTIONS, programs);
    assert_fork_fails(PROC_OPTIONS(.search = "/bin"), -EINVAL, PROC_STEP_OPTIONS, programs);
    assert_fork_fails(PROC_OPTIONS(.start = PROC_START(.candidates = PROC_NAMES("ls"))), -EINVAL, PROC_STEP_OPTIONS,
                      programs);
    assert_fork_fails(PROC_OPTIONS(.start = PROC_START(.program_fd = PROC_INT(0))), -EINVAL, PROC_STEP_OPTIONS,
                      programs);
    assert_fork_fails(PROC_OPTIONS(.flags = PROC_SEARCH_RELATIVE), -EINVAL, PROC_STEP_OPTIONS, flags);
    assert_fork_fails(PROC_OPTIONS(.flags = PROC_SCRIPT_FALLBACK), -EINVAL, PROC_STEP_OPTIONS, flags);
    assert_fork_fails(PROC_OPTIONS(.flags = PROC_DIE_WITH_PARENT), -EINVAL, PROC_STEP_OPTIONS,
                      "fork: options \"PROC_DIE_WITH_PARENT is for programs\": Invalid argument");
    assert_fork_fails(PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_PID)), -EINVAL, PROC_STEP_OPTIONS,
                      "fork: options \".namespaces: new user, pid or time, or joined pid, are for programs\": "
                      "Invalid argument");
    assert_fork_fails(PROC_OPTIONS(.hook = PROC_HOOK(crash, NULL)), -EINVAL, PROC_STEP_OPTIONS,
                      "fork: options \".hook: the function can do that itself\": Invalid argument");
}

/* ---- Copies ---- */

static int try_handle(void *user)
{
    proc_child *child = user;
    proc_exit ended;
    if (proc_wait(child, 0, &ended) != -ECHILD || proc_kill(child, SIGKILL, PROC_ONE) != -ECHILD)
        return 1;
    proc_child_free(child);
    return 0;
}

static void our_handles_are_only_memory_in_it(void **state)
{
    const char *const argv[] = {"sleep", "100", NULL};
    (void)state;
    proc_child *other = start(argv, NULL);
    assert_code(try_handle, other, NULL, 0);
    assert_rc(proc_wait(other, 0, NULL), -ETIMEDOUT);
    proc_child_free(other);
}

static int run_something(void *user)
{
    proc_result result;
    (void)user;
    if (proc_run(&result, CHILD_DOES("exit", "5"), NULL) < 0)
        return 1;
    int code = result.exit.code;
    proc_result_done(&result);
    proc_child *child;
    proc_exit ended;
    if (proc_fork(&child, return_it, &code, NULL) < 0 || proc_wait(child, PATIENCE_MS, &ended) < 0)
        return 2;
    proc_child_free(child);
    return ended.code;
}

static void it_can_start_children_of_its_own(void **state)
{
    (void)state;
    assert_code(run_something, NULL, NULL, 5);
}

static atomic_int prepared, in_parent, in_child;

static void note_prepared(void)
{
    atomic_fetch_add(&prepared, 1);
}

static void note_parent(void)
{
    atomic_fetch_add(&in_parent, 1);
}

static void note_child(void)
{
    atomic_fetch_add(&in_child, 1);
}

static int tell_child_notes(void *user)
{
    (void)user;
    return atomic_load(&in_child) * 16 + atomic_load(&prepared);
}

static int fork_with_handlers(void *arg)
{
    proc_child *child;
    proc_exit ended;
    (void)arg;
    require(pthread_atfork(note_prepared, note_parent, note_child) == 0);
    require_rc(proc_fork(&child, tell_child_notes, NULL, NULL), 0);
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    require(ended.code == 17 && atomic_load(&prepared) == 1 && atomic_load(&in_parent) == 1);
    proc_child_free(child);
    return 0;
}

static void fork_handlers_run(void **state)
{
    (void)state;
    assert_in_fork(fork_with_handlers, NULL);
}

static void *wait_to_be_cancelled(void *arg)
{
    (void)arg;
    while (pause() < 0)
        ;
    return NULL;
}

static int cancel_a_thread(void *user)
{
    pthread_t thread;
    void *result;
    int state;
    (void)user;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    if (state != PTHREAD_CANCEL_ENABLE)
        return 1;
    if (pthread_create(&thread, NULL, wait_to_be_cancelled, NULL) != 0 || pthread_cancel(thread) != 0)
        return 2;
    return pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED ? 0 : 3;
}

/* What libc has installed for its threads is not reset: once in this process is enough for libc. */
static void it_can_have_threads_and_cancel_them(void **state)
{
    pthread_t thread;
    (void)state;
    if (SANITIZER_THREADS)
        SKIP_TEST("the thread sanitizer has no threads in a copy of a program with threads");
    assert_int_equal(pthread_create(&thread, NULL, wait_to_be_cancelled, NULL), 0);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
    assert_code(cancel_a_thread, NULL, NULL, 0);
}

/* ---- Whatever others are at ---- */

static atomic_int enough;

static void *keep_the_heap_busy(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    while (!atomic_load(&enough)) {
        void *blocks[16];
        for (size_t i = 0; i < 16; i++)
            blocks[i] = malloc((seed = seed * 1103515245 + 12345) % 3000 + 1);
        for (size_t i = 0; i < 16; i++)
            free(blocks[i]);
    }
    return NULL;
}

static int use_the_heap(void *user)
{
    char text[64];
    (void)user;
    for (int i = 0; i < 50; i++) {
        char *block = malloc((size_t)i * 100 + 1);
        if (!block)
            return 1;
        memset(block, i, (size_t)i * 100 + 1);
        free(block);
    }
    snprintf(text, sizeof text, "%f", 1.5);
    return strcmp(text, "1.500000") == 0 ? 0 : 2;
}

static int rounds(void)
{
    const char *wanted = getenv("PROC_TEST_FORK_ROUNDS");
    return wanted ? atoi(wanted) : DEFAULT_ROUNDS;
}

static void it_may_allocate_whatever_other_threads_are_at(void **state)
{
    pthread_t threads[3];
    (void)state;
    if (ADDRESS_SANITIZER || SANITIZER_THREADS)
        SKIP_TEST("the sanitizer's own allocator does not pass a fork");
    atomic_store(&enough, 0);
    for (uintptr_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_the_heap_busy, (void *)(i + 1)), 0);
    for (int i = 0; i < rounds(); i++)
        assert_code(use_the_heap, NULL, NULL, 0);
    atomic_store(&enough, 1);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

/* Copies that hold whatever was open when they were made, for a while. */
static void *keep_forking(void *arg)
{
    (void)arg;
    while (!atomic_load(&enough)) {
        int pid = fork();
        if (pid == 0) {
            patience_rest();
            _exit(0);
        }
        while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    return NULL;
}

static void forks_in_other_threads_do_not_hold_it_up(void **state)
{
    pthread_t thread;
    (void)state;
    atomic_store(&enough, 0);
    assert_int_equal(pthread_create(&thread, NULL, keep_forking, NULL), 0);
    for (int i = 0; i < DEFAULT_ROUNDS; i++)
        assert_code(return_it, (void *)(uintptr_t) & (const int){4}, NULL, 4);
    atomic_store(&enough, 1);
    pthread_join(thread, NULL);
}

/* Others in the same program wait for just any child. */
static int with_a_thief(void *arg)
{
    (void)arg;
    thief_start(0);
    for (int i = 0; i < 20; i++) {
        const int code = 6;
        proc_child *child;
        proc_exit ended;
        require_rc(proc_fork(&child, return_it, (void *)(uintptr_t)&code, NULL), 0);
        require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
        require((ended.kind == PROC_EXITED && ended.code == 6) ||
                (ended.kind == PROC_LOST && proc_has(PROC_FEATURE_EXIT_INFO) != 1));
        proc_child_free(child);
        require_rc(proc_fork(&child, return_it, NULL, PROC_OPTIONS(.cwd = "/nope")), -ENOENT);
    }
    thief_stop();
    return 0;
}

static void a_thief_takes_no_status(void **state)
{
    (void)state;
    assert_in_fork(with_a_thief, NULL);
}

static int with_sigchld_ignored(void *arg)
{
    const int code = 6;
    proc_child *child;
    proc_exit ended;
    (void)arg;
    signal(SIGCHLD, SIG_IGN);
    require_rc(proc_fork(&child, return_it, (void *)(uintptr_t)&code, NULL), 0);
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    require((ended.kind == PROC_EXITED && ended.code == 6) ||
            (ended.kind == PROC_LOST && proc_has(PROC_FEATURE_EXIT_INFO) != 1));
    proc_child_free(child);
    require_rc(proc_fork(&child, return_it, NULL, PROC_OPTIONS(.cwd = "/nope")), -ENOENT);
    return 0;
}

static void sigchld_may_be_ignored(void **state)
{
    (void)state;
    assert_in_fork(with_sigchld_ignored, NULL);
}

static int be_stopped(void *user)
{
    (void)user;
    live_on();
}

static void its_handle_is_that_of_any_child(void **state)
{
    proc_exit ended = {0};
    (void)state;
    proc_child *child = fork_child(be_stopped, NULL, PROC_OPTIONS(.flags = PROC_NEW_GROUP));
    assert_true(proc_child_fd(child) > 2 && fcntl(proc_child_fd(child), F_GETFD) == FD_CLOEXEC);
    assert_rc(proc_wait(child, 0, &ended), -ETIMEDOUT);
    assert_rc(proc_kill(child, SIGTERM, PROC_GROUP), 0);
    assert_ends(child, PROC_SIGNALED, SIGTERM);
    proc_child_free(child);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(what_a_function_returns_is_the_exit_code),
        spawning_test(a_function_that_crashes_is_told_as_a_program_is),
        spawning_test(its_memory_is_a_copy_of_ours),
        spawning_test(what_it_prints_is_written_once_and_what_we_had_is_not),
        spawning_test(it_does_not_read_what_we_have_read_ahead),
        spawning_test(it_has_no_descriptor_that_was_not_asked_for),
        spawning_test(what_is_inherited_is_what_execve_would_leave_open),
        machine_test(descriptors_are_closed_without_close_range_too),
        spawning_test(directory_umask_session_and_environment_are_as_asked),
        spawning_test(descriptors_are_announced_to_it),
        spawning_test(it_may_have_a_terminal),
        root_test(its_ids_are_as_asked),
        spawning_test(its_signals_are_those_of_a_program),
        spawning_test(its_streams_are_moved_as_those_of_a_program),
        spawning_test(a_step_that_fails_is_named_and_nothing_is_left),
        spawning_test(what_is_about_a_program_is_refused),
        spawning_test(our_handles_are_only_memory_in_it),
        spawning_test(it_can_start_children_of_its_own),
        machine_test(fork_handlers_run),
        machine_test(it_can_have_threads_and_cancel_them),
        machine_test(it_may_allocate_whatever_other_threads_are_at),
        machine_test(forks_in_other_threads_do_not_hold_it_up),
        machine_test(a_thief_takes_no_status),
        spawning_test(sigchld_may_be_ignored),
        spawning_test(its_handle_is_that_of_any_child),
    };
    return run_suite("fork", tests, sizeof tests / sizeof tests[0], argc, argv);
}
