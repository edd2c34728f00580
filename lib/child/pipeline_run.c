/* SPDX-License-Identifier: MIT */
/* Runs a pipeline to the end of all its stages. Owns them, and the room for the result, until it has returned. */
#include "pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "course.h"
#include "pump.h"
#include "result.h"

/* Before the start, so that no memory can be lacking afterwards. */
static int make_room(struct course *course, struct failure *ret_failure)
{
    course->stages = calloc(course->crew.count, sizeof *course->stages);
    if (course->stages && proc__pump_prepare(&course->crew) == 0)
        return 0;
    return proc__fail_memory(ret_failure);
}

static int start(struct pipeline *pipeline, struct course *course)
{
    course->crew = (struct crew){pipeline->children, pipeline->count};
    course->err_stage = pipeline->err_stage;
    pipeline->failed = pipeline->count;
    int rc = make_room(course, &pipeline->failure);
    if (rc == 0)
        rc = proc__pipeline_start(pipeline);
    if (rc < 0)
        free(course->stages);
    return rc;
}

int proc_pipeline(proc_result *result, const proc_request requests[], const proc_options *options)
{
    static const struct spawn_call call = {.verb = "pipeline", .is_run = 1};
    struct course course = {.until = proc__course_time(options), .stops = 1};
    struct pipeline pipeline;
    int cancellable;
    if (!result)
        return proc__refuse_call(options, call.verb, "result is NULL");
    proc__result_empty(result);
    if (!requests)
        return proc__refuse_call(options, call.verb, "requests is NULL");
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    int rc = proc__pipeline_make(&pipeline, requests, options, &call);
    if (rc == 0)
        rc = start(&pipeline, &course);
    if (rc == 0) {
        (void)proc__course_run(&course);
        proc__course_fill(&course, result);
        /* From the last one on, as they are when a start fails: no stop step may have ended them. */
        for (size_t i = pipeline.count; i-- > 0;)
            proc_child_free(pipeline.children[i]);
    } else {
        proc__pipeline_tell(&pipeline, proc__error_of(options));
    }
    proc__pipeline_done(&pipeline);
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}
