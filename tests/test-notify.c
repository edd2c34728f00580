/* SPDX-License-Identifier: MIT */
/* What a service tells: heard here by a plain socket, as a supervisor has it that does not know this library. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/notify.h>

/* ---- A supervisor ---- */

static int ear = -1;
static char *ear_path;

static int listen_at(const char *name, size_t len)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    memcpy(where.sun_path, name, len);
    ear = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return bind(ear, (struct sockaddr *)&where, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

static int open_ear(void **state)
{
    char name[64], variable[64];
    (void)state;
    int len = snprintf(name, sizeof name, "@proc-test-notify-%d", (int)getpid());
    memcpy(variable, name, sizeof variable);
    name[0] = '\0';
    if (listen_at(name, (size_t)len) < 0)
        return -1;
    return setenv("NOTIFY_SOCKET", variable, 1);
}

static int close_ear(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    close(ear);
    ear = -1;
    return 0;
}

/* The next message, with up to `room` descriptors; "" if there is none. */
static const char *heard_with(int *ret_fds, size_t room, size_t *ret_count)
{
    static char text[8192];
    union {
        char bytes[CMSG_SPACE(253 * sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec part = {text, sizeof text - 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t len = recvmsg(ear, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    text[len < 0 ? 0 : len] = '\0';
    *ret_count = 0;
    struct cmsghdr *header = len < 0 ? NULL : CMSG_FIRSTHDR(&message);
    for (; header; header = CMSG_NXTHDR(&message, header)) {
        *ret_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        assert_true(*ret_count <= room);
        memcpy(ret_fds, CMSG_DATA(header), *ret_count * sizeof(int));
    }
    return text;
}

static const char *heard(void)
{
    size_t count;
    return heard_with(NULL, 0, &count);
}

/* ---- Verbs ---- */

static void each_verb_says_its_assignment(void **state)
{
    (void)state;
    assert_rc(proc_notify_ready(), 1);
    assert_string_equal(heard(), "READY=1");
    assert_rc(proc_notify_status("warm = 100 %"), 1);
    assert_string_equal(heard(), "STATUS=warm = 100 %");
    assert_rc(proc_notify_status(""), 1);
    assert_string_equal(heard(), "STATUS=");
    assert_rc(proc_notify_stopping(), 1);
    assert_string_equal(heard(), "STOPPING=1");
    assert_rc(proc_notify_watchdog(), 1);
    assert_string_equal(heard(), "WATCHDOG=1");
    assert_rc(proc_notify_extend(INT_MAX), 1);
    assert_string_equal(heard(), "EXTEND_TIMEOUT_USEC=2147483647000");
    assert_rc(proc_notify_main_pid(123), 1);
    assert_string_equal(heard(), "MAINPID=123");
    assert_rc(proc_notify_unstore("door"), 1);
    assert_string_equal(heard(), "FDSTOREREMOVE=1\nFDNAME=door");
    assert_rc(proc_notify("READY=1\nX_a9=b=c\n"), 1);
    assert_string_equal(heard(), "READY=1\nX_a9=b=c\n");
    assert_string_equal(heard(), "");
}

static void a_reload_says_when_it_began(void **state)
{
    long long us = 0, before = patience_now();
    int len = 0;
    (void)state;
    assert_rc(proc_notify_reloading(), 1);
    const char *text = heard();
    assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%lld%n", &us, &len), 1);
    assert_int_equal(len, strlen(text));
    assert_true(before <= us / 1000 && us / 1000 <= patience_now());
}

static void where_nobody_listens_every_verb_says_so(void **state)
{
    int fd = STDIN_FILENO;
    (void)state;
    for (int empty = 0; empty < 2; empty++) {
        if (empty)
            setenv("NOTIFY_SOCKET", "", 1);
        else
            unsetenv("NOTIFY_SOCKET");
        assert_rc(proc_notify("READY=1"), 0);
        assert_rc(proc_notify_ready(), 0);
        assert_rc(proc_notify_status("x"), 0);
        assert_rc(proc_notify_reloading(), 0);
        assert_rc(proc_notify_stopping(), 0);
        assert_rc(proc_notify_watchdog(), 0);
        assert_rc(proc_notify_extend(1), 0);
        assert_rc(proc_notify_main_pid(1), 0);
        assert_rc(proc_notify_barrier(-1), 0);
        assert_rc(proc_notify_store(NULL, &fd, 1), 0);
        assert_rc(proc_notify_unstore("x"), 0);
    }
    unsetenv("NOTIFY_SOCKET");
}

static void what_would_be_another_assignment_is_refused(void **state)
{
    static const char *const bad[] = {"", "READY", "=1", "READY=1\n\nSTATUS=", "RE ADY=1", "STATUS=a\nb", "\nREADY=1"};
    char long_name[257];
    int fd = STDIN_FILENO;
    (void)state;
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[256] = '\0';
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_rc(proc_notify(bad[i]), -EINVAL);
    assert_rc(proc_notify(NULL), -EINVAL);
    assert_rc(proc_notify_status(NULL), -EINVAL);
    assert_rc(proc_notify_status("fine\nREADY=1"), -EINVAL);
    assert_rc(proc_notify_extend(0), -EINVAL);
    assert_rc(proc_notify_main_pid(0), -EINVAL);
    assert_rc(proc_notify_barrier(-2), -EINVAL);
    assert_rc(proc_notify_unstore(NULL), -EINVAL);
    assert_rc(proc_notify_store("a\nREADY=1", &fd, 1), -EINVAL);
    assert_rc(proc_notify_store("a:b", &fd, 1), -EINVAL);
    assert_rc(proc_notify_store("\xc3\xa4", &fd, 1), -EINVAL);
    assert_rc(proc_notify_store("", &fd, 1), -EINVAL);
    assert_rc(proc_notify_store(long_name, &fd, 1), -EINVAL);
    assert_rc(proc_notify_store(long_name + 1, &fd, 1), 1);
    assert_rc(proc_notify_store("a", NULL, 1), -EINVAL);
    assert_rc(proc_notify_store("a", &fd, 0), -EINVAL);
    assert_rc(proc_notify_store("a", &fd, 254), -EINVAL);
    size_t count;
    int got;
    assert_string_equal(strchr(heard_with(&got, 1, &count), '\n') + strlen("\nFDNAME="), long_name + 1);
    close(got);
    assert_string_equal(heard(), "");
}

static void more_than_a_supervisor_reads_is_refused(void **state)
{
    char text[4098];
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "STATUS=", 7);
    text[4097] = '\0';
    assert_rc(proc_notify(text), -EMSGSIZE);
    assert_rc(proc_notify_status(text + 7), -EMSGSIZE);
    text[4096] = '\0';
    assert_rc(proc_notify(text), 1);
    assert_string_equal(heard(), text);
    assert_rc(proc_notify_status(text + 7), 1);
    assert_string_equal(heard(), text);
}

/* ---- Addresses ---- */

static void what_is_no_address_is_refused(void **state)
{
    static const struct {
        const char *name;
        int rc;
    } cases[] = {
        {"vsock:2:1234", -EAFNOSUPPORT}, {"vsock-stream:2:1234", -EAFNOSUPPORT}, {"relative", -EINVAL},
        {"/", -EINVAL},                  {"@", -EINVAL},                         {"3", -EINVAL},
        {"/dev/null/x", -ENOTDIR},       {"/nowhere/at/all", -ENOENT},           {"@nobody-is-here", -ECONNREFUSED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("NOTIFY_SOCKET", cases[i].name, 1);
        assert_rc(proc_notify_ready(), cases[i].rc);
        assert_rc(proc_notify_barrier(1000), cases[i].rc);
    }
    unsetenv("NOTIFY_SOCKET");
}

/* The longest that fit, and one byte more: 108 for an abstract name with its '@', 107 for a path. */
static void addresses_have_their_full_length(void **state)
{
    char name[110];
    (void)state;
    memset(name, 'n', sizeof name);
    name[0] = '\0';
    assert_int_equal(listen_at(name, 108), 0);
    name[0] = '@';
    name[108] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_rc(proc_notify_ready(), 1);
    assert_string_equal(heard(), "READY=1");
    name[108] = 'n';
    name[109] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_rc(proc_notify_ready(), -ENAMETOOLONG);
    name[0] = '/';
    name[108] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_rc(proc_notify_ready(), -ENAMETOOLONG);
    name[107] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_rc(proc_notify_ready(), -ENOENT);
}

static void what_is_no_such_socket_is_refused(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "socket"), *loop = path_in(directory, "loop");
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    memcpy(where.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(listen(fd, 1), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    assert_rc(proc_notify_ready(), -EPROTOTYPE);
    assert_int_equal(symlink(loop, loop), 0);
    setenv("NOTIFY_SOCKET", loop, 1);
    assert_rc(proc_notify_ready(), -ELOOP);
    unsetenv("NOTIFY_SOCKET");
    close(fd);
    free(loop);
    free(path);
    directory_remove(directory);
}

static void a_path_is_an_address_too(void **state)
{
    (void)state;
    char *directory = directory_make();
    ear_path = path_in(directory, "socket");
    assert_int_equal(listen_at(ear_path, strlen(ear_path) + 1), 0);
    setenv("NOTIFY_SOCKET", ear_path, 1);
    assert_rc(proc_notify_ready(), 1);
    assert_string_equal(heard(), "READY=1");
    close(ear);
    ear = -1;
    assert_rc(proc_notify_ready(), -ECONNREFUSED);
    unlink(ear_path);
    assert_rc(proc_notify_ready(), -ENOENT);
    unsetenv("NOTIFY_SOCKET");
    free(ear_path);
    directory_remove(directory);
}

static void a_supervisor_that_does_not_read_holds_nobody_for_ever(void **state)
{
    int rc, told = 0;
    (void)state;
    int64_t start = patience_now();
    while ((rc = proc_notify_status("again")) == 1)
        told++;
    assert_rc(rc, -ETIMEDOUT);
    assert_true(told > 0);
    assert_true(patience_now() - start >= 4900);
    while (told-- > 0)
        assert_string_equal(heard(), "STATUS=again");
    assert_rc(proc_notify_ready(), 1);
    assert_string_equal(heard(), "READY=1");
}

/* ---- Descriptors and barriers ---- */

static void stored_descriptors_arrive_with_their_name(void **state)
{
    int ends[2], got[3];
    size_t count;
    struct stat sent, received;
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_rc(proc_notify_store("pipe", (const int[]){ends[0], ends[1], ends[0]}, 3), 1);
    assert_string_equal(heard_with(got, 3, &count), "FDSTORE=1\nFDNAME=pipe");
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(fstat(ends[0], &sent) == 0 && fstat(got[i], &received) == 0);
        assert_true(sent.st_ino == received.st_ino && sent.st_dev == received.st_dev);
        close(got[i]);
    }
    assert_rc(proc_notify_store(NULL, ends, 1), 1);
    assert_string_equal(heard_with(got, 1, &count), "FDSTORE=1");
    close(got[0]);
    close(ends[0]);
    close(ends[1]);
    assert_rc(proc_notify_store("closed", ends, 1), -EBADF);
    assert_string_equal(heard(), "");
}

static int hears_a_barrier(void *arg)
{
    char byte;
    size_t count;
    int fd, *told = arg;
    struct pollfd said = {.fd = ear, .events = POLLIN};
    if (poll(&said, 1, PATIENCE_MS) != 1 || strcmp(heard_with(&fd, 1, &count), "BARRIER=1") != 0 || count != 1)
        return 1;
    /* Not before it is told to: until then the other side waits. */
    if (read(told[0], &byte, 1) != 1)
        return 2;
    close(fd);
    return 0;
}

static void a_barrier_waits_until_the_supervisor_has_come_to_it(void **state)
{
    int told[2], status;
    (void)state;
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    int pid = fork();
    if (pid == 0)
        leave(hears_a_barrier(told));
    assert_rc(proc_notify_barrier(100), -ETIMEDOUT);
    assert_int_equal(write(told[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    pid = fork();
    if (pid == 0)
        leave(hears_a_barrier(told));
    assert_int_equal(write(told[1], "x", 1), 1);
    assert_rc(proc_notify_barrier(-1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(told[0]);
    close(told[1]);
}

/* So many messages that no other one finds room. */
static void fill_the_ear(void)
{
    struct sockaddr_un where;
    socklen_t size = sizeof where;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(getsockname(ear, (struct sockaddr *)&where, &size), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&where, size), 0);
    while (send(fd, "X=1", 3, MSG_DONTWAIT) == 3)
        ;
    assert_int_equal(errno, EAGAIN);
    close(fd);
}

static void a_barrier_that_finds_no_room_keeps_its_time(void **state)
{
    (void)state;
    fill_the_ear();
    int64_t start = patience_now();
    assert_rc(proc_notify_barrier(50), -ETIMEDOUT);
    assert_rc(proc_notify_barrier(0), -ETIMEDOUT);
    assert_true(patience_now() - start < 4900);
}

static void a_line_feed_is_readiness_too(void **state)
{
    int ends[2];
    char byte;
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_rc(proc_notify_newline(ends[1]), 0);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(byte, '\n');
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    assert_rc(proc_notify_newline(-1), -EINVAL);
    assert_rc(proc_notify_newline(ends[1]), -EBADF);
    /* Without a reader there is no signal, and it is closed all the same. */
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    assert_rc(proc_notify_newline(ends[1]), -EPIPE);
}

/* ---- What is handed to us ---- */

static void set_pid(const char *variable, int pid)
{
    char number[16];
    snprintf(number, sizeof number, "%d", pid);
    setenv(variable, number, 1);
}

static int finds_its_sockets(void *arg)
{
    char name[8];
    (void)arg;
    for (int fd = 3; fd < 6; fd++)
        require(dup2(STDIN_FILENO, fd) == fd);
    set_pid("LISTEN_PID", getpid());
    require_rc(proc_listen_fds(), 0);
    setenv("LISTEN_FDS", "3", 1);
    require_rc(proc_listen_name(3, name, sizeof name), 7);
    require(strcmp(name, "unknown") == 0);
    setenv("LISTEN_FDNAMES", "http:a-long-name", 1);
    require_rc(proc_listen_fds(), 3);
    for (int fd = 3; fd < 6; fd++)
        require(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    require_rc(proc_listen_name(3, name, sizeof name), 4);
    require(strcmp(name, "http") == 0);
    require_rc(proc_listen_name(4, name, sizeof name), 11);
    require(strcmp(name, "a-long-") == 0);
    require_rc(proc_listen_name(4, NULL, 0), 11);
    require_rc(proc_listen_name(5, name, sizeof name), -ENOENT);
    require_rc(proc_listen_name(6, name, sizeof name), -ENOENT);
    require_rc(proc_listen_name(2, name, sizeof name), -ENOENT);
    require_rc(proc_listen_name(3, NULL, 1), -EINVAL);
    return 0;
}

static void sockets_that_are_handed_over_are_found_by_number_and_name(void **state)
{
    (void)state;
    assert_in_fork(finds_its_sockets, NULL);
}

static int takes_only_its_own(void *arg)
{
    static const char *const bad[] = {"x", "-1", "1x", " 1", "18446744073709551616", "2147483648"};
    (void)arg;
    require(dup2(STDIN_FILENO, 3) == 3);
    close(4);
    setenv("LISTEN_FDS", "1", 1);
    require_rc(proc_listen_fds(), 0);
    set_pid("LISTEN_PID", getppid());
    require_rc(proc_listen_fds(), 0);
    require(fcntl(3, F_GETFD) == 0);
    set_pid("LISTEN_PID", getpid());
    require_rc(proc_listen_fds(), 1);
    fcntl(3, F_SETFD, 0);
    setenv("LISTEN_FDS", "2", 1);
    require_rc(proc_listen_fds(), -EBADF);
    require(fcntl(3, F_GETFD) == 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setenv("LISTEN_FDS", bad[i], 1);
        require_rc(proc_listen_fds(), -EINVAL);
        require_rc(proc_listen_name(3, NULL, 0), -EINVAL);
    }
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", "1e3", 1);
    require_rc(proc_listen_fds(), -EINVAL);
    return 0;
}

static void sockets_for_another_process_are_not_taken(void **state)
{
    (void)state;
    assert_in_fork(takes_only_its_own, NULL);
}

static int knows_itself_by_its_inode(void *arg)
{
    char number[32];
    struct stat about;
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    (void)arg;
    if (pidfd < 0 || fstat(pidfd, &about) < 0)
        return 77;
    proc_identity self;
    if (proc_identity_get(PROC_SELF, &self) < 0 || self.inode == 0)
        return 77;
    set_pid("LISTEN_PID", getpid());
    setenv("LISTEN_FDS", "1", 1);
    require(dup2(STDIN_FILENO, 3) == 3);
    snprintf(number, sizeof number, "%llu", (unsigned long long)self.inode);
    setenv("LISTEN_PIDFDID", number, 1);
    require_rc(proc_listen_fds(), 1);
    snprintf(number, sizeof number, "%llu", (unsigned long long)self.inode - 1);
    setenv("LISTEN_PIDFDID", number, 1);
    require_rc(proc_listen_fds(), 0);
    setenv("LISTEN_PIDFDID", "?", 1);
    require_rc(proc_listen_fds(), -EINVAL);
    return 0;
}

static void a_later_process_with_our_pid_is_told_by_its_inode(void **state)
{
    struct verdict verdict;
    (void)state;
    run_in_fork(&verdict, knows_itself_by_its_inode, NULL, PATIENCE_MS);
    if (verdict.code == 77)
        SKIP_TEST("this kernel gives pidfds no inodes of their own");
    if (verdict.code != 0)
        fail_msg("%s", verdict.text);
}

static int asks_for_the_watchdog(void *arg)
{
    static const struct {
        const char *us;
        int ms;
    } cases[] = {{"1", 1},     {"999", 1},        {"30000000", 30000}, {"18446744073709551615", INT_MAX},
                 {"", 0},      {"0", -EINVAL},    {"x", -EINVAL},      {"-5", -EINVAL}};
    (void)arg;
    require_rc(proc_notify_watchdog_ms(), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("WATCHDOG_USEC", cases[i].us, 1);
        require_rc(proc_notify_watchdog_ms(), cases[i].ms);
    }
    setenv("WATCHDOG_USEC", "5000", 1);
    set_pid("WATCHDOG_PID", getpid());
    require_rc(proc_notify_watchdog_ms(), 5);
    set_pid("WATCHDOG_PID", getppid());
    require_rc(proc_notify_watchdog_ms(), 0);
    setenv("WATCHDOG_PID", "me", 1);
    require_rc(proc_notify_watchdog_ms(), -EINVAL);
    return 0;
}

static void the_watchdog_says_how_often_and_to_whom(void **state)
{
    (void)state;
    assert_in_fork(asks_for_the_watchdog, NULL);
}

#define heard_test(test) cmocka_unit_test_setup_teardown(test, open_ear, close_ear)
#define silent_test(test) cmocka_unit_test_setup_teardown(test, NULL, close_ear)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        heard_test(each_verb_says_its_assignment),
        heard_test(a_reload_says_when_it_began),
        cmocka_unit_test(where_nobody_listens_every_verb_says_so),
        heard_test(what_would_be_another_assignment_is_refused),
        heard_test(more_than_a_supervisor_reads_is_refused),
        cmocka_unit_test(what_is_no_address_is_refused),
        silent_test(addresses_have_their_full_length),
        cmocka_unit_test(what_is_no_such_socket_is_refused),
        cmocka_unit_test(a_path_is_an_address_too),
        heard_test(a_supervisor_that_does_not_read_holds_nobody_for_ever),
        heard_test(stored_descriptors_arrive_with_their_name),
        heard_test(a_barrier_waits_until_the_supervisor_has_come_to_it),
        heard_test(a_barrier_that_finds_no_room_keeps_its_time),
        cmocka_unit_test(a_line_feed_is_readiness_too),
        cmocka_unit_test(sockets_that_are_handed_over_are_found_by_number_and_name),
        cmocka_unit_test(sockets_for_another_process_are_not_taken),
        cmocka_unit_test(a_later_process_with_our_pid_is_told_by_its_inode),
        cmocka_unit_test(the_watchdog_says_how_often_and_to_whom),
    };
    unsetenv("NOTIFY_SOCKET");
    return run_suite("notify", tests, sizeof tests / sizeof tests[0], argc, argv);
}
