/* SPDX-License-Identifier: MIT */
/* Descriptors: above stdio, close-on-exec, nothing left behind; and the write that never raises SIGPIPE. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fd_table.h"

/* ---- Descriptors ---- */

static int is_cloexec(int fd)
{
    return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

/* With every subset of 0, 1, 2 closed. */
static int makes_descriptors_with_stdio_closed(void *arg)
{
    int closed = *(const int *)arg, ends[2];
    for (int fd = 0; fd < 3; fd++) {
        if (closed & 1 << fd)
            close(fd);
    }
    require_rc(proc__fd_pipe(ends), 0);
    require(ends[0] > 2 && ends[1] > 2);
    require(is_cloexec(ends[0]) && is_cloexec(ends[1]));
    require(write(ends[1], "x", 1) == 1);
    int fd = proc__fd_open("/dev/null", O_RDWR, 0);
    require(fd > 2 && is_cloexec(fd));
    for (int low = 0; low < 3; low++) {
        int is_open = fcntl(low, F_GETFD) >= 0, was_closed = closed >> low & 1;
        require(is_open + was_closed == 1);
    }
    return 0;
}

static void descriptors_are_above_stdio_and_close_on_exec(void **state)
{
    (void)state;
    for (int closed = 0; closed < 8; closed++)
        assert_in_fork(makes_descriptors_with_stdio_closed, &closed);
}

static void why_there_is_no_descriptor_is_not_forgotten(void **state)
{
    (void)state;
    assert_rc(proc__fd_above_stdio(-EMFILE), -EMFILE);
    assert_rc(proc__fd_above_stdio(-EPERM), -EPERM);
}

static int count_open(void)
{
    int open = 0;
    for (int fd = 0; fd < 1024; fd++)
        open += fcntl(fd, F_GETFD) >= 0;
    return open;
}

/* Stdin is closed, so that a low number is there; it then cannot be moved up. */
static int runs_out_of_descriptors(void *arg)
{
    struct rlimit limit;
    int ends[2] = {-7, -8};
    (void)arg;
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = 3;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    int before = count_open();
    int rc = proc__fd_open("/dev/null", O_RDONLY, 0);
    require(rc == -EMFILE || rc == -EINVAL);
    rc = proc__fd_pipe(ends);
    require(rc == -EMFILE || rc == -EINVAL);
    require(ends[0] == -7 && ends[1] == -8);
    require(count_open() == before);
    return 0;
}

static void without_a_free_number_nothing_is_left_behind(void **state)
{
    (void)state;
    assert_in_fork(runs_out_of_descriptors, NULL);
}

static void a_closed_descriptor_is_minus_one_and_errno_untouched(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), none = -1, bad = 1000000;
    (void)state;
    int copy = fd;
    errno = EDOM;
    proc__fd_close(&fd);
    proc__fd_close(&none);
    proc__fd_close(&bad);
    assert_int_equal(errno, EDOM);
    assert_int_equal(fd, -1);
    assert_int_equal(none, -1);
    assert_int_equal(bad, -1);
    assert_int_equal(fcntl(copy, F_GETFD), -1);
}

static void an_open_that_fails_says_why(void **state)
{
    (void)state;
    assert_rc(proc__fd_open("/no/such/file", O_RDONLY, 0), -ENOENT);
    assert_rc(proc__fd_open("/dev/null/x", O_RDONLY, 0), -ENOTDIR);
}

static void non_blocking_is_set_and_refused_for_no_descriptor(void **state)
{
    int ends[2];
    (void)state;
    assert_rc(proc__fd_pipe(ends), 0);
    assert_rc(proc__fd_nonblocking(ends[0]), 0);
    assert_true(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    assert_false(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
    char byte;
    assert_rc(proc__fd_read(ends[0], &byte, 1), -EAGAIN);
    proc__fd_close(&ends[0]);
    proc__fd_close(&ends[1]);
    assert_rc(proc__fd_nonblocking(-1), -EBADF);
    assert_rc(proc__fd_read(-1, &byte, 1), -EBADF);
}

/* ---- The quiet write ---- */

/* What runs twice, each time in a copy of us: with the kernel's flag, if it has it, and where a filter hides it. */
struct quiet {
    int without_flag;
    void (*body)(void);
};

/* pwritev2 is not there, whatever its flags. */
static void hide_the_flag(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwritev2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
}

static volatile sig_atomic_t sigpipes;

static void count_sigpipe(int number)
{
    (void)number;
    sigpipes = sigpipes + 1;
}

static int sigpipe_is(int (*ask)(sigset_t *set))
{
    sigset_t set;
    sigemptyset(&set);
    ask(&set);
    return sigismember(&set, SIGPIPE);
}

static int ask_mask(sigset_t *set)
{
    return pthread_sigmask(SIG_BLOCK, NULL, set);
}

static int writes_quietly(void *arg)
{
    const struct quiet *quiet = arg;
    const struct sigaction action = {.sa_handler = count_sigpipe};
    sigpipes = 0;
    require(sigaction(SIGPIPE, &action, NULL) == 0);
    if (quiet->without_flag)
        hide_the_flag();
    quiet->body();
    return 0;
}

static void check_quiet(void (*body)(void))
{
    for (int without_flag = 0; without_flag < 2; without_flag++) {
        struct quiet quiet = {without_flag, body};
        assert_in_fork(writes_quietly, &quiet);
    }
}

static void make_broken_pipe(int ends[2])
{
    require_rc(proc__fd_pipe(ends), 0);
    proc__fd_close(&ends[0]);
}

static void break_a_pipe(void)
{
    int ends[2];
    make_broken_pipe(ends);
    for (int i = 0; i < 3; i++)
        require_rc(proc__fd_write_quietly(ends[1], "x", 1), -EPIPE);
    require(sigpipes == 0);
    require(!sigpipe_is(sigpending));
    require(!sigpipe_is(ask_mask));
}

static void writing_to_a_broken_pipe_raises_no_signal(void **state)
{
    (void)state;
    check_quiet(break_a_pipe);
}

static void break_a_socket(void)
{
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    close(ends[0]);
    require_rc(proc__fd_write_quietly(ends[1], "x", 1), -EPIPE);
    require(sigpipes == 0);
    require(!sigpipe_is(sigpending));
}

static void writing_to_a_broken_socket_raises_no_signal(void **state)
{
    (void)state;
    check_quiet(break_a_socket);
}

static void block_sigpipe(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void break_a_pipe_with_sigpipe_blocked(void)
{
    int ends[2];
    block_sigpipe();
    make_broken_pipe(ends);
    require_rc(proc__fd_write_quietly(ends[1], "x", 1), -EPIPE);
    require(!sigpipe_is(sigpending));
    require(sigpipe_is(ask_mask));
    require(sigpipes == 0);
}

static void a_mask_that_blocks_sigpipe_stays_as_it_is(void **state)
{
    (void)state;
    check_quiet(break_a_pipe_with_sigpipe_blocked);
}

static void break_a_pipe_with_one_pending(int (*send)(void))
{
    int ends[2];
    block_sigpipe();
    require(send() == 0);
    make_broken_pipe(ends);
    require_rc(proc__fd_write_quietly(ends[1], "x", 1), -EPIPE);
    require(sigpipe_is(sigpending));
    require(sigpipe_is(ask_mask));
    require(sigpipes == 0);
}

static int send_to_thread(void)
{
    return pthread_kill(pthread_self(), SIGPIPE);
}

static int send_to_process(void)
{
    return kill(getpid(), SIGPIPE);
}

static void break_with_one_pending_for_the_thread(void)
{
    break_a_pipe_with_one_pending(send_to_thread);
}

static void break_with_one_pending_for_the_process(void)
{
    break_a_pipe_with_one_pending(send_to_process);
}

static void a_sigpipe_that_was_pending_stays_pending(void **state)
{
    (void)state;
    check_quiet(break_with_one_pending_for_the_thread);
    check_quiet(break_with_one_pending_for_the_process);
}

/* Ours must go even if one for the process is there: it would be delivered to this thread twice otherwise. */
static void break_with_one_for_the_process_then_unblock(void)
{
    sigset_t set;
    break_with_one_pending_for_the_process();
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    require(!sigpipe_is(sigpending));
    if (sigpipes != 1)
        complain("one SIGPIPE was sent by somebody, %d arrived", (int)sigpipes);
}

static void a_pending_sigpipe_of_the_process_arrives_once(void **state)
{
    (void)state;
    check_quiet(break_with_one_for_the_process_then_unblock);
}

static void write_where_all_is_well(void)
{
    char bytes[8] = "", *directory = directory_make(), *path = path_in(directory, "file");
    int ends[2], pair[2];
    require_rc(proc__fd_pipe(ends), 0);
    require_rc(proc__fd_write_quietly(ends[1], "pipe", 4), 4);
    require(read(ends[0], bytes, sizeof bytes) == 4 && memcmp(bytes, "pipe", 4) == 0);
    require_rc(proc__fd_write_quietly(ends[1], "", 0), 0);

    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    require_rc(proc__fd_write_quietly(pair[1], "sock", 4), 4);
    require(read(pair[0], bytes, sizeof bytes) == 4 && memcmp(bytes, "sock", 4) == 0);

    int file = proc__fd_open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    require_rc(proc__fd_write_quietly(file, "one", 3), 3);
    require_rc(proc__fd_write_quietly(file, "two", 3), 3);
    char *text = file_read(path);
    require(strcmp(text, "onetwo") == 0);
    require_rc(proc__fd_write_quietly(-1, "x", 1), -EBADF);
    free(text);
    free(path);
    directory_remove(directory);
}

static void pipes_sockets_and_files_take_what_is_written(void **state)
{
    (void)state;
    check_quiet(write_where_all_is_well);
}

static void fill_a_pipe(void)
{
    static const char block[65536];
    int ends[2];
    int64_t done;
    require_rc(proc__fd_pipe(ends), 0);
    require_rc(proc__fd_nonblocking(ends[1]), 0);
    while ((done = proc__fd_write_quietly(ends[1], block, sizeof block)) > 0)
        ;
    require_rc(done, -EAGAIN);
    require_rc(proc__fd_write_quietly(ends[0], "x", 1), -EBADF);
    require(!sigpipe_is(ask_mask));
}

static void a_full_pipe_says_so(void **state)
{
    (void)state;
    check_quiet(fill_a_pipe);
}

/* ---- All of them ---- */

/* What is taken away for it: nothing, close_range(2), /proc as well. */
enum without { NOTHING, CLOSE_RANGE, LISTS };

static int closes_others(void *arg)
{
    const enum without *without = arg;
    const struct rlimit limit = {1000, 1000};
    int keep[] = {900, 2, -1, 0, 5, 1, 5};
    for (int fd = 3; fd < 9; fd++)
        require(dup2(STDIN_FILENO, fd) == fd);
    require(dup2(STDIN_FILENO, 900) == 900 && dup2(STDIN_FILENO, 901) == 901);
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (*without >= CLOSE_RANGE && deny_call(SYS_close_range, ENOSYS) < 0)
        return 77;
    if (*without >= LISTS && deny_call(SYS_openat, EACCES) < 0)
        return 77;
    require_rc(proc__fd_close_others(keep, sizeof keep / sizeof keep[0]), 0);
    for (int fd = 0; fd < 1000; fd++)
        require(proc__fd_is_open(fd) == (fd < 3 || fd == 5 || fd == 900));
    return 0;
}

static void all_descriptors_but_a_few_are_closed_in_every_way(void **state)
{
    (void)state;
    for (enum without without = NOTHING; without <= LISTS; without++) {
        struct verdict verdict;
        run_in_fork(&verdict, closes_others, &without, PATIENCE_MS);
        if (verdict.code == 77)
            SKIP_TEST("no filter can be set here");
        if (verdict.code != 0)
            fail_msg("%d: %s", (int)without, verdict.text);
    }
}

static void a_number_is_made_what_a_descriptor_is(void **state)
{
    (void)state;
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    assert_rc(proc__fd_put(fd, 50), 0);
    assert_int_equal(fcntl(50, F_GETFD), 0);
    assert_rc(proc__fd_put(-1, 50), -EBADF);
    close(50);
    close(fd);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_are_above_stdio_and_close_on_exec),
        cmocka_unit_test(why_there_is_no_descriptor_is_not_forgotten),
        cmocka_unit_test(without_a_free_number_nothing_is_left_behind),
        cmocka_unit_test(a_closed_descriptor_is_minus_one_and_errno_untouched),
        cmocka_unit_test(an_open_that_fails_says_why),
        cmocka_unit_test(non_blocking_is_set_and_refused_for_no_descriptor),
        machine_test(all_descriptors_but_a_few_are_closed_in_every_way),
        cmocka_unit_test(a_number_is_made_what_a_descriptor_is),
        cmocka_unit_test(writing_to_a_broken_pipe_raises_no_signal),
        cmocka_unit_test(writing_to_a_broken_socket_raises_no_signal),
        cmocka_unit_test(a_mask_that_blocks_sigpipe_stays_as_it_is),
        cmocka_unit_test(a_sigpipe_that_was_pending_stays_pending),
        cmocka_unit_test(a_pending_sigpipe_of_the_process_arrives_once),
        cmocka_unit_test(pipes_sockets_and_files_take_what_is_written),
        cmocka_unit_test(a_full_pipe_says_so),
    };
    return run_suite("fd", tests, sizeof tests / sizeof tests[0], argc, argv);
}
