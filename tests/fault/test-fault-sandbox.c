/* SPDX-License-Identifier: MIT */
/* Fault runs of starts in a sandbox: no program ever runs with half of what was asked for. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/clone.h"
#include "base/probe.h"
#include "fault.h"

#define LONG_MS 8000
#define RAW PROC_CAP(13)
#define MODULE PROC_CAP(16)
/* Few are taken away, for each is a call to fail; nobody has more than he is said to have. */
#define LITTLE                                                                                            \
    {                                                                                                     \
        PROC_CAP_SET(RAW), PROC_CAP_SET(RAW), PROC_CAP_SET(RAW), PROC_CAP_SET(RAW), PROC_CAP_SET(~MODULE) \
    }

static proc_child *const no_child = (proc_child *)(uintptr_t)0x5a5a;

/* What it tells of itself is what was asked for, or there is no child. */
static void spawn(struct attempt *attempt, const proc_sandbox *sandbox, const proc_ids *ids)
{
    proc_child *child = no_child;
    char said[64] = "";
    attempt->takes_error = 1;
    fault_begin();
    attempt->rc = proc_spawn(&child, PROC_ARGV("/bin/grep", "CapBnd", "/proc/self/status"),
                             PROC_OPTIONS(.out = PROC_PIPE, .ids = ids, .sandbox = sandbox, .error = &attempt->error));
    fault_end();
    attempt->untouched = child == no_child;
    if (attempt->rc < 0)
        return;
    int64_t len = proc_read(child, 1, said, sizeof said - 1, LONG_MS);
    uint64_t bounding = len > 8 ? strtoull(said + 8, NULL, 16) : 0;
    if (sandbox->caps.bounding && bounding & ~*sandbox->caps.bounding)
        snprintf(attempt->wrong, sizeof attempt->wrong, "it says: %.50s", said);
    else if (proc_wait(child, LONG_MS, NULL) < 0)
        snprintf(attempt->wrong, sizeof attempt->wrong, "it does not end");
    proc_child_free(child);
}

static void in_a_root(struct attempt *attempt)
{
    spawn(attempt, PROC_SANDBOX(.root = "/", .no_new_privs = 1), NULL);
}

static void with_capabilities(struct attempt *attempt)
{
    spawn(attempt, PROC_SANDBOX(.caps = LITTLE), NULL);
}

static void with_capabilities_of_a_user(struct attempt *attempt)
{
    spawn(attempt, PROC_SANDBOX(.caps = LITTLE), PROC_IDS(.uid = PROC_UID(65534), .gid = PROC_GID(65534)));
}

static void under_landlock(struct attempt *attempt)
{
    const proc_landlock_rule rules[] = {{.path = "/", .allow = 0xd}, {.path = "/bin/sh", .allow = 0xd}};
    const proc_sandbox sandbox = {.size = sizeof sandbox, .deny_fs = 0x1fff, .rules = {rules, 2}};
    spawn(attempt, &sandbox, NULL);
}

static void under_landlock_if_possible(struct attempt *attempt)
{
    const proc_landlock_rule rules[] = {{.path = "/", .allow = 0xd}};
    const proc_sandbox sandbox = {
        .size = sizeof sandbox, .deny_fs = 0x1fff | UINT64_C(1) << 60, .rules = {rules, 1}, .best_effort = 1};
    spawn(attempt, &sandbox, NULL);
}

static void under_a_filter(struct attempt *attempt)
{
    const struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    spawn(attempt, PROC_SANDBOX(.seccomp = allow, .seccomp_length = 1), NULL);
}

static void a_root_of_its_own_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenario = {"root", in_a_root};
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("only root may change the root directory");
    fault_check(&scenario, 1);
}

static void capabilities_are_set_all_or_not_at_all(void **state)
{
    static const struct scenario scenarios[] = {
        {"capabilities", with_capabilities},
        {"capabilities of a user", with_capabilities_of_a_user},
    };
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("only root may change credentials");
    FAULT_CHECK(scenarios);
}

static void landlock_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"landlock", under_landlock},
        {"landlock, best effort", under_landlock_if_possible},
    };
    (void)state;
    if (proc_has(PROC_FEATURE_LANDLOCK) != 1)
        SKIP_TEST("there is no landlock here");
    FAULT_CHECK(scenarios);
}

static void a_filter_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenario = {"seccomp", under_a_filter};
    (void)state;
    if (proc_has(PROC_FEATURE_SECCOMP) != 1)
        SKIP_TEST("there is no seccomp here");
    fault_check(&scenario, 1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(a_root_of_its_own_leaves_no_trace_when_a_call_fails),
        spawning_test(capabilities_are_set_all_or_not_at_all),
        spawning_test(landlock_leaves_no_trace_when_a_call_fails),
        spawning_test(a_filter_leaves_no_trace_when_a_call_fails),
    };
    return run_suite("fault-sandbox", tests, sizeof tests / sizeof tests[0], argc, argv);
}
