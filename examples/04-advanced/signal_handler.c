/* SPDX-License-Identifier: MIT */
/*
 * Signals without a handler: they are read from a descriptor, with who sent them, so that any code may run for them.
 * SIGUSR1 is shown, SIGINT warns once and ends the program the second time, SIGTERM ends it at once.
 */
#define _GNU_SOURCE 1
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <proc/proc.h>

static int hear(proc_watch *watch, const proc_signal *signal, void *user)
{
    int *interrupts = user;
    char name[16];
    proc_signal_name(signal->signal, name, sizeof name);
    printf("SIG%s from pid %d uid %u\n", name, signal->pid, signal->uid);
    if (signal->signal == SIGINT && ++*interrupts == 1)
        puts("once more to end");
    else if (signal->signal != SIGUSR1)
        proc_loop_quit(proc_watch_loop(watch), 0);
    fflush(stdout);
    return 0;
}

int main(void)
{
    static const uint64_t set = PROC_SIGNAL(SIGUSR1) | PROC_SIGNAL(SIGINT) | PROC_SIGNAL(SIGTERM);
    int interrupts = 0;
    proc_loop *loop = NULL;
    int rc = proc_loop_new(&loop);
    if (rc == 0)
        rc = proc_loop_signals(loop, set, hear, &interrupts, NULL);
    if (rc == 0) {
        printf("pid %d waits\n", (int)getpid());
        fflush(stdout);
        rc = proc_loop_run(loop);
    }
    proc_loop_free(loop);
    if (rc < 0)
        fprintf(stderr, "signal_handler: error %d\n", -rc);
    return rc < 0;
}
