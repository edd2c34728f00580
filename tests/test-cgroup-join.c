/* SPDX-License-Identifier: MIT */
/*
 * The control group that a child is started in: born there, or moved there by itself, in either memory; and groups in
 * which no process can live. All are groups of our own, below the one that the tests run in.
 */
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <proc/proc.h>

#include "cgroups.h"

/* ---- A group for each test ---- */

static char *group; /* of version 2 */
static int group_fd = -1;

static int make_group(void **state)
{
    group = cgroup_make(2);
    if (!group)
        leave_out("no control groups of version 2 that we may make");
    else
        group_fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return needs_pidfds(state);
}

static int remove_group(void **state)
{
    (void)state;
    if (group_fd >= 0)
        close(group_fd);
    group_fd = -1;
    group = cgroup_remove(group);
    return 0;
}

/* An emulator writes letters of its own, which must get through. */
static int make_group_on_a_machine(void **state)
{
    needs_a_machine(state);
    return make_group(state);
}

#define group_test(test) cmocka_unit_test_setup_teardown(test, make_group, remove_group)

/* Whether the group of that kind, as the helper tells it, is this one; or in a forked copy, that it is. */
static int is_in(const char *report, const char *kind, const char *directory)
{
    const char *path = report_get(report, kind), *name = cgroup_name(directory);
    return path && strlen(path) >= strlen(name) && strcmp(path + strlen(path) - strlen(name), name) == 0;
}

static int lands_in_group(const proc_limits *limits, const proc_ids *ids)
{
    char *report = report_of(PROC_OPTIONS(.limits = limits, .ids = ids));
    int lands = is_in(report, "cgroup", group);
    free(report);
    return lands;
}

static char *our_groups(void)
{
    return file_read("/proc/self/cgroup");
}

/* ---- Being there ---- */

static void a_child_is_in_its_group_from_the_beginning(void **state)
{
    (void)state;
    char *before = our_groups();
    char *parent = strdup(group);
    *strrchr(parent, '/') = '\0';
    int parent_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    IN_EACH_MEMORY(in_copy)
    {
        const proc_ids *ids = in_copy ? same_ids() : NULL;
        assert_true(lands_in_group(PROC_LIMITS(.cgroup_fd = &group_fd), ids));
        assert_true(lands_in_group(PROC_LIMITS(.cgroup_path = group), ids));
        assert_true(lands_in_group(PROC_LIMITS(.cgroup_fd = &parent_fd, .cgroup_path = cgroup_name(group)), ids));
    }
    char *after = our_groups();
    assert_string_equal(after, before);
    close(parent_fd);
    free(parent);
    free(before);
    free(after);
}

/* The bits by which clone3(2) is asked for a group are beyond those that a filter sees: the whole call goes. */
static int moves_without_birth(void *arg)
{
    if (deny_call(SYS_clone3, *(const int *)arg) < 0)
        return 77;
    require_rc(proc_has(PROC_FEATURE_INTO_CGROUP), 0);
    IN_EACH_MEMORY(in_copy)
    {
        const proc_ids *ids = in_copy ? same_ids() : NULL;
        require(lands_in_group(PROC_LIMITS(.cgroup_fd = &group_fd), ids));
        require(lands_in_group(PROC_LIMITS(.cgroup_path = group), ids));
    }
    return 0;
}

static void where_it_cannot_be_born_it_moves_there(void **state)
{
    static const int answers[] = {ENOSYS, EPERM, EINVAL, E2BIG};
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        assert_in_fork(moves_without_birth, (void *)(uintptr_t)&answers[i]);
}

static void it_may_have_another_user_in_it(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_path = group),
                                          .ids = PROC_IDS(.uid = PROC_UID(4321), .gid = PROC_GID(1234))));
    assert_true(is_in(report, "cgroup", group));
    assert_string_equal(report_get(report, "uids"), "4321 4321 4321");
    free(report);
}

static void a_group_of_version_1_is_moved_to(void **state)
{
    (void)state;
    char *freezer = cgroup_make(1);
    if (!freezer)
        SKIP_TEST("no control groups of version 1 that we may make");
    IN_EACH_MEMORY(in_copy)
    {
        char *report = report_of(
            PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_path = freezer), .ids = in_copy ? same_ids() : NULL));
        assert_true(is_in(report, "cgroup-freezer", freezer));
        free(report);
    }
    cgroup_remove(freezer);
}

/* The descriptor is taken before the child's own are placed over it. */
static void the_descriptor_may_be_a_number_of_the_childs(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_fd = &group_fd),
                                          .fds = {(const proc_slot[]){{group_fd, PROC_NULL}}, 1}));
    struct report_fd fd;
    assert_true(is_in(report, "cgroup", group));
    assert_true(report_fd(report, group_fd, &fd));
    assert_string_equal(fd.target, "/dev/null");
    free(report);
}

static int a_daemon_is_in_its_group(void *arg)
{
    (void)arg;
    char path[64], end[100];
    const int pid = start_daemon(PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_path = group)));
    snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
    snprintf(end, sizeof end, "/%s\n", cgroup_name(group));
    char *groups = file_read(path);
    require(groups && strstr(groups, end));
    free(groups);
    end_daemon(pid);
    return 0;
}

static void a_daemons_program_is_in_it_as_well(void **state)
{
    (void)state;
    if (SANITIZER_THREADS)
        SKIP_TEST("no daemon is made of a program with threads");
    assert_in_fork(a_daemon_is_in_its_group, NULL);
}

/* ---- Not being able to be there ---- */

static void check_group_fails(const char *path, int code, const char *reason, int line)
{
    char text[300];
    snprintf(text, sizeof text, "spawn \"true\": control group \"%s\": %s", path, reason);
    check_fails(PROC_ARGV("true"), PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_path = path)), -code, PROC_STEP_CGROUP,
                -1, text, __FILE__, line);
}
#define assert_group_fails(path, code, reason) check_group_fails((path), (code), (reason), __LINE__)

/* The same by its descriptor, which is named instead. */
static void check_fd_fails(int fd, int code, const char *reason, int line)
{
    char text[300];
    snprintf(text, sizeof text, "spawn \"true\": control group %d: %s", fd, reason);
    check_fails(PROC_ARGV("true"), PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_fd = &fd)), -code, PROC_STEP_CGROUP, fd,
                text, __FILE__, line);
}
#define assert_fd_fails(fd, code, reason) check_fd_fails((fd), (code), (reason), __LINE__)

static void what_is_no_group_is_refused(void **state)
{
    (void)state;
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), closed = fcntl(fd, F_DUPFD_CLOEXEC, 40);
    close(closed);
    assert_group_fails("/tmp", ENODEV, "not a control group");
    assert_group_fails("/nope", ENOENT, "No such file or directory");
    assert_group_fails("", ENOENT, "No such file or directory");
    assert_group_fails("/dev/null", ENOTDIR, "Not a directory");
    assert_fd_fails(fd, ENODEV, "not a control group");
    assert_fd_fails(closed, EBADF, "Bad file descriptor");
    close(fd);
}

static void a_file_of_a_group_is_none(void **state)
{
    (void)state;
    char *path = path_in(group, "cgroup.events");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_fd_fails(fd, ENOTDIR, "Not a directory");
    close(fd);
    free(path);
}

static void a_group_that_was_removed_is_told(void **state)
{
    (void)state;
    char *gone = cgroup_make_below(group, "gone");
    int fd = open(gone, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cgroup_remove(gone);
    assert_fd_fails(fd, ENOENT, "No such file or directory");
    close(fd);
}

/* Whoever waits for a child that froze at its birth would wait as long. */
static void a_frozen_group_is_refused(void **state)
{
    static const char frozen[] = "the control group is frozen";
    (void)state;
    char *below = cgroup_make_below(group, "below");
    if (cgroup_write(group, "cgroup.freeze", "1") < 0) {
        cgroup_remove(below);
        SKIP_TEST("this kernel does not freeze groups");
    }
    assert_group_fails(group, EAGAIN, frozen);
    assert_group_fails(below, EAGAIN, frozen);
    assert_rc(cgroup_write(group, "cgroup.freeze", "0"), 0);
    assert_true(lands_in_group(PROC_LIMITS(.cgroup_path = group), NULL));
    cgroup_remove(below);
}

/* A mount of a group alone, that has been taken away: its top is its own "..". */
static int starts_beyond_a_lost_mount(void *arg)
{
    const char *point = arg;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(group, point, "none", MS_BIND, NULL) < 0)
        return NOT_POSSIBLE;
    int fd = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
    require(fd >= 0 && umount2(point, MNT_DETACH) == 0);
    alarm(PATIENCE_MS / 1000);
    require(lands_in_group(PROC_LIMITS(.cgroup_fd = &fd), NULL));
    require_rc(cgroup_write(group, "cgroup.freeze", "1"), 0);
    proc_child *child;
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_fd = &fd))), -EAGAIN);
    require_rc(cgroup_write(group, "cgroup.freeze", "0"), 0);
    alarm(0);
    close(fd);
    return 0;
}

static void the_way_up_from_a_lost_mount_has_an_end(void **state)
{
    (void)state;
    char *point = directory_make();
    struct verdict verdict;
    run_in_fork(&verdict, starts_beyond_a_lost_mount, point, PATIENCE_MS);
    directory_remove(point);
    if (verdict.code == NOT_POSSIBLE)
        SKIP_TEST("no mount namespace of our own here");
    if (verdict.code != 0)
        fail_msg("left with %d: %s", verdict.code, verdict.text);
}

static void a_frozen_group_of_version_1_is_refused(void **state)
{
    (void)state;
    char *freezer = cgroup_make(1);
    if (!freezer)
        SKIP_TEST("no control groups of version 1 that we may make");
    char *below = cgroup_make_below(freezer, "below");
    assert_rc(cgroup_write(freezer, "freezer.state", "FROZEN"), 0);
    assert_group_fails(freezer, EAGAIN, "the control group is frozen");
    assert_group_fails(below, EAGAIN, "the control group is frozen");
    assert_rc(cgroup_write(freezer, "freezer.state", "THAWED"), 0);
    cgroup_remove(below);
    cgroup_remove(freezer);
}

#define INVALID "the control group is invalid: those beside it are for threads"

static int fails_to_move(void *arg)
{
    proc_child *child;
    proc_error error;
    char text[300];
    snprintf(text, sizeof text, "spawn \"true\": control group \"%s\": %s", (const char *)arg, INVALID);
    require(deny_call(SYS_clone3, ENOSYS) == 0);
    require_rc(proc_spawn(&child, PROC_ARGV("true"),
                          PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_path = arg), .error = &error)),
               -EOPNOTSUPP);
    if (strcmp(error.text, text) != 0)
        complain("%s", error.text);
    return 0;
}

/* A group beside one for threads belongs to nobody, until it is one for threads as well. */
static void an_invalid_group_is_told_with_its_reason(void **state)
{
    (void)state;
    char *threads = cgroup_make_below(group, "threads"), *invalid = cgroup_make_below(group, "invalid");
    assert_rc(cgroup_write(threads, "cgroup.type", "threaded"), 0);
    assert_group_fails(invalid, EOPNOTSUPP, INVALID);
    assert_in_fork(fails_to_move, invalid);
    cgroup_remove(invalid);
    cgroup_remove(threads);
}

/* A controller that our group has for those below it, or "". */
static const char *some_controller(void)
{
    static char name[32];
    char *path = path_in(group, "cgroup.controllers");
    char *text = file_read(path);
    name[0] = '\0';
    if (text)
        sscanf(text, "%30s", name + 1);
    if (name[1])
        name[0] = '+';
    free(text);
    free(path);
    return name;
}

static void a_group_with_controllers_below_it_is_told(void **state)
{
    (void)state;
    const char *controller = some_controller();
    if (!*controller)
        SKIP_TEST("our control group has no controllers for those below it");
    char *below = cgroup_make_below(group, "below");
    assert_rc(cgroup_write(group, "cgroup.subtree_control", controller), 0);
    assert_group_fails(group, EBUSY, "the control group has controllers for those below it");
    cgroup_remove(below);
}

/* Whatever the kernel answers to the one letter that is written; what is longer gets through. */
struct answer {
    int code;
    const char *reason;
};

static int is_answered(void *arg)
{
    const struct answer *answer = arg;
    proc_child *child;
    proc_error error;
    char text[300];
    snprintf(text, sizeof text, "spawn \"true\": control group \"%s\": %s", group, answer->reason);
    require(deny_call(SYS_clone3, ENOSYS) == 0 && deny_call_if(SYS_write, 2, 1, answer->code) == 0);
    IN_EACH_MEMORY(in_copy)
    {
        int rc = proc_spawn(&child, PROC_ARGV("true"),
                            PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_path = group), .error = &error,
                                         .ids = in_copy ? same_ids() : NULL));
        require(rc == -answer->code && error.step == PROC_STEP_CGROUP);
        require(strcmp(error.text, text) == 0);
    }
    return 0;
}

static void what_the_kernel_says_of_a_group_is_told(void **state)
{
    static const struct answer answers[] = {
        {EBUSY, "the control group has controllers for those below it"},
        {EOPNOTSUPP, INVALID},
        {EACCES, "Permission denied"},
        {ENODEV, "No such device"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        assert_in_fork(is_answered, (void *)(uintptr_t)&answers[i]);
}

static int may_not(void *arg)
{
    proc_child *child;
    proc_error error;
    char text[300];
    snprintf(text, sizeof text, "spawn \"true\": control group \"%s\": Permission denied", group);
    require(!arg || deny_call(SYS_clone3, ENOSYS) == 0);
    require(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    require_rc(proc_spawn(&child, PROC_ARGV("true"),
                          PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_path = group), .error = &error)),
               -EACCES);
    require(error.step == PROC_STEP_CGROUP && strcmp(error.text, text) == 0);
    return 0;
}

static void a_group_that_is_not_ours_is_told(void **state)
{
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("only root can become somebody else");
    assert_in_fork(may_not, NULL);
    assert_in_fork(may_not, group);
}

/* A group's own limit of processes must not be gone round by moving there. */
static int has_no_room(void *arg)
{
    (void)arg;
    proc_child *child;
    proc_error error;
    require(deny_call(SYS_clone3, EAGAIN) == 0);
    require_rc(proc_spawn(&child, PROC_ARGV("true"),
                          PROC_OPTIONS(.limits = PROC_LIMITS(.cgroup_path = group), .error = &error)),
               -EAGAIN);
    require(error.step == PROC_STEP_CLONE);
    return 0;
}

static void a_group_without_room_is_not_entered_by_another_way(void **state)
{
    (void)state;
    if (proc_has(PROC_FEATURE_INTO_CGROUP) != 1)
        SKIP_TEST("no process is born in a group here");
    assert_in_fork(has_no_room, NULL);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        group_test(a_child_is_in_its_group_from_the_beginning),
        group_test(where_it_cannot_be_born_it_moves_there),
        group_test(it_may_have_another_user_in_it),
        spawning_test(a_group_of_version_1_is_moved_to),
        group_test(the_descriptor_may_be_a_number_of_the_childs),
        group_test(a_daemons_program_is_in_it_as_well),
        spawning_test(what_is_no_group_is_refused),
        group_test(a_file_of_a_group_is_none),
        group_test(a_group_that_was_removed_is_told),
        group_test(a_frozen_group_is_refused),
        group_test(the_way_up_from_a_lost_mount_has_an_end),
        spawning_test(a_frozen_group_of_version_1_is_refused),
        group_test(an_invalid_group_is_told_with_its_reason),
        group_test(a_group_with_controllers_below_it_is_told),
        cmocka_unit_test_setup_teardown(what_the_kernel_says_of_a_group_is_told, make_group_on_a_machine, remove_group),
        group_test(a_group_that_is_not_ours_is_told),
        group_test(a_group_without_room_is_not_entered_by_another_way),
    };
    return run_suite("cgroup-join", tests, sizeof tests / sizeof tests[0], argc, argv);
}
