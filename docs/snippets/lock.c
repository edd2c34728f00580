/* SPDX-License-Identifier: MIT */
/* The snippets of locks, as in snippets.c. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

static int acquire(const char *path)
{
    //! [acquire]
    proc_lock *lock;
    proc_error error;
    int rc = proc_lock_acquire(&lock, path, PROC_LOCK_OPTIONS(.timeout_ms = 2000, .error = &error));
    if (rc < 0)
        return fprintf(stderr, "%s\n", error.text), rc; /* lock "/run/hello.pid": lock: held by process 4211 */
    /* ... the program's life ... */
    lock = proc_lock_free(lock);
    //! [acquire]
    return 0;
}

/* A child that has the lock too. */
static int fd(const char *path)
{
    proc_lock *lock = NULL;
    proc_child *worker = NULL;
    proc_exit ended;
    CHECK(proc_lock_acquire(&lock, path, NULL) == 0);
    //! [fd]
    int fd = proc_lock_fd(lock);
    /* As long as the worker lives, the lock is held, even if we die. */
    int rc = proc_spawn(&worker, PROC_ARGV("true"), PROC_OPTIONS(.fds = PROC_FDS({fd, PROC_FD(fd)})));
    //! [fd]
    if (rc == 0)
        CHECK(proc_wait(worker, 10000, &ended) == 0 && proc_exit_ok(&ended));
    proc_child_free(worker);
    proc_lock_free(lock);
    return rc == 0 || rc == -ENOSYS;
}

static int carry_on(const char *path)
{
    proc_lock *lock = NULL;
    int ends[2], status;
    char byte;
    CHECK(proc_lock_acquire(&lock, path, NULL) == 0 && pipe2(ends, O_CLOEXEC) == 0);
    //! [rewrite]
    int pid = fork();
    if (pid == 0) {
        if (proc_lock_rewrite(lock) < 0 || write(ends[1], "", 1) != 1)
            _exit(1);
        /* ... the daemon's life ... */
        lock = proc_lock_free(lock);
        _exit(0);
    }
    if (read(ends[0], &byte, 1) == 1)
        lock = proc_lock_free(lock); /* only now: the file names the child, and stays */
    //! [rewrite]
    close(ends[0]);
    close(ends[1]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int verify(const char *path)
{
    proc_lock *lock = NULL;
    CHECK(proc_lock_acquire(&lock, path, NULL) == 0);
    //! [verify]
    if (proc_lock_verify(lock) == -ESTALE)
        fputs("our PID file was taken away: another one may be running\n", stderr);
    //! [verify]
    CHECK(proc_lock_verify(lock) == 0);
    proc_lock_free(lock);
    return 1;
}

static int query(const char *path)
{
    //! [query]
    proc_holder holder;
    if (proc_lock_query(path, NULL, &holder) == 0 && holder.state == PROC_LOCK_HELD)
        printf("running, pid %d\n", holder.pid); /* 0: by whom is unknown */
    //! [query]
    return holder.state != PROC_LOCK_HELD;
}

static int holder_fd(const char *path)
{
    //! [holder_fd]
    int holder = proc_lock_holder_fd(path, NULL);
    if (holder >= 0) {
        struct pollfd end = {.fd = holder, .events = POLLIN};
        if (poll(&end, 1, 100) == 1)
            puts("it has ended");
        close(holder);
    }
    //! [holder_fd]
    return holder < 0;
}

static int stop(const char *path)
{
    //! [signal]
    int rc = proc_lock_signal(path, NULL, SIGTERM, 5000);
    if (rc == -ETIMEDOUT)
        rc = proc_lock_signal(path, NULL, SIGKILL, 1000);
    if (rc == 0 || rc == -ESRCH)
        puts("it does not run any more");
    //! [signal]
    return rc == -ESRCH || rc == -ENODATA;
}

/* Never comes back if it succeeds. */
static int upgrade(proc_lock *lock, char *argv[])
{
    //! [take_over]
    int rc = proc_lock_hand_over(lock, 1);
    if (rc == 0)
        execv(argv[0], argv); /* which begins by: proc_lock_take_over(&lock, "/run/hello.pid", NULL) */
    rc = proc_lock_hand_over(lock, 0);
    //! [take_over]
    return rc;
}

static int fail_to_upgrade(const char *path)
{
    char nothing[] = "/nowhere/to/be/found";
    char *argv[] = {nothing, NULL};
    proc_lock *lock = NULL, *second = NULL;
    CHECK(proc_lock_acquire(&lock, path, NULL) == 0);
    CHECK(upgrade(lock, argv) == 0);
    CHECK(proc_lock_take_over(&second, path, NULL) == -ESTALE);
    proc_lock_free(lock);
    return 1;
}

int main(void)
{
    char directory[] = "/tmp/snippets-lock.XXXXXX";
    char path[64];
    CHECK(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/hello.pid", directory);
    CHECK(acquire(path) == 0);
    CHECK(query(path) && holder_fd(path) && stop(path));
    CHECK(fd(path) && carry_on(path) && verify(path) && fail_to_upgrade(path));
    CHECK(rmdir(directory) == 0);
    return 0;
}
