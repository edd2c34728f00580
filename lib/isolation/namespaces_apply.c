/* SPDX-License-Identifier: MIT */
/*
 * What a new process does about its namespaces: system calls alone, for it may be a copy of a process whose other
 * threads held any lock. Owns nothing: a socket that it needs is closed by the same step, or is close-on-exec.
 */
#include "namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "namespace_kinds.h"

/* In both the kernel wants the length without the terminator. */
static long length_of(const char *text)
{
    long len = 0;
    while (text[len])
        len++;
    return len;
}

struct report proc__namespaces_join(const struct namespaces *namespaces)
{
    return proc__namespace_join_apply(&namespaces->sources);
}

/* ---- Time: for those who are born after it was made ---- */

struct report proc__namespaces_make_time(const struct namespaces *namespaces)
{
    if (!(namespaces->create & PROC_NS_TIME))
        return STEP_DONE;
    long rc = proc__step_call(SYS_unshare, CLONE_NEWTIME, 0, 0);
    if (rc == 0 && namespaces->offsets[0])
        rc = proc__step_write_file(AT_FDCWD, "/proc/self/timens_offsets", namespaces->offsets,
                                   (size_t)length_of(namespaces->offsets));
    return rc < 0 ? proc__step_failed(PROC_STEP_NAMESPACE, rc, PROC_NS_TIME) : STEP_DONE;
}

/* ---- Those that a process makes for itself, one by one so that a failure names its kind ---- */

static struct report make_rest(const struct namespaces *namespaces)
{
    uint32_t rest = namespaces->create & ~(PROC_NS_USER | PROC_NS_PID | PROC_NS_TIME);
    for (int i = 0; i < NAMESPACE_KINDS; i++) {
        const struct namespace_kind *kind = &proc__namespace_kinds[i];
        if (!(rest & kind->bit))
            continue;
        long rc = proc__step_call(SYS_unshare, kind->flag, 0, 0);
        if (rc < 0)
            return proc__step_failed(PROC_STEP_NAMESPACE, rc, (int)kind->bit);
    }
    return STEP_DONE;
}

/* ---- Making them a home ---- */

static struct report keep_mounts_to_ourselves(const struct namespaces *namespaces)
{
    if (!(namespaces->create & PROC_NS_MOUNT) || (namespaces->flags & PROC_NS_SHARED_MOUNTS))
        return STEP_DONE;
    long rc = proc__syscall(SYS_mount, (long)"none", (long)"/", (long)"none", MS_REC | MS_PRIVATE, 0, 0);
    return rc < 0 ? proc__step_failed(PROC_STEP_MOUNT, rc, NAMESPACE_MOUNT_ROOT) : STEP_DONE;
}

static struct report name_host(const struct namespaces *namespaces)
{
    long rc = 0;
    if (namespaces->hostname)
        rc = proc__step_call(SYS_sethostname, (long)namespaces->hostname, length_of(namespaces->hostname), 0);
    if (rc < 0)
        return proc__step_failed(PROC_STEP_HOSTNAME, rc, NAMESPACE_HOSTNAME);
    if (namespaces->domainname)
        rc = proc__step_call(SYS_setdomainname, (long)namespaces->domainname, length_of(namespaces->domainname), 0);
    return rc < 0 ? proc__step_failed(PROC_STEP_HOSTNAME, rc, NAMESPACE_DOMAINNAME) : STEP_DONE;
}

/* A new one has no other flag that could be lost. Any kind of socket will do; this one every kernel has. */
static struct report bring_loopback_up(const struct namespaces *namespaces)
{
    if (!(namespaces->create & PROC_NS_NET) || (namespaces->flags & PROC_NS_LOOPBACK_DOWN))
        return STEP_DONE;
    const struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    long fd = proc__step_call(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    long rc = fd < 0 ? fd : proc__step_call(SYS_ioctl, fd, SIOCSIFFLAGS, (long)&loopback);
    if (fd >= 0)
        proc__step_call(SYS_close, fd, 0, 0);
    return rc < 0 ? proc__step_failed(PROC_STEP_NETWORK, rc, -1) : STEP_DONE;
}

struct report proc__namespaces_apply(const struct namespaces *namespaces)
{
    struct report report = STEP_DONE;
    /* Who was not born for it cannot have it, and must not go on without. */
    if (namespaces->births.is_held && !namespaces->is_born)
        return proc__step_failed(PROC_STEP_NAMESPACE, -ENOTSUP, (int)(namespaces->create | namespaces->joined));
    if (!namespaces->births.is_held)
        report = proc__namespaces_join(namespaces);
    if (!report.step)
        report = make_rest(namespaces);
    if (!report.step)
        report = keep_mounts_to_ourselves(namespaces);
    if (!report.step)
        report = name_host(namespaces);
    return report.step ? report : bring_loopback_up(namespaces);
}

int proc__namespaces_have_other_pids(const struct namespaces *namespaces)
{
    return ((namespaces->create | namespaces->joined) & PROC_NS_PID) != 0;
}

/* Over the old one, which shows pids that mean nothing within, and lacks our own. */
struct report proc__namespaces_mount_proc(const struct namespaces *namespaces)
{
    if (!(namespaces->create & PROC_NS_MOUNT) || !proc__namespaces_have_other_pids(namespaces) ||
        (namespaces->flags & PROC_NS_KEEP_PROC))
        return STEP_DONE;
    long rc =
        proc__syscall(SYS_mount, (long)"proc", (long)"/proc", (long)"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0, 0);
    return rc < 0 ? proc__step_failed(PROC_STEP_MOUNT, rc, NAMESPACE_MOUNT_PROC) : STEP_DONE;
}
