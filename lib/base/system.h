/* SPDX-License-Identifier: MIT */
/*
 * The first include of every file of the library: turns on the libc's GNU and Linux declarations, and carries the
 * kernel's numbers that an older libc lacks. Knows nothing of processes as handles.
 *
 * proc__syscall() is the one door to the kernel for calls that libc does not wrap, or whose wrapper does more than the
 * call (locks, cancellation, errno). It returns a negative errno and leaves errno as it was: a child that borrows our
 * memory borrows the calling thread's errno too.
 */
#ifndef PROC_LIB_BASE_SYSTEM_H
#define PROC_LIB_BASE_SYSTEM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#ifndef SYS_pwritev2
#error "this libc does not know its kernel's system call numbers"
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x00000100
#endif

/* waitid(2)'s idtype for a pidfd; an enumerator in newer libcs, so not to be asked for by #ifdef. */
#define WAIT_FOR_PIDFD 3
/* pidfd_send_signal(2), since 6.9: to the process group that the pidfd's process leads. */
#define SIGNAL_PROCESS_GROUP (1U << 2)
/* Since 6.5: the socket option that makes every message bring a pidfd of its sender, and the message that does. */
#if defined(__hppa__)
#define SOCKET_PASS_PIDFD 0x404A
#elif defined(__sparc__)
#define SOCKET_PASS_PIDFD 0x0055
#else
#define SOCKET_PASS_PIDFD 76
#endif
#define CONTROL_PIDFD 4

/* The kernel's signal set: 64 bits, but 128 on MIPS. libc's sigset_t is larger and hides two signals. */
#if defined(__mips__)
#define KERNEL_SIGSET_BYTES 16
#else
#define KERNEL_SIGSET_BYTES 8
#endif
#define LAST_SIGNAL 64
/* What the kernel calls real-time; libc keeps the first few for itself. */
#define FIRST_REAL_TIME 32

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif

long proc__syscall(long number, long a, long b, long c, long d, long e, long f);

#endif
