/* SPDX-License-Identifier: MIT */
/*
 * This process becomes a program: as a child would be it, or, if that fails, it stays what it was - descriptors, flags,
 * mask, dispositions, directory, umask - and what could not be undone is told. And where a program is, as a start sees
 * it.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proc/proc.h>

/* ---- Becoming ---- */

static int become_exit(void *arg)
{
    (void)arg;
    require_rc(proc_exec(CHILD_DOES("exit", "5"), NULL), 0);
    return 1;
}

static void assert_leaves(int (*body)(void *arg), void *arg, int code)
{
    struct verdict verdict;
    run_in_fork(&verdict, body, arg, PATIENCE_MS);
    if (verdict.code != code)
        fail_msg("left with %d: %s", verdict.code, verdict.text);
}

static void it_becomes_the_program(void **state)
{
    (void)state;
    assert_leaves(become_exit, NULL, 5);
}

struct wish {
    const proc_options *options;
    const char *path;
};

static int become_report(void *arg)
{
    const struct wish *wish = arg;
    require_rc(proc_exec(PROC_ARGV(REPORT, "--to", wish->path), wish->options), 0);
    return 1;
}

/* What it tells of whose child it is, and of which number, differs. */
static void drop_numbers(char *text)
{
    static const char *const lines[] = {"pid ", "ppid ", "sid ", "pgid ", "pgrp ", "argv"};
    char *to = text;
    for (char *line = text, *next; *line; line = next) {
        char *end = strchr(line, '\n');
        next = end ? end + 1 : line + strlen(line);
        int drop = 0;
        for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
            drop |= strncmp(line, lines[i], strlen(lines[i])) == 0;
        if (drop)
            continue;
        memmove(to, line, (size_t)(next - line));
        to += next - line;
    }
    *to = '\0';
}

static void assert_same_as_child(const proc_options *options)
{
    char *directory = directory_make(), *path = path_in(directory, "report");
    struct wish wish = {options, path};
    file_write(path, "");
    assert_leaves(become_report, &wish, 0);
    char *ours = file_read(path), *childs = report_of(options);
    drop_numbers(ours);
    drop_numbers(childs);
    assert_true(strlen(ours) > 100);
    assert_string_equal(ours, childs);
    free(ours);
    free(childs);
    free(path);
    directory_remove(directory);
}

static void the_program_sees_what_that_of_a_child_sees(void **state)
{
    int fd = open("/", O_RDONLY | O_CLOEXEC);
    (void)state;
    assert_true(fd >= 3);
    assert_same_as_child(PROC_OPTIONS(.flags = 0));
    assert_same_as_child(PROC_OPTIONS(.in = PROC_NULL, .out = PROC_PATH("/dev/null"), .err = PROC_SAME_AS(1),
                                      .cwd = "/proc", .umask = PROC_MODE(037), .env = PROC_ENV("A=1"),
                                      .env_edit = PROC_ENV("B=2")));
    assert_same_as_child(
        PROC_OPTIONS(.fds = PROC_FDS({fd, PROC_FD(1)}, {20, PROC_FD(fd)}, {21, PROC_SAME_AS(20)}),
                     .start = PROC_START(.cwd_fd = &fd), .cwd = "proc",
                     .signals = PROC_DISPOSITIONS(.block = PROC_SIGNAL(SIGUSR1), .ignore = PROC_SIGNAL(SIGUSR2))));
    assert_same_as_child(PROC_OPTIONS(.flags = PROC_INHERIT_SIGNALS | PROC_NEW_SESSION));
    close(fd);
}

static int become_open_file(void *arg)
{
    int fd = open(CHILD, O_RDONLY | O_CLOEXEC);
    (void)arg;
    /* Its number is wanted for something else, and it comes back when that was in vain. */
    const proc_slots onto = PROC_FDS({fd, PROC_NULL});
    require_rc(proc_exec(CHILD_DOES("exit", "6"), PROC_OPTIONS(.fds = onto, .start = PROC_START(.program_fd = &fd),
                                                               .cwd = "/nope")),
               -ENOENT);
    require_rc(proc_exec(CHILD_DOES("exit", "6"), PROC_OPTIONS(.fds = onto, .start = PROC_START(.program_fd = &fd))), 0);
    return 1;
}

static int become_script(void *arg)
{
    require_rc(proc_exec(PROC_ARGV(arg, "7"), NULL), -ENOEXEC);
    require_rc(proc_exec(PROC_ARGV(arg, "7"), PROC_OPTIONS(.flags = PROC_SCRIPT_FALLBACK)), 0);
    return 1;
}

/* The shell leaves with 8 if what is announced is announced to it. */
static int become_listener(void *arg)
{
    (void)arg;
    require_rc(proc_exec(PROC_ARGV("sh", "-c", "test $LISTEN_PID = $$ && test $LISTEN_FDS = 2 && exit 8"),
                         PROC_OPTIONS(.flags = PROC_LISTEN_FDS, .fds = PROC_FDS({3, PROC_FD(0)}, {4, PROC_FD(1)}))),
               0);
    return 1;
}

static void it_becomes_an_open_file_a_script_or_a_listener(void **state)
{
    (void)state;
    char *directory = directory_make(), *script = path_in(directory, "script");
    file_write(script, "exit $1\n");
    assert_int_equal(chmod(script, 0755), 0);
    assert_leaves(become_open_file, NULL, 6);
    assert_leaves(become_script, script, 7);
    assert_leaves(become_listener, NULL, 8);
    free(script);
    directory_remove(directory);
}

static void *stay_here(void *arg)
{
    (void)arg;
    live_on();
}

static int become_with_threads(void *arg)
{
    pthread_t thread;
    (void)arg;
    require(pthread_create(&thread, NULL, stay_here, NULL) == 0);
    require_rc(proc_exec(CHILD_DOES("exit", "6"), NULL), 0);
    return 1;
}

static void other_threads_end_with_the_old_program(void **state)
{
    (void)state;
    assert_leaves(become_with_threads, NULL, 6);
}

/* ---- Failing ---- */

static void note_nothing(int number)
{
    (void)number;
}

/* A process with a bit of everything. */
static void have_a_past(void)
{
    sigset_t mask;
    signal(SIGUSR1, note_nothing);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGHUP);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    require(chdir("/usr") == 0);
    umask(021);
    require(open("/", O_RDONLY | O_CLOEXEC) >= 0 && open("/", O_RDONLY) >= 0);
    require(fcntl(0, F_DUPFD_CLOEXEC, 30) >= 30 && fcntl(1, F_DUPFD, 31) >= 31 && fcntl(2, F_DUPFD_CLOEXEC, 32) >= 32);
}

struct failing {
    const char *const *argv;
    const proc_options *options;
    int rc, step;
    uint32_t changed;
};

static int fail_to_become(void *arg)
{
    const struct failing *failing = arg;
    proc_options options = *failing->options;
    proc_error error = {0};
    char differences[400] = "";
    have_a_past();
    struct world *before = world_take();
    options.error = &error;
    int rc = proc_exec(failing->argv, &options);
    struct world *after = world_take();
    world_compare(before, after, differences, sizeof differences);
    world_free(before);
    world_free(after);
    if (rc != failing->rc || error.step != failing->step || error.changed != failing->changed || differences[0])
        complain("%s, step %d, changed %u: %s\n%s", rc_name(rc), error.step, error.changed, error.text, differences);
    return 0;
}

static void assert_fails_to_become(const char *const argv[], const proc_options *options, int rc, int step,
                                   uint32_t changed)
{
    struct failing failing = {argv, options, rc, step, changed};
    assert_in_fork(fail_to_become, &failing);
}

static void all_is_as_before_when_the_program_is_missing(void **state)
{
    const char *const *argv = PROC_ARGV("/nope/program");
    const proc_slots cycle = PROC_FDS({30, PROC_FD(31)}, {31, PROC_FD(32)}, {32, PROC_FD(30)}, {40, PROC_FD(30)},
                                      {41, PROC_NULL}, {42, PROC_SAME_AS(0)});
    (void)state;
    assert_fails_to_become(argv, PROC_OPTIONS(.flags = 0), -ENOENT, PROC_STEP_EXEC, 0);
    assert_fails_to_become(argv, PROC_OPTIONS(.flags = PROC_INHERIT_FDS | PROC_INHERIT_SIGNALS), -ENOENT,
                           PROC_STEP_EXEC, 0);
    assert_fails_to_become(argv, PROC_OPTIONS(.fds = cycle), -ENOENT, PROC_STEP_EXEC, 0);
    assert_fails_to_become(
        argv,
        PROC_OPTIONS(.in = PROC_NULL, .out = PROC_FD(2), .err = PROC_FD(1), .fds = cycle, .cwd = "proc",
                     .umask = PROC_MODE(0), .start = PROC_START(.cwd_fd = PROC_INT(30)),
                     .signals = PROC_DISPOSITIONS(.reset = PROC_SIGNAL(SIGUSR2), .ignore = PROC_SIGNAL(SIGUSR1),
                                                  .block = PROC_SIGNAL(SIGTERM))),
        -ENOTDIR, PROC_STEP_CWD, 0); /* 30 is no directory */
    assert_fails_to_become(
        argv,
        PROC_OPTIONS(.in = PROC_NULL, .out = PROC_FD(2), .err = PROC_FD(1), .fds = cycle, .cwd = "/proc",
                     .umask = PROC_MODE(0),
                     .signals = PROC_DISPOSITIONS(.reset = PROC_SIGNAL(SIGUSR2), .ignore = PROC_SIGNAL(SIGUSR1),
                                                  .block = PROC_SIGNAL(SIGTERM))),
        -ENOENT, PROC_STEP_EXEC, 0);
    assert_fails_to_become(PROC_ARGV("no-such-program"), PROC_OPTIONS(.cwd = "/", .search = "/bin"), -ENOENT,
                           PROC_STEP_SEARCH, 0);
}

static void all_is_as_before_when_a_step_fails(void **state)
{
    const char *const *argv = PROC_ARGV("true");
    (void)state;
    assert_fails_to_become(argv, PROC_OPTIONS(.cwd = "/nope", .umask = PROC_MODE(0)), -ENOENT, PROC_STEP_CWD, 0);
    assert_fails_to_become(argv, PROC_OPTIONS(.cwd = "/nope", .start = PROC_START(.cwd_fd = PROC_INT(30))), -ENOTDIR,
                           PROC_STEP_CWD, 0);
    assert_fails_to_become(argv,
                           PROC_OPTIONS(.cwd = "/proc", .fds = PROC_FDS({30, PROC_FD(31)}, {31, PROC_FD(30)},
                                                                        {50, PROC_FD(31)}, {1 << 29, PROC_NULL})),
                           -EBADF, PROC_STEP_FDS, 0);
    /* What would be for good comes only after all that. */
    assert_fails_to_become(argv, PROC_OPTIONS(.cwd = "/nope", .flags = PROC_NEW_SESSION), -ENOENT, PROC_STEP_CWD, 0);
}

static void what_is_for_good_is_told(void **state)
{
    const char *const *argv = PROC_ARGV("/nope/program");
    (void)state;
    assert_fails_to_become(argv, PROC_OPTIONS(.flags = PROC_NEW_SESSION, .cwd = "/"), -ENOENT, PROC_STEP_EXEC,
                           PROC_CHANGED_SESSION);
    assert_fails_to_become(argv,
                           PROC_OPTIONS(.cwd = "/", .fds = PROC_FDS({30, PROC_FD(31)}, {50, PROC_FD(30)}),
                                        .limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_CORE, 0, 0, 0})),
                                        .sandbox = PROC_SANDBOX(.no_new_privs = 1)),
                           -ENOENT, PROC_STEP_EXEC, PROC_CHANGED_LIMITS | PROC_CHANGED_SANDBOX);
    assert_fails_to_become(argv,
                           PROC_OPTIONS(.cwd = "/nope", .scheduling = PROC_SCHEDULING(.nice = PROC_INT(19)),
                                        .limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_CORE, 0, 0, 0}))),
                           -ENOENT, PROC_STEP_CWD, 0);
}

/* The CPUs are chosen before any namespace is made. */
static void what_was_not_reached_is_not_told_as_changed(void **state)
{
    (void)state;
    assert_fails_to_become(PROC_ARGV("true"),
                           PROC_OPTIONS(.scheduling = PROC_SCHEDULING(.cpus = "65535"),
                                        .namespaces = PROC_NAMESPACES(.create = PROC_NS_UTS)),
                           -EINVAL, PROC_STEP_CPUS, PROC_CHANGED_LIMITS);
}

static int lead_a_session_twice(void *arg)
{
    require(setsid() > 0);
    return fail_to_become(arg);
}

static void a_group_leader_cannot_lead_a_session(void **state)
{
    struct failing failing = {PROC_ARGV("true"), PROC_OPTIONS(.flags = PROC_NEW_SESSION, .cwd = "/proc"), -EPERM,
                              PROC_STEP_SESSION, 0};
    (void)state;
    assert_in_fork(lead_a_session_twice, &failing);
}

static void ids_are_changed_last_and_for_good(void **state)
{
    const proc_ids *nobody = PROC_IDS(.uid = PROC_UID(65534), .gid = PROC_GID(65534));
    (void)state;
    assert_fails_to_become(PROC_ARGV("/nope/program"), PROC_OPTIONS(.ids = nobody, .cwd = "/proc"), -ENOENT,
                           PROC_STEP_EXEC, PROC_CHANGED_IDS);
    assert_fails_to_become(PROC_ARGV("true"), PROC_OPTIONS(.ids = nobody, .cwd = "/nope"), -ENOENT, PROC_STEP_CWD, 0);
    assert_same_as_child(PROC_OPTIONS(.flags = 0));
}

static void assert_exec_refused(const proc_options *options, int rc, const char *part)
{
    proc_error error = {0};
    proc_options mine = *options;
    mine.error = &error;
    assert_rc(proc_exec(PROC_ARGV("true"), &mine), rc);
    assert_int_equal(error.step, PROC_STEP_OPTIONS);
    assert_int_equal(error.changed, 0);
    assert_contains(error.text, part);
}

static int note_it(void *user)
{
    (void)user;
    return 0;
}

static void what_needs_somebody_who_stays_is_refused(void **state)
{
    static const char other_end[] = "exec \"true\": options \"nobody would be left at its other end\"";
    (void)state;
    assert_exec_refused(PROC_OPTIONS(.in = PROC_PIPE), -EINVAL, other_end);
    assert_exec_refused(PROC_OPTIONS(.in = PROC_PTY), -EINVAL, other_end);
    assert_exec_refused(PROC_OPTIONS(.out = PROC_SOCKET), -EINVAL, other_end);
    assert_exec_refused(PROC_OPTIONS(.in = PROC_TEXT("x")), -EINVAL, other_end);
    assert_exec_refused(PROC_OPTIONS(.out = PROC_CAPTURE), -EINVAL, other_end);
    assert_exec_refused(PROC_OPTIONS(.fds = PROC_FDS({5, PROC_PIPE_TO_CHILD})), -EINVAL, other_end);
    assert_exec_refused(PROC_OPTIONS(.flags = PROC_DETACH), -EINVAL, "PROC_DETACH");
    assert_exec_refused(PROC_OPTIONS(.flags = PROC_DIE_WITH_PARENT), -EINVAL, "PROC_DIE_WITH_PARENT");
    assert_exec_refused(PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_USER)), -EINVAL, ".namespaces");
    assert_exec_refused(PROC_OPTIONS(.transfer = PROC_TRANSFER(.drain_ms = 1)), -EINVAL, ".transfer");
    assert_exec_refused(PROC_OPTIONS(.stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, 0})), -EINVAL, ".stop");
    assert_exec_refused(PROC_OPTIONS(.timeout_ms = 5), -EINVAL, ".timeout_ms");
    assert_exec_refused(PROC_OPTIONS(.hook = PROC_HOOK(note_it, NULL)), -EINVAL, ".hook");
    assert_exec_refused(PROC_OPTIONS(.flags = PROC_DIE_WITH_PARENT), -EINVAL, "PROC_DIE_WITH_PARENT");
    assert_rc(proc_exec(NULL, NULL), -EINVAL);
    assert_rc(proc_exec(PROC_ARGV("true"), &(proc_options){.size = 0}), -EINVAL);
}

static void namespaces_that_need_a_birth_are_refused_before_anything_is_changed(void **state)
{
    static const uint32_t kinds[] = {PROC_NS_USER, PROC_NS_PID, PROC_NS_TIME};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_exec_refused(PROC_OPTIONS(.flags = PROC_NEW_GROUP, .umask = PROC_MODE(0),
                                         .namespaces = PROC_NAMESPACES(.create = kinds[i])),
                            -EINVAL, ".namespaces");
}

/* ---- Where a program is ---- */

struct places {
    char *root, *first, *second;
};

static void make_program(const char *directory, const char *name, mode_t mode)
{
    char *path = path_in(directory, name);
    file_write(path, "#!/bin/sh\nexit 0\n");
    chmod(path, mode);
    free(path);
}

/* first has a file that cannot be run, and second has it as it should be. */
static struct places make_places(void)
{
    struct places places = {.root = directory_make()};
    places.first = path_in(places.root, "first");
    places.second = path_in(places.root, "second");
    assert_int_equal(mkdir(places.first, 0755), 0);
    assert_int_equal(mkdir(places.second, 0755), 0);
    make_program(places.first, "both", 0644);
    make_program(places.first, "denied", 0644);
    make_program(places.second, "both", 0755);
    make_program(places.second, "only", 0755);
    return places;
}

static void remove_places(struct places *places)
{
    free(places->first);
    free(places->second);
    directory_remove(places->root);
}

static void assert_which(const char *program, const proc_options *options, const char *path)
{
    char got[512] = "";
    assert_rc(proc_which(program, options, got, sizeof got), (int64_t)strlen(path));
    assert_string_equal(got, path);
}

static void a_program_is_found_where_a_start_finds_it(void **state)
{
    struct places places = make_places();
    char search[600], both[300], path[700];
    (void)state;
    snprintf(search, sizeof search, "%s:%s", places.first, places.second);
    snprintf(both, sizeof both, "%s/both", places.second);
    snprintf(path, sizeof path, "PATH=%s", search);
    assert_which("both", PROC_OPTIONS(.search = search), both);
    assert_which("both", PROC_OPTIONS(.env = PROC_ENV(path)), both);
    assert_which("both", PROC_OPTIONS(.env_edit = PROC_ENV(path)), both);
    assert_which("x", PROC_OPTIONS(.search = search, .program = "both"), both);
    assert_which("x", PROC_OPTIONS(.search = search, .start = PROC_START(.candidates = PROC_NAMES("denied", "both"))),
                 both);
    assert_which(both, NULL, both);
    /* From the child's directory, however it is named. */
    assert_which("only", PROC_OPTIONS(.search = "second", .cwd = places.root, .flags = PROC_SEARCH_RELATIVE),
                 "second/only");
    assert_which("./only", PROC_OPTIONS(.cwd = places.second), "./only");
    int fd = open(places.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_which("second/only", PROC_OPTIONS(.start = PROC_START(.cwd_fd = &fd)), "second/only");
    assert_which("./only", PROC_OPTIONS(.start = PROC_START(.cwd_fd = &fd), .cwd = "second"), "./only");
    close(fd);
    remove_places(&places);
}

static void assert_not_found(const char *program, proc_options options, int rc, int step)
{
    char path[64] = "untouched";
    proc_error error = {0};
    proc_child *child = NULL;
    options.size = sizeof options;
    options.error = &error;
    assert_rc(proc_which(program, &options, path, sizeof path), rc);
    assert_string_equal(path, "untouched");
    assert_int_equal(error.step, step);
    assert_contains(error.text, "which ");
    /* A start says the same. */
    assert_rc(proc_spawn(&child, PROC_ARGV(program), &options), rc);
    assert_int_equal(error.step, step);
}

static void where_it_is_not_the_reason_is_that_of_a_start(void **state)
{
    struct places places = make_places();
    (void)state;
    assert_not_found("none", (proc_options){.search = places.first}, -ENOENT, PROC_STEP_SEARCH);
    assert_not_found("only", (proc_options){.search = "second", .cwd = places.root}, -ENOENT, PROC_STEP_SEARCH);
    assert_not_found("/nope/none", (proc_options){0}, -ENOENT, PROC_STEP_EXEC);
    assert_not_found("/usr", (proc_options){0}, -EACCES, PROC_STEP_EXEC);
    assert_not_found("denied", (proc_options){.search = places.first}, -EACCES, PROC_STEP_EXEC);
    assert_not_found("x", (proc_options){.cwd = "/nope"}, -ENOENT, PROC_STEP_CWD);
    proc_error error = {0};
    assert_rc(proc_which("x", PROC_OPTIONS(.start = PROC_START(.program_fd = PROC_INT(0)), .error = &error), NULL, 0),
              -EINVAL);
    assert_contains(error.text, "which \"x\": options \".start->program_fd is found already\"");
    remove_places(&places);
}

static void a_search_takes_the_options_of_any_start(void **state)
{
    char path[16];
    (void)state;
    assert_rc(proc_which("/bin/sh", PROC_OPTIONS(.timeout_ms = 1000, .out = PROC_CAPTURE), path, sizeof path), 7);
    assert_rc(proc_which("/bin/sh", PROC_OPTIONS(.flags = PROC_DETACH, .out = PROC_PIPE), path, sizeof path), 7);
    assert_rc(proc_which("/bin/sh", PROC_OPTIONS(.flags = PROC_ORPHAN), path, sizeof path), 7);
    assert_rc(proc_which("/bin/sh", PROC_OPTIONS(.timeout_ms = -2), path, sizeof path), -EINVAL);
}

static void a_path_is_written_as_snprintf_writes(void **state)
{
    char path[8] = "xxxxxxx";
    (void)state;
    assert_rc(proc_which("/bin/sh", NULL, NULL, 0), 7);
    assert_rc(proc_which("/bin/sh", NULL, path, 5), 7);
    assert_string_equal(path, "/bin");
    assert_rc(proc_which("/bin/sh", NULL, path, 8), 7);
    assert_string_equal(path, "/bin/sh");
    assert_rc(proc_which(NULL, NULL, path, 8), -EINVAL);
    assert_rc(proc_which("sh", NULL, NULL, 8), -EINVAL);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_becomes_the_program),
        cmocka_unit_test(it_becomes_an_open_file_a_script_or_a_listener),
        spawning_test(the_program_sees_what_that_of_a_child_sees),
        cmocka_unit_test(other_threads_end_with_the_old_program),
        cmocka_unit_test(all_is_as_before_when_the_program_is_missing),
        cmocka_unit_test(all_is_as_before_when_a_step_fails),
        cmocka_unit_test(what_is_for_good_is_told),
        cmocka_unit_test(what_was_not_reached_is_not_told_as_changed),
        cmocka_unit_test(a_group_leader_cannot_lead_a_session),
        root_test(ids_are_changed_last_and_for_good),
        cmocka_unit_test(what_needs_somebody_who_stays_is_refused),
        cmocka_unit_test(namespaces_that_need_a_birth_are_refused_before_anything_is_changed),
        cmocka_unit_test(a_program_is_found_where_a_start_finds_it),
        spawning_test(where_it_is_not_the_reason_is_that_of_a_start),
        cmocka_unit_test(a_search_takes_the_options_of_any_start),
        cmocka_unit_test(a_path_is_written_as_snprintf_writes),
    };
    return run_suite("exec", tests, sizeof tests / sizeof tests[0], argc, argv);
}
