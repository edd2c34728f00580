/* SPDX-License-Identifier: MIT */
/*
 * proc_has(): asks the kernel, by calls that do nothing, what it lets us do. Asks each time anew, because a filter can
 * come at any moment; the starts themselves do not ask but try, and fall back. Owns nothing.
 */
#include "system.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <proc/base.h>

#include "clone.h"
#include "fd.h"
#include "pidfd.h"
#include "probe.h"

#define LANDLOCK_VERSION 1
#define SECCOMP_IS_AVAILABLE 2
#define SECCOMP_ANSWER_ERRNO 0x00050000

int proc_version(void)
{
    return 10000 * PROC_VERSION_MAJOR + 100 * PROC_VERSION_MINOR + PROC_VERSION_PATCH;
}

static int is_shortage(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -EAGAIN;
}

static int has_pidfd(void)
{
    int fd = proc__pidfd_open((int)getpid());
    if (fd < 0)
        return is_shortage(fd) ? fd : 0;
    proc__fd_close(&fd);
    return 1;
}

/* Refused for its size by a kernel that has the call. */
static int has_clone3(void)
{
    return proc__syscall(SYS_clone3, 0, 0, 0, 0, 0, 0) == -EINVAL;
}

/* The highest number there can be is open nowhere. */
static int has_close_range(void)
{
    return proc__syscall(SYS_close_range, (long)UINT_MAX, (long)UINT_MAX, CLOSE_RANGE_CLOEXEC, 0, 0, 0) == 0;
}

static int has_group_signal(void)
{
    int fd = proc__pidfd_open((int)getpid());
    if (fd < 0)
        return is_shortage(fd) ? fd : 0;
    int rc = proc__pidfd_signal(fd, 0, SIGNAL_PROCESS_GROUP);
    proc__fd_close(&fd);
    /* ESRCH: we lead no group, but the flag was understood. */
    return rc == 0 || rc == -ESRCH;
}

static int has_nosignal_write(void)
{
    int ends[2];
    int rc = proc__fd_pipe(ends);
    if (rc < 0)
        return rc;
    const struct iovec nothing = {"", 1};
    long written = proc__syscall(SYS_pwritev2, ends[1], (long)&nothing, 1, -1, -1, RWF_NOSIGNAL);
    proc__fd_close(&ends[0]);
    proc__fd_close(&ends[1]);
    return written == 1;
}

/* Refused for its size, as clone3(2). */
static int has_openat2(void)
{
    return proc__syscall(SYS_openat2, 0, 0, 0, 0, 0, 0) == -EINVAL;
}

/* Its version: 1 and up. */
static int has_landlock(void)
{
    return proc__syscall(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_VERSION, 0, 0, 0) > 0;
}

/* Whether a filter may answer by an errno: asked of a kernel that can filter. */
static int has_seccomp(void)
{
    static const uint32_t answer = SECCOMP_ANSWER_ERRNO;
    return proc__syscall(SYS_seccomp, SECCOMP_IS_AVAILABLE, 0, (long)&answer, 0, 0, 0) == 0;
}

static int has_peer_pidfd(void)
{
    static const int on = 1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return is_shortage(-errno) ? -errno : 0;
    int has = setsockopt(fd, SOL_SOCKET, SOCKET_PASS_PIDFD, &on, sizeof on) == 0;
    proc__fd_close(&fd);
    return has;
}

static int has_exit_info(void)
{
    int rc = proc__probe_exit_info();
    return rc < 0 && !is_shortage(rc) ? 0 : rc;
}

static int has_fast_spawn(void)
{
    int memory = proc__probe_memory();
    if (memory < 0)
        return is_shortage(memory) ? memory : 0;
    return memory == MEMORY_SHARED;
}

static int has_user_namespace(void)
{
    int rc = proc__probe_namespaces(CLONE_NEWUSER, 0);
    return rc == 0 ? 1 : is_shortage(rc) ? rc : 0;
}

int proc_has(int feature)
{
    switch (feature) {
    case PROC_FEATURE_PIDFD: return has_pidfd();
    case PROC_FEATURE_CLONE3: return has_clone3();
    case PROC_FEATURE_CLOSE_RANGE: return has_close_range();
    case PROC_FEATURE_EXIT_INFO: return has_exit_info();
    case PROC_FEATURE_GROUP_SIGNAL: return has_group_signal();
    case PROC_FEATURE_INTO_CGROUP: return proc__clone_knows_cgroups();
    case PROC_FEATURE_NOSIGNAL_WRITE: return has_nosignal_write();
    case PROC_FEATURE_OPENAT2: return has_openat2();
    case PROC_FEATURE_LANDLOCK: return has_landlock();
    case PROC_FEATURE_SECCOMP: return has_seccomp();
    case PROC_FEATURE_USER_NAMESPACE: return has_user_namespace();
    case PROC_FEATURE_PEER_PIDFD: return has_peer_pidfd();
    case PROC_FEATURE_FAST_SPAWN: return has_fast_spawn();
    default: return -EINVAL;
    }
}
