/* SPDX-License-Identifier: MIT */
/* Children that do nothing. Knows nothing of cmocka, so that forked copies may use it as well. */
#define _GNU_SOURCE 1
#include "sleeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int fork_bound(void)
{
    int parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        /* It may have gone before that; 0: it is in another pid namespace. */
        if (getppid() != parent && getppid() != 0)
            _exit(99);
    }
    return pid;
}

_Noreturn void live_on(void)
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
    if (pid < 0) {
        perror("fork");
        abort();
    }
    return pid;
}

void end(int pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
