/* SPDX-License-Identifier: MIT */
/* Being told: what is heard and from whom, and all that may arrive beside. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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

#include "base/pidfd.h"

#define SOON_MS PATIENCE_MS
#define NOBODY 65534

static proc_notify_server *server;

static int open_server(void **state)
{
    (void)state;
    return proc_notify_server_new(&server, NULL);
}

static int open_server_and_start(void **state)
{
    needs_pidfds(state);
    return open_server(state);
}

static int close_server(void **state)
{
    (void)state;
    server = proc_notify_server_free(server);
    return 0;
}

/* Sends bytes and descriptors to the server by a plain socket. 0 or the errno. */
static int tell(const void *data, size_t size, const int *fds, size_t count)
{
    const char *name = strchr(proc_notify_server_env(server), '=') + 1;
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    union {
        char bytes[CMSG_SPACE(253 * sizeof(int))];
        struct cmsghdr aligned;
    } control = {0};
    memcpy(where.sun_path, name, strlen(name));
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] == '/'));
    if (name[0] == '@')
        where.sun_path[0] = '\0';
    struct iovec part = {(void *)(uintptr_t)data, size};
    struct msghdr message = {.msg_name = &where, .msg_namelen = len, .msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int error = sendmsg(fd, &message, MSG_DONTWAIT) < 0 ? errno : 0;
    close(fd);
    return error;
}

#define TELL(text) assert_int_equal(tell(text, strlen(text), NULL, 0), 0)

static proc_notify_message heard(const proc_child *child)
{
    proc_notify_message message;
    memset(&message, 0x55, sizeof message);
    assert_rc(proc_notify_server_receive(server, child, SOON_MS, &message), 0);
    return message;
}

/* The next message says that, and is done with. */
#define assert_heard(text) check_heard((text), __FILE__, __LINE__)
static void check_heard(const char *text, const char *file, int line)
{
    proc_notify_message message = heard(NULL);
    if (message.text.len != strlen(text) || memcmp(message.text.data, text, message.text.len) != 0)
        _fail(file, line);
    proc_notify_message_done(&message);
}

static void check_silence(const proc_child *child, const char *file, int line)
{
    proc_notify_message message, untouched;
    memset(&untouched, 0x55, sizeof untouched);
    message = untouched;
    check_rc(proc_notify_server_receive(server, child, 0, &message), -ETIMEDOUT, "receive", file, line);
    assert_memory_equal(&message, &untouched, sizeof message);
}
#define assert_silence(child) check_silence((child), __FILE__, __LINE__)

static proc_child *start_service(const char *const argv[])
{
    return start(argv, PROC_OPTIONS(.out = PROC_PIPE, .env_edit = PROC_ENV(proc_notify_server_env(server))));
}

static int same_process(int pidfd, int pid)
{
    proc_identity a, b;
    return proc_identity_get(PROC_PIDFD(pidfd), &a) == 0 && proc_identity_get(PROC_PID(pid), &b) == 0 &&
           proc_identity_same(&a, &b);
}

/* ---- What is said ---- */

static void a_message_says_what_it_says(void **state)
{
    (void)state;
    TELL("READY=1\nSTATUS=up \xff=\x1b[m\nMAINPID=x\nSTATUS=second\nX=1");
    proc_notify_message message = heard(NULL);
    assert_int_equal(message.what, PROC_NOTIFY_READY | PROC_NOTIFY_STATUS);
    assert_int_equal(message.status.len, strlen("up \xff=\x1b[m"));
    assert_memory_equal(message.status.data, "up \xff=\x1b[m", message.status.len);
    assert_int_equal(message.main_pid, 0);
    proc_span value;
    assert_rc(proc_notify_value(message.text, "X", &value), 0);
    assert_int_equal(value.len, 1);
    assert_rc(proc_notify_value(message.text, "Y", &value), -ENOENT);
    assert_rc(proc_notify_value(message.text, "", &value), -EINVAL);
    assert_rc(proc_notify_value(message.text, NULL, &value), -EINVAL);
    proc_notify_message_done(&message);
    proc_notify_message_done(&message);
    proc_notify_message_done(NULL);

    TELL("RELOADING=1\nMONOTONIC_USEC=123456789012\n");
    message = heard(NULL);
    assert_int_equal(message.what, PROC_NOTIFY_RELOADING);
    assert_true(message.reloading_us == UINT64_C(123456789012));
    proc_notify_message_done(&message);

    TELL("STOPPING=1\nWATCHDOG=1\nEXTEND_TIMEOUT_USEC=5000000");
    message = heard(NULL);
    assert_int_equal(message.what, PROC_NOTIFY_STOPPING | PROC_NOTIFY_WATCHDOG | PROC_NOTIFY_EXTEND);
    assert_true(message.extend_us == 5000000);
    proc_notify_message_done(&message);

    TELL("WATCHDOG=trigger");
    message = heard(NULL);
    assert_int_equal(message.what, PROC_NOTIFY_TRIGGER);
    proc_notify_message_done(&message);

    TELL("READY=0\nWATCHDOG=\nSTOPPING=10\nBARRIER=1\nready=1");
    message = heard(NULL);
    assert_int_equal(message.what, 0);
    proc_notify_message_done(&message);
}

static void the_sender_is_who_the_kernel_says(void **state)
{
    (void)state;
    TELL("READY=1");
    proc_notify_message message = heard(NULL);
    assert_int_equal(message.sender, getpid());
    assert_int_equal(message.uid, getuid());
    if (proc_has(PROC_FEATURE_PEER_PIDFD) == 1) {
        assert_true(message.sender_fd > 2);
        assert_true(same_process(message.sender_fd, getpid()));
        assert_int_equal(fcntl(message.sender_fd, F_GETFD), FD_CLOEXEC);
    } else {
        assert_int_equal(message.sender_fd, -1);
    }
    proc_notify_message_done(&message);
    assert_int_equal(message.sender_fd, -1);
    assert_null(message.owned);
}

static void our_own_verbs_are_understood(void **state)
{
    (void)state;
    putenv((char *)(uintptr_t)proc_notify_server_env(server));
    assert_rc(proc_notify_ready(), 1);
    assert_rc(proc_notify_reloading(), 1);
    assert_rc(proc_notify_main_pid(getpid()), 1);
    assert_rc(proc_notify_barrier(0), -ETIMEDOUT);
    unsetenv("NOTIFY_SOCKET");
    uint32_t expected[] = {PROC_NOTIFY_READY, PROC_NOTIFY_RELOADING, PROC_NOTIFY_MAIN_PID, PROC_NOTIFY_BARRIER};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        proc_notify_message message = heard(NULL);
        assert_int_equal(message.what, expected[i]);
        proc_notify_message_done(&message);
    }
    assert_silence(NULL);
}

/* ---- Who may speak ---- */

static void with_a_child_only_its_tree_is_heard(void **state)
{
    (void)state;
    proc_child *one = start_service(CHILD_DOES("tell-and-stay", "STATUS=one"));
    proc_child *below = start_service(CHILD_DOES("tell-below", "STATUS=below"));
    char pid[16], speaker[16];
    snprintf(pid, sizeof pid, "%s", said(one));
    snprintf(speaker, sizeof speaker, "%s", said(below));
    TELL("STATUS=us");
    proc_notify_message message = heard(below);
    assert_int_equal(message.sender, atoi(speaker));
    assert_int_equal(message.status.len, 5);
    proc_notify_message_done(&message);
    assert_silence(below);

    proc_child *again = start_service(CHILD_DOES("tell-and-stay", "STATUS=again"));
    said(again);
    message = heard(again);
    assert_int_equal(message.sender, proc_child_pid(again));
    proc_notify_message_done(&message);
    assert_int_equal(atoi(pid), proc_child_pid(one));
    kill(atoi(speaker), SIGKILL);
    proc_child_free(one);
    proc_child_free(below);
    proc_child_free(again);
}

static void who_has_lost_the_way_up_is_not_of_the_tree(void **state)
{
    (void)state;
    proc_child *child = start_service(CHILD_DOES("tell-orphaned"));
    int orphan = atoi(said(child));
    assert_silence(child);
    kill(orphan, SIGKILL);
    proc_child_free(child);
}

/* By its pidfd; where that has no inode of its own, it is forgotten. */
static void a_child_is_heard_after_its_end(void **state)
{
    (void)state;
    proc_child *child = start_service(CHILD_DOES("tell", "STATUS=last words"));
    assert_ends(child, PROC_EXITED, 0);
    if (proc__pidfd_inode(proc_child_fd(child)) != 0 && proc_has(PROC_FEATURE_PEER_PIDFD) == 1) {
        proc_notify_message message = heard(child);
        assert_int_equal(message.what, PROC_NOTIFY_STATUS);
        proc_notify_message_done(&message);
    } else {
        assert_silence(child);
    }
    proc_child_free(child);
}

static int speaks_as_nobody(void *arg)
{
    (void)arg;
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return 77;
    return tell("READY=1", 7, NULL, 0);
}

static void another_user_is_not_heard(void **state)
{
    struct verdict verdict;
    (void)state;
    run_in_fork(&verdict, speaks_as_nobody, NULL, PATIENCE_MS);
    if (verdict.code == 77)
        SKIP_TEST("only root can be somebody else");
    assert_int_equal(verdict.code, 0);
    assert_silence(NULL);
    TELL("READY=1");
    assert_heard("READY=1");
}

static int hears_without_pidfds(void *arg)
{
    proc_notify_message message;
    (void)arg;
    if (deny_call_if(SYS_setsockopt, 2, 0x0c, ENOPROTOOPT) < 0) /* SO_PASSPIDFD has one of these bits */
        return 77;
    require_rc(proc_has(PROC_FEATURE_PEER_PIDFD), 0);
    require_rc(proc_notify_server_new(&server, NULL), 0);
    require(tell("READY=1", 7, NULL, 0) == 0);
    require_rc(proc_notify_server_receive(server, NULL, SOON_MS, &message), 0);
    require(message.sender == getpid() && message.sender_fd == -1 && message.uid == getuid());
    proc_notify_message_done(&message);
    if (!pidfds_work())
        return 0;
    proc_child *child = start_service(CHILD_DOES("tell-and-stay", "READY=1"));
    proc_child *stranger = start_service(CHILD_DOES("tell-and-stay", "READY=1"));
    said(stranger);
    said(child);
    require_rc(proc_notify_server_receive(server, child, SOON_MS, &message), 0);
    require(message.sender == proc_child_pid(child));
    proc_notify_message_done(&message);
    require_rc(proc_notify_server_receive(server, child, 0, &message), -ETIMEDOUT);
    proc_child_free(child);
    proc_child_free(stranger);
    return 0;
}

static void without_pidfds_the_ids_have_to_do(void **state)
{
    struct verdict verdict;
    (void)state;
    run_in_fork(&verdict, hears_without_pidfds, NULL, PATIENCE_MS);
    if (verdict.code == 77)
        SKIP_TEST("no filter can be set here");
    if (verdict.code != 0)
        fail_msg("%s", verdict.text);
}

/* ---- The main process ---- */

static void check_main_pid(const char *whose, int by_child, int believed)
{
    proc_child *child = start_service(CHILD_DOES("tell-main-pid", whose));
    int pid = atoi(said(child));
    proc_notify_message message = heard(by_child ? child : NULL);
    assert_int_equal(message.what, PROC_NOTIFY_MAIN_PID);
    assert_int_equal(message.main_pid, believed ? pid : 0);
    assert_int_equal(message.main_fd >= 0, believed && proc_has(PROC_FEATURE_PIDFD) == 1);
    if (message.main_fd >= 0)
        assert_true(same_process(message.main_fd, pid));
    proc_notify_message_done(&message);
    if (strcmp(whose, "child") == 0)
        kill(pid, SIGKILL);
    proc_child_free(child);
}

static void a_main_process_is_believed_only_inside_the_tree(void **state)
{
    (void)state;
    for (int by_child = 0; by_child < 2; by_child++) {
        check_main_pid("own", by_child, 1);
        check_main_pid("child", by_child, 1);
        check_main_pid("parent", by_child, 0);
        check_main_pid("1", by_child, 0);
        check_main_pid("2147483647", by_child, 0);
        check_main_pid("thread", by_child, 0);
    }
}

/* And what there is to ask then, /proc, shows a thread under its id as well. */
static int hears_of_a_thread_without_pidfds(void *arg)
{
    proc_notify_message message;
    (void)arg;
    if (deny_call(SYS_pidfd_open, ENOSYS) < 0)
        return 77;
    require_rc(proc_notify_server_new(&server, NULL), 0);
    for (int is_thread = 0; is_thread < 2; is_thread++) {
        proc_child *child = start_service(CHILD_DOES("tell-main-pid", is_thread ? "thread" : "own"));
        const int pid = atoi(said(child));
        require_rc(proc_notify_server_receive(server, child, SOON_MS, &message), 0);
        require(message.main_pid == (is_thread ? 0 : pid) && message.main_fd == -1);
        proc_notify_message_done(&message);
        proc_child_free(child);
    }
    proc_notify_server_free(server);
    return 0;
}

static void a_thread_is_no_main_process_even_where_no_pidfd_can_tell(void **state)
{
    struct verdict verdict;
    (void)state;
    run_in_fork(&verdict, hears_of_a_thread_without_pidfds, NULL, PATIENCE_MS);
    if (verdict.code == 77)
        SKIP_TEST("no filter can be set here");
    if (verdict.code != 0)
        fail_msg("%s", verdict.text);
}

/* ---- Barriers ---- */

static int is_closed(int read_end)
{
    struct pollfd end = {.fd = read_end};
    return poll(&end, 1, 0) == 1 && end.revents & POLLHUP;
}

static void a_barrier_is_held_until_its_message_is_done(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    TELL("STATUS=before");
    assert_int_equal(tell("BARRIER=1", 9, &ends[1], 1), 0);
    close(ends[1]);
    assert_heard("STATUS=before");
    proc_notify_message message = heard(NULL);
    assert_int_equal(message.what, PROC_NOTIFY_BARRIER);
    assert_true(message.barrier_fd > 2);
    assert_false(is_closed(ends[0]));
    proc_notify_message_done(&message);
    assert_true(is_closed(ends[0]));
    close(ends[0]);
}

static void a_barrier_comes_alone_and_with_one_descriptor(void **state)
{
    static const char *const texts[] = {"BARRIER=1\nREADY=1", "BARRIER=1", "READY=1"};
    int ends[2];
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        const int both[] = {ends[1], ends[1]};
        assert_int_equal(tell(texts[i], strlen(texts[i]), both, 2), 0);
        close(ends[1]);
        proc_notify_message message = heard(NULL);
        assert_false(message.what & PROC_NOTIFY_BARRIER);
        assert_int_equal(message.barrier_fd, -1);
        assert_true(is_closed(ends[0]));
        proc_notify_message_done(&message);
        close(ends[0]);
    }
}

/* ---- What may arrive beside ---- */

static void what_is_no_message_is_forgotten(void **state)
{
    char huge[8192];
    (void)state;
    memset(huge, 'x', sizeof huge);
    assert_int_equal(tell(huge, sizeof huge, NULL, 0), 0);
    assert_int_equal(tell(huge, 4097, NULL, 0), 0);
    assert_int_equal(tell("READY=1\0STATUS=", 15, NULL, 0), 0);
    assert_int_equal(tell("\0\0", 2, NULL, 0), 0);
    assert_silence(NULL);
    /* Just as long as a message may be; with a terminator; and without anything. */
    assert_int_equal(tell(huge, 4096, NULL, 0), 0);
    proc_notify_message message = heard(NULL);
    assert_int_equal(message.text.len, 4096);
    proc_notify_message_done(&message);
    assert_int_equal(tell("READY=1", 8, NULL, 0), 0);
    assert_heard("READY=1");
    assert_int_equal(tell("", 0, NULL, 0), 0);
    message = heard(NULL);
    assert_int_equal(message.what, 0);
    assert_int_equal(message.text.len, 0);
    proc_notify_message_done(&message);
}

static void descriptors_that_come_along_are_closed(void **state)
{
    int ends[2], many[253];
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    for (size_t i = 0; i < 253; i++)
        many[i] = ends[1];
    assert_int_equal(tell("FDSTORE=1", 9, many, 253), 0);
    assert_int_equal(tell("READY=1\0", 9, many, 253), 0);
    close(ends[1]);
    proc_notify_message message = heard(NULL);
    assert_int_equal(message.barrier_fd, -1);
    assert_silence(NULL);
    assert_true(is_closed(ends[0]));
    proc_notify_message_done(&message);
    close(ends[0]);
}

/* So that not all of what is sent finds a number, nor does the sender's pidfd. Its ids are told all the same. */
static int hears_with_few_numbers(void *arg)
{
    struct rlimit limit;
    int many[253];
    proc_notify_message message;
    (void)arg;
    require_rc(proc_notify_server_new(&server, NULL), 0);
    for (size_t i = 0; i < 253; i++)
        many[i] = STDIN_FILENO;
    require(tell("STATUS=crowded", 14, many, 253) == 0);
    struct world *before = world_take();
    require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlim_t many_numbers = limit.rlim_cur;
    limit.rlim_cur = 20;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    require_rc(proc_notify_server_receive(server, NULL, SOON_MS, &message), 0);
    require(message.what == PROC_NOTIFY_STATUS && message.sender == getpid());
    proc_notify_message_done(&message);
    limit.rlim_cur = many_numbers;
    require(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    char differences[200] = "";
    struct world *after = world_take();
    if (world_compare(before, after, differences, sizeof differences) != 0)
        complain("%s", differences);
    world_free(before);
    world_free(after);
    server = proc_notify_server_free(server);
    return 0;
}

static void a_full_table_of_descriptors_leaks_none(void **state)
{
    (void)state;
    assert_in_fork(hears_with_few_numbers, NULL);
}

static void a_flood_of_strangers_ends_with_the_time(void **state)
{
    (void)state;
    proc_child *child = start_child("sleep", "forever");
    proc_notify_message message;
    pid_t flood = fork();
    if (flood == 0)
        for (;;)
            if (tell("READY=1", 7, NULL, 0) != 0)
                patience_rest();
    int64_t start = patience_now();
    assert_rc(proc_notify_server_receive(server, child, 300, &message), -ETIMEDOUT);
    assert_rc(proc_notify_server_receive(server, child, 0, &message), -ETIMEDOUT);
    assert_true(patience_now() - start < PATIENCE_MS / 2);
    kill(flood, SIGKILL);
    waitpid(flood, NULL, 0);
    proc_child_free(child);
}

/* ---- The place ---- */

static void the_descriptor_is_readable_when_something_was_said(void **state)
{
    struct pollfd said_something = {.fd = proc_notify_server_fd(server), .events = POLLIN};
    (void)state;
    assert_true(said_something.fd > 2);
    assert_int_equal(fcntl(said_something.fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(poll(&said_something, 1, 0), 0);
    TELL("READY=1");
    assert_int_equal(poll(&said_something, 1, PATIENCE_MS), 1);
    assert_heard("READY=1");
    assert_int_equal(poll(&said_something, 1, 0), 0);
}

static void a_file_is_made_and_removed_if_it_is_still_ours(void **state)
{
    proc_notify_server *second = (void *)-1;
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "socket"), *moved = path_in(directory, "moved");
    assert_rc(proc_notify_server_new(&server, path), 0);
    assert_rc(proc_notify_server_new(&second, path), -EADDRINUSE);
    assert_ptr_equal(second, (void *)-1);
    TELL("READY=1");
    assert_heard("READY=1");
    server = proc_notify_server_free(server);
    assert_int_equal(access(path, F_OK), -1);

    assert_rc(proc_notify_server_new(&server, path), 0);
    assert_int_equal(rename(path, moved), 0);
    file_write(path, "not a socket");
    server = proc_notify_server_free(server);
    assert_int_equal(access(path, F_OK), 0);
    free(path);
    free(moved);
    directory_remove(directory);
}

static void what_is_no_path_is_refused(void **state)
{
    char path[110];
    proc_notify_server *none = (void *)-1;
    (void)state;
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[108] = '\0';
    assert_rc(proc_notify_server_new(&none, path), -ENAMETOOLONG);
    assert_rc(proc_notify_server_new(&none, "relative"), -EINVAL);
    assert_rc(proc_notify_server_new(&none, "@abstract"), -EINVAL);
    assert_rc(proc_notify_server_new(&none, ""), -EINVAL);
    assert_rc(proc_notify_server_new(&none, "/"), -EINVAL);
    assert_rc(proc_notify_server_new(&none, "/nowhere/at/all"), -ENOENT);
    assert_rc(proc_notify_server_new(NULL, NULL), -EINVAL);
    assert_ptr_equal(none, (void *)-1);
}

static void bad_arguments_are_refused(void **state)
{
    proc_notify_message message;
    (void)state;
    assert_rc(proc_notify_server_receive(NULL, NULL, 0, &message), -EINVAL);
    assert_rc(proc_notify_server_receive(server, NULL, 0, NULL), -EINVAL);
    assert_rc(proc_notify_server_receive(server, NULL, -2, &message), -EINVAL);
    assert_rc(proc_notify_server_fd(NULL), -EINVAL);
    assert_null(proc_notify_server_env(NULL));
    assert_null(proc_notify_server_free(NULL));
}

static int is_a_copy(void *arg)
{
    proc_notify_message message;
    require_rc(proc_notify_server_receive(server, NULL, 0, &message), -ECHILD);
    server = proc_notify_server_free(server);
    require(access(arg, F_OK) == 0);
    return 0;
}

static void a_forked_copy_neither_reads_nor_removes(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "socket");
    assert_rc(proc_notify_server_new(&server, path), 0);
    TELL("READY=1");
    assert_in_fork(is_a_copy, path);
    assert_heard("READY=1");
    server = proc_notify_server_free(server);
    free(path);
    directory_remove(directory);
}

static int opens_without_stdio(void *arg)
{
    (void)arg;
    proc_notify_message message;
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    if (proc_notify_server_new(&server, NULL) < 0 || proc_notify_server_fd(server) < 3)
        return 1;
    if (tell("READY=1", 7, NULL, 0) != 0 || proc_notify_server_receive(server, NULL, SOON_MS, &message) < 0)
        return 2;
    int low = message.sender_fd >= 0 && message.sender_fd < 3;
    proc_notify_message_done(&message);
    proc_notify_server_free(server);
    return low ? 3 : 0;
}

static void what_arrives_is_above_stdio(void **state)
{
    (void)state;
    assert_in_fork(opens_without_stdio, NULL);
}

#define served_test(test) cmocka_unit_test_setup_teardown(test, open_server, close_server)
#define starting_test(test) cmocka_unit_test_setup_teardown(test, open_server_and_start, close_server)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        served_test(a_message_says_what_it_says),
        served_test(the_sender_is_who_the_kernel_says),
        served_test(our_own_verbs_are_understood),
        starting_test(with_a_child_only_its_tree_is_heard),
        starting_test(who_has_lost_the_way_up_is_not_of_the_tree),
        starting_test(a_child_is_heard_after_its_end),
        served_test(another_user_is_not_heard),
        cmocka_unit_test(without_pidfds_the_ids_have_to_do),
        starting_test(a_main_process_is_believed_only_inside_the_tree),
        spawning_test(a_thread_is_no_main_process_even_where_no_pidfd_can_tell),
        served_test(a_barrier_is_held_until_its_message_is_done),
        served_test(a_barrier_comes_alone_and_with_one_descriptor),
        served_test(what_is_no_message_is_forgotten),
        served_test(descriptors_that_come_along_are_closed),
        machine_test(a_full_table_of_descriptors_leaks_none),
        starting_test(a_flood_of_strangers_ends_with_the_time),
        served_test(the_descriptor_is_readable_when_something_was_said),
        cmocka_unit_test(a_file_is_made_and_removed_if_it_is_still_ours),
        cmocka_unit_test(what_is_no_path_is_refused),
        served_test(bad_arguments_are_refused),
        cmocka_unit_test(a_forked_copy_neither_reads_nor_removes),
        machine_test(what_arrives_is_above_stdio),
    };
    return run_suite("notify-server", tests, sizeof tests / sizeof tests[0], argc, argv);
}
