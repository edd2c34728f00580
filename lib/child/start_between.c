/* SPDX-License-Identifier: MIT */
/*
 * Carries a plan into a process that is held at a gate until we have done our part, and often is not borne by us. It is
 * born into other namespaces, where its ids have to be written first; or a process stands in between, which joins what
 * is to be joined, sets the clocks, and bears the one that counts: as a child of ours, or of its own, which is an
 * orphan once the one in between is gone. That is so before the one that counts is let go: it never sees another
 * parent.
 *
 *     us                          in between (often nobody)           the child
 *     make the first
 *     write its ids, if its own
 *     let it go ----------------> join, make the time, bear --------> wait at the gate
 *                                 leave; or stay, as its parent
 *     open the child's pidfd
 *     see the first end           killed, if it has stayed
 *     write its ids, if its own
 *     let it go ----------------------------------------------------> its plan
 *
 * An orphan's number is its own while its parent is there and does not wait for it: so nobody else's pidfd is opened.
 * Owns the processes until it succeeds.
 */
#include "start_between.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/pidfd.h"
#include "../isolation/namespaces.h"
#include "held.h"

#define BLIND_MS 100

/* In shared memory, where it is true whenever and however a process ends, and no filter can keep it back. */
struct told {
    int pid;     /* of the child that the one in between has borne; 0 = none */
    int is_told; /* 1: `between` is final, although the one in between may still be there */
    struct report between, child;
};

struct birth {
    const struct plan *plan;
    const struct namespaces *namespaces; /* NULL = ours */
    struct namespace_births births;
    struct hold hold;
    int between; /* the pid of the first */
    struct told *told;
};

static int has_middle(const struct birth *birth)
{
    return birth->births.has_middle;
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
    proc__syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
    if (proc__syscall(SYS_getppid, 0, 0, 0, 0, 0, 0) != birth->hold.starter)
        return 0;
    return proc__hold_is_let_through(&birth->hold);
}

static struct report bear(struct birth *birth)
{
    unsigned flags = birth->births.second;
    int *told = &birth->told->pid;
    int pid = birth->plan->is_orphan ? proc__clone_own(flags, told) : proc__clone_sibling(flags, told);
    if (pid == 0)
        live(birth);
    return pid < 0 ? birth_failed(flags, pid) : STEP_DONE;
}

static struct report enter(const struct birth *birth)
{
    /* What needs no birth is the child's own step, and nobody enters the user namespace that it is in. */
    if (!birth->namespaces || !birth->namespaces->births.is_held)
        return STEP_DONE;
    struct report report = proc__namespaces_join(birth->namespaces);
    return report.step ? report : proc__namespaces_make_time(birth->namespaces);
}

_Noreturn static void stand_between(struct birth *birth)
{
    if (!may_go_on(birth))
        proc__step_leave(127);
    struct report report = enter(birth);
    if (!report.step)
        report = bear(birth);
    birth->told->between = report;
    __atomic_store_n(&birth->told->is_told, 1, __ATOMIC_RELEASE);
    if (!report.step && birth->plan->is_orphan)
        proc__hold_stay(&birth->hold);
    proc__step_leave(0);
}

/* ---- Here ---- */

static int make_first(struct birth *birth, int *ret_pidfd, struct report *ret_report)
{
    struct sigmask before;
    unsigned flags = birth->births.first;
    int rc = proc__sigmask_block_all(&before);
    if (rc < 0)
        return proc__step_fail(ret_report, PROC_STEP_SIGNALS, rc, -1);
    int pid = proc__clone_copy(flags, ret_pidfd);
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

static int is_there(int pidfd)
{
    proc_exit end;
    return proc__pidfd_peek(pidfd, &end) == 0;
}

/* Until the one in between has told what there is to tell, or has ended. */
static void await_word(const struct birth *birth, int pidfd)
{
    struct pollfd fds[2] = {{.fd = birth->hold.report[0], .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    while (proc__poll(fds, 2, DEADLINE_NEVER) < 0 && is_there(pidfd) &&
           !__atomic_load_n(&birth->told->is_told, __ATOMIC_ACQUIRE))
        proc__nap(DEADLINE_NEVER);
}

/* Lets the one in between go. What it has told is final then; only the parent of an orphan is still there. */
static struct report let_it_bear(const struct birth *birth, int pidfd)
{
    struct report report = write_ids(birth, birth->births.first, pidfd);
    if (report.step)
        return report;
    (void)proc__hold_let_one_through(&birth->hold);
    if (birth->plan->is_orphan)
        await_word(birth, pidfd);
    else
        proc__pidfd_await(pidfd);
    report = birth->told->between;
    if (!report.step && birth->told->pid == 0)
        report = proc__step_failed(PROC_STEP_CLONE, -ECHILD, -1); /* killed by somebody */
    return report;
}

/* Whether what our descendants leave behind becomes a child of ours. */
static int inherits_orphans(void)
{
    int is_subreaper = 0;
    return getpid() == 1 || (prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper) == 0 && is_subreaper);
}

/* It has no pidfd: sees to it that it does not stay. */
static void give_up(const struct birth *birth, int *between)
{
    int pid = birth->told->pid, is_orphan = birth->plan->is_orphan;
    if (is_orphan && pid > 0 && is_there(*between))
        kill(pid, SIGKILL);
    proc__hold_refuse(&birth->hold);
    proc__pidfd_end(between, birth->between);
    if (pid > 0 && (!is_orphan || inherits_orphans()))
        proc__pidfd_end_unheld(pid);
}

/* The pidfd of the one that was borne, if it is certainly that. */
static int open_borne(const struct birth *birth, int between)
{
    int pidfd = proc__fd_above_stdio(proc__pidfd_open(birth->told->pid));
    if (pidfd >= 0 && birth->plan->is_orphan && !is_there(between)) {
        proc__fd_close(&pidfd);
        return -ECHILD;
    }
    return pidfd;
}

/* Has it borne by the one in between, which is gone then. The pid, or a negative errno. */
static int make_child_by_another(struct birth *birth, int between, int *ret_pidfd, struct report *ret_report)
{
    *ret_report = let_it_bear(birth, between);
    int pidfd = ret_report->step ? -1 : open_borne(birth, between);
    if (!ret_report->step && pidfd < 0)
        *ret_report = proc__step_failed(PROC_STEP_CLONE, pidfd, -1);
    if (ret_report->step) {
        give_up(birth, &between);
        return -ret_report->code;
    }
    proc__pidfd_end(&between, birth->between);
    *ret_pidfd = pidfd;
    return birth->told->pid;
}

static int make_child(struct birth *birth, int *ret_pidfd, struct report *ret_report)
{
    int pidfd = -1;
    int pid = make_first(birth, &pidfd, ret_report);
    if (pid < 0)
        return pid;
    birth->between = pid;
    if (has_middle(birth))
        return make_child_by_another(birth, pidfd, ret_pidfd, ret_report);
    *ret_pidfd = pidfd;
    return pid;
}

static struct report let_it_live(struct birth *birth, int pidfd)
{
    const struct namespace_births *births = &birth->births;
    struct report report = write_ids(birth, births->has_middle ? births->second : births->first, pidfd);
    if (report.step)
        return report;
    report = proc__hold_see_off(&birth->hold, pidfd, &birth->told->child);
    return report.step ? report : proc__judge_silence(birth->plan, pidfd);
}

/* It has been killed; where poll(2) itself fails nothing tells when that is done. */
static void await_end_of_orphan(int pidfd)
{
    deadline until = proc__deadline_in(BLIND_MS);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    while (proc__poll(&end, 1, DEADLINE_NEVER) < 0 && proc__nap(until) == 0)
        ;
}

/* An orphan is reaped by who has got it: that it has ended must do. */
static void end_held(const struct birth *birth, int pid, int *pidfd)
{
    proc__hold_refuse(&birth->hold);
    if (birth->plan->is_orphan) {
        proc__pidfd_signal(*pidfd, SIGKILL, 0);
        await_end_of_orphan(*pidfd);
    }
    proc__pidfd_end(pidfd, pid);
}

static int give_birth(struct birth *birth, int *ret_pid, int *ret_pidfd, struct report *ret_report)
{
    int pidfd = -1;
    int pid = make_child(birth, &pidfd, ret_report);
    if (pid < 0)
        return -ret_report->code;
    *ret_report = let_it_live(birth, pidfd);
    if (ret_report->step) {
        end_held(birth, pid, &pidfd);
        return -ret_report->code;
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}

/* An orphan has somebody in between in any case, who then bears what would have been the first. */
static struct namespace_births births_of(const struct plan *plan)
{
    struct namespace_births births = {0};
    if (plan->namespaces)
        births = plan->namespaces->births;
    if (plan->is_orphan && !births.has_middle)
        births = (struct namespace_births){.is_held = 1, .has_middle = 1, .second = births.first};
    return births;
}

static int make_hold(struct birth *birth)
{
    int rc = proc__hold_make(&birth->hold);
    if (rc < 0 || !birth->plan->is_orphan)
        return rc;
    rc = proc__hold_for_orphan(&birth->hold);
    if (rc < 0)
        proc__hold_done(&birth->hold);
    return rc;
}

int proc__start_between(const struct plan *plan, int *ret_pid, int *ret_pidfd, struct report *ret_report)
{
    struct namespaces namespaces;
    struct plan borne = *plan;
    struct birth birth = {.plan = &borne, .births = births_of(plan)};
    if (plan->namespaces) {
        namespaces = *plan->namespaces;
        namespaces.is_born = plan->namespaces->births.is_held;
        birth.namespaces = borne.namespaces = &namespaces;
    }
    *ret_report = STEP_DONE;
    birth.told = proc__shared_memory(sizeof *birth.told);
    if (!birth.told)
        return proc__step_fail(ret_report, PROC_STEP_MEMORY, -errno, -1);
    int rc = make_hold(&birth);
    if (rc < 0) {
        *ret_report = proc__step_failed(rc == -ENOSYS ? PROC_STEP_CLONE : PROC_STEP_PIPE, rc, -1);
    } else {
        birth.hold.binds = plan->parent != 0;
        rc = give_birth(&birth, ret_pid, ret_pidfd, ret_report);
        proc__hold_done(&birth.hold);
    }
    munmap(birth.told, sizeof *birth.told);
    return rc;
}
