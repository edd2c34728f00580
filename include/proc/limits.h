/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/limits.h> - what a child may use: rlimits, control group, OOM score.
 */
#ifndef PROC_LIMITS_H
#define PROC_LIMITS_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup limits Limits
 * @brief Data for the options of a child.
 * @{
 */

/** One resource limit.
 * @since 0.1 */
typedef struct proc_rlimit {
    int32_t resource;  /**< RLIMIT_... */
    uint32_t reserved; /**< 0. */
    uint64_t soft;     /**< PROC_UNLIMITED = none. */
    uint64_t hard;     /**< PROC_UNLIMITED = none. */
} proc_rlimit;
/** A counted list of resource limits. */
typedef struct proc_rlimits {
    const proc_rlimit *items; /**< The first. */
    size_t count;             /**< How many. */
} proc_rlimits;
/** What it may use. NULL: as we do.
 * @since 0.1 */
typedef struct proc_limits {
    size_t size;              /**< sizeof(proc_limits). */
    proc_rlimits rlimits;     /**< Resource limits. */
    const int *cgroup_fd;     /**< Born in this control group: its directory. */
    const char *cgroup_path;  /**< The same by name. */
    const int *oom_score_adj; /**< -1000 (never) to 1000 (first). */
} proc_limits;

#ifdef PROC_LITERALS
#define PROC_RLIMITS(...) PROC_LIST_(proc_rlimits, proc_rlimit, __VA_ARGS__) /**< A list of resource limits. */
#define PROC_LIMITS(...) PROC_SIZED_(proc_limits, __VA_ARGS__)               /**< Members by name. */
#endif
/** @} */

#ifdef __cplusplus
}
#endif
#endif
