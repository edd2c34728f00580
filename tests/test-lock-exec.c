/* SPDX-License-Identifier: MIT */
/*
 * A lock that goes to another program: through execve(2), to a child, or not at all. The other program is this one, by
 * another first argument.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

#include "locks.h"
#include "started.h"

/* The path of this program: an emulator has another one under /proc/self/exe. */
static char self[PATH_MAX];

/* What this program does after it was started with "--take-over": 0, or the step that went wrong. */
static int take_over_and_free(const char *file)
{
    proc_lock *lock = NULL, *second = NULL;
    if (proc_lock_take_over(&lock, file, NULL) < 0)
        return 1;
    if (proc_lock_verify(lock) < 0 || fcntl(proc_lock_fd(lock), F_GETFD) != FD_CLOEXEC)
        return 2;
    if (proc_lock_take_over(&second, file, NULL) != -ESTALE)
        return 3;
    char *text = file_read(file);
    int pid = text ? atoi(text) : 0;
    free(text);
    proc_lock_free(lock);
    if (pid != getpid())
        return 4;
    return access(file, F_OK) == 0 ? 5 : 0;
}

/* In a forked copy: becomes that program. */
static int execute_take_over(void)
{
    char *argv[] = {(char *)(uintptr_t) "test-lock-exec", (char *)(uintptr_t) "--take-over", lock_path, NULL};
    execv(self, argv);
    return 90;
}

static int hands_over_and_executes(void *arg)
{
    const uint32_t *flags = arg;
    proc_lock *lock = NULL;
    require_rc(proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.flags = *flags)), 0);
    require_rc(proc_lock_hand_over(lock, 1), 0);
    require_rc(proc_lock_hand_over(lock, 0), 0);
    require(fcntl(proc_lock_fd(lock), F_GETFD) == FD_CLOEXEC);
    require_rc(proc_lock_hand_over(lock, 1), 0);
    return execute_take_over();
}

static void the_next_program_takes_the_lock_up(void **state)
{
    static const uint32_t kinds[] = {0, PROC_LOCK_OFD | PROC_LOCK_PLAIN, PROC_LOCK_FLOCK, PROC_LOCK_FCNTL};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_in_fork(hands_over_and_executes, (void *)(uintptr_t)&kinds[i]);
}

static int locks_and_executes(void *arg)
{
    (void)arg;
    proc_lock *lock = NULL;
    require_rc(proc_lock_acquire(&lock, lock_path, NULL), 0);
    return execute_take_over();
}

static void no_lock_leaks_into_a_program_that_is_executed(void **state)
{
    (void)state;
    struct verdict verdict;
    run_in_fork(&verdict, locks_and_executes, NULL, PATIENCE_MS);
    assert_int_equal(verdict.code, 1); /* nothing to take over */
    /* And a child that outlives us does not keep it: the lock is free while it runs. */
    proc_lock *lock = take_lock(NULL), *again = NULL;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int pid = fork();
    if (pid == 0) {
        dup2(ends[0], STDIN_FILENO);
        execlp("cat", "cat", (char *)NULL);
        leave(127);
    }
    close(ends[0]);
    assert_eventually(state_of(pid) == 'S' || state_of(pid) == 'Z');
    proc_lock_free(lock);
    assert_eventually(proc_lock_acquire(&again, lock_path, NULL) == 0);
    close(ends[1]);
    assert_int_equal(status_of(pid), 0);
    proc_lock_free(again);
}

static void a_child_takes_over_what_it_was_given(void **state)
{
    if (!pidfds_work())
        SKIP_TEST("pidfds are denied here, nothing can be started");
    (void)state;
    proc_child *child = NULL;
    proc_lock *lock = take_lock(NULL);
    int fd = proc_lock_fd(lock);
    assert_rc(
        proc_spawn(&child, PROC_ARGV(self, "--take-over", lock_path), PROC_OPTIONS(.fds = PROC_FDS({fd, PROC_FD(fd)}))),
        0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    assert_rc(proc_lock_verify(lock), -ESTALE);
    proc_lock_free(lock);
}

static void nothing_is_taken_over_that_is_not_there(void **state)
{
    (void)state;
    proc_error error;
    proc_lock *lock = NULL;
    assert_rc(proc_lock_take_over(&lock, lock_path, PROC_LOCK_OPTIONS(.error = &error)), -ESTALE);
    assert_contains(error.text, "hello.pid\": lock: no descriptor holds it");
    file_write(lock_path, "1\n");
    int fd = open(lock_path, O_RDWR);
    assert_rc(proc_lock_take_over(&lock, lock_path, NULL), -ESTALE);
    assert_rc(proc_lock_take_over(&lock, lock_path, PROC_LOCK_OPTIONS(.flags = PROC_LOCK_OFD)), -EINVAL);
    assert_rc(proc_lock_take_over(&lock, lock_path, PROC_LOCK_OPTIONS(.timeout_ms = 1)), -EINVAL);
    assert_rc(proc_lock_take_over(&lock, lock_path, PROC_LOCK_OPTIONS(.mode = PROC_MODE(0644))), -EINVAL);
    assert_rc(proc_lock_take_over(NULL, lock_path, NULL), -EINVAL);
    assert_null(lock);
    close(fd);
}

static int main_of_tests(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        lock_test(the_next_program_takes_the_lock_up),
        lock_test(no_lock_leaks_into_a_program_that_is_executed),
        lock_test(a_child_takes_over_what_it_was_given),
        lock_test(nothing_is_taken_over_that_is_not_there),
    };
    return run_suite("lock-exec", tests, sizeof tests / sizeof tests[0], argc, argv);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--take-over") == 0)
        return take_over_and_free(argv[2]);
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return 1;
    return main_of_tests(argc, argv);
}
