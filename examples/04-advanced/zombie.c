/* SPDX-License-Identifier: MIT */
/*
 * A zombie: a process that has ended and whose status nobody has read. It has no memory and no arguments any more, and
 * no signal ends it, but only its parent's wait. Nobody becomes one where SIGCHLD is ignored; and libproc still knows.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

static int show(int pid, const char *when)
{
    proc_status status;
    proc_buffer arguments = {0};
    int rc = proc_status_read(PROC_PID(pid), NULL, sizeof status, &status);
    if (rc < 0)
        return printf("%s: %s\n", when, strerror(-rc)), rc;
    proc_file_read(PROC_PID(pid), PROC_FILE_CMDLINE, &arguments);
    printf("%s: state %c (%s), %d bytes of arguments, memory: %s\n", when, status.state,
           proc_status_state_word(&status), (int)arguments.len,
           proc_status_has(&status, PROC_KEY_VM_RSS) ? "some" : "none");
    proc_buffer_done(&arguments);
    return 0;
}

/* A zombie made by hand. */
static int make_and_bury(void)
{
    siginfo_t info;
    int pid = fork();
    if (pid == 0)
        _exit(7);
    if (pid < 0 || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0)
        return 1;
    show(pid, "ended");
    kill(pid, SIGKILL);
    show(pid, "killed once more");
    waitpid(pid, NULL, 0);
    show(pid, "waited for");
    return 0;
}

/* The loop shows each child to the callback before it reaps it. */
static int tell(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user)
{
    char words[64];
    (void)watch, (void)user;
    show(proc_child_pid(child), "in the callback of a loop");
    proc_exit_text(ended, words, sizeof words);
    printf("it %s\n", words);
    return 0;
}

static int watch_one(proc_loop *loop, proc_error *error)
{
    proc_child *child;
    int rc = proc_spawn(&child, PROC_ARGV("sh", "-c", "exit 7"), PROC_OPTIONS(.error = error));
    if (rc < 0)
        return fprintf(stderr, "zombie: %s\n", error->text), rc;
    rc = proc_loop_child(loop, child, tell, NULL, NULL);
    if (rc == 0)
        rc = proc_loop_run(loop);
    show(proc_child_pid(child), "after it");
    proc_child_free(child);
    return rc;
}

static void ignore_all(void)
{
    signal(SIGCHLD, SIG_IGN);
    fflush(stdout);
    int pid = fork();
    if (pid == 0)
        _exit(7);
    int rc = waitpid(pid, NULL, 0);
    printf("SIGCHLD ignored, waitpid: %s\n", rc < 0 ? strerror(errno) : "a status");
}

int main(void)
{
    proc_error error;
    proc_loop *loop = NULL;
    if (make_and_bury() != 0 || proc_loop_new(&loop) < 0)
        return 1;
    int rc = watch_one(loop, &error);
    proc_loop_free(loop);
    if (rc == 0)
        ignore_all();
    return rc < 0;
}
