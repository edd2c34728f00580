/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/scheduling.h> - when and where a child runs: CPUs, policy, nice, I/O priority.
 */
#ifndef PROC_SCHEDULING_H
#define PROC_SCHEDULING_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup scheduling Scheduling
 * @brief When and where a child runs, as an option of its start.
 * @{
 */

/**
 * When and where a child runs, for proc_options.scheduling. What is NULL or 0 is as we have it.
 *
 * The child sets it before its ids change, so that one with an unprivileged user may still come first; in this order:
 * CPUs, policy, nice, I/O priority. What the kernel refuses ends the start:
 *
 * - PROC_STEP_CPUS, -EINVAL: of these CPUs none is there, or none is allowed by its control group. Numbers that are not
 *   there do not matter beside others that are.
 * - PROC_STEP_SCHEDULER, -EPERM: a real-time policy or a deadline without the privilege (`CAP_SYS_NICE`, or
 *   `RLIMIT_RTPRIO` for the former), or a deadline for less than all CPUs; -EBUSY: no time is left for that deadline;
 *   -EINVAL: no such policy here, or times that the kernel does not take (a runtime below 1024 ns, a period beyond
 *   its bounds).
 * - PROC_STEP_NICE, -EACCES: less nice than we are, without the privilege (`CAP_SYS_NICE`, `RLIMIT_NICE`).
 * - PROC_STEP_IO_PRIORITY, -EPERM: class 1 without the privilege (`CAP_SYS_NICE` or `CAP_SYS_ADMIN`); -ENOSYS: no block
 *   devices.
 *
 * What cannot be meant is refused before anything is made: -EINVAL with PROC_STEP_OPTIONS and a text.
 *
 * @see sched(7), setpriority(2), ioprio_set(2), cpuset(7)
 * @snippet scheduling.c scheduling
 * @since 0.1
 */
typedef struct proc_scheduling {
    size_t size;            /**< sizeof(proc_scheduling). */
    const int *nice;        /**< -20 (first) to 19 (last), among those without a real-time policy; no increment, as
                                 that of nice(1) is. */
    const int *io_priority; /**< PROC_IO_PRIORITY(). */
    const char *cpus;       /**< A list as the kernel writes it: "0-3,8"; numbers up to 65535. */
    const int *policy;      /**< SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO, SCHED_RR, SCHED_DEADLINE, ... */
    int32_t priority;       /**< SCHED_FIFO, SCHED_RR: 1 to 99 (first). */
    uint32_t reset_on_fork; /**< 1: its own children get the default policy, and no negative nice. Only with policy. */
    uint64_t runtime_ns;    /**< SCHED_DEADLINE: so long ... */
    uint64_t deadline_ns;   /**< SCHED_DEADLINE: ... within so long ... */
    uint64_t period_ns;     /**< SCHED_DEADLINE: ... every so often; 0 = deadline_ns. */
} proc_scheduling;

#ifdef PROC_LITERALS
/** io_class: 1 real time, 2 best effort, 3 idle, 0 as nice has it; level, of 1 and 2 alone: 0 (first) to 7. */
#define PROC_IO_PRIORITY(io_class, level) PROC_INT(((io_class) << 13) | (level))
#define PROC_SCHEDULING(...) PROC_SIZED_(proc_scheduling, __VA_ARGS__) /**< Members by name. */
#endif
/** @} */

#ifdef __cplusplus
}
#endif
#endif
