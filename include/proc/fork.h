/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/fork.h> - run a function in a child, by the same options.
 */
#ifndef PROC_FORK_H
#define PROC_FORK_H

#include <proc/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup fork Fork
 * @brief A function of ours in a process of its own, or just before a program.
 * @{
 */

/** A function that runs in the child just before its program: last resort.
 * @since 0.1 */
typedef struct proc_hook {
    size_t size;            /**< sizeof(proc_hook). */
    int (*run)(void *user); /**< In a forked copy; 0, or a negative errno that fails the start. */
    void *user;             /**< Handed on. */
} proc_hook;

#ifdef PROC_LITERALS
#define PROC_HOOK(function, argument) PROC_SIZED_(proc_hook, .run = (function), .user = (argument)) /**< A hook. */
#endif
/** @} */

#ifdef __cplusplus
}
#endif
#endif
