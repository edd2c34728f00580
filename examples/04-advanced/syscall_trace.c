/* SPDX-License-Identifier: MIT */
/*
 * The system calls of a program, counted: `syscall_trace COMMAND [ARGUMENT...]`; or `syscall_trace --bench`: what a
 * call costs, beside one that the vDSO answers without entering the kernel. Names come from libseccomp if it was there
 * when this was built, else there are numbers. Follows no children. Exits as the program did.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include <proc/proc.h>

#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#define NUMBERS 1024 /* those of all architectures are below */

static long counts[NUMBERS];
static int last = -1;

/* In the child, just before its program. From execve(2) on it stops for us. */
static int let_us_trace(void *unused)
{
    (void)unused;
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? -errno : 0;
}

static void note(int pid)
{
    struct ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return;
    last = info.entry.nr < NUMBERS ? (int)info.entry.nr : -1;
    if (last >= 0)
        counts[last]++;
}

/* What it was stopped with is given back to it: a signal. What stopped it for us alone is not. */
static int signal_of(int stop)
{
    return stop == (SIGTRAP | 0x80) || stop >> 8 != 0 ? 0 : stop;
}

/* From one stop to the next, until it has ended; its end is left to the handle. */
static void follow(int pid)
{
    siginfo_t stop;
    int signal_number = 0;
    for (int begun = 0;; begun = 1) {
        if (waitid(P_PID, (id_t)pid, &stop, WEXITED | WSTOPPED | WNOWAIT) < 0 || stop.si_code != CLD_TRAPPED)
            return;
        waitid(P_PID, (id_t)pid, &stop, WSTOPPED);
        if (!begun)
            ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
        else if (stop.si_status == (SIGTRAP | 0x80))
            note(pid);
        signal_number = begun ? signal_of(stop.si_status) : 0;
        ptrace(PTRACE_SYSCALL, pid, NULL, (long)signal_number);
    }
}

/* ---- The table ---- */

static int more_often(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;
    return counts[left] != counts[right] ? (counts[left] < counts[right] ? 1 : -1) : left - right;
}

static void print_name(int number)
{
#ifdef HAVE_SECCOMP
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    fprintf(stderr, "%s", name ? name : "?");
    free(name);
#else
    fprintf(stderr, "call %d", number);
#endif
}

static void print_table(void)
{
    int order[NUMBERS];
    long all = 0;
    for (int i = 0; i < NUMBERS; i++)
        order[i] = i, all += counts[i];
    qsort(order, NUMBERS, sizeof order[0], more_often);
    for (int i = 0; i < NUMBERS && counts[order[i]] > 0; i++) {
        fprintf(stderr, "%6ld ", counts[order[i]]);
        print_name(order[i]);
        fprintf(stderr, "\n");
    }
    fprintf(stderr, "%6ld calls", all);
    if (last >= 0) {
        fprintf(stderr, ", the last one ");
        print_name(last);
    }
    fprintf(stderr, "\n");
}

/* ---- What a call costs ---- */

#define ROUNDS 1000000

static double nanoseconds_of(int by_kernel)
{
    struct timespec now;
    int64_t before = proc_now_ms();
    for (int i = 0; i < ROUNDS; i++)
        if (by_kernel)
            syscall(SYS_getpid);
        else
            clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(proc_now_ms() - before) * 1e6 / ROUNDS;
}

static int bench(void)
{
    printf("getpid by the kernel       %4.0f ns\n", nanoseconds_of(1));
    printf("clock_gettime by the vDSO  %4.0f ns\n", nanoseconds_of(0));
    return 0;
}

int main(int argc, char *argv[])
{
    proc_child *child;
    proc_error error;
    proc_exit ended;
    if (argc < 2) {
        fprintf(stderr, "usage: syscall_trace COMMAND [ARGUMENT...] | --bench\n");
        return 2;
    }
    if (strcmp(argv[1], "--bench") == 0)
        return bench();
    if (proc_spawn(&child, PROC_STRINGS(argv + 1),
                   PROC_OPTIONS(.hook = PROC_HOOK(let_us_trace, NULL), .error = &error)) < 0) {
        fprintf(stderr, "syscall_trace: %s\n", error.text);
        return error.code == ENOENT ? 127 : 126;
    }
    follow(proc_child_pid(child));
    proc_wait(child, -1, &ended);
    proc_child_free(child);
    print_table();
    return proc_exit_shell(&ended);
}
