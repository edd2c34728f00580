/* SPDX-License-Identifier: MIT */
/*
 * Sets the capabilities of a process. Each of the kernel's five sets has a rule of its own about who may change it, and
 * when: the order below is the one in which all that is possible can be done. Raw calls, for libc has no wrappers.
 */
#include "capabilities.h"

#include <errno.h>
#include <sys/prctl.h>

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_RAISE 2
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#endif

#define MOST_CAPS 64

/* ---- Before anything is made ---- */

int proc__caps_are_said(const proc_caps *caps)
{
    return caps->permitted || caps->effective || caps->inheritable || caps->ambient || caps->bounding;
}

/* Where both are said. */
static int is_more_than(const uint64_t *part, const uint64_t *whole)
{
    return part && whole && (*part & ~*whole) != 0;
}

int proc__caps_check(const proc_caps *caps, struct failure *ret_failure)
{
    const char *what = NULL;
    if (is_more_than(caps->effective, caps->permitted))
        what = ".sandbox->caps: effective is more than permitted";
    else if (is_more_than(caps->ambient, caps->permitted))
        what = ".sandbox->caps: ambient is more than permitted";
    else if (is_more_than(caps->ambient, caps->inheritable))
        what = ".sandbox->caps: ambient is more than inheritable";
    return what ? proc__refuse(ret_failure, EINVAL, what) : 0;
}

/* ---- In the new process: the three sets that capset(2) sets ---- */

struct sets {
    uint64_t permitted, effective, inheritable;
};

/* The kernel's, third version: the lower halves of the three sets, then the upper ones. */
struct header {
    uint32_t version;
    int32_t pid;
};
struct halves {
    uint32_t effective, permitted, inheritable;
};
#define VERSION_3 0x20080522

static uint64_t join(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

static long get_sets(struct sets *ret_sets)
{
    struct header header = {VERSION_3, 0};
    struct halves halves[2] = {{0, 0, 0}, {0, 0, 0}};
    long rc = proc__step_call(SYS_capget, (long)&header, (long)halves, 0);
    ret_sets->permitted = join(halves[0].permitted, halves[1].permitted);
    ret_sets->effective = join(halves[0].effective, halves[1].effective);
    ret_sets->inheritable = join(halves[0].inheritable, halves[1].inheritable);
    return rc;
}

static long set_sets(const struct sets *sets)
{
    struct header header = {VERSION_3, 0};
    struct halves halves[2];
    for (int i = 0; i < 2; i++) {
        halves[i].permitted = (uint32_t)(sets->permitted >> 32 * i);
        halves[i].effective = (uint32_t)(sets->effective >> 32 * i);
        halves[i].inheritable = (uint32_t)(sets->inheritable >> 32 * i);
    }
    return proc__step_call(SYS_capset, (long)&header, (long)halves, 0);
}

static uint64_t set_or(const uint64_t *said, uint64_t otherwise)
{
    return said ? *said : otherwise;
}

/* What they shall be, see proc_caps. */
static struct sets sets_to_be(const proc_caps *caps, const struct sets *now, int user_changed)
{
    uint64_t ambient = set_or(caps->ambient, 0);
    uint64_t permitted = user_changed ? 0 : now->permitted, effective = user_changed ? 0 : now->effective;
    struct sets sets;
    sets.permitted = set_or(caps->permitted, permitted | ambient | set_or(caps->effective, 0));
    sets.effective = set_or(caps->effective, (effective & sets.permitted) | ambient);
    sets.inheritable = set_or(caps->inheritable, now->inheritable | ambient);
    return sets;
}

/* ---- Failures, by the capability ---- */

static struct report failed_for(long rc, int cap)
{
    return proc__step_failed(PROC_STEP_CAPS, rc, cap);
}

static int lowest(uint64_t set)
{
    for (int cap = 0; cap < MOST_CAPS; cap++)
        if (set & PROC_CAP(cap))
            return cap;
    return -1;
}

/* The kernel drops what it does not know from a set, without a word. */
static struct report refuse_unknown(const struct sets *sets)
{
    uint64_t named = sets->permitted | sets->inheritable;
    for (int cap = 0; cap < MOST_CAPS; cap++) {
        long rc = named & PROC_CAP(cap) ? proc__step_call(SYS_prctl, PR_CAPBSET_READ, cap, 0) : 0;
        if (rc < 0)
            return failed_for(rc, cap);
    }
    return STEP_DONE;
}

static struct report set_or_tell(const struct sets *sets, uint64_t added)
{
    long rc = set_sets(sets);
    return rc < 0 ? failed_for(rc, lowest(added)) : STEP_DONE;
}

/* ---- Bounding and ambient ---- */

static struct report limit_bounding(uint64_t bounding)
{
    for (int cap = 0; cap < MOST_CAPS; cap++) {
        long rc = bounding & PROC_CAP(cap) ? 0 : proc__step_call(SYS_prctl, PR_CAPBSET_READ, cap, 0);
        if (rc == -EINVAL) /* beyond the last that there is */
            break;
        if (rc == 1)
            rc = proc__step_call(SYS_prctl, PR_CAPBSET_DROP, cap, 0);
        if (rc < 0)
            return failed_for(rc, cap);
    }
    return STEP_DONE;
}

static struct report set_ambient(uint64_t ambient)
{
    long rc = proc__step_call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
    if (rc < 0)
        return failed_for(rc, -1);
    for (int cap = 0; cap < MOST_CAPS; cap++) {
        if (!(ambient & PROC_CAP(cap)))
            continue;
        rc = proc__step_call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap);
        if (rc < 0)
            return failed_for(rc, cap);
    }
    return STEP_DONE;
}

/* ---- All of it ---- */

/*
 * CAP_SETPCAP is needed in force for the bounding set and for what is new in the inheritable one; and that has to be
 * there before it leaves the bounding set.
 */
static struct report raise_for_change(const struct sets *now, const struct sets *then, int limits)
{
    uint64_t new_inheritable = then->inheritable & ~now->inheritable;
    struct sets sets = *now;
    struct report report;
    if (!limits && !new_inheritable)
        return STEP_DONE;
    sets.effective = now->permitted;
    if ((report = set_or_tell(&sets, 0)).step || !new_inheritable)
        return report;
    sets.inheritable |= new_inheritable;
    return set_or_tell(&sets, new_inheritable);
}

struct report proc__caps_apply(const proc_caps *caps, int user_changed)
{
    struct sets now;
    struct report report;
    long rc = get_sets(&now);
    if (rc < 0)
        return failed_for(rc, -1);
    const struct sets then = sets_to_be(caps, &now, user_changed);
    if ((report = refuse_unknown(&then)).step)
        return report;
    if (then.permitted & ~now.permitted)
        return failed_for(-EPERM, lowest(then.permitted & ~now.permitted));
    if ((report = raise_for_change(&now, &then, caps->bounding != NULL)).step)
        return report;
    if (caps->bounding && (report = limit_bounding(*caps->bounding)).step)
        return report;
    if ((report = set_or_tell(&then, 0)).step)
        return report;
    return caps->ambient ? set_ambient(*caps->ambient) : STEP_DONE;
}

/* ---- Over a change of the user ---- */

struct report proc__caps_keep(int *ret_before)
{
    long before = proc__step_call(SYS_prctl, PR_GET_KEEPCAPS, 0, 0);
    long rc = before < 0 ? before : proc__step_call(SYS_prctl, PR_SET_KEEPCAPS, 1, 0);
    *ret_before = before < 0 ? 0 : (int)before;
    return rc < 0 ? failed_for(rc, -1) : STEP_DONE;
}

void proc__caps_keep_again(int before)
{
    proc__step_call(SYS_prctl, PR_SET_KEEPCAPS, before, 0);
}
