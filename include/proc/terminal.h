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
 * @brief Programs on a terminal of their own, and job control on ours.
 *
 * A PTY entry of the options makes a pseudoterminal: the child sees a terminal, and what it shows and is typed goes
 * through our end of it. All PTY entries of a child share one, which is also its controlling terminal: the child leads
 * a new session (PROC_NEW_SESSION is implied), is in the foreground of its terminal, and gets the signals of Ctrl-C,
 * Ctrl-Z and of a new size.
 *
 * - In proc_spawn() our end is one stream, both ways, by any of its numbers: proc_read(), proc_write(), proc_close(),
 *   proc_child_stream(). When the last descriptor of the terminal is closed on the child's side, proc_read() answers 0;
 *   nothing that was written before is lost. When our end is closed, by proc_close() or proc_child_free(), the terminal
 *   hangs up: SIGHUP.
 * - A CAPTURE or CALLBACK entry with PROC_STDIO_ON_PTY takes what the terminal shows: PROC_CAPTURE_PTY, PROC_LINES_PTY.
 *   That works in proc_run(), and in proc_spawn() while we go on typing with proc_write(). Our end stays open until the
 *   handle is freed, so that a child which only lets go of its terminal is not hung up.
 * - Input is typed: it is echoed, lines are edited, a line holds at most 4095 bytes, and the end of file is a byte (4,
 *   Ctrl-D) at the beginning of a line. Closing our end is not an end of file. proc_terminal.raw turns all that off.
 * - A terminal puts "\r\n" where a program writes "\n"; raw turns that off, too.
 * - It belongs to the user of `.ids`, who can so open it again by its name. The errors of PROC_STEP_PTY: -ENOSPC: as
 *   many as the system allows; -ENOENT: no /dev/pts; -EPERM: we may not give it to that user.
 *
 * @snippet terminal.c pty
 * @snippet terminal.c capture_pty
 *
 * A shell's own jobs stay in its session, on its terminal: PROC_NEW_GROUP for each, proc_terminal.foreground for the
 * one in the foreground, proc_wait_stopped() for its end or Ctrl-Z, and proc_terminal_give() to take the terminal back
 * and to hand it out again.
 * @{
 */

/**
 * The terminal of a child. Without a PTY entry and controlling_fd it is ours, if we have one; none in a new session.
 *
 * The errors of PROC_STEP_TERMINAL: -ENOTTY: controlling_fd is no terminal; -EPERM: it controls a session already;
 * -EBADF: it is not open; -ENXIO: foreground, and we have no terminal.
 * @since 0.1
 */
typedef struct proc_terminal {
    size_t size;               /**< sizeof(proc_terminal). */
    int32_t rows;              /**< Of a PTY, to 65535; as the terminal at our descriptor 0, 1 or 2, else 24. */
    int32_t columns;           /**< Of a PTY, to 65535; as the terminal at our descriptor 0, 1 or 2, else 80. */
    const int *controlling_fd; /**< This terminal of ours, which controls no session, becomes its controlling one; it
                                    leads a new session. Not with a PTY, which is it anyway. */
    uint32_t foreground;       /**< 1: its group becomes the foreground group of our controlling terminal, /dev/tty;
                                    with PROC_NEW_GROUP or proc_start.group. On its own terminal it is that anyway. */
    uint32_t raw;              /**< 1: bytes pass a PTY as they are: no echo, lines, signals or translation; a program
                                    may change that. */
} proc_terminal;

#ifdef PROC_LITERALS
#define PROC_TERMINAL(...) PROC_SIZED_(proc_terminal, __VA_ARGS__) /**< Members by name. */
#endif

/**
 * Tells the child's pseudoterminal a new size. If it differs, the foreground group of that terminal gets SIGWINCH.
 *
 * @param child A handle.
 * @param rows 1 to 65535.
 * @param columns 1 to 65535.
 * @return 0; -EBADF: it has no PTY entry, or our end is closed or taken; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: any thread, also while another one reads or writes.
 * @see TIOCSWINSZ(2const)
 * @snippet terminal.c resize
 * @since 0.1
 */
PROC_API int proc_child_resize(proc_child *child, int rows, int columns);

/**
 * Makes a process group the foreground group of our controlling terminal, also from the background: tcsetpgrp(3)
 * without being stopped by SIGTTOU for it. So a shell hands its terminal out, and takes it back with its own group.
 *
 * @param tty_fd A descriptor of our controlling terminal.
 * @param group A process group of our session: the pid of a child that leads one, or getpgrp().
 * @return 0; -ENOTTY: no terminal, or not ours; -EPERM: a group of another session; -ESRCH: no such group, any more;
 *         -EBADF: not open; -EINVAL.
 *
 * Safety: any thread; SIGTTOU is blocked in the calling one meanwhile.
 * @see tcsetpgrp(3), TIOCSPGRP(2const), credentials(7)
 * @snippet terminal.c give
 * @since 0.1
 */
PROC_API int proc_terminal_give(int tty_fd, int group);
/** @} */

#ifdef __cplusplus
}
#endif
#endif
