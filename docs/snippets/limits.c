/* SPDX-License-Identifier: MIT */
/* The snippets of limits, as in snippets.c. */
#include "snippet.h"

#include <errno.h>
#include <sys/resource.h>

/* Something that we do not trust with much. */
static void run_within_limits(void)
{
    //! [limits]
    const proc_limits *limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_CORE, 0, 0, 0},
                                                                    {RLIMIT_NPROC, 0, 500, 500},
                                                                    {RLIMIT_CPU, 0, 64, 65}),
                                            .oom_score_adj = PROC_INT(500));
    proc_result r;
    proc_error error;
    int rc = proc_run(&r, PROC_ARGV("sh", "-c", "ulimit -t"),
                      PROC_OPTIONS(.out = PROC_CAPTURE, .limits = limits, .error = &error));
    if (rc < 0)
        fprintf(stderr, "%s\n", error.text); /* run "sh": rlimit "RLIMIT_CPU": Operation not permitted */
    //! [limits]
    CHECK(rc == -ENOSYS || (rc == 0 && strcmp(r.out.data, "64\n") == 0));
    proc_result_done(&r);
}

int main(void)
{
    run_within_limits();
    return 0;
}
