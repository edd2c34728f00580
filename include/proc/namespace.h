/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/namespace.h> - namespaces as data for the options of a child.
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
 * @{
 */

#define PROC_NS_USER 0x01u   /**< user_namespaces(7) */
#define PROC_NS_PID 0x02u    /**< pid_namespaces(7): the program is pid 1 of a new one. */
#define PROC_NS_MOUNT 0x04u  /**< mount_namespaces(7) */
#define PROC_NS_NET 0x08u    /**< network_namespaces(7) */
#define PROC_NS_UTS 0x10u    /**< uts_namespaces(7) */
#define PROC_NS_IPC 0x20u    /**< ipc_namespaces(7) */
#define PROC_NS_TIME 0x40u   /**< time_namespaces(7) */
#define PROC_NS_CGROUP 0x80u /**< cgroup_namespaces(7) */

#define PROC_NS_AS_ROOT 0x01u         /**< User: we are 0 within; default: who we are. */
#define PROC_NS_ALLOW_SETGROUPS 0x02u /**< User: default is deny. */
#define PROC_NS_KEEP_PROC 0x08u       /**< Mount and pid: no fresh /proc. */
#define PROC_NS_SHARED_MOUNTS 0x10u   /**< Mount: propagation stays; default: private. */
#define PROC_NS_LOOPBACK_DOWN 0x20u   /**< Net: default is up. */

/** A range of ids. */
typedef struct proc_id_map {
    uint32_t inside;  /**< The first id within. */
    uint32_t outside; /**< The first id in our namespace. */
    uint32_t count;   /**< How many. */
} proc_id_map;
/** A counted list of ranges. */
typedef struct proc_id_maps {
    const proc_id_map *items; /**< The first. */
    size_t count;             /**< How many. */
} proc_id_maps;
/** One source of namespaces to join. Lists end with which 0. */
typedef struct proc_ns_join {
    uint32_t which;    /**< PROC_NS_... */
    int32_t pid;       /**< Of this process, */
    const int *fd;     /**< or of this pidfd or namespace file, */
    const char *path;  /**< or of this file. */
    uint64_t reserved; /**< 0. */
} proc_ns_join;
/** Where it lives.
 * @since 0.1 */
typedef struct proc_namespaces {
    size_t size;                        /**< sizeof(proc_namespaces). */
    uint32_t create;                    /**< PROC_NS_... */
    uint32_t flags;                     /**< PROC_NS_AS_ROOT, ... */
    const proc_ns_join *join;           /**< None. */
    proc_id_maps uid_maps;              /**< The caller alone. */
    proc_id_maps gid_maps;              /**< The caller alone. */
    const char *hostname;               /**< Uts. */
    const char *domainname;             /**< Uts. */
    const int64_t *monotonic_offset_ms; /**< Time. */
    const int64_t *boottime_offset_ms;  /**< Time. */
} proc_namespaces;

#ifdef PROC_LITERALS
#define PROC_ID_MAPS(...) PROC_LIST_(proc_id_maps, proc_id_map, __VA_ARGS__) /**< A list of ranges. */
#define PROC_NAMESPACES(...) PROC_SIZED_(proc_namespaces, __VA_ARGS__)       /**< Members by name. */
#endif
/** @} */

#ifdef __cplusplus
}
#endif
#endif
