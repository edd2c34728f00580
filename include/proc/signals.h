/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/signals.h> - signals as a descriptor, with their senders and values; a value queued to a process.
 */
#ifndef PROC_SIGNALS_H
#define PROC_SIGNALS_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup signals Signals
 * @brief Signals that are read, not handled: a descriptor to poll, records with sender and value.
 *
 * A set of signals is blocked in the calling thread and read from a signalfd(2): no handler, so no code that must be
 * safe at any instruction. What is worth knowing:
 *
 * - **Threads.** A signal to the process goes to any thread that has it unblocked, and its handler or default action
 *   runs there: nothing is read then. So open the set before threads are started, which inherit the mask;
 *   proc_signals_check() finds one that does not block it. A signal to another thread alone is not seen.
 * - **Coalescing.** Of a standard signal one at most is pending: one record may stand for many, and tells of the first.
 *   Who reads a SIGCHLD looks at all children. Real-time signals are all kept, in order, up to RLIMIT_SIGPENDING.
 * - **Order.** Standard signals come before real-time ones, and those by number.
 * - **Dispositions** stay as they are, and do not matter while a signal is blocked, but for one: with SIGCHLD ignored
 *   the kernel sends none, and reaps the children itself.
 * - **Children** that libproc starts have an empty mask unless told otherwise. Those of fork(2) inherit it.
 * @{
 */

/** A set of signals that is open for reading. */
typedef struct proc_signals proc_signals;

/**
 * One record: a signal, or several equal ones that have coalesced.
 * @since 0.1
 */
typedef struct proc_signal {
    int32_t signal;       /**< Its number. */
    int32_t code;         /**< How it came: SI_USER, SI_QUEUE, SI_KERNEL, SI_TIMER, CLD_EXITED, ...: sigaction(2). */
    int32_t pid;          /**< Who sent it, or the child of a SIGCHLD; 0: the kernel, or outside our pid namespace. */
    uint32_t uid;         /**< Real user of the sender, or of the child. */
    int32_t value;        /**< Queued with it (SI_QUEUE, SI_TIMER, SI_MESGQ), else 0. */
    int32_t status;       /**< SIGCHLD: exit code or signal. */
    uint64_t pointer;     /**< The value as a pointer, whose low or high half is `value`; else 0. */
    uint64_t reserved[4]; /**< 0. */
} proc_signal;

/**
 * Blocks signals in the calling thread and opens them for reading. Sets may overlap: each signal is read once, by
 * whichever set asks first, and is blocked until the last one is freed.
 *
 * Refused are signals that can never be read so: KILL and STOP, those that libc keeps for itself (below SIGRTMIN), and
 * those by which the processor or the kernel tells of a fault (SEGV, BUS, FPE, ILL, TRAP, SYS), which end the process
 * though they are blocked.
 *
 * @param signals Receives the set; ended by proc_signals_free(), in this thread.
 * @param set `PROC_SIGNAL(SIGTERM) | PROC_SIGNAL(SIGHUP)`.
 * @param error Receives the details of a failure; may be NULL.
 * @return 0; -EINVAL: a signal that is refused, named by the text, or an empty set; -EMFILE, -ENFILE: no free
 *         descriptor; -ENOMEM.
 *
 * Safety: any thread; the mask that changes is that of the calling one.
 * @see signalfd(2), signal(7)
 * @snippet signals.c signals
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_signals_new(proc_signals **signals, uint64_t set, proc_error *error);

/**
 * The descriptor, for poll(2) and epoll(7): readable (POLLIN) when proc_signals_read() has a record. Borrowed: closed
 * by proc_signals_free(), and to be taken out of an epoll set before that.
 *
 * @param signals A set.
 * @return The descriptor, or -EINVAL for NULL.
 *
 * Safety: any thread, also a signal handler.
 * @snippet signals.c signals_fd
 * @since 0.1
 */
PROC_API int proc_signals_fd(const proc_signals *signals);

/**
 * Reads what is there, many records in one call to the kernel; waits for the first.
 *
 * @param signals A set.
 * @param ret_records Receives the records.
 * @param capacity How many fit; at least 1.
 * @param timeout_ms How long to wait: 0 = not at all, -1 = for ever.
 * @return How many, at least 1; -ETIMEDOUT; -ECHILD: in a forked copy, which shares the descriptor with us; -EINVAL;
 *         -ENOMEM: the kernel had no memory to wait.
 *
 * Safety: any thread, also several at once: each record comes once.
 * @see signalfd(2)
 * @snippet signals.c signals_read
 * @since 0.1
 */
PROC_API int proc_signals_read(proc_signals *signals, proc_signal ret_records[], size_t capacity, int timeout_ms);

/**
 * Whether every thread of this process blocks a set of signals, without which some of them are never read. Looks at
 * each thread in /proc: for a program's start, and for finding out why a signal does not come.
 *
 * @param set The signals.
 * @param ret_signal Receives the first of them that the thread does not block; may be NULL, and is left alone if there
 *        is no such thread.
 * @return 0: every thread blocks them all; more: the id of a thread that does not; -EINVAL: an empty set; -ENODATA:
 *         this /proc does not tell; -ENODEV: no proc file system; -EACCES; -EMFILE, -ENFILE; -ENOMEM.
 *
 * Safety: any thread. Threads that start or change their mask meanwhile may be missed.
 * @see proc(5)
 * @snippet signals.c signals_check
 * @since 0.1
 */
PROC_API int proc_signals_check(uint64_t set, int *ret_signal);

/**
 * Ends a set: closes the descriptor, and unblocks those signals that the calling thread had not blocked before, unless
 * another set of this thread holds them too. One that is pending unread then takes its course, as if it came now: read
 * before, if that must not be.
 *
 * A mask belongs to its thread. In another thread than the one that opened the set only the descriptor is closed. A
 * forked copy gives back what belongs to it, its own mask too; the set of the original is not touched.
 *
 * @param signals A set; NULL is welcome.
 * @return Always NULL: `signals = proc_signals_free(signals);`
 *
 * Safety: the thread that opened it; no other call may be using it.
 * @snippet signals.c signals_free
 * @since 0.1
 */
PROC_API proc_signals *proc_signals_free(proc_signals *signals);

/**
 * Sends a signal with a value, which the receiver finds in its siginfo_t or in proc_signal. Through a pidfd, so that
 * PROC_PIDFD(fd) cannot hit a stranger; a plain pid can, if its process is not a child of ours.
 *
 * A real-time signal is queued each time. A standard one that is pending already is not sent again, and one that finds
 * the queue full comes without its value.
 *
 * @param target PROC_PIDFD(fd), PROC_PID(n), PROC_SELF, or one with a directory. No thread.
 * @param signal 1..64; 0 asks only whether it could be sent.
 * @param value The value.
 * @return 0; -EAGAIN: the receiver's user has RLIMIT_SIGPENDING signals queued already: try again later; -ESRCH: it has
 *         gone; -EPERM: it has other credentials; -ENOSYS: no pidfds here; -EOPNOTSUPP: the /proc of the target counts
 *         in another pid namespace; -EBADF: not open, or no pidfd; -EMFILE, -ENFILE: no free descriptor; -EINVAL: no
 *         such signal, a thread, or a target that contradicts itself.
 *
 * Safety: any thread.
 * @see pidfd_send_signal(2), sigqueue(3)
 * @snippet signals.c signal_queue
 * @since 0.1
 */
PROC_API int proc_signal_queue(const proc_target *target, int signal, int value);

/** @} */

#ifdef __cplusplus
}
#endif
#endif
