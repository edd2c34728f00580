/* SPDX-License-Identifier: MIT */
/* The snippets of functions in children, as in snippets.c. */
#include "snippet.h"

#include <errno.h>
#include <sys/prctl.h>

//! [fork]
static int count_to_three(void *user)
{
    for (int i = 1; i <= 3; i++)
        printf("%s%d", i > 1 ? (const char *)user : "", i);
    return 0;
}

static int ask_a_child(char *answer, size_t size)
{
    proc_child *child;
    int rc = proc_fork(&child, count_to_three, ", ", PROC_OPTIONS(.out = PROC_PIPE));
    if (rc < 0)
        return rc;
    int64_t got = proc_read(child, 1, answer, size - 1, 5000);
    answer[got > 0 ? got : 0] = '\0';
    rc = proc_wait(child, 5000, NULL);
    proc_child_free(child);
    return rc;
}
//! [fork]

//! [hook]
static int slack_off(void *user)
{
    unsigned long nanoseconds = *(const unsigned long *)user;
    return prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0) < 0 ? -errno : 0;
}

static int run_slackly(const char *const argv[])
{
    unsigned long slack = 1000000;
    proc_result result;
    int rc = proc_run(&result, argv, PROC_OPTIONS(.hook = PROC_HOOK(slack_off, &slack)));
    proc_result_done(&result);
    return rc;
}
//! [hook]

int main(void)
{
    char answer[32] = "";
    if (!proc_has(PROC_FEATURE_PIDFD))
        return 77;
    CHECK(ask_a_child(answer, sizeof answer) == 0 && strcmp(answer, "1, 2, 3") == 0);
    CHECK(run_slackly(PROC_ARGV("true")) == 0);
    return 0;
}
