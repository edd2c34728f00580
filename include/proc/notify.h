/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/notify.h> - tell a supervisor that we are ready, or be the one who is told. Read: telling, sockets handed over,
 * being told.
 */
#ifndef PROC_NOTIFY_H
#define PROC_NOTIFY_H

#include <proc/child.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup notify Notifications
 * @brief Readiness and more between a service and its supervisor: systemd's protocol without its library, and s6's.
 *
 * A service that runs under no supervisor says all the same, and hears that nobody listens. So the calls can stand in a
 * program for good.
 *
 * The environment is read as by getenv(3): no other thread may change it meanwhile. Nothing else of the process is
 * touched: no signal is raised, nothing stays open.
 * @{
 */

/** @name 1. Telling
 *
 * A message goes to the socket that the variable NOTIFY_SOCKET names: `/path` or `@abstract`. Each of these calls
 * returns 1 = told; 0 = nobody listens, the variable is not set or empty; or a negative errno:
 *
 * | error | why | what to do |
 * | --- | --- | --- |
 * | -EAFNOSUPPORT | the variable names a vsock, which is another machine's | nothing: it is not for us |
 * | -ENAMETOOLONG, -EINVAL | the variable is no address | have it set right |
 * | -ENOTDIR, -ELOOP, -EPROTOTYPE | it is the address of something else | have it set right |
 * | -ENOENT, -ECONNREFUSED | the supervisor has gone | go on without |
 * | -EACCES, -EPERM | we may not speak to it | |
 * | -EMSGSIZE | more than 4096 bytes, which no supervisor reads | say less |
 * | -ETIMEDOUT | it has not read the messages before this one for five seconds | go on, say it again later |
 * | -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS, -ETOOMANYREFS | a limit | try again |
 * | -EINVAL | an argument; a line feed or a NUL in a value | |
 * @{ */

/**
 * Sends assignments as they are, for what has no call of its own.
 *
 * @param assignments One or more lines NAME=VALUE, names of letters, digits and `_`: "READY=1\nSTATUS=up\nX_PORT=80". A
 *        line feed behind the last one may be there.
 * @return 1; 0; or an error as listed above.
 *
 * Safety: any thread.
 * @see sd_notify(3)
 * @snippet notify.c notify
 * @since 0.1
 */
PROC_API int proc_notify(const char *assignments);

/**
 * Tells that the start is over, or a reload. READY=1
 *
 * @return 1; 0; or an error as listed above.
 *
 * Safety: any thread.
 * @see sd_notify(3)
 * @snippet notify.c notify
 * @since 0.1
 */
PROC_API int proc_notify_ready(void);

/**
 * Tells in words, for people, what the service is doing. STATUS=text
 *
 * @param text One line; "" takes back what was said before.
 * @return 1; 0; or an error as listed above; -EINVAL: a line feed, which would begin another assignment.
 *
 * Safety: any thread.
 * @see sd_notify(3)
 * @snippet notify.c notify
 * @since 0.1
 */
PROC_API int proc_notify_status(const char *text);

/**
 * Tells that a reload begins, and when: RELOADING=1, MONOTONIC_USEC. Its end is told by proc_notify_ready().
 *
 * @return 1; 0; or an error as listed above.
 *
 * Safety: any thread.
 * @see sd_notify(3)
 * @snippet notify.c reload
 * @since 0.1
 */
PROC_API int proc_notify_reloading(void);

/**
 * Tells that the end begins. STOPPING=1
 *
 * @return 1; 0; or an error as listed above.
 *
 * Safety: any thread.
 * @see sd_notify(3)
 * @snippet notify.c notify
 * @since 0.1
 */
PROC_API int proc_notify_stopping(void);

/**
 * Tells the watchdog that we are alive. WATCHDOG=1
 *
 * @return 1; 0; or an error as listed above.
 *
 * Safety: any thread.
 * @see sd_notify(3)
 * @snippet notify.c watchdog
 * @since 0.1
 */
PROC_API int proc_notify_watchdog(void);

/**
 * How often the watchdog wants to hear from this very process. Best told twice as often. WATCHDOG_USEC, WATCHDOG_PID
 *
 * @return Milliseconds, at least 1; 0: not at all; -EINVAL: a variable is no number, or the period is 0.
 *
 * Safety: any thread.
 * @see sd_watchdog_enabled(3)
 * @snippet notify.c watchdog
 * @since 0.1
 */
PROC_API int proc_notify_watchdog_ms(void);

/**
 * Asks for more time for the start, reload or stop that is going on. EXTEND_TIMEOUT_USEC
 *
 * @param timeout_ms How long from now it may take until the next message, at least 1.
 * @return 1; 0; or an error as listed above.
 *
 * Safety: any thread.
 * @see sd_notify(3)
 * @snippet notify.c extend
 * @since 0.1
 */
PROC_API int proc_notify_extend(int timeout_ms);

/**
 * Tells which process is the service, where it is not the one that the supervisor started. MAINPID=pid
 *
 * @param pid Its id, as the supervisor's system counts.
 * @return 1; 0; or an error as listed above.
 *
 * Safety: any thread.
 * @see sd_notify(3)
 * @snippet notify.c main_pid
 * @since 0.1
 */
PROC_API int proc_notify_main_pid(int pid);

/**
 * Waits until the supervisor has dealt with all that was told before: a process that ends at once is sure then to have
 * been heard, and to have been recognized. BARRIER=1
 *
 * @param timeout_ms -1 = for ever, even if the supervisor does not read. A thread that is cancelled meanwhile goes on
 *        to the end of it.
 * @return 1; 0; or an error as listed above, of which -ETIMEDOUT: not in that time.
 *
 * Safety: any thread.
 * @see sd_notify_barrier(3)
 * @snippet notify.c barrier
 * @since 0.1
 */
PROC_API int proc_notify_barrier(int timeout_ms);

/**
 * Leaves descriptors with the supervisor, which hands them to the next one that it starts, as proc_listen_fds() finds
 * them. They stay open here. FDSTORE=1, FDNAME=name
 *
 * @param name What proc_listen_name() shall say then: 1 to 255 printable ASCII characters, no colon. NULL = "stored".
 * @param fds Open descriptors.
 * @param count 1 to 253.
 * @return 1; 0; or an error as listed above; -EBADF: one is not open.
 *
 * Safety: any thread.
 * @see sd_pid_notify_with_fds(3)
 * @snippet notify.c store
 * @since 0.1
 */
PROC_API int proc_notify_store(const char *name, const int fds[], size_t count);

/**
 * Takes that back: the supervisor closes all that it keeps under a name. FDSTOREREMOVE=1, FDNAME=name
 *
 * @param name As it was given.
 * @return 1; 0; or an error as listed above.
 *
 * Safety: any thread.
 * @see sd_notify(3)
 * @snippet notify.c store
 * @since 0.1
 */
PROC_API int proc_notify_unstore(const char *name);

/**
 * Readiness the way of s6, dinit and others: a line feed into a descriptor, then its end.
 *
 * @param fd The notification descriptor, whose number the service was told by its configuration. Closed in every case.
 * @return 0; -EPIPE: nobody reads any more; -EBADF: not open for writing; -EINVAL: negative; what else write(2) says.
 *
 * Safety: any thread.
 * @see write(2)
 * @snippet notify.c newline
 * @since 0.1
 */
PROC_API int proc_notify_newline(int fd);
/** @} */

/** @name 2. Sockets handed to us
 * @{ */

/**
 * How many descriptors the supervisor has handed to this very process: 3, 4, ... They are close-on-exec from here on,
 * and whose they are. LISTEN_PID, LISTEN_FDS; and LISTEN_PIDFDID, where it is set and this kernel can tell (6.9), so
 * that a later process with our pid does not take them for its own.
 *
 * @return How many; 0: none, or they are for another process; -EINVAL: a variable is no number; -EBADF: one of the
 *         descriptors is not open, and none was touched.
 *
 * Safety: any thread.
 * @see sd_listen_fds(3)
 * @snippet notify.c listen
 * @since 0.1
 */
PROC_API int proc_listen_fds(void);

/**
 * The name of such a descriptor. LISTEN_FDNAMES
 *
 * @param fd One of 3 to 2 + proc_listen_fds().
 * @param ret_name Receives the name, always terminated if size > 0; "unknown" if there are no names at all. May be NULL
 *        if size is 0.
 * @param size Bytes at ret_name; 256 are enough.
 * @return The length needed without the terminator, as snprintf(3) does; -ENOENT: none was handed to us under that
 *         number, or there are fewer names; -EINVAL.
 *
 * Safety: any thread.
 * @see sd_listen_fds_with_names(3)
 * @snippet notify.c listen
 * @since 0.1
 */
PROC_API int proc_listen_name(int fd, char *ret_name, size_t size);
/** @} */

/** @name 3. Being told
 * @{ */

/** The place where a supervisor is told. One for each child, as a rule: what it says is then heard apart. */
typedef struct proc_notify_server proc_notify_server;

/* What a message says. */
#define PROC_NOTIFY_READY 0x01u     /**< READY=1 */
#define PROC_NOTIFY_RELOADING 0x02u /**< RELOADING=1; see reloading_us. */
#define PROC_NOTIFY_STOPPING 0x04u  /**< STOPPING=1 */
#define PROC_NOTIFY_WATCHDOG 0x08u  /**< WATCHDOG=1 */
#define PROC_NOTIFY_STATUS 0x10u    /**< STATUS=...; see status. */
#define PROC_NOTIFY_MAIN_PID 0x20u  /**< MAINPID=...; see main_pid. */
#define PROC_NOTIFY_BARRIER 0x40u   /**< BARRIER=1: the sender waits until this message is done. */
#define PROC_NOTIFY_TRIGGER 0x80u   /**< WATCHDOG=trigger: treat it as if the watchdog had run out. */
#define PROC_NOTIFY_EXTEND 0x100u   /**< EXTEND_TIMEOUT_USEC=...; see extend_us. */

/**
 * A message. All that is in it belongs to it, until proc_notify_message_done().
 * @since 0.1
 */
typedef struct proc_notify_message {
    uint32_t what;         /**< PROC_NOTIFY_...; 0: something else, see text. */
    int32_t sender;        /**< Its pid, as the kernel tells; 0: of a pid namespace that we do not see. */
    int32_t sender_fd;     /**< Its pidfd; -1 where the kernel gives none (before 6.5). */
    uint32_t uid;          /**< Its real user. */
    int32_t main_pid;      /**< What MAINPID names, if that is a process of the tree; else 0. */
    int32_t main_fd;       /**< Its pidfd; -1 if there is none. */
    int32_t barrier_fd;    /**< What a barrier's sender waits for: closed by done; -1. */
    int32_t reserved0;     /**< 0. */
    uint64_t reloading_us; /**< CLOCK_MONOTONIC when the reload began; 0: not said. */
    uint64_t extend_us;    /**< How long from now the sender wants. */
    proc_span status;      /**< STATUS, raw bytes: print them through proc_escape(). */
    proc_span text;        /**< All assignments as they came, at most 4096 bytes, without a NUL. */
    void *owned;           /**< The memory behind them. */
    uint64_t reserved[4];  /**< 0. */
} proc_notify_message;

/**
 * Opens a place to be told, with an address.
 *
 * @param server Receives it; the caller frees it. Untouched on failure.
 * @param path NULL: an abstract address, which the kernel chooses and which goes with the socket; good for all within
 *        our network namespace. Or an absolute path, of at most 107 bytes, for children in other network namespaces;
 *        the file is made as our umask wills, and removed by proc_notify_server_free().
 * @return 0; -EADDRINUSE: there is such a file; -EINVAL: not absolute; -ENAMETOOLONG; -EACCES, -ENOENT, -ENOTDIR,
 *         -EROFS and what else bind(2) says of a path; -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS.
 *
 * Safety: any thread.
 * @see unix(7)
 * @snippet notify.c server
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_notify_server_new(proc_notify_server **server, const char *path);

/**
 * A descriptor for the caller's loop: readable (POLLIN) when something was said.
 *
 * @param server A server.
 * @return The descriptor, borrowed; -EINVAL.
 *
 * Safety: any thread.
 * @see poll(2)
 * @snippet notify.c server_fd
 * @since 0.1
 */
PROC_API int proc_notify_server_fd(const proc_notify_server *server);

/**
 * What a child has to find in its environment: `.env_edit = PROC_ENV(proc_notify_server_env(server))`.
 *
 * @param server A server.
 * @return "NOTIFY_SOCKET=...", which lives as long as the server; NULL for NULL.
 *
 * Safety: any thread.
 * @snippet notify.c server
 * @since 0.1
 */
PROC_API const char *proc_notify_server_env(const proc_notify_server *server);

/**
 * The next message of somebody who may speak. Whatever else arrives is read and forgotten: too long, with NULs in it,
 * or from others. Descriptors that come along are closed at once, but a barrier's.
 *
 * Who may speak: with a child, the processes of its tree; without, those of our effective user, and root's. Who the
 * sender is, is told by the kernel: by a pidfd where it gives one (PROC_FEATURE_PEER_PIDFD), else by a pid, which a
 * sender that has ended may have left to another process. Only root can claim to be another one.
 *
 * The tree of a child is followed by parents: who has lost one on the way up (a daemon that forks twice), or has ended
 * and was reaped, is not found in it; the child itself is known by its pidfd even then (6.9). A sender that waits for
 * a barrier is found.
 *
 * @param server A server.
 * @param child Whose tree may speak; NULL: anybody with our uid.
 * @param timeout_ms 0 = what is there now, -1 = for ever.
 * @param ret_message Receives the message; end it with proc_notify_message_done().
 * @return 0; -ETIMEDOUT; -ECHILD: in a forked copy; -ENOMEM, and nothing is lost; -EINVAL.
 *
 * Safety: any thread, one at a time.
 * @see unix(7), sd_notify(3)
 * @snippet notify.c server
 * @since 0.1
 */
PROC_API int proc_notify_server_receive(proc_notify_server *server, const proc_child *child, int timeout_ms,
                                        proc_notify_message *ret_message);

/**
 * Any assignment of a text.
 *
 * @param text The text of a message.
 * @param name "X_PORT"
 * @param ret_value Receives the value, a part of the text. Of several the first.
 * @return 0; -ENOENT: it is not there; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @snippet notify.c value
 * @since 0.1
 */
PROC_API int proc_notify_value(proc_span text, const char *name, proc_span *ret_value);

/**
 * Ends a message: closes its descriptors, which lets the sender of a barrier go on, and frees its text.
 *
 * @param message NULL and one that is all zero, or done already, are welcome.
 *
 * Safety: any thread, one at a time for the same message.
 * @snippet notify.c server
 * @since 0.1
 */
PROC_API void proc_notify_message_done(proc_notify_message *message);

/**
 * Closes the place. Whoever speaks to it later hears that nobody listens. In a forked copy the file stays.
 *
 * @param server NULL is welcome.
 * @return NULL.
 *
 * Safety: any thread.
 * @snippet notify.c server
 * @since 0.1
 */
PROC_API proc_notify_server *proc_notify_server_free(proc_notify_server *server);
/** @} */

/** @} */

#ifdef __cplusplus
}
#endif
#endif
