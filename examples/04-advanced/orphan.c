/* SPDX-License-Identifier: MIT */
/*
 * A process whose parent ends before it gets another one: the nearest ancestor that asked for orphans, else the first
 * process. With --subreaper we ask, and collect its exit code.
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

/* The orphan waits until its parent has gone, and tells what changed. Session and group stay as they are. */
static void live_as_orphan(int before, int grandparent, int parent_gone)
{
    char byte;
    if (read(parent_gone, &byte, 1) != 0)
        _exit(1);
    while (getppid() == before)
        usleep(1000);
    int after = getppid();
    printf("ppid before %d, after %d%s, session %s\n", before, after, after == grandparent ? " (me)" : "",
           getsid(0) == getsid(grandparent) ? "the same" : "another");
    fflush(stdout);
    _exit(3);
}

/* Its pid, told through a pipe; whose end of file comes when the orphan has ended. */
static int make_orphan(int ended[2])
{
    int gone[2], me = getpid();
    if (pipe(gone) < 0)
        return -1;
    int parent = fork();
    if (parent == 0) {
        int before = getpid();
        if (fork() == 0) {
            close(gone[1]);
            close(ended[0]);
            live_as_orphan(before, me, gone[0]);
        }
        _exit(0);
    }
    close(gone[0]);
    close(gone[1]);
    close(ended[1]);
    return parent;
}

static int collect(proc_watch *watch, int pid, const proc_exit *end, void *user)
{
    char words[64];
    const int *parent = user;
    if (pid == *parent)
        return 0;
    proc_exit_text(end, words, sizeof words);
    printf("the orphan %s\n", words);
    proc_loop_quit(proc_watch_loop(watch), 0);
    return 0;
}

int main(int argc, char *argv[])
{
    const int wanted = argc > 1 && strcmp(argv[1], "--subreaper") == 0;
    int ended[2], parent = -1, rc = 0;
    char byte;
    proc_loop *loop = NULL;
    if (wanted)
        rc = proc_loop_new(&loop);
    if (wanted && rc == 0)
        rc = proc_loop_orphans(loop, collect, &parent, NULL);
    if (rc == 0 && pipe(ended) == 0)
        parent = make_orphan(ended);
    if (parent < 0)
        return fprintf(stderr, "orphan: cannot make one\n"), 1;
    if (wanted)
        rc = proc_loop_run(loop);
    else
        waitpid(parent, NULL, 0);
    proc_loop_free(loop);
    return rc < 0 || read(ended[0], &byte, 1) != 0;
}
