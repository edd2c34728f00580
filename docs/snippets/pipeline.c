/* SPDX-License-Identifier: MIT */
/* What <proc/run.h> and <proc/spawn.h> show of pipelines and of copies. Compiled and run with the tests. */
#include "snippet.h"

#include <errno.h>
#include <fcntl.h>

static void pipelines(void)
{
    //! [pipeline]
    proc_error error;
    proc_result result;
    int rc = proc_pipeline(&result,
                           PROC_REQUESTS(PROC_REQUEST("tr", "a-z", "A-Z"), PROC_REQUEST("sort"),
                                         PROC_REQUEST("head", "-n", "2")),
                           PROC_OPTIONS(.in = PROC_TEXT("plum\npear\nfig\n"), .out = PROC_CAPTURE, .err = PROC_CAPTURE,
                                        .timeout_ms = 2000, .error = &error));
    if (rc < 0)
        fprintf(stderr, "%s\n", error.text); /* pipeline "sort": search "/usr/bin:/bin": No such file or directory */
    else if (proc_result_ok(&result))
        fputs(result.out.data, stdout); /* FIG, PEAR */
    for (size_t i = 0; i < result.stage_count; i++)
        printf("stage %zu: %d\n", i, proc_exit_shell(&result.stages[i]));
    //! [pipeline]
    CHECK(rc == 0 && strcmp(result.out.data, "FIG\nPEAR\n") == 0 && result.stage_count == 3);
    proc_result_done(&result);
}

static void started_pipelines(void)
{
    char buffer[64] = "";
    //! [spawn_pipeline]
    proc_child *stages[2];
    int count = proc_spawn_pipeline(stages, PROC_REQUESTS(PROC_REQUEST("cat"), PROC_REQUEST("wc", "-c")),
                                    PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .flags = PROC_NEW_GROUP));
    if (count == 2) {
        proc_write(stages[0], 0, "hello", 5, 1000);
        proc_close(stages[0], 0);
        proc_read(stages[1], 1, buffer, sizeof buffer - 1, 1000);
    }
    while (count > 0)
        proc_child_free(stages[--count]);
    //! [spawn_pipeline]
    CHECK(atoi(buffer) == 5);
}

static void tees(void)
{
    //! [tee]
    int log = open("/dev/null", O_WRONLY | O_APPEND | O_CLOEXEC);
    proc_result result;
    int rc = proc_run(&result, PROC_ARGV("echo", "hello"), PROC_OPTIONS(.out = PROC_CAPTURE_TEE(log)));
    if (rc == 0 && result.out.tee_error < 0)
        fprintf(stderr, "the log is not complete: %s\n", strerror(-result.out.tee_error));
    //! [tee]
    CHECK(rc == 0 && proc_result_ok(&result) && strcmp(result.out.data, "hello\n") == 0);
    proc_result_done(&result);
    close(log);
}

int main(void)
{
    if (!proc_has(PROC_FEATURE_PIDFD))
        return 77;
    pipelines();
    started_pipelines();
    tees();
    return 0;
}
