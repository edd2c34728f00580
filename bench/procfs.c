/* SPDX-License-Identifier: MIT */
/*
 * What it costs to read and understand /proc/<pid>/status above the bare openat, read and close of the same files: over
 * many sleeping processes in turn, so that nothing is answered from a warm cache of one.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

static long processes = 2000;

/* All that the ways go through, one process for each time of the work. */
struct crowd {
    int *pids;
    char (*paths)[32];
    proc_buffer *texts;
    size_t count;
};

static size_t next_of(const struct crowd *crowd)
{
    static size_t turn;
    return turn++ % crowd->count;
}

/* ---- The crowd ---- */

static int sleeper(void)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        bench_die("fork", errno);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent)
        pause();
    _exit(0);
}

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        bench_die("memory", ENOMEM);
    return memory;
}

static struct crowd gather(size_t count)
{
    struct crowd crowd = {room(count, sizeof *crowd.pids), room(count, sizeof *crowd.paths),
                          room(count, sizeof *crowd.texts), count};
    for (size_t i = 0; i < count; i++) {
        proc_status status;
        crowd.pids[i] = sleeper();
        snprintf(crowd.paths[i], sizeof crowd.paths[i], "/proc/%d/status", crowd.pids[i]);
        if (proc_status_read(PROC_PID(crowd.pids[i]), &crowd.texts[i], sizeof status, &status) < 0)
            bench_die("proc_status_read", 0);
    }
    return crowd;
}

static void disperse(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->count; i++) {
        kill(crowd->pids[i], SIGKILL);
        waitpid(crowd->pids[i], NULL, 0);
        proc_buffer_done(&crowd->texts[i]);
    }
    free(crowd->pids);
    free(crowd->paths);
    free(crowd->texts);
}

/* ---- Ways ---- */

static void read_bare(const void *context)
{
    static char text[8192];
    const struct crowd *crowd = context;
    int fd = openat(AT_FDCWD, crowd->paths[next_of(crowd)], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, text, sizeof text) <= 0)
        bench_die("read", errno);
    close(fd);
}

static void read_and_parse(const void *context)
{
    static proc_buffer buffer;
    proc_status status;
    const struct crowd *crowd = context;
    const proc_target target = {.pid = crowd->pids[next_of(crowd)]};
    if (proc_status_read(&target, &buffer, sizeof status, &status) < 0)
        bench_die("proc_status_read", 0);
}

static void read_and_parse_without_buffer(const void *context)
{
    proc_status status;
    const struct crowd *crowd = context;
    const proc_target target = {.pid = crowd->pids[next_of(crowd)]};
    if (proc_status_read(&target, NULL, sizeof status, &status) < 0)
        bench_die("proc_status_read", 0);
}

static void parse_only(const void *context)
{
    proc_status status;
    const struct crowd *crowd = context;
    const proc_buffer *text = &crowd->texts[next_of(crowd)];
    if (proc_status_parse(text->data, text->len, sizeof status, &status) < 1)
        bench_die("proc_status_parse", 0);
}

static void measure(const struct crowd *crowd)
{
    const struct bench_work work = {"status of each", "us", 1e3, 2};
    const struct bench_way ways[] = {
        {"openat, read, close", read_bare, crowd, 0},
        {"proc_status_read", read_and_parse, crowd, 0},
        {"the same, no buffer", read_and_parse_without_buffer, crowd, 0},
        {"proc_status_parse alone", parse_only, crowd, 0},
    };
    bench_row(&work, ways, sizeof ways / sizeof ways[0]);
}

int main(int argc, char *argv[])
{
    static const struct bench_option options[] = {{"processes", "sleeping processes", &processes}};
    bench_begin(argc, argv, options, sizeof options / sizeof options[0]);
    struct crowd crowd = gather((size_t)processes);
    measure(&crowd);
    disperse(&crowd);
    return 0;
}
