/* SPDX-License-Identifier: MIT */
/* The snippets of identities, walks and tables, as in snippets.c. */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
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

static int sleeper(void)
{
    int pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void end(int pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void identity(void)
{
    int pid = sleeper();
    //! [identity]
    proc_identity then, now;
    int rc = proc_identity_get(PROC_PID(pid), &then);
    /* ... later, perhaps in another program ... */
    int the_same = rc == 0 && proc_identity_get(PROC_PID(pid), &now) == 0 && proc_identity_same(&then, &now);
    //! [identity]
    CHECK(the_same);
    end(pid);
}

static void exit_of_others(void)
{
    int pid = sleeper();
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        end(pid);
        return;
    }
    //! [exit_get]
    proc_exit ended;
    if (proc_exit_get(PROC_PIDFD(pidfd), &ended) == 0 && ended.kind == PROC_RUNNING)
        puts("still there");
    //! [exit_get]
    CHECK(ended.kind == PROC_RUNNING);
    end(pid);
    //! [exit_wait]
    char words[64];
    if (proc_exit_wait(PROC_PIDFD(pidfd), 5000, &ended) == 0 && proc_exit_text(&ended, words, sizeof words) >= 0)
        puts(words); /* killed by SIGKILL; or: ended, not reaped yet */
    //! [exit_wait]
    CHECK(ended.kind == PROC_LOST || (ended.kind == PROC_SIGNALED && ended.code == SIGKILL));
    close(pidfd);
}

int main(void)
{
    identity();
    exit_of_others();
    return 0;
}
