/* SPDX-License-Identifier: MIT */
/* The snippets of scheduling, as in snippets.c. */
#include "snippet.h"

#include <errno.h>
#include <sched.h>

/* A job for the night: behind everybody else, and not on the first processor. */
static void run_behind_everybody(void)
{
    //! [scheduling]
    proc_result r;
    int rc = proc_run(&r, PROC_ARGV("nice"), /* without arguments it tells how nice it is */
                      PROC_OPTIONS(.out = PROC_CAPTURE,
                                   .scheduling = PROC_SCHEDULING(.nice = PROC_INT(19), .cpus = "1-127,0",
                                                                 .policy = PROC_INT(SCHED_BATCH),
                                                                 .io_priority = PROC_IO_PRIORITY(2, 7))));
    if (rc == 0)
        fputs(r.out.data, stdout);
    //! [scheduling]
    CHECK(rc == -ENOSYS || (rc == 0 && strcmp(r.out.data, "19\n") == 0));
    proc_result_done(&r);
}

int main(void)
{
    run_behind_everybody();
    return 0;
}
