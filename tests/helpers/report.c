/* SPDX-License-Identifier: MIT */
/*
 * Tells what a started program finds at its start, one `key value` per line:
 *
 *     report [--to FD|PATH] [anything ...]
 *
 *     argc, argv N, env, cwd, umask, pid, ppid, pgid, sid, tty_nr, uids, gids (real effective saved), groups,
 *     blocked (rt_sigprocmask), SigPnd ShdPnd SigBlk SigIgn SigCgt (/proc/self/status), fd N cloexec= flags= target,
 *     CapInh CapPrm CapEff CapBnd CapAmb Seccomp (there too), dumpable, no_new_privs, nice, cpus (a list), policy (with
 *     its flag), priority, io_priority, rlimit N (soft hard), oom_score_adj, cgroup (version 2), cgroup-freezer
 *     (version 1)
 *
 * The descriptors are looked at before anything is opened. Bytes that would break a line are shown as \xNN.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

struct descriptor {
    int number, descriptor_flags, status_flags;
    char target[PATH_MAX];
};

static struct descriptor *descriptors;
static size_t descriptor_count;

/* Looking, before anything else */

static void look_at(int number)
{
    char path[64];
    descriptors = realloc(descriptors, (descriptor_count + 1) * sizeof *descriptors);
    if (!descriptors)
        exit(99);
    struct descriptor *new = &descriptors[descriptor_count++];
    memset(new, 0, sizeof *new);
    new->number = number;
    new->descriptor_flags = fcntl(number, F_GETFD);
    new->status_flags = fcntl(number, F_GETFL);
    snprintf(path, sizeof path, "/proc/self/fd/%d", number);
    if (readlink(path, new->target, sizeof new->target - 1) < 0)
        snprintf(new->target, sizeof new->target, "?");
}

static int by_number(const void *a, const void *b)
{
    const struct descriptor *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static void look_at_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory))
            look_at(atoi(entry->d_name));
    }
    closedir(directory);
    if (descriptor_count > 0)
        qsort(descriptors, descriptor_count, sizeof *descriptors, by_number);
}

/* Telling */

static void put_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == '\\')
            fprintf(to, "\\x%02x", (unsigned char)*text);
        else
            fputc(*text, to);
    }
    fputc('\n', to);
}

static void tell_strings(FILE *to, int argc, char **argv)
{
    fprintf(to, "argc %d\n", argc);
    for (int i = 0; i < argc; i++) {
        fprintf(to, "argv %d ", i);
        put_text(to, argv[i]);
    }
    for (char **variable = environ; *variable; variable++) {
        fprintf(to, "env ");
        put_text(to, *variable);
    }
}

static void tell_place(FILE *to)
{
    char path[PATH_MAX];
    mode_t mask = umask(0);
    umask(mask);
    fprintf(to, "cwd ");
    put_text(to, getcwd(path, sizeof path) ? path : "?");
    fprintf(to, "umask %03o\n", mask);
}

/* The seventh field; the second one, in brackets, may hold spaces. */
static int terminal_number(void)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    int number = -1;
    if (file)
        fclose(file);
    text[len] = '\0';
    const char *rest = strrchr(text, ')');
    if (rest)
        sscanf(rest + 1, " %*c %*d %*d %*d %d", &number);
    return number;
}

static void tell_family(FILE *to)
{
    fprintf(to, "pid %d\nppid %d\npgid %d\nsid %d\n", getpid(), getppid(), getpgid(0), getsid(0));
    fprintf(to, "tty_nr %d\n", terminal_number());
}

static void tell_ids(FILE *to)
{
    uid_t uid[3];
    gid_t gid[3], groups[NGROUPS_MAX];
    if (getresuid(&uid[0], &uid[1], &uid[2]) == 0)
        fprintf(to, "uids %u %u %u\n", uid[0], uid[1], uid[2]);
    if (getresgid(&gid[0], &gid[1], &gid[2]) == 0)
        fprintf(to, "gids %u %u %u\n", gid[0], gid[1], gid[2]);
    int count = getgroups(NGROUPS_MAX, groups);
    fprintf(to, "groups ");
    for (int i = 0; i < count; i++)
        fprintf(to, "%s%u", i ? " " : "", groups[i]);
    fprintf(to, "\n");
}

static void tell_signals_and_privileges(FILE *to)
{
    char line[256];
    uint64_t blocked[2] = {0};
    if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, blocked, _NSIG / 8) == 0)
        fprintf(to, "blocked %016jx\n", (uintmax_t)blocked[0]);
    FILE *file = fopen("/proc/thread-self/status", "re");
    while (file && fgets(line, sizeof line, file)) {
        char key[16], value[64];
        if (sscanf(line, "%15[^:]: %63s", key, value) == 2 &&
            (strncmp(key, "Sig", 3) == 0 || strncmp(key, "Cap", 3) == 0 || strcmp(key, "ShdPnd") == 0 ||
             strcmp(key, "Seccomp") == 0) &&
            strcmp(key, "SigQ") != 0)
            fprintf(to, "%s %s\n", key, value);
    }
    if (file)
        fclose(file);
}

static void tell_descriptors(FILE *to)
{
    for (size_t i = 0; i < descriptor_count; i++) {
        const struct descriptor *it = &descriptors[i];
        fprintf(to, "fd %d cloexec=%d flags=%#x ", it->number, it->descriptor_flags & FD_CLOEXEC ? 1 : 0,
                (unsigned)it->status_flags);
        put_text(to, it->target);
    }
}

static void tell_process_flags(FILE *to)
{
    fprintf(to, "dumpable %d\nno_new_privs %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0),
            prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

/* The rest of every line of a file that begins so, under another key. */
static void tell_lines(FILE *to, const char *path, const char *start, const char *key)
{
    char line[PATH_MAX];
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, start, strlen(start)) != 0)
            continue;
        const char *value = line + strlen(start);
        fprintf(to, "%s ", key);
        put_text(to, value + strspn(value, " \t"));
    }
    if (file)
        fclose(file);
}

static void tell_scheduling(FILE *to)
{
    struct sched_param param = {0};
    sched_getparam(0, &param);
    fprintf(to, "nice %d\n", getpriority(PRIO_PROCESS, 0));
    tell_lines(to, "/proc/self/status", "Cpus_allowed_list:", "cpus");
    fprintf(to, "policy %#lx\npriority %d\n", syscall(SYS_sched_getscheduler, 0), param.sched_priority);
    fprintf(to, "io_priority %ld\n", syscall(SYS_ioprio_get, 1, 0));
}

/* "6:freezer:/path", whatever its number is. */
static void tell_freezer(FILE *to)
{
    for (int hierarchy = 1; hierarchy < 32; hierarchy++) {
        char start[32];
        snprintf(start, sizeof start, "%d:freezer:", hierarchy);
        tell_lines(to, "/proc/self/cgroup", start, "cgroup-freezer");
    }
}

static void tell_limits(FILE *to)
{
    uint64_t limit[2]; /* soft, hard */
    for (int resource = 0; syscall(SYS_prlimit64, 0, resource, NULL, limit) == 0; resource++)
        fprintf(to, "rlimit %d %ju %ju\n", resource, (uintmax_t)limit[0], (uintmax_t)limit[1]);
    tell_lines(to, "/proc/self/oom_score_adj", "", "oom_score_adj");
    tell_lines(to, "/proc/self/cgroup", "0::", "cgroup");
    tell_freezer(to);
}

static FILE *open_target(const char *name)
{
    char *end;
    long number = strtol(name, &end, 10);
    return *name && !*end ? fdopen((int)number, "w") : fopen(name, "we");
}

int main(int argc, char **argv)
{
    look_at_descriptors();
    FILE *to = argc > 2 && strcmp(argv[1], "--to") == 0 ? open_target(argv[2]) : stdout;
    if (!to)
        return 98;
    tell_strings(to, argc, argv);
    tell_place(to);
    tell_family(to);
    tell_ids(to);
    tell_signals_and_privileges(to);
    tell_descriptors(to);
    tell_process_flags(to);
    tell_scheduling(to);
    tell_limits(to);
    free(descriptors);
    return fclose(to) == 0 ? 0 : 97;
}
