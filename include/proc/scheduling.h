/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/scheduling.h> - when and where a child runs: nice, policy, CPUs, I/O priority.
 */
#ifndef PROC_SCHEDULING_H
#define PROC_SCHEDULING_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup scheduling Scheduling
 * @brief Data for the options of a child.
 * @{
 */

/** When and where it runs. NULL: as we do.
 * @since 0.1 */
typedef struct proc_scheduling {
    size_t size;            /**< sizeof(proc_scheduling). */
    const int *nice;        /**< -20 (first) to 19. */
    const int *io_priority; /**< PROC_IO_PRIORITY(). */
    const char *cpus;       /**< A CPU list: "0-3,8". */
    const int *policy;      /**< SCHED_... of sched(7). */
    int32_t priority;       /**< SCHED_FIFO, SCHED_RR: 1 to 99. */
    uint32_t reset_on_fork; /**< 1: its own children get the default policy. */
    uint64_t runtime_ns;    /**< SCHED_DEADLINE. */
    uint64_t deadline_ns;   /**< SCHED_DEADLINE. */
    uint64_t period_ns;     /**< SCHED_DEADLINE; 0 = deadline_ns. */
} proc_scheduling;

#ifdef PROC_LITERALS
/** io_class: 1 real time, 2 best effort, 3 idle; level: 0 (first) to 7. */
#define PROC_IO_PRIORITY(io_class, level) PROC_INT(((io_class) << 13) | (level))
#define PROC_SCHEDULING(...) PROC_SIZED_(proc_scheduling, __VA_ARGS__) /**< Members by name. */
#endif
/** @} */

#ifdef __cplusplus
}
#endif
#endif
