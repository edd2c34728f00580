/* SPDX-License-Identifier: MIT */
/*
 * What is told of a signal to a tree: how far it has come, also where something is lacking; and stops and runs that go
 * on until a tree has ended. Who belongs to one is in test-tree.c.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/system.h"
#include "child/handle.h"
#include "child/tree.h"
#include "places.h"
#include "procfs/descendants.h"
#include "trees.h"

/* ---- What is told ---- */

/* In a forked copy. */
static int next_pid(proc_child *child)
{
    char line[32] = "";
    for (size_t len = 0; len < sizeof line - 1 && proc_read(child, 1, line + len, 1, PATIENCE_MS) == 1; len++)
        if (line[len] == '\n')
            break;
    return atoi(line);
}

static int kill_without_all_rights(void *arg)
{
    proc_child *child;
    proc_reach reach;
    int pids[2];
    (void)arg;
    require_rc(proc_spawn(&child, CHILD_DOES("two-users", "65534"), PROC_OPTIONS(.out = PROC_PIPE)), 0);
    for (int i = 0; i < 2; i++)
        pids[i] = next_pid(child);
    require(setresuid(65534, 65534, 0) == 0);
    require_rc(proc_kill(child, SIGKILL, PROC_TREE), -EPERM);
    require_rc(proc_child_reach(child, &reach), 0);
    require(setresuid(0, 0, 0) == 0);
    int reached = has_ended(pids[1]), others = !has_ended(pids[0]);
    kill(pids[0], SIGKILL);
    require(reached && others);
    require(reach.rung == PROC_REACH_WALK && reach.signaled == 2 && reach.left == 1);
    proc_child_free(child);
    return 0;
}

static void who_may_not_be_signalled_is_told_and_the_others_are_reached(void **state)
{
    (void)state;
    if (proc__descendants_possible() < 0)
        SKIP_TEST("no walks here");
    assert_in_fork(kill_without_all_rights, NULL);
}

static void a_pid_namespace_ends_with_its_first_process(void **state)
{
    const proc_namespaces own_pids = {.size = sizeof own_pids, .create = PROC_NS_PID};
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID);
    proc_child *child = start(CHILD_DOES("tree", "4"), PROC_OPTIONS(.out = PROC_PIPE, .namespaces = &own_pids));
    for (int i = 0; i < 4; i++)
        said_pid(child);
    assert_string_equal(said(child), "ready");
    assert_rc(proc_kill(child, SIGCONT, PROC_TREE), 0); /* the kernel has no way for that one */
    if (proc__descendants_possible() == 0) {
        assert_int_equal(reach_of(child).rung, PROC_REACH_WALK);
        assert_int_equal(reach_of(child).signaled, 5);
        assert_int_equal(reach_of(child).proven_empty, 0);
    }
    assert_rc(proc_kill(child, SIGKILL, PROC_TREE), 0);
    proc_reach reach = reach_of(child);
    assert_int_equal(reach.rung, PROC_REACH_NAMESPACE);
    assert_int_equal(reach.proven_empty, 1);
    assert_int_equal(reach.left, 0);
    assert_ends(child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
}

/* Outside of its namespace, and yet in the group that it leads. */
static void the_group_of_a_namespaces_first_process_is_killed_with_it(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID);
    proc_child *child = start(CHILD_DOES("sleep", "forever"),
                              PROC_OPTIONS(.flags = PROC_NEW_GROUP,
                                           .namespaces = PROC_NAMESPACES(.create = PROC_NS_PID)));
    const int group = proc_child_pid(child);
    proc_child *other = start(CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.start = PROC_START(.group = &group)));
    assert_rc(proc_kill(child, SIGKILL, PROC_TREE), 0);
    assert_int_equal(reach_of(child).rung, PROC_REACH_NAMESPACE);
    assert_ends(child, PROC_SIGNALED, SIGKILL);
    assert_ends(other, PROC_SIGNALED, SIGKILL);
    proc_child_free(other);
    proc_child_free(child);
}

static const char no_filter[] = "no filter of system calls can be set here";

/* The kernel only seems to send it, so that the child runs on. */
static int kill_without_poll(void *arg)
{
    proc_child *child;
    proc_reach reach;
    (void)arg;
    require_rc(proc_spawn(&child, PROC_ARGV("cat"),
                          PROC_OPTIONS(.in = PROC_PIPE, .namespaces = PROC_NAMESPACES(.create = PROC_NS_PID))), 0);
#ifdef SYS_poll
    if (deny_call(SYS_poll, EPERM) < 0)
        return NOT_POSSIBLE;
#endif
    if (deny_call(SYS_ppoll, EPERM) < 0 || deny_call(SYS_pidfd_send_signal, 0) < 0)
        return NOT_POSSIBLE;
    require_rc(proc_kill(child, SIGKILL, PROC_TREE), 0);
    require_rc(proc_child_reach(child, &reach), 0);
    require(reach.rung == PROC_REACH_NAMESPACE && reach.left == 1 && !reach.proven_empty);
    require_rc(proc_close(child, 0), 0);
    require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    require_rc(proc_child_reach(child, &reach), 0);
    require(reach.left == 0 && reach.proven_empty);
    proc_child_free(child);
    return 0;
}

static void a_namespace_is_not_called_empty_because_poll_fails(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID);
    assert_in_fork_or_skip(kill_without_poll, NULL, no_filter);
}

static int kill_without_any_right(void *arg)
{
    const uint32_t *kinds = arg;
    for (int i = 0; i < 2; i++) {
        proc_child *child;
        proc_reach reach;
        require_rc(proc_spawn(&child, PROC_ARGV("cat"),
                              PROC_OPTIONS(.in = PROC_PIPE, .namespaces = PROC_NAMESPACES(.create = kinds[i]))), 0);
        if (i == 0 && (deny_call(SYS_pidfd_send_signal, EPERM) < 0 || deny_call(SYS_kill, EPERM) < 0))
            return NOT_POSSIBLE;
        require_rc(proc_kill(child, SIGKILL, PROC_TREE), -EPERM);
        require_rc(proc_child_reach(child, &reach), 0);
        require(reach.rung == PROC_REACH_NONE && !reach.proven_empty);
        require_rc(proc_close(child, 0), 0);
        require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
        proc_child_free(child);
    }
    return 0;
}

static void a_signal_that_nobody_got_has_reached_no_rung(void **state)
{
    uint32_t kinds[] = {0, can_make(PROC_NS_PID) ? PROC_NS_PID : 0};
    (void)state;
    assert_in_fork_or_skip(kill_without_any_right, kinds, no_filter);
}

static int kill_without_proc(void *arg)
{
    const int rungs[] = {PROC_REACH_GROUP, PROC_REACH_ONE};
    (void)arg;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", "/proc", "tmpfs", 0, NULL) < 0)
        return NOT_POSSIBLE;
    for (int i = 0; i < 2; i++) {
        proc_child *child;
        proc_reach reach;
        require_rc(proc_spawn(&child, CHILD_DOES("tree", "1"),
                              PROC_OPTIONS(.out = PROC_PIPE, .flags = i == 0 ? PROC_NEW_GROUP : 0)), 0);
        int pid = next_pid(child), status;
        require_rc(proc_kill(child, SIGKILL, PROC_TREE), 0);
        require_rc(proc_child_reach(child, &reach), 0);
        require(reach.rung == rungs[i] && reach.left == 0 && !reach.proven_empty);
        require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
        if (i == 1)
            kill(pid, SIGKILL);
        require(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
        proc_child_free(child);
    }
    return 0;
}

static void without_proc_the_group_is_reached_or_else_the_child(void **state)
{
    (void)state;
    assert_in_fork_or_skip(kill_without_proc, NULL, "no mount namespace to hide /proc in");
}

static void a_search_that_runs_out_of_time_says_so_and_kills_whom_it_found(void **state)
{
    struct tree tree = {0};
    (void)state;
    proc_child *child = start_child("tree", "3");
    int pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = said_pid(child);
    assert_rc(proc__tree_signal(&tree, ALONE(child), SIGKILL, 0, proc__deadline_in(0)), -ETIMEDOUT);
    assert_int_equal(tree.reach.signaled, 4);
    assert_int_equal(proc__tree_await(&tree, proc__deadline_in(PATIENCE_MS)), 0);
    proc__tree_done(&tree, ALONE(child));
    for (int i = 0; i < 3; i++)
        assert_true(has_ended(pids[i]));
    proc_child_free(child);
}

static int kill_without_descriptors(void *arg)
{
    proc_child *child;
    struct rlimit limit;
    int pids[6];
    (void)arg;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    require_rc(proc_spawn(&child, CHILD_DOES("tree", "6"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP)), 0);
    for (int i = 0; i < 6; i++)
        pids[i] = next_pid(child);
    int next = open("/", O_RDONLY | O_CLOEXEC);
    close(next);
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = (rlim_t)next; /* not even one */
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    require_rc(proc_kill(child, 0, PROC_TREE), -EMFILE);
    limit.rlim_cur = (rlim_t)next + 4;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    require_rc(proc_kill(child, SIGTERM, PROC_TREE), -EMFILE);
    require_rc(proc_kill(child, SIGKILL, PROC_TREE), -EMFILE);
    for (int i = 0; i < 6; i++)
        require(waitpid(pids[i], NULL, 0) == pids[i]);
    require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    proc_child_free(child);
    return 0;
}

static void without_a_free_descriptor_it_says_so_and_the_group_is_killed(void **state)
{
    (void)state;
    assert_in_fork(kill_without_descriptors, NULL);
}

/* ---- Stops ---- */

static const proc_stop_steps tree_steps = {
    (const proc_stop_step[]){{SIGTERM, PROC_TREE, 50}, {SIGKILL, PROC_TREE, 10000}}, 2};

static void a_stop_goes_on_for_whom_its_steps_have_found(void **state)
{
    (void)state;
    proc_child *child =
        start(CHILD_DOES("group-with-a-stubborn-member"), PROC_OPTIONS(.out = PROC_PIPE, .stop = tree_steps));
    int pid = said_pid(child);
    proc_exit ended;
    assert_rc(proc_stop(child, &ended), 0);
    assert_int_equal(ended.code, SIGTERM);
    assert_true(has_ended(pid));
    assert_int_equal(reach_of(child).rung, PROC_REACH_WALK);
    assert_int_equal(reach_of(child).signaled, 2);
    assert_int_equal(reach_of(child).left, 0);
    proc_child_free(child);
}

static void a_stop_without_trees_tells_its_rung_too(void **state)
{
    (void)state;
    for (int group = 0; group <= 1; group++) {
        proc_child *child =
            start(CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_PIPE, .flags = group ? PROC_NEW_GROUP : 0));
        assert_int_equal(reach_of(child).rung, PROC_REACH_NONE);
        assert_rc(proc_stop(child, NULL), 0);
        assert_int_equal(reach_of(child).rung, group ? PROC_REACH_GROUP : PROC_REACH_ONE);
        proc_child_free(child);
    }
}

static void suspended_descendants_are_continued_by_a_stop(void **state)
{
    const proc_stop_steps gentle = {(const proc_stop_step[]){{SIGTERM, PROC_TREE, 10000}}, 1};
    (void)state;
    proc_child *child = start(CHILD_DOES("suspended-child"), PROC_OPTIONS(.out = PROC_PIPE, .stop = gentle));
    int pid = said_pid(child);
    assert_string_equal(said(child), "ready");
    assert_rc(proc_stop(child, NULL), 0);
    assert_true(has_ended(pid));
    assert_int_equal(reach_of(child).left, 0);
    proc_child_free(child);
}

/* Cancels when as many children as there are have said `ready`. */
struct heard {
    int pids[16];
    int count, ready, wanted, cancel;
};

static int hear(int fd, const char *line, size_t len, void *user)
{
    struct heard *heard = user;
    (void)fd, (void)len;
    int pid = atoi(line);
    if (pid > 0)
        heard->pids[heard->count++] = pid;
    else
        heard->ready++;
    if (heard->ready == heard->wanted)
        (void)!write(heard->cancel, "", 1);
    return 0;
}

static void check_heard(const struct heard *heard, int count)
{
    assert_int_equal(heard->count, count);
    for (int i = 0; i < count; i++)
        assert_true(has_ended(heard->pids[i]));
}

static void a_run_that_is_stopped_leaves_nobody_and_tells_how(void **state)
{
    int ends[2];
    proc_result result;
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct heard heard = {.wanted = 1, .cancel = ends[1]};
    assert_rc(proc_run(&result, CHILD_DOES("scattered"),
                       PROC_OPTIONS(.out = PROC_LINES(hear, &heard), .stop = tree_steps,
                                    .transfer = PROC_TRANSFER(.cancel_fd = &ends[0]))), 0);
    assert_int_equal(result.cancelled, 1);
    assert_int_equal(result.reach.rung, PROC_REACH_WALK);
    assert_int_equal(result.reach.signaled, 4);
    assert_int_equal(result.reach.left, 0);
    check_heard(&heard, 3);
    proc_result_done(&result);
    assert_int_equal(result.reach.rung, PROC_REACH_NONE);
    close(ends[0]);
    close(ends[1]);
}

static void a_run_that_ends_by_itself_has_reached_nobody(void **state)
{
    proc_result result;
    (void)state;
    assert_rc(proc_run(&result, CHILD_DOES("exit", "0"), PROC_OPTIONS(.stop = tree_steps)), 0);
    assert_int_equal(result.reach.rung, PROC_REACH_NONE);
    proc_result_done(&result);
}

static void the_trees_of_all_stages_are_stopped(void **state)
{
    int ends[2];
    proc_result result;
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct heard heard = {.wanted = 2, .cancel = ends[1]};
    const char *const *stage = PROC_ARGV("sh", "-c", "exec \"$0\" scattered >&2", CHILD);
    const proc_request stages[] = {{.argv = stage}, {.argv = stage}, {.argv = NULL}};
    assert_rc(proc_pipeline(&result, stages,
                            PROC_OPTIONS(.err = PROC_LINES(hear, &heard), .stop = tree_steps,
                                         .transfer = PROC_TRANSFER(.cancel_fd = &ends[0]))), 0);
    assert_int_equal(result.cancelled, 1);
    assert_int_equal(result.reach.rung, PROC_REACH_WALK);
    assert_int_equal(result.reach.signaled, 8);
    assert_int_equal(result.reach.left, 0);
    check_heard(&heard, 6);
    proc_result_done(&result);
    close(ends[0]);
    close(ends[1]);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        root_test(who_may_not_be_signalled_is_told_and_the_others_are_reached),
        machine_test(a_pid_namespace_ends_with_its_first_process),
        machine_test(the_group_of_a_namespaces_first_process_is_killed_with_it),
        machine_test(a_namespace_is_not_called_empty_because_poll_fails),
        machine_test(a_signal_that_nobody_got_has_reached_no_rung),
        spawning_test(without_proc_the_group_is_reached_or_else_the_child),
        walking_test(a_search_that_runs_out_of_time_says_so_and_kills_whom_it_found),
        walking_test(without_a_free_descriptor_it_says_so_and_the_group_is_killed),
        walking_test(a_stop_goes_on_for_whom_its_steps_have_found),
        spawning_test(a_stop_without_trees_tells_its_rung_too),
        walking_test(suspended_descendants_are_continued_by_a_stop),
        walking_test(a_run_that_is_stopped_leaves_nobody_and_tells_how),
        spawning_test(a_run_that_ends_by_itself_has_reached_nobody),
        walking_test(the_trees_of_all_stages_are_stopped),
    };
    return run_suite("tree-reach", tests, sizeof tests / sizeof tests[0], argc, argv);
}
