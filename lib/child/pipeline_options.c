/* SPDX-License-Identifier: MIT */
/*
 * One rule: what a stage does not say is as the pipeline says. It has four exceptions: times, stop steps and the error
 * are of the whole, so no stage may have its own; `in` and `out` are for its two ends; what has to be made for `err` is
 * made once; and a group of the whole is one group. Knows no descriptor, and owns nothing.
 */
#include "pipeline_options.h"

#include <errno.h>

#include "../isolation/namespaces.h"
#include "entry.h"

int proc__pipeline_shares(const proc_stdio *err)
{
    return err->kind != PROC_STDIO_DEFAULT && err->kind != PROC_STDIO_INHERIT && err->kind != PROC_STDIO_NULL &&
           err->kind != PROC_STDIO_FD && err->kind != PROC_STDIO_SAME_AS;
}

/* Before the merge, which loses what is not used; where an entry may be is for the check of a start. */
static int check_entries(const proc_options *options, struct failure *ret_failure)
{
    const proc_stdio *const entries[] = {&options->in, &options->out, &options->err};
    int rc = 0;
    for (int number = 0; number < 3 && rc == 0; number++)
        rc = proc__entry_check(entries[number], number, 0, ret_failure);
    return rc;
}

int proc__pipeline_options_check(const proc_options *common, struct failure *ret_failure)
{
    const proc_stdio *const entries[] = {&common->in, &common->out, &common->err};
    for (int number = 0; number < 3; number++)
        if (proc__entry_on_terminal(entries[number]))
            return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, number,
                              "PTY: made for one child, so give it to a stage");
    const proc_slots *fds = &common->fds;
    for (size_t i = 0; fds->items && i < fds->count; i++)
        if (proc__pipeline_shares(&fds->items[i].is))
            return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, fds->items[i].number,
                              ".fds: made for one child, so give it to a stage");
    return check_entries(common, ret_failure);
}

int proc__stage_options_check(const proc_options *own, size_t stage, size_t count, struct failure *ret_failure)
{
    if (own->timeout_ms != 0 || own->stop.count > 0 || own->transfer || own->error)
        return proc__refuse(ret_failure, EINVAL, ".timeout_ms, .stop, .transfer and .error are for the whole pipeline");
    if (stage > 0 && own->in.kind != PROC_STDIO_DEFAULT)
        return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, 0, ".in is what the stage before writes");
    if (stage + 1 < count && own->out.kind != PROC_STDIO_DEFAULT)
        return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, 1, ".out is what the next stage reads");
    return check_entries(own, ret_failure);
}

int proc__stage_request_check(const struct request *request, const proc_options *common, size_t stage, size_t count,
                              struct failure *ret_failure)
{
    int shares_group = (common->flags & PROC_NEW_GROUP) != 0;
    if (stage > 0 && shares_group && request->options.namespaces && proc__namespaces_hide_pids(&request->namespaces))
        return proc__refuse(ret_failure, EINVAL,
                            "PROC_NEW_GROUP of all: the group has another number in a pid namespace");
    if (count == 1)
        return 0;
    if (shares_group && request->options.flags & PROC_NEW_SESSION)
        return proc__refuse(ret_failure, EINVAL,
                            "PROC_NEW_GROUP of all excludes a new session: a group is of one session");
    if (request->terminal.controlling_fd && request->options.terminal == common->terminal)
        return proc__refuse(ret_failure, EINVAL, ".terminal->controlling_fd is of one session, so give it to a stage");
    return 0;
}

static void merge_stdio(proc_options *both, const proc_options *own, const proc_options *common, size_t stage,
                        size_t count)
{
    if (stage == 0 && own->in.kind == PROC_STDIO_DEFAULT)
        both->in = common->in;
    if (stage + 1 == count && own->out.kind == PROC_STDIO_DEFAULT)
        both->out = common->out;
    if (own->err.kind == PROC_STDIO_DEFAULT)
        both->err = common->err;
    if (own->fds.count == 0 && !own->fds.items)
        both->fds = common->fds;
}

void proc__stage_options_merge(proc_options *ret_both, const proc_options *own, const proc_options *common,
                               size_t stage, size_t count)
{
    proc_options *both = ret_both;
    *both = *own;
    both->size = sizeof *both;
    both->flags |= common->flags;
    both->timeout_ms = common->timeout_ms;
    both->stop = common->stop;
    both->transfer = common->transfer;
    merge_stdio(both, own, common, stage, count);
    both->program = own->program ? own->program : common->program;
    both->search = own->search ? own->search : common->search;
    both->env = own->env ? own->env : common->env;
    both->env_edit = own->env_edit ? own->env_edit : common->env_edit;
    both->cwd = own->cwd ? own->cwd : common->cwd;
    both->umask = own->umask ? own->umask : common->umask;
    both->start = own->start ? own->start : common->start;
    both->ids = own->ids ? own->ids : common->ids;
    both->signals = own->signals ? own->signals : common->signals;
    both->terminal = own->terminal ? own->terminal : common->terminal;
    both->scheduling = own->scheduling ? own->scheduling : common->scheduling;
    both->limits = own->limits ? own->limits : common->limits;
    both->namespaces = own->namespaces ? own->namespaces : common->namespaces;
    both->sandbox = own->sandbox ? own->sandbox : common->sandbox;
    both->hook = own->hook ? own->hook : common->hook;
}
