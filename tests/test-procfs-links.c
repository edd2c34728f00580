/* SPDX-License-Identifier: MIT */
/*
 * Links, namespaces, descriptors, threads and children, and the ways to a /proc: made here, and found again.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "started.h"

#include <proc/procfs.h>

/* ---- Links ---- */

static void our_program_and_directories_are_told(void **state)
{
    (void)state;
    char told[4096], expected[4096];
    int deleted = 7;
    int64_t len = proc_link_read(PROC_SELF, PROC_LINK_CWD, told, sizeof told, &deleted);
    assert_non_null(getcwd(expected, sizeof expected));
    assert_string_equal(told, expected);
    assert_true(len == (int64_t)strlen(expected) && deleted == 0);
    len = proc_link_read(PROC_SELF, PROC_LINK_EXE, told, sizeof told, NULL);
    assert_non_null(strstr(told, "test-procfs-links"));
    assert_true(proc_link_read(PROC_SELF, PROC_LINK_EXE, NULL, 0, NULL) == len);
    assert_true(proc_link_read(PROC_SELF, PROC_LINK_EXE, expected, 5, NULL) == len);
    assert_true(strlen(expected) == 4 && strncmp(expected, told, 4) == 0);
    assert_true(proc_link_read(PROC_SELF, PROC_LINK_ROOT, told, sizeof told, NULL) > 0);
    assert_rc(proc_link_read(PROC_SELF, 0, told, sizeof told, NULL), -EINVAL);
    assert_rc(proc_link_read(PROC_SELF, PROC_LINK_EXE, NULL, 5, NULL), -EINVAL);
}

static void open_and_expect(const char *path, const char *expected, int remove, int expected_deleted)
{
    char told[4096];
    int deleted = 7, fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    if (remove)
        assert_int_equal(unlink(path), 0);
    assert_true(proc_fd_link_read(PROC_SELF, fd, told, sizeof told, &deleted) == (int64_t)strlen(expected));
    assert_string_equal(told, expected);
    assert_int_equal(deleted, expected_deleted);
    close(fd);
}

static void a_removed_file_is_told_from_one_that_is_named_so(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "file"), *other = path_in(directory, "other");
    char *named = path_in(directory, "file (deleted)");
    open_and_expect(path, path, 0, 0);
    open_and_expect(path, path, 1, 1);
    open_and_expect(named, named, 0, 0);
    open_and_expect(named, named, 1, 1);
    /* One that lives on by another name, while the name with the mark belongs to somebody else. */
    open_and_expect(path, path, 0, 0);
    assert_int_equal(link(path, other), 0);
    open_and_expect(path, path, 1, 1);
    open_and_expect(path, path, 0, 0);
    int fd = open(named, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    open_and_expect(path, path, 1, 1);
    close(fd);
    free(path);
    free(other);
    free(named);
    directory_remove(directory);
}

static void what_is_no_path_is_told_as_it_is(void **state)
{
    (void)state;
    char told[256];
    int deleted = 7, ends[2], memory = memfd_create("a b", MFD_CLOEXEC);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(proc_fd_link_read(PROC_SELF, ends[0], told, sizeof told, &deleted) > 0);
    assert_int_equal(strncmp(told, "pipe:[", 6), 0);
    assert_int_equal(deleted, 0);
    assert_true(proc_fd_link_read(PROC_SELF, memory, told, sizeof told, &deleted) > 0);
    assert_string_equal(told, "/memfd:a b");
    assert_int_equal(deleted, 1);
    close(memory);
    close(ends[0]);
    close(ends[1]);
    assert_rc(proc_fd_link_read(PROC_SELF, memory, told, sizeof told, NULL), -ESRCH);
    assert_rc(proc_fd_link_read(PROC_SELF, -1, told, sizeof told, NULL), -EINVAL);
}

static void a_zombie_leads_nowhere_and_the_gone_are_gone(void **state)
{
    (void)state;
    char told[256];
    uint64_t inode;
    int pid = zombie(0);
    assert_rc(proc_link_read(PROC_PID(pid), PROC_LINK_EXE, told, sizeof told, NULL), -ENODATA);
    assert_rc(proc_link_read(PROC_PID(pid), PROC_LINK_CWD, told, sizeof told, NULL), -ENODATA);
    /* Its directory of descriptors is root's, since it has no memory any more that could be anybody's. */
    assert_rc(proc_fd_list(PROC_PID(pid), NULL, 0), geteuid() == 0 ? 0 : -EACCES);
    assert_int_equal(proc_task_list(PROC_PID(pid), NULL, 0), 1);
    waitpid(pid, NULL, 0);
    assert_rc(proc_link_read(PROC_PID(pid), PROC_LINK_EXE, told, sizeof told, NULL), -ESRCH);
    assert_rc(proc_namespace_read(PROC_PID(pid), "pid", &inode), -ESRCH);
    assert_rc(proc_fd_list(PROC_PID(pid), NULL, 0), -ESRCH);
    assert_rc(proc_task_list(PROC_PID(pid), NULL, 0), -ESRCH);
    assert_rc(proc_children_list(PROC_PID(pid), NULL, 0), -ESRCH);
}

static void a_namespace_is_its_inode(void **state)
{
    static const char *const kinds[] = {"ipc", "mnt", "net", "pid", "user", "uts"};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char path[64];
        struct stat about;
        uint64_t inode = 0;
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        assert_int_equal(stat(path, &about), 0);
        assert_rc(proc_namespace_read(PROC_SELF, kinds[i], &inode), 0);
        assert_true(inode == about.st_ino);
    }
    uint64_t inode = 7;
    assert_rc(proc_namespace_read(PROC_SELF, "soul", &inode), -ESRCH);
    assert_rc(proc_namespace_read(PROC_SELF, "../exe", &inode), -EINVAL);
    assert_rc(proc_namespace_read(PROC_SELF, "..", &inode), -EINVAL);
    assert_rc(proc_namespace_read(PROC_SELF, "", &inode), -EINVAL);
    assert_rc(proc_namespace_read(PROC_SELF, NULL, &inode), -EINVAL);
    assert_rc(proc_namespace_read(PROC_SELF, "pid", NULL), -EINVAL);
    assert_true(inode == 7);
}

/* ---- Descriptors ---- */

static int is_in(const int *numbers, int64_t count, int number)
{
    for (int64_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return 1;
    return 0;
}

static int open_count(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void all_our_descriptors_are_listed_and_no_other(void **state)
{
    (void)state;
    int fds[2048], few[1] = {-7}, directory = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int thread = proc_procfs_open_process(PROC_THREAD(getpid(), getpid()));
    const proc_target targets[] = {
        {0}, {.pid = getpid()}, {.pid = getpid(), .tid = getpid()}, {.dir_fd = &directory}, {.dir_fd = &thread}};
    int high = fcntl(0, F_DUPFD_CLOEXEC, 900);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        int64_t count = proc_fd_list(&targets[i], fds, 2048);
        assert_int_equal(count, open_count());
        for (int64_t n = 0; n < count; n++)
            assert_true(fcntl(fds[n], F_GETFD) >= 0 && (n == 0 || fds[n] > fds[n - 1]));
        assert_true(is_in(fds, count, high) && is_in(fds, count, directory));
    }
    assert_int_equal(proc_fd_list(PROC_SELF, few, 1), open_count());
    assert_true(few[0] >= 0);
    assert_rc(proc_fd_list(PROC_SELF, NULL, 1), -EINVAL);
    close(high);
    close(thread);
    close(directory);
}

static void a_descriptor_is_known_in_full(void **state)
{
    (void)state;
    proc_fd_info info;
    FILE *file = tmpfile();
    int fd = fileno(file);
    assert_int_equal(write(fd, "12345", 5), 5);
    assert_rc(proc_fd_info_read(PROC_SELF, fd, NULL, &info), 0);
    assert_true(info.position == 5 && (info.flags & O_ACCMODE) == O_RDWR);
    fclose(file);
    fd = eventfd(500, EFD_CLOEXEC);
    assert_rc(proc_fd_info_read(PROC_SELF, fd, NULL, &info), 0);
    assert_true((info.present >> PROC_FD_INFO_EVENT_COUNT & 1) && info.event_count == 500);
    assert_true(info.flags & O_CLOEXEC);
    close(fd);
    fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd >= 0) {
        assert_rc(proc_fd_info_read(PROC_SELF, fd, NULL, &info), 0);
        assert_true((info.present >> PROC_FD_INFO_PID & 1) && info.pid == getpid());
        close(fd);
    }
    assert_rc(proc_fd_info_read(PROC_SELF, 1023, NULL, &info), -ESRCH);
    assert_rc(proc_fd_info_read(PROC_SELF, -1, NULL, &info), -EINVAL);
    assert_rc(proc_fd_info_read(PROC_SELF, 0, NULL, NULL), -EINVAL);
}

static void what_an_epoll_set_watches_is_told_line_by_line(void **state)
{
    (void)state;
    proc_fd_info info;
    proc_buffer buffer = {0};
    int watched = 0, set = epoll_create1(EPOLL_CLOEXEC), fds[200];
    for (int i = 0; i < 200; i++) {
        struct epoll_event event = {.events = EPOLLIN};
        fds[i] = eventfd(0, EFD_CLOEXEC);
        assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event), 0);
    }
    assert_rc(proc_fd_info_read(PROC_SELF, set, &buffer, &info), 0);
    assert_true(info.present & 1u << PROC_FD_INFO_FLAGS);
    proc_span key, value;
    for (proc_span rest = proc_buffer_span(&buffer); proc_pair_next(&rest, &key, &value) == 1;)
        if (key.len == 3 && memcmp(key.data, "tfd", 3) == 0 && is_in(fds, 200, atoi(value.data)))
            watched++;
    assert_int_equal(watched, 200);
    assert_rc(proc_fd_info_read(PROC_SELF, set, NULL, &info), 0);
    for (int i = 0; i < 200; i++)
        close(fds[i]);
    close(set);
    proc_buffer_done(&buffer);
}

static int parse_info(const char *name, proc_fd_info *ret_info)
{
    struct fixture text = {0};
    fixture_load(&text, TEST_FIXTURES_DIR, name);
    memset(ret_info, 0x55, sizeof *ret_info);
    int rc = proc_fd_info_parse(text.data, text.len, ret_info);
    fixture_done(&text);
    return rc;
}

static void descriptor_texts_are_understood(void **state)
{
    (void)state;
    proc_fd_info info;
    assert_int_equal(parse_info("fdinfo/eventfd", &info), 5);
    assert_true(info.position == 0 && info.flags == 02000002 && info.mount_id == 17 && info.inode == 1044);
    assert_true(info.event_count == 0x1f4);
    assert_int_equal(parse_info("fdinfo/pidfd", &info), 5);
    assert_int_equal(info.pid, 20244);
    assert_int_equal(parse_info("fdinfo/epoll", &info), 4);
    assert_int_equal(parse_info("fdinfo/odd", &info), 3);
    assert_true(info.position == INT64_MAX && info.flags == 0100001 && info.pid == 1);
    assert_rc(proc_fd_info_parse("", 0, NULL), -EINVAL);
}

/* ---- Threads and children ---- */

static void *wait_for_the_end(void *arg)
{
    char byte;
    return read(*(int *)arg, &byte, 1) < 0 ? arg : NULL;
}

static void every_thread_is_listed(void **state)
{
    (void)state;
    int ends[2], tids[4] = {0};
    pthread_t threads[100];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_the_end, &ends[0]), 0);
    assert_int_equal(proc_task_list(PROC_SELF, tids, 2), 101 + SANITIZER_THREADS);
    assert_true(tids[0] == getpid() && tids[1] > 0 && tids[2] == 0);
    assert_rc(proc_task_list(PROC_THREAD(getpid(), getpid()), tids, 2), -EINVAL);
    close(ends[1]);
    for (int i = 0; i < 100; i++)
        pthread_join(threads[i], NULL);
    close(ends[0]);
    assert_eventually(proc_task_list(PROC_SELF, NULL, 0) == 1 + SANITIZER_THREADS);
}

static void *start_a_sleeper(void *arg)
{
    atomic_store((atomic_int *)arg, sleeper());
    live_on();
}

/* Two threads, with a child each. */
static int has_children(void *arg)
{
    (void)arg;
    int first = sleeper(), pids[8] = {0};
    atomic_int second = 0;
    pthread_t thread;
    require(pthread_create(&thread, NULL, start_a_sleeper, &second) == 0);
    require(EVENTUALLY(second > 0));
    int64_t count = proc_children_list(PROC_SELF, pids, 8);
    if (count == -ESRCH)
        leave(NOT_POSSIBLE);
    require(count == 2 && is_in(pids, 2, first) && is_in(pids, 2, second));
    require(proc_children_list(PROC_THREAD(getpid(), getpid()), pids, 8) == 1 && pids[0] == first);
    require(proc_children_list(PROC_SELF, NULL, 0) == 2);
    require_rc(proc_children_list(PROC_SELF, NULL, 1), -EINVAL);
    kill(first, SIGKILL);
    kill(second, SIGKILL);
    return 0;
}

static void children_of_every_thread_are_listed(void **state)
{
    (void)state;
    assert_in_fork_or_skip(has_children, NULL, "this kernel does not list children");
}

/* ---- Ways to a /proc ---- */

static void only_a_proc_file_system_is_opened_as_one(void **state)
{
    (void)state;
    proc_stat stat;
    int root = proc_procfs_open(NULL);
    assert_true(root > 2);
    const proc_target target = {.pid = getpid(), .root_fd = &root};
    assert_rc(proc_stat_read(&target, &stat), 0);
    assert_int_equal(stat.pid, getpid());
    close(root);
    assert_rc(proc_procfs_open("/"), -ENODEV);
    assert_rc(proc_procfs_open("/nowhere"), -ENOENT);
    root = proc_procfs_open("/proc");
    assert_true(root > 2);
    close(root);
}

static void a_directory_stays_with_its_process(void **state)
{
    (void)state;
    proc_stat stat;
    char told[64];
    int pid = sleeper(), directory = proc_procfs_open_process(PROC_PID(pid));
    assert_true(directory > 2);
    const proc_target target = {.dir_fd = &directory};
    assert_rc(proc_stat_read(&target, &stat), 0);
    assert_int_equal(stat.pid, pid);
    assert_true(proc_link_read(&target, PROC_LINK_CWD, told, sizeof told, NULL) > 0);
    end_process(pid);
    assert_rc(proc_stat_read(&target, &stat), -ESRCH);
    assert_rc(proc_link_read(&target, PROC_LINK_CWD, told, sizeof told, NULL), -ESRCH);
    assert_rc(proc_fd_list(&target, NULL, 0), -ESRCH);
    assert_rc(proc_children_list(&target, NULL, 0), -ESRCH);
    assert_rc(proc_procfs_open_process(PROC_PID(pid)), -ESRCH);
    close(directory);
}

#define TEST(name) cmocka_unit_test(name)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        machine_test(our_program_and_directories_are_told),
        TEST(a_removed_file_is_told_from_one_that_is_named_so),
        TEST(what_is_no_path_is_told_as_it_is),
        TEST(a_zombie_leads_nowhere_and_the_gone_are_gone),
        TEST(a_namespace_is_its_inode),
        machine_test(all_our_descriptors_are_listed_and_no_other),
        TEST(a_descriptor_is_known_in_full),
        TEST(what_an_epoll_set_watches_is_told_line_by_line),
        TEST(descriptor_texts_are_understood),
        TEST(every_thread_is_listed),
        TEST(children_of_every_thread_are_listed),
        TEST(only_a_proc_file_system_is_opened_as_one),
        TEST(a_directory_stays_with_its_process),
    };
    return run_suite("procfs-links", tests, sizeof tests / sizeof tests[0], argc, argv);
}
