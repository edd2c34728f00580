/* SPDX-License-Identifier: MIT */
/*
 * Fault runs of starts into namespaces: whichever call fails, of ours, of the process in between or of the child,
 * nobody is left, nothing is open, and the error says so.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/clone.h"
#include "base/probe.h"
#include "fault.h"
#include "places.h"

#define LONG_MS 8000
#define MOST_KINDS (PROC_NS_PID | PROC_NS_MOUNT | PROC_NS_NET | PROC_NS_UTS | PROC_NS_IPC | PROC_NS_CGROUP)

static proc_child *const no_child = (proc_child *)(uintptr_t)0x5a5a;

/* Starts under faults, and if that has worked takes the child to its end without. */
static void spawn_by(struct attempt *attempt, proc_options *options)
{
    proc_child *child = no_child;
    attempt->takes_error = 1;
    options->size = sizeof *options;
    options->error = &attempt->error;
    fault_begin();
    attempt->rc = proc_spawn(&child, PROC_ARGV("true"), options);
    fault_end();
    attempt->untouched = child == no_child;
    if (attempt->rc < 0)
        return;
    proc_exit end = {0};
    int rc = proc_wait(child, LONG_MS, &end);
    if (rc < 0 || !proc_exit_ok(&end))
        snprintf(attempt->wrong, sizeof attempt->wrong, "the wait is %s, ended as %d with %d", rc_name(rc), end.kind,
                 end.code);
    proc_child_free(child);
}

static void spawn_in(struct attempt *attempt, const proc_namespaces *namespaces, const proc_ids *ids)
{
    spawn_by(attempt, &(proc_options){.namespaces = namespaces, .ids = ids});
}

static void plain_kinds(struct attempt *attempt)
{
    spawn_in(attempt, PROC_NAMESPACES(.create = MOST_KINDS & ~PROC_NS_PID, .hostname = "a", .domainname = "b"), NULL);
}

static void pids_and_proc(struct attempt *attempt)
{
    spawn_in(attempt, PROC_NAMESPACES(.create = PROC_NS_PID | PROC_NS_MOUNT), NULL);
}

static void pids_bound_to_us(struct attempt *attempt)
{
    spawn_by(attempt, &(proc_options){.flags = PROC_DIE_WITH_PARENT,
                                      .namespaces = PROC_NAMESPACES(.create = PROC_NS_PID)});
}

/* Whose end is not ours to learn everywhere. */
static void an_orphan(struct attempt *attempt, const proc_namespaces *namespaces)
{
    proc_child *child = no_child;
    attempt->takes_error = 1;
    fault_begin();
    attempt->rc = proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.flags = PROC_ORPHAN, .namespaces = namespaces,
                                                                     .error = &attempt->error));
    fault_end();
    attempt->untouched = child == no_child;
    if (attempt->rc < 0)
        return;
    struct pollfd end = {.fd = proc_child_fd(child), .events = POLLIN};
    if (poll(&end, 1, LONG_MS) != 1)
        snprintf(attempt->wrong, sizeof attempt->wrong, "it has not ended");
    proc_child_free(child);
}

static void a_plain_orphan(struct attempt *attempt)
{
    an_orphan(attempt, NULL);
}

static void an_orphan_in_pids(struct attempt *attempt)
{
    an_orphan(attempt, PROC_NAMESPACES(.create = PROC_NS_PID));
}

static void an_orphan_in_joined_pids(struct attempt *attempt)
{
    proc_child *host = NULL;
    if (proc_spawn(&host, CHILD_DOES("sleep", "forever"),
                   PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_PID))) < 0)
        complain("no host");
    an_orphan(attempt, PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_PID, .pid = proc_child_pid(host)})));
    proc_child_free(host);
}

static proc_child *sleeping_orphan(void)
{
    const proc_stop_steps steps = {
        (const proc_stop_step[]){{SIGTERM, PROC_ONE, 1000}, {SIGKILL, PROC_ONE, 1000}}, 2};
    proc_child *child = NULL;
    if (proc_spawn(&child, CHILD_DOES("sleep", "forever"),
                   PROC_OPTIONS(.flags = PROC_ORPHAN, .in = PROC_NULL, .stop = steps)) < 0)
        complain("no orphan");
    return child;
}

static void end_orphan(proc_child *child)
{
    struct pollfd end = {.fd = proc_child_fd(child), .events = POLLIN};
    kill(proc_child_pid(child), SIGKILL);
    poll(&end, 1, LONG_MS);
    proc_child_free(child);
}

/* That it runs on is what the wait is to tell. */
static void wait_for_a_running_orphan(struct attempt *attempt)
{
    proc_exit end = {.kind = 0x5a};
    proc_child *child = sleeping_orphan();
    fault_begin();
    int rc = proc_wait(child, 15, &end);
    fault_end();
    attempt->rc = rc == -ETIMEDOUT ? 0 : rc;
    attempt->untouched = end.kind == 0x5a;
    if (rc == 0)
        find_wrong(attempt, "told to have ended, and runs");
    end_orphan(child);
}

static void stop_an_orphan(struct attempt *attempt)
{
    proc_exit end = {.kind = 0x5a};
    proc_child *child = sleeping_orphan();
    fault_begin();
    attempt->rc = proc_stop(child, &end);
    fault_end();
    attempt->untouched = end.kind == 0x5a;
    if (attempt->rc == 0 && end.kind != PROC_LOST && (end.kind != PROC_SIGNALED || end.code == 0))
        find_wrong(attempt, "invented a status");
    if (attempt->rc < 0)
        end_orphan(child);
    else
        proc_child_free(child);
}

static void users_and_ids(struct attempt *attempt)
{
    spawn_in(attempt, PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_PID | PROC_NS_NET, .flags = PROC_NS_AS_ROOT),
             PROC_IDS(.uid = PROC_UID(0), .gid = PROC_GID(0), .keep_groups = 1));
}

static void users_and_time(struct attempt *attempt)
{
    const int64_t offset = 1000;
    spawn_in(attempt,
             PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_TIME | PROC_NS_UTS, .boottime_offset_ms = &offset), NULL);
}

/* A host that is started without faults, and what joins it. */
static void join_host(struct attempt *attempt, uint32_t created, uint32_t joined)
{
    proc_child *host = NULL;
    if (proc_spawn(&host, CHILD_DOES("sleep", "forever"),
                   PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = joined))) < 0)
        complain("no host");
    spawn_in(attempt,
             PROC_NAMESPACES(.create = created,
                             .join = PROC_NS_JOIN({.which = joined, .pid = proc_child_pid(host)}, {.which = 0})),
             NULL);
    proc_child_free(host);
}

static void joined_pids(struct attempt *attempt)
{
    join_host(attempt, PROC_NS_MOUNT, PROC_NS_PID | PROC_NS_NET);
}

static void joined_and_made(struct attempt *attempt)
{
    join_host(attempt, PROC_NS_USER, PROC_NS_UTS);
}

static void joined_by_file(struct attempt *attempt)
{
    int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    spawn_in(attempt,
             PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .fd = &net},
                                                  {.which = PROC_NS_UTS, .path = "/proc/self/ns/uts"})),
             NULL);
    close(net);
}

static void asked_beforehand(struct attempt *attempt)
{
    attempt->takes_error = 1;
    attempt->untouched = 1;
    fault_begin();
    attempt->rc = proc_namespaces_check(PROC_NS_USER | PROC_NS_NET | PROC_NS_UTS, &attempt->error);
    fault_end();
}

static void need(uint32_t which)
{
    int memory = proc__probe_memory();
    if (memory < 0 || memory == MEMORY_EMULATED)
        SKIP_TEST("no births into namespaces here");
    if (!can_make(which))
        SKIP_TEST("no such namespaces here: a plain unshare(2) is denied");
}

static void a_start_into_namespaces_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"plain kinds", plain_kinds},
        {"pids and /proc", pids_and_proc},
        {"pids bound to us", pids_bound_to_us},
    };
    (void)state;
    need(MOST_KINDS);
    FAULT_CHECK(scenarios);
}

static void an_orphan_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"an orphan", a_plain_orphan},
        {"wait for a running orphan", wait_for_a_running_orphan},
        {"stop an orphan", stop_an_orphan},
    };
    static const struct scenario in_pids[] = {
        {"an orphan in pids", an_orphan_in_pids},
        {"an orphan in joined pids", an_orphan_in_joined_pids},
    };
    int memory = proc__probe_memory();
    (void)state;
    if (memory < 0 || memory == MEMORY_EMULATED || proc_has(PROC_FEATURE_PIDFD) != 1)
        SKIP_TEST("no orphans here: no pidfds by number, or an emulator");
    FAULT_CHECK(scenarios);
    if (can_make(PROC_NS_PID))
        FAULT_CHECK(in_pids);
}

static void a_start_with_other_users_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"users and ids", users_and_ids},
        {"users and time", users_and_time},
        {"asked beforehand", asked_beforehand},
    };
    (void)state;
    need(PROC_NS_USER | PROC_NS_TIME | PROC_NS_NET);
    FAULT_CHECK(scenarios);
}

static void a_start_that_joins_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"joined pids", joined_pids},
        {"joined and made", joined_and_made},
        {"joined by file", joined_by_file},
    };
    (void)state;
    need(PROC_NS_PID | PROC_NS_NET | PROC_NS_MOUNT);
    FAULT_CHECK(scenarios);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_into_namespaces_leaves_no_trace_when_a_call_fails),
        cmocka_unit_test(an_orphan_leaves_no_trace_when_a_call_fails),
        cmocka_unit_test(a_start_with_other_users_leaves_no_trace_when_a_call_fails),
        cmocka_unit_test(a_start_that_joins_leaves_no_trace_when_a_call_fails),
    };
    live_below_heir();
    return run_suite("fault-namespaces", tests, sizeof tests / sizeof tests[0], argc, argv);
}
