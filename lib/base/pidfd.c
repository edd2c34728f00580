/* SPDX-License-Identifier: MIT */
/* System calls on pidfds. Owns nothing; the layouts are the kernel's. */
#include "pidfd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "clock.h"
#include "exit.h"
#include "fd.h"

/* What waitid(2) fills on the kernel's side: libc's struct rusage has other times on some 32-bit systems. */
struct kernel_rusage {
    struct {
        long sec, usec;
    } user, system;
    long max_rss_kb, shared_rss, data_rss, stack_rss;
    long minor_faults, major_faults, swaps;
    long blocks_in, blocks_out;
    long messages_sent, messages_received, signals;
    long switches, preemptions;
};

/* PIDFD_GET_INFO, since 6.13, and its PIDFD_INFO_EXIT, since 6.15: <linux/pidfd.h>. */
struct pidfd_info {
    uint64_t mask;
    uint64_t cgroup_id;
    uint32_t pid, tgid, ppid;
    uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_status;
};
#define GET_INFO _IOWR(0xFF, 11, struct pidfd_info)
#define INFO_PID (UINT64_C(1) << 0)
#define INFO_CREDS (UINT64_C(1) << 1)
#define INFO_EXIT (UINT64_C(1) << 3)

int proc__pidfd_open(int pid)
{
    return (int)proc__syscall(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
}

int proc__pidfd_signal(int pidfd, int signal, unsigned flags)
{
    return (int)proc__syscall(SYS_pidfd_send_signal, pidfd, signal, 0, (long)flags, 0, 0);
}

static proc_usage usage_from_kernel(const struct kernel_rusage *rusage)
{
    return (proc_usage){
        .user_us = (int64_t)rusage->user.sec * 1000000 + rusage->user.usec,
        .system_us = (int64_t)rusage->system.sec * 1000000 + rusage->system.usec,
        .max_rss_bytes = (int64_t)rusage->max_rss_kb * 1024,
        .minor_faults = rusage->minor_faults,
        .major_faults = rusage->major_faults,
        .blocks_in = rusage->blocks_in,
        .blocks_out = rusage->blocks_out,
        .switches = rusage->switches,
        .preemptions = rusage->preemptions,
    };
}

/* waitid(2) with the rusage that libc's wrapper leaves out. */
static int wait_for(int pidfd, int options, siginfo_t *ret_info, struct kernel_rusage *ret_rusage)
{
    long rc;
    do
        rc = proc__syscall(SYS_waitid, WAIT_FOR_PIDFD, pidfd, (long)ret_info, options | WEXITED | __WALL,
                           (long)ret_rusage, 0);
    while (rc == -EINTR);
    return (int)rc;
}

/* Who traces a child itself is told of its stops too, asked for or not; a child that is stopped has not ended. */
static int is_end(const siginfo_t *info)
{
    return info->si_pid != 0 &&
           (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED);
}

int proc__pidfd_reap(int pidfd, proc_exit *ret_exit, proc_usage *ret_usage)
{
    siginfo_t info = {0};
    struct kernel_rusage rusage = {0};
    int rc = wait_for(pidfd, WNOHANG, &info, &rusage);
    if (rc < 0)
        return rc;
    if (!is_end(&info))
        return 0;
    *ret_exit = proc__exit_from_siginfo(info.si_code, info.si_status);
    *ret_usage = usage_from_kernel(&rusage);
    return 1;
}

int proc__pidfd_peek(int pidfd, proc_exit *ret_exit)
{
    siginfo_t info = {0};
    int rc = wait_for(pidfd, WNOHANG | WNOWAIT, &info, NULL);
    if (rc < 0 || !is_end(&info))
        return rc;
    *ret_exit = proc__exit_from_siginfo(info.si_code, info.si_status);
    return 1;
}

int proc__pidfd_peek_stop(int pidfd, int *ret_signal)
{
    siginfo_t info = {0};
    int rc = wait_for(pidfd, WSTOPPED | WNOHANG | WNOWAIT, &info, NULL);
    if (rc < 0 || info.si_pid == 0 || info.si_code != CLD_STOPPED)
        return rc;
    *ret_signal = info.si_status;
    return 1;
}

void proc__pidfd_await_change(int pidfd)
{
    siginfo_t info;
    int saved = errno;
    (void)waitid((idtype_t)WAIT_FOR_PIDFD, (id_t)pidfd, &info, WSTOPPED | WEXITED | WNOWAIT | __WALL);
    errno = saved;
}

int proc__pidfd_is_child(int pidfd)
{
    siginfo_t info;
    return wait_for(pidfd, WNOHANG | WNOWAIT, &info, NULL);
}

int proc__pidfd_has_ended(int pidfd)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    int ready = proc__poll(&end, 1, proc__deadline_in(0));
    /* Where that itself fails, one that can be found may still run. */
    return ready < 0 ? proc__pidfd_signal(pidfd, 0, 0) == -ESRCH : ready;
}

int proc__pidfd_await(int pidfd)
{
    siginfo_t info;
    return wait_for(pidfd, 0, &info, NULL);
}

/* Who has not executed anything is no child to an ordinary wait, but to __WCLONE alone; who has is the reverse. */
int proc__pidfd_died_unexecuted(int pidfd)
{
    siginfo_t info = {0};
    long rc;
    do
        rc = proc__syscall(SYS_waitid, WAIT_FOR_PIDFD, pidfd, (long)&info, WEXITED | WNOWAIT | __WCLONE, 0, 0);
    while (rc == -EINTR);
    return rc == 0 && (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED) ? info.si_status : 0;
}

int proc__pidfd_await_exit(int pidfd, proc_exit *ret_exit)
{
    siginfo_t info = {0};
    int rc = wait_for(pidfd, 0, &info, NULL);
    if (rc == 0)
        *ret_exit = proc__exit_from_siginfo(info.si_code, info.si_status);
    return rc;
}

void proc__pidfd_end(int *pidfd, int pid)
{
    if (proc__pidfd_signal(*pidfd, SIGKILL, 0) < 0 && proc__pidfd_is_child(*pidfd) == 0)
        kill(pid, SIGKILL);
    proc__pidfd_await(*pidfd);
    proc__fd_close(pidfd);
}

void proc__pidfd_end_unheld(int pid)
{
    int status;
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
        ;
}

int proc__pidfd_exit_info(int pidfd, proc_exit *ret_exit)
{
    struct pidfd_info info = {.mask = INFO_EXIT};
    long rc = proc__syscall(SYS_ioctl, pidfd, (long)GET_INFO, (long)&info, 0, 0, 0);
    if (rc == -ESRCH || (rc == 0 && !(info.mask & INFO_EXIT)))
        return -EAGAIN;
    if (rc < 0)
        return -ENODATA;
    *ret_exit = proc__exit_from_status(info.exit_status);
    return 0;
}

int proc__pidfd_ids(int pidfd, struct pidfd_ids *ret_ids)
{
    const uint64_t all = INFO_PID | INFO_CREDS;
    struct pidfd_info info = {.mask = all};
    long rc = proc__syscall(SYS_ioctl, pidfd, (long)GET_INFO, (long)&info, 0, 0, 0);
    if (rc == -ESRCH || (rc == 0 && (info.mask & all) != all))
        return -ESRCH;
    if (rc < 0)
        return -ENODATA;
    *ret_ids = (struct pidfd_ids){(int32_t)info.ppid, info.ruid, info.euid, info.rgid, info.egid};
    return 0;
}

/* Before 6.9 every pidfd had the same inode, on another file system. */
#define PIDFS_MAGIC 0x50494446

uint64_t proc__pidfd_inode(int pidfd)
{
    struct statfs where;
    struct stat about;
    if (fstatfs(pidfd, &where) < 0 || (uint64_t)where.f_type != PIDFS_MAGIC || fstat(pidfd, &about) < 0)
        return 0;
    return about.st_ino;
}
