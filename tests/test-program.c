/* SPDX-License-Identifier: MIT */
/* What is executed: open files, memory files, scripts by descriptor, and files that only a shell understands. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <proc/proc.h>

static int open_program(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* A memory file with these contents. */
static int memory_file(const void *data, size_t size)
{
    int fd = memfd_create("program", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    return fd;
}

static void copy_program(const char *path, int to)
{
    static char block[65536];
    ssize_t got;
    int from = open_program(path);
    while ((got = read(from, block, sizeof block)) > 0)
        assert_int_equal(write(to, block, (size_t)got), got);
    assert_int_equal(got, 0);
    close(from);
}

/* What `argv` says when it is that file. */
static void assert_says(const char *const argv[], const proc_options *options, const char *line)
{
    proc_options mine = *options;
    mine.out = PROC_PIPE;
    proc_child *child = start(argv, &mine);
    assert_string_equal(said(child), line);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

#define BY_FD(descriptor) .start = PROC_START(.program_fd = &(descriptor))

/* ---- By a descriptor ---- */

static void an_open_file_is_executed_under_any_name(void **state)
{
    (void)state;
    int fd = open_program(CHILD);
    assert_says(PROC_ARGV("any name", "echo", "by", "descriptor"), PROC_OPTIONS(BY_FD(fd)), "by descriptor");
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static void a_path_descriptor_is_enough(void **state)
{
    (void)state;
    int fd = open(CHILD, O_PATH | O_CLOEXEC);
    assert_says(PROC_ARGV("x", "echo", "by path descriptor"), PROC_OPTIONS(BY_FD(fd)), "by path descriptor");
    close(fd);
}

static void a_memory_file_is_executed(void **state)
{
    (void)state;
    int fd = memory_file("", 0);
    copy_program(CHILD, fd);
    assert_says(PROC_ARGV("x", "echo", "from memory"), PROC_OPTIONS(BY_FD(fd)), "from memory");
    close(fd);
}

/* Whatever becomes of its name meanwhile. */
static void a_file_that_was_removed_is_executed(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "program");
    int to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    assert_true(to >= 0);
    copy_program(CHILD, to);
    close(to);
    int fd = open_program(path);
    unlink(path);
    assert_says(PROC_ARGV("x", "echo", "gone"), PROC_OPTIONS(BY_FD(fd)), "gone");
    close(fd);
    free(path);
    directory_remove(directory);
}

/* Another descriptor takes its number in the child: it is put aside. */
static void a_move_onto_the_programs_number_does_not_lose_it(void **state)
{
    (void)state;
    int fd = open_program(REPORT), other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char *directory = directory_make(), *path = path_in(directory, "report");
    proc_child *child = start(PROC_ARGV("x", "--to", path),
                              PROC_OPTIONS(BY_FD(fd), .fds = PROC_FDS({fd, PROC_NULL}, {other, PROC_PIPE})));
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    char *report = file_read(path), expected[32];
    struct report_fd seen;
    snprintf(expected, sizeof expected, "0 1 2 %d %d", fd, other);
    assert_string_equal(report_fds(report), expected);
    assert_true(report_fd(report, fd, &seen));
    assert_string_equal(seen.target, "/dev/null");
    free(report);
    free(path);
    directory_remove(directory);
    close(fd);
    close(other);
}

static void no_descriptor_of_the_program_is_left_in_the_child(void **state)
{
    (void)state;
    int fd = open_program(REPORT);
    proc_child *child = start(PROC_ARGV("x"), PROC_OPTIONS(BY_FD(fd), .out = PROC_PIPE));
    char *report = all_of(child, 1);
    assert_string_equal(report_fds(report), "0 1 2");
    assert_string_equal(report_get_nth(report, "argv", 0), "x");
    free(report);
    proc_child_free(child);
    close(fd);
}

static const char script[] = "#!/bin/sh\necho \"script $1\"\n";

static void a_script_by_descriptor_needs_it_in_the_child(void **state)
{
    (void)state;
    int fd = memory_file(script, sizeof script - 1);
    char text[200];
    snprintf(text, sizeof text, "spawn \"x\": exec %d: a script, whose interpreter needs it in .fds, too", fd);
    fchmod(fd, 0700);
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(BY_FD(fd)), -ENOENT, PROC_STEP_EXEC, fd, text);
    assert_says(PROC_ARGV("x", "runs"), PROC_OPTIONS(BY_FD(fd), .fds = PROC_FDS({9, PROC_FD(fd)})), "script runs");
    assert_says(PROC_ARGV("x", "runs"), PROC_OPTIONS(BY_FD(fd), .fds = PROC_FDS({fd, PROC_INHERIT})), "script runs");
    fcntl(fd, F_SETFD, 0);
    assert_says(PROC_ARGV("x", "too"), PROC_OPTIONS(BY_FD(fd), .flags = PROC_INHERIT_FDS), "script too");
    close(fd);
}

/* 0 to 2 are inherited, so a script has them if the program was opened there. */
static int executes_its_standard_input(void *arg)
{
    proc_child *child;
    proc_error error;
    (void)arg;
    int fd = memfd_create("program", MFD_CLOEXEC), input = 0;
    require(write(fd, script, sizeof script - 1) == (ssize_t)sizeof script - 1 && fchmod(fd, 0700) == 0);
    require(dup2(fd, input) == input);
    require_rc(proc_spawn(&child, PROC_ARGV("x", "inherited"), PROC_OPTIONS(BY_FD(input), .out = PROC_PIPE)), 0);
    require(strcmp(said(child), "script inherited") == 0);
    proc_child_free(child);
    /* Whatever else is there then is not the script. */
    require_rc(proc_spawn(&child, PROC_ARGV("x"), PROC_OPTIONS(BY_FD(input), .in = PROC_NULL, .error = &error)),
               -ENOENT);
    require(strstr(error.text, "a script") != NULL);
    fcntl(fd, F_SETFD, 0);
    require_rc(proc_spawn(&child, PROC_ARGV("x"),
                          PROC_OPTIONS(BY_FD(fd), .flags = PROC_INHERIT_FDS, .fds = PROC_FDS({fd, PROC_NULL}),
                                       .error = &error)),
               -ENOENT);
    require(strstr(error.text, "a script") != NULL);
    return 0;
}

static void a_script_that_is_an_inherited_descriptor_is_executed(void **state)
{
    (void)state;
    assert_in_fork(executes_its_standard_input, NULL);
}

/* A path descriptor cannot be read, but what is behind it can be opened. */
static void a_script_by_a_path_descriptor_is_told_as_well(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "script");
    file_write(path, script);
    chmod(path, 0755);
    int fd = open(path, O_PATH | O_CLOEXEC);
    char text[200];
    snprintf(text, sizeof text, "spawn \"x\": exec %d: a script, whose interpreter needs it in .fds, too", fd);
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(BY_FD(fd)), -ENOENT, PROC_STEP_EXEC, fd, text);
    assert_says(PROC_ARGV("x", "runs"), PROC_OPTIONS(BY_FD(fd), .fds = PROC_FDS({9, PROC_FD(fd)})), "script runs");
    close(fd);
    unlink(path);
    free(path);
    directory_remove(directory);
}

static void what_cannot_be_executed_by_descriptor_is_told_by_its_number(void **state)
{
    (void)state;
    char text[200];
    int fd = memory_file("no format", 9);
    snprintf(text, sizeof text, "spawn \"x\": exec %d: Exec format error", fd);
    fchmod(fd, 0700);
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(BY_FD(fd)), -ENOEXEC, PROC_STEP_EXEC, fd, text);
    close(fd);
    fd = memory_file("#!/nope/interpreter\n", 20);
    snprintf(text, sizeof text, "spawn \"x\": exec %d: it is there, but its interpreter is not", fd);
    fchmod(fd, 0700);
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(BY_FD(fd), .fds = PROC_FDS({9, PROC_FD(fd)})), -ENOENT, PROC_STEP_EXEC,
                 fd, text);
    close(fd);
    fd = open("/", O_RDONLY | O_CLOEXEC);
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(BY_FD(fd)), -EACCES, PROC_STEP_EXEC, fd, NULL);
    close(fd);
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.start = PROC_START(.program_fd = PROC_INT(987))), -EBADF, PROC_STEP_EXEC,
                 987, "spawn \"x\": exec 987: Bad file descriptor");
}

static int executes_without_execveat(void *error)
{
    proc_child *child;
    proc_exit ended;
    int fd = open(CHILD, O_RDONLY | O_CLOEXEC), directory = open("/", O_RDONLY | O_CLOEXEC);
    require(deny_call(SYS_execveat, *(const int *)error) == 0);
    require_rc(proc_spawn(&child, PROC_ARGV("x", "exit", "7"), PROC_OPTIONS(BY_FD(fd))), 0);
    require(proc_wait(child, PATIENCE_MS, &ended) == 0 && ended.kind == PROC_EXITED && ended.code == 7);
    proc_child_free(child);
    require_rc(proc_spawn(&child, PROC_ARGV("x", "exit", "7"), PROC_OPTIONS(BY_FD(directory))), -EACCES);
    return 0;
}

static void without_execveat_the_descriptor_is_executed_through_proc(void **state)
{
    (void)state;
    for (const int *error = (const int[]){ENOSYS, EPERM, 0}; *error; error++)
        assert_in_fork(executes_without_execveat, (void *)(uintptr_t)error);
}

static void a_program_by_descriptor_excludes_what_names_or_searches_one(void **state)
{
    static const char names[] = ".start->program_fd excludes .program and .candidates",
                      search[] = ".start->program_fd: there is nothing to search";
    const int none = -1;
    (void)state;
    int fd = open_program(CHILD);
    const struct {
        proc_options options;
        const char *what;
    } cases[] = {
        {*PROC_OPTIONS(BY_FD(fd), .program = "x"), names},
        {*PROC_OPTIONS(.start = PROC_START(.program_fd = &fd, .candidates = PROC_NAMES("x"))), names},
        {*PROC_OPTIONS(BY_FD(fd), .search = "/bin"), search},
        {*PROC_OPTIONS(BY_FD(fd), .flags = PROC_SEARCH_RELATIVE), search},
        {*PROC_OPTIONS(BY_FD(fd), .flags = PROC_SCRIPT_FALLBACK), ".start->program_fd excludes PROC_SCRIPT_FALLBACK"},
        {*PROC_OPTIONS(BY_FD(none)), ".start->program_fd is negative"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "spawn \"x\": options \"%s\": Invalid argument", cases[i].what);
        assert_fails(PROC_ARGV("x"), &cases[i].options, -EINVAL, PROC_STEP_OPTIONS, -1, text);
    }
    close(fd);
}

/* ---- A shell for what has no format ---- */

struct place {
    char *directory, *path;
};

static struct place file_without_format(const char *name, const char *text)
{
    struct place place = {.directory = directory_make()};
    place.path = path_in(place.directory, name);
    file_write(place.path, text);
    chmod(place.path, 0755);
    return place;
}

static void place_done(struct place *place)
{
    free(place->path);
    directory_remove(place->directory);
}

static void a_file_without_format_is_given_to_the_shell_when_asked_for(void **state)
{
    (void)state;
    struct place place = file_without_format("plain", "echo \"$#\" \"$1\" \"$2\"; test \"$0\" = \"$ITSELF\"\n");
    char itself[300];
    snprintf(itself, sizeof itself, "ITSELF=%s", place.path);
    assert_fails(PROC_ARGV(place.path), PROC_OPTIONS(.umask = NULL), -ENOEXEC, PROC_STEP_EXEC, 0, NULL);
    assert_says(PROC_ARGV(place.path, "one two", ""),
                PROC_OPTIONS(.flags = PROC_SCRIPT_FALLBACK, .env_edit = PROC_ENV(itself)), "2 one two ");
    assert_says(PROC_ARGV("plain"),
                PROC_OPTIONS(.flags = PROC_SCRIPT_FALLBACK, .search = place.directory, .env_edit = PROC_ENV(itself)),
                "0  ");
    assert_says(CHILD_DOES("echo", "as before"), PROC_OPTIONS(.flags = PROC_SCRIPT_FALLBACK), "as before");
    place_done(&place);
}

static void a_path_with_a_dash_is_no_option_of_the_shell(void **state)
{
    (void)state;
    struct place place = file_without_format("plain", "echo \"$0\"\n");
    char *dashed = path_in(place.directory, "-c"), *file = path_in(dashed, "plain");
    assert_int_equal(mkdir(dashed, 0700), 0);
    assert_int_equal(rename(place.path, file), 0);
    assert_says(PROC_ARGV("x"),
                PROC_OPTIONS(.flags = PROC_SCRIPT_FALLBACK, .program = "-c/plain", .cwd = place.directory), "-c/plain");
    unlink(file);
    rmdir(dashed);
    free(file);
    free(dashed);
    place_done(&place);
}

static void a_shell_is_for_nothing_else(void **state)
{
    (void)state;
    struct place place = file_without_format("plain", "echo\n");
    chmod(place.path, 0644);
    const proc_options *options = PROC_OPTIONS(.flags = PROC_SCRIPT_FALLBACK, .ids = NULL);
    assert_fails(PROC_ARGV(place.path), options, -EACCES, PROC_STEP_EXEC, 0, NULL);
    assert_fails(PROC_ARGV("/no/such/program"), options, -ENOENT, PROC_STEP_EXEC, 0, NULL);
    place_done(&place);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(an_open_file_is_executed_under_any_name),
        spawning_test(a_path_descriptor_is_enough),
        machine_test(a_memory_file_is_executed),
        machine_test(a_file_that_was_removed_is_executed),
        spawning_test(a_move_onto_the_programs_number_does_not_lose_it),
        spawning_test(no_descriptor_of_the_program_is_left_in_the_child),
        machine_test(a_script_by_descriptor_needs_it_in_the_child),
        machine_test(a_script_that_is_an_inherited_descriptor_is_executed),
        machine_test(a_script_by_a_path_descriptor_is_told_as_well),
        machine_test(what_cannot_be_executed_by_descriptor_is_told_by_its_number),
        machine_test(without_execveat_the_descriptor_is_executed_through_proc),
        cmocka_unit_test(a_program_by_descriptor_excludes_what_names_or_searches_one),
        spawning_test(a_file_without_format_is_given_to_the_shell_when_asked_for),
        spawning_test(a_path_with_a_dash_is_no_option_of_the_shell),
        spawning_test(a_shell_is_for_nothing_else),
    };
    return run_suite("program", tests, sizeof tests / sizeof tests[0], argc, argv);
}
