/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/daemon.h> - become a daemon, or start one, with a launcher that returns the truth.
 */
#ifndef PROC_DAEMON_H
#define PROC_DAEMON_H

#include <proc/lock.h>
#include <proc/spawn.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup daemon Daemons
 * @brief All the steps of daemon(7), and what has become of it in the launcher: ready, failed and why, ended and how,
 * silent, already running.
 *
 * Three processes take part. The *launcher* is the one that the user has started; it waits for the outcome, and leaves.
 * The *watcher* is its child and leads a new session; it sees how the daemon starts, and is gone when the launcher
 * returns. The *daemon* is the watcher's child, in that session but not its leader, so it can get no terminal by
 * mistake; when the watcher has ended, it belongs to init or to the nearest subreaper.
 *
 * Each sees only what it has to: no signal handler is installed, none of the launcher's runs in the others, and the
 * true status of a daemon that ends before it is ready is its parent's wait, on every kernel.
 * @{
 */

/** @name How, and what has come of it
 * @{ */
#define PROC_DAEMON_STAY 0x01u     /**< Do not fork, as under a supervisor. */
#define PROC_DAEMON_NOTIFY 0x02u   /**< proc_daemon_spawn(): the program says itself when it is ready: READY=1, to the
                                        socket in NOTIFY_SOCKET, an abstract one: not with another network, or a
                                        landlock scope that keeps it from that. Without, it is ready once it runs. */
#define PROC_DAEMON_KEEP_ERR 0x04u /**< Standard error stays what it is until ready or failed is told. */

/** What has become of it. */
enum {
    PROC_DAEMON_READY = 1,  /**< It is ready. */
    PROC_DAEMON_FAILED = 2, /**< It said so, or a step failed: see error. */
    PROC_DAEMON_ENDED = 3,  /**< It ended before it was ready: see exit. */
    PROC_DAEMON_SILENT = 4, /**< It was not ready in time, and still runs: see pid. */
    PROC_DAEMON_REFUSED = 5 /**< Another one holds the lock: see pid. */
};

/**
 * What the launcher knows in the end.
 * @since 0.1
 */
typedef struct proc_daemon_report {
    int32_t outcome;      /**< PROC_DAEMON_... */
    int32_t code;         /**< What the launcher shall exit with: 0 for READY alone; what proc_daemon_fail() was given;
                               of one that ended, as a shell says it, but 1 for 0; 124 for SILENT; 127 and 126 for a
                               program that was not found or not executable; 1 for all else. */
    int32_t pid;          /**< Of the daemon, which may have ended; REFUSED: of the one that holds the lock; 0: unknown,
                               or there was none. */
    int32_t reserved0;    /**< 0. */
    proc_exit exit;       /**< ENDED: how. */
    proc_error error;     /**< Why; its text is fit for the user. Empty for READY. */
    uint64_t reserved[4]; /**< 0. */
} proc_daemon_report;

/**
 * How to become a daemon. Zero is the default in every member; the remarks name it after a semicolon.
 * @since 0.1
 */
typedef struct proc_daemon_options {
    size_t size;          /**< sizeof(proc_daemon_options); PROC_DAEMON_OPTIONS() sets it. */
    uint32_t flags;       /**< PROC_DAEMON_... */
    int32_t timeout_ms;   /**< How long the launcher waits for the outcome; 0 = 30 s, -1 = for ever. */
    const char *lock;     /**< A PID file, as for proc_lock_acquire(), taken before anything is forked; none. The daemon
                               writes its pid into it. */
    const proc_lock_options *lock_options; /**< How; not FCNTL, error, ret_holder. With ids consider
                                                PROC_LOCK_KEEP_FILE. */
    const char *cwd;       /**< Working directory; "/". */
    const uint32_t *umask; /**< File mode creation mask; 022. */
    proc_stdio in;         /**< Descriptor 0: NULL, INHERIT, FD, PATH, SAME_AS; /dev/null, which is seen to be the
                                device. */
    proc_stdio out;        /**< Descriptor 1, as above; a log is `PROC_APPEND("/var/log/hello.log")`. Files are opened
                                with the launcher's directory, ids and umask, after the lock is taken. */
    proc_stdio err;        /**< Descriptor 2, as above. */
    const int *keep;       /**< Other descriptors that stay open, ended by -1; none. The lock stays by itself. */
    const proc_ids *ids;   /**< Who it is to be, once all else is done; ours. */
    const int *notify_fd;  /**< proc_daemonize(): the notification descriptor of a supervisor that wants a line feed;
                                with it nothing is forked. It is closed when ready is told. */
} proc_daemon_options;
#ifdef PROC_LITERALS
/** Options in place: `PROC_DAEMON_OPTIONS(.lock = "/run/hello.pid")`. */
#define PROC_DAEMON_OPTIONS(...) (&(const proc_daemon_options){.size = sizeof(proc_daemon_options), __VA_ARGS__})
#define PROC_KEEP(...) ((const int[]){__VA_ARGS__, -1}) /**< A list of descriptors. */
#endif
/** @} */

/** @name Becoming one
 * @{ */

/** The daemon's line back to its launcher, and its lock. */
typedef struct proc_daemon proc_daemon;

/**
 * Makes this process the launcher of a daemon that goes on from here: it returns twice.
 *
 * In the daemon it returns 0, when all of this is done: a session of its own, not as its leader, and no terminal; all
 * signals at their defaults and none blocked; working directory, umask, descriptors 0 to 2; all other descriptors
 * closed but those to be kept; its pid in the lock; the ids. The environment stays. It then does what may still fail,
 * and tells proc_daemon_ready() or proc_daemon_fail().
 *
 * In the launcher it returns when that was told, or when it is sure that it will not be: print error.text unless code
 * is 0, and leave main() with code. A daemon that ends, without either, is reported as it ended. One that executes
 * another program keeps its launcher waiting: use proc_daemon_spawn() for that. A launcher that is killed meanwhile
 * does not end the daemon.
 *
 * Under a supervisor nothing is forked: with PROC_DAEMON_STAY or .notify_fd, or if proc_supervised(). Then it returns
 * 0, and only what was asked for has been done: the lock, cwd, umask, ids; session, stdio, descriptors and signals are
 * as the supervisor has made them, and ready and failed are told to it.
 *
 * Call it first in main(), before there are threads, and with nothing unwritten in a stdio stream: what is, is written
 * by both. What pthread_atfork(3) was given runs in each of the two forks. While the launcher waits, SIGCHLD is
 * blocked in it; its other signals do as they do always.
 *
 * @param daemon Receives the handle, in the daemon; end it with proc_daemon_free().
 * @param options How; NULL = all defaults.
 * @param ret_report In the launcher, receives the outcome; always, if the call does not return 0.
 * @return 0: we are the daemon. 1: we are the launcher, and it is ready. Or a negative errno: that of the step that
 *         failed; -ECANCELED: the daemon told that it failed; -ECHILD: it ended, or its watcher was killed (exit
 *         PROC_LOST) and it may go on; -ETIMEDOUT: it is silent, and goes on; -EAGAIN, or -ETIMEDOUT after
 *         .lock_options->timeout_ms: another one holds the lock; -EBUSY: other threads run here; -ENODEV: /dev/null is
 *         not the null device; -EBADF: a descriptor to keep or to be 0, 1 or 2 is not open; -EINVAL, -ENOTSUP, -E2BIG:
 *         the options.
 *
 * Safety: the only thread of the process.
 * @see daemon(7), fork(2), setsid(2)
 * @snippet daemon.c daemonize
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_daemonize(proc_daemon **daemon, const proc_daemon_options *options,
                                       proc_daemon_report *ret_report);

/**
 * Tells that the start has succeeded: the launcher, or the supervisor if there is one. With PROC_DAEMON_KEEP_ERR
 * standard error becomes what it shall be, before that.
 *
 * @param daemon The handle.
 * @return 1 = told; 0 = nobody waits any more, or it was told before; -ECHILD: in a forked copy; -EINVAL; under a
 *         supervisor also as proc_notify_ready(): then it was not told, and can be said again.
 *
 * Safety: any thread, one at a time for the same handle.
 * @snippet daemon.c daemonize
 * @since 0.1
 */
PROC_API int proc_daemon_ready(proc_daemon *daemon);

/**
 * Tells that the start has failed, and why. `return proc_daemon_fail(daemon, 78, "no port is free");` With
 * PROC_DAEMON_KEEP_ERR standard error becomes what it shall be, before that.
 *
 * @param daemon The handle; NULL is welcome.
 * @param code What the launcher shall exit with, 1 to 255; 1 for all else.
 * @param text Why, for the launcher's user, or the supervisor's status: one line of at most 239 bytes; of a longer one
 *        the beginning is told, and control bytes are shown as `\xNN`.
 * @return code, or 1.
 *
 * Safety: any thread, one at a time for the same handle.
 * @snippet daemon.c fail
 * @since 0.1
 */
PROC_API int proc_daemon_fail(proc_daemon *daemon, int code, const char *text);

/**
 * The lock that was asked for.
 *
 * @param daemon The handle.
 * @return The lock, borrowed; NULL: none.
 *
 * Safety: any thread.
 * @snippet daemon.c lock
 * @since 0.1
 */
PROC_API proc_lock *proc_daemon_lock(proc_daemon *daemon);

/**
 * Gives back the lock, and the line to the launcher: if nothing was told, it learns how this process ends. In a forked
 * copy both stay with the daemon.
 *
 * @param daemon NULL is welcome.
 * @return NULL.
 *
 * Safety: any thread.
 * @snippet daemon.c daemonize
 * @since 0.1
 */
PROC_API proc_daemon *proc_daemon_free(proc_daemon *daemon);

/**
 * Whether a supervisor runs this very process: NOTIFY_SOCKET is set, LISTEN_PID is ours, or we are process 1.
 *
 * @return 1 or 0.
 *
 * Safety: any thread, while no other one changes the environment.
 * @see daemon(7)
 * @snippet daemon.c supervised
 * @since 0.1
 */
PROC_API int proc_supervised(void);
/** @} */

/** @name Starting one
 * @{ */

/**
 * Starts another program as a daemon, with the same steps, and waits until it is ready. Whether we run under a
 * supervisor does not matter: the program is not told of ours. One that ends as soon as it runs may be told to be
 * ready or to have ended, whichever is seen first; with PROC_DAEMON_NOTIFY it is sure.
 *
 * The lock is handed on: the program holds it as long as it has that descriptor, and may take it up by
 * proc_lock_take_over(). With PROC_DAEMON_NOTIFY the socket is there until the program is ready; what it tells later
 * finds nobody. What it has told last by STATUS is in the text of one that has ended, or was not ready in time: so does
 * a program say why it cannot start, or what keeps it.
 *
 * @param argv The arguments, argv[0] first, ended by NULL.
 * @param options What to run: flags SEARCH_RELATIVE, SCRIPT_FALLBACK and INHERIT_SIGNALS, program, search, env,
 *        env_edit, start->candidates and program_fd, signals, scheduling, limits, namespaces that need no birth of
 *        their own, sandbox, and a hook, which has no time of its own; nothing else. NULL = all defaults. Without
 *        .signals, those that we ignore are reset, too.
 * @param daemon_options How; not STAY, KEEP_ERR, notify_fd. NULL = all defaults.
 * @param ret_report Receives the outcome.
 * @return 0: it is ready; or a negative errno as proc_daemonize() in the launcher, of which -ENOENT, -EACCES, -ENOEXEC
 *         with code 127 or 126: the program.
 *
 * Safety: the only thread of the process.
 * @see daemon(7), execve(2)
 * @snippet daemon.c spawn
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_daemon_spawn(const char *const argv[], const proc_options *options,
                                          const proc_daemon_options *daemon_options, proc_daemon_report *ret_report);
/** @} */

/** @} */

#ifdef __cplusplus
}
#endif
#endif
