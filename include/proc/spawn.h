/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/spawn.h> - start a program, or a pipeline, from one request. Read: stdio entries, options, starting, the rarer
 * options.
 */
#ifndef PROC_SPAWN_H
#define PROC_SPAWN_H

#include <proc/child.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup spawn Spawn
 * @brief One struct says how a program is started; its zero value is the safe default.
 *
 * Zero means: stdin, stdout and stderr inherited; every other descriptor closed; no signal blocked, handlers reset,
 * ignored signals still ignored but SIGPIPE reset; the program searched in the PATH of the child's environment.
 *
 * What the child does between its birth and execve(2), in this order: session, process group, terminal, control group,
 * CPUs, policy, nice, I/O priority, OOM score, namespaces, umask, root, working directory, descriptors, resource
 * limits, groups, gid, uid, capabilities, no_new_privs, death with the parent, hook, closing the rest, landlock,
 * signals, seccomp, execve. A step that fails ends the start: the call returns its errno, `options.error` names it,
 * and nothing is left behind.
 * @{
 */

/** @name 1. Stdio entries: what one descriptor of the child is
 * @{ */

/** Kinds of an entry. */
enum {
    PROC_STDIO_DEFAULT = 0,  /**< Not said: 0 to 2 are inherited if open and not close-on-exec, between the stages of a
                                  pipeline its pipe; others as INHERIT. */
    PROC_STDIO_INHERIT = 1,  /**< Our descriptor of the same number, also if it is close-on-exec; it must be open. */
    PROC_STDIO_NULL = 2,     /**< /dev/null */
    PROC_STDIO_PIPE = 3,     /**< A pipe whose other end is ours: proc_read(), proc_write(), proc_child_stream(). */
    PROC_STDIO_SOCKET = 4,   /**< The same, both ways: a pair of stream sockets. */
    PROC_STDIO_PTY = 5,      /**< The child's terminal, one for all such entries: see the group "Terminals". */
    PROC_STDIO_FD = 6,       /**< This descriptor of ours; it stays open here. */
    PROC_STDIO_PATH = 7,     /**< A file, opened before the start with our cwd, ids and umask. A FIFO may block. */
    PROC_STDIO_SAME_AS = 8,  /**< Whatever that other number of the child is. */
    PROC_STDIO_BYTES = 9,    /**< The child reads these bytes, then the end of file; not from 1 or 2. */
    PROC_STDIO_CAPTURE = 10, /**< What the child writes is kept for the result; not to 0, but for a terminal. */
    PROC_STDIO_CALLBACK = 11 /**< What the child writes, or wants to read, goes through a function. */
};

#define PROC_STDIO_TO_CHILD 0x01u   /**< PIPE, CALLBACK: the child reads it; the default for number 0. */
#define PROC_STDIO_FROM_CHILD 0x02u /**< PIPE, CALLBACK: the child writes it; the default for all other numbers. */
#define PROC_STDIO_APPEND 0x04u     /**< PATH: append instead of truncate. */
#define PROC_STDIO_EXPLICIT 0x08u   /**< PATH: use open_flags as they are. */
#define PROC_STDIO_TAIL 0x10u       /**< CAPTURE: beyond the limit keep the end, not the beginning. */
#define PROC_STDIO_TEE 0x20u        /**< CAPTURE, CALLBACK: what is read is also written to our `fd`. */
#define PROC_STDIO_LINES 0x40u      /**< CALLBACK: one call per line. */
#define PROC_STDIO_ON_PTY 0x100u    /**< CAPTURE, CALLBACK from the child: what its terminal shows, not a pipe; once. */

/**
 * Takes what the child wrote: a chunk, or with PROC_STDIO_LINES a line. Called in the thread that runs or pumps, with
 * no lock held.
 *
 * @param fd The child's number of the descriptor.
 * @param data The bytes, not terminated. A line keeps its newline; a piece without one is the last line, or part of a
 *        line longer than the entry's `size`.
 * @param len How many; 0 = the end of file, told once.
 * @param user As given.
 * @return 0, or a negative errno to read no more: our end is closed, and the result carries the error.
 * @snippet snippets.c on_data
 */
typedef int (*proc_on_data)(int fd, const char *data, size_t len, void *user);

/**
 * Gives what the child shall read. Called in the thread that runs or pumps, with no lock held.
 *
 * @param fd The child's number of the descriptor.
 * @param buffer Receives the bytes.
 * @param size Room at buffer.
 * @param user As given.
 * @return How many bytes, at most `size`; 0 = no more, the child sees the end of file; a negative errno = the same, and
 *         the result carries the error.
 * @snippet snippets.c on_space
 */
typedef int64_t (*proc_on_space)(int fd, char *buffer, size_t size, void *user);

/**
 * What one descriptor of the child is. {0} is the default. What it points to is used, never freed, and must live until
 * the stream has ended. Members that the kind does not name must be 0.
 * @since 0.1
 */
typedef struct proc_stdio {
    int32_t kind;           /**< PROC_STDIO_... */
    uint32_t flags;         /**< PROC_STDIO_TO_CHILD ... */
    int32_t fd;             /**< FD, TEE: our number; SAME_AS: the child's number. */
    int32_t open_flags;     /**< PATH with EXPLICIT: O_...; O_CLOEXEC and O_NOCTTY are added. */
    uint32_t mode;          /**< PATH: of a new file, before our umask; 0 = 0666. */
    uint32_t reserved0;     /**< 0. */
    const char *path;       /**< PATH. */
    const void *data;       /**< BYTES. */
    size_t size;            /**< BYTES: how many, SIZE_MAX = up to the NUL; CAPTURE: most to keep, 0 = 64 MiB;
                                 CALLBACK with LINES: longest line, 0 = 64 KiB. */
    proc_on_data on_data;   /**< CALLBACK from the child. */
    proc_on_space on_space; /**< CALLBACK to the child. */
    void *user;             /**< CALLBACK: handed on. */
    uint64_t reserved[2];   /**< 0. */
} proc_stdio;

/* So that an entry can be spelled in C and C++ alike. */
#ifdef __cplusplus
#define PROC_STDIO_(k, fl, f, of, m, p, d, n, cb, sp, u) (proc_stdio{k, fl, f, of, m, 0, p, d, n, cb, sp, u, {0, 0}})
#else
#define PROC_STDIO_(k, fl, f, of, m, p, d, n, cb, sp, u) ((proc_stdio){k, fl, f, of, m, 0, p, d, n, cb, sp, u, {0, 0}})
#endif
#define PROC_STDIO_KIND_(k, flags) PROC_STDIO_(k, flags, 0, 0, 0, NULL, NULL, 0, NULL, NULL, NULL)

/** Our descriptor of the same number. */
#define PROC_INHERIT PROC_STDIO_KIND_(PROC_STDIO_INHERIT, 0)
/** /dev/null */
#define PROC_NULL PROC_STDIO_KIND_(PROC_STDIO_NULL, 0)
/** A pipe: the child reads it at number 0, and writes it at every other number. */
#define PROC_PIPE PROC_STDIO_KIND_(PROC_STDIO_PIPE, 0)
/** A pipe that the child reads, at any number. */
#define PROC_PIPE_TO_CHILD PROC_STDIO_KIND_(PROC_STDIO_PIPE, PROC_STDIO_TO_CHILD)
/** A pipe that the child writes, at any number. */
#define PROC_PIPE_FROM_CHILD PROC_STDIO_KIND_(PROC_STDIO_PIPE, PROC_STDIO_FROM_CHILD)
/** A socket, both ways. To let the child see the end of file and still read it, shutdown(2) proc_child_stream(). */
#define PROC_SOCKET PROC_STDIO_KIND_(PROC_STDIO_SOCKET, 0)
/** The child's terminal: `.in = PROC_PTY, .out = PROC_PTY, .err = PROC_PTY`. */
#define PROC_PTY PROC_STDIO_KIND_(PROC_STDIO_PTY, 0)
/** Our descriptor `number`. */
#define PROC_FD(number) PROC_STDIO_(PROC_STDIO_FD, 0, number, 0, 0, NULL, NULL, 0, NULL, NULL, NULL)
/** The same as the child's `number`: `.err = PROC_SAME_AS(1)`. */
#define PROC_SAME_AS(number) PROC_STDIO_(PROC_STDIO_SAME_AS, 0, number, 0, 0, NULL, NULL, 0, NULL, NULL, NULL)
/** A file: read for number 0, created and truncated for every other number. */
#define PROC_PATH(name) PROC_STDIO_(PROC_STDIO_PATH, 0, 0, 0, 0, name, NULL, 0, NULL, NULL, NULL)
/** A file, created if it is not there, written at its end. */
#define PROC_APPEND(name) PROC_STDIO_(PROC_STDIO_PATH, PROC_STDIO_APPEND, 0, 0, 0, name, NULL, 0, NULL, NULL, NULL)
/** A file, opened as open(2) is told to. */
#define PROC_OPEN(name, open_flags, mode) \
    PROC_STDIO_(PROC_STDIO_PATH, PROC_STDIO_EXPLICIT, 0, open_flags, mode, name, NULL, 0, NULL, NULL, NULL)
/** The child reads this string. */
#define PROC_TEXT(string) PROC_STDIO_(PROC_STDIO_BYTES, 0, 0, 0, 0, NULL, string, SIZE_MAX, NULL, NULL, NULL)
/** The child reads these bytes. */
#define PROC_BYTES(data, size) PROC_STDIO_(PROC_STDIO_BYTES, 0, 0, 0, 0, NULL, data, size, NULL, NULL, NULL)
/** Keeps up to 64 MiB; more is read, counted and dropped, and the result says truncated. */
#define PROC_CAPTURE PROC_STDIO_KIND_(PROC_STDIO_CAPTURE, 0)
/** Keeps the first `most` bytes. */
#define PROC_CAPTURE_HEAD(most) PROC_STDIO_(PROC_STDIO_CAPTURE, 0, 0, 0, 0, NULL, NULL, most, NULL, NULL, NULL)
/** Keeps the last `most` bytes. */
#define PROC_CAPTURE_TAIL(most) \
    PROC_STDIO_(PROC_STDIO_CAPTURE, PROC_STDIO_TAIL, 0, 0, 0, NULL, NULL, most, NULL, NULL, NULL)
/**
 * Keeps what the child writes as PROC_CAPTURE does, and writes a copy to our descriptor `number` as it comes, as tee(1)
 * does: `.out = PROC_CAPTURE_TEE(1)`. Open for writing at the start; a copy of it is used, so it may be closed then.
 *
 * Blocking or not, the target keeps no deadline waiting: while it takes nothing, no more is read from this descriptor
 * of the child, and everything else goes on. Once the child has ended it still has the time of the call (timeout_ms, or
 * the parameter of proc_collect()) to take what is left. When the time is over, the child is stopped or the run is
 * cancelled, a target that is full is given up: `tee_error` of the output is -ETIMEDOUT. It is the errno if a write
 * fails (-EPIPE, -ENOSPC, ...), and never a SIGPIPE. What is kept is complete in any case; the result's `error` has it,
 * too. With a CALLBACK entry, set PROC_STDIO_TEE and `fd`: the same, and the error is in the result alone.
 *
 * Files are written to as they are: one on a file system that does not answer makes us wait, and RLIMIT_FSIZE raises
 * SIGXFSZ as at any write(2).
 *
 * @snippet pipeline.c tee
 */
#define PROC_CAPTURE_TEE(number) \
    PROC_STDIO_(PROC_STDIO_CAPTURE, PROC_STDIO_TEE, number, 0, 0, NULL, NULL, 0, NULL, NULL, NULL)
/** Keeps up to 64 MiB of what the child's terminal shows: `.out = PROC_CAPTURE_PTY, .err = PROC_PTY`. */
#define PROC_CAPTURE_PTY PROC_STDIO_KIND_(PROC_STDIO_CAPTURE, PROC_STDIO_ON_PTY)
/** Every chunk that the child writes goes to `on_data`. */
#define PROC_CALLBACK(on_data, user) \
    PROC_STDIO_(PROC_STDIO_CALLBACK, PROC_STDIO_FROM_CHILD, 0, 0, 0, NULL, NULL, 0, on_data, NULL, user)
/** Every line that the child writes goes to `on_data`. */
#define PROC_LINES(on_data, user)                                                                                     \
    PROC_STDIO_(PROC_STDIO_CALLBACK, PROC_STDIO_FROM_CHILD | PROC_STDIO_LINES, 0, 0, 0, NULL, NULL, 0, on_data, NULL, \
                user)
/** Every line that the child's terminal shows goes to `on_data`. */
#define PROC_LINES_PTY(on_data, user)                                                                                  \
    PROC_STDIO_(PROC_STDIO_CALLBACK, PROC_STDIO_FROM_CHILD | PROC_STDIO_LINES | PROC_STDIO_ON_PTY, 0, 0, 0, NULL, \
                NULL, 0, on_data, NULL, user)
/** What the child reads comes from `on_space`. */
#define PROC_SUPPLY(on_space, user) \
    PROC_STDIO_(PROC_STDIO_CALLBACK, PROC_STDIO_TO_CHILD, 0, 0, 0, NULL, NULL, 0, NULL, on_space, user)

/**
 * An entry for a number beyond 2: `.fds = PROC_FDS({3, PROC_FD(socket)}, {4, PROC_PIPE_FROM_CHILD})`. All entries are
 * placed at once, so swaps, cycles and duplicates are safe.
 * @since 0.1
 */
typedef struct proc_slot {
    int32_t number; /**< In the child; 3 or more, each once. At or beyond our RLIMIT_NOFILE: -EBADF. */
    proc_stdio is;  /**< What it shall be. */
} proc_slot;
/** @} */

/** @name 2. Options. Zero always means "the safe default"
 * @{ */
#define PROC_NEW_SESSION 0x0001u     /**< setsid(2): leads a new session and process group; without a terminal, if it
                                          gets none of its own. */
#define PROC_NEW_GROUP 0x0002u       /**< Leads a new process group. */
#define PROC_INHERIT_FDS 0x0004u     /**< Our other descriptors stay open, unless they are close-on-exec. */
#define PROC_INHERIT_SIGNALS 0x0008u /**< The calling thread's mask, and all ignored signals, as they are. */
/**
 * The child gets SIGKILL when this program ends, however it ends; not when the thread ends that called. A set-user-ID
 * program, or one with capabilities of its own, is let off by the kernel when it is executed; and a program that could
 * not kill(2) the child any more, having given up its privileges, does not take it along either.
 *
 * For this the kernel wants a thread that lives as long as the child: proc_spawn() makes one, which sleeps. It is a
 * copy of the calling one in all that a child inherits, it takes no signals, and has ended when the handle of the ended
 * child has been freed. Until then the program has more threads than it made: proc_daemonize() refuses, and so does
 * unshare(2) of a user namespace. To the kernel, execve(2) ends this program, too: the child does not outlive it.
 * @see prctl(2)
 */
#define PROC_DIE_WITH_PARENT 0x0010u
#define PROC_DETACH 0x0020u          /**< Freeing the handle lets the child run, see proc_detach(). */
/**
 * The program's process is no child of ours: whoever gets orphans reaps it (init, or the nearest ancestor that is a
 * subreaper), and it is nobody's zombie for long. All else is as in every start: a failure comes home with step and
 * text, the handle has pid and pidfd, its streams are read and written, and the program sees but one parent. It implies
 * PROC_DETACH. For proc_spawn() alone; a hook, a seccomp filter and PROC_DIE_WITH_PARENT exclude it. It needs
 * PROC_FEATURE_PIDFD: without that the start is -ENOSYS.
 *
 * We send signals by the pidfd, and wait by it. How it has ended only its parent is told: proc_wait() tells it, once
 * that one has reaped it, where the kernel keeps it (PROC_FEATURE_EXIT_INFO), and PROC_LOST elsewhere, or if nobody
 * reaps it within 5 s; proc_stop() waits for that, too, whatever its steps say. What it has cost is not known, its
 * stops are not seen, and its group is signalled as one where the kernel can do that by a pidfd (Linux 6.9), else
 * -ENOTSUP, and a stop reaches it alone. SIGCHLD is not raised, and waits for just any child do not meet it.
 *
 * If this program is itself who gets orphans (a subreaper, or the first process of a pid namespace), the process
 * becomes a child of ours after all: it is waited for like any, sends SIGCHLD, and is a zombie until then.
 *
 * The start copies our page tables, as fork(2) does.
 */
#define PROC_ORPHAN 0x0040u
#define PROC_SEARCH_RELATIVE 0x0100u /**< Empty and relative elements of the search list count, too. */
#define PROC_SCRIPT_FALLBACK 0x0200u /**< A file without a format (-ENOEXEC) is given to /bin/sh, as execvp(3) does. */
#define PROC_LISTEN_FDS 0x0400u      /**< LISTEN_FDS and LISTEN_PID announce .fds, which are 3, 4, ... without a gap;
                                          they are set anew, whatever the environment says. */

/** One step of a stop. */
typedef struct proc_stop_step {
    int32_t signal;  /**< 1..64. */
    int32_t scope;   /**< PROC_ONE, PROC_GROUP (the child must lead a group), PROC_TREE. */
    int32_t wait_ms; /**< For the end, before the next step. 0 = go on at once, -1 = for ever. */
} proc_stop_step;

/** A counted list of slots. */
typedef struct proc_slots {
    const proc_slot *items; /**< The first. */
    size_t count;           /**< How many. */
} proc_slots;
/** A counted list of steps. */
typedef struct proc_stop_steps {
    const proc_stop_step *items; /**< The first. */
    size_t count;                /**< How many; 0 = the default steps. */
} proc_stop_steps;
#ifdef PROC_LITERALS
/** A list of slots: `PROC_FDS({3, PROC_FD(4)}, {4, PROC_FD(3)})`. */
#define PROC_FDS(...) PROC_LIST_(proc_slots, proc_slot, __VA_ARGS__)
/** A list of steps: `PROC_STOP_STEPS({SIGINT, PROC_ONE, 500}, {SIGKILL, PROC_ONE, 2000})`. */
#define PROC_STOP_STEPS(...) PROC_LIST_(proc_stop_steps, proc_stop_step, __VA_ARGS__)
#endif

/**
 * How to run a program; the remarks name the default after a semicolon. Once the start has returned, only what the
 * stdio entries point to is still used. What this version cannot do yet is -ENOTSUP with a text, never left out
 * silently.
 *
 * A longer struct than the library knows is -E2BIG if it says something beyond, and in any case beyond 64 KiB; a
 * shorter one is an older caller's; size 0 is -EINVAL. This holds for every struct with a size. Where the size of the
 * options themselves is 0 there is no text either, since they may be too old to have an `error`.
 * @since 0.1
 */
typedef struct proc_options {
    size_t size;        /**< sizeof(proc_options); PROC_OPTIONS() sets it. */
    uint32_t flags;     /**< PROC_NEW_GROUP, ... */
    int32_t timeout_ms; /**< For proc_run() and proc_pipeline(): when to stop; 0 and -1 = never. Others refuse it. */

    proc_stdio in;               /**< Descriptor 0; inherited. */
    proc_stdio out;              /**< Descriptor 1; inherited. */
    proc_stdio err;              /**< Descriptor 2; inherited. */
    proc_slots fds;              /**< Other numbers; all that are not named are closed. */
    const char *program;         /**< Name to search, or file (with a slash, as seen from the child's cwd); argv[0]. */
    const char *search;          /**< "dir:dir"; the child's PATH, else "/usr/local/bin:/usr/bin:/bin". */
    const char *const *env;      /**< The whole environment; ours, without a LISTEN_PID that names us, and what it
                                      announces. */
    const char *const *env_edit; /**< Then, in this order, "A=1" sets and "A" unsets. */
    const char *cwd;             /**< Working directory; ours. */
    const uint32_t *umask;       /**< File mode creation mask; ours. */
    proc_stop_steps stop;        /**< SIGTERM, 5 s, SIGKILL, 5 s; to its group if it leads one. */
    proc_error *error;           /**< Receives the details of a failure. */

    const struct proc_start *start;           /**< Candidates, program and directory by descriptor, group to join. */
    const struct proc_transfer *transfer;     /**< Draining, cancelling. */
    const struct proc_ids *ids;               /**< User, group, groups. */
    const struct proc_dispositions *signals;  /**< Blocked, ignored, reset. */
    const struct proc_terminal *terminal;     /**< Its size, controlling terminal, foreground: <proc/terminal.h>. */
    const struct proc_scheduling *scheduling; /**< CPUs, policy, nice, I/O priority: <proc/scheduling.h>. */
    const struct proc_limits *limits;         /**< Control group, OOM score, rlimits: <proc/limits.h>. */
    const struct proc_namespaces *namespaces; /**< New ones and joined ones: <proc/namespace.h>; ours. */
    const struct proc_sandbox *sandbox;       /**< Root, capabilities, landlock, seccomp: <proc/sandbox.h>. */
    const struct proc_hook *hook;             /**< A function of ours just before the program: <proc/fork.h>. */
} proc_options;
#ifdef PROC_LITERALS
/** The options, named: `PROC_OPTIONS(.cwd = "/srv")`. Lives until the end of the enclosing block: pass it, do not keep
 *  it. */
#define PROC_OPTIONS(...) (&(const proc_options){.size = sizeof(proc_options), __VA_ARGS__})
#endif
/** @} */

/** @name 3. Starting
 * @{ */

/**
 * Starts a program, and returns once it runs: a program that cannot be run is an error here, not an exit code later.
 *
 * The whole request is looked at before anything is made. The call cannot be cut short while the kernel starts the
 * program (a dead network file system, say). What a PATH entry has made or emptied stays so when a later step fails.
 *
 * Without options.env the environment is the caller's, read as by getenv(3): no other thread may change it meanwhile.
 *
 * @param child Receives the handle; end it with proc_child_free(). Untouched on failure.
 * @param argv The arguments, argv[0] first, ended by NULL. From a `char **`: PROC_STRINGS().
 * @param options How; NULL = all defaults.
 * @return 0, or a negative errno with step and text in options->error. -ENOENT: no such program (PROC_STEP_SEARCH,
 *         PROC_STEP_EXEC) or directory (PROC_STEP_CWD), or the program's interpreter is missing (PROC_STEP_EXEC, the
 *         text says so); -EACCES: not executable, or not allowed; -ENOEXEC: not a program; -EINVAL, -ENOTSUP, -E2BIG:
 *         the request (PROC_STEP_OPTIONS); -EMFILE, -ENFILE, -ENOMEM, -EAGAIN: a limit, try again later; -ENOSYS: no
 *         pidfds here; any other errno of the step that failed.
 *
 * Safety: any thread, at any time; all signals are blocked in the calling thread meanwhile, and its mask is as before
 * afterwards.
 * @see execve(2), clone(2), environ(7)
 * @snippet snippets.c spawn
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_spawn(proc_child **child, const char *const argv[], const proc_options *options);

/**
 * One program, and how to run it. Lists of requests end with one whose argv is NULL.
 * @since 0.1
 */
typedef struct proc_request {
    const char *const *argv;     /**< The arguments, argv[0] first, ended by NULL. */
    const proc_options *options; /**< How; NULL = all defaults. */
} proc_request;
#ifdef PROC_LITERALS
/** One request: the arguments, and all defaults. With options, spell it: `{PROC_ARGV("sort"), PROC_OPTIONS(...)}`. */
#define PROC_REQUEST(...) {PROC_ARGV(__VA_ARGS__), NULL}
/** A list of requests: `PROC_REQUESTS(PROC_REQUEST("ls"), PROC_REQUEST("wc", "-l"))`. */
#define PROC_REQUESTS(...) ((const proc_request[]){__VA_ARGS__, {NULL, NULL}})
#endif

/**
 * Starts a pipeline, `a | b | c`: what each stage writes to 1 the next one reads from 0. All stages run when it
 * returns, or none: those that had been started already when one fails are killed and reaped (they may have run for a
 * moment, the first ones first). All stages are looked at before anything is made.
 *
 * The options are those of each stage. A stage that has options of its own is started by them, and by the pipeline's
 * where its own say nothing: a member that is 0 or NULL, an entry that is {0}. Flags are those of both. Of this there
 * are four exceptions:
 * - `in` is for the first stage, `out` for the last; between stages a stage's own must be {0}.
 * - `err`, if something has to be made for it (PIPE, SOCKET, PATH, CAPTURE, CALLBACK), is made once for all stages that
 *   have none of their own, so that a file is truncated once and what is captured comes in the order of its writing. It
 *   belongs to the last of these stages: `proc_read(children[last], 2, ...)`. A stage's own `err` is its own. In the
 *   pipeline's `fds` such entries are refused, and a terminal, which is one stage's, in all of them.
 * - PROC_NEW_GROUP of the pipeline makes one group of all: the first stage leads it, and the others join it. Signal all
 *   by `proc_kill(children[0], signal, PROC_GROUP)`, as long as that one has not been waited for: wait for it last. Its
 *   free kills the group if it still runs. If all who are in it have ended before a stage starts, and somebody else
 *   reaped them, that stage leads a new one. PROC_NEW_SESSION makes a session for each stage instead. Such a group is
 *   the job of a shell: `terminal->foreground` puts all of it into the foreground. Only the first stage may have a pid
 *   namespace of its own: in others the group has another number.
 * - `timeout_ms`, `stop`, `transfer` and `error` are the pipeline's alone, and refused in a stage's own.
 *
 * Free the last one first if they may still run: a stage that is killed is the end of input for the next one.
 *
 * A stage that is waited for or collected while another one cannot go on never ends: proc_pump() and proc_wait_any()
 * take them all. proc_pipeline() does all of this in one call.
 *
 * @param children Receives a handle for each request, in their order; end each with proc_child_free(). Untouched on
 *        failure.
 * @param requests The stages, at least one; ended by one whose argv is NULL.
 * @param options For all; NULL = all defaults.
 * @return How many stages, or a negative errno as proc_spawn() gives it; options->error has step, stage and text, which
 *         names the program of the stage: `pipeline "sort": exec: Permission denied`.
 *
 * Safety: any thread, at any time; all signals are blocked in the calling thread meanwhile, and its mask is as before
 * afterwards.
 * @see pipe(7)
 * @snippet pipeline.c spawn_pipeline
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_spawn_pipeline(proc_child *children[], const proc_request requests[],
                                            const proc_options *options);
/** @} */

/** @name 4. The rarer options: each a small struct of its own
 * @{ */

/**
 * What is started, where, and in which group.
 *
 * A program by descriptor may be anything that fexecve(3) takes, a memory file too; argv[0] is free. The interpreter of
 * a script opens the descriptor again, so the child must have it: `.fds = PROC_FDS({9, PROC_FD(fd)})`, unless it is
 * inherited at its own number; without that a script is -ENOENT, with a text.
 */
typedef struct proc_start {
    size_t size;                     /**< sizeof(proc_start). */
    const char *const *candidates;   /**< `PROC_NAMES("editor", "vi")`: the first that can be run, not program. */
    const int *cwd_fd;               /**< An open directory, instead of cwd; with both, cwd is resolved in it. */
    const int *group;                /**< A process group to join; it must be in our session. */
    const int *program_fd;           /**< An open file to execute, instead of program; it is not searched. */
    const char *const *listen_names; /**< With PROC_LISTEN_FDS: LISTEN_FDNAMES, a name for 3, for 4, ..., each of 1 to
                                          255 printable ASCII characters, no blank or colon; none. */
} proc_start;

/** How proc_run() and proc_collect() move the bytes. */
typedef struct proc_transfer {
    size_t size;          /**< sizeof(proc_transfer). */
    int32_t drain_ms;     /**< How long output may outlive the child; 0 = 100 ms, -1 = until it ends. */
    uint32_t reserved;    /**< 0. */
    const int *cancel_fd; /**< Readable, hung up or in error = stop the child now: result cancelled. Open; only polled,
                               never read. */
} proc_transfer;

/** A counted list of group ids. */
typedef struct proc_groups {
    const uint32_t *items; /**< The first; NULL = no list given. */
    size_t count;          /**< How many; 0 with items = the empty list. */
} proc_groups;

/** Who the child is. */
typedef struct proc_ids {
    size_t size;          /**< sizeof(proc_ids). */
    const uint32_t *uid;  /**< Real, effective and saved user, only together with gid; ours. */
    const uint32_t *gid;  /**< Real, effective and saved group; ours. */
    proc_groups groups;   /**< Supplementary groups; emptied if uid is given, else ours. */
    uint32_t keep_groups; /**< 1: ours although uid is given; 0. */
    uint32_t reserved;    /**< 0. */
} proc_ids;

/** Its signals. Sets are masks of PROC_SIGNAL(). */
typedef struct proc_dispositions {
    size_t size;     /**< sizeof(proc_dispositions). */
    uint64_t block;  /**< Blocked at its start, with PROC_INHERIT_SIGNALS in addition to ours; none. */
    uint64_t ignore; /**< Ignored, in addition to those that we ignore (of which SIGPIPE is reset). */
    uint64_t reset;  /**< Default, although we ignore them. */
} proc_dispositions;

#ifdef PROC_LITERALS
#define PROC_GROUPS(...) PROC_LIST_(proc_groups, uint32_t, __VA_ARGS__) /**< A list of group ids. */
#define PROC_NO_GROUPS ((proc_groups){(const uint32_t[]){0}, 0})        /**< The empty list of group ids. */
#define PROC_START(...) PROC_SIZED_(proc_start, __VA_ARGS__)               /**< Members by name. */
#define PROC_TRANSFER(...) PROC_SIZED_(proc_transfer, __VA_ARGS__)         /**< Members by name. */
#define PROC_IDS(...) PROC_SIZED_(proc_ids, __VA_ARGS__)                   /**< Members by name. */
#define PROC_DISPOSITIONS(...) PROC_SIZED_(proc_dispositions, __VA_ARGS__) /**< Members by name. */
#endif
/** @} */
/** @} */

#ifdef __cplusplus
}
#endif
#endif
