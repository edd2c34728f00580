/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

int fork_bound(void)
{
    int parent = getpid(), pid = fork();
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

void check_in_pid_namespace(int (*body)(void *arg), const char *file, int line)
{
    struct verdict verdict;
    run_in_fork(&verdict, in_pid_namespace, (void *)&body, PATIENCE_MS);
    if (verdict.code == NOT_POSSIBLE)
        skip_test(file, line, "no pid namespace with a /proc and pids of choice here");
    if (verdict.code == 0)
        return;
    print_error("left with %d: %s\n", verdict.code, verdict.text);
    _fail(file, line);
}

int mount_proc(void)
{
    /* All with a name, as valgrind wants to read it. */
    return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ? -1 : mount("proc", "/proc", "proc", 0, NULL);
}

int choose_next_pid(int pid)
{
    int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    int written = fd < 0 ? -1 : dprintf(fd, "%d", pid - 1);
    if (fd >= 0)
        close(fd);
    return written > 0 ? 0 : -1;
}
