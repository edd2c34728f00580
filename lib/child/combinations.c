/* SPDX-License-Identifier: MIT */
/*
 * Options that are good by themselves may exclude, need or imply each other across the parts of a request. All of that
 * stands here, one function for each subject, and is said before anything is made: the kernel would only say EPERM or
 * ESRCH, in the middle of a start. Pure; owns nothing.
 */
#include "combinations.h"

#include <errno.h>

#include "../isolation/namespaces.h"
#include "announcement.h"
#include "entry.h"

/* ---- The terminal ---- */

/* Entries on the child's terminal; with `taking`, only those that take what it shows. */
static size_t count_on_terminal(const struct request *request, int taking)
{
    size_t count = 0;
    for (size_t i = 0; i < proc__request_entry_count(request); i++) {
        int number;
        const proc_stdio *entry = proc__request_entry(request, i, &number);
        count += proc__entry_on_terminal(entry) && (!taking || entry->kind != PROC_STDIO_PTY);
    }
    return count;
}

/* The kernel gives a controlling terminal to the leader of a session that has none, and to nobody else. */
int proc__combinations_imply(struct request *request, struct failure *ret_failure)
{
    int has_pty = count_on_terminal(request, 0) > 0;
    if (!has_pty && !request->terminal.controlling_fd)
        return 0;
    if (has_pty && request->terminal.controlling_fd)
        return proc__refuse(ret_failure, EINVAL, ".terminal->controlling_fd: the PTY entries are it already");
    if (request->start.group)
        return proc__refuse(ret_failure, EINVAL, ".start->group: a child that gets a terminal begins a session");
    request->options.flags |= PROC_NEW_SESSION;
    return 0;
}

static int check_foreground(const struct request *request, struct failure *ret_failure)
{
    uint32_t flags = request->options.flags;
    if (!request->terminal.foreground || request->terminal.controlling_fd || count_on_terminal(request, 0) > 0)
        return 0;
    if (flags & PROC_NEW_SESSION)
        return proc__refuse(ret_failure, EINVAL, ".terminal->foreground: a new session has no terminal");
    if (!(flags & PROC_NEW_GROUP) && !request->start.group)
        return proc__refuse(ret_failure, EINVAL, ".terminal->foreground needs PROC_NEW_GROUP or .start->group");
    return 0;
}

static int check_terminal(const struct request *request, const struct spawn_call *call, struct failure *ret_failure)
{
    const proc_terminal *terminal = &request->terminal;
    size_t entries = count_on_terminal(request, 0), takers = count_on_terminal(request, 1);
    if (takers > 1)
        return proc__refuse(ret_failure, EINVAL, "ON_PTY twice: a terminal shows one stream, use PTY or SAME_AS");
    if (call->is_run && entries > takers && takers == 0)
        return proc__refuse(ret_failure, EINVAL, "PTY: nobody reads what it shows, make one CAPTURE_PTY or LINES_PTY");
    if (entries == 0 && (terminal->rows || terminal->columns || terminal->raw))
        return proc__refuse(ret_failure, EINVAL, ".terminal: rows, columns and raw are for a PTY entry");
    return check_foreground(request, ret_failure);
}

/* ---- What is executed ---- */

static int check_program_fd(const struct request *request, struct failure *ret_failure)
{
    const proc_options *options = &request->options;
    if (!request->start.program_fd)
        return 0;
    if (*request->start.program_fd < 0)
        return proc__refuse(ret_failure, EINVAL, ".start->program_fd is negative");
    if (options->program || request->start.candidates)
        return proc__refuse(ret_failure, EINVAL, ".start->program_fd excludes .program and .candidates");
    if (options->search || options->flags & PROC_SEARCH_RELATIVE)
        return proc__refuse(ret_failure, EINVAL, ".start->program_fd: there is nothing to search");
    if (options->flags & PROC_SCRIPT_FALLBACK)
        return proc__refuse(ret_failure, EINVAL, ".start->program_fd excludes PROC_SCRIPT_FALLBACK");
    return 0;
}

/* ---- Descriptors that are announced ---- */

static int check_announced(const struct request *request, struct failure *ret_failure)
{
    const char *const *names = request->start.listen_names;
    if (!(request->options.flags & PROC_LISTEN_FDS))
        return names ? proc__refuse(ret_failure, EINVAL, ".start->listen_names without PROC_LISTEN_FDS") : 0;
    if (!proc__announcement_is_dense(&request->options.fds))
        return proc__refuse(ret_failure, EINVAL, "PROC_LISTEN_FDS: .fds are 3, 4, 5, ... without a gap");
    const char *wrong = names ? proc__announcement_check_names(names, request->options.fds.count) : NULL;
    return wrong ? proc__refuse(ret_failure, EINVAL, wrong) : 0;
}

/* ---- Namespaces and the rest ---- */

static int check_namespaces(const struct request *request, struct failure *ret_failure)
{
    const proc_namespaces *namespaces = &request->namespaces;
    const proc_ids *ids = &request->ids;
    if (!request->options.namespaces)
        return 0;
    if (request->options.hook && proc__namespaces_births(namespaces).is_held)
        return proc__refuse(ret_failure, EINVAL, ".hook with new user, pid or time, or joined pid namespaces");
    if (request->start.group && proc__namespaces_hide_pids(namespaces))
        return proc__refuse(ret_failure, EINVAL, ".start->group has another number in a pid namespace");
    if (proc__request_sets_groups(request) && proc__namespaces_deny_groups(namespaces))
        return proc__refuse(ret_failure, EINVAL, ".ids: groups need PROC_NS_ALLOW_SETGROUPS or keep_groups");
    if (ids->uid && !proc__namespaces_have_uid(namespaces, *ids->uid))
        return proc__refuse(ret_failure, EINVAL, ".ids->uid is not in the user namespace's uid_maps");
    if (ids->gid && !proc__namespaces_have_gid(namespaces, *ids->gid))
        return proc__refuse(ret_failure, EINVAL, ".ids->gid is not in the user namespace's gid_maps");
    return 0;
}

/* ---- The root directory ---- */

static int check_root(const struct request *request, struct failure *ret_failure)
{
    if (request->sandbox.root && request->start.cwd_fd)
        return proc__refuse(ret_failure, EINVAL, ".start->cwd_fd would lead out of .sandbox->root");
    return 0;
}

/* ---- A child of nobody's ---- */

static int check_orphan(const struct request *request, const struct spawn_call *call, struct failure *ret_failure)
{
    if (!(request->options.flags & PROC_ORPHAN))
        return 0;
    if (!call->may_orphan && !call->is_question)
        return proc__refuse(ret_failure, EINVAL, "PROC_ORPHAN is for proc_spawn");
    if (request->options.flags & PROC_DIE_WITH_PARENT)
        return proc__refuse(ret_failure, EINVAL, "PROC_ORPHAN excludes PROC_DIE_WITH_PARENT");
    if (request->options.hook)
        return proc__refuse(ret_failure, EINVAL, "PROC_ORPHAN excludes .hook");
    /* That it was killed by its filter before it was a program is told to its parent alone. */
    if (request->sandbox.seccomp)
        return proc__refuse(ret_failure, EINVAL, "PROC_ORPHAN excludes .sandbox->seccomp");
    return 0;
}

/* ---- All of them ---- */

int proc__combinations_check(const struct request *request, const struct spawn_call *call, struct failure *ret_failure)
{
    int rc = check_terminal(request, call, ret_failure);
    if (rc == 0)
        rc = check_program_fd(request, ret_failure);
    if (rc == 0)
        rc = check_announced(request, ret_failure);
    if (rc == 0)
        rc = check_namespaces(request, ret_failure);
    if (rc == 0)
        rc = check_orphan(request, call, ret_failure);
    return rc < 0 ? rc : check_root(request, ret_failure);
}
