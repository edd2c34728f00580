/* SPDX-License-Identifier: MIT */
/* Probes by a process that does nothing. Keeps one thing: whether memory is really shared. */
#include "probe.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "clone.h"
#include "fd.h"
#include "pidfd.h"
#include "sigmask.h"

static void leave_a_mark(void *arg, int born)
{
    (void)born;
    *(volatile int *)arg = 1;
    for (;;)
        proc__syscall(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

/* Where pidfds cannot be waited for: by its number, which is its own until we have reaped it. */
static void reap_by_number(int pid)
{
    int status;
    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
        ;
}

/* A blocking wait: under an emulator the process may still be on its way. */
static int await(int pid, int pidfd)
{
    int rc = proc__pidfd_await(pidfd);
    /* ECHILD: somebody who waits for just any child was faster. EINVAL: a kernel before 5.4, or an emulator of one. */
    if (rc == -ECHILD)
        return 0;
    if (rc < 0)
        reap_by_number(pid);
    return rc == -EINVAL ? -ENOSYS : rc;
}

/* Makes the process and sees it end: *ret_marked: its mark reached our memory; *ret_kept: its status is still known. */
static int probe(enum memory memory, int *ret_marked, int *ret_kept)
{
    struct sigmask before;
    volatile int marked = 0;
    int pidfd;
    int rc = proc__sigmask_block_all(&before);
    if (rc < 0)
        return rc;
    int pid = proc__clone(leave_a_mark, (void *)&marked, memory, -1, &pidfd);
    proc__sigmask_set(&before);
    if (pid < 0)
        return pid;

    proc_exit ended;
    rc = await(pid, pidfd);
    *ret_marked = marked;
    *ret_kept = proc__pidfd_exit_info(pidfd, &ended) == 0;
    proc__fd_close(&pidfd);
    return rc;
}

int proc__probe_memory(void)
{
#ifdef THREAD_SANITIZER
    return MEMORY_COPIED;
#else
    static _Atomic int remembered = -1;
    int memory = atomic_load_explicit(&remembered, memory_order_relaxed);
    if (memory >= 0)
        return memory;
    int marked, kept;
    int rc = probe(MEMORY_SHARED, &marked, &kept);
    if (rc < 0)
        return rc;
    memory = marked ? MEMORY_SHARED : MEMORY_EMULATED;
    atomic_store_explicit(&remembered, memory, memory_order_relaxed);
    return memory;
#endif
}

int proc__probe_exit_info(void)
{
    int memory = proc__probe_memory();
    if (memory < 0)
        return memory;
    int marked, kept;
    int rc = probe((enum memory)memory, &marked, &kept);
    return rc < 0 ? rc : kept;
}

/* ---- Namespaces ---- */

/* How a process of ours has exited, once it has; -EAGAIN: somebody else took the status. */
static int code_of(int pidfd)
{
    proc_exit ended;
    int rc = proc__pidfd_await_exit(pidfd, &ended);
    if (rc == -ECHILD)
        rc = proc__pidfd_exit_info(pidfd, &ended);
    return rc == 0 && ended.kind == PROC_EXITED ? ended.code : -EAGAIN;
}

int proc__probe_namespaces(unsigned at_birth, unsigned later)
{
    struct sigmask before;
    int pidfd;
    int memory = proc__probe_memory();
    if (memory < 0 || memory == MEMORY_EMULATED)
        return memory < 0 ? memory : -ENOSYS;
    int rc = proc__sigmask_block_all(&before);
    if (rc < 0)
        return rc;
    int pid = proc__clone_copy(at_birth, &pidfd);
    if (pid == 0) {
        long made = later ? proc__syscall(SYS_unshare, (long)later, 0, 0, 0, 0, 0) : 0;
        for (;;)
            proc__syscall(SYS_exit_group, -made, 0, 0, 0, 0, 0);
    }
    proc__sigmask_set(&before);
    if (pid < 0)
        return pid;
    rc = code_of(pidfd);
    proc__fd_close(&pidfd);
    return rc > 0 ? -rc : rc;
}
