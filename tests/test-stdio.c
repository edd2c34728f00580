/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of a child: every kind of entry at 0 to 2 and beyond, entries that get in each other's way, and
 * nothing that was not asked for.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <proc/proc.h>

/* ---- Files to tell descriptors by ---- */

#define FILES NAMED_FILES_MAX /* "0", "1", ... */

/* Which of the files a descriptor of the child is, by the report; -1 = none. */
static int file_at(const char *report, int number)
{
    struct report_fd fd;
    if (!report_fd(report, number, &fd))
        return -1;
    const char *slash = strrchr(fd.target, '/');
    return slash && strstr(fd.target, "proc-test-") && slash[2] == '\0' ? slash[1] - '0' : -1;
}

static int is_at(const char *report, int number, const char *target)
{
    struct report_fd fd;
    return report_fd(report, number, &fd) && strncmp(fd.target, target, strlen(target)) == 0;
}

static char *link_of(int fd)
{
    static char target[200];
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(path, target, sizeof target - 1);
    target[len > 0 ? len : 0] = '\0';
    return target;
}

/* Runs `child print FD TEXT` and says whether it could write there. */
static int child_prints(const char *fd, const char *text, const proc_options *options)
{
    proc_exit ended = {0};
    proc_child *child = start(CHILD_DOES("print", fd, text), options);
    int rc = proc_wait(child, PATIENCE_MS, &ended);
    proc_child_free(child);
    return rc == 0 && proc_exit_ok(&ended);
}

/* ---- Kinds at 0 to 2 ---- */

static void stdio_is_inherited_by_default(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.env = PROC_ENV_EMPTY));
    assert_string_equal(report_fds(report), "0 1 2");
    for (int i = 0; i <= 2; i++)
        assert_true(is_at(report, i, link_of(i)));
    free(report);
}

static void inherit_says_the_same_aloud(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.in = PROC_INHERIT, .out = PROC_INHERIT, .err = PROC_INHERIT));
    assert_string_equal(report_fds(report), "0 1 2");
    for (int i = 0; i <= 2; i++)
        assert_true(is_at(report, i, link_of(i)));
    free(report);
}

static void null_is_dev_null_at_any_number(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.in = PROC_NULL, .out = PROC_NULL, .err = PROC_NULL,
                                          .fds = PROC_FDS({3, PROC_NULL}, {77, PROC_NULL})));
    assert_string_equal(report_fds(report), "0 1 2 3 77");
    for (const int *number = (const int[]){0, 1, 2, 3, 77, -1}; *number >= 0; number++)
        assert_true(is_at(report, *number, "/dev/null"));
    free(report);
}

static void pipes_carry_bytes_at_0_1_and_2(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("sh", "-c", "read line; echo out $line; echo err $line >&2"),
                              PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_PIPE));
    assert_rc(proc_write(child, 0, "hello\n", 6, PATIENCE_MS), 6);
    char *out = all_of(child, 1), *err = all_of(child, 2);
    assert_string_equal(out, "out hello\n");
    assert_string_equal(err, "err hello\n");
    assert_ends(child, PROC_EXITED, 0);
    free(out);
    free(err);
    proc_child_free(child);
}

static void pipes_beyond_2_go_either_way(void **state)
{
    (void)state;
    proc_child *child =
        start(CHILD_DOES("cat", "7", "5"), PROC_OPTIONS(.fds = PROC_FDS({7, PROC_PIPE_TO_CHILD}, {5, PROC_PIPE})));
    assert_rc(proc_write(child, 7, "seven", 5, PATIENCE_MS), 5);
    assert_rc(proc_close(child, 7), 0);
    char *got = all_of(child, 5);
    assert_string_equal(got, "seven");
    assert_ends(child, PROC_EXITED, 0);
    free(got);
    proc_child_free(child);
}

static void a_pipe_can_run_against_its_number(void **state)
{
    (void)state;
    proc_child *child =
        start(CHILD_DOES("cat", "1", "0"), PROC_OPTIONS(.in = PROC_PIPE_FROM_CHILD, .out = PROC_PIPE_TO_CHILD));
    assert_rc(proc_write(child, 1, "odd", 3, PATIENCE_MS), 3);
    assert_rc(proc_close(child, 1), 0);
    char *got = all_of(child, 0);
    assert_string_equal(got, "odd");
    free(got);
    proc_child_free(child);
}

static void our_descriptor_becomes_the_childs_and_stays_ours(void **state)
{
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    char *report = report_of(PROC_OPTIONS(.in = PROC_FD(files.fd[0]), .out = PROC_FD(files.fd[1]),
                                          .err = PROC_FD(files.fd[2]), .fds = PROC_FDS({9, PROC_FD(files.fd[3])})));
    assert_string_equal(report_fds(report), "0 1 2 9");
    for (int i = 0; i <= 2; i++)
        assert_int_equal(file_at(report, i), i);
    assert_int_equal(file_at(report, 9), 3);
    for (int i = 0; i < FILES; i++)
        assert_int_equal(fcntl(files.fd[i], F_GETFD), FD_CLOEXEC);
    free(report);
    named_files_close(&files);
}

static void same_as_joins_two_streams(void **state)
{
    (void)state;
    proc_child *child = start(PROC_ARGV("sh", "-c", "echo one; echo two >&2; echo three"),
                              PROC_OPTIONS(.out = PROC_PIPE, .err = PROC_SAME_AS(1)));
    char *got = all_of(child, 1);
    assert_string_equal(got, "one\ntwo\nthree\n");
    free(got);
    proc_child_free(child);
}

static void same_as_follows_a_chain_in_any_order(void **state)
{
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    char *report = report_of(PROC_OPTIONS(.out = PROC_SAME_AS(2), .err = PROC_SAME_AS(8),
                                          .fds = PROC_FDS({9, PROC_FD(files.fd[4])}, {8, PROC_SAME_AS(9)})));
    for (const int *number = (const int[]){1, 2, 8, 9, -1}; *number >= 0; number++)
        assert_int_equal(file_at(report, *number), 4);
    free(report);
    named_files_close(&files);
}

static void same_as_means_the_childs_descriptor_not_ours(void **state)
{
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    char *report = report_of(PROC_OPTIONS(.out = PROC_FD(files.fd[1]), .err = PROC_FD(files.fd[2]),
                                          .fds = PROC_FDS({5, PROC_SAME_AS(1)}, {6, PROC_SAME_AS(0)})));
    assert_int_equal(file_at(report, 5), 1);
    assert_true(is_at(report, 6, link_of(0)));
    free(report);
    named_files_close(&files);
}

static void same_as_itself_a_circle_or_nothing_is_refused(void **state)
{
    static const char text[] = "spawn \"true\": options \"SAME_AS: the child lacks that one, or they refer to each "
                               "other\" for descriptor %d: Invalid argument";
    char expected[200];
    (void)state;
    snprintf(expected, sizeof expected, text, 1);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.out = PROC_SAME_AS(1)), -EINVAL, PROC_STEP_OPTIONS, 1, expected);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.out = PROC_SAME_AS(2), .err = PROC_SAME_AS(1)), -EINVAL,
                 PROC_STEP_OPTIONS, 1, expected);
    snprintf(expected, sizeof expected, text, 0);
    assert_fails(PROC_ARGV("true"),
                 PROC_OPTIONS(.in = PROC_SAME_AS(1), .out = PROC_SAME_AS(5), .fds = PROC_FDS({5, PROC_SAME_AS(0)})),
                 -EINVAL, PROC_STEP_OPTIONS, 0, expected);
    snprintf(expected, sizeof expected, text, 2);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.err = PROC_SAME_AS(9)), -EINVAL, PROC_STEP_OPTIONS, 2, expected);
}

/* ---- Files by path ---- */

static void a_path_is_read_at_0_and_made_anew_elsewhere(void **state)
{
    (void)state;
    char *directory = directory_make();
    char *in = path_in(directory, "in"), *out = path_in(directory, "out"), *three = path_in(directory, "three");
    file_write(in, "input");
    file_write(out, "something longer that was there before");
    proc_child *child =
        start(PROC_ARGV("sh", "-c", "cat; echo three >&3"),
              PROC_OPTIONS(.in = PROC_PATH(in), .out = PROC_PATH(out), .fds = PROC_FDS({3, PROC_PATH(three)})));
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    char *got_out = file_read(out), *got_three = file_read(three);
    assert_string_equal(got_out, "input");
    assert_string_equal(got_three, "three\n");
    free(got_out);
    free(got_three);
    free(in);
    free(out);
    free(three);
    directory_remove(directory);
}

static void append_writes_at_the_end_and_makes_the_file(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "log");
    assert_true(child_prints("1", "one ", PROC_OPTIONS(.out = PROC_APPEND(path))));
    assert_true(child_prints("2", "two", PROC_OPTIONS(.err = PROC_APPEND(path))));
    char *got = file_read(path);
    assert_string_equal(got, "one two");
    free(got);
    free(path);
    directory_remove(directory);
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

static void a_new_file_gets_its_mode_under_our_umask(void **state)
{
    (void)state;
    char *directory = directory_make();
    char *plain = path_in(directory, "plain"), *narrow = path_in(directory, "narrow");
    mode_t before = umask(027);
    int plain_ok = child_prints("1", "", PROC_OPTIONS(.out = PROC_PATH(plain), .umask = PROC_MODE(0)));
    int narrow_ok = child_prints("1", "", PROC_OPTIONS(.out = PROC_OPEN(narrow, O_WRONLY | O_CREAT, 0604)));
    umask(before);
    assert_true(plain_ok && narrow_ok);
    assert_int_equal(mode_of(plain), 0640);
    assert_int_equal(mode_of(narrow), 0600);
    free(plain);
    free(narrow);
    directory_remove(directory);
}

static void a_path_is_opened_as_told(void **state)
{
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    char *path = path_in(files.directory, "2");
    struct report_fd fd;
    char *report = report_of(PROC_OPTIONS(.in = PROC_OPEN(path, O_RDWR | O_NONBLOCK, 0)));
    assert_true(report_fd(report, 0, &fd));
    assert_int_equal(fd.flags & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
    assert_int_equal(file_at(report, 0), 2);
    free(report);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.out = PROC_OPEN(path, O_WRONLY | O_CREAT | O_EXCL, 0)), -EEXIST,
                 PROC_STEP_OPEN, 1, NULL);
    free(path);
    named_files_close(&files);
}

static void a_file_that_cannot_be_opened_is_named(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("cat"), PROC_OPTIONS(.in = PROC_PATH("/nope/in")), -ENOENT, PROC_STEP_OPEN, 0,
                 "spawn \"cat\": open \"/nope/in\": No such file or directory");
    assert_fails(PROC_ARGV("cat"), PROC_OPTIONS(.fds = PROC_FDS({6, PROC_PATH("/")})), -EISDIR, PROC_STEP_OPEN, 6,
                 "spawn \"cat\": open \"/\": Is a directory");
}

/* A relative path of an entry is ours, whatever directory the child gets. */
static void a_path_is_opened_from_our_directory(void **state)
{
    (void)state;
    char *directory = directory_make(), *cwd = getcwd(NULL, 0);
    assert_int_equal(chdir(directory), 0);
    int ok = child_prints("1", "here", PROC_OPTIONS(.out = PROC_PATH("file"), .cwd = "/"));
    assert_int_equal(chdir(cwd), 0);
    char *path = path_in(directory, "file"), *got = file_read(path);
    assert_true(ok);
    assert_string_equal(got, "here");
    free(got);
    free(path);
    free(cwd);
    directory_remove(directory);
}

/* ---- Sockets ---- */

static void a_socket_carries_bytes_both_ways_at_any_number(void **state)
{
    (void)state;
    proc_child *child =
        start(CHILD_DOES("cat", "5", "5"), PROC_OPTIONS(.in = PROC_SOCKET, .fds = PROC_FDS({5, PROC_SOCKET})));
    char text[8] = "", byte;
    assert_true(proc_child_stream(child, 0) != proc_child_stream(child, 5));
    assert_rc(proc_write(child, 5, "there", 5, PATIENCE_MS), 5);
    for (int64_t len = 0, got; len < 5; len += got)
        if ((got = proc_read(child, 5, text + len, sizeof text - (size_t)len, PATIENCE_MS)) <= 0)
            fail_msg("%s", rc_name(got));
    assert_string_equal(text, "there");
    /* The end of file for the child alone. */
    assert_int_equal(shutdown(proc_child_stream(child, 5), SHUT_WR), 0);
    assert_rc(proc_read(child, 5, &byte, 1, PATIENCE_MS), 0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

static void a_socket_is_ours_and_the_childs_as_a_pipe_is(void **state)
{
    struct report_fd fd;
    (void)state;
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_SOCKET));
    int ours = proc_child_stream(child, 1), taken;
    assert_true(ours > 2);
    assert_int_equal(fcntl(ours, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(ours, F_GETFL) & O_NONBLOCK);
    assert_string_equal(said(child), "ready");
    assert_int_equal(taken = proc_child_take_stream(child, 1), ours);
    proc_child_free(child);
    close(taken);
    char *report = report_of(PROC_OPTIONS(.in = PROC_SOCKET, .fds = PROC_FDS({9, PROC_SOCKET})));
    assert_string_equal(report_fds(report), "0 1 2 9");
    assert_true(report_fd(report, 9, &fd));
    assert_contains(fd.target, "socket:");
    assert_false(fd.flags & O_NONBLOCK);
    free(report);
}

/* What the child has not read makes the kernel say ECONNRESET; for us that is the end. */
static void a_socket_whose_child_is_gone_ends_without_a_signal(void **state)
{
    char byte;
    (void)state;
    proc_child *child = start(CHILD_DOES("read", "1"), PROC_OPTIONS(.in = PROC_SOCKET));
    assert_rc(proc_write(child, 0, "more than one", 13, PATIENCE_MS), 13);
    assert_ends(child, PROC_EXITED, 0);
    assert_rc(proc_read(child, 0, &byte, 1, PATIENCE_MS), 0);
    assert_rc(proc_write(child, 0, "x", 1, PATIENCE_MS), -EPIPE);
    assert_rc(proc_close(child, 0), 0);
    proc_child_free(child);
    child = start(CHILD_DOES("read", "1"), PROC_OPTIONS(.in = PROC_SOCKET));
    assert_rc(proc_write(child, 0, "more than one", 13, PATIENCE_MS), 13);
    assert_ends(child, PROC_EXITED, 0);
    assert_rc(proc_write(child, 0, "x", 1, PATIENCE_MS), -EPIPE);
    proc_child_free(child);
}

/* ---- Bytes, captures and callbacks are pipes for the child, and no concern of the verbs ---- */

static int count_bytes(int fd, const char *data, size_t len, void *user)
{
    (void)fd, (void)data;
    *(size_t *)user += len;
    return 0;
}

static void transferring_entries_are_not_for_the_verbs(void **state)
{
    (void)state;
    size_t bytes = 0;
    char byte;
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(.in = PROC_TEXT("text"), .out = PROC_CAPTURE,
                                                                .err = PROC_CALLBACK(count_bytes, &bytes)));
    for (int fd = 0; fd <= 2; fd++) {
        assert_rc(proc_close(child, fd), -EINVAL);
        assert_rc(proc_child_take_stream(child, fd), -EINVAL);
        assert_rc(proc_read(child, fd, &byte, 1, 0), -EINVAL);
        assert_rc(proc_write(child, fd, "x", 1, 0), -EINVAL);
    }
    proc_child_free(child);
}

/* ---- Many at once ---- */

/* Our numbers a, b, c: those of three files, low enough to be targets as well. */
static void two_descriptors_are_swapped(void **state)
{
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    int a = files.fd[0], b = files.fd[1];
    char *report = report_of(PROC_OPTIONS(.fds = PROC_FDS({a, PROC_FD(b)}, {b, PROC_FD(a)})));
    assert_int_equal(file_at(report, a), 1);
    assert_int_equal(file_at(report, b), 0);
    free(report);
    named_files_close(&files);
}

static void stdout_and_stderr_are_swapped(void **state)
{
    (void)state;
    char *report = report_of(PROC_OPTIONS(.in = PROC_FD(1), .out = PROC_FD(2), .err = PROC_FD(0)));
    assert_true(is_at(report, 0, link_of(1)));
    assert_true(is_at(report, 1, link_of(2)));
    assert_true(is_at(report, 2, link_of(0)));
    free(report);
}

static void a_cycle_of_three_turns(void **state)
{
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    int a = files.fd[0], b = files.fd[1], c = files.fd[2];
    char *report = report_of(PROC_OPTIONS(.fds = PROC_FDS({a, PROC_FD(b)}, {b, PROC_FD(c)}, {c, PROC_FD(a)})));
    assert_int_equal(file_at(report, a), 1);
    assert_int_equal(file_at(report, b), 2);
    assert_int_equal(file_at(report, c), 0);
    free(report);
    named_files_close(&files);
}

/* Each source is the next one's target: whichever order they are placed in, one would be overwritten. */
static void a_chain_moves_along_in_both_directions(void **state)
{
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    int *fd = files.fd;
    char *up = report_of(
        PROC_OPTIONS(.fds = PROC_FDS({fd[1], PROC_FD(fd[0])}, {fd[2], PROC_FD(fd[1])}, {fd[3], PROC_FD(fd[2])})));
    char *down = report_of(
        PROC_OPTIONS(.fds = PROC_FDS({fd[0], PROC_FD(fd[1])}, {fd[1], PROC_FD(fd[2])}, {fd[2], PROC_FD(fd[3])})));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(file_at(up, fd[i + 1]), i);
        assert_int_equal(file_at(down, fd[i]), i + 1);
    }
    free(up);
    free(down);
    named_files_close(&files);
}

static void one_descriptor_serves_many_numbers(void **state)
{
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    int a = files.fd[0], b = files.fd[1];
    char *report = report_of(PROC_OPTIONS(.in = PROC_FD(a), .out = PROC_FD(a),
                                          .fds = PROC_FDS({a, PROC_FD(a)}, {b, PROC_FD(a)}, {50, PROC_FD(a)})));
    for (const int *number = (const int[]){0, 1, a, b, 50, -1}; *number >= 0; number++)
        assert_int_equal(file_at(report, *number), 0);
    free(report);
    named_files_close(&files);
}

static void the_same_number_loses_its_close_on_exec_flag_in_the_child_only(void **state)
{
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    int a = files.fd[0], b = files.fd[1];
    char *report = report_of(PROC_OPTIONS(.fds = PROC_FDS({a, PROC_FD(a)}, {b, PROC_INHERIT})));
    assert_int_equal(file_at(report, a), 0);
    assert_int_equal(file_at(report, b), 1);
    assert_int_equal(fcntl(a, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(b, F_GETFD), FD_CLOEXEC);
    free(report);
    named_files_close(&files);
}

/* As Go's TestExtraFilesFDShuffle: every number from 3 on is taken, so the library's own descriptors get in the way. */
static void all_low_numbers_may_be_targets(void **state)
{
    enum { COUNT = 60 };
    proc_slot slots[COUNT];
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    for (int i = 0; i < COUNT; i++)
        slots[i] = (proc_slot){COUNT + 2 - i, PROC_FD(files.fd[i % FILES])};
    char *report = report_of(PROC_OPTIONS(.in = PROC_NULL, .fds = {slots, COUNT}));
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(file_at(report, slots[i].number), i % FILES);
    free(report);
    named_files_close(&files);
}

static void no_report_is_lost_when_all_low_numbers_are_targets(void **state)
{
    enum { COUNT = 60 };
    const uint32_t uid = geteuid(), gid = getegid();
    proc_slot slots[COUNT];
    (void)state;
    for (int i = 0; i < COUNT; i++)
        slots[i] = (proc_slot){3 + i, PROC_NULL};
    /* From a copy of our memory. Every other kind of start: test-fd-shuffle. */
    assert_fails(PROC_ARGV("/nope/program"),
                 PROC_OPTIONS(.fds = {slots, COUNT}, .ids = PROC_IDS(.uid = &uid, .gid = &gid, .keep_groups = 1)),
                 -ENOENT, PROC_STEP_EXEC, 0, NULL);
}

static void a_number_twice_is_refused(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.fds = PROC_FDS({4, PROC_NULL}, {3, PROC_NULL}, {4, PROC_PIPE})),
                 -EINVAL, PROC_STEP_OPTIONS, 4,
                 "spawn \"true\": options \".fds: a number twice\" for descriptor 4: Invalid argument");
}

static void a_descriptor_that_is_not_open_is_named_by_its_place_in_the_child(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.out = PROC_FD(12345)), -EBADF, PROC_STEP_FDS, 1,
                 "spawn \"true\": descriptor 1: our descriptor for it is not open");
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.fds = PROC_FDS({8, PROC_INHERIT})), -EBADF, PROC_STEP_FDS, 8,
                 "spawn \"true\": descriptor 8: our descriptor for it is not open");
}

/* The pipes of this very start get the lowest free numbers: none of them may be taken for the one that was meant. */
static void a_descriptor_that_is_not_open_does_not_become_one_of_ours(void **state)
{
    (void)state;
    int first = fcntl(0, F_DUPFD_CLOEXEC, 3);
    assert_true(first >= 3);
    close(first);
    for (int fd = first; fd < first + 4; fd++) {
        proc_result result;
        proc_error error = {0};
        assert_rc(proc_run(&result, PROC_ARGV("true"),
                           PROC_OPTIONS(.in = PROC_TEXT("x"), .out = PROC_CAPTURE, .fds = PROC_FDS({200, PROC_FD(fd)}),
                                        .error = &error)), -EBADF);
        assert_int_equal(error.step, PROC_STEP_FDS);
        assert_int_equal(error.index, 200);
        assert_rc(proc_run(&result, PROC_ARGV("true"),
                           PROC_OPTIONS(.out = PROC_CAPTURE, .fds = PROC_FDS({fd, PROC_INHERIT}))), -EBADF);
        assert_rc(proc_run(&result, PROC_ARGV("true"),
                           PROC_OPTIONS(.out = PROC_CAPTURE, .start = PROC_START(.cwd_fd = &fd), .error = &error)),
                  -EBADF);
        assert_int_equal(error.step, PROC_STEP_CWD);
        assert_rc(proc_run(&result, PROC_ARGV("true"),
                           PROC_OPTIONS(.out = PROC_CAPTURE, .transfer = PROC_TRANSFER(.cancel_fd = &fd),
                                        .error = &error)), -EBADF);
        assert_int_equal(error.step, PROC_STEP_OPTIONS);
    }
}

/* ---- Limits ---- */

/* The soft one: valgrind keeps the hard one for itself. */
static int limit_descriptors(rlim_t most)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static int numbers_up_to_the_limit(void *arg)
{
    (void)arg;
    proc_error error;
    proc_child *child;
    struct report_fd fd;
    require(limit_descriptors(1000) == 0);
    char *report = report_of(PROC_OPTIONS(.fds = PROC_FDS({999, PROC_NULL})));
    require(report_fd(report, 999, &fd));
    free(report);
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.fds = PROC_FDS({1000, PROC_NULL}), .error = &error)),
               -EBADF);
    require(strcmp(error.text, "spawn \"true\": descriptor 1000: not below our RLIMIT_NOFILE") == 0);
    require_rc(
        proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.fds = PROC_FDS({INT32_MAX, PROC_NULL}), .error = &error)),
        -EBADF);
    require(error.step == PROC_STEP_FDS && error.index == INT32_MAX);
    return 0;
}

static void the_highest_number_is_that_of_the_limit(void **state)
{
    (void)state;
    assert_in_fork(numbers_up_to_the_limit, NULL);
}

/* All but so many numbers are taken. The copy's own way to complain is among the taken ones. */
static int starts_with_few_numbers_left(void *arg)
{
    (void)arg;
    proc_child *child = (proc_child *)(uintptr_t)0x55;
    proc_error error = {0};
    int last, starts = 0;
    require(limit_descriptors(1000) == 0);
    while ((last = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        ;
    for (int next = 999; starts == 0 && next > 900; next--) {
        int rc = proc_spawn(&child, CHILD_DOES("exit", "3"),
                            PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_PIPE, .error = &error));
        starts = rc == 0;
        if (rc == 0)
            continue;
        require_rc(rc, -EMFILE);
        require(error.step == PROC_STEP_PIPE || error.step == PROC_STEP_CLONE);
        require(child == (proc_child *)(uintptr_t)0x55);
        close(next);
    }
    require(starts);
    require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    require(!proc_child_free(child));
    return 0;
}

/* Two descriptors change places, and every number that a copy could wait at meanwhile is taken by another entry. */
static int no_number_to_put_a_copy_aside(void *arg)
{
    enum { MOST = 20 };
    (void)arg;
    proc_slot slots[MOST - 3] = {{0}};
    proc_child *child;
    proc_error error = {0};
    for (int fd = 3; fd < 1000; fd++)
        close(fd);
    require(limit_descriptors(MOST) == 0);
    require(open("/dev/null", O_RDWR | O_CLOEXEC) == 3 && open("/dev/null", O_RDWR | O_CLOEXEC) == 4);
    for (int number = 3; number < MOST; number++)
        slots[number - 3] = (proc_slot){number, PROC_FD(number == 3 ? 4 : 3)};
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.fds = {slots, MOST - 3}, .error = &error)), -EMFILE);
    require(error.step == PROC_STEP_FDS && error.index == 3);
    return 0;
}

static void no_room_to_swap_is_told_as_a_full_table(void **state)
{
    struct verdict verdict;
    (void)state;
    if (proc_has(PROC_FEATURE_FAST_SPAWN) != 1)
        SKIP_TEST("a start in a copy of our memory has a pipe, and no room for that either");
    run_in_fork(&verdict, no_number_to_put_a_copy_aside, NULL, PATIENCE_MS);
    assert_int_equal(verdict.code, 0);
}

static void a_full_table_is_told_and_the_start_works_once_there_is_room(void **state)
{
    (void)state;
    assert_in_fork(starts_with_few_numbers_left, NULL);
}

/* ---- Our own 0 to 2 closed ---- */

/* Bit n: descriptor n is closed. */
static int starts_without_stdio(void *arg)
{
    int closed = *(const int *)arg;
    struct report_fd fd;
    for (int i = 0; i <= 2; i++)
        if (closed & (1 << i))
            close(i);
    proc_child *child;
    char text[8] = "";
    require_rc(proc_spawn(&child, CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_PIPE)),
               0);
    require(proc_child_fd(child) > 2 && proc_child_stream(child, 0) > 2 && proc_child_stream(child, 1) > 2);
    require_rc(proc_write(child, 0, "text", 4, PATIENCE_MS), 4);
    require_rc(proc_read(child, 1, text, sizeof text, PATIENCE_MS), 4);
    require(memcmp(text, "text", 4) == 0);
    proc_child_free(child);

    char *report = report_of(PROC_OPTIONS(.fds = PROC_FDS({3, PROC_NULL})));
    for (int i = 0; i <= 2; i++)
        require(report_fd(report, i, &fd) == !(closed & (1 << i)));
    require(is_at(report, 3, "/dev/null"));
    free(report);
    return 0;
}

static void starts_whichever_of_0_to_2_are_closed_here(void **state)
{
    (void)state;
    for (int closed = 1; closed <= 7; closed++)
        assert_in_fork(starts_without_stdio, &closed);
}

static int inherit_of_a_closed_one(void *arg)
{
    (void)arg;
    proc_error error;
    proc_child *child;
    close(0);
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.in = PROC_INHERIT, .error = &error)), -EBADF);
    require(strcmp(error.text, "spawn \"true\": descriptor 0: Bad file descriptor") == 0);
    return 0;
}

static void inherit_needs_an_open_descriptor(void **state)
{
    (void)state;
    assert_in_fork(inherit_of_a_closed_one, NULL);
}

/* ---- Nothing else is open ---- */

/* Opens up to so many more, some of them close-on-exec, and returns the highest. */
static int open_many(int count)
{
    int highest = -1;
    for (int i = 0; i < count; i++) {
        int fd = open("/dev/null", i % 3 ? O_RDONLY : O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return highest;
        highest = fd;
    }
    return highest;
}

static int none_of_many_passes(void *arg)
{
    (void)arg;
    require(limit_descriptors(100000) == 0);
    int highest = open_many(100000);
    require(highest > 3000);
    for (int room = 0; room < 50; room++)
        close(highest - 2 * room);
    char *report = report_of(PROC_OPTIONS(.fds = PROC_FDS({5, PROC_NULL}, {40, PROC_NULL})));
    require(strcmp(report_fds(report), "0 1 2 5 40") == 0);
    free(report);
    return 0;
}

static void nothing_else_is_open_in_the_child_of_thousands(void **state)
{
    (void)state;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 4000)
        SKIP_TEST("no more than %ju descriptors allowed", (uintmax_t)limit.rlim_max);
    assert_in_fork(none_of_many_passes, &limit);
}

/* What is open above a limit that was lowered since. */
static int none_above_a_lowered_limit(void *arg)
{
    (void)arg;
    require(fcntl(0, F_DUPFD, 800) >= 800);
    require(limit_descriptors(100) == 0);
    char *report = report_of(PROC_OPTIONS(.cwd = "/"));
    require(strcmp(report_fds(report), "0 1 2") == 0);
    free(report);
    return 0;
}

static void nothing_is_open_above_a_lowered_limit(void **state)
{
    (void)state;
    assert_in_fork(none_above_a_lowered_limit, NULL);
}

/* The numbers that `child fds` finds open. */
static void require_open(const char *expected)
{
    proc_child *child;
    char text[200] = "";
    size_t len = 0;
    int64_t got;
    require_rc(proc_spawn(&child, CHILD_DOES("fds"), PROC_OPTIONS(.out = PROC_PIPE, .fds = PROC_FDS({9, PROC_NULL}))),
               0);
    while (len < sizeof text - 1 && (got = proc_read(child, 1, text + len, sizeof text - 1 - len, PATIENCE_MS)) > 0)
        len += (size_t)got;
    require(strcmp(text, expected) == 0);
    proc_child_free(child);
}

static int closes_without_close_range(void *arg)
{
    require(open_many(300) > 300);
    require(deny_call(SYS_close_range, *(const int *)arg) == 0);
    require_open("0\n1\n2\n9\n");
    return 0;
}

static void nothing_else_is_open_where_close_range_is_denied(void **state)
{
    (void)state;
    for (const int *error = (const int[]){ENOSYS, EPERM, EINVAL, 0}; *error; error++)
        assert_in_fork(closes_without_close_range, (void *)(uintptr_t)error);
}

/* Directories cannot be opened: as if there were no /proc. */
static int closes_without_proc(void *arg)
{
    (void)arg;
    require(open_many(300) > 300);
    require(fcntl(0, F_DUPFD, 990) >= 990);
    require(limit_descriptors(950) == 0);
    require(deny_call(SYS_close_range, ENOSYS) == 0);
    require(deny_call_if(SYS_openat, 2, O_DIRECTORY, ENOENT) == 0);
    require_open("0\n1\n2\n9\n");
    return 0;
}

static void nothing_else_is_open_where_proc_is_missing_too(void **state)
{
    (void)state;
    assert_in_fork(closes_without_proc, NULL);
}

static void inherit_fds_keeps_what_is_not_close_on_exec(void **state)
{
    (void)state;
    struct named_files files = named_files_open('0', FILES);
    fcntl(files.fd[1], F_SETFD, 0);
    char *report = report_of(PROC_OPTIONS(.flags = PROC_INHERIT_FDS, .out = PROC_PIPE, .in = PROC_PIPE));
    assert_int_equal(file_at(report, files.fd[1]), 1);
    for (int i = 0; i < FILES; i++)
        assert_int_equal(file_at(report, files.fd[i]), i == 1 ? 1 : -1);
    /* Neither the ends that belong to us, nor the child's own twice. */
    size_t pipes = 0;
    for (const char *at = report; (at = strstr(at, " pipe:[")); at++)
        pipes++;
    size_t inherited = 0;
    for (int fd = 2; fd < 1000; fd++)
        inherited += fcntl(fd, F_GETFD) == 0 && strncmp(link_of(fd), "pipe:", 5) == 0;
    assert_int_equal(pipes, 2 + inherited);
    free(report);
    named_files_close(&files);
}

/* ---- Flags of the ends ---- */

static void our_ends_are_nonblocking_and_close_on_exec(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
    for (int i = 0; i <= 1; i++) {
        int fd = proc_child_stream(child, i);
        assert_true(fd > 2);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    }
    assert_int_equal(fcntl(proc_child_fd(child), F_GETFD), FD_CLOEXEC);
    proc_child_free(child);
}

static void the_childs_ends_are_blocking(void **state)
{
    (void)state;
    struct report_fd fd;
    char *report = report_of(PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .fds = PROC_FDS({3, PROC_PIPE})));
    for (const int *number = (const int[]){0, 1, 3, -1}; *number >= 0; number++) {
        assert_true(report_fd(report, *number, &fd));
        assert_int_equal(fd.flags & O_NONBLOCK, 0);
        assert_int_equal(fd.cloexec, 0);
    }
    free(report);
}

static void an_inherited_description_keeps_its_blocking_mode(void **state)
{
    int ends[2];
    struct report_fd fd;
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    char *report = report_of(PROC_OPTIONS(.in = PROC_FD(ends[0]), .out = PROC_FD(ends[1])));
    assert_true(report_fd(report, 0, &fd));
    assert_int_equal(fd.flags & O_NONBLOCK, 0);
    assert_true(report_fd(report, 1, &fd));
    assert_int_equal(fd.flags & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    free(report);
    close(ends[0]);
    close(ends[1]);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(stdio_is_inherited_by_default),
        spawning_test(inherit_says_the_same_aloud),
        spawning_test(null_is_dev_null_at_any_number),
        spawning_test(pipes_carry_bytes_at_0_1_and_2),
        spawning_test(pipes_beyond_2_go_either_way),
        spawning_test(a_pipe_can_run_against_its_number),
        spawning_test(our_descriptor_becomes_the_childs_and_stays_ours),
        spawning_test(same_as_joins_two_streams),
        spawning_test(same_as_follows_a_chain_in_any_order),
        spawning_test(same_as_means_the_childs_descriptor_not_ours),
        cmocka_unit_test(same_as_itself_a_circle_or_nothing_is_refused),
        spawning_test(a_path_is_read_at_0_and_made_anew_elsewhere),
        spawning_test(append_writes_at_the_end_and_makes_the_file),
        spawning_test(a_new_file_gets_its_mode_under_our_umask),
        spawning_test(a_path_is_opened_as_told),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_named),
        spawning_test(a_path_is_opened_from_our_directory),
        spawning_test(a_socket_carries_bytes_both_ways_at_any_number),
        spawning_test(a_socket_is_ours_and_the_childs_as_a_pipe_is),
        spawning_test(a_socket_whose_child_is_gone_ends_without_a_signal),
        spawning_test(transferring_entries_are_not_for_the_verbs),
        spawning_test(two_descriptors_are_swapped),
        spawning_test(stdout_and_stderr_are_swapped),
        spawning_test(a_cycle_of_three_turns),
        spawning_test(a_chain_moves_along_in_both_directions),
        spawning_test(one_descriptor_serves_many_numbers),
        spawning_test(the_same_number_loses_its_close_on_exec_flag_in_the_child_only),
        spawning_test(all_low_numbers_may_be_targets),
        spawning_test(no_report_is_lost_when_all_low_numbers_are_targets),
        cmocka_unit_test(a_number_twice_is_refused),
        spawning_test(a_descriptor_that_is_not_open_is_named_by_its_place_in_the_child),
        spawning_test(a_descriptor_that_is_not_open_does_not_become_one_of_ours),
        spawning_test(the_highest_number_is_that_of_the_limit),
        machine_test(no_room_to_swap_is_told_as_a_full_table),
        machine_test(a_full_table_is_told_and_the_start_works_once_there_is_room),
        spawning_test(starts_whichever_of_0_to_2_are_closed_here),
        spawning_test(inherit_needs_an_open_descriptor),
        spawning_test(nothing_else_is_open_in_the_child_of_thousands),
        spawning_test(nothing_is_open_above_a_lowered_limit),
        spawning_test(nothing_else_is_open_where_close_range_is_denied),
        spawning_test(nothing_else_is_open_where_proc_is_missing_too),
        spawning_test(inherit_fds_keeps_what_is_not_close_on_exec),
        spawning_test(our_ends_are_nonblocking_and_close_on_exec),
        spawning_test(the_childs_ends_are_blocking),
        spawning_test(an_inherited_description_keeps_its_blocking_mode),
    };
    return run_suite("stdio", tests, sizeof tests / sizeof tests[0], argc, argv);
}
