/* SPDX-License-Identifier: MIT */
/* What a run has left behind: asked, put into words, given back. Knows no child. */
#include "result.h"

#include <errno.h>
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

int proc_result_ok(const proc_result *result)
{
    return result && proc_exit_ok(&result->exit) && !result->timed_out && !result->cancelled && result->error == 0;
}

int proc_result_text(const proc_result *result, char *ret_text, size_t size)
{
    if (!result || (!ret_text && size > 0))
        return -EINVAL;
    char ended[80], text[256], buffer[80];
    int rc = proc_exit_text(&result->exit, ended, sizeof ended);
    if (rc < 0)
        return rc;
    snprintf(text, sizeof text, "%s%s%s%s%s", result->timed_out ? "timed out, " : "",
             result->cancelled ? "cancelled, " : "", ended, result->error < 0 ? "; transfer: " : "",
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
    proc__capture_free(result->out.data);
    proc__capture_free(result->err.data);
    proc__result_empty(result);
}
