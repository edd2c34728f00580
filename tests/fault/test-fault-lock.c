/* SPDX-License-Identifier: MIT */
/*
 * Every failure of taking, keeping, passing on and asking for a lock: the error is told, the outputs are untouched, and
 * a lock that could not be had whole is not had at all.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"

#include <proc/lock.h>

static char *directory, *path, *path_by_link;

static int make_place(void **state)
{
    (void)state;
    directory = directory_make();
    path = path_in(directory, "hello.pid");
    path_by_link = path_in(directory, "link/hello.pid");
    char *link = path_in(directory, "link");
    int rc = symlink(directory, link);
    free(link);
    return rc;
}

static int remove_place(void **state)
{
    (void)state;
    directory = directory_remove(directory);
    free(path);
    free(path_by_link);
    return 0;
}

#define UNTOUCHED ((proc_lock *)(uintptr_t)0x55)

static void take(struct attempt *attempt, const char *file, proc_lock_options *options)
{
    proc_lock *lock = UNTOUCHED;
    options->error = &attempt->error;
    attempt->takes_error = 1;
    fault_begin();
    attempt->rc = proc_lock_acquire(&lock, file, options);
    fault_end();
    attempt->untouched = lock == UNTOUCHED;
    if (attempt->rc == 0) {
        if (proc_lock_verify(lock) < 0)
            strcpy(attempt->wrong, "what was taken is not ours");
        proc_lock_free(lock);
    }
    /* Nobody is left with the lock, neither we nor a descriptor that was forgotten. */
    proc_lock *again;
    if (proc_lock_acquire(&again, path, NULL) < 0)
        strcpy(attempt->wrong, "the lock cannot be had any more");
    else
        proc_lock_free(again);
}

static void take_a_new_file(struct attempt *attempt)
{
    unlink(path);
    mode_t before = umask(0077);
    take(attempt, path, &(proc_lock_options){.size = sizeof(proc_lock_options), .mode = PROC_MODE(0640)});
    umask(before);
}

static void take_an_old_file(struct attempt *attempt)
{
    file_write(path, "1\nand more\n");
    take(attempt, path,
         &(proc_lock_options){.size = sizeof(proc_lock_options), .flags = PROC_LOCK_FLOCK | PROC_LOCK_KEEP_FILE});
}

static void take_a_record_lock(struct attempt *attempt)
{
    take(attempt, path,
         &(proc_lock_options){.size = sizeof(proc_lock_options),
                              .flags = PROC_LOCK_FCNTL | PROC_LOCK_FLOCK | PROC_LOCK_PLAIN});
}

static void take_through_a_link(struct attempt *attempt)
{
    take(attempt, path_by_link, &(proc_lock_options){.size = sizeof(proc_lock_options)});
}

/* To be late is what is expected here. */
static void wait_in_vain(struct attempt *attempt)
{
    proc_lock *lock = NULL, *second = UNTOUCHED;
    proc_holder holder = {0};
    if (proc_lock_acquire(&lock, path, NULL) < 0)
        strcpy(attempt->wrong, "cannot be had at all");
    fault_begin();
    int rc = proc_lock_acquire(&second, path, PROC_LOCK_OPTIONS(.timeout_ms = 5, .ret_holder = &holder));
    fault_end();
    if (rc == 0)
        strcpy(attempt->wrong, "a second owner");
    if (rc == -ETIMEDOUT && holder.state == PROC_LOCK_FREE)
        strcpy(attempt->wrong, "in the way is nobody");
    attempt->rc = rc == -ETIMEDOUT ? 0 : rc;
    attempt->untouched = second == UNTOUCHED;
    proc_lock_free(lock);
}

/* Held by ourselves, by one kind. */
static void ask(struct attempt *attempt, uint32_t flags)
{
    proc_lock *lock = NULL;
    proc_holder holder, before;
    memset(&holder, 0x55, sizeof holder);
    memcpy(&before, &holder, sizeof holder);
    if (proc_lock_acquire(&lock, path, PROC_LOCK_OPTIONS(.flags = flags)) < 0)
        strcpy(attempt->wrong, "cannot be had at all");
    fault_begin();
    attempt->rc = proc_lock_query(path, NULL, &holder);
    fault_end();
    attempt->untouched = memcmp(&holder, &before, sizeof holder) == 0;
    if (attempt->rc == 0 && holder.state == PROC_LOCK_FREE)
        strcpy(attempt->wrong, "a lock that is held is told to be free");
    if (attempt->rc == 0 && holder.pid != 0 && holder.pid != getpid())
        strcpy(attempt->wrong, "held by somebody else");
    proc_lock_free(lock);
}

static void ask_for_both_kinds(struct attempt *attempt)
{
    ask(attempt, 0);
}

static void ask_for_an_flock(struct attempt *attempt)
{
    ask(attempt, PROC_LOCK_FLOCK);
}

static void ask_where_a_pid_is_all(struct attempt *attempt)
{
    ask(attempt, PROC_LOCK_OFD | PROC_LOCK_PLAIN);
}

/* Whom a failure hides cannot be opened, nor can anybody without pidfds: that is an answer, too. */
static int64_t unless_unknown(int64_t rc)
{
    return rc == -ENODATA || rc == -ESRCH || rc == -ENOSYS ? 0 : rc;
}

/* Our own lock is somebody else's now: it is stale. */
static int64_t unless_stale(int64_t rc)
{
    return rc == -ESTALE ? -EAGAIN : rc;
}

static void open_the_holder(struct attempt *attempt)
{
    proc_lock *lock = NULL;
    if (proc_lock_acquire(&lock, path, NULL) < 0)
        strcpy(attempt->wrong, "cannot be had at all");
    fault_begin();
    int fd = proc_lock_holder_fd(path, NULL);
    fault_end();
    attempt->rc = unless_unknown(fd);
    attempt->untouched = 1;
    if (fd >= 0)
        close(fd);
    proc_lock_free(lock);
}

static void signal_the_holder(struct attempt *attempt)
{
    proc_lock *lock = NULL;
    if (proc_lock_acquire(&lock, path, NULL) < 0)
        strcpy(attempt->wrong, "cannot be had at all");
    fault_begin();
    attempt->rc = unless_unknown(proc_lock_signal(path, NULL, 0, 0));
    fault_end();
    attempt->untouched = 1;
    proc_lock_free(lock);
}

static void write_again(struct attempt *attempt)
{
    proc_lock *lock = NULL;
    if (proc_lock_acquire(&lock, path, NULL) < 0)
        strcpy(attempt->wrong, "cannot be had at all");
    fault_begin();
    attempt->rc = unless_stale(proc_lock_rewrite(lock));
    fault_end();
    attempt->untouched = 1;
    if (proc_lock_rewrite(lock) < 0 || proc_lock_verify(lock) < 0)
        strcpy(attempt->wrong, "cannot be written any more");
    proc_lock_free(lock);
}

/* An open file that passes execve(2), as if it had come through it. */
static void take_over(struct attempt *attempt)
{
    proc_lock *lock = UNTOUCHED;
    int fd = open(path, O_RDWR | O_CREAT, 0644);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        strcpy(attempt->wrong, "cannot be had at all");
    attempt->takes_error = 1;
    fault_begin();
    attempt->rc = proc_lock_take_over(&lock, path, PROC_LOCK_OPTIONS(.error = &attempt->error));
    fault_end();
    if (attempt->rc == -ESTALE)
        attempt->error.code = EAGAIN;
    attempt->rc = unless_stale(attempt->rc);
    attempt->untouched = lock == UNTOUCHED;
    if (attempt->rc < 0 && fcntl(fd, F_GETFD) != 0)
        strcpy(attempt->wrong, "the descriptor has changed");
    if (attempt->rc == 0)
        proc_lock_free(lock);
    else
        close(fd);
}

static void every_failure_of_a_lock_is_told_and_leaves_nothing(void **state)
{
    static const struct scenario scenarios[] = {
        {"a new file", take_a_new_file},
        {"an old file", take_an_old_file},
        {"a record lock", take_a_record_lock},
        {"through a link", take_through_a_link},
        {"a wait", wait_in_vain},
        {"a question", ask_for_both_kinds},
        {"a question after flock(2)", ask_for_an_flock},
        {"a question where a pid is all", ask_where_a_pid_is_all},
        {"the holder", open_the_holder},
        {"a signal", signal_the_holder},
        {"written again", write_again},
        {"taken over", take_over},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_failure_of_a_lock_is_told_and_leaves_nothing, make_place, remove_place),
    };
    return run_suite("fault-lock", tests, sizeof tests / sizeof tests[0], argc, argv);
}
