/* SPDX-License-Identifier: MIT */
/*
 * Runs a function of the caller's in a new process, between two words to the starter, who can so tell a function that
 * has crashed, or does not come back, from a program that has been started. Owns nothing.
 */
#include "hook.h"

#include <errno.h>
#include <stdio.h>

#include "held.h"

#define DEFAULT_TIMEOUT_MS 10000
#define LAST_ERRNO 4095

int proc__hook_check(const proc_hook *options, struct failure *ret_failure)
{
    if (!options->run)
        return proc__refuse(ret_failure, EINVAL, ".hook without .run");
    if (options->timeout_ms < -1)
        return proc__refuse(ret_failure, EINVAL, ".hook->timeout_ms is below -1");
    if (options->reserved != 0)
        return proc__refuse(ret_failure, EINVAL, ".hook: a member that must be 0");
    return 0;
}

void proc__hook_prepare(struct hook *ret_hook, const proc_hook *options, int call_timeout_ms)
{
    int timeout_ms = options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    if (call_timeout_ms > 0 && (timeout_ms < 0 || call_timeout_ms < timeout_ms))
        timeout_ms = call_timeout_ms;
    *ret_hook = (struct hook){.run = options->run, .user = options->user, .timeout_ms = timeout_ms};
}

struct report proc__hook_run(const struct hook *hook, int report_fd)
{
    long rc = hook->is_watched ? proc__hold_say(report_fd, HOLD_WORD_HOOK) : 0;
    if (rc < 0)
        return proc__step_failed(PROC_STEP_HOOK, rc, -1);
    int answer = hook->run(hook->user);
    if (answer != 0)
        return proc__step_failed(PROC_STEP_HOOK, answer < 0 && answer >= -LAST_ERRNO ? answer : -EINVAL, -1);
    /* It fails if the hook has closed what is not its own: then nobody would learn what becomes of the program. */
    rc = hook->is_watched ? proc__hold_say(report_fd, HOLD_WORD_BACK) : 0;
    return rc < 0 ? proc__step_failed(PROC_STEP_HOOK, rc, -1) : STEP_DONE;
}

void proc__hook_explain(struct hook *hook, struct failure *failure)
{
    if (failure->code == ETIMEDOUT)
        snprintf(hook->reason, sizeof hook->reason, "not back after %d ms", hook->timeout_ms);
    else if (hook->ended.kind != PROC_RUNNING)
        proc_exit_text(&hook->ended, hook->reason, sizeof hook->reason);
    else
        return;
    failure->reason = hook->reason;
}
