/* SPDX-License-Identifier: MIT */
/*
 * Carries a plan into a copy of this process made by fork(2): the only one in which a function of the caller's may
 * allocate, print and take locks, since only libc can put its own locks and lists right in the copy. Slower than the
 * two ways of start.c, and without their vfork wait: the process is held until we have its pidfd, and goes on beside
 * us. Owns the process until it succeeds.
 */
#include "start_forked.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../base/exit.h"
#include "../base/fd.h"
#include "../base/pidfd.h"
#include "../base/probe.h"
#include "held.h"
#include "hook.h"

struct forked {
    const struct plan *plan;
    struct hold hold;
    struct report *report; /* in memory that both have: no filter of system calls can keep it back */
    int pid, pidfd;
};

/* ---- In the copy ---- */

_Noreturn static void be_copy(struct forked *forked)
{
    int *report_fd = &forked->hold.report[1];
    if (!proc__hold_wait(&forked->hold, forked->plan))
        proc__step_leave(127);
    struct report report = proc__child_side(forked->plan, 0, report_fd);
    if (report.step || !forked->plan->stays) {
        proc__step_tell(forked->report, &report);
        proc__step_leave(127);
    }
    munmap(forked->report, sizeof *forked->report);
    proc__fd_close(report_fd);
    environ = (char **)(uintptr_t)forked->plan->env;
    forked->plan->stays(forked->plan->arg);
    proc__step_leave(127);
}

/* ---- Beside it ---- */

/* Its number is its own while it is held; but it may have been killed there, and somebody waits for just any child. */
static int open_pidfd(int pid)
{
    int pidfd = proc__fd_above_stdio(proc__pidfd_open(pid));
    if (pidfd < 0) {
        proc__pidfd_end_unheld(pid);
        return pidfd == -EPERM || pidfd == -EINVAL ? -ENOSYS : pidfd;
    }
    if (proc__pidfd_is_child(pidfd) < 0) {
        proc__fd_close(&pidfd);
        return -ESRCH;
    }
    return pidfd;
}

static int fork_copy(struct forked *forked)
{
    int pid = (int)fork();
    if (pid == 0)
        be_copy(forked);
    if (pid < 0)
        return -errno;
    forked->pidfd = open_pidfd(pid);
    forked->pid = pid;
    return forked->pidfd;
}

/*
 * valgrind may lack pidfd_open(2), and has a pidfd for who is born with one. Libc is not told of such a copy; but there
 * threads run one at a time, and its locks of the heap are not libc's.
 */
static int clone_copy(struct forked *forked)
{
    int pid = proc__clone_copy(SIGCHLD, &forked->pidfd);
    if (pid == 0)
        be_copy(forked);
    forked->pid = pid;
    return pid;
}

/*
 * All signals are blocked, or a handler of ours could run in the copy; but for those that libc keeps for itself: a
 * fork handler may wait for a thread that changes its ids, and that waits for us to take such a signal.
 */
static int make_held(struct forked *forked)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = fork_copy(forked);
    if (rc == -ENOSYS && proc__probe_memory() == MEMORY_EMULATED)
        rc = clone_copy(forked);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc < 0 ? rc : 0;
}

/* How one has ended that nobody has waited for; or somebody has, and then the kernel may have kept it. */
static proc_exit end_of(int pidfd)
{
    proc_exit end;
    if (proc__pidfd_peek(pidfd, &end) == 1 || proc__pidfd_exit_info(pidfd, &end) == 0)
        return end;
    return (proc_exit){.kind = PROC_LOST};
}

/* Lets it go on, and learns what becomes of it. */
static int see_off(struct forked *forked, struct report *ret_report)
{
    struct report report = proc__hold_see_off(&forked->hold, forked->pidfd, forked->report);
    if (!report.step)
        return 0;
    if (report.step == PROC_STEP_HOOK && report.code == ECHILD && proc__pidfd_has_ended(forked->pidfd))
        forked->plan->hook->ended = end_of(forked->pidfd);
    proc__pidfd_end(&forked->pidfd, forked->pid);
    *ret_report = report;
    return -report.code;
}

static int start_held(struct forked *forked, struct report *ret_report)
{
    int rc = proc__hold_make(&forked->hold);
    if (rc < 0)
        return proc__step_fail(ret_report, PROC_STEP_PIPE, rc, -1);
    if (forked->plan->hook) {
        forked->plan->hook->is_watched = 1;
        forked->hold.hook_ms = forked->plan->hook->timeout_ms;
    }
    rc = make_held(forked);
    rc = rc < 0 ? proc__step_fail(ret_report, PROC_STEP_CLONE, rc, -1) : see_off(forked, ret_report);
    proc__hold_done(&forked->hold);
    return rc;
}

int proc__start_forked(const struct plan *plan, int *ret_pid, int *ret_pidfd, struct report *ret_report)
{
    struct forked forked = {.plan = plan, .pid = -1, .pidfd = -1};
    forked.report = proc__shared_memory(sizeof *forked.report);
    if (!forked.report)
        return proc__step_fail(ret_report, PROC_STEP_MEMORY, -errno, -1);
    int rc = start_held(&forked, ret_report);
    munmap(forked.report, sizeof *forked.report);
    if (rc < 0)
        return rc;
    *ret_pid = forked.pid;
    *ret_pidfd = forked.pidfd;
    return 0;
}
