/* SPDX-License-Identifier: MIT */
/*
 * Carries a plan into a process that is born into other namespaces. It is held at a gate until its ids are written.
 * Where a birth is not enough, a process stands in between: it joins what is to be joined, sets the clocks, bears the
 * one that counts as a child of ours, and is gone before that one is let go.
 *
 *     us                          in between (often nobody)           the child
 *     make the first
 *     write its ids, if its own
 *     let it go ----------------> join, make the time, bear --------> wait at the gate
 *     see it end                  leave
 *     open the child's pidfd,
 *     write its ids, if its own
 *     let it go ----------------------------------------------------> its plan
 *
 * Owns the processes until it succeeds.
 */
#include "start_namespaces.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../base/fd.h"
#include "../base/pidfd.h"
#include "../isolation/namespaces.h"
#include "held.h"

/* In shared memory, where it is true whenever and however a process ends, and no filter can keep it back. */
struct told {
    int pid; /* of the child that the one in between has borne; 0 = none */
    struct report between, child;
};

struct birth {
    const struct plan *plan;
    const struct namespaces *namespaces;
    struct hold hold;
    struct told *told;
};

static int has_middle(const struct birth *birth)
{
    return birth->namespaces->births.has_middle;
}

/* ---- In the new processes: system calls alone ---- */

_Noreturn static void live(struct birth *birth)
{
    struct hold *hold = &birth->hold;
    if (proc__hold_wait(hold, birth->plan)) {
        struct report report = proc__child_side(birth->plan, 0, &hold->report[1]);
        proc__step_tell(&birth->told->child, &report);
    }
    proc__step_leave(127);
}

/* Which kind was denied is not told; other errors are about processes, not about namespaces. */
static struct report birth_failed(unsigned flags, long rc)
{
    int is_denied = rc == -EPERM || rc == -EINVAL || rc == -ENOSPC || rc == -EUSERS;
    uint32_t kinds = (flags & CLONE_NEWUSER ? PROC_NS_USER : 0) | (flags & CLONE_NEWPID ? PROC_NS_PID : 0);
    return is_denied && kinds ? proc__step_failed(PROC_STEP_NAMESPACE, rc, (int)kinds)
                              : proc__step_failed(PROC_STEP_CLONE, rc, -1);
}

/* Dies with us: nobody else would let it go, and it has nobody else. */
static int may_go_on(const struct birth *birth)
{
    unsigned char word;
    proc__syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
    if (proc__syscall(SYS_getppid, 0, 0, 0, 0, 0, 0) != birth->hold.starter)
        return 0;
    return proc__step_call(SYS_read, birth->hold.gate[0], (long)&word, sizeof word) == sizeof word;
}

static struct report bear(struct birth *birth)
{
    unsigned flags = birth->namespaces->births.second;
    int pid = proc__clone_sibling(flags, &birth->told->pid);
    if (pid == 0)
        live(birth);
    return pid < 0 ? birth_failed(flags, pid) : STEP_DONE;
}

_Noreturn static void stand_between(struct birth *birth)
{
    struct report report = STEP_DONE;
    if (!may_go_on(birth))
        proc__step_leave(127);
    report = proc__namespaces_join(birth->namespaces);
    if (!report.step)
        report = proc__namespaces_make_time(birth->namespaces);
    if (!report.step)
        report = bear(birth);
    birth->told->between = report;
    proc__step_leave(0);
}

/* ---- Here ---- */

static int make_first(struct birth *birth, int *ret_pidfd, struct report *ret_report)
{
    struct sigmask before;
    unsigned flags = birth->namespaces->births.first;
    int pid = proc__sigmask_block_all(&before);
    if (pid < 0) {
        *ret_report = (struct report){PROC_STEP_SIGNALS, -pid, -1};
        return pid;
    }
    pid = proc__clone_copy(flags, ret_pidfd);
    if (pid == 0 && has_middle(birth))
        stand_between(birth);
    if (pid == 0)
        live(birth);
    proc__sigmask_set(&before);
    if (pid < 0)
        *ret_report = birth_failed(flags, pid);
    return pid;
}

static struct report write_ids(const struct birth *birth, unsigned flags, int pidfd)
{
    return flags & CLONE_NEWUSER ? proc__id_maps_write(&birth->namespaces->maps, pidfd) : STEP_DONE;
}

/* Lets the one in between go, and sees it end. What it has told is final then. */
static struct report let_it_bear(struct birth *birth, int *pidfd)
{
    const unsigned char word = 1;
    struct report report = write_ids(birth, birth->namespaces->births.first, *pidfd);
    /* As long as we have the other end too, it raises no SIGPIPE, and its one byte fits. */
    if (!report.step)
        proc__step_call(SYS_write, birth->hold.gate[1], (long)&word, sizeof word);
    else
        proc__pidfd_signal(*pidfd, SIGKILL, 0);
    proc__pidfd_await(*pidfd);
    proc__fd_close(pidfd);
    if (!report.step)
        report = birth->told->between;
    if (!report.step && birth->told->pid == 0)
        report = (struct report){PROC_STEP_CLONE, ECHILD, -1}; /* killed by somebody */
    return report;
}

/* By its number, which is its own until we have reaped it. */
static void end_unheld(int pid)
{
    int status;
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
        ;
}

/* The child that was borne for us, taken in hand; or ended, if that fails. */
static int take_over(struct birth *birth, int *ret_pidfd, struct report *ret_report)
{
    int pid = birth->told->pid;
    int pidfd = ret_report->step ? -1 : proc__pidfd_open(pid);
    if (pidfd >= 0)
        pidfd = proc__fd_above_stdio(pidfd);
    if (pidfd < 0) {
        if (!ret_report->step)
            *ret_report = (struct report){PROC_STEP_CLONE, -pidfd, -1};
        if (pid > 0)
            end_unheld(pid);
        return -ret_report->code;
    }
    *ret_pidfd = pidfd;
    return pid;
}

static int be_born(struct birth *birth, int *ret_pidfd, struct report *ret_report)
{
    int pidfd;
    int pid = make_first(birth, &pidfd, ret_report);
    if (pid >= 0 && has_middle(birth)) {
        *ret_report = let_it_bear(birth, &pidfd);
        pid = take_over(birth, &pidfd, ret_report);
    }
    if (pid >= 0)
        *ret_pidfd = pidfd;
    return pid;
}

static struct report let_it_live(struct birth *birth, int pidfd)
{
    const struct namespace_births *births = &birth->namespaces->births;
    struct report report = write_ids(birth, births->has_middle ? births->second : births->first, pidfd);
    if (report.step)
        return report;
    int rc = proc__hold_release(&birth->hold);
    if (rc < 0)
        return (struct report){PROC_STEP_PIPE, -rc, -1};
    proc__hold_outcome(&birth->hold, pidfd, &report);
    /* What it says itself counts more than how it left. */
    if (__atomic_load_n(&birth->told->child.step, __ATOMIC_ACQUIRE))
        return birth->told->child;
    return report.step ? report : proc__judge_silence(birth->plan, pidfd);
}

static void end_held(int *pidfd)
{
    proc__pidfd_signal(*pidfd, SIGKILL, 0);
    proc__pidfd_await(*pidfd);
    proc__fd_close(pidfd);
}

static int give_birth(struct birth *birth, int *ret_pid, int *ret_pidfd, struct report *ret_report)
{
    int pidfd, pid = be_born(birth, &pidfd, ret_report);
    if (pid < 0)
        return -ret_report->code;
    *ret_report = let_it_live(birth, pidfd);
    if (ret_report->step) {
        end_held(&pidfd);
        return -ret_report->code;
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}

static struct told *shared_memory(void)
{
    struct told *told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return told == MAP_FAILED ? NULL : told;
}

int proc__start_in_namespaces(const struct plan *plan, int *ret_pid, int *ret_pidfd, struct report *ret_report)
{
    struct namespaces namespaces = *plan->namespaces;
    struct plan borne = *plan;
    struct birth birth = {.plan = &borne, .namespaces = &namespaces};
    namespaces.is_born = 1;
    borne.namespaces = &namespaces;
    *ret_report = STEP_DONE;
    birth.told = shared_memory();
    if (!birth.told) {
        *ret_report = (struct report){PROC_STEP_MEMORY, ENOMEM, -1};
        return -ENOMEM;
    }
    int rc = proc__hold_make(&birth.hold);
    if (rc < 0) {
        *ret_report = (struct report){PROC_STEP_PIPE, -rc, -1};
    } else {
        birth.hold.binds = plan->parent != 0;
        rc = give_birth(&birth, ret_pid, ret_pidfd, ret_report);
        proc__hold_done(&birth.hold);
    }
    munmap(birth.told, sizeof *birth.told);
    return rc;
}
