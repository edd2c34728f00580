/* SPDX-License-Identifier: MIT */
/*
 * A new process by clone3(2) or clone(2). Keeps nothing.
 *
 * The stack is an array in this frame: with the vfork wait nobody else runs here until the new process is gone, nothing
 * has to be mapped or kept, and a stack per thread comes by itself.
 */
#include "clone.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fd.h"
#include "pidfd.h"

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif
#ifdef ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

/* The child side of a start uses about 1 KiB of it, 3 KiB under a sanitizer; a test holds that. */
#define STACK_BYTES (8 * 1024)

struct birth {
    clone_body *body;
    void *arg;
    int born;
};

static int begin(void *arg)
{
    const struct birth *birth = arg;
    birth->body(birth->arg, birth->born);
    return 127;
}

static uint64_t memory_flags(enum memory memory)
{
    return memory == MEMORY_COPIED ? CLONE_VFORK : CLONE_VM | CLONE_VFORK;
}

/* The kernel's struct clone_args. The first version is all that a kernel before 5.7 knows, and all that most need. */
struct clone3_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size, cgroup;
};
#define FIRST_VERSION offsetof(struct clone3_args, set_tid)

#if defined(__x86_64__) && !defined(__ILP32__)
/*
 * In assembly because the new process wakes up on an empty stack: it has no frame to return from the call with. What it
 * needs waits in named registers: any other could be %rbp, which it clears to end its chain of frames.
 */
static long clone3_on_stack(struct clone3_args *args, size_t size, struct birth *birth)
{
    long rc;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "movq %%rdx, %%rdi\n\t"
                     "callq *%%rbx\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(rc)
                     : "0"((long)SYS_clone3), "D"(args), "S"(size), "b"(begin), "d"(birth)
                     : "rcx", "r11", "memory");
    return rc;
}
#else
static long clone3_on_stack(struct clone3_args *args, size_t size, struct birth *birth)
{
    (void)args, (void)size, (void)birth;
    return -ENOSYS;
}
#endif

static struct clone3_args args_for(uint64_t flags, unsigned char *stack, int *pidfd)
{
    return (struct clone3_args){
        .flags = flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = STACK_BYTES,
    };
}

static long try_clone3(struct birth *birth, uint64_t flags, unsigned char *stack, int *pidfd)
{
    struct clone3_args args = args_for(flags, stack, pidfd);
    birth->born = BORN_WITHOUT_HANDLERS;
    return clone3_on_stack(&args, FIRST_VERSION, birth);
}

static long try_clone3_into(int cgroup, struct birth *birth, uint64_t flags, unsigned char *stack, int *pidfd)
{
    struct clone3_args args = args_for(flags | CLONE_INTO_CGROUP, stack, pidfd);
    args.cgroup = (uint64_t)cgroup;
    birth->born = BORN_WITHOUT_HANDLERS | BORN_IN_CGROUP;
    return clone3_on_stack(&args, sizeof args, birth);
}

/* No room in the group is no reason to go round its limit. */
static int is_final(long rc)
{
    return rc >= 0 || rc == -EAGAIN || rc == -ENOMEM;
}

/* An old kernel, or a filter that hides the call in one of the ways seen in the field. */
static int is_missing(long rc)
{
    return rc == -ENOSYS || rc == -EPERM || rc == -EINVAL || rc == -E2BIG;
}

static long try_clone(struct birth *birth, uint64_t flags, unsigned char *stack, int *pidfd)
{
    int saved = errno;
    birth->born = 0;
    long rc = clone(begin, stack + STACK_BYTES, (int)flags | CLONE_PIDFD, birth, pidfd);
    if (rc < 0)
        rc = -errno;
    errno = saved;
    return rc;
}

/* A process that was made but cannot be held: it must not live on unseen. */
static int take_back(int pid, int error)
{
    proc__pidfd_end_unheld(pid);
    return error;
}

/* The program runs by now: a table without room above 2 is no reason to end it. */
static int above_stdio_if_possible(int pidfd)
{
    int above = pidfd > STDERR_FILENO ? -1 : proc__fd_copy(pidfd);
    if (above < 0)
        return pidfd;
    proc__fd_close(&pidfd);
    return above;
}

/* Not inlined: its frame, with the stack in it, has to end with the call. */
__attribute__((noinline)) int proc__clone(clone_body *body, void *arg, enum memory memory, int cgroup, int *ret_pidfd)
{
    _Alignas(16) unsigned char stack[STACK_BYTES];
    struct birth birth = {.body = body, .arg = arg};
    int pidfd = -1;
    long pid = -ENOSYS;
    if (cgroup >= 0)
        pid = try_clone3_into(cgroup, &birth, memory_flags(memory), stack, &pidfd);
    if (!is_final(pid))
        pid = try_clone3(&birth, memory_flags(memory), stack, &pidfd);
    if (is_missing(pid))
        pid = try_clone(&birth, memory_flags(memory), stack, &pidfd);
#ifdef ADDRESS_SANITIZER
    /* The new process left its frames marked in the shadow memory that it shared. */
    __asan_unpoison_memory_region(stack, sizeof stack);
#endif
    if (pid < 0)
        return (int)pid;
    /* A kernel before 5.2 ignores CLONE_PIDFD. */
    if (pidfd < 0)
        return take_back((int)pid, -ENOSYS);
    *ret_pidfd = above_stdio_if_possible(pidfd);
    return (int)pid;
}

static void leave_at_once(void *arg, int born)
{
    (void)arg, (void)born;
    for (;;)
        proc__syscall(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

/*
 * The directory is one that is open nowhere, which only a kernel that would look at it finds out. One that was built
 * without control groups makes a process all the same.
 */
__attribute__((noinline)) int proc__clone_knows_cgroups(void)
{
    _Alignas(16) unsigned char stack[STACK_BYTES];
    struct birth birth = {.body = leave_at_once};
    int pidfd = -1;
    long rc = try_clone3_into(INT_MAX, &birth, CLONE_VM | CLONE_VFORK, stack, &pidfd);
    if (rc > 0)
        take_back((int)rc, 0);
    proc__fd_close(&pidfd);
    if (rc == -EAGAIN || rc == -ENOMEM)
        return (int)rc;
    return rc == -EBADF;
}

/* The order of the first two arguments is a matter of taste of the architecture. */
static long raw_clone(uint64_t flags, int *tid)
{
#if defined(__s390__)
    return proc__syscall(SYS_clone, 0, (long)flags, (long)tid, 0, 0, 0);
#else
    return proc__syscall(SYS_clone, (long)flags, 0, (long)tid, 0, 0, 0);
#endif
}

int proc__clone_copy(uint64_t flags, int *ret_pidfd)
{
    int pidfd = -1;
    long pid = raw_clone(flags | CLONE_PIDFD, &pidfd);
    if (pid <= 0)
        return (int)pid;
    if (pidfd < 0)
        return take_back((int)pid, -ENOSYS);
    pidfd = proc__fd_above_stdio(pidfd);
    if (pidfd < 0)
        return take_back((int)pid, pidfd);
    *ret_pidfd = pidfd;
    return (int)pid;
}

int proc__clone_sibling(uint64_t flags, int *pid)
{
    return proc__clone_own(flags | CLONE_PARENT, pid);
}

int proc__clone_own(uint64_t flags, int *pid)
{
    return (int)raw_clone(flags | CLONE_PARENT_SETTID, pid);
}

void *proc__shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}
