/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/limits.h> - what a child may use: control group, OOM score, resource limits.
 */
#ifndef PROC_LIMITS_H
#define PROC_LIMITS_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup limits Limits
 * @brief What a child may use, as an option of its start.
 * @{
 */

/**
 * One resource limit.
 * @see getrlimit(2)
 * @since 0.1
 */
typedef struct proc_rlimit {
    int32_t resource;  /**< RLIMIT_NOFILE, ... */
    uint32_t reserved; /**< 0. */
    uint64_t soft;     /**< What holds now; PROC_UNLIMITED = none. */
    uint64_t hard;     /**< Up to which the child may raise that; PROC_UNLIMITED = none. */
} proc_rlimit;
/** A counted list of resource limits. */
typedef struct proc_rlimits {
    const proc_rlimit *items; /**< The first. */
    size_t count;             /**< How many; each resource at most once. */
} proc_rlimits;

/**
 * What a child may use, for proc_options.limits. What is NULL or absent is as we have it. Nothing of it reaches us.
 *
 * **The control group**, of version 2 or of a tree of version 1, is there already: its directory, by `cgroup_fd` or
 * `cgroup_path` (with both, the path starts at the descriptor), looked at and opened by us. Where it can be
 * (PROC_FEATURE_INTO_CGROUP), the child is born in it; else it moves there before it does anything that costs. The
 * errors of PROC_STEP_CGROUP name the path, or the descriptor:
 *
 * - -ENODEV: not a control group; -ENOENT: there is no such directory, or it was removed;
 * - -EACCES: we may not write its `cgroup.procs`, or that of the group above both it and ours;
 * - -EAGAIN: it is frozen, or one above it is, and the start would hang until somebody thaws it. It is looked at before
 *   the start: a group that freezes just then does keep us waiting;
 * - -EBUSY: it has controllers for the groups below it, so no processes of its own;
 * - -EOPNOTSUPP: it is invalid, because those beside it are for threads (`cgroup.type` tells).
 *
 * A group that is full (`pids.max`) is -EAGAIN of PROC_STEP_CLONE if the child is born in it. Moving there is not held
 * up by that limit: the kernel counts who moves, and lets it in.
 *
 * **The OOM score** is written to `/proc/self/oom_score_adj`: -EACCES of PROC_STEP_OOM_SCORE if it is below the least
 * that somebody with `CAP_SYS_RESOURCE` has given us, -ENOENT without /proc.
 *
 * **Resource limits** hold from when the descriptors of the child are placed, whose numbers may be beyond
 * `RLIMIT_NOFILE`, and before its ids change. So the right to raise a hard limit (`CAP_SYS_RESOURCE`, else -EPERM of
 * PROC_STEP_RLIMIT) is ours, while `RLIMIT_NPROC` counts the processes of the new user: if these are too many already,
 * the program is not started (-EAGAIN of PROC_STEP_EXEC). In a new user namespace nobody has that right any more.
 * RLIMIT_NOFILE is never unlimited: -EPERM beyond `/proc/sys/fs/nr_open`, whoever asks. A resource that this kernel
 * lacks is -EINVAL of PROC_STEP_RLIMIT. A program that cannot live within its limits is started, and ends as the kernel
 * has it.
 *
 * What cannot be meant is refused before anything is made: -EINVAL with PROC_STEP_OPTIONS and a text.
 *
 * @see cgroups(7), clone(2), proc(5), prlimit(2)
 * @snippet limits.c limits
 * @since 0.1
 */
typedef struct proc_limits {
    size_t size;              /**< sizeof(proc_limits). */
    proc_rlimits rlimits;     /**< Resource limits, set in this order. */
    const int *cgroup_fd;     /**< Started in this control group: its directory, also one opened with O_PATH. */
    const char *cgroup_path;  /**< The same by name. */
    const int *oom_score_adj; /**< -1000 (never) to 1000 (first): who goes when memory is short. */
} proc_limits;

#ifdef PROC_LITERALS
/** A list of resource limits: `PROC_RLIMITS({RLIMIT_CORE, 0, 0, 0}, {RLIMIT_NOFILE, 0, 256, 256})`. */
#define PROC_RLIMITS(...) PROC_LIST_(proc_rlimits, proc_rlimit, __VA_ARGS__)
#define PROC_LIMITS(...) PROC_SIZED_(proc_limits, __VA_ARGS__) /**< Members by name. */
#endif
/** @} */

#ifdef __cplusplus
}
#endif
#endif
