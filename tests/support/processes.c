/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

static int chosen_pid; /* of the next child; 0 = any */

void choose_next_pid(int pid)
{
    chosen_pid = pid;
}

/* With a number of choice, since 5.5. As fork(2), but that libc knows nothing of it. */
static int clone_as(int pid)
{
    const struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size;
    } how = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1};
    return (int)syscall(SYS_clone3, &how, sizeof how);
}

/* Where there is none, the kernel is told which number was the last one. */
static int fork_behind(int pid)
{
    int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        dprintf(fd, "%d", pid - 1);
        close(fd);
    }
    return fork();
}

static int fork_as_chosen(void)
{
    int wanted = chosen_pid;
    chosen_pid = 0;
    if (wanted == 0)
        return fork();
    int pid = clone_as(wanted);
    return pid < 0 ? fork_behind(wanted) : pid;
}

int fork_bound(void)
{
    int parent = getpid(), pid = fork_as_chosen();
    if (pid < 0) {
        perror("fork");
        abort();
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        /* It may have gone before that; 0: it is in another pid namespace. */
        if (getppid() != parent && getppid() != 0)
            _exit(99);
    }
    return pid;
}

void live_on(void)
{
    /* Once more: a change of ids has made the kernel forget it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (;;)
        pause();
}

int sleeper(void)
{
    int pid = fork_bound();
    if (pid == 0)
        live_on();
    return pid;
}

int sleeper_named(const char *name)
{
    int ends[2];
    char byte;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    int pid = fork_bound();
    if (pid == 0) {
        prctl(PR_SET_NAME, name, 0, 0, 0);
        close(ends[0]);
        close(ends[1]);
        live_on();
    }
    close(ends[1]);
    (void)!read(ends[0], &byte, 1);
    close(ends[0]);
    return pid;
}

static void await_end_of(int pid)
{
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
}

int zombie(int code)
{
    int pid = fork_bound();
    if (pid == 0)
        _exit(code);
    await_end_of(pid);
    return pid;
}

void kill_unreaped(int pid)
{
    kill(pid, SIGKILL);
    await_end_of(pid);
}

void end_process(int pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int in_pid_namespace(void *arg)
{
    int (*body)(void *) = *(int (**)(void *))arg;
    int status = 0;
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
        return NOT_POSSIBLE;
    int first = fork_bound();
    if (first == 0)
        leave(body(NULL));
    waitpid(first, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

void check_in_pid_namespace(int (*body)(void *arg), const char *what, const char *file, int line)
{
    check_in_fork(in_pid_namespace, (void *)&body, "no pid namespace with a /proc and pids of choice here", what, file,
                  line);
}

int mount_proc(void)
{
    /* All with a name, as valgrind wants to read it. */
    return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ? -1 : mount("proc", "/proc", "proc", 0, NULL);
}

/* ---- A thief ---- */

static pthread_t thief;
static _Atomic int thief_stops;

static void *steal(void *arg)
{
    while (!atomic_load(&thief_stops))
        if (waitpid(-1, NULL, WNOHANG | *(const int *)arg) <= 0)
            sched_yield();
    return NULL;
}

void thief_start(int options)
{
    static int given;
    given = options;
    atomic_store(&thief_stops, 0);
    if (pthread_create(&thief, NULL, steal, &given) != 0)
        abort();
}

void thief_stop(void)
{
    atomic_store(&thief_stops, 1);
    pthread_join(thief, NULL);
}

/* ---- Orphans ---- */

void live_below_heir(void)
{
    int status, ended;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    int pid = fork_bound();
    if (pid == 0)
        return;
    do
        ended = wait(&status);
    while (ended != pid && (ended > 0 || errno == EINTR));
    _exit(ended == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

int adopt_orphans(void **state)
{
    (void)state;
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int adopt_no_more(void **state)
{
    (void)state;
    return prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}
