/* SPDX-License-Identifier: MIT */
/*
 * One step of a new process on its way to its program: the call that it makes, and what it came to. For code that may
 * run in its parent's memory while other threads of the parent go on: system calls, and nothing else.
 */
#ifndef PROC_LIB_BASE_STEP_H
#define PROC_LIB_BASE_STEP_H

#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include <proc/base.h>

/* What went wrong: the step, its errno, and which descriptor, signal, group or path. Step 0: nothing. */
struct report {
    int32_t step, code, index;
};

#define STEP_DONE ((struct report){0, 0, 0})

static inline struct report proc__step_failed(int step, long rc, int index)
{
    return (struct report){step, (int32_t)-rc, index};
}

/* Notes the same, and returns rc: `return proc__step_fail(ret_report, ...)`. */
static inline int proc__step_fail(struct report *ret_report, int step, int rc, int index)
{
    *ret_report = proc__step_failed(step, rc, index);
    return rc;
}

/* Room for any number in decimal, with its end. */
#define DECIMAL_ROOM 11

static inline void proc__step_decimal(char *ret_text, unsigned number)
{
    int digits = 1;
    for (unsigned rest = number; rest >= 10; rest /= 10)
        digits++;
    ret_text[digits] = '\0';
    for (; digits > 0; number /= 10)
        ret_text[--digits] = (char)('0' + number % 10);
}

static inline long proc__step_call(long number, long a, long b, long c)
{
    long rc;
    do
        rc = proc__syscall(number, a, b, c, 0, 0, 0);
    while (rc == -EINTR);
    return rc;
}

/* One write(2) of all of it into a file of the kernel's. 0 or more, or a negative errno. */
static inline long proc__step_write_file(int dir, const char *path, const char *text, size_t len)
{
    long fd = proc__step_call(SYS_openat, dir, (long)path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return fd;
    long rc = proc__step_call(SYS_write, fd, (long)text, (long)len);
    proc__step_call(SYS_close, fd, 0, 0);
    return rc;
}

/*
 * By one way or another: a filter of the caller's may answer the first ones as it likes. The last ones end this thread
 * alone, and a copy may have more: of a hook, or of a sanitizer.
 */
_Noreturn static inline void proc__step_leave(int code)
{
    proc__syscall(SYS_exit_group, code, 0, 0, 0, 0, 0);
    long pid = proc__syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    if (pid > 1) /* 1 is immune; an error would be another number */
        proc__syscall(SYS_kill, pid, SIGKILL, 0, 0, 0, 0);
    proc__syscall(SYS_exit, code, 0, 0, 0, 0, 0);
    __builtin_trap();
}

/* Into memory that is shared. The step last: it makes the others count, and we may be killed in between. */
static inline void proc__step_tell(struct report *ret_report, const struct report *report)
{
    ret_report->code = report->code;
    ret_report->index = report->index;
    __atomic_store_n(&ret_report->step, report->step, __ATOMIC_RELEASE);
}

#endif
