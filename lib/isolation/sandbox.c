/* SPDX-License-Identifier: MIT */
/*
 * The parts of a sandbox under one roof: checked together, made ready together. Owns the set of landlock's rules until
 * it is done. When each step is taken is not decided here.
 */
#include "sandbox.h"

#include <errno.h>
#include <sys/prctl.h>

#include "../base/fd.h"
#include "capabilities.h"
#include "landlock.h"

int proc__sandbox_check(const proc_sandbox *options, struct failure *ret_failure)
{
    if (options->no_new_privs > 1 || options->best_effort > 1 || options->reserved != 0)
        return proc__refuse(ret_failure, EINVAL, ".sandbox: a member that must be 0 or 1");
    int rc = proc__caps_check(&options->caps, ret_failure);
    if (rc == 0)
        rc = proc__landlock_check(options, ret_failure);
    return rc < 0 ? rc : proc__seccomp_check(options, ret_failure);
}

int proc__sandbox_prepare(struct sandbox *ret_sandbox, const proc_sandbox *options, struct failure *ret_failure)
{
    int landlocked = proc__landlock_is_wanted(options);
    *ret_sandbox = (struct sandbox){
        .root = options->root,
        .caps = options->caps,
        .changes_caps = proc__caps_are_said(&options->caps),
        .no_new_privs = options->no_new_privs || landlocked,
        .ruleset = -1,
        .filter = {(unsigned short)options->seccomp_length, options->seccomp},
        .filter_flags = options->seccomp_flags,
    };
    return landlocked ? proc__landlock_make(&ret_sandbox->ruleset, options, ret_failure) : 0;
}

void proc__sandbox_done(struct sandbox *sandbox)
{
    proc__fd_close(&sandbox->ruleset);
}

struct report proc__sandbox_enter_root(const struct sandbox *sandbox)
{
    long rc = sandbox->root ? proc__step_call(SYS_chroot, (long)sandbox->root, 0, 0) : 0;
    /* Our directory is still the one outside: a relative path from there, "..", and all of the tree is in reach. */
    if (sandbox->root && rc == 0)
        rc = proc__step_call(SYS_chdir, (long)"/", 0, 0);
    return rc < 0 ? proc__step_failed(PROC_STEP_ROOT, rc, -1) : STEP_DONE;
}

struct report proc__sandbox_set_no_new_privs(const struct sandbox *sandbox)
{
    long rc = sandbox->no_new_privs ? proc__step_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0) : 0;
    return rc < 0 ? proc__step_failed(PROC_STEP_NO_NEW_PRIVS, rc, -1) : STEP_DONE;
}
