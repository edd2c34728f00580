/* SPDX-License-Identifier: MIT */
/*
 * Signals as a descriptor: what is read, and what becomes of the mask. The frame of the suite holds each test to the
 * mask, dispositions and descriptors that it began with.
 */
#define _GNU_SOURCE 1
#include "started.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/signals.h>

#define USR1 PROC_SIGNAL(SIGUSR1)
#define USR2 PROC_SIGNAL(SIGUSR2)
#define TERM PROC_SIGNAL(SIGTERM)

static proc_signals *open_set(uint64_t set)
{
    proc_signals *signals = NULL;
    assert_rc(proc_signals_new(&signals, set, NULL), 0);
    return signals;
}

static int is_blocked(int signal)
{
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, signal);
}

static void send_value(int signal, int value)
{
    assert_int_equal(sigqueue(getpid(), signal, (union sigval){.sival_int = value}), 0);
}

static void start_thread(pthread_t *thread, void *(*body)(void *), void *arg)
{
    assert_int_equal(pthread_create(thread, NULL, body, arg), 0);
}

/* ---- Reading ---- */

static void a_signal_is_read_with_who_sent_it(void **state)
{
    (void)state;
    proc_signal record, untouched;
    memset(&untouched, 0x55, sizeof untouched);
    record = untouched;
    proc_signals *signals = open_set(USR1 | TERM);
    assert_rc(proc_signals_read(signals, &record, 1, 0), -ETIMEDOUT);
    assert_memory_equal(&record, &untouched, sizeof record);
    int pid = fork();
    if (pid == 0)
        _exit(kill(getppid(), SIGUSR1) < 0);
    assert_rc(proc_signals_read(signals, &record, 1, PATIENCE_MS), 1);
    assert_int_equal(record.signal, SIGUSR1);
    assert_int_equal(record.code, SI_USER);
    assert_int_equal(record.pid, pid);
    assert_int_equal(record.uid, getuid());
    assert_int_equal(record.value, 0);
    assert_int_equal(record.reserved[0] | record.reserved[3], 0);
    waitpid(pid, NULL, 0);
    assert_null(proc_signals_free(signals));
}

static void the_end_of_a_child_comes_with_its_status(void **state)
{
    (void)state;
    proc_signal record;
    proc_signals *signals = open_set(PROC_SIGNAL(SIGCHLD));
    int pid = fork();
    if (pid == 0)
        _exit(7);
    assert_rc(proc_signals_read(signals, &record, 1, PATIENCE_MS), 1);
    assert_int_equal(record.signal, SIGCHLD);
    assert_int_equal(record.code, CLD_EXITED);
    assert_int_equal(record.pid, pid);
    assert_int_equal(record.status, 7);
    waitpid(pid, NULL, 0);
    proc_signals_free(signals);
}

static void many_records_come_in_one_read(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    proc_signal records[COUNT + 1];
    proc_signals *signals = open_set(PROC_SIGNAL(SIGRTMIN));
    for (int i = 0; i < COUNT; i++)
        send_value(SIGRTMIN, i);
    assert_rc(proc_signals_read(signals, records, 70, 0), 70);
    assert_rc(proc_signals_read(signals, records + 70, COUNT + 1 - 70, 0), COUNT - 70);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(records[i].signal, SIGRTMIN);
        assert_int_equal(records[i].code, SI_QUEUE);
        assert_int_equal(records[i].value, i);
    }
    proc_signals_free(signals);
}

static void standard_signals_coalesce_and_come_first(void **state)
{
    (void)state;
    proc_signal records[16];
    proc_signals *signals = open_set(USR1 | USR2 | PROC_SIGNAL(SIGRTMIN) | PROC_SIGNAL(SIGRTMIN + 1));
    send_value(SIGRTMIN + 1, 1);
    send_value(SIGRTMIN, 2);
    send_value(SIGRTMIN, 3);
    for (int i = 0; i < 20; i++)
        kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR1);
    assert_rc(proc_signals_read(signals, records, 16, 0), 5);
    const int expected[] = {SIGUSR1, SIGUSR2, SIGRTMIN, SIGRTMIN, SIGRTMIN + 1};
    for (int i = 0; i < 5; i++)
        assert_int_equal(records[i].signal, expected[i]);
    assert_int_equal(records[2].value, 2);
    assert_int_equal(records[3].value, 3);
    proc_signals_free(signals);
}

static void the_descriptor_is_readable_when_there_is_a_record(void **state)
{
    (void)state;
    proc_signal record;
    proc_signals *signals = open_set(USR1);
    struct pollfd ready = {.fd = proc_signals_fd(signals), .events = POLLIN};
    assert_true(ready.fd > STDERR_FILENO);
    assert_true(fcntl(ready.fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(poll(&ready, 1, 0), 0);
    kill(getpid(), SIGUSR1);
    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    assert_rc(proc_signals_read(signals, &record, 1, 0), 1);
    assert_int_equal(poll(&ready, 1, 0), 0);
    proc_signals_free(signals);
}

static int read_while_ignored(void *arg)
{
    proc_signal record;
    proc_signals *signals = NULL;
    (void)arg;
    signal(SIGUSR1, SIG_IGN);
    require_rc(proc_signals_new(&signals, USR1 | PROC_SIGNAL(SIGWINCH), NULL), 0);
    kill(getpid(), SIGUSR1);
    require_rc(proc_signals_read(signals, &record, 1, 0), 1);
    kill(getpid(), SIGWINCH);
    require_rc(proc_signals_read(signals, &record, 1, 0), 1);
    proc_signals_free(signals);
    return 0;
}

static void an_ignored_signal_is_read_all_the_same(void **state)
{
    (void)state;
    assert_in_fork(read_while_ignored, NULL);
}

struct readers {
    proc_signals *signals;
    atomic_int seen[400], left;
};

static void *read_until_none_is_left(void *arg)
{
    struct readers *readers = arg;
    proc_signal records[8];
    while (readers->left > 0) {
        int count = proc_signals_read(readers->signals, records, 8, 10);
        for (int i = 0; i < count; i++) {
            readers->seen[records[i].value]++;
            readers->left--;
        }
    }
    return NULL;
}

static void readers_in_many_threads_share_the_records(void **state)
{
    (void)state;
    enum { THREADS = 4, COUNT = 400 };
    static struct readers readers;
    pthread_t threads[THREADS];
    readers.signals = open_set(PROC_SIGNAL(SIGRTMIN));
    readers.left = COUNT;
    for (int i = 0; i < THREADS; i++)
        start_thread(&threads[i], read_until_none_is_left, &readers);
    for (int i = 0; i < COUNT; i++)
        assert_eventually(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(readers.seen[i], 1);
    proc_signals_free(readers.signals);
}

/* ---- What is refused ---- */

static void signals_that_cannot_be_read_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        int signal;
        const char *name;
    } refused[] = {{SIGKILL, "\"KILL\""}, {SIGSTOP, "\"STOP\""}, {SIGSEGV, "\"SEGV\""}, {SIGBUS, "\"BUS\""},
                   {SIGFPE, "\"FPE\""},   {SIGILL, "\"ILL\""},   {SIGTRAP, "\"TRAP\""}, {SIGSYS, "\"SYS\""},
                   {32, "\"32\""},        {33, "\"33\""}};
    proc_signals *signals = NULL;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        proc_error error;
        if (refused[i].signal >= SIGRTMIN)
            continue;
        assert_rc(proc_signals_new(&signals, USR1 | PROC_SIGNAL(refused[i].signal), &error), -EINVAL);
        assert_int_equal(error.step, PROC_STEP_SIGNALS);
        assert_int_equal(error.index, refused[i].signal);
        assert_contains(error.text, refused[i].name);
    }
    assert_null(signals);
    assert_false(is_blocked(SIGUSR1));
}

static void bad_arguments_are_refused(void **state)
{
    (void)state;
    proc_error error;
    proc_signal record;
    proc_signals *signals = NULL;
    assert_rc(proc_signals_new(NULL, USR1, NULL), -EINVAL);
    assert_rc(proc_signals_new(&signals, 0, &error), -EINVAL);
    assert_string_equal(error.text, "signals: options \"an empty set\": Invalid argument");
    assert_null(signals);
    assert_rc(proc_signals_fd(NULL), -EINVAL);
    assert_rc(proc_signals_read(NULL, &record, 1, 0), -EINVAL);
    assert_null(proc_signals_free(NULL));
    assert_rc(proc_signals_check(0, NULL), -EINVAL);
    signals = open_set(USR1);
    assert_rc(proc_signals_read(signals, NULL, 1, 0), -EINVAL);
    assert_rc(proc_signals_read(signals, &record, 0, 0), -EINVAL);
    assert_rc(proc_signals_read(signals, &record, 1, -2), -EINVAL);
    proc_signals_free(signals);
}

/* ---- The mask ---- */

static void overlapping_sets_give_the_mask_back_in_any_order(void **state)
{
    (void)state;
    sigset_t usr2, before;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &usr2, &before);
    for (int order = 0; order < 6; order++) {
        static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        proc_signals *sets[3] = {open_set(USR1 | USR2), open_set(USR1 | TERM), open_set(USR1)};
        int held[3] = {1, 1, 1};
        for (int i = 0; i < 3; i++) {
            int which = orders[order][i];
            sets[which] = proc_signals_free(sets[which]);
            held[which] = 0;
            assert_int_equal(is_blocked(SIGUSR1), i < 2);
            assert_int_equal(is_blocked(SIGTERM), held[1]);
            assert_true(is_blocked(SIGUSR2));
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static volatile sig_atomic_t handled;

static void handle(int signal)
{
    handled = signal;
}

static int free_with_a_signal_pending(void *arg)
{
    proc_signals *signals = NULL;
    (void)arg;
    signal(SIGUSR1, handle);
    require_rc(proc_signals_new(&signals, USR1, NULL), 0);
    kill(getpid(), SIGUSR1);
    require(!handled);
    proc_signals_free(signals);
    require(handled == SIGUSR1);
    return 0;
}

static void what_is_pending_at_the_end_takes_its_course(void **state)
{
    (void)state;
    assert_in_fork(free_with_a_signal_pending, NULL);
}

static void *open_in_thread(void *arg)
{
    proc_signals **signals = arg;
    if (proc_signals_new(signals, USR1 | USR2, NULL) < 0)
        *signals = NULL;
    return NULL;
}

static void another_threads_mask_is_left_alone(void **state)
{
    (void)state;
    pthread_t thread;
    proc_signals *other = NULL, *own = open_set(USR1);
    start_thread(&thread, open_in_thread, &other);
    pthread_join(thread, NULL);
    assert_non_null(other);
    proc_signals_free(other);
    assert_true(is_blocked(SIGUSR1));
    proc_signals_free(own);
    assert_false(is_blocked(SIGUSR1));
}

static int use_in_copy(void *arg)
{
    proc_signals *signals = arg, *own = NULL;
    proc_signal record;
    require_rc(proc_signals_read(signals, &record, 1, 0), -ECHILD);
    require_rc(proc_signals_new(&own, USR1, NULL), 0);
    kill(getpid(), SIGUSR1);
    require_rc(proc_signals_read(own, &record, 1, 0), 1);
    proc_signals_free(own);
    require(is_blocked(SIGUSR1));
    proc_signals_free(signals);
    require(!is_blocked(SIGUSR1));
    return 0;
}

static void a_forked_copy_does_not_touch_ours(void **state)
{
    (void)state;
    proc_signal record;
    proc_signals *signals = open_set(USR1 | USR2);
    assert_in_fork(use_in_copy, signals);
    assert_true(is_blocked(SIGUSR1));
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR2);
    assert_rc(proc_signals_read(signals, &record, 1, 0), 1);
    assert_rc(proc_signals_read(signals, &record, 1, 0), 1);
    proc_signals_free(signals);
}

/* ---- Who does not block ---- */

struct taker {
    int tid, pipes[2];
    pthread_barrier_t ready;
};

static void *unblock_and_stay(void *arg)
{
    struct taker *taker = arg;
    sigset_t usr2;
    char byte;
    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &usr2, NULL);
    taker->tid = (int)syscall(SYS_gettid);
    pthread_barrier_wait(&taker->ready);
    return read(taker->pipes[0], &byte, 1) == 0 ? NULL : arg;
}

static void a_thread_that_takes_a_signal_is_found(void **state)
{
    (void)state;
    struct taker taker;
    pthread_t thread;
    int signal = 0;
    assert_int_equal(pipe2(taker.pipes, O_CLOEXEC), 0);
    pthread_barrier_init(&taker.ready, NULL, 2);
    assert_rc(proc_signals_check(USR1 | USR2, &signal), getpid());
    assert_int_equal(signal, SIGUSR1);
    proc_signals *signals = open_set(USR1 | USR2);
    signal = 0;
    if (!SANITIZER_THREADS)
        assert_rc(proc_signals_check(USR1 | USR2, &signal), 0);
    assert_int_equal(signal, 0);
    start_thread(&thread, unblock_and_stay, &taker);
    pthread_barrier_wait(&taker.ready);
    if (!SANITIZER_THREADS) {
        assert_rc(proc_signals_check(USR1 | USR2, &signal), taker.tid);
        assert_int_equal(signal, SIGUSR2);
        assert_rc(proc_signals_check(USR1, NULL), 0);
    }
    close(taker.pipes[1]);
    pthread_join(thread, NULL);
    close(taker.pipes[0]);
    pthread_barrier_destroy(&taker.ready);
    proc_signals_free(signals);
}

/* ---- Queueing ---- */

static void a_value_is_queued_to_a_process(void **state)
{
    (void)state;
    proc_signal records[4];
    proc_signals *signals = open_set(PROC_SIGNAL(SIGRTMAX));
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    assert_rc(proc_signal_queue(PROC_PIDFD(pidfd), SIGRTMAX, 1), 0);
    assert_rc(proc_signal_queue(PROC_PID(getpid()), SIGRTMAX, -2), 0);
    assert_rc(proc_signal_queue(PROC_SELF, SIGRTMAX, INT32_MIN), 0);
    assert_rc(proc_signal_queue(PROC_SELF, 0, 0), 0);
    assert_rc(proc_signals_read(signals, records, 4, 0), 3);
    const int values[] = {1, -2, INT32_MIN};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(records[i].value, values[i]);
        assert_int_equal(records[i].code, SI_QUEUE);
        assert_int_equal(records[i].pid, getpid());
        assert_int_equal(records[i].uid, getuid());
    }
    close(pidfd);
    proc_signals_free(signals);
}

static void nobody_is_told_from_somebody(void **state)
{
    (void)state;
    int pid = fork();
    if (pid == 0)
        _exit(0);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    waitpid(pid, NULL, 0);
    assert_rc(proc_signal_queue(PROC_PIDFD(pidfd), SIGTERM, 1), -ESRCH);
    assert_rc(proc_signal_queue(PROC_PID(pid), SIGTERM, 1), -ESRCH);
    close(pidfd);
    assert_rc(proc_signal_queue(PROC_PIDFD(pidfd), SIGTERM, 1), -EBADF);
    assert_rc(proc_signal_queue(PROC_SELF, 65, 1), -EINVAL);
    assert_rc(proc_signal_queue(PROC_SELF, -1, 1), -EINVAL);
    assert_rc(proc_signal_queue(PROC_THREAD(getpid(), getpid()), SIGTERM, 1), -EINVAL);
}

static int fill_the_queue(void *arg)
{
    const struct rlimit none = {0, 0};
    proc_signals *signals = NULL;
    proc_signal record;
    (void)arg;
    require_rc(proc_signals_new(&signals, USR1 | PROC_SIGNAL(SIGRTMIN), NULL), 0);
    require(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
    require_rc(proc_signal_queue(PROC_SELF, SIGRTMIN, 1), -EAGAIN);
    require_rc(proc_signal_queue(PROC_SELF, SIGUSR1, 1), 0);
    require_rc(proc_signals_read(signals, &record, 1, 0), 1);
    require(record.signal == SIGUSR1 && record.value == 0);
    proc_signals_free(signals);
    return 0;
}

static void a_full_queue_is_told(void **state)
{
    (void)state;
    assert_in_fork(fill_the_queue, NULL);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_is_read_with_who_sent_it),
        cmocka_unit_test(the_end_of_a_child_comes_with_its_status),
        cmocka_unit_test(many_records_come_in_one_read),
        cmocka_unit_test(standard_signals_coalesce_and_come_first),
        cmocka_unit_test(the_descriptor_is_readable_when_there_is_a_record),
        cmocka_unit_test(an_ignored_signal_is_read_all_the_same),
        cmocka_unit_test(readers_in_many_threads_share_the_records),
        cmocka_unit_test(signals_that_cannot_be_read_are_refused_by_name),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(overlapping_sets_give_the_mask_back_in_any_order),
        cmocka_unit_test(what_is_pending_at_the_end_takes_its_course),
        cmocka_unit_test(another_threads_mask_is_left_alone),
        cmocka_unit_test(a_forked_copy_does_not_touch_ours),
        cmocka_unit_test(a_thread_that_takes_a_signal_is_found),
        pidfd_test(a_value_is_queued_to_a_process),
        pidfd_test(nobody_is_told_from_somebody),
        pidfd_test(a_full_queue_is_told),
    };
    return run_suite("signals", tests, sizeof tests / sizeof tests[0], argc, argv);
}
