/* SPDX-License-Identifier: MIT */
/*
 * Asking for a lock: what a PID file says, and who has the lock of it; with holders of every kind, the library's own
 * and those of others. No question ever takes the lock.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "locks.h"
#include "service/lock.h"
#include "started.h"

#include <proc/status.h>

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
    assert_int_equal(proc__lock_parse("1\0x\n", 4, &record), LOCK_GARBAGE);
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

/* We wrote the file and are alive, but lost the lock to somebody who has not written yet. */
static void the_kernels_word_counts_more_than_the_files(void **state)
{
    (void)state;
    proc_lock *lock = take_lock(PROC_LOCK_OPTIONS(.flags = PROC_LOCK_FCNTL));
    close(open(lock_path, O_RDONLY | O_CLOEXEC));
    struct keeper keeper = keep_bare_lock(lock_path, PROC_LOCK_FCNTL, NULL);
    assert_int_equal(holder_now().pid, keeper.pid);
    assert_rc(proc_lock_verify(lock), -ESTALE);
    keeper_lets_go(&keeper);
    proc_lock_free(lock);
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
/* With all its threads: a sanitizer may have one that ends later. */
static int is_zombie(int pid)
{
    proc_status status;
    return proc_status_read(PROC_PID(pid), NULL, sizeof status, &status) == 0 && proc_status_is_zombie(&status);
}

static void a_lock_that_a_child_keeps_has_an_unknown_holder(void **state)
{
    (void)state;
    char byte;
    int told[2], lives[2], child = 0;
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    assert_int_equal(pipe2(lives, O_CLOEXEC), 0);
    int pid = fork();
    if (pid == 0) {
        proc_lock *lock;
        close(lives[1]);
        if (proc_lock_acquire(&lock, lock_path, NULL) < 0)
            leave(1);
        child = fork();
        /* Until it is killed, or this test is no more. */
        if (child == 0)
            leave(read(lives[0], &byte, 1) != 0);
        leave(write(told[1], &child, sizeof child) != (ssize_t)sizeof child);
    }
    assert_int_equal(read(told[0], &child, sizeof child), sizeof child);
    /* Whether its parent has taken note yet or not. */
    assert_eventually(is_zombie(pid));
    for (int reaped = 0; reaped < 2; reaped++) {
        proc_holder holder = holder_now();
        assert_true(holder.state == PROC_LOCK_HELD && holder.pid == 0 && !holder.starting);
        assert_rc(proc_lock_holder_fd(lock_path, NULL), -ENODATA);
        if (!reaped)
            assert_int_equal(status_of(pid), 0);
    }
    kill(child, SIGKILL);
    assert_eventually(holder_now().state != PROC_LOCK_HELD);
    close(told[0]);
    close(told[1]);
    close(lives[0]);
    close(lives[1]);
}

static int counts_tries_of_another(void *arg)
{
    const int *ends = arg;
    struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    char byte;
    int busy = 0, fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    close(ends[1]);
    struct pollfd stop = {.fd = ends[0], .events = POLLIN};
    do {
        busy += take_bare_lock(fd, PROC_LOCK_OFD) < 0;
        busy += take_bare_lock(fd, PROC_LOCK_FLOCK) < 0;
        /* Not by closing it: who looks at our descriptors just then holds it, and its locks, a moment longer. */
        require(fcntl(fd, F_OFD_SETLK, &all) == 0 && flock(fd, LOCK_UN) == 0);
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
    if (mount_proc() < 0)
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

/* ---- A pid that is given away again: in a pid namespace, where the next one can be chosen ---- */

/* Takes the lock, and is gone; its child keeps the descriptor, and with it the lock. Its pid, or -1. */
static int holder_that_has_gone(uint32_t flags)
{
    int pid = fork();
    if (pid == 0) {
        proc_lock *lock;
        int rc = proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.flags = flags));
        /* Not a sleeper(), which would go with its parent; the end of the namespace ends it. */
        if (rc == 0 && fork() == 0)
            for (;;)
                pause();
        leave(rc < 0);
    }
    return status_of(pid) == 0 ? pid : -1;
}

static int meets_a_stranger_with_the_holders_pid(uint32_t flags)
{
    proc_holder holder;
    int pid = holder_that_has_gone(flags);
    require(pid > 0);
    choose_next_pid(pid);
    if (sleeper() != pid)
        return NOT_POSSIBLE;
    require(kill(pid, 0) == 0);
    require_rc(proc_lock_query(lock_path, NULL, &holder), 0);
    require(holder.state == PROC_LOCK_HELD && holder.pid == 0);
    require_rc(proc_lock_holder_fd(lock_path, NULL), -ENODATA);
    require_rc(proc_lock_signal(lock_path, NULL, SIGKILL, 0), -ENODATA);
    require(waitpid(pid, NULL, WNOHANG) == 0);
    return 0;
}

static int meets_one_behind_whole_records(void *arg)
{
    (void)arg;
    return mount_proc() < 0 ? NOT_POSSIBLE : meets_a_stranger_with_the_holders_pid(0);
}

static int meets_one_behind_a_bare_pid(void *arg)
{
    (void)arg;
    return mount_proc() < 0 ? NOT_POSSIBLE : meets_a_stranger_with_the_holders_pid(PROC_LOCK_PLAIN);
}

static void a_stranger_with_the_holders_pid_is_neither_named_nor_signalled(void **state)
{
    (void)state;
    assert_in_pid_namespace(meets_one_behind_whole_records);
    assert_in_pid_namespace(meets_one_behind_a_bare_pid);
}

/* ---- flock(1) and pidfile_open(3), the real ones ---- */

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

struct pidfh;

/* libbsd, if it is here: opened by hand, so that nobody has to build against it. */
static int keeps_a_pidfile(void *arg)
{
    (void)arg;
    proc_holder holder;
    proc_lock *lock = NULL;
    pid_t other = 0;
    void *library = dlopen("libbsd.so.0", RTLD_NOW);
    if (!library)
        return NOT_POSSIBLE;
    struct pidfh *(*open_file)(const char *, mode_t, pid_t *) = NULL;
    int (*write_file)(struct pidfh *) = NULL, (*remove_file)(struct pidfh *) = NULL;
    *(void **)&open_file = dlsym(library, "pidfile_open");
    *(void **)&write_file = dlsym(library, "pidfile_write");
    *(void **)&remove_file = dlsym(library, "pidfile_remove");
    require(open_file && write_file && remove_file);

    struct pidfh *handle = open_file(lock_path, 0644, NULL);
    require(handle && write_file(handle) == 0);
    require_rc(proc_lock_acquire(&lock, lock_path, NULL), -EAGAIN);
    require_rc(proc_lock_query(lock_path, NULL, &holder), 0);
    require(holder.state == PROC_LOCK_UNSEEN || (holder.state == PROC_LOCK_HELD && holder.pid == getpid()));
    require(remove_file(handle) == 0);

    require_rc(proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.flags = PROC_LOCK_PLAIN)), 0);
    /* EINVAL: it is kept out, but some versions stumble over the line feed behind the pid. */
    require(!open_file(lock_path, 0644, &other) && (errno == EEXIST || errno == EINVAL));
    proc_lock_free(lock);
    return 0;
}

static void pidfile_open_and_we_keep_each_other_out(void **state)
{
    (void)state;
    assert_in_fork_or_skip(keeps_a_pidfile, NULL, "no libbsd here");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_line_is_a_pid_or_nothing),
        cmocka_unit_test(the_lines_behind_it_tell_more_if_they_are_good),
        lock_test(where_nobody_is_nobody_is_seen),
        lock_test(every_kind_of_holder_is_seen_and_named),
        lock_test(holders_without_the_library_are_named_if_they_can_be),
        lock_pidfd_test(a_pid_that_is_not_the_holders_is_not_told),
        lock_test(the_kernels_word_counts_more_than_the_files),
        lock_pidfd_test(a_file_of_another_boot_or_machine_names_nobody_here),
        lock_pidfd_test(a_lock_that_a_child_keeps_has_an_unknown_holder),
        lock_test(to_ask_takes_no_lock),
        lock_test(what_cannot_be_seen_is_told_to_be_so),
        lock_pidfd_test(a_stranger_with_the_holders_pid_is_neither_named_nor_signalled),
        lock_test(flock_the_program_and_we_keep_each_other_out),
        lock_test(pidfile_open_and_we_keep_each_other_out),
    };
    return run_suite("lock-query", tests, sizeof tests / sizeof tests[0], argc, argv);
}
