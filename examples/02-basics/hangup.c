/* SPDX-License-Identifier: MIT */
/*
 * Who is told when a terminal goes. The kernel sends SIGHUP to the leader of the session, and when that has ended, to
 * the group in the foreground. Who ignores it lives on; and so does a group in the background, which only a shell would
 * have told.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

enum { LEADER, DEFAULT, IGNORING, BACKGROUND, COUNT };
static const char *const names[COUNT] = {"leader", "default", "ignoring", "background"};

_Noreturn static void live_on(void)
{
    alarm(60); /* whatever becomes of us, nothing is left behind */
    for (;;)
        pause();
}

/* The first terminal that the leader of a session opens is that of the session. */
_Noreturn static void lead(const char *terminal, int tell)
{
    int pids[COUNT] = {getpid()};
    if (setsid() < 0 || open(terminal, O_RDWR) < 0)
        _exit(1);
    for (int who = DEFAULT; who < COUNT; who++) {
        signal(SIGHUP, who == IGNORING ? SIG_IGN : SIG_DFL);
        if ((pids[who] = fork()) == 0)
            live_on();
        if (pids[who] < 0 || (who == BACKGROUND && setpgid(pids[who], 0) < 0))
            _exit(1);
    }
    if (write(tell, pids, sizeof pids) != sizeof pids)
        _exit(1);
    live_on();
}

static int open_session(int *ret_terminal, int pids[COUNT])
{
    char *path = NULL;
    int pipes[2], terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0 || !(path = ptsname(terminal)) ||
        pipe(pipes) < 0)
        return -1;
    if (fork() == 0) {
        close(terminal); /* it would not go as long as one of them has our end */
        lead(path, pipes[1]);
    }
    close(pipes[1]);
    ssize_t got = read(pipes[0], pids, COUNT * sizeof *pids);
    close(pipes[0]);
    *ret_terminal = terminal;
    return got == (ssize_t)(COUNT * sizeof *pids) ? 0 : -1;
}

/*
 * Who is not told is ended now, in a way that can be told from the other. Who is told may have it still before it, and
 * would be ended by us first.
 */
static int show(const char *name, int pid, int is_told)
{
    int status = 0;
    if (!is_told)
        kill(pid, SIGKILL);
    if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        return -1;
    if (WTERMSIG(status) == SIGKILL)
        printf("%s: still alive\n", name);
    else
        printf("%s: killed by signal %d (%s)\n", name, WTERMSIG(status), strsignal(WTERMSIG(status)));
    return 0;
}

int main(void)
{
    int terminal, pids[COUNT];
    /* The others are orphans when their leader has ended, and then our children. */
    int rc = proc_subreaper(1);
    if (rc >= 0)
        rc = open_session(&terminal, pids);
    if (rc == 0)
        close(terminal);
    /* The leader first: its end is what tells the others. */
    for (int who = LEADER; rc == 0 && who < COUNT; who++)
        rc = show(names[who], pids[who], who <= DEFAULT);
    if (rc < 0)
        fprintf(stderr, "hangup: no session with a terminal can be had here\n");
    return rc < 0;
}
