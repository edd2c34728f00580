/* SPDX-License-Identifier: MIT */
/*
 * Who a process is, and how one ended that is not our child: strangers that run, end, and are reaped when the test says
 * so; pids that are given away again; other pid namespaces.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/base.h>

static int pidfd_of(int pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int needs_pidfds(void **state)
{
    (void)state;
    int fd = pidfd_of(getpid());
    if (fd < 0)
        leave_out("no pidfds here");
    else
        close(fd);
    return 0;
}

/* ---- Identities ---- */

static void a_process_is_the_same_by_whatever_way_it_is_asked(void **state)
{
    (void)state;
    char path[32];
    proc_identity a, b;
    int pid = sleeper();
    snprintf(path, sizeof path, "/proc/%d", pid);
    int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int pidfd = pidfd_of(pid);
    assert_rc(proc_identity_get(PROC_PID(pid), &a), 0);
    assert_int_equal(a.pid, pid);
    assert_true(a.start_ticks > 0);
    const proc_target ways[] = {{.pid = pid, .root_fd = &root}, {.dir_fd = &dir}, {.pidfd = &pidfd}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (ways[i].pidfd && pidfd < 0)
            continue;
        memset(&b, 0x55, sizeof b);
        assert_rc(proc_identity_get(&ways[i], &b), 0);
        assert_memory_equal(&a, &b, sizeof a);
        assert_true(proc_identity_same(&a, &b));
    }
    assert_rc(proc_identity_get(PROC_SELF, &b), 0);
    assert_int_equal(b.pid, getpid());
    assert_false(proc_identity_same(&a, &b));
    end_process(pid);
    close(dir);
    close(root);
    if (pidfd >= 0)
        close(pidfd);
}

static void only_what_is_known_can_tell_identities_apart(void **state)
{
    (void)state;
    const proc_identity a = {.pid = 5, .start_ticks = 100, .inode = 7};
    const proc_identity older = {.pid = 5, .start_ticks = 100};
    const proc_identity others[] = {{.pid = 6, .start_ticks = 100, .inode = 7},
                                    {.pid = 5, .start_ticks = 101, .inode = 7},
                                    {.pid = 5, .start_ticks = 100, .inode = 8},
                                    {0}};
    assert_true(proc_identity_same(&a, &a));
    assert_true(proc_identity_same(&a, &older));
    assert_true(proc_identity_same(&older, &a));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(proc_identity_same(&a, &others[i]));
    assert_false(proc_identity_same(&others[3], &others[3]));
    assert_false(proc_identity_same(&a, NULL) || proc_identity_same(NULL, &a));
}

static void a_zombie_still_has_its_identity_and_nobody_after_it(void **state)
{
    (void)state;
    char path[32];
    proc_identity alive, dead, untouched;
    int pid = sleeper();
    snprintf(path, sizeof path, "/proc/%d", pid);
    int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_rc(proc_identity_get(PROC_PID(pid), &alive), 0);
    kill_unreaped(pid);
    assert_rc(proc_identity_get(PROC_PID(pid), &dead), 0);
    assert_true(proc_identity_same(&alive, &dead));
    end_process(pid);
    memset(&untouched, 0x55, sizeof untouched);
    dead = untouched;
    assert_rc(proc_identity_get(PROC_PID(pid), &dead), -ESRCH);
    assert_rc(proc_identity_get(&(const proc_target){.dir_fd = &dir}, &dead), -ESRCH);
    assert_memory_equal(&dead, &untouched, sizeof dead);
    close(dir);
}

static void *tell_tid_and_stay(void *arg)
{
    int *pipes = arg;
    int tid = (int)syscall(SYS_gettid);
    char byte;
    if (write(pipes[1], &tid, sizeof tid) != (ssize_t)sizeof tid || read(pipes[2], &byte, 1) != 0)
        return arg;
    return NULL;
}

static void a_thread_is_nobody(void **state)
{
    (void)state;
    int pipes[4], tid = 0;
    pthread_t thread;
    proc_identity identity;
    proc_exit ended;
    assert_true(pipe2(pipes, O_CLOEXEC) == 0 && pipe2(pipes + 2, O_CLOEXEC) == 0);
    assert_int_equal(pthread_create(&thread, NULL, tell_tid_and_stay, pipes), 0);
    assert_int_equal(read(pipes[0], &tid, sizeof tid), sizeof tid);
    int without_pidfds = pidfd_of(getpid());
    int rc_get = proc_identity_get(PROC_PID(tid), &identity);
    int rc_thread = proc_identity_get(PROC_THREAD(getpid(), tid), &identity);
    int rc_exit = proc_exit_get(PROC_PID(tid), &ended);
    int rc_exit_thread = proc_exit_get(PROC_THREAD(getpid(), tid), &ended);
    int of_thread = (int)syscall(SYS_pidfd_open, tid, O_EXCL); /* PIDFD_THREAD, since 6.9 */
    int rc_exit_pidfd = of_thread < 0 ? -EINVAL : proc_exit_get(PROC_PIDFD(of_thread), &ended);
    if (of_thread >= 0)
        close(of_thread);
    close(pipes[3]);
    pthread_join(thread, NULL);
    for (int i = 0; i < 3; i++)
        close(pipes[i]);
    assert_rc(rc_get, -ESRCH);
    assert_rc(rc_thread, -EINVAL);
    assert_rc(rc_exit_thread, -EINVAL);
    assert_rc(rc_exit_pidfd, -EINVAL);
    if (without_pidfds >= 0) {
        assert_rc(rc_exit, -ESRCH);
        close(without_pidfds);
    }
}

/* ---- Pids that are given away again: in a pid namespace, where the next one can be chosen ---- */

static int meets_the_next_owner(void *arg)
{
    (void)arg;
    proc_identity first, second;
    proc_exit ended;
    char path[32];
    if (mount_proc() < 0)
        return NOT_POSSIBLE;
    int pid = sleeper();
    int pidfd = pidfd_of(pid);
    snprintf(path, sizeof path, "/proc/%d", pid);
    int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    require_rc(proc_identity_get(PROC_PID(pid), &first), 0);
    end_process(pid);
    choose_next_pid(pid);
    if (sleeper() != pid)
        return NOT_POSSIBLE;
    require_rc(proc_identity_get(PROC_PID(pid), &second), 0);
    require(second.pid == pid);
    /* Within a tick of each other, only the inode can tell. */
    require(!proc_identity_same(&first, &second) || (first.inode == 0 && first.start_ticks == second.start_ticks));
    require_rc(proc_identity_get(&(const proc_target){.dir_fd = &dir}, &second), -ESRCH);
    require_rc(proc_exit_get(&(const proc_target){.dir_fd = &dir}, &ended), -ESRCH);
    if (pidfd >= 0) {
        require_rc(proc_identity_get(PROC_PIDFD(pidfd), &second), -ESRCH);
        require_rc(proc_exit_get(PROC_PIDFD(pidfd), &ended), 0);
        require(ended.kind == PROC_LOST || (ended.kind == PROC_SIGNALED && ended.code == SIGKILL));
    }
    return 0;
}

/* The foreign /proc stays: its pid 1 is not ours. */
static int looks_through_a_foreign_proc(void *arg)
{
    (void)arg;
    proc_identity identity;
    proc_exit ended;
    int root = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), dir = open("/proc/1", O_PATH | O_CLOEXEC);
    require(getpid() == 1);
    require_rc(proc_identity_get(PROC_PID(1), &identity), 0);
    require(identity.pid == 1 && identity.inode == 0);
    require_rc(proc_exit_get(PROC_PID(1), &ended), 0);
    require(ended.kind == PROC_RUNNING);
    require_rc(proc_exit_get(&(const proc_target){.pid = 1, .root_fd = &root}, &ended), -EOPNOTSUPP);
    require_rc(proc_exit_get(&(const proc_target){.dir_fd = &dir}, &ended), -EOPNOTSUPP);
    return 0;
}

static void a_recycled_pid_is_somebody_else(void **state)
{
    (void)state;
    assert_in_pid_namespace(meets_the_next_owner);
}

static void a_foreign_proc_is_not_taken_for_ours(void **state)
{
    (void)state;
    assert_in_pid_namespace(looks_through_a_foreign_proc);
}

/* ---- Strangers: a child of ours is their parent, and reaps when it is told to ---- */

struct stranger {
    int pid;
    int pidfd;
    int parent;
    int reap; /* closing it lets the parent reap */
};

/* The stranger dies of that signal, or exits with code if it is 0. */
static struct stranger stranger_that(int signal, int code)
{
    int told[2], reap[2], go[2];
    struct stranger stranger = {0};
    assert_true(pipe2(told, O_CLOEXEC) == 0 && pipe2(reap, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
    stranger.parent = fork_bound();
    if (stranger.parent == 0) {
        char byte;
        close(reap[1]);
        int pid = fork_bound();
        if (pid == 0) {
            const struct rlimit no_core = {0, 0};
            setrlimit(RLIMIT_CORE, &no_core);
            close(go[1]);
            if (read(go[0], &byte, 1) != 1)
                _exit(99);
            if (signal)
                kill(getpid(), signal);
            _exit(code);
        }
        if (write(told[1], &pid, sizeof pid) != (ssize_t)sizeof pid || read(reap[0], &byte, 1) != 0)
            _exit(98);
        waitpid(pid, NULL, 0);
        close(go[0]);
        close(told[1]);
        live_on();
    }
    close(told[1]);
    close(reap[0]);
    close(go[0]);
    stranger.reap = reap[1];
    assert_int_equal(read(told[0], &stranger.pid, sizeof stranger.pid), sizeof stranger.pid);
    close(told[0]);
    stranger.pidfd = pidfd_of(stranger.pid);
    assert_true(stranger.pidfd >= 0);

    proc_exit ended;
    assert_rc(proc_exit_get(PROC_PIDFD(stranger.pidfd), &ended), 0);
    assert_int_equal(ended.kind, PROC_RUNNING);
    assert_rc(proc_exit_get(PROC_PID(stranger.pid), &ended), 0);
    assert_int_equal(ended.kind, PROC_RUNNING);
    memset(&ended, 0x55, sizeof ended);
    const proc_exit untouched = ended;
    assert_rc(proc_exit_wait(PROC_PIDFD(stranger.pidfd), 0, &ended), -ETIMEDOUT);
    assert_rc(proc_exit_wait(PROC_PID(stranger.pid), 5, &ended), -ETIMEDOUT);
    assert_memory_equal(&ended, &untouched, sizeof ended);
    assert_int_equal(write(go[1], "", 1), 1);
    close(go[1]);
    return stranger;
}

static int kind_now(int pidfd)
{
    proc_exit ended;
    return proc_exit_get(PROC_PIDFD(pidfd), &ended) == 0 ? ended.kind : -1;
}

static void part_from(struct stranger *stranger)
{
    close(stranger->pidfd);
    end_process(stranger->parent);
}

static void assert_told(const proc_exit *ended, int kind, int code)
{
    if (proc_has(PROC_FEATURE_EXIT_INFO) == 1) {
        assert_int_equal(ended->kind, kind);
        assert_int_equal(ended->code, code);
    } else {
        assert_int_equal(ended->kind, PROC_LOST);
    }
}

static void a_stranger_goes_from_running_through_unreaped_to_its_true_status(void **state)
{
    (void)state;
    proc_exit ended;
    struct stranger stranger = stranger_that(0, 7);
    assert_eventually(kind_now(stranger.pidfd) == PROC_EXITED_UNREAPED);
    assert_rc(proc_exit_get(PROC_PID(stranger.pid), &ended), 0);
    assert_int_equal(ended.kind, PROC_EXITED_UNREAPED);
    assert_rc(proc_exit_wait(PROC_PIDFD(stranger.pidfd), 20, &ended), 0);
    assert_int_equal(ended.kind, PROC_EXITED_UNREAPED);
    close(stranger.reap);
    assert_eventually(kind_now(stranger.pidfd) != PROC_EXITED_UNREAPED);
    assert_rc(proc_exit_wait(PROC_PIDFD(stranger.pidfd), PATIENCE_MS, &ended), 0);
    assert_told(&ended, PROC_EXITED, 7);
    assert_rc(proc_exit_get(PROC_PID(stranger.pid), &ended), -ESRCH);
    part_from(&stranger);
}

static void *reap_soon(void *arg)
{
    usleep(30000);
    close(*(int *)arg);
    return NULL;
}

static void a_wait_for_a_stranger_lasts_until_its_parent_reaps_it(void **state)
{
    (void)state;
    proc_exit ended;
    pthread_t thread;
    struct stranger stranger = stranger_that(SIGTERM, 0);
    assert_int_equal(pthread_create(&thread, NULL, reap_soon, &stranger.reap), 0);
    int rc = proc_exit_wait(PROC_PIDFD(stranger.pidfd), PATIENCE_MS, &ended);
    pthread_join(thread, NULL);
    assert_rc(rc, 0);
    if (proc_has(PROC_FEATURE_EXIT_INFO) == 1)
        assert_told(&ended, PROC_SIGNALED, SIGTERM);
    else
        assert_true(ended.kind == PROC_EXITED_UNREAPED || ended.kind == PROC_LOST);
    part_from(&stranger);
}

static void our_own_child_tells_its_status_and_stays_to_be_reaped(void **state)
{
    (void)state;
    proc_exit ended;
    int status = 0, pid = fork();
    if (pid == 0)
        _exit(3);
    assert_rc(proc_exit_wait(PROC_PID(pid), PATIENCE_MS, &ended), 0);
    assert_true(ended.kind == PROC_EXITED && ended.code == 3);
    assert_rc(proc_exit_get(PROC_PID(pid), &ended), 0);
    assert_true(ended.kind == PROC_EXITED && ended.code == 3);
    assert_rc(proc_exit_wait(PROC_PID(pid), -1, NULL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 3);
}

static void a_child_that_somebody_else_reaped_is_told_or_lost(void **state)
{
    (void)state;
    proc_exit ended;
    int pid = sleeper(), pidfd = pidfd_of(pid);
    end_process(pid);
    assert_rc(proc_exit_get(PROC_PIDFD(pidfd), &ended), 0);
    assert_told(&ended, PROC_SIGNALED, SIGKILL);
    close(pidfd);
}

static void *wait_for_ever(void *pid)
{
    pthread_cleanup_push(frames_are_gone, NULL);
    (void)proc_exit_wait(PROC_PID(*(const int *)pid), -1, NULL);
    pthread_cleanup_pop(0);
    return NULL;
}

/* Its pidfd would be missed by the suite. */
static void a_cancelled_wait_leaves_nothing_behind(void **state)
{
    (void)state;
    int pid = sleeper();
    void *result = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, &pid), 0);
    pthread_cancel(thread);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    end_process(pid);
}

static void an_end_is_asked_of_processes_only(void **state)
{
    (void)state;
    proc_exit ended = {.kind = 42};
    int ends[2], not_a_pidfd, closed = 1000;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    not_a_pidfd = ends[0];
    assert_rc(proc_exit_get(PROC_PIDFD(not_a_pidfd), &ended), -EBADF);
    assert_rc(proc_exit_get(PROC_PIDFD(closed), &ended), -EBADF);
    assert_rc(proc_exit_wait(PROC_PIDFD(not_a_pidfd), 0, &ended), -EBADF);
    assert_rc(proc_exit_wait(PROC_SELF, 0, &ended), -EINVAL);
    assert_rc(proc_exit_wait(PROC_PID(getpid()), 0, &ended), -EINVAL);
    assert_rc(proc_exit_wait(PROC_PID(1), -2, &ended), -EINVAL);
    assert_rc(proc_exit_get(PROC_PID(-1), &ended), -EINVAL);
    assert_rc(proc_exit_get(PROC_PID(1), NULL), -EINVAL);
    assert_rc(proc_identity_get(PROC_PID(1), NULL), -EINVAL);
    assert_int_equal(ended.kind, 42);
    assert_rc(proc_exit_get(PROC_SELF, &ended), 0);
    assert_int_equal(ended.kind, PROC_RUNNING);
    close(ends[0]);
    close(ends[1]);
}

static int asks_without_a_free_descriptor(void *arg)
{
    proc_exit ended;
    proc_identity identity;
    const struct rlimit only_stdio = {3, 3};
    int pidfd = pidfd_of(getpid());
    (void)arg;
    require(pidfd > 2 && setrlimit(RLIMIT_NOFILE, &only_stdio) == 0);
    require_rc(proc_exit_get(PROC_PIDFD(pidfd), &ended), -EMFILE);
    require_rc(proc_exit_wait(PROC_PIDFD(pidfd), 0, &ended), -EMFILE);
    require_rc(proc_exit_get(PROC_PID(getppid()), &ended), -EMFILE);
    require_rc(proc_identity_get(PROC_SELF, &identity), -EMFILE);
    return 0;
}

static void without_a_free_descriptor_it_is_said_so(void **state)
{
    (void)state;
    assert_in_fork(asks_without_a_free_descriptor, NULL);
}

#define TEST(name) cmocka_unit_test(name)
#define PIDFD_TEST(name) cmocka_unit_test_setup(name, needs_pidfds)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_process_is_the_same_by_whatever_way_it_is_asked),
        TEST(only_what_is_known_can_tell_identities_apart),
        TEST(a_zombie_still_has_its_identity_and_nobody_after_it),
        TEST(a_thread_is_nobody),
        TEST(a_recycled_pid_is_somebody_else),
        PIDFD_TEST(a_foreign_proc_is_not_taken_for_ours),
        PIDFD_TEST(a_stranger_goes_from_running_through_unreaped_to_its_true_status),
        PIDFD_TEST(a_wait_for_a_stranger_lasts_until_its_parent_reaps_it),
        PIDFD_TEST(our_own_child_tells_its_status_and_stays_to_be_reaped),
        PIDFD_TEST(a_child_that_somebody_else_reaped_is_told_or_lost),
        PIDFD_TEST(a_cancelled_wait_leaves_nothing_behind),
        PIDFD_TEST(an_end_is_asked_of_processes_only),
        PIDFD_TEST(without_a_free_descriptor_it_is_said_so),
    };
    return run_suite("identity", tests, sizeof tests / sizeof tests[0], argc, argv);
}
