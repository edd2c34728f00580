/* SPDX-License-Identifier: MIT */
/*
 * Starts the stages of a pipeline: all or none. Every stage is looked at before anything is made, and everything is
 * made before the first one starts, so what fails later is the starts themselves. Owns the pipes between the stages,
 * and all parts of each until the handles are the caller's.
 */
#include "pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "../base/fd.h"
#include "handle.h"
#include "pipeline_options.h"

static int fail(struct pipeline *pipeline, int step, int code, const char *what)
{
    pipeline->failed = pipeline->count;
    return proc__fail(&pipeline->failure, step, code, -1, what);
}

/* ---- The request ---- */

static size_t count_requests(const proc_request requests[])
{
    size_t count = 0;
    while (requests && requests[count].argv)
        count++;
    return count;
}

static int allocate(struct pipeline *pipeline)
{
    size_t count = pipeline->count;
    pipeline->stages = calloc(count, sizeof *pipeline->stages);
    pipeline->children = calloc(count, sizeof *pipeline->children);
    pipeline->pipes = calloc(count, sizeof *pipeline->pipes);
    for (size_t i = 0; pipeline->pipes && i < count; i++)
        pipeline->pipes[i][0] = pipeline->pipes[i][1] = -1;
    if (!pipeline->stages || !pipeline->children || !pipeline->pipes)
        return proc__fail_memory(&pipeline->failure);
    return 0;
}

static int take_stage(struct pipeline *pipeline, size_t stage)
{
    const proc_request *request = &pipeline->requests[stage];
    struct spawn *spawn = &pipeline->stages[stage].spawn;
    proc_options own, both;
    pipeline->failed = stage;
    int rc = proc__options_take(&own, request->options, &pipeline->failure);
    if (rc == 0)
        rc = proc__stage_options_check(&own, stage, pipeline->count, &pipeline->failure);
    if (rc < 0)
        return rc;
    pipeline->stages[stage].has_err = own.err.kind != PROC_STDIO_DEFAULT;
    if (!pipeline->stages[stage].has_err)
        pipeline->err_stage = stage;
    proc__stage_options_merge(&both, &own, &pipeline->common, stage, pipeline->count);
    spawn->started = proc_now_ms();
    pipeline->taken++;
    rc = proc__prepare_take(&spawn->ready, request->argv, &both, pipeline->call, &pipeline->failure);
    if (rc < 0)
        return rc;
    return proc__stage_request_check(&spawn->ready.request, &pipeline->common, stage, pipeline->count,
                                     &pipeline->failure);
}

static int take(struct pipeline *pipeline, const proc_options *options)
{
    int rc = proc__options_take(&pipeline->common, options, &pipeline->failure);
    if (rc < 0)
        return rc;
    pipeline->count = pipeline->failed = pipeline->err_stage = count_requests(pipeline->requests);
    if (pipeline->count == 0)
        return fail(pipeline, PROC_STEP_OPTIONS, EINVAL, "there is no stage");
    rc = proc__pipeline_options_check(&pipeline->common, &pipeline->failure);
    if (rc == 0)
        rc = allocate(pipeline);
    for (size_t i = 0; i < pipeline->count && rc == 0; i++)
        rc = take_stage(pipeline, i);
    return rc;
}

/* ---- The making ---- */

static proc_stdio descriptor(int fd)
{
    return (proc_stdio){.kind = PROC_STDIO_FD, .fd = fd};
}

static int connect_stages(struct pipeline *pipeline)
{
    for (size_t i = 0; i + 1 < pipeline->count; i++) {
        int rc = proc__fd_pipe(pipeline->pipes[i]);
        if (rc < 0)
            return fail(pipeline, PROC_STEP_PIPE, -rc, NULL);
        pipeline->stages[i].spawn.ready.request.options.out = descriptor(pipeline->pipes[i][1]);
        pipeline->stages[i + 1].spawn.ready.request.options.in = descriptor(pipeline->pipes[i][0]);
    }
    return 0;
}

static int make_stage(struct pipeline *pipeline, size_t stage)
{
    struct spawn *spawn = &pipeline->stages[stage].spawn;
    pipeline->failed = stage;
    int rc = proc__prepare_make(&spawn->ready, pipeline->call, &pipeline->failure);
    if (rc == 0)
        rc = proc__spawn_make_child(spawn, &pipeline->failure);
    pipeline->children[stage] = spawn->child;
    return rc;
}

/* The one `err` of all is made for the last stage that has none of its own; the others get the same descriptor. */
static int make_all(struct pipeline *pipeline)
{
    size_t owner = pipeline->err_stage;
    int shared = owner < pipeline->count && proc__pipeline_shares(&pipeline->common.err);
    int rc = owner < pipeline->count ? make_stage(pipeline, owner) : 0;
    for (size_t i = 0; i < pipeline->count && rc == 0; i++) {
        proc_options *options = &pipeline->stages[i].spawn.ready.request.options;
        if (i == owner)
            continue;
        if (shared && !pipeline->stages[i].has_err)
            options->err = descriptor(proc__wiring_source(&pipeline->stages[owner].spawn.ready.wiring, 2));
        rc = make_stage(pipeline, i);
    }
    return rc;
}

int proc__pipeline_make(struct pipeline *ret_pipeline, const proc_request requests[], const proc_options *options,
                        const struct spawn_call *call)
{
    *ret_pipeline = (struct pipeline){.call = call, .requests = requests};
    proc__child_sweep();
    int rc = take(ret_pipeline, options);
    if (rc == 0)
        rc = connect_stages(ret_pipeline);
    return rc < 0 ? rc : make_all(ret_pipeline);
}

/* ---- The start ---- */

static int start_as_leader(struct pipeline *pipeline, struct spawn *spawn)
{
    spawn->ready.plan.new_group = 1;
    spawn->ready.plan.join_group = -1;
    spawn->child->leads_group = 1;
    int rc = proc__spawn_start(spawn, &pipeline->failure);
    if (rc == 0)
        pipeline->leader = spawn->child->pid;
    return rc;
}

/*
 * The first leads the group that the others join. We have not reaped it; but if somebody else did, and all of the group
 * have ended, there is no group any more: then who comes next leads a new one.
 */
static int start_in_group(struct pipeline *pipeline, struct spawn *spawn)
{
    if (pipeline->leader == 0)
        return start_as_leader(pipeline, spawn);
    spawn->ready.plan.new_group = 0;
    spawn->ready.plan.join_group = pipeline->leader;
    spawn->child->leads_group = 0;
    spawn->child->joined = pipeline->leader;
    int rc = proc__spawn_start(spawn, &pipeline->failure);
    if (rc == 0 || pipeline->failure.step != PROC_STEP_GROUP || kill(-pipeline->leader, 0) == 0 || errno != ESRCH)
        return rc;
    spawn->child->joined = 0;
    return start_as_leader(pipeline, spawn);
}

static int start_stage(struct pipeline *pipeline, size_t stage)
{
    struct spawn *spawn = &pipeline->stages[stage].spawn;
    pipeline->failed = stage;
    int rc = pipeline->common.flags & PROC_NEW_GROUP ? start_in_group(pipeline, spawn)
                                                     : proc__spawn_start(spawn, &pipeline->failure);
    if (rc < 0)
        return rc;
    /* Its ends are its own now: who reads from it sees its end, and who writes to it that it is gone. */
    proc__fd_close(&pipeline->pipes[stage][1]);
    if (stage > 0)
        proc__fd_close(&pipeline->pipes[stage - 1][0]);
    return 0;
}

/* From the last one on: who still runs must not take the death of the one before for the end of its input. */
static void take_back(struct pipeline *pipeline, size_t started)
{
    for (size_t i = pipeline->count; i-- > 0;) {
        proc_child *child = pipeline->children[i];
        const struct terminal *terminal = pipeline->stages[i].spawn.ready.plan.terminal;
        /* It may have been in the foreground before the one that has failed was even born. */
        if (i < started && terminal)
            proc__terminal_undo(terminal);
        child->detached = 0;
        if (i < started)
            proc_child_free(child);
        else
            proc__child_discard(child);
        pipeline->children[i] = NULL;
    }
}

int proc__pipeline_start(struct pipeline *pipeline)
{
    size_t started = 0;
    int rc = 0;
    while (started < pipeline->count && rc == 0) {
        rc = start_stage(pipeline, started);
        started += rc == 0;
    }
    for (size_t i = 0; i < pipeline->count; i++) {
        pipeline->stages[i].spawn.child = NULL;
        /* Only now: `err` may be the same for all. */
        proc__wiring_close_ends(&pipeline->stages[i].spawn.ready.wiring);
    }
    if (rc < 0)
        take_back(pipeline, started);
    return rc;
}

/* ---- The end ---- */

void proc__pipeline_tell(const struct pipeline *pipeline, proc_error *error)
{
    const char *thing = NULL;
    int is_of_stage = pipeline->failed < pipeline->count;
    if (is_of_stage) {
        const proc_options *options = &pipeline->stages[pipeline->failed].spawn.ready.request.options;
        thing = options->program ? options->program : pipeline->requests[pipeline->failed].argv[0];
    }
    proc__error_render(error, pipeline->call->verb, thing, &pipeline->failure);
    if (error && is_of_stage)
        error->stage = (int32_t)pipeline->failed;
}

void proc__pipeline_done(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->taken; i++) {
        proc__child_discard(pipeline->stages[i].spawn.child);
        proc__prepared_done(&pipeline->stages[i].spawn.ready);
    }
    for (size_t i = 0; pipeline->pipes && i < pipeline->count; i++) {
        proc__fd_close(&pipeline->pipes[i][0]);
        proc__fd_close(&pipeline->pipes[i][1]);
    }
    free(pipeline->pipes);
    free(pipeline->children);
    free(pipeline->stages);
}

/* ---- The door ---- */

int proc_spawn_pipeline(proc_child *children[], const proc_request requests[], const proc_options *options)
{
    static const struct spawn_call call = {.verb = "pipeline", .is_run = 0};
    struct pipeline pipeline;
    int cancellable;
    if (!children || !requests)
        return proc__refuse_call(options, call.verb, children ? "requests is NULL" : "children is NULL");
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    int rc = proc__pipeline_make(&pipeline, requests, options, &call);
    if (rc == 0)
        rc = proc__pipeline_start(&pipeline);
    if (rc < 0)
        proc__pipeline_tell(&pipeline, proc__error_of(options));
    for (size_t i = 0; rc == 0 && i < pipeline.count; i++)
        children[i] = pipeline.children[i];
    size_t count = pipeline.count;
    proc__pipeline_done(&pipeline);
    pthread_setcancelstate(cancellable, NULL);
    return rc < 0 ? rc : (int)count;
}
