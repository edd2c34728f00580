/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/procfs.h> - the other files of `/proc/<pid>`: stat and all that a process tool needs beside the status.
 */
#ifndef PROC_PROCFS_H
#define PROC_PROCFS_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup procfs Files of /proc
 * @brief What the kernel tells of a process in its other files, as plain data.
 *
 * Each file has a parser, which takes a text from anywhere apart and is pure (no system call, no allocation, no state),
 * and a reader, which asks the kernel. Files of many lines are read into a buffer, and taken line by line from a span.
 *
 * What a file costs is written at its reader, in one of three words:
 * - **cheap**: takes no lock that the process could hold. Safe to ask of every process, again and again.
 * - **may block**: waits for the process's memory map or its exec: for ever, if that one is stuck in the kernel.
 * - **privileged**: of other users' processes only with CAP_SYS_PTRACE or a like right.
 *
 * Errors are the same everywhere: -ESRCH: gone, never there, or hidden from us, or this kernel has no such file;
 * -EACCES: denied; -ENODEV: there is no proc file system; -EBADF: a descriptor of the target is not open, or not of
 * that kind; -EMFILE, -ENFILE: no free descriptor; -ENOMEM; -EINVAL: a target that contradicts itself, or no place for
 * the answer. Only the status knows a thread's id from a process's (proc_status_read()): the other files answer to
 * both.
 * @{
 */

/** @name stat: a process in one line
 * @{ */

/** The 52 fields, numbered as in proc(5); also the bits of proc_stat.present. */
enum {
    PROC_STAT_PID = 1,                 /**< pid. */
    PROC_STAT_NAME = 2,                /**< name. */
    PROC_STAT_STATE = 3,               /**< state. */
    PROC_STAT_PPID = 4,                /**< ppid. */
    PROC_STAT_PGRP = 5,                /**< pgrp. */
    PROC_STAT_SESSION = 6,             /**< session. */
    PROC_STAT_TTY = 7,                 /**< tty. */
    PROC_STAT_TTY_PGRP = 8,            /**< tty_pgrp. */
    PROC_STAT_FLAGS = 9,               /**< flags. */
    PROC_STAT_MINOR_FAULTS = 10,       /**< minor_faults. */
    PROC_STAT_CHILD_MINOR_FAULTS = 11, /**< child_minor_faults. */
    PROC_STAT_MAJOR_FAULTS = 12,       /**< major_faults. */
    PROC_STAT_CHILD_MAJOR_FAULTS = 13, /**< child_major_faults. */
    PROC_STAT_USER_TICKS = 14,         /**< user_ticks. */
    PROC_STAT_SYSTEM_TICKS = 15,       /**< system_ticks. */
    PROC_STAT_CHILD_USER_TICKS = 16,   /**< child_user_ticks. */
    PROC_STAT_CHILD_SYSTEM_TICKS = 17, /**< child_system_ticks. */
    PROC_STAT_PRIORITY = 18,           /**< priority. */
    PROC_STAT_NICE = 19,               /**< nice. */
    PROC_STAT_THREADS = 20,            /**< threads. */
    PROC_STAT_TIMER_VALUE = 21,        /**< timer_value. */
    PROC_STAT_START_TICKS = 22,        /**< start_ticks. */
    PROC_STAT_VM_SIZE = 23,            /**< vm_size_bytes. */
    PROC_STAT_RSS = 24,                /**< rss_pages. */
    PROC_STAT_RSS_LIMIT = 25,          /**< rss_limit_bytes. */
    PROC_STAT_CODE_START = 26,         /**< code_start. */
    PROC_STAT_CODE_END = 27,           /**< code_end. */
    PROC_STAT_STACK_START = 28,        /**< stack_start. */
    PROC_STAT_STACK_POINTER = 29,      /**< stack_pointer. */
    PROC_STAT_INSTRUCTION_POINTER = 30, /**< instruction_pointer. */
    PROC_STAT_SIG_PENDING = 31,        /**< sig_pending. */
    PROC_STAT_SIG_BLOCKED = 32,        /**< sig_blocked. */
    PROC_STAT_SIG_IGNORED = 33,        /**< sig_ignored. */
    PROC_STAT_SIG_CAUGHT = 34,         /**< sig_caught. */
    PROC_STAT_WAIT_CHANNEL = 35,       /**< wait_channel. */
    PROC_STAT_SWAPPED = 36,            /**< swapped_pages. */
    PROC_STAT_CHILD_SWAPPED = 37,      /**< child_swapped_pages. */
    PROC_STAT_EXIT_SIGNAL = 38,        /**< exit_signal. */
    PROC_STAT_CPU = 39,                /**< cpu. */
    PROC_STAT_RT_PRIORITY = 40,        /**< rt_priority; since 2.5.19. */
    PROC_STAT_POLICY = 41,             /**< policy; since 2.5.19. */
    PROC_STAT_IO_DELAY_TICKS = 42,     /**< io_delay_ticks; since 2.6.18. */
    PROC_STAT_GUEST_TICKS = 43,        /**< guest_ticks; since 2.6.24. */
    PROC_STAT_CHILD_GUEST_TICKS = 44,  /**< child_guest_ticks; since 2.6.24. */
    PROC_STAT_DATA_START = 45,         /**< data_start; since 3.3. */
    PROC_STAT_DATA_END = 46,           /**< data_end; since 3.3. */
    PROC_STAT_BRK_START = 47,          /**< brk_start; since 3.3. */
    PROC_STAT_ARG_START = 48,          /**< arg_start; since 3.5. */
    PROC_STAT_ARG_END = 49,            /**< arg_end; since 3.5. */
    PROC_STAT_ENV_START = 50,          /**< env_start; since 3.5. */
    PROC_STAT_ENV_END = 51,            /**< env_end; since 3.5. */
    PROC_STAT_EXIT_CODE = 52           /**< exit_code; since 3.5. */
};

/** In proc_stat.flags: a thread of the kernel. */
#define PROC_STAT_FLAG_KERNEL_THREAD 0x00200000u

/**
 * A parsed line. A value counts only if its bit is set in present: an older kernel or an emulation has fewer fields.
 * Fields marked "guarded" read 0 (code_start and code_end: 1) where we could not trace the process; so does every
 * field of memory for one that has none. Ticks are sysconf(_SC_CLK_TCK) a second, pages sysconf(_SC_PAGESIZE) bytes.
 * @since 0.1
 */
typedef struct proc_stat {
    uint64_t present;     /**< Bit n: field n was there with a good value. */
    uint32_t field_count; /**< Fields that the line had, whether known and good or not. */
    uint32_t truncated;   /**< 1: the text was cut: it has no line feed behind the fields. */
    int32_t pid;          /**< The id of this task. */
    uint32_t name_len;    /**< Bytes of the name. */
    char name[68];        /**< Raw bytes and a terminator; print it through proc_escape(). A longer one is cut, and not
                               present. */
    char state;           /**< R S D T t X Z P I, or whatever letter the kernel printed. */
    char reserved0[3];    /**< 0. */
    int32_t ppid;         /**< The parent; 0: none, or outside the pid namespace. */
    int32_t pgrp;         /**< Process group. */
    int32_t session;      /**< Session. */
    int32_t tty;          /**< Controlling terminal, as a device number; 0 = none. */
    int32_t tty_pgrp;     /**< Foreground process group of that terminal; -1 = none. */
    uint32_t flags;       /**< PF_... of the kernel: see PROC_STAT_FLAG_KERNEL_THREAD. */
    int32_t priority;     /**< As the scheduler counts: 20 + nice, or -2 and below for a real-time policy. */
    int32_t nice;         /**< -20 to 19. */
    int32_t exit_signal;  /**< What the parent gets when it ends; -1: nothing, a thread. */
    int32_t cpu;          /**< Where it ran last. */
    uint32_t rt_priority; /**< Of a real-time policy: 1 to 99; else 0. */
    uint32_t policy;      /**< SCHED_... */
    int32_t exit_code;    /**< As waitpid(2) tells it; guarded. */
    int64_t threads;      /**< Threads of the process. */
    uint64_t minor_faults;        /**< Page faults that needed no disk. */
    uint64_t child_minor_faults;  /**< Those of the children it has waited for. */
    uint64_t major_faults;        /**< Page faults that waited for a disk. */
    uint64_t child_major_faults;  /**< Those of the children it has waited for. */
    uint64_t user_ticks;          /**< Time on a CPU in its own code. */
    uint64_t system_ticks;        /**< Time on a CPU in the kernel. */
    int64_t child_user_ticks;     /**< user_ticks of the children it has waited for. */
    int64_t child_system_ticks;   /**< system_ticks of the children it has waited for. */
    int64_t timer_value;          /**< 0 since 2.6.17. */
    uint64_t start_ticks;         /**< When it started, since boot, sleep included: with the pid, who it is. */
    uint64_t vm_size_bytes;       /**< Virtual memory. */
    uint64_t rss_pages;           /**< Resident memory, about: statm is exact. */
    uint64_t rss_limit_bytes;     /**< The soft limit of it; PROC_UNLIMITED. */
    uint64_t code_start;          /**< Address; guarded, as all below up to instruction_pointer. */
    uint64_t code_end;            /**< Address. */
    uint64_t stack_start;         /**< Address: the bottom. */
    uint64_t stack_pointer;       /**< 0 since 4.10, but in a process that is exiting. */
    uint64_t instruction_pointer; /**< 0, likewise. */
    uint64_t sig_pending;         /**< The first 31 signals only: use the status. */
    uint64_t sig_blocked;         /**< As sig_pending. */
    uint64_t sig_ignored;         /**< As sig_pending. */
    uint64_t sig_caught;          /**< As sig_pending. */
    uint64_t wait_channel;        /**< 1: it waits in the kernel, 0: it runs, or is not for us to know; before 4.4
                                       an address. */
    uint64_t swapped_pages;       /**< 0, never counted. */
    uint64_t child_swapped_pages; /**< 0, never counted. */
    uint64_t io_delay_ticks;      /**< Time it waited for disks; 0 where the kernel does not count. */
    uint64_t guest_ticks;         /**< Time it ran a virtual machine; part of user_ticks. */
    int64_t child_guest_ticks;    /**< guest_ticks of the children it has waited for. */
    uint64_t data_start;          /**< Address; guarded, as all below. */
    uint64_t data_end;            /**< Address. */
    uint64_t brk_start;           /**< Address of the heap. */
    uint64_t arg_start;           /**< Address of the arguments. */
    uint64_t arg_end;             /**< Address. */
    uint64_t env_start;           /**< Address of the environment. */
    uint64_t env_end;             /**< Address. */
    uint64_t reserved[8];         /**< 0. */
} proc_stat;

/**
 * Takes the text of a stat file apart. The name stands between the first parenthesis and the last, whatever is in it.
 * Pure, and never fails on what the text says: a value that does not fit is not present, and no other suffers.
 *
 * @param text The bytes of a stat file; NULL if len is 0.
 * @param len How many.
 * @param ret_stat Receives the record, whole.
 * @return How many fields are present; -EINVAL: no record to fill, or no text.
 *
 * Safety: any thread, also a signal handler.
 * @see proc(5)
 * @snippet procfs.c stat_parse
 * @since 0.1
 */
PROC_API int proc_stat_parse(const char *text, size_t len, proc_stat *ret_stat);

/**
 * Reads and parses the stat of a process or thread: one openat, one read, one close. Cheap; some kernels (6.1 and 6.12
 * among them) wait while the process is inside execve(2).
 *
 * @param target PROC_SELF, PROC_PID(n), PROC_THREAD(pid, tid), PROC_PIDFD(fd), or one with a directory or another
 *        /proc.
 * @param ret_stat Receives the record, whole.
 * @return 0; or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c stat_read
 * @since 0.1
 */
PROC_API int proc_stat_read(const proc_target *target, proc_stat *ret_stat);

/**
 * Whether a field was there with a good value.
 *
 * @param stat A filled record.
 * @param field PROC_STAT_...
 * @return 1 or 0; 0 also for an unknown number.
 *
 * Safety: any thread, also a signal handler.
 * @snippet procfs.c stat_read
 * @since 0.1
 */
PROC_API int proc_stat_has(const proc_stat *stat, int field);
/** @} */

/** @name Texts: whole files, and what they are made of
 * @{ */

/** Which file to read, and what that costs. */
enum {
    PROC_FILE_COMM = 1,       /**< The name; cheap. See proc_comm_read(). */
    PROC_FILE_CMDLINE = 2,    /**< Arguments, for proc_string_next(); may block. */
    PROC_FILE_ENVIRON = 3,    /**< Environment at its start, for proc_string_next(); may block, privileged. */
    PROC_FILE_CGROUP = 4,     /**< Control groups; cheap. */
    PROC_FILE_MAPS = 5,       /**< Mappings; may block, privileged. */
    PROC_FILE_MOUNTINFO = 6,  /**< Mounts that it sees; cheap. */
    PROC_FILE_LIMITS = 7,     /**< Resource limits; cheap. */
    PROC_FILE_IO = 8,         /**< Counters of input and output; may block, privileged. */
    PROC_FILE_STATUS = 9,     /**< See <proc/status.h>; cheap. */
    PROC_FILE_STAT = 10,      /**< See proc_stat_parse(); cheap. */
    PROC_FILE_SMAPS_ROLLUP = 11 /**< Memory in full; may block long, privileged. */
};

/**
 * Reads a file as it is. What it costs depends on the file: see PROC_FILE_... A zombie and a thread of the kernel have
 * an empty cmdline and empty maps: that is no error. A zombie's other large files are -ESRCH.
 *
 * @param target Which process.
 * @param which PROC_FILE_...
 * @param buffer Where the text goes, kept for the next call. truncated = 1: there was more than buffer->limit.
 * @return 0; -EINVAL: no such number; or an error as listed at the group.
 *
 * Safety: any thread; a buffer in one at a time.
 * @see proc(5)
 * @snippet procfs.c strings
 * @since 0.1
 */
PROC_API int proc_file_read(const proc_target *target, int which, proc_buffer *buffer);

/**
 * All that is in a buffer, to be read by the calls that end in _next.
 *
 * @param buffer A filled one.
 * @return A span that lives until the buffer's next use.
 *
 * Safety: any thread.
 * @snippet procfs.c strings
 * @since 0.1
 */
PROC_API proc_span proc_buffer_span(const proc_buffer *buffer);

/**
 * The next string of a cmdline or environ: each ends with a NUL, but the last one need not. A process can write over
 * its own: one that shows a title (setproctitle, sshd, postgres) has that as its only string, perhaps with blanks, line
 * feeds and empty strings behind it, and nothing tells it from arguments. So print none without proc_escape(), and
 * trust none.
 *
 * @param rest The text; shrinks as it is read.
 * @param ret_string Receives the string, without its NUL; it may be empty.
 * @return 1; 0 at the end; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @snippet procfs.c strings
 * @since 0.1
 */
PROC_API int proc_string_next(proc_span *rest, proc_span *ret_string);

/**
 * The next line of a file of keys and values: io, fdinfo, smaps_rollup and many others of /proc. Blank lines are passed
 * over. A last line without line feed was cut, and is left in rest.
 *
 * @param rest The text; shrinks as it is read.
 * @param ret_key Receives what stands before the first colon; empty if there is none.
 * @param ret_value Receives what stands behind it, without the blanks around it; the whole line if there is no colon.
 * @return 1; 0 at the end; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @snippet procfs.c pairs
 * @since 0.1
 */
PROC_API int proc_pair_next(proc_span *rest, proc_span *ret_key, proc_span *ret_value);

/**
 * The name of a process or thread, up to 15 bytes, of threads of the kernel up to 63. Cheap.
 *
 * @param target Which process.
 * @param ret_name Receives the raw bytes, always terminated if size > 0. May be NULL if size is 0.
 * @param size Bytes at ret_name.
 * @return The length needed without the terminator, as snprintf(3) does; or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c names
 * @since 0.1
 */
PROC_API int64_t proc_comm_read(const proc_target *target, char *ret_name, size_t size);

/**
 * The function of the kernel that it waits in. Privileged: without the right, nothing is told.
 *
 * @param target Which process or thread.
 * @param ret_name Receives the name, always terminated if size > 0; "" if it runs, or if we may not know. May be NULL
 *        if size is 0.
 * @param size Bytes at ret_name.
 * @return The length needed without the terminator, as snprintf(3) does; or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c names
 * @since 0.1
 */
PROC_API int64_t proc_wchan_read(const proc_target *target, char *ret_name, size_t size);
/** @} */

/** @name Counters
 * @{ */

/**
 * Memory in pages of sysconf(_SC_PAGESIZE), exact; all 0 for a process that has none: a zombie, a thread of the kernel.
 * @since 0.1
 */
typedef struct proc_statm {
    uint32_t field_count; /**< Fields that count: 7, of a text that was cut or odd fewer. */
    uint32_t reserved0;   /**< 0. */
    uint64_t size;        /**< Virtual memory. */
    uint64_t resident;    /**< Resident memory. */
    uint64_t shared;      /**< Resident, of files and shared memory. */
    uint64_t text;        /**< Code of the program. */
    uint64_t lib;         /**< 0 since 2.6. */
    uint64_t data;        /**< Data and stack. */
    uint64_t dirty;       /**< 0 since 2.6. */
    uint64_t reserved[4]; /**< 0. */
} proc_statm;

/**
 * Takes the text of a statm file apart. Pure; never fails on what the text says: the first value that makes no sense
 * ends what counts.
 *
 * @param text The bytes; NULL if len is 0.
 * @param len How many.
 * @param ret_statm Receives the record, whole.
 * @return How many fields count; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @see proc(5)
 * @snippet procfs.c parse_counters
 * @since 0.1
 */
PROC_API int proc_statm_parse(const char *text, size_t len, proc_statm *ret_statm);

/**
 * Reads and parses the statm of a process: the same numbers as the status has, at less than half its price. Cheap.
 *
 * @param target Which process.
 * @param ret_statm Receives the record, whole.
 * @return 0; or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c counters
 * @since 0.1
 */
PROC_API int proc_statm_read(const proc_target *target, proc_statm *ret_statm);

/**
 * Time as the scheduler counts it, of one task: a process's is that of its first thread alone.
 * @since 0.1
 */
typedef struct proc_schedstat {
    uint32_t field_count; /**< Fields that count: 3, of a text that was cut or odd fewer. */
    uint32_t reserved0;   /**< 0. */
    uint64_t run_ns;      /**< On a CPU, in nanoseconds. */
    uint64_t wait_ns;     /**< Ready, and waiting for a CPU, in nanoseconds. */
    uint64_t slices;      /**< Times it was put on a CPU. */
    uint64_t reserved[4]; /**< 0. */
} proc_schedstat;

/**
 * Takes the text of a schedstat file apart. Pure; never fails on what the text says, as proc_statm_parse().
 *
 * @param text The bytes; NULL if len is 0.
 * @param len How many.
 * @param ret_schedstat Receives the record, whole.
 * @return How many fields count; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @snippet procfs.c parse_counters
 * @since 0.1
 */
PROC_API int proc_schedstat_parse(const char *text, size_t len, proc_schedstat *ret_schedstat);

/**
 * Reads and parses the schedstat of a task. Cheap.
 *
 * @param target Which process or thread.
 * @param ret_schedstat Receives the record, whole.
 * @return 0; or an error as listed at the group.
 *
 * Safety: any thread.
 * @snippet procfs.c counters
 * @since 0.1
 */
PROC_API int proc_schedstat_read(const proc_target *target, proc_schedstat *ret_schedstat);

/** The keys of an io file; also the bits of proc_io.present. */
enum {
    PROC_IO_READ_CHARS = 0,      /**< read_chars. */
    PROC_IO_WRITTEN_CHARS = 1,   /**< written_chars. */
    PROC_IO_READ_CALLS = 2,      /**< read_calls. */
    PROC_IO_WRITE_CALLS = 3,     /**< write_calls. */
    PROC_IO_READ_BYTES = 4,      /**< read_bytes. */
    PROC_IO_WRITTEN_BYTES = 5,   /**< written_bytes. */
    PROC_IO_CANCELLED_BYTES = 6  /**< cancelled_bytes. */
};

/**
 * What a process has read and written since it started, its threads that have ended included.
 * @since 0.1
 */
typedef struct proc_io {
    uint64_t present;        /**< Bit PROC_IO_...: that key was there with a good value. */
    uint64_t read_chars;     /**< rchar: bytes that reads brought, from whatever. */
    uint64_t written_chars;  /**< wchar: bytes that writes took. */
    uint64_t read_calls;     /**< syscr. */
    uint64_t write_calls;    /**< syscw. */
    uint64_t read_bytes;     /**< Bytes that came from a disk. */
    uint64_t written_bytes;  /**< Bytes that were sent to a disk. */
    int64_t cancelled_bytes; /**< Of these, bytes that never went: the file was cut before. Some kernels let it wrap
                                  below 0. */
    uint64_t reserved[4];    /**< 0. */
} proc_io;

/**
 * Takes the text of an io file apart. Pure; never fails on what the text says.
 *
 * @param text The bytes; NULL if len is 0.
 * @param len How many.
 * @param ret_io Receives the record, whole.
 * @return How many keys are present; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @see proc(5)
 * @snippet procfs.c parse_counters
 * @since 0.1
 */
PROC_API int proc_io_parse(const char *text, size_t len, proc_io *ret_io);

/**
 * Reads and parses the io of a process. Privileged; may block while the process is inside execve(2).
 *
 * @param target Which process or thread.
 * @param ret_io Receives the record, whole.
 * @return 0; or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c counters
 * @since 0.1
 */
PROC_API int proc_io_read(const proc_target *target, proc_io *ret_io);

/** Places in proc_limit_list, more than any machine has resources. */
#define PROC_LIMIT_COUNT 32

/**
 * All resource limits of a process, at the numbers that this machine's RLIMIT_... have: `soft[RLIMIT_NOFILE]`.
 * @since 0.1
 */
typedef struct proc_limit_list {
    uint64_t present;                /**< Bit RLIMIT_...: that limit was there with good values. */
    uint64_t soft[PROC_LIMIT_COUNT]; /**< What holds; PROC_UNLIMITED. */
    uint64_t hard[PROC_LIMIT_COUNT]; /**< How far it may be raised; PROC_UNLIMITED. */
} proc_limit_list;

/**
 * Takes the text of a limits file apart. Pure; never fails on what the text says.
 *
 * @param text The bytes; NULL if len is 0.
 * @param len How many.
 * @param ret_limits Receives the record, whole.
 * @return How many limits are present; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @see proc(5)
 * @snippet procfs.c limits
 * @since 0.1
 */
PROC_API int proc_limits_parse(const char *text, size_t len, proc_limit_list *ret_limits);

/**
 * Reads and parses the limits of a process. Cheap, and unlike prlimit(2) asks for no right.
 *
 * @param target Which process.
 * @param ret_limits Receives the record, whole.
 * @return 0; or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5), getrlimit(2)
 * @snippet procfs.c limits
 * @since 0.1
 */
PROC_API int proc_limits_read(const proc_target *target, proc_limit_list *ret_limits);
/** @} */

/** @name Files of many lines
 * Each call takes the next line off a text that proc_file_read() has brought. A line that is none of the kind gives
 * -EBADMSG, and the next call goes on behind it. A last line without line feed was cut, and is left in rest.
 * @{ */

/**
 * A control group that a process is in: one line for each version 1 hierarchy, and one for version 2.
 * @since 0.1
 */
typedef struct proc_cgroup_line {
    int32_t hierarchy;     /**< 0 = version 2. */
    int32_t deleted;       /**< 1: the path had the mark of a group that was removed; a living one may be named so. */
    proc_span controllers; /**< "cpu,cpuacct", "name=systemd"; empty for version 2. */
    proc_span path;        /**< Below the mount, without the mark; "/.." and on: outside of our cgroup namespace. */
    uint64_t reserved[4];  /**< 0. */
} proc_cgroup_line;

/**
 * The next line of PROC_FILE_CGROUP, a file that is cheap.
 *
 * @param rest The text; shrinks as it is read.
 * @param ret_line Receives the line, whole. Its spans point into the text.
 * @return 1; 0 at the end; -EBADMSG: no such line, rest is behind it; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @see cgroups(7)
 * @snippet procfs.c cgroups
 * @since 0.1
 */
PROC_API int proc_cgroup_next(proc_span *rest, proc_cgroup_line *ret_line);

/**
 * A mapping of memory.
 * @since 0.1
 */
typedef struct proc_map {
    uint64_t start;       /**< First address. */
    uint64_t end;         /**< The address behind the last. */
    uint64_t offset;      /**< Where it starts in its file. */
    uint64_t inode;       /**< Of its file; 0 = none. */
    uint32_t major;       /**< Device of its file. */
    uint32_t minor;       /**< Device of its file. */
    char access[8];       /**< "r-xp": read, write, execute, private or shared; terminated. */
    uint32_t deleted;     /**< 1: the path had the mark of a file that was removed; a living one may be named so. */
    uint32_t reserved0;   /**< 0. */
    proc_span path;       /**< Raw and without the mark, a line feed as `\012`; "[heap]" and the like; may be empty. */
    uint64_t reserved[4]; /**< 0. */
} proc_map;

/**
 * The next line of PROC_FILE_MAPS, a file that may block and is privileged. What was read in several pieces is no
 * snapshot: a mapping may be missing or be there twice, if the process changed them meanwhile.
 *
 * @param rest The text; shrinks as it is read.
 * @param ret_map Receives the mapping, whole. Its span points into the text.
 * @return 1; 0 at the end; -EBADMSG: no such line, rest is behind it; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @see proc(5)
 * @snippet procfs.c maps
 * @since 0.1
 */
PROC_API int proc_map_next(proc_span *rest, proc_map *ret_map);

/**
 * A mount, as a process sees it.
 * @since 0.1
 */
typedef struct proc_mount {
    int32_t id;              /**< Its number; not unique for ever. */
    int32_t parent_id;       /**< The mount that it is on. */
    uint32_t major;          /**< Device: st_dev of its files. */
    uint32_t minor;          /**< Device. */
    proc_span root;          /**< What of the file system is mounted; escaped, as are all below. */
    proc_span point;         /**< Where, from the root of the process. */
    proc_span options;       /**< "rw,relatime". */
    proc_span tags;          /**< "shared:1 master:2", separated by spaces; may be empty. */
    proc_span type;          /**< "ext4", "fuse.sshfs". */
    proc_span source;        /**< "/dev/sda1", "none", or what the file system says; may be empty. */
    proc_span super_options; /**< Options of the file system. */
    uint64_t reserved[4];    /**< 0. */
} proc_mount;

/**
 * The next line of PROC_FILE_MOUNTINFO, a file that is cheap.
 *
 * @param rest The text; shrinks as it is read.
 * @param ret_mount Receives the mount, whole. Its spans point into the text.
 * @return 1; 0 at the end; -EBADMSG: no such line, rest is behind it; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @see proc(5)
 * @snippet procfs.c mounts
 * @since 0.1
 */
PROC_API int proc_mount_next(proc_span *rest, proc_mount *ret_mount);

/**
 * The bytes that a text of proc_mount stands for: the kernel writes blanks, line feeds and backslashes as `\040`,
 * `\011`, `\012`, `\134`.
 *
 * @param text A span of a proc_mount.
 * @param ret_text Receives the bytes, always terminated if size > 0. May be NULL if size is 0.
 * @param size Bytes at ret_text.
 * @return The length needed without the terminator, as snprintf(3) does; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @snippet procfs.c mounts
 * @since 0.1
 */
PROC_API int64_t proc_mount_unescape(proc_span text, char *ret_text, size_t size);

/** The keys of a smaps_rollup; also the bits of proc_rollup.present. */
enum {
    PROC_ROLLUP_RSS = 0, /**< rss_kb. */
    PROC_ROLLUP_PSS = 1, /**< pss_kb. */
    PROC_ROLLUP_PSS_DIRTY = 2, /**< pss_dirty_kb. */
    PROC_ROLLUP_PSS_ANON = 3, /**< pss_anon_kb. */
    PROC_ROLLUP_PSS_FILE = 4, /**< pss_file_kb. */
    PROC_ROLLUP_PSS_SHMEM = 5, /**< pss_shmem_kb. */
    PROC_ROLLUP_SHARED_CLEAN = 6, /**< shared_clean_kb. */
    PROC_ROLLUP_SHARED_DIRTY = 7, /**< shared_dirty_kb. */
    PROC_ROLLUP_PRIVATE_CLEAN = 8, /**< private_clean_kb. */
    PROC_ROLLUP_PRIVATE_DIRTY = 9, /**< private_dirty_kb. */
    PROC_ROLLUP_REFERENCED = 10, /**< referenced_kb. */
    PROC_ROLLUP_ANONYMOUS = 11, /**< anonymous_kb. */
    PROC_ROLLUP_KSM = 12, /**< ksm_kb. */
    PROC_ROLLUP_LAZY_FREE = 13, /**< lazy_free_kb. */
    PROC_ROLLUP_ANON_HUGE_PAGES = 14, /**< anon_huge_pages_kb. */
    PROC_ROLLUP_SHMEM_PMD_MAPPED = 15, /**< shmem_pmd_mapped_kb. */
    PROC_ROLLUP_FILE_PMD_MAPPED = 16, /**< file_pmd_mapped_kb. */
    PROC_ROLLUP_SHARED_HUGETLB = 17, /**< shared_hugetlb_kb. */
    PROC_ROLLUP_PRIVATE_HUGETLB = 18, /**< private_hugetlb_kb. */
    PROC_ROLLUP_SWAP = 19, /**< swap_kb. */
    PROC_ROLLUP_SWAP_PSS = 20, /**< swap_pss_kb. */
    PROC_ROLLUP_LOCKED = 21  /**< locked_kb. */
};

/**
 * What a process's memory comes to, added up over all mappings, in KiB.
 * @since 0.1
 */
typedef struct proc_rollup {
    uint64_t present; /**< Bit PROC_ROLLUP_...: that key was there with a good value. */
    uint64_t rss_kb; /**< Resident memory. */
    uint64_t pss_kb; /**< Resident memory, what is shared divided by how many share it. */
    uint64_t pss_dirty_kb; /**< Of it, what was written to; since 5.19 or so. */
    uint64_t pss_anon_kb; /**< Of it, memory of no file; since 5.5. */
    uint64_t pss_file_kb; /**< Of it, memory of files; since 5.5. */
    uint64_t pss_shmem_kb; /**< Of it, shared memory; since 5.5. */
    uint64_t shared_clean_kb; /**< Shared with others, as its file has it. */
    uint64_t shared_dirty_kb; /**< Shared with others, written to. */
    uint64_t private_clean_kb; /**< Its own alone, as its file has it. */
    uint64_t private_dirty_kb; /**< Its own alone, written to: what its end would free. */
    uint64_t referenced_kb; /**< Used since somebody asked the kernel to look. */
    uint64_t anonymous_kb; /**< Of no file. */
    uint64_t ksm_kb; /**< Merged with equal pages; since 6.8. */
    uint64_t lazy_free_kb; /**< Given up by madvise(2), not taken yet. */
    uint64_t anon_huge_pages_kb; /**< In transparent huge pages. */
    uint64_t shmem_pmd_mapped_kb; /**< Shared memory in huge pages. */
    uint64_t file_pmd_mapped_kb; /**< Files in huge pages. */
    uint64_t shared_hugetlb_kb; /**< Pages of hugetlbfs, shared; not in rss_kb. */
    uint64_t private_hugetlb_kb; /**< Pages of hugetlbfs, its own; not in rss_kb. */
    uint64_t swap_kb; /**< Swapped out. */
    uint64_t swap_pss_kb; /**< Swapped out, what is shared divided. */
    uint64_t locked_kb; /**< Locked by mlock(2), what is shared divided. */
    uint64_t reserved[8]; /**< 0. */
} proc_rollup;

/**
 * Takes the text of a smaps_rollup file apart. Pure; never fails on what the text says.
 *
 * @param text The bytes; NULL if len is 0.
 * @param len How many.
 * @param ret_rollup Receives the record, whole.
 * @return How many keys are present; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @see proc(5)
 * @snippet procfs.c rollup
 * @since 0.1
 */
PROC_API int proc_rollup_parse(const char *text, size_t len, proc_rollup *ret_rollup);

/**
 * Reads and parses the smaps_rollup of a process. May block, and is dear: the kernel looks at every page, which takes
 * long for a large process and holds its memory map meanwhile. Privileged. Since 4.14. A process without memory, a
 * zombie or a thread of the kernel, is -ESRCH.
 *
 * @param target Which process.
 * @param ret_rollup Receives the record, whole.
 * @return 0; or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c rollup
 * @since 0.1
 */
PROC_API int proc_rollup_read(const proc_target *target, proc_rollup *ret_rollup);
/** @} */

/** @name Links: program, directories, namespaces
 * @{ */

/** Where a link leads to. */
enum {
    PROC_LINK_EXE = 1, /**< The program. */
    PROC_LINK_CWD = 2, /**< The working directory. */
    PROC_LINK_ROOT = 3 /**< The root directory. */
};

/**
 * A path that a process uses. Privileged; may block while the process is inside execve(2), and on a dead file server.
 * The path is as we would see it, and means nothing to us if the process has mounts of its own.
 *
 * @param target Which process.
 * @param which PROC_LINK_...
 * @param ret_path Receives the path, raw, always terminated if size > 0. May be NULL if size is 0.
 * @param size Bytes at ret_path.
 * @param ret_deleted Receives 1: the file has been removed, and the path is where it was; 0: it is there. The kernel's
 *        mark " (deleted)" is taken off, but for a file that is really named so. NULL = not asked.
 * @return The length needed without the terminator, as snprintf(3) does; -ENODATA: it has none: a zombie, or for the
 *         program a thread of the kernel; -ENAMETOOLONG; or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c link_read
 * @since 0.1
 */
PROC_API int64_t proc_link_read(const proc_target *target, int which, char *ret_path, size_t size, int *ret_deleted);

/**
 * Which namespace a process is in: two processes share one if the numbers are the same, and they were asked for at the
 * same /proc. Privileged; may block while the process is inside execve(2).
 *
 * @param target Which process or thread.
 * @param kind "cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts", or
 *        what else the kernel has in `/proc/<pid>/ns`.
 * @param ret_inode Receives the number of the namespace.
 * @return 0; -ESRCH also for a kind that this kernel does not have; -ENODATA: it has left all: a zombie; or an error as
 *         listed at the group.
 *
 * Safety: any thread.
 * @see namespaces(7)
 * @snippet procfs.c namespace_read
 * @since 0.1
 */
PROC_API int proc_namespace_read(const proc_target *target, const char *kind, uint64_t *ret_inode);
/** @} */

/** @name Open descriptors
 * @{ */

/**
 * The open descriptors of a process. Privileged. Costs a look at each.
 *
 * @param target Which process or thread. Of ourselves, the descriptor by which this call looks is not among them.
 * @param ret_fds Receives up to capacity numbers, in ascending order. May be NULL if capacity is 0.
 * @param capacity How many fit.
 * @return How many there are; -EACCES: also of a zombie, unless we are root; or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c descriptors
 * @since 0.1
 */
PROC_API int64_t proc_fd_list(const proc_target *target, int *ret_fds, size_t capacity);

/**
 * What a descriptor leads to: a path, "pipe:[1234]", "anon_inode:[eventfd]". Privileged; may block on a dead file
 * server.
 *
 * @param target Which process or thread.
 * @param fd Its descriptor.
 * @param ret_path Receives the text, raw, always terminated if size > 0. May be NULL if size is 0.
 * @param size Bytes at ret_path.
 * @param ret_deleted As for proc_link_read().
 * @return The length needed without the terminator, as snprintf(3) does; -ESRCH also if it is not open; -ENAMETOOLONG;
 *         or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c descriptors
 * @since 0.1
 */
PROC_API int64_t proc_fd_link_read(const proc_target *target, int fd, char *ret_path, size_t size, int *ret_deleted);

/** The keys of proc_fd_info; also the bits of proc_fd_info.present. */
enum {
    PROC_FD_INFO_POSITION = 0,   /**< position. */
    PROC_FD_INFO_FLAGS = 1,      /**< flags. */
    PROC_FD_INFO_MOUNT_ID = 2,   /**< mount_id; since 3.15. */
    PROC_FD_INFO_INODE = 3,      /**< inode; since 5.14. */
    PROC_FD_INFO_PID = 4,        /**< pid; of a pidfd. */
    PROC_FD_INFO_EVENT_COUNT = 5 /**< event_count; of an eventfd. */
};

/**
 * What the kernel knows of an open descriptor.
 * @since 0.1
 */
typedef struct proc_fd_info {
    uint64_t present;     /**< Bit PROC_FD_INFO_...: that key was there with a good value. */
    int64_t position;     /**< Where the next read or write starts. */
    uint64_t inode;       /**< Of its file. */
    uint64_t event_count; /**< What an eventfd holds. */
    uint32_t flags;       /**< O_... as of open(2), O_CLOEXEC among them. */
    int32_t mount_id;     /**< As proc_mount.id. */
    int32_t pid;          /**< Whom a pidfd names; -1: nobody any more, 0: one outside the pid namespace. */
    int32_t reserved0;    /**< 0. */
    uint64_t reserved[4]; /**< 0. */
} proc_fd_info;

/**
 * Takes the text of an fdinfo file apart. Pure; never fails on what the text says.
 *
 * @param text The bytes; NULL if len is 0.
 * @param len How many.
 * @param ret_info Receives the record, whole.
 * @return How many keys are present; -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @see proc(5)
 * @snippet procfs.c fd_info_parse
 * @since 0.1
 */
PROC_API int proc_fd_info_parse(const char *text, size_t len, proc_fd_info *ret_info);

/**
 * Reads and parses the fdinfo of a descriptor. Privileged. Each kind of file adds keys of its own: an epoll set a line
 * "tfd" for each descriptor that it watches, a timer its times, a locked file its locks. These are in the buffer, for
 * proc_pair_next().
 *
 * @param target Which process or thread.
 * @param fd Its descriptor.
 * @param buffer Where the text goes, kept for the next call. NULL: only the record is asked for.
 * @param ret_info Receives the record, whole.
 * @return 0; -ESRCH also if it is not open; or an error as listed at the group.
 *
 * Safety: any thread; a buffer in one at a time.
 * @see proc(5)
 * @snippet procfs.c descriptors
 * @since 0.1
 */
PROC_API int proc_fd_info_read(const proc_target *target, int fd, proc_buffer *buffer, proc_fd_info *ret_info);
/** @} */

/** @name Threads, children, and /proc itself
 * @{ */

/**
 * The threads of a process. Cheap.
 *
 * @param target Which process; no thread.
 * @param ret_tids Receives up to capacity thread ids, the oldest first. May be NULL if capacity is 0.
 * @param capacity How many fit.
 * @return How many there are; or an error as listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c tasks
 * @since 0.1
 */
PROC_API int64_t proc_task_list(const proc_target *target, int *ret_tids, size_t capacity);

/**
 * The children of a process, or those that one thread of it started. Cheap, but costs an open for each thread. True
 * only while they stand still: if one ends meanwhile, another may be missing. Zombies are among them.
 *
 * @param target Which process or thread.
 * @param ret_pids Receives up to capacity process ids. May be NULL if capacity is 0.
 * @param capacity How many fit.
 * @return How many there are; -ESRCH also if the kernel was built without CONFIG_PROC_CHILDREN; -ENOMEM; or an error as
 *         listed at the group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c tasks
 * @since 0.1
 */
PROC_API int64_t proc_children_list(const proc_target *target, int *ret_pids, size_t capacity);

/**
 * Opens a /proc, for proc_target.root_fd, and makes sure that it is one.
 *
 * @param path Where it is mounted: a container's, a chroot's. NULL = "/proc".
 * @return A descriptor for the caller to close, opened with O_PATH and close-on-exec; -ENODEV: that is no proc file
 *         system; -ENOENT, -ENOTDIR, -EACCES and what else open(2) says of a path; -EMFILE, -ENFILE.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c roots
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_procfs_open(const char *path);

/**
 * Opens the directory of a process, for proc_target.dir_fd: all that is read by it is of that very process, or -ESRCH,
 * whoever has its pid by then.
 *
 * @param target Which process or thread.
 * @return A descriptor for the caller to close, opened with O_PATH and close-on-exec; or an error as listed at the
 *         group.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet procfs.c roots
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_procfs_open_process(const proc_target *target);
/** @} */

/** @} */

#ifdef __cplusplus
}
#endif
#endif
