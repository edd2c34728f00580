/* SPDX-License-Identifier: MIT */
/*
 * What it costs to read and understand /proc/<pid>/status above the bare openat, read and close of the same files: over
 * many sleeping processes in turn, so that nothing is answered from a warm cache of one. And what it costs to walk over
 * all of them, by what is asked for, against the bare calls and against the peers that are installed.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "peers.h"

static long processes = 2000;
/* Texts that are still in the processor's cache, as one is that has just been read. */
#define TEXTS_AT_HAND 8

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

static char text_of_bare[8192];

static size_t read_text(const struct crowd *crowd)
{
    int fd = openat(AT_FDCWD, crowd->paths[next_of(crowd)], O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text_of_bare, sizeof text_of_bare);
    if (len <= 0)
        bench_die("read", errno);
    close(fd);
    return (size_t)len;
}

static void read_bare(const void *context)
{
    read_text(context);
}

/* The least that anybody can do who wants to know what is in there. */
static void read_and_find_lines(const void *context)
{
    const char *at = text_of_bare, *end = at + read_text(context);
    size_t count = 0;
    for (const char *stop; at < end && (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1)
        count++;
    if (count == 0)
        bench_die("no lines", 0);
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

static void parse(const proc_buffer *text)
{
    proc_status status;
    if (proc_status_parse(text->data, text->len, sizeof status, &status) < 1)
        bench_die("proc_status_parse", 0);
}

static void parse_at_hand(const void *context)
{
    const struct crowd *crowd = context;
    parse(&crowd->texts[next_of(crowd) % TEXTS_AT_HAND]);
}

static void parse_from_afar(const void *context)
{
    const struct crowd *crowd = context;
    parse(&crowd->texts[next_of(crowd)]);
}

static void measure(const struct crowd *crowd)
{
    const struct bench_work work = {"status of each", "us", 1e3, 2};
    const struct bench_way ways[] = {
        {"openat, read, close", read_bare, crowd, 0},
        {"and its lines found", read_and_find_lines, crowd, 0},
        {"proc_status_read", read_and_parse, crowd, 0},
        {"the same, no buffer", read_and_parse_without_buffer, crowd, 0},
        {"proc_status_parse alone", parse_at_hand, crowd, 0},
        {"the same, cold texts", parse_from_afar, crowd, 0},
    };
    bench_row(&work, ways, sizeof ways / sizeof ways[0]);
}

/* ---- Walks: all processes of the machine at a time ---- */

/* Calls each for every pid that the bare list of /proc has; NULL: only lists. */
static void list_bare(void (*each)(const char *pid))
{
    DIR *list = opendir("/proc");
    if (!list)
        bench_die("opendir", errno);
    for (struct dirent *entry; (entry = readdir(list));)
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && each)
            each(entry->d_name);
    closedir(list);
}

static void read_bare_file(const char *pid, const char *file)
{
    static char text[8192], path[300];
    snprintf(path, sizeof path, "/proc/%s/%s", pid, file);
    int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    /* It may be gone by now. */
    if (fd < 0)
        return;
    (void)!read(fd, text, sizeof text);
    close(fd);
}

static void read_bare_status(const char *pid)
{
    read_bare_file(pid, "status");
}

static void read_bare_stat(const char *pid)
{
    read_bare_file(pid, "stat");
}

static void pids_bare(const void *context)
{
    (void)context;
    list_bare(NULL);
}

static void status_bare(const void *context)
{
    (void)context;
    list_bare(read_bare_status);
}

static void stat_bare(const void *context)
{
    (void)context;
    list_bare(read_bare_stat);
}

static void walk(const void *context)
{
    const uint64_t *fields = context;
    proc_walk *walk;
    const proc_entry *entry;
    if (proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = *fields)) < 0)
        bench_die("proc_walk_new", 0);
    while (proc_walk_next(walk, &entry) == 1)
        ;
    proc_walk_free(walk);
}

static void sample(const void *context)
{
    proc_table *const *table = context;
    if (proc_table_refresh(*table) < 1)
        bench_die("proc_table_refresh", 0);
}

static const uint64_t nothing, ids = PROC_FIELD_PARENT | PROC_FIELD_USER, times = PROC_FIELD_TIMES,
                      memory = PROC_FIELD_USER | PROC_FIELD_RSS | PROC_FIELD_SWAP;
static const struct bench_work pids_of_all = {"pids of all", "us", 1e3, 20};
static const struct bench_work status_of_all = {"status of all", "ms", 1e6, 50};
static const struct bench_work times_of_all = {"times of all", "ms", 1e6, 50};

static proc_table *table_of_times(uint32_t flags)
{
    proc_table *table;
    if (proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_CPU, .flags = flags)) < 0)
        bench_die("proc_table_new", 0);
    return table;
}

static void keep_as_many_as_possible(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void measure_walks(void)
{
    const struct bench_way of_pids[] = {{"readdir", pids_bare, NULL, 0}, {"proc_walk", walk, &nothing, 0}};
    const struct bench_way of_statuses[] = {{"readdir, openat, read, close", status_bare, NULL, 0},
                                            {"proc_walk, status", walk, &memory, 0},
                                            {"proc_walk, user and parent", walk, &ids, 0}};
    proc_table *kept = table_of_times(PROC_WALK_SAMPLE), *anew = table_of_times(0);
    const struct bench_way of_samples[] = {{"readdir, openat, read, close", stat_bare, NULL, 0},
                                           {"proc_walk, stat", walk, &times, 0},
                                           {"proc_table_refresh", sample, &anew, 0},
                                           {"the same, files kept", sample, &kept, 0}};
    bench_row(&pids_of_all, of_pids, sizeof of_pids / sizeof of_pids[0]);
    bench_row(&status_of_all, of_statuses, sizeof of_statuses / sizeof of_statuses[0]);
    bench_row(&times_of_all, of_samples, sizeof of_samples / sizeof of_samples[0]);
    proc_table_free(kept);
    proc_table_free(anew);
}

/* A peer as the measure: what it takes longer than we do is one over the ratio. */
static void measure_against(const struct peer *peer)
{
    proc_table *kept = table_of_times(PROC_WALK_SAMPLE);
    const struct bench_way of_pids[] = {{peer->name, peer->pids, peer, 0}, {"proc_walk", walk, &nothing, 0}};
    const struct bench_way of_statuses[] = {{peer->name, peer->statuses, peer, 0},
                                            {"proc_walk, status", walk, &memory, 0}};
    const struct bench_way of_samples[] = {{peer->name, peer->times, peer, 0},
                                           {"proc_walk, stat", walk, &times, 0},
                                           {"proc_table_refresh, kept", sample, &kept, 0}};
    bench_row(&pids_of_all, of_pids, sizeof of_pids / sizeof of_pids[0]);
    bench_row(&status_of_all, of_statuses, sizeof of_statuses / sizeof of_statuses[0]);
    bench_row(&times_of_all, of_samples, sizeof of_samples / sizeof of_samples[0]);
    proc_table_free(kept);
}

int main(int argc, char *argv[])
{
    static const struct bench_option options[] = {{"processes", "sleeping processes", &processes}};
    bench_begin(argc, argv, options, sizeof options / sizeof options[0]);
    struct crowd crowd = gather((size_t)processes);
    measure(&crowd);
    keep_as_many_as_possible();
    measure_walks();
    for (const struct peer *const *peer = peers(); *peer; peer++)
        measure_against(*peer);
    peers_end();
    disperse(&crowd);
    return 0;
}
