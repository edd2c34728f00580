/* SPDX-License-Identifier: MIT */
/* Landlock by data: what is denied, what a rule allows, and what becomes of rights that a kernel lacks. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <proc/proc.h>

#define NR_CREATE_RULESET 444
#define EXECUTE UINT64_C(1)
#define WRITE_FILE UINT64_C(2)
#define READ_FILE UINT64_C(4)
#define READ_DIR UINT64_C(8)
#define MAKE_REG UINT64_C(0x100)
#define BIND_TCP UINT64_C(1)
#define OF_TOMORROW (UINT64_C(1) << 62)

static int version(void)
{
    return (int)syscall(NR_CREATE_RULESET, NULL, 0, 1);
}

static int needs_landlock(void **state)
{
    if (proc_has(PROC_FEATURE_LANDLOCK) != 1) {
        leave_out("there is no landlock here");
        return 0;
    }
    return needs_pidfds(state);
}

static int needs_landlock_and_root(void **state)
{
    int rc = needs_landlock(state);
    return rc < 0 ? rc : needs_root(state);
}

/* Daemons are then ours to reap. */
static int needs_landlock_and_orphans(void **state)
{
    int rc = needs_landlock(state);
    if (SANITIZER_THREADS)
        leave_out("the sanitizer has a thread of its own, and threads are refused");
    return rc < 0 ? rc : adopt_orphans(state);
}

#define landlock_test(test) cmocka_unit_test_setup(test, needs_landlock)

/* A directory with two in it, `open` and `closed`. */
static char *top, *open_file, *closed_file;

static void make_place(void)
{
    top = directory_make();
    char *one = path_in(top, "open"), *other = path_in(top, "closed");
    assert_true(mkdir(one, 0755) == 0 && mkdir(other, 0755) == 0);
    open_file = path_in(one, "file");
    closed_file = path_in(other, "file");
    free(one);
    free(other);
}

static void remove_place(void)
{
    free(open_file);
    free(closed_file);
    directory_remove(top);
}

/* A line that a child says which is started so. */
static const char *says(const char *const argv[], const proc_sandbox *sandbox)
{
    proc_child *child = start(argv, PROC_OPTIONS(.out = PROC_PIPE, .sandbox = sandbox));
    const char *line = said(child);
    proc_child_free(child);
    return line;
}

/* ---- Files ---- */

static void what_is_denied_is_allowed_where_a_rule_says_so(void **state)
{
    (void)state;
    make_place();
    char *allowed = path_in(top, "open"), line[300];
    const proc_landlock_rule rules[] = {{.path = "/", .allow = EXECUTE | READ_FILE | READ_DIR},
                                        {.path = allowed, .allow = WRITE_FILE | MAKE_REG}};
    const proc_sandbox sandbox = {.size = sizeof sandbox, .deny_fs = 0x1fff, .rules = {rules, 2}};
    snprintf(line, sizeof line, "%s 0", open_file);
    assert_string_equal(says(CHILD_DOES("try-write", open_file), &sandbox), line);
    snprintf(line, sizeof line, "%s EACCES", closed_file);
    assert_string_equal(says(CHILD_DOES("try-write", closed_file), &sandbox), line);
    assert_true(access(closed_file, F_OK) < 0);
    file_write(closed_file, "there\n"); /* we may, as before */
    free(allowed);
    remove_place();
}

static void relative_paths_are_seen_from_our_directory(void **state)
{
    (void)state;
    make_place();
    char line[300], *here = getcwd(NULL, 0);
    assert_int_equal(chdir(top), 0);
    snprintf(line, sizeof line, "%s 0", open_file);
    assert_string_equal(says(CHILD_DOES("try-write", open_file),
                             PROC_SANDBOX(.deny_fs = WRITE_FILE | MAKE_REG,
                                          .rules = PROC_LANDLOCK_RULES({"open", WRITE_FILE | MAKE_REG, 0, 0}))),
                        line);
    assert_int_equal(chdir(here), 0);
    free(here);
    remove_place();
}

static void a_rule_may_be_about_a_file(void **state)
{
    (void)state;
    make_place();
    char line[300];
    file_write(open_file, "text\n");
    file_write(closed_file, "text\n");
    const proc_landlock_rule rules[] = {{.path = open_file, .allow = WRITE_FILE | MAKE_REG}};
    const proc_sandbox sandbox = {.size = sizeof sandbox, .deny_fs = WRITE_FILE | MAKE_REG, .rules = {rules, 1}};
    snprintf(line, sizeof line, "%s 0", open_file);
    assert_string_equal(says(CHILD_DOES("try-write", open_file), &sandbox), line);
    snprintf(line, sizeof line, "%s EACCES", closed_file);
    assert_string_equal(says(CHILD_DOES("try-write", closed_file), &sandbox), line);
    const proc_landlock_rule wrong[] = {rules[0], {.path = open_file, .allow = MAKE_REG}};
    const proc_sandbox useless = {.size = sizeof useless, .deny_fs = WRITE_FILE | MAKE_REG, .rules = {wrong, 2}};
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.sandbox = &useless), -ENOTDIR, PROC_STEP_LANDLOCK, 1, NULL);
    remove_place();
}

static void a_program_that_may_not_be_executed_is_told(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("/bin/sh"), PROC_OPTIONS(.sandbox = PROC_SANDBOX(.deny_fs = EXECUTE)), -EACCES,
                 PROC_STEP_EXEC, 0, "spawn \"/bin/sh\": exec \"/bin/sh\": Permission denied");
}

static void a_path_that_cannot_be_opened_is_named(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("true"),
                 PROC_OPTIONS(.sandbox = PROC_SANDBOX(.deny_fs = READ_FILE,
                                                      .rules = PROC_LANDLOCK_RULES({"/", READ_FILE, 0, 0},
                                                                                   {"/no/such", READ_FILE, 0, 0}))),
                 -ENOENT, PROC_STEP_LANDLOCK, 1, "spawn \"true\": landlock \"/no/such\": No such file or directory");
}

/* ---- Ports and other processes ---- */

static void ports_are_denied_but_those_of_rules(void **state)
{
    (void)state;
    if (version() < 4)
        SKIP_TEST("this kernel's landlock knows no ports");
    const proc_sandbox *sandbox =
        PROC_SANDBOX(.deny_net = BIND_TCP, .rules = PROC_LANDLOCK_RULES({NULL, BIND_TCP, 0, 0}));
    assert_string_equal(says(CHILD_DOES("try-bind", "0"), sandbox), "0 0");
    assert_string_equal(says(CHILD_DOES("try-bind", "54321"), sandbox), "54321 EACCES");
}

static void signals_do_not_leave_the_scope(void **state)
{
    char pid[16];
    (void)state;
    if (version() < 6)
        SKIP_TEST("this kernel's landlock knows no scopes");
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    assert_string_equal(says(CHILD_DOES("try-signal", pid), NULL), "signal 0");
    assert_string_equal(says(CHILD_DOES("try-signal", pid), PROC_SANDBOX(.scope = PROC_LANDLOCK_SCOPE_SIGNAL)),
                        "signal EPERM");
}

static int bind_abstract(int type, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    memcpy(address.sun_path + 1, name, len);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    return fd;
}

/* What it says of the two kinds. */
static void check_abstract(const char *name, const proc_sandbox *sandbox, const char *connects, const char *sends)
{
    proc_child *child = start(CHILD_DOES("try-abstract", name), PROC_OPTIONS(.out = PROC_PIPE, .sandbox = sandbox));
    assert_string_equal(said(child), connects);
    assert_string_equal(said(child), sends);
    proc_child_free(child);
}

static void abstract_sockets_of_others_are_beyond_the_scope(void **state)
{
    char name[40];
    (void)state;
    if (version() < 6)
        SKIP_TEST("this kernel's landlock knows no scopes");
    snprintf(name, sizeof name, "libproc-test-%d", (int)getpid());
    const proc_sandbox *sandbox = PROC_SANDBOX(.scope = PROC_LANDLOCK_SCOPE_ABSTRACT);
    /* Each kind has names of its own. */
    int stream = bind_abstract(SOCK_STREAM, name), datagrams = bind_abstract(SOCK_DGRAM, name);
    assert_int_equal(listen(stream, 8), 0);
    check_abstract(name, NULL, "connect 0", "send 0");
    check_abstract(name, sandbox, "connect EPERM", "send EPERM");
    check_abstract(name, PROC_SANDBOX(.scope = PROC_LANDLOCK_SCOPE_SIGNAL), "connect 0", "send 0");
    close(stream);
    close(datagrams);
}

/* What was connected before is not cut off. */
static void a_socket_that_is_handed_on_is_within_the_scope(void **state)
{
    char text[8] = "";
    (void)state;
    if (version() < 6)
        SKIP_TEST("this kernel's landlock knows no scopes");
    const proc_sandbox *sandbox = PROC_SANDBOX(.scope = PROC_LANDLOCK_SCOPE_ABSTRACT);
    proc_child *child =
        start(PROC_ARGV("cat"), PROC_OPTIONS(.in = PROC_SOCKET, .out = PROC_SAME_AS(0), .sandbox = sandbox));
    assert_rc(proc_write(child, 0, "hello", 5, PATIENCE_MS), 5);
    assert_rc(proc_read(child, 0, text, sizeof text - 1, PATIENCE_MS), 5);
    assert_string_equal(text, "hello");
    assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    assert_ends(child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
}

/* ---- With others ---- */

static void it_implies_no_new_privileges_for_the_child_alone(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.sandbox = PROC_SANDBOX(.deny_fs = MAKE_REG)));
    assert_int_equal(report_number(report, "no_new_privs"), 1);
    free(report);
    report = report_of(PROC_OPTIONS(.cwd = "/"));
    assert_int_equal(report_number(report, "no_new_privs"), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    free(report);
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
}

/* Whatever number the set of rules has, the child may want it for something else. */
static void descriptors_are_placed_and_closed_all_the_same(void **state)
{
    proc_slot slots[40];
    char expected[200] = "0\n1\n2\n";
    (void)state;
    for (int i = 0; i < 40; i++) {
        slots[i] = (proc_slot){i + 3, PROC_NULL};
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%d\n", i + 3);
    }
    proc_child *child = start(CHILD_DOES("fds"), PROC_OPTIONS(.out = PROC_PIPE, .fds = {slots, 40},
                                                              .sandbox = PROC_SANDBOX(.deny_fs = MAKE_REG)));
    char *all = all_of(child, 1);
    assert_string_equal(all, expected);
    free(all);
    proc_child_free(child);
}

/* Reading /proc/self/fd would be denied by then. */
static int closes_without_close_range(void *arg)
{
    (void)arg;
    require(deny_call(436 /* close_range */, ENOSYS) == 0);
    require(dup2(STDERR_FILENO, 300) == 300);
    proc_child *child = start(CHILD_DOES("fds"),
                              PROC_OPTIONS(.out = PROC_PIPE, .sandbox = PROC_SANDBOX(.deny_fs = READ_DIR | MAKE_REG)));
    char *all = all_of(child, 1);
    require(strcmp(all, "0\n1\n2\n") == 0);
    free(all);
    proc_child_free(child);
    return 0;
}

static void others_are_closed_in_the_other_way_too(void **state)
{
    (void)state;
    assert_in_fork(closes_without_close_range, NULL);
}

static void a_user_without_privileges_may_use_it(void **state)
{
    (void)state;
    make_place();
    char line[300];
    chmod(top, 0777);
    snprintf(line, sizeof line, "%s EACCES", open_file);
    proc_child *child =
        start(CHILD_DOES("try-write", open_file),
              PROC_OPTIONS(.out = PROC_PIPE, .ids = PROC_IDS(.uid = PROC_UID(65534), .gid = PROC_GID(65534)),
                           .sandbox = PROC_SANDBOX(.deny_fs = MAKE_REG)));
    assert_string_equal(said(child), line);
    proc_child_free(child);
    remove_place();
}

static void a_daemons_program_lives_under_it(void **state)
{
    proc_daemon_report report;
    (void)state;
    make_place();
    char *allowed = path_in(top, "open");
    const proc_landlock_rule rules[] = {{.path = allowed, .allow = MAKE_REG}};
    const proc_sandbox sandbox = {.size = sizeof sandbox, .deny_fs = MAKE_REG, .rules = {rules, 1}};
    const char *const argv[] = {"sh", "-c", "echo a > \"$0\"; echo b > \"$1\"", closed_file, open_file, NULL};
    int rc = proc_daemon_spawn(argv, PROC_OPTIONS(.sandbox = &sandbox), NULL, &report);
    assert_true(rc == 0 || report.outcome == PROC_DAEMON_ENDED); /* it may be as fast as that */
    assert_eventually(access(open_file, F_OK) == 0);
    if (rc == 0)
        end_process(report.pid);
    assert_true(access(closed_file, F_OK) < 0);
    free(allowed);
    remove_place();
}

/* Its READY=1 would go to an abstract socket, of our network, and never come. */
static void a_daemon_that_could_not_tell_that_it_is_ready_is_refused(void **state)
{
    static const char text[] = "NOTIFY: its socket is beyond .sandbox->scope or .namespaces";
    const proc_options *const options[] = {
        PROC_OPTIONS(.sandbox = PROC_SANDBOX(.scope = PROC_LANDLOCK_SCOPE_ABSTRACT)),
        PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_NET)),
        PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_NET, .pid = getpid()}))),
    };
    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        proc_daemon_report report = {0};
        assert_rc(proc_daemon_spawn(CHILD_DOES("sleep", "forever"), options[i],
                                    PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_NOTIFY, .timeout_ms = 1000), &report),
                  -EINVAL);
        assert_int_equal(report.outcome, PROC_DAEMON_FAILED);
        assert_contains(report.error.text, text);
    }
}

/* ---- What a kernel lacks ---- */

static void a_right_that_the_kernel_lacks_is_an_error(void **state)
{
    static const char text[] = "spawn \"true\": landlock: this kernel lacks one of the rights";
    (void)state;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.sandbox = PROC_SANDBOX(.deny_fs = MAKE_REG | OF_TOMORROW)),
                 -EOPNOTSUPP, PROC_STEP_LANDLOCK, -1, text);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.sandbox = PROC_SANDBOX(.deny_net = OF_TOMORROW)), -EOPNOTSUPP,
                 PROC_STEP_LANDLOCK, -1, text);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.sandbox = PROC_SANDBOX(.scope = OF_TOMORROW)), -EOPNOTSUPP,
                 PROC_STEP_LANDLOCK, -1, text);
}

static void with_best_effort_it_is_left_out_and_all_others_hold(void **state)
{
    (void)state;
    make_place();
    char line[300];
    const proc_landlock_rule rules[] = {{.path = "/", .allow = OF_TOMORROW}, {.port = 1, .allow = OF_TOMORROW}};
    const proc_sandbox sandbox = {.size = sizeof sandbox,
                                  .deny_fs = MAKE_REG | OF_TOMORROW,
                                  .deny_net = OF_TOMORROW,
                                  .scope = OF_TOMORROW,
                                  .rules = {rules, 2},
                                  .best_effort = 1};
    snprintf(line, sizeof line, "%s EACCES", open_file);
    assert_string_equal(says(CHILD_DOES("try-write", open_file), &sandbox), line);
    remove_place();
}

/* As a newer kernel would start it: what is left of the rule is nothing that a file can have. */
static void with_best_effort_a_rule_of_a_file_may_be_left_with_nothing(void **state)
{
    (void)state;
    make_place();
    close(open(open_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const proc_landlock_rule rules[] = {{.path = open_file, .allow = OF_TOMORROW | MAKE_REG}};
    proc_sandbox sandbox = {
        .size = sizeof sandbox, .deny_fs = MAKE_REG | OF_TOMORROW, .rules = {rules, 1}, .best_effort = 1};
    proc_child *child = start(PROC_ARGV("true"), PROC_OPTIONS(.sandbox = &sandbox));
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    sandbox.best_effort = 0;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.sandbox = &sandbox), -EOPNOTSUPP, PROC_STEP_LANDLOCK, -1, NULL);
    remove_place();
}

/* Is not there, is not enabled, is hidden. */
static int without_landlock(void *arg)
{
    int error = *(int *)arg;
    proc_child *child = NULL;
    proc_error told = {0};
    require(deny_call(NR_CREATE_RULESET, error) == 0);
    require(proc_has(PROC_FEATURE_LANDLOCK) == 0);
    require_rc(proc_spawn(&child, PROC_ARGV("true"),
                          PROC_OPTIONS(.sandbox = PROC_SANDBOX(.deny_fs = MAKE_REG), .error = &told)),
               -error);
    require(strcmp(told.text, "spawn \"true\": landlock: there is no landlock here") == 0);
    char *report = report_of(PROC_OPTIONS(.sandbox = PROC_SANDBOX(.deny_fs = MAKE_REG, .best_effort = 1)));
    require(report_number(report, "no_new_privs") == 1);
    free(report);
    return 0;
}

static void where_there_is_none_it_is_an_error_or_left_out(void **state)
{
    (void)state;
    assert_in_fork(without_landlock, &(int){ENOSYS});
    assert_in_fork(without_landlock, &(int){EOPNOTSUPP});
    assert_in_fork(without_landlock, &(int){EPERM});
}

/* ---- What makes no sense ---- */

/* Wrong is the second of two rules. */
static void check_rule(proc_landlock_rule rule, const char *what)
{
    char text[200];
    const proc_landlock_rule rules[] = {{.path = "/", .allow = 1}, rule};
    const proc_sandbox sandbox = {.size = sizeof sandbox, .deny_fs = 1, .deny_net = 1, .rules = {rules, 2}};
    snprintf(text, sizeof text, "spawn \"x\": landlock \".sandbox->rules: %s\": Invalid argument", what);
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.sandbox = &sandbox), -EINVAL, PROC_STEP_LANDLOCK, 1, text);
}

static void rules_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    check_rule((proc_landlock_rule){"/", 1, 0, 1}, "a member that must be 0");
    check_rule((proc_landlock_rule){"/", 1, 80, 0}, "path and port exclude each other");
    check_rule((proc_landlock_rule){NULL, 1, 65536, 0}, "no such port");
    check_rule((proc_landlock_rule){"/", 0, 0, 0}, "nothing is allowed");
    check_rule((proc_landlock_rule){"/", 2, 0, 0}, "allows what is not denied");
    check_rule((proc_landlock_rule){NULL, 2, 0, 0}, "allows what is not denied");
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.sandbox = PROC_SANDBOX(.deny_fs = 1, .rules = {NULL, 1})), -EINVAL,
                 PROC_STEP_OPTIONS, -1, "spawn \"x\": options \".sandbox->rules without .items\": Invalid argument");
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.sandbox = PROC_SANDBOX(.best_effort = 1)), -EINVAL, PROC_STEP_OPTIONS,
                 -1,
                 "spawn \"x\": options \".sandbox->best_effort without deny_fs, deny_net, scope\": Invalid argument");
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        landlock_test(what_is_denied_is_allowed_where_a_rule_says_so),
        landlock_test(relative_paths_are_seen_from_our_directory),
        landlock_test(a_rule_may_be_about_a_file),
        landlock_test(a_program_that_may_not_be_executed_is_told),
        landlock_test(a_path_that_cannot_be_opened_is_named),
        landlock_test(ports_are_denied_but_those_of_rules),
        landlock_test(signals_do_not_leave_the_scope),
        landlock_test(abstract_sockets_of_others_are_beyond_the_scope),
        landlock_test(a_socket_that_is_handed_on_is_within_the_scope),
        landlock_test(it_implies_no_new_privileges_for_the_child_alone),
        landlock_test(descriptors_are_placed_and_closed_all_the_same),
        landlock_test(others_are_closed_in_the_other_way_too),
        cmocka_unit_test_setup(a_user_without_privileges_may_use_it, needs_landlock_and_root),
        cmocka_unit_test_setup_teardown(a_daemons_program_lives_under_it, needs_landlock_and_orphans,
                                        adopt_no_more),
        cmocka_unit_test(a_daemon_that_could_not_tell_that_it_is_ready_is_refused),
        landlock_test(a_right_that_the_kernel_lacks_is_an_error),
        landlock_test(with_best_effort_it_is_left_out_and_all_others_hold),
        landlock_test(with_best_effort_a_rule_of_a_file_may_be_left_with_nothing),
        machine_test(where_there_is_none_it_is_an_error_or_left_out),
        cmocka_unit_test(rules_that_make_no_sense_are_refused),
    };
    return run_suite("landlock", tests, sizeof tests / sizeof tests[0], argc, argv);
}
