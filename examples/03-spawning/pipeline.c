/* SPDX-License-Identifier: MIT */
/*
 * A pipeline without a shell: `pipeline COMMAND [ARGUMENT...] [, COMMAND [ARGUMENT...]]...`, whose stages stand between
 * words that are a comma. Then one line on standard error for each stage: how it ended. Exits as the last stage that
 * did not go well, as a shell does with pipefail; 127 if the stages could not be started.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proc/proc.h>

/* Ends each command where its comma stood, which is where an argument vector ends; one request for each. */
static void split(char *argv[], proc_request *requests)
{
    size_t count = 0;
    requests[count++].argv = PROC_STRINGS(argv);
    for (; *argv; argv++)
        if (strcmp(*argv, ",") == 0) {
            *argv = NULL;
            requests[count++].argv = PROC_STRINGS(argv + 1);
        }
}

static int tell(const proc_result *result, const proc_request *requests)
{
    int status = 0;
    for (size_t i = 0; i < result->stage_count; i++) {
        char text[80];
        proc_exit_text(&result->stages[i], text, sizeof text);
        fprintf(stderr, "%s: %s\n", requests[i].argv[0], text);
        if (!proc_exit_ok(&result->stages[i]))
            status = proc_exit_shell(&result->stages[i]);
    }
    return status;
}

int main(int argc, char *argv[])
{
    /* No more stages than words, and the end of the list. */
    proc_request *requests = calloc((size_t)argc + 1, sizeof *requests);
    proc_error error;
    proc_result result;
    if (!requests)
        return 127;
    split(argv + 1, requests);
    int status = 127;
    if (proc_pipeline(&result, requests, PROC_OPTIONS(.error = &error)) < 0)
        fprintf(stderr, "pipeline: %s\n", error.text);
    else
        status = tell(&result, requests);
    proc_result_done(&result);
    free(requests);
    return status;
}
