/* SPDX-License-Identifier: MIT */
/*
 * Starting: what a program finds when it begins (arguments, environment, place, ids, signals), how a program is found,
 * what a failed start says and leaves behind, and that the caller and its other threads notice nothing.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

extern char **environ;

/* ---- The program and its arguments ---- */

static void the_program_runs_when_the_start_returns(void **state)
{
    char link[64], path[300] = "";
    (void)state;
    proc_child *child = start_child("ready");
    if (proc_has(PROC_FEATURE_FAST_SPAWN) == 1) { /* an emulator leaves the wait for the exec out */
        snprintf(link, sizeof link, "/proc/%d/exe", proc_child_pid(child));
        assert_true(readlink(link, path, sizeof path - 1) > 0);
        assert_string_equal(strrchr(path, '/'), "/child");
    }
    assert_string_equal(said(child), "ready");
    proc_child_free(child);
}

static void arguments_arrive_as_they_are(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("any name", "--to", "1", "", "two words", "a\nb", "*", "$HOME"),
                              PROC_OPTIONS(.program = REPORT, .out = PROC_PIPE));
    char *report = all_of(child, 1);
    assert_int_equal(report_number(report, "argc"), 8);
    assert_string_equal(report_get_nth(report, "argv", 0), "any name");
    assert_string_equal(report_get_nth(report, "argv", 3), "");
    assert_string_equal(report_get_nth(report, "argv", 4), "two words");
    assert_string_equal(report_get_nth(report, "argv", 5), "a\\x0ab");
    assert_string_equal(report_get_nth(report, "argv", 6), "*");
    assert_string_equal(report_get_nth(report, "argv", 7), "$HOME");
    free(report);
    proc_child_free(child);
}

static void no_options_are_all_defaults(void **state)
{
    proc_child *child;
    (void)state;
    assert_rc(proc_spawn(&child, CHILD_DOES("exit", "7"), NULL), 0);
    assert_ends(child, PROC_EXITED, 7);
    assert_null(proc_child_free(child));
}

static void hand_made_options_need_no_macro(void **state)
{
    static const char *const argv[] = {"sh", "-c", "echo $A", NULL};
    static const char *const env[] = {"A=by hand", NULL};
    proc_options options;
    proc_child *child;
    (void)state;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.out.kind = PROC_STDIO_PIPE;
    options.env = env;
    assert_rc(proc_spawn(&child, argv, &options), 0);
    assert_string_equal(said(child), "by hand");
    proc_child_free(child);
}

/* The kernel's limit for one argument is 128 KiB. */
static void an_argument_too_long_for_the_kernel_is_told(void **state)
{
    enum { SIZE = 200 * 1024 };
    (void)state;
    char *argument = malloc(SIZE);
    assert_non_null(argument);
    memset(argument, 'x', SIZE - 1);
    argument[SIZE - 1] = '\0';
    assert_fails(PROC_ARGV("/bin/true", argument), PROC_OPTIONS(), -E2BIG, PROC_STEP_EXEC, 0,
                 "spawn \"/bin/true\": exec \"/bin/true\": Argument list too long");
    free(argument);
}

/* ---- Environment ---- */

static void the_environment_is_ours(void **state)
{
    (void)state;
    setenv("PROC_TEST_OURS", "yes", 1);
    char *report = report_of(PROC_OPTIONS(.cwd = "/"));
    int count = 0;
    while (environ[count])
        count++;
    assert_string_equal(report_env(report, "PROC_TEST_OURS"), "yes");
    assert_int_equal(report_env_count(report), count);
    unsetenv("PROC_TEST_OURS");
    free(report);
}

static void an_environment_is_replaced_as_a_whole(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.env = PROC_ENV("A=1", "B=", "A=2")));
    assert_int_equal(report_env_count(report), 3); /* also what is there twice: it is the caller's to say */
    assert_string_equal(report_env(report, "A"), "1");
    assert_string_equal(report_env(report, "B"), "");
    free(report);
    report = report_of(PROC_OPTIONS(.env = PROC_ENV_EMPTY));
    assert_int_equal(report_env_count(report), 0);
    assert_int_equal(report_number(report, "argc"), 3);
    free(report);
}

static void edits_set_and_unset_in_their_order(void **state)
{
    (void)state;
    char *report = report_of(
        PROC_OPTIONS(.env = PROC_ENV("KEEP=k", "DROP=d", "TWICE=1", "TWICE=2", "CHANGE=old"),
                     .env_edit = PROC_ENV("DROP", "CHANGE=new", "TWICE=3", "ADD=a", "ADD", "ADD=b", "MISSING")));
    assert_int_equal(report_env_count(report), 4);
    assert_string_equal(report_env(report, "KEEP"), "k");
    assert_string_equal(report_env(report, "CHANGE"), "new");
    assert_string_equal(report_env(report, "TWICE"), "3");
    assert_string_equal(report_env(report, "ADD"), "b");
    free(report);
}

static void edits_apply_to_our_environment_and_leave_it_alone(void **state)
{
    (void)state;
    setenv("PROC_TEST_OURS", "ours", 1);
    char *report = report_of(PROC_OPTIONS(.env_edit = PROC_ENV("PROC_TEST_OURS=theirs")));
    assert_string_equal(report_env(report, "PROC_TEST_OURS"), "theirs");
    assert_string_equal(getenv("PROC_TEST_OURS"), "ours");
    unsetenv("PROC_TEST_OURS");
    free(report);
}

static int starts_after_clearenv(void *arg)
{
    (void)arg;
    char parent[64];
    snprintf(parent, sizeof parent, "%d", (int)getpid());
    const char *report_path = REPORT; /* before the environment that may say where it is */
    clearenv();
    proc_child *child;
    require_rc(proc_spawn(&child, PROC_ARGV("true"), NULL), 0);
    require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    proc_child_free(child);
    char *report = report_of(PROC_OPTIONS(.env_edit = PROC_ENV("A=1"), .program = report_path));
    require(report_env_count(report) == 1);
    free(report);
    return 0;
}

static void a_program_without_environment_can_start_others(void **state)
{
    (void)state;
    assert_in_fork(starts_after_clearenv, NULL);
}

/* ---- How the program is found ---- */

#define PLACES 3

/* Directories "0", "1", "2" with the script `tool`, which prints its own path. */
struct places {
    char *directory, *dir[PLACES], *tool[PLACES];
    char list[600]; /* all of them, with colons */
};

static void make_tool(const char *path, const char *interpreter, mode_t mode)
{
    char text[300];
    snprintf(text, sizeof text, "#!%s\necho \"$0\"\n", interpreter);
    file_write(path, text);
    chmod(path, mode);
}

static struct places places_make(void)
{
    struct places places = {.directory = directory_make()};
    chmod(places.directory, 0755);
    for (int i = 0; i < PLACES; i++) {
        char name[2] = {(char)('0' + i), '\0'};
        places.dir[i] = path_in(places.directory, name);
        places.tool[i] = path_in(places.dir[i], "tool");
        mkdir(places.dir[i], 0755);
        make_tool(places.tool[i], "/bin/sh", 0755);
    }
    snprintf(places.list, sizeof places.list, "%s:%s:%s", places.dir[0], places.dir[1], places.dir[2]);
    return places;
}

static void places_done(struct places *places)
{
    for (int i = 0; i < PLACES; i++) {
        free(places->dir[i]);
        free(places->tool[i]);
    }
    directory_remove(places->directory);
}

/* What the program that is found prints: the path that it was run by. */
static void check_found(const proc_options *options, const char *expected)
{
    proc_options mine = *options;
    mine.out = PROC_PIPE;
    proc_child *child = start(PROC_ARGV("tool"), &mine);
    assert_string_equal(said(child), expected);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

static void the_path_of_the_childs_environment_is_searched_in_order(void **state)
{
    (void)state;
    struct places places = places_make();
    char variable[700];
    snprintf(variable, sizeof variable, "PATH=/nope:%s", places.list);
    check_found(PROC_OPTIONS(.env = PROC_ENV(variable)), places.tool[0]);
    unlink(places.tool[0]);
    check_found(PROC_OPTIONS(.env_edit = PROC_ENV(variable)), places.tool[1]);
    places_done(&places);
}

static void a_search_list_wins_over_the_path(void **state)
{
    (void)state;
    struct places places = places_make();
    check_found(PROC_OPTIONS(.search = places.dir[2], .env = PROC_ENV("PATH=/nope")), places.tool[2]);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.search = places.list), -ENOENT, PROC_STEP_SEARCH, -1, NULL);
    places_done(&places);
}

static void without_a_path_the_usual_places_are_searched(void **state)
{
    proc_child *child;
    (void)state;
    assert_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.env = PROC_ENV_EMPTY)), 0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    assert_fails(PROC_ARGV("no-such-tool"), PROC_OPTIONS(.env = PROC_ENV_EMPTY), -ENOENT, PROC_STEP_SEARCH, -1,
                 "spawn \"no-such-tool\": search \"/usr/local/bin:/usr/bin:/bin\": No such file or directory");
}

static void empty_and_relative_elements_count_only_when_asked_for(void **state)
{
    (void)state;
    struct places places = places_make();
    for (const char *const *list = PROC_NAMES("", ":", ".", "0", "0:.", "nope::0"); *list; list++)
        assert_fails(PROC_ARGV("tool"), PROC_OPTIONS(.search = *list, .cwd = places.dir[1]), -ENOENT, PROC_STEP_SEARCH,
                     -1, NULL);
    /* Seen from the directory of the child. */
    check_found(PROC_OPTIONS(.search = "", .cwd = places.dir[1], .flags = PROC_SEARCH_RELATIVE), "./tool");
    check_found(PROC_OPTIONS(.search = "/nope:", .cwd = places.dir[1], .flags = PROC_SEARCH_RELATIVE), "./tool");
    check_found(PROC_OPTIONS(.search = "x:2", .cwd = places.directory, .flags = PROC_SEARCH_RELATIVE), "2/tool");
    places_done(&places);
}

static void a_name_with_a_slash_is_not_searched_but_seen_from_the_childs_directory(void **state)
{
    (void)state;
    struct places places = places_make();
    check_found(PROC_OPTIONS(.program = "1/tool", .cwd = places.directory), "1/tool");
    check_found(PROC_OPTIONS(.program = "./tool", .cwd = places.dir[2]), "./tool");
    assert_fails(PROC_ARGV("1/tool"), PROC_OPTIONS(.search = places.directory), -ENOENT, PROC_STEP_EXEC, 0,
                 "spawn \"1/tool\": exec \"1/tool\": No such file or directory");
    places_done(&places);
}

static void the_first_candidate_that_can_be_run_is_taken(void **state)
{
    (void)state;
    struct places places = places_make();
    check_found(PROC_OPTIONS(.search = places.list, .start = PROC_START(.candidates = PROC_NAMES("editor", "tool"))),
                places.tool[0]);
    check_found(PROC_OPTIONS(.start = PROC_START(.candidates = PROC_NAMES("/nope/x", places.tool[2], places.tool[1]))),
                places.tool[2]);
    chmod(places.tool[2], 0644);
    check_found(PROC_OPTIONS(.start = PROC_START(.candidates = PROC_NAMES(places.tool[2], places.tool[1]))),
                places.tool[1]);
    assert_fails(PROC_ARGV("edit"),
                 PROC_OPTIONS(.search = "/a:/b", .start = PROC_START(.candidates = PROC_NAMES("editor", "vi"))),
                 -ENOENT, PROC_STEP_SEARCH, -1, "spawn \"edit\": search \"/a:/b\": No such file or directory");
    places_done(&places);
}

static void a_file_without_permission_is_passed_over_but_remembered(void **state)
{
    char expected[400];
    (void)state;
    struct places places = places_make();
    chmod(places.tool[0], 0644);
    check_found(PROC_OPTIONS(.search = places.list), places.tool[1]);
    unlink(places.tool[1]);
    unlink(places.tool[2]);
    snprintf(expected, sizeof expected, "spawn \"tool\": exec \"%s\": Permission denied", places.tool[0]);
    assert_fails(PROC_ARGV("tool"), PROC_OPTIONS(.search = places.list), -EACCES, PROC_STEP_EXEC, 0, expected);
    places_done(&places);
}

#define LACKS_INTERPRETER "it is there, but its interpreter is not"

static void a_missing_interpreter_is_not_a_missing_program(void **state)
{
    char expected[400];
    (void)state;
    struct places places = places_make();
    make_tool(places.tool[1], "/nope/interpreter", 0755);
    unlink(places.tool[0]);
    unlink(places.tool[2]);
    snprintf(expected, sizeof expected, "spawn \"tool\": exec \"%s\": " LACKS_INTERPRETER, places.tool[1]);
    assert_fails(PROC_ARGV("tool"), PROC_OPTIONS(.search = places.list), -ENOENT, PROC_STEP_EXEC, 1, expected);
    snprintf(expected, sizeof expected, "spawn \"%s\": exec \"%s\": " LACKS_INTERPRETER, places.tool[1],
             places.tool[1]);
    assert_fails(PROC_ARGV(places.tool[1]), PROC_OPTIONS(), -ENOENT, PROC_STEP_EXEC, 0, expected);
    /* Its reason is its own, whatever the elements after it lack. */
    char list[sizeof places.list + 16];
    snprintf(list, sizeof list, "%s:/dev/null", places.list);
    snprintf(expected, sizeof expected, "spawn \"tool\": exec \"%s\": " LACKS_INTERPRETER, places.tool[1]);
    assert_fails(PROC_ARGV("tool"), PROC_OPTIONS(.search = list), -ENOENT, PROC_STEP_EXEC, 1, expected);
    places_done(&places);
}

static void a_missing_program_and_a_missing_directory_are_never_confused(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("grep"), PROC_OPTIONS(.cwd = "/nope"), -ENOENT, PROC_STEP_CWD, -1,
                 "spawn \"grep\": chdir \"/nope\": No such file or directory");
    assert_fails(PROC_ARGV("no-such-tool"), PROC_OPTIONS(.cwd = "/nope", .search = "/bin"), -ENOENT, PROC_STEP_CWD, -1,
                 "spawn \"no-such-tool\": chdir \"/nope\": No such file or directory");
    assert_fails(PROC_ARGV("no-such-tool"), PROC_OPTIONS(.cwd = "/", .search = "/bin:/usr/bin"), -ENOENT,
                 PROC_STEP_SEARCH, -1, "spawn \"no-such-tool\": search \"/bin:/usr/bin\": No such file or directory");
    assert_fails(PROC_ARGV("/nope/tool"), PROC_OPTIONS(.cwd = "/"), -ENOENT, PROC_STEP_EXEC, 0,
                 "spawn \"/nope/tool\": exec \"/nope/tool\": No such file or directory");
    assert_fails(PROC_ARGV("name"), PROC_OPTIONS(.program = "/nope/tool"), -ENOENT, PROC_STEP_EXEC, 0,
                 "spawn \"/nope/tool\": exec \"/nope/tool\": No such file or directory");
    assert_fails(PROC_ARGV(""), PROC_OPTIONS(), -ENOENT, PROC_STEP_EXEC, 0,
                 "spawn \"\": exec \"\": No such file or directory");
}

static void what_is_no_program_is_told_as_such(void **state)
{
    char expected[400];
    (void)state;
    struct places places = places_make();
    file_write(places.tool[0], "no program, and no script either\n");
    snprintf(expected, sizeof expected, "spawn \"tool\": exec \"%s\": Exec format error", places.tool[0]);
    /* No shell is tried, and no other directory. */
    assert_fails(PROC_ARGV("tool"), PROC_OPTIONS(.search = places.list), -ENOEXEC, PROC_STEP_EXEC, 0, expected);
    assert_fails(PROC_ARGV("/"), PROC_OPTIONS(), -EACCES, PROC_STEP_EXEC, 0,
                 "spawn \"/\": exec \"/\": Permission denied");
    assert_fails(PROC_ARGV("/bin/true/x"), PROC_OPTIONS(), -ENOTDIR, PROC_STEP_EXEC, 0, NULL);
    places_done(&places);
}

static void a_search_passes_over_whatever_lacks_the_file(void **state)
{
    char list[8000];
    (void)state;
    struct places places = places_make();
    char *loop = path_in(places.directory, "loop");
    assert_int_equal(symlink("loop", loop), 0);
    snprintf(list, sizeof list, "%s:/bin/true:/%0300d:%s", loop, 0, places.dir[1]);
    check_found(PROC_OPTIONS(.search = list), places.tool[1]);
    free(loop);
    places_done(&places);
}

static void a_name_too_long_for_any_file_is_not_found(void **state)
{
    char name[400];
    (void)state;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_fails(PROC_ARGV(name), PROC_OPTIONS(.search = "/bin"), -ENOENT, PROC_STEP_SEARCH, -1, NULL);
}

/* Another process still has the file open for writing, for a moment: as a child that was made while it was written. */
static pid_t hold_for_a_moment(int fd)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 5; i++)
            patience_rest();
        _exit(0);
    }
    close(fd);
    return pid;
}

static void a_program_that_is_still_being_written_is_tried_again(void **state)
{
    (void)state;
    struct places places = places_make();
    pid_t holder = hold_for_a_moment(open(places.tool[0], O_WRONLY | O_CLOEXEC));
    check_found(PROC_OPTIONS(.search = places.dir[0]), places.tool[0]);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    places_done(&places);
}

static void a_program_that_stays_open_for_writing_is_told_in_bounded_time(void **state)
{
    (void)state;
    struct places places = places_make();
    int fd = open(places.tool[0], O_WRONLY | O_CLOEXEC);
    int64_t before = patience_now();
    assert_fails(PROC_ARGV("tool"), PROC_OPTIONS(.search = places.dir[0]), -ETXTBSY, PROC_STEP_EXEC, 0, NULL);
    assert_true(patience_now() - before < PATIENCE_MS / 2);
    close(fd);
    places_done(&places);
}

/* ---- Where it starts ---- */

static void the_working_directory_is_ours_or_the_one_asked_for(void **state)
{
    (void)state;
    char *directory = directory_make(), *ours = getcwd(NULL, 0);
    char *report = report_of(PROC_OPTIONS(.in = PROC_NULL));
    assert_string_equal(report_get(report, "cwd"), ours);
    free(report);
    report = report_of(PROC_OPTIONS(.cwd = directory));
    assert_string_equal(report_get(report, "cwd"), directory);
    free(report);
    free(ours);
    directory_remove(directory);
}

static void the_directory_can_be_a_descriptor(void **state)
{
    (void)state;
    char *directory = directory_make(), *below = path_in(directory, "below");
    assert_int_equal(mkdir(below, 0755), 0);
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char *report = report_of(PROC_OPTIONS(.start = PROC_START(.cwd_fd = &fd)));
    assert_string_equal(report_get(report, "cwd"), directory);
    assert_string_equal(report_fds(report), "0 1 2");
    free(report);
    report = report_of(PROC_OPTIONS(.cwd = "below", .start = PROC_START(.cwd_fd = &fd)));
    assert_string_equal(report_get(report, "cwd"), below);
    free(report);
    close(fd);
    free(below);
    directory_remove(directory);
}

static void a_directory_that_cannot_be_entered_is_named(void **state)
{
    const int bad = 12345, file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char expected[100];
    (void)state;
    assert_fails(PROC_ARGV("ls"), PROC_OPTIONS(.cwd = "/bin/sh"), -ENOTDIR, PROC_STEP_CWD, -1,
                 "spawn \"ls\": chdir \"/bin/sh\": Not a directory");
    assert_fails(PROC_ARGV("ls"), PROC_OPTIONS(.cwd = ""), -ENOENT, PROC_STEP_CWD, -1,
                 "spawn \"ls\": chdir \"\": No such file or directory");
    assert_fails(PROC_ARGV("ls"), PROC_OPTIONS(.start = PROC_START(.cwd_fd = &bad)), -EBADF, PROC_STEP_CWD, bad,
                 "spawn \"ls\": chdir 12345: Bad file descriptor");
    snprintf(expected, sizeof expected, "spawn \"ls\": chdir %d: Not a directory", file);
    assert_fails(PROC_ARGV("ls"), PROC_OPTIONS(.start = PROC_START(.cwd_fd = &file)), -ENOTDIR, PROC_STEP_CWD, file,
                 expected);
    close(file);
}

static void the_umask_is_ours_or_the_one_asked_for(void **state)
{
    (void)state;
    mode_t before = umask(031);
    char *report = report_of(PROC_OPTIONS(.in = PROC_NULL));
    umask(before);
    assert_string_equal(report_get(report, "umask"), "031");
    free(report);
    report = report_of(PROC_OPTIONS(.umask = PROC_MODE(027)));
    assert_string_equal(report_get(report, "umask"), "027");
    free(report);
    report = report_of(PROC_OPTIONS(.umask = PROC_MODE(0)));
    assert_string_equal(report_get(report, "umask"), "000");
    free(report);
}

/* ---- Session and group ---- */

static void session_and_group_are_ours_by_default(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.in = PROC_NULL));
    assert_int_equal(report_number(report, "ppid"), getpid());
    assert_int_equal(report_number(report, "pgid"), getpgid(0));
    assert_int_equal(report_number(report, "sid"), getsid(0));
    free(report);
}

static void a_new_group_is_led_by_the_child(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.flags = PROC_NEW_GROUP));
    assert_int_equal(report_number(report, "pgid"), report_number(report, "pid"));
    assert_int_equal(report_number(report, "sid"), getsid(0));
    free(report);
}

static void a_new_session_is_led_by_the_child_and_has_no_terminal(void **state)
{
    (void)state;
    for (uint32_t more = 0; more <= PROC_NEW_GROUP; more += PROC_NEW_GROUP) { /* which is no contradiction */
        char *report = report_of(PROC_OPTIONS(.flags = PROC_NEW_SESSION | more));
        assert_int_equal(report_number(report, "sid"), report_number(report, "pid"));
        assert_int_equal(report_number(report, "pgid"), report_number(report, "pid"));
        assert_int_equal(report_number(report, "tty_nr"), 0);
        free(report);
    }
}

static void a_group_of_our_session_is_joined(void **state)
{
    (void)state;
    proc_child *leader = start(CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP));
    const int group = proc_child_pid(leader);
    char *report = report_of(PROC_OPTIONS(.start = PROC_START(.group = &group)));
    assert_int_equal(report_number(report, "pgid"), group);
    free(report);
    proc_child_free(leader);
}

static void a_group_that_cannot_be_joined_is_named(void **state)
{
    char expected[100];
    (void)state;
    proc_child *other = start(CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_SESSION));
    const int group = proc_child_pid(other);
    snprintf(expected, sizeof expected, "spawn \"ls\": process group %d: Operation not permitted", group);
    assert_fails(PROC_ARGV("ls"), PROC_OPTIONS(.start = PROC_START(.group = &group)), -EPERM, PROC_STEP_GROUP, group,
                 expected);
    proc_child_free(other);
}

/* ---- Ids ---- */

#define SOME_UID 4321
#define SOME_GID 1234

/* The helper where anybody may run it. */
static char *copy_of_report(const char *directory)
{
    char *path = path_in(directory, "report");
    struct outside copied = outside_run(PROC_ARGV("/bin/cp", REPORT, path));
    assert_int_equal(copied.status, 0);
    outside_done(&copied);
    chmod(path, 0755);
    chmod(directory, 0755);
    return path;
}

static void check_ids(const proc_ids *ids, const char *uids, const char *gids, const char *groups)
{
    char *directory = directory_make(), *program = copy_of_report(directory);
    char *report = report_of(PROC_OPTIONS(.program = program, .ids = ids, .cwd = "/"));
    assert_string_equal(report_get(report, "uids"), uids);
    assert_string_equal(report_get(report, "gids"), gids);
    assert_string_equal(report_get(report, "groups"), groups);
    free(report);
    free(program);
    directory_remove(directory);
}

static void ids_are_real_effective_and_saved_and_groups_are_emptied(void **state)
{
    (void)state;
    check_ids(PROC_IDS(.uid = PROC_UID(SOME_UID), .gid = PROC_GID(SOME_GID)), "4321 4321 4321", "1234 1234 1234", "");
}

static void groups_are_set_in_their_order(void **state)
{
    (void)state;
    check_ids(PROC_IDS(.uid = PROC_UID(SOME_UID), .gid = PROC_GID(SOME_GID), .groups = PROC_GROUPS(5, 7, 11)),
              "4321 4321 4321", "1234 1234 1234", "5 7 11");
    check_ids(PROC_IDS(.groups = PROC_GROUPS(77)), "0 0 0", "0 0 0", "77");
}

static int keeps_groups(void *arg)
{
    (void)arg;
    const gid_t ours[] = {3, 5};
    require(setgroups(2, ours) == 0);
    char *kept = report_of(PROC_OPTIONS(.ids = PROC_IDS(.uid = PROC_UID(0), .gid = PROC_GID(0), .keep_groups = 1)));
    char *gid_only = report_of(PROC_OPTIONS(.ids = PROC_IDS(.gid = PROC_GID(SOME_GID))));
    char *emptied = report_of(PROC_OPTIONS(.ids = PROC_IDS(.groups = PROC_NO_GROUPS)));
    require(strcmp(report_get(kept, "groups"), "3 5") == 0);
    require(strcmp(report_get(gid_only, "groups"), "3 5") == 0);
    require(strcmp(report_get(gid_only, "gids"), "1234 1234 1234") == 0);
    require(strcmp(report_get(emptied, "groups"), "") == 0);
    free(kept);
    free(gid_only);
    free(emptied);
    return 0;
}

static void groups_are_kept_when_asked_for_and_the_empty_list_is_a_list(void **state)
{
    (void)state;
    assert_in_fork(keeps_groups, NULL);
}

static void we_stay_dumpable_when_a_child_changes_its_ids(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
    check_ids(PROC_IDS(.uid = PROC_UID(SOME_UID), .gid = PROC_GID(SOME_GID)), "4321 4321 4321", "1234 1234 1234", "");
    check_ids(PROC_IDS(.gid = PROC_GID(SOME_GID)), "0 0 0", "1234 1234 1234", "");
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
    struct stat status;
    assert_int_equal(stat("/proc/self/environ", &status), 0);
    assert_int_equal(status.st_uid, geteuid());
}

static int ids_without_privilege(void *arg)
{
    (void)arg;
    proc_error error;
    proc_child *child;
    require(setgroups(0, NULL) == 0 && setresgid(SOME_GID, SOME_GID, SOME_GID) == 0);
    require(setresuid(SOME_UID, SOME_UID, SOME_UID) == 0);
    require_rc(
        proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.ids = PROC_IDS(.groups = PROC_GROUPS(1)), .error = &error)),
        -EPERM);
    require(strcmp(error.text, "spawn \"true\": groups: Operation not permitted") == 0);
    require_rc(
        proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.ids = PROC_IDS(.gid = PROC_GID(0)), .error = &error)),
        -EPERM);
    require(strcmp(error.text, "spawn \"true\": gid 0: Operation not permitted") == 0 && error.step == PROC_STEP_GID);
    require_rc(proc_spawn(&child, PROC_ARGV("true"),
                          PROC_OPTIONS(.ids = PROC_IDS(.uid = PROC_UID(0), .gid = PROC_GID(SOME_GID), .keep_groups = 1),
                                       .error = &error)),
               -EPERM);
    require(strcmp(error.text, "spawn \"true\": uid 0: Operation not permitted") == 0 && error.step == PROC_STEP_UID);
    return 0;
}

static void an_id_that_is_not_ours_to_take_is_named(void **state)
{
    (void)state;
    assert_in_fork(ids_without_privilege, NULL);
}

/* The files of stdio are opened with our ids, the program is looked for with the child's. */
static void files_are_opened_before_the_ids_change_and_the_program_after(void **state)
{
    const proc_ids *ids = PROC_IDS(.uid = PROC_UID(SOME_UID), .gid = PROC_GID(SOME_GID));
    (void)state;
    char *directory = directory_make(), *file = path_in(directory, "file"), *tool = path_in(directory, "tool");
    file_write(file, "only root reads this\n");
    make_tool(tool, "/bin/sh", 0755);
    chmod(directory, 0700);
    proc_child *child = start(PROC_ARGV("cat"), PROC_OPTIONS(.in = PROC_PATH(file), .out = PROC_PIPE, .ids = ids));
    assert_string_equal(said(child), "only root reads this");
    proc_child_free(child);
    assert_fails(PROC_ARGV(tool), PROC_OPTIONS(.ids = ids), -EACCES, PROC_STEP_EXEC, 0, NULL);
    free(file);
    free(tool);
    directory_remove(directory);
}

/* ---- Signals ---- */

static void nothing(int number)
{
    (void)number;
}

static uint64_t bits_of(const char *report, const char *key)
{
    return report_mask(report, key);
}

/* Handlers, ignored signals and a mask of all sorts. */
static void set_signals(void)
{
    sigset_t set;
    signal(SIGUSR1, nothing);
    signal(SIGRTMIN + 3, nothing);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGRTMAX - 2);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static int clean_signals(void *arg)
{
    (void)arg;
    set_signals();
    char *report = report_of(PROC_OPTIONS(.cwd = "/"));
    require(bits_of(report, "blocked") == 0 && bits_of(report, "SigBlk") == 0);
    require(bits_of(report, "SigCgt") == 0);
    require(bits_of(report, "SigIgn") & PROC_SIGNAL(SIGUSR2));
    require(bits_of(report, "SigIgn") & PROC_SIGNAL(SIGHUP));
    require(!(bits_of(report, "SigIgn") & PROC_SIGNAL(SIGPIPE)));
    require(!(bits_of(report, "SigIgn") & PROC_SIGNAL(SIGUSR1)));
    free(report);
    return 0;
}

static void no_signal_is_blocked_handlers_are_gone_and_ignored_ones_are_kept_but_sigpipe(void **state)
{
    (void)state;
    assert_in_fork(clean_signals, NULL);
}

static int inherited_signals(void *arg)
{
    (void)arg;
    set_signals();
    const uint64_t ours = PROC_SIGNAL(SIGINT) | PROC_SIGNAL(SIGRTMAX - 2);
    char *report = report_of(PROC_OPTIONS(.flags = PROC_INHERIT_SIGNALS));
    require(bits_of(report, "blocked") == ours);
    require(bits_of(report, "SigIgn") & PROC_SIGNAL(SIGPIPE));
    require(bits_of(report, "SigIgn") & PROC_SIGNAL(SIGUSR2));
    require(bits_of(report, "SigCgt") == 0);
    free(report);
    report = report_of(
        PROC_OPTIONS(.flags = PROC_INHERIT_SIGNALS, .signals = PROC_DISPOSITIONS(.block = PROC_SIGNAL(SIGWINCH))));
    require(bits_of(report, "blocked") == (ours | PROC_SIGNAL(SIGWINCH)));
    free(report);
    return 0;
}

static void inherited_signals_are_the_callers_mask_and_all_that_is_ignored(void **state)
{
    (void)state;
    assert_in_fork(inherited_signals, NULL);
}

static int chosen_signals(void *arg)
{
    (void)arg;
    set_signals();
    char *report =
        report_of(PROC_OPTIONS(.signals = PROC_DISPOSITIONS(.block = PROC_SIGNAL(SIGTERM) | PROC_SIGNAL(62),
                                                            .ignore = PROC_SIGNAL(SIGUSR1) | PROC_SIGNAL(SIGPIPE) |
                                                                      PROC_SIGNAL(62),
                                                            .reset = PROC_SIGNAL(SIGUSR2) | PROC_SIGNAL(SIGKILL))));
    require(bits_of(report, "blocked") == (PROC_SIGNAL(SIGTERM) | PROC_SIGNAL(62)));
    require(bits_of(report, "SigIgn") & PROC_SIGNAL(SIGUSR1));
    require(bits_of(report, "SigIgn") & PROC_SIGNAL(62));
    require(bits_of(report, "SigIgn") & PROC_SIGNAL(SIGPIPE));
    require(bits_of(report, "SigIgn") & PROC_SIGNAL(SIGHUP));
    require(!(bits_of(report, "SigIgn") & PROC_SIGNAL(SIGUSR2)));
    free(report);
    return 0;
}

static void signals_are_blocked_ignored_and_reset_as_asked(void **state)
{
    (void)state;
    assert_in_fork(chosen_signals, NULL);
}

/* A handler that runs in a child would find a stranger's pid, in memory that is shared with us. */
static volatile int own_pid, foreign_runs;

static void count_foreign(int number)
{
    (void)number;
    if (getpid() != own_pid)
        foreign_runs++;
}

/* Sends signals, which do no harm by default, to a whole group until that is gone, from outside of it. */
static void storm(int group)
{
    while (kill(-group, SIGURG) == 0 && kill(-group, SIGWINCH) == 0)
        ;
    _exit(0);
}

static int starts_in_a_storm(void *arg)
{
    (void)arg;
    own_pid = getpid();
    require(setpgid(0, 0) == 0);
    signal(SIGURG, count_foreign);
    signal(SIGWINCH, count_foreign);
    pid_t sender = fork();
    if (sender == 0) {
        setpgid(0, 0);
        storm(getppid());
    }
    /* As many as there is time for, where the storm leaves little of it: under a sanitizer, on a loaded machine. */
    const int64_t enough = patience_now() + PATIENCE_MS / 4;
    for (int i = 0; i < 200 && (i < 10 || patience_now() < enough); i++) {
        proc_child *child;
        proc_exit ended;
        require_rc(proc_spawn(&child, PROC_ARGV("true"), NULL), 0);
        require_rc(proc_wait(child, PATIENCE_MS, &ended), 0);
        require(proc_exit_ok(&ended));
        proc_child_free(child);
    }
    kill(sender, SIGKILL);
    waitpid(sender, NULL, 0);
    require(foreign_runs == 0);
    return 0;
}

static void a_handler_never_runs_in_the_child(void **state)
{
    (void)state;
    assert_in_fork(starts_in_a_storm, NULL);
}

/* ---- The caller notices nothing ---- */

static void errno_mask_and_cancel_state_are_as_before(void **state)
{
    proc_child *child;
    sigset_t set, before, after;
    int cancel_state;
    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    for (int round = 0; round < 2; round++) {
        errno = 4711;
        int rc = proc_spawn(&child, PROC_ARGV(round ? "/nope" : "true"), NULL), after_errno = errno;
        if (proc_has(PROC_FEATURE_FAST_SPAWN) == 1) /* the child shares it with us */
            assert_int_equal(after_errno, 4711);
        assert_rc(rc, round ? -ENOENT : 0);
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancel_state);
        assert_int_equal(cancel_state, PTHREAD_CANCEL_ENABLE);
        pthread_sigmask(SIG_BLOCK, NULL, &after);
        assert_true(sigismember(&after, SIGUSR2) == 1 && sigismember(&after, SIGUSR1) == 0);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

struct cancelled {
    proc_child *child;
    atomic_int armed;
};

/* By itself: cancelling forgets to tell the address sanitizer of the frames that it leaves. */
__attribute__((noinline)) static void start_armed(struct cancelled *cancelled)
{
    while (!atomic_load(&cancelled->armed))
        sched_yield();
    if (proc_spawn(&cancelled->child, PROC_ARGV("true"), PROC_OPTIONS(.in = PROC_NULL, .out = PROC_PIPE)) < 0)
        cancelled->child = NULL;
}

/* Cancelled before it starts anything: the cancellation must wait until the handle is there. */
static void *starts_while_cancelled(void *arg)
{
    start_armed(arg);
    for (;;)
        pthread_testcancel();
    return NULL;
}

static void a_cancelled_thread_finishes_its_start(void **state)
{
    struct cancelled cancelled = {0};
    pthread_t thread;
    void *result;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, starts_while_cancelled, &cancelled), 0);
    pthread_cancel(thread);
    atomic_store(&cancelled.armed, 1);
    pthread_join(thread, &result);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_non_null(cancelled.child);
    assert_ends(cancelled.child, PROC_EXITED, 0);
    proc_child_free(cancelled.child);
}

/* ---- A failed start ---- */

static volatile sig_atomic_t child_signals;

static void count_child_signal(int number)
{
    (void)number;
    child_signals = child_signals + 1;
}

static int fails_without_a_trace(void *arg)
{
    (void)arg;
    static const proc_ids none;
    const uint32_t uid = geteuid(), gid = getegid();
    proc_ids ids = none;
    ids.size = sizeof ids;
    ids.uid = &uid;
    ids.gid = &gid;
    ids.keep_groups = 1;
    char text[1000];
    proc_child *child;
    signal(SIGCHLD, count_child_signal);
    require_rc(proc_has(PROC_FEATURE_FAST_SPAWN) < 0, 0); /* the probe, once */
    struct world *before = world_take();
    for (int i = 0; i < 20; i++) { /* in our memory, and in a copy of it */
        require_rc(proc_spawn(&child, PROC_ARGV("/nope"),
                              PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .ids = i % 2 ? &ids : NULL)),
                   -ENOENT);
        require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.cwd = "/nope", .ids = i % 2 ? &ids : NULL)),
                   -ENOENT);
    }
    struct world *after = world_take();
    if (world_compare(before, after, text, sizeof text) != 0)
        complain("%s", text);
    require(child_signals == 0);
    require(waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD);
    world_free(before);
    world_free(after);
    return 0;
}

static void a_failed_start_leaves_no_zombie_no_sigchld_and_no_descriptor(void **state)
{
    (void)state;
    assert_in_fork(fails_without_a_trace, NULL);
}

/* What it creates before it fails stays: a file, as open(2) left it. But no child ever was. */
static void the_first_step_that_fails_is_told(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("/nope/program"), PROC_OPTIONS(.in = PROC_PATH("/nope/in"), .cwd = "/nope/cwd"), -ENOENT,
                 PROC_STEP_OPEN, 0, "spawn \"/nope/program\": open \"/nope/in\": No such file or directory");
    assert_fails(PROC_ARGV("/nope/program"), PROC_OPTIONS(.in = PROC_FD(12345), .out = PROC_PATH("/nope/out")), -EBADF,
                 PROC_STEP_FDS, 0, "spawn \"/nope/program\": descriptor 0: our descriptor for it is not open");
    const proc_slot too_high = {INT32_MAX, PROC_FD(0)};
    assert_fails(PROC_ARGV("/nope/program"), PROC_OPTIONS(.fds = {&too_high, 1}, .cwd = "/nope/cwd"), -ENOENT,
                 PROC_STEP_CWD, -1, "spawn \"/nope/program\": chdir \"/nope/cwd\": No such file or directory");
    assert_fails(PROC_ARGV("/nope/program"), PROC_OPTIONS(.fds = {&too_high, 1}), -EBADF, PROC_STEP_FDS, INT32_MAX,
                 "spawn \"/nope/program\": descriptor 2147483647: not below our RLIMIT_NOFILE");
}

static void an_error_is_written_on_failure_only(void **state)
{
    proc_error error, before;
    proc_child *child;
    (void)state;
    memset(&error, 0x5a, sizeof error);
    before = error;
    assert_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.error = &error)), 0);
    assert_memory_equal(&error, &before, sizeof error);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

static int too_many_processes(void *arg)
{
    (void)arg;
    const struct rlimit none = {1, 1};
    proc_error error;
    proc_child *child;
    require_rc(proc_has(PROC_FEATURE_FAST_SPAWN) < 0, 0);
    require(setresgid(SOME_GID, SOME_GID, SOME_GID) == 0 && setresuid(SOME_UID, SOME_UID, SOME_UID) == 0);
    require(setrlimit(RLIMIT_NPROC, &none) == 0);
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.error = &error)), -EAGAIN);
    require(strcmp(error.text, "spawn \"true\": clone: Resource temporarily unavailable") == 0);
    require(error.step == PROC_STEP_CLONE && error.index == -1);
    return 0;
}

static void a_limit_of_processes_is_told(void **state)
{
    (void)state;
    assert_in_fork(too_many_processes, NULL);
}

static void without_pidfds_every_start_says_so(void **state)
{
    (void)state;
    if (pidfds_work())
        SKIP_TEST("pidfds are allowed here");
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(), -ENOSYS, PROC_STEP_CLONE, -1,
                 "spawn \"true\": clone \"pidfd\": Function not implemented");
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_NULL), -ENOSYS, PROC_STEP_CLONE, -1,
                 NULL);
}

/* ---- Many threads ---- */

#define STARTERS 16
#define STARTS_EACH 10

static atomic_int threads_stop, threads_failed;

static void *start_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < STARTS_EACH; i++) {
        proc_child *child;
        proc_exit ended = {0};
        char text[32] = "";
        if (proc_spawn(&child, CHILD_DOES("print", "1", "x\n"), PROC_OPTIONS(.in = PROC_NULL, .out = PROC_PIPE)) < 0) {
            atomic_fetch_add(&threads_failed, 1);
            continue;
        }
        /* The end of file comes only if no other child holds our pipe. */
        int good = proc_read(child, 1, text, sizeof text, PATIENCE_MS) == 2 &&
                   proc_read(child, 1, text, sizeof text, PATIENCE_MS) == 0 &&
                   proc_wait(child, PATIENCE_MS, &ended) == 0 && proc_exit_ok(&ended);
        atomic_fetch_add(&threads_failed, !good);
        proc_child_free(child);
    }
    return NULL;
}

static void *fork_often(void *arg)
{
    (void)arg;
    while (!atomic_load(&threads_stop)) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
    return NULL;
}

static void *open_and_close_often(void *arg)
{
    (void)arg;
    while (!atomic_load(&threads_stop)) {
        int ends[2];
        if (pipe(ends) == 0) { /* not close-on-exec: nothing of it may reach a child */
            close(ends[0]);
            close(ends[1]);
        }
    }
    return NULL;
}

static void sixteen_threads_start_while_others_fork_open_and_close(void **state)
{
    pthread_t starters[STARTERS], others[3];
    (void)state;
    atomic_store(&threads_stop, 0);
    atomic_store(&threads_failed, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&others[i], NULL, i ? open_and_close_often : fork_often, NULL), 0);
    for (int i = 0; i < STARTERS; i++)
        assert_int_equal(pthread_create(&starters[i], NULL, start_often, NULL), 0);
    for (int i = 0; i < STARTERS; i++)
        pthread_join(starters[i], NULL);
    atomic_store(&threads_stop, 1);
    for (int i = 0; i < 3; i++)
        pthread_join(others[i], NULL);
    assert_int_equal(atomic_load(&threads_failed), 0);
}

/* A thread's stack may be small: what a start needs there is bounded. */
static void *start_once(void *arg)
{
    if (proc_spawn(arg, PROC_ARGV("true"), PROC_OPTIONS(.in = PROC_PIPE, .cwd = "/")) < 0)
        *(proc_child **)arg = NULL;
    return NULL;
}

static void a_thread_with_a_small_stack_can_start(void **state)
{
    pthread_attr_t attributes;
    pthread_t thread;
    proc_child *child = NULL;
    (void)state;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 64 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attributes, start_once, &child), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    assert_non_null(child);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

static void five_hundred_starts_leave_nothing_behind(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        proc_child *child = start(PROC_ARGV("true"), PROC_OPTIONS(.in = PROC_NULL, .out = PROC_PIPE));
        if (i % 2)
            assert_ends(child, PROC_EXITED, 0);
        proc_child_free(child);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(the_program_runs_when_the_start_returns),
        spawning_test(arguments_arrive_as_they_are),
        spawning_test(no_options_are_all_defaults),
        spawning_test(hand_made_options_need_no_macro),
        machine_test(an_argument_too_long_for_the_kernel_is_told),
        spawning_test(the_environment_is_ours),
        spawning_test(an_environment_is_replaced_as_a_whole),
        spawning_test(edits_set_and_unset_in_their_order),
        spawning_test(edits_apply_to_our_environment_and_leave_it_alone),
        spawning_test(a_program_without_environment_can_start_others),
        spawning_test(the_path_of_the_childs_environment_is_searched_in_order),
        spawning_test(a_search_list_wins_over_the_path),
        spawning_test(without_a_path_the_usual_places_are_searched),
        spawning_test(empty_and_relative_elements_count_only_when_asked_for),
        spawning_test(a_name_with_a_slash_is_not_searched_but_seen_from_the_childs_directory),
        spawning_test(the_first_candidate_that_can_be_run_is_taken),
        spawning_test(a_file_without_permission_is_passed_over_but_remembered),
        machine_test(a_missing_interpreter_is_not_a_missing_program),
        spawning_test(a_missing_program_and_a_missing_directory_are_never_confused),
        spawning_test(what_is_no_program_is_told_as_such),
        spawning_test(a_search_passes_over_whatever_lacks_the_file),
        spawning_test(a_name_too_long_for_any_file_is_not_found),
        machine_test(a_program_that_is_still_being_written_is_tried_again),
        machine_test(a_program_that_stays_open_for_writing_is_told_in_bounded_time),
        spawning_test(the_working_directory_is_ours_or_the_one_asked_for),
        spawning_test(the_directory_can_be_a_descriptor),
        spawning_test(a_directory_that_cannot_be_entered_is_named),
        spawning_test(the_umask_is_ours_or_the_one_asked_for),
        spawning_test(session_and_group_are_ours_by_default),
        spawning_test(a_new_group_is_led_by_the_child),
        spawning_test(a_new_session_is_led_by_the_child_and_has_no_terminal),
        spawning_test(a_group_of_our_session_is_joined),
        spawning_test(a_group_that_cannot_be_joined_is_named),
        root_test(ids_are_real_effective_and_saved_and_groups_are_emptied),
        root_test(groups_are_set_in_their_order),
        root_test(groups_are_kept_when_asked_for_and_the_empty_list_is_a_list),
        root_test(we_stay_dumpable_when_a_child_changes_its_ids),
        root_test(an_id_that_is_not_ours_to_take_is_named),
        root_test(files_are_opened_before_the_ids_change_and_the_program_after),
        spawning_test(no_signal_is_blocked_handlers_are_gone_and_ignored_ones_are_kept_but_sigpipe),
        spawning_test(inherited_signals_are_the_callers_mask_and_all_that_is_ignored),
        spawning_test(signals_are_blocked_ignored_and_reset_as_asked),
        machine_test(a_handler_never_runs_in_the_child),
        spawning_test(errno_mask_and_cancel_state_are_as_before),
        spawning_test(a_cancelled_thread_finishes_its_start),
        spawning_test(a_failed_start_leaves_no_zombie_no_sigchld_and_no_descriptor),
        spawning_test(the_first_step_that_fails_is_told),
        spawning_test(an_error_is_written_on_failure_only),
        root_test(a_limit_of_processes_is_told),
        cmocka_unit_test(without_pidfds_every_start_says_so),
        spawning_test(sixteen_threads_start_while_others_fork_open_and_close),
        spawning_test(a_thread_with_a_small_stack_can_start),
        spawning_test(five_hundred_starts_leave_nothing_behind),
    };
    return run_suite("spawn", tests, sizeof tests / sizeof tests[0], argc, argv);
}
