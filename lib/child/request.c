/* SPDX-License-Identifier: MIT */
/*
 * Takes a request over and looks at all of it before anything is made: structs by their size, options by themselves and
 * against each other. What cannot be done is refused by name, never left out. Owns nothing.
 */
#include "request.h"

#include <errno.h>
#include <string.h>

#include "../isolation/limits.h"
#include "../isolation/namespaces.h"
#include "../isolation/sandbox.h"
#include "../isolation/scheduling.h"
#include "combinations.h"
#include "entry.h"
#include "hook.h"
#include "terminal.h"

/* ---- Structs of any size ---- */

static int is_zero(const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < count; i++)
        if (byte[i] != 0)
            return 0;
    return 1;
}

/* No struct of any version is as large: such a size was never set, and what it spans may not even be memory. */
#define ABSURD_SIZE ((size_t)64 << 10)

/* A caller's struct that starts with its size, and where ours is, of the size that this version knows. */
struct sized {
    const void *given;
    void *copy;
    size_t known;
    const char *unset, *beyond; /* what to say if its size is not set, or if it says more than we know */
};

static int says_more_than_known(const struct sized *sized, size_t size)
{
    return size > ABSURD_SIZE ||
           (size > sized->known && !is_zero((const char *)sized->given + sized->known, size - sized->known));
}

/* Copies the caller's struct over ours, whose members stay 0 where the caller's is the older, shorter one. */
static int take_sized(const struct sized *sized, struct failure *ret_failure)
{
    size_t size;
    memcpy(&size, sized->given, sizeof size);
    if (size < sizeof size)
        return proc__refuse(ret_failure, EINVAL, sized->unset);
    if (says_more_than_known(sized, size))
        return proc__refuse(ret_failure, E2BIG, sized->beyond);
    memset(sized->copy, 0, sized->known);
    memcpy(sized->copy, sized->given, size < sized->known ? size : sized->known);
    return 0;
}

int proc__options_take(proc_options *ret_options, const proc_options *given, struct failure *ret_failure)
{
    *ret_options = (proc_options){.size = sizeof *ret_options};
    if (!given)
        return 0;
    return take_sized(&(const struct sized){given, ret_options, sizeof *ret_options, "size is not set",
                                            "more than this version knows"},
                      ret_failure);
}

/* A member of the options that points to a struct of its own, and the request's copy of it, by the one name of both. */
#define PART(name)                                                                          \
    {                                                                                       \
        options->name, &request->name, sizeof request->name, "." #name ": size is not set", \
            "." #name ": more than this version knows"                                      \
    }

static int take_parts(struct request *request, struct failure *ret_failure)
{
    const proc_options *options = &request->options;
    const struct sized parts[] = {
        PART(start),      PART(transfer), PART(ids),        PART(signals), PART(terminal),
        PART(scheduling), PART(limits),   PART(namespaces), PART(sandbox), PART(hook),
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!parts[i].given)
            continue;
        int rc = take_sized(&parts[i], ret_failure);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- Options ---- */

#define KNOWN_FLAGS                                                                                       \
    (PROC_NEW_SESSION | PROC_NEW_GROUP | PROC_INHERIT_FDS | PROC_INHERIT_SIGNALS | PROC_DIE_WITH_PARENT | \
     PROC_DETACH | PROC_ORPHAN | PROC_SEARCH_RELATIVE | PROC_SCRIPT_FALLBACK | PROC_LISTEN_FDS)

static int check_flags(const proc_options *options, struct failure *ret_failure)
{
    if (options->flags & ~KNOWN_FLAGS)
        return proc__refuse(ret_failure, ENOTSUP, ".flags: one that this version lacks");
    return 0;
}

static int check_call(const proc_options *options, const struct spawn_call *call, struct failure *ret_failure)
{
    if (options->timeout_ms < -1)
        return proc__refuse(ret_failure, EINVAL, ".timeout_ms is below -1");
    if (options->timeout_ms > 0 && !call->is_run && !call->is_question)
        return proc__refuse(ret_failure, EINVAL, ".timeout_ms is for proc_run and proc_pipeline: give it to the wait");
    if ((options->flags & PROC_DETACH) && call->is_run)
        return proc__refuse(ret_failure, EINVAL, "PROC_DETACH is for proc_spawn and proc_spawn_pipeline");
    return 0;
}

static int check_env_edit(const char *const *edits, struct failure *ret_failure)
{
    for (; edits && *edits; edits++)
        if (**edits == '\0' || **edits == '=')
            return proc__refuse(ret_failure, EINVAL, ".env_edit has an entry without a name");
    return 0;
}

static int check_program(const struct request *request, struct failure *ret_failure)
{
    const proc_options *options = &request->options;
    const char *const *candidates = request->start.candidates;
    if (candidates && options->program)
        return proc__refuse(ret_failure, EINVAL, ".program and .start->candidates exclude each other");
    if (candidates && !*candidates)
        return proc__refuse(ret_failure, EINVAL, ".start->candidates is empty");
    if (options->umask && *options->umask > 0777)
        return proc__refuse(ret_failure, EINVAL, ".umask is more than 0777");
    if (request->start.cwd_fd && *request->start.cwd_fd < 0)
        return proc__refuse(ret_failure, EINVAL, ".start->cwd_fd is negative");
    return check_env_edit(options->env_edit, ret_failure);
}

static int check_group(const struct request *request, struct failure *ret_failure)
{
    if (!request->start.group)
        return 0;
    if (request->options.flags & (PROC_NEW_SESSION | PROC_NEW_GROUP))
        return proc__refuse(ret_failure, EINVAL, ".start->group excludes PROC_NEW_SESSION and PROC_NEW_GROUP");
    if (*request->start.group <= 0)
        return proc__refuse(ret_failure, EINVAL, ".start->group is not a process group");
    return 0;
}

static int check_ids(const struct request *request, struct failure *ret_failure)
{
    const proc_ids *ids = &request->ids;
    if (ids->uid && !ids->gid)
        return proc__refuse(ret_failure, EINVAL, ".ids->uid without .gid");
    if ((ids->uid && *ids->uid == UINT32_MAX) || (ids->gid && *ids->gid == UINT32_MAX))
        return proc__refuse(ret_failure, EINVAL, ".ids: an id of -1");
    if (ids->groups.count > 0 && !ids->groups.items)
        return proc__refuse(ret_failure, EINVAL, ".ids->groups without .items");
    if (ids->groups.count > INT32_MAX)
        return proc__refuse(ret_failure, EINVAL, ".ids->groups: too many");
    if (ids->keep_groups > 1 || ids->reserved != 0)
        return proc__refuse(ret_failure, EINVAL, ".ids: a member that must be 0");
    if (ids->keep_groups && ids->groups.items)
        return proc__refuse(ret_failure, EINVAL, ".ids->keep_groups with .groups");
    return 0;
}

int proc__request_sets_groups(const struct request *request)
{
    const proc_ids *ids = &request->ids;
    return ids->groups.items || (ids->uid && !ids->keep_groups);
}

static int check_signals(const struct request *request, struct failure *ret_failure)
{
    const uint64_t immune = PROC_SIGNAL(SIGKILL) | PROC_SIGNAL(SIGSTOP);
    const proc_dispositions *signals = &request->signals;
    if (signals->block & immune)
        return proc__refuse(ret_failure, EINVAL, ".signals->block: SIGKILL and SIGSTOP cannot be blocked");
    if (signals->ignore & immune)
        return proc__refuse(ret_failure, EINVAL, ".signals->ignore: SIGKILL and SIGSTOP cannot be ignored");
    if (signals->ignore & signals->reset)
        return proc__refuse(ret_failure, EINVAL, ".signals: ignored and reset at once");
    return 0;
}

static int check_transfer(const struct request *request, struct failure *ret_failure)
{
    const proc_transfer *transfer = &request->transfer;
    if (transfer->drain_ms < -1)
        return proc__refuse(ret_failure, EINVAL, ".transfer->drain_ms is below -1");
    if (transfer->cancel_fd && *transfer->cancel_fd < 0)
        return proc__refuse(ret_failure, EINVAL, ".transfer->cancel_fd is negative");
    if (transfer->reserved != 0)
        return proc__refuse(ret_failure, EINVAL, ".transfer: a member that must be 0");
    return 0;
}

static int check_stop_step(const proc_stop_step *step, int leads_group, struct failure *ret_failure)
{
    if (step->signal < 1 || step->signal > LAST_SIGNAL)
        return proc__refuse(ret_failure, EINVAL, ".stop: no such signal");
    if (step->scope != PROC_ONE && step->scope != PROC_GROUP && step->scope != PROC_TREE)
        return proc__refuse(ret_failure, EINVAL, ".stop: no such scope");
    if (step->scope == PROC_GROUP && !leads_group)
        return proc__refuse(ret_failure, EINVAL, ".stop: PROC_GROUP without PROC_NEW_GROUP or PROC_NEW_SESSION");
    if (step->wait_ms < -1)
        return proc__refuse(ret_failure, EINVAL, ".stop: wait_ms is below -1");
    return 0;
}

static int check_stop(const struct request *request, struct failure *ret_failure)
{
    const proc_options *options = &request->options;
    int leads_group = (options->flags & (PROC_NEW_SESSION | PROC_NEW_GROUP)) != 0;
    if (options->stop.count > 0 && !options->stop.items)
        return proc__refuse(ret_failure, EINVAL, ".stop without .items");
    for (size_t i = 0; i < options->stop.count; i++) {
        int rc = check_stop_step(&options->stop.items[i], leads_group, ret_failure);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- Descriptors ---- */

size_t proc__request_entry_count(const struct request *request)
{
    return 3 + request->options.fds.count;
}

const proc_stdio *proc__request_entry(const struct request *request, size_t i, int *ret_number)
{
    const proc_options *options = &request->options;
    if (i < 3) {
        *ret_number = (int)i;
        return i == 0 ? &options->in : i == 1 ? &options->out : &options->err;
    }
    *ret_number = options->fds.items[i - 3].number;
    return &options->fds.items[i - 3].is;
}

static int check_number(int number, struct failure *ret_failure)
{
    if (number < 3)
        return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, number, ".fds: 0 to 2 are .in, .out and .err");
    return 0;
}

static int check_entries(const struct request *request, int is_run, struct failure *ret_failure)
{
    const proc_slots *fds = &request->options.fds;
    if (fds->count > 0 && !fds->items)
        return proc__refuse(ret_failure, EINVAL, ".fds without .items");
    if (fds->count > INT32_MAX)
        return proc__refuse(ret_failure, EINVAL, ".fds: too many");
    for (size_t i = 0; i < proc__request_entry_count(request); i++) {
        int number;
        const proc_stdio *entry = proc__request_entry(request, i, &number);
        int rc = i < 3 ? 0 : check_number(number, ret_failure);
        if (rc == 0)
            rc = proc__entry_check(entry, number, is_run, ret_failure);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- The parts that other files know ---- */

static int check_parts(const struct request *request, struct failure *ret_failure)
{
    const proc_options *options = &request->options;
    int rc = 0;
    if (options->terminal)
        rc = proc__terminal_check(&request->terminal, ret_failure);
    if (rc == 0 && options->scheduling)
        rc = proc__scheduling_check(&request->scheduling, ret_failure);
    if (rc == 0 && options->limits)
        rc = proc__limits_check(&request->limits, ret_failure);
    if (rc == 0 && options->namespaces)
        rc = proc__namespaces_check(&request->namespaces, ret_failure);
    if (rc == 0 && options->sandbox)
        rc = proc__sandbox_check(&request->sandbox, ret_failure);
    if (rc == 0 && options->hook)
        rc = proc__hook_check(&request->hook, ret_failure);
    return rc;
}

/* ---- All of it ---- */

static int check_all(struct request *request, const struct spawn_call *call, struct failure *ret_failure)
{
    int rc = check_call(&request->options, call, ret_failure);
    if (rc == 0)
        rc = check_entries(request, call->is_run, ret_failure);
    if (rc == 0)
        rc = proc__combinations_imply(request, ret_failure);
    int (*const checks[])(const struct request *, struct failure *) = {
        check_program, check_group, check_ids, check_signals, check_transfer, check_stop, check_parts,
    };
    for (size_t i = 0; rc == 0 && i < sizeof checks / sizeof checks[0]; i++)
        rc = checks[i](request, ret_failure);
    if (rc == 0)
        rc = proc__combinations_check(request, call, ret_failure);
    return rc < 0 || !call->check ? rc : call->check(request, ret_failure);
}

int proc__request_take(struct request *ret_request, const char *const argv[], const proc_options *options,
                       const struct spawn_call *call, struct failure *ret_failure)
{
    struct request *request = ret_request;
    memset(request, 0, sizeof *request);
    request->argv = argv;
    if (!argv || !argv[0])
        return proc__refuse(ret_failure, EINVAL, "argv is empty");
    int rc = proc__options_take(&request->options, options, ret_failure);
    if (rc == 0)
        rc = check_flags(&request->options, ret_failure);
    if (rc == 0)
        rc = take_parts(request, ret_failure);
    return rc < 0 ? rc : check_all(request, call, ret_failure);
}
