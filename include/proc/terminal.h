/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/terminal.h> - pseudoterminals, controlling terminals and the foreground.
 */
#ifndef PROC_TERMINAL_H
#define PROC_TERMINAL_H

#include <proc/child.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup terminal Terminals
 * @brief Data for the options of a child, and the size of its terminal.
 * @{
 */

/** Its terminal.
 * @since 0.1 */
typedef struct proc_terminal {
    size_t size;               /**< sizeof(proc_terminal). */
    int32_t rows;              /**< Of a PTY; as our terminal, else 24. */
    int32_t columns;           /**< Of a PTY; as our terminal, else 80. */
    const int *controlling_fd; /**< Becomes its controlling terminal; with PROC_NEW_SESSION. */
    uint32_t foreground;       /**< 1: its group becomes the foreground group of the terminal. */
    uint32_t reserved;         /**< 0. */
} proc_terminal;

#ifdef PROC_LITERALS
#define PROC_TERMINAL(...) PROC_SIZED_(proc_terminal, __VA_ARGS__) /**< Members by name. */
#endif
/** @} */

#ifdef __cplusplus
}
#endif
#endif
