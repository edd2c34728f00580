/* SPDX-License-Identifier: MIT */
/*
 * The two ways to make a process: in our memory and in a copy of it. That both are what they say, tell the same, leave
 * nothing, fit on their stack, and what they cost us.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/clone.h"
#include "base/fd.h"
#include "base/probe.h"
#include "base/sigmask.h"
#include "child/plan.h"
#include "isolation/limits.h"
#include "isolation/scheduling.h"

/* The memories that can be used in this build and place. */
static const enum memory *memories(void)
{
    static const enum memory both[] = {MEMORY_SHARED, MEMORY_COPIED, (enum memory) - 1},
                             copied[] = {MEMORY_COPIED, (enum memory) - 1},
                             emulated[] = {MEMORY_EMULATED, (enum memory) - 1};
    int memory = proc__probe_memory();
    return memory == MEMORY_SHARED ? both : memory == MEMORY_COPIED ? copied : emulated;
}

#define FOR_EACH_MEMORY(memory) for (const enum memory *memory = memories(); *memory != (enum memory) - 1; memory++)

/* ---- Clone ---- */

static void leave_mark(void *arg, int born)
{
    *(volatile int *)arg = 1 + born;
    for (;;)
        proc__syscall(SYS_exit_group, 5, 0, 0, 0, 0, 0);
}

static int clone_one(enum memory memory, void *arg, int *ret_pidfd)
{
    struct sigmask before;
    assert_rc(proc__sigmask_block_all(&before), 0);
    int pid = proc__clone(leave_mark, arg, memory, -1, ret_pidfd);
    assert_rc(proc__sigmask_set(&before), 0);
    return pid;
}

static void memory_is_shared_or_copied_as_asked(void **state)
{
    (void)state;
    FOR_EACH_MEMORY(memory)
    {
        volatile int mark = 0;
        int pidfd = -1, status = 0;
        int pid = clone_one(*memory, (void *)(uintptr_t)&mark, &pidfd);
        assert_true(pid > 0 && pidfd > 2);
        assert_int_equal(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(waitpid(pid, &status, __WALL), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 5);
        assert_true((mark != 0) == (*memory == MEMORY_SHARED));
        proc__fd_close(&pidfd);
    }
}

static volatile sig_atomic_t child_signals;

static void count_child_signal(int number)
{
    (void)number;
    child_signals = child_signals + 1;
}

static int a_clone_tells_nobody(void *arg)
{
    (void)arg;
    int pidfd = -1;
    volatile int mark = 0;
    struct sigmask before;
    signal(SIGCHLD, count_child_signal);
    require(proc__sigmask_block_all(&before) == 0);
    int pid = proc__clone(leave_mark, (void *)(uintptr_t)&mark, (enum memory)proc__probe_memory(), -1, &pidfd);
    require(proc__sigmask_set(&before) == 0);
    require(waitpid(pid, NULL, 0) < 0 && errno == ECHILD); /* an ordinary wait does not see it */
    require(waitpid(pid, NULL, __WALL) == pid);
    require(child_signals == 0);
    return 0;
}

static void a_process_that_does_not_exec_is_seen_by_nobody(void **state)
{
    (void)state;
    assert_in_fork(a_clone_tells_nobody, NULL);
}

/* ---- Probes ---- */

static void the_probe_agrees_with_what_the_library_says(void **state)
{
    (void)state;
    int memory = proc__probe_memory();
    assert_int_equal(proc_has(PROC_FEATURE_FAST_SPAWN), memory == MEMORY_SHARED);
    assert_int_equal(proc__probe_memory(), memory);
    assert_int_equal(proc__probe_exit_info(), proc_has(PROC_FEATURE_EXIT_INFO));
}

static int probes_without_waitid(void *arg)
{
    (void)arg;
    require(deny_call(SYS_waitid, ENOSYS) == 0);
    for (int i = 0; i < 3; i++)
        require_rc(proc__probe_exit_info(), -ENOSYS);
    require(waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD);
    return 0;
}

static void a_probe_leaves_no_process_where_pidfds_cannot_be_waited_for(void **state)
{
    (void)state;
    assert_in_fork(probes_without_waitid, NULL);
}

/* ---- The same plan in each memory ---- */

static struct plan plan_for(const char *const *argv)
{
    static const char *const no_env[] = {NULL};
    return (struct plan){.paths = argv, .argv = argv, .env = no_env, .join_group = -1, .cwd_fd = -1, .umask = -1,
                         .program_fd = -1, .program_number = -1, .searched = 0};
}

static void a_start_works_in_each_memory(void **state)
{
    static const char *argv[] = {"/bin/sh", NULL};
    (void)state;
    FOR_EACH_MEMORY(memory)
    {
        struct plan plan = plan_for(argv);
        struct fd_move moves[] = {{.number = 0, .source = open("/dev/null", O_RDONLY | O_CLOEXEC)}};
        struct report report;
        int pid = 0, pidfd = -1, status = 0;
        plan.moves = moves;
        plan.move_count = 1;
        assert_rc(proc__start(&plan, *memory, &pid, &pidfd, &report), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        proc__fd_close(&pidfd);
        close(moves[0].source);
    }
}

static void a_failure_reads_the_same_from_each_memory(void **state)
{
    static const char *argv[] = {"/nope/program", NULL};
    (void)state;
    FOR_EACH_MEMORY(memory)
    {
        struct plan plan = plan_for(argv);
        struct report report;
        int pid = 77, pidfd = 77;
        assert_rc(proc__start(&plan, *memory, &pid, &pidfd, &report), -ENOENT);
        assert_true(report.step == PROC_STEP_EXEC && report.code == ENOENT && report.index == PATH_NOT_THERE);
        plan.cwd = "/nope";
        assert_rc(proc__start(&plan, *memory, &pid, &pidfd, &report), -ENOENT);
        assert_true(report.step == PROC_STEP_CWD && report.code == ENOENT && report.index == -1);
        assert_true(pid == 77 && pidfd == 77);
    }
}

static void a_copied_start_succeeds_time_and_again(void **state)
{
    const uint32_t uid = geteuid(), gid = getegid();
    proc_child *child;
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_rc(proc_spawn(&child, CHILD_DOES("exit", "2"),
                             PROC_OPTIONS(.ids = PROC_IDS(.uid = &uid, .gid = &gid, .keep_groups = 1))),
                  0);
        assert_ends(child, PROC_EXITED, 2);
        proc_child_free(child);
    }
}

/* ---- The stack ---- */

#define STACK_SIZE (256 * 1024)
#define PAINT 0xa5
/* Half of what proc__clone() gives; sanitizers need more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__has_feature)
#define STACK_MOST (6 * 1024)
#else
#define STACK_MOST (4 * 1024)
#endif

static int run_plan(void *arg)
{
    int report_fd = -1;
    proc__child_side(arg, 0, &report_fd);
    _exit(0);
}

/* The plan that goes deepest: moves to lift, all signals, everything else to close, a program that is not there. */
static size_t stack_used(void)
{
    static const char *argv[] = {"/nope/program", NULL};
    struct fd_move moves[] = {{.number = 3, .source = 1, .lift = 1}, {.number = 4, .source = 0, .lift = 1}};
    const struct limits limits = {.rlimits = PROC_RLIMITS({RLIMIT_CORE, 0, 0, 0}), .cgroup = NO_CGROUP,
                                  .oom_score = "1000", .oom_score_len = 4};
    const struct scheduling scheduling = {.asked = {.nice = PROC_INT(19), .policy = PROC_INT(SCHED_BATCH)}};
    struct plan plan = plan_for(argv);
    plan.moves = moves;
    plan.move_count = 2;
    plan.cwd = "/";
    plan.umask = 022;
    plan.ignore = PROC_SIGNAL(SIGUSR1);
    plan.reset = PROC_SIGNAL(SIGPIPE);
    plan.limits = &limits;
    plan.scheduling = &scheduling;
    unsigned char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(stack != MAP_FAILED);
    memset(stack, PAINT, STACK_SIZE);
    int pid = clone(run_plan, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
    require(pid > 0 && waitpid(pid, NULL, 0) == pid);
    size_t free_bytes = 0;
    while (free_bytes < STACK_SIZE && stack[free_bytes] == PAINT)
        free_bytes++;
    return STACK_SIZE - free_bytes;
}

static int fits(void *arg)
{
    require(*(const int *)arg == 0 || deny_call(SYS_close_range, ENOSYS) == 0);
    size_t used = stack_used();
    if (used < 100 || used > STACK_MOST)
        complain("the child side uses %zu bytes of stack, not up to %d", used, STACK_MOST);
    return 0;
}

static void the_child_side_fits_on_its_stack(void **state)
{
    (void)state;
    if (proc__probe_memory() != MEMORY_SHARED)
        SKIP_TEST("memory is not shared here");
    for (int fallback = 0; fallback <= 1; fallback++)
        assert_in_fork(fits, &fallback);
}

/* ---- What a start costs us ---- */

#define PAGES 4096

/* How many pages the kernel has to give us, or to make ours again, when all are written. */
static long faults_of_writing(volatile char *memory, size_t page)
{
    struct rusage before, after;
    getrusage(RUSAGE_THREAD, &before);
    for (size_t i = 0; i < PAGES; i++)
        memory[i * page] = (char)i;
    getrusage(RUSAGE_THREAD, &after);
    return after.ru_minflt - before.ru_minflt;
}

/* So it takes no longer from a large program than from a small one, and needs no memory that is not there. */
static void a_start_in_our_memory_copies_no_page_of_it(void **state)
{
    (void)state;
    if (proc__probe_memory() != MEMORY_SHARED)
        SKIP_TEST("memory is not shared here");
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    madvise(memory, PAGES * page, MADV_NOHUGEPAGE);
    faults_of_writing(memory, page);
    proc_child *child = start(CHILD_DOES("exit", "0"), PROC_OPTIONS(.in = PROC_PIPE, .cwd = "/"));
    long shared = faults_of_writing(memory, page);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    child = start(CHILD_DOES("exit", "0"), PROC_OPTIONS(.ids = same_ids()));
    long copied = faults_of_writing(memory, page);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    munmap(memory, PAGES * page);
    assert_true(shared < PAGES / 10);
    assert_true(copied > PAGES / 2); /* or this would show nothing */
}

static int do_nothing(void *user)
{
    (void)user;
    return 0;
}

static long count_mappings(void)
{
    char *text = file_read("/proc/self/maps");
    long count = 0;
    for (const char *at = text; at && (at = strchr(at, '\n')); at++)
        count++;
    free(text);
    return count;
}

/* In our memory, in a copy, with a hook, with a thread behind it. */
static void start_in_all_ways(int times)
{
    const proc_hook *hook = PROC_HOOK(do_nothing, NULL);
    const proc_options kinds[] = {
        {.size = sizeof kinds[0]},
        {.size = sizeof kinds[0], .ids = same_ids()},
        {.size = sizeof kinds[0], .hook = hook},
        {.size = sizeof kinds[0], .flags = PROC_DIE_WITH_PARENT},
    };
    for (int i = 0; i < times * 4; i++) {
        proc_child *child = start(CHILD_DOES("exit", "3"), &kinds[i % 4]);
        assert_ends(child, PROC_EXITED, 3);
        proc_child_free(child);
    }
}

static void starts_of_every_kind_leave_no_mapping(void **state)
{
    enum { TIMES = 25 };
    (void)state;
    if (SANITIZER_THREADS)
        SKIP_TEST("the thread sanitizer keeps mappings of threads that have ended");
    start_in_all_ways(3); /* libc keeps the stacks of some threads */
    long before = count_mappings();
    start_in_all_ways(TIMES);
    long after = count_mappings();
    if (after >= before + TIMES / 2)
        fail_msg("%ld mappings have become %ld", before, after);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(memory_is_shared_or_copied_as_asked),
        spawning_test(a_process_that_does_not_exec_is_seen_by_nobody),
        spawning_test(the_probe_agrees_with_what_the_library_says),
        machine_test(a_probe_leaves_no_process_where_pidfds_cannot_be_waited_for),
        spawning_test(a_start_works_in_each_memory),
        spawning_test(a_failure_reads_the_same_from_each_memory),
        spawning_test(a_copied_start_succeeds_time_and_again),
        spawning_test(the_child_side_fits_on_its_stack),
        machine_test(a_start_in_our_memory_copies_no_page_of_it),
        spawning_test(starts_of_every_kind_leave_no_mapping),
    };
    return run_suite("engine", tests, sizeof tests / sizeof tests[0], argc, argv);
}
