/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/sandbox.h> - what a child may no longer do: root, capabilities, landlock, seccomp.
 */
#ifndef PROC_SANDBOX_H
#define PROC_SANDBOX_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup sandbox Sandbox
 * @brief What is taken away from a child before its program begins, as data: `proc_options.sandbox`.
 *
 * Everything here holds for the child and all that come from it, for ever; nothing of it touches the caller. Each part
 * is used by itself or with the others, in this order: the root, before the working directory; capabilities and
 * no_new_privs, after the ids; landlock, when all other descriptors are closed; seccomp, right before execve(2). A part
 * that cannot be had ends the start: no program is ever run with half of what was asked for.
 *
 * The masks of the kernel are its own numbers: `CAP_...` of <linux/capability.h>, `LANDLOCK_...` of <linux/landlock.h>,
 * `SECCOMP_...` of <linux/seccomp.h>, and the instructions of <linux/filter.h>. Rights that are younger than this
 * library work all the same.
 * @{
 */

/** @name Capabilities
 * @{ */

/**
 * The five sets of a process: bit n is capability n of capabilities(7). NULL: not said; then
 * - permitted, effective: what it has; with a new user (`proc_ids.uid`) nothing; and in both cases what ambient and
 *   effective need;
 * - inheritable: what it has, and what ambient needs;
 * - ambient, bounding: what the kernel leaves.
 *
 * What a *program* gets is the kernel's arithmetic of execve(2), which asks neither permitted nor effective:
 * - one that is run by an ordinary user has its ambient set, and nothing else. So that is how a server without root may
 *   have a low port: `.ambient = PROC_CAP_SET(PROC_CAP(CAP_NET_BIND_SERVICE))`, with ids;
 * - one that is run by root, or by a user who becomes root through a file, gets all of the bounding set. To take
 *   something away from root, take it out of the bounding set, or set no_new_privs with the permitted set.
 *
 * PROC_CAPS_ONLY() is right for both, and takes CAP_SETPCAP for its bounding set. Where we have no capabilities there
 * are none to take away, and no_new_privs alone keeps the program from getting any.
 * @since 0.1
 */
typedef struct proc_caps {
    const uint64_t *permitted;   /**< May be made effective. Never more than it has. */
    const uint64_t *effective;   /**< In force until execve(2); part of permitted. */
    const uint64_t *inheritable; /**< Kept by programs whose files say so. */
    const uint64_t *ambient;     /**< Kept by any program; part of permitted and of inheritable. */
    const uint64_t *bounding;    /**< The most that can ever be had: all others are taken out of it, which needs
                                      CAP_SETPCAP. */
} proc_caps;

/** The bit of a capability: `PROC_CAP(CAP_NET_RAW) | PROC_CAP(CAP_NET_ADMIN)`. */
#define PROC_CAP(number) (UINT64_C(1) << (number))
#ifdef PROC_LITERALS
#define PROC_CAP_SET(mask) (&(const uint64_t){(mask)}) /**< A set that is said. */
/** These and no others, whoever it is and becomes: the program has them in force, and can never get more. */
#define PROC_CAPS_ONLY(mask) \
    ((proc_caps){PROC_CAP_SET(mask), PROC_CAP_SET(mask), PROC_CAP_SET(mask), PROC_CAP_SET(mask), PROC_CAP_SET(mask)})
#endif
/** @} */

/** @name Landlock
 * @{ */

/* By number, since the kernel's header may be missing or old. They do not grow: a program knows what it asks for. */
#define PROC_LANDLOCK_FS_READ UINT64_C(0x000d)     /**< Execute and read files, list directories. */
#define PROC_LANDLOCK_FS_WRITE UINT64_C(0x7ff2)    /**< Write, make, remove, rename, truncate. TRUNCATE: Linux 6.2. */
#define PROC_LANDLOCK_FS_ALL UINT64_C(0xffff)      /**< Both, and ioctl(2) on devices: Linux 6.10. */
#define PROC_LANDLOCK_NET_BIND UINT64_C(0x1)       /**< Bind to TCP ports: Linux 6.7. */
#define PROC_LANDLOCK_NET_CONNECT UINT64_C(0x2)    /**< Connect to TCP ports: Linux 6.7. */
#define PROC_LANDLOCK_NET_ALL UINT64_C(0x3)        /**< Both. */
#define PROC_LANDLOCK_SCOPE_ABSTRACT UINT64_C(0x1) /**< Abstract Unix sockets of others: Linux 6.12. */
#define PROC_LANDLOCK_SCOPE_SIGNAL UINT64_C(0x2)   /**< Signals to others: Linux 6.12. */
#define PROC_LANDLOCK_SCOPE_ALL UINT64_C(0x3)      /**< Both. */

/**
 * One exception from what is denied: a file, a directory with all below it, or a TCP port. The errors of
 * PROC_STEP_LANDLOCK have its index: -EINVAL: it allows nothing, or something that is not denied, or has both path and
 * port, or no such port; or what open(2) says to the path.
 * @since 0.1
 */
typedef struct proc_landlock_rule {
    const char *path;  /**< Opened before the start, with our root, cwd and ids; links are followed. NULL = a port. */
    uint64_t allow;    /**< LANDLOCK_ACCESS_FS_... out of deny_fs; or LANDLOCK_ACCESS_NET_... out of deny_net. A file
                            that is no directory is given only what a file can have. */
    uint64_t port;     /**< With path NULL: 0 to 65535; 0 = any that the kernel chooses. */
    uint64_t reserved; /**< 0. */
} proc_landlock_rule;
/** A counted list of rules. */
typedef struct proc_landlock_rules {
    const proc_landlock_rule *items; /**< The first. */
    size_t count;                    /**< How many. */
} proc_landlock_rules;
/** @} */

/** @name All of it
 * @{ */

struct sock_filter; /* <linux/filter.h> */

/**
 * What it may no longer do. Zero: nothing is taken away.
 *
 * **root** is chroot(2), which needs CAP_SYS_CHROOT. Working directory, program and search list are then those of the
 * new root, from which a relative directory is seen, too; "/" is the working directory unless one is said.
 * `proc_start.cwd_fd` is refused, for it would lead out.
 * Files of the stdio entries and of landlock are still ours. A child that stays root, or is given a directory's
 * descriptor, can leave it: give it other ids.
 *
 * **Capabilities** are set when the child has its ids, and are carried over their change. What cannot be set is
 * -EPERM, what this kernel lacks -EINVAL, and `proc_error.index` is the capability.
 *
 * **Landlock** denies what deny_fs, deny_net and scope say, but where a rule allows it. Any part of it implies
 * no_new_privs, and forbids the child to move files between directories unless REFER is denied and allowed again. The
 * program, its interpreter and its libraries need a rule too, if execution or reading is denied: without, the start
 * fails with -EACCES at PROC_STEP_EXEC. Where the kernel has no landlock at all the start fails with -ENOSYS,
 * -EOPNOTSUPP (not enabled) or -EPERM (hidden by a filter), for single rights that it lacks with -EOPNOTSUPP; with
 * best_effort such rights, and rules that are left with nothing, are left out, down to none at all: ask proc_has().
 *
 * **seccomp** is the last step, so the filter needs to allow execve(2) and what the program does, nothing for us. It
 * needs no_new_privs or CAP_SYS_ADMIN: a child that has neither gets no_new_privs. A filter that denies execve(2) is
 * the start's error (PROC_STEP_EXEC), one that kills for it too (PROC_STEP_SECCOMP, -EPERM);
 * with a hook that is a child which has ended by SIGSYS. A child with a filter starts in a copy of our memory.
 * @snippet sandbox.c sandbox
 * @see chroot(2), capabilities(7), landlock(7), seccomp(2), prctl(2)
 * @since 0.1
 */
typedef struct proc_sandbox {
    size_t size;                       /**< sizeof(proc_sandbox); PROC_SANDBOX() sets it. */
    const char *root;                  /**< Its root directory, seen from our root and cwd; ours. */
    proc_caps caps;                    /**< Its capabilities; none of the sets is said. */
    uint64_t deny_fs;                  /**< LANDLOCK_ACCESS_FS_...: denied but where a rule allows. */
    uint64_t deny_net;                 /**< LANDLOCK_ACCESS_NET_...: the same. */
    uint64_t scope;                    /**< LANDLOCK_SCOPE_...: not beyond its own. */
    proc_landlock_rules rules;         /**< The exceptions. */
    const struct sock_filter *seccomp; /**< A filter program; none. */
    size_t seccomp_length;             /**< 1 to 4096 instructions. */
    uint32_t seccomp_flags;            /**< SECCOMP_FILTER_FLAG_LOG, _SPEC_ALLOW. Those about other threads, or that
                                            make a descriptor, are -EINVAL. */
    uint32_t no_new_privs;             /**< 1: no program can give it rights that it lacks. */
    uint32_t best_effort;              /**< 1: landlock rights that this kernel lacks are left out; 0: an error. */
    uint32_t reserved;                 /**< 0. */
} proc_sandbox;

#ifdef PROC_LITERALS
/** A list of rules: `PROC_LANDLOCK_RULES({"/usr", PROC_LANDLOCK_FS_READ}, {"/srv", PROC_LANDLOCK_FS_ALL})`. */
#define PROC_LANDLOCK_RULES(...) PROC_LIST_(proc_landlock_rules, proc_landlock_rule, __VA_ARGS__)
#define PROC_SANDBOX(...) PROC_SIZED_(proc_sandbox, __VA_ARGS__) /**< Members by name. */
#endif
/** @} */
/** @} */

#ifdef __cplusplus
}
#endif
#endif
