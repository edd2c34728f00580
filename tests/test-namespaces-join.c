/* SPDX-License-Identifier: MIT */
/* Namespaces that a child joins: named by a pid, a pidfd, a descriptor or a path, on newer kernels and as on older ones. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <proc/proc.h>

#include "places.h"

#define MOST_KINDS (PROC_NS_PID | PROC_NS_MOUNT | PROC_NS_NET | PROC_NS_UTS | PROC_NS_IPC | PROC_NS_CGROUP)

/* Who lives in namespaces of its own, to be joined. In forked copies, too. */
static proc_child *host_of(const proc_namespaces *namespaces)
{
    proc_child *child = NULL;
    proc_error error = {0};
    if (proc_spawn(&child, CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.namespaces = namespaces, .error = &error)) < 0)
        fprintf(stderr, "%s\n", error.text);
    return child;
}

/* A child that joins has the same as the host, of these kinds. A sentence about the first that it has not, or NULL. */
static const char *differs_from(proc_child *host, uint32_t kinds, const proc_namespaces *namespaces)
{
    static char wrong[400];
    proc_child *child = NULL;
    proc_error error = {0};
    if (proc_spawn(&child, CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.namespaces = namespaces, .error = &error)) <
        0) {
        snprintf(wrong, sizeof wrong, "%s", error.text);
        return wrong;
    }
    const char *sentence = NULL;
    for (uint32_t kind = 1; kind < 0x100; kind <<= 1) {
        uint64_t expected = namespace_of(kinds & kind ? proc_child_pid(host) : 0, kind);
        if (namespace_of(proc_child_pid(child), kind) == expected)
            continue;
        snprintf(wrong, sizeof wrong, "kind %#x is another one", kind);
        sentence = wrong;
    }
    proc_child_free(child);
    return sentence;
}

static const char *joins_by_pid(proc_child *host, uint32_t kinds)
{
    return differs_from(host, kinds,
                        PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = kinds, .pid = proc_child_pid(host)})));
}

static const char *joins_by_pidfd(proc_child *host, uint32_t kinds)
{
    int pidfd = proc_child_fd(host);
    return differs_from(host, kinds, PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = kinds, .fd = &pidfd})));
}

static int file_of(proc_child *host, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", proc_child_pid(host), name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* ---- By all the ways to name them ---- */

static void what_a_process_has_is_joined_by_its_pid_and_its_pidfd(void **state)
{
    (void)state;
    NEED_NAMESPACES(MOST_KINDS);
    proc_child *host = host_of(PROC_NAMESPACES(.create = MOST_KINDS));
    assert_non_null(host);
    for (uint32_t kind = 1; kind < 0x100; kind <<= 1) {
        if (!(kind & MOST_KINDS))
            continue;
        assert_null(joins_by_pid(host, kind));
        assert_null(joins_by_pidfd(host, kind));
    }
    assert_null(joins_by_pid(host, MOST_KINDS));
    assert_null(joins_by_pidfd(host, MOST_KINDS));
    proc_child_free(host);
}

static void namespace_files_are_joined_by_descriptor_and_path(void **state)
{
    char path[64];
    (void)state;
    NEED_NAMESPACES(PROC_NS_NET | PROC_NS_UTS | PROC_NS_PID);
    proc_child *host = host_of(PROC_NAMESPACES(.create = PROC_NS_NET | PROC_NS_UTS | PROC_NS_PID));
    assert_non_null(host);
    int net = file_of(host, "net");
    snprintf(path, sizeof path, "/proc/%d/ns/uts", proc_child_pid(host));
    assert_null(
        differs_from(host, PROC_NS_NET, PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .fd = &net}))));
    assert_null(
        differs_from(host, PROC_NS_UTS, PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_UTS, .path = path}))));
    assert_null(differs_from(
        host, PROC_NS_NET | PROC_NS_UTS | PROC_NS_PID,
        PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_UTS, .path = path}, {.which = PROC_NS_NET, .fd = &net},
                                             {.which = PROC_NS_PID, .pid = proc_child_pid(host)}))));
    assert_true(fcntl(net, F_GETFD) >= 0);
    close(net);
    proc_child_free(host);
}

static int joins_as_before_5_8(void *arg)
{
    (void)arg;
    proc_child *host = host_of(PROC_NAMESPACES(.create = MOST_KINDS));
    require(host);
    /* Kernels before 5.8 do not take a pidfd, with whatever flags. */
    require(deny_call_if(SYS_setns, 1, UINT32_MAX, EINVAL) == 0);
    const char *wrong = joins_by_pid(host, MOST_KINDS);
    if (!wrong)
        wrong = joins_by_pidfd(host, MOST_KINDS);
    if (wrong)
        complain("%s", wrong);
    proc_child_free(host);
    return 0;
}

static void where_setns_takes_no_pidfds_each_is_joined_by_its_file(void **state)
{
    (void)state;
    NEED_NAMESPACES(MOST_KINDS);
    assert_in_fork(joins_as_before_5_8, NULL);
}

static void a_time_namespace_is_joined_with_its_clocks(void **state)
{
    const int64_t ahead = 7200000;
    (void)state;
    NEED_NAMESPACES(PROC_NS_TIME);
    proc_child *host = host_of(PROC_NAMESPACES(.create = PROC_NS_TIME, .boottime_offset_ms = &ahead));
    assert_non_null(host);
    assert_null(joins_by_pid(host, PROC_NS_TIME));
    const proc_namespaces *time =
        PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_TIME, .pid = proc_child_pid(host)}));
    int64_t here = number_of(told_by(NULL, NULL, "place"), "boottime");
    int64_t there = number_of(told_by(time, NULL, "place"), "boottime");
    assert_in_range((uint64_t)(there - here), (uint64_t)ahead, (uint64_t)ahead + PATIENCE_MS);
    proc_child_free(host);
}

/* ---- Pids: by a process in between, which is gone ---- */

static void who_joins_pids_is_our_child_and_has_a_number_there(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID);
    proc_child *host = host_of(PROC_NAMESPACES(.create = PROC_NS_PID)), *child = NULL;
    assert_non_null(host);
    const proc_namespaces *pids =
        PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_PID, .pid = proc_child_pid(host)}));
    const char *place = told_by(pids, NULL, "place");
    assert_true(number_of(place, "pid") > 1 && number_of(place, "pid") < 10);
    assert_int_equal(number_of(place, "ppid"), 0);
    assert_rc(proc_spawn(&child, CHILD_DOES("exit", "9"), PROC_OPTIONS(.namespaces = pids)), 0);
    assert_ends(child, PROC_EXITED, 9);
    proc_child_free(child);

    /* It goes with the first process of the namespace, which is not gone before it is reaped. */
    assert_rc(proc_spawn(&child, CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.namespaces = pids)), 0);
    assert_rc(proc_kill(host, SIGKILL, PROC_ONE), 0);
    assert_rc(proc_wait(host, 20, NULL), -ETIMEDOUT);
    assert_ends(child, PROC_SIGNALED, SIGKILL);
    assert_ends(host, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
    proc_child_free(host);
}

static void a_fresh_proc_shows_the_pids_that_were_joined(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID | PROC_NS_MOUNT);
    proc_child *host = host_of(PROC_NAMESPACES(.create = PROC_NS_PID));
    assert_non_null(host);
    const char *seen =
        child_tells(PROC_ARGV("sh", "-c", "readlink /proc/self; cat /proc/1/comm"),
                    PROC_NAMESPACES(.create = PROC_NS_MOUNT,
                                    .join = PROC_NS_JOIN({.which = PROC_NS_PID, .pid = proc_child_pid(host)})),
                    NULL);
    assert_true(strtol(seen, NULL, 10) > 1 && strtol(seen, NULL, 10) < 20);
    assert_contains(seen, "\nchild\n");
    proc_child_free(host);
}

/* ---- Users ---- */

/* Where it may do what it could not do outside: so that of users comes first, wherever it stands in the list. */
static int joins_users_without_privilege(void *arg)
{
    (void)arg;
    proc_child *host = host_of(PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_UTS | PROC_NS_PID,
                                               .flags = PROC_NS_AS_ROOT, .hostname = "theirs"));
    require(host);
    int pid = proc_child_pid(host), uts = file_of(host, "uts");
    require(uts >= 0);
    const proc_namespaces *joining =
        PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_UTS, .fd = &uts},
                                             {.which = PROC_NS_USER | PROC_NS_PID, .pid = pid}));
    const char *place = told_by(joining, NULL, "place");
    require(strcmp(value_of(place, "hostname"), "theirs") == 0);
    require(number_of(place, "pid") > 1 && number_of(place, "ppid") == 0);
    require(strcmp(child_tells(PROC_ARGV("id", "-u"), joining, NULL), "0\n") == 0);
    close(uts);
    proc_child_free(host);
    return 0;
}

static void a_user_namespace_is_joined_before_the_others(void **state)
{
    (void)state;
    assert_as_nobody(joins_users_without_privilege);
}

static int joins_and_makes(void *arg)
{
    (void)arg;
    proc_child *host = host_of(PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_NET, .flags = PROC_NS_AS_ROOT));
    require(host);
    const proc_namespaces *both =
        PROC_NAMESPACES(.create = PROC_NS_PID | PROC_NS_MOUNT | PROC_NS_UTS | PROC_NS_TIME, .hostname = "ours",
                        .join = PROC_NS_JOIN({.which = PROC_NS_USER | PROC_NS_NET, .pid = proc_child_pid(host)}));
    const char *place = told_by(both, NULL, "place");
    require(strcmp(value_of(place, "hostname"), "ours") == 0);
    require(number_of(place, "pid") == 1);
    require(strcmp(value_of(place, "loopback"), "up") == 0);
    proc_child_free(host);
    return 0;
}

static void what_is_made_belongs_to_the_user_namespace_that_was_joined(void **state)
{
    (void)state;
    assert_as_nobody(joins_and_makes);
}

/* Root may join what a new user namespace has no right to. */
static void a_new_user_namespace_comes_after_what_is_joined(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER | PROC_NS_NET | PROC_NS_PID);
    proc_child *host = host_of(PROC_NAMESPACES(.create = PROC_NS_NET)), *child = NULL;
    assert_non_null(host);
    const proc_namespaces *both =
        PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_PID, .flags = PROC_NS_AS_ROOT,
                        .join = PROC_NS_JOIN({.which = PROC_NS_NET, .pid = proc_child_pid(host)}));
    assert_rc(proc_spawn(&child, CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.namespaces = both)), 0);
    assert_true(namespace_of(proc_child_pid(child), PROC_NS_NET) == namespace_of(proc_child_pid(host), PROC_NS_NET));
    assert_true(namespace_of(proc_child_pid(child), PROC_NS_USER) != namespace_of(0, PROC_NS_USER));
    assert_true(namespace_of(proc_child_pid(child), PROC_NS_PID) != namespace_of(0, PROC_NS_PID));
    proc_child_free(child);
    proc_child_free(host);
}

static void a_joined_mount_namespace_is_where_paths_are_resolved(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_MOUNT);
    char *directory = directory_make(), *inside = path_in(directory, "inside");
    file_write(inside, "x");
    proc_child *host = start(CHILD_DOES("mount", directory),
                             PROC_OPTIONS(.out = PROC_PIPE, .namespaces = PROC_NAMESPACES(.create = PROC_NS_MOUNT)));
    assert_string_equal(said(host), "0");
    const proc_namespaces *mounts =
        PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_MOUNT, .pid = proc_child_pid(host)}));
    assert_string_equal(child_tells(PROC_ARGV("sh", "-c", "pwd"), mounts, NULL), "/\n");
    assert_string_equal(child_tells(PROC_ARGV("ls", directory), mounts, NULL), "");
    assert_string_equal(child_tells(PROC_ARGV("ls", directory), NULL, NULL), "inside\n");
    proc_child_free(host);
    free(inside);
    directory_remove(directory);
}

/* Of those who need a kernel of their own, and the right to enter. */
static int needs_a_root_machine(void **state)
{
    int rc = needs_a_machine(state);
    if (geteuid() != 0)
        leave_out("only root may join what is not its own");
    return rc;
}
#define root_machine_test(test) cmocka_unit_test_setup(test, needs_a_root_machine)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        root_machine_test(what_a_process_has_is_joined_by_its_pid_and_its_pidfd),
        root_machine_test(namespace_files_are_joined_by_descriptor_and_path),
        root_machine_test(where_setns_takes_no_pidfds_each_is_joined_by_its_file),
        root_machine_test(a_time_namespace_is_joined_with_its_clocks),
        root_machine_test(who_joins_pids_is_our_child_and_has_a_number_there),
        root_machine_test(a_fresh_proc_shows_the_pids_that_were_joined),
        machine_test(a_user_namespace_is_joined_before_the_others),
        machine_test(what_is_made_belongs_to_the_user_namespace_that_was_joined),
        root_machine_test(a_new_user_namespace_comes_after_what_is_joined),
        root_machine_test(a_joined_mount_namespace_is_where_paths_are_resolved),
    };
    return run_suite("namespaces-join", tests, sizeof tests / sizeof tests[0], argc, argv);
}
