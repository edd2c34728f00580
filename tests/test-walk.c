/* SPDX-License-Identifier: MIT */
/*
 * Walks and tables over live processes and over trees of files that the test writes, with the calls counted that they
 * make: to the kernel, and for memory.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "procfs/walk_plan.h"

/* ---- Calls that are counted, and memory that runs out ---- */

static _Atomic int calls, allocations; /* of all threads */
static int allocations_left = -1, opens_left = -1; /* -1 = as many as there are */
static int lists_left = -1;                         /* pieces of lists that can be read; -1 = all */
static int told_by_pidfd = -1;                     /* ioctls, until the kernel says of a process that there is none */
static _Thread_local int cancel_after = -1;        /* opens, until this thread is cancelled; -1 = never */

static int is_out_of_memory(void)
{
    allocations++;
    if (allocations_left > 0)
        allocations_left--;
    return allocations_left == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return is_out_of_memory() ? NULL : __real_malloc(size);
}
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return is_out_of_memory() ? NULL : __real_calloc(count, size);
}
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    return is_out_of_memory() ? NULL : __real_realloc(old, size);
}

static int open_counted(int dir, const char *path, int flags)
{
    calls++;
    if (opens_left == 0) {
        errno = EMFILE;
        return -1;
    }
    opens_left -= opens_left > 0;
    int fd = (int)syscall(SYS_openat, dir, path, flags, 0);
    if (cancel_after >= 0 && cancel_after-- == 0)
        pthread_cancel(pthread_self());
    return fd;
}
int __wrap_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode)
{
    (void)mode;
    return open_counted(dir, path, flags);
}
int __wrap_openat64(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat64(int dir, const char *path, int flags, mode_t mode)
{
    (void)mode;
    return open_counted(dir, path, flags);
}
ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size)
{
    calls++;
    return __real_read(fd, data, size);
}
/* By which the library closes only where the thread sanitizer has to see it. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    calls++;
    return __real_close(fd);
}
static ssize_t pread_counted(int fd, void *data, size_t size)
{
    calls++;
    /* Always from the beginning, so it does not matter how a machine passes 64 bits. */
    return syscall(SYS_pread64, fd, data, size, 0, 0, 0);
}
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset)
{
    (void)offset;
    return pread_counted(fd, data, size);
}
ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset)
{
    (void)offset;
    return pread_counted(fd, data, size);
}
/* All that the library has no wrapper of libc for, closing among it. */
long __real_proc__syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_proc__syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_proc__syscall(long number, long a, long b, long c, long d, long e, long f)
{
    /* Lists are for many processes, not for each. */
    calls += number != SYS_getdents64;
    if (number == SYS_getdents64 && lists_left >= 0 && lists_left-- == 0)
        return lists_left = 0, -EIO;
    if (number == SYS_ioctl && told_by_pidfd >= 0 && told_by_pidfd-- == 0)
        return told_by_pidfd = 0, -ESRCH;
    return __real_proc__syscall(number, a, b, c, d, e, f);
}

static int all_is_back(void **state)
{
    (void)state;
    allocations_left = opens_left = told_by_pidfd = lists_left = -1;
    return 0;
}

/* ---- Processes ---- */

static void end_all(const int *pids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        end_process(pids[i]);
}

static proc_walk *walk_over(const proc_walk_options *options)
{
    proc_walk *walk = NULL;
    assert_rc(proc_walk_new(&walk, options), 0);
    return walk;
}

/* The entry of that pid, with what it points to still there as long as the walk is not freed; fails without. */
static const proc_entry *walk_to(proc_walk *walk, int pid)
{
    const proc_entry *entry;
    while (proc_walk_next(walk, &entry) == 1)
        if (entry->tid == pid)
            return entry;
    return NULL;
}

/* How many a walk finds; -1: it ended with an error. */
static int count_by(const proc_walk_options *options, int *ret_last)
{
    proc_walk *walk = walk_over(options);
    const proc_entry *entry;
    int rc, count = 0;
    while ((rc = proc_walk_next(walk, &entry)) == 1) {
        count++;
        *ret_last = entry->pid;
    }
    proc_walk_free(walk);
    return rc < 0 ? -1 : count;
}

#define EVERYTHING (ALL_FIELDS & ~PROC_FIELD_CPU)

/* A tree that leads to these processes and no others, whose texts may be of any length. */
static char *tree_of(const int *pids, size_t count)
{
    char *tree = directory_make();
    for (size_t i = 0; i < count; i++) {
        char name[16], target[32];
        snprintf(name, sizeof name, "%d", pids[i]);
        snprintf(target, sizeof target, "/proc/%d", pids[i]);
        char *path = path_in(tree, name);
        assert_int_equal(symlink(target, path), 0);
        free(path);
    }
    return tree;
}

/* ---- Plans ---- */

static void the_cheapest_files_are_chosen(void **state)
{
    (void)state;
    static const struct {
        uint64_t fields;
        unsigned sources;
    } rows[] = {
        {0, 0},
        {PROC_FIELD_PARENT, SOURCE_BIT(SOURCE_INFO)},
        {PROC_FIELD_USER | PROC_FIELD_PARENT, SOURCE_BIT(SOURCE_INFO)},
        {PROC_FIELD_NAME, SOURCE_BIT(SOURCE_COMM)},
        {PROC_FIELD_RSS, SOURCE_BIT(SOURCE_STATM)},
        {PROC_FIELD_RSS | PROC_FIELD_VM_SIZE, SOURCE_BIT(SOURCE_STATM)},
        {PROC_FIELD_NAME | PROC_FIELD_STATE, SOURCE_BIT(SOURCE_STAT)},
        {PROC_FIELD_TIMES | PROC_FIELD_NAME | PROC_FIELD_PARENT, SOURCE_BIT(SOURCE_STAT)},
        {PROC_FIELD_USER | PROC_FIELD_NAME, SOURCE_BIT(SOURCE_INFO) | SOURCE_BIT(SOURCE_COMM)},
        {PROC_FIELD_USER | PROC_FIELD_NAME | PROC_FIELD_STATE | PROC_FIELD_RSS, SOURCE_BIT(SOURCE_STATUS)},
        {PROC_FIELD_USER | PROC_FIELD_TIMES, SOURCE_BIT(SOURCE_INFO) | SOURCE_BIT(SOURCE_STAT)},
        {PROC_FIELD_TIMES | PROC_FIELD_RSS, SOURCE_BIT(SOURCE_STAT) | SOURCE_BIT(SOURCE_STATM)},
        {PROC_FIELD_SWAP | PROC_FIELD_TIMES, SOURCE_BIT(SOURCE_STATUS) | SOURCE_BIT(SOURCE_STAT)},
        {PROC_FIELD_CMDLINE, SOURCE_BIT(SOURCE_CMDLINE)},
        {PROC_FIELD_CGROUP | PROC_FIELD_IO, SOURCE_BIT(SOURCE_CGROUP) | SOURCE_BIT(SOURCE_IO)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct walk_plan plan = proc__plan_for(rows[i].fields, ALL_SOURCES);
        assert_int_equal(plan.sources, rows[i].sources);
        assert_int_equal(plan.directory, __builtin_popcount(plan.sources) > 1);
    }
    const unsigned files = ALL_SOURCES & ~SOURCE_BIT(SOURCE_INFO);
    assert_int_equal(proc__plan_for(PROC_FIELD_USER, files).sources, SOURCE_BIT(SOURCE_STATUS));
    assert_int_equal(proc__plan_for(PROC_FIELD_PARENT, files).sources, SOURCE_BIT(SOURCE_STAT));
}

static void every_field_has_its_cost(void **state)
{
    (void)state;
    for (uint64_t field = 1; field & ALL_FIELDS; field <<= 1)
        assert_true(proc_field_cost(field) >= PROC_COST_CHEAP);
    assert_int_equal(proc_field_cost(PROC_FIELD_RSS), PROC_COST_CHEAP);
    assert_int_equal(proc_field_cost(PROC_FIELD_CMDLINE), PROC_COST_MAY_BLOCK);
    assert_int_equal(proc_field_cost(PROC_FIELD_IO), PROC_COST_PRIVILEGED);
    assert_int_equal(proc_field_cost(PROC_FIELD_PSS), PROC_COST_BOTH);
    assert_rc(proc_field_cost(0), -EINVAL);
    assert_rc(proc_field_cost(3), -EINVAL);
    assert_rc(proc_field_cost(ALL_FIELDS + 1), -EINVAL);
}

static int calls_for(const int *root, int pid, uint64_t fields)
{
    const proc_entry *entry;
    proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = fields, .root_fd = root));
    /* Up to the one before, so that all memory is there. */
    int before = 0, found = 0;
    while (!found && proc_walk_next(walk, &entry) == 1) {
        found = entry->pid == pid;
        before = found ? before : calls;
    }
    int after = calls;
    proc_walk_free(walk);
    assert_true(found);
    return after - before;
}

static int pidfds_tell(void)
{
    const struct walk_plan plan = proc__plan_for(PROC_FIELD_USER, ALL_SOURCES);
    const proc_entry *entry;
    proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = PROC_FIELD_USER));
    opens_left = 0;
    int rc = plan.sources == SOURCE_BIT(SOURCE_INFO) && proc_walk_next(walk, &entry) == 1;
    opens_left = -1;
    proc_walk_free(walk);
    return rc;
}

/* Two of numbers that follow each other: nobody between them can vanish and be counted. */
static void make_neighbours(int pids[2])
{
    pids[0] = sleeper();
    while ((pids[1] = sleeper()) != pids[0] + 1) {
        end_process(pids[0]);
        pids[0] = pids[1];
    }
}

static void a_walk_makes_no_call_that_it_does_not_need(void **state)
{
    (void)state;
    int pids[2] = {sleeper(), sleeper()}, pid = 0;
    char *tree = tree_of(pids, 2);
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.root_fd = &root));
    const proc_entry *entry;
    while (proc_walk_next(walk, &entry) == 1)
        pid = entry->pid; /* the last in that tree's order: the other one has made room for all texts */
    proc_walk_free(walk);
    assert_int_equal(calls_for(&root, pid, 0), 0);
    assert_int_equal(calls_for(&root, pid, PROC_FIELD_NAME), 3);
    assert_int_equal(calls_for(&root, pid, PROC_FIELD_RSS), 3);
    assert_int_equal(calls_for(&root, pid, PROC_FIELD_TIMES | PROC_FIELD_NAME | PROC_FIELD_PARENT), 3);
    assert_int_equal(calls_for(&root, pid, PROC_FIELD_USER | PROC_FIELD_RSS | PROC_FIELD_STATE | PROC_FIELD_SWAP), 3);
    assert_int_equal(calls_for(&root, pid, PROC_FIELD_CGROUP), 3);
    assert_int_equal(calls_for(&root, pid, PROC_FIELD_CMDLINE), 4);
    assert_int_equal(calls_for(&root, pid, PROC_FIELD_TIMES | PROC_FIELD_RSS), 8);
    assert_int_equal(calls_for(&root, pid, PROC_FIELD_TIMES | PROC_FIELD_CMDLINE), 9);
    close(root);
    directory_remove(tree);
    end_all(pids, 2);
}

static void a_walk_by_pidfds_makes_three_calls(void **state)
{
    (void)state;
    int pids[2];
    if (!pidfds_tell())
        SKIP_TEST("pidfds do not tell of processes here");
    make_neighbours(pids);
    assert_int_equal(calls_for(NULL, pids[1], PROC_FIELD_USER | PROC_FIELD_PARENT), 3);
    end_all(pids, 2);
}

/* ---- Walks ---- */

static void a_walk_finds_us_and_our_children_in_order(void **state)
{
    (void)state;
    const proc_entry *entry;
    int pids[3], found = 0, ourselves = 0, before = 0, rc;
    for (int i = 0; i < 3; i++)
        pids[i] = sleeper();
    proc_walk *walk = walk_over(NULL);
    while ((rc = proc_walk_next(walk, &entry)) == 1) {
        assert_true(entry->pid > before);
        assert_int_equal(entry->tid, entry->pid);
        assert_true(entry->present == 0 && entry->denied == 0);
        before = entry->pid;
        ourselves += entry->pid == getpid();
        for (int i = 0; i < 3; i++)
            found += entry->pid == pids[i];
    }
    assert_rc(rc, 0);
    assert_rc(proc_walk_next(walk, &entry), 0);
    assert_int_equal(ourselves, 1);
    assert_int_equal(found, 3);
    assert_null(proc_walk_free(walk));
    end_all(pids, 3);
}

static void every_field_is_as_other_sources_tell_it(void **state)
{
    (void)state;
    proc_status status;
    proc_stat stat;
    int pid = sleeper_named("we walk");
    assert_eventually(proc_stat_read(PROC_PID(pid), &stat) == 0 && stat.state == 'S');
    proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = EVERYTHING));
    const proc_entry *entry = walk_to(walk, pid);
    assert_non_null(entry);
    const uint64_t may_be_missing = PROC_FIELD_PSS | PROC_FIELD_IO | PROC_FIELD_CGROUP | PROC_FIELD_INNER_PID;
    assert_int_equal((entry->present | may_be_missing) & EVERYTHING, EVERYTHING);
    assert_rc(proc_status_read(PROC_PID(pid), NULL, sizeof status, &status), 0);
    assert_rc(proc_stat_read(PROC_PID(pid), &stat), 0);
    assert_int_equal(entry->ppid, getpid());
    assert_string_equal(entry->name, "we walk");
    assert_int_equal(entry->state, 'S');
    assert_int_equal(entry->uid, getuid());
    assert_int_equal(entry->euid, geteuid());
    assert_int_equal(entry->gid, getgid());
    assert_int_equal(entry->egid, getegid());
    assert_true(entry->start_ticks == stat.start_ticks);
    assert_true(entry->user_ticks == stat.user_ticks && entry->system_ticks == stat.system_ticks);
    assert_true(entry->rss_kb == status.vm_rss_kb && entry->rss_kb > 0);
    assert_true(entry->vm_size_kb == status.vm_size_kb);
    assert_true(entry->swap_kb == status.vm_swap_kb);
    assert_int_equal(entry->threads, 1 + SANITIZER_THREADS);
    assert_int_equal(entry->pgrp, getpgrp());
    assert_int_equal(entry->session, getsid(0));
    assert_int_equal(entry->tty, stat.tty);
    assert_int_equal(entry->nice, getpriority(PRIO_PROCESS, 0));
    assert_int_equal(entry->priority, stat.priority);
    assert_int_equal(entry->policy, (uint32_t)sched_getscheduler(0));
    assert_true(entry->voluntary_switches == status.voluntary_switches);
    assert_int_equal(entry->kthread, 0);
    assert_int_equal(entry->inner_pid, status.ns_pid[status.ns_depth - 1]);
    assert_true(entry->cmdline.len > 0 && entry->cmdline.data[entry->cmdline.len - 1] == '\0');
    if (entry->present & PROC_FIELD_CGROUP) {
        char *ours = file_read("/proc/self/cgroup");
        assert_int_equal(entry->cgroup[0], '/');
        assert_contains(ours, entry->cgroup);
        free(ours);
    }
    proc_walk_free(walk);
    end_process(pid);
}

/* Ours, by the kernel: an emulator's own, under one. */
static const char *own_name(void)
{
    static char name[16];
    prctl(PR_GET_NAME, name, 0, 0, 0);
    return name;
}

static void every_way_to_a_field_tells_the_same(void **state)
{
    (void)state;
    int pid = sleeper();
    static const uint64_t ways[] = {PROC_FIELD_PARENT | PROC_FIELD_USER | PROC_FIELD_NAME,
                                    PROC_FIELD_PARENT | PROC_FIELD_USER | PROC_FIELD_NAME | PROC_FIELD_SWAP,
                                    PROC_FIELD_PARENT | PROC_FIELD_USER | PROC_FIELD_NAME | PROC_FIELD_TIMES};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = ways[i]));
        const proc_entry *entry = walk_to(walk, pid);
        assert_non_null(entry);
        assert_true(entry->present == ways[i]);
        assert_int_equal(entry->ppid, getpid());
        assert_true(entry->uid == getuid() && entry->euid == geteuid());
        assert_true(entry->gid == getgid() && entry->egid == getegid());
        assert_string_equal(entry->name, own_name());
        proc_walk_free(walk);
    }
    end_process(pid);
}

static void *stay(void *arg)
{
    char byte;
    (void)!read(*(int *)arg, &byte, 1);
    return NULL;
}

static void threads_are_walked_on_request(void **state)
{
    (void)state;
    int ends[2], count = 0, leaders = 0;
    pthread_t threads[3];
    const proc_entry *entry;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, stay, &ends[0]), 0);
    proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = PROC_FIELD_NAME | PROC_FIELD_THREADS | PROC_FIELD_PARENT,
                                                  .flags = PROC_WALK_THREADS));
    while (proc_walk_next(walk, &entry) == 1) {
        if (entry->pid != getpid())
            continue;
        count++;
        leaders += entry->tid == entry->pid;
        assert_string_equal(entry->name, own_name());
        assert_int_equal(entry->ppid, getppid());
        assert_true(entry->threads >= 4);
    }
    proc_walk_free(walk);
    close(ends[1]);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    close(ends[0]);
    assert_int_equal(leaders, 1);
    assert_true(count >= 4); /* a sanitizer may have one of its own */
}

static int has_another_user(void *arg)
{
    int pid = sleeper_named("somebody"), other = sleeper(), last = 0, ends[2];
    char byte;
    (void)arg;
    require(pipe2(ends, O_CLOEXEC) == 0);
    int foreign = fork_bound();
    if (foreign == 0) {
        if (setresuid(4321, 4321, 4321) < 0)
            _exit(1);
        close(ends[0]);
        close(ends[1]);
        live_on();
    }
    close(ends[1]);
    require(read(ends[0], &byte, 1) == 0);
    const uint32_t uid = 4321;
    require(count_by(PROC_WALK_OPTIONS(.uid = &uid, .parent = getpid()), &last) == 1 && last == foreign);
    require(count_by(PROC_WALK_OPTIONS(.uid = &uid, .fields = PROC_FIELD_SWAP, .parent = getpid()), &last) == 1);
    require(count_by(PROC_WALK_OPTIONS(.parent = getpid()), &last) == 3);
    require(count_by(PROC_WALK_OPTIONS(.parent = getpid(), .name = "somebody"), &last) == 1 && last == pid);
    require(count_by(PROC_WALK_OPTIONS(.parent = getpid(), .name = "somebod"), &last) == 0);
    require(count_by(PROC_WALK_OPTIONS(.parent = getpid(), .cgroup = "/"), &last) >= 0);
    require(count_by(PROC_WALK_OPTIONS(.parent = getpid(), .cgroup = "/no/such group"), &last) == 0);
    require(count_by(PROC_WALK_OPTIONS(.parent = getpid(), .flags = PROC_WALK_NO_KERNEL), &last) == 3);
    require(count_by(PROC_WALK_OPTIONS(.parent = pid), &last) == 0);
    end_process(pid);
    end_process(other);
    end_process(foreign);
    return 0;
}

static void filters_leave_out_all_others(void **state)
{
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("needs root to become another user");
    assert_in_fork(has_another_user, NULL);
}

static void kernel_threads_are_left_out_on_request(void **state)
{
    (void)state;
    const proc_entry *entry;
    int kernel = 0, users = 0, last;
    proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = PROC_FIELD_KTHREAD | PROC_FIELD_RSS | PROC_FIELD_CMDLINE));
    while (proc_walk_next(walk, &entry) == 1) {
        kernel += entry->kthread == 1;
        users += entry->kthread == 0;
        if (entry->kthread == 1)
            assert_true((entry->present & PROC_FIELD_RSS) && entry->rss_kb == 0 && entry->cmdline.len == 0);
    }
    proc_walk_free(walk);
    int left = count_by(PROC_WALK_OPTIONS(.flags = PROC_WALK_NO_KERNEL), &last);
    assert_true(users > 0 && left > 0);
    if (kernel == 0)
        SKIP_TEST("no thread of the kernel to be seen here");
}

static void a_process_named_like_a_key_or_a_line_fools_no_field(void **state)
{
    (void)state;
    static const char *const names[] = {"Uid:\t0\t0\t0", "x) Z 1 1 1 1 1", "\nPPid:\t1\n", "(((", ")))", "\x1b[31m"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int pid = sleeper_named(names[i]);
        char kept[16] = "";
        strncpy(kept, names[i], 15);
        proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = EVERYTHING));
        const proc_entry *entry = walk_to(walk, pid);
        assert_non_null(entry);
        assert_string_equal(entry->name, kept);
        assert_int_equal(entry->ppid, getpid());
        assert_int_equal(entry->uid, getuid());
        assert_true(entry->state == 'S' || entry->state == 'R');
        proc_walk_free(walk);
        int last, count = count_by(PROC_WALK_OPTIONS(.name = kept), &last);
        assert_true(count >= 1);
        end_process(pid);
    }
}

static void a_zombie_is_walked_like_any_other(void **state)
{
    (void)state;
    int pid = zombie(0);
    proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = EVERYTHING));
    const proc_entry *entry = walk_to(walk, pid);
    assert_non_null(entry);
    assert_int_equal(entry->state, 'Z');
    assert_int_equal(entry->ppid, getpid());
    assert_true(entry->rss_kb == 0 && entry->cmdline.len == 0);
    proc_walk_free(walk);
    waitpid(pid, NULL, 0);
}

/* ---- A tree of files ---- */

static const char stat_text[] = " (tree) S 1 10 10 0 -1 4194304 1 0 0 0 5 6 0 0 20 0 1 0 4321 8192000 100 "
                                "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

static void plant(const char *tree, int pid, const char *file, const char *text)
{
    char name[64];
    snprintf(name, sizeof name, "%d", pid);
    char *dir = path_in(tree, name);
    mkdir(dir, 0755);
    if (file) {
        char *path = path_in(dir, file);
        file_write(path, text);
        free(path);
    }
    free(dir);
}

static void plant_stat(const char *tree, int pid)
{
    char text[512];
    snprintf(text, sizeof text, "%d%s", pid, stat_text);
    plant(tree, pid, "stat", text);
}

static void one_that_vanishes_on_the_way_is_left_out(void **state)
{
    (void)state;
    char *tree = directory_make();
    const proc_entry *entry;
    int seen[4] = {0}, count = 0, rc;
    plant_stat(tree, 10);
    plant(tree, 11, NULL, NULL); /* gone before its stat is opened */
    plant_stat(tree, 12);
    plant(tree, 13, "stat", ""); /* gone, as some emulations have it */
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const uint64_t fields[] = {PROC_FIELD_NAME | PROC_FIELD_STATE, PROC_FIELD_STATE | PROC_FIELD_CGROUP};
    for (size_t i = 0; i < 2; i++) {
        proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = fields[i], .root_fd = &root));
        for (count = 0; (rc = proc_walk_next(walk, &entry)) == 1; count++) {
            assert_true(entry->pid == 10 || entry->pid == 12);
            assert_true(entry->present == (fields[i] & ~PROC_FIELD_CGROUP));
            assert_int_equal(entry->state, 'S');
            seen[entry->pid - 10]++;
        }
        assert_rc(rc, 0);
        assert_int_equal(count, 2);
        proc_walk_free(walk);
    }
    assert_true(seen[0] == 2 && seen[2] == 2);
    close(root);
    directory_remove(tree);
}

/* Kernels from 6.13 on deny by a pidfd that one exists whose parent is outside the pid namespace, kthreadd among them. */
static void one_that_a_pidfd_does_not_tell_of_is_found_all_the_same(void **state)
{
    (void)state;
    int last = 0, pid = sleeper();
    const proc_walk_options children = {.size = sizeof children, .parent = getpid(), .fields = PROC_FIELD_USER};
    assert_int_equal(count_by(&children, &last), 1);
    told_by_pidfd = 1; /* for the question whether pidfds tell at all */
    assert_int_equal(count_by(&children, &last), 1);
    assert_int_equal(last, pid);
    end_process(pid);
}

/* As an emulation may have it. */
static void a_file_that_is_missing_hides_no_process(void **state)
{
    (void)state;
    char *tree = directory_make();
    const proc_entry *entry;
    plant_stat(tree, 10);
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    static const struct {
        uint64_t asked, told;
    } rows[] = {{PROC_FIELD_NAME, PROC_FIELD_NAME},
                {PROC_FIELD_RSS | PROC_FIELD_VM_SIZE, PROC_FIELD_VM_SIZE},
                {PROC_FIELD_USER | PROC_FIELD_PARENT, PROC_FIELD_PARENT},
                {PROC_FIELD_STATE | PROC_FIELD_SWAP, PROC_FIELD_STATE},
                {PROC_FIELD_NAME | PROC_FIELD_IO, PROC_FIELD_NAME}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = rows[i].asked, .root_fd = &root));
        assert_rc(proc_walk_next(walk, &entry), 1);
        assert_true(entry->present == rows[i].told && entry->denied == 0);
        assert_rc(proc_walk_next(walk, &entry), 0);
        proc_walk_free(walk);
    }
    close(root);
    directory_remove(tree);
}

/* A part of it must not be taken for all. */
static void a_list_that_cannot_be_read_is_no_end(void **state)
{
    (void)state;
    char *tree = directory_make();
    proc_table *table = NULL;
    const proc_entry *entry;
    plant_stat(tree, 10);
    plant_stat(tree, 11);
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const proc_walk_options options = {.size = sizeof options, .fields = PROC_FIELD_STATE, .root_fd = &root};
    proc_walk *walk = walk_over(&options);
    lists_left = 1;
    assert_rc(proc_walk_next(walk, &entry), 1);
    assert_rc(proc_walk_next(walk, &entry), 1);
    assert_rc(proc_walk_next(walk, &entry), -EIO);
    assert_rc(proc_walk_next(walk, &entry), 0);
    proc_walk_free(walk);
    lists_left = 0;
    assert_rc(proc_table_new(&table, &options), -EIO);
    lists_left = -1;
    assert_rc(proc_table_new(&table, &options), 0);
    lists_left = 1;
    assert_rc(proc_table_refresh(table), -EIO);
    assert_int_equal(proc_table_count(table), 0);
    lists_left = -1;
    assert_rc(proc_table_refresh(table), 2);
    proc_table_free(table);
    close(root);
    directory_remove(tree);
}

static int walks_past_what_is_no_file(void *arg)
{
    proc_status status;
    proc_stat stat;
    const char *tree = arg;
    const proc_entry *entry;
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc, found = 0;
    char *fifo = path_in(tree, "12/stat");
    int writer = open(fifo, O_RDWR | O_CLOEXEC);
    free(fifo);
    require(root >= 0 && writer >= 0);
    proc_walk *walk = NULL;
    require_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = PROC_FIELD_STATE, .root_fd = &root)), 0);
    while ((rc = proc_walk_next(walk, &entry)) == 1)
        found += entry->pid == 10 && (entry->present & PROC_FIELD_STATE);
    proc_walk_free(walk);
    require_rc(rc, 0);
    require(found == 1);
    require_rc(proc_stat_read(&(proc_target){.pid = 11, .root_fd = &root}, &stat), -ESRCH);
    for (int pid = 12; pid < 15; pid++)
        require_rc(proc_stat_read(&(proc_target){.pid = pid, .root_fd = &root}, &stat), -EBADF);
    require_rc(proc_status_read(&(proc_target){.pid = 13, .root_fd = &root}, NULL, sizeof status, &status), -ESRCH);
    return 0;
}

/* A tree that somebody else has laid out, a container perhaps, must not hold up who looks into it. */
static void what_is_no_file_holds_up_no_walk(void **state)
{
    (void)state;
    char *tree = directory_make();
    plant_stat(tree, 10);
    for (int pid = 11; pid < 15; pid++)
        plant(tree, pid, NULL, NULL);
    char *paths[] = {path_in(tree, "11/stat"), path_in(tree, "12/stat"), path_in(tree, "13/stat"),
                     path_in(tree, "14/stat")};
    assert_int_equal(mkfifo(paths[0], 0600) | mkfifo(paths[1], 0600) | mkdir(paths[2], 0700) |
                     symlink("stat", paths[3]), 0);
    struct verdict verdict;
    run_in_fork(&verdict, walks_past_what_is_no_file, tree, PATIENCE_MS);
    for (size_t i = 0; i < 4; i++)
        free(paths[i]);
    directory_remove(tree);
    if (verdict.code != 0)
        fail_msg("left with %d: %s", verdict.code, verdict.text);
}

static void a_number_that_does_not_fit_is_not_told(void **state)
{
    (void)state;
    char *tree = directory_make();
    const proc_entry *entry;
    plant(tree, 10, "statm", "18446744073709551615 18446744073709551615 1 1 0 1 0\n");
    plant(tree, 10, "stat", "10 (x) S 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 -1 0 100 0 0 0\n");
    plant(tree, 11, "statm", "9 7 1 1 0 1 0\n");
    plant(tree, 11, "stat", "11 (x) S 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 4294967296 0 100 0 0 0\n");
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    proc_table *table = NULL;
    assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_RSS | PROC_FIELD_VM_SIZE | PROC_FIELD_THREADS,
                                                       .root_fd = &root)), 0);
    entry = proc_table_find(table, 10);
    assert_non_null(entry);
    assert_int_equal(entry->present & (PROC_FIELD_RSS | PROC_FIELD_THREADS), 0);
    entry = proc_table_find(table, 11);
    assert_non_null(entry);
    assert_int_equal(entry->present & (PROC_FIELD_RSS | PROC_FIELD_THREADS), PROC_FIELD_RSS);
    assert_int_equal(entry->rss_kb, 7 * sysconf(_SC_PAGESIZE) / 1024);
    proc_table_free(table);
    close(root);
    directory_remove(tree);
}

/* 0 only where there is no memory, not where nobody tells. */
static void memory_that_is_not_told_is_not_there(void **state)
{
    (void)state;
    char *tree = directory_make();
    const uint64_t fields = PROC_FIELD_RSS | PROC_FIELD_SWAP;
    static const struct {
        const char *status;
        uint64_t told;
    } rows[] = {{"Name:\tx\nState:\tS (sleeping)\nPid:\t10\n", 0},
                {"Name:\tx\nState:\tZ (zombie)\nPid:\t11\n", PROC_FIELD_RSS | PROC_FIELD_SWAP},
                {"Name:\tx\nState:\tI (idle)\nPid:\t12\nSigIgn:\tffffffffffffffff\n", PROC_FIELD_RSS | PROC_FIELD_SWAP},
                {"Name:\tx\nState:\tS (sleeping)\nPid:\t13\nKthread:\t0\n", PROC_FIELD_RSS | PROC_FIELD_SWAP},
                {"Name:\tx\nState:\tS (sleeping)\nPid:\t14\nVmRSS:\t12 kB\n", PROC_FIELD_RSS}};
    const int count = sizeof rows / sizeof rows[0];
    for (int i = 0; i < count; i++) {
        plant_stat(tree, 10 + i);
        plant(tree, 10 + i, "status", rows[i].status);
    }
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    proc_table *table = NULL;
    assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = fields, .root_fd = &root)), 0);
    for (int i = 0; i < count; i++) {
        const proc_entry *entry = proc_table_find(table, 10 + i);
        assert_non_null(entry);
        assert_int_equal(entry->present & fields, rows[i].told);
        assert_int_equal(entry->rss_kb, i == 4 ? 12 : 0);
    }
    proc_table_free(table);
    close(root);
    directory_remove(tree);
}

static void plant_times(const char *tree, int pid, const char *user, const char *system)
{
    char text[256];
    snprintf(text, sizeof text, "%d (x) S 1 1 1 0 -1 0 0 0 0 0 %s %s 0 0 20 0 1 0 100 0 0 0\n", pid, user, system);
    plant(tree, pid, "stat", text);
}

/* Of an emulation that counts wildly. */
static void times_beyond_all_bounds_are_the_most_that_can_be_told(void **state)
{
    (void)state;
    char *tree = directory_make();
    static const char most[] = "18446744073709551615";
    proc_table *table = NULL;
    plant_times(tree, 10, "0", "0");
    plant_times(tree, 11, most, "2"); /* whose sum does not fit */
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_CPU | PROC_FIELD_TIMES, .root_fd = &root)), 0);
    assert_rc(proc_table_sort(table, PROC_FIELD_TIMES, 1), 0);
    assert_int_equal(proc_table_at(table, 0)->pid, 11);
    plant_times(tree, 10, "9223372036854775808", "0");
    assert_rc(proc_table_refresh(table), 2);
    assert_int_equal(proc_table_find(table, 10)->cpu_permille, UINT32_MAX);
    proc_table_free(table);
    close(root);
    directory_remove(tree);
}

static void texts_of_any_form_are_understood(void **state)
{
    (void)state;
    char *tree = directory_make();
    static const char *const cgroups[] = {"0::/v2/here\n", "5:cpu:/v1\n1:name=systemd:/sys\n0::/unified\n",
                                          "3:cpu,cpuacct:/a:b c\n2:memory:/other\n", "nonsense\n", ""};
    static const char *const expected[] = {"/v2/here", "/unified", "/a:b c", NULL, NULL};
    for (int i = 0; i < 5; i++) {
        plant_stat(tree, 10 + i);
        plant(tree, 10 + i, "cgroup", cgroups[i]);
        plant(tree, 10 + i, "io", i == 0 ? "rchar: 1\nwchar: 2\nread_bytes: 4096\nwrite_bytes: 8192\n" : "read_bytes: x\n");
        plant(tree, 10 + i, "smaps_rollup", i == 0 ? "55-7f ---p [rollup]\nRss:   9 kB\nPss:   7 kB\n" : "");
        plant(tree, 10 + i, "cmdline", i == 0 ? "no NUL at its end" : "");
    }
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC), count;
    const proc_entry *entry;
    proc_table *table = NULL;
    assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.root_fd = &root, .fields = PROC_FIELD_CGROUP | PROC_FIELD_IO |
                                                                                   PROC_FIELD_PSS | PROC_FIELD_CMDLINE)), 0);
    assert_int_equal(count = (int)proc_table_count(table), 5);
    for (int i = 0; i < count; i++) {
        entry = proc_table_find(table, 10 + i);
        assert_non_null(entry);
        assert_int_equal(!!(entry->present & PROC_FIELD_CGROUP), expected[i] != NULL);
        if (expected[i])
            assert_string_equal(entry->cgroup, expected[i]);
        assert_int_equal(!!(entry->present & PROC_FIELD_IO), i == 0);
        assert_int_equal(!!(entry->present & PROC_FIELD_PSS), i == 0);
        assert_true(entry->present & PROC_FIELD_CMDLINE);
    }
    entry = proc_table_find(table, 10);
    assert_true(entry->read_bytes == 4096 && entry->written_bytes == 8192 && entry->pss_kb == 7);
    assert_int_equal(entry->cmdline.len, 17);
    assert_memory_equal(entry->cmdline.data, "no NUL at its end", 17);
    proc_table_free(table);
    int last = 0;
    assert_int_equal(count_by(PROC_WALK_OPTIONS(.root_fd = &root, .cgroup = "/v2"), &last), 1);
    assert_int_equal(count_by(PROC_WALK_OPTIONS(.root_fd = &root, .cgroup = "/v2/"), &last), 1);
    assert_int_equal(count_by(PROC_WALK_OPTIONS(.root_fd = &root, .cgroup = "/v"), &last), 0);
    assert_int_equal(count_by(PROC_WALK_OPTIONS(.root_fd = &root, .cgroup = "/"), &last), 3);
    close(root);
    directory_remove(tree);
}

static int sees_only_what_is_allowed(void *arg)
{
    const proc_entry *entry;
    proc_walk *walk = NULL;
    int root = open(arg, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc, count = 0, seen = 0;
    require(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    const uint64_t fields = PROC_FIELD_STATE | PROC_FIELD_IO;
    require_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.root_fd = &root, .fields = fields)), 0);
    while ((rc = proc_walk_next(walk, &entry)) == 1) {
        seen |= 1 << (entry->pid - 10);
        if (entry->pid == 11)
            require(entry->present == 0 && entry->denied == fields);
        else if (entry->pid == 12)
            require(entry->present == PROC_FIELD_STATE && entry->denied == PROC_FIELD_IO);
        else
            require(entry->present == fields && entry->denied == 0);
        count++;
    }
    require_rc(rc, 0);
    require(count == 4 && seen == 15);
    proc_walk_free(walk);
    proc_table *table = NULL;
    require_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.root_fd = &root, .fields = PROC_FIELD_CPU)), 0);
    require(proc_table_find(table, 10)->denied == 0);
    require(proc_table_find(table, 11)->denied & PROC_FIELD_CPU);
    proc_table_free(table);
    int last = 0;
    require(count_by(PROC_WALK_OPTIONS(.root_fd = &root, .name = "tree"), &last) == 3);
    return 0;
}

static void one_that_is_denied_is_told_so_and_ends_no_walk(void **state)
{
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("needs root to become somebody who is denied something");
    char *tree = directory_make();
    chmod(tree, 0755);
    for (int pid = 10; pid < 14; pid++) {
        plant_stat(tree, pid);
        plant(tree, pid, "io", "read_bytes: 1\nwrite_bytes: 2\n");
    }
    char *hidden = path_in(tree, "11"), *io = path_in(tree, "12/io");
    chmod(hidden, 0);
    chmod(io, 0);
    struct verdict verdict;
    run_in_fork(&verdict, sees_only_what_is_allowed, tree, PATIENCE_MS);
    free(hidden);
    free(io);
    directory_remove(tree);
    if (verdict.code != 0)
        fail_msg("left with %d: %s", verdict.code, verdict.text);
}

/* ---- hidepid ---- */

static int walks_a_hidden_proc(void *arg)
{
    const char *options = arg;
    const proc_entry *entry;
    proc_walk *walk = NULL;
    int ours = 0, hidden = 0, rc;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("proc", "/proc", "proc", 0, options) < 0)
        return NOT_POSSIBLE;
    require(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    const uint64_t fields = PROC_FIELD_STATE | PROC_FIELD_TIMES | PROC_FIELD_RSS | PROC_FIELD_CMDLINE;
    require_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = fields)), 0);
    while ((rc = proc_walk_next(walk, &entry)) == 1) {
        ours += entry->pid == getpid() && (entry->present & PROC_FIELD_STATE);
        hidden += entry->denied == fields;
    }
    require_rc(rc, 0);
    proc_walk_free(walk);
    require(ours == 1);
    /* 1 lists what it denies, the others do not. */
    require(strcmp(options, "hidepid=1") == 0 ? hidden > 0 : hidden == 0);
    return 0;
}

static void what_hidepid_hides_ends_no_walk(void **state)
{
    (void)state;
    static const char *const options[] = {"hidepid=1", "hidepid=2", "hidepid=4"};
    if (geteuid() != 0)
        SKIP_TEST("needs root to mount a proc file system");
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct verdict verdict;
        run_in_fork(&verdict, walks_a_hidden_proc, (void *)(uintptr_t)options[i], PATIENCE_MS);
        if (verdict.code == NOT_POSSIBLE)
            SKIP_TEST("no mount of %s here", options[i]);
        if (verdict.code != 0)
            fail_msg("%s: left with %d: %s", options[i], verdict.code, verdict.text);
    }
}

/* ---- Memory and descriptors ---- */

static void nothing_is_allocated_once_a_walk_is_under_way(void **state)
{
    (void)state;
    const proc_entry *entry;
    int pids[20], walked = 0;
    for (int i = 0; i < 20; i++)
        pids[i] = sleeper();
    char *tree = tree_of(pids, 20);
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    proc_walk *walk = walk_over(PROC_WALK_OPTIONS(.fields = EVERYTHING & ~PROC_FIELD_PSS, .root_fd = &root));
    assert_rc(proc_walk_next(walk, &entry), 1);
    int before = allocations;
    while (proc_walk_next(walk, &entry) == 1)
        walked += entry->present == (EVERYTHING & ~PROC_FIELD_PSS);
    assert_int_equal(allocations, before);
    assert_int_equal(walked, 19);
    proc_walk_free(walk);
    close(root);
    directory_remove(tree);
    end_all(pids, 20);
}

static void a_refresh_allocates_nothing_as_long_as_no_more_come(void **state)
{
    (void)state;
    proc_table *table = NULL;
    int pids[20];
    for (int i = 0; i < 20; i++)
        pids[i] = sleeper();
    /* Leaves a spare row: others come and go on this machine. */
    int spare = sleeper();
    const proc_walk_options options = {.size = sizeof options,
                                       .parent = getpid(),
                                       .flags = PROC_WALK_SAMPLE,
                                       .fields = PROC_FIELD_CPU | PROC_FIELD_RSS | PROC_FIELD_CMDLINE | PROC_FIELD_CGROUP};
    assert_rc(proc_table_new(&table, &options), 0);
    end_process(spare);
    assert_rc(proc_table_refresh(table), 20);
    int before = allocations;
    for (int i = 0; i < 3; i++)
        assert_rc(proc_table_refresh(table), 20);
    assert_int_equal(allocations, before);
    end_process(pids[7]);
    assert_rc(proc_table_refresh(table), 19);
    pids[7] = sleeper();
    assert_rc(proc_table_refresh(table), 20);
    assert_int_equal(allocations, before);
    proc_table_free(table);
    end_all(pids, 20);
}

/* Over files of our own, among which nobody comes and goes. */
static void a_sample_costs_one_call_for_each_file(void **state)
{
    (void)state;
    char *tree = directory_make();
    proc_table *table = NULL;
    for (int pid = 10; pid < 40; pid++)
        plant_stat(tree, pid);
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.root_fd = &root, .flags = PROC_WALK_SAMPLE,
                                                       .fields = PROC_FIELD_CPU)), 0);
    for (int i = 0; i < 3; i++) {
        int before = calls;
        assert_rc(proc_table_refresh(table), 30);
        assert_int_equal(calls - before, 30);
    }
    proc_table_free(table);
    close(root);
    directory_remove(tree);
}

static void without_memory_or_descriptors_a_walk_says_so_and_goes_on(void **state)
{
    (void)state;
    const proc_entry *entry;
    proc_walk *walk = NULL;
    proc_table *table = NULL;
    for (int n = 1; n < 4; n++) {
        allocations_left = n;
        int rc = proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = PROC_FIELD_STATE));
        if (rc == 0) {
            rc = proc_walk_next(walk, &entry);
            allocations_left = -1;
            assert_true(rc == 1 || rc == -ENOMEM);
            assert_rc(proc_walk_next(walk, &entry), 1);
            walk = proc_walk_free(walk);
        } else {
            assert_rc(rc, -ENOMEM);
        }
        allocations_left = -1;
        assert_null(walk);
    }
    for (int n = 1; n < 12; n++) {
        allocations_left = n;
        int rc = proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_STATE | PROC_FIELD_CMDLINE));
        allocations_left = -1;
        assert_rc(rc, -ENOMEM);
        assert_null(table);
    }
    walk = walk_over(PROC_WALK_OPTIONS(.fields = PROC_FIELD_STATE | PROC_FIELD_RSS | PROC_FIELD_CMDLINE));
    for (int n = 0; n < 3; n++) {
        opens_left = n;
        assert_rc(proc_walk_next(walk, &entry), -EMFILE);
        opens_left = -1;
    }
    assert_rc(proc_walk_next(walk, &entry), 1);
    walk = proc_walk_free(walk);
    opens_left = 0;
    assert_rc(proc_walk_new(&walk, NULL), -EMFILE);
    assert_rc(proc_table_new(&table, NULL), -EMFILE);
    opens_left = -1;
    assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_STATE)), 0);
    opens_left = 1;
    assert_rc(proc_table_refresh(table), -EMFILE);
    opens_left = -1;
    assert_int_equal(proc_table_count(table), 0);
    assert_null(proc_table_at(table, 0));
    assert_true(proc_table_refresh(table) > 0);
    proc_table_free(table);
}

static int keeps_at_most_half(void *arg)
{
    (void)arg;
    proc_table *table = NULL;
    int pids[20];
    struct rlimit limit;
    for (int i = 0; i < 20; i++)
        pids[i] = sleeper();
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 24;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    require_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.parent = getpid(), .flags = PROC_WALK_SAMPLE,
                                                        .fields = PROC_FIELD_CPU | PROC_FIELD_RSS)), 0);
    require_rc(proc_table_refresh(table), 20);
    require(proc_table_at(table, 0)->present & PROC_FIELD_CPU);
    int open_files = 0;
    for (int fd = 0; fd < 24; fd++)
        open_files += fcntl(fd, F_GETFD) >= 0;
    require(open_files <= 12 + 8);
    for (int i = 0; i < 20; i += 2)
        end_process(pids[i]);
    require_rc(proc_table_refresh(table), 10);
    for (int i = 1; i < 20; i += 2)
        end_process(pids[i]);
    proc_table_free(table);
    return 0;
}

static int samples_with_few_descriptors(void *arg)
{
    proc_table *table = NULL;
    int pids[20];
    const uint32_t flags = *(const uint32_t *)arg;
    struct rlimit limit;
    for (int i = 0; i < 20; i++)
        pids[i] = sleeper();
    /* The hard one stays: valgrind keeps numbers of its own below it. */
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 40;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (fcntl(0, F_DUPFD_CLOEXEC, 3) < 40 - 11)
        ;
    require_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.parent = getpid(), .flags = PROC_WALK_SAMPLE | flags,
                                                        .fields = PROC_FIELD_CPU | PROC_FIELD_RSS)), 0);
    /* Of each process its only thread, and what a sanitizer runs beside. */
    const size_t count = flags & PROC_WALK_THREADS ? 20 * (1 + SANITIZER_THREADS) : 20;
    require(proc_table_count(table) == count);
    for (int i = 0; i < 3; i++) {
        require_rc(proc_table_refresh(table), (int64_t)count);
        for (size_t n = 0; n < count; n++)
            require(proc_table_at(table, n)->present & PROC_FIELD_CPU);
    }
    proc_table_free(table);
    end_all(pids, 20);
    return 0;
}

static void files_are_not_kept_where_descriptors_run_short(void **state)
{
    (void)state;
    uint32_t flags = 0;
    assert_in_fork(samples_with_few_descriptors, &flags);
    flags = PROC_WALK_THREADS;
    assert_in_fork(samples_with_few_descriptors, &flags);
}

static void kept_files_leave_half_of_the_descriptors_to_others(void **state)
{
    (void)state;
    assert_in_fork(keeps_at_most_half, NULL);
}

/* Each of these holds descriptors and memory while it opens and reads. */
static void *looks_around(void *arg)
{
    proc_status status;
    proc_stat stat;
    proc_identity identity;
    int rc;
    pthread_cleanup_push(frames_are_gone, NULL);
    cancel_after = *(const int *)arg;
    (void)proc_status_read(PROC_SELF, NULL, sizeof status, &status);
    (void)proc_stat_read(PROC_SELF, &stat);
    (void)proc_children_list(PROC_SELF, NULL, 0);
    (void)proc_fd_list(PROC_SELF, NULL, 0);
    rc = proc_identity_get(PROC_SELF, &identity);
    cancel_after = -1;
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return rc == 0 ? arg : NULL;
}

/* What a table holds belongs to its caller, who frees it as he leaves. */
static void free_table(void *table)
{
    frames_are_gone(NULL);
    proc_table_free(*(proc_table **)table);
}

static void *samples(void *arg)
{
    proc_table *table = NULL;
    cancel_after = *(const int *)arg;
    pthread_cleanup_push(free_table, &table);
    if (proc_table_new(&table, PROC_WALK_OPTIONS(.parent = getpid(), .flags = PROC_WALK_SAMPLE,
                                                 .fields = PROC_FIELD_CPU | PROC_FIELD_RSS | PROC_FIELD_CMDLINE)) == 0)
        (void)proc_table_refresh(table);
    cancel_after = -1;
    pthread_testcancel();
    pthread_cleanup_pop(1);
    return NULL;
}

/* What is left behind, the suite and the sanitizers see. */
static void a_cancelled_thread_leaves_nothing_behind(void **state)
{
    (void)state;
    void *(*const bodies[])(void *) = {looks_around, samples};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        for (int opens = 0; opens < 12; opens++) {
            pthread_t thread;
            assert_int_equal(pthread_create(&thread, NULL, bodies[i], &opens), 0);
            assert_int_equal(pthread_join(thread, NULL), 0);
        }
    }
}

/* ---- Tables ---- */

static void a_table_is_sorted_by_any_field_and_keeps_the_order_of_equals(void **state)
{
    (void)state;
    proc_table *table = NULL;
    assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = EVERYTHING & ~PROC_FIELD_PSS)), 0);
    size_t count = proc_table_count(table);
    assert_true(count > 1);
    assert_null(proc_table_at(table, count));
    for (uint64_t field = 1; field & EVERYTHING; field <<= 1) {
        if (field == PROC_FIELD_PSS)
            continue;
        for (int descending = 0; descending < 2; descending++) {
            assert_rc(proc_table_sort(table, 0, 0), 0);
            assert_rc(proc_table_sort(table, field, descending), 0);
            for (size_t i = 1; i < count; i++) {
                const proc_entry *a = proc_table_at(table, i - 1), *b = proc_table_at(table, i);
                assert_true((a->present & field) || !(b->present & field));
                if (field == PROC_FIELD_RSS && a->rss_kb != b->rss_kb)
                    assert_true(descending ? a->rss_kb > b->rss_kb : a->rss_kb < b->rss_kb);
                else if (field == PROC_FIELD_NAME && strcmp(a->name, b->name) != 0)
                    assert_true(descending ? strcmp(a->name, b->name) > 0 : strcmp(a->name, b->name) < 0);
                else if (field == PROC_FIELD_RSS || field == PROC_FIELD_NAME)
                    assert_true(a->pid < b->pid);
            }
        }
    }
    assert_rc(proc_table_sort(table, PROC_FIELD_RSS | PROC_FIELD_NAME, 0), -EINVAL);
    assert_rc(proc_table_sort(table, PROC_FIELD_PSS, 0), -EINVAL);
    assert_rc(proc_table_sort(NULL, 0, 0), -EINVAL);
    proc_table_free(table);
}

static void the_tree_shows_who_is_whose_child(void **state)
{
    (void)state;
    proc_table *table = NULL;
    int told[2], pids[2], grandchild = 0;
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    pids[0] = sleeper();
    pids[1] = fork_bound();
    if (pids[1] == 0) {
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        int pid = sleeper();
        (void)!write(told[1], &pid, sizeof pid);
        live_on();
    }
    assert_int_equal(read(told[0], &grandchild, sizeof grandchild), sizeof grandchild);
    close(told[0]);
    close(told[1]);
    assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_PARENT)), 0);
    const proc_entry *us = proc_table_find(table, getpid());
    const proc_entry *first = proc_table_child(table, us), *second = proc_table_sibling(table, first);
    int in_order = pids[0] < pids[1];
    assert_int_equal(first->pid, pids[!in_order]);
    assert_int_equal(second->pid, pids[in_order]);
    assert_null(proc_table_sibling(table, second));
    assert_null(proc_table_child(table, proc_table_find(table, pids[0])));
    assert_int_equal(proc_table_child(table, proc_table_find(table, pids[1]))->pid, grandchild);
    assert_ptr_equal(proc_table_parent(table, first), us);
    assert_rc(proc_table_sort(table, 0, 1), 0);
    assert_int_equal(proc_table_child(table, us)->pid, pids[in_order]);
    /* Every entry hangs under exactly one root. */
    size_t roots = 0, with_parent = 0;
    for (const proc_entry *root = proc_table_child(table, NULL); root; root = proc_table_sibling(table, root))
        roots++;
    for (size_t i = 0; i < proc_table_count(table); i++)
        with_parent += proc_table_parent(table, proc_table_at(table, i)) != NULL;
    assert_int_equal(roots + with_parent, proc_table_count(table));
    proc_table_free(table);
    kill(grandchild, SIGKILL);
    end_all(pids, 2);
}

static void a_younger_process_is_nobodys_parent(void **state)
{
    (void)state;
    char *tree = directory_make(), text[256];
    proc_table *table = NULL;
    static const struct {
        int pid, ppid, start;
    } rows[] = {{10, 0, 100}, {11, 20, 200}, {12, 10, 100}, {20, 10, 300}, {30, 31, 50}, {31, 30, 50}, {40, 40, 50}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "%d (x) S %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0 0\n", rows[i].pid,
                 rows[i].ppid, rows[i].start);
        plant(tree, rows[i].pid, "stat", text);
    }
    int root = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_PARENT, .root_fd = &root)), 0);
    assert_int_equal(proc_table_count(table), 7);
    assert_null(proc_table_parent(table, proc_table_find(table, 11)));
    assert_int_equal(proc_table_parent(table, proc_table_find(table, 12))->pid, 10);
    assert_int_equal(proc_table_parent(table, proc_table_find(table, 20))->pid, 10);
    /* No circle, whatever an emulation says. */
    assert_true(!proc_table_parent(table, proc_table_find(table, 30)) ||
                !proc_table_parent(table, proc_table_find(table, 31)));
    assert_null(proc_table_parent(table, proc_table_find(table, 40)));
    proc_table_free(table);
    close(root);
    directory_remove(tree);
}

_Noreturn static void burn(void)
{
    for (volatile unsigned n = 0;; n++)
        ;
}

static void cpu_shows_from_the_second_sample_on(void **state)
{
    (void)state;
    static const uint32_t flags[] = {0, PROC_WALK_SAMPLE};
    int busy = fork_bound();
    if (busy == 0)
        burn();
    proc_stat stat;
    int idle = sleeper();
    assert_eventually(proc_stat_read(PROC_PID(idle), &stat) == 0 && stat.state == 'S');
    for (size_t i = 0; i < 2; i++) {
        proc_table *table = NULL;
        const proc_entry *entry = NULL;
        assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_CPU, .flags = flags[i])), 0);
        assert_false(proc_table_find(table, busy)->present & PROC_FIELD_CPU);
        assert_eventually(usleep(50000) == 0 && proc_table_refresh(table) > 0 &&
                          (entry = proc_table_find(table, busy)) && entry->cpu_permille > 0);
        assert_true(entry->present & PROC_FIELD_CPU);
        assert_true(entry->cpu_permille < 3000);
        assert_int_equal(proc_table_find(table, idle)->cpu_permille, 0);
        assert_rc(proc_table_sort(table, PROC_FIELD_CPU, 1), 0);
        proc_table_free(table);
    }
    end_process(busy);
    end_process(idle);
}

static int samples_a_recycled_pid(void *arg)
{
    (void)arg;
    static const uint32_t flags[] = {0, PROC_WALK_SAMPLE};
    if (mount_proc() < 0)
        return NOT_POSSIBLE;
    for (size_t i = 0; i < 2; i++) {
        proc_table *table = NULL;
        int pid = sleeper_named("first");
        require_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_CPU | PROC_FIELD_NAME | PROC_FIELD_RSS,
                                                            .flags = flags[i])), 0);
        require_rc(proc_table_refresh(table), 2);
        require(strcmp(proc_table_find(table, pid)->name, "first") == 0);
        require(proc_table_find(table, pid)->present & PROC_FIELD_CPU);
        end_process(pid);
        /* A later tick, so that the two differ by it. */
        usleep(30000);
        choose_next_pid(pid);
        if (sleeper_named("second") != pid)
            return NOT_POSSIBLE;
        require_rc(proc_table_refresh(table), 2);
        require(strcmp(proc_table_find(table, pid)->name, "second") == 0);
        require(!(proc_table_find(table, pid)->present & PROC_FIELD_CPU));
        proc_table_free(table);
        end_process(pid);
    }
    return 0;
}

static void a_recycled_pid_is_a_new_entry(void **state)
{
    (void)state;
    assert_in_pid_namespace(samples_a_recycled_pid);
}

/* ---- Churn ---- */

/* Two hundred processes a second come and go, each with a child that outlives it now and then. */
_Noreturn static void churn(const char *name)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (unsigned n = 0;; n++) {
        if (fork() == 0) {
            prctl(PR_SET_NAME, name, 0, 0, 0);
            if (n % 2 == 0 && fork() == 0)
                usleep(20000);
            usleep(n % 5 * 3000);
            _exit(0);
        }
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        usleep(7500);
    }
}

/* All parents of those that the churn has made are the churn itself or made by it. */
static void check_parents(const proc_table *table, int churning, const char *name, size_t *ret_checked)
{
    for (size_t i = 0; i < proc_table_count(table); i++) {
        const proc_entry *entry = proc_table_at(table, i), *parent = proc_table_parent(table, entry);
        if (!parent)
            continue;
        assert_true(parent->start_ticks <= entry->start_ticks);
        if (strcmp(entry->name, name) == 0) {
            if (parent->pid != churning && strcmp(parent->name, name) != 0 && parent->ppid != churning)
                fail_msg("%d hangs under %d (%s), child of %d", entry->pid, parent->pid, parent->name, parent->ppid);
            (*ret_checked)++;
        }
    }
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void no_walk_ends_while_processes_come_and_go(void **state)
{
    (void)state;
    const char *told = getenv("PROC_TEST_CHURN_SECONDS");
    int64_t until = patience_now() + (told ? atol(told) : 20) * 1000;
    proc_table *table = NULL, *threads = NULL;
    size_t checked = 0;
    char name[16];
    snprintf(name, sizeof name, "churn%d", getpid());
    int churning = fork_bound(), last = 0, descriptors = open_descriptors();
    if (churning == 0)
        churn(name);
    const proc_walk_options options = {.size = sizeof options,
                                       .fields = PROC_FIELD_CPU | PROC_FIELD_PARENT | PROC_FIELD_NAME | PROC_FIELD_RSS,
                                       .flags = PROC_WALK_SAMPLE};
    assert_rc(proc_table_new(&table, &options), 0);
    assert_rc(proc_table_new(&threads, PROC_WALK_OPTIONS(.fields = PROC_FIELD_TIMES, .flags = PROC_WALK_THREADS)), 0);
    /* A loaded machine may not get that far in the time. */
    while (patience_now() < until || (checked == 0 && patience_now() < until + PATIENCE_MS)) {
        assert_true(proc_table_refresh(table) > 1);
        check_parents(table, churning, name, &checked);
        assert_true(proc_table_refresh(threads) > 1);
        assert_true(count_by(PROC_WALK_OPTIONS(.fields = EVERYTHING & ~PROC_FIELD_PSS), &last) > 1);
        assert_true(count_by(PROC_WALK_OPTIONS(.fields = PROC_FIELD_USER), &last) > 1);
        assert_non_null(proc_table_find(table, getpid()));
        usleep(2000);
    }
    proc_table_free(table);
    proc_table_free(threads);
    end_process(churning);
    assert_int_equal(open_descriptors(), descriptors);
    assert_true(checked > 0);
}

/* ---- Questions that make no sense ---- */

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    proc_walk *walk = NULL;
    proc_table *table = NULL;
    const proc_entry *entry = NULL;
    struct {
        proc_walk_options known;
        uint64_t later;
    } newer = {{.size = sizeof newer}, 0};
    int closed = 1000, file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = ALL_FIELDS + 1)), -EINVAL);
    assert_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.flags = 0x80)), -EINVAL);
    assert_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.parent = -1)), -EINVAL);
    assert_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = PROC_FIELD_CPU)), -EINVAL);
    assert_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.flags = PROC_WALK_SAMPLE)), -EINVAL);
    assert_rc(proc_walk_new(&walk, &(const proc_walk_options){.size = 0}), -EINVAL);
    assert_rc(proc_walk_new(NULL, NULL), -EINVAL);
    assert_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.root_fd = &closed)), -EBADF);
    assert_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.root_fd = &file)), -ENOTDIR);
    assert_null(walk);
    assert_rc(proc_table_new(NULL, NULL), -EINVAL);
    assert_rc(proc_table_new(&table, PROC_WALK_OPTIONS(.root_fd = &closed)), -EBADF);
    assert_null(table);
    newer.later = 1;
    assert_rc(proc_walk_new(&walk, &newer.known), -E2BIG);
    newer.later = 0;
    assert_rc(proc_walk_new(&walk, &newer.known), 0);
    assert_rc(proc_walk_next(walk, NULL), -EINVAL);
    assert_rc(proc_walk_next(NULL, &entry), -EINVAL);
    walk = proc_walk_free(walk);
    const proc_walk_options older = {.size = offsetof(proc_walk_options, flags), .fields = PROC_FIELD_NAME, .flags = 0x80};
    assert_rc(proc_walk_new(&walk, &older), 0);
    walk = proc_walk_free(walk);
    assert_null(proc_walk_free(NULL));
    assert_null(proc_table_free(NULL));
    assert_rc(proc_table_refresh(NULL), -EINVAL);
    assert_int_equal(proc_table_count(NULL), 0);
    assert_true(!proc_table_at(NULL, 0) && !proc_table_find(NULL, 1) && !proc_table_child(NULL, NULL));
    assert_true(!proc_table_sibling(NULL, NULL) && !proc_table_parent(NULL, NULL));
    close(file);
}

#define TEST(name) cmocka_unit_test_teardown(name, all_is_back)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_cheapest_files_are_chosen),
        TEST(every_field_has_its_cost),
        TEST(a_walk_makes_no_call_that_it_does_not_need),
        TEST(a_walk_by_pidfds_makes_three_calls),
        TEST(a_walk_finds_us_and_our_children_in_order),
        TEST(every_field_is_as_other_sources_tell_it),
        TEST(every_way_to_a_field_tells_the_same),
        TEST(threads_are_walked_on_request),
        TEST(filters_leave_out_all_others),
        TEST(kernel_threads_are_left_out_on_request),
        TEST(a_process_named_like_a_key_or_a_line_fools_no_field),
        TEST(a_zombie_is_walked_like_any_other),
        TEST(one_that_vanishes_on_the_way_is_left_out),
        TEST(one_that_a_pidfd_does_not_tell_of_is_found_all_the_same),
        TEST(a_file_that_is_missing_hides_no_process),
        TEST(a_list_that_cannot_be_read_is_no_end),
        TEST(what_is_no_file_holds_up_no_walk),
        TEST(a_number_that_does_not_fit_is_not_told),
        TEST(memory_that_is_not_told_is_not_there),
        TEST(times_beyond_all_bounds_are_the_most_that_can_be_told),
        TEST(texts_of_any_form_are_understood),
        TEST(one_that_is_denied_is_told_so_and_ends_no_walk),
        TEST(what_hidepid_hides_ends_no_walk),
        TEST(nothing_is_allocated_once_a_walk_is_under_way),
        TEST(a_refresh_allocates_nothing_as_long_as_no_more_come),
        TEST(a_sample_costs_one_call_for_each_file),
        TEST(without_memory_or_descriptors_a_walk_says_so_and_goes_on),
        TEST(files_are_not_kept_where_descriptors_run_short),
        TEST(kept_files_leave_half_of_the_descriptors_to_others),
        TEST(a_cancelled_thread_leaves_nothing_behind),
        TEST(a_table_is_sorted_by_any_field_and_keeps_the_order_of_equals),
        TEST(the_tree_shows_who_is_whose_child),
        TEST(a_younger_process_is_nobodys_parent),
        TEST(cpu_shows_from_the_second_sample_on),
        TEST(a_recycled_pid_is_a_new_entry),
        TEST(no_walk_ends_while_processes_come_and_go),
        TEST(options_that_make_no_sense_are_refused),
    };
    return run_suite("walk", tests, sizeof tests / sizeof tests[0], argc, argv);
}
