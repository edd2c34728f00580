/* SPDX-License-Identifier: MIT */
/* Standard signals merge while they wait, real-time ones queue, each with its value: five of both are sent. */
#define _GNU_SOURCE 1
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

static int send_five_of_both(void)
{
    int rc = 0;
    for (int i = 0; i < 5 && rc == 0; i++) {
        kill(getpid(), SIGUSR1);
        rc = proc_signal_queue(PROC_SELF, SIGRTMIN, 10 * i);
    }
    return rc;
}

static void show(int number, const proc_signal *records, int count)
{
    char name[16];
    int delivered = 0;
    for (int i = 0; i < count; i++)
        delivered += records[i].signal == number;
    proc_signal_name(number, name, sizeof name);
    printf("SIG%s delivered %d of 5", name, delivered);
    for (int i = 0, first = 1; i < count; i++) {
        if (records[i].signal == number && records[i].code == SI_QUEUE) {
            printf("%s %d", first ? ":" : "", records[i].value);
            first = 0;
        }
    }
    puts("");
}

int main(void)
{
    proc_signal records[16];
    proc_error error;
    proc_signals *signals = NULL;
    if (proc_signals_new(&signals, PROC_SIGNAL(SIGUSR1) | PROC_SIGNAL(SIGRTMIN), &error) < 0)
        return fprintf(stderr, "signal_queue: %s\n", error.text), 1;
    int rc = send_five_of_both();
    int count = rc < 0 ? rc : proc_signals_read(signals, records, 16, 1000);
    /* The set is left to the end of the process: freed now, what is unread would be delivered. */
    if (count < 0)
        return fprintf(stderr, "signal_queue: %s\n", strerror(-count)), 1;
    proc_signals_free(signals);
    show(SIGUSR1, records, count);
    show(SIGRTMIN, records, count);
    return 0;
}
