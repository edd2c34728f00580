/* SPDX-License-Identifier: MIT */
/*
 * The last step of a new process: the first of the planned paths that can be executed. What a failure says is about the
 * file that the caller would ask about, not about the one that was tried last.
 */
#include "child_side.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "announcement.h"

/* The file is not there, in one of the ways that a directory of a search list can lack it. */
static int is_absent(long rc)
{
    return rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP || rc == -ENAMETOOLONG || rc == -ESTALE || rc == -ENODEV ||
           rc == -ETIMEDOUT;
}

/* ---- One of them ---- */

/* execveat(2) needs no path; where a filter or an emulator lacks it, /proc gives the descriptor one. */
static long execute_descriptor(const struct plan *plan, int fd)
{
    char path[14 + DECIMAL_ROOM] = "/proc/self/fd/";
    long rc;
    do
        rc = proc__syscall(SYS_execveat, fd, (long)"", (long)plan->argv, (long)plan->env, AT_EMPTY_PATH, 0);
    while (rc == -EINTR);
    if (rc != -ENOSYS && rc != -EPERM)
        return rc;
    proc__step_decimal(path + 14, (unsigned)fd);
    long by_path = proc__step_call(SYS_execve, (long)path, (long)plan->argv, (long)plan->env);
    return is_absent(by_path) ? rc : by_path;
}

/* As execvp(3) does. Without a shell to give it to, the file is still what cannot be run. */
static long execute_script(const struct plan *plan, const char *path)
{
    plan->script_argv[SCRIPT_PATH] = path;
    long rc = proc__step_call(SYS_execve, (long)plan->script_argv[0], (long)plan->script_argv, (long)plan->env);
    return is_absent(rc) || rc == -EACCES ? -ENOEXEC : rc;
}

static long execute_path(const struct plan *plan, const char *path)
{
    long rc = proc__step_call(SYS_execve, (long)path, (long)plan->argv, (long)plan->env);
    return rc == -ENOEXEC && plan->script_argv ? execute_script(plan, path) : rc;
}

/* 1, 2, 4, ... 64 ms: 127 ms in all, then it is not just another thread's child on its way to its own execve(2). */
#define FIRST_PAUSE_NS 1000000L
#define LAST_PAUSE_NS 64000000L

/*
 * A program that was written a moment ago may still be open for writing in such a child, until that one has execed.
 * Without a path it is the descriptor.
 */
static long execute_one(const struct plan *plan, const char *path, int fd)
{
    struct {
        long seconds, nanoseconds;
    } pause = {0, FIRST_PAUSE_NS};
    for (;;) {
        long rc = path ? execute_path(plan, path) : execute_descriptor(plan, fd);
        if (rc != -ETXTBSY || pause.nanoseconds > LAST_PAUSE_NS)
            return rc;
        proc__step_call(SYS_nanosleep, (long)&pause, 0, 0);
        pause.nanoseconds *= 2;
    }
}

/* ---- All of them ---- */

/*
 * ENOENT from a file that exists is about its interpreter: that must not read as "program not found". The file is tried
 * again, for the reason was its own and not that of the last path.
 */
static struct report tell_absence(const struct plan *plan, long rc)
{
    for (int i = 0; plan->paths[i]; i++)
        if (proc__step_call(SYS_faccessat, AT_FDCWD, (long)plan->paths[i], F_OK) == 0)
            return proc__step_failed(PROC_STEP_EXEC, execute_one(plan, plan->paths[i], -1), i);
    return plan->searched ? proc__step_failed(PROC_STEP_SEARCH, -ENOENT, -1) : proc__step_failed(PROC_STEP_EXEC, rc, 0);
}

static struct report execute_paths(const struct plan *plan)
{
    struct report denied = STEP_DONE;
    long rc = -ENOENT;
    for (int i = 0; plan->paths[i]; i++) {
        rc = execute_one(plan, plan->paths[i], -1);
        if (rc == -EACCES)
            denied = proc__step_failed(PROC_STEP_EXEC, rc, i);
        else if (!is_absent(rc))
            return proc__step_failed(PROC_STEP_EXEC, rc, i);
    }
    return denied.step ? denied : tell_absence(plan, rc);
}

struct report proc__child_execute(const struct plan *plan, const struct needed *needed)
{
    if (plan->listen_pid)
        proc__announcement_fill_in(plan->listen_pid);
    if (plan->program_fd < 0)
        return execute_paths(plan);
    /* By the number that stays open, so that a script's interpreter finds it there. */
    int fd = plan->program_number >= 0 ? plan->program_number : needed->fds[NEEDED_PROGRAM];
    return proc__step_failed(PROC_STEP_EXEC, execute_one(plan, NULL, fd), plan->program_fd);
}
