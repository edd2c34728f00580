/* SPDX-License-Identifier: MIT */
/* The floor. Keeps one stack for the children, so it is for one thread. */
#include "raw.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#define FLAGS (CLONE_VM | CLONE_VFORK | CLONE_PIDFD)

static _Alignas(16) char stack[16 * 1024];

static int born(void *arg)
{
    const struct raw_program *program = arg;
    if (program->out >= 0)
        dup2(program->out, STDOUT_FILENO);
    execve(program->path, program->argv, environ);
    _exit(127);
}

#if defined(__x86_64__)
static long start(const struct raw_program *program, int *pidfd)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } args = {.flags = FLAGS,
              .pidfd = (uintptr_t)pidfd,
              .exit_signal = SIGCHLD,
              .stack = (uintptr_t)stack,
              .stack_size = sizeof stack};
    long rc;
    /* The child finds what it needs in registers: its stack is empty. */
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "movq %[program], %%rdi\n\t"
                     "callq *%[born]\n"
                     "1:"
                     : "=a"(rc)
                     : "a"((long)SYS_clone3), "D"(&args), "S"(sizeof args), [born] "r"(born), [program] "r"(program)
                     : "rcx", "r11", "memory");
    return rc;
}
#else
static long start(const struct raw_program *program, int *pidfd)
{
    int pid = clone(born, stack + sizeof stack, FLAGS | SIGCHLD, (void *)(uintptr_t)program, pidfd);
    return pid < 0 ? -errno : pid;
}
#endif

int raw_start(const struct raw_program *program)
{
    int pidfd = -1;
    long pid = start(program, &pidfd);
    if (pid < 0)
        bench_die("clone", (int)-pid);
    return pidfd;
}

static void end(int pidfd, int code, int status)
{
    siginfo_t info;
    if (waitid(WAIT_FOR_PIDFD, (id_t)pidfd, &info, WEXITED) < 0)
        bench_die("waitid", errno);
    close(pidfd);
    if (info.si_code != code || info.si_status != status)
        bench_die("the program has failed", 0);
}

void raw_end(int pidfd)
{
    end(pidfd, CLD_EXITED, 0);
}

void raw_end_killed(int pidfd)
{
    end(pidfd, CLD_KILLED, SIGKILL);
}
