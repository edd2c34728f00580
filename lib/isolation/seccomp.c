/* SPDX-License-Identifier: MIT */
/* Puts a process under a filter of seccomp(2). The filter is the caller's: nothing but its length is looked at. */
#include "seccomp.h"

#include <errno.h>
#include <sys/prctl.h>

#define MOST_INSTRUCTIONS 4096

/* By number: libc's may be older. */
#define SET_MODE_FILTER 1
#define FLAG_LOG 0x02u
#define FLAG_SPEC_ALLOW 0x04u
#define FLAGS_OF_THREADS (0x01u | 0x10u)   /* TSYNC, TSYNC_ESRCH */
#define FLAGS_OF_LISTENERS (0x08u | 0x20u) /* NEW_LISTENER, WAIT_KILLABLE_RECV */

int proc__seccomp_check(const proc_sandbox *options, struct failure *ret_failure)
{
    uint32_t flags = options->seccomp_flags;
    if (!options->seccomp && (options->seccomp_length > 0 || flags))
        return proc__refuse(ret_failure, EINVAL, ".sandbox->seccomp_length and _flags without .seccomp");
    if (options->seccomp && (options->seccomp_length < 1 || options->seccomp_length > MOST_INSTRUCTIONS))
        return proc__refuse(ret_failure, EINVAL, ".sandbox->seccomp_length is not 1 to 4096");
    if (flags & FLAGS_OF_THREADS)
        return proc__refuse(ret_failure, EINVAL, ".sandbox->seccomp_flags: a child has no other threads");
    if (flags & FLAGS_OF_LISTENERS)
        return proc__refuse(ret_failure, EINVAL, ".sandbox->seccomp_flags: a listener would be lost");
    if (flags & ~(FLAG_LOG | FLAG_SPEC_ALLOW))
        return proc__refuse(ret_failure, ENOTSUP, ".sandbox->seccomp_flags: one that this version lacks");
    return 0;
}

/* EACCES: neither no_new_privs nor CAP_SYS_ADMIN. */
struct report proc__seccomp_apply(const struct filter *filter, uint32_t flags)
{
    long rc = proc__step_call(SYS_seccomp, SET_MODE_FILTER, (long)flags, (long)filter);
    if (rc == -EACCES) {
        rc = proc__step_call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0);
        if (rc < 0)
            return proc__step_failed(PROC_STEP_NO_NEW_PRIVS, rc, -1);
        rc = proc__step_call(SYS_seccomp, SET_MODE_FILTER, (long)flags, (long)filter);
    }
    return rc < 0 ? proc__step_failed(PROC_STEP_SECCOMP, rc, -1) : STEP_DONE;
}
