/* SPDX-License-Identifier: MIT */
/* The snippets of namespaces, as in snippets.c. Where the system allows none, the text says why, and that is all. */
#include "snippet.h"

static int can_have_some(void)
{
    //! [namespaces_check]
    proc_error error;
    int rc = proc_namespaces_check(PROC_NS_USER | PROC_NS_NET | PROC_NS_PID, &error);
    if (rc < 0)
        fprintf(stderr, "%s\n", error.text); /* check: namespace "user": user.max_user_namespaces is 0 */
    //! [namespaces_check]
    return rc == 0;
}

static void run_alone(void)
{
    //! [namespaces]
    proc_result result;
    int rc = proc_run(
        &result, PROC_ARGV("sh", "-c", "id -u; echo $$; uname -n"),
        PROC_OPTIONS(.out = PROC_CAPTURE,
                     .namespaces = PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_PID | PROC_NS_NET | PROC_NS_UTS,
                                                   .flags = PROC_NS_AS_ROOT, .hostname = "alone")));
    //! [namespaces]
    CHECK(rc == 0 && strcmp(result.out.data, "0\n1\nalone\n") == 0);
    proc_result_done(&result);
}

static void join_a_child(void)
{
    proc_child *child = NULL, *other = NULL;
    CHECK(proc_spawn(&child, PROC_ARGV("sleep", "60"),
                     PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_NET))) == 0);
    //! [namespaces_join]
    int pidfd = proc_child_fd(child); /* nobody else's namespaces, whatever becomes of the pid */
    int rc = proc_spawn(
        &other, PROC_ARGV("true"),
        PROC_OPTIONS(.namespaces =
                         PROC_NAMESPACES(.join = PROC_NS_JOIN({.which = PROC_NS_USER | PROC_NS_NET, .fd = &pidfd}))));
    //! [namespaces_join]
    CHECK(rc == 0);
    proc_child_free(other);
    proc_child_free(child);
}

int main(void)
{
    if (!can_have_some())
        return 0;
    run_alone();
    join_a_child();
    return 0;
}
