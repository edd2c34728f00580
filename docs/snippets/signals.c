/* SPDX-License-Identifier: MIT */
/* The snippets of signals, as in snippets.c. */
#include "snippet.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

static void number_by_name(void)
{
    //! [signal_number]
    int number = proc_signal_number("RTMIN+3"); /* also "TERM", "SIGTERM", "15" */
    if (number < 0)
        fputs("no such signal\n", stderr);
    //! [signal_number]
    CHECK(number == SIGRTMIN + 3);
}

static void read_signals(void)
{
    //! [signals]
    proc_signals *signals = NULL;
    proc_error error;
    if (proc_signals_new(&signals, PROC_SIGNAL(SIGUSR1) | PROC_SIGNAL(SIGTERM), &error) < 0)
        fprintf(stderr, "%s\n", error.text);
    kill(getpid(), SIGUSR1); /* waits to be read */
    //! [signals]
    CHECK(signals != NULL);
    //! [signals_fd]
    struct pollfd ready = {.fd = proc_signals_fd(signals), .events = POLLIN};
    poll(&ready, 1, 1000);
    //! [signals_fd]
    CHECK(ready.revents == POLLIN);
    //! [signals_read]
    proc_signal records[16];
    char name[16];
    int count = proc_signals_read(signals, records, 16, 1000);
    for (int i = 0; i < count; i++) {
        proc_signal_name(records[i].signal, name, sizeof name);
        printf("%s from %d\n", name, records[i].pid);
    }
    //! [signals_read]
    CHECK(count == 1 && records[0].pid == getpid());
    //! [signals_check]
    int which;
    int tid = proc_signals_check(PROC_SIGNAL(SIGUSR1) | PROC_SIGNAL(SIGTERM), &which);
    if (tid > 0)
        fprintf(stderr, "thread %d does not block signal %d\n", tid, which);
    //! [signals_check]
    //! [signals_free]
    signals = proc_signals_free(signals);
    //! [signals_free]
    CHECK(signals == NULL);
}

static void queue(void)
{
    proc_signals *signals = NULL;
    CHECK(proc_signals_new(&signals, PROC_SIGNAL(SIGRTMIN), NULL) == 0);
    int pid = getpid();
    //! [signal_queue]
    int rc = proc_signal_queue(PROC_PID(pid), SIGRTMIN, 42);
    //! [signal_queue]
    proc_signal record;
    if (rc == 0)
        CHECK(proc_signals_read(signals, &record, 1, 0) == 1 && record.value == 42);
    else
        CHECK(rc == -ENOSYS || rc == -EPERM);
    proc_signals_free(signals);
}

int main(void)
{
    number_by_name();
    read_signals();
    queue();
    return 0;
}
