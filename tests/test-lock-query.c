/* SPDX-License-Identifier: MIT */
/*
 * Asking for a lock: what a PID file says, who has the lock of it, and a signal to him; with holders of every kind, the
 * library's own and those of others. No question ever takes the lock.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "locks.h"
#include "service/lock.h"
#include "started.h"

#define NOT_POSSIBLE 77

static proc_holder holder_now(void)
{
    proc_holder holder;
    memset(&holder, 0x55, sizeof holder);
    assert_rc(proc_lock_query(lock_path, NULL, &holder), 0);
    return holder;
}

/* A test that asks in vain where /proc/locks hides what others hold. */
static int all_is_seen(void)
{
    return holder_now().state != PROC_LOCK_UNSEEN;
}

/* ---- What a file says ---- */

static void a_first_line_is_a_pid_or_nothing(void **state)
{
#define LINE_64 "0000000000000000000000000000000000000000000000000000000000000007"
    static const struct {
        const char *text;
        enum lock_content content;
        int pid;
    } texts[] = {
        {"", LOCK_EMPTY, 0},
        {"123", LOCK_NAMES, 123},
        {"123\n", LOCK_NAMES, 123},
        {"123\nand more", LOCK_NAMES, 123},
        {"1\n\n\n", LOCK_NAMES, 1},
        {"4194304\n", LOCK_NAMES, 4194304},
        {"4194305\n", LOCK_GARBAGE, 0},
        {"2147483648\n", LOCK_GARBAGE, 0},
        {"4294967297\n", LOCK_GARBAGE, 0},
        {"18446744073709551617\n", LOCK_GARBAGE, 0},
        {"0", LOCK_GARBAGE, 0},
        {"0\n", LOCK_GARBAGE, 0},
        {"-1\n", LOCK_GARBAGE, 0},
        {"+1\n", LOCK_GARBAGE, 0},
        {" 1\n", LOCK_GARBAGE, 0},
        {"1 \n", LOCK_GARBAGE, 0},
        {"1\r\n", LOCK_GARBAGE, 0},
        {"0x10\n", LOCK_GARBAGE, 0},
        {"\n123\n", LOCK_GARBAGE, 0},
        {"hello\n", LOCK_GARBAGE, 0},
        {"12a\n", LOCK_GARBAGE, 0},
        {LINE_64 "\n", LOCK_NAMES, 7},
        {"0" LINE_64 "\n", LOCK_GARBAGE, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct lock_record record;
        assert_int_equal(proc__lock_parse(texts[i].text, strlen(texts[i].text), &record), texts[i].content);
        assert_int_equal(record.pid, texts[i].pid);
        assert_true(record.start_ticks == 0 && record.inode == 0 && !record.boot[0] && !record.host[0]);
    }
    struct lock_record record;
    assert_int_equal(proc__lock_parse("1\0" "2\n", 4, &record), LOCK_GARBAGE);
}

static void the_lines_behind_it_tell_more_if_they_are_good(void **state)
{
    static const char good[] = "123\nstart: 77\npidfd: 18446744073709551615\nboot: b-1\nhost: web.1\nunknown: 3\n";
    static const char bad[] = "123\nstart: 7x\npidfd: 18446744073709551616\nboot: with blank\nhost: \x1b[2J\nstart:9\n";
    struct lock_record record;
    (void)state;
    assert_int_equal(proc__lock_parse(good, sizeof good - 1, &record), LOCK_NAMES);
    assert_int_equal(record.start_ticks, 77);
    assert_true(record.inode == UINT64_MAX);
    assert_string_equal(record.boot, "b-1");
    assert_string_equal(record.host, "web.1");
    assert_int_equal(proc__lock_parse(bad, sizeof bad - 1, &record), LOCK_NAMES);
    assert_true(record.start_ticks == 0 && record.inode == 0 && !record.boot[0] && !record.host[0]);
    /* One that was cut says nothing. */
    assert_int_equal(proc__lock_parse("1\nstart: 77", 11, &record), LOCK_NAMES);
    assert_int_equal(record.start_ticks, 0);
}

/* ---- Who has it ---- */

static void where_nobody_is_nobody_is_seen(void **state)
{
    (void)state;
    proc_holder holder = holder_now();
    assert_int_equal(holder.state, PROC_LOCK_FREE);
    file_write(lock_path, "1\n");
    holder = holder_now();
    assert_true(holder.state == PROC_LOCK_FREE || holder.state == PROC_LOCK_UNSEEN);
    assert_true(holder.pid == 0 && holder.kinds == 0 && !holder.starting && !holder.foreign && !holder.host[0]);
    int rc = proc_lock_holder_fd(lock_path, NULL);
    assert_true(rc == -ESRCH || rc == -ENODATA);
}

static void every_kind_of_holder_is_seen_and_named(void **state)
{
    static const struct {
        uint32_t held, seen;
    } kinds[] = {{0, PROC_LOCK_OFD},
                 {PROC_LOCK_OFD, PROC_LOCK_OFD},
                 {PROC_LOCK_FCNTL, PROC_LOCK_FCNTL},
                 {PROC_LOCK_FLOCK, PROC_LOCK_FLOCK},
                 {PROC_LOCK_FLOCK | PROC_LOCK_PLAIN, PROC_LOCK_FLOCK},
                 {PROC_LOCK_OFD | PROC_LOCK_PLAIN, PROC_LOCK_OFD}};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct keeper keeper = keep_lock(lock_path, PROC_LOCK_OPTIONS(.flags = kinds[i].held));
        proc_holder holder = holder_now();
        if (!(kinds[i].held & PROC_LOCK_FLOCK) || holder.state != PROC_LOCK_UNSEEN) {
            assert_int_equal(holder.state, PROC_LOCK_HELD);
            assert_int_equal(holder.kinds, kinds[i].seen);
            assert_int_equal(holder.pid, keeper.pid);
            assert_int_equal(holder.identity.pid, kinds[i].held & PROC_LOCK_PLAIN ? 0 : keeper.pid);
        }
        keeper_lets_go(&keeper);
        assert_int_equal(holder_now().state, PROC_LOCK_FREE);
    }
}

/* Programs that know nothing of us: a pid as libbsd writes it and as others do, or none at all. */
static void holders_without_the_library_are_named_if_they_can_be(void **state)
{
    static const unsigned kinds[] = {PROC_LOCK_FLOCK, PROC_LOCK_OFD, PROC_LOCK_FCNTL};
    (void)state;
    file_write(lock_path, "");
    if (!all_is_seen())
        SKIP_TEST("/proc/locks does not show all locks here");
    for (size_t i = 0; i < 3; i++) {
        char pid[16];
        struct keeper keeper = keep_bare_lock(lock_path, kinds[i], NULL);
        snprintf(pid, sizeof pid, "%d", keeper.pid);
        proc_holder holder = holder_now();
        assert_int_equal(holder.state, PROC_LOCK_HELD);
        assert_int_equal(holder.kinds, kinds[i]);
        /* Of an open file description the kernel tells no pid. */
        assert_int_equal(holder.pid, kinds[i] == PROC_LOCK_OFD ? 0 : keeper.pid);
        assert_int_equal(holder.starting, kinds[i] == PROC_LOCK_OFD);
        file_write(lock_path, pid);
        holder = holder_now();
        assert_int_equal(holder.pid, keeper.pid);
        assert_false(holder.starting);
        keeper_dies(&keeper);
        assert_int_equal(holder_now().state, PROC_LOCK_FREE);
        file_write(lock_path, "");
    }
}

static void a_pid_that_is_not_the_holders_is_not_told(void **state)
{
    static const char *const lies[] = {"1\n", "4194304\n", "0\n", "-1\n", "nonsense\n", "99999999999999999999\n"};
    (void)state;
    char us[64];
    struct keeper keeper = keep_bare_lock(lock_path, PROC_LOCK_OFD, NULL);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        file_write(lock_path, lies[i]);
        proc_holder holder = holder_now();
        assert_int_equal(holder.state, PROC_LOCK_HELD);
        /* Of pid 1 we may not be allowed to know. */
        assert_true(holder.pid == 0 || (i == 0 && geteuid() != 0));
        if (holder.pid == 0)
            assert_rc(proc_lock_holder_fd(lock_path, NULL), -ENODATA);
        assert_rc(holder.pid == 0 ? proc_lock_signal(lock_path, NULL, SIGKILL, 0) : -ENODATA, -ENODATA);
    }
    /* We are alive, and do not have it; nor are we the one who got this pid before. */
    for (int i = 0; i < 2; i++) {
        snprintf(us, sizeof us, i ? "%d\nstart: 1\n" : "%d\n", getpid());
        file_write(lock_path, us);
        assert_int_equal(holder_now().pid, 0);
    }
    keeper_lets_go(&keeper);
}

static void a_file_of_another_boot_or_machine_names_nobody_here(void **state)
{
    (void)state;
    char text[128], host[65] = "";
    struct keeper keeper = keep_bare_lock(lock_path, PROC_LOCK_OFD, NULL);
    snprintf(text, sizeof text, "%d\nstart: 5\nboot: another\nhost: elsewhere\n", keeper.pid);
    file_write(lock_path, text);
    proc_holder holder = holder_now();
    assert_true(holder.foreign && holder.pid == keeper.pid);
    assert_string_equal(holder.host, "elsewhere");
    assert_rc(proc_lock_holder_fd(lock_path, NULL), -ENODATA);
    assert_rc(proc_lock_signal(lock_path, NULL, SIGKILL, 0), -ENODATA);
    gethostname(host, sizeof host - 1);
    snprintf(text, sizeof text, "%d\nboot: another\nhost: %s\n", keeper.pid, host);
    file_write(lock_path, text);
    holder = holder_now();
    assert_true(holder.state == PROC_LOCK_HELD && holder.pid == 0 && !holder.foreign);
    keeper_lets_go(&keeper);
}

/* The launcher takes the lock, forks, and is gone: the child keeps it, and the file names a dead process. */
static void a_lock_that_a_child_keeps_has_an_unknown_holder(void **state)
{
    (void)state;
    int told[2], child = 0;
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    int pid = fork();
    if (pid == 0) {
        proc_lock *lock;
        if (proc_lock_acquire(&lock, lock_path, NULL) < 0)
            leave(1);
        child = fork();
        if (child == 0)
            for (;;)
                pause();
        leave(write(told[1], &child, sizeof child) != (ssize_t)sizeof child);
    }
    assert_int_equal(status_of(pid), 0);
    assert_int_equal(read(told[0], &child, sizeof child), sizeof child);
    proc_holder holder = holder_now();
    assert_true(holder.state == PROC_LOCK_HELD && holder.pid == 0 && !holder.starting);
    assert_rc(proc_lock_holder_fd(lock_path, NULL), -ENODATA);
    kill(child, SIGKILL);
    assert_eventually(holder_now().state != PROC_LOCK_HELD);
    close(told[0]);
    close(told[1]);
}

static int counts_tries_of_another(void *arg)
{
    const int *ends = arg;
    char byte;
    int busy = 0;
    close(ends[1]);
    struct pollfd stop = {.fd = ends[0], .events = POLLIN};
    do {
        int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        for (unsigned kind = PROC_LOCK_OFD; kind <= PROC_LOCK_FCNTL; kind *= 2)
            busy += take_bare_lock(fd, kind) < 0 && kind != PROC_LOCK_FCNTL;
        close(fd);
    } while (poll(&stop, 1, 0) == 0);
    require(read(ends[0], &byte, 1) == 0);
    return busy > 0 ? 1 : 0;
}

/* To look by taking, as with flock(LOCK_SH), would make the other's try fail. */
static void to_ask_takes_no_lock(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int pid = fork();
    if (pid == 0)
        leave(counts_tries_of_another(ends));
    close(ends[0]);
    for (int i = 0; i < 300; i++)
        holder_now();
    close(ends[1]);
    assert_int_equal(status_of(pid), 0);
}

static int asks_from_a_nested_namespace(void *arg)
{
    proc_holder holder;
    int flock_held = *(int *)arg;
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
        return NOT_POSSIBLE;
    int pid = fork();
    if (pid != 0)
        return status_of(pid);
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("proc", "/proc", "proc", 0, NULL) < 0)
        leave(NOT_POSSIBLE);
    require_rc(proc_lock_query(lock_path, NULL, &holder), 0);
    require(holder.state == (flock_held ? PROC_LOCK_UNSEEN : PROC_LOCK_HELD) && holder.pid == 0);
    require_rc(proc_lock_holder_fd(lock_path, NULL), -ENODATA);
    leave(0);
}

static void what_cannot_be_seen_is_told_to_be_so(void **state)
{
    (void)state;
    struct verdict verdict = {0};
    for (int flock_held = 0; flock_held < 2 && verdict.code == 0; flock_held++) {
        struct keeper keeper = keep_lock(lock_path, PROC_LOCK_OPTIONS(.flags = flock_held ? PROC_LOCK_FLOCK : 0));
        run_in_fork(&verdict, asks_from_a_nested_namespace, &flock_held, PATIENCE_MS);
        keeper_lets_go(&keeper);
    }
    if (verdict.code == NOT_POSSIBLE)
        SKIP_TEST("no pid namespace with a /proc here");
    if (verdict.code != 0)
        fail_msg("left with %d: %s", verdict.code, verdict.text);
}

/* ---- flock(1), the real one ---- */

static void flock_the_program_and_we_keep_each_other_out(void **state)
{
    (void)state;
    proc_lock *lock = NULL;
    if (access("/usr/bin/flock", X_OK) < 0)
        SKIP_TEST("no flock(1) here");
    lock = take_lock(NULL);
    struct outside outside =
        outside_run((const char *const[]){"/usr/bin/flock", "-n", "-E", "9", lock_path, "true", NULL});
    assert_int_equal(WEXITSTATUS(outside.status), 9);
    outside_done(&outside);
    proc_lock_free(lock);

    int ends[2], pid = -1;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        dup2(ends[0], STDIN_FILENO);
        execl("/usr/bin/flock", "flock", lock_path, "cat", (char *)NULL);
        leave(127);
    }
    close(ends[0]);
    int unseen = !EVENTUALLY(access(lock_path, F_OK) == 0) || !all_is_seen();
    if (!unseen) {
        assert_eventually(holder_now().state == PROC_LOCK_HELD);
        assert_true(holder_now().pid == pid && holder_now().kinds == PROC_LOCK_FLOCK);
        assert_rc(proc_lock_acquire(&lock, lock_path, NULL), -EAGAIN);
    }
    close(ends[1]);
    assert_int_equal(status_of(pid), 0);
    assert_rc(proc_lock_acquire(&lock, lock_path, NULL), 0);
    proc_lock_free(lock);
}

/* ---- The holder as a process ---- */

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

static int needs_pidfd_open(void **state)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0)
        leave_out("no pidfds here");
    else
        close(fd);
    return lock_place_make(state);
}

int main(int argc, char **argv)
{
#define pidfd_test(test) cmocka_unit_test_setup_teardown(test, needs_pidfd_open, lock_place_remove)
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_line_is_a_pid_or_nothing),
        cmocka_unit_test(the_lines_behind_it_tell_more_if_they_are_good),
        lock_test(where_nobody_is_nobody_is_seen),
        lock_test(every_kind_of_holder_is_seen_and_named),
        lock_test(holders_without_the_library_are_named_if_they_can_be),
        pidfd_test(a_pid_that_is_not_the_holders_is_not_told),
        pidfd_test(a_file_of_another_boot_or_machine_names_nobody_here),
        pidfd_test(a_lock_that_a_child_keeps_has_an_unknown_holder),
        lock_test(to_ask_takes_no_lock),
        lock_test(what_cannot_be_seen_is_told_to_be_so),
        lock_test(flock_the_program_and_we_keep_each_other_out),
        pidfd_test(the_holder_is_a_descriptor),
        pidfd_test(a_signal_to_the_holder_can_wait_until_the_lock_is_free),
        pidfd_test(a_stopped_holder_is_not_continued),
        lock_test(without_pidfds_nobody_is_signalled),
    };
    return run_suite("lock-query", tests, sizeof tests / sizeof tests[0], argc, argv);
}
