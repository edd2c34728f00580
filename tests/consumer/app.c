/* SPDX-License-Identifier: MIT */
/* What every consumer builds: runs a child, and looks at what it said. */
#include <stdio.h>
#include <string.h>

#include <proc/proc.h>

int main(void)
{
    proc_error error;
    proc_result result;
    int rc = proc_run(&result, PROC_ARGV("tr", "a-z", "A-Z"),
                      PROC_OPTIONS(.in = PROC_TEXT("hello\n"), .out = PROC_CAPTURE, .error = &error));
    if (rc < 0)
        fprintf(stderr, "%s\n", error.text);
    int good = rc == 0 && proc_result_ok(&result) && strcmp(result.out.data, "HELLO\n") == 0;
    proc_result_done(&result);
    puts(good ? "consumer works" : "consumer fails");
    return good ? 0 : 1;
}
