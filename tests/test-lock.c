/* SPDX-License-Identifier: MIT */
/* Holding a lock: what is written, who is kept out, who may release it, and how a forked copy carries it on. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "locks.h"
#include "started.h"

/* The file's first line is that pid, and nothing but a line feed is behind it. */
static void check_first_line(int pid)
{
    char line[32];
    char *text = file_read(lock_path);
    snprintf(line, sizeof line, "%d\n", pid);
    assert_non_null(text);
    assert_int_equal(strncmp(text, line, strlen(line)), 0);
    free(text);
}

static int exists(const char *file)
{
    struct stat about;
    return lstat(file, &about) == 0;
}

/* ---- Holding ---- */

static void the_file_names_its_holder_and_goes_with_the_lock(void **state)
{
    (void)state;
    proc_identity us;
    proc_holder holder;
    proc_lock *lock = take_lock(NULL);
    check_first_line(getpid());
    assert_true(proc_lock_fd(lock) > 2);
    assert_int_equal(fcntl(proc_lock_fd(lock), F_GETFD), FD_CLOEXEC);
    assert_rc(proc_lock_verify(lock), 0);
    assert_rc(proc_lock_query(lock_path, NULL, &holder), 0);
    assert_int_equal(holder.state, PROC_LOCK_HELD);
    assert_int_equal(holder.pid, getpid());
    assert_rc(proc_identity_get(PROC_SELF, &us), 0);
    assert_memory_equal(&holder.identity, &us, sizeof us);
    assert_string_not_equal(holder.host, "");
    assert_null(proc_lock_free(lock));
    assert_false(exists(lock_path));
    assert_null(proc_lock_free(NULL));
}

static void the_pid_alone_is_written_on_request(void **state)
{
    (void)state;
    char line[32];
    proc_lock *lock = take_lock(PROC_LOCK_OPTIONS(.flags = PROC_LOCK_PLAIN));
    char *text = file_read(lock_path);
    snprintf(line, sizeof line, "%d\n", getpid());
    assert_string_equal(text, line);
    free(text);
    assert_rc(proc_lock_verify(lock), 0);
    proc_lock_free(lock);
}

static void a_file_that_is_left_behind_is_not_in_the_way(void **state)
{
    (void)state;
    file_write(lock_path,
               "1\nstart: 7\nand much that a longer record could leave behind, if the file were not emptied first\n");
    proc_lock *lock = take_lock(PROC_LOCK_OPTIONS(.flags = PROC_LOCK_PLAIN));
    char *text = file_read(lock_path);
    assert_int_equal(atoi(text), getpid());
    assert_null(strstr(text, "start"));
    free(text);
    proc_lock_free(lock);
}

static void a_file_can_be_kept_and_is_empty_then(void **state)
{
    (void)state;
    struct stat about;
    proc_lock *lock = take_lock(PROC_LOCK_OPTIONS(.flags = PROC_LOCK_KEEP_FILE));
    proc_lock_free(lock);
    assert_int_equal(stat(lock_path, &about), 0);
    assert_int_equal(about.st_size, 0);
    lock = take_lock(NULL);
    proc_lock_free(lock);
    assert_false(exists(lock_path));
}

static void the_mode_is_what_was_asked_for_whatever_the_umask(void **state)
{
    static const mode_t umasks[] = {0, 022, 077, 0777};
    struct stat about;
    (void)state;
    for (size_t i = 0; i < sizeof umasks / sizeof umasks[0]; i++) {
        mode_t before = umask(umasks[i]);
        proc_lock *lock = take_lock(i % 2 ? PROC_LOCK_OPTIONS(.mode = PROC_MODE(0640)) : NULL);
        umask(before);
        assert_int_equal(stat(lock_path, &about), 0);
        assert_int_equal(about.st_mode & 07777, i % 2 ? 0640 : 0644);
        proc_lock_free(lock);
    }
}

static int cannot_lock(void *arg)
{
    (void)arg;
    struct stat about;
    proc_lock *lock = NULL;
    umask(0777);
    require(deny_call(SYS_flock, ENOLCK) == 0);
    require_rc(proc_lock_acquire(&lock, lock_path, NULL), -ENOLCK);
    require(stat(lock_path, &about) == 0 && (about.st_mode & 07777) == 0644);
    return 0;
}

/* As it would be, if its mode came with the lock only. */
static void a_file_that_could_not_be_locked_is_in_nobodys_way(void **state)
{
    (void)state;
    assert_in_fork(cannot_lock, NULL);
    proc_lock_free(take_lock(NULL));
}

/* A second open file of the same process is as good as another process. */
static void a_second_lock_of_the_same_process_conflicts(void **state)
{
    static const uint32_t kinds[] = {0, PROC_LOCK_OFD, PROC_LOCK_FLOCK, PROC_LOCK_FLOCK | PROC_LOCK_FCNTL};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        proc_lock *second = (proc_lock *)(uintptr_t)0x55;
        proc_lock *lock = take_lock(PROC_LOCK_OPTIONS(.flags = kinds[i]));
        assert_rc(proc_lock_acquire(&second, lock_path, PROC_LOCK_OPTIONS(.flags = kinds[i])), -EAGAIN);
        assert_ptr_equal(second, (void *)(uintptr_t)0x55);
        proc_lock_free(lock);
    }
}

static void every_kind_keeps_out_every_kind_that_it_shares(void **state)
{
    static const struct {
        uint32_t held, wanted;
        int rc;
    } pairs[] = {
        {PROC_LOCK_OFD, PROC_LOCK_OFD, -EAGAIN},
        {PROC_LOCK_OFD, PROC_LOCK_FCNTL, -EAGAIN},
        {PROC_LOCK_OFD, PROC_LOCK_FLOCK, 0},
        {PROC_LOCK_FCNTL, PROC_LOCK_OFD, -EAGAIN},
        {PROC_LOCK_FCNTL, PROC_LOCK_FCNTL, -EAGAIN},
        {PROC_LOCK_FCNTL, PROC_LOCK_FLOCK, 0},
        {PROC_LOCK_FLOCK, PROC_LOCK_FLOCK, -EAGAIN},
        {PROC_LOCK_FLOCK, PROC_LOCK_OFD, 0},
        {0, PROC_LOCK_OFD, -EAGAIN},
        {0, PROC_LOCK_FCNTL, -EAGAIN},
        {0, PROC_LOCK_FLOCK, -EAGAIN},
        {PROC_LOCK_FCNTL, 0, -EAGAIN},
        {PROC_LOCK_FLOCK, 0, -EAGAIN},
        {PROC_LOCK_OFD, 0, -EAGAIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        proc_lock *lock = NULL;
        struct keeper keeper = keep_lock(lock_path, PROC_LOCK_OPTIONS(.flags = pairs[i].held));
        int rc = proc_lock_acquire(&lock, lock_path, PROC_LOCK_OPTIONS(.flags = pairs[i].wanted));
        if (rc != pairs[i].rc)
            print_error("%x held, %x wanted\n", pairs[i].held, pairs[i].wanted);
        proc_lock_free(rc == 0 ? lock : NULL);
        keeper_lets_go(&keeper);
        assert_rc(rc, pairs[i].rc);
        unlink(lock_path);
    }
}

static int tries_the_bare_calls(void *arg)
{
    (void)arg;
    int fd = open(lock_path, O_RDWR | O_CLOEXEC);
    for (unsigned kind = PROC_LOCK_OFD; kind <= PROC_LOCK_FCNTL; kind *= 2)
        require(take_bare_lock(fd, kind) < 0 && (errno == EAGAIN || errno == EACCES));
    return 0;
}

static void programs_without_the_library_are_kept_out(void **state)
{
    (void)state;
    proc_lock *lock = take_lock(NULL);
    assert_in_fork(tries_the_bare_calls, NULL);
    proc_lock_free(lock);
}

static void a_relative_path_stays_where_it_was(void **state)
{
    (void)state;
    int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int dir = open(lock_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    proc_lock *lock = NULL, *second = NULL;
    assert_rc(proc_lock_acquire(&lock, "hello.pid", PROC_LOCK_OPTIONS(.dir_fd = &dir)), 0);
    assert_int_equal(fchdir(dir), 0);
    int rc = proc_lock_acquire(&second, "./hello.pid", NULL);
    assert_int_equal(chdir("/"), 0);
    int verified = proc_lock_verify(lock);
    proc_lock_free(lock);
    assert_int_equal(fchdir(before), 0);
    close(before);
    close(dir);
    assert_rc(rc, -EAGAIN);
    assert_rc(verified, 0);
    assert_false(exists(lock_path));
}

/* ---- Released by its owner alone, and only what is its own ---- */

static void a_forked_copy_that_frees_the_lock_changes_nothing(void **state)
{
    (void)state;
    proc_holder holder;
    proc_lock *second, *lock = take_lock(NULL);
    int pid = fork();
    if (pid == 0) {
        int refused = proc_lock_verify(lock) == -ECHILD && proc_lock_hand_over(lock, 1) == -ECHILD;
        proc_lock_free(lock);
        leave(refused ? 0 : 1);
    }
    assert_int_equal(status_of(pid), 0);
    assert_rc(proc_lock_verify(lock), 0);
    assert_rc(proc_lock_acquire(&second, lock_path, NULL), -EAGAIN);
    assert_rc(proc_lock_query(lock_path, NULL, &holder), 0);
    assert_int_equal(holder.pid, getpid());
    proc_lock_free(lock);
}

static void a_file_that_replaced_ours_is_not_removed(void **state)
{
    (void)state;
    proc_lock *lock = take_lock(NULL);
    unlink(lock_path);
    assert_rc(proc_lock_verify(lock), -ESTALE);
    file_write(lock_path, "77\n");
    assert_rc(proc_lock_verify(lock), -ESTALE);
    assert_rc(proc_lock_rewrite(lock), -ESTALE);
    proc_lock_free(lock);
    char *text = file_read(lock_path);
    assert_string_equal(text, "77\n");
    free(text);
}

static void a_file_that_names_somebody_else_is_found_out(void **state)
{
    (void)state;
    proc_lock *lock = take_lock(NULL);
    file_write(lock_path, "1\n");
    assert_rc(proc_lock_verify(lock), -ESTALE);
    assert_rc(proc_lock_rewrite(lock), 0);
    assert_rc(proc_lock_verify(lock), 0);
    file_write(lock_path, "");
    assert_rc(proc_lock_verify(lock), -ESTALE);
    proc_lock_free(lock);
    assert_false(exists(lock_path));
}

/* An flock(2) that a copy gives up is gone for all who share it: the incumbents end so. */
static void a_lock_that_a_copy_gave_up_is_taken_again(void **state)
{
    (void)state;
    proc_lock *second, *lock = take_lock(PROC_LOCK_OPTIONS(.flags = PROC_LOCK_FLOCK));
    int pid = fork();
    if (pid == 0)
        leave(flock(proc_lock_fd(lock), LOCK_UN));
    assert_int_equal(status_of(pid), 0);
    assert_rc(proc_lock_verify(lock), 0);
    assert_rc(proc_lock_acquire(&second, lock_path, PROC_LOCK_OPTIONS(.flags = PROC_LOCK_FLOCK)), -EAGAIN);

    assert_int_equal(flock(proc_lock_fd(lock), LOCK_UN), 0);
    struct keeper thief = keep_bare_lock(lock_path, PROC_LOCK_FLOCK, NULL);
    assert_rc(proc_lock_verify(lock), -ESTALE);
    keeper_lets_go(&thief);
    proc_lock_free(lock);
}

static void a_child_carries_the_lock_on(void **state)
{
    (void)state;
    int go[2], told[2], rc = -1;
    proc_lock *second = NULL, *lock = take_lock(NULL);
    assert_true(pipe2(go, O_CLOEXEC) == 0 && pipe2(told, O_CLOEXEC) == 0);
    int pid = fork();
    if (pid == 0) {
        char byte;
        close(go[1]);
        rc = proc_lock_rewrite(lock);
        if (write(told[1], &rc, sizeof rc) != (ssize_t)sizeof rc || read(go[0], &byte, 1) != 0)
            leave(98);
        rc = proc_lock_verify(lock);
        proc_lock_free(lock);
        leave(rc == 0 ? 0 : 1);
    }
    assert_int_equal(read(told[0], &rc, sizeof rc), sizeof rc);
    assert_rc(rc, 0);
    check_first_line(pid);
    assert_rc(proc_lock_verify(lock), -ESTALE);
    proc_lock_free(lock);
    assert_true(exists(lock_path));
    assert_rc(proc_lock_acquire(&second, lock_path, NULL), -EAGAIN);
    close(go[0]);
    close(go[1]);
    assert_int_equal(status_of(pid), 0);
    assert_false(exists(lock_path));
    close(told[0]);
    close(told[1]);
}

static void a_record_lock_cannot_be_carried_on(void **state)
{
    (void)state;
    proc_lock *lock = take_lock(PROC_LOCK_OPTIONS(.flags = PROC_LOCK_FCNTL));
    int pid = fork();
    if (pid == 0)
        leave(proc_lock_rewrite(lock) == -EOPNOTSUPP ? 0 : 1);
    assert_int_equal(status_of(pid), 0);
    assert_rc(proc_lock_rewrite(lock), 0);
    proc_lock_free(lock);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        lock_test(the_file_names_its_holder_and_goes_with_the_lock),
        lock_test(the_pid_alone_is_written_on_request),
        lock_test(a_file_that_is_left_behind_is_not_in_the_way),
        lock_test(a_file_can_be_kept_and_is_empty_then),
        lock_test(the_mode_is_what_was_asked_for_whatever_the_umask),
        lock_test(a_file_that_could_not_be_locked_is_in_nobodys_way),
        lock_test(a_second_lock_of_the_same_process_conflicts),
        lock_test(every_kind_keeps_out_every_kind_that_it_shares),
        lock_test(programs_without_the_library_are_kept_out),
        lock_test(a_relative_path_stays_where_it_was),
        lock_test(a_forked_copy_that_frees_the_lock_changes_nothing),
        lock_test(a_file_that_replaced_ours_is_not_removed),
        lock_test(a_file_that_names_somebody_else_is_found_out),
        lock_test(a_lock_that_a_copy_gave_up_is_taken_again),
        lock_test(a_child_carries_the_lock_on),
        lock_test(a_record_lock_cannot_be_carried_on),
    };
    return run_suite("lock", tests, sizeof tests / sizeof tests[0], argc, argv);
}
