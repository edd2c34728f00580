/* SPDX-License-Identifier: MIT */
/* Fault runs of a start whose child has limits, a control group, CPUs and a place in the queue. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/probe.h"
#include "cgroups.h"
#include "fault.h"

#define LONG_MS 8000

static proc_child *const no_child = (proc_child *)(uintptr_t)0x5a5a;

/* Starts under faults, and if that has worked takes the child to its end without. */
static void spawn(struct attempt *attempt, proc_options *options)
{
    proc_child *child = no_child;
    attempt->takes_error = 1;
    options->size = sizeof *options;
    options->error = &attempt->error;
    fault_begin();
    attempt->rc = proc_spawn(&child, PROC_ARGV("/bin/true"), options);
    fault_end();
    attempt->untouched = child == no_child;
    if (attempt->rc < 0)
        return;
    proc_exit end = {0};
    if (proc_wait(child, LONG_MS, &end) < 0 || !proc_exit_ok(&end))
        snprintf(attempt->wrong, sizeof attempt->wrong, "ended as %d with %d", end.kind, end.code);
    proc_child_free(child);
}

static void spawn_scheduled(struct attempt *attempt)
{
    spawn(attempt, &(proc_options){.scheduling = PROC_SCHEDULING(.nice = PROC_INT(19), .cpus = "0-65535",
                                                                 .policy = PROC_INT(SCHED_BATCH),
                                                                 .io_priority = PROC_IO_PRIORITY(2, 7))});
}

static void spawn_limited(struct attempt *attempt)
{
    spawn(attempt, &(proc_options){.fds = PROC_FDS({90, PROC_NULL}),
                                   .limits = PROC_LIMITS(.oom_score_adj = PROC_INT(1000),
                                                         .rlimits = PROC_RLIMITS({RLIMIT_CORE, 0, 0, 0},
                                                                                 {RLIMIT_NOFILE, 0, 10, 10}))});
}

static void spawn_with_limits_in_a_copy(struct attempt *attempt)
{
    const uint32_t uid = geteuid(), gid = getegid();
    spawn(attempt, &(proc_options){.ids = PROC_IDS(.uid = &uid, .gid = &gid, .keep_groups = 1),
                                   .limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_NOFILE, 0, 10, 10}))});
}

static char *group;

static void spawn_in_a_group(struct attempt *attempt)
{
    spawn(attempt, &(proc_options){.limits = PROC_LIMITS(.cgroup_path = group)});
}

static void a_start_with_limits_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"scheduled", spawn_scheduled},
        {"limited", spawn_limited},
        {"limited, in a copy", spawn_with_limits_in_a_copy},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

static int remove_group(void **state)
{
    (void)state;
    group = cgroup_remove(group);
    return 0;
}

static void a_start_in_a_group_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenario = {"in a group", spawn_in_a_group};
    (void)state;
    group = cgroup_make(2);
    if (!group)
        SKIP_TEST("no control groups of version 2 that we may make");
    fault_check(&scenario, 1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        machine_test(a_start_with_limits_leaves_no_trace_when_a_call_fails),
        cmocka_unit_test_setup_teardown(a_start_in_a_group_leaves_no_trace_when_a_call_fails, needs_pidfds,
                                        remove_group),
    };
    return run_suite("fault-limits", tests, sizeof tests / sizeof tests[0], argc, argv);
}
