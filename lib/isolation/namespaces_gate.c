/* SPDX-License-Identifier: MIT */
/*
 * Why a namespace cannot be had: the kernel says EPERM or ENOSPC, and which of its many gates is closed has to be
 * looked for. Only asked once something has failed; whether it can be had at all is found out by trying. Keeps nothing.
 */
#include "namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proc/status.h>

#include "../base/fd.h"
#include "../base/probe.h"
#include "namespace_kinds.h"

#define CAP_SYS_ADMIN_BIT (UINT64_C(1) << 21)
#define SECCOMP_FILTER 2

/* ---- Looking ---- */

/* A number of /proc/sys; -1: there is none, or it is not for us. */
static long sysctl(const char *name)
{
    char path[80], text[24];
    snprintf(path, sizeof path, "/proc/sys/%s", name);
    return proc__fd_read_text(AT_FDCWD, path, text, sizeof text) > 0 ? strtol(text, NULL, 10) : -1;
}

static long limit_of(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "user/max_%s_namespaces", name);
    return sysctl(path);
}

/* What the kernel knows of us, or nothing. */
static proc_status ourselves(void)
{
    proc_status status;
    if (proc_status_read(PROC_SELF, NULL, sizeof status, &status) < 0)
        memset(&status, 0, sizeof status);
    return status;
}

/* ---- Saying ---- */

static void say_limit(const char *name, char *ret_reason)
{
    long limit = limit_of(name);
    const char *format =
        limit == 0 ? "user.max_%s_namespaces is 0" : "user.max_%s_namespaces reached, or nested too deep";
    snprintf(ret_reason, NAMESPACE_WORDS, format, name);
}

/* is_inside: 1 = it is owned by a user namespace that is new, too, in which we have all capabilities. */
static const char *denial(int is_user, int is_inside)
{
    proc_status status = ourselves();
    int is_admin = (status.cap_effective & CAP_SYS_ADMIN_BIT) != 0;
    if (!is_user && !is_inside && !is_admin)
        return "needs CAP_SYS_ADMIN, or a user namespace made with it";
    if (is_user && !is_admin && sysctl("kernel/unprivileged_userns_clone") == 0)
        return "kernel.unprivileged_userns_clone is 0";
    if (!is_admin && sysctl("kernel/apparmor_restrict_unprivileged_userns") == 1)
        return "kernel.apparmor_restrict_unprivileged_userns is 1";
    if (status.seccomp == SECCOMP_FILTER)
        return "denied by a seccomp filter, or a security module";
    return is_user ? "denied: a security module, a chroot, or our ids not mapped" : "denied by a security module";
}

/* The words for what a new namespace of that kind has met; NULL: the errno says it all. */
static const char *gate_of(uint32_t bit, int is_inside, int code, char *ret_buffer)
{
    switch (code) {
    case EUSERS:
    case ENOSPC: say_limit(proc__namespace_name(bit), ret_buffer); return ret_buffer;
    case EPERM: return denial(bit == PROC_NS_USER, is_inside);
    case EINVAL: return "this kernel has none, or not here";
    case ENOSYS: return "denied by a filter, or an emulator";
    default: return NULL;
    }
}

/* "user,pid" */
static const char *names_of(uint32_t bits, char *ret_names)
{
    size_t len = 0;
    ret_names[0] = '\0';
    for (int i = 0; i < NAMESPACE_KINDS; i++) {
        uint32_t bit = proc__namespace_kinds[i].bit;
        if (bits & bit)
            len += (size_t)snprintf(ret_names + len, NAMESPACE_WORDS - len, "%s%s", len ? "," : "",
                                    proc__namespace_name(bit));
    }
    return ret_names;
}

/* ---- For a start ---- */

static const char *joining_denied(uint32_t bits, int code)
{
    if (code == EPERM)
        return "needs CAP_SYS_ADMIN there and here, and CAP_SYS_PTRACE there";
    if (code == EINVAL && (bits & PROC_NS_USER))
        return "we live in it, or it cannot be joined";
    return NULL;
}

static void explain_namespace(struct namespaces *namespaces, struct failure *failure)
{
    uint32_t bits = (uint32_t)failure->index;
    if (!failure->argument)
        failure->argument = names_of(bits, namespaces->names);
    if (failure->reason)
        return;
    if (failure->code == ENOTSUP)
        failure->reason = "one of them needs a birth";
    else if (bits & namespaces->joined)
        failure->reason = joining_denied(bits, failure->code);
    else if (bits == PROC_NS_TIME && failure->code == ERANGE)
        failure->reason = "an offset that the clock cannot have";
    else
        failure->reason = gate_of(bits & (~bits + 1), (namespaces->create & PROC_NS_USER) && bits != PROC_NS_USER,
                                  failure->code, namespaces->reason);
}

static const char *map_denied(const struct failure *failure)
{
    if (failure->code == EACCES)
        return "its /proc directory is not ours: we are not dumpable";
    if (failure->code != EPERM)
        return NULL;
    return failure->index == ID_MAP_GIDS ? "needs CAP_SETGID, and groups that our namespace has"
                                         : "needs CAP_SETUID (for 0 CAP_SETFCAP), and ids that we have";
}

static const char *mount_denied(const struct failure *failure)
{
    if (failure->index == NAMESPACE_MOUNT_PROC && failure->code == EPERM)
        return "our /proc is masked, PROC_NS_KEEP_PROC leaves it so";
    if (failure->index == NAMESPACE_MOUNT_ROOT && failure->code == EINVAL)
        return "our root is no mount point";
    return NULL;
}

void proc__namespaces_explain(struct namespaces *namespaces, struct failure *failure)
{
    switch (failure->step) {
    case PROC_STEP_NAMESPACE: explain_namespace(namespaces, failure); return;
    case PROC_STEP_ID_MAP:
        failure->argument = proc__id_map_file(failure->index);
        failure->reason = map_denied(failure);
        break;
    case PROC_STEP_MOUNT:
        failure->argument = failure->index == NAMESPACE_MOUNT_PROC ? "/proc" : "/";
        failure->reason = mount_denied(failure);
        break;
    case PROC_STEP_HOSTNAME:
        failure->argument = failure->index == NAMESPACE_HOSTNAME ? namespaces->hostname : namespaces->domainname;
        break;
    default: return;
    }
    failure->index = -1;
}

/* ---- For who asks beforehand ---- */

/* Users and pids are made by a birth, as in a start; the rest by who is born. */
static int try_kind(const struct namespace_kind *kind, uint32_t which)
{
    unsigned owner = which & PROC_NS_USER ? CLONE_NEWUSER : 0;
    int at_birth = (kind->bit & (PROC_NS_USER | PROC_NS_PID)) != 0;
    return proc__probe_namespaces(at_birth ? kind->flag | owner : owner, at_birth ? 0 : kind->flag);
}

static int check_each(uint32_t which, char *reason, struct failure *ret_failure)
{
    if (which & ~ALL_NAMESPACES)
        return proc__refuse(ret_failure, EINVAL, "which: a kind that this version lacks");
    for (int i = 0; i < NAMESPACE_KINDS; i++) {
        const struct namespace_kind *kind = &proc__namespace_kinds[i];
        int rc = which & kind->bit ? try_kind(kind, which) : 0;
        if (rc == 0)
            continue;
        proc__fail(ret_failure, PROC_STEP_NAMESPACE, -rc, (int)kind->bit, proc__namespace_name(kind->bit));
        ret_failure->reason = gate_of(kind->bit, (which & PROC_NS_USER) != 0, -rc, reason);
        return rc;
    }
    return 0;
}

int proc_namespaces_check(uint32_t which, proc_error *error)
{
    char reason[NAMESPACE_WORDS];
    struct failure failure = {0};
    int cancellable;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    int rc = check_each(which, reason, &failure);
    pthread_setcancelstate(cancellable, NULL);
    if (rc < 0)
        proc__error_render(error, "check", NULL, &failure);
    return rc;
}
