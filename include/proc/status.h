/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/status.h> - `/proc/<pid>/status`: every key of every kernel, forge-proof.
 */
#ifndef PROC_STATUS_H
#define PROC_STATUS_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup status Status
 * @brief What the kernel tells of a process or thread in `/proc/<pid>/status`, as plain data.
 *
 * proc_status_read() asks the kernel, proc_status_parse() takes a text from anywhere: a file kept from another machine,
 * an emulated /proc. Parsing is pure: no system call, no allocation, no state, and no text makes it fail.
 *
 * - A value counts only if proc_status_has() says so. A kernel thread has no memory values, an old kernel fewer keys,
 *   an emulation perhaps only a few: an absent key is data, not an error.
 * - A key is one only at the start of a line, up to its colon. A process cannot forge a line, whatever it calls itself:
 *   line feeds in names are escaped by the kernel. Should an emulation leave them bare, then the first Name and the
 *   last line of every other key count, and those are the true ones of all keys that the emulation tells itself.
 * - Order does not matter, nor do blank lines, spaces, or keys that nobody has heard of: those are counted, and can be
 *   looked at (proc_status_parse_with()).
 * - A value that makes no sense or does not fit clears its own key only, and is counted.
 * - What stands behind the last line feed is a line that was cut: its value is not used.
 * @{
 */

/**
 * The 67 keys; also the bits of proc_status.present. A number keeps its meaning for ever, so keys of newer kernels come
 * at the end. "mm": absent where the task has no memory of its own: a kernel thread, a zombie, an exited leader.
 */
enum {
    PROC_KEY_NAME = 0,               /**< name. */
    PROC_KEY_UMASK = 1,              /**< umask; since 4.7; absent in a zombie or exited leader. */
    PROC_KEY_STATE = 2,              /**< state. */
    PROC_KEY_TGID = 3,               /**< tgid. */
    PROC_KEY_NGID = 4,               /**< ngid; since 3.13. */
    PROC_KEY_PID = 5,                /**< pid. */
    PROC_KEY_PPID = 6,               /**< ppid. */
    PROC_KEY_TRACER_PID = 7,         /**< tracer_pid. */
    PROC_KEY_UID = 8,                /**< uid. */
    PROC_KEY_GID = 9,                /**< gid. */
    PROC_KEY_FD_SIZE = 10,           /**< fd_size. */
    PROC_KEY_GROUPS = 11,            /**< groups, group_count; the first 32 only before 3.8. */
    PROC_KEY_NS_TGID = 12,           /**< ns_tgid; since 4.1. */
    PROC_KEY_NS_PID = 13,            /**< ns_pid; since 4.1. */
    PROC_KEY_NS_PGID = 14,           /**< ns_pgid; since 4.1. */
    PROC_KEY_NS_SID = 15,            /**< ns_sid; since 4.1. */
    PROC_KEY_KTHREAD = 16,           /**< kthread; since 6.4. */
    PROC_KEY_VM_PEAK = 17,           /**< vm_peak_kb; mm. */
    PROC_KEY_VM_SIZE = 18,           /**< vm_size_kb; mm. */
    PROC_KEY_VM_LCK = 19,            /**< vm_locked_kb; mm. */
    PROC_KEY_VM_PIN = 20,            /**< vm_pinned_kb; mm; since 3.2. */
    PROC_KEY_VM_HWM = 21,            /**< vm_hwm_kb; mm. */
    PROC_KEY_VM_RSS = 22,            /**< vm_rss_kb; mm. */
    PROC_KEY_RSS_ANON = 23,          /**< rss_anon_kb; mm; since 4.5. */
    PROC_KEY_RSS_FILE = 24,          /**< rss_file_kb; mm; since 4.5. */
    PROC_KEY_RSS_SHMEM = 25,         /**< rss_shmem_kb; mm; since 4.5. */
    PROC_KEY_VM_DATA = 26,           /**< vm_data_kb; mm. */
    PROC_KEY_VM_STK = 27,            /**< vm_stack_kb; mm. */
    PROC_KEY_VM_EXE = 28,            /**< vm_exe_kb; mm. */
    PROC_KEY_VM_LIB = 29,            /**< vm_lib_kb; mm. */
    PROC_KEY_VM_PTE = 30,            /**< vm_pte_kb; mm. */
    PROC_KEY_VM_SWAP = 31,           /**< vm_swap_kb; mm; since 2.6.34. */
    PROC_KEY_HUGETLB_PAGES = 32,     /**< hugetlb_kb; mm; since 4.4. */
    PROC_KEY_CORE_DUMPING = 33,      /**< core_dumping; mm; since 4.15. */
    PROC_KEY_THP_ENABLED = 34,       /**< thp_enabled; mm; since 5.0. */
    PROC_KEY_UNTAG_MASK = 35,        /**< untag_mask; mm; since 6.4. */
    PROC_KEY_THREADS = 36,           /**< threads. */
    PROC_KEY_SIG_Q = 37,             /**< sigq_queued, sigq_limit. */
    PROC_KEY_SIG_PND = 38,           /**< sig_pending. */
    PROC_KEY_SHD_PND = 39,           /**< shared_pending. */
    PROC_KEY_SIG_BLK = 40,           /**< sig_blocked. */
    PROC_KEY_SIG_IGN = 41,           /**< sig_ignored. */
    PROC_KEY_SIG_CGT = 42,           /**< sig_caught. */
    PROC_KEY_CAP_INH = 43,           /**< cap_inheritable. */
    PROC_KEY_CAP_PRM = 44,           /**< cap_permitted. */
    PROC_KEY_CAP_EFF = 45,           /**< cap_effective. */
    PROC_KEY_CAP_BND = 46,           /**< cap_bounding; since 2.6.26. */
    PROC_KEY_CAP_AMB = 47,           /**< cap_ambient; since 4.3. */
    PROC_KEY_NO_NEW_PRIVS = 48,      /**< no_new_privs; since 4.10. */
    PROC_KEY_SECCOMP = 49,           /**< seccomp; since 3.8. */
    PROC_KEY_SECCOMP_FILTERS = 50,   /**< seccomp_filters; since 5.9. */
    PROC_KEY_SPECULATION_STORE_BYPASS = 51,    /**< store_bypass, store_bypass_text; since 4.17. */
    PROC_KEY_SPECULATION_INDIRECT_BRANCH = 52, /**< indirect_branch, indirect_branch_text; since 5.11. */
    PROC_KEY_CPUS_ALLOWED = 53,      /**< cpus_mask. */
    PROC_KEY_CPUS_ALLOWED_LIST = 54, /**< cpus_list. */
    PROC_KEY_MEMS_ALLOWED = 55,      /**< mems_mask. */
    PROC_KEY_MEMS_ALLOWED_LIST = 56, /**< mems_list. */
    PROC_KEY_VOLUNTARY_SWITCHES = 57,         /**< voluntary_switches. */
    PROC_KEY_NONVOLUNTARY_SWITCHES = 58,      /**< nonvoluntary_switches. */
    PROC_KEY_X86_THREAD_FEATURES = 59,        /**< thread_features; x86 with shadow stacks, since 6.6. */
    PROC_KEY_X86_THREAD_FEATURES_LOCKED = 60, /**< thread_features_locked; as above. */
    PROC_KEY_SLEEP_AVG = 61,         /**< sleep_avg_percent; before 2.6.23. */
    PROC_KEY_VM_PMD = 62,            /**< vm_pmd_kb; mm; 4.0 to 4.14. */
    PROC_KEY_STACK_USAGE = 63,       /**< stack_usage_kb; mm; 2.6.32 and 2.6.33. */
    PROC_KEY_MEM = 64,               /**< nommu_mem_bytes; a machine without MMU, instead of all Vm keys. */
    PROC_KEY_SLACK = 65,             /**< nommu_slack_bytes; as above. */
    PROC_KEY_SHARED = 66,            /**< nommu_shared_bytes; as above. */
    PROC_KEY_COUNT = 67              /**< How many this version knows. */
};

/** One id for each pid namespace that a process can be nested in, and the outermost. */
#define PROC_NS_DEPTH 33

/** What the kernel says of a speculation flaw, for this task. */
enum {
    PROC_SPECULATION_UNKNOWN = 0,                    /**< "unknown". */
    PROC_SPECULATION_NOT_AFFECTED = 1,               /**< "not vulnerable", "not affected". */
    PROC_SPECULATION_VULNERABLE = 2,                 /**< "vulnerable". */
    PROC_SPECULATION_THREAD_VULNERABLE = 3,          /**< "thread vulnerable". */
    PROC_SPECULATION_THREAD_MITIGATED = 4,           /**< "thread mitigated". */
    PROC_SPECULATION_THREAD_FORCE_MITIGATED = 5,     /**< "thread force mitigated". */
    PROC_SPECULATION_GLOBALLY_MITIGATED = 6,         /**< "globally mitigated". */
    PROC_SPECULATION_UNSUPPORTED = 7,                /**< "unsupported". */
    PROC_SPECULATION_ALWAYS_ENABLED = 8,             /**< "always enabled". */
    PROC_SPECULATION_ALWAYS_DISABLED = 9,            /**< "always disabled". */
    PROC_SPECULATION_CONDITIONAL_ENABLED = 10,       /**< "conditional enabled". */
    PROC_SPECULATION_CONDITIONAL_DISABLED = 11,      /**< "conditional disabled". */
    PROC_SPECULATION_CONDITIONAL_FORCE_DISABLED = 12, /**< "conditional force disabled". */
    PROC_SPECULATION_OTHER_TEXT = 13                 /**< Words of a kernel newer than this: see the text. */
};

#define PROC_THREAD_FEATURE_SHSTK 0x1u         /**< "shstk": shadow stack. */
#define PROC_THREAD_FEATURE_WRSS 0x2u          /**< "wrss": writing to shadow stacks. */
#define PROC_THREAD_FEATURE_OTHER 0x80000000u  /**< A word that this version does not know. */

/**
 * A parsed record; ids are those of the /proc that told them. Numbers of memory are KiB, as the kernel prints them.
 * Spans point into the text that was parsed, and live as long as it does.
 *
 * Grows at its end, so calls that fill it take its size; everything else looks at present first, so that a program and
 * a library of different ages understand each other.
 * @since 0.1
 */
typedef struct proc_status {
    uint64_t present[4];  /**< Bit n % 64 of word n / 64: key n was there with a good value. */
    uint32_t unknown;     /**< Lines with other keys, or with none. */
    uint32_t invalid;     /**< Lines of known keys whose value made no sense; those keys are not present. */
    uint32_t truncated;   /**< 1: the text was cut: no line feed at its end, or the buffer's limit was reached. */
    char state;           /**< R S D T t X Z P I, or whatever letter the kernel printed. */
    char reserved0[3];    /**< 0. */
    uint32_t name_len;    /**< Bytes of the name. */
    char name[68];        /**< Raw bytes, unescaped, and a terminator; print it through proc_escape(). Up to 15, of
                               kernel threads up to 63; a longer one is cut and not present. */
    uint32_t umask;       /**< File mode creation mask. */
    int32_t tgid;         /**< The process that a thread belongs to. */
    int32_t ngid;         /**< NUMA group; 0 = none. */
    int32_t pid;          /**< The id of this task: a thread's own. */
    int32_t ppid;         /**< The parent; 0: none, or outside the pid namespace. */
    int32_t tracer_pid;   /**< Who traces it; 0: nobody, or outside the pid namespace. */
    uint32_t uid[4];      /**< Real, effective, saved, file system. 65534: no name in the reader's namespace. */
    uint32_t gid[4];      /**< As uid. */
    uint32_t fd_size;     /**< Slots for descriptors, not how many are open. */
    uint32_t group_count; /**< Supplementary groups, see proc_status_groups(). */
    uint32_t threads;     /**< Threads of the process. */
    uint32_t ns_depth;    /**< Ids that each of the four below holds. */
    int32_t ns_tgid[PROC_NS_DEPTH]; /**< tgid in each nested pid namespace, outermost first; the last is its own. */
    int32_t ns_pid[PROC_NS_DEPTH];  /**< pid, likewise. */
    int32_t ns_pgid[PROC_NS_DEPTH]; /**< Process group, likewise; 0: outside. */
    int32_t ns_sid[PROC_NS_DEPTH];  /**< Session, likewise; 0: outside. */
    uint32_t kthread;               /**< 1: a kernel thread; see proc_status_is_kernel_thread(). */
    uint32_t core_dumping;          /**< 1: a core is being written; killing it now would cut that. */
    uint32_t thp_enabled;           /**< 1: may get transparent huge pages. */
    uint32_t no_new_privs;          /**< 1: no exec gives it privileges. */
    uint32_t seccomp;               /**< 0 = off, 1 = strict, 2 = filter. */
    uint32_t seccomp_filters;       /**< Filters attached. */
    uint32_t store_bypass;          /**< PROC_SPECULATION_... */
    uint32_t indirect_branch;       /**< PROC_SPECULATION_... */
    uint32_t thread_features;        /**< PROC_THREAD_FEATURE_... in use. */
    uint32_t thread_features_locked; /**< PROC_THREAD_FEATURE_... that can no longer be changed. */
    uint32_t signal_bits;           /**< Signals of that machine: 64, on MIPS 128; 0 without any mask. */
    uint32_t cap_bits;              /**< Bits of its capability sets: 64, 32 before 2.6.25; 0 without any. */
    uint64_t vm_peak_kb;            /**< Peak of vm_size_kb. */
    uint64_t vm_size_kb;            /**< Virtual memory. */
    uint64_t vm_locked_kb;          /**< Locked by mlock(2). */
    uint64_t vm_pinned_kb;          /**< Pinned for devices. */
    uint64_t vm_hwm_kb;             /**< Peak of vm_rss_kb. */
    uint64_t vm_rss_kb;             /**< Resident memory: the sum of the three below. */
    uint64_t rss_anon_kb;           /**< Resident, of no file. */
    uint64_t rss_file_kb;           /**< Resident, of files. */
    uint64_t rss_shmem_kb;          /**< Resident, shared. */
    uint64_t vm_data_kb;            /**< Private data. */
    uint64_t vm_stack_kb;           /**< Stack. */
    uint64_t vm_exe_kb;             /**< Code of the program. */
    uint64_t vm_lib_kb;             /**< Code of libraries; some old kernels let it wrap below 0. */
    uint64_t vm_pte_kb;             /**< Page tables; of the last level only before 4.15. */
    uint64_t vm_pmd_kb;             /**< Page tables of the second level. */
    uint64_t vm_swap_kb;            /**< Swapped out, shared memory not counted. */
    uint64_t hugetlb_kb;            /**< Huge pages. */
    uint64_t nommu_mem_bytes;       /**< Without MMU: memory, in bytes. */
    uint64_t nommu_slack_bytes;     /**< Without MMU: allocated beyond need, in bytes. */
    uint64_t nommu_shared_bytes;    /**< Without MMU: shared, in bytes. */
    uint64_t stack_usage_kb;        /**< Used of the stack. */
    uint64_t sleep_avg_percent;     /**< Time asleep, in percent. */
    uint64_t untag_mask;            /**< Bits of an address that the hardware looks at. */
    uint64_t sigq_queued;           /**< Signals queued for its real user. */
    uint64_t sigq_limit;            /**< How many may be; PROC_UNLIMITED. */
    uint64_t sig_pending[2];        /**< Pending for this task. Signal 1 = bit 0 of the first word. */
    uint64_t shared_pending[2];     /**< Pending for the process. */
    uint64_t sig_blocked[2];        /**< Blocked by this task. */
    uint64_t sig_ignored[2];        /**< Ignored. */
    uint64_t sig_caught[2];         /**< With a handler. */
    uint64_t cap_inheritable;       /**< Capabilities, bit n = capability n: inheritable. */
    uint64_t cap_permitted;         /**< Permitted. */
    uint64_t cap_effective;         /**< Effective. */
    uint64_t cap_bounding;          /**< Bounding set. */
    uint64_t cap_ambient;           /**< Ambient. */
    uint64_t voluntary_switches;    /**< Context switches of this task, because it waited. */
    uint64_t nonvoluntary_switches; /**< Because its time was over. */
    proc_span groups;               /**< Supplementary groups: see proc_status_groups(). If the text was cut in them,
                                         the whole ones before the cut, and the key is not present. */
    proc_span store_bypass_text;    /**< The kernel's words. */
    proc_span indirect_branch_text; /**< The kernel's words. */
    proc_span cpus_mask;            /**< CPUs it may run on: words of 32 bits in hexadecimal, the highest first. */
    proc_span cpus_list;            /**< The same as a list: see proc_range_next(). */
    proc_span mems_mask;            /**< Memory nodes it may use, like cpus_mask. */
    proc_span mems_list;            /**< The same as a list. */
} proc_status;

/**
 * Takes a status text apart. Pure, and never fails on what the text says.
 *
 * @param text The bytes of a status file; NULL if len is 0.
 * @param len How many.
 * @param status_size `sizeof(proc_status)` as the caller was compiled. Smaller than the library's: keys that are not in
 *        it are left out. Larger: its end is zero.
 * @param ret_status Receives the record, whole. Its spans point into text.
 * @return How many known keys are present; -EINVAL: no record to fill, or a size that no version had.
 *
 * Safety: any thread, also a signal handler.
 * @see proc(5)
 * @snippet status.c status_parse
 * @since 0.1
 */
PROC_API int proc_status_parse(const char *text, size_t len, size_t status_size, proc_status *ret_status);

/**
 * The same, and shows every line that is not one of the known keys.
 *
 * @param text The bytes of a status file; NULL if len is 0.
 * @param len How many.
 * @param on_unknown Gets the key and its value without the blanks around it, both in text; a line without a colon is
 *        all value, and its key is empty. What it returns, if not 0, ends the parse and is returned. NULL = none.
 * @param user Handed to on_unknown.
 * @param status_size As for proc_status_parse().
 * @param ret_status As for proc_status_parse(); not written if on_unknown ended the parse.
 * @return How many known keys are present; what on_unknown returned; -EINVAL.
 *
 * Safety: any thread.
 * @snippet status.c status_parse_with
 * @since 0.1
 */
PROC_API int proc_status_parse_with(const char *text, size_t len,
                                    int (*on_unknown)(proc_span key, proc_span value, void *user), void *user,
                                    size_t status_size, proc_status *ret_status);

/**
 * Reads and parses the status of a process or thread. Costs one openat, one read or two, and one close; through a pidfd
 * also the reading of its fdinfo. Takes no lock that the process could hold, so it does not wait for a stuck one.
 *
 * @param target PROC_SELF, PROC_PID(n), PROC_THREAD(pid, tid), PROC_PIDFD(fd), or one with a directory or another
 * /proc.
 * @param buffer Where the text goes, kept for the next call; the record's spans point into it, and die with its next
 *        use. NULL: the text is not kept, and keys that are only a span (Groups, Cpus_allowed, ...) are not present.
 * @param status_size As for proc_status_parse().
 * @param ret_status Receives the record, whole. truncated = 1: the text was longer than buffer->limit, and the record
 *        holds what stood before.
 * @return 0; -ESRCH: gone, never there, or hidden from us; -EACCES: denied; -ENODEV: there is no proc file system at
 *         /proc; -EBADF: a descriptor of the target is not open, or not of that kind; -EMFILE, -ENFILE: no free
 *         descriptor; -ENOMEM; -EINVAL: a target that contradicts itself, or a size that no version had.
 *
 * Safety: any thread; a buffer in one at a time.
 * @see proc(5)
 * @snippet status.c status_read
 * @since 0.1
 */
PROC_API int proc_status_read(const proc_target *target, proc_buffer *buffer, size_t status_size,
                              proc_status *ret_status);

/**
 * Whether a key was there with a good value.
 *
 * @param status A filled record.
 * @param key PROC_KEY_...
 * @return 1 or 0; 0 also for an unknown number.
 *
 * Safety: any thread, also a signal handler.
 * @snippet status.c status_read
 * @since 0.1
 */
PROC_API int proc_status_has(const proc_status *status, int key);

/**
 * A key as the kernel spells it: "VmRSS" for PROC_KEY_VM_RSS.
 *
 * @param key PROC_KEY_...
 * @return A static string, or NULL for an unknown number.
 *
 * Safety: any thread, also a signal handler.
 * @snippet status.c status_key_name
 * @since 0.1
 */
PROC_API const char *proc_status_key_name(int key);

/**
 * Prints a record as the kernel would: every present key, in a kernel's order. A kernel's text, parsed and printed, is
 * the same text again, but for lines that were unknown, and for what old kernels wrote otherwise: words for some
 * states, user ids beyond 2^31 as negative numbers.
 *
 * @param status A filled record whose text still exists.
 * @param ret_text Receives the text, always terminated if size > 0; cut between values. May be NULL if size is 0.
 * @param size Bytes at ret_text.
 * @return The length needed without the terminator, as snprintf(3) does; -EINVAL.
 *
 * Safety: any thread.
 * @snippet status.c status_print
 * @since 0.1
 */
PROC_API int64_t proc_status_print(const proc_status *status, char *ret_text, size_t size);

/**
 * The supplementary groups.
 *
 * @param status A filled record whose text still exists.
 * @param ret_groups Receives up to capacity group ids, in the kernel's order. May be NULL if capacity is 0.
 * @param capacity How many fit.
 * @return How many there are; -ENODATA: the record has none to show (no such key, cut, or the text was not kept);
 *         -EINVAL.
 *
 * Safety: any thread, also a signal handler.
 * @snippet status.c status_groups
 * @since 0.1
 */
PROC_API int64_t proc_status_groups(const proc_status *status, uint32_t *ret_groups, size_t capacity);

/**
 * The kernel's word for the state: "sleeping", "disk sleep", "zombie".
 *
 * @param status A filled record.
 * @return A static string, never NULL; "unknown" for a letter that this version does not know.
 *
 * Safety: any thread, also a signal handler.
 * @snippet status.c status_read
 * @since 0.1
 */
PROC_API const char *proc_status_state_word(const proc_status *status);

/**
 * Whether it is dead and not reaped yet. A process whose first thread has exited while others live looks the same in
 * its State, and is none.
 *
 * @param status A filled record.
 * @return 1 or 0.
 *
 * Safety: any thread, also a signal handler.
 * @snippet status.c status_is_zombie
 * @since 0.1
 */
PROC_API int proc_status_is_zombie(const proc_status *status);

/**
 * Whether only its first thread has exited: the process lives, and its memory and descriptors show in another thread's
 * status.
 *
 * @param status A filled record.
 * @return 1 or 0.
 *
 * Safety: any thread, also a signal handler.
 * @snippet status.c status_is_zombie
 * @since 0.1
 */
PROC_API int proc_status_is_exited_leader(const proc_status *status);

/**
 * Whether it is a thread of the kernel. From the key Kthread; without it, a task with memory of its own is none, and
 * one that ignores SIGKILL, which no program can, is one.
 *
 * @param status A filled record.
 * @return 1 or 0; -ENODATA: it cannot be told from here; `/proc/<pid>/stat` has a flag for it.
 *
 * Safety: any thread, also a signal handler.
 * @snippet status.c status_is_kernel_thread
 * @since 0.1
 */
PROC_API int proc_status_is_kernel_thread(const proc_status *status);

/**
 * The name of a capability: "chown" for 0.
 *
 * @param cap Its number.
 * @return A static string, or NULL for one that this version does not know.
 *
 * Safety: any thread, also a signal handler.
 * @see capabilities(7)
 * @snippet status.c caps_text
 * @since 0.1
 */
PROC_API const char *proc_cap_name(int cap);

/**
 * A set of capabilities in words: "chown,kill"; a number for one without a name, "" for an empty set.
 *
 * @param caps Bit n = capability n.
 * @param ret_text Receives the words, always terminated if size > 0. May be NULL if size is 0.
 * @param size Bytes at ret_text.
 * @return The length needed without the terminator, as snprintf(3) does; -EINVAL.
 *
 * Safety: any thread.
 * @see capabilities(7)
 * @snippet status.c caps_text
 * @since 0.1
 */
PROC_API int proc_caps_text(uint64_t caps, char *ret_text, size_t size);

/** @} */

#ifdef __cplusplus
}
#endif
#endif
