/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/lock.h> - one instance of a program: a PID file that cannot lie, be hijacked or be stolen.
 */
#ifndef PROC_LOCK_H
#define PROC_LOCK_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup lock Locks
 * @brief A PID file whose lock, not whose existence, says that the program runs.
 *
 * The kernel drops a lock when its holder is gone, however it went: a file that is left behind is never in the way, and
 * no pid is ever asked whether it is alive. The file's first line is the holder's pid, as everybody reads it; the lines
 * behind it (when it started, the boot, its pidfd's inode, the host) tell it from a stranger that got its pid.
 *
 * By default the lock is taken twice, as an open file description lock over the whole file and by flock(2), always in
 * this order: so it is seen by flock(1), by the pidfile functions of the BSDs, and by programs that use fcntl(2).
 *
 * A file is opened without following a symbolic link at its end; links on the way there have to belong to root or to
 * us. It must be a regular file with one name, of root or of our effective user, writable by nobody else, or it is
 * refused: -ELOOP (a symbolic link), -EMLINK (hard links), -EISDIR, -EPERM (a FIFO, a device, an owner or a mode that
 * is not safe). The directory is the caller's affair: one that others can write lets them remove the file, which
 * proc_lock_verify() finds out.
 *
 * On NFS locks may be lost when the server restarts, flock(2) is a record lock in disguise, and a pid is one of another
 * machine: proc_holder.foreign. Keep PID files in /run.
 * @{
 */

/** @name Flags
 * @{ */
#define PROC_LOCK_OFD 0x01u   /**< An open file description lock; conflicts with FCNTL too. */
#define PROC_LOCK_FLOCK 0x02u /**< flock(2). */
#define PROC_LOCK_FCNTL 0x04u /**< A record lock, as older programs have it; not with OFD. Is lost by *any* close of
                                   the file in this process, proc_lock_query() included, not inherited by fork(2), and
                                   no obstacle to a second one of the same process. */
#define PROC_LOCK_KEEP_FILE 0x10u /**< When it is freed, empty the file instead of removing it: for who cannot
                                       write the directory any more. */
#define PROC_LOCK_PLAIN 0x20u /**< Write the pid alone. */
/** @} */

/** What is known of a lock. */
enum {
    PROC_LOCK_FREE = 0,  /**< Nobody holds it. */
    PROC_LOCK_HELD = 1,  /**< It is held. */
    PROC_LOCK_UNSEEN = 2 /**< Nobody is seen to hold it, but a flock(2) may be hidden: /proc/locks is not here, shows
                              our pid namespace alone, or names the file's device otherwise. Take it to know. */
};

/**
 * Who holds a lock. A pid that the file claims, but that is no process now, a zombie, or another one than the file was
 * written by, is not told.
 * @since 0.1
 */
typedef struct proc_holder {
    int32_t state;          /**< PROC_LOCK_FREE, PROC_LOCK_HELD, PROC_LOCK_UNSEEN. */
    int32_t pid;            /**< 0: unknown, or nobody. */
    uint32_t kinds;         /**< PROC_LOCK_OFD, FLOCK, FCNTL: what was seen first; nobody looks further then. */
    int32_t starting;       /**< 1: held, and nothing is written yet: ask again. */
    int32_t foreign;        /**< 1: pid is one of another machine, see host, and no process here. */
    int32_t reserved0;      /**< 0. */
    proc_identity identity; /**< As the file tells; all zero where it does not. */
    char host[72];          /**< Where the file was written; "" where it does not tell. */
    uint64_t reserved[4];   /**< 0. */
} proc_holder;

/**
 * How to take a lock. Zero is the default in every member.
 * @since 0.1
 */
typedef struct proc_lock_options {
    size_t size;             /**< `sizeof(proc_lock_options)`; set by PROC_LOCK_OPTIONS(). */
    uint32_t flags;          /**< PROC_LOCK_...; without a kind: OFD and FLOCK. */
    int32_t timeout_ms;      /**< How long to wait for it; 0 = try once, -1 = for ever. */
    const int *dir_fd;       /**< The directory that a relative path starts at; NULL = the working directory. */
    const uint32_t *mode;    /**< Of the file, whatever the umask: 0644 and less, at least 0600; NULL = 0644. */
    const int *cancel_fd;    /**< Gives up waiting when this becomes readable: -ECANCELED. */
    proc_holder *ret_holder; /**< Receives who is in the way; written when the answer is -EAGAIN or -ETIMEDOUT. */
    proc_error *error;       /**< Receives why the call failed. */
} proc_lock_options;
#ifdef PROC_LITERALS
/** Options in place: `PROC_LOCK_OPTIONS(.timeout_ms = 2000, .error = &error)`. */
#define PROC_LOCK_OPTIONS(...) (&(const proc_lock_options){.size = sizeof(proc_lock_options), __VA_ARGS__})
#endif

/** @name Holding it
 * @{ */

/** A lock that we hold, until it is freed or the process and all that have its descriptor are gone. */
typedef struct proc_lock proc_lock;

/**
 * Takes the lock, and writes our pid into the file. The file's directory is kept open, so neither chdir(2) nor a link
 * that is turned elsewhere changes which file it is.
 *
 * A wait ends with the holder: it watches the file (inotify) and the holder's process (pidfd), and tries again after 10
 * to 250 ms all the same, since a lock can be given up without a sign. It sets no alarm, and no signal ends it. It may
 * come back some 10 ms late, which the kernel needs to end an inotify.
 *
 * @param lock Receives the lock, which the caller frees. Untouched on failure.
 * @param path The PID file; made if it is not there. Once it is locked, whatever stands in it is replaced, and it is
 *        removed in the end: no file that has a content of its own.
 * @param options How; NULL: try once, mode 0644, OFD and FLOCK.
 * @return 0; -EAGAIN: somebody has it, see .ret_holder; -ETIMEDOUT: still, after .timeout_ms; -ECANCELED; -EPERM,
 *         -ELOOP, -EMLINK, -EISDIR: not a file to be trusted, see above and .error; -ENOENT, -ENOTDIR, -EACCES, -EROFS:
 *         the directory; -ENOSPC, -EDQUOT, -EIO, -EFBIG (for RLIMIT_FSIZE, with its SIGXFSZ): the pid could not be
 *         written, and nothing is left behind; -ENOLCK, -EOPNOTSUPP: this file system has no such lock; -ENOTSUP:
 *         unknown flags; -EINVAL: OFD with FCNTL, a mode that is not safe, a path without a name, a struct without
 *         size; -EBADF: a descriptor of the options; -E2BIG: options of a newer version; -EMFILE, -ENFILE, -ENOMEM.
 *
 * Safety: any thread.
 * @see fcntl(2), flock(2), openat2(2), inotify(7)
 * @snippet lock.c acquire
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_lock_acquire(proc_lock **lock, const char *path, const proc_lock_options *options);

/**
 * Gives the lock back: removes the file, if it is still ours and names us, and then closes it. In a forked copy of the
 * program, and after another process has taken it over, it only closes: the lock stays with whoever has it.
 *
 * @param lock NULL is welcome.
 * @return NULL.
 *
 * Safety: any thread.
 * @snippet lock.c acquire
 * @since 0.1
 */
PROC_API proc_lock *proc_lock_free(proc_lock *lock);

/**
 * The descriptor that holds the lock: close-on-exec, borrowed, and not to be closed. A copy of it, also in a child,
 * holds the lock too.
 *
 * @param lock A lock.
 * @return The descriptor; -EINVAL.
 *
 * Safety: any thread.
 * @snippet lock.c fd
 * @since 0.1
 */
PROC_API int proc_lock_fd(const proc_lock *lock);

/**
 * Makes the calling process the owner: writes its pid into the file. For the child of a fork(2) that shall carry the
 * lock on; the parent frees its own handle, or leaves by _exit(2), after that and not before.
 *
 * @param lock A lock, or the forked copy of one.
 * @return 0; -ESTALE: the file is not ours any more, see proc_lock_verify(); -EOPNOTSUPP: a record lock (FCNTL) did not
 *         come along; -ENOSPC, -EDQUOT, -EIO: it could not be written: the lock is held on, by nobody known; try again;
 *         -EMFILE, -ENFILE; -EINVAL.
 *
 * Safety: any thread, one at a time for the same lock.
 * @see fork(2)
 * @snippet lock.c rewrite
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_lock_rewrite(proc_lock *lock);

/**
 * Whether all is as it was: the path leads to our file, the file names us, and the locks are ours; one that a forked
 * copy has given up is taken again. Cheap enough for a timer; a program that finds itself replaced had better end.
 *
 * @param lock A lock.
 * @return 0; -ESTALE: not ours any more; -ECHILD: in a forked copy; -EIO, -ENOLCK: it cannot be told; -EINVAL.
 *
 * Safety: any thread, one at a time for the same lock.
 * @snippet lock.c verify
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_lock_verify(const proc_lock *lock);
/** @} */

/** @name Asking for it
 * @{ */

/**
 * Who holds the lock, without ever taking it: who starts at the same moment is not disturbed. Only a lock whose
 * descriptor is closed while we look at the holder's descriptors lasts until we have looked, some microseconds longer.
 *
 * @param path The file; where there is none, nobody holds it.
 * @param dir_fd The directory that a relative path starts at; NULL = the working directory.
 * @param ret_holder Receives what is known.
 * @return 0, also when nobody holds it; -EPERM, -ELOOP, -EMLINK, -EISDIR: not a file to be trusted; -EACCES; -EINVAL;
 *         -EMFILE, -ENFILE, -ENOMEM.
 *
 * Safety: any thread.
 * @see fcntl(2), proc_locks(5)
 * @snippet lock.c query
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_lock_query(const char *path, const int *dir_fd, proc_holder *ret_holder);

/**
 * The process that holds the lock, as a descriptor. That it is the holder was seen after it was opened, so it is no
 * stranger that got the pid meanwhile; of a file that holds nothing but a pid, and whose holder is gone while a child
 * keeps its lock, this cannot be known.
 *
 * @param path The file.
 * @param dir_fd As for proc_lock_query().
 * @return A pidfd, close-on-exec, which the caller closes; -ESRCH: nobody holds it; -ENODATA: it is held, by whom is
 *         unknown, or on another machine; -ENOSYS: no pidfds here; or as proc_lock_query().
 *
 * Safety: any thread.
 * @see pidfd_open(2)
 * @snippet lock.c holder_fd
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_lock_holder_fd(const char *path, const int *dir_fd);

/**
 * Signals the holder, and waits until it holds the lock no longer. The signal goes through a pidfd: it never hits a
 * stranger. A stopped holder stays stopped: send SIGCONT, too.
 *
 * @param path The file.
 * @param dir_fd As for proc_lock_query().
 * @param signal Which; 0: none, see only whether it could be.
 * @param timeout_ms How long to wait; 0 = only signal, -1 = for ever.
 * @return 0; -ETIMEDOUT: it was signalled, and holds the lock still, or one of its children does; -ESRCH: nobody holds
 *         it; -ENODATA, -ENOSYS: as proc_lock_holder_fd(), nothing was sent; -EPERM: also, the holder is not ours to
 *         signal; -EDEADLK: to wait for ourselves; -EINVAL; or as proc_lock_query().
 *
 * Safety: any thread.
 * @see pidfd_send_signal(2)
 * @snippet lock.c signal
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_lock_signal(const char *path, const int *dir_fd, int signal, int timeout_ms);
/** @} */

/** @name Carrying it over to another program
 * @{ */

/**
 * Lets the lock pass the next execve(2) of this process, or no longer: its descriptor is close-on-exec or not. To hand
 * it to a child, give the child proc_lock_fd() instead.
 *
 * @param lock A lock.
 * @param whether 1: it passes; 0: it does not, as in the beginning.
 * @return 0; -ECHILD: in a forked copy; -EINVAL.
 *
 * Safety: any thread, one at a time for the same lock.
 * @see execve(2)
 * @snippet lock.c take_over
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_lock_hand_over(proc_lock *lock, int whether);

/**
 * Takes up a lock that came through execve(2), or from the parent: finds its descriptor among our own, by its file and
 * its locks, makes it close-on-exec, and writes our pid into the file. Needs /proc.
 *
 * @param lock Receives the lock, which the caller frees. Untouched on failure.
 * @param path The file.
 * @param options The flags KEEP_FILE and PLAIN, dir_fd, error; NULL = none. The kinds are those that came along.
 * @return 0; -ESTALE: no descriptor of ours holds a lock on that file; -ENODEV: no proc file system; -EINVAL: an option
 *         that is not for here; or as proc_lock_acquire().
 *
 * Safety: any thread.
 * @snippet lock.c take_over
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_lock_take_over(proc_lock **lock, const char *path, const proc_lock_options *options);
/** @} */

/** @} */

#ifdef __cplusplus
}
#endif
#endif
