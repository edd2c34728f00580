/* SPDX-License-Identifier: MIT */
/* What a process is, in a few lines: `process_info [PID]`, itself without one. All of it is data in /proc. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

/* A process chooses its name and its paths: nothing of them goes to a terminal as it is. */
static const char *shown(const char *text, char *buffer, size_t size)
{
    proc_escape(text, strlen(text), buffer, size);
    return buffer;
}

static void print_link(const char *title, const proc_target *target, int which)
{
    char path[4096], safe[4 * sizeof path];
    int deleted = 0;
    int64_t len = proc_link_read(target, which, path, sizeof path, &deleted);
    if (len < 0)
        printf("%s (%s)\n", title, strerror((int)-len));
    else
        printf("%s %s%s\n", title, shown(path, safe, sizeof safe), deleted ? " (removed)" : "");
}

static int print_process(const proc_target *target)
{
    proc_status status;
    proc_stat stat;
    char parent[64], safe[4 * sizeof parent];
    int rc = proc_status_read(target, NULL, sizeof status, &status);
    if (rc == 0)
        rc = proc_stat_read(target, &stat);
    if (rc < 0)
        return rc;
    if (proc_comm_read(PROC_PID(status.ppid), parent, sizeof parent) < 0 || status.ppid == 0)
        strcpy(parent, "not to be seen");
    printf("pid %d  ppid %d (%s)  pgid %d  sid %d\n", status.pid, status.ppid, shown(parent, safe, sizeof safe), stat.pgrp,
           stat.session);
    printf("uid %" PRIu32 "  state %c (%s)  threads %" PRIu32 "\n", status.uid[0], status.state,
           proc_status_state_word(&status), status.threads);
    printf("started %" PRIu64 " s after boot\n", stat.start_ticks / (uint64_t)sysconf(_SC_CLK_TCK));
    print_link("exe", target, PROC_LINK_EXE);
    print_link("cwd", target, PROC_LINK_CWD);
    return 0;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    long pid = argc > 1 ? strtol(argv[1], &end, 10) : (long)getpid();
    if (argc > 2 || (end && (*end != '\0' || pid <= 0 || pid > INT32_MAX)))
        return fprintf(stderr, "usage: process_info [PID]\n"), 2;
    int rc = print_process(PROC_PID((int)pid));
    if (rc < 0)
        fprintf(stderr, "process_info: %ld: %s\n", pid, strerror(-rc));
    return rc < 0;
}
