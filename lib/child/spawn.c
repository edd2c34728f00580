/* SPDX-License-Identifier: MIT */
/*
 * From a request to a running child: check it, open what it names, build environment and paths, lay the plan, start it,
 * and put what stays with us into a handle. Owns every part until the handle has it.
 */
#include "spawn.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/clone.h"
#include "../base/error.h"
#include "../base/fd.h"
#include "../base/probe.h"
#include "environment.h"
#include "handle.h"
#include "plan.h"
#include "pump.h"
#include "request.h"
#include "search.h"
#include "wiring.h"

#define DEFAULT_SEARCH "/usr/local/bin:/usr/bin:/bin"
#define DEFAULT_DRAIN_MS 100

struct spawn {
    struct request request;
    struct wiring wiring;
    const char **edited_env; /* NULL = nothing was edited */
    const char **paths;
    const char *search_list; /* NULL = the program is a path */
    proc_child *child;
    struct plan plan;
    int64_t started;
};

/* ---- Making ready ---- */

static int no_memory(struct failure *ret_failure)
{
    return proc__fail(ret_failure, PROC_STEP_MEMORY, ENOMEM, -1, NULL);
}

static int make_environment(struct spawn *spawn, struct failure *ret_failure)
{
    static const char *const none[] = {NULL};
    const proc_options *options = &spawn->request.options;
    const char *const *env = options->env ? options->env : (const char *const *)environ;
    if (!env) /* after clearenv(3) */
        env = none;
    if (options->env_edit) {
        spawn->edited_env = proc__environment_edit(env, options->env_edit);
        if (!spawn->edited_env)
            return no_memory(ret_failure);
        env = spawn->edited_env;
    }
    spawn->plan.env = env;
    return 0;
}

static int needs_search(const char *const *names)
{
    for (; *names; names++)
        if (**names != '\0' && !strchr(*names, '/'))
            return 1;
    return 0;
}

static int make_paths(struct spawn *spawn, struct failure *ret_failure)
{
    const proc_options *options = &spawn->request.options;
    const char *const single[] = {options->program ? options->program : spawn->request.argv[0], NULL};
    const char *const *names = spawn->request.start.candidates ? spawn->request.start.candidates : single;
    const char *list = options->search;
    if (!list)
        list = proc__environment_get(spawn->plan.env, "PATH");
    if (!list)
        list = DEFAULT_SEARCH;
    if (needs_search(names))
        spawn->search_list = list;
    spawn->paths = proc__search_paths(names, list, (options->flags & PROC_SEARCH_RELATIVE) != 0);
    if (!spawn->paths)
        return no_memory(ret_failure);
    spawn->plan.paths = spawn->paths;
    spawn->plan.searched = spawn->search_list != NULL;
    return 0;
}

static void plan_place(struct spawn *spawn)
{
    const struct request *request = &spawn->request;
    struct plan *plan = &spawn->plan;
    plan->argv = request->argv;
    plan->new_session = (request->options.flags & PROC_NEW_SESSION) != 0;
    plan->new_group = (request->options.flags & PROC_NEW_GROUP) != 0;
    plan->join_group = request->start.group ? *request->start.group : -1;
    plan->cwd = request->options.cwd;
    plan->cwd_fd = request->start.cwd_fd ? *request->start.cwd_fd : -1;
    plan->umask = request->options.umask ? (int)*request->options.umask : -1;
    plan->moves = spawn->wiring.moves;
    plan->move_count = spawn->wiring.move_count;
    plan->inherit_fds = (request->options.flags & PROC_INHERIT_FDS) != 0;
}

static void plan_ids(struct spawn *spawn)
{
    const proc_ids *ids = &spawn->request.ids;
    struct plan *plan = &spawn->plan;
    plan->uid = ids->uid;
    plan->gid = ids->gid;
    plan->groups = ids->groups.items;
    plan->group_count = ids->groups.count;
    plan->change_groups = ids->groups.items || (ids->uid && !ids->keep_groups);
}

static int plan_signals(struct spawn *spawn, struct failure *ret_failure)
{
    const uint64_t always_default = PROC_SIGNAL(SIGKILL) | PROC_SIGNAL(SIGSTOP);
    const proc_dispositions *signals = &spawn->request.signals;
    struct plan *plan = &spawn->plan;
    plan->ignore = signals->ignore;
    plan->reset = signals->reset & ~always_default;
    if (spawn->request.options.flags & PROC_INHERIT_SIGNALS) {
        int rc = proc__sigmask_get(&plan->mask);
        if (rc < 0)
            return proc__fail(ret_failure, PROC_STEP_SIGNALS, -rc, -1, NULL);
    } else {
        plan->reset |= PROC_SIGNAL(SIGPIPE);
    }
    plan->mask.bits[0] |= signals->block;
    return 0;
}

/* Before we make descriptors of our own, of which one that is named but not open could become one. */
static int check_descriptors(const struct request *request, struct failure *ret_failure)
{
    const int *cwd_fd = request->start.cwd_fd, *cancel_fd = request->transfer.cancel_fd;
    if (cwd_fd && !proc__fd_is_open(*cwd_fd))
        return proc__fail(ret_failure, PROC_STEP_CWD, EBADF, *cwd_fd, NULL);
    if (cancel_fd && !proc__fd_is_open(*cancel_fd))
        return proc__fail(ret_failure, PROC_STEP_OPTIONS, EBADF, -1, ".transfer->cancel_fd is not open");
    return 0;
}

static int make_plan(struct spawn *spawn, struct failure *ret_failure)
{
    int rc = check_descriptors(&spawn->request, ret_failure);
    if (rc == 0)
        rc = make_environment(spawn, ret_failure);
    if (rc == 0)
        rc = make_paths(spawn, ret_failure);
    if (rc == 0)
        rc = plan_signals(spawn, ret_failure);
    if (rc == 0)
        rc = proc__wiring_make(&spawn->wiring, &spawn->request, ret_failure);
    if (rc < 0)
        return rc;
    plan_place(spawn);
    plan_ids(spawn);
    return 0;
}

/* ---- Starting ---- */

/* A child that changes its credentials in our memory would make us non-dumpable, as if we had changed ours. */
static int choose_memory(const struct plan *plan)
{
    int memory = proc__probe_memory();
    if (memory == MEMORY_SHARED && (plan->change_groups || plan->gid))
        return MEMORY_COPIED;
    return memory;
}

/* The thing that a step was given: the child can only send its number. */
static const char *argument_of(const struct spawn *spawn, const struct report *report)
{
    switch (report->step) {
    case PROC_STEP_CWD: return report->index < 0 ? spawn->plan.cwd : NULL;
    case PROC_STEP_SEARCH: return spawn->search_list;
    case PROC_STEP_EXEC: return spawn->plan.paths[report->index];
    default: return NULL;
    }
}

static int start(struct spawn *spawn, struct failure *ret_failure)
{
    int memory = choose_memory(&spawn->plan);
    if (memory < 0)
        return proc__fail(ret_failure, PROC_STEP_CLONE, -memory, -1, memory == -ENOSYS ? "pidfd" : NULL);
    struct report report;
    proc_child *child = spawn->child;
    int rc = proc__start(&spawn->plan, (enum memory)memory, &child->pid, &child->pidfd, &report);
    if (rc < 0)
        return proc__fail(ret_failure, report.step, report.code, report.index, argument_of(spawn, &report));
    return 0;
}

/* ---- The handle ---- */

/* The handle takes our ends over before the start, so that nothing can fail after it. */
static int make_child(struct spawn *spawn, struct failure *ret_failure)
{
    const proc_options *options = &spawn->request.options;
    const proc_transfer *transfer = &spawn->request.transfer;
    proc_child *child = proc__child_new(options->stop.items, options->stop.count,
                                        (options->flags & (PROC_NEW_SESSION | PROC_NEW_GROUP)) != 0);
    if (!child)
        return no_memory(ret_failure);
    spawn->child = child;
    child->detached = (options->flags & PROC_DETACH) != 0;
    child->started = spawn->started;
    child->drain_ms = transfer->drain_ms ? transfer->drain_ms : DEFAULT_DRAIN_MS;
    child->cancel_fd = transfer->cancel_fd ? *transfer->cancel_fd : -1;
    child->streams = spawn->wiring.streams;
    child->stream_count = spawn->wiring.stream_count;
    spawn->wiring.streams = NULL;
    return proc__pump_prepare(child) < 0 ? no_memory(ret_failure) : 0;
}

static int make_and_start(struct spawn *spawn, struct failure *ret_failure)
{
    int rc = make_plan(spawn, ret_failure);
    if (rc == 0)
        rc = make_child(spawn, ret_failure);
    if (rc == 0)
        rc = start(spawn, ret_failure);
    return rc;
}

static void release(struct spawn *spawn)
{
    proc__wiring_done(&spawn->wiring);
    free(spawn->edited_env);
    free(spawn->paths);
}

/* ---- The doors ---- */

/* The caller's place for details, unless its struct is too short to have one. */
static proc_error *error_of(const proc_options *options)
{
    if (!options || options->size < offsetof(proc_options, error) + sizeof options->error)
        return NULL;
    return options->error;
}

int proc__spawn(proc_child **ret_child, const char *const argv[], const proc_options *options,
                const struct spawn_call *call)
{
    struct spawn spawn = {.started = proc_now_ms(), .wiring = {.null_fd = -1}};
    struct failure failure = {0};
    proc__child_sweep();
    int rc = proc__request_take(&spawn.request, argv, options, call, &failure);
    if (rc == 0)
        rc = make_and_start(&spawn, &failure);
    if (rc == 0) {
        *ret_child = spawn.child;
    } else {
        /* While what the failure points to is still there. */
        const char *thing = spawn.request.options.program ? spawn.request.options.program : argv ? argv[0] : NULL;
        proc__error_render(error_of(options), call->verb, thing, &failure);
        proc__child_discard(spawn.child);
    }
    release(&spawn);
    return rc;
}

int proc_spawn(proc_child **child, const char *const argv[], const proc_options *options)
{
    static const struct spawn_call call = {.verb = "spawn", .is_run = 0};
    int cancel_state;
    if (!child)
        return -EINVAL;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    int rc = proc__spawn(child, argv, options, &call);
    pthread_setcancelstate(cancel_state, NULL);
    return rc;
}
