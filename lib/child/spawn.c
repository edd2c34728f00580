/* SPDX-License-Identifier: MIT */
/*
 * From a request to a running child: make it ready, start it, and put what stays with us into a handle. Owns every part
 * until the handle has it.
 */
#include "spawn.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "../base/clone.h"
#include "../base/error.h"
#include "../base/probe.h"
#include "handle.h"
#include "pump.h"

#define DEFAULT_DRAIN_MS 100

/* ---- Starting ---- */

/*
 * A child that changes its credentials in our memory, also by entering another user namespace, would make us
 * non-dumpable, as if we had changed ours. And one that its filter kills dumps core: before Linux 5.16 that kills all
 * who share the memory.
 */
static int choose_memory(const struct plan *plan)
{
    int memory = proc__probe_memory();
    if (memory == MEMORY_SHARED &&
        (plan->change_groups || plan->gid || plan->namespaces || proc__plan_has_filter(plan)))
        return MEMORY_COPIED;
    return memory;
}

/* An emulator knows of fork(2), and of no other birth. */
static int plan_is_held(const struct plan *plan)
{
    return plan->namespaces && plan->namespaces->births.is_held;
}

int proc__spawn_start(struct spawn *spawn, struct failure *ret_failure)
{
    int memory = choose_memory(&spawn->ready.plan);
    if (memory < 0)
        return proc__fail(ret_failure, PROC_STEP_CLONE, -memory, -1, memory == -ENOSYS ? "pidfd" : NULL);
    if (memory == MEMORY_EMULATED && spawn->ready.plan.is_orphan)
        return proc__refuse(ret_failure, ENOTSUP, "PROC_ORPHAN under an emulator");
    if (memory == MEMORY_EMULATED && plan_is_held(&spawn->ready.plan))
        return proc__refuse(ret_failure, ENOTSUP, ".namespaces: user, pid, time, under an emulator");
    struct report report;
    proc_child *child = spawn->child;
    const struct plan *plan = &spawn->ready.plan;
    int rc = plan->parent == 0 ? proc__start(plan, (enum memory)memory, &child->pid, &child->pidfd, &report)
                               : proc__parent_thread_start(&child->parent_thread, plan, (enum memory)memory,
                                                           &child->pid, &child->pidfd, &report);
    if (rc == 0)
        return 0;
    if (plan->terminal)
        proc__terminal_undo(plan->terminal);
    return proc__prepared_fail(&spawn->ready, &report, ret_failure);
}

/* ---- The handle ---- */

/* The handle takes our ends over. */
int proc__spawn_make_child(struct spawn *spawn, struct failure *ret_failure)
{
    const proc_options *options = &spawn->ready.request.options;
    const proc_transfer *transfer = &spawn->ready.request.transfer;
    proc_child *child = proc__child_new(options->stop.items, options->stop.count,
                                        (options->flags & (PROC_NEW_SESSION | PROC_NEW_GROUP)) != 0);
    if (!child)
        return proc__fail_memory(ret_failure);
    spawn->child = child;
    child->detached = (options->flags & (PROC_DETACH | PROC_ORPHAN)) != 0;
    child->is_orphan = (options->flags & PROC_ORPHAN) != 0;
    child->is_first = options->namespaces && (spawn->ready.request.namespaces.create & PROC_NS_PID);
    child->started = spawn->started;
    child->drain_ms = transfer->drain_ms ? transfer->drain_ms : DEFAULT_DRAIN_MS;
    child->cancel_fd = transfer->cancel_fd ? *transfer->cancel_fd : -1;
    child->streams = spawn->ready.wiring.streams;
    child->stream_count = spawn->ready.wiring.stream_count;
    spawn->ready.wiring.streams = NULL;
    return proc__pump_prepare(ALONE(child)) < 0 ? proc__fail_memory(ret_failure) : 0;
}

/* ---- The doors ---- */

proc_error *proc__error_of(const proc_options *options)
{
    if (!options || options->size < offsetof(proc_options, error) + sizeof options->error)
        return NULL;
    return options->error;
}

int proc__refuse_call(const proc_options *options, const char *verb, const char *what)
{
    struct failure failure;
    int rc = proc__refuse(&failure, EINVAL, what);
    proc__error_render(proc__error_of(options), verb, NULL, &failure);
    return rc;
}

int proc__spawn(proc_child **ret_child, const char *const argv[], const proc_options *options,
                const struct spawn_call *call)
{
    struct spawn spawn = {.started = proc_now_ms()};
    struct failure failure = {0};
    proc__child_sweep();
    int rc = proc__prepare(&spawn.ready, argv, options, call, &failure);
    if (rc == 0)
        rc = proc__spawn_make_child(&spawn, &failure);
    if (rc == 0)
        rc = proc__spawn_start(&spawn, &failure);
    if (rc == 0) {
        *ret_child = spawn.child;
    } else {
        /* While what the failure points to is still there. */
        const char *program = spawn.ready.request.options.program;
        const char *thing = call->body ? NULL : program ? program : argv ? argv[0] : NULL;
        proc__error_render(proc__error_of(options), call->verb, thing, &failure);
        proc__child_discard(spawn.child);
    }
    proc__prepared_done(&spawn.ready);
    return rc;
}

int proc_spawn(proc_child **child, const char *const argv[], const proc_options *options)
{
    static const struct spawn_call call = {.verb = "spawn", .may_orphan = 1};
    int cancel_state;
    if (!child)
        return proc__refuse_call(options, call.verb, "child is NULL");
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    int rc = proc__spawn(child, argv, options, &call);
    pthread_setcancelstate(cancel_state, NULL);
    return rc;
}
