/* SPDX-License-Identifier: MIT */
/* Fault runs of signals to trees: whatever call fails, it is said, nobody is left suspended who was to be killed. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "fault.h"
#include "procfs/descendants.h"

#define LONG_MS 8000
#define CHILDREN 2
#define RUN_MS 800000

static const proc_stop_steps tree_stop = {
    (const proc_stop_step[]){{SIGTERM, PROC_TREE, 20}, {SIGKILL, PROC_TREE, 1000}}, 2};

/* A child with two of its own, which become ours when it ends: so they can be waited for. */
static proc_child *start_family(const proc_options *options, int ret_pids[CHILDREN])
{
    proc_child *child;
    proc_options family = *options;
    family.out = PROC_PIPE;
    family.flags = PROC_NEW_GROUP;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    int rc = proc_spawn(&child, PROC_ARGV(CHILD, "tree", "2"), &family);
    if (rc < 0)
        complain("could not start: %s", rc_name(rc));
    for (int i = 0; i < CHILDREN; i++) {
        char line[32] = "";
        for (size_t len = 0; !strchr(line, '\n') && proc_read(child, 1, line + len, 1, LONG_MS) == 1;)
            len++;
        ret_pids[i] = atoi(line);
    }
    return child;
}

/* Who has not been killed is, now that nothing fails any more. */
static void end_family(struct attempt *attempt, proc_child *child, const int pids[CHILDREN], int were_to_end)
{
    proc_reach reach;
    if (were_to_end && (proc_child_reach(child, &reach) < 0 || reach.rung == PROC_REACH_NONE))
        find_wrong(attempt, "nothing is told of how far it has reached");
    kill(-proc_child_pid(child), SIGKILL);
    if (proc_wait(child, LONG_MS, NULL) < 0)
        find_wrong(attempt, "the child does not end");
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;
        while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR)
            ;
        if (!WIFSIGNALED(status))
            find_wrong(attempt, "a grandchild does not end");
    }
    proc_child_free(child);
}

static void kill_a_family(struct attempt *attempt, int signal)
{
    int pids[CHILDREN];
    proc_reach reach = {0};
    proc_child *child = start_family(&(proc_options){.size = sizeof(proc_options)}, pids);
    fault_begin();
    attempt->rc = proc_kill(child, signal, PROC_TREE);
    fault_end();
    attempt->untouched = 1;
    proc_child_reach(child, &reach);
    int is_walk = reach.rung == PROC_REACH_WALK;
    if (attempt->rc == 0 && is_walk && reach.signaled != CHILDREN + 1)
        find_wrong(attempt, "not all were reached, and the call says all is well");
    end_family(attempt, child, pids, attempt->rc == 0);
}

static void kill_for_good(struct attempt *attempt)
{
    kill_a_family(attempt, SIGKILL);
}

static void kill_gently(struct attempt *attempt)
{
    kill_a_family(attempt, SIGTERM);
}

static void stop_a_family(struct attempt *attempt)
{
    int pids[CHILDREN];
    proc_exit ended = {.kind = 0x5a};
    proc_child *child = start_family(&(proc_options){.size = sizeof(proc_options), .stop = tree_stop}, pids);
    fault_begin();
    attempt->rc = proc_stop(child, &ended);
    fault_end();
    attempt->untouched = ended.kind == 0x5a;
    if (attempt->rc == 0 && ended.kind != PROC_SIGNALED && ended.kind != PROC_LOST)
        find_wrong(attempt, "the end is told wrongly");
    end_family(attempt, child, pids, attempt->rc == 0);
}

/* Every process that a search looks at is a few calls more that may fail: so there are none but ours. */
static int run_among_few(void *arg)
{
    static const struct scenario scenarios[] = {
        {"kill a tree", kill_for_good}, {"signal a tree", kill_gently}, {"stop a tree", stop_a_family},
    };
    int broken = 0;
    (void)arg;
    if (mount_proc() < 0 || proc__descendants_possible() < 0)
        return NOT_POSSIBLE;
    fault_take_stride();
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        broken += fault_run(&scenarios[i], 1);
    return broken > 0;
}

static int in_namespace(void *arg)
{
    int status = 0;
    (void)arg;
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
        return NOT_POSSIBLE;
    int first = fork_bound();
    if (first == 0)
        leave(run_among_few(NULL));
    waitpid(first, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static void a_signal_to_a_tree_leaves_no_trace_when_a_call_fails(void **state)
{
    struct verdict verdict;
    (void)state;
    if (!proc_has(PROC_FEATURE_PIDFD))
        SKIP_TEST("no pidfds here, so no children");
    run_in_fork(&verdict, in_namespace, NULL, RUN_MS);
    if (verdict.code == NOT_POSSIBLE)
        SKIP_TEST("no pid namespace with a /proc here, and too many processes outside of one");
    if (verdict.code != 0)
        fail_msg("left with %d: %s", verdict.code, verdict.text);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_to_a_tree_leaves_no_trace_when_a_call_fails),
    };
    return run_suite("fault-tree", tests, sizeof tests / sizeof tests[0], argc, argv);
}
