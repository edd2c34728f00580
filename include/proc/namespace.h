/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/namespace.h> - namespaces as data for the options of a child: which are made for it, which it joins, who it is
 * in them; and whether they can be had here.
 */
#ifndef PROC_NAMESPACE_H
#define PROC_NAMESPACE_H

#include <proc/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup namespace Namespaces
 * @brief New ones and joined ones, with their id maps.
 *
 * What is done, in this order: joined namespaces are entered, that of users first; new ones of users, pids and time are
 * made, then all the others. In the new ones: mounts become private, hostname and domainname are set, the loopback
 * device is brought up; and behind a change of the root directory, /proc shows the pids of the child's namespace. All
 * this happens before the child's working directory, descriptors, limits and ids, so paths are those of the mounts that
 * it has by then, and `.ids` are those inside.
 *
 * A mount namespace that is joined makes its root directory the child's, and its working directory too, unless the
 * request has another one.
 *
 * Without privilege a process can make a user namespace, where the system lets it, and with it any of the others in the
 * same start. Where it cannot, the start fails with PROC_STEP_NAMESPACE, and the text names the gate.
 *
 * **Pid 1.** With PROC_NS_PID in `create` the program is the first process of its namespace. Three things are
 * different for it:
 * - A signal that it has no handler for is not delivered when it comes from inside, nor from outside but for SIGKILL
 *   and SIGSTOP. A plain program that relied on the default action does not end by SIGTERM: proc_stop() comes to its
 *   SIGKILL.
 * - When it ends, the kernel kills all that is left in the namespace. So killing it kills all of them; and it has not
 *   ended before all of them are reaped, those who joined by their parents outside.
 * - What loses its parent in there becomes its child. It should wait for those, or they stay as zombies while it runs.
 * @{
 */

/** @name Kinds, for `create`, `which` and proc_namespaces_check()
 * @{ */
#define PROC_NS_USER 0x01u   /**< user_namespaces(7): ids and capabilities. */
#define PROC_NS_PID 0x02u    /**< pid_namespaces(7). New: the program is pid 1. */
#define PROC_NS_MOUNT 0x04u  /**< mount_namespaces(7). New: a copy of our mounts. */
#define PROC_NS_NET 0x08u    /**< network_namespaces(7). New: nothing but a loopback device, which is up. */
#define PROC_NS_UTS 0x10u    /**< uts_namespaces(7): hostname and domainname. */
#define PROC_NS_IPC 0x20u    /**< ipc_namespaces(7): System V objects, POSIX message queues. */
#define PROC_NS_TIME 0x40u   /**< time_namespaces(7): offsets of two clocks. Since Linux 5.6. */
#define PROC_NS_CGROUP 0x80u /**< cgroup_namespaces(7). New: the child's control group is the root. */
/** @} */

/** @name Flags. One that the rest of the request has no use for is -EINVAL
 * @{ */
#define PROC_NS_AS_ROOT 0x01u         /**< New user: we are 0 within, user and group; default: who we are. */
#define PROC_NS_ALLOW_SETGROUPS 0x02u /**< New user: setgroups(2) works within; needs CAP_SETGID. Default: denied. */
#define PROC_NS_KEEP_PROC 0x08u       /**< New mount, and new or joined pid: /proc stays as it is. */
#define PROC_NS_SHARED_MOUNTS 0x10u   /**< New mount: what is mounted outside appears within; as root also the other way
                                           round. Default: neither. */
#define PROC_NS_LOOPBACK_DOWN 0x20u   /**< New net: the loopback device stays down. */
/** @} */

/** A range of ids. */
typedef struct proc_id_map {
    uint32_t inside;  /**< The first id within. */
    uint32_t outside; /**< The first id in our user namespace. */
    uint32_t count;   /**< How many; at least 1. */
} proc_id_map;
/** A counted list of ranges, which do not overlap on either side: at most 340, and less than a memory page of text. */
typedef struct proc_id_maps {
    const proc_id_map *items; /**< The first; NULL: our own id alone. */
    size_t count;             /**< How many. */
} proc_id_maps;

/**
 * Namespaces to join, from one source: exactly one of pid, fd and path is set. A list ends with a source whose `which`
 * is 0. They are opened before the start, with our ids. It takes CAP_SYS_ADMIN there and here, or that the user
 * namespace which they belong to is joined with them, and is one that we have made.
 *
 * The errors of PROC_STEP_NAMESPACE name the path or the kind: -ESRCH: no such process; -ENOTTY: no namespace file;
 * -EINVAL: one of another kind, or the user namespace that we live in already; -EBADF: not open; -EPERM, -EACCES: not
 * for us; or what open(2) says to the path.
 *
 * @snippet namespaces.c namespaces_join
 */
typedef struct proc_ns_join {
    uint32_t which;    /**< PROC_NS_..., several from a process, one from a file. */
    int32_t pid;       /**< Those of this process, */
    const int *fd;     /**< or of the process of this pidfd, or this namespace file; it stays open here, */
    const char *path;  /**< or this namespace file: "/proc/1/ns/net", "/run/netns/blue". */
    uint64_t reserved; /**< 0. */
} proc_ns_join;

/**
 * Where a child lives. {0} but for its size: where we live.
 *
 * Not together (-EINVAL): a kind that is joined and made; both user and time made while another one is joined;
 * `.start->group` with a pid namespace, which has numbers of its own; a hook with a new user, pid or time namespace or
 * a joined pid namespace; groups in a new user namespace without PROC_NS_ALLOW_SETGROUPS, whether `.ids` lists them or
 * empties them, as `uid` does without `keep_groups`. New user, pid and time and a joined pid need a birth of their own:
 * proc_fork() and proc_exec() refuse them, and so does a daemon's program (-ENOTSUP).
 *
 * A child in a user namespace that is not root there (see PROC_NS_AS_ROOT) has all capabilities of the namespace until
 * its execve(2), and none afterwards, as ever.
 *
 * @snippet namespaces.c namespaces
 * @since 0.1
 */
typedef struct proc_namespaces {
    size_t size;                        /**< sizeof(proc_namespaces). */
    uint32_t create;                    /**< PROC_NS_... to be made; none. */
    uint32_t flags;                     /**< PROC_NS_AS_ROOT, ... */
    const proc_ns_join *join;           /**< Those to be joined; none. */
    proc_id_maps uid_maps;              /**< New user: users; ours alone, which needs no privilege. Others need
                                             CAP_SETUID, and if 0 is among those outside, CAP_SETFCAP. */
    proc_id_maps gid_maps;              /**< New user: groups; ours alone. Others need CAP_SETGID. */
    const char *hostname;               /**< New uts: up to 64 bytes; ours. */
    const char *domainname;             /**< New uts: up to 64 bytes; ours. */
    const int64_t *monotonic_offset_ms; /**< New time: CLOCK_MONOTONIC there minus that of the machine; as for us. One
                                             that takes the clock below 0 is -ERANGE. */
    const int64_t *boottime_offset_ms;  /**< New time: the same of CLOCK_BOOTTIME. */
} proc_namespaces;

#ifdef PROC_LITERALS
/** A list of ranges: `PROC_ID_MAPS({0, 100000, 65536})`. */
#define PROC_ID_MAPS(...) PROC_LIST_(proc_id_maps, proc_id_map, __VA_ARGS__)
/** A list of sources: `PROC_NS_JOIN({.which = PROC_NS_NET, .path = "/run/netns/blue"})`. */
#define PROC_NS_JOIN(...) ((const proc_ns_join[]){__VA_ARGS__, {.which = 0}})
/** Members by name: `.namespaces = PROC_NAMESPACES(.create = PROC_NS_NET)`. */
#define PROC_NAMESPACES(...) PROC_SIZED_(proc_namespaces, __VA_ARGS__)
/** An offset of a clock in milliseconds. */
#define PROC_OFFSET_MS(value) (&(const int64_t){(value)})
#endif

/**
 * Whether this process, here and now, can make such namespaces: tried by short-lived processes, one for each kind,
 * which raise no SIGCHLD. What is denied is told with the gate that is closed: a limit of /proc/sys/user, another
 * sysctl, a missing capability, a seccomp filter, a chroot, the depth of nesting, or a security module if it is none of
 * those.
 *
 * @param which PROC_NS_... With PROC_NS_USER the others are tried inside the new user namespace, as in a start.
 * @param error Receives step, errno, the kind (as index) and a text; may be NULL. Written on failure only.
 * @return 0: they can be made; -EPERM: not by us; -ENOSPC, -EUSERS: a limit; -EINVAL: this kernel has none such, or an
 *         unknown kind (PROC_STEP_OPTIONS); -ENOSYS: denied altogether, or no pidfds here; -EAGAIN, -ENOMEM, -EMFILE,
 *         -ENFILE: it cannot be told now.
 *
 * Safety: any thread; all signals are blocked in the calling thread meanwhile.
 * @see namespaces(7), user_namespaces(7)
 * @snippet namespaces.c namespaces_check
 * @since 0.1
 */
PROC_API int proc_namespaces_check(uint32_t which, proc_error *error);
/** @} */

#ifdef __cplusplus
}
#endif
#endif
