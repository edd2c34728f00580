/* SPDX-License-Identifier: MIT */
/* The calls that take one child to its end: one starts it, the other is for one that has been started. Owns nothing. */
#include "course.h"

#include <errno.h>

#include "pump.h"
#include "result.h"
#include "spawn.h"

int proc_collect(proc_child *child, int timeout_ms, proc_result *result)
{
    if (!result)
        return -EINVAL;
    proc__result_empty(result);
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    if (timeout_ms < -1)
        return -EINVAL;
    struct course course = {.crew = {&child, 1}, .until = proc__deadline_in(timeout_ms)};
    int cancellable;
    /* A thread that is cancelled halfway would keep the others out for ever. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    rc = proc__pump_enter(child);
    if (rc == 0) {
        rc = proc__course_run(&course);
        if (rc == 0)
            proc__course_fill(&course, result);
        proc__pump_leave(child);
    }
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}

int proc_run(proc_result *result, const char *const argv[], const proc_options *options)
{
    static const struct spawn_call call = {.verb = "run", .is_run = 1};
    if (!result)
        return proc__refuse_call(options, call.verb, "result is NULL");
    proc__result_empty(result);
    proc_child *child;
    struct course course = {.crew = {&child, 1}, .until = proc__course_time(options), .stops = 1};
    int cancellable;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    int rc = proc__spawn(&child, argv, options, &call);
    if (rc == 0) {
        (void)proc__course_run(&course);
        proc__course_fill(&course, result);
        proc_child_free(child);
    }
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}
