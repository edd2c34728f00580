/* SPDX-License-Identifier: MIT */
/*
 * The file of a lock: what is refused, links on the way and at the end, a directory that is full, and options that make
 * no sense. Nothing of it is touched then, and nothing is left behind.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "locks.h"
#include "started.h"

#define NR_OPENAT2 437

static int exists(const char *file)
{
    struct stat about;
    return lstat(file, &about) == 0;
}

/* Both to take it and to ask for it is refused so, in these words. */
static void check_refused(const char *file, int rc, const char *words)
{
    proc_error error = {0};
    proc_lock *const untouched = (proc_lock *)(uintptr_t)0x55;
    proc_lock *lock = untouched;
    proc_holder holder, before;
    memset(&holder, 0x55, sizeof holder);
    memcpy(&before, &holder, sizeof holder);
    assert_rc(proc_lock_acquire(&lock, file, PROC_LOCK_OPTIONS(.error = &error)), rc);
    assert_ptr_equal(lock, untouched);
    assert_contains(error.text, words);
    assert_int_equal(error.code, -rc);
    assert_rc(proc_lock_query(file, NULL, &holder), rc);
    assert_memory_equal(&holder, &before, sizeof holder);
    assert_rc(proc_lock_holder_fd(file, NULL), rc);
    assert_rc(proc_lock_signal(file, NULL, 0, 0), rc);
}

/* ---- What is refused ---- */

/* The incumbents empty the file that it leads to. */
static void a_symbolic_link_is_refused_and_its_target_untouched(void **state)
{
    (void)state;
    char *target = path_in(lock_directory, "precious");
    file_write(target, "precious");
    assert_int_equal(symlink("precious", lock_path), 0);
    check_refused(lock_path, -ELOOP, "inspect: is a symbolic link");
    char *text = file_read(target);
    assert_string_equal(text, "precious");
    free(text);
    unlink(target);
    check_refused(lock_path, -ELOOP, "inspect: is a symbolic link");
    assert_false(exists(target));
    free(target);
}

static void what_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    assert_int_equal(mkfifo(lock_path, 0600), 0);
    check_refused(lock_path, -EPERM, "inspect: is not a regular file");
    unlink(lock_path);
    assert_int_equal(mkdir(lock_path, 0700), 0);
    check_refused(lock_path, -EISDIR, "inspect: is a directory");
    rmdir(lock_path);
    check_refused("/dev/null", -EPERM, "inspect: is not a regular file");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(name.sun_path, lock_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    check_refused(lock_path, -EPERM, "inspect: is not a regular file");
    close(fd);
}

static void a_file_with_two_names_is_refused(void **state)
{
    (void)state;
    char *other = path_in(lock_directory, "other");
    file_write(other, "precious");
    assert_int_equal(link(other, lock_path), 0);
    check_refused(lock_path, -EMLINK, "inspect: has more than one name");
    free(other);
}

static void a_file_that_others_may_write_is_refused(void **state)
{
    static const mode_t modes[] = {0664, 0646, 0606};
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        file_write(lock_path, "");
        chmod(lock_path, modes[i]);
        check_refused(lock_path, -EPERM, "inspect: can be written by others");
    }
}

static void a_file_of_somebody_else_is_refused(void **state)
{
    (void)state;
    file_write(lock_path, "1\n");
    if (geteuid() != 0 || chown(lock_path, 65534, 65534) < 0)
        SKIP_TEST("only root may give files away");
    check_refused(lock_path, -EPERM, "inspect: belongs to another user");
}

/* ---- Links on the way ---- */

/* By openat2(2) and without it: both ways must come to the same. */
static void links_on_the_way_are_followed_if_they_are_ours(void **state)
{
    (void)state;
    proc_lock *lock = NULL;
    char *real = path_in(lock_directory, "real"), *link_to_it = path_in(lock_directory, "link");
    char *absolute = path_in(lock_directory, "absolute"), *loop = path_in(lock_directory, "loop");
    char *ways[] = {path_in(link_to_it, "hello.pid"), path_in(absolute, "./hello.pid"),
                    path_in(lock_directory, "real/../link/../absolute//hello.pid")};
    char *looped = path_in(loop, "x/hello.pid"), *file = path_in(real, "hello.pid"), *below = path_in(file, "x");
    assert_int_equal(mkdir(real, 0755), 0);
    assert_int_equal(symlink("real", link_to_it), 0);
    assert_int_equal(symlink(link_to_it, absolute), 0);
    assert_int_equal(symlink("loop", loop), 0);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        assert_rc(proc_lock_acquire(&lock, ways[i], NULL), 0);
        assert_true(exists(file));
        lock = proc_lock_free(lock);
        assert_false(exists(file));
        free(ways[i]);
    }
    check_refused(looped, -ELOOP, "open: ");
    file_write(file, "");
    assert_rc(proc_lock_acquire(&lock, below, NULL), -ENOTDIR);
    if (geteuid() == 0) {
        char *way = path_in(link_to_it, "hello.pid");
        assert_int_equal(lchown(link_to_it, 65534, 65534), 0);
        check_refused(way, -ELOOP, "open: ");
        free(way);
    }
    free(real), free(link_to_it), free(absolute), free(loop), free(looped), free(file), free(below);
}

static int does_without_openat2(void *arg)
{
    proc_lock *lock = NULL;
    proc_holder holder;
    require(deny_call(NR_OPENAT2, *(int *)arg) == 0);
    require(proc_has(PROC_FEATURE_OPENAT2) == 0);
    require_rc(proc_lock_acquire(&lock, lock_path, NULL), 0);
    require_rc(proc_lock_verify(lock), 0);
    require_rc(proc_lock_query(lock_path, NULL, &holder), 0);
    require(holder.state == PROC_LOCK_HELD && holder.pid == getpid());
    proc_lock_free(lock);
    int dir = open(lock_directory, O_PATH | O_CLOEXEC);
    require_rc(proc_lock_acquire(&lock, "hello.pid", PROC_LOCK_OPTIONS(.dir_fd = &dir)), 0);
    proc_lock_free(lock);
    require_rc(proc_lock_acquire(&lock, "../../../../../../etc/../nowhere/hello.pid", NULL), -ENOENT);
    return 0;
}

static void older_kernels_and_filters_do(void **state)
{
    static int errors[] = {ENOSYS, EPERM};
    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_in_fork(does_without_openat2, &errors[i]);
}

/* ---- Failing ---- */

/* On a file system of one page, which is full. */
static int finds_no_room(void *arg)
{
    (void)arg;
    proc_error error = {0};
    proc_lock *lock = NULL;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", lock_directory, "tmpfs", 0, "size=4096") < 0)
        return 77;
    char *filler = path_in(lock_directory, "filler");
    file_write(filler, "x");
    require_rc(proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.error = &error)), -ENOSPC);
    require(strstr(error.text, "hello.pid\": write: No space left on device"));
    require(!exists(lock_path));
    unlink(filler);
    require_rc(proc_lock_acquire(&lock, lock_path, NULL), 0);
    proc_lock_free(lock);
    free(filler);
    return 0;
}

static void without_room_for_the_pid_nothing_is_left_behind(void **state)
{
    (void)state;
    struct verdict verdict;
    run_in_fork(&verdict, finds_no_room, NULL, PATIENCE_MS);
    if (verdict.code == 77)
        SKIP_TEST("no mount namespace here");
    if (verdict.code != 0)
        fail_msg("left with %d: %s", verdict.code, verdict.text);
}

static int may_not_write_so_much(void *arg)
{
    (void)arg;
    proc_lock *lock = NULL;
    const struct rlimit none = {3, 3};
    signal(SIGXFSZ, SIG_IGN);
    require(setrlimit(RLIMIT_FSIZE, &none) == 0);
    int rc = proc_lock_acquire(&lock, lock_path, NULL);
    require(rc == -ENOSPC || rc == -EFBIG);
    require(!exists(lock_path));
    return 0;
}

static void a_short_write_is_an_error_and_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_in_fork(may_not_write_so_much, NULL);
}

static void a_directory_that_is_not_there_is_told(void **state)
{
    (void)state;
    proc_error error = {0};
    proc_lock *lock = NULL;
    proc_holder holder;
    char *file = path_in(lock_directory, "nowhere/hello.pid");
    assert_rc(proc_lock_acquire(&lock, file, PROC_LOCK_OPTIONS(.error = &error)), -ENOENT);
    assert_contains(error.text, "hello.pid\": open: No such file or directory");
    assert_rc(proc_lock_query(file, NULL, &holder), 0);
    assert_int_equal(holder.state, PROC_LOCK_FREE);
    assert_rc(proc_lock_holder_fd(file, NULL), -ESRCH);
    assert_rc(proc_lock_signal(file, NULL, 0, 0), -ESRCH);
    free(file);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    int closed = 1000;
    struct {
        proc_lock_options options;
        char more;
    } newer = {{.size = sizeof newer}, 1};
    const struct {
        int rc;
        proc_lock_options options;
    } cases[] = {
        {-EINVAL, {.size = 0}},
        {-EINVAL, {.size = 3}},
        {-ENOTSUP, {.size = sizeof newer.options, .flags = 0x40}},
        {-EINVAL, {.size = sizeof newer.options, .flags = PROC_LOCK_OFD | PROC_LOCK_FCNTL}},
        {-EINVAL, {.size = sizeof newer.options, .timeout_ms = -2}},
        {-EINVAL, {.size = sizeof newer.options, .mode = PROC_MODE(0664)}},
        {-EINVAL, {.size = sizeof newer.options, .mode = PROC_MODE(0444)}},
        {-EINVAL, {.size = sizeof newer.options, .mode = PROC_MODE(04644)}},
        {-EBADF, {.size = sizeof newer.options, .cancel_fd = &closed}},
        {-EBADF, {.size = sizeof newer.options, .dir_fd = &closed}},
    };
    proc_lock *lock = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_rc(proc_lock_acquire(&lock, i == 9 ? "hello.pid" : lock_path, &cases[i].options), cases[i].rc);
    assert_rc(proc_lock_acquire(&lock, lock_path, &newer.options), -E2BIG);
    newer.more = 0;
    memset((char *)&newer + sizeof newer.options, 0, sizeof newer - sizeof newer.options);
    assert_rc(proc_lock_acquire(&lock, lock_path, &newer.options), 0);
    lock = proc_lock_free(lock);
    assert_rc(proc_lock_acquire(NULL, lock_path, NULL), -EINVAL);
    assert_rc(proc_lock_acquire(&lock, NULL, NULL), -EINVAL);
    assert_rc(proc_lock_acquire(&lock, "", NULL), -EINVAL);
    assert_rc(proc_lock_acquire(&lock, "/tmp/", NULL), -EINVAL);
    assert_rc(proc_lock_acquire(&lock, "/tmp/..", NULL), -EINVAL);
    assert_rc(proc_lock_verify(NULL), -EINVAL);
    assert_rc(proc_lock_rewrite(NULL), -EINVAL);
    assert_rc(proc_lock_hand_over(NULL, 1), -EINVAL);
    assert_rc(proc_lock_fd(NULL), -EINVAL);
    assert_rc(proc_lock_query(NULL, NULL, NULL), -EINVAL);
    assert_rc(proc_lock_holder_fd(NULL, NULL), -EINVAL);
    assert_rc(proc_lock_signal(lock_path, NULL, -1, 0), -EINVAL);
    assert_rc(proc_lock_signal(lock_path, NULL, 65, 0), -EINVAL);
    assert_rc(proc_lock_signal(lock_path, NULL, 0, -2), -EINVAL);
    assert_null(lock);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        lock_test(a_symbolic_link_is_refused_and_its_target_untouched),
        lock_test(what_is_no_regular_file_is_refused),
        lock_test(a_file_with_two_names_is_refused),
        lock_test(a_file_that_others_may_write_is_refused),
        lock_test(a_file_of_somebody_else_is_refused),
        lock_test(links_on_the_way_are_followed_if_they_are_ours),
        lock_test(older_kernels_and_filters_do),
        lock_test(without_room_for_the_pid_nothing_is_left_behind),
        lock_test(a_short_write_is_an_error_and_leaves_nothing_behind),
        lock_test(a_directory_that_is_not_there_is_told),
        lock_test(options_that_make_no_sense_are_refused),
    };
    return run_suite("lock-file", tests, sizeof tests / sizeof tests[0], argc, argv);
}
