/* SPDX-License-Identifier: MIT */
/* A program without libc: system calls, and a start that calls bare_main() with its argument vector. */
#ifndef PROC_BENCH_BARE_H
#define PROC_BENCH_BARE_H

#include <sys/syscall.h>

__attribute__((used, noreturn)) void bare_main(char **argv);

/* The kernel leaves argc, then argv, on top of the stack. */
#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txorl %ebp, %ebp\n\tleaq 8(%rsp), %rdi\n\tandq $-16, %rsp\n\tcall bare_main\n");

static inline long bare_syscall(long number, long a, const void *b, long c)
{
    long rc;
    __asm__ volatile("syscall" : "=a"(rc) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return rc;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tadd x0, sp, #8\n\tbl bare_main\n");

static inline long bare_syscall(long number, long a, const void *b, long c)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register const void *x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#else
#error "no start without libc for this processor"
#endif

__attribute__((noreturn)) static inline void bare_exit(int code)
{
    for (;;)
        bare_syscall(SYS_exit_group, code, 0, 0);
}

#endif
