/* SPDX-License-Identifier: MIT */
/*
 * Children on a terminal of their own, and job control on ours. Tests of the second kind run in a forked copy that
 * leads a session on a terminal which the test has made by hand.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <proc/proc.h>

#include "child/handle.h"

#define ON_A_TERMINAL .in = PROC_PTY, .out = PROC_PTY, .err = PROC_PTY
#define RAW PROC_TERMINAL(.raw = 1)

/* Reads until it has seen that text; what came altogether, in static memory. Not for what may come in two sorts. */
static const char *shown_until(proc_child *child, const char *text)
{
    static char seen[4096];
    size_t len = 0;
    int64_t until = patience_now() + PATIENCE_MS;
    seen[0] = '\0';
    while (!strstr(seen, text) && len < sizeof seen - 1 && patience_now() < until) {
        int64_t got = proc_read(child, 1, seen + len, sizeof seen - 1 - len, 1000);
        if (got <= 0 && got != -ETIMEDOUT)
            break;
        len += got > 0 ? (size_t)got : 0;
        seen[len] = '\0';
    }
    return seen;
}

/* ---- A terminal of its own ---- */

static void all_pty_entries_are_one_controlling_terminal(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("terminal"), PROC_OPTIONS(ON_A_TERMINAL, .fds = PROC_FDS({7, PROC_PTY})));
    char *shown = all_of(child, 2);
    assert_contains(shown, "tty 111 ");
    assert_contains(shown, "leader 1 foreground 1 controlling 1 echo 1\r\n");
    assert_ends(child, PROC_EXITED, 0);
    int ours = proc_child_stream(child, 0);
    for (int number = 1; number <= 2; number++)
        assert_int_equal(proc_child_stream(child, number), ours);
    assert_int_equal(proc_child_stream(child, 7), ours);
    free(shown);
    proc_child_free(child);
}

static void what_is_typed_is_read_and_echoed(void **state)
{
    char byte;
    (void)state;
    proc_child *child = start(CHILD_DOES("cat"), PROC_OPTIONS(ON_A_TERMINAL));
    assert_rc(proc_write(child, 0, "hello\n", 6, PATIENCE_MS), 6);
    assert_string_equal(shown_until(child, "hello\r\nhello\r\n"), "hello\r\nhello\r\n");
    assert_rc(proc_write(child, 2, "\4", 1, PATIENCE_MS), 1); /* any of its numbers: Ctrl-D */
    assert_ends(child, PROC_EXITED, 0);
    while (proc_read(child, 0, &byte, 1, PATIENCE_MS) > 0) /* its echo may be there, or not */
        ;
    assert_rc(proc_read(child, 0, &byte, 1, 0), 0);
    assert_rc(proc_write(child, 0, "x", 1, 0), -EPIPE);
    proc_child_free(child);
}

static void raw_passes_all_bytes_as_they_are(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("read-all"), PROC_OPTIONS(.in = PROC_PTY, .out = PROC_PIPE, .terminal = RAW));
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)(i % 251);
    assert_rc(proc_write(child, 0, all, sizeof all, PATIENCE_MS), sizeof all);
    proc_child *writer = start(CHILD_DOES("write", "100000", "1000", "5"),
                               PROC_OPTIONS(.fds = PROC_FDS({5, PROC_PTY}), .terminal = RAW));
    unsigned char buffer[4096];
    int64_t got, total = 0;
    int in_order = 1;
    while ((got = proc_read(writer, 5, buffer, sizeof buffer, PATIENCE_MS)) > 0)
        for (int64_t i = 0; i < got; i++, total++)
            in_order &= buffer[i] == total % 251;
    assert_true(in_order);
    assert_int_equal(total, 100000);
    assert_ends(writer, PROC_EXITED, 0);
    proc_child_free(writer);
    proc_child_free(child);
}

/* The kernel says EIO when nobody has the terminal any more; what was written before comes first. */
static void nothing_that_was_written_before_the_end_is_lost(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        /* As much as it takes in without a reader, or more. */
        const char *size = round % 2 ? "3000" : "20000";
        proc_child *child = start(CHILD_DOES("write", size, size, "1"), PROC_OPTIONS(.out = PROC_PTY, .terminal = RAW));
        char buffer[1024];
        int64_t got, total = 0;
        if (round % 2)
            assert_ends(child, PROC_EXITED, 0);
        while ((got = proc_read(child, 1, buffer, sizeof buffer, PATIENCE_MS)) > 0)
            total += got;
        assert_rc(got, 0);
        assert_int_equal(total, atoi(size));
        proc_child_free(child);
    }
}

static void our_end_is_nonblocking_and_close_on_exec_and_not_the_childs(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(ON_A_TERMINAL));
    int ours = proc_child_stream(child, 0);
    assert_true(ours > 2);
    assert_int_equal(fcntl(ours, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(ours, F_GETFL) & O_NONBLOCK);
    proc_child_free(child);
    char *report = report_of(PROC_OPTIONS(.in = PROC_PTY, .flags = PROC_INHERIT_FDS));
    struct report_fd fd;
    for (int number = 0; number < 64; number++)
        if (report_fd(report, number, &fd))
            assert_null(strstr(fd.target, "ptmx"));
    assert_true(report_fd(report, 0, &fd));
    assert_contains(fd.target, "/dev/pts/");
    assert_false(fd.flags & O_NONBLOCK);
    assert_int_equal(report_number(report, "sid"), report_number(report, "pid"));
    free(report);
}

static void the_terminal_closed_by_any_number_hangs_up(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(ON_A_TERMINAL));
    shown_until(child, "ready");
    assert_rc(proc_close(child, 2), 0);
    assert_ends(child, PROC_SIGNALED, SIGHUP);
    assert_rc(proc_close(child, 0), -EBADF);
    assert_rc(proc_child_stream(child, 1), -EBADF);
    assert_rc(proc_child_resize(child, 2, 2), -EBADF);
    proc_child_free(child);
}

static void the_terminal_can_be_taken_from_the_handle(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("echo", "taken"), PROC_OPTIONS(ON_A_TERMINAL));
    int ours = proc_child_take_stream(child, 1);
    assert_true(ours > 2);
    assert_rc(proc_child_take_stream(child, 0), -EBADF);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    char text[16] = "";
    /* It comes as the terminal hands it on: the line and its end may come one by one. */
    for (ssize_t len = 0, got = 1; got > 0; len += got)
        got = read(ours, text + len, sizeof text - 1 - (size_t)len);
    assert_string_equal(text, "taken\r\n");
    close(ours);
}

static void ctrl_c_reaches_the_child(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(ON_A_TERMINAL));
    shown_until(child, "ready\r\n");
    assert_rc(proc_write(child, 0, "\3", 1, PATIENCE_MS), 1);
    assert_ends(child, PROC_SIGNALED, SIGINT);
    proc_child_free(child);
}

/* ---- Its size ---- */

static void the_size_is_the_one_asked_for(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("terminal"),
                              PROC_OPTIONS(ON_A_TERMINAL, .terminal = PROC_TERMINAL(.rows = 50, .columns = 132)));
    assert_contains(shown_until(child, "\r\n"), "size 50x132");
    proc_child_free(child);
}

/* With stdio on a terminal of that size, or on none: in a copy, whose descriptors are its own. */
static int starts_with_our_size(void *arg)
{
    proc_child *child;
    const char *expected = arg;
    int master = posix_openpt(O_RDWR | O_NOCTTY), fd;
    const struct winsize size = {.ws_row = 33, .ws_col = 99};
    require(grantpt(master) == 0 && unlockpt(master) == 0 && ioctl(master, TIOCSWINSZ, &size) == 0);
    fd = open(strcmp(expected, "size 33x99 ") == 0 ? ptsname(master) : "/dev/null", O_RDWR | O_NOCTTY);
    for (int number = 0; number < 3; number++)
        require(dup2(fd, number) == number);
    require_rc(proc_spawn(&child, CHILD_DOES("terminal"), PROC_OPTIONS(ON_A_TERMINAL)), 0);
    require(strstr(shown_until(child, "\r\n"), expected));
    proc_child_free(child);
    return 0;
}

static void the_size_is_ours_by_default_or_the_usual_one(void **state)
{
    (void)state;
    assert_in_fork(starts_with_our_size, (void *)(uintptr_t) "size 33x99 ");
    assert_in_fork(starts_with_our_size, (void *)(uintptr_t) "size 24x80 ");
}

static void a_new_size_is_told_to_the_child(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("winch", "2"), PROC_OPTIONS(ON_A_TERMINAL));
    shown_until(child, "ready\r\n");
    assert_rc(proc_child_resize(child, 10, 20), 0);
    assert_string_equal(shown_until(child, "\r\n"), "size 10x20\r\n");
    assert_rc(proc_child_resize(child, 65535, 1), 0);
    assert_string_equal(shown_until(child, "\r\n"), "size 65535x1\r\n");
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

static void a_size_is_refused_where_there_is_none(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_PIPE));
    assert_rc(proc_child_resize(child, 24, 80), -EBADF);
    assert_rc(proc_child_resize(child, 0, 80), -EINVAL);
    assert_rc(proc_child_resize(child, 24, 65536), -EINVAL);
    assert_rc(proc_child_resize(NULL, 24, 80), -EINVAL);
    proc_child_free(child);
}

/* ---- Taken by the library ---- */

static void a_run_captures_what_a_terminal_shows(void **state)
{
    proc_result result;
    (void)state;
    assert_rc(proc_run(&result, CHILD_DOES("terminal"),
                       PROC_OPTIONS(.in = PROC_PTY, .out = PROC_CAPTURE_PTY, .err = PROC_PTY, .terminal = RAW)),
              0);
    assert_true(proc_result_ok(&result));
    assert_contains(result.out.data, "tty 111 ");
    assert_contains(result.out.data, "leader 1 foreground 1 controlling 1 echo 0\n");
    assert_int_equal(result.output_open, 0);
    assert_int_equal(result.out.error, 0);
    proc_result_done(&result);
}

static void a_run_with_its_output_alone_on_a_terminal_reads_its_input_elsewhere(void **state)
{
    proc_result result;
    (void)state;
    assert_rc(proc_run(&result, CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_TEXT("fed\n"), .out = PROC_CAPTURE_PTY)), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(result.out.data, "fed\r\n");
    proc_result_done(&result);
}

static int join_lines(int fd, const char *data, size_t len, void *user)
{
    char *text = user;
    snprintf(text + strlen(text), 200 - strlen(text), "%d:%.*s|", fd, (int)len, data);
    return 0;
}

static void lines_of_a_terminal_go_to_a_function(void **state)
{
    char text[200] = "";
    proc_result result;
    (void)state;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "echo one; echo two >&2; printf three"),
                       PROC_OPTIONS(.out = PROC_PTY, .err = PROC_LINES_PTY(join_lines, text), .terminal = RAW)),
              0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(text, "2:one\n|2:two\n|2:three|2:|");
    proc_result_done(&result);
}

static void much_output_of_a_terminal_is_captured_whole(void **state)
{
    proc_result result;
    (void)state;
    assert_rc(proc_run(&result, CHILD_DOES("write", "1000000"), PROC_OPTIONS(.out = PROC_CAPTURE_PTY, .terminal = RAW)),
              0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.out.len, 1000000);
    int in_order = 1;
    for (size_t i = 0; i < result.out.len; i++)
        in_order &= (unsigned char)result.out.data[i] == i % 251;
    assert_true(in_order);
    proc_result_done(&result);
}

/* Hung up by us it would end by SIGHUP, and the result be wrong. */
static void a_child_that_lets_go_of_its_terminal_ends_as_it_likes(void **state)
{
    proc_result result;
    (void)state;
    assert_rc(proc_run(&result, CHILD_DOES("let-go", "50", "9"),
                       PROC_OPTIONS(.in = PROC_PTY, .out = PROC_CAPTURE_PTY, .err = PROC_PTY)),
              0);
    assert_int_equal(result.exit.kind, PROC_EXITED);
    assert_int_equal(result.exit.code, 9);
    assert_string_equal(result.out.data, "bye");
    proc_result_done(&result);
}

static int refuse_all(int fd, const char *data, size_t len, void *user)
{
    (void)fd, (void)data, (void)len, (void)user;
    return -ECANCELED;
}

static void a_function_that_refuses_hangs_up(void **state)
{
    proc_result result;
    (void)state;
    assert_rc(proc_run(&result, CHILD_DOES("write-forever"),
                       PROC_OPTIONS(.out = PROC_LINES_PTY(refuse_all, NULL), .timeout_ms = PATIENCE_MS)),
              0);
    assert_int_equal(result.timed_out, 0);
    assert_int_equal(result.error, -ECANCELED);
    assert_int_equal(result.exit.kind, PROC_SIGNALED);
    assert_int_equal(result.exit.code, SIGHUP);
    proc_result_done(&result);
}

static int refuse_and_count(int fd, const char *data, size_t len, void *user)
{
    ++*(int *)user;
    return refuse_all(fd, data, len, user);
}

/* The descriptor stays as long as somebody else uses it; nothing more is read from it all the same. */
static void a_function_that_refuses_is_not_asked_again_while_somebody_types(void **state)
{
    int calls = 0;
    (void)state;
    proc_child *child = start(CHILD_DOES("write-forever"),
                              PROC_OPTIONS(.in = PROC_PTY, .out = PROC_LINES_PTY(refuse_and_count, &calls)));
    struct stream *terminal = proc__stream_find(child, 0);
    struct pollfd loop = {.fd = proc_pump_fd(child), .events = POLLIN};
    assert_true(proc__stream_enter(child, terminal) >= 0); /* as proc_write() does */
    while (calls == 0)
        (void)proc_pump(&child, 1, PATIENCE_MS);
    assert_rc(proc_pump(&child, 1, 0), 0);
    assert_int_equal(poll(&loop, 1, 0), 0);
    assert_int_equal(calls, 1);
    proc__stream_leave(child, terminal);
    assert_ends(child, PROC_SIGNALED, SIGHUP);
    proc_child_free(child);
}

static void what_a_terminal_shows_is_copied_too(void **state)
{
    const proc_stdio nothing = {0}, pty = PROC_PTY;
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "copy");
    for (int shares = 0; shares < 2; shares++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        proc_stdio out = PROC_CAPTURE_TEE(fd);
        out.flags |= PROC_STDIO_ON_PTY;
        proc_result result;
        assert_rc(proc_run(&result, CHILD_DOES("write", "10000"),
                           PROC_OPTIONS(.in = shares ? pty : nothing, .out = out, .terminal = RAW)),
                  0);
        assert_true(proc_result_ok(&result));
        char *copy = file_read(path);
        assert_int_equal(result.out.len, 10000);
        assert_int_equal(result.out.tee_error, 0);
        struct stat about;
        assert_int_equal(fstat(fd, &about), 0);
        assert_int_equal(about.st_size, 10000);
        assert_memory_equal(copy, result.out.data, 10000);
        free(copy);
        proc_result_done(&result);
        close(fd);
    }
    free(path);
    directory_remove(directory);
}

static void one_can_type_while_the_library_captures(void **state)
{
    proc_result result;
    char byte;
    (void)state;
    proc_child *child =
        start(CHILD_DOES("ask", "who? "), PROC_OPTIONS(.in = PROC_NULL, .out = PROC_CAPTURE_PTY, .err = PROC_PTY));
    assert_rc(proc_read(child, 1, &byte, 1, 0), -EINVAL);
    assert_rc(proc_read(child, 2, &byte, 1, 0), -EINVAL);
    assert_rc(proc_close(child, 2), -EINVAL);
    assert_rc(proc_child_stream(child, 2), -EINVAL);
    assert_rc(proc_write(child, 2, "me\n", 3, PATIENCE_MS), 3);
    assert_rc(proc_collect(child, PATIENCE_MS, &result), 0);
    assert_true(proc_result_ok(&result));
    assert_contains(result.out.data, "who? ");
    assert_contains(result.out.data, "got me\r\n");
    proc_result_done(&result);
    proc_child_free(child);
}

static void a_loop_that_pumps_sees_the_end_of_a_terminal_once(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("let-go", "0", "0"), PROC_OPTIONS(.out = PROC_CAPTURE_PTY));
    struct pollfd ready = {.fd = proc_pump_fd(child), .events = POLLIN};
    assert_true(ready.fd > 2);
    int64_t until = patience_now() + PATIENCE_MS;
    while (proc_pump(&child, 1, 100) != 0 && patience_now() < until)
        ;
    assert_int_equal(poll(&ready, 1, 0), 0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

static void a_grandchild_on_the_terminal_costs_only_the_drain_time(void **state)
{
    proc_result result;
    (void)state;
    int64_t begin = patience_now();
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "trap '' HUP; sleep 60 & echo left"),
                       PROC_OPTIONS(.in = PROC_PTY, .out = PROC_CAPTURE_PTY, .err = PROC_PTY)),
              0);
    assert_true(patience_now() - begin < 30000);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.output_open, 1);
    assert_contains(result.out.data, "left\r\n");
    proc_result_done(&result);
}

static void a_run_on_a_terminal_that_says_nothing_ends_in_time(void **state)
{
    proc_result result;
    (void)state;
    assert_rc(
        proc_run(&result, CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_PTY, .out = PROC_CAPTURE_PTY, .timeout_ms = 50)),
        0);
    assert_int_equal(result.timed_out, 1);
    proc_result_done(&result);
}

/* ---- What a terminal does not go with ---- */

static void check_refused(const proc_options *options, const char *what)
{
    char text[300];
    snprintf(text, sizeof text, "spawn \"x\": options \"%s\": Invalid argument", what);
    assert_null(strstr(text, "..."));
    assert_fails(PROC_ARGV("x"), options, -EINVAL, PROC_STEP_OPTIONS, -1, text);
}

static void terminals_that_make_no_sense_are_refused(void **state)
{
    const int group = 1, none = -1;
    proc_result result;
    proc_error error;
    (void)state;
    check_refused(PROC_OPTIONS(.out = PROC_CAPTURE_PTY, .err = PROC_CAPTURE_PTY),
                  "ON_PTY twice: a terminal shows one stream, use PTY or SAME_AS");
    check_refused(PROC_OPTIONS(.terminal = PROC_TERMINAL(.rows = 1)),
                  ".terminal: rows, columns and raw are for a PTY entry");
    check_refused(PROC_OPTIONS(.terminal = RAW), ".terminal: rows, columns and raw are for a PTY entry");
    check_refused(PROC_OPTIONS(.in = PROC_PTY, .terminal = PROC_TERMINAL(.columns = 65536)),
                  ".terminal: rows and columns are not 0 to 65535");
    check_refused(PROC_OPTIONS(.in = PROC_PTY, .terminal = PROC_TERMINAL(.raw = 2)),
                  ".terminal: a member that must be 0 or 1");
    check_refused(PROC_OPTIONS(.in = PROC_PTY, .start = PROC_START(.group = &group)),
                  ".start->group: a child that gets a terminal begins a session");
    check_refused(PROC_OPTIONS(.in = PROC_PTY, .terminal = PROC_TERMINAL(.controlling_fd = PROC_INT(0))),
                  ".terminal->controlling_fd: the PTY entries are it already");
    check_refused(PROC_OPTIONS(.terminal = PROC_TERMINAL(.controlling_fd = &none)),
                  ".terminal->controlling_fd is negative");
    check_refused(PROC_OPTIONS(.terminal = PROC_TERMINAL(.foreground = 1)),
                  ".terminal->foreground needs PROC_NEW_GROUP or .start->group");
    check_refused(PROC_OPTIONS(.flags = PROC_NEW_SESSION, .terminal = PROC_TERMINAL(.foreground = 1)),
                  ".terminal->foreground: a new session has no terminal");
    assert_rc(proc_run(&result, PROC_ARGV("x"), PROC_OPTIONS(.in = PROC_PTY, .error = &error)), -EINVAL);
    assert_contains(error.text, "PTY: nobody reads what it shows, make one CAPTURE_PTY or LINES_PTY");
}

static void a_terminal_that_cannot_be_had_is_told(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.terminal = PROC_TERMINAL(.controlling_fd = PROC_INT(987))), -EBADF,
                 PROC_STEP_TERMINAL, 987, "spawn \"true\": terminal 987: Bad file descriptor");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.terminal = PROC_TERMINAL(.controlling_fd = &null)), -ENOTTY,
                 PROC_STEP_TERMINAL, null, NULL);
    close(null);
}

/* ---- With other ids ---- */

static void somebody_else_can_open_his_terminal_by_its_name(void **state)
{
    (void)state;
    proc_child *child =
        start(CHILD_DOES("write-by-name", "mine"),
              PROC_OPTIONS(ON_A_TERMINAL, .ids = PROC_IDS(.uid = PROC_UID(65534), .gid = PROC_GID(65534))));
    struct stat about;
    assert_contains(shown_until(child, "mine"), "mine");
    assert_int_equal(fstat(proc_child_stream(child, 0), &about), 0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

/* ---- Where calls are denied ---- */

static int starts_without_a_call(void *arg)
{
    proc_child *child;
    (void)arg;
    /* All with that bit in their request: TIOCGPTPEER is 'T' 0x41, and no other that is needed has it. */
    require(deny_call_if(SYS_ioctl, 1, 0x40, ENOTTY) == 0);
    require_rc(proc_spawn(&child, CHILD_DOES("echo", "by its name"), PROC_OPTIONS(ON_A_TERMINAL)), 0);
    require(strstr(shown_until(child, "\r\n"), "by its name"));
    proc_child_free(child);
    return 0;
}

static void without_tiocgptpeer_the_terminal_is_opened_by_its_name(void **state)
{
    (void)state;
    assert_in_fork(starts_without_a_call, NULL);
}

/* ---- Ours stays ours ---- */

static int64_t own_terminal(void)
{
    char *text = file_read("/proc/self/stat");
    int number = -1;
    const char *rest = text ? strrchr(text, ')') : NULL;
    if (rest)
        sscanf(rest + 1, " %*c %*d %*d %*d %d", &number);
    free(text);
    return number;
}

static int leads_a_session_and_starts(void *arg)
{
    proc_child *child;
    (void)arg;
    require(setsid() > 0);
    require_rc(own_terminal(), 0);
    require_rc(proc_spawn(&child, CHILD_DOES("ready"), PROC_OPTIONS(ON_A_TERMINAL)), 0);
    require_rc(own_terminal(), 0);
    proc_child_free(child);
    return 0;
}

static void the_terminal_does_not_become_ours(void **state)
{
    (void)state;
    assert_in_fork(leads_a_session_and_starts, NULL);
}

/* ---- Job control: we are the shell ---- */

/* A session on a terminal that we have made, of which 0 to 2 are left as they are. The descriptor of the terminal. */
static int become_shell(int *ret_master)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    require(setsid() > 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    require(tty >= 0 && ioctl(tty, TIOCSCTTY, 0) == 0 && tcgetpgrp(tty) == getpgrp());
    *ret_master = master;
    return tty;
}

static proc_child *start_job(uint32_t foreground, int tty)
{
    proc_child *child = NULL;
    proc_error error = {0};
    int rc = proc_spawn(&child, CHILD_DOES("ready"),
                        PROC_OPTIONS(.flags = PROC_NEW_GROUP, .in = PROC_FD(tty), .out = PROC_PIPE,
                                     .terminal = PROC_TERMINAL(.foreground = foreground), .error = &error));
    if (rc < 0)
        complain("%s", error.text);
    return child;
}

static int plays_the_shell(void *arg)
{
    int master, tty = become_shell(&master), signal = 0;
    (void)arg;
    proc_child *job = start_job(1, tty);
    require(tcgetpgrp(tty) == proc_child_pid(job));
    require(strcmp(said(job), "ready") == 0);
    require_rc(proc_wait_stopped(job, 0, &signal), -ETIMEDOUT);

    require(write(master, "\032", 1) == 1); /* Ctrl-Z */
    require_rc(proc_wait_stopped(job, -1, &signal), 1);
    require_rc(signal, SIGTSTP);
    require_rc(proc_wait_stopped(job, 0, NULL), 1);
    require_rc(proc_wait(job, 0, NULL), -ETIMEDOUT);
    require_rc(proc_terminal_give(tty, getpgrp()), 0); /* from the background: SIGTTOU would stop us */
    require(tcgetpgrp(tty) == getpgrp());

    require_rc(proc_kill(job, SIGCONT, PROC_GROUP), 0); /* bg */
    require_rc(proc_wait_stopped(job, 0, &signal), -ETIMEDOUT);
    require_rc(proc_terminal_give(tty, proc_child_pid(job)), 0); /* fg */
    require(write(master, "\003", 1) == 1);                      /* Ctrl-C */
    require_rc(proc_wait_stopped(job, PATIENCE_MS, &signal), 0);
    proc_exit ended;
    require_rc(proc_wait(job, 0, &ended), 0);
    require(ended.kind == PROC_SIGNALED && ended.code == SIGINT);
    require_rc(proc_terminal_give(tty, getpgrp()), 0);
    require_rc(proc_wait_stopped(job, -1, NULL), 0);
    proc_child_free(job);
    return 0;
}

static void a_shell_stops_continues_and_ends_its_foreground_job(void **state)
{
    (void)state;
    assert_in_fork(plays_the_shell, NULL);
}

static int keeps_jobs_apart(void *arg)
{
    int master, tty = become_shell(&master);
    (void)arg;
    proc_child *behind = start_job(0, tty);
    require(tcgetpgrp(tty) == getpgrp());
    proc_child *before = start_job(1, tty), *joins = NULL;
    int group = proc_child_pid(before);
    require_rc(proc_terminal_give(tty, getpgrp()), 0);
    require_rc(proc_spawn(&joins, CHILD_DOES("ready"),
                          PROC_OPTIONS(.out = PROC_NULL, .start = PROC_START(.group = &group),
                                       .terminal = PROC_TERMINAL(.foreground = 1))),
               0);
    require(getpgid(proc_child_pid(joins)) == group && tcgetpgrp(tty) == group);
    require_rc(proc_terminal_give(tty, getpgrp()), 0);
    proc_child_free(joins);
    proc_child_free(before);
    proc_child_free(behind);
    return 0;
}

static void a_job_joins_a_group_in_the_foreground_and_others_stay_behind(void **state)
{
    (void)state;
    assert_in_fork(keeps_jobs_apart, NULL);
}

static int fails_to_start_in_the_foreground(void *arg)
{
    int master, tty = become_shell(&master);
    proc_child *child;
    (void)arg;
    require_rc(proc_spawn(&child, PROC_ARGV("/no/such/program"),
                          PROC_OPTIONS(.flags = PROC_NEW_GROUP, .terminal = PROC_TERMINAL(.foreground = 1))),
               -ENOENT);
    require(tcgetpgrp(tty) == getpgrp());
    return 0;
}

static void a_start_that_fails_gives_the_foreground_back(void **state)
{
    (void)state;
    assert_in_fork(fails_to_start_in_the_foreground, NULL);
}

/* What a shell does for `sleep | ready`. */
static int runs_a_pipeline_in_the_foreground(void *arg)
{
    int master, tty = become_shell(&master);
    proc_child *stages[2];
    proc_exit ended;
    (void)arg;
    require_rc(proc_spawn_pipeline(stages,
                                   PROC_REQUESTS(PROC_REQUEST(CHILD, "sleep", "forever"), PROC_REQUEST(CHILD, "ready")),
                                   PROC_OPTIONS(.flags = PROC_NEW_GROUP, .in = PROC_FD(tty), .out = PROC_PIPE,
                                                .terminal = PROC_TERMINAL(.foreground = 1))),
               2);
    int group = proc_child_pid(stages[0]);
    require(tcgetpgrp(tty) == group && getpgid(proc_child_pid(stages[1])) == group);
    require(strcmp(said(stages[1]), "ready") == 0);

    require(write(master, "\032", 1) == 1); /* Ctrl-Z */
    for (int i = 0; i < 2; i++)
        require_rc(proc_wait_stopped(stages[i], PATIENCE_MS, NULL), 1);
    require_rc(proc_terminal_give(tty, getpgrp()), 0);
    require_rc(proc_kill(stages[0], SIGCONT, PROC_GROUP), 0);
    require_rc(proc_terminal_give(tty, group), 0);
    require(write(master, "\003", 1) == 1); /* Ctrl-C */
    for (int i = 1; i >= 0; i--) {
        require_rc(proc_wait(stages[i], PATIENCE_MS, &ended), 0);
        require(ended.kind == PROC_SIGNALED && ended.code == SIGINT);
        proc_child_free(stages[i]);
    }
    require_rc(proc_terminal_give(tty, getpgrp()), 0);
    return 0;
}

static void a_pipeline_runs_in_the_foreground_as_one_job(void **state)
{
    (void)state;
    assert_in_fork(runs_a_pipeline_in_the_foreground, NULL);
}

static int fails_to_start_a_pipeline(void *arg)
{
    int master, tty = become_shell(&master);
    proc_child *stages[3];
    (void)arg;
    require_rc(
        proc_spawn_pipeline(
            stages,
            PROC_REQUESTS(PROC_REQUEST(CHILD, "ready"), PROC_REQUEST(CHILD, "ready"), PROC_REQUEST("/no/such/program")),
            PROC_OPTIONS(.flags = PROC_NEW_GROUP, .out = PROC_NULL, .terminal = PROC_TERMINAL(.foreground = 1))),
        -ENOENT);
    require(tcgetpgrp(tty) == getpgrp());
    return 0;
}

static void a_pipeline_that_fails_gives_the_foreground_back(void **state)
{
    (void)state;
    assert_in_fork(fails_to_start_a_pipeline, NULL);
}

#define NEVER PROC_ARGV("/no/such/program")
#define IN_FRONT .flags = PROC_NEW_GROUP, .terminal = PROC_TERMINAL(.foreground = 1)

static int becomes_a_job_at_last(void *user)
{
    const int *tty = user;
    int group = tcgetpgrp(*tty);
    proc_error error;
    if (proc_exec(NEVER, PROC_OPTIONS(IN_FRONT, .error = &error)) != -ENOENT || error.changed != PROC_CHANGED_SESSION)
        return 1;
    if (group == getpgrp() || tcgetpgrp(*tty) != group)
        return 2;
    return proc_exec(CHILD_DOES("ready"), PROC_OPTIONS(IN_FRONT)) == 0 ? 0 : 3;
}

static int has_a_job_that_becomes_a_program(void *arg)
{
    int master, tty = become_shell(&master), there = 5;
    proc_child *job;
    (void)arg;
    require_rc(proc_fork(&job, becomes_a_job_at_last, &there,
                         PROC_OPTIONS(.flags = PROC_NEW_GROUP, .out = PROC_PIPE, .fds = PROC_FDS({5, PROC_FD(tty)}))),
               0);
    require(strcmp(said(job), "ready") == 0);
    require(tcgetpgrp(tty) == proc_child_pid(job));
    require_rc(proc_terminal_give(tty, getpgrp()), 0);
    proc_child_free(job);
    return 0;
}

static void a_process_that_becomes_no_program_gives_the_foreground_back(void **state)
{
    (void)state;
    assert_in_fork(has_a_job_that_becomes_a_program, NULL);
}

static int has_no_terminal(void *arg)
{
    proc_child *child;
    proc_error error;
    (void)arg;
    require(setsid() > 0);
    require_rc(
        proc_spawn(&child, PROC_ARGV("true"),
                   PROC_OPTIONS(.flags = PROC_NEW_GROUP, .terminal = PROC_TERMINAL(.foreground = 1), .error = &error)),
        -ENXIO);
    require(strcmp(error.text, "spawn \"true\": terminal \"/dev/tty\": No such device or address") == 0);
    require_rc(error.step, PROC_STEP_TERMINAL);
    require_rc(proc_terminal_give(-1, 1), -EINVAL);
    require_rc(proc_terminal_give(0, 0), -EINVAL);
    require_rc(proc_terminal_give(988, getpgrp()), -EBADF);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    require_rc(proc_terminal_give(null, getpgrp()), -ENOTTY);
    return 0;
}

static void without_a_terminal_there_is_no_foreground(void **state)
{
    (void)state;
    assert_in_fork(has_no_terminal, NULL);
}

/* As getty and login do it: the terminal is a device that we have open. */
static int gives_its_terminal_away(void *arg)
{
    proc_child *child;
    (void)arg;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    require(grantpt(master) == 0 && unlockpt(master) == 0);
    int tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    require_rc(proc_spawn(&child, CHILD_DOES("terminal", "0"),
                          PROC_OPTIONS(.in = PROC_FD(tty), .out = PROC_PIPE, .err = PROC_FD(tty),
                                       .terminal = PROC_TERMINAL(.controlling_fd = &tty))),
               0);
    require(strcmp(said(child), "tty 101 size 0x0 leader 1 foreground 1 controlling 1 echo 1") == 0);
    proc_child_free(child);
    return 0;
}

static void a_terminal_that_we_have_open_becomes_the_childs(void **state)
{
    (void)state;
    assert_in_fork(gives_its_terminal_away, NULL);
}

static int does_not_steal_a_terminal(void *arg)
{
    int master, tty = become_shell(&master);
    proc_child *child;
    (void)arg;
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.terminal = PROC_TERMINAL(.controlling_fd = &tty))),
               -EPERM);
    require(tcgetpgrp(tty) == getpgrp());
    return 0;
}

static void a_terminal_of_a_session_is_not_stolen(void **state)
{
    (void)state;
    assert_in_fork(does_not_steal_a_terminal, NULL);
}

/* ---- Stopped children ---- */

static void a_stop_and_an_end_are_told_apart_within_a_time_limit(void **state)
{
    int signal = 0;
    (void)state;
    proc_child *child = start_child("stop-self", "5");
    assert_rc(proc_wait_stopped(child, PATIENCE_MS, &signal), 1);
    assert_int_equal(signal, SIGSTOP);
    assert_rc(proc_wait_stopped(child, PATIENCE_MS, NULL), 1);
    assert_rc(proc_kill(child, SIGCONT, PROC_ONE), 0);
    assert_rc(proc_wait_stopped(child, PATIENCE_MS, &signal), 0);
    assert_ends(child, PROC_EXITED, 5);
    assert_rc(proc_wait_stopped(child, 0, NULL), 0);
    assert_rc(proc_wait_stopped(child, -2, NULL), -EINVAL);
    assert_rc(proc_wait_stopped(NULL, 0, NULL), -EINVAL);
    proc_child_free(child);
}

/* As long as its leader has not been reaped, a group can be signalled by it. */
static void an_end_that_a_wait_for_a_stop_tells_is_not_taken_away(void **state)
{
    const int timeouts[] = {-1, PATIENCE_MS};
    proc_child *job[2];
    proc_usage usage;
    (void)state;
    for (size_t i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        assert_rc(proc_spawn_pipeline(job, PROC_REQUESTS({CHILD_DOES("exit", "3"), NULL}, {CHILD_DOES("ready"), NULL}),
                                      PROC_OPTIONS(.flags = PROC_NEW_GROUP, .out = PROC_NULL)),
                  2);
        assert_rc(proc_wait_stopped(job[0], timeouts[i], NULL), 0);
        assert_rc(proc_wait_stopped(job[0], 0, NULL), 0);
        assert_rc(proc_child_usage(job[0], &usage), -EAGAIN);
        assert_rc(proc_kill(job[0], SIGTERM, PROC_GROUP), 0);
        assert_ends(job[1], PROC_SIGNALED, SIGTERM);
        assert_ends(job[0], PROC_EXITED, 3);
        proc_child_free(job[1]);
        proc_child_free(job[0]);
    }
}

static void a_wait_for_a_stop_keeps_its_deadline(void **state)
{
    (void)state;
    proc_child *child = start_child("ready");
    int64_t begin = patience_now();
    assert_rc(proc_wait_stopped(child, 35, NULL), -ETIMEDOUT);
    assert_true(patience_now() - begin >= 35);
    proc_child_free(child);
}

static int ignores_sigchld(void *arg)
{
    int number = 0;
    proc_child *child;
    (void)arg;
    signal(SIGCHLD, SIG_IGN);
    require_rc(proc_spawn(&child, CHILD_DOES("stop-self", "6"), PROC_OPTIONS(.out = PROC_PIPE)), 0);
    require_rc(proc_wait_stopped(child, -1, &number), 1);
    require_rc(number, SIGSTOP);
    require_rc(proc_kill(child, SIGCONT, PROC_ONE), 0);
    require_rc(proc_wait_stopped(child, -1, NULL), 0);
    proc_child_free(child);
    return 0;
}

static void a_stop_is_told_where_sigchld_is_ignored(void **state)
{
    (void)state;
    assert_in_fork(ignores_sigchld, NULL);
}

/* The other thread reaps it while this one sleeps in the kernel. */
static void *wait_and_reap(void *child)
{
    proc_wait(child, PATIENCE_MS, NULL);
    return NULL;
}

static void a_wait_for_a_stop_sees_an_end_that_another_thread_has_reaped(void **state)
{
    pthread_t thread;
    (void)state;
    for (int round = 0; round < 20; round++) {
        proc_child *child = start(CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_NULL));
        assert_int_equal(pthread_create(&thread, NULL, wait_and_reap, child), 0);
        proc_close(child, 0);
        assert_rc(proc_wait_stopped(child, round % 2 ? -1 : PATIENCE_MS, NULL), 0);
        pthread_join(thread, NULL);
        proc_child_free(child);
    }
}

static void *wait_for_ever(void *child)
{
    pthread_cleanup_push(frames_are_gone, NULL);
    proc_wait_stopped(child, -1, NULL);
    pthread_cleanup_pop(0);
    return NULL;
}

static void a_thread_that_waits_for_a_stop_can_be_cancelled(void **state)
{
    pthread_t thread;
    void *result = NULL;
    (void)state;
    proc_child *child = start_child("ready");
    assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, child), 0);
    pthread_cancel(thread);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    assert_ends(child, PROC_SIGNALED, SIGKILL);
    proc_child_free(child);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(all_pty_entries_are_one_controlling_terminal),
        spawning_test(what_is_typed_is_read_and_echoed),
        spawning_test(raw_passes_all_bytes_as_they_are),
        spawning_test(nothing_that_was_written_before_the_end_is_lost),
        spawning_test(our_end_is_nonblocking_and_close_on_exec_and_not_the_childs),
        spawning_test(the_terminal_closed_by_any_number_hangs_up),
        spawning_test(the_terminal_can_be_taken_from_the_handle),
        spawning_test(ctrl_c_reaches_the_child),
        spawning_test(the_size_is_the_one_asked_for),
        spawning_test(the_size_is_ours_by_default_or_the_usual_one),
        spawning_test(a_new_size_is_told_to_the_child),
        spawning_test(a_size_is_refused_where_there_is_none),
        spawning_test(a_run_captures_what_a_terminal_shows),
        spawning_test(a_run_with_its_output_alone_on_a_terminal_reads_its_input_elsewhere),
        spawning_test(lines_of_a_terminal_go_to_a_function),
        spawning_test(much_output_of_a_terminal_is_captured_whole),
        spawning_test(a_child_that_lets_go_of_its_terminal_ends_as_it_likes),
        spawning_test(a_function_that_refuses_hangs_up),
        spawning_test(a_function_that_refuses_is_not_asked_again_while_somebody_types),
        spawning_test(what_a_terminal_shows_is_copied_too),
        spawning_test(one_can_type_while_the_library_captures),
        spawning_test(a_loop_that_pumps_sees_the_end_of_a_terminal_once),
        spawning_test(a_grandchild_on_the_terminal_costs_only_the_drain_time),
        spawning_test(a_run_on_a_terminal_that_says_nothing_ends_in_time),
        spawning_test(terminals_that_make_no_sense_are_refused),
        spawning_test(a_terminal_that_cannot_be_had_is_told),
        root_test(somebody_else_can_open_his_terminal_by_its_name),
        machine_test(without_tiocgptpeer_the_terminal_is_opened_by_its_name),
        spawning_test(the_terminal_does_not_become_ours),
        spawning_test(a_shell_stops_continues_and_ends_its_foreground_job),
        spawning_test(a_job_joins_a_group_in_the_foreground_and_others_stay_behind),
        spawning_test(a_start_that_fails_gives_the_foreground_back),
        spawning_test(a_pipeline_runs_in_the_foreground_as_one_job),
        spawning_test(a_pipeline_that_fails_gives_the_foreground_back),
        spawning_test(a_process_that_becomes_no_program_gives_the_foreground_back),
        spawning_test(without_a_terminal_there_is_no_foreground),
        spawning_test(a_terminal_that_we_have_open_becomes_the_childs),
        spawning_test(a_terminal_of_a_session_is_not_stolen),
        spawning_test(a_stop_and_an_end_are_told_apart_within_a_time_limit),
        spawning_test(an_end_that_a_wait_for_a_stop_tells_is_not_taken_away),
        spawning_test(a_wait_for_a_stop_keeps_its_deadline),
        spawning_test(a_stop_is_told_where_sigchld_is_ignored),
        spawning_test(a_wait_for_a_stop_sees_an_end_that_another_thread_has_reaped),
        spawning_test(a_thread_that_waits_for_a_stop_can_be_cancelled),
    };
    return run_suite("terminal", tests, sizeof tests / sizeof tests[0], argc, argv);
}
