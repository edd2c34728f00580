/* SPDX-License-Identifier: MIT */
/* A root of its own and no new privileges: seen by the child and from outside, with directory, ids, descriptors. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <proc/proc.h>

#define SOMEBODY 65534
#define AS_SOMEBODY PROC_IDS(.uid = PROC_UID(SOMEBODY), .gid = PROC_GID(SOMEBODY))

/* ---- A root directory with one program in it, /bin/child, and a directory, /srv ---- */

static char *root;

static int copy_program(const char *from, const char *directory, const char *name, mode_t mode)
{
    static char buffer[65536];
    char *path = path_in(directory, name);
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    ssize_t got = -1;
    while (in >= 0 && out >= 0 && (got = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)got) != got)
            break;
    int done = got == 0 && fchmod(out, mode) == 0;
    close(in);
    close(out);
    free(path);
    return done;
}

static void make_directory(const char *name)
{
    char *path = path_in(root, name);
    mkdir(path, 0755);
    free(path);
}

static int make_root(void **state)
{
    root = NULL;
    if (access(helper("child-static"), X_OK) < 0) {
        leave_out("there is no static libc for a program in a root of its own");
        return 0;
    }
    needs_root(state);
    root = directory_make();
    chmod(root, 0755);
    make_directory("bin");
    make_directory("srv");
    char *bin = path_in(root, "bin");
    int copied = copy_program(helper("child-static"), bin, "child", 0755);
    free(bin);
    return copied ? 0 : -1;
}

/* An emulator has descriptors of its own up there. */
static int make_root_on_a_machine(void **state)
{
    int rc = make_root(state);
    return rc < 0 ? rc : needs_a_machine(state);
}

static int remove_root(void **state)
{
    (void)state;
    if (root)
        directory_remove(root);
    return 0;
}

#define rooted_test(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

/* Where a link of /proc/PID leads to. In static memory. */
static const char *link_of(const proc_child *child, const char *name)
{
    static char target[PATH_MAX];
    char path[80];
    snprintf(path, sizeof path, "/proc/%d/%s", proc_child_pid(child), name);
    ssize_t len = readlink(path, target, sizeof target - 1);
    target[len < 0 ? 0 : len] = '\0';
    return target;
}

static void assert_link(const proc_child *child, const char *name, const char *below_root)
{
    char real[PATH_MAX], expected[2 * PATH_MAX];
    assert_non_null(realpath(root, real));
    snprintf(expected, sizeof expected, "%s%s", real, below_root);
    assert_string_equal(link_of(child, name), expected);
}

/* ---- The root ---- */

static void directory_program_and_search_are_those_of_the_root(void **state)
{
    (void)state;
    proc_child *child =
        start(PROC_ARGV("child", "cwd"), PROC_OPTIONS(.out = PROC_PIPE, .cwd = "/srv", .search = "/no:/bin",
                                                      .sandbox = PROC_SANDBOX(.root = root)));
    assert_string_equal(said(child), "/srv");
    proc_child_free(child);
    assert_fails(PROC_ARGV(CHILD), PROC_OPTIONS(.sandbox = PROC_SANDBOX(.root = root)), -ENOENT, PROC_STEP_EXEC, 0,
                 NULL);
}

static void without_a_directory_it_begins_at_the_root(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("/bin/child", "tree", "0"),
                              PROC_OPTIONS(.out = PROC_PIPE, .sandbox = PROC_SANDBOX(.root = root)));
    assert_string_equal(said(child), "ready");
    assert_link(child, "root", "");
    assert_link(child, "cwd", "");
    proc_child_free(child);
    child = start(PROC_ARGV("bin/child", "cwd"), PROC_OPTIONS(.out = PROC_PIPE, .sandbox = PROC_SANDBOX(.root = root)));
    assert_string_equal(said(child), "/");
    proc_child_free(child);
}

static void a_relative_root_is_seen_from_our_directory(void **state)
{
    (void)state;
    char *here = getcwd(NULL, 0), *inside = path_in(root, "srv");
    assert_int_equal(chdir(inside), 0);
    proc_child *child =
        start(PROC_ARGV("/bin/child", "cwd"), PROC_OPTIONS(.out = PROC_PIPE, .sandbox = PROC_SANDBOX(.root = "..")));
    assert_string_equal(said(child), "/");
    proc_child_free(child);
    char *still = getcwd(NULL, 0);
    assert_string_equal(still, inside); /* it is the child alone that went */
    assert_int_equal(chdir(here), 0);
    free(still);
    free(inside);
    free(here);
}

/* Seen from where we are it would be one outside, and with it the whole tree. */
static void a_relative_directory_is_seen_from_the_root(void **state)
{
    (void)state;
    char *here = getcwd(NULL, 0), *outside = directory_make();
    assert_int_equal(chdir(outside), 0);
    assert_int_equal(mkdir("srv", 0755), 0);
    assert_int_equal(mkdir("yard", 0755), 0);
    static const char *const directories[] = {"srv", "./srv", "../srv", "../../../srv"};
    for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
        proc_child *child = start(PROC_ARGV("/bin/child", "cwd"),
                                  PROC_OPTIONS(.out = PROC_PIPE, .cwd = directories[i],
                                               .sandbox = PROC_SANDBOX(.root = root)));
        assert_string_equal(said(child), "/srv");
        proc_child_free(child);
    }
    assert_fails(PROC_ARGV("/bin/child"), PROC_OPTIONS(.cwd = "yard", .sandbox = PROC_SANDBOX(.root = root)),
                 -ENOENT, PROC_STEP_CWD, -1, NULL);
    assert_int_equal(chdir(here), 0);
    directory_remove(outside);
    free(here);
}

static void root_directory_and_ids_go_together(void **state)
{
    (void)state;
    proc_child *child =
        start(PROC_ARGV("/bin/child", "tree", "0"),
              PROC_OPTIONS(.out = PROC_PIPE, .cwd = "/srv", .ids = AS_SOMEBODY, .sandbox = PROC_SANDBOX(.root = root)));
    assert_string_equal(said(child), "ready");
    assert_link(child, "root", "");
    assert_link(child, "cwd", "/srv");
    struct stat about;
    char path[40];
    snprintf(path, sizeof path, "/proc/%d", proc_child_pid(child));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_uid, SOMEBODY);
    proc_child_free(child);
}

static void files_of_entries_are_opened_outside(void **state)
{
    (void)state;
    char *outside = directory_make(), *file = path_in(outside, "file");
    file_write(file, "from outside\n");
    proc_child *child = start(PROC_ARGV("/bin/child", "cat"), PROC_OPTIONS(.in = PROC_PATH(file), .out = PROC_PIPE,
                                                                           .sandbox = PROC_SANDBOX(.root = root)));
    assert_string_equal(said(child), "from outside");
    proc_child_free(child);
    free(file);
    directory_remove(outside);
}

static void a_root_or_directory_that_cannot_be_entered_is_named(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.sandbox = PROC_SANDBOX(.root = "/no/such")), -ENOENT, PROC_STEP_ROOT, -1,
                 "spawn \"x\": chroot \"/no/such\": No such file or directory");
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.cwd = "/usr", .sandbox = PROC_SANDBOX(.root = root)), -ENOENT,
                 PROC_STEP_CWD, -1, "spawn \"x\": chdir \"/usr\": No such file or directory");
    assert_fails(PROC_ARGV("x"),
                 PROC_OPTIONS(.start = PROC_START(.cwd_fd = PROC_INT(0)), .sandbox = PROC_SANDBOX(.root = root)),
                 -EINVAL, PROC_STEP_OPTIONS, -1,
                 "spawn \"x\": options \".start->cwd_fd would lead out of .sandbox->root\": Invalid argument");
}

static int chroot_without_privilege(void *arg)
{
    proc_child *child;
    proc_error error;
    (void)arg;
    if (geteuid() == 0)
        require(setgid(SOMEBODY) == 0 && setuid(SOMEBODY) == 0);
    require_rc(
        proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.sandbox = PROC_SANDBOX(.root = "/"), .error = &error)),
        -EPERM);
    require(strcmp(error.text, "spawn \"true\": chroot \"/\": Operation not permitted") == 0);
    return 0;
}

static void who_may_not_change_the_root_is_told(void **state)
{
    (void)state;
    assert_in_fork(chroot_without_privilege, NULL);
}

/* ---- Closing others in there: no /proc, perhaps no close_range(2) ---- */

#define HIGH 300
#define SLOTS 20

/*
 * One descriptor is above what may be open from now on: only the list of what is open tells of it, not a count to the
 * limit. The list itself has to make way for what the child wants at its number.
 */
static int closes_all(void *arg)
{
    const struct rlimit limit = {HIGH - 50, HIGH - 50};
    const proc_options *more = arg;
    proc_options options = *more;
    proc_slot slots[SLOTS];
    char expected[200] = "0\n1\n2\n";
    for (int i = 0; i < SLOTS; i++) {
        slots[i] = (proc_slot){i + 3, PROC_NULL};
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%d\n", i + 3);
    }
    options.fds = (proc_slots){slots, SLOTS};
    options.out = PROC_PIPE;
    require(fcntl(STDERR_FILENO, F_DUPFD, HIGH) == HIGH && fcntl(STDERR_FILENO, F_DUPFD, 100) == 100);
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    require(deny_call(436 /* close_range */, ENOSYS) == 0);
    proc_child *child = start(PROC_ARGV("/bin/child", "fds"), &options);
    char *all = all_of(child, 1);
    if (strcmp(all, expected) != 0)
        complain("open are: %s", all);
    free(all);
    proc_child_free(child);
    return 0;
}

static void others_are_closed_where_there_is_neither_close_range_nor_proc(void **state)
{
    (void)state;
    assert_in_fork(closes_all, (void *)(uintptr_t)PROC_OPTIONS(.sandbox = PROC_SANDBOX(.root = root)));
    assert_in_fork(closes_all,
                   (void *)(uintptr_t)PROC_OPTIONS(.ids = AS_SOMEBODY, .sandbox = PROC_SANDBOX(.root = root)));
}

static void the_list_of_descriptors_does_not_stay_open(void **state)
{
    (void)state;
    proc_child *child =
        start(PROC_ARGV("/bin/child", "fds"), PROC_OPTIONS(.out = PROC_PIPE, .sandbox = PROC_SANDBOX(.root = root)));
    char *all = all_of(child, 1);
    assert_string_equal(all, "0\n1\n2\n");
    free(all);
    proc_child_free(child);
}

/* ---- No new privileges ---- */

static void no_program_gives_new_privileges(void **state)
{
    (void)state;
    char *directory = directory_make(), *program = path_in(directory, "setuid");
    chmod(directory, 0755);
    assert_true(copy_program(CHILD, directory, "setuid", 04755));
    const char *const argv[] = {program, "ids", NULL};
    proc_child *child = start(argv, PROC_OPTIONS(.out = PROC_PIPE, .ids = AS_SOMEBODY));
    int honoured = strcmp(said(child), "65534 0") == 0;
    proc_child_free(child);
    if (honoured) {
        child =
            start(argv, PROC_OPTIONS(.out = PROC_PIPE, .ids = AS_SOMEBODY, .sandbox = PROC_SANDBOX(.no_new_privs = 1)));
        assert_string_equal(said(child), "65534 65534");
        proc_child_free(child);
    }
    free(program);
    directory_remove(directory);
    if (!honoured)
        SKIP_TEST("programs cannot change their user here");
}

static void they_are_ours_by_default_and_gone_when_asked(void **state)
{
    (void)state;
    int ours = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    char *report = report_of(PROC_OPTIONS(.sandbox = PROC_SANDBOX(.no_new_privs = 1)));
    assert_int_equal(report_number(report, "no_new_privs"), 1);
    free(report);
    report = report_of(PROC_OPTIONS(.sandbox = PROC_SANDBOX(.no_new_privs = 0)));
    assert_int_equal(report_number(report, "no_new_privs"), ours);
    free(report);
    assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), ours);
}

/* ---- All of it ---- */

static void all_parts_go_together(void **state)
{
    (void)state;
    int landlock = proc_has(PROC_FEATURE_LANDLOCK) == 1;
    proc_child *child = start(
        PROC_ARGV("/bin/child", "try-write", "/srv/file"),
        PROC_OPTIONS(.out = PROC_PIPE, .ids = AS_SOMEBODY,
                     .sandbox = PROC_SANDBOX(.root = root, .caps = PROC_CAPS_ONLY(PROC_CAP(1 /* CAP_DAC_OVERRIDE */)),
                                             .deny_fs = 0x100 /* MAKE_REG */, .best_effort = 1)));
    assert_string_equal(said(child), landlock ? "/srv/file EACCES" : "/srv/file 0");
    proc_child_free(child);
}

static void we_stay_dumpable_whatever_is_taken_from_a_child(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
    proc_child *child = start(PROC_ARGV("/bin/child", "exit", "0"),
                              PROC_OPTIONS(.sandbox = PROC_SANDBOX(.root = root, .caps = PROC_CAPS_ONLY(0),
                                                                   .deny_fs = 0x100, .best_effort = 1)));
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
}

static void members_that_must_be_0_or_1_are(void **state)
{
    static const char text[] = "spawn \"x\": options \".sandbox: a member that must be 0 or 1\": Invalid argument";
    const proc_sandbox wrong[] = {{.no_new_privs = 2}, {.best_effort = 2, .deny_fs = 1}, {.reserved = 1}};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        proc_sandbox sandbox = wrong[i];
        sandbox.size = sizeof sandbox;
        assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.sandbox = &sandbox), -EINVAL, PROC_STEP_OPTIONS, -1, text);
    }
    const proc_sandbox unsized_one = {.size = 0};
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.sandbox = &unsized_one), -EINVAL, PROC_STEP_OPTIONS, -1,
                 "spawn \"x\": options \".sandbox: size is not set\": Invalid argument");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        rooted_test(directory_program_and_search_are_those_of_the_root),
        rooted_test(without_a_directory_it_begins_at_the_root),
        rooted_test(a_relative_root_is_seen_from_our_directory),
        rooted_test(a_relative_directory_is_seen_from_the_root),
        rooted_test(root_directory_and_ids_go_together),
        rooted_test(files_of_entries_are_opened_outside),
        rooted_test(a_root_or_directory_that_cannot_be_entered_is_named),
        spawning_test(who_may_not_change_the_root_is_told),
        cmocka_unit_test_setup_teardown(others_are_closed_where_there_is_neither_close_range_nor_proc,
                                        make_root_on_a_machine, remove_root),
        rooted_test(the_list_of_descriptors_does_not_stay_open),
        root_test(no_program_gives_new_privileges),
        spawning_test(they_are_ours_by_default_and_gone_when_asked),
        rooted_test(all_parts_go_together),
        rooted_test(we_stay_dumpable_whatever_is_taken_from_a_child),
        cmocka_unit_test(members_that_must_be_0_or_1_are),
    };
    return run_suite("sandbox", tests, sizeof tests / sizeof tests[0], argc, argv);
}
