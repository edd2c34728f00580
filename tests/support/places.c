/* SPDX-License-Identifier: MIT */
/* Namespaces without the library, to have something to hold it against. */
#define _GNU_SOURCE 1
#include "places.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "started.h"

#include <proc/run.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const struct {
    uint32_t bit;
    int flag;
    const char *name;
} kinds[] = {
    {PROC_NS_USER, CLONE_NEWUSER, "user"}, {PROC_NS_PID, CLONE_NEWPID, "pid"},
    {PROC_NS_MOUNT, CLONE_NEWNS, "mnt"},   {PROC_NS_NET, CLONE_NEWNET, "net"},
    {PROC_NS_UTS, CLONE_NEWUTS, "uts"},    {PROC_NS_IPC, CLONE_NEWIPC, "ipc"},
    {PROC_NS_TIME, CLONE_NEWTIME, "time"}, {PROC_NS_CGROUP, CLONE_NEWCGROUP, "cgroup"},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

/* Not fork(2): under the thread sanitizer that has a second thread at once, which may make no user namespace. */
static long raw_fork(int flags)
{
#if defined(__s390__)
    return syscall(SYS_clone, 0L, (long)(flags | SIGCHLD), 0L, 0L, 0L);
#else
    return syscall(SYS_clone, (long)(flags | SIGCHLD), 0L, 0L, 0L, 0L);
#endif
}

/* Within a user namespace another one has to be possible, too: a filter may deny unshare(2) and allow births. */
int can_make(uint32_t which)
{
    int flags = which & PROC_NS_USER ? CLONE_NEWUTS : 0, status = 0;
    for (size_t i = 0; i < KINDS; i++)
        if (which & kinds[i].bit && kinds[i].bit != PROC_NS_USER)
            flags |= kinds[i].flag;
    long pid = raw_fork(which & PROC_NS_USER ? CLONE_NEWUSER : 0);
    if (pid == 0)
        syscall(SYS_exit_group, flags && syscall(SYS_unshare, (long)flags) < 0);
    waitpid((pid_t)pid, &status, 0);
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int write_into(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t done = fd < 0 ? -1 : write(fd, text, strlen(text));
    if (fd >= 0)
        close(fd);
    return done < 0 ? -1 : 0;
}

int enter_user_namespace(void)
{
    char uids[40], gids[40];
    snprintf(uids, sizeof uids, "%u %u 1", geteuid(), geteuid());
    snprintf(gids, sizeof gids, "%u %u 1", getegid(), getegid());
    if (unshare(CLONE_NEWUSER) < 0 || write_into("/proc/self/setgroups", "deny") < 0)
        return -1;
    return write_into("/proc/self/uid_map", uids) < 0 ? -1 : write_into("/proc/self/gid_map", gids);
}

int become_nobody(void)
{
    if (geteuid() == NOBODY)
        return 0;
    if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return -1;
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int as_nobody(void *arg)
{
    int (*body)(void *) = *(int (**)(void *))arg;
    if (geteuid() == 0)
        require(become_nobody() == 0);
    return can_make(PROC_NS_USER) ? body(NULL) : NOT_POSSIBLE;
}

void check_as_nobody(int (*body)(void *arg), const char *what, const char *file, int line)
{
    check_in_fork(as_nobody, (void *)&body, "who has no privilege cannot make user namespaces here", what, file, line);
}

const char *child_tells(const char *const argv[], const proc_namespaces *namespaces, const proc_ids *ids)
{
    static char text[4096];
    proc_result result;
    proc_error error = {0};
    int rc = proc_run(&result, argv,
                      PROC_OPTIONS(.out = PROC_CAPTURE, .namespaces = namespaces, .ids = ids, .error = &error,
                                   .timeout_ms = PATIENCE_MS));
    snprintf(text, sizeof text, "%.*s", (int)result.out.len, result.out.data ? result.out.data : "");
    if (rc < 0)
        snprintf(text, sizeof text, "%s\n", error.text);
    proc_result_done(&result);
    return text;
}

const char *value_of(const char *text, const char *key)
{
    static char value[200];
    size_t len = strlen(key);
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncmp(line, key, len) != 0 || line[len] != ' ')
            continue;
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line + len + 1, "\n"), line + len + 1);
        return value;
    }
    return "";
}

int64_t number_of(const char *text, const char *key)
{
    return strtoll(value_of(text, key), NULL, 10);
}

uint64_t namespace_of(int pid, uint32_t kind)
{
    char path[64];
    struct stat about;
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].bit != kind)
            continue;
        snprintf(path, sizeof path, "/proc/%d/ns/%s", pid ? pid : (int)getpid(), kinds[i].name);
        return stat(path, &about) == 0 ? about.st_ino : 0;
    }
    return 0;
}
