/* SPDX-License-Identifier: MIT */
/*
 * What the new process does between its birth and execve(2): one straight list of steps. It may run in its parent's
 * memory, on a small stack, while other threads of the parent go on: so it makes system calls and nothing else. No
 * allocation, no lock, no libc state, no large locals; all signals stay blocked until the last moment.
 */
#include "child_side.h"

#include <signal.h>
#include <sys/prctl.h>

#include "../isolation/capabilities.h"
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
    if (plan->change_groups && (rc = proc__step_call(SETGROUPS, (long)plan->group_count, (long)plan->groups, 0)) < 0)
        return proc__step_failed(PROC_STEP_GROUPS, rc, -1);
    if (plan->gid && (rc = proc__step_call(SETRESGID, (long)*plan->gid, (long)*plan->gid, (long)*plan->gid)) < 0)
        return proc__step_failed(PROC_STEP_GID, rc, (int)*plan->gid);
    if (plan->uid && (rc = proc__step_call(SETRESUID, (long)*plan->uid, (long)*plan->uid, (long)*plan->uid)) < 0)
        return proc__step_failed(PROC_STEP_UID, rc, (int)*plan->uid);
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

/* ---- Capabilities ---- */

static int changes_caps(const struct plan *plan)
{
    return plan->sandbox && plan->sandbox->changes_caps;
}

/* The kernel takes all capabilities away from who ceases to be root, unless told otherwise in time. */
static struct report change_ids_and_keep_caps(const struct plan *plan)
{
    int kept_before;
    struct report report = proc__caps_keep(&kept_before);
    if (!report.step)
        report = change_ids(plan);
    if (!report.step)
        report = proc__caps_apply(&plan->sandbox->caps, 1);
    proc__caps_keep_again(kept_before);
    return report;
}

static struct report change_credentials(struct way *way)
{
    const struct plan *plan = way->plan;
    if (plan->uid && changes_caps(plan))
        return change_ids_and_keep_caps(plan);
    struct report report = change_ids(plan);
    if (!report.step && changes_caps(plan))
        report = proc__caps_apply(&plan->sandbox->caps, 0);
    return report;
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
    return plan->stays ? proc__child_shut_others(plan, way->needed) : proc__child_close_others(plan, way->needed);
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

typedef struct report step(struct way *way);

/* All up to the ids, which is not about a new program. */
static step *const settling[] = {
    save_needed,
    enter_group,
    enter_terminal,
    enter_cgroup,
    /* Before a user namespace, which would leave us without the privileges that these two ask for. */
    set_scheduling,
    set_oom_score,
    enter_namespaces,
    set_umask,
    enter_root,
    mount_proc,
    enter_directory,
    place_descriptors,
    set_rlimits,
    change_credentials,
    forbid_new_privs,
    die_with_parent,
};

static step *const becoming[] = {
    run_hook, close_others, enter_landlock, drop_needed, set_dispositions, set_mask, announce, enter_filter, execute,
};

static struct report take(step *const *steps, size_t count, struct way *way)
{
    struct report report = STEP_DONE;
    for (size_t i = 0; i < count && !report.step; i++)
        report = steps[i](way);
    return report;
}

static struct report settle(struct way *way)
{
    return take(settling, sizeof settling / sizeof settling[0], way);
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
    struct report report = settle(&(struct way){.plan = plan, .needed = &needed});
    *report_fd = needed.fds[NEEDED_REPORT];
    return report;
}

struct report proc__child_steps(const struct plan *plan, int born, struct needed *needed)
{
    struct way way = {.plan = plan, .born = born, .needed = needed};
    open_what_will_be_out_of_reach(&way);
    struct report report = settle(&way);
    return report.step ? report : take(becoming, sizeof becoming / sizeof becoming[0], &way);
}

struct report proc__child_side(const struct plan *plan, int born, int *report_fd)
{
    struct needed needed = proc__needed_of(plan, *report_fd);
    struct report report = proc__child_steps(plan, born, &needed);
    *report_fd = needed.fds[NEEDED_REPORT];
    return report;
}
