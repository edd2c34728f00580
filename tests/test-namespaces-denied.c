/* SPDX-License-Identifier: MIT */
/* Namespaces that cannot be had: refused before anything is made, or denied by the system, with the gate in the text. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <proc/proc.h>

#include "base/clone.h"
#include "base/probe.h"
#include "places.h"

/* ---- Refused ---- */

#define REFUSED(asked, what) check_refused(PROC_OPTIONS(.namespaces = (asked)), EINVAL, (what), __LINE__)

static void check_refused(const proc_options *options, int code, const char *what, int line)
{
    char text[300];
    snprintf(text, sizeof text, "spawn \"x\": options \"%s\": %s", what, strerror(code));
    assert_null(strstr(text, "..."));
    check_fails(PROC_ARGV("x"), options, -code, PROC_STEP_OPTIONS, -1, text, __FILE__, line);
}

static void a_flag_without_what_it_is_for_is_refused(void **state)
{
    const int64_t offset = 0;
    (void)state;
    check_refused(PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = 0x100)), ENOTSUP,
                  ".namespaces->create: a kind that this version lacks", __LINE__);
    check_refused(PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.flags = 0x04)), ENOTSUP,
                  ".namespaces->flags: one that this version lacks", __LINE__);
    REFUSED(PROC_NAMESPACES(.flags = PROC_NS_AS_ROOT), ".namespaces: AS_ROOT without a new user");
    REFUSED(PROC_NAMESPACES(.flags = PROC_NS_ALLOW_SETGROUPS), ".namespaces: ALLOW_SETGROUPS without a new user");
    REFUSED(PROC_NAMESPACES(.create = PROC_NS_PID, .flags = PROC_NS_KEEP_PROC),
            ".namespaces: KEEP_PROC without a new mount and another pid");
    REFUSED(PROC_NAMESPACES(.create = PROC_NS_MOUNT, .flags = PROC_NS_KEEP_PROC),
            ".namespaces: KEEP_PROC without a new mount and another pid");
    REFUSED(PROC_NAMESPACES(.create = PROC_NS_PID, .flags = PROC_NS_SHARED_MOUNTS),
            ".namespaces: SHARED_MOUNTS without a new mount");
    REFUSED(PROC_NAMESPACES(.flags = PROC_NS_LOOPBACK_DOWN), ".namespaces: LOOPBACK_DOWN without a new net");
    REFUSED(PROC_NAMESPACES(.hostname = "x"), ".namespaces: a name without a new uts");
    REFUSED(PROC_NAMESPACES(.domainname = "x"), ".namespaces: a name without a new uts");
    REFUSED(PROC_NAMESPACES(.boottime_offset_ms = &offset), ".namespaces: an offset without a new time");
    REFUSED(PROC_NAMESPACES(.uid_maps = PROC_ID_MAPS({0, 0, 1})), ".namespaces: id maps without a new user");
    char name[66];
    memset(name, 'x', sizeof name);
    name[65] = '\0';
    REFUSED(PROC_NAMESPACES(.create = PROC_NS_UTS, .hostname = name), ".namespaces->hostname is longer than 64");
    REFUSED(PROC_NAMESPACES(.create = PROC_NS_UTS, .domainname = name), ".namespaces->domainname is longer than 64");
}

static void a_source_that_makes_no_sense_is_refused(void **state)
{
    const int negative = -1, zero = 0;
    (void)state;
    REFUSED(PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET})),
            ".namespaces->join: one of pid, fd and path");
    REFUSED(PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .pid = 1, .fd = &zero})),
            ".namespaces->join: one of pid, fd and path");
    REFUSED(PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .pid = -1})),
            ".namespaces->join: a negative pid or fd");
    REFUSED(PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .fd = &negative})),
            ".namespaces->join: a negative pid or fd");
    REFUSED(PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = 0x100, .pid = 1})), ".namespaces->join: no such kind");
    REFUSED(PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .pid = 1, .reserved = 1})),
            ".namespaces->join: a member that must be 0");
    REFUSED(PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET | PROC_NS_UTS, .path = "/x"})),
            ".namespaces->join: one kind from a file");
    REFUSED(PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .pid = 1}, {.which = PROC_NS_NET, .pid = 2})),
            ".namespaces->join: a kind twice");
}

static void what_contradicts_itself_is_refused(void **state)
{
    const int group = 1;
    const proc_ns_join *net = PROC_NS_JOIN({.which = PROC_NS_NET, .pid = 1});
    (void)state;
    REFUSED(PROC_NAMESPACES(.create = PROC_NS_NET, .join = net), ".namespaces: a kind is joined and made");
    REFUSED(PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_TIME, .join = net),
            ".namespaces: one joined, user and time made");
    const proc_namespaces *user = PROC_NAMESPACES(.create = PROC_NS_USER);
    const char *groups = ".ids: groups need PROC_NS_ALLOW_SETGROUPS or keep_groups";
    check_refused(PROC_OPTIONS(.namespaces = user, .ids = PROC_IDS(.groups = PROC_GROUPS(1))), EINVAL, groups,
                  __LINE__);
    check_refused(PROC_OPTIONS(.namespaces = user, .ids = PROC_IDS(.uid = PROC_UID(0), .gid = PROC_GID(0))), EINVAL,
                  groups, __LINE__);
    const proc_namespaces *ranges = PROC_NAMESPACES(.create = PROC_NS_USER, .uid_maps = PROC_ID_MAPS({5, 0, 2}),
                                                    .gid_maps = PROC_ID_MAPS({7, 0, 1}));
    check_refused(
        PROC_OPTIONS(.namespaces = ranges, .ids = PROC_IDS(.uid = PROC_UID(7), .gid = PROC_GID(7), .keep_groups = 1)),
        EINVAL, ".ids->uid is not in the user namespace's uid_maps", __LINE__);
    check_refused(
        PROC_OPTIONS(.namespaces = ranges, .ids = PROC_IDS(.uid = PROC_UID(6), .gid = PROC_GID(8), .keep_groups = 1)),
        EINVAL, ".ids->gid is not in the user namespace's gid_maps", __LINE__);
    check_refused(
        PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_PID), .start = PROC_START(.group = &group)),
        EINVAL, ".start->group has another number in a pid namespace", __LINE__);
}

static void check_map_refused(const proc_id_maps maps, const char *why, int line)
{
    char text[200];
    for (int groups = 0; groups < 2; groups++) {
        const proc_namespaces *namespaces =
            PROC_NAMESPACES(.create = PROC_NS_USER, .uid_maps = groups ? (proc_id_maps){0} : maps,
                            .gid_maps = groups ? maps : (proc_id_maps){0});
        snprintf(text, sizeof text, "spawn \"x\": options \".namespaces->%s\": %s", groups ? "gid_maps" : "uid_maps",
                 why);
        check_fails(PROC_ARGV("x"), PROC_OPTIONS(.namespaces = namespaces), -EINVAL, PROC_STEP_OPTIONS, -1, text,
                    __FILE__, line);
    }
}
#define MAP_REFUSED(maps, why) check_map_refused((maps), (why), __LINE__)

static void maps_that_the_kernel_would_not_take_are_refused_before_anything_is_made(void **state)
{
    static proc_id_map many[341], wide[200];
    (void)state;
    for (uint32_t i = 0; i < 341; i++)
        many[i] = (proc_id_map){i, i, 1};
    for (uint32_t i = 0; i < 200; i++)
        wide[i] = (proc_id_map){4000000000u + i, 4000000000u + i, 1};
    MAP_REFUSED(((proc_id_maps){NULL, 1}), "without .items");
    MAP_REFUSED(((proc_id_maps){many, 0}), "with .items, but none");
    MAP_REFUSED(((proc_id_maps){many, 341}), "more than 340 ranges");
    if (sysconf(_SC_PAGESIZE) == 4096)
        MAP_REFUSED(((proc_id_maps){wide, 200}), "more text than a page");
    MAP_REFUSED(PROC_ID_MAPS({0, 0, 0}), "an empty range, or one beyond the last id");
    MAP_REFUSED(PROC_ID_MAPS({UINT32_MAX, 0, 1}), "an empty range, or one beyond the last id");
    MAP_REFUSED(PROC_ID_MAPS({0, UINT32_MAX - 1, 2}), "an empty range, or one beyond the last id");
    MAP_REFUSED(PROC_ID_MAPS({0, 0, 10}, {9, 100, 1}), "ranges that overlap");
    MAP_REFUSED(PROC_ID_MAPS({0, 0, 10}, {100, 9, 1}), "ranges that overlap");
    MAP_REFUSED(PROC_ID_MAPS({0, UINT32_MAX - 10, 10}, {100, UINT32_MAX - 1, 1}), "ranges that overlap");
    check_fails(PROC_ARGV("x"),
                PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_USER, .flags = PROC_NS_AS_ROOT,
                                                           .uid_maps = PROC_ID_MAPS({0, 0, 1}))),
                -EINVAL, PROC_STEP_OPTIONS, -1,
                "spawn \"x\": options \".namespaces->uid_maps\": not with PROC_NS_AS_ROOT", __FILE__, __LINE__);
}

/* ---- What cannot be joined ---- */

static void a_source_that_is_none_is_named(void **state)
{
    char *directory = directory_make(), *file = path_in(directory, "file");
    char text[400];
    (void)state;
    file_write(file, "");
    assert_fails(
        PROC_ARGV("x"),
        PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .path = file}))),
        -ENOTTY, PROC_STEP_NAMESPACE, PROC_NS_NET, "spawn \"x\": namespace \"net\": not a namespace of that kind");
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    assert_fails(PROC_ARGV("x"),
                 PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .fd = &fd}))),
                 -ENOTTY, PROC_STEP_NAMESPACE, PROC_NS_NET,
                 "spawn \"x\": namespace \"net\": not a namespace of that kind");
    close(fd);
    /* It could become one of ours. */
    assert_fails(PROC_ARGV("x"),
                 PROC_OPTIONS(.out = PROC_NULL, .fds = PROC_FDS({fd + 20, PROC_PIPE_FROM_CHILD}),
                              .namespaces = PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .fd = &fd}))),
                 -EBADF, PROC_STEP_NAMESPACE, PROC_NS_NET, "spawn \"x\": namespace \"net\": Bad file descriptor");
    assert_fails(
        PROC_ARGV("x"),
        PROC_OPTIONS(.namespaces =
                         PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .path = "/proc/self/ns/uts"}))),
        -EINVAL, PROC_STEP_NAMESPACE, PROC_NS_NET, "spawn \"x\": namespace \"net\": not a namespace of that kind");
    unlink(file);
    snprintf(text, sizeof text, "spawn \"x\": namespace \"%s\": No such file or directory", file);
    assert_fails(
        PROC_ARGV("x"),
        PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .path = file}))),
        -ENOENT, PROC_STEP_NAMESPACE, PROC_NS_NET, text);
    int nobody = -1 - INT32_MIN; /* beyond all pids */
    assert_fails(PROC_ARGV("x"),
                 PROC_OPTIONS(.namespaces = PROC_NAMESPACES(
                                  .join = PROC_NS_JOIN({.which = PROC_NS_NET | PROC_NS_UTS, .pid = nobody}))),
                 -ESRCH, PROC_STEP_NAMESPACE, PROC_NS_NET | PROC_NS_UTS,
                 "spawn \"x\": namespace \"of a process\": No such process");
    int gone = zombie(0);
    end_process(gone);
    assert_fails(PROC_ARGV("x"),
                 PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .pid = gone}))),
                 -ESRCH, PROC_STEP_NAMESPACE, PROC_NS_NET, "spawn \"x\": namespace \"net\": No such process");
    assert_fails(PROC_ARGV("x"),
                 PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .fd = &fd}))),
                 -EBADF, PROC_STEP_NAMESPACE, PROC_NS_NET, "spawn \"x\": namespace \"net\": Bad file descriptor");
    free(file);
    directory_remove(directory);
}

/* ---- Denied, and by what ---- */

static const char *start_error(const proc_namespaces *namespaces, int expected)
{
    static proc_error error;
    proc_child *child = NULL;
    memset(&error, 0, sizeof error);
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.namespaces = namespaces, .error = &error)),
               expected);
    return error.text;
}

static void require_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        complain("\"%s\" does not say \"%s\"", text, part);
}

static int is_without_privilege(void *arg)
{
    (void)arg;
    proc_error error = {0};
    const char *needs = "needs CAP_SYS_ADMIN, or a user namespace made with it";
    for (uint32_t kind = PROC_NS_PID; kind < 0x100; kind <<= 1) {
        require_rc(proc_namespaces_check(kind, &error), -EPERM);
        require(error.step == PROC_STEP_NAMESPACE && error.index == (int)kind);
        require_says(error.text, needs);
        require_says(start_error(PROC_NAMESPACES(.create = kind), -EPERM), needs);
        require_rc(proc_namespaces_check(kind | PROC_NS_USER, &error), 0);
    }
    require_rc(proc_namespaces_check(0xff, NULL), 0);
    require(proc_has(PROC_FEATURE_USER_NAMESPACE) == 1);
    require_says(start_error(PROC_NAMESPACES(.create = PROC_NS_USER, .uid_maps = PROC_ID_MAPS({0, 1000, 10})), -EPERM),
                 "id map \"uid_map\": needs CAP_SETUID");
    require_says(start_error(PROC_NAMESPACES(.create = PROC_NS_USER, .gid_maps = PROC_ID_MAPS({0, 1000, 10})), -EPERM),
                 "id map \"gid_map\": needs CAP_SETGID");
    require_says(start_error(PROC_NAMESPACES(.create = PROC_NS_USER, .flags = PROC_NS_ALLOW_SETGROUPS), -EPERM),
                 "id map \"gid_map\": needs CAP_SETGID");
    return 0;
}

static void who_has_no_privilege_is_told_what_it_needs(void **state)
{
    (void)state;
    assert_as_nobody(is_without_privilege);
}

static int is_not_dumpable(void *arg)
{
    (void)arg;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    require_says(start_error(PROC_NAMESPACES(.create = PROC_NS_USER), -EACCES), "we are not dumpable");
    return 0;
}

static void who_is_not_dumpable_is_told_that_it_cannot_write_ids(void **state)
{
    (void)state;
    assert_as_nobody(is_not_dumpable);
}

static int meets_limits(void *arg)
{
    (void)arg;
    proc_error error = {0};
    if (enter_user_namespace() < 0)
        return NOT_POSSIBLE;
    int fd = open("/proc/sys/user/max_uts_namespaces", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        return NOT_POSSIBLE;
    close(fd);
    require_rc(proc_namespaces_check(PROC_NS_UTS, &error), -ENOSPC);
    require_says(error.text, "check: namespace \"uts\": user.max_uts_namespaces is 0");
    require_says(start_error(PROC_NAMESPACES(.create = PROC_NS_UTS), -ENOSPC), "user.max_uts_namespaces is 0");
    require_rc(proc_namespaces_check(PROC_NS_NET, &error), 0);
    return 0;
}

static void a_limit_of_the_system_is_named(void **state)
{
    (void)state;
    assert_in_fork_or_skip(meets_limits, NULL, "no user namespace with limits of its own here");
}

static int meets_a_filter(void *arg)
{
    (void)arg;
    proc_error error = {0};
    if (enter_user_namespace() < 0)
        return NOT_POSSIBLE;
    require(deny_call(SYS_unshare, EPERM) == 0);
    require_rc(proc_namespaces_check(PROC_NS_NET, &error), -EPERM);
    require_says(error.text, "denied by a seccomp filter");
    require_says(start_error(PROC_NAMESPACES(.create = PROC_NS_NET), -EPERM),
                 "namespace \"net\": denied by a seccomp filter");
    return 0;
}

static void a_filter_is_named(void **state)
{
    (void)state;
    assert_in_fork_or_skip(meets_a_filter, NULL, "no user namespace here");
}

/* As in a container: something lies over a part of /proc, and who is not the real root must not see below. */
static int sees_a_masked_proc(void *arg)
{
    (void)arg;
    if (enter_user_namespace() < 0 || unshare(CLONE_NEWNS) < 0 || mount("none", "/proc/sys", "tmpfs", 0, NULL) < 0)
        return NOT_POSSIBLE;
    const uint32_t kinds = PROC_NS_USER | PROC_NS_PID | PROC_NS_MOUNT;
    require_says(start_error(PROC_NAMESPACES(.create = kinds), -EPERM),
                 "mount \"/proc\": our /proc is masked, PROC_NS_KEEP_PROC leaves it so");
    require(strcmp(child_tells(PROC_ARGV("echo", "well"), PROC_NAMESPACES(.create = kinds, .flags = PROC_NS_KEEP_PROC),
                               NULL),
                   "well\n") == 0);
    return 0;
}

static void a_masked_proc_is_told_and_can_be_kept(void **state)
{
    (void)state;
    assert_in_fork_or_skip(sees_a_masked_proc, NULL, "no /proc to lay something over here");
}

static void an_offset_that_no_clock_can_have_is_told(void **state)
{
    const int64_t far_back = INT64_MIN;
    (void)state;
    NEED_NAMESPACES(PROC_NS_TIME);
    assert_fails(PROC_ARGV("x"),
                 PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_TIME, .monotonic_offset_ms = &far_back)),
                 -ERANGE, PROC_STEP_NAMESPACE, PROC_NS_TIME,
                 "spawn \"x\": namespace \"time\": an offset that the clock cannot have");
}

static void the_check_knows_its_kinds_and_changes_nothing(void **state)
{
    proc_error error = {.step = 99};
    (void)state;
    assert_rc(proc_namespaces_check(0, &error), 0);
    assert_int_equal(error.step, 99);
    assert_rc(proc_namespaces_check(0x100, &error), -EINVAL);
    assert_int_equal(error.step, PROC_STEP_OPTIONS);
    assert_string_equal(error.text, "check: options \"which: a kind that this version lacks\": Invalid argument");
    for (uint32_t kind = 1; kind < 0x100; kind <<= 1)
        if (can_make(kind))
            assert_rc(proc_namespaces_check(kind, NULL), 0);
    if (can_make(PROC_NS_USER)) /* what denies unshare(2) may allow a birth */
        assert_rc(proc_has(PROC_FEATURE_USER_NAMESPACE), 1);
}

/* valgrind takes every birth for fork(2): what it cannot do is said, and not done halfway. */
static void under_an_emulator_a_birth_is_refused_by_name(void **state)
{
    proc_error error = {0};
    (void)state;
    if (proc__probe_memory() != MEMORY_EMULATED)
        SKIP_TEST("this is no emulator");
    check_refused(PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_USER)), ENOTSUP,
                  ".namespaces: user, pid, time, under an emulator", __LINE__);
    assert_rc(proc_namespaces_check(PROC_NS_USER, &error), -ENOSYS);
    assert_contains(error.text, "denied by a filter, or an emulator");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flag_without_what_it_is_for_is_refused),
        cmocka_unit_test(a_source_that_makes_no_sense_is_refused),
        cmocka_unit_test(what_contradicts_itself_is_refused),
        cmocka_unit_test(maps_that_the_kernel_would_not_take_are_refused_before_anything_is_made),
        machine_test(a_source_that_is_none_is_named),
        machine_test(who_has_no_privilege_is_told_what_it_needs),
        machine_test(who_is_not_dumpable_is_told_that_it_cannot_write_ids),
        machine_test(a_limit_of_the_system_is_named),
        machine_test(a_filter_is_named),
        machine_test(a_masked_proc_is_told_and_can_be_kept),
        machine_test(an_offset_that_no_clock_can_have_is_told),
        machine_test(the_check_knows_its_kinds_and_changes_nothing),
        spawning_test(under_an_emulator_a_birth_is_refused_by_name),
    };
    return run_suite("namespaces-denied", tests, sizeof tests / sizeof tests[0], argc, argv);
}
