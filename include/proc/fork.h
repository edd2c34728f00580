/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/fork.h> - a function of ours in a process of its own, by the same options as a program; or just before one.
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
 *
 * Both run in a copy of this program made by fork(2): libc has put its locks and lists right there, and the handlers of
 * pthread_atfork(3) have run, so that such a function may allocate, print and lock. Of our threads only the calling one
 * exists in the copy: a lock of the program's own that another thread held at that moment stays locked there for ever.
 * The handles of the library are only memory in the copy: their verbs answer -ECHILD. A hook with PROC_DIE_WITH_PARENT
 * runs in a copy of the thread behind the child: what is kept by thread is new there.
 *
 * Such a start copies the tables of our memory, so it takes the longer the more memory we have. And unlike every other,
 * one that fails is seen by who waits for just any child, and raises SIGCHLD.
 * @{
 */

/**
 * A function that runs in the child on its way to its program, for what no option can say: last resort.
 *
 * It runs after all steps up to the ids, with the child's descriptors, directory and ids, and before closing the rest,
 * landlock, signals and seccomp. All signals are blocked, handlers are still ours, and what it opens is closed. It must
 * come back: a hook that ends its process, or does not return in its time, fails the start
 * (PROC_STEP_HOOK with -ECHILD and words like "exited with 3" or "killed by SIGSEGV", or -ETIMEDOUT). It must leave
 * alone the descriptors that it has not opened, and not become a program itself.
 *
 * In a daemon's program it is the daemon's: one that refuses is PROC_DAEMON_FAILED with that step, one that ends its
 * process PROC_DAEMON_ENDED, and one that does not return PROC_DAEMON_SILENT when the launcher's time is over;
 * timeout_ms is refused there.
 *
 * For proc_spawn(), proc_run() and a daemon's program; proc_fork() and proc_exec() refuse it: there is no need of one.
 * @snippet fork.c hook
 * @since 0.1
 */
typedef struct proc_hook {
    size_t size;            /**< sizeof(proc_hook). */
    int (*run)(void *user); /**< In the copy; 0, or a negative errno that fails the start. What is neither fails it
                                 with -EINVAL. */
    void *user;             /**< Handed on. */
    int32_t timeout_ms;     /**< How long it may take, at most the timeout_ms of the run; 0 = 10 s, -1 = for ever. */
    uint32_t reserved;      /**< 0. */
} proc_hook;

#ifdef PROC_LITERALS
/** A hook: `.hook = PROC_HOOK(function, argument)`, and more members by name. */
#define PROC_HOOK(function, ...) PROC_SIZED_(proc_hook, .run = (function), .user = __VA_ARGS__)
#endif

/**
 * Runs a function in a child of its own, and returns once it is about to begin.
 *
 * The options mean what they mean for a program: stdio and other descriptors (all others are closed), environment,
 * directory, ids, signals (mask empty, handlers reset), and so on; what execve(2) would close is closed. Refused with a
 * text is what is about finding a program: `program`, `search`, `start->candidates`, `start->program_fd`,
 * PROC_SEARCH_RELATIVE, PROC_SCRIPT_FALLBACK; and `hook`, PROC_DIE_WITH_PARENT, and namespaces that need a birth of
 * their own (new user, pid and time, joined pid).
 * The handle is that of any child: proc_wait(), proc_read(), proc_collect(), ...
 *
 * The child ends when the function returns: as by _exit(2), so without the functions of atexit(3), which belong to this
 * program, and without destructors. What the function has printed to stdout is written before; what this program had
 * not written yet by then is not printed a second time. Other streams are its own to flush.
 *
 * @param child Receives the handle; end it with proc_child_free(). Untouched on failure.
 * @param run What the child does. Its value is the exit code, of which the lowest eight bits count.
 * @param user Handed on.
 * @param options How; NULL = all defaults.
 * @return 0 in this process, and it does not return in the child; or a negative errno with step and text in
 *         options->error. -EAGAIN, -ENOMEM: no room for a copy, try again later; -ESRCH: the child was killed, and its
 *         status taken by somebody, before it could be held; otherwise as proc_spawn().
 *
 * Safety: any thread; all signals are blocked in it meanwhile. In a copy of a program with other threads the function
 * must not wait for what only they would do.
 * @see fork(2), pthread_atfork(3), _exit(2)
 * @snippet fork.c fork
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_fork(proc_child **child, int (*run)(void *user), void *user, const proc_options *options);
/** @} */

#ifdef __cplusplus
}
#endif
#endif
