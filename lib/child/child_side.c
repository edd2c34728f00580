/* SPDX-License-Identifier: MIT */
/*
 * What the new process does between its birth and execve(2): one straight list of steps, which also says what of a
 * process each of them changes for good. It may run in its parent's memory, on a small stack, while other threads of
 * the parent go on: so it makes system calls and nothing else. No allocation, no lock, no libc state, no large locals;
 * all signals stay blocked until the last moment.
 */
#include "child_side.h"

#include <signal.h>
#include <sys/prctl.h>

#include "../isolation/landlock.h"
#include "../isolation/limits.h"
#include "../isolation/namespaces.h"
#include "../isolation/sandbox.h"
#include "../isolation/scheduling.h"
#include "../isolation/seccomp.h"
#include "announcement.h"
#include "held.h"
#include "hook.h"
#include "terminal.h"

/* One process on its way. */
struct way {
    const struct plan *plan;
    int born; /* BORN_... */
    struct needed *needed;
};

/* ---- Session and group ---- */

static struct report enter_group(struct way *way)
{
    const struct plan *plan = way->plan;
    long rc;
    if (plan->new_session && (rc = proc__step_call(SYS_setsid, 0, 0, 0)) < 0)
        return proc__step_failed(PROC_STEP_SESSION, rc, -1);
    /* The leader of a new session leads a new group already. */
    if (plan->new_group && !plan->new_session && (rc = proc__step_call(SYS_setpgid, 0, 0, 0)) < 0)
        return proc__step_failed(PROC_STEP_GROUP, rc, 0);
    if (plan->join_group >= 0 && (rc = proc__step_call(SYS_setpgid, 0, plan->join_group, 0)) < 0)
        return proc__step_failed(PROC_STEP_GROUP, rc, plan->join_group);
    return STEP_DONE;
}

/* ---- Umask, root and directory ---- */

static struct report set_umask(struct way *way)
{
    if (way->plan->umask >= 0)
        proc__step_call(SYS_umask, way->plan->umask, 0, 0);
    return STEP_DONE;
}

static struct report enter_root(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->sandbox ? proc__sandbox_enter_root(plan->sandbox) : STEP_DONE;
}

struct report proc__child_enter_directory(const struct plan *plan)
{
    long rc;
    if (plan->cwd_fd >= 0 && (rc = proc__step_call(SYS_fchdir, plan->cwd_fd, 0, 0)) < 0)
        return proc__step_failed(PROC_STEP_CWD, rc, plan->cwd_fd);
    if (plan->cwd && (rc = proc__step_call(SYS_chdir, (long)plan->cwd, 0, 0)) < 0)
        return proc__step_failed(PROC_STEP_CWD, rc, -1);
    return STEP_DONE;
}

/* ---- The parent ---- */

/* Another parent by now says that ours is gone; but where it has no number, any parent is 0. */
static long has_parent(const struct plan *plan, const struct needed *needed)
{
    if (plan->namespaces && proc__namespaces_have_other_pids(plan->namespaces))
        return proc__hold_has_starter(needed->fds[NEEDED_REPORT]);
    return proc__step_call(SYS_getppid, 0, 0, 0) == plan->parent;
}

/* After the ids, whose change would undo it. A parent that has ended before that sends no signal any more. */
static struct report die_with_parent(struct way *way)
{
    const struct plan *plan = way->plan;
    if (plan->parent == 0)
        return STEP_DONE;
    long rc = proc__step_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0);
    if (rc == 0)
        rc = has_parent(plan, way->needed);
    if (rc == 0)
        rc = -ESRCH;
    return rc < 0 ? proc__step_failed(PROC_STEP_DIE_WITH_PARENT, rc, -1) : STEP_DONE;
}

/* ---- Privileges ---- */

static struct report change_credentials(struct way *way)
{
    return proc__child_change_credentials(way->plan);
}

static struct report forbid_new_privs(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->sandbox ? proc__sandbox_set_no_new_privs(plan->sandbox) : STEP_DONE;
}

/* ---- Landlock and seccomp ---- */

static struct report enter_landlock(struct way *way)
{
    int ruleset = way->needed->fds[NEEDED_RULESET];
    return ruleset >= 0 ? proc__landlock_enter(ruleset) : STEP_DONE;
}

int proc__plan_has_filter(const struct plan *plan)
{
    return plan->sandbox && plan->sandbox->filter.length > 0;
}

static struct report enter_filter(struct way *way)
{
    const struct plan *plan = way->plan;
    const struct sandbox *sandbox = plan->sandbox;
    return proc__plan_has_filter(plan) ? proc__seccomp_apply(&sandbox->filter, sandbox->filter_flags) : STEP_DONE;
}

/* ---- What other files know ---- */

/* A birth in the group has saved the way there. */
static struct report enter_cgroup(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->limits && !(way->born & BORN_IN_CGROUP) ? proc__limits_enter_cgroup(plan->limits) : STEP_DONE;
}

static struct report enter_terminal(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->terminal ? proc__terminal_apply(plan->terminal) : STEP_DONE;
}

static struct report enter_namespaces(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->namespaces ? proc__namespaces_apply(plan->namespaces) : STEP_DONE;
}

static struct report mount_proc(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->namespaces ? proc__namespaces_mount_proc(plan->namespaces) : STEP_DONE;
}

static struct report set_scheduling(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->scheduling ? proc__scheduling_apply(plan->scheduling) : STEP_DONE;
}

static struct report set_oom_score(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->limits ? proc__limits_set_oom_score(plan->limits) : STEP_DONE;
}

static struct report set_rlimits(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->limits ? proc__limits_set_rlimits(plan->limits) : STEP_DONE;
}

static struct report run_hook(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->hook ? proc__hook_run(plan->hook, way->needed->fds[NEEDED_REPORT]) : STEP_DONE;
}

static struct report close_others(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->stays ? proc__child_close_others(plan, way->needed) : proc__child_mark_others(plan, way->needed);
}

/* As long as there is no filter that may keep our number from us. */
static struct report announce(struct way *way)
{
    if (way->plan->listen_pid)
        proc__announcement_fill_in(way->plan->listen_pid);
    return STEP_DONE;
}

static struct report execute(struct way *way)
{
    const struct plan *plan = way->plan;
    return plan->stays ? STEP_DONE : proc__child_execute(plan, way->needed);
}

/* Beyond a new root there may be no /proc; a limit lets nobody open the list, and hides what is beyond it. */
static void open_what_will_be_out_of_reach(const struct way *way)
{
    const struct plan *plan = way->plan;
    if ((plan->limits || (plan->sandbox && plan->sandbox->root)) && !plan->inherit_fds)
        proc__child_open_fd_list(way->needed);
}

static struct report save_needed(struct way *way)
{
    return proc__child_save_needed(way->plan, way->needed);
}

static struct report enter_directory(struct way *way)
{
    return proc__child_enter_directory(way->plan);
}

static struct report place_descriptors(struct way *way)
{
    return proc__child_place_descriptors(way->plan);
}

static struct report drop_needed(struct way *way)
{
    if (way->plan->stays)
        proc__child_drop_needed(way->needed);
    return STEP_DONE;
}

static struct report set_dispositions(struct way *way)
{
    return proc__child_set_dispositions(way->plan, way->born);
}

static struct report set_mask(struct way *way)
{
    return proc__child_set_mask(way->plan);
}

/* ---- The list ---- */

/* A number that a step may fail with, and what of this process is changed for good behind it, PROC_CHANGED_... */
struct number {
    int step;
    uint32_t changes;
    int in_parts; /* 1: of many calls, of which some may have been made when it fails */
};

#define NUMBERS_PER_STEP 4

struct child_step {
    struct report (*take)(struct way *way);
    struct number numbers[NUMBERS_PER_STEP]; /* in the order in which it comes to them */
};

static const struct child_step list[] = {
    {.take = save_needed},
    {enter_group, {{PROC_STEP_SESSION, PROC_CHANGED_SESSION, 0}, {PROC_STEP_GROUP, PROC_CHANGED_SESSION, 0}}},
    {enter_terminal, {{PROC_STEP_TERMINAL, PROC_CHANGED_SESSION, 1}}},
    {enter_cgroup, {{PROC_STEP_CGROUP, PROC_CHANGED_LIMITS, 0}}},
    /* Before a user namespace, which would leave us without the privileges that these two ask for. */
    {set_scheduling,
     {{PROC_STEP_CPUS, PROC_CHANGED_LIMITS, 0},
      {PROC_STEP_SCHEDULER, PROC_CHANGED_LIMITS, 0},
      {PROC_STEP_NICE, PROC_CHANGED_LIMITS, 0},
      {PROC_STEP_IO_PRIORITY, PROC_CHANGED_LIMITS, 0}}},
    {set_oom_score, {{PROC_STEP_OOM_SCORE, PROC_CHANGED_LIMITS, 0}}},
    {enter_namespaces,
     {{PROC_STEP_NAMESPACE, PROC_CHANGED_NAMESPACES, 1},
      {PROC_STEP_ID_MAP, PROC_CHANGED_NAMESPACES, 1},
      {PROC_STEP_HOSTNAME, PROC_CHANGED_NAMESPACES, 1},
      {PROC_STEP_NETWORK, PROC_CHANGED_NAMESPACES, 1}}},
    {.take = set_umask},
    {enter_root, {{PROC_STEP_ROOT, PROC_CHANGED_ROOT, 1}}},
    {mount_proc, {{PROC_STEP_MOUNT, PROC_CHANGED_NAMESPACES, 1}}},
    {enter_directory, {{PROC_STEP_CWD, 0, 0}}},
    {place_descriptors, {{PROC_STEP_FDS, 0, 0}}},
    {set_rlimits, {{PROC_STEP_RLIMIT, PROC_CHANGED_LIMITS, 1}}},
    {change_credentials,
     {{PROC_STEP_GROUPS, PROC_CHANGED_IDS, 0},
      {PROC_STEP_GID, PROC_CHANGED_IDS, 1},
      {PROC_STEP_UID, PROC_CHANGED_IDS, 1},
      {PROC_STEP_CAPS, PROC_CHANGED_SANDBOX, 1}}},
    {forbid_new_privs, {{PROC_STEP_NO_NEW_PRIVS, PROC_CHANGED_SANDBOX, 0}}},
    {die_with_parent, {{PROC_STEP_DIE_WITH_PARENT, 0, 0}}},

    /* All that is not about a new program is settled. */
    {.take = NULL},

    {run_hook, {{PROC_STEP_HOOK, 0, 0}}},
    {close_others, {{PROC_STEP_CLOSE, 0, 0}}},
    {enter_landlock, {{PROC_STEP_LANDLOCK, PROC_CHANGED_SANDBOX, 1}}},
    {.take = drop_needed},
    {set_dispositions, {{PROC_STEP_SIGNALS, 0, 0}}},
    {set_mask, {{PROC_STEP_SIGNALS, 0, 0}}},
    {.take = announce},
    {enter_filter, {{PROC_STEP_SECCOMP, PROC_CHANGED_SANDBOX, 0}}},
    {execute, {{PROC_STEP_SEARCH, 0, 0}, {PROC_STEP_EXEC, 0, 0}}},

    {.take = NULL},
};

#define NUMBER_COUNT (sizeof list / sizeof list[0] * NUMBERS_PER_STEP)

static const struct number *number_at(size_t place)
{
    return &list[place / NUMBERS_PER_STEP].numbers[place % NUMBERS_PER_STEP];
}

static size_t place_of(int step)
{
    size_t place = 0;
    while (place < NUMBER_COUNT && number_at(place)->step != step)
        place++;
    return place;
}

int proc__step_is_behind(int step, int other)
{
    return place_of(step) > place_of(other);
}

uint32_t proc__steps_changed(int failed_step)
{
    uint32_t changed = 0;
    size_t failed = place_of(failed_step);
    for (size_t place = 0; place < NUMBER_COUNT && place <= failed; place++)
        if (place < failed || number_at(place)->in_parts)
            changed |= number_at(place)->changes;
    return changed;
}

/* ---- The way ---- */

/* Up to the next gap, or the first failure. */
static const struct child_step *take(const struct child_step *step, struct way *way, struct report *ret_report)
{
    *ret_report = STEP_DONE;
    for (; step->take && !ret_report->step; step++)
        *ret_report = step->take(way);
    return step;
}

struct needed proc__needed_of(const struct plan *plan, int report_fd)
{
    return (struct needed){
        .fds =
            {
                [NEEDED_REPORT] = report_fd,
                [NEEDED_FD_LIST] = -1,
                [NEEDED_RULESET] = plan->sandbox ? plan->sandbox->ruleset : -1,
                [NEEDED_PROGRAM] = plan->program_fd,
            },
        .fd_end = -1,
    };
}

struct report proc__child_settle(const struct plan *plan, int *report_fd)
{
    struct needed needed = proc__needed_of(plan, *report_fd);
    struct report report;
    take(list, &(struct way){.plan = plan, .needed = &needed}, &report);
    *report_fd = needed.fds[NEEDED_REPORT];
    return report;
}

struct report proc__child_steps(const struct plan *plan, int born, struct needed *needed)
{
    struct way way = {.plan = plan, .born = born, .needed = needed};
    struct report report;
    open_what_will_be_out_of_reach(&way);
    const struct child_step *settled = take(list, &way, &report);
    if (!report.step)
        take(settled + 1, &way, &report);
    return report;
}

struct report proc__child_side(const struct plan *plan, int born, int *report_fd)
{
    struct needed needed = proc__needed_of(plan, *report_fd);
    struct report report = proc__child_steps(plan, born, &needed);
    *report_fd = needed.fds[NEEDED_REPORT];
    return report;
}
