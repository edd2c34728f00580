/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/walk.h> - all processes, by the fields that are wanted and no file more; samples, trees.
 */
#ifndef PROC_WALK_H
#define PROC_WALK_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup walk Walks and tables
 * @brief All processes or threads: one by one, or all together to sort, to sample again, to see as a tree.
 *
 * What is asked for decides what is read. Reading is nearly all of the cost, so a walk looks for the cheapest files
 * that tell it all; per process, in system calls:
 *
 * | fields | source | calls |
 * | --- | --- | --- |
 * | none: only the pids | the list of /proc | 0 |
 * | PARENT, USER (6.13 and later) | a pidfd | 3 |
 * | NAME alone | comm | 3 |
 * | RSS, VM_SIZE | statm | 3 |
 * | of STATE, PARENT, NAME, START, TIMES, THREADS, GROUP, NICE, VM_SIZE, KTHREAD | stat | 3 |
 * | of all those but START, TIMES, GROUP, NICE; and USER, RSS, SWAP, SWITCHES, INNER_PID | status | 3 |
 * | CGROUP, IO, PSS: a file each | that file | 3 |
 * | CMDLINE | cmdline, read to its end | 4 |
 * | more than one of these | its directory, and those files | 2, and theirs |
 * | any of the first files, in a table with PROC_WALK_SAMPLE, from the second time on | n kept files | n |
 *
 * A walk is no snapshot: processes come and go while it goes on. One that vanishes on the way is left out; of one that
 * is hidden from us there is what we may see, and denied says what not. Neither ends a walk. The files that one entry
 * is made of are always those of one process, never of another one that got its pid.
 *
 * Once the longest text has been seen, a walk allocates nothing for a process.
 * @{
 */

/** @name Fields to ask for, and bits of proc_entry.present
 * @{ */
#define PROC_FIELD_PARENT UINT64_C(0x0001)    /**< ppid. */
#define PROC_FIELD_NAME UINT64_C(0x0002)      /**< name. */
#define PROC_FIELD_STATE UINT64_C(0x0004)     /**< state. */
#define PROC_FIELD_USER UINT64_C(0x0008)      /**< uid, euid, gid, egid. */
#define PROC_FIELD_START UINT64_C(0x0010)     /**< start_ticks. */
#define PROC_FIELD_TIMES UINT64_C(0x0020)     /**< user_ticks, system_ticks. */
#define PROC_FIELD_RSS UINT64_C(0x0040)       /**< rss_kb, exact. */
#define PROC_FIELD_VM_SIZE UINT64_C(0x0080)   /**< vm_size_kb. */
#define PROC_FIELD_THREADS UINT64_C(0x0100)   /**< threads. */
#define PROC_FIELD_GROUP UINT64_C(0x0200)     /**< pgrp, session, tty. */
#define PROC_FIELD_NICE UINT64_C(0x0400)      /**< priority, nice, policy. */
#define PROC_FIELD_SWAP UINT64_C(0x0800)      /**< swap_kb. */
#define PROC_FIELD_SWITCHES UINT64_C(0x1000)  /**< voluntary_switches, nonvoluntary_switches; of this thread only. */
#define PROC_FIELD_KTHREAD UINT64_C(0x2000)   /**< kthread. */
#define PROC_FIELD_IO UINT64_C(0x4000)        /**< read_bytes, written_bytes; privileged. */
#define PROC_FIELD_CGROUP UINT64_C(0x8000)    /**< cgroup. */
#define PROC_FIELD_PSS UINT64_C(0x10000)      /**< pss_kb; may block, privileged, dear; not of threads. */
#define PROC_FIELD_CMDLINE UINT64_C(0x20000)  /**< cmdline; may block. */
#define PROC_FIELD_INNER_PID UINT64_C(0x40000) /**< inner_pid. */
#define PROC_FIELD_CPU UINT64_C(0x80000)      /**< cpu_permille; tables only, from the second sample on. */
/** @} */

/**
 * One process or thread. A member counts only if its field is in present. Made by the library, so it may grow at its
 * end; it lives until its walk goes on or its table is refreshed.
 * @since 0.1
 */
typedef struct proc_entry {
    uint64_t present;  /**< PROC_FIELD_...: of those asked for, what is told below. */
    uint64_t denied;   /**< PROC_FIELD_...: of those asked for, what is not ours to see. */
    int32_t pid;       /**< The process. */
    int32_t tid;       /**< The thread; of a process, its pid. */
    int32_t ppid;      /**< The parent; 0: none, or outside the pid namespace. */
    int32_t inner_pid; /**< Its id in the innermost pid namespace that it is in: as it sees itself. */
    int32_t pgrp;      /**< Process group. */
    int32_t session;   /**< Session. */
    int32_t tty;       /**< Controlling terminal, as a device number; 0 = none. */
    int32_t priority;  /**< As the scheduler counts. */
    int32_t nice;      /**< -20 to 19. */
    uint32_t policy;   /**< SCHED_... */
    uint32_t uid;      /**< Real user. */
    uint32_t euid;     /**< Effective user. */
    uint32_t gid;      /**< Real group. */
    uint32_t egid;     /**< Effective group. */
    uint32_t threads;  /**< Threads of the process. */
    uint32_t kthread;  /**< 1: a thread of the kernel. */
    char state;        /**< R S D T t X Z P I */
    char reserved0[3]; /**< 0. */
    char name[68];     /**< Raw bytes, terminated; print it through proc_escape(). */
    uint64_t start_ticks;   /**< When it started, since boot, in ticks of sysconf(_SC_CLK_TCK) a second. */
    uint64_t user_ticks;    /**< Time on a CPU in its own code. */
    uint64_t system_ticks;  /**< Time on a CPU in the kernel. */
    uint32_t cpu_permille;  /**< Of one CPU, since the sample before: 1500 = one and a half. Counted in ticks, so of
                                 samples that lie close together a few may be far too high and most 0. */
    uint32_t reserved1;     /**< 0. */
    uint64_t rss_kb;        /**< Resident memory; 0 for one without memory of its own, as for the two below. */
    uint64_t vm_size_kb;    /**< Virtual memory. */
    uint64_t swap_kb;       /**< Swapped out. */
    uint64_t pss_kb;        /**< Resident, what is shared counted in shares. */
    uint64_t voluntary_switches;    /**< Context switches because it waited. */
    uint64_t nonvoluntary_switches; /**< Because its time was over. */
    uint64_t read_bytes;    /**< Fetched from disks. */
    uint64_t written_bytes; /**< Sent to disks. */
    const char *cgroup;     /**< Path of its control group: that of version 2 if there is one, else the first. With the
                                 kernel's mark " (deleted)", if that was removed: it may hold zombies. */
    proc_span cmdline;      /**< Arguments, raw, each with a NUL behind it unless the process overwrote them; empty for
                                 kernel threads and zombies. The first 128 KiB. */
} proc_entry;

#define PROC_WALK_THREADS 0x01u   /**< Threads, not processes; none of a process whose threads are hidden from us. */
#define PROC_WALK_NO_KERNEL 0x02u /**< Leave threads of the kernel out. */
#define PROC_WALK_SAMPLE 0x04u    /**< Tables: keep files open between refreshes, up to half of the descriptors that
                                       this process may have (RLIMIT_NOFILE), and none once they run short. Nearly
                                       halves the cost of a refresh. */

/** What a field costs beside time. */
enum {
    PROC_COST_CHEAP = 0,      /**< Never waits for the process, and is told of all. */
    PROC_COST_MAY_BLOCK = 1,  /**< Waits for one that is stuck with its memory map locked: for ever, perhaps. */
    PROC_COST_PRIVILEGED = 2, /**< Denied for other users' processes. */
    PROC_COST_BOTH = 3        /**< Both. */
};

/**
 * What a field costs.
 *
 * @param field One PROC_FIELD_...
 * @return PROC_COST_...; -EINVAL: not one known field.
 *
 * Safety: any thread, also a signal handler.
 * @snippet walk.c field_cost
 * @since 0.1
 */
PROC_API int proc_field_cost(uint64_t field);

/**
 * What to walk over. Zero is the default in every member. All that is pointed to is borrowed for the life of the walk
 * or table, but root_fd for the call only. A process is left out if what a filter asks cannot be seen.
 * @since 0.1
 */
typedef struct proc_walk_options {
    size_t size;         /**< `sizeof(proc_walk_options)`; set by PROC_WALK_OPTIONS(). */
    uint64_t fields;     /**< PROC_FIELD_... */
    uint32_t flags;      /**< PROC_WALK_... */
    int32_t parent;      /**< Only children of this process; 0 = all. */
    const int *root_fd;  /**< Another /proc: a container's, a test's tree. */
    const uint32_t *uid; /**< Only of this effective user. */
    const char *name;    /**< Only of exactly this name. The kernel keeps 15 bytes of a program's: none has a longer
                              one, but threads of the kernel. */
    const char *cgroup;  /**< Only in this control group or below, "/system.slice"; as proc_entry.cgroup is told. */
} proc_walk_options;
#ifdef PROC_LITERALS
/** Options in place: `PROC_WALK_OPTIONS(.fields = PROC_FIELD_NAME | PROC_FIELD_RSS)`. */
#define PROC_WALK_OPTIONS(...) (&(const proc_walk_options){.size = sizeof(proc_walk_options), __VA_ARGS__})
#endif

/** @name One by one
 * @{ */

/** A walk over all processes; one thread at a time. */
typedef struct proc_walk proc_walk;

/**
 * Begins a walk.
 *
 * @param walk Receives the walk, which the caller frees. Untouched on failure.
 * @param options What is wanted; NULL: the pids of all processes.
 * @return 0; -EINVAL: unknown fields or flags, PROC_FIELD_CPU or PROC_WALK_SAMPLE (those are for tables), a struct
 *         without size; -E2BIG: options of a newer version; -ENODEV: /proc is no proc file system; -ENOTDIR, -EBADF:
 *         root_fd is no directory; -EACCES: it is not ours to list; -EMFILE, -ENFILE, -ENOMEM.
 *
 * Safety: any thread.
 * @see proc(5)
 * @snippet walk.c walk
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_walk_new(proc_walk **walk, const proc_walk_options *options);

/**
 * Goes to the next process, or thread, in the order in which that /proc lists them: by pid, in that of a kernel.
 *
 * @param walk A walk.
 * @param ret_entry Receives the entry, which lives until the next call.
 * @return 1; 0: that was all; -EMFILE, -ENFILE, -ENOMEM: that process could not be read for want of ours, and the next
 *         call goes on behind it, as it does after another negative errno: a list could not be read on, and what was
 *         still in it is left out; -EINVAL.
 *
 * Safety: any thread, one at a time.
 * @snippet walk.c walk
 * @since 0.1
 */
PROC_API int proc_walk_next(proc_walk *walk, const proc_entry **ret_entry);

/**
 * Ends a walk, at any time.
 *
 * @param walk NULL is welcome.
 * @return NULL.
 *
 * Safety: any thread.
 * @snippet walk.c walk
 * @since 0.1
 */
PROC_API proc_walk *proc_walk_free(proc_walk *walk);
/** @} */

/** @name All together
 * @{ */

/** All processes as they were at the last refresh; one thread at a time. */
typedef struct proc_table proc_table;

/**
 * Makes a table and fills it.
 *
 * @param table Receives the table, which the caller frees. Untouched on failure.
 * @param options What is wanted, as for a walk; PROC_FIELD_START comes along always, as does what CPU needs.
 * @return 0; or as proc_walk_new(), where CPU and SAMPLE are welcome.
 *
 * Safety: any thread.
 * @snippet walk.c table
 * @since 0.1
 */
PROC_API PROC_CHECK int proc_table_new(proc_table **table, const proc_walk_options *options);

/**
 * Reads all again. A recycled pid is a new entry, without a sample before. All entries got before are void. The order
 * is that of the pids again.
 *
 * @param table A table.
 * @return How many entries there are; -EMFILE, -ENFILE, -ENOMEM: for want of ours, or another negative errno: a list
 *         could not be read on; the table is empty then, and can be refreshed again; -EINVAL.
 *
 * Safety: any thread, one at a time.
 * @snippet walk.c table_refresh
 * @since 0.1
 */
PROC_API int64_t proc_table_refresh(proc_table *table);

/**
 * How many entries there are.
 *
 * @param table A table; 0 for NULL.
 * @return The count.
 *
 * Safety: any thread, one at a time.
 * @snippet walk.c table
 * @since 0.1
 */
PROC_API size_t proc_table_count(const proc_table *table);

/**
 * The entry at a place of the present order.
 *
 * @param table A table.
 * @param index From 0.
 * @return The entry, which lives until the next refresh; NULL beyond the end.
 *
 * Safety: any thread, one at a time.
 * @snippet walk.c table
 * @since 0.1
 */
PROC_API const proc_entry *proc_table_at(const proc_table *table, size_t index);

/**
 * The entry of a process, or, in a table of threads, of a thread.
 *
 * @param table A table.
 * @param id Its pid, or tid.
 * @return The entry, which lives until the next refresh; NULL: there is none.
 *
 * Safety: any thread, one at a time.
 * @snippet walk.c table_tree
 * @since 0.1
 */
PROC_API const proc_entry *proc_table_find(const proc_table *table, int id);

/**
 * Sorts by a field: by its number, or the sum of its numbers; by its bytes. USER sorts by the effective user, GROUP by
 * the process group, NICE by nice. The order of equals is kept; those without a value come last either way.
 *
 * @param table A table.
 * @param field One PROC_FIELD_... that the table was made with; 0 = by pid, or tid.
 * @param descending 1: the largest first.
 * @return 0; -EINVAL: not one field, or one that was not asked for.
 *
 * Safety: any thread, one at a time.
 * @snippet walk.c table
 * @since 0.1
 */
PROC_API int proc_table_sort(proc_table *table, uint64_t field, int descending);

/**
 * The first child of an entry, in the present order. Only in tables with PROC_FIELD_PARENT.
 *
 * @param table The table.
 * @param entry An entry of it; NULL: the first of those without a parent in the table.
 * @return An entry; NULL: there is none.
 *
 * Safety: any thread, one at a time.
 * @snippet walk.c table_tree
 * @since 0.1
 */
PROC_API const proc_entry *proc_table_child(const proc_table *table, const proc_entry *entry);

/**
 * The next child of the same parent, or the next of those without one.
 *
 * @param table The table.
 * @param entry An entry of it.
 * @return An entry; NULL: that was the last.
 *
 * Safety: any thread, one at a time.
 * @snippet walk.c table_tree
 * @since 0.1
 */
PROC_API const proc_entry *proc_table_sibling(const proc_table *table, const proc_entry *entry);

/**
 * The parent. A process that is younger than the entry, and so only has its parent's old pid, is not taken for it.
 *
 * @param table The table.
 * @param entry An entry of it.
 * @return An entry; NULL: the parent is not in the table.
 *
 * Safety: any thread, one at a time.
 * @snippet walk.c table_tree
 * @since 0.1
 */
PROC_API const proc_entry *proc_table_parent(const proc_table *table, const proc_entry *entry);

/**
 * Gives back a table, and closes what it kept open.
 *
 * @param table NULL is welcome.
 * @return NULL.
 *
 * Safety: any thread.
 * @snippet walk.c table
 * @since 0.1
 */
PROC_API proc_table *proc_table_free(proc_table *table);
/** @} */

/** @} */

#ifdef __cplusplus
}
#endif
#endif
