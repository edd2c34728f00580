/* SPDX-License-Identifier: MIT */
/*
 * What a new process may use. The group and the score that it has for the OOM killer come early, while it may still
 * change them; its resource limits as soon as its descriptors are placed, since one of them is about their numbers.
 * Owns the directory of the control group.
 */
#include "limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "../base/text.h"

/* Far more than the kernel has resources, and few enough to be compared with each other. */
#define RLIMITS_MOST 64
#define OOM_SCORE_LEAST (-1000)
#define OOM_SCORE_MOST 1000

/* libc may lack the newest name, never its number. */
#ifndef RLIMIT_RTTIME
#define RLIMIT_RTTIME 15
#endif

static const struct {
    int resource;
    const char *name;
} resources[] = {
    {RLIMIT_AS, "RLIMIT_AS"},           {RLIMIT_CORE, "RLIMIT_CORE"},         {RLIMIT_CPU, "RLIMIT_CPU"},
    {RLIMIT_DATA, "RLIMIT_DATA"},       {RLIMIT_FSIZE, "RLIMIT_FSIZE"},       {RLIMIT_LOCKS, "RLIMIT_LOCKS"},
    {RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK"}, {RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE"}, {RLIMIT_NICE, "RLIMIT_NICE"},
    {RLIMIT_NOFILE, "RLIMIT_NOFILE"},   {RLIMIT_NPROC, "RLIMIT_NPROC"},       {RLIMIT_RSS, "RLIMIT_RSS"},
    {RLIMIT_RTPRIO, "RLIMIT_RTPRIO"},   {RLIMIT_RTTIME, "RLIMIT_RTTIME"},     {RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING"},
    {RLIMIT_STACK, "RLIMIT_STACK"},
};

const char *proc__rlimit_name(int resource)
{
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++)
        if (resources[i].resource == resource)
            return resources[i].name;
    return NULL;
}

/* ---- Looking at it ---- */

static int check_rlimit(const proc_rlimit *limit, struct failure *ret_failure)
{
    if (limit->resource < 0)
        return proc__refuse(ret_failure, EINVAL, ".limits->rlimits: no such resource");
    if (limit->reserved != 0)
        return proc__refuse(ret_failure, EINVAL, ".limits->rlimits: a member that must be 0");
    if (limit->soft <= limit->hard)
        return 0;
    const char *name = proc__rlimit_name(limit->resource);
    proc__refuse(ret_failure, EINVAL, name ? name : ".limits->rlimits");
    ret_failure->reason = "the soft limit is above the hard one";
    return -EINVAL;
}

static int is_said_before(const proc_rlimits *limits, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (limits->items[i].resource == limits->items[at].resource)
            return 1;
    return 0;
}

static int check_rlimits(const proc_rlimits *limits, struct failure *ret_failure)
{
    if (limits->count > 0 && !limits->items)
        return proc__refuse(ret_failure, EINVAL, ".limits->rlimits without .items");
    if (limits->count > RLIMITS_MOST)
        return proc__refuse(ret_failure, EINVAL, ".limits->rlimits: too many");
    for (size_t i = 0; i < limits->count; i++) {
        int rc = check_rlimit(&limits->items[i], ret_failure);
        if (rc < 0)
            return rc;
        if (is_said_before(limits, i))
            return proc__refuse(ret_failure, EINVAL, ".limits->rlimits: a resource twice");
    }
    return 0;
}

int proc__limits_check(const proc_limits *options, struct failure *ret_failure)
{
    const int *score = options->oom_score_adj;
    if (options->cgroup_fd && *options->cgroup_fd < 0)
        return proc__refuse(ret_failure, EINVAL, ".limits->cgroup_fd is negative");
    if (score && (*score < OOM_SCORE_LEAST || *score > OOM_SCORE_MOST))
        return proc__refuse(ret_failure, EINVAL, ".limits->oom_score_adj is not -1000 to 1000");
    return check_rlimits(&options->rlimits, ret_failure);
}

/* ---- Making it ready ---- */

int proc__limits_prepare(struct limits *ret_limits, const proc_limits *options, struct failure *ret_failure)
{
    *ret_limits = (struct limits){.rlimits = options->rlimits};
    if (options->oom_score_adj) {
        struct text text = proc__text_into(ret_limits->oom_score, sizeof ret_limits->oom_score);
        proc__text_print(&text, "%d", *options->oom_score_adj);
        ret_limits->oom_score_len = text.len;
    }
    return proc__cgroup_find(&ret_limits->cgroup, options->cgroup_fd, options->cgroup_path, ret_failure);
}

void proc__limits_done(struct limits *limits)
{
    proc__cgroup_done(&limits->cgroup);
}

/* ---- In the new process ---- */

struct report proc__limits_enter_cgroup(const struct limits *limits)
{
    return proc__cgroup_enter(&limits->cgroup);
}

/*
 * The kernel gives a new score to all who share the memory, but to a parent that waits as after vfork(2): it knows that
 * this will not last. So ours stays what it is.
 */
struct report proc__limits_set_oom_score(const struct limits *limits)
{
    if (limits->oom_score_len == 0)
        return STEP_DONE;
    long rc = proc__step_write_file(AT_FDCWD, "/proc/self/oom_score_adj", limits->oom_score, limits->oom_score_len);
    return rc < 0 ? proc__step_failed(PROC_STEP_OOM_SCORE, rc, -1) : STEP_DONE;
}

struct report proc__limits_set_rlimits(const struct limits *limits)
{
    for (size_t i = 0; i < limits->rlimits.count; i++) {
        const proc_rlimit *limit = &limits->rlimits.items[i];
        const uint64_t pair[2] = {limit->soft, limit->hard};
        long rc = proc__syscall(SYS_prlimit64, 0, limit->resource, (long)pair, 0, 0, 0);
        if (rc < 0)
            return proc__step_failed(PROC_STEP_RLIMIT, rc, limit->resource);
    }
    return STEP_DONE;
}
