/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/child.h> - live with a process through one handle: read, write, wait, signal, stop.
 */
#ifndef PROC_CHILD_H
#define PROC_CHILD_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup child Child
 * @brief A process as a descriptor: read, write, wait, signal, stop.
 *
 * proc_spawn() makes a handle, proc_child_free() ends it. Any thread may use a handle, also while another one waits on
 * it; only the free must be the last call. In a forked copy of the program every verb answers -ECHILD, and the free
 * gives back the copy's memory and descriptors without touching the process.
 *
 * A signal goes through the pidfd, so it never reaches a stranger that has got the same pid.
 * @{
 */

/** A process that we started. */
typedef struct proc_child proc_child;

/** Scope: who gets a signal. */
enum {
    PROC_ONE = 0,   /**< The process. */
    PROC_GROUP = 1, /**< The process group that it leads. */
    PROC_TREE = 2   /**< The process and all its descendants, see @ref tree. */
};

/**
 * @anchor tree
 * @name Trees
 * PROC_TREE reaches a child, all that come of it, and its process group if it leads one. It is never a default. Of the
 * ways to do that, the rungs of proc_reach, the first is taken that there is:
 *
 * - **A pid namespace** (PROC_REACH_NAMESPACE): the child is the first process of one that was made for it (PROC_NS_PID
 *   in proc_namespaces.create), and the signal is SIGKILL. The kernel kills all that are in there, and the child's end
 *   is the proof that nobody is left. This is the one rung that nobody can escape. Who has joined its process
 *   group from outside is sent the signal, too, but not part of the proof.
 * - **A walk** (PROC_REACH_WALK): /proc is searched until nobody is new, and each process is held by a pidfd and proven
 *   to belong to the tree before it is signalled, so that a pid that was given away again is never hit. It finds who
 *   has a parent in the tree, who is in a session that one of the tree leads or has led and whose leader is not reaped
 *   yet, and the group that the child leads. For SIGKILL and SIGSTOP all are suspended as they are found, so a tree
 *   that grows meanwhile is caught as well; their parents, we for the child, may be told of that by SIGCHLD.
 * - **The group** (PROC_REACH_GROUP) that the child leads, where /proc is missing, or of another pid namespace.
 * - **The child alone** (PROC_REACH_ONE).
 *
 * What a walk cannot find: a process whose parent has ended before, and that has also left the sessions and the group
 * above, as daemons do. It has become a child of init, and nothing says where it came from; if this program is a
 * subreaper (proc_subreaper()) it is a child of ours, but nothing says of which of our children: proc_loop_orphans() is
 * for those. Nor is found what a /proc mounted with hidepid hides. So a walk proves nothing: proven_empty is 0.
 * @{
 */

/** How a signal got to a tree; the larger, the farther. */
enum {
    PROC_REACH_NONE = 0,      /**< There was none yet. */
    PROC_REACH_ONE = 1,       /**< To the child. */
    PROC_REACH_GROUP = 2,     /**< To the process group that it leads. */
    PROC_REACH_WALK = 3,      /**< To all descendants, followed until none was new. */
    PROC_REACH_FREEZER = 4,   /**< Not in this version. */
    PROC_REACH_NAMESPACE = 5, /**< To all of its pid namespace, by its first process. */
    PROC_REACH_CGROUP = 6     /**< Not in this version. */
};

/**
 * How far the last stop, or signal to a tree, has reached.
 * @since 0.1
 */
typedef struct proc_reach {
    int32_t rung;         /**< PROC_REACH_... */
    int32_t proven_empty; /**< 1: nobody is left, and the kernel vouches for it. */
    int32_t signaled;     /**< Of a walk: how many processes were sent the signal, in a stop by any of its steps;
                               else 0, not counted. */
    int32_t left;         /**< Those found, or with no walk the child, that had not ended when the call returned. */
    uint64_t reserved[4]; /**< 0. */
} proc_reach;
/** @} */

/**
 * What an ended child has cost. Kept by the kernel for the child and those of its descendants that it waited for.
 * @since 0.1
 */
typedef struct proc_usage {
    int64_t user_us;            /**< Processor time in its own code, in microseconds. */
    int64_t system_us;          /**< Processor time in the kernel, in microseconds. */
    int64_t max_rss_bytes;      /**< Its peak of resident memory, in bytes. */
    int64_t minor_faults;       /**< Page faults served without I/O. */
    int64_t major_faults;       /**< Page faults that had to read. */
    int64_t blocks_in;          /**< Blocks of 512 bytes read from disks. */
    int64_t blocks_out;         /**< Blocks of 512 bytes written to disks. */
    int64_t switches;           /**< Voluntary context switches. */
    int64_t preemptions;        /**< Involuntary context switches. */
    uint32_t max_rss_inherited; /**< 1: max_rss_bytes may be our own peak: a child starts with its parent's. */
    uint32_t reserved0;         /**< 0. */
    uint64_t reserved[4];       /**< 0. */
} proc_usage;

/**
 * The process id, in our pid namespace. It names nobody else as long as the child has not been waited for.
 *
 * @param child A handle.
 * @return The pid, or -EINVAL for NULL.
 *
 * Safety: any thread, also a signal handler.
 * @snippet snippets.c child_pid
 * @since 0.1
 */
PROC_API int proc_child_pid(const proc_child *child);

/**
 * The pidfd, for poll(2) and epoll(7): readable (POLLIN) from the child's end on. Borrowed: it is closed by
 * proc_child_free(), and must be taken out of an epoll set before that.
 *
 * @param child A handle.
 * @return The descriptor, or -EINVAL for NULL.
 *
 * Safety: any thread, also a signal handler.
 * @see pidfd_open(2)
 * @snippet snippets.c child_fd
 * @since 0.1
 */
PROC_API int proc_child_fd(const proc_child *child);

/**
 * Our end of a PIPE, SOCKET or PTY entry: close-on-exec and non-blocking. Borrowed: closed by proc_close() or
 * proc_child_free().
 *
 * @param child A handle.
 * @param fd The child's number of the descriptor.
 * @return The descriptor; -EBADF: no such stream, or closed or taken already; -EINVAL: it belongs to a BYTES, CAPTURE
 *         or CALLBACK entry; -ECHILD: in a forked copy.
 *
 * Safety: any thread.
 * @snippet snippets.c child_stream
 * @since 0.1
 */
PROC_API int proc_child_stream(const proc_child *child, int fd);

/**
 * Takes our end of a PIPE, SOCKET or PTY entry out of the handle: it is the caller's to close, and outlives the handle.
 *
 * @param child A handle.
 * @param fd The child's number of the descriptor.
 * @return The descriptor; -EBADF: no such stream, or closed or taken already; -EBUSY: another thread is using it;
 *         -EINVAL: it belongs to a BYTES, CAPTURE or CALLBACK entry; -ECHILD: in a forked copy.
 *
 * Safety: any thread.
 * @snippet snippets.c take_stream
 * @since 0.1
 */
PROC_API int proc_child_take_stream(proc_child *child, int fd);

/**
 * What the child has cost, once it has been waited for.
 *
 * @param child A handle.
 * @param ret_usage Receives the figures.
 * @return 0; -EAGAIN: it has not been waited for yet; -ENODATA: somebody else took its status, and the figures with
 *         it, as who gets orphans does with a PROC_ORPHAN; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: any thread.
 * @see getrusage(2)
 * @snippet snippets.c usage
 * @since 0.1
 */
PROC_API int proc_child_usage(const proc_child *child, proc_usage *ret_usage);

/**
 * How far the last signal to the tree, or step of a stop, has reached: of proc_kill() with PROC_TREE, proc_stop(), or a
 * run that was stopped (where the result tells the same). With PROC_REACH_NAMESPACE proven_empty becomes 1 once the
 * child has ended.
 *
 * @param child A handle.
 * @param ret_reach Receives it; all 0 if there was none.
 * @return 0; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: any thread.
 * @see proc_kill()
 * @snippet snippets.c reach
 * @since 0.1
 */
PROC_API int proc_child_reach(const proc_child *child, proc_reach *ret_reach);

/**
 * Reads some of what the child writes to a PIPE, SOCKET or PTY entry.
 *
 * @param child A handle.
 * @param fd The child's number of the descriptor, usually 1 or 2.
 * @param buffer Receives the bytes.
 * @param size Bytes at buffer; more than 0.
 * @param timeout_ms How long to wait for the first byte: 0 = not at all, -1 = for ever.
 * @return How many bytes, at least 1; 0 at the end of file, also that of a terminal, which read(2) tells as EIO;
 *         -ETIMEDOUT; -EBADF: no such stream, or one that the child only reads; -EINVAL: bad argument, or a BYTES,
 *         CAPTURE or CALLBACK entry; -ECHILD: in a forked copy.
 *
 * Safety: any thread; two readers of one stream share its bytes between them.
 * @see read(2)
 * @snippet snippets.c read
 * @since 0.1
 */
PROC_API int64_t proc_read(proc_child *child, int fd, void *buffer, size_t size, int timeout_ms);

/**
 * Writes all of the bytes to a PIPE, SOCKET or PTY entry that the child reads. Never raises SIGPIPE, and changes no
 * process-wide setting for that. A terminal takes them as typed, also while a CAPTURE or CALLBACK entry takes what it
 * shows.
 *
 * @param child A handle.
 * @param fd The child's number of the descriptor, usually 0.
 * @param data The bytes.
 * @param size How many.
 * @param timeout_ms How long it may take altogether: 0 = as much as fits now, -1 = until all is written.
 * @return `size`, or less (but more than 0) if the time was over or the reader went away meanwhile: call again to
 *         learn which; -ETIMEDOUT: not a byte fitted in time; -EPIPE: the child has closed its end; -EBADF: no such
 *         stream, or one that the child only writes; -EINVAL: bad argument, or a BYTES, CAPTURE or CALLBACK entry;
 *         -ECHILD: in a forked copy.
 *
 * Safety: any thread; writes of two threads may interleave.
 * @see write(2), pipe(7)
 * @snippet snippets.c write
 * @since 0.1
 */
PROC_API int64_t proc_write(proc_child *child, int fd, const void *data, size_t size, int timeout_ms);

/**
 * Closes our end of a PIPE, SOCKET or PTY entry: a child that reads it then sees the end of file, one that writes it
 * gets SIGPIPE; on a terminal, which is closed by any of its numbers for all of them, it gets SIGHUP. A thread that is
 * still reading or writing there finishes its call first, and the descriptor is closed after it.
 *
 * @param child A handle.
 * @param fd The child's number of the descriptor.
 * @return 0; -EBADF: no such stream, or closed or taken already; -EINVAL: it belongs to a BYTES, CAPTURE or CALLBACK
 *         entry, which the transfer closes; -ECHILD: in a forked copy.
 *
 * Safety: any thread.
 * @snippet snippets.c close
 * @since 0.1
 */
PROC_API int proc_close(proc_child *child, int fd);

/**
 * Waits until the child has ended and tells how. Repeatable: later calls answer the same at once. Where SIGCHLD is
 * ignored or somebody else reaped the child, the status is still the true one if the kernel keeps it
 * (PROC_FEATURE_EXIT_INFO), else PROC_LOST.
 *
 * Moves no bytes: a child that fills a CAPTURE or CALLBACK pipe ends only if proc_collect() or proc_pump() empties it.
 *
 * @param child A handle.
 * @param timeout_ms 0 = only look, -1 = for ever.
 * @param ret_exit Receives the end; may be NULL.
 * @return 0; -ETIMEDOUT: it still runs; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: any thread, also several at once.
 * @see waitid(2)
 * @snippet snippets.c wait
 * @since 0.1
 */
PROC_API int proc_wait(proc_child *child, int timeout_ms, proc_exit *ret_exit);

/**
 * Waits until the child has ended or is stopped, as a shell waits for the job in its foreground. Takes nothing away:
 * as long as the child is stopped it is told again, and its end is left to proc_wait(). Once it has got SIGCONT, an
 * earlier stop is not told any more.
 *
 * With -1 both are told at once. With a time limit a stop is told within about 10 ms, since the kernel has no
 * descriptor for it; an end at once all the same. A stop is not seen if another part of the program takes the news of
 * it by waiting for just any child, nor if this program traces the child itself.
 *
 * @param child A handle.
 * @param timeout_ms 0 = only look, -1 = for ever.
 * @param ret_signal Receives the signal that stopped it (SIGTSTP for Ctrl-Z); may be NULL.
 * @return 1: it is stopped; 0: it has ended, and proc_wait() tells how; -ETIMEDOUT: it runs; -ECHILD: in a forked copy;
 *         -EINVAL.
 *
 * Safety: any thread, also several at once.
 * @see waitid(2)
 * @snippet terminal.c wait_stopped
 * @since 0.1
 */
PROC_API int proc_wait_stopped(proc_child *child, int timeout_ms, int *ret_signal);

/**
 * Waits until one of a few children has ended; proc_wait() then tells how. One poll(2) over all of them, so for tens,
 * not thousands.
 *
 * @param children The handles; none may be NULL.
 * @param count How many, at least 1.
 * @param timeout_ms 0 = only look, -1 = for ever.
 * @param ret_index Receives the index of the first that has ended; may be NULL.
 * @return 0; -ETIMEDOUT: all still run; -ECHILD: in a forked copy; -EINVAL; -ENOMEM.
 *
 * Safety: any thread.
 * @see poll(2)
 * @snippet snippets.c wait_any
 * @since 0.1
 */
PROC_API int proc_wait_any(proc_child *const children[], size_t count, int timeout_ms, size_t *ret_index);

/**
 * Sends a signal.
 *
 * One to a tree takes longer than a system call: at most a second for the search, and after SIGKILL at most another one
 * for the end of all, so that proc_child_reach() can tell who is left. Threads that signal the same tree do it one
 * after the other, each in a time of its own. This program itself is never signalled by it.
 *
 * @param child A handle.
 * @param signal 1..64, or 0 to ask only whether it could be signalled.
 * @param scope PROC_ONE; PROC_GROUP for a child that leads a process group (PROC_NEW_GROUP, PROC_NEW_SESSION); or
 *        PROC_TREE, see @ref tree.
 * @return 0; -ESRCH: it has been reaped (by us or by anybody), so its pid may be a stranger's, or nobody is in that
 *         group any more; -EPERM: it has other credentials; -EINVAL: no such signal or scope, or the child leads no
 *         group; -ECHILD: in a forked copy. A child that has ended but was not waited for takes any signal without
 *         effect. Of a tree all who can be reached are, and the return code tells what kept back the rest: -EPERM: one
 *         has other credentials; -ETIMEDOUT: new processes came faster than they were found; -EMFILE, -ENFILE: no free
 *         descriptor to hold one more; -ENOMEM. After the last four the call may be repeated.
 *
 * Safety: any thread, also while another one waits.
 * @see pidfd_send_signal(2), proc_child_reach()
 * @snippet snippets.c kill
 * @since 0.1
 */
PROC_API int proc_kill(proc_child *child, int signal, int scope);

/**
 * Ends the child by the stop steps of its options (SIGTERM, 5 s, SIGKILL, 5 s unless said otherwise; to the group if it
 * leads one), each followed by a wait for its end. A suspended child is continued after each signal, so that it can
 * act on it. A child that has left the group which it led gets what the group gets.
 *
 * The steps end with the child: what else lives in its group after that is not waited for. Steps with PROC_TREE end
 * with the child and all whom they have found: who was found by one step gets the next one, too, and has its time, even
 * if the child has ended meanwhile.
 *
 * @param child A handle.
 * @param ret_exit Receives the end; may be NULL.
 * @return 0, also if it had ended before; -ETIMEDOUT: even the last step did not end it in its time; -EPERM: it has
 *         other credentials; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: any thread.
 * @see signal(7)
 * @snippet snippets.c stop
 * @since 0.1
 */
PROC_API int proc_stop(proc_child *child, proc_exit *ret_exit);

/**
 * From now on proc_child_free() lets the child run. When it ends it stays a zombie until this program ends or waits for
 * it by other means.
 *
 * @param child A handle.
 * @return 0; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: any thread.
 * @snippet snippets.c detach
 * @since 0.1
 */
PROC_API int proc_detach(proc_child *child);

/**
 * Ends a handle and gives back all that belongs to it. A child that still runs, and is not detached, is killed by
 * SIGKILL (its group if it leads one) and reaped; for a graceful end proc_stop() comes first. A child that the kernel
 * holds on to for more than 100 ms is reaped by a later start, wait or free.
 *
 * @param child A handle; NULL is welcome. No other call may be using it.
 * @return Always NULL: `child = proc_child_free(child);`
 *
 * Safety: any thread.
 * @snippet snippets.c child_free
 * @since 0.1
 */
PROC_API proc_child *proc_child_free(proc_child *child);

/** @} */

#ifdef __cplusplus
}
#endif
#endif
