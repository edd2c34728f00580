/* SPDX-License-Identifier: MIT */
/*
 * Signals to a child and all that come of it: who is reached, wherever they have gone and whatever they are doing, and
 * who never is. What is told of it is in test-tree-reach.c.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/pidfd.h"
#include "procfs/descendants.h"
#include "trees.h"

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

struct crowd {
    proc_child *child;
    _Atomic int stop;
};

static void *continue_all(void *arg)
{
    struct crowd *crowd = arg;
    while (!atomic_load(&crowd->stop))
        (void)proc_kill(crowd->child, SIGCONT, PROC_TREE);
    return NULL;
}

static void who_is_suspended_to_be_killed_is_not_continued_by_another_thread(void **state)
{
    (void)state;
    struct crowd crowd = {.stop = 0};
    pthread_t threads[3];
    crowd.child = start(CHILD_DOES("storm", "20"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_SESSION));
    assert_string_equal(said(crowd.child), "ready");
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, continue_all, &crowd), 0);
    int rc = proc_kill(crowd.child, SIGKILL, PROC_TREE);
    int nobody_is_left = all_of_session_have_ended(proc_child_pid(crowd.child));
    atomic_store(&crowd.stop, 1);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    kill(-proc_child_pid(crowd.child), SIGKILL);
    proc_child_free(crowd.child);
    /* As of any storm. */
    assert_true(rc == -ETIMEDOUT || (rc == 0 && nobody_is_left));
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
        walking_test(who_is_suspended_to_be_killed_is_not_continued_by_another_thread),
        walking_test(other_signals_reach_all_once),
        walking_test(nobody_else_is_reached),
        walking_test(we_are_never_reached_ourselves),
        walking_test(a_pid_that_was_given_away_is_not_followed),
        walking_test(a_pid_that_is_given_away_while_it_is_opened_is_not_taken),
    };
    return run_suite("tree", tests, sizeof tests / sizeof tests[0], argc, argv);
}
