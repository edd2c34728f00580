/* SPDX-License-Identifier: MIT */
/*
 * Carries a plan into a new process and brings back what became of it. Two ways behind one door: in our memory, or in a
 * copy of it; which one is not decided here. (There are two more: start_between.c for births into namespaces and those
 * by another process, start_forked.c for functions of the caller's.) In both the report is simply there when the call
 * returns, since it lies in memory that both have: no system call is needed to send it, so no filter can keep it back.
 * Owns that memory and, until it succeeds, the new process.
 */
#include "plan.h"

#include <errno.h>
#include <sys/mman.h>

#include <proc/base.h>

#include "../base/clone.h"
#include "../base/fd.h"
#include "../base/pidfd.h"
#include "../isolation/limits.h"
#include "../isolation/namespaces.h"
#include "start_between.h"
#include "start_forked.h"

struct start {
    const struct plan *plan;
    int end_fd; /* closed when the new process has become its program, or is gone; -1 = none is needed */
    struct report report;
};

static void child_main(void *arg, int born)
{
    struct start *start = arg;
    start->report = proc__child_side(start->plan, born, &start->end_fd);
    proc__step_leave(127);
}

static int clone_with_signals_blocked(struct start *start, enum memory memory, int *ret_pidfd)
{
    struct sigmask before;
    int rc = proc__sigmask_block_all(&before);
    if (rc < 0)
        return rc;
    int cgroup = start->plan->limits ? start->plan->limits->cgroup.birthplace : -1;
    int pid = proc__clone(child_main, start, memory, cgroup, ret_pidfd);
    proc__sigmask_set(&before);
    return pid;
}

static int start_in_place(const struct plan *plan, int *ret_pidfd, struct report *ret_report)
{
    struct start start = {.plan = plan, .end_fd = -1};
    int pid = clone_with_signals_blocked(&start, MEMORY_SHARED, ret_pidfd);
    *ret_report = start.report;
    return pid;
}

/* ---- In a copy ---- */

/* An emulator leaves the vfork wait out: there the end of file tells that the report is written, if there is one. */
static int clone_and_await_end(struct start *start, int *ret_pidfd)
{
    char nothing;
    int ends[2];
    int rc = proc__fd_pipe(ends);
    if (rc < 0)
        return rc;
    start->end_fd = ends[1];
    int pid = clone_with_signals_blocked(start, MEMORY_EMULATED, ret_pidfd);
    proc__fd_close(&ends[1]);
    if (pid >= 0)
        rc = (int)proc__fd_read(ends[0], &nothing, sizeof nothing);
    proc__fd_close(&ends[0]);
    return rc < 0 ? rc : pid;
}

struct report proc__judge_silence(const struct plan *plan, int pidfd)
{
    if (proc__plan_has_filter(plan) && proc__pidfd_died_unexecuted(pidfd) == SIGSYS)
        return proc__step_failed(PROC_STEP_SECCOMP, -EPERM, SIGSYS);
    return STEP_DONE;
}

static int start_in_copy(const struct plan *plan, enum memory memory, int *ret_pidfd, struct report *ret_report)
{
    struct start *start = proc__shared_memory(sizeof *start);
    if (!start)
        return proc__step_fail(ret_report, PROC_STEP_MEMORY, -errno, -1);
    *start = (struct start){.plan = plan, .end_fd = -1};
    int pid = memory == MEMORY_EMULATED ? clone_and_await_end(start, ret_pidfd)
                                        : clone_with_signals_blocked(start, memory, ret_pidfd);
    *ret_report = start->report;
    munmap(start, sizeof *start);
    if (pid >= 0 && !ret_report->step)
        *ret_report = proc__judge_silence(plan, *ret_pidfd);
    return pid;
}

int proc__start(const struct plan *plan, enum memory memory, int *ret_pid, int *ret_pidfd, struct report *ret_report)
{
    if (plan->hook || plan->stays)
        return proc__start_forked(plan, ret_pid, ret_pidfd, ret_report);
    if (plan->is_orphan || (plan->namespaces && plan->namespaces->births.is_held))
        return proc__start_between(plan, ret_pid, ret_pidfd, ret_report);
    int pidfd = -1;
    struct report report = STEP_DONE;
    int pid =
        memory == MEMORY_SHARED ? start_in_place(plan, &pidfd, &report) : start_in_copy(plan, memory, &pidfd, &report);
    if (pid < 0 && !report.step)
        report = proc__step_failed(PROC_STEP_CLONE, pid, -1);
    if (report.step) {
        if (pidfd >= 0)
            proc__pidfd_end(&pidfd, pid);
        *ret_report = report;
        return -report.code;
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}
