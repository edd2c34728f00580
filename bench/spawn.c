/* SPDX-License-Identifier: MIT */
/*
 * What a start and a wait cost above the system calls that they cannot do without: of the smallest program there is, of
 * an ordinary one, with six bytes captured, and from a parent with much memory.
 */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

/* A program that is named by its path and takes no arguments. */
struct program {
    const char *path;
    char *argv[2];
};

static struct program program_at(const char *path)
{
    return (struct program){path, {(char *)(uintptr_t)path, NULL}};
}

/* ---- Ways to start and wait ---- */

static void raw(const void *context)
{
    const struct program *program = context;
    raw_end(raw_start(&(struct raw_program){program->path, program->argv, -1}));
}

static void by_proc_spawn(const void *context)
{
    const struct program *program = context;
    proc_child *child;
    proc_exit ended;
    int rc = proc_spawn(&child, PROC_STRINGS(program->argv), NULL);
    if (rc == 0)
        rc = proc_wait(child, -1, &ended);
    if (rc < 0 || !proc_exit_ok(&ended))
        bench_die("proc_spawn", -rc);
    proc_child_free(child);
}

static void wait_for(pid_t pid, const char *what)
{
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        bench_die(what, errno);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        bench_die(what, 0);
}

static void by_posix_spawn(const void *context)
{
    const struct program *program = context;
    pid_t pid;
    int rc = posix_spawn(&pid, program->path, NULL, NULL, program->argv, environ);
    if (rc)
        bench_die("posix_spawn", rc);
    wait_for(pid, "posix_spawn");
}

static void by_vfork(const void *context)
{
    const struct program *program = context;
    pid_t pid = vfork();
    if (pid == 0) {
        execve(program->path, program->argv, environ);
        _exit(127);
    }
    wait_for(pid, "vfork");
}

static void by_fork(const void *context)
{
    const struct program *program = context;
    pid_t pid = fork();
    if (pid == 0) {
        execve(program->path, program->argv, environ);
        _exit(127);
    }
    wait_for(pid, "fork");
}

/* ---- Ways to capture six bytes ---- */

static void raw_capture(const void *context)
{
    const struct program *program = context;
    char output[64];
    size_t len = 0;
    ssize_t got;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        bench_die("pipe2", errno);
    int pidfd = raw_start(&(struct raw_program){program->path, program->argv, ends[1]});
    close(ends[1]);
    while ((got = read(ends[0], output + len, sizeof output - len)) > 0)
        len += (size_t)got;
    close(ends[0]);
    raw_end(pidfd);
    if (got < 0 || len != 6)
        bench_die("raw capture", got < 0 ? errno : 0);
}

static void by_proc_run(const void *context)
{
    const struct program *program = context;
    proc_result result;
    int rc = proc_run(&result, PROC_STRINGS(program->argv), PROC_OPTIONS(.out = PROC_CAPTURE));
    if (rc < 0 || !proc_result_ok(&result) || result.out.len != 6)
        bench_die("proc_run", -rc);
    proc_result_done(&result);
}

/* ---- A large parent ---- */

static long available_mib(void)
{
    char line[128];
    long kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "MemAvailable: %ld", &kib) != 1)
        ;
    if (file)
        fclose(file);
    return kib / 1024;
}

/* In small pages: these are what makes a large process slow to copy. */
static void grow(long mib)
{
    size_t size = (size_t)mib << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        bench_die("--parent-mib", errno);
    madvise(memory, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += 4096)
        memory[i] = 1;
}

static void large_parent(const struct program *tiny, long mib)
{
    char name[64];
    snprintf(name, sizeof name, "true, %ld MiB parent", mib);
    if (available_mib() < mib + 512) {
        printf("%s: left out, for want of memory\n", name);
        return;
    }
    int small = bench_helper();
    grow(mib);
    const struct bench_work work = {name, "us", 1e3, 2};
    const struct bench_way ways[] = {
        {"raw", raw, tiny, 0},
        {"raw again", raw, tiny, 0},
        {"proc_spawn", by_proc_spawn, tiny, 0},
        {"posix_spawn", by_posix_spawn, tiny, 0},
    };
    bench_row(&work, ways, sizeof ways / sizeof ways[0]);
    const struct bench_work flat = {"true, flat", "us", 1e3, 2};
    const struct bench_way sizes[] = {
        {"proc_spawn, small parent", by_proc_spawn, tiny, small},
        {"proc_spawn, large parent", by_proc_spawn, tiny, 0},
    };
    bench_row(&flat, sizes, sizeof sizes / sizeof sizes[0]);
}

int main(int argc, char *argv[])
{
    long parent_mib = 4096;
    const struct bench_option options[] = {
        {"parent-mib", "memory of the large parent; 0 leaves it out", &parent_mib},
    };
    bench_begin(argc, argv, options, 1);

    const struct program tiny = program_at(bench_sibling("child-true"));
    const struct program dynamic = program_at("/bin/true");
    const struct program hello = program_at(bench_sibling("child-hello"));

    const struct bench_work start = {"true, one static page", "us", 1e3, 2};
    const struct bench_way start_ways[] = {
        {"raw", raw, &tiny, 0},
        {"raw again", raw, &tiny, 0},
        {"proc_spawn", by_proc_spawn, &tiny, 0},
        {"vfork, execve, waitpid", by_vfork, &tiny, 0},
        {"posix_spawn, waitpid", by_posix_spawn, &tiny, 0},
        {"fork, execve, waitpid", by_fork, &tiny, 0},
    };
    bench_row(&start, start_ways, sizeof start_ways / sizeof start_ways[0]);

    const struct bench_work ordinary = {"/bin/true, dynamic", "us", 1e3, 2};
    const struct bench_way ordinary_ways[] = {
        {"raw", raw, &dynamic, 0},
        {"proc_spawn", by_proc_spawn, &dynamic, 0},
        {"posix_spawn, waitpid", by_posix_spawn, &dynamic, 0},
    };
    bench_row(&ordinary, ordinary_ways, sizeof ordinary_ways / sizeof ordinary_ways[0]);

    const struct bench_work capture = {"six bytes captured", "us", 1e3, 2};
    const struct bench_way capture_ways[] = {
        {"raw", raw_capture, &hello, 0},
        {"proc_run", by_proc_run, &hello, 0},
    };
    bench_row(&capture, capture_ways, sizeof capture_ways / sizeof capture_ways[0]);

    if (parent_mib > 0)
        large_parent(&tiny, parent_mib);
    return 0;
}
