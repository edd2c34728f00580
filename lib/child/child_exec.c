/* SPDX-License-Identifier: MIT */
/*
 * The last step of a new process: the first of the planned paths that can be executed. What a failure says is about the
 * file that the caller would ask about, not about the one that was tried last.
 */
#include "child_side.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "search.h"

/* Enough for any storm of stops and continuations; a filter may answer so for ever. */
#define MOST_INTERRUPTIONS 1000

/* proc__step_call() for who is under a filter of the caller's: it comes to an end. */
static long filtered_call(long number, long a, long b, long c, long d, long e)
{
    long rc = -EINTR;
    for (int i = 0; i < MOST_INTERRUPTIONS && rc == -EINTR; i++)
        rc = proc__syscall(number, a, b, c, d, e, 0);
    return rc;
}

/* ---- One of them ---- */

static long execute_file(const char *path, const char *const *argv, const char *const *env)
{
    return filtered_call(SYS_execve, (long)path, (long)argv, (long)env, 0, 0);
}

/* execveat(2) needs no path; where a filter or an emulator lacks it, /proc gives the descriptor one. */
static long execute_descriptor(const struct plan *plan, int fd)
{
    char path[14 + DECIMAL_ROOM] = "/proc/self/fd/";
    long rc = filtered_call(SYS_execveat, fd, (long)"", (long)plan->argv, (long)plan->env, AT_EMPTY_PATH);
    if (rc != -ENOSYS && rc != -EPERM)
        return rc;
    proc__step_decimal(path + 14, (unsigned)fd);
    long by_path = execute_file(path, plan->argv, plan->env);
    return proc__path_is_absent(by_path) ? rc : by_path;
}

/* As execvp(3) does. Without a shell to give it to, the file is still what cannot be run. */
static long execute_script(const struct plan *plan, const char *path)
{
    plan->script_argv[SCRIPT_PATH] = path;
    long rc = execute_file(plan->script_argv[0], plan->script_argv, plan->env);
    return proc__path_is_absent(rc) || rc == -EACCES ? -ENOEXEC : rc;
}

static long execute_path(const struct plan *plan, const char *path)
{
    long rc = execute_file(path, plan->argv, plan->env);
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
        if (rc >= 0)
            return -EPERM; /* a filter has answered in the kernel's place */
        if (rc != -ETXTBSY || pause.nanoseconds > LAST_PAUSE_NS)
            return rc;
        filtered_call(SYS_nanosleep, (long)&pause, 0, 0, 0, 0);
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
        if (filtered_call(SYS_faccessat, AT_FDCWD, (long)plan->paths[i], F_OK, 0, 0) == 0)
            return proc__step_failed(PROC_STEP_EXEC, execute_one(plan, plan->paths[i], -1), i);
    return plan->searched ? proc__step_failed(PROC_STEP_SEARCH, -ENOENT, -1)
                          : proc__step_failed(PROC_STEP_EXEC, rc, PATH_NOT_THERE);
}

static struct report execute_paths(const struct plan *plan)
{
    struct report denied = STEP_DONE;
    long rc = -ENOENT;
    for (int i = 0; plan->paths[i]; i++) {
        rc = execute_one(plan, plan->paths[i], -1);
        if (rc == -EACCES)
            denied = proc__step_failed(PROC_STEP_EXEC, rc, i);
        else if (!proc__path_is_absent(rc))
            return proc__step_failed(PROC_STEP_EXEC, rc, i);
    }
    return denied.step ? denied : tell_absence(plan, rc);
}

struct report proc__child_execute(const struct plan *plan, const struct needed *needed)
{
    if (plan->program_fd < 0)
        return execute_paths(plan);
    /* By the number that stays open, so that a script's interpreter finds it there. */
    int fd = plan->program_number >= 0 ? plan->program_number : needed->fds[NEEDED_PROGRAM];
    return proc__step_failed(PROC_STEP_EXEC, execute_one(plan, NULL, fd), plan->program_fd);
}
