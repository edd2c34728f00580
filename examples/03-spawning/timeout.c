/* SPDX-License-Identifier: MIT */
/*
 * A command with a deadline: `timeout SECONDS COMMAND [ARGUMENT...]`. proc_run() stops what is late by SIGTERM, and by
 * SIGKILL if that is ignored. Exits as timeout(1): 124 late, 125 we failed, 126 cannot be run, 127 not found, else as
 * the command did.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <proc/proc.h>

enum { LATE = 124, FAILED = 125, CANNOT_RUN = 126, NOT_FOUND = 127 };

/* 0 for "0", which means no deadline; -1 for what is no duration. */
static int milliseconds(const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= 2000000))
        return -1;
    return (int)(seconds * 1000 + 0.999);
}

static int start_failure(const proc_error *error)
{
    fprintf(stderr, "timeout: %s\n", error->text);
    if (error->step != PROC_STEP_SEARCH && error->step != PROC_STEP_EXEC)
        return FAILED;
    return error->code == ENOENT ? NOT_FOUND : CANNOT_RUN;
}

int main(int argc, char *argv[])
{
    int limit = argc > 2 ? milliseconds(argv[1]) : -1;
    if (limit < 0) {
        fprintf(stderr, "usage: timeout SECONDS COMMAND [ARGUMENT...]\n");
        return FAILED;
    }
    proc_error error;
    proc_result result;
    if (proc_run(&result, PROC_STRINGS(argv + 2), PROC_OPTIONS(.timeout_ms = limit, .error = &error)) < 0)
        return start_failure(&error);
    int status = result.timed_out ? LATE : proc_exit_shell(&result.exit);
    proc_result_done(&result);
    return status;
}
