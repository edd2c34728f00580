/* SPDX-License-Identifier: MIT */
/* What a run has left behind: asked, put into words, given back. Knows no child. */
#include "result.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/error.h"
#include "capture.h"

static proc_output empty_output(int fd)
{
    return (proc_output){.data = proc__capture_nothing(), .fd = fd};
}

void proc__result_empty(proc_result *ret_result)
{
    *ret_result = (proc_result){.out = empty_output(1), .err = empty_output(2)};
}

/* Who feeds another stage may be ended by that one's end, as in a shell. */
static int stage_is_ok(const proc_result *result, size_t stage)
{
    const proc_exit *ended = &result->stages[stage];
    int feeds_another = stage + 1 < result->stage_count;
    return proc_exit_ok(ended) || (feeds_another && ended->kind == PROC_SIGNALED && ended->code == SIGPIPE);
}

/* The last stage before the last one that has not gone well, as pipefail tells; -1 = all have. */
static int last_failed_stage(const proc_result *result)
{
    for (size_t i = result->stage_count; i-- > 0;)
        if (i + 1 < result->stage_count && !stage_is_ok(result, i))
            return (int)i;
    return -1;
}

int proc_result_ok(const proc_result *result)
{
    return result && proc_exit_ok(&result->exit) && last_failed_stage(result) < 0 && !result->timed_out &&
           !result->cancelled && result->error == 0;
}

/* "; stage 0 exited with 2" */
static int stage_text(const proc_result *result, char *ret_text, size_t size)
{
    int stage = last_failed_stage(result);
    char ended[80];
    ret_text[0] = '\0';
    int rc = stage < 0 ? 0 : proc_exit_text(&result->stages[stage], ended, sizeof ended);
    if (stage >= 0 && rc >= 0)
        snprintf(ret_text, size, "; stage %d %s", stage, ended);
    return rc < 0 ? rc : 0;
}

int proc_result_text(const proc_result *result, char *ret_text, size_t size)
{
    if (!result || (!ret_text && size > 0))
        return -EINVAL;
    char ended[80], stage[120], text[400], buffer[80];
    int rc = proc_exit_text(&result->exit, ended, sizeof ended);
    if (rc >= 0)
        rc = stage_text(result, stage, sizeof stage);
    if (rc < 0)
        return rc;
    snprintf(text, sizeof text, "%s%s%s%s%s%s", result->timed_out ? "timed out, " : "",
             result->cancelled ? "cancelled, " : "", ended, stage, result->error < 0 ? "; transfer: " : "",
             result->error < 0 ? proc__reason(-result->error, buffer, sizeof buffer) : "");
    return proc__text_out(text, ret_text, size);
}

void proc_output_done(proc_output *output)
{
    if (!output)
        return;
    proc__capture_free(output->data);
    *output = empty_output(output->fd);
}

proc_output proc_output_take(proc_output *output)
{
    if (!output)
        return empty_output(-1);
    proc_output taken = *output;
    if (!taken.data)
        taken.data = proc__capture_nothing();
    *output = empty_output(taken.fd);
    return taken;
}

void proc_result_done(proc_result *result)
{
    if (!result)
        return;
    proc_output *outputs = (proc_output *)(uintptr_t)result->outputs;
    for (size_t i = 0; i < result->output_count; i++)
        proc__capture_free(outputs[i].data);
    free(outputs);
    free((proc_exit *)(uintptr_t)result->stages);
    proc__capture_free(result->out.data);
    proc__capture_free(result->err.data);
    proc__result_empty(result);
}
