/* SPDX-License-Identifier: MIT */
/*
 * Options that are good by themselves and cannot be had together: said before anything is made, for the kernel would
 * only say EPERM or ESRCH, in the middle of a start. Owns nothing.
 */
#include "combinations.h"

#include <errno.h>

#include "../isolation/namespaces.h"

static int refuse_together(struct failure *ret_failure, const char *what)
{
    return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, -1, what);
}

/* ---- Namespaces and the rest ---- */

static int sets_groups(const proc_ids *ids)
{
    return ids->groups.items || (ids->uid && !ids->keep_groups);
}

static int check_namespaces(const struct request *request, struct failure *ret_failure)
{
    const proc_namespaces *namespaces = &request->namespaces;
    const proc_ids *ids = &request->ids;
    if (request->options.hook && proc__namespaces_births(namespaces).is_held)
        return refuse_together(ret_failure, ".hook with new user, pid or time, or joined pid namespaces");
    if (request->start.group && proc__namespaces_hide_pids(namespaces))
        return refuse_together(ret_failure, ".start->group has another number in a pid namespace");
    if (sets_groups(ids) && proc__namespaces_deny_groups(namespaces))
        return refuse_together(ret_failure, ".ids: groups need PROC_NS_ALLOW_SETGROUPS or keep_groups");
    if (ids->uid && !proc__namespaces_have_uid(namespaces, *ids->uid))
        return refuse_together(ret_failure, ".ids->uid is not in the user namespace's uid_maps");
    if (ids->gid && !proc__namespaces_have_gid(namespaces, *ids->gid))
        return refuse_together(ret_failure, ".ids->gid is not in the user namespace's gid_maps");
    return 0;
}

int proc__combinations_check(const struct request *request, struct failure *ret_failure)
{
    if (request->sandbox.root && request->start.cwd_fd)
        return refuse_together(ret_failure, ".start->cwd_fd would lead out of .sandbox->root");
    return request->options.namespaces ? check_namespaces(request, ret_failure) : 0;
}

int proc__births_refuse(const struct request *request, struct failure *ret_failure)
{
    if (!request->options.namespaces || !proc__namespaces_births(&request->namespaces).is_held)
        return 0;
    return proc__fail(ret_failure, PROC_STEP_OPTIONS, ENOTSUP, -1, ".namespaces: new user, pid or time, or joined pid");
}
