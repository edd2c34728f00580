/* SPDX-License-Identifier: MIT */
/*
 * Looks at what a caller wants of namespaces, and makes ready what the new process and its parent need for it: files to
 * join, texts of ids and clocks. Owns those until done. What is done with them, and when, is said elsewhere.
 */
#include "namespaces.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "namespace_kinds.h"

#define KNOWN_FLAGS \
    (PROC_NS_AS_ROOT | PROC_NS_ALLOW_SETGROUPS | PROC_NS_KEEP_PROC | PROC_NS_SHARED_MOUNTS | PROC_NS_LOOPBACK_DOWN)
#define NAME_MAX_BYTES 64

/* ---- By themselves ---- */

static uint32_t joined_by(const proc_namespaces *options)
{
    return proc__namespace_join_kinds(options->join);
}

static int check_kinds(const proc_namespaces *options, struct failure *ret_failure)
{
    uint32_t create = options->create, joined = joined_by(options);
    if (create & ~ALL_NAMESPACES)
        return proc__refuse(ret_failure, ENOTSUP, ".namespaces->create: a kind that this version lacks");
    if (options->flags & ~KNOWN_FLAGS)
        return proc__refuse(ret_failure, ENOTSUP, ".namespaces->flags: one that this version lacks");
    if (create & joined)
        return proc__refuse(ret_failure, EINVAL, ".namespaces: a kind is joined and made");
    if (joined && (create & PROC_NS_USER) && (create & PROC_NS_TIME))
        return proc__refuse(ret_failure, EINVAL, ".namespaces: one joined, user and time made");
    return 0;
}

/* What is asked for, and has nothing that it could be about. */
static int check_uses(const proc_namespaces *options, struct failure *ret_failure)
{
    uint32_t create = options->create, flags = options->flags;
    const struct {
        int asked, has_use;
        const char *what;
    } uses[] = {
        {flags & PROC_NS_AS_ROOT, create & PROC_NS_USER, ".namespaces: AS_ROOT without a new user"},
        {flags & PROC_NS_ALLOW_SETGROUPS, create & PROC_NS_USER, ".namespaces: ALLOW_SETGROUPS without a new user"},
        {flags & PROC_NS_KEEP_PROC, (create & PROC_NS_MOUNT) && proc__namespaces_hide_pids(options),
         ".namespaces: KEEP_PROC without a new mount and another pid"},
        {flags & PROC_NS_SHARED_MOUNTS, create & PROC_NS_MOUNT, ".namespaces: SHARED_MOUNTS without a new mount"},
        {flags & PROC_NS_LOOPBACK_DOWN, create & PROC_NS_NET, ".namespaces: LOOPBACK_DOWN without a new net"},
        {options->uid_maps.items || options->gid_maps.items, create & PROC_NS_USER,
         ".namespaces: id maps without a new user"},
        {options->hostname || options->domainname, create & PROC_NS_UTS, ".namespaces: a name without a new uts"},
        {options->monotonic_offset_ms || options->boottime_offset_ms, create & PROC_NS_TIME,
         ".namespaces: an offset without a new time"},
    };
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        if (uses[i].asked && !uses[i].has_use)
            return proc__refuse(ret_failure, EINVAL, uses[i].what);
    return 0;
}

static int check_map(const proc_id_maps *maps, int as_root, const char *what, struct failure *ret_failure)
{
    const char *wrong = proc__id_map_wrong(maps);
    if (!wrong && maps->items && as_root)
        wrong = "not with PROC_NS_AS_ROOT";
    if (!wrong)
        return 0;
    proc__refuse(ret_failure, EINVAL, what);
    ret_failure->reason = wrong;
    return -EINVAL;
}

static int check_name(const char *name, const char *what, struct failure *ret_failure)
{
    if (name && strlen(name) > NAME_MAX_BYTES)
        return proc__refuse(ret_failure, EINVAL, what);
    return 0;
}

int proc__namespaces_check(const proc_namespaces *options, struct failure *ret_failure)
{
    int as_root = (options->flags & PROC_NS_AS_ROOT) != 0;
    int rc = proc__namespace_join_check(options->join, ret_failure);
    if (rc == 0)
        rc = check_kinds(options, ret_failure);
    if (rc == 0)
        rc = check_map(&options->uid_maps, as_root, ".namespaces->uid_maps", ret_failure);
    if (rc == 0)
        rc = check_map(&options->gid_maps, as_root, ".namespaces->gid_maps", ret_failure);
    if (rc == 0)
        rc = check_uses(options, ret_failure);
    if (rc == 0)
        rc = check_name(options->hostname, ".namespaces->hostname is longer than 64", ret_failure);
    if (rc == 0)
        rc = check_name(options->domainname, ".namespaces->domainname is longer than 64", ret_failure);
    return rc;
}

/* ---- What it comes to ---- */

struct namespace_births proc__namespaces_births(const proc_namespaces *options)
{
    uint32_t create = options->create, joined = joined_by(options);
    uint32_t at_birth = create & (PROC_NS_USER | PROC_NS_PID);
    struct namespace_births births = {
        .is_held = at_birth || (create & PROC_NS_TIME) || (joined & PROC_NS_PID),
        /* What is joined comes first: a new user namespace would have no right to it, a joined one owns the rest. */
        .has_middle = (create & PROC_NS_TIME) || (joined & PROC_NS_PID) || (joined && at_birth),
    };
    uint32_t first = births.has_middle ? at_birth & PROC_NS_USER : at_birth;
    if (joined && births.has_middle)
        first = 0;
    births.first = proc__namespace_flags(first);
    births.second = proc__namespace_flags(at_birth & ~first);
    return births;
}

int proc__namespaces_hide_pids(const proc_namespaces *options)
{
    return ((options->create | joined_by(options)) & PROC_NS_PID) != 0;
}

int proc__namespaces_deny_groups(const proc_namespaces *options)
{
    return (options->create & PROC_NS_USER) && !(options->flags & PROC_NS_ALLOW_SETGROUPS);
}

static int has_id(const proc_namespaces *options, const proc_id_maps *maps, uint32_t own, uint32_t id)
{
    if (!(options->create & PROC_NS_USER))
        return 1;
    if (maps->items)
        return proc__id_map_has(maps, id);
    return id == (options->flags & PROC_NS_AS_ROOT ? 0 : own);
}

int proc__namespaces_have_uid(const proc_namespaces *options, uint32_t uid)
{
    return has_id(options, &options->uid_maps, (uint32_t)geteuid(), uid);
}

int proc__namespaces_have_gid(const proc_namespaces *options, uint32_t gid)
{
    return has_id(options, &options->gid_maps, (uint32_t)getegid(), gid);
}

int proc__namespaces_uid_outside(const proc_namespaces *options, uint32_t uid, uint32_t *ret_outside)
{
    if (joined_by(options) & PROC_NS_USER)
        return 0;
    if ((options->create & PROC_NS_USER) && options->uid_maps.items)
        return proc__id_map_outside(&options->uid_maps, uid, ret_outside);
    /* A new one without maps has one user, and that is us. */
    *ret_outside = options->create & PROC_NS_USER ? (uint32_t)geteuid() : uid;
    return 1;
}

/* ---- Making ready ---- */

static char *map_text(const proc_id_maps *maps, int as_root, uint32_t own)
{
    const proc_id_map alone = {as_root ? 0 : own, own, 1};
    return proc__id_map_text(maps->items ? maps : &(const proc_id_maps){&alone, 1});
}

static int prepare_maps(struct namespaces *namespaces, const proc_namespaces *options, struct failure *ret_failure)
{
    int as_root = (options->flags & PROC_NS_AS_ROOT) != 0;
    if (!(options->create & PROC_NS_USER))
        return 0;
    namespaces->maps.deny_setgroups = proc__namespaces_deny_groups(options);
    namespaces->maps.uids = map_text(&options->uid_maps, as_root, (uint32_t)geteuid());
    namespaces->maps.gids = map_text(&options->gid_maps, as_root, (uint32_t)getegid());
    if (!namespaces->maps.uids || !namespaces->maps.gids)
        return proc__fail_memory(ret_failure);
    return 0;
}

/* Whole seconds, and nanoseconds that are never below zero. */
static void add_offset(struct namespaces *namespaces, const char *clock, const int64_t *offset_ms)
{
    if (!offset_ms)
        return;
    int64_t seconds = *offset_ms / 1000, rest_ms = *offset_ms % 1000;
    if (rest_ms < 0) {
        seconds--;
        rest_ms += 1000;
    }
    size_t len = strlen(namespaces->offsets);
    snprintf(namespaces->offsets + len, sizeof namespaces->offsets - len, "%s %lld %lld\n", clock, (long long)seconds,
             (long long)rest_ms * 1000000);
}

int proc__namespaces_prepare(struct namespaces *ret_namespaces, const proc_namespaces *options,
                             struct failure *ret_failure)
{
    *ret_namespaces = (struct namespaces){
        .create = options->create,
        .joined = joined_by(options),
        .flags = options->flags,
        .births = proc__namespaces_births(options),
        .hostname = options->hostname,
        .domainname = options->domainname,
    };
    add_offset(ret_namespaces, "1", options->monotonic_offset_ms);
    add_offset(ret_namespaces, "7", options->boottime_offset_ms);
    int rc = prepare_maps(ret_namespaces, options, ret_failure);
    return rc < 0 ? rc : proc__namespace_join_open(options->join, &ret_namespaces->sources, ret_failure);
}

void proc__namespaces_done(struct namespaces *namespaces)
{
    proc__namespace_join_done(&namespaces->sources);
    free(namespaces->maps.uids);
    free(namespaces->maps.gids);
    namespaces->maps.uids = namespaces->maps.gids = NULL;
}
