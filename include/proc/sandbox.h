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
 * @brief Data for the options of a child.
 * @{
 */

/** Sets of capabilities: bit n is capability n of capabilities(7).
 * @since 0.1 */
typedef struct proc_caps {
    uint64_t permitted;   /**< May be made effective. */
    uint64_t effective;   /**< In force. */
    uint64_t inheritable; /**< Kept by programs whose files say so. */
    uint64_t ambient;     /**< Kept over execve(2) by any program. */
    uint64_t bounding;    /**< The most that can ever be had. */
} proc_caps;
/** One exception from what is denied.
 * @since 0.1 */
typedef struct proc_landlock_rule {
    const char *path;  /**< A file or a tree; NULL = a port. */
    uint64_t allow;    /**< LANDLOCK_ACCESS_FS_... or LANDLOCK_ACCESS_NET_... */
    uint64_t port;     /**< With path NULL. */
    uint64_t reserved; /**< 0. */
} proc_landlock_rule;
/** A counted list of rules. */
typedef struct proc_landlock_rules {
    const proc_landlock_rule *items; /**< The first. */
    size_t count;                    /**< How many. */
} proc_landlock_rules;
struct sock_filter;
/** What it may no longer do. Zero: nothing is taken away.
 * @since 0.1 */
typedef struct proc_sandbox {
    size_t size;                       /**< sizeof(proc_sandbox). */
    const char *root;                  /**< chroot(2); cwd is then resolved in it. */
    const proc_caps *caps;             /**< Its capabilities. */
    uint64_t deny_fs;                  /**< LANDLOCK_ACCESS_FS_...: denied but where a rule allows. */
    uint64_t deny_net;                 /**< LANDLOCK_ACCESS_NET_...: the same. */
    uint64_t scope;                    /**< LANDLOCK_SCOPE_... */
    proc_landlock_rules rules;         /**< The exceptions. */
    const struct sock_filter *seccomp; /**< A filter program of seccomp(2). */
    size_t seccomp_length;             /**< In instructions. */
    uint32_t seccomp_flags;            /**< SECCOMP_FILTER_FLAG_... */
    uint32_t no_new_privs;             /**< 1: implied by landlock and by seccomp without privileges. */
    uint32_t best_effort;              /**< 1: landlock rights that this kernel lacks are left out; 0: an error. */
    uint32_t reserved;                 /**< 0. */
} proc_sandbox;

#ifdef PROC_LITERALS
/** A list of rules. */
#define PROC_LANDLOCK_RULES(...) PROC_LIST_(proc_landlock_rules, proc_landlock_rule, __VA_ARGS__)
#define PROC_SANDBOX(...) PROC_SIZED_(proc_sandbox, __VA_ARGS__) /**< Members by name. */
#endif
/** @} */

#ifdef __cplusplus
}
#endif
#endif
