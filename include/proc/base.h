/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/base.h> - what every module shares: versions, optional values, errors and their steps, how a process ended,
 * what this kernel can do, the clock of every deadline, text spans, buffers, and which process a question is about.
 */
#ifndef PROC_BASE_H
#define PROC_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup base Base
 * @brief Errors, exits, features, clock: the words that all modules speak.
 *
 * Rules that hold everywhere:
 * - "We" and "ours" mean the calling program.
 * - A call returns 0 or a count, or a negative errno; `errno` itself is not part of the contract.
 * - -EINVAL, where nothing more is said: an argument is NULL or out of its range.
 * - Outputs named `ret_...` are written on success only.
 * - Different objects may be used from different threads at once. No call is meant for a signal handler unless it says
 *   so. A thread that is cancelled in a call leaks nothing.
 * @{
 */

/** Marks what the shared library exports. */
#define PROC_API __attribute__((visibility("default")))
/** On calls whose result is an error that nobody would notice otherwise. */
#define PROC_CHECK __attribute__((warn_unused_result))

/** Defined where the brace macros (PROC_OPTIONS, PROC_ARGV, ...) exist: in C99 and later. C++ and FFI do without. */
#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L
#define PROC_LITERALS 1
#endif

#define PROC_VERSION_MAJOR 0 /**< Of these headers; 0 until the first stable release. */
#define PROC_VERSION_MINOR 1 /**< Of these headers. */
#define PROC_VERSION_PATCH 0 /**< Of these headers. */

/**
 * The version of the library in use, which may be newer than these headers.
 *
 * @return 10000 * major + 100 * minor + patch.
 *
 * Safety: any thread, also a signal handler.
 * @snippet snippets.c version
 * @since 0.1
 */
PROC_API int proc_version(void);

/** @name Optional values: a pointer, so that zero can be a value and absence cannot be a mistake
 * @{ */
#ifdef PROC_LITERALS
#define PROC_INT(value) (&(const int){(value)})       /**< A descriptor, a process group. */
#define PROC_UID(value) (&(const uint32_t){(value)})  /**< A user id. */
#define PROC_GID(value) (&(const uint32_t){(value)})  /**< A group id. */
#define PROC_MODE(value) (&(const uint32_t){(value)}) /**< A umask. */
#endif
/** @} */

/** @name Lists of strings, sets of signals
 * @{ */
#ifdef PROC_LITERALS
#define PROC_ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})  /**< Arguments, the program's name first. */
#define PROC_ENV(...) ((const char *const[]){__VA_ARGS__, NULL})   /**< `"NAME=value"` strings. */
#define PROC_ENV_EMPTY ((const char *const[]){NULL})               /**< An environment without any variable. */
#define PROC_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL}) /**< Names, tried in this order. */

/* Lists without a natural end carry their count: {items, count}. */
#define PROC_LIST_(list, item, ...) \
    ((list){(const item[]){__VA_ARGS__}, sizeof((const item[]){__VA_ARGS__}) / sizeof(item)})
/* Structs that begin with their size, members by name. */
#define PROC_SIZED_(type, ...) (&(const type){.size = sizeof(type), __VA_ARGS__})

/** A vector of strings that the caller already has (main's `argv + 1`, `environ`), with its type checked. */
#if __STDC_VERSION__ >= 201112L
#define PROC_STRINGS(vector) \
    _Generic((vector),                                       \
        char **: (const char *const *)(vector),              \
        char *const *: (const char *const *)(vector),        \
        const char **: (const char *const *)(vector),        \
        const char *const *: (const char *const *)(vector))
#else
#define PROC_STRINGS(vector) ((const char *const *)(vector))
#endif
#endif

/** A set of signals is a 64-bit mask: `PROC_SIGNAL(SIGINT) | PROC_SIGNAL(SIGTERM)`. */
#define PROC_SIGNAL(number) (UINT64_C(1) << ((number)-1))

/** For every limit: "unlimited", "max", RLIM_INFINITY. */
#define PROC_UNLIMITED UINT64_MAX
/** @} */

/** @name Errors
 * @{ */

/** The step that failed. A number, once given, keeps its meaning for ever. */
enum {
    PROC_STEP_NONE = 0,
    PROC_STEP_OPTIONS = 1,          /**< The request contradicts itself, or this version lacks it; nothing was tried. */
    PROC_STEP_MEMORY = 2,           /**< Allocation. */
    PROC_STEP_SEARCH = 3,           /**< The program is in no directory of the search list. */
    PROC_STEP_OPEN = 4,             /**< Opening a PATH entry; index = descriptor number in the child. */
    PROC_STEP_PIPE = 5,             /**< Making a pipe; index = descriptor number in the child. */
    PROC_STEP_PTY = 6,              /**< Opening a pseudoterminal. */
    PROC_STEP_CLONE = 7,            /**< Making the process or its pidfd. */
    PROC_STEP_SESSION = 8,          /**< setsid(2). */
    PROC_STEP_GROUP = 9,            /**< setpgid(2); index = the group. */
    PROC_STEP_TERMINAL = 10,        /**< Controlling terminal or foreground group; index = controlling_fd. */
    PROC_STEP_CGROUP = 11,          /**< Entering a control group; index = its descriptor, if it has no path. */
    PROC_STEP_NAMESPACE = 12,       /**< Making or joining a namespace; index = its PROC_NS_ bit, or bits. */
    PROC_STEP_ID_MAP = 13,          /**< Writing the ids of a user namespace; the text names the file. */
    PROC_STEP_MOUNT = 14,           /**< mount(2); the text names the place. */
    PROC_STEP_HOSTNAME = 15,        /**< sethostname(2) or setdomainname(2). */
    PROC_STEP_NETWORK = 16,         /**< Bringing the loopback device up. */
    PROC_STEP_RLIMIT = 17,          /**< prlimit(2); index = RLIMIT_... */
    PROC_STEP_NICE = 18,            /**< setpriority(2). */
    PROC_STEP_SCHEDULER = 19,       /**< sched_setscheduler(2) or sched_setattr(2). */
    PROC_STEP_CPUS = 20,            /**< sched_setaffinity(2). */
    PROC_STEP_IO_PRIORITY = 21,     /**< ioprio_set(2). */
    PROC_STEP_OOM_SCORE = 22,       /**< Writing oom_score_adj. */
    PROC_STEP_ROOT = 23,            /**< chroot(2). */
    PROC_STEP_CWD = 24,             /**< chdir(2) or fchdir(2); index = the descriptor, if it has no path. */
    PROC_STEP_FDS = 25,             /**< Placing a descriptor; index = its number in the child. */
    PROC_STEP_GROUPS = 26,          /**< setgroups(2). */
    PROC_STEP_GID = 27,             /**< setresgid(2). */
    PROC_STEP_UID = 28,             /**< setresuid(2). */
    PROC_STEP_CAPS = 29,            /**< Capabilities; index = which. */
    PROC_STEP_NO_NEW_PRIVS = 30,    /**< PR_SET_NO_NEW_PRIVS. */
    PROC_STEP_DIE_WITH_PARENT = 31, /**< PR_SET_PDEATHSIG. */
    PROC_STEP_LANDLOCK = 32,        /**< landlock(7); index = rule. */
    PROC_STEP_CLOSE = 33,           /**< Closing all other descriptors. */
    PROC_STEP_SIGNALS = 34,         /**< Mask or dispositions; index = signal. */
    PROC_STEP_SECCOMP = 35,         /**< seccomp(2); index = SIGSYS if the filter has killed it before its program. */
    PROC_STEP_HOOK = 36,            /**< A function of the caller. */
    PROC_STEP_EXEC = 37,            /**< execve(2), also of a path that names no file; index = which of the paths that
                                         were tried, from 0, or the descriptor. */
    PROC_STEP_WRITE = 39,           /**< Writing a file. */
    PROC_STEP_LOCK = 42,            /**< Taking a lock, or waiting for it. */
    PROC_STEP_INSPECT = 43,         /**< A file is refused for its owner, mode, kind or links. */
    PROC_STEP_FORK = 44,            /**< fork(2). */
    PROC_STEP_READY = 45            /**< A daemon's own start, until it is ready. */
};

/** What a call may have changed of this process before it failed, and could not undo: bits of proc_error.changed. */
enum {
    PROC_CHANGED_IDS = 0x01,       /**< User, group or groups. */
    PROC_CHANGED_LIMITS = 0x02,    /**< Resource limits, control group, nice value, scheduling. */
    PROC_CHANGED_SESSION = 0x04,   /**< Session, process group or terminal. */
    PROC_CHANGED_ROOT = 0x08,      /**< Root or working directory. */
    PROC_CHANGED_FDS = 0x10,       /**< Descriptors, or their close-on-exec flags. */
    PROC_CHANGED_SANDBOX = 0x20,   /**< Capabilities, no_new_privs, landlock or seccomp. */
    PROC_CHANGED_NAMESPACES = 0x40 /**< Namespaces. */
};

/**
 * Why a call failed, in full. Owned by the caller, optional wherever it appears, written on failure only.
 * @since 0.1
 */
typedef struct proc_error {
    int32_t step;     /**< PROC_STEP_... */
    int32_t code;     /**< The errno, positive; the call returned -code. */
    int32_t index;    /**< Which one, see the step; -1 if there is only one. */
    uint32_t changed; /**< What of this process could not be undone, PROC_CHANGED_...; always 0 for a start. */
    int32_t stage;    /**< Which child of a pipeline, from 0; -1: none of them, or there is no pipeline. */
    char text[236];   /**< One line, no newline: `spawn "grep": chdir "/nope": No such file or directory`. */
} proc_error;

/**
 * The word for a step, as error texts use it: "chdir", "exec", ...
 *
 * @param step A PROC_STEP_... number.
 * @return A static string, never NULL; "unknown step" for a number that this version does not know.
 *
 * Safety: any thread, also a signal handler.
 * @snippet snippets.c step_name
 * @since 0.1
 */
PROC_API const char *proc_step_name(int step);
/** @} */

/** @name How a process ended
 * @{ */

/** What is known of a process's end. */
enum {
    PROC_RUNNING = 0,         /**< It has not ended. */
    PROC_EXITED = 1,          /**< code = its exit code, 0..255. */
    PROC_SIGNALED = 2,        /**< code = the signal that ended it. */
    PROC_EXITED_UNREAPED = 3, /**< Not our child: gone, but its code shows only once its parent reaps it. */
    PROC_LOST = 4             /**< Ended, and the kernel cannot tell how: somebody else took the status. */
};

/**
 * How a process ended. An exit code and a signal are never folded into one number.
 * @since 0.1
 */
typedef struct proc_exit {
    int32_t kind;         /**< PROC_EXITED, PROC_SIGNALED, ... */
    int32_t code;         /**< Exit code or signal, else 0. */
    int32_t core;         /**< 1: a core was dumped. */
    int32_t reserved0;    /**< 0. */
    uint64_t reserved[4]; /**< 0. */
} proc_exit;

/**
 * Whether a process exited by itself with 0.
 *
 * @param ended What a wait has told.
 * @return 1 or 0.
 *
 * Safety: any thread, also a signal handler.
 * @snippet snippets.c exit_ok
 * @since 0.1
 */
PROC_API int proc_exit_ok(const proc_exit *ended);

/**
 * An end as a shell would put it into `$?`.
 *
 * @param ended What a wait has told.
 * @return 0..255: the exit code, 128 + signal, or 255 where neither is known. Not unique, so only for passing on.
 *
 * Safety: any thread, also a signal handler.
 * @snippet snippets.c exit_shell
 * @since 0.1
 */
PROC_API int proc_exit_shell(const proc_exit *ended);

/**
 * An end in words: "exited with 3", "killed by SIGSEGV (core dumped)", "still running", "ended, status lost".
 *
 * @param ended What a wait has told.
 * @param ret_text Receives the words, always terminated if size > 0. May be NULL if size is 0.
 * @param size Bytes at ret_text.
 * @return The length needed without the terminator, as snprintf(3) does; -EINVAL without `ended`.
 *
 * Safety: any thread.
 * @snippet snippets.c exit_text
 * @since 0.1
 */
PROC_API int proc_exit_text(const proc_exit *ended, char *ret_text, size_t size);
/** @} */

/** @name What this kernel, here and now, lets us do
 * @{ */

/** Features with a fallback; a number keeps its meaning for ever. */
enum {
    PROC_FEATURE_PIDFD = 1,          /**< pidfd_open(2). A child has its pidfd from birth; PROC_ORPHAN needs it. */
    PROC_FEATURE_CLONE3 = 2,         /**< clone3(2); else clone(2). */
    PROC_FEATURE_CLOSE_RANGE = 3,    /**< close_range(2) with CLOEXEC; else /proc/self/fd, else one by one. */
    PROC_FEATURE_EXIT_INFO = 4,      /**< A status that nobody can steal (PIDFD_INFO_EXIT); else LOST. */
    PROC_FEATURE_GROUP_SIGNAL = 5,   /**< pidfd_send_signal(2) to a process group; else kill(2) while it is unreaped. */
    PROC_FEATURE_INTO_CGROUP = 6,    /**< A child is born in its control group; else it moves there at once. */
    PROC_FEATURE_NOSIGNAL_WRITE = 8, /**< pwritev2(2) with RWF_NOSIGNAL; else SIGPIPE is blocked around the write. */
    PROC_FEATURE_OPENAT2 = 9,        /**< openat2(2), to follow no link; else a path is walked part by part. */
    PROC_FEATURE_USER_NAMESPACE = 10, /**< We can make user namespaces; proc_namespaces_check() says why not. */
    PROC_FEATURE_LANDLOCK = 11,      /**< landlock(7), of whatever rights; else an error, or nothing: best_effort. */
    PROC_FEATURE_SECCOMP = 12,       /**< seccomp(2) with filters; else an error. */
    PROC_FEATURE_PEER_PIDFD = 13,    /**< Who has sent a notification, as a pidfd; else by its pid. */
    PROC_FEATURE_FAST_SPAWN = 14     /**< A child borrows our memory until it execs; else it gets a copy, as fork(2). */
};

/**
 * Asks the kernel, each time anew, whether a feature can be used. Changes nothing and leaves nothing behind.
 *
 * @param feature PROC_FEATURE_...
 * @return 1 = there, 0 = absent or denied, and the fallback is used; -EINVAL = unknown number; another negative errno:
 *         it cannot be told now (no free descriptor, say).
 *
 * Safety: any thread.
 * @snippet snippets.c has
 * @since 0.1
 */
PROC_API int proc_has(int feature);
/** @} */

/**
 * The clock of every deadline in this library.
 *
 * @return Milliseconds on CLOCK_MONOTONIC; never negative.
 *
 * Safety: any thread, also a signal handler.
 * @see clock_gettime(2)
 * @snippet snippets.c now
 * @since 0.1
 */
PROC_API int64_t proc_now_ms(void);

/** @name Text that belongs to somebody else
 * @{ */

/**
 * Bytes somewhere else: a part of a text that was parsed. Lives as long as that text.
 * @since 0.1
 */
typedef struct proc_span {
    const char *data; /**< Not terminated; NULL if absent. */
    size_t len;       /**< Bytes at data. */
} proc_span;

/**
 * Makes bytes safe to print on a terminal, and keeps them readable. Control bytes, ESC, the backslash and all that is
 * not UTF-8 become `\xNN`, a byte each; so do the bytes of the letters that drive a terminal or reorder a line: the C1
 * controls, line separators, and the marks of writing direction. A process chooses its own name: print none without
 * this.
 *
 * @param data Bytes; may be NULL if len is 0.
 * @param len How many.
 * @param ret_text Receives the text, always terminated if size > 0; cut before a letter or an escape, never inside one.
 *        May be NULL if size is 0.
 * @param size Bytes at ret_text.
 * @return The length needed without the terminator, as snprintf(3) does; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @snippet status.c escape
 * @since 0.1
 */
PROC_API int64_t proc_escape(const void *data, size_t len, char *ret_text, size_t size);

/**
 * The next range of a kernel's list of CPUs or memory nodes: "0-3,8" is 0 to 3, then 8 to 8. Whatever the kernel
 * claims, a range costs one call.
 *
 * @param rest The list; shrinks as it is read.
 * @param ret_first First number of the range.
 * @param ret_last Last number, not below ret_first.
 * @return 1, 0 at the end of the list, -EINVAL: that is no such list; rest stays where it is.
 *
 * Safety: any thread, also a signal handler.
 * @see cpuset(7), section "Formats"
 * @snippet status.c range_next
 * @since 0.1
 */
PROC_API int proc_range_next(proc_span *rest, uint32_t *ret_first, uint32_t *ret_last);

/**
 * Growing memory of the caller, used by one call after the other. `{0}` is an empty one. It is kept between calls, so
 * that reading many things costs no allocation once the largest has been seen.
 * @since 0.1
 */
typedef struct proc_buffer {
    char *data;         /**< Bytes and a terminator; NULL while nothing was read. From malloc(3). */
    size_t len;         /**< Bytes at data. */
    size_t capacity;    /**< Bytes that fit without growing, the terminator not counted. */
    size_t limit;       /**< Set by the caller: never hold more bytes than this; 0 = 16 MiB. */
    uint32_t truncated; /**< 1: the source had more than limit. */
    uint32_t reserved;  /**< 0. */
} proc_buffer;

/**
 * Gives back the memory of a buffer, and empties it; its limit stays.
 *
 * @param buffer NULL and an empty one are welcome.
 *
 * Safety: any thread, one at a time for the same buffer.
 * @snippet status.c buffer
 * @since 0.1
 */
PROC_API void proc_buffer_done(proc_buffer *buffer);
/** @} */

/** @name Words for signals
 * @{ */

/**
 * The name of a signal without its "SIG": "TERM", "RTMIN+3". Real-time signals count from the first that libc leaves to
 * programs; those below it, which libc keeps for itself, are plain numbers, as is what this machine has no name for.
 *
 * @param signal 1 to 128.
 * @param ret_text Receives the name, always terminated if size > 0. May be NULL if size is 0.
 * @param size Bytes at ret_text; 16 are enough.
 * @return The length needed without the terminator, as snprintf(3) does; -EINVAL: no signal.
 *
 * Safety: any thread.
 * @see signal(7)
 * @snippet status.c signal_name
 * @since 0.1
 */
PROC_API int proc_signal_name(int signal, char *ret_text, size_t size);

/**
 * The number of a signal by its name or number: "TERM", "SIGTERM", "15", "RTMIN+3", "RTMAX-1", in any case of letters;
 * also the older names "CLD", "IOT" and "POLL". What proc_signal_name() gives for a signal of this machine comes back.
 *
 * @param name The whole text: no blanks.
 * @return The number, 1 to 64; -EINVAL: no signal.
 *
 * Safety: any thread.
 * @see signal(7)
 * @snippet signals.c signal_number
 * @since 0.1
 */
PROC_API int proc_signal_number(const char *name);

/**
 * A signal mask in words: "HUP,INT,RTMIN+3"; "" for an empty one.
 *
 * @param mask 128 bits, signal 1 = bit 0 of the first word; only MIPS has signals in the second.
 * @param ret_text Receives the words, always terminated if size > 0. May be NULL if size is 0.
 * @param size Bytes at ret_text.
 * @return The length needed without the terminator, as snprintf(3) does; -EINVAL.
 *
 * Safety: any thread.
 * @snippet status.c signal_mask
 * @since 0.1
 */
PROC_API int proc_signal_mask_text(const uint64_t mask[2], char *ret_text, size_t size);

/**
 * Whether a signal is in a mask.
 *
 * @param mask 128 bits, as above.
 * @param signal 1 to 128.
 * @return 1 or 0; 0 also for a number that is no signal.
 *
 * Safety: any thread, also a signal handler.
 * @snippet status.c signal_mask
 * @since 0.1
 */
PROC_API int proc_signal_mask_has(const uint64_t mask[2], int signal);
/** @} */

/** @name Which process a question is about
 * @{ */

/**
 * A process or one of its threads. NULL or all zero: this process. At most one of pid, dir_fd and pidfd is set.
 * Descriptors are borrowed for the length of the call.
 *
 * Ids are those of the proc file system that answers, which need not be those of the caller: a container's /proc has
 * numbers of its own.
 * @since 0.1
 */
typedef struct proc_target {
    int32_t pid;        /**< 0 = self. A thread's id names no process: -ESRCH. */
    int32_t tid;        /**< A thread of it; 0 = the process. */
    const int *root_fd; /**< Another /proc (a container's, a test's tree); NULL = /proc. Not with dir_fd. */
    const int *dir_fd;  /**< An open `/proc/<pid>` directory, instead of pid: cannot hit a recycled pid. */
    const int *pidfd;   /**< A pidfd, instead of pid: cannot hit a recycled pid. One of a thread (since 6.9) is as good
                               where a thread may be asked for. */
    uint64_t reserved[4]; /**< 0. */
} proc_target;

/** This process. */
#define PROC_SELF ((const proc_target *)0)
#ifdef PROC_LITERALS
/** The process with that id. */
#define PROC_PID(number) (&(const proc_target){.pid = (number)})
/** A thread of a process. */
#define PROC_THREAD(process, thread) (&(const proc_target){.pid = (process), .tid = (thread)})
/** The process that a pidfd names. */
#define PROC_PIDFD(number) (&(const proc_target){.pidfd = &(const int){(number)}})
#endif
/** @} */

/** @name Who a process is, and how one ended that is not our child
 * @{ */

/**
 * What tells a process from every other one, also from a later one with the same pid.
 * @since 0.1
 */
typedef struct proc_identity {
    int32_t pid;          /**< As the /proc that was asked counts. */
    int32_t reserved0;    /**< 0. */
    uint64_t start_ticks; /**< When it started, since boot: `/proc/<pid>/stat`. A time namespace of the reader moves
                               it. */
    uint64_t inode;       /**< Of its pidfd, never used again until the next boot; 0 where the kernel has none such
                               (before 6.9), or where pidfds are denied. */
    uint64_t reserved[4]; /**< 0. */
} proc_identity;

/**
 * Takes down who a process is, running or not reaped yet. Costs about a dozen system calls: for one process, not for
 * all. A pidfd that is kept open is the better identity; this one can be written into a file.
 *
 * @param target PROC_SELF, PROC_PID(n), PROC_PIDFD(fd), or one with a directory or another /proc. No thread.
 * @param ret_identity Receives the identity.
 * @return 0; -ESRCH: gone, or a thread's id; -EACCES: denied; -ENODATA: this /proc does not tell when it started;
 *         -ENODEV: no proc file system; -EBADF: a descriptor of the target is not open, or not of that kind; -EMFILE,
 *         -ENFILE: no free descriptor; -EINVAL: a thread, or a target that contradicts itself.
 *
 * Safety: any thread.
 * @see pidfd_open(2), proc(5)
 * @snippet walk.c identity
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_identity_get(const proc_target *target, proc_identity *ret_identity);

/**
 * Whether two identities are of one process. Without an inode in both, a pid that was given away again within one tick
 * (10 ms) of its first owner's start would be taken for it.
 *
 * @param a An identity; one of all zeros, or NULL, is nobody's.
 * @param b Another.
 * @return 1 or 0.
 *
 * Safety: any thread, also a signal handler.
 * @snippet walk.c identity
 * @since 0.1
 */
PROC_API int proc_identity_same(const proc_identity *a, const proc_identity *b);

/**
 * How a process, of whoever it is the child, has ended, if it has. Reaps nobody: who waits for it finds it as it was.
 *
 * - Running: PROC_RUNNING.
 * - Our child, ended: its true status.
 * - A stranger that has ended: PROC_EXITED_UNREAPED until its parent takes note. Then its true status where the kernel
 *   tells it (PROC_FEATURE_EXIT_INFO), else PROC_LOST.
 *
 * @param target Best PROC_PIDFD(fd): only who has held a pidfd learns of an end after it was reaped. A plain pid is one
 *        of our pid namespace. No thread.
 * @param ret_exit Receives what is known.
 * @return 0; -ESRCH: there is no such process now, and nobody can tell of an earlier one; -EOPNOTSUPP: the /proc of the
 *         target counts in another pid namespace; -ENOSYS: no pidfds here; -EBADF: not open, or no pidfd; -EMFILE,
 *         -ENFILE: no free descriptor; -EINVAL: a thread, or a target that contradicts itself.
 *
 * Safety: any thread.
 * @see pidfd_open(2)
 * @snippet walk.c exit_get
 * @since 0.1
 */
PROC_API int proc_exit_get(const proc_target *target, proc_exit *ret_exit);

/**
 * Waits until a process has ended and it is known how, or it is sure that nobody can know. Reaps nobody.
 *
 * A stranger whose parent does not reap it keeps that back: then the time goes by, and the answer is
 * PROC_EXITED_UNREAPED; so it is at once where the kernel would never tell more. To wait for the bare end, poll(2) a
 * pidfd for POLLIN.
 *
 * @param target As for proc_exit_get(), and not this process itself, which would wait for its own end.
 * @param timeout_ms 0 = look once, -1 = for ever.
 * @param ret_exit Receives how it ended; never PROC_RUNNING. May be NULL.
 * @return 0; -ETIMEDOUT: it still runs; or as proc_exit_get().
 *
 * Safety: any thread.
 * @see poll(2), pidfd_open(2)
 * @snippet walk.c exit_wait
 * @since 0.1
 */
PROC_API int proc_exit_wait(const proc_target *target, int timeout_ms, proc_exit *ret_exit);
/** @} */

/** @} */

#ifdef __cplusplus
}
#endif
#endif
