/* SPDX-License-Identifier: MIT */
/*
 * Sends a signal: `kill_process [-s SIGNAL | -SIGNAL] PID...`; a signal by name or number, SIGTERM if none is given.
 * Through a pidfd where there are any.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proc/proc.h>

/* A group (negative), ourselves (0) and what is no number are refused: this program is about processes. */
static int pid_of(const char *text)
{
    char *end;
    long pid = strtol(text, &end, 10);
    return *text != '\0' && *end == '\0' && pid > 0 && pid <= INT32_MAX ? (int)pid : -1;
}

static int send_to(int pid, int signal)
{
    int rc = proc_signal_queue(PROC_PID(pid), signal, 0);
    if (rc == -ENOSYS)
        rc = kill(pid, signal) < 0 ? -errno : 0;
    return rc;
}

static int usage(void)
{
    fputs("usage: kill_process [-s SIGNAL | -SIGNAL] PID...\n", stderr);
    return 2;
}

int main(int argc, char *argv[])
{
    int next = 1, signal = SIGTERM, failed = 0;
    if (argc > 2 && strcmp(argv[1], "-s") == 0) {
        signal = proc_signal_number(argv[2]);
        next = 3;
    } else if (argc > 1 && argv[1][0] == '-') {
        signal = proc_signal_number(argv[1] + 1);
        next = 2;
    }
    if (signal < 0 || next >= argc)
        return usage();
    char name[16];
    proc_signal_name(signal, name, sizeof name);
    for (; next < argc; next++) {
        int pid = pid_of(argv[next]);
        int rc = pid < 0 ? -EINVAL : send_to(pid, signal);
        if (rc == 0)
            printf("sent SIG%s to %d\n", name, pid);
        else
            fprintf(stderr, "kill_process: %s: %s\n", argv[next], strerror(-rc));
        failed |= rc < 0;
    }
    return failed;
}
