/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/loop.h> - one small loop for process programs: children, strangers, signals, timers, descriptors, orphans.
 */
#ifndef PROC_LOOP_H
#define PROC_LOOP_H

#include <proc/run.h>
#include <proc/signals.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup loop Loop
 * @brief Everything that can happen to a process program, told by callbacks; one descriptor, so it nests anywhere.
 *
 * A loop is one epoll(7) set. What is watched costs nothing while nothing happens, and the same per event whether ten
 * or ten thousand are watched: it is also the way to wait for any of thousands of children.
 *
 * - **Watches.** Each call below that takes `ret_watch` makes one. With NULL there the watch belongs to the loop: it
 *   lives until it has fired for the last time, or until the loop is freed. Else it is the caller's to free, by
 *   proc_watch_free(), at any time before the loop; freed with the loop, it must not be used any more.
 * - **Callbacks.** They run in the thread that runs the loop, and get `user` last. 0 = go on; a negative errno = stop:
 *   proc_loop_run() or proc_loop_dispatch() returns it. A callback may free any watch, its own too, close what was
 *   watched after that, add watches, run the loop it is called from (a nested round never calls for what the outer one
 *   has seen and the inner one has dealt with), and free the loop, which then ends with the round.
 * - **Rounds.** One round looks once at what is ready: signals and ends first, then descriptors, then timers, and at
 *   last orphans, deferred calls and what is always ready, in the order in which they came. Each is called for once, a
 *   set of signals for 64 records; what was added meanwhile has its turn in the next round, and so has what more than
 *   256 descriptors leave, ahead of those that were served. So nothing starves, however busy another one is. A round
 *   that stops early loses nothing: the next one finds the rest.
 * - **Fork.** In a forked copy of the program, which shares the epoll set with us, every call answers -ECHILD, also the
 *   round whose callback forked, as soon as it returns there; the frees give back what belongs to the copy, without
 *   touching ours.
 * @{
 */

/** A loop. */
typedef struct proc_loop proc_loop;
/** One thing that a loop watches. */
typedef struct proc_watch proc_watch;

/** A child has ended. A zombie still, unless it was reaped before: until the callback returns its pid means it. */
typedef int (*proc_on_exit)(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user);
/** Another process has ended. `pidfd` is its own, and closed after the callback. */
typedef int (*proc_on_process)(proc_watch *watch, int pidfd, const proc_exit *ended, void *user);
/** A signal has come. */
typedef int (*proc_on_signal)(proc_watch *watch, const proc_signal *signal, void *user);
/** A timer's time has come, `expirations` times since the last call: more than once if the loop was late. */
typedef int (*proc_on_timer)(proc_watch *watch, uint64_t expirations, void *user);
/** A descriptor is ready: EPOLLIN, EPOLLOUT, ...; EPOLLERR and EPOLLHUP also when not asked for. */
typedef int (*proc_on_fd)(proc_watch *watch, int fd, uint32_t events, void *user);
/** A deferred call. */
typedef int (*proc_on_call)(proc_watch *watch, void *user);
/** A child that nobody holds has ended. 0 = it is to be reaped; PROC_ORPHAN_LEAVE = somebody else will wait for it. */
typedef int (*proc_on_orphan)(proc_watch *watch, int pid, const proc_exit *ended, void *user);

/** The answer of proc_on_orphan: do not reap this one; ask again when the next child ends. */
#define PROC_ORPHAN_LEAVE 1

/** @name The loop
 * @{ */

/**
 * Makes a loop. It takes two descriptors and a page of memory.
 *
 * @param loop Receives it; ended by proc_loop_free().
 * @return 0; -EMFILE, -ENFILE: no free descriptor; -ENOMEM; -EINVAL.
 *
 * Safety: any thread; afterwards one thread at a time.
 * @see epoll(7)
 * @snippet loop.c loop
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_loop_new(proc_loop **loop);

/**
 * The descriptor of the loop, for another loop: readable (POLLIN) when proc_loop_dispatch() has something to do.
 * Borrowed: to be taken out of the other loop before proc_loop_free().
 *
 * @param loop A loop.
 * @return The descriptor, or -EINVAL for NULL.
 *
 * Safety: any thread.
 * @snippet loop.c loop_fd
 * @since 0.1
 */
PROC_API int proc_loop_fd(const proc_loop *loop);

/**
 * Runs rounds until proc_loop_quit(), or until nothing is left to be watched: every child and process has ended, every
 * one-shot timer and deferred call has had its turn, and no other watch is there.
 *
 * @param loop A loop.
 * @return The code of proc_loop_quit(); 0: nothing is left; what a callback has returned, if negative; -ECANCELED: the
 *         loop was freed by a callback; -ECHILD: in a forked copy; -ENOMEM; -EINVAL.
 *
 * Safety: one thread at a time for each loop.
 * @snippet loop.c loop
 * @since 0.1
 */
PROC_API int proc_loop_run(proc_loop *loop);

/**
 * Runs one round in which something happens, or waits for it in vain.
 *
 * @param loop A loop.
 * @param timeout_ms 0 = do not wait, -1 = for ever.
 * @return How many callbacks ran; 0: none in that time, or proc_loop_quit() was called; what a callback has returned,
 *         if negative; -ECANCELED: the loop was freed by a callback; -ECHILD: in a forked copy; -ENOMEM; -EINVAL.
 *
 * Safety: one thread at a time for each loop.
 * @snippet loop.c loop_dispatch
 * @since 0.1
 */
PROC_API int proc_loop_dispatch(proc_loop *loop, int timeout_ms);

/**
 * Makes proc_loop_run() return, once the running callback has. Called before, it makes the next one return at once. Of
 * nested runs it ends the innermost.
 *
 * @param loop A loop; NULL is ignored.
 * @param code What the run returns; 0 or more, for less is taken as 0.
 *
 * Safety: the thread of the loop. Another thread wakes a loop through a descriptor that it watches: an eventfd(2).
 * @snippet loop.c loop_quit
 * @since 0.1
 */
PROC_API void proc_loop_quit(proc_loop *loop, int code);

/**
 * Ends a loop and all its watches, not what they watch: children run on, descriptors stay open.
 *
 * @param loop A loop; NULL is welcome. In a callback of it, the memory goes when the outermost round returns.
 * @return Always NULL: `loop = proc_loop_free(loop);`
 *
 * Safety: the thread of the loop.
 * @snippet loop.c loop
 * @since 0.1
 */
PROC_API proc_loop *proc_loop_free(proc_loop *loop);
/** @} */

/** @name Children and other processes
 * @{ */

/**
 * Watches a child to its end, and moves the bytes of its BYTES, CAPTURE and CALLBACK entries until then. Calls once:
 * when it has ended, its outputs have been read to what they held at that moment, and either nobody holds them any
 * more or drain_ms of its options is over. The callback finds a zombie, which the loop reaps afterwards;
 * `proc_collect(child, 0, &result)` in there has the outputs.
 *
 * It does not matter when the child ends: also one that ended before it was watched, that was waited for already, or
 * whose status somebody else took (PROC_LOST, where the kernel does not keep it) is told. A debugger that traces the
 * child comes first.
 *
 * proc_child_free() ends the watch by itself: a watch of the caller's then is a dead one, still to be freed.
 * cancel_fd and the stop steps of the options are those of proc_collect(): here are proc_stop() and other watches.
 *
 * @param loop A loop.
 * @param child A handle. It may be used by other threads meanwhile, but freed in that of the loop only.
 * @param call Called at the end.
 * @param user For the callback.
 * @param ret_watch Receives the watch; NULL: it is the loop's.
 * @return 0; -EBUSY: a loop watches this child already; -EEXIST: this loop watches proc_child_fd() or proc_pump_fd() as
 *         descriptors; -EMFILE, -ENFILE: no free descriptor for its streams; -ENOMEM;
 *         -ENOSPC: the user's limit of watched descriptors (fs.epoll.max_user_watches); -ECHILD: in a forked copy;
 *         -EINVAL.
 *
 * Safety: the thread of the loop.
 * @see pidfd_open(2)
 * @snippet loop.c loop_child
 * @since 0.1
 */
PROC_API int proc_loop_child(proc_loop *loop, proc_child *child, proc_on_exit call, void *user,
                             proc_watch **ret_watch);

/**
 * Watches any other process to its end: a stranger, or a child without a handle. Reaps nobody.
 *
 * Calls once. A child of ours comes with its true status, and can be waited for in the callback. How a stranger has
 * ended shows only when its parent takes note: the call comes with that, where this kernel tells it
 * (PROC_FEATURE_EXIT_INFO), but at most 100 ms after the end, and then with PROC_EXITED_UNREAPED; PROC_LOST if it had
 * been reaped and nothing is told.
 *
 * @param loop A loop.
 * @param target PROC_PIDFD(fd), which is duplicated; PROC_PID(n), which may be a stranger by now unless it is a child;
 *        or one with a directory. No thread, and not this process.
 * @param call Called at the end.
 * @param user For the callback.
 * @param ret_watch Receives the watch; NULL: it is the loop's.
 * @return 0; -ESRCH: gone; -ENOSYS: no pidfds here; -EOPNOTSUPP: the /proc of the target counts in another pid
 *         namespace; -EBADF: not open, or no pidfd; -EMFILE, -ENFILE: no free descriptor; -ENOMEM; -ENOSPC, as for a
 *         child; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: the thread of the loop.
 * @see proc_exit_wait(), pidfd_open(2)
 * @snippet loop.c loop_process
 * @since 0.1
 */
PROC_API int proc_loop_process(proc_loop *loop, const proc_target *target, proc_on_process call, void *user,
                               proc_watch **ret_watch);

/**
 * Makes this process the parent of orphans below it (a subreaper), and reaps them: children that nobody in this program
 * holds by a pidfd. So a child of a handle is never taken, nor that of another library which holds it in this way. For
 * each of the others the callback is asked, while it is a zombie; a program with parts that use fork(2) and waitpid(2),
 * popen(3) or system(3) answers PROC_ORPHAN_LEAVE for theirs.
 *
 * Blocks SIGCHLD in this thread and reads it, as proc_loop_signals() does: start before any threads. With SIGCHLD
 * ignored the kernel reaps all, and nobody is told. Freeing the watch puts the former setting of the process back.
 *
 * @param loop A loop.
 * @param call Called for each.
 * @param user For the callback.
 * @param ret_watch Receives the watch; NULL: it is the loop's.
 * @return 0; -EBUSY: this loop has such a watch, or one of SIGCHLD; -EMFILE, -ENFILE: no free descriptor; -ENOMEM;
 *         -ENOSPC, as for a child; -ENODEV, -EACCES, -ESRCH: /proc does not tell our descriptors or children; -ECHILD:
 *         in a forked copy; -EINVAL. A run that lacks memory or descriptors to learn who is held returns that error,
 *         and reaps nobody: run it again.
 *
 * Safety: the thread of the loop; the setting is of the whole process.
 * @see PR_SET_CHILD_SUBREAPER(2const)
 * @snippet loop.c loop_orphans
 * @since 0.1
 */
PROC_API int proc_loop_orphans(proc_loop *loop, proc_on_orphan call, void *user, proc_watch **ret_watch);

/**
 * Makes this process the parent of the orphans below it, without a loop: whoever becomes an orphan from now on is a
 * child of ours, and to be waited for. A setting of the process: it stays over execve(2), and children do not inherit
 * it.
 *
 * @param on 1 or 0.
 * @return What it was before: 1 or 0; -EINVAL.
 *
 * Safety: any thread; concerns the whole process.
 * @see PR_SET_CHILD_SUBREAPER(2const)
 * @snippet loop.c subreaper
 * @since 0.1
 */
PROC_API int proc_subreaper(int on);
/** @} */

/** @name Signals, timers, descriptors, deferred calls
 * @{ */

/**
 * Watches a set of signals: blocked in this thread and read, see proc_signals_new().
 *
 * @param loop A loop.
 * @param set `PROC_SIGNAL(SIGTERM) | PROC_SIGNAL(SIGHUP)`.
 * @param call Called for each record.
 * @param user For the callback.
 * @param ret_watch Receives the watch; NULL: it is the loop's. Freeing it gives the mask back; what it had read and not
 *        told yet is lost, and a signal that is pending unread takes its course.
 * @return 0; -EBUSY: this loop watches one of them already; -EINVAL: a signal that is refused, or an empty set;
 *         -EMFILE, -ENFILE: no free descriptor; -ENOMEM; -ENOSPC, as for a child; -ECHILD: in a forked copy.
 *
 * Safety: the thread of the loop.
 * @see signalfd(2)
 * @snippet loop.c loop_signals
 * @since 0.1
 */
PROC_API int proc_loop_signals(proc_loop *loop, uint64_t set, proc_on_signal call, void *user,
                               proc_watch **ret_watch);

/**
 * Calls after a time, and then each period.
 *
 * @param loop A loop.
 * @param first_ms When first; 0 = in the next round; -1 = not until proc_watch_set_timer().
 * @param period_ms How often afterwards; 0 = once. The period does not drift: a late call shortens the next wait.
 * @param call Called then.
 * @param user For the callback.
 * @param ret_watch Receives the watch; NULL: it is the loop's.
 * @return 0; -ENOMEM; -ECHILD: in a forked copy; -EINVAL: a period without a first time, or another negative time.
 *
 * Safety: the thread of the loop.
 * @see timerfd_create(2)
 * @snippet loop.c loop_timer
 * @since 0.1
 */
PROC_API int proc_loop_timer(proc_loop *loop, int first_ms, int period_ms, proc_on_timer call, void *user,
                             proc_watch **ret_watch);

/**
 * Calls once at a moment.
 *
 * @param loop A loop.
 * @param at_ms The moment, as proc_now_ms() counts. In the past: in the next round. Beyond the clock's 292 years:
 *        never.
 * @param call Called then.
 * @param user For the callback.
 * @param ret_watch Receives the watch; NULL: it is the loop's.
 * @return 0; -ENOMEM; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: the thread of the loop.
 * @snippet loop.c loop_timer_at
 * @since 0.1
 */
PROC_API int proc_loop_timer_at(proc_loop *loop, int64_t at_ms, proc_on_timer call, void *user,
                                proc_watch **ret_watch);

/**
 * Calls whenever a descriptor is ready, as long as it is (level-triggered). What epoll(7) does not take because it is
 * always ready, such as a regular file, is called for in each round.
 *
 * @param loop A loop.
 * @param fd The descriptor; stays the caller's. The watch is to be freed *before* the descriptor is closed: if a copy
 *        of it lives on, in a forked process say, the kernel would go on telling of it, and nobody could stop it.
 * @param events EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP; 0: only EPOLLERR and EPOLLHUP, which always count. Only
 *        level-triggered: EPOLLET, EPOLLONESHOT and the like are refused.
 * @param call Called then.
 * @param user For the callback.
 * @param ret_watch Receives the watch; NULL: it is the loop's.
 * @return 0; -EEXIST: this loop watches that descriptor already (a dup(2) of it can be); -EBADF: not open; -ENOMEM;
 *         -ENOSPC, as for a child; -ELOOP: loops in a circle, or nested too deeply; -ECHILD: in a forked copy; -EINVAL,
 *         also for the descriptor of this loop.
 *
 * Safety: the thread of the loop.
 * @see epoll_ctl(2)
 * @snippet loop.c loop_descriptor
 * @since 0.1
 */
PROC_API int proc_loop_descriptor(proc_loop *loop, int fd, uint32_t events, proc_on_fd call, void *user,
                                  proc_watch **ret_watch);

/**
 * Calls once, at the end of this round, or in the next one if deferred by a deferred call.
 *
 * @param loop A loop.
 * @param call Called then.
 * @param user For the callback.
 * @param ret_watch Receives the watch; NULL: it is the loop's.
 * @return 0; -ENOMEM; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: the thread of the loop.
 * @snippet loop.c loop_defer
 * @since 0.1
 */
PROC_API int proc_loop_defer(proc_loop *loop, proc_on_call call, void *user, proc_watch **ret_watch);
/** @} */

/** @name Watches
 * @{ */

/**
 * Sets a timer again, from now on, also one that has fired.
 *
 * @param watch Of proc_loop_timer() or proc_loop_timer_at().
 * @param first_ms As for proc_loop_timer(); -1 = not until it is set again.
 * @param period_ms As for proc_loop_timer().
 * @return 0; -ECHILD: in a forked copy; -EINVAL, also for another kind of watch.
 *
 * Safety: the thread of the loop.
 * @snippet loop.c watch_set_timer
 * @since 0.1
 */
PROC_API int proc_watch_set_timer(proc_watch *watch, int first_ms, int period_ms);

/**
 * Changes what a descriptor is watched for.
 *
 * @param watch Of proc_loop_descriptor().
 * @param events As there.
 * @return 0; -EBADF, -ENOENT: the descriptor was closed; -ECHILD: in a forked copy; -EINVAL, also for another kind of
 *         watch.
 *
 * Safety: the thread of the loop.
 * @snippet loop.c watch_set_events
 * @since 0.1
 */
PROC_API int proc_watch_set_events(proc_watch *watch, uint32_t events);

/**
 * The loop of a watch, for callbacks that add more.
 *
 * @param watch A watch.
 * @return The loop, borrowed; NULL for NULL.
 *
 * Safety: any thread.
 * @snippet loop.c watch_loop
 * @since 0.1
 */
PROC_API proc_loop *proc_watch_loop(const proc_watch *watch);

/**
 * Ends a watch, in a callback or not: it never calls again. What it watched is not touched, but that a set of signals
 * is closed and the setting of proc_loop_orphans() is put back.
 *
 * @param watch A watch; NULL is welcome. Not one that belongs to the loop, but in its own callback.
 * @return Always NULL: `watch = proc_watch_free(watch);`
 *
 * Safety: the thread of the loop.
 * @snippet loop.c watch_free
 * @since 0.1
 */
PROC_API proc_watch *proc_watch_free(proc_watch *watch);
/** @} */

/** @} */

#ifdef __cplusplus
}
#endif
#endif
