/* SPDX-License-Identifier: MIT */
/* From a PID file to the process that holds its lock: as a descriptor, and by a signal that hits nobody else. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "locks.h"
#include "started.h"

static void the_holder_is_a_descriptor(void **state)
{
    (void)state;
    proc_exit ended;
    struct keeper keeper = keep_lock(lock_path, NULL);
    int fd = proc_lock_holder_fd(lock_path, NULL);
    assert_true(fd > 2);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_rc(proc_exit_get(PROC_PIDFD(fd), &ended), 0);
    assert_int_equal(ended.kind, PROC_RUNNING);
    kill(keeper.pid, SIGKILL);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
    keeper_dies(&keeper);
    close(fd);
    int rc = proc_lock_holder_fd(lock_path, NULL);
    assert_true(rc == -ESRCH || rc == -ENODATA);
}

/* ---- Between the first look at the holder and its descriptor ---- */

static void (*meanwhile)(void);

int __real_proc__pidfd_open(int pid);
int __wrap_proc__pidfd_open(int pid);
int __wrap_proc__pidfd_open(int pid)
{
    void (*once)(void) = meanwhile;
    meanwhile = NULL;
    if (once)
        once();
    return __real_proc__pidfd_open(pid);
}

static proc_lock *ours;
static struct keeper next;

static void the_lock_goes_to_another(void)
{
    proc_lock_free(ours);
    next = keep_lock(lock_path, NULL);
}

/* The number that was read is alive, and not the holder's any more. */
static void a_holder_that_changes_meanwhile_is_seen_again(void **state)
{
    (void)state;
    proc_identity opened;
    /* Without an identity, which would be asked for by a pidfd too, and be the moment. */
    ours = take_lock(PROC_LOCK_OPTIONS(.flags = PROC_LOCK_PLAIN));
    meanwhile = the_lock_goes_to_another;
    int fd = proc_lock_holder_fd(lock_path, NULL);
    assert_true(fd >= 0);
    assert_rc(proc_identity_get(PROC_PIDFD(fd), &opened), 0);
    assert_int_equal(opened.pid, next.pid);
    close(fd);
    keeper_lets_go(&next);
}

static void a_signal_to_the_holder_can_wait_until_the_lock_is_free(void **state)
{
    (void)state;
    struct keeper keeper = keep_lock(lock_path, NULL);
    assert_rc(proc_lock_signal(lock_path, NULL, 0, 0), 0);
    assert_rc(proc_lock_signal(lock_path, NULL, 0, 30), -ETIMEDOUT);
    assert_rc(proc_lock_signal(lock_path, NULL, SIGTERM, PATIENCE_MS), 0);
    assert_int_not_equal(holder_now().state, PROC_LOCK_HELD);
    keeper_dies(&keeper);
    int rc = proc_lock_signal(lock_path, NULL, SIGTERM, 0);
    assert_true(rc == -ESRCH || rc == -ENODATA);
    proc_lock *lock = take_lock(NULL);
    assert_rc(proc_lock_signal(lock_path, NULL, 0, 0), 0);
    assert_rc(proc_lock_signal(lock_path, NULL, 0, 10), -EDEADLK);
    proc_lock_free(lock);
}

static void a_stopped_holder_is_not_continued(void **state)
{
    (void)state;
    struct keeper keeper = keep_lock(lock_path, NULL);
    kill(keeper.pid, SIGSTOP);
    assert_eventually(state_of(keeper.pid) == 'T');
    assert_rc(proc_lock_signal(lock_path, NULL, SIGTERM, 30), -ETIMEDOUT);
    assert_int_equal(state_of(keeper.pid), 'T');
    assert_rc(proc_lock_signal(lock_path, NULL, SIGCONT, PATIENCE_MS), 0);
    keeper_dies(&keeper);
}

static int has_no_pidfds(void *arg)
{
    (void)arg;
    proc_lock *lock = NULL;
    require(deny_call(SYS_pidfd_open, ENOSYS) == 0);
    require_rc(proc_lock_holder_fd(lock_path, NULL), -ENOSYS);
    require_rc(proc_lock_signal(lock_path, NULL, SIGKILL, 0), -ENOSYS);
    require_rc(proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.timeout_ms = 30)), -ETIMEDOUT);
    return 0;
}

static void without_pidfds_nobody_is_signalled(void **state)
{
    (void)state;
    struct keeper keeper = keep_lock(lock_path, NULL);
    assert_in_fork(has_no_pidfds, NULL);
    assert_int_not_equal(state_of(keeper.pid), 'Z');
    keeper_lets_go(&keeper);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        lock_pidfd_test(the_holder_is_a_descriptor),
        lock_pidfd_test(a_holder_that_changes_meanwhile_is_seen_again),
        lock_pidfd_test(a_signal_to_the_holder_can_wait_until_the_lock_is_free),
        lock_pidfd_test(a_stopped_holder_is_not_continued),
        lock_test(without_pidfds_nobody_is_signalled),
    };
    return run_suite("lock-holder", tests, sizeof tests / sizeof tests[0], argc, argv);
}
