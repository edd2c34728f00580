/* SPDX-License-Identifier: MIT */
/*
 * Who the new process is from here on: its groups, group, user and capabilities. Runs as child_side.h says. Knows
 * nothing of the place in the list where this happens.
 */
#include "child_side.h"

#include "../isolation/capabilities.h"
#include "../isolation/sandbox.h"

#if defined(SYS_setgroups32)
#define SETGROUPS SYS_setgroups32
#define SETRESGID SYS_setresgid32
#define SETRESUID SYS_setresuid32
#else
#define SETGROUPS SYS_setgroups
#define SETRESGID SYS_setresgid
#define SETRESUID SYS_setresuid
#endif

/* Groups while we may still set them, the user last. Raw calls: libc's would change every thread of the parent too. */
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

struct report proc__child_change_credentials(const struct plan *plan)
{
    if (plan->uid && changes_caps(plan))
        return change_ids_and_keep_caps(plan);
    struct report report = change_ids(plan);
    if (!report.step && changes_caps(plan))
        report = proc__caps_apply(&plan->sandbox->caps, 0);
    return report;
}
