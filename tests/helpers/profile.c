/* SPDX-License-Identifier: MIT */
/*
 * Runs a program as another machine would: `profile old-kernel|sandbox|no-pidfd -- PROGRAM ARGUMENT ...`.
 *
 *     old-kernel  Linux 5.4 and nothing newer: ENOSYS for younger calls, the old answers for younger flags
 *     sandbox     a container that denies what it does not know, with EPERM; pidfds are allowed
 *     no-pidfd    pidfds are denied altogether
 *
 * A profile is a table of rules, turned into a seccomp filter that the program and all its children live under. The
 * name of the profile is handed on in PROC_TEST_PROFILE.
 */
#define _GNU_SOURCE 1
#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__) && defined(__ILP32__)
#error "x32 is not known here"
#elif defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define THIS_ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define THIS_ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define THIS_ARCH AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER == __LITTLE_ENDIAN
#define THIS_ARCH AUDIT_ARCH_PPC64LE
#else
#error "tell this architecture's AUDIT_ARCH number"
#endif

/* Numbers since 5.1 are the same everywhere (but on alpha), and younger than some libc headers. */
enum {
    NR_PIDFD_SEND_SIGNAL = 424,
    NR_IO_URING_SETUP = 425,
    NR_IO_URING_REGISTER = 427,
    NR_PIDFD_OPEN = 434,
    NR_CLONE3 = 435,
    NR_CLOSE_RANGE = 436,
    NR_OPENAT2 = 437,
    NR_PIDFD_GETFD = 438,
    /* faccessat2 439, process_madvise 440, epoll_pwait2 441, mount_setattr 442, quotactl_fd 443,
     * landlock 444-446, memfd_secret 447, process_mrelease 448, futex_waitv 449, ... cachestat 451, fchmodat2 452,
     * futex 454-456, statmount 457, listmount 458, ... */
    NR_LAST = 1023
};

#define P_PIDFD_ 3
#define RWF_NOSIGNAL_ 0x100
#define SO_PASSPIDFD_ 76
#define MADV_WIPEONFORK_ 18
#define PIDFD_IOCTLS 0xff00 /* the type byte of a request, in place */
#define CLONE_ARGS_OF_LIBC 88

enum condition { ALWAYS, ARG_IS, ARG_IS_NOT, ARG_HAS_BITS };

struct rule {
    uint32_t first, last; /* calls */
    int error;            /* the answer */
    enum condition condition;
    unsigned arg; /* its number, from 0; its lower 32 bits are looked at */
    uint32_t mask, value;
};

#define CALL(number) (number), (number)
#define CALLS(first, last) (first), (last)
#define IF_ARG_IS(arg, value) ARG_IS, (arg), UINT32_MAX, (value)
#define IF_ARG_IS_NOT(arg, value) ARG_IS_NOT, (arg), UINT32_MAX, (value)
#define IF_ARG_HAS(arg, bits) ARG_HAS_BITS, (arg), (bits), 0
#define IF_ARG_MASKED_IS(arg, mask, value) ARG_IS, (arg), (mask), (value)

static const struct rule old_kernel[] = {
    {CALLS(NR_CLONE3, NR_LAST), ENOSYS, ALWAYS, 0, 0, 0},
    {CALL(NR_PIDFD_OPEN), EINVAL, IF_ARG_IS_NOT(1, 0)},
    {CALL(NR_PIDFD_SEND_SIGNAL), EINVAL, IF_ARG_IS_NOT(3, 0)},
    {CALL(SYS_pwritev2), EOPNOTSUPP, IF_ARG_HAS(5, RWF_NOSIGNAL_)},
    {CALL(SYS_preadv2), EOPNOTSUPP, IF_ARG_HAS(5, RWF_NOSIGNAL_)},
    {CALL(SYS_ioctl), ENOTTY, IF_ARG_MASKED_IS(1, 0xff00, PIDFD_IOCTLS)},
#ifdef SYS_setsockopt
    {CALL(SYS_setsockopt), ENOPROTOOPT, IF_ARG_IS(2, SO_PASSPIDFD_)},
#endif
};

/*
 * glibc takes EPERM from clone3 for the final word and could start no thread: as container runtimes do, its call is
 * answered by ENOSYS. It is told by the full size of its argument.
 */
static const struct rule sandbox[] = {
    {CALL(NR_CLONE3), ENOSYS, IF_ARG_IS(1, CLONE_ARGS_OF_LIBC)},
    {CALL(NR_CLONE3), EPERM, ALWAYS, 0, 0, 0},
    {CALL(NR_CLOSE_RANGE), EPERM, ALWAYS, 0, 0, 0},
    {CALL(NR_OPENAT2), EPERM, ALWAYS, 0, 0, 0},
    {CALL(NR_PIDFD_GETFD), EPERM, ALWAYS, 0, 0, 0},
    {CALL(NR_PIDFD_OPEN), EPERM, IF_ARG_IS_NOT(1, 0)},
    {CALL(NR_PIDFD_SEND_SIGNAL), EPERM, IF_ARG_IS_NOT(3, 0)},
    {CALL(SYS_ioctl), EPERM, IF_ARG_MASKED_IS(1, 0xff00, PIDFD_IOCTLS)},
    {CALL(SYS_madvise), EPERM, IF_ARG_IS(2, MADV_WIPEONFORK_)},
    {CALL(SYS_pwritev2), EPERM, IF_ARG_HAS(5, RWF_NOSIGNAL_)},
#ifdef SYS_setsockopt
    {CALL(SYS_setsockopt), EPERM, IF_ARG_IS(2, SO_PASSPIDFD_)},
#endif
    {CALLS(NR_IO_URING_SETUP, NR_IO_URING_REGISTER), EPERM, ALWAYS, 0, 0, 0},
    {CALLS(444, 446), EPERM, ALWAYS, 0, 0, 0}, /* landlock */
    {CALL(SYS_ptrace), EPERM, ALWAYS, 0, 0, 0},
    {CALL(SYS_unshare), EPERM, ALWAYS, 0, 0, 0},
    {CALL(SYS_setns), EPERM, ALWAYS, 0, 0, 0},
    {CALL(SYS_mount), EPERM, ALWAYS, 0, 0, 0},
    {CALL(SYS_umount2), EPERM, ALWAYS, 0, 0, 0},
    {CALL(SYS_pivot_root), EPERM, ALWAYS, 0, 0, 0},
    {CALL(SYS_process_vm_readv), EPERM, ALWAYS, 0, 0, 0},
    {CALL(SYS_process_vm_writev), EPERM, ALWAYS, 0, 0, 0},
    {CALL(SYS_bpf), EPERM, ALWAYS, 0, 0, 0},
    {CALL(SYS_perf_event_open), EPERM, ALWAYS, 0, 0, 0},
    {CALL(SYS_keyctl), EPERM, ALWAYS, 0, 0, 0},
};

static const struct rule no_pidfd[] = {
    {CALL(NR_PIDFD_OPEN), ENOSYS, ALWAYS, 0, 0, 0},
    {CALL(NR_PIDFD_SEND_SIGNAL), ENOSYS, ALWAYS, 0, 0, 0},
    {CALL(SYS_waitid), ENOSYS, IF_ARG_IS(0, P_PIDFD_)},
};

static const struct profile {
    const char *name;
    const struct rule *rules;
    size_t count;
} profiles[] = {
    {"old-kernel", old_kernel, sizeof old_kernel / sizeof old_kernel[0]},
    {"sandbox", sandbox, sizeof sandbox / sizeof sandbox[0]},
    {"no-pidfd", no_pidfd, sizeof no_pidfd / sizeof no_pidfd[0]},
};

/* The filter: each rule is a block that ends in its answer or jumps behind itself. */

#define FILTER_MAX 512
static struct sock_filter filter[FILTER_MAX];
static unsigned short filter_len;

static void add(struct sock_filter instruction)
{
    if (filter_len == FILTER_MAX)
        abort();
    filter[filter_len++] = instruction;
}

static void add_load(size_t offset)
{
    add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void add_answer(uint32_t answer)
{
    add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer));
}

/* Goes on with the next instruction if the comparison holds, else skips so many. */
static void add_unless_skip(uint16_t comparison, uint32_t value, uint8_t skip)
{
    add((struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | comparison | BPF_K), value, 0, skip));
}

static void add_if_skip(uint16_t comparison, uint32_t value, uint8_t skip)
{
    add((struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | comparison | BPF_K), value, skip, 0));
}

static size_t lower_half_of(unsigned arg)
{
    size_t offset = offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t);
    return __BYTE_ORDER == __LITTLE_ENDIAN ? offset : offset + sizeof(uint32_t);
}

static void add_rule(const struct rule *rule)
{
    uint8_t rest = rule->condition == ALWAYS ? 1 : 4; /* instructions behind the two comparisons */
    add_load(offsetof(struct seccomp_data, nr));
    add_unless_skip(BPF_JGE, rule->first, (uint8_t)(rest + 1));
    add_if_skip(BPF_JGT, rule->last, rest);
    if (rule->condition != ALWAYS) {
        add_load(lower_half_of(rule->arg));
        add((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, rule->mask));
        if (rule->condition == ARG_IS)
            add_unless_skip(BPF_JEQ, rule->value, 1);
        else
            add_if_skip(BPF_JEQ, rule->value, 1); /* not that value; has bits: not 0 */
    }
    add_answer(SECCOMP_RET_ERRNO | (uint32_t)rule->error);
}

static void build_filter(const struct profile *profile)
{
    add_load(offsetof(struct seccomp_data, arch));
    add_if_skip(BPF_JEQ, THIS_ARCH, 1);
    add_answer(SECCOMP_RET_KILL_PROCESS); /* its numbers mean other calls: better loudly than unfiltered */
    for (size_t i = 0; i < profile->count; i++)
        add_rule(&profile->rules[i]);
    add_answer(SECCOMP_RET_ALLOW);
}

/* As root without no_new_privs, which the programs would see. */
static int install_filter(void)
{
    struct sock_fprog program = {filter_len, filter};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0)
        return 0;
    if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static const struct profile *find_profile(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int command = argc > 2 && strcmp(argv[2], "--") == 0 ? 3 : 2;
    const struct profile *profile = argc > command ? find_profile(argv[1]) : NULL;
    if (!profile) {
        fprintf(stderr, "usage: profile old-kernel|sandbox|no-pidfd [--] PROGRAM ARGUMENT ...\n");
        return 125;
    }
    build_filter(profile);
    if (install_filter() < 0) {
        perror("profile: seccomp");
        return 125;
    }
    setenv("PROC_TEST_PROFILE", profile->name, 1);
    execvp(argv[command], argv + command);
    perror(argv[command]);
    return 127;
}
