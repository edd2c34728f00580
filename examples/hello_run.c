/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <proc/proc.h>

int main(void)
{
    proc_error error;
    proc_result result;
    int rc = proc_run(&result, PROC_ARGV("grep", "hello"),
                      PROC_OPTIONS(.in = PROC_TEXT("hello grep\ngoodbye grep\n"), .out = PROC_CAPTURE,
                                   .timeout_ms = 2000, .error = &error));
    fputs(rc < 0 ? error.text : result.out.data, rc < 0 ? stderr : stdout);
    proc_result_done(&result);
    return rc < 0 ? 1 : 0;
}
