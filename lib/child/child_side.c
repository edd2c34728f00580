/* SPDX-License-Identifier: MIT */
/*
 * What the new process does between its birth and execve(2): one straight list of steps. It may run in its parent's
 * memory, on a small stack, while other threads of the parent go on: so it makes system calls and nothing else. No
 * allocation, no lock, no libc state, no large locals; all signals stay blocked until the last moment.
 */
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <proc/base.h>

#include "../base/fd_table.h"

#define DONE ((struct report){0, 0, 0})

static struct report failed(int step, long rc, int index)
{
    return (struct report){step, (int32_t)-rc, index};
}

static long call(long number, long a, long b, long c)
{
    long rc;
    do
        rc = proc__syscall(number, a, b, c, 0, 0, 0);
    while (rc == -EINTR);
    return rc;
}

/* ---- Session and group ---- */

static struct report enter_group(const struct plan *plan)
{
    long rc;
    if (plan->new_session && (rc = call(SYS_setsid, 0, 0, 0)) < 0)
        return failed(PROC_STEP_SESSION, rc, -1);
    /* The leader of a new session leads a new group already. */
    if (plan->new_group && !plan->new_session && (rc = call(SYS_setpgid, 0, 0, 0)) < 0)
        return failed(PROC_STEP_GROUP, rc, 0);
    if (plan->join_group >= 0 && (rc = call(SYS_setpgid, 0, plan->join_group, 0)) < 0)
        return failed(PROC_STEP_GROUP, rc, plan->join_group);
    return DONE;
}

/* ---- Umask and directory ---- */

static struct report enter_directory(const struct plan *plan)
{
    long rc;
    if (plan->umask >= 0)
        call(SYS_umask, plan->umask, 0, 0);
    if (plan->cwd_fd >= 0 && (rc = call(SYS_fchdir, plan->cwd_fd, 0, 0)) < 0)
        return failed(PROC_STEP_CWD, rc, plan->cwd_fd);
    if (plan->cwd && (rc = call(SYS_chdir, (long)plan->cwd, 0, 0)) < 0)
        return failed(PROC_STEP_CWD, rc, -1);
    return DONE;
}

/* ---- Descriptors ---- */

static const struct fd_move *find_move(const struct plan *plan, int number)
{
    size_t low = 0, high = plan->move_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plan->moves[middle].number == number)
            return &plan->moves[middle];
        if (plan->moves[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/*
 * A copy of fd at a number that no move will overwrite, from *next on: all below it has been looked at before, and
 * asking again for every one of thousands would take seconds.
 */
static long put_aside(const struct plan *plan, int fd, int *next)
{
    long copy = call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, *next);
    while (copy >= 0 && find_move(plan, (int)copy)) {
        call(SYS_close, copy, 0, 0);
        copy = call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, copy + 1);
    }
    if (copy >= 0)
        *next = (int)copy + 1;
    /* EINVAL: so high a number is beyond the limit. */
    return copy == -EINVAL ? -EMFILE : copy;
}

/* No move may overwrite the way home. */
static struct report save_report_fd(const struct plan *plan, int *report_fd)
{
    if (*report_fd < 0 || !find_move(plan, *report_fd))
        return DONE;
    int next = 0;
    long copy = put_aside(plan, *report_fd, &next);
    if (copy < 0)
        return failed(PROC_STEP_FDS, copy, *report_fd);
    *report_fd = (int)copy;
    return DONE;
}

/* All moves happen as if at once: sources that a move would overwrite are put aside before the first one. */
static struct report place_descriptors(const struct plan *plan)
{
    int next = 0;
    for (size_t i = 0; i < plan->move_count; i++) {
        struct fd_move *move = &plan->moves[i];
        if (!move->lift)
            continue;
        long copy = put_aside(plan, move->source, &next);
        if (copy < 0)
            return failed(PROC_STEP_FDS, copy, move->number);
        move->source = (int)copy;
    }
    for (size_t i = 0; i < plan->move_count; i++) {
        const struct fd_move *move = &plan->moves[i];
        /* dup3(2) refuses equal numbers, and dup2(2) would leave the close-on-exec flag on. */
        long rc = move->source == move->number ? call(SYS_fcntl, move->number, F_SETFD, 0)
                                               : call(SYS_dup3, move->source, move->number, 0);
        if (rc < 0)
            return failed(PROC_STEP_FDS, rc, move->number);
    }
    return DONE;
}

/* ---- Credentials: groups while we may still set them, the user last ---- */

#if defined(SYS_setgroups32)
#define SETGROUPS SYS_setgroups32
#define SETRESGID SYS_setresgid32
#define SETRESUID SYS_setresuid32
#else
#define SETGROUPS SYS_setgroups
#define SETRESGID SYS_setresgid
#define SETRESUID SYS_setresuid
#endif

/* Raw calls: libc's would change every thread of the parent too. */
static struct report change_ids(const struct plan *plan)
{
    long rc;
    if (plan->change_groups && (rc = call(SETGROUPS, (long)plan->group_count, (long)plan->groups, 0)) < 0)
        return failed(PROC_STEP_GROUPS, rc, -1);
    if (plan->gid && (rc = call(SETRESGID, (long)*plan->gid, (long)*plan->gid, (long)*plan->gid)) < 0)
        return failed(PROC_STEP_GID, rc, (int)*plan->gid);
    if (plan->uid && (rc = call(SETRESUID, (long)*plan->uid, (long)*plan->uid, (long)*plan->uid)) < 0)
        return failed(PROC_STEP_UID, rc, (int)*plan->uid);
    return DONE;
}

/* ---- Closing all others: marked close-on-exec, so that nothing is lost if a later step fails ---- */

static long mark_range(unsigned first, unsigned last)
{
    if (first > last)
        return 0;
    return proc__syscall(SYS_close_range, (long)first, (long)last, CLOSE_RANGE_CLOEXEC, 0, 0, 0);
}

/* The gaps between the numbers that the child shall have. */
static long mark_gaps(const struct plan *plan)
{
    unsigned first = STDERR_FILENO + 1;
    for (size_t i = 0; i < plan->move_count; i++) {
        unsigned number = (unsigned)plan->moves[i].number;
        if (number < first)
            continue;
        long rc = mark_range(first, number - 1);
        if (rc < 0)
            return rc;
        first = number + 1;
    }
    return mark_range(first, UINT_MAX);
}

static void mark_one(int fd, void *arg)
{
    if (fd > STDERR_FILENO && !find_move(arg, fd))
        call(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
}

static struct report close_others(const struct plan *plan)
{
    if (plan->inherit_fds)
        return DONE;
    long rc = mark_gaps(plan);
    if (rc < 0)
        rc = proc__fd_visit(mark_one, (void *)(uintptr_t)plan);
    return rc < 0 ? failed(PROC_STEP_CLOSE, rc, -1) : DONE;
}

/* ---- Signals: handlers go before the mask, or one of the parent's could run in its memory ---- */

/* Large enough for any kernel's struct sigaction; zero is SIG_DFL everywhere. */
struct kernel_sigaction {
#if defined(__mips__)
    unsigned long flags;
    uintptr_t handler;
#else
    uintptr_t handler;
    unsigned long flags;
#endif
    unsigned long rest[6];
};

static long set_disposition(int signal, uintptr_t handler)
{
    const struct kernel_sigaction action = {.handler = handler};
    return proc__syscall(SYS_rt_sigaction, signal, (long)&action, 0, KERNEL_SIGSET_BYTES, 0, 0);
}

static int has_handler(int signal)
{
    struct kernel_sigaction action = {0};
    proc__syscall(SYS_rt_sigaction, signal, 0, (long)&action, KERNEL_SIGSET_BYTES, 0, 0);
    return action.handler != (uintptr_t)SIG_DFL && action.handler != (uintptr_t)SIG_IGN;
}

static struct report set_dispositions(const struct plan *plan, int handlers_cleared)
{
    uint64_t change = handlers_cleared ? plan->reset | plan->ignore : ~UINT64_C(0);
    for (int signal = 1; signal <= LAST_SIGNAL; signal++) {
        uint64_t bit = PROC_SIGNAL(signal);
        if (!(change & bit))
            continue;
        long rc = 0;
        if (plan->ignore & bit)
            rc = set_disposition(signal, (uintptr_t)SIG_IGN);
        else if ((plan->reset & bit) || has_handler(signal))
            rc = set_disposition(signal, (uintptr_t)SIG_DFL);
        if (rc < 0)
            return failed(PROC_STEP_SIGNALS, rc, signal);
    }
    return DONE;
}

static struct report set_signals(const struct plan *plan, int handlers_cleared)
{
    struct report report = set_dispositions(plan, handlers_cleared);
    if (report.step)
        return report;
    int rc = proc__sigmask_set(&plan->mask);
    return rc < 0 ? failed(PROC_STEP_SIGNALS, rc, 0) : DONE;
}

/* ---- Exec ---- */

/* The file is not there, in one of the ways that a directory of a search list can lack it. */
static int is_absent(long rc)
{
    return rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP || rc == -ENAMETOOLONG || rc == -ESTALE || rc == -ENODEV ||
           rc == -ETIMEDOUT;
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
        long rc = call(SYS_execve, (long)path, (long)plan->argv, (long)plan->env);
        if (rc != -ETXTBSY || pause.nanoseconds > LAST_PAUSE_NS)
            return rc;
        call(SYS_nanosleep, (long)&pause, 0, 0);
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
        if (call(SYS_faccessat, AT_FDCWD, (long)plan->paths[i], F_OK) == 0)
            return failed(PROC_STEP_EXEC, execute_one(plan, plan->paths[i]), i);
    return plan->searched ? failed(PROC_STEP_SEARCH, -ENOENT, -1) : failed(PROC_STEP_EXEC, rc, 0);
}

static struct report execute(const struct plan *plan)
{
    struct report denied = DONE;
    long rc = -ENOENT;
    for (int i = 0; plan->paths[i]; i++) {
        rc = execute_one(plan, plan->paths[i]);
        if (rc == -EACCES)
            denied = failed(PROC_STEP_EXEC, rc, i);
        else if (!is_absent(rc))
            return failed(PROC_STEP_EXEC, rc, i);
    }
    return denied.step ? denied : tell_absence(plan, rc);
}

/* ---- The list ---- */

struct report proc__child_settle(const struct plan *plan, int *report_fd)
{
    struct report report;
    if ((report = save_report_fd(plan, report_fd)).step)
        return report;
    /* 1 */ if ((report = enter_group(plan)).step)
        return report;
    /* 2 */ if ((report = enter_directory(plan)).step)
        return report;
    /* 3 */ if ((report = place_descriptors(plan)).step)
        return report;
    /* 4 */ return change_ids(plan);
}

struct report proc__child_side(const struct plan *plan, int handlers_cleared, int *report_fd)
{
    struct report report;
    if ((report = proc__child_settle(plan, report_fd)).step)
        return report;
    /* 5 */ if ((report = close_others(plan)).step)
        return report;
    /* 6 */ if ((report = set_signals(plan, handlers_cleared)).step)
        return report;
    /* 7 */ return execute(plan);
}
