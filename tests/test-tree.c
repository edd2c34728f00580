/* SPDX-License-Identifier: MIT */
/*
 * Signals to a child and all that come of it: who is reached, wherever they have gone and whatever they are doing; who
 * never is; and that what is told of it is true.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/pidfd.h"
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
    };
    return run_suite("tree", tests, sizeof tests / sizeof tests[0], argc, argv);
}
