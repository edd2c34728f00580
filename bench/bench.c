/* SPDX-License-Identifier: MIT */
/* Blocks, medians and the table. Keeps the options, and the one line that heads the table. */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FEWEST_BLOCKS 5

static long blocks = 251;
static long seconds = 60;
static long cpu = -1;

/* ---- Small things ---- */

void bench_die(const char *what, int error)
{
    fflush(stdout);
    fprintf(stderr, "bench: %s%s%s\n", what, error ? ": " : "", error ? strerror(error) : "");
    exit(1);
}

int64_t bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

const char *bench_sibling(const char *name)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0)
        bench_die("/proc/self/exe", errno);
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    char *path;
    if (asprintf(&path, "%s/%s", self, name) < 0)
        bench_die("memory", ENOMEM);
    if (access(path, X_OK) < 0)
        bench_die(path, errno);
    return path;
}

/* ---- Options ---- */

static const struct bench_option common[] = {
    {"blocks", "blocks of each way", &blocks},
    {"seconds", "most of them for one way, then it makes do with fewer blocks", &seconds},
    {"cpu", "the processor to stay on, also with all children; -1 = the last one, -2 = free on all", &cpu},
};

static const struct bench_option *find_option(const char *name, const struct bench_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

static void explain(const struct bench_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "  --%-14s %s (%ld)\n", options[i].name, options[i].help, *options[i].value);
}

static int take_options(int argc, char *argv[], const struct bench_option *options, size_t count)
{
    if (argc % 2 == 0)
        return -1;
    for (int i = 1; i < argc; i += 2) {
        const char *name = strncmp(argv[i], "--", 2) == 0 ? argv[i] + 2 : "";
        const struct bench_option *option = find_option(name, options, count);
        if (!option)
            option = find_option(name, common, sizeof common / sizeof common[0]);
        char *end;
        long value = strtol(argv[i + 1], &end, 10);
        if (!option || end == argv[i + 1] || *end != '\0')
            return -1;
        *option->value = value;
    }
    return blocks < 1 || seconds < 1 ? -1 : 0;
}

static void stay_on_one_cpu(void)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        bench_die("sched_getaffinity", errno);
    for (int i = 0; cpu == -1 && i < CPU_SETSIZE; i++) {
        int last = CPU_SETSIZE - 1 - i;
        if (CPU_ISSET((size_t)last, &allowed))
            cpu = last;
    }
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) < 0)
        bench_die("--cpu", errno);
}

void bench_begin(int argc, char *argv[], const struct bench_option *options, size_t count)
{
    if (take_options(argc, argv, options, count) < 0) {
        fprintf(stderr, "usage: %s [--OPTION NUMBER]...\n", argv[0]);
        explain(options, count);
        explain(common, sizeof common / sizeof common[0]);
        exit(2);
    }
    if (cpu != -2)
        stay_on_one_cpu();
    srandom((unsigned)bench_now());
    printf("%-22s %-26s %8s        %6s  %-16s  %6s\n", cpu == -2 ? "free on all CPUs" : "all on one CPU", "", "median",
           "ratio", "quartiles", "blocks");
}

/* ---- One block ---- */

struct order {
    struct bench_way way;
    long times;
};

static int64_t left_out;

void bench_leave_out(int64_t begin)
{
    left_out += bench_now() - begin;
}

static int64_t do_block(const struct bench_way *way, long times)
{
    left_out = 0;
    int64_t begin = bench_now();
    for (long i = 0; i < times; i++)
        way->once(way->context);
    return bench_now() - begin - left_out;
}

static int64_t block(const struct bench_way *way, long times)
{
    struct order order = {*way, times};
    int64_t taken;
    if (!way->helper)
        return do_block(way, times);
    if (write(way->helper, &order, sizeof order) != (ssize_t)sizeof order ||
        read(way->helper, &taken, sizeof taken) != (ssize_t)sizeof taken)
        bench_die("the helper process is gone", 0);
    return taken;
}

int bench_helper(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        bench_die("socketpair", errno);
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        bench_die("fork", errno);
    if (pid > 0) {
        close(ends[1]);
        return ends[0];
    }
    struct order order;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    while (read(ends[1], &order, sizeof order) == (ssize_t)sizeof order) {
        int64_t taken = do_block(&order.way, order.times);
        if (write(ends[1], &taken, sizeof taken) != (ssize_t)sizeof taken)
            break;
    }
    _exit(0);
}

/* ---- One row ---- */

struct samples {
    double *values;
    long count;
};

static struct samples room_for(long count)
{
    struct samples samples = {calloc((size_t)count, sizeof *samples.values), 0};
    if (!samples.values)
        bench_die("memory", ENOMEM);
    return samples;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double quartile(struct samples *samples, int which)
{
    qsort(samples->values, (size_t)samples->count, sizeof *samples->values, compare);
    return samples->values[(samples->count - 1) * which / 4];
}

/* So often that a block of the measure takes about as long as the work asks for. */
static long times_per_block(const struct bench_work *work, const struct bench_way *measure)
{
    const int64_t wanted = (int64_t)work->block_ms * 1000000;
    long times = 1;
    int64_t taken;
    while ((taken = block(measure, times)) < wanted / 4)
        times *= 2;
    times = (long)((double)times * (double)wanted / (double)taken);
    return times > 0 ? times : 1;
}

struct result {
    double time, ratio, low, high;
    long blocks;
};

/* Pairs of blocks, each pair in an order of its own. */
static struct result compare_with(const struct bench_way *measure, const struct bench_way *way, long times,
                                  struct samples *all_of_measure)
{
    struct samples ratios = room_for(blocks), own = room_for(blocks);
    int64_t end = bench_now() + (int64_t)seconds * 1000000000;
    block(way, 1);
    for (long i = 0; i < blocks && (i < FEWEST_BLOCKS || bench_now() < end); i++) {
        int measure_first = (int)(random() & 1);
        double a = (double)block(measure_first ? measure : way, times);
        double b = (double)block(measure_first ? way : measure, times);
        ratios.values[ratios.count++] = measure_first ? b / a : a / b;
        own.values[own.count++] = (measure_first ? b : a) / (double)times;
        all_of_measure->values[all_of_measure->count++] = (measure_first ? a : b) / (double)times;
    }
    struct result result = {quartile(&own, 2), quartile(&ratios, 2), quartile(&ratios, 1), quartile(&ratios, 3),
                            ratios.count};
    free(ratios.values);
    free(own.values);
    return result;
}

void bench_row(const struct bench_work *work, const struct bench_way *ways, size_t count)
{
    struct samples measure = room_for(blocks * (long)count);
    struct result results[BENCH_MOST_WAYS];
    long times = times_per_block(work, &ways[0]);
    for (size_t i = 1; i < count; i++)
        results[i] = compare_with(&ways[0], &ways[i], times, &measure);
    printf("%-22s %-26s %8.1f %-7s%6d  %16s  %6ld\n", work->name, ways[0].name, quartile(&measure, 2) / work->unit_ns,
           work->unit, 1, "", measure.count);
    for (size_t i = 1; i < count; i++) {
        const struct result *result = &results[i];
        printf("%-22s %-26s %8.1f %-7s %.3f  [%.3f..%.3f]  %6ld\n", "", ways[i].name, result->time / work->unit_ns,
               work->unit, result->ratio, result->low, result->high, result->blocks);
    }
    fflush(stdout);
    free(measure.values);
}
