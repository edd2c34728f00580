/* SPDX-License-Identifier: MIT */
/* Keepers of locks: each says by a byte that it has it, and waits for the end of a pipe. */
#define _GNU_SOURCE 1
#include "locks.h"

#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

char *lock_directory, *lock_path;

int lock_place_make(void **state)
{
    (void)state;
    lock_directory = directory_make();
    lock_path = path_in(lock_directory, "hello.pid");
    return 0;
}

int lock_place_make_with_pidfds(void **state)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0)
        leave_out("no pidfds here");
    else
        close(fd);
    return lock_place_make(state);
}

int lock_place_remove(void **state)
{
    (void)state;
    lock_directory = directory_remove(lock_directory);
    free(lock_path);
    return 0;
}

proc_lock *take_lock(const proc_lock_options *options)
{
    proc_lock *lock = NULL;
    proc_error error = {0};
    proc_lock_options mine = options ? *options : *PROC_LOCK_OPTIONS(.flags = 0);
    mine.error = &error;
    if (proc_lock_acquire(&lock, lock_path, &mine) < 0)
        fail_msg("%s", error.text);
    return lock;
}

proc_holder holder_now(void)
{
    proc_holder holder;
    memset(&holder, 0x55, sizeof holder);
    assert_rc(proc_lock_query(lock_path, NULL, &holder), 0);
    return holder;
}

int status_of(int pid)
{
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int take_bare_lock(int fd, unsigned kind)
{
    /* Of a record lock one byte, as many programs take it. */
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = kind == PROC_LOCK_FCNTL};
    if (kind == PROC_LOCK_FLOCK)
        return flock(fd, LOCK_EX | LOCK_NB);
    return fcntl(fd, kind == PROC_LOCK_OFD ? F_OFD_SETLK : F_SETLK, &range);
}

/* In the copy: tells that it has the lock, and waits until it may let go. */
static void say_and_wait(int told, int go)
{
    char byte;
    if (write(told, "", 1) != 1 || read(go, &byte, 1) != 0)
        leave(98);
}

static void keep(const char *path, const proc_lock_options *options, int told, int go)
{
    proc_lock *lock;
    if (proc_lock_acquire(&lock, path, options) < 0)
        leave(97);
    say_and_wait(told, go);
    proc_lock_free(lock);
}

static void keep_bare(const char *path, unsigned kind, const char *text, int told, int go)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || take_bare_lock(fd, kind) < 0)
        leave(97);
    if (text && (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text)))
        leave(96);
    say_and_wait(told, go);
}

struct order {
    const char *path, *text;
    const proc_lock_options *options;
    unsigned kind; /* 0: by the library */
};

static struct keeper start_keeper(const struct order *order)
{
    int told[2], go[2];
    char byte;
    if (pipe2(told, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
        fail_msg("no pipes");
    struct keeper keeper = {fork(), go[1]};
    if (keeper.pid == 0) {
        close(go[1]);
        close(told[0]);
        if (order->kind)
            keep_bare(order->path, order->kind, order->text, told[1], go[0]);
        else
            keep(order->path, order->options, told[1], go[0]);
        leave(0);
    }
    close(told[1]);
    close(go[0]);
    ssize_t got = read(told[0], &byte, 1);
    close(told[0]);
    assert_int_equal(got, 1);
    return keeper;
}

struct keeper keep_lock(const char *path, const proc_lock_options *options)
{
    return start_keeper(&(struct order){.path = path, .options = options});
}

struct keeper keep_bare_lock(const char *path, unsigned kind, const char *text)
{
    return start_keeper(&(struct order){.path = path, .text = text, .kind = kind});
}

static int wait_for_end(struct keeper *keeper)
{
    int status = 0;
    close(keeper->go);
    waitpid(keeper->pid, &status, 0);
    return status;
}

void keeper_lets_go(struct keeper *keeper)
{
    assert_int_equal(wait_for_end(keeper), 0);
}

void keeper_dies(struct keeper *keeper)
{
    kill(keeper->pid, SIGKILL);
    wait_for_end(keeper);
}
