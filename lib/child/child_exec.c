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
static long filtered_call(long number, long a, long b, long c)
{
    long rc = -EINTR;
    for (int i = 0; i < MOST_INTERRUPTIONS && rc == -EINTR; i++)
        rc = proc__syscall(number, a, b, c, 0, 0, 0);
    return rc;
}

/* 1, 2, 4, ... 64 ms: 127 ms in all, then it is not just another thread's child on its way to its own execve(2). */
#define FIRST_PAUSE_NS 1000000L
#define LAST_PAUSE_NS 64000000L

/* A program that was written a moment ago may still be open for writing in such a child, until that one has execed. */
static long execute_one(const struct plan *plan, const char *path)
{
    struct {
        long seconds, nanoseconds;
    } pause = {0, FIRST_PAUSE_NS};
    for (;;) {
        long rc = filtered_call(SYS_execve, (long)path, (long)plan->argv, (long)plan->env);
        if (rc >= 0)
            return -EPERM; /* a filter has answered in the kernel's place */
        if (rc != -ETXTBSY || pause.nanoseconds > LAST_PAUSE_NS)
            return rc;
        filtered_call(SYS_nanosleep, (long)&pause, 0, 0);
        pause.nanoseconds *= 2;
    }
}

/*
 * ENOENT from a file that exists is about its interpreter: that must not read as "program not found". The file is tried
 * again, for the reason was its own and not that of the last path.
 */
static struct report tell_absence(const struct plan *plan, long rc)
{
    for (int i = 0; plan->paths[i]; i++)
        if (filtered_call(SYS_faccessat, AT_FDCWD, (long)plan->paths[i], F_OK) == 0)
            return proc__step_failed(PROC_STEP_EXEC, execute_one(plan, plan->paths[i]), i);
    return plan->searched ? proc__step_failed(PROC_STEP_SEARCH, -ENOENT, -1) : proc__step_failed(PROC_STEP_EXEC, rc, 0);
}

struct report proc__child_execute(const struct plan *plan)
{
    struct report denied = STEP_DONE;
    long rc = -ENOENT;
    for (int i = 0; plan->paths[i]; i++) {
        rc = execute_one(plan, plan->paths[i]);
        if (rc == -EACCES)
            denied = proc__step_failed(PROC_STEP_EXEC, rc, i);
        else if (!proc__path_is_absent(rc))
            return proc__step_failed(PROC_STEP_EXEC, rc, i);
    }
    return denied.step ? denied : tell_absence(plan, rc);
}
