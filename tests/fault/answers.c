/* SPDX-License-Identifier: MIT */
/*
 * Which call can fail, and how. What is left out cannot fail with good arguments, or is needed to clear up: no library
 * can close, kill or reap when the kernel refuses that for ever. A system call that is not known here is reported.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "fault.h"

enum { NR_PIDFD_SEND_SIGNAL = 424, NR_PIDFD_OPEN = 434, NR_CLONE3 = 435, NR_CLOSE_RANGE = 436, NR_OPENAT2 = 437, NR_FACCESSAT2 = 439, NR_LANDLOCK_CREATE = 444, NR_LANDLOCK_ADD = 445,
       NR_LANDLOCK_ENTER = 446 };

static const struct answers memory = {{ENOMEM}, {ENOMEM}};
static const struct answers new_descriptor = {{EMFILE, ENFILE, ENOMEM}, {EMFILE}};
static const struct answers opening = {{EINTR, EMFILE, EACCES, EIO}, {EMFILE}};
static const struct answers duplicate = {{EMFILE}, {EMFILE}};
static const struct answers flags_change = {{EPERM}, {EPERM}};
static const struct answers process = {{EAGAIN, ENOMEM, EPERM}, {EAGAIN, ENOSYS}};
static const struct answers transfer = {{EINTR, EIO}, {EIO}};
static const struct answers quiet_write = {{EINTR, EOPNOTSUPP, ENOSYS, EPERM, EIO}, {EOPNOTSUPP, ENOSYS, EPERM}};
static const struct answers polling = {{EINTR, EAGAIN, ENOMEM}, {ENOMEM}};
static const struct answers interruptible = {{EINTR}, {0}};
static const struct answers set_member = {{ENOMEM, ENOSPC}, {ENOMEM}};
static const struct answers pidfd = {{EMFILE, ENOMEM, ENOSYS, EPERM}, {ENOSYS, EPERM}};
static const struct answers newer_flag = {{EINVAL, EPERM}, {EINVAL, EPERM}};
static const struct answers newer_call = {{ENOSYS, EPERM, EINVAL}, {ENOSYS, EPERM}};
static const struct answers clone3 = {{ENOSYS, EPERM, EAGAIN, ENOMEM}, {ENOSYS, EPERM, EAGAIN}};
static const struct answers information = {{ENOTTY, EPERM, EINVAL}, {ENOTTY}};
static const struct answers denied = {{EPERM, EACCES}, {EPERM}};
static const struct answers change_ids = {{EPERM, EINVAL, EAGAIN}, {EPERM}};
static const struct answers directory = {{EINTR, EACCES, ENOENT, EIO}, {EIO}};
static const struct answers placement = {{EINTR, EBADF, EMFILE}, {EBADF}};
static const struct answers listing = {{EIO}, {EIO}};
static const struct answers links = {{EACCES, EIO, ENOMEM}, {EACCES}};
static const struct answers locking = {{EINTR, ENOLCK, EAGAIN}, {ENOLCK}};
static const struct answers looking = {{EINVAL}, {EINVAL}};
static const struct answers storing = {{EINTR, EIO, ENOSPC}, {ENOSPC}};
static const struct answers cutting = {{EINTR, EIO}, {EIO}};
static const struct answers watching = {{EMFILE, ENOSPC}, {EMFILE}};
static const struct answers strict_opening = {{EINTR, ENOSYS, EPERM, EMFILE, EACCES, ELOOP}, {ENOSYS, EPERM}};
static const struct answers address = {{EADDRINUSE, EACCES, ENOMEM}, {ENOMEM}};
static const struct answers connection = {{ECONNREFUSED, EACCES}, {ECONNREFUSED}};
static const struct answers socket_option = {{ENOPROTOOPT, EPERM}, {EPERM}};
static const struct answers message = {{EINTR, EAGAIN, ENOBUFS}, {ENOBUFS}};
static const struct answers filtering = {{EACCES, EINVAL, ENOMEM}, {EACCES, ENOSYS}};
static const struct answers rule_set = {{ENOSYS, EOPNOTSUPP, EPERM, EMFILE, ENOMEM}, {ENOSYS, EMFILE}};
static const struct answers rule = {{ENOMEM}, {ENOMEM}};
static const struct answers new_namespace = {{EPERM, ENOSPC, EINVAL, ENOMEM}, {EPERM, ENOSPC}};
static const struct answers join_namespace = {{EPERM, EINVAL, ESRCH, ENOMEM}, {EPERM, EINVAL}};
static const struct answers mounting = {{EPERM, EBUSY, ENOMEM}, {EPERM}};
static const struct answers terminal_modes = {{EIO, ENOTTY}, {EIO}};
static const struct answers foreground = {{ENOTTY, EPERM}, {0}}; /* what was taken has to be given back */
static const struct answers execution_by_fd = {{ENOSYS, EPERM, ENOMEM, EACCES, ENOENT, ETXTBSY}, {ENOSYS, EACCES}};
static const struct answers execution = {{ENOMEM, EACCES, EAGAIN, ENOENT, ETXTBSY}, {EACCES, ETXTBSY, ENOENT}};

/* Of fcntl, by libc or raw: copies need a free number; the rest is a filter's business. */
static const struct answers *of_fcntl(long command)
{
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
        return &duplicate;
    if (command == F_OFD_SETLK || command == F_SETLK)
        return &locking;
    if (command == F_OFD_GETLK)
        return &looking;
    return command == F_SETFL ? &flags_change : NULL;
}

static const struct answers *of_ioctl(long request)
{
    return request == TIOCSPGRP || request == TIOCGPGRP ? &foreground : &information;
}

static const struct {
    long number;
    const struct answers *answers; /* NULL: never fails */
} by_number[] = {
    {NR_CLONE3, &clone3},
    {NR_CLOSE_RANGE, &newer_call},
    {NR_PIDFD_OPEN, &pidfd},
    {NR_OPENAT2, &strict_opening},
    {NR_FACCESSAT2, &newer_call},
    {SYS_pwritev2, &quiet_write},
    {SYS_madvise, &newer_flag},
    {SYS_write, NULL}, /* a child's report, with all signals blocked, into a pipe that is empty */
    {SYS_clone, &process},
    {SYS_unshare, &new_namespace},
    {SYS_setns, &join_namespace},
    {SYS_mount, &mounting},
    {SYS_sethostname, &denied},
    {SYS_setdomainname, &denied},
    {SYS_socket, &new_descriptor},
    {SYS_read, &interruptible}, /* a word through a gate */
    {SYS_waitid, &interruptible},
    {SYS_setsid, &denied},
    {SYS_setpgid, &denied},
    {SYS_chdir, &directory},
    {SYS_fchdir, &directory},
    {SYS_chroot, &directory},
    {SYS_capget, &denied},
    {SYS_capset, &denied},
    {SYS_prctl, &flags_change},
    {SYS_seccomp, &filtering},
    {NR_LANDLOCK_CREATE, &rule_set},
    {NR_LANDLOCK_ADD, &rule},
    {NR_LANDLOCK_ENTER, &denied},
    {SYS_dup3, &placement},
    {SYS_setgroups, &change_ids},
    {SYS_setresgid, &change_ids},
    {SYS_setresuid, &change_ids},
#ifdef SYS_setresuid32
    {SYS_setgroups32, &change_ids},
    {SYS_setresgid32, &change_ids},
    {SYS_setresuid32, &change_ids},
#endif
    {SYS_sched_setaffinity, &denied},
    {SYS_sched_setscheduler, &denied},
    {SYS_sched_setattr, &denied},
    {SYS_setpriority, &denied},
    {SYS_ioprio_set, &denied},
    {SYS_openat, &opening},
    {SYS_getdents64, &listing},
    {SYS_readlinkat, &links},
    {SYS_prlimit64, &denied},
    {SYS_execve, &execution},
    {SYS_execveat, &execution_by_fd},
    {SYS_close, NULL},
    {SYS_exit, NULL},
    {SYS_exit_group, NULL},
    {SYS_faccessat, NULL}, /* only asked for a better error */
    {SYS_getpid, NULL},
    {SYS_getpgid, NULL},
    {SYS_getppid, NULL},
    {SYS_gettid, NULL},
    {SYS_kill, NULL},
    {SYS_nanosleep, NULL},
    {SYS_clock_nanosleep, NULL},
    {SYS_sched_yield, NULL},
    {SYS_rt_sigaction, NULL}, /* sure to work: the numbers are right */
    {SYS_rt_sigprocmask, NULL},
    {SYS_umask, NULL},
};

/* Counted and failed all the same, so that a forgotten line shows up as a broken case. */
static const struct answers unknown = {{EUCLEAN}, {EUCLEAN}};

static const struct answers *of_syscall(long number, long arg)
{
    if (number == SYS_fcntl)
        return of_fcntl(arg);
    if (number == SYS_ioctl)
        return of_ioctl(arg);
    if (number == NR_PIDFD_SEND_SIGNAL)
        return arg != 0 ? &newer_flag : NULL;
    for (size_t i = 0; i < sizeof by_number / sizeof by_number[0]; i++) {
        if (by_number[i].number == number)
            return by_number[i].answers;
    }
    return &unknown;
}

static const struct {
    const char *call;
    const struct answers *answers;
} by_name[] = {
    {"mmap", &memory},         {"malloc", &memory},       {"calloc", &memory},          {"realloc", &memory},         {"strdup", &memory},
    {"strndup", &memory},      {"pipe2", &new_descriptor},   {"epoll_create1", &new_descriptor},
    {"eventfd", &new_descriptor}, {"pthread_attr_init", &memory},
    {"signalfd", &new_descriptor}, {"timerfd_create", &new_descriptor},
    {"open", &opening},        {"openat", &opening},         {"clone", &process},          {"fork", &process},
    {"pthread_create", &process}, {"read", &transfer},       {"write", &transfer},         {"poll", &polling},
    {"pread", &transfer},      {"pread64", &transfer},
    {"ppoll", &polling},       {"epoll_wait", &interruptible}, {"epoll_pwait", &interruptible},
    {"flock", &locking},       {"pwrite", &storing},         {"ftruncate", &cutting},      {"fchmod", &denied},
    {"readlinkat", &links},    {"inotify_init1", &watching}, {"inotify_add_watch", &watching},
    {"socket", &new_descriptor}, {"bind", &address},         {"connect", &connection},
    {"getsockname", &address}, {"setsockopt", &socket_option}, {"sendmsg", &message},      {"recvmsg", &message},
    {"setsid", &denied},       {"dup2", &placement},         {"mmap", &memory},
    {"waitpid", &interruptible}, {"waitid", &interruptible}, {"sigtimedwait", &interruptible}, {"socketpair", &new_descriptor},
    {"fchown", &denied},       {"tcgetattr", &terminal_modes}, {"tcsetattr", &terminal_modes},
};

/* Runs in children too, on small stacks: calls nothing but strcmp. */
const struct answers *answers_for(const char *call, long number, long arg)
{
    if (strcmp(call, "syscall") == 0)
        return of_syscall(number, arg);
    if (strcmp(call, "fcntl") == 0)
        return of_fcntl(number);
    if (strcmp(call, "ioctl") == 0)
        return of_ioctl(number);
    if (strcmp(call, "epoll_ctl") == 0)
        return number == EPOLL_CTL_ADD ? &set_member : NULL;
    for (size_t i = 0; i < sizeof by_name / sizeof by_name[0]; i++) {
        if (strcmp(by_name[i].call, call) == 0)
            return by_name[i].answers;
    }
    return &unknown;
}
