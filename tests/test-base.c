/* SPDX-License-Identifier: MIT */
/* The floor: clock and deadlines, error lines, words for steps and ends, descriptors above stdio, the quiet write. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <proc/base.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/exit.h"
#include "base/fd.h"

/* ---- What this is, and where it runs ---- */

static void the_version_is_that_of_the_headers(void **state)
{
    (void)state;
    assert_int_equal(proc_version(), 10000 * PROC_VERSION_MAJOR + 100 * PROC_VERSION_MINOR + PROC_VERSION_PATCH);
}

static void a_feature_is_there_or_not_and_an_unknown_one_is_refused(void **state)
{
    (void)state;
    for (int feature = 0; feature < 64; feature++) {
        int rc = proc_has(feature);
        assert_true(rc == 0 || rc == 1 || rc == -EINVAL);
    }
    assert_rc(proc_has(0), -EINVAL);
    assert_rc(proc_has(-1), -EINVAL);
    assert_rc(proc_has(INT_MAX), -EINVAL);
}

/* What a profile takes away is gone for proc_has() as well. */
static void features_follow_the_profile(void **state)
{
    (void)state;
    const char *profile = getenv("PROC_TEST_PROFILE");
    if (!profile)
        SKIP_TEST("needs a profile: meson test --setup old_kernel, sandbox or no_pidfd");
    if (strcmp(profile, "no-pidfd") == 0) {
        assert_rc(proc_has(PROC_FEATURE_PIDFD), 0);
        return;
    }
    assert_rc(proc_has(PROC_FEATURE_PIDFD), 1);
    assert_rc(proc_has(PROC_FEATURE_CLONE3), 0);
    assert_rc(proc_has(PROC_FEATURE_CLOSE_RANGE), 0);
    assert_rc(proc_has(PROC_FEATURE_EXIT_INFO), 0);
    assert_rc(proc_has(PROC_FEATURE_GROUP_SIGNAL), 0);
    assert_rc(proc_has(PROC_FEATURE_NOSIGNAL_WRITE), 0);
}

/* ---- Clock and deadlines ---- */

static void the_clock_is_the_monotonic_one(void **state)
{
    (void)state;
    int64_t before = patience_now();
    int64_t now = proc_now_ms();
    int64_t after = patience_now();
    assert_true(before <= now && now <= after);
}

static void a_deadline_of_zero_has_passed_and_a_negative_one_never_comes(void **state)
{
    (void)state;
    assert_true(proc__deadline_passed(proc__deadline_in(0)));
    assert_int_equal(proc__deadline_ms(proc__deadline_in(0)), 0);
    assert_true(proc__deadline_in(-1) == DEADLINE_NEVER);
    assert_true(proc__deadline_in(INT_MIN) == DEADLINE_NEVER);
    assert_false(proc__deadline_passed(DEADLINE_NEVER));
    assert_int_equal(proc__deadline_ms(DEADLINE_NEVER), -1);
}

static void a_deadline_is_rounded_up_and_never_longer_than_asked(void **state)
{
    (void)state;
    for (int ms = 1; ms < 100000; ms = ms * 3 + 1) {
        int left = proc__deadline_ms(proc__deadline_in(ms));
        assert_true(left <= ms && left >= 0);
    }
    int most = proc__deadline_ms(proc__deadline_in(INT_MAX));
    assert_true(most > INT_MAX - 60000 && most <= INT_MAX);
    assert_int_equal(proc__deadline_ms(DEADLINE_NEVER - 1), INT_MAX);
}

static void the_earlier_deadline_wins(void **state)
{
    (void)state;
    assert_true(proc__deadline_min(3, 5) == 3);
    assert_true(proc__deadline_min(DEADLINE_NEVER, 5) == 5);
    assert_true(proc__deadline_min(DEADLINE_NEVER, DEADLINE_NEVER) == DEADLINE_NEVER);
}

static void count_alarm(int number)
{
    (void)number;
}

/* Signals that come all the time neither end the poll nor make it longer. */
static int polls_under_a_storm(void *arg)
{
    (void)arg;
    const struct sigaction action = {.sa_handler = count_alarm};
    const struct itimerspec often = {{0, 1000000}, {0, 1000000}};
    timer_t timer;
    int ends[2];
    sigaction(SIGALRM, &action, NULL);
    require(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0);
    require(pipe(ends) == 0);
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    int64_t start = patience_now();
    require(proc__poll(&ready, 1, proc__deadline_in(50)) == 0);
    require(patience_now() - start >= 49);
    require(patience_now() - start < PATIENCE_MS / 2);
    return 0;
}

static void a_poll_keeps_its_deadline_under_a_storm_of_signals(void **state)
{
    (void)state;
    assert_in_fork(polls_under_a_storm, NULL);
}

static void a_poll_tells_what_is_ready(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    assert_rc(proc__poll(&ready, 1, proc__deadline_in(0)), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_rc(proc__poll(&ready, 1, DEADLINE_NEVER), 1);
    close(ends[0]);
    close(ends[1]);
}

/* ---- Errors ---- */

static proc_error rendered(const char *verb, const char *thing, int step, int code, int index, const char *argument)
{
    struct failure failure;
    proc_error error;
    memset(&error, 0x55, sizeof error);
    assert_rc(proc__fail(&failure, step, code, index, argument), -code);
    proc__error_render(&error, verb, thing, &failure);
    return error;
}

static void an_error_names_the_step_and_the_thing(void **state)
{
    (void)state;
    proc_error error = rendered("spawn", "grep", PROC_STEP_CWD, ENOENT, -1, "/nope");
    assert_string_equal(error.text, "spawn \"grep\": chdir \"/nope\": No such file or directory");
    assert_int_equal(error.step, PROC_STEP_CWD);
    assert_int_equal(error.code, ENOENT);
    assert_int_equal(error.index, -1);
    assert_int_equal(error.changed, 0);

    error = rendered("spawn", "grep", PROC_STEP_FDS, EBADF, 7, NULL);
    assert_string_equal(error.text, "spawn \"grep\": descriptor 7: Bad file descriptor");
    error = rendered("run", NULL, PROC_STEP_MEMORY, ENOMEM, -1, NULL);
    assert_string_equal(error.text, "run: memory: Cannot allocate memory");
}

static void nobody_who_wants_no_error_gets_one(void **state)
{
    (void)state;
    struct failure failure = {.code = EIO};
    proc__error_render(NULL, "spawn", "x", &failure);
}

static void names_are_escaped_so_that_a_line_stays_a_line(void **state)
{
    (void)state;
    proc_error error = rendered("spawn", "a\nb\t\"\\\x7f", PROC_STEP_EXEC, EACCES, 0, "\x1b[31m");
    assert_string_equal(error.text,
                        "spawn \"a\\x0ab\\x09\\x22\\x5c\\x7f\": exec \"\\x1b[31m\": Permission denied");
    error = rendered("spawn", "gr\xc3\xbcn", PROC_STEP_EXEC, EACCES, 0, NULL);
    assert_contains(error.text, "gr\xc3\xbcn");
}

static void long_names_are_cut_in_the_middle(void **state)
{
    char name[5000];
    (void)state;
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = (char)('a' + i % 26);
    name[sizeof name - 1] = '\0';
    memcpy(name, "HEAD", 4);
    memcpy(name + sizeof name - 5, "TAIL", 4);
    proc_error error = rendered("spawn", name, PROC_STEP_CWD, ENAMETOOLONG, -1, name);
    assert_contains(error.text, "\"HEAD");
    assert_contains(error.text, "...");
    assert_contains(error.text, "TAIL\"");
    assert_contains(error.text, ": File name too long");
}

static int is_one_line(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return 0;
    }
    return 1;
}

/* Names of every length around the cut, plain and escaped, with every reason there is. */
static void an_error_always_fits_and_keeps_its_reason(void **state)
{
    char name[200], reason[100];
    (void)state;
    for (int code = 1; code < 134; code++) {
        for (size_t len = 0; len < 160; len += code == 1 ? 1 : 31) {
            for (int plain = 0; plain < 2; plain++) {
                memset(name, plain ? 'x' : '\n', len);
                name[len] = '\0';
                proc_error error = rendered("pipeline", name, PROC_STEP_GROUP, code, 0, name);
                assert_non_null(memchr(error.text, '\0', sizeof error.text));
                assert_true(is_one_line(error.text));
                snprintf(reason, sizeof reason, ": %s", strerror(code));
                assert_contains(error.text, reason);
            }
        }
    }
}

/* A name of UTF-8 letters is not cut into halves of letters. */
static int is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        int more = *at < 0x80 ? 0 : *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : *at >= 0xc2 ? 1 : -1;
        if (more < 0)
            return 0;
        for (at++; more > 0; more--, at++) {
            if ((*at & 0xc0) != 0x80)
                return 0;
        }
    }
    return 1;
}

static void a_cut_does_not_split_a_letter(void **state)
{
    char name[400] = "";
    (void)state;
    for (int i = 0; i < 60; i++)
        strcat(name, "\xe2\x82\xac"); /* the euro sign */
    for (int shift = 0; shift < 3; shift++) {
        proc_error error = rendered("spawn", name, PROC_STEP_EXEC, ENOENT, -1, NULL);
        assert_true(is_utf8(error.text));
        strcat(name, "x");
        memmove(name + 1, name, strlen(name) + 1);
        name[0] = 'x';
    }
}

static void every_step_has_a_word(void **state)
{
    static const int steps[] = {
        PROC_STEP_NONE,  PROC_STEP_OPTIONS, PROC_STEP_MEMORY, PROC_STEP_SEARCH, PROC_STEP_OPEN,   PROC_STEP_PIPE,
        PROC_STEP_CLONE, PROC_STEP_SESSION, PROC_STEP_GROUP,  PROC_STEP_CWD,    PROC_STEP_FDS,    PROC_STEP_GROUPS,
        PROC_STEP_GID,   PROC_STEP_UID,     PROC_STEP_CLOSE,  PROC_STEP_SIGNALS, PROC_STEP_EXEC};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_string_not_equal(proc_step_name(steps[i]), "unknown step");
        assert_true(proc_step_name(steps[i])[0] != '\0');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(proc_step_name(steps[i]), proc_step_name(steps[k]));
    }
    assert_string_equal(proc_step_name(-1), "unknown step");
    assert_string_equal(proc_step_name(INT_MAX), "unknown step");
    assert_string_equal(proc_step_name(PROC_STEP_CWD), "chdir");
}

static void a_text_is_cut_as_snprintf_does(void **state)
{
    char text[8] = "xxxxxxx";
    (void)state;
    assert_int_equal(proc__text_out("twelve bytes", text, 4), 12);
    assert_string_equal(text, "twe");
    assert_int_equal(proc__text_out("twelve bytes", NULL, 0), 12);
}

/* ---- Ends ---- */

static void check_end(proc_exit end, const char *text, int shell, int ok)
{
    char said[80];
    assert_int_equal(proc_exit_text(&end, said, sizeof said), strlen(text));
    assert_string_equal(said, text);
    assert_int_equal(proc_exit_shell(&end), shell);
    assert_int_equal(proc_exit_ok(&end), ok);
}

static void ends_are_put_into_words(void **state)
{
    (void)state;
    check_end((proc_exit){.kind = PROC_EXITED, .code = 0}, "exited with 0", 0, 1);
    check_end((proc_exit){.kind = PROC_EXITED, .code = 137}, "exited with 137", 137, 0);
    check_end((proc_exit){.kind = PROC_SIGNALED, .code = SIGKILL}, "killed by SIGKILL", 137, 0);
    check_end((proc_exit){.kind = PROC_SIGNALED, .code = SIGSEGV, .core = 1}, "killed by SIGSEGV (core dumped)", 139, 0);
    check_end((proc_exit){.kind = PROC_SIGNALED, .code = 40}, "killed by signal 40", 168, 0);
    check_end((proc_exit){.kind = PROC_RUNNING}, "still running", 255, 0);
    check_end((proc_exit){.kind = PROC_EXITED_UNREAPED}, "ended, not reaped yet", 255, 0);
    check_end((proc_exit){.kind = PROC_LOST}, "ended, status lost", 255, 0);
}

static void what_is_no_end_is_refused(void **state)
{
    char text[8] = "same";
    const proc_exit strange = {.kind = 77}, good = {.kind = PROC_EXITED};
    (void)state;
    assert_rc(proc_exit_text(NULL, text, sizeof text), -EINVAL);
    assert_rc(proc_exit_text(&strange, text, sizeof text), -EINVAL);
    assert_rc(proc_exit_text(&good, NULL, 5), -EINVAL);
    assert_string_equal(text, "same");
    assert_int_equal(proc_exit_shell(NULL), 255);
    assert_int_equal(proc_exit_ok(NULL), 0);
    assert_int_equal(proc_exit_text(&good, NULL, 0), strlen("exited with 0"));
}

/* The kernel's two ways of telling are asked of real children. */
static void check_decoding(const char *verb, const char *argument, int kind, int code)
{
    siginfo_t info = {0};
    struct outside ran;
    pid_t pid = fork();
    if (pid == 0) {
        execl(CHILD, CHILD, verb, argument, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
    proc_exit end = proc__exit_from_siginfo(info.si_code, info.si_status);
    assert_int_equal(end.kind, kind);
    assert_int_equal(end.code, code);
    ran = outside_run((const char *[]){CHILD, verb, argument, NULL});
    end = proc__exit_from_status(ran.status);
    assert_int_equal(end.kind, kind);
    assert_int_equal(end.code, code);
    assert_int_equal(end.core, 0);
    outside_done(&ran);
}

static void an_end_is_decoded_from_both_tales_of_the_kernel(void **state)
{
    (void)state;
    check_decoding("exit", "0", PROC_EXITED, 0);
    check_decoding("exit", "255", PROC_EXITED, 255);
    check_decoding("kill", "15", PROC_SIGNALED, SIGTERM);
    check_decoding("kill", "9", PROC_SIGNALED, SIGKILL);
    check_decoding("kill", "64", PROC_SIGNALED, 64);
    proc_exit dumped = proc__exit_from_siginfo(CLD_DUMPED, SIGABRT);
    assert_true(dumped.kind == PROC_SIGNALED && dumped.core == 1 && dumped.code == SIGABRT);
    dumped = proc__exit_from_status(SIGABRT | 0x80);
    assert_true(dumped.kind == PROC_SIGNALED && dumped.core == 1 && dumped.code == SIGABRT);
}

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

/* ---- The quiet write: once with the kernel's flag, if it has it, once without, in a copy under the old-kernel answers
 * that a filter of our own gives. ---- */

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

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_that_of_the_headers),
        cmocka_unit_test(a_feature_is_there_or_not_and_an_unknown_one_is_refused),
        cmocka_unit_test(features_follow_the_profile),
        cmocka_unit_test(the_clock_is_the_monotonic_one),
        cmocka_unit_test(a_deadline_of_zero_has_passed_and_a_negative_one_never_comes),
        cmocka_unit_test(a_deadline_is_rounded_up_and_never_longer_than_asked),
        cmocka_unit_test(the_earlier_deadline_wins),
        cmocka_unit_test(a_poll_keeps_its_deadline_under_a_storm_of_signals),
        cmocka_unit_test(a_poll_tells_what_is_ready),
        cmocka_unit_test(an_error_names_the_step_and_the_thing),
        cmocka_unit_test(nobody_who_wants_no_error_gets_one),
        cmocka_unit_test(names_are_escaped_so_that_a_line_stays_a_line),
        cmocka_unit_test(long_names_are_cut_in_the_middle),
        cmocka_unit_test(an_error_always_fits_and_keeps_its_reason),
        cmocka_unit_test(a_cut_does_not_split_a_letter),
        cmocka_unit_test(every_step_has_a_word),
        cmocka_unit_test(a_text_is_cut_as_snprintf_does),
        cmocka_unit_test(ends_are_put_into_words),
        cmocka_unit_test(what_is_no_end_is_refused),
        cmocka_unit_test(an_end_is_decoded_from_both_tales_of_the_kernel),
        cmocka_unit_test(descriptors_are_above_stdio_and_close_on_exec),
        cmocka_unit_test(without_a_free_number_nothing_is_left_behind),
        cmocka_unit_test(a_closed_descriptor_is_minus_one_and_errno_untouched),
        cmocka_unit_test(an_open_that_fails_says_why),
        cmocka_unit_test(non_blocking_is_set_and_refused_for_no_descriptor),
        cmocka_unit_test(writing_to_a_broken_pipe_raises_no_signal),
        cmocka_unit_test(writing_to_a_broken_socket_raises_no_signal),
        cmocka_unit_test(a_mask_that_blocks_sigpipe_stays_as_it_is),
        cmocka_unit_test(a_sigpipe_that_was_pending_stays_pending),
        cmocka_unit_test(a_pending_sigpipe_of_the_process_arrives_once),
        cmocka_unit_test(pipes_sockets_and_files_take_what_is_written),
        cmocka_unit_test(a_full_pipe_says_so),
    };
    return run_suite("base", tests, sizeof tests / sizeof tests[0], argc, argv);
}
