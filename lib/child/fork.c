/* SPDX-License-Identifier: MIT */
/*
 * A function in a child of its own: a start like any other, but for its end. What the program had buffered for stdio is
 * dropped in the copy, so that it is not written twice; what the function has printed there is written. Owns nothing.
 */
#include "../base/system.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <proc/fork.h>

#include "../isolation/namespaces.h"
#include "request.h"
#include "spawn.h"

struct function {
    int (*run)(void *user);
    void *user;
    int cancellable;
};

/* ---- In the child ---- */

/* Without its lock: another thread may have held it when the copy was made. */
static void forget_stdio(void)
{
    __fpurge(stdin);
    clearerr_unlocked(stdin);
    __fpurge(stdout);
}

static void run_function(void *arg)
{
    const struct function *function = arg;
    forget_stdio();
    pthread_setcancelstate(function->cancellable, NULL);
    int code = function->run(function->user);
    /* If there is nothing, the lock is left alone. */
    if (__fpending(stdout) > 0)
        fflush(stdout);
    _exit(code);
}

/* ---- The door ---- */

/* What is about a program. */
static int check_for_fork(const struct request *request, struct failure *ret_failure)
{
    const proc_options *options = &request->options;
    if (options->program || options->search || request->start.candidates || request->start.program_fd)
        return proc__refuse(ret_failure, EINVAL, ".program, .search, .candidates, .program_fd: it is a function");
    if (options->flags & (PROC_SEARCH_RELATIVE | PROC_SCRIPT_FALLBACK))
        return proc__refuse(ret_failure, EINVAL, "PROC_SEARCH_RELATIVE, PROC_SCRIPT_FALLBACK: it is a function");
    /* The kernel knows no better parent than a thread, and in a copy of one that we made it would not be this one. */
    if (options->flags & PROC_DIE_WITH_PARENT)
        return proc__refuse(ret_failure, EINVAL, "PROC_DIE_WITH_PARENT is for programs");
    if (options->namespaces && proc__namespaces_births(&request->namespaces).is_held)
        return proc__refuse(ret_failure, EINVAL, ".namespaces: new user, pid or time, or joined pid, are for programs");
    if (options->hook)
        return proc__refuse(ret_failure, EINVAL, ".hook: the function can do that itself");
    return 0;
}

int proc_fork(proc_child **child, int (*run)(void *user), void *user, const proc_options *options)
{
    static const char *const no_arguments[] = {"/", NULL};
    struct function function = {.run = run, .user = user};
    const struct spawn_call call = {.verb = "fork", .check = check_for_fork, .body = run_function, .arg = &function};
    if (!child || !run)
        return proc__refuse_call(options, call.verb, child ? "run is NULL" : "child is NULL");
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &function.cancellable);
    int rc = proc__spawn(child, no_arguments, options, &call);
    pthread_setcancelstate(function.cancellable, NULL);
    return rc;
}
