/* SPDX-License-Identifier: MIT */
/* Black box: captures and callbacks that also copy to a descriptor of ours, which may be slow, full or broken. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <proc/proc.h>

#include "started.h"

#define MUCH "1000000"
#define MUCH_BYTES 1000000

/* A target with another end: a pipe or a socket, blocking as it is born. */
struct target {
    int ours, other;
};

static struct target pipe_target(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    return (struct target){ends[1], ends[0]};
}

static struct target socket_target(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return (struct target){ends[0], ends[1]};
}

static struct target terminal_target(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave = -1;
    if (master >= 0 && unlockpt(master) == 0)
        slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return (struct target){slave, master};
}

static void target_close(struct target *target)
{
    close(target->ours);
    if (target->other >= 0)
        close(target->other);
}

/* Not a byte more fits, and its flags are as they were. A terminal moves on for a moment what it has taken. */
static void fill(struct target *target)
{
    char bytes[4096] = {0};
    struct pollfd room = {.fd = target->ours, .events = POLLOUT};
    int flags = fcntl(target->ours, F_GETFL);
    fcntl(target->ours, F_SETFL, flags | O_NONBLOCK);
    do
        for (size_t size = sizeof bytes; size > 0; size /= 2)
            while (write(target->ours, bytes, size) > 0)
                ;
    while (poll(&room, 1, 50) == 1);
    fcntl(target->ours, F_SETFL, flags);
}

static void set_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Byte n of what the helper writes. */
static void assert_pattern(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] != (char)(i % 251))
            fail_msg("byte %zu of %zu is wrong", i, len);
}

/* ---- Good targets ---- */

static void a_file_gets_a_copy_of_what_is_captured(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "copy");
    file_write(path, "before\n");
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "echo one; echo two >&2"),
                       PROC_OPTIONS(.out = PROC_CAPTURE_TEE(fd), .err = PROC_CAPTURE_TEE(fd))), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(result.out.data, "one\n");
    assert_string_equal(result.err.data, "two\n");
    assert_int_equal(result.out.tee_error | result.err.tee_error, 0);
    char *copy = file_read(path);
    assert_contains(copy, "before\n");
    assert_contains(copy, "one\n");
    assert_contains(copy, "two\n");
    assert_int_equal(strlen(copy), strlen("before\none\ntwo\n"));
    assert_int_equal(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND), O_APPEND);
    free(copy);
    close(fd);
    free(path);
    directory_remove(directory);
    proc_result_done(&result);
}

static void what_is_not_kept_is_copied_all_the_same(void **state)
{
    (void)state;
    const proc_stdio entries[] = {PROC_CAPTURE_HEAD(10), PROC_CAPTURE_TAIL(10)};
    char *directory = directory_make(), *path = path_in(directory, "copy");
    for (int i = 0; i < 2; i++) {
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        proc_stdio entry = entries[i];
        entry.flags |= PROC_STDIO_TEE;
        entry.fd = fd;
        proc_result result;
        assert_rc(proc_run(&result, CHILD_DOES("write", MUCH), PROC_OPTIONS(.out = entry)), 0);
        assert_int_equal(result.out.len, 10);
        char *copy = malloc(MUCH_BYTES + 1);
        assert_int_equal(pread(fd, copy, MUCH_BYTES + 1, 0), MUCH_BYTES);
        assert_pattern(copy, MUCH_BYTES);
        free(copy);
        close(fd);
        proc_result_done(&result);
    }
    free(path);
    directory_remove(directory);
}

/* The other end is read by a child that begins late; how all of it arrives, and what was kept. */
static void check_slow(struct target target, int blocks)
{
    if (!blocks)
        set_nonblocking(target.ours);
    proc_child *reader = start(PROC_ARGV("sh", "-c", "\"$0\" sleep 150; exec \"$0\" read-all", CHILD),
                               PROC_OPTIONS(.in = PROC_FD(target.other), .out = PROC_PIPE));
    close(target.other);
    target.other = -1;
    proc_result result;
    assert_rc(proc_run(&result, CHILD_DOES("write", MUCH), PROC_OPTIONS(.out = PROC_CAPTURE_TEE(target.ours))), 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(result.out.len, MUCH_BYTES);
    assert_int_equal(result.output_open, 0);
    assert_pattern(result.out.data, result.out.len);
    assert_int_equal((fcntl(target.ours, F_GETFL) & O_NONBLOCK) != 0, !blocks);
    target_close(&target);
    const char *line = said(reader);
    assert_contains(line, MUCH " ");
    assert_contains(line, "pattern");
    assert_ends(reader, PROC_EXITED, 0);
    proc_child_free(reader);
    proc_result_done(&result);
}

static void a_slow_target_gets_all_of_it(void **state)
{
    (void)state;
    for (int blocks = 0; blocks < 2; blocks++) {
        check_slow(pipe_target(), blocks);
        check_slow(socket_target(), blocks);
    }
}

struct heard {
    char text[100];
    size_t bytes;
};

static int hear(int fd, const char *data, size_t len, void *user)
{
    struct heard *heard = user;
    (void)fd;
    heard->bytes += len;
    if (strlen(heard->text) + len + 2 < sizeof heard->text) {
        strncat(heard->text, data, len);
        strcat(heard->text, "|");
    }
    return 0;
}

static void callbacks_have_a_tee_too(void **state)
{
    (void)state;
    struct target target = pipe_target();
    struct heard lines = {.bytes = 0}, chunks = {.bytes = 0};
    proc_stdio out = PROC_LINES(hear, &lines), err = PROC_CALLBACK(hear, &chunks);
    out.flags |= PROC_STDIO_TEE;
    err.flags |= PROC_STDIO_TEE;
    out.fd = err.fd = target.ours;
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "printf 'a\\nb'; exec >&-; printf c >&2"),
                       PROC_OPTIONS(.out = out, .err = err)), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(lines.text, "a\n|b||");
    assert_string_equal(chunks.text, "c||");
    char copy[16] = "";
    assert_int_equal(read(target.other, copy, sizeof copy - 1), 4);
    assert_int_equal(strlen(copy), 4);
    proc_result_done(&result);
    target_close(&target);
}

/* ---- Bad targets ---- */

static void a_broken_target_is_told_and_nothing_kept_is_lost(void **state)
{
    (void)state;
    struct target without_reader = pipe_target(), without_peer = socket_target();
    close(without_reader.other);
    close(without_peer.other);
    without_reader.other = without_peer.other = -1;
    struct target full = {open("/dev/full", O_WRONLY | O_CLOEXEC), -1};
    const struct {
        int fd, error;
    } cases[] = {{without_reader.ours, -EPIPE}, {without_peer.ours, -EPIPE}, {full.ours, -ENOSPC}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        proc_result result;
        assert_rc(proc_run(&result, CHILD_DOES("write", MUCH), PROC_OPTIONS(.out = PROC_CAPTURE_TEE(cases[i].fd))), 0);
        assert_int_equal(result.exit.kind, PROC_EXITED);
        assert_int_equal(result.exit.code, 0);
        assert_int_equal(result.out.len, MUCH_BYTES);
        assert_int_equal(result.out.error, 0);
        assert_rc(result.out.tee_error, cases[i].error);
        assert_rc(result.error, cases[i].error);
        assert_false(proc_result_ok(&result));
        proc_result_done(&result);
    }
    target_close(&without_reader);
    target_close(&without_peer);
    target_close(&full);
}

/* With a longer time each time, until the child has written, or ended, before that was over. */
static void run_at_full_target(proc_result *ret_result, const struct target *target, const char *bytes, int is_to_end)
{
    for (int time = 100;; time *= 2) {
        int64_t before = patience_now();
        assert_true(time < PATIENCE_MS);
        assert_rc(proc_run(ret_result, CHILD_DOES("write", bytes),
                           PROC_OPTIONS(.out = PROC_CAPTURE_TEE(target->ours), .timeout_ms = time,
                                        .stop = PROC_STOP_STEPS({SIGINT, PROC_ONE, -1}))), 0);
        assert_true(patience_now() - before < time + PATIENCE_MS);
        assert_true(ret_result->duration_ms >= time);
        if (is_to_end ? ret_result->exit.kind == PROC_EXITED : ret_result->out.total > 0)
            return;
        proc_result_done(ret_result);
    }
}

/* Little is written, and the child ends; or much, and it has to be stopped. Both cost the time, and no more. */
static void check_full(struct target target, int blocks)
{
    static const char *const bytes[] = {"1000", MUCH};
    if (!blocks)
        set_nonblocking(target.ours);
    fill(&target);
    for (int i = 0; i < 2; i++) {
        proc_result result;
        run_at_full_target(&result, &target, bytes[i], i == 0);
        assert_int_equal(result.timed_out, i);
        assert_int_equal(result.exit.kind, i ? PROC_SIGNALED : PROC_EXITED);
        assert_rc(result.out.tee_error, -ETIMEDOUT);
        assert_rc(result.error, -ETIMEDOUT);
        assert_int_equal(result.out.open, 0);
        assert_int_equal(result.out.len, result.out.total);
        assert_true(i || result.out.len == 1000);
        assert_pattern(result.out.data, result.out.len);
        proc_result_done(&result);
    }
    target_close(&target);
}

static void a_full_target_costs_the_time_and_nothing_that_is_kept(void **state)
{
    (void)state;
    for (int blocks = 0; blocks < 2; blocks++) {
        check_full(pipe_target(), blocks);
        check_full(socket_target(), blocks);
    }
}

static void a_terminal_that_nobody_reads_costs_no_more(void **state)
{
    (void)state;
    struct target target = terminal_target();
    if (target.ours < 0) {
        close(target.other);
        SKIP_TEST("no pseudoterminals here");
    }
    check_full(target, 1);
}

static void a_full_target_does_not_keep_a_cancelled_run(void **state)
{
    (void)state;
    struct target target = pipe_target(), cancel = pipe_target();
    fill(&target);
    assert_int_equal(write(cancel.ours, "!", 1), 1);
    proc_result result;
    assert_rc(proc_run(&result, CHILD_DOES("write-forever"),
                       PROC_OPTIONS(.out = PROC_CAPTURE_TEE(target.ours),
                                    .transfer = PROC_TRANSFER(.cancel_fd = &cancel.other))), 0);
    assert_int_equal(result.cancelled, 1);
    assert_int_equal(result.exit.kind, PROC_SIGNALED);
    proc_result_done(&result);
    target_close(&target);
    target_close(&cancel);
}

/* The child has much to say when it is asked to end, and the target takes the beginning of it. */
static void a_child_that_is_stopped_may_have_its_last_word(void **state)
{
    (void)state;
    struct target target = pipe_target(), cancel = pipe_target(), silent = pipe_target();
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("sh", "-c", "trap '\"$0\" write " MUCH "; exit 3' TERM; echo >&3; read l", CHILD),
                       PROC_OPTIONS(.in = PROC_FD(silent.other), .out = PROC_CAPTURE_TEE(target.ours),
                                    .fds = PROC_FDS({3, PROC_FD(cancel.ours)}),
                                    .stop = PROC_STOP_STEPS({SIGTERM, PROC_ONE, PATIENCE_MS}, {SIGKILL, PROC_ONE, -1}),
                                    .transfer = PROC_TRANSFER(.cancel_fd = &cancel.other))), 0);
    assert_int_equal(result.cancelled, 1);
    assert_int_equal(result.exit.kind, PROC_EXITED);
    assert_int_equal(result.exit.code, 3);
    assert_int_equal(result.out.len, MUCH_BYTES);
    assert_rc(result.out.tee_error, -ETIMEDOUT);
    proc_result_done(&result);
    target_close(&target);
    target_close(&cancel);
    target_close(&silent);
}

static void a_target_may_be_made_blocking_after_the_start(void **state)
{
    (void)state;
    struct target target = pipe_target();
    fill(&target);
    set_nonblocking(target.ours);
    proc_child *child = start(CHILD_DOES("print", "1", "hello"), PROC_OPTIONS(.out = PROC_CAPTURE_TEE(target.ours)));
    fcntl(target.ours, F_SETFL, fcntl(target.ours, F_GETFL) & ~O_NONBLOCK);
    assert_rc(proc_wait(child, -1, NULL), 0);
    proc_result result;
    while (proc_collect(child, 20, &result) == -ETIMEDOUT)
        ;
    assert_rc(result.out.tee_error, -ETIMEDOUT);
    assert_string_equal(result.out.data, "hello");
    proc_result_done(&result);
    proc_child_free(child);
    target_close(&target);
}

/* Our side of a terminal that a child has, say. */
static void the_master_of_a_terminal_is_a_target_too(void **state)
{
    (void)state;
    struct target target = terminal_target();
    if (target.ours < 0) {
        close(target.other);
        SKIP_TEST("no pseudoterminals here");
    }
    struct termios raw;
    assert_int_equal(tcgetattr(target.ours, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(target.ours, TCSANOW, &raw), 0);
    proc_result result;
    char text[20] = "";
    assert_rc(proc_run(&result, CHILD_DOES("print", "1", "hello"), PROC_OPTIONS(.out = PROC_CAPTURE_TEE(target.other))), 0);
    assert_true(proc_result_ok(&result));
    proc_result_done(&result);
    set_nonblocking(target.ours);
    assert_int_equal(read(target.ours, text, sizeof text), 5);
    assert_string_equal(text, "hello");
    set_nonblocking(target.ours);
    check_full((struct target){target.other, target.ours}, 1);
}

/* ---- Started children, and loops of others ---- */

static void a_collect_that_runs_out_of_time_loses_no_byte_of_the_tee(void **state)
{
    (void)state;
    struct target target = pipe_target();
    char byte[1 << 16];
    fill(&target);
    proc_child *child = start(CHILD_DOES("print", "1", "hello"),
                              PROC_OPTIONS(.out = PROC_CAPTURE_TEE(target.ours),
                                           .transfer = PROC_TRANSFER(.drain_ms = PATIENCE_MS)));
    proc_result result;
    assert_rc(proc_collect(child, 20, &result), -ETIMEDOUT);
    assert_rc(proc_wait(child, -1, NULL), 0);
    assert_rc(proc_collect(child, 0, &result), -ETIMEDOUT);
    assert_true(read(target.other, byte, sizeof byte) > 0);
    assert_rc(proc_collect(child, -1, &result), 0);
    assert_true(proc_result_ok(&result));
    assert_string_equal(result.out.data, "hello");
    proc_result_done(&result);
    proc_child_free(child);
    close(target.ours);
    char last[5] = "";
    for (ssize_t got; (got = read(target.other, byte, sizeof byte)) > 0;)
        memcpy(last, byte + (got < 5 ? 0 : got - 5), got < 5 ? (size_t)got : 5);
    assert_memory_equal(last, "hello", 5);
    close(target.other);
}

static int is_readable(int fd, int timeout_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    return poll(&one, 1, timeout_ms) == 1;
}

/* Pumps as a loop would. How often it was woken until it was quiet, or all was moved. */
static int pump_until_quiet(proc_child *child, int quiet_ms)
{
    int woken = 0, rc = 1;
    while (rc != 0 && is_readable(proc_pump_fd(child), quiet_ms) && woken < 1000) {
        rc = proc_pump(&child, 1, 0);
        woken++;
    }
    return woken;
}

static void a_loop_is_quiet_while_a_target_is_full(void **state)
{
    (void)state;
    struct target target = pipe_target();
    char bytes[1 << 16];
    fill(&target);
    proc_child *child = start(CHILD_DOES("print", "1", "hello"), PROC_OPTIONS(.out = PROC_CAPTURE_TEE(target.ours)));
    assert_true(is_readable(proc_pump_fd(child), PATIENCE_MS));
    /* Its hangup may wake once. */
    assert_rc(proc_wait(child, -1, NULL), 0);
    assert_true(pump_until_quiet(child, 30) <= 3);
    assert_false(is_readable(proc_pump_fd(child), 0));

    assert_true(read(target.other, bytes, sizeof bytes) > 0);
    assert_true(is_readable(proc_pump_fd(child), PATIENCE_MS));
    assert_true(pump_until_quiet(child, 0) < 10);
    assert_rc(proc_pump(&child, 1, 0), 0);
    proc_result result;
    assert_rc(proc_collect(child, 0, &result), 0);
    assert_true(proc_result_ok(&result));
    proc_result_done(&result);
    proc_child_free(child);
    target_close(&target);
}

static void the_descriptor_may_be_made_while_a_target_is_full(void **state)
{
    (void)state;
    struct target target = pipe_target();
    fill(&target);
    proc_child *child = start(CHILD_DOES("print", "1", "hello"), PROC_OPTIONS(.out = PROC_CAPTURE_TEE(target.ours)));
    assert_rc(proc_wait(child, -1, NULL), 0);
    assert_rc(proc_pump(&child, 1, -1), 1);
    assert_true(pump_until_quiet(child, 30) <= 1);
    proc_result result;
    assert_rc(proc_collect(child, 0, &result), -ETIMEDOUT);
    while (proc_collect(child, 20, &result) == -ETIMEDOUT)
        ;
    assert_rc(result.out.tee_error, -ETIMEDOUT);
    assert_string_equal(result.out.data, "hello");
    assert_int_equal(result.out.open, 0);
    proc_result_done(&result);
    proc_child_free(child);
    target_close(&target);
}

/* ---- What is refused ---- */

static void a_target_that_cannot_be_written_is_refused(void **state)
{
    (void)state;
    struct target target = pipe_target();
    int gone = fcntl(target.ours, F_DUPFD_CLOEXEC, 200);
    close(gone);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.out = PROC_CAPTURE_TEE(target.other)), -EBADF, PROC_STEP_FDS, 1,
                 "spawn \"true\": descriptor 1: the target of TEE is not open for writing");
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.out = PROC_CAPTURE_TEE(gone)), -EBADF, PROC_STEP_FDS, 1,
                 "spawn \"true\": descriptor 1: our descriptor for it is not open");
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.out = PROC_CAPTURE_TEE(-1)), -EINVAL, PROC_STEP_OPTIONS, 1,
                 "spawn \"true\": options \"TEE: the descriptor is negative\" for descriptor 1: Invalid argument");
    proc_stdio bytes = PROC_TEXT("x"), supply = PROC_SUPPLY(NULL, NULL);
    bytes.flags = PROC_STDIO_TEE;
    supply.flags |= PROC_STDIO_TEE;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.in = bytes), -ENOTSUP, PROC_STEP_OPTIONS, 0, NULL);
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.in = supply), -EINVAL, PROC_STEP_OPTIONS, 0, NULL);
    target_close(&target);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(a_file_gets_a_copy_of_what_is_captured),
        spawning_test(what_is_not_kept_is_copied_all_the_same),
        spawning_test(a_slow_target_gets_all_of_it),
        spawning_test(callbacks_have_a_tee_too),
        spawning_test(a_broken_target_is_told_and_nothing_kept_is_lost),
        spawning_test(a_full_target_costs_the_time_and_nothing_that_is_kept),
        spawning_test(a_terminal_that_nobody_reads_costs_no_more),
        spawning_test(a_full_target_does_not_keep_a_cancelled_run),
        spawning_test(a_child_that_is_stopped_may_have_its_last_word),
        spawning_test(a_target_may_be_made_blocking_after_the_start),
        spawning_test(the_master_of_a_terminal_is_a_target_too),
        spawning_test(a_collect_that_runs_out_of_time_loses_no_byte_of_the_tee),
        spawning_test(a_loop_is_quiet_while_a_target_is_full),
        spawning_test(the_descriptor_may_be_made_while_a_target_is_full),
        spawning_test(a_target_that_cannot_be_written_is_refused),
    };
    return run_suite("tee", tests, sizeof tests / sizeof tests[0], argc, argv);
}
