/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a lock, and many who want it at once: how a wait ends, that it costs nothing, and rounds of contenders of
 * all kinds, some of them killed, in which nobody ever meets a second owner. PROC_TEST_LOCK_ROUNDS=10000 makes many,
 * PROC_TEST_SEED=N the same ones again.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <proc/procfs.h>

#include "locks.h"
#include "service/lock.h"
#include "started.h"

/* ---- How a wait ends ---- */

static void a_try_does_not_wait_and_a_wait_keeps_its_time(void **state)
{
    (void)state;
    proc_holder holder = {0};
    proc_error error = {0};
    proc_lock *lock = NULL;
    char words[40];
    struct keeper keeper = keep_lock(lock_path, NULL);
    snprintf(words, sizeof words, "hello.pid\": lock: held by process %d", keeper.pid);
    assert_rc(proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.ret_holder = &holder, .error = &error)), -EAGAIN);
    assert_int_equal(holder.pid, keeper.pid);
    assert_contains(error.text, words);
    assert_int_equal(error.step, PROC_STEP_LOCK);
    holder = (proc_holder){0};
    int64_t start = patience_now();
    assert_rc(proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.timeout_ms = 60, .ret_holder = &holder)),
              -ETIMEDOUT);
    assert_true(patience_now() - start >= 59);
    assert_int_equal(holder.pid, keeper.pid);
    assert_null(lock);
    keeper_lets_go(&keeper);
}

struct waiter {
    proc_lock *lock;
    uint32_t flags;
    int cancel, rc;
    int64_t took_ms;
    pthread_t thread;
};

static void *wait_for_lock(void *arg)
{
    struct waiter *waiter = arg;
    int64_t start = patience_now();
    waiter->rc = proc_lock_acquire(&waiter->lock, lock_path,
                                   PROC_LOCK_OPTIONS(.flags = waiter->flags, .timeout_ms = PATIENCE_MS,
                                                     .cancel_fd = waiter->cancel >= 0 ? &waiter->cancel : NULL));
    waiter->took_ms = patience_now() - start;
    return NULL;
}

/* Its thread sleeps in poll(2), so it has begun to wait. */
static int sleeps(int pid, int tid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
    char *text = file_read(path);
    const char *end = text ? strrchr(text, ')') : NULL;
    int yes = end && end[1] && end[2] == 'S';
    free(text);
    return yes;
}

static int other_thread(void)
{
    proc_target self = {0};
    int tids[8];
    int64_t count = proc_task_list(&self, tids, 8);
    for (int64_t i = 0; i < count && i < 8; i++)
        if (tids[i] != getpid() && sleeps(getpid(), tids[i]))
            return tids[i];
    return 0;
}

static void begin(struct waiter *waiter)
{
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_for_lock, waiter), 0);
    assert_true(EVENTUALLY(other_thread() > 0));
}

static void check_got(struct waiter *waiter)
{
    pthread_join(waiter->thread, NULL);
    assert_rc(waiter->rc, 0);
    assert_rc(proc_lock_verify(waiter->lock), 0);
    waiter->lock = proc_lock_free(waiter->lock);
}

static void a_wait_ends_when_the_holder_lets_go_or_dies(void **state)
{
    static const uint32_t kinds[] = {0, PROC_LOCK_OFD, PROC_LOCK_FLOCK, PROC_LOCK_FCNTL, PROC_LOCK_KEEP_FILE};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof kinds / sizeof kinds[0]; i++) {
        struct waiter waiter = {.flags = kinds[i / 2], .cancel = -1};
        struct keeper keeper = keep_lock(lock_path, PROC_LOCK_OPTIONS(.flags = kinds[i / 2]));
        begin(&waiter);
        if (i % 2)
            keeper_dies(&keeper);
        else
            keeper_lets_go(&keeper);
        check_got(&waiter);
    }
}

/* The kernel gives no sign of it. */
static void a_lock_that_is_given_up_without_a_sign_is_found(void **state)
{
    (void)state;
    struct waiter waiter = {.flags = PROC_LOCK_FLOCK, .cancel = -1};
    int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    begin(&waiter);
    flock(fd, LOCK_UN);
    check_got(&waiter);
    close(fd);
}

static void a_file_that_was_removed_is_not_waited_for(void **state)
{
    (void)state;
    struct waiter waiter = {.cancel = -1};
    struct keeper keeper = keep_lock(lock_path, NULL);
    begin(&waiter);
    unlink(lock_path);
    check_got(&waiter);
    keeper_lets_go(&keeper);
}

/* What it got before it met the holder it gives up. */
static void who_waits_holds_nothing(void **state)
{
    (void)state;
    proc_lock *lock = NULL;
    struct waiter waiter = {.cancel = -1};
    struct keeper keeper = keep_bare_lock(lock_path, PROC_LOCK_FLOCK, NULL);
    begin(&waiter);
    int rc = proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.flags = PROC_LOCK_OFD | PROC_LOCK_KEEP_FILE));
    if (rc == 0)
        proc_lock_free(lock);
    keeper_lets_go(&keeper);
    check_got(&waiter);
    assert_rc(rc, 0);
}

/* A pause that would last for ever, were it not for the sign. */
static void check_pause(struct lock_wait *wait)
{
    int64_t start = patience_now();
    wait->pause_ms = 10 * PATIENCE_MS;
    assert_rc(proc__lock_wait(wait, DEADLINE_NEVER), 0);
    assert_true(patience_now() - start < PATIENCE_MS);
}

static void every_sign_ends_a_pause_and_none_makes_the_next_one_longer(void **state)
{
    (void)state;
    struct lock_wait wait;
    struct lock_file file = {.fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
    proc__lock_wait_begin(&wait, -1);
    proc__lock_wait_for(&wait, &file);
    close(open(lock_path, O_RDONLY | O_CLOEXEC));
    check_pause(&wait);
    assert_true(wait.deaf && wait.pause_ms == 10);
    wait.deaf = 0;
    unlink(lock_path);
    check_pause(&wait);

    int pid = fork();
    if (pid == 0)
        leave(0);
    wait.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (wait.pidfd >= 0)
        check_pause(&wait);
    assert_int_equal(wait.pidfd, -1);
    assert_int_equal(status_of(pid), 0);

    /* Deaf for one pause, and from 10 to 250 ms without a sign. */
    wait.deaf = 1;
    for (int pause = 10; pause < 250; pause *= 2) {
        assert_int_equal(wait.pause_ms, pause);
        assert_rc(proc__lock_wait(&wait, DEADLINE_NEVER), 0);
        assert_false(wait.deaf);
    }
    assert_int_equal(wait.pause_ms, 250);
    proc__lock_wait_done(&wait);
    close(file.fd);
}

static void a_wait_can_be_cancelled(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct waiter waiter = {.cancel = ends[0]};
    struct keeper keeper = keep_lock(lock_path, NULL);
    begin(&waiter);
    assert_int_equal(write(ends[1], "", 1), 1);
    pthread_join(waiter.thread, NULL);
    close(ends[0]);
    close(ends[1]);
    keeper_lets_go(&keeper);
    assert_rc(waiter.rc, -ECANCELED);
}

static void a_thread_that_is_cancelled_in_a_wait_leaks_nothing(void **state)
{
    (void)state;
    struct waiter waiter = {.cancel = -1};
    struct keeper keeper = keep_lock(lock_path, NULL);
    begin(&waiter);
    pthread_cancel(waiter.thread);
    pthread_join(waiter.thread, NULL);
    keeper_lets_go(&keeper);
}

/* Opened while it was empty: whoever came first has written into it since, and was killed. */
static void what_was_written_meanwhile_is_replaced(void **state)
{
    (void)state;
    char line[32];
    struct waiter waiter = {.flags = PROC_LOCK_FLOCK | PROC_LOCK_PLAIN, .cancel = -1};
    struct keeper keeper = keep_bare_lock(lock_path, PROC_LOCK_FLOCK, NULL);
    begin(&waiter);
    file_write(lock_path, "1234567\nstart: 7\nand more that is longer than a pid alone\n");
    keeper_dies(&keeper);
    pthread_join(waiter.thread, NULL);
    assert_rc(waiter.rc, 0);
    char *text = file_read(lock_path);
    snprintf(line, sizeof line, "%d\n", getpid());
    assert_string_equal(text, line);
    free(text);
    proc_lock_free(waiter.lock);
}

static void do_nothing(int number)
{
    (void)number;
}

static int waits_under_a_storm(void *arg)
{
    const struct itimerval every_ms = {{0, 1000}, {0, 1000}};
    proc_lock *lock = NULL;
    (void)arg;
    signal(SIGALRM, do_nothing);
    setitimer(ITIMER_REAL, &every_ms, NULL);
    int64_t start = patience_now();
    require_rc(proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.timeout_ms = 100)), -ETIMEDOUT);
    require(patience_now() - start >= 99 && patience_now() - start < PATIENCE_MS / 2);
    return 0;
}

static void signals_neither_end_a_wait_nor_lengthen_it(void **state)
{
    (void)state;
    struct keeper keeper = keep_lock(lock_path, NULL);
    assert_in_fork(waits_under_a_storm, NULL);
    keeper_lets_go(&keeper);
}

/* ---- What it costs ---- */

static int64_t cpu_ms(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static _Atomic int stop_now;

static void *open_and_close_all_the_time(void *arg)
{
    while (!atomic_load(&stop_now)) {
        int fd = open(lock_path, O_RDWR | O_CLOEXEC);
        close(fd);
    }
    return arg;
}

/* Nobody who touches the file can keep a waiter busy: a few tries in each pause of 10 ms, whatever happens. */
static void who_waits_does_not_burn(void **state)
{
    enum { WAIT_MS = 600 };
    (void)state;
    pthread_t noise;
    proc_lock *lock = NULL;
    struct keeper keeper = keep_lock(lock_path, NULL);
    for (int noisy = 0; noisy < 2; noisy++) {
        atomic_store(&stop_now, 0);
        if (noisy)
            assert_int_equal(pthread_create(&noise, NULL, open_and_close_all_the_time, NULL), 0);
        int64_t used = cpu_ms();
        int rc = proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.timeout_ms = WAIT_MS));
        used = cpu_ms() - used;
        atomic_store(&stop_now, 1);
        if (noisy)
            pthread_join(noise, NULL);
        assert_rc(rc, -ETIMEDOUT);
        assert_true(used < WAIT_MS / 8);
    }
    keeper_lets_go(&keeper);
}

/* A holder that has ended and is not reaped is a zombie, whose descriptor says so for ever; its child keeps the lock. */
static int waits_for_a_zombie(void *arg)
{
    enum { WAIT_MS = 300 };
    int told[2], child = 0;
    proc_lock *lock = NULL;
    (void)arg;
    require(pipe2(told, O_CLOEXEC) == 0);
    int pid = fork();
    if (pid == 0) {
        if (proc_lock_acquire(&lock, lock_path, NULL) < 0)
            leave(1);
        child = fork();
        if (child == 0)
            for (;;)
                pause();
        leave(write(told[1], &child, sizeof child) != (ssize_t)sizeof child);
    }
    require(read(told[0], &child, sizeof child) == (ssize_t)sizeof child);
    siginfo_t info;
    require(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    int64_t used = cpu_ms();
    int rc = proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.timeout_ms = WAIT_MS));
    used = cpu_ms() - used;
    kill(child, SIGKILL);
    waitpid(pid, NULL, 0);
    require_rc(rc, -ETIMEDOUT);
    require(used < WAIT_MS / 4);
    return 0;
}

static void who_waits_for_a_zombies_child_does_not_burn(void **state)
{
    (void)state;
    assert_in_fork(waits_for_a_zombie, NULL);
}

/* ---- Rounds ---- */

#define CONTENDERS 4

/* In memory that all share. */
struct arena {
    atomic_int owner;  /* who holds it now, 0 = nobody */
    atomic_int victim; /* who is being killed, and may never say that he holds it no longer */
    atomic_int wins, meetings, errors;
};

/* All of them share at least one kind with each other, so that two owners would be one too many. */
static const uint32_t ways[] = {0, PROC_LOCK_OFD, PROC_LOCK_FLOCK | PROC_LOCK_FCNTL, PROC_LOCK_KEEP_FILE, 0};

static void hold_for_a_moment(struct arena *arena, unsigned *seed)
{
    int us = getpid();
    int other = atomic_exchange(&arena->owner, us);
    if (other != 0 && other != atomic_load(&arena->victim))
        atomic_fetch_add(&arena->meetings, 1);
    atomic_fetch_add(&arena->wins, 1);
    for (int i = rand_r(seed) % 50; i > 0; i--)
        sched_yield();
    if (!atomic_compare_exchange_strong(&arena->owner, &us, 0))
        atomic_fetch_add(&arena->meetings, 1);
}

static void contend(struct arena *arena, unsigned seed)
{
    for (int i = 0; i < 3; i++) {
        proc_lock *lock;
        uint32_t flags = ways[(unsigned)rand_r(&seed) % (sizeof ways / sizeof ways[0])];
        int timeout = rand_r(&seed) % 2 ? 0 : rand_r(&seed) % 30;
        int rc = proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.flags = flags, .timeout_ms = timeout));
        if (rc == 0) {
            hold_for_a_moment(arena, &seed);
            if (proc_lock_verify(lock) < 0)
                atomic_fetch_add(&arena->errors, 1);
            proc_lock_free(lock);
        } else if (rc != -EAGAIN && rc != -ETIMEDOUT) {
            atomic_fetch_add(&arena->errors, 1);
        }
    }
}

static int one_round(struct arena *arena, unsigned seed)
{
    int pids[CONTENDERS];
    for (int i = 0; i < CONTENDERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            contend(arena, seed * CONTENDERS + (unsigned)i);
            leave(0);
        }
    }
    /* One dies where it stands, with the lock or without. */
    int victim = seed % 3 == 0 ? pids[seed % CONTENDERS] : 0;
    for (unsigned i = seed % 97; victim && i > 0; i--)
        sched_yield();
    atomic_store(&arena->victim, victim);
    if (victim)
        kill(victim, SIGKILL);
    for (int i = 0; i < CONTENDERS; i++)
        waitpid(pids[i], NULL, 0);
    atomic_store(&arena->owner, 0);
    return atomic_load(&arena->meetings) + atomic_load(&arena->errors);
}

static long number_of(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static void nobody_ever_meets_a_second_owner(void **state)
{
    (void)state;
    long rounds = number_of("PROC_TEST_LOCK_ROUNDS", 40);
    unsigned seed = (unsigned)number_of("PROC_TEST_SEED", getpid());
    struct arena *arena = mmap(NULL, sizeof *arena, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(arena, MAP_FAILED);
    for (long i = 0; i < rounds; i++) {
        proc_lock *lock = NULL;
        if (one_round(arena, seed + (unsigned)i) != 0)
            fail_msg("PROC_TEST_SEED=%u: %d met, %d errors", seed + (unsigned)i, atomic_load(&arena->meetings),
                     atomic_load(&arena->errors));
        /* Whoever has died, the lock is not stuck. */
        assert_rc(proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.timeout_ms = PATIENCE_MS)), 0);
        proc_lock_free(lock);
    }
    assert_true(atomic_load(&arena->wins) > 0);
    munmap(arena, sizeof *arena);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        lock_test(a_try_does_not_wait_and_a_wait_keeps_its_time),
        lock_test(a_wait_ends_when_the_holder_lets_go_or_dies),
        lock_test(a_lock_that_is_given_up_without_a_sign_is_found),
        lock_test(a_file_that_was_removed_is_not_waited_for),
        lock_test(who_waits_holds_nothing),
        lock_test(every_sign_ends_a_pause_and_none_makes_the_next_one_longer),
        lock_test(a_wait_can_be_cancelled),
        lock_test(a_thread_that_is_cancelled_in_a_wait_leaks_nothing),
        lock_test(what_was_written_meanwhile_is_replaced),
        lock_test(signals_neither_end_a_wait_nor_lengthen_it),
        lock_test(who_waits_does_not_burn),
        lock_test(who_waits_for_a_zombies_child_does_not_burn),
        lock_test(nobody_ever_meets_a_second_owner),
    };
    return run_suite("lock-wait", tests, sizeof tests / sizeof tests[0], argc, argv);
}
