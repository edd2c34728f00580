/* SPDX-License-Identifier: MIT */
/*
 * SIGKILL and SIGSTOP can be neither caught nor blocked, and the kernel says so only to who asks for a handler. What
 * ignores SIGTERM ends by SIGKILL. The one that is safe from its own SIGKILL is the first process of a pid namespace.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

static void show_refusals(int signal)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    proc_error error;
    proc_signals *signals = NULL;
    char name[16];
    sigset_t set;
    proc_signal_name(signal, name, sizeof name);
    int rc = sigaction(signal, &ignore, NULL);
    printf("SIG%s: a handler: %s\n", name, rc < 0 ? strerror(errno) : "taken");
    sigemptyset(&set);
    sigaddset(&set, signal);
    rc = sigprocmask(SIG_BLOCK, &set, NULL);
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("SIG%s: blocking it: %s, blocked: %s\n", name, rc < 0 ? strerror(errno) : "no error",
           sigismember(&set, signal) ? "yes" : "no");
    if (proc_signals_new(&signals, PROC_SIGNAL(signal), &error) < 0)
        printf("SIG%s: %s\n", name, error.text);
    proc_signals_free(signals);
}

static int end_a_stubborn_child(void)
{
    proc_child *child;
    proc_error error;
    proc_exit ended;
    char words[64];
    static const char script[] = "trap '' TERM; echo; while :; do sleep 1; done";
    int rc = proc_spawn(&child, PROC_ARGV("sh", "-c", script),
                        PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP, .error = &error,
                                     .stop = PROC_STOP_STEPS({SIGTERM, PROC_GROUP, 50}, {SIGKILL, PROC_GROUP, 5000})));
    if (rc < 0)
        return fprintf(stderr, "sigkill: %s\n", error.text), 1;
    char line;
    proc_read(child, 1, &line, 1, 5000); /* the trap is set */
    if (proc_stop(child, &ended) == 0 && proc_exit_text(&ended, words, sizeof words) > 0)
        printf("a child that ignores SIGTERM: %s\n", words);
    proc_child_free(child);
    return 0;
}

/* In a child, since the namespace is for the children of who asks for it. */
static int live_as_pid_1(void)
{
    int status;
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
        return 1;
    int pid = fork();
    if (pid == 0) {
        kill(getpid(), SIGKILL);
        _exit(getpid() == 1 ? 0 : 1);
    }
    return pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0;
}

int main(void)
{
    int status = 1;
    show_refusals(SIGKILL);
    show_refusals(SIGSTOP);
    if (end_a_stubborn_child() != 0)
        return 1;
    fflush(stdout);
    int pid = fork();
    if (pid == 0)
        _exit(live_as_pid_1());
    if (pid > 0 && waitpid(pid, &status, 0) == pid)
        printf("pid 1 of a namespace and its own SIGKILL: %s\n", status == 0 ? "lives on" : "no namespace here");
    return 0;
}
