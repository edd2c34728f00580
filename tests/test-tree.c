/* SPDX-License-Identifier: MIT */
/*
 * Signals to a child and all that come of it: who is reached, wherever they have gone and whatever they are doing; who
 * never is; and that what is told of it is true.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/pidfd.h"
#include "child/handle.h"
#include "child/tree.h"
#include "places.h"
#include "procfs/descendants.h"

/* Where trees cannot be followed the group is what is reached, and other tests are about that. */
static int needs_walks(void **state)
{
    if (needs_pidfd_open(state) == 0 && proc__descendants_possible() < 0)
        leave_out("no process can be held by its number here, or /proc is not of this pid namespace");
    return 0;
}
#define walking_test(test) cmocka_unit_test_setup(test, needs_walks)

static proc_reach reach_of(const proc_child *child)
{
    proc_reach reach;
    assert_rc(proc_child_reach(child, &reach), 0);
    return reach;
}

static int has_ended(int pid)
{
    int state = state_of(pid);
    return state == 0 || state == 'Z' || state == 'X';
}

/* The next line is a pid. */
static int said_pid(proc_child *child)
{
    int pid = atoi(said(child));
    assert_true(pid > 0);
    return pid;
}

/* Kills the tree of a child that says so many pids, `count` with itself, and then `ready`; nobody is left. */
static void check_kill(proc_child *child, int count)
{
    int pids[16];
    for (int i = 1; i < count; i++)
        pids[i] = said_pid(child);
    assert_string_equal(said(child), "ready");
    assert_rc(proc_kill(child, SIGKILL, PROC_TREE), 0);
    proc_reach reach = reach_of(child);
    assert_int_equal(reach.rung, PROC_REACH_WALK);
    assert_int_equal(reach.signaled, count);
    assert_int_equal(reach.left, 0);
    assert_int_equal(reach.proven_empty, 0);
    for (int i = 1; i < count; i++)
        assert_true(has_ended(pids[i]));
    assert_ends(child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
}

/* But the child itself. */
static int all_of_session_have_ended(int session)
{
    int found = 0;
    const proc_entry *entry;
    proc_walk *walk;
    assert_rc(proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = PROC_FIELD_GROUP | PROC_FIELD_STATE)), 0);
    while (proc_walk_next(walk, &entry) > 0)
        found += entry->session == session && entry->state != 'Z' && entry->state != 'X';
    proc_walk_free(walk);
    return found == 0;
}

/* ---- Who is reached ---- */

static void children_and_theirs_are_killed(void **state)
{
    (void)state;
    check_kill(start_child("tree", "5"), 6);
}

static void sessions_and_groups_are_no_way_out(void **state)
{
    (void)state;
    check_kill(start_child("scattered"), 4);
}

static void suspended_and_traced_ones_are_killed(void **state)
{
    (void)state;
    check_kill(start_child("suspended-child"), 2);
    proc_child *child = start_child("traced-child");
    int pid = said_pid(child);
    if (strcmp(said(child), "ready") != 0) {
        proc_kill(child, SIGKILL, PROC_TREE);
        proc_child_free(child);
        SKIP_TEST("nobody may be traced here");
    }
    assert_rc(proc_kill(child, SIGKILL, PROC_TREE), 0);
    assert_true(has_ended(pid));
    assert_int_equal(reach_of(child).left, 0);
    proc_child_free(child);
}

static void who_waits_for_a_vfork_is_killed_with_its_child(void **state)
{
    (void)state;
    check_kill(start_child("vforked-child"), 2);
}

static void a_process_whose_first_thread_has_ended_is_no_zombie(void **state)
{
    (void)state;
    check_kill(start_child("leaderless"), 2);
}

/* The session is that of a zombie, whose number is still its own. */
static void a_daemon_is_found_by_the_session_of_its_zombie(void **state)
{
    (void)state;
    proc_child *child = start_child("zombie-middle");
    int pid = said_pid(child);
    assert_string_equal(said(child), "ready");
    assert_rc(proc_kill(child, SIGKILL, PROC_TREE), 0);
    assert_int_equal(reach_of(child).signaled, 2);
    assert_true(has_ended(pid));
    proc_child_free(child);
}

/* Nobody is its parent any more; but it is in the group, or the session, of a child that was not waited for. */
static void orphans_in_the_childs_group_or_session_are_killed(void **state)
{
    const uint32_t flags[] = {PROC_NEW_GROUP, PROC_NEW_SESSION};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        proc_child *child = start(CHILD_DOES("left-in-group"), PROC_OPTIONS(.out = PROC_PIPE, .flags = flags[i]));
        int pid = said_pid(child);
        assert_eventually(state_of(proc_child_pid(child)) == 'Z');
        assert_rc(proc_kill(child, SIGKILL, PROC_TREE), 0);
        assert_int_equal(reach_of(child).signaled, 1);
        assert_true(has_ended(pid));
        assert_ends(child, PROC_EXITED, 0);
        assert_rc(proc_kill(child, SIGKILL, PROC_TREE), -ESRCH);
        assert_int_equal(reach_of(child).signaled, 1); /* of the last one that was sent */
        proc_child_free(child);
    }
}

static void a_tree_that_grows_meanwhile_is_caught(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("storm", "60"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_SESSION));
    assert_string_equal(said(child), "ready");
    int rc = proc_kill(child, SIGKILL, PROC_TREE);
    proc_reach reach = reach_of(child);
    /* Slow machines may need a second call: then it is said. */
    assert_true(rc == 0 || rc == -ETIMEDOUT);
    assert_int_equal(reach.rung, PROC_REACH_WALK);
    assert_true(reach.signaled >= 1);
    assert_eventually(kill(-proc_child_pid(child), 0) < 0 || state_of(proc_child_pid(child)) == 'Z');
    if (rc == 0) {
        assert_int_equal(reach.left, 0);
        assert_true(all_of_session_have_ended(proc_child_pid(child)));
    }
    proc_child_free(child);
}

static void other_signals_reach_all_once(void **state)
{
    (void)state;
    proc_child *child = start_child("tree", "3");
    int pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = said_pid(child);
    assert_string_equal(said(child), "ready");
    assert_rc(proc_kill(child, 0, PROC_TREE), 0);
    assert_int_equal(reach_of(child).signaled, 4);
    assert_int_equal(reach_of(child).left, 4);
    assert_rc(proc_kill(child, SIGSTOP, PROC_TREE), 0);
    for (int i = 0; i < 3; i++)
        assert_eventually(state_of(pids[i]) == 'T');
    assert_rc(proc_kill(child, SIGCONT, PROC_TREE), 0);
    assert_eventually(state_of(proc_child_pid(child)) == 'S');
    for (int i = 0; i < 3; i++)
        assert_eventually(state_of(pids[i]) == 'S');
    assert_rc(proc_kill(child, SIGTERM, PROC_TREE), 0);
    assert_int_equal(reach_of(child).signaled, 4);
    for (int i = 0; i < 3; i++)
        assert_eventually(has_ended(pids[i]));
    assert_ends(child, PROC_SIGNALED, SIGTERM);
    proc_child_free(child);
}

/* ---- Who is not ---- */

static void nobody_else_is_reached(void **state)
{
    (void)state;
    int stranger = sleeper();
    proc_child *other = start_child("tree", "1"), *child = start_child("tree", "1");
    int others = said_pid(other);
    assert_string_equal(said(other), "ready");
    check_kill(child, 2);
    assert_int_equal(state_of(stranger), 'S');
    assert_false(has_ended(proc_child_pid(other)));
    assert_false(has_ended(others));
    end_process(stranger);
    assert_rc(proc_kill(other, SIGKILL, PROC_TREE), 0);
    proc_child_free(other);
}

static int kill_a_tree_that_we_are_in(void *arg)
{
    proc_child *child;
    proc_reach reach;
    (void)arg;
    require_rc(proc_spawn(&child, CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP)), 0);
    require(setpgid(0, proc_child_pid(child)) == 0);
    require_rc(proc_kill(child, SIGKILL, PROC_TREE), 0);
    require_rc(proc_child_reach(child, &reach), 0);
    require(reach.signaled == 1 && reach.left == 0);
    require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    proc_child_free(child);
    return 0;
}

static void we_are_never_reached_ourselves(void **state)
{
    (void)state;
    assert_in_fork(kill_a_tree_that_we_are_in, NULL);
}

/* A child that waits for its own one, says so, and lives on. */
static int parent_that_reaps(int *ret_line)
{
    int ends[2];
    require(pipe2(ends, O_CLOEXEC) == 0);
    int pid = fork_bound();
    if (pid == 0) {
        int child = sleeper();
        require(write(ends[1], &child, sizeof child) == sizeof child);
        waitpid(child, NULL, 0);
        require(write(ends[1], &child, sizeof child) == sizeof child);
        live_on();
    }
    close(ends[1]);
    *ret_line = ends[0];
    return pid;
}

static int wait_for_word(int line)
{
    int pid = 0;
    require(read(line, &pid, sizeof pid) == sizeof pid);
    return pid;
}

static int is_known(const struct descendants *tree, int pid)
{
    int known = 0;
    for (size_t i = 0; i < tree->count; i++)
        known |= tree->items[i].pid == pid;
    return known;
}

/* Somebody of the tree has gone, and a stranger with a child has the number. */
static int give_a_number_away(void *arg)
{
    struct descendants tree = {0};
    int line, ends[2];
    (void)arg;
    if (mount_proc() < 0 || proc__descendants_possible() < 0)
        return NOT_POSSIBLE;
    int root = parent_that_reaps(&line), rootfd = proc__pidfd_open(root), gone = wait_for_word(line);
    require(proc__descendants_add_root(&tree, root, rootfd, 0) == 0);
    require_rc(proc__descendants_scan(&tree), 1);
    require(is_known(&tree, gone));
    kill(gone, SIGKILL);
    wait_for_word(line);
    require(pipe2(ends, O_CLOEXEC) == 0);
    choose_next_pid(gone);
    int stranger = fork_bound();
    if (stranger == 0) {
        setsid();
        int pid = sleeper();
        require(write(ends[1], &pid, sizeof pid) == sizeof pid);
        live_on();
    }
    if (stranger != gone)
        return NOT_POSSIBLE;
    int strangers = wait_for_word(ends[0]);
    require_rc(proc__descendants_scan(&tree), 0);
    require(tree.count == 2 && !is_known(&tree, strangers));
    require_rc(proc__pidfd_signal(tree.items[1].pidfd, SIGKILL, 0), -ESRCH);
    require(!has_ended(stranger) && !has_ended(strangers));
    proc__descendants_done(&tree);
    return 0;
}

static void a_pid_that_was_given_away_is_not_followed(void **state)
{
    (void)state;
    assert_in_pid_namespace(give_a_number_away);
}

/* Lets the world change between two steps: when a process of that number is opened, a stranger has it already. */
static struct {
    int pid, line, stranger;
} swap;

int __real_proc__pidfd_open(int pid);
int __wrap_proc__pidfd_open(int pid);

int __wrap_proc__pidfd_open(int pid)
{
    if (swap.pid != 0 && pid == swap.pid && swap.stranger == 0) {
        kill(pid, SIGKILL);
        wait_for_word(swap.line);
        choose_next_pid(pid);
        swap.stranger = sleeper();
    }
    return __real_proc__pidfd_open(pid);
}

/* Between the reading of the number and the opening of the process it is given away. */
static int give_a_number_away_in_between(void *arg)
{
    struct descendants tree = {0};
    int line;
    (void)arg;
    if (mount_proc() < 0 || proc__descendants_possible() < 0)
        return NOT_POSSIBLE;
    int root = parent_that_reaps(&line), rootfd = proc__pidfd_open(root);
    swap.line = line;
    swap.pid = wait_for_word(line);
    require(proc__descendants_add_root(&tree, root, rootfd, 0) == 0);
    require_rc(proc__descendants_scan(&tree), 0);
    require(tree.count == 1);
    if (swap.stranger != swap.pid)
        return NOT_POSSIBLE;
    require(!has_ended(swap.stranger));
    proc__descendants_done(&tree);
    return 0;
}

static void a_pid_that_is_given_away_while_it_is_opened_is_not_taken(void **state)
{
    (void)state;
    assert_in_pid_namespace(give_a_number_away_in_between);
}

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
    struct verdict verdict;
    (void)state;
    run_in_fork(&verdict, kill_without_proc, NULL, PATIENCE_MS);
    if (verdict.code == NOT_POSSIBLE)
        SKIP_TEST("no mount namespace to hide /proc in");
    if (verdict.code != 0)
        fail_msg("%s", verdict.text);
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
        walking_test(children_and_theirs_are_killed),
        walking_test(sessions_and_groups_are_no_way_out),
        walking_test(suspended_and_traced_ones_are_killed),
        walking_test(who_waits_for_a_vfork_is_killed_with_its_child),
        walking_test(a_process_whose_first_thread_has_ended_is_no_zombie),
        walking_test(a_daemon_is_found_by_the_session_of_its_zombie),
        walking_test(orphans_in_the_childs_group_or_session_are_killed),
        walking_test(a_tree_that_grows_meanwhile_is_caught),
        walking_test(other_signals_reach_all_once),
        walking_test(nobody_else_is_reached),
        walking_test(we_are_never_reached_ourselves),
        walking_test(a_pid_that_was_given_away_is_not_followed),
        walking_test(a_pid_that_is_given_away_while_it_is_opened_is_not_taken),
        root_test(who_may_not_be_signalled_is_told_and_the_others_are_reached),
        machine_test(a_pid_namespace_ends_with_its_first_process),
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
    return run_suite("tree", tests, sizeof tests / sizeof tests[0], argc, argv);
}
