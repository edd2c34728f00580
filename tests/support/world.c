/* SPDX-License-Identifier: MIT */
/* Takes and compares snapshots of the process-wide things that the library must give back. */
#define _GNU_SOURCE 1
#include "world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNALS 64
#ifndef __WALL
#define __WALL 0x40000000
#endif

struct descriptor {
    int number, descriptor_flags, status_flags;
    char target[96];
};

struct world {
    struct descriptor *descriptors;
    size_t descriptor_count;
    sigset_t mask;
    struct sigaction actions[SIGNALS + 1];
    int known[SIGNALS + 1]; /* libc tells nothing of the signals that it keeps for itself */
    uint64_t ignored, caught; /* without those */
    char cwd[PATH_MAX];
    mode_t umask;
    int pid, threads;
    int child; /* the pid of one that is left, 0 = none, -1 = one that still runs */
};

static void give_up(const char *what)
{
    perror(what);
    abort();
}

/* Descriptors */

static void describe(struct descriptor *descriptor, int number)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", number);
    memset(descriptor, 0, sizeof *descriptor);
    descriptor->number = number;
    descriptor->descriptor_flags = fcntl(number, F_GETFD);
    descriptor->status_flags = fcntl(number, F_GETFL);
    if (readlink(path, descriptor->target, sizeof descriptor->target - 1) < 0)
        snprintf(descriptor->target, sizeof descriptor->target, "?");
}

static int by_number(const void *a, const void *b)
{
    const struct descriptor *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static void add_descriptor(struct world *world, int number)
{
    if ((world->descriptor_count & (world->descriptor_count + 1)) == 0) {
        size_t room = 2 * (world->descriptor_count + 1);
        world->descriptors = realloc(world->descriptors, room * sizeof *world->descriptors);
        if (!world->descriptors)
            give_up("realloc");
    }
    describe(&world->descriptors[world->descriptor_count++], number);
}

static void take_descriptors(struct world *world)
{
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        give_up("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(directory));) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && number != dirfd(directory))
            add_descriptor(world, number);
    }
    closedir(directory);
    if (world->descriptor_count > 0)
        qsort(world->descriptors, world->descriptor_count, sizeof *world->descriptors, by_number);
}

/* Signals */

static uint64_t status_mask(const char *status, const char *key)
{
    const char *line = strstr(status, key);
    return line ? strtoull(line + strlen(key), NULL, 16) : 0;
}

static void take_signals(struct world *world)
{
    char status[8192];
    FILE *file = fopen("/proc/self/status", "re");
    size_t len = file ? fread(status, 1, sizeof status - 1, file) : 0;
    if (file)
        fclose(file);
    status[len] = '\0';
    world->ignored = status_mask(status, "\nSigIgn:");
    world->caught = status_mask(status, "\nSigCgt:");

    pthread_sigmask(SIG_BLOCK, NULL, &world->mask);
    for (int number = 1; number <= SIGNALS; number++) {
        world->known[number] = sigaction(number, NULL, &world->actions[number]) == 0;
        if (world->known[number])
            continue;
        /* Caught from the first thread, cancellation, ... on, and before that ignored, if our parent did so. */
        world->ignored &= ~(UINT64_C(1) << (number - 1));
        world->caught &= ~(UINT64_C(1) << (number - 1));
    }
}

/* Processes */

static int count_threads(void)
{
    int threads = 0;
    DIR *directory = opendir("/proc/self/task");
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        threads += entry->d_name[0] != '.';
    if (directory)
        closedir(directory);
    return threads;
}

/* With SIGCHLD ignored a running child answers with no pid, and an ended one is gone: right in both cases. */
static int child_left(void)
{
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WNOHANG | WEXITED | WNOWAIT | __WALL) < 0)
        return 0;
    return info.si_pid ? info.si_pid : -1;
}

struct world *world_take(void)
{
    struct world *world = calloc(1, sizeof *world);
    if (!world)
        give_up("calloc");
    take_descriptors(world);
    take_signals(world);
    if (!getcwd(world->cwd, sizeof world->cwd))
        snprintf(world->cwd, sizeof world->cwd, "(no directory)");
    world->umask = umask(0);
    umask(world->umask);
    world->pid = getpid();
    world->threads = count_threads();
    world->child = child_left();
    return world;
}

struct world *world_free(struct world *world)
{
    if (world)
        free(world->descriptors);
    free(world);
    return NULL;
}

/* Comparing */

struct report {
    char *text;
    size_t size, len;
    int differences;
};

__attribute__((format(printf, 2, 3))) static void differs(struct report *report, const char *format, ...)
{
    va_list arguments;
    report->differences++;
    if (report->len >= report->size)
        return;
    va_start(arguments, format);
    int len = vsnprintf(report->text + report->len, report->size - report->len, format, arguments);
    va_end(arguments);
    report->len += len > 0 ? (size_t)len : 0;
}

static void compare_descriptor(struct report *report, const struct descriptor *before, const struct descriptor *after)
{
    if (strcmp(before->target, after->target) != 0)
        differs(report, "descriptor %d was %s, is %s\n", before->number, before->target, after->target);
    if (before->descriptor_flags != after->descriptor_flags)
        differs(report, "descriptor %d: close-on-exec was %d, is %d\n", before->number, before->descriptor_flags,
                after->descriptor_flags);
    if (before->status_flags != after->status_flags)
        differs(report, "descriptor %d (%s): flags were %#x, are %#x\n", before->number, before->target,
                (unsigned)before->status_flags, (unsigned)after->status_flags);
}

static void compare_descriptors(struct report *report, const struct world *before, const struct world *after)
{
    size_t i = 0, k = 0;
    while (i < before->descriptor_count || k < after->descriptor_count) {
        const struct descriptor *old = i < before->descriptor_count ? &before->descriptors[i] : NULL;
        const struct descriptor *new = k < after->descriptor_count ? &after->descriptors[k] : NULL;
        if (old && new && old->number == new->number) {
            compare_descriptor(report, old, new);
            i++;
            k++;
        } else if (!new || (old && old->number < new->number)) {
            differs(report, "descriptor %d (%s) is gone\n", old->number, old->target);
            i++;
        } else {
            differs(report, "descriptor %d (%s) is left open\n", new->number, new->target);
            k++;
        }
    }
}

static void compare_masks(struct report *report, const sigset_t *before, const sigset_t *after)
{
    for (int number = 1; number <= SIGNALS; number++) {
        int was = sigismember(before, number), is = sigismember(after, number);
        if (was != is)
            differs(report, "signal %d (%s) is %s\n", number, strsignal(number), is ? "left blocked" : "unblocked");
    }
}

static int same_action(const struct sigaction *a, const struct sigaction *b)
{
    return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags &&
           memcmp(&a->sa_mask, &b->sa_mask, SIGNALS / 8) == 0;
}

static void compare_dispositions(struct report *report, const struct world *before, const struct world *after)
{
    if (before->ignored != after->ignored || before->caught != after->caught)
        differs(report, "ignored signals were %#jx, are %#jx; caught ones were %#jx, are %#jx\n",
                (uintmax_t)before->ignored, (uintmax_t)after->ignored, (uintmax_t)before->caught,
                (uintmax_t)after->caught);
    for (int number = 1; number <= SIGNALS; number++) {
        if (before->known[number] && !same_action(&before->actions[number], &after->actions[number]))
            differs(report, "the action of signal %d (%s) has changed\n", number, strsignal(number));
    }
}

int world_compare(const struct world *before, const struct world *after, char *ret_text, size_t size)
{
    struct report report = {ret_text, size, 0, 0};
    if (size > 0)
        ret_text[0] = '\0';
    compare_descriptors(&report, before, after);
    compare_masks(&report, &before->mask, &after->mask);
    compare_dispositions(&report, before, after);
    if (strcmp(before->cwd, after->cwd) != 0)
        differs(&report, "the working directory was %s, is %s\n", before->cwd, after->cwd);
    if (before->umask != after->umask)
        differs(&report, "the umask was %03o, is %03o\n", before->umask, after->umask);
    if (before->pid != after->pid)
        differs(&report, "this is another process: a forked copy has come back\n");
    if (before->threads != after->threads)
        differs(&report, "there were %d threads, there are %d\n", before->threads, after->threads);
    if (after->child > 0)
        differs(&report, "child %d is left as a zombie\n", after->child);
    if (after->child < 0)
        differs(&report, "a child is left running\n");
    return report.differences;
}

static void bury_listed(FILE *children)
{
    int pid;
    while (fscanf(children, "%d", &pid) == 1) {
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
            ;
    }
}

void world_bury_children(void)
{
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        char path[300];
        snprintf(path, sizeof path, "/proc/self/task/%s/children", entry->d_name);
        FILE *children = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (children) {
            bury_listed(children);
            fclose(children);
        }
    }
    if (tasks)
        closedir(tasks);
}
