/* SPDX-License-Identifier: MIT */
/*
 * What the new process does between its birth and execve(2): one straight list of steps. It may run in its parent's
 * memory, on a small stack, while other threads of the parent go on: so it makes system calls and nothing else. No
 * allocation, no lock, no libc state, no large locals; all signals stay blocked until the last moment.
 */
#include "child_side.h"

#include "../isolation/limits.h"
#include "../isolation/namespaces.h"
#include "../isolation/sandbox.h"
#include "../isolation/scheduling.h"
#include "terminal.h"

/* ---- Session and group ---- */

static struct report enter_group(const struct plan *plan)
{
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

/* ---- Umask and directory ---- */

static void set_umask(const struct plan *plan)
{
    if (plan->umask >= 0)
        proc__step_call(SYS_umask, plan->umask, 0, 0);
}

static struct report enter_directory(const struct plan *plan)
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

/* ---- The list ---- */

static struct report apply_terminal(const struct plan *plan)
{
    return plan->terminal ? proc__terminal_apply(plan->terminal) : STEP_DONE;
}

static struct report apply_namespaces(const struct plan *plan)
{
    return plan->namespaces ? proc__namespaces_apply(plan->namespaces) : STEP_DONE;
}

static struct report apply_scheduling(const struct plan *plan)
{
    return plan->scheduling ? proc__scheduling_apply(plan->scheduling) : STEP_DONE;
}

static struct report apply_limits(const struct plan *plan)
{
    return plan->limits ? proc__limits_apply(plan->limits) : STEP_DONE;
}

static struct report apply_sandbox(const struct plan *plan)
{
    return plan->sandbox ? proc__sandbox_apply(plan->sandbox) : STEP_DONE;
}

static struct report settle(const struct plan *plan, struct needed *needed)
{
    struct report report;
    if ((report = proc__child_save_needed(plan, needed)).step)
        return report;
    /* 1 */ if ((report = enter_group(plan)).step)
        return report;
    /* 2 */ if ((report = apply_terminal(plan)).step)
        return report;
    /* 3 */ if ((report = apply_namespaces(plan)).step)
        return report;
    /* 4 */ if ((report = apply_scheduling(plan)).step)
        return report;
    /* 5 */ set_umask(plan);
    /* 6 */ if ((report = enter_directory(plan)).step)
        return report;
    /* 7 */ if ((report = proc__child_place_descriptors(plan)).step)
        return report;
    /* 8 */ if ((report = apply_limits(plan)).step)
        return report;
    /* 9 */ return change_ids(plan);
}

static struct needed needed_of(const struct plan *plan, int report_fd)
{
    return (struct needed){.fds = {[NEEDED_REPORT] = report_fd, [NEEDED_PROGRAM] = plan->program_fd}};
}

struct report proc__child_settle(const struct plan *plan, int *report_fd)
{
    struct needed needed = needed_of(plan, *report_fd);
    struct report report = settle(plan, &needed);
    *report_fd = needed.fds[NEEDED_REPORT];
    return report;
}

static struct report become(const struct plan *plan, int handlers_cleared, struct needed *needed)
{
    struct report report;
    if ((report = settle(plan, needed)).step)
        return report;
    /* 10 */ if ((report = proc__child_close_others(plan)).step)
        return report;
    /* 11 */ if ((report = proc__child_set_dispositions(plan, handlers_cleared)).step)
        return report;
    /* 12 */ if ((report = proc__child_set_mask(plan)).step)
        return report;
    /* 13 */ if ((report = apply_sandbox(plan)).step)
        return report;
    /* 14 */ return proc__child_execute(plan, needed);
}

struct report proc__child_side(const struct plan *plan, int handlers_cleared, int *report_fd)
{
    struct needed needed = needed_of(plan, *report_fd);
    struct report report = become(plan, handlers_cleared, &needed);
    *report_fd = needed.fds[NEEDED_REPORT];
    return report;
}
