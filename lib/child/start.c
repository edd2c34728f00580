/* SPDX-License-Identifier: MIT */
/*
 * Carries a plan into a new process and brings back what became of it. Two ways behind one door: in our memory, where
 * the report is simply there when the call returns; or in a copy of it, where the report comes through a pipe. Which
 * one is not decided here. Owns the pipe and, until it succeeds, the new process.
 */
#include "plan.h"

#include <errno.h>

#include <proc/base.h>

#include "../base/clone.h"
#include "../base/fd.h"
#include "../base/pidfd.h"
#include "../isolation/namespaces.h"
#include "start_namespaces.h"

struct start {
    const struct plan *plan;
    int report_fd; /* -1: report in place */
    struct report report;
};

static void child_main(void *arg, int handlers_cleared)
{
    struct start *start = arg;
    struct report report = proc__child_side(start->plan, handlers_cleared, &start->report_fd);
    start->report = report;
    if (start->report_fd >= 0)
        proc__syscall(SYS_write, start->report_fd, (long)&report, sizeof report, 0, 0, 0);
    for (;;)
        proc__syscall(SYS_exit_group, 127, 0, 0, 0, 0, 0);
}

/* Ends and reaps a process that failed its plan, so that it leaves no trace. */
static void undo(int *pidfd)
{
    if (*pidfd < 0)
        return;
    proc__pidfd_signal(*pidfd, SIGKILL, 0);
    proc__pidfd_await(*pidfd);
    proc__fd_close(pidfd);
}

static int clone_with_signals_blocked(struct start *start, enum memory memory, int *ret_pidfd)
{
    struct sigmask before;
    int rc = proc__sigmask_block_all(&before);
    if (rc < 0)
        return rc;
    int pid = proc__clone(child_main, start, memory, ret_pidfd);
    proc__sigmask_set(&before);
    return pid;
}

static int start_in_place(const struct plan *plan, int *ret_pidfd, struct report *ret_report)
{
    struct start start = {.plan = plan, .report_fd = -1};
    int pid = clone_with_signals_blocked(&start, MEMORY_SHARED, ret_pidfd);
    *ret_report = start.report;
    return pid;
}

/*
 * The end of file must not be waited for: a fork(2) in another thread may have given the other end of the pipe to its
 * child. Nor need it be: the vfork wait is over then, so a report, if there is one, is in the pipe already. An emulator
 * leaves that wait out: there it is the end of file or nothing.
 */
static int make_report_pipe(enum memory memory, int ret_ends[2])
{
    int rc = proc__fd_pipe(ret_ends);
    if (rc < 0 || memory == MEMORY_EMULATED)
        return rc;
    rc = proc__fd_nonblocking(ret_ends[0]);
    if (rc < 0) {
        proc__fd_close(&ret_ends[0]);
        proc__fd_close(&ret_ends[1]);
    }
    return rc;
}

static struct report read_report(int fd)
{
    struct report report;
    int64_t got = proc__fd_read(fd, &report, sizeof report);
    if (got == (int64_t)sizeof report)
        return report;
    if (got < 0 && got != -EAGAIN)
        return (struct report){PROC_STEP_PIPE, (int32_t)-got, -1};
    return (struct report){0, 0, 0};
}

static int start_in_copy(const struct plan *plan, enum memory memory, int *ret_pidfd, struct report *ret_report)
{
    int ends[2];
    int rc = make_report_pipe(memory, ends);
    if (rc < 0) {
        *ret_report = (struct report){PROC_STEP_PIPE, -rc, -1};
        return rc;
    }
    struct start start = {.plan = plan, .report_fd = ends[1]};
    int pid = clone_with_signals_blocked(&start, memory, ret_pidfd);
    proc__fd_close(&ends[1]);
    if (pid >= 0)
        *ret_report = read_report(ends[0]);
    proc__fd_close(&ends[0]);
    return pid;
}

int proc__start(const struct plan *plan, enum memory memory, int *ret_pid, int *ret_pidfd, struct report *ret_report)
{
    if (plan->namespaces && plan->namespaces->births.is_held)
        return proc__start_in_namespaces(plan, ret_pid, ret_pidfd, ret_report);
    int pidfd = -1;
    struct report report = {0, 0, 0};
    int pid = memory == MEMORY_SHARED ? start_in_place(plan, &pidfd, &report)
                                      : start_in_copy(plan, memory, &pidfd, &report);
    if (pid < 0 && !report.step)
        report = (struct report){PROC_STEP_CLONE, -pid, -1};
    if (report.step) {
        undo(&pidfd);
        *ret_report = report;
        return -report.code;
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}
