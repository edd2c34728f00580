/* SPDX-License-Identifier: MIT */
/* Programs whose process is no child of ours: who its parent is, what comes home all the same, and what does not. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/system.h"
#include "places.h"
#include "trees.h"

#define ORPHAN(...) PROC_OPTIONS(.flags = PROC_ORPHAN, __VA_ARGS__)

static proc_child *sleeping_orphan(uint32_t flags)
{
    return start(CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.flags = PROC_ORPHAN | flags));
}

static int parent_of(int pid)
{
    proc_status status;
    return proc_status_read(PROC_PID(pid), NULL, sizeof status, &status) < 0 ? -1 : (int)status.ppid;
}

/* Who gets what our descendants leave behind, found out by hand. */
static int who_gets_orphans(void)
{
    int told[2], answer = -1;
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    int first = fork();
    assert_true(first >= 0);
    if (first == 0) {
        int me = getpid();
        if (fork() != 0)
            _exit(0);
        while (getppid() == me)
            patience_rest();
        answer = getppid();
        _exit(write(told[1], &answer, sizeof answer) != sizeof answer);
    }
    close(told[1]);
    assert_int_equal(waitpid(first, NULL, 0), first);
    assert_int_equal(read(told[0], &answer, sizeof answer), sizeof answer);
    close(told[0]);
    return answer;
}

static void assert_no_children(void)
{
    assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* It has ended so, or how is not known here. */
static void assert_ended(proc_child *child, int kind, int code)
{
    proc_exit ended;
    assert_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    if (ended.kind == PROC_LOST && proc_has(PROC_FEATURE_EXIT_INFO) != 1)
        return;
    assert_int_equal(ended.kind, kind);
    assert_int_equal(ended.code, code);
}

static void end_orphan(proc_child *child)
{
    assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    assert_ended(child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
}

/* ---- Whose child it is ---- */

static void its_parent_is_who_gets_orphans_and_it_is_no_child_of_ours(void **state)
{
    (void)state;
    int heir = who_gets_orphans();
    assert_int_not_equal(heir, getpid());
    proc_child *child = sleeping_orphan(0);
    assert_int_equal(parent_of(proc_child_pid(child)), heir);
    assert_no_children();
    end_orphan(child);
    assert_no_children();
}

static void the_program_sees_but_one_parent(void **state)
{
    char expected[16];
    (void)state;
    snprintf(expected, sizeof expected, "%d", who_gets_orphans());
    for (int i = 0; i < 5; i++) {
        proc_child *child = start(PROC_ARGV("sh", "-c", "echo $PPID"), ORPHAN(.out = PROC_PIPE));
        assert_string_equal(said(child), expected);
        assert_ended(child, PROC_EXITED, 0);
        proc_child_free(child);
    }
}

static _Atomic int sigchlds;

static void count_sigchld(int signal)
{
    (void)signal;
    atomic_fetch_add(&sigchlds, 1);
}

static int counts_no_sigchld(void *arg)
{
    const struct sigaction counting = {.sa_handler = count_sigchld};
    proc_child *child = NULL;
    (void)arg;
    require(sigaction(SIGCHLD, &counting, NULL) == 0);
    require_rc(proc_spawn(&child, CHILD_DOES("exit", "0"), ORPHAN(.in = PROC_NULL)), 0);
    struct pollfd end = {.fd = proc_child_fd(child), .events = POLLIN};
    require(poll(&end, 1, PATIENCE_MS) == 1);
    require(atomic_load(&sigchlds) == 0);
    require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    proc_child_free(child);
    require_rc(proc_spawn(&child, PROC_ARGV("/no/such"), ORPHAN(.in = PROC_NULL)), -ENOENT);
    require(atomic_load(&sigchlds) == 0);
    return 0;
}

static void sigchld_is_not_raised_for_it(void **state)
{
    (void)state;
    assert_in_fork(counts_no_sigchld, NULL);
}

static void a_thief_finds_nothing_that_matters(void **state)
{
    (void)state;
    /* What it needs for that is asked about by a child, which is not to be stolen. */
    (void)proc_has(PROC_FEATURE_EXIT_INFO);
    thief_start(__WALL);
    for (int i = 0; i < 10; i++) {
        proc_child *child = start(CHILD_DOES("sleep", "forever"), ORPHAN(.in = PROC_NULL));
        assert_rc(proc_wait(child, 0, NULL), -ETIMEDOUT);
        assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
        struct pollfd end = {.fd = proc_child_fd(child), .events = POLLIN};
        assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
        proc_child_free(child);
    }
    thief_stop();
}

/* ---- What comes home ---- */

static void a_failure_comes_home_with_step_and_text(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("/no/such"), ORPHAN(.in = PROC_NULL), -ENOENT, PROC_STEP_EXEC, 0,
                 "spawn \"/no/such\": exec \"/no/such\": No such file or directory");
    assert_fails(PROC_ARGV("true"), ORPHAN(.cwd = "/no/such"), -ENOENT, PROC_STEP_CWD, -1,
                 "spawn \"true\": chdir \"/no/such\": No such file or directory");
    assert_no_children();
}

static void its_pidfd_tells_its_end_and_its_status_is_the_true_one(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("exit", "7"), ORPHAN(.in = PROC_NULL));
    struct pollfd end = {.fd = proc_child_fd(child), .events = POLLIN};
    proc_usage usage;
    assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
    assert_rc(proc_wait_any(&child, 1, PATIENCE_MS, NULL), 0);
    assert_ended(child, PROC_EXITED, 7);
    assert_rc(proc_child_usage(child, &usage), -ENODATA);
    assert_rc(proc_kill(child, SIGTERM, PROC_ONE), -ESRCH);
    proc_child_free(child);
}

static void its_descriptors_are_placed_and_its_bytes_collected(void **state)
{
    (void)state;
    proc_result result;
    proc_child *child = start(PROC_ARGV("sh", "-c", "cat; echo five >&5"),
                              ORPHAN(.in = PROC_TEXT("fed\n"), .out = PROC_CAPTURE, .cwd = "/", .umask = PROC_MODE(077),
                                     .fds = PROC_FDS({5, PROC_SAME_AS(1)})));
    assert_rc(proc_collect(child, PATIENCE_MS, &result), 0);
    assert_string_equal(result.out.data, "fed\nfive\n");
    proc_result_done(&result);
    proc_child_free(child);
    assert_no_children();
}

/* ---- What is lost on the way ---- */

typedef int body_below_heir(int ask);

/* Runs a body in a copy whose orphans come to one that reaps nobody, until it is asked to reap one by a byte. */
static int below_lazy_heir(void *arg)
{
    body_below_heir *const *body = arg;
    int ends[2], status = 0;
    char byte;
    require(pipe2(ends, O_CLOEXEC) == 0);
    require(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    int pid = fork_bound();
    if (pid == 0)
        leave((*body)(ends[1]));
    close(ends[1]);
    if (read(ends[0], &byte, 1) == 1)
        require(waitpid(-1, NULL, 0) != pid);
    require(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static void await_end(const proc_child *child)
{
    struct pollfd end = {.fd = proc_child_fd(child), .events = POLLIN};
    require(poll(&end, 1, PATIENCE_MS) == 1);
}

#define REAPER_MS 5000

static int loses_what_nobody_reaps(int ask)
{
    const proc_stop_steps short_steps = {
        (const proc_stop_step[]){{SIGTERM, PROC_ONE, 20}, {SIGKILL, PROC_ONE, 20}}, 2};
    const int is_kept = proc_has(PROC_FEATURE_EXIT_INFO) == 1;
    proc_child *child = NULL, *stopped = NULL;
    proc_exit ended = {0};
    proc_usage usage;
    (void)ask;
    require_rc(proc_spawn(&child, CHILD_DOES("exit", "7"), ORPHAN(.in = PROC_NULL)), 0);
    require_rc(proc_spawn(&stopped, CHILD_DOES("sleep", "forever"), ORPHAN(.in = PROC_NULL, .stop = short_steps)), 0);
    await_end(child);
    int64_t since = patience_now();
    require_rc(proc_wait(child, 0, &ended), is_kept ? -ETIMEDOUT : 0);
    /* It has been ended by its steps, and how is all that is waited for. */
    require_rc(proc_stop(stopped, &ended), 0);
    require(ended.kind == PROC_LOST && ended.code == 0);
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    require(ended.kind == PROC_LOST && ended.code == 0);
    require(!is_kept || patience_now() - since >= REAPER_MS);
    require_rc(proc_wait(child, 0, &ended), 0);
    require(ended.kind == PROC_LOST);
    require_rc(proc_kill(child, SIGTERM, PROC_ONE), -ESRCH);
    require_rc(proc_child_usage(child, &usage), -ENODATA);
    proc_child_free(child);
    proc_child_free(stopped);
    return 0;
}

static void an_end_that_nobody_reaps_is_lost_in_the_end_and_stops_a_stop(void **state)
{
    body_below_heir *body = loses_what_nobody_reaps;
    (void)state;
    assert_in_fork(below_lazy_heir, &body);
}

static int waits_for_a_late_reaper(int ask)
{
    proc_child *child = NULL;
    proc_exit ended = {0};
    if (proc_has(PROC_FEATURE_EXIT_INFO) != 1)
        return 0;
    require_rc(proc_spawn(&child, CHILD_DOES("exit", "7"), ORPHAN(.in = PROC_NULL)), 0);
    await_end(child);
    require_rc(proc_wait(child, 30, &ended), -ETIMEDOUT);
    require(write(ask, "", 1) == 1);
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    require(ended.kind == PROC_EXITED && ended.code == 7);
    proc_child_free(child);
    return 0;
}

static void a_reaper_that_is_late_still_brings_the_true_status(void **state)
{
    body_below_heir *body = waits_for_a_late_reaper;
    (void)state;
    assert_in_fork(below_lazy_heir, &body);
}

static int is_not_told_how(void *arg)
{
    proc_child *child = NULL;
    proc_exit ended = {0};
    (void)arg;
    (void)proc_has(PROC_FEATURE_EXIT_INFO); /* which is then only believed to be there */
    if (deny_call(SYS_ioctl, ENOTTY) < 0)
        return NOT_POSSIBLE;
    require_rc(proc_spawn(&child, CHILD_DOES("exit", "7"), ORPHAN(.in = PROC_NULL)), 0);
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    require(ended.kind == PROC_LOST && ended.code == 0);
    proc_child_free(child);
    return 0;
}

static int runs_although_poll_fails(void *arg)
{
    proc_child *child = NULL;
    proc_exit ended = {.kind = 0x5a};
    (void)arg;
    require_rc(proc_spawn(&child, CHILD_DOES("sleep", "forever"), ORPHAN(.in = PROC_NULL)), 0);
#ifdef SYS_poll
    if (deny_call(SYS_poll, EPERM) < 0)
        return NOT_POSSIBLE;
#endif
    if (deny_call(SYS_ppoll, EPERM) < 0 || deny_call(SYS_ioctl, ENOTTY) < 0)
        return NOT_POSSIBLE;
    require_rc(proc_wait(child, 0, &ended), -ETIMEDOUT);
    require_rc(proc_wait(child, 30, &ended), -ETIMEDOUT);
    require(ended.kind == 0x5a);
    require_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    require(ended.kind == PROC_LOST);
    proc_child_free(child);
    return 0;
}

static const char no_filter[] = "no filter of system calls can be set here";

static void a_kernel_that_does_not_tell_how_makes_it_lost(void **state)
{
    (void)state;
    assert_in_fork_or_skip(is_not_told_how, NULL, no_filter);
}

static void one_that_runs_is_not_lost_although_poll_fails(void **state)
{
    (void)state;
    assert_in_fork_or_skip(runs_although_poll_fails, NULL, no_filter);
}

/* ---- Living with it ---- */

static void freeing_lets_it_run(void **state)
{
    (void)state;
    proc_child *child = sleeping_orphan(0);
    int pid = proc_child_pid(child), pidfd = dup(proc_child_fd(child));
    assert_true(pidfd >= 0);
    assert_rc(proc_wait(child, 0, NULL), -ETIMEDOUT);
    proc_child_free(child);
    assert_true(state_of(pid) != 0 && state_of(pid) != 'Z');
    assert_int_equal(kill(pid, SIGKILL), 0);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
    close(pidfd);
}

static void it_is_stopped_by_steps_and_its_group_with_it(void **state)
{
    proc_exit ended;
    (void)state;
    proc_child *child = sleeping_orphan(0);
    assert_rc(proc_stop(child, &ended), 0);
    assert_ended(child, PROC_SIGNALED, SIGTERM);
    proc_child_free(child);
    child = sleeping_orphan(PROC_NEW_GROUP);
    assert_int_equal(getpgid(proc_child_pid(child)), proc_child_pid(child));
    int rc = proc_kill(child, 0, PROC_GROUP);
    assert_true(rc == 0 || rc == -ENOTSUP);
    assert_rc(proc_stop(child, &ended), 0);
    proc_child_free(child);
}

/* As before Linux 6.9. */
static int stops_without_signals_to_groups(void *arg)
{
    proc_child *child = NULL;
    proc_reach reach;
    (void)arg;
    require_rc(proc_spawn(&child, CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.flags = PROC_ORPHAN | PROC_NEW_GROUP)),
               0);
    if (deny_call_if(SYS_pidfd_send_signal, 3, SIGNAL_PROCESS_GROUP, EINVAL) < 0)
        return NOT_POSSIBLE;
    require_rc(proc_kill(child, SIGTERM, PROC_GROUP), -ENOTSUP);
    require_rc(proc_stop(child, NULL), 0);
    require_rc(proc_child_reach(child, &reach), 0);
    require(reach.rung == PROC_REACH_ONE);
    proc_child_free(child);
    return 0;
}

static void where_its_group_cannot_be_reached_a_stop_says_so(void **state)
{
    (void)state;
    assert_in_fork_or_skip(stops_without_signals_to_groups, NULL, no_filter);
}

static void its_whole_tree_is_signalled(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("tree", "2"), ORPHAN(.out = PROC_PIPE));
    int pids[2];
    for (int i = 0; i < 2; i++)
        pids[i] = said_pid(child);
    assert_string_equal(said(child), "ready");
    assert_rc(proc_kill(child, SIGKILL, PROC_TREE), 0);
    proc_reach reach = reach_of(child);
    assert_int_equal(reach.rung, PROC_REACH_WALK);
    assert_int_equal(reach.signaled, 3);
    assert_int_equal(reach.left, 0);
    for (int i = 0; i < 2; i++)
        assert_true(has_ended(pids[i]));
    assert_ended(child, PROC_SIGNALED, SIGKILL);
    assert_rc(proc_kill(child, SIGKILL, PROC_TREE), -ESRCH);
    proc_child_free(child);
}

static void a_wait_for_a_stop_sees_its_end_alone(void **state)
{
    int signal = 0x5a;
    (void)state;
    proc_child *child = sleeping_orphan(0);
    assert_rc(proc_kill(child, SIGSTOP, PROC_ONE), 0);
    assert_eventually(state_of(proc_child_pid(child)) == 'T');
    assert_rc(proc_wait_stopped(child, 30, &signal), -ETIMEDOUT);
    assert_int_equal(signal, 0x5a);
    assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    assert_rc(proc_wait_stopped(child, -1, &signal), 0);
    assert_ended(child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
}

struct told {
    int calls;
    proc_exit exit;
};

static int note_end(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user)
{
    struct told *told = user;
    (void)watch, (void)child;
    told->calls++;
    told->exit = *ended;
    return 0;
}

static void a_loop_tells_its_end_once(void **state)
{
    struct told told = {0};
    proc_loop *loop = NULL;
    (void)state;
    assert_rc(proc_loop_new(&loop), 0);
    proc_child *child = start(CHILD_DOES("exit", "7"), ORPHAN(.in = PROC_NULL));
    assert_rc(proc_loop_child(loop, child, note_end, &told, NULL), 0);
    int64_t until = patience_now() + PATIENCE_MS;
    while (told.calls == 0 && patience_now() < until)
        assert_true(proc_loop_dispatch(loop, 100) >= 0);
    assert_int_equal(told.calls, 1);
    assert_true(told.exit.kind == PROC_LOST || (told.exit.kind == PROC_EXITED && told.exit.code == 7));
    assert_ended(child, PROC_EXITED, 7);
    proc_child_free(child);
    proc_loop_free(loop);
}

/* ---- Where and who ---- */

static void it_lives_in_namespaces_that_are_made_at_its_birth(void **state)
{
    static const uint32_t kinds[] = {PROC_NS_UTS, PROC_NS_USER, PROC_NS_PID | PROC_NS_MOUNT, PROC_NS_USER | PROC_NS_PID,
                                     PROC_NS_TIME};
    (void)state;
    int heir = who_gets_orphans(), made = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!can_make(kinds[i]))
            continue;
        made++;
        proc_child *child =
            start(CHILD_DOES("sleep", "forever"), ORPHAN(.namespaces = PROC_NAMESPACES(.create = kinds[i])));
        int pid = proc_child_pid(child);
        assert_int_equal(parent_of(pid), heir);
        for (uint32_t kind = 1; kind <= PROC_NS_CGROUP; kind <<= 1)
            if (kinds[i] & kind)
                assert_true(namespace_of(pid, kind) != namespace_of(0, kind));
        end_orphan(child);
    }
    if (made == 0)
        SKIP_TEST("a plain unshare(2) of any kind is denied here");
}

/* The one in between joins them; the orphan's parent is still who gets our orphans, and lives outside. */
static void it_lives_in_namespaces_that_it_joins(void **state)
{
    static const uint32_t kinds[] = {PROC_NS_UTS, PROC_NS_PID | PROC_NS_NET, PROC_NS_USER, PROC_NS_TIME,
                                     PROC_NS_USER | PROC_NS_PID | PROC_NS_MOUNT};
    (void)state;
    int heir = who_gets_orphans(), joined = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!can_make(kinds[i]))
            continue;
        joined++;
        proc_child *host =
            start(CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = kinds[i])));
        const proc_namespaces *there =
            PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = kinds[i], .pid = proc_child_pid(host)}));
        proc_child *child = start(CHILD_DOES("sleep", "forever"), ORPHAN(.namespaces = there));
        int pid = proc_child_pid(child);
        assert_int_equal(parent_of(pid), heir);
        for (uint32_t kind = 1; kind <= PROC_NS_CGROUP; kind <<= 1)
            assert_true(namespace_of(pid, kind) == namespace_of(kinds[i] & kind ? proc_child_pid(host) : 0, kind));
        assert_fails(PROC_ARGV("/no/such"), ORPHAN(.in = PROC_NULL, .namespaces = there), -ENOENT, PROC_STEP_EXEC, 0,
                     NULL);
        end_orphan(child);
        assert_rc(proc_kill(host, SIGKILL, PROC_ONE), 0);
        assert_ends(host, PROC_SIGNALED, SIGKILL);
        proc_child_free(host);
    }
    assert_no_children();
    if (joined == 0)
        SKIP_TEST("a plain unshare(2) of any kind is denied here");
}

/* The end of its first process takes the orphan along. */
static void it_ends_with_the_pid_namespace_that_it_has_joined(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID);
    proc_child *host =
        start(CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_PID)));
    const proc_namespaces *there =
        PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_PID, .pid = proc_child_pid(host)}));
    proc_child *child = start(CHILD_DOES("sleep", "forever"), ORPHAN(.namespaces = there));
    assert_rc(proc_kill(host, SIGKILL, PROC_TREE), 0);
    assert_ends(host, PROC_SIGNALED, SIGKILL);
    assert_ended(child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
    proc_child_free(host);
}

static void it_changes_its_ids(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("sleep", "forever"),
                              ORPHAN(.ids = PROC_IDS(.uid = PROC_UID(NOBODY), .gid = PROC_GID(NOBODY))));
    proc_status status;
    assert_rc(proc_status_read(PROC_PID(proc_child_pid(child)), NULL, sizeof status, &status), 0);
    assert_int_equal(status.uid[0], NOBODY);
    end_orphan(child);
}

/* ---- Where orphans are ours ---- */

static int gets_orphans(void *arg)
{
    proc_exit ended;
    proc_usage usage;
    (void)arg;
    require(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    proc_child *child = NULL;
    require_rc(proc_spawn(&child, CHILD_DOES("exit", "7"), ORPHAN(.in = PROC_NULL)), 0);
    require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
    require(ended.kind == PROC_EXITED && ended.code == 7);
    require_rc(proc_child_usage(child, &usage), 0);
    proc_child_free(child);
    require_rc(proc_spawn(&child, PROC_ARGV("/no/such"), ORPHAN(.in = PROC_NULL)), -ENOENT);
    require(waitpid(-1, NULL, __WALL | WNOHANG) == -1 && errno == ECHILD);
    return 0;
}

static void a_subreaper_gets_a_child_like_any(void **state)
{
    (void)state;
    assert_in_fork(gets_orphans, NULL);
}

/* ---- Where it cannot be ---- */

static int is_refused_without_pidfd_open(void *arg)
{
    (void)arg;
    proc_error error;
    proc_child *child = NULL;
    if (deny_call(SYS_pidfd_open, ENOSYS) < 0)
        return NOT_POSSIBLE;
    require_rc(proc_spawn(&child, PROC_ARGV("true"), ORPHAN(.error = &error)), -ENOSYS);
    require(error.step == PROC_STEP_CLONE && strstr(error.text, "pidfd_open"));
    require(waitpid(-1, NULL, __WALL | WNOHANG) == -1 && errno == ECHILD);
    return 0;
}

static void without_pidfds_by_number_it_is_refused(void **state)
{
    (void)state;
    assert_in_fork_or_skip(is_refused_without_pidfd_open, NULL, no_filter);
}

static int do_nothing(void *user)
{
    (void)user;
    return 0;
}

static void assert_refused(const proc_options *options, const char *text)
{
    char whole[200];
    snprintf(whole, sizeof whole, "spawn \"true\": options \"%s\": Invalid argument", text);
    assert_fails(PROC_ARGV("true"), options, -EINVAL, PROC_STEP_OPTIONS, -1, whole);
}

static void what_contradicts_it_is_refused(void **state)
{
    const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, 0x7fff0000);
    proc_error error;
    proc_child *child = NULL, *children[2];
    proc_result result;
    (void)state;
    assert_refused(PROC_OPTIONS(.flags = PROC_ORPHAN | PROC_DIE_WITH_PARENT),
                   "PROC_ORPHAN excludes PROC_DIE_WITH_PARENT");
    assert_refused(ORPHAN(.hook = PROC_HOOK(do_nothing, NULL)), "PROC_ORPHAN excludes .hook");
    assert_refused(ORPHAN(.sandbox = PROC_SANDBOX(.seccomp = &allow, .seccomp_length = 1, .no_new_privs = 1)),
                   "PROC_ORPHAN excludes .sandbox->seccomp");
    const proc_options *options = ORPHAN(.error = &error);
    const proc_request requests[] = {{PROC_ARGV("true"), NULL}, {PROC_ARGV("true"), NULL}, {NULL, NULL}};
    assert_rc(proc_run(&result, PROC_ARGV("true"), options), -EINVAL);
    assert_non_null(strstr(error.text, "PROC_ORPHAN is for proc_spawn"));
    assert_rc(proc_pipeline(&result, requests, options), -EINVAL);
    assert_non_null(strstr(error.text, "PROC_ORPHAN is for proc_spawn"));
    assert_rc(proc_spawn_pipeline(children, requests, options), -EINVAL);
    assert_non_null(strstr(error.text, "PROC_ORPHAN is for proc_spawn"));
    assert_rc(proc_exec(PROC_ARGV("true"), options), -EINVAL);
    assert_non_null(strstr(error.text, "PROC_ORPHAN is for proc_spawn"));
    assert_rc(proc_daemon_spawn(PROC_ARGV("true"), options, NULL, NULL), -EINVAL);
    assert_non_null(strstr(error.text, "PROC_ORPHAN is for proc_spawn"));
    assert_rc(proc_fork(&child, do_nothing, NULL, options), -EINVAL);
    assert_non_null(strstr(error.text, "PROC_ORPHAN is for proc_spawn"));
}

/* An emulator knows of fork(2), and of no other birth. */
static int needs_orphans(void **state)
{
    int rc = needs_a_machine(state);
    return rc < 0 ? rc : needs_pidfd_open(state);
}
#define orphan_test(test) cmocka_unit_test_setup(test, needs_orphans)

static int needs_orphans_and_walks(void **state)
{
    int rc = needs_orphans(state);
    return rc < 0 ? rc : needs_walks(state);
}

static int needs_orphans_and_root(void **state)
{
    int rc = needs_orphans(state);
    return rc < 0 ? rc : needs_root(state);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        orphan_test(its_parent_is_who_gets_orphans_and_it_is_no_child_of_ours),
        orphan_test(the_program_sees_but_one_parent),
        orphan_test(sigchld_is_not_raised_for_it),
        orphan_test(a_thief_finds_nothing_that_matters),
        orphan_test(a_failure_comes_home_with_step_and_text),
        orphan_test(its_pidfd_tells_its_end_and_its_status_is_the_true_one),
        orphan_test(its_descriptors_are_placed_and_its_bytes_collected),
        orphan_test(an_end_that_nobody_reaps_is_lost_in_the_end_and_stops_a_stop),
        orphan_test(a_reaper_that_is_late_still_brings_the_true_status),
        orphan_test(a_kernel_that_does_not_tell_how_makes_it_lost),
        orphan_test(one_that_runs_is_not_lost_although_poll_fails),
        orphan_test(freeing_lets_it_run),
        orphan_test(it_is_stopped_by_steps_and_its_group_with_it),
        orphan_test(where_its_group_cannot_be_reached_a_stop_says_so),
        cmocka_unit_test_setup(its_whole_tree_is_signalled, needs_orphans_and_walks),
        orphan_test(a_wait_for_a_stop_sees_its_end_alone),
        orphan_test(a_loop_tells_its_end_once),
        orphan_test(it_lives_in_namespaces_that_are_made_at_its_birth),
        orphan_test(it_lives_in_namespaces_that_it_joins),
        orphan_test(it_ends_with_the_pid_namespace_that_it_has_joined),
        cmocka_unit_test_setup(it_changes_its_ids, needs_orphans_and_root),
        orphan_test(a_subreaper_gets_a_child_like_any),
        machine_test(without_pidfds_by_number_it_is_refused),
        spawning_test(what_contradicts_it_is_refused),
    };
    live_below_heir();
    return run_suite("orphan", tests, sizeof tests / sizeof tests[0], argc, argv);
}
