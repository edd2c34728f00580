/* SPDX-License-Identifier: MIT */
/* PROC_DIE_WITH_PARENT: who the child dies with, and who not; and that the thread behind it comes and goes unnoticed. */
#define _GNU_SOURCE 1
#include "started.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "child/plan.h"
#include "places.h"

#define BOUND .flags = PROC_DIE_WITH_PARENT

static int count_threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks)
        return -1;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* ---- A program that has such a child, and ends ---- */

struct program {
    const proc_options *options;
    void (*end)(struct program *program);
    /* The child holds both for as long as it lives; one tells the program, the other the test. */
    int word[2], line[2];
};

static int start_and_end(void *arg)
{
    struct program *program = arg;
    proc_options options = *program->options;
    proc_child *child;
    char word[16];
    require(pipe2(program->word, O_CLOEXEC) == 0);
    options.out = PROC_FD(program->word[1]);
    options.fds = PROC_FDS({3, PROC_FD(program->line[1])});
    require_rc(proc_spawn(&child, CHILD_DOES("ready"), &options), 0);
    close(program->word[1]);
    require(read(program->word[0], word, sizeof word) > 0);
    if (options.flags & PROC_DETACH)
        proc_child_free(child);
    program->end(program);
    return 0;
}

/* 1: nobody holds its other end any more. */
static int is_let_go(int line)
{
    struct pollfd end = {.fd = line, .events = POLLIN};
    return poll(&end, 1, PATIENCE_MS) == 1 && (end.revents & POLLHUP) != 0;
}

#define assert_child_goes(end_of_program, given) check_child_goes((end_of_program), (given), __FILE__, __LINE__)
static void check_child_goes(void (*end)(struct program *), const proc_options *options, const char *file, int line)
{
    struct program program = {.options = options, .end = end};
    struct verdict verdict;
    assert_int_equal(pipe2(program.line, O_CLOEXEC), 0);
    run_in_fork(&verdict, start_and_end, &program, PATIENCE_MS);
    close(program.line[1]);
    int went = is_let_go(program.line[0]);
    close(program.line[0]);
    if (verdict.timed_out || verdict.text[0] || !went)
        print_error("%s%s\n", verdict.timed_out ? "the program does not end " : verdict.text,
                    went ? "" : "the child lives on");
    if (verdict.timed_out || verdict.text[0] || !went)
        _fail(file, line);
}

static void by_a_kill(struct program *program)
{
    (void)program;
    kill(getpid(), SIGKILL);
}

static void by_returning(struct program *program)
{
    (void)program;
}

/* The new program waits for the child to go. */
static void by_exec(struct program *program)
{
    require(dup2(program->word[0], STDIN_FILENO) == STDIN_FILENO);
    execl("/bin/cat", "cat", (char *)NULL);
    complain("exec: %s", strerror(errno));
}

static void *exec_here(void *program)
{
    by_exec(program);
    return NULL;
}

static void by_exec_in_another_thread(struct program *program)
{
    pthread_t thread;
    require(pthread_create(&thread, NULL, exec_here, program) == 0);
    pthread_join(thread, NULL);
}

static void the_child_goes_with_the_program_however_it_ends(void **state)
{
    (void)state;
    assert_child_goes(by_a_kill, PROC_OPTIONS(BOUND));
    assert_child_goes(by_returning, PROC_OPTIONS(BOUND));
}

static void a_detached_child_goes_with_the_program_too(void **state)
{
    (void)state;
    assert_child_goes(by_returning, PROC_OPTIONS(.flags = PROC_DIE_WITH_PARENT | PROC_DETACH));
}

static void a_child_of_another_user_goes_too(void **state)
{
    (void)state;
    assert_child_goes(by_returning,
                      PROC_OPTIONS(BOUND, .ids = PROC_IDS(.uid = PROC_UID(65534), .gid = PROC_GID(65534))));
}

static void a_program_that_becomes_another_one_counts_as_ended(void **state)
{
    (void)state;
    assert_child_goes(by_exec, PROC_OPTIONS(BOUND));
    assert_child_goes(by_exec_in_another_thread, PROC_OPTIONS(BOUND));
}

/* ---- In namespaces, where it cannot see its parent ---- */

static void a_child_with_pids_of_its_own_goes_too(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER | PROC_NS_PID);
    assert_child_goes(by_a_kill, PROC_OPTIONS(BOUND, .namespaces = PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_PID)));
    assert_child_goes(by_a_kill, PROC_OPTIONS(BOUND, .namespaces = PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_PID,
                                                                                   .flags = PROC_NS_AS_ROOT)));
    assert_child_goes(by_exec_in_another_thread,
                      PROC_OPTIONS(BOUND, .namespaces = PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_PID)));
}

static void a_child_that_another_process_bears_goes_too(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER | PROC_NS_PID | PROC_NS_TIME);
    assert_child_goes(by_a_kill, PROC_OPTIONS(BOUND, .namespaces = PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_TIME)));
    assert_child_goes(by_a_kill, PROC_OPTIONS(BOUND, .namespaces = PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_PID |
                                                                                             PROC_NS_TIME)));
}

static void a_child_that_joins_pids_goes_too(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER | PROC_NS_PID);
    const proc_namespaces *own = PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_PID);
    proc_child *first = start(CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_PIPE, .namespaces = own));
    assert_string_equal(said(first), "ready");
    const proc_ns_join *join = PROC_NS_JOIN({.which = PROC_NS_USER | PROC_NS_PID, .pid = proc_child_pid(first)});
    /* Until the one that joined has been reaped, the first cannot end. */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_child_goes(by_a_kill, PROC_OPTIONS(BOUND, .namespaces = PROC_NAMESPACES(.join = join)));
    assert_true(waitpid(-1, NULL, 0) > 0);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    proc_child_free(first);
}

/* ---- With a hook ---- */

#define DEEP_BYTES ((size_t)1 << 20)

/* As a function may that runs on a stack like any other. */
static int go_deep(void *unused)
{
    volatile char deep[DEEP_BYTES];
    (void)unused;
    for (size_t i = 0; i < sizeof deep; i += 1024)
        deep[i] = 1;
    return deep[0] - 1;
}

static void a_hook_has_a_stack_as_ever(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("exit", "3"), PROC_OPTIONS(BOUND, .hook = PROC_HOOK(go_deep, NULL)));
    assert_ends(child, PROC_EXITED, 3);
    proc_child_free(child);
    assert_child_goes(by_a_kill, PROC_OPTIONS(BOUND, .hook = PROC_HOOK(go_deep, NULL)));
}

/* ---- The thread that asks for it ---- */

static void *start_bound(void *ret_child)
{
    *(proc_child **)ret_child = start(CHILD_DOES("ready"), PROC_OPTIONS(BOUND, .out = PROC_PIPE));
    return NULL;
}

static void the_child_outlives_the_thread_that_started_it(void **state)
{
    proc_child *child;
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, start_bound, &child), 0);
    pthread_join(thread, NULL);
    assert_string_equal(said(child), "ready");
    /* Were it killed with its thread, it would have been so before the join. */
    assert_rc(proc_wait(child, 50, NULL), -ETIMEDOUT);
    assert_rc(proc_kill(child, SIGTERM, PROC_ONE), 0);
    assert_ends(child, PROC_SIGNALED, SIGTERM);
    proc_child_free(child);
}

struct place {
    cpu_set_t cpus;
    int nice;
};

static void *see_the_childs_place(void *arg)
{
    struct place *place = arg;
    cpu_set_t all, one;
    sched_getaffinity(0, sizeof all, &all);
    int cpu = 0;
    while (!CPU_ISSET((size_t)cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 7);
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(BOUND, .out = PROC_PIPE));
    sched_getaffinity(proc_child_pid(child), sizeof place->cpus, &place->cpus);
    place->nice = getpriority(PRIO_PROCESS, (id_t)proc_child_pid(child));
    proc_child_free(child);
    return NULL;
}

static void the_child_has_the_place_of_the_thread_that_asked(void **state)
{
    struct place place;
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, see_the_childs_place, &place), 0);
    pthread_join(thread, NULL);
    assert_int_equal(CPU_COUNT(&place.cpus), 1);
    assert_int_equal(place.nice, 7);
}

/* ---- The thread behind it ---- */

static void its_thread_is_gone_with_the_handle(void **state)
{
    (void)state;
    int before = count_threads();
    for (int i = 0; i < 20; i++) {
        proc_child *child = start(CHILD_DOES("exit", "3"), PROC_OPTIONS(BOUND));
        if (i % 2)
            assert_ends(child, PROC_EXITED, 3);
        proc_child_free(child);
        assert_eventually(count_threads() == before); /* who has joined it may be before the kernel */
    }
}

static void a_run_may_die_with_us_too(void **state)
{
    proc_result result;
    (void)state;
    int before = count_threads();
    assert_rc(proc_run(&result, CHILD_DOES("exit", "4"), PROC_OPTIONS(BOUND)), 0);
    assert_int_equal(result.exit.code, 4);
    proc_result_done(&result);
    assert_eventually(count_threads() == before);
}

static void a_start_that_fails_leaves_no_thread(void **state)
{
    (void)state;
    int before = count_threads();
    assert_fails(PROC_ARGV("/nope/program"), PROC_OPTIONS(BOUND), -ENOENT, PROC_STEP_EXEC, 0,
                 "spawn \"/nope/program\": exec \"/nope/program\": No such file or directory");
    assert_eventually(count_threads() == before);
}

static int frees_in_a_copy(void *arg)
{
    proc_child_free(arg);
    return 0;
}

static void a_forked_copy_gives_the_handle_back_without_it(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(BOUND, .out = PROC_PIPE));
    assert_string_equal(said(child), "ready");
    assert_in_fork(frees_in_a_copy, child);
    assert_rc(proc_kill(child, SIGTERM, PROC_ONE), 0);
    assert_ends(child, PROC_SIGNALED, SIGTERM);
    proc_child_free(child);
}

static int changes_its_user(void *unused)
{
    proc_child *child;
    (void)unused;
    require_rc(proc_spawn(&child, PROC_ARGV("cat"), PROC_OPTIONS(BOUND, .in = PROC_PIPE)), 0);
    require(setgid(65534) == 0 && setuid(65534) == 0);
    /* We may not kill it any more: it ends with its input. */
    require_rc(proc_close(child, 0), 0);
    require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    proc_child_free(child);
    return 0;
}

static void we_may_change_our_user_meanwhile(void **state)
{
    (void)state;
    assert_in_fork(changes_its_user, NULL);
}

/* ---- A parent that was gone before ---- */

static void a_parent_that_is_gone_already_is_noticed(void **state)
{
    static const char *argv[] = {"/bin/true", NULL};
    static const char *const no_env[] = {NULL};
    struct plan plan = {.paths = argv, .argv = argv, .env = no_env, .join_group = -1, .cwd_fd = -1, .umask = -1,
                        .program_fd = -1, .program_number = -1};
    struct report report;
    int pid, pidfd;
    (void)state;
    plan.parent = (int)getppid();
    assert_rc(proc__start(&plan, MEMORY_COPIED, &pid, &pidfd, &report), -ESRCH);
    assert_int_equal(report.step, PROC_STEP_DIE_WITH_PARENT);
}

/* ---- Without one more thread ---- */

static int starts_without_a_thread(void *unused)
{
    proc_child *child;
    proc_error error;
    (void)unused;
    require(deny_call(SYS_clone3, EAGAIN) == 0 && deny_call(SYS_clone, EAGAIN) == 0);
    require_rc(proc_spawn(&child, PROC_ARGV("/bin/true"), PROC_OPTIONS(BOUND, .error = &error)), -EAGAIN);
    require(error.step == PROC_STEP_DIE_WITH_PARENT);
    return 0;
}

static void a_thread_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    assert_in_fork(starts_without_a_thread, NULL);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(the_child_goes_with_the_program_however_it_ends),
        spawning_test(a_detached_child_goes_with_the_program_too),
        root_test(a_child_of_another_user_goes_too),
        spawning_test(a_program_that_becomes_another_one_counts_as_ended),
        machine_test(a_child_with_pids_of_its_own_goes_too),
        machine_test(a_child_that_another_process_bears_goes_too),
        machine_test(a_child_that_joins_pids_goes_too),
        pidfd_test(a_hook_has_a_stack_as_ever),
        spawning_test(the_child_outlives_the_thread_that_started_it),
        spawning_test(the_child_has_the_place_of_the_thread_that_asked),
        spawning_test(its_thread_is_gone_with_the_handle),
        spawning_test(a_run_may_die_with_us_too),
        spawning_test(a_start_that_fails_leaves_no_thread),
        spawning_test(a_forked_copy_gives_the_handle_back_without_it),
        root_test(we_may_change_our_user_meanwhile),
        spawning_test(a_parent_that_is_gone_already_is_noticed),
        spawning_test(a_thread_that_cannot_be_made_is_told),
    };
    return run_suite("die-with-parent", tests, sizeof tests / sizeof tests[0], argc, argv);
}
