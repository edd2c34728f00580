/* SPDX-License-Identifier: MIT */
/*
 * All that can be done for a start before there is a process: looks at the request, opens what it names, builds
 * environment and paths, and lays the plan. Starts nothing; owns what it has made until it is given back.
 */
#include "prepare.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <proc/status.h>

#include "../base/fd.h"
#include "environment.h"

/* A function that goes on changes the vector that it gets; a program has a copy in any case. */
static int make_environment(struct prepared *prepared, const struct spawn_call *call, struct failure *ret_failure)
{
    static const char *const none[] = {NULL};
    const proc_options *options = &prepared->request.options;
    const char *const *env = options->env ? options->env : (const char *const *)environ;
    if (!env) /* after clearenv(3) */
        env = none;
    if (proc__announcement_make(&prepared->announcement, &prepared->request, env) < 0)
        return proc__fail_memory(ret_failure);
    const char *const *edits = prepared->announcement.edits ? prepared->announcement.edits : options->env_edit;
    if (edits || (options->env && call->body)) {
        prepared->edited_env = proc__environment_edit(env, edits ? edits : none);
        if (!prepared->edited_env)
            return proc__fail_memory(ret_failure);
        env = prepared->edited_env;
    }
    prepared->plan.env = env;
    prepared->plan.listen_pid = prepared->announcement.pid;
    return 0;
}

static void plan_place(struct prepared *prepared)
{
    const struct request *request = &prepared->request;
    struct plan *plan = &prepared->plan;
    plan->new_session = (request->options.flags & PROC_NEW_SESSION) != 0;
    plan->new_group = (request->options.flags & PROC_NEW_GROUP) != 0;
    plan->join_group = request->start.group ? *request->start.group : -1;
    plan->cwd = request->options.cwd;
    plan->cwd_fd = request->start.cwd_fd ? *request->start.cwd_fd : -1;
    plan->umask = request->options.umask ? (int)*request->options.umask : -1;
    plan->moves = prepared->wiring.moves;
    plan->move_count = prepared->wiring.move_count;
    plan->inherit_fds = (request->options.flags & PROC_INHERIT_FDS) != 0;
    plan->parent = request->options.flags & PROC_DIE_WITH_PARENT ? (int)getpid() : 0;
    plan->is_orphan = (request->options.flags & PROC_ORPHAN) != 0;
}

static void plan_ids(struct prepared *prepared)
{
    const proc_ids *ids = &prepared->request.ids;
    struct plan *plan = &prepared->plan;
    plan->uid = ids->uid;
    plan->gid = ids->gid;
    plan->groups = ids->groups.items;
    plan->group_count = ids->groups.count;
    plan->change_groups = proc__request_sets_groups(&prepared->request);
}

static int plan_signals(struct prepared *prepared, struct failure *ret_failure)
{
    const uint64_t always_default = PROC_SIGNAL(SIGKILL) | PROC_SIGNAL(SIGSTOP);
    const proc_dispositions *signals = &prepared->request.signals;
    struct plan *plan = &prepared->plan;
    plan->ignore = signals->ignore;
    plan->reset = signals->reset & ~always_default;
    if (prepared->request.options.flags & PROC_INHERIT_SIGNALS) {
        int rc = proc__sigmask_get(&plan->mask);
        if (rc < 0)
            return proc__fail(ret_failure, PROC_STEP_SIGNALS, -rc, -1, NULL);
    } else {
        plan->reset |= PROC_SIGNAL(SIGPIPE);
    }
    plan->mask.bits[0] |= signals->block;
    return 0;
}

/* A terminal belongs to its user, and we are told who that is within. */
static int prepare_terminal(struct prepared *prepared, struct failure *ret_failure)
{
    const struct request *request = &prepared->request;
    const struct pty pty = proc__wiring_pty(&prepared->wiring);
    const uint32_t *uid = request->ids.uid;
    uint32_t outside;
    if (!request->options.terminal && pty.theirs < 0)
        return 0;
    if (uid)
        uid = proc__namespaces_uid_outside(&request->namespaces, *uid, &outside) ? &outside : NULL;
    prepared->plan.terminal = &prepared->terminal;
    return proc__terminal_prepare(&prepared->terminal, &request->terminal, &pty, uid, ret_failure);
}

/* The parts that other files know. */
static int plan_parts(struct prepared *prepared, struct failure *ret_failure)
{
    const struct request *request = &prepared->request;
    const proc_options *options = &request->options;
    struct plan *plan = &prepared->plan;
    int rc = prepare_terminal(prepared, ret_failure);
    if (rc == 0 && options->scheduling) {
        rc = proc__scheduling_prepare(&prepared->scheduling, &request->scheduling, ret_failure);
        plan->scheduling = &prepared->scheduling;
    }
    if (rc == 0 && options->limits) {
        rc = proc__limits_prepare(&prepared->limits, &request->limits, ret_failure);
        plan->limits = &prepared->limits;
    }
    if (rc == 0 && options->namespaces) {
        rc = proc__namespaces_prepare(&prepared->namespaces, &request->namespaces, ret_failure);
        plan->namespaces = &prepared->namespaces;
    }
    if (rc == 0 && options->sandbox) {
        rc = proc__sandbox_prepare(&prepared->sandbox, &request->sandbox, ret_failure);
        plan->sandbox = &prepared->sandbox;
    }
    if (rc == 0 && options->hook) {
        proc__hook_prepare(&prepared->hook, &request->hook, options->timeout_ms);
        plan->hook = &prepared->hook;
    }
    return rc;
}

static void parts_done(struct prepared *prepared)
{
    if (prepared->plan.sandbox)
        proc__sandbox_done(&prepared->sandbox);
    if (prepared->plan.namespaces)
        proc__namespaces_done(&prepared->namespaces);
    if (prepared->plan.limits)
        proc__limits_done(&prepared->limits);
    if (prepared->plan.scheduling)
        proc__scheduling_done(&prepared->scheduling);
    if (prepared->plan.terminal)
        proc__terminal_done(&prepared->terminal);
}

/* For a copy that goes on with a function of ours, and closes by itself what execve(2) would. */
static int plan_to_stay(struct prepared *prepared, const struct spawn_call *call, struct failure *ret_failure)
{
    struct plan *plan = &prepared->plan;
    prepared->kept = calloc(prepared->wiring.move_count + PLAN_KEPT, sizeof *prepared->kept);
    if (!prepared->kept)
        return proc__fail_memory(ret_failure);
    plan->kept = prepared->kept;
    plan->stays = call->body;
    plan->arg = call->arg;
    return 0;
}

/* Before we make descriptors of our own, of which one that is named but not open could become one. */
static int check_descriptors(const struct request *request, struct failure *ret_failure)
{
    const int *cwd_fd = request->start.cwd_fd, *cancel_fd = request->transfer.cancel_fd;
    const int *cgroup_fd = request->limits.cgroup_fd;
    const int *program_fd = request->start.program_fd, *controlling_fd = request->terminal.controlling_fd;
    if (program_fd && !proc__fd_is_open(*program_fd))
        return proc__fail(ret_failure, PROC_STEP_EXEC, EBADF, *program_fd, NULL);
    if (controlling_fd && !proc__fd_is_open(*controlling_fd))
        return proc__fail(ret_failure, PROC_STEP_TERMINAL, EBADF, *controlling_fd, NULL);
    if (cwd_fd && !proc__fd_is_open(*cwd_fd))
        return proc__fail(ret_failure, PROC_STEP_CWD, EBADF, *cwd_fd, NULL);
    if (cgroup_fd && !proc__fd_is_open(*cgroup_fd))
        return proc__fail(ret_failure, PROC_STEP_CGROUP, EBADF, *cgroup_fd, NULL);
    if (cancel_fd && !proc__fd_is_open(*cancel_fd))
        return proc__refuse(ret_failure, EBADF, ".transfer->cancel_fd is not open");
    int rc = proc__namespace_join_check_open(request->namespaces.join, ret_failure);
    return rc < 0 ? rc : proc__wiring_check(request, ret_failure);
}

int proc__prepare_take(struct prepared *ret_prepared, const char *const argv[], const proc_options *options,
                       const struct spawn_call *call, struct failure *ret_failure)
{
    *ret_prepared = (struct prepared){.wiring = NO_WIRING};
    int rc = proc__request_take(&ret_prepared->request, argv, options, call, ret_failure);
    return rc < 0 ? rc : check_descriptors(&ret_prepared->request, ret_failure);
}

static int make_program(struct prepared *prepared, struct failure *ret_failure)
{
    return proc__program_prepare(&prepared->program, &prepared->plan, &prepared->request, &prepared->wiring,
                                 ret_failure);
}

int proc__prepare_make(struct prepared *prepared, const struct spawn_call *call, struct failure *ret_failure)
{
    int rc = make_environment(prepared, call, ret_failure);
    if (rc == 0)
        rc = plan_signals(prepared, ret_failure);
    if (rc == 0)
        rc = proc__wiring_make(&prepared->wiring, &prepared->request, ret_failure);
    if (rc == 0)
        rc = make_program(prepared, ret_failure);
    if (rc == 0)
        rc = plan_parts(prepared, ret_failure);
    if (rc == 0 && call->body)
        rc = plan_to_stay(prepared, call, ret_failure);
    if (rc < 0)
        return rc;
    plan_place(prepared);
    plan_ids(prepared);
    return 0;
}

int proc__prepare_program(struct prepared *ret_prepared, const char *const argv[], const proc_options *options,
                          const struct spawn_call *call, struct failure *ret_failure)
{
    int rc = proc__prepare_take(ret_prepared, argv, options, call, ret_failure);
    if (rc == 0)
        rc = make_environment(ret_prepared, call, ret_failure);
    return rc < 0 ? rc : make_program(ret_prepared, ret_failure);
}

int proc__prepare(struct prepared *ret_prepared, const char *const argv[], const proc_options *options,
                  const struct spawn_call *call, struct failure *ret_failure)
{
    int rc = proc__prepare_take(ret_prepared, argv, options, call, ret_failure);
    return rc < 0 ? rc : proc__prepare_make(ret_prepared, call, ret_failure);
}

void proc__prepared_done(struct prepared *prepared)
{
    free(prepared->kept);
    prepared->kept = NULL;
    parts_done(prepared);
    proc__program_done(&prepared->program);
    proc__wiring_done(&prepared->wiring);
    free(prepared->edited_env);
    prepared->edited_env = NULL;
    proc__announcement_done(&prepared->announcement);
}

static const char *argument_of(const struct prepared *prepared, const struct report *report)
{
    switch (report->step) {
    case PROC_STEP_CLONE: return prepared->plan.is_orphan && report->code == ENOSYS ? "pidfd_open" : NULL;
    case PROC_STEP_CGROUP: return prepared->limits.cgroup.path;
    case PROC_STEP_RLIMIT: return proc__rlimit_name(report->index);
    case PROC_STEP_CPUS: return prepared->request.scheduling.cpus;
    case PROC_STEP_ROOT: return prepared->request.sandbox.root;
    case PROC_STEP_SECCOMP: return report->index == SIGSYS ? "killed by the filter" : NULL;
    case PROC_STEP_CAPS: return proc_cap_name(report->index);
    case PROC_STEP_CWD: return report->index < 0 ? prepared->plan.cwd : NULL;
    case PROC_STEP_TERMINAL: return report->index < 0 ? "/dev/tty" : NULL;
    default: return proc__program_argument(&prepared->program, report);
    }
}

int proc__prepared_fail(struct prepared *prepared, const struct report *report, struct failure *ret_failure)
{
    proc__fail(ret_failure, report->step, report->code, report->index, argument_of(prepared, report));
    if (report->step == PROC_STEP_CGROUP)
        ret_failure->reason = proc__cgroup_reason(report->code);
    if (prepared->plan.namespaces)
        proc__namespaces_explain(&prepared->namespaces, ret_failure);
    if (report->step == PROC_STEP_FDS)
        proc__wiring_explain(ret_failure);
    if (report->step == PROC_STEP_EXEC)
        proc__program_explain(&prepared->program, &prepared->plan, ret_failure);
    if (report->step == PROC_STEP_HOOK)
        proc__hook_explain(&prepared->hook, ret_failure);
    return -report->code;
}
