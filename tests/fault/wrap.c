/* SPDX-License-Identifier: MIT */
/*
 * The wrappers that the linker puts between the library and libc, see wrapped.txt. Each asks whether it is its turn to
 * fail, and otherwise calls the real one. Those of the allocators also count what is given out.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "fault.h"

/* Of the real call, and of ours, which nobody calls by this name but the linker. */
#define DECLARE(type, name, parameters) \
    type __real_##name parameters;      \
    type __wrap_##name parameters;

static int refused(const char *call, long number, long arg)
{
    int error = fault_strike(call, number, arg);
    if (error)
        errno = error;
    return error;
}

/* A call that answers -1. */
#define WRAP(type, name, parameters, arguments)                               \
    DECLARE(type, name, parameters)                                           \
    type __wrap_##name parameters                                             \
    {                                                                         \
        return refused(#name, 0, 0) ? (type)-1 : __real_##name arguments;     \
    }

WRAP(int, pipe2, (int ends[2], int flags), (ends, flags))
WRAP(ssize_t, read, (int fd, void *buffer, size_t size), (fd, buffer, size))
WRAP(ssize_t, pread, (int fd, void *buffer, size_t size, off_t offset), (fd, buffer, size, offset))
#ifdef __GLIBC__
WRAP(ssize_t, pread64, (int fd, void *buffer, size_t size, off64_t offset), (fd, buffer, size, offset))
#endif
WRAP(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
WRAP(int, poll, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
WRAP(int, ppoll, (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
     (fds, count, timeout, mask))
WRAP(int, epoll_create1, (int flags), (flags))
WRAP(int, epoll_wait, (int set, struct epoll_event *events, int most, int timeout), (set, events, most, timeout))
WRAP(int, epoll_pwait, (int set, struct epoll_event *events, int most, int timeout, const sigset_t *mask),
     (set, events, most, timeout, mask))
WRAP(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
WRAP(int, waitid, (idtype_t kind, id_t id, siginfo_t *info, int options), (kind, id, info, options))
WRAP(int, sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout), (set, info, timeout))
WRAP(int, signalfd, (int fd, const sigset_t *set, int flags), (fd, set, flags))
WRAP(int, eventfd, (unsigned value, int flags), (value, flags))
WRAP(int, timerfd_create, (int clock, int flags), (clock, flags))
WRAP(pid_t, fork, (void), ())
WRAP(int, flock, (int fd, int operation), (fd, operation))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(ssize_t, readlinkat, (int directory, const char *path, char *text, size_t size), (directory, path, text, size))
WRAP(int, inotify_init1, (int flags), (flags))
WRAP(int, inotify_add_watch, (int set, const char *path, uint32_t mask), (set, path, mask))

/* A call by both its names: off_t is of 64 bits, or of 32 for the short one. */
#define WRAP_OFFSET(type, call, name, parameters, arguments)                  \
    DECLARE(type, name, parameters)                                           \
    type __wrap_##name parameters                                             \
    {                                                                         \
        return refused(call, 0, 0) ? (type)-1 : __real_##name arguments;      \
    }
#define WRAP_PWRITE(name, offset)                                                                     \
    WRAP_OFFSET(ssize_t, "pwrite", name, (int fd, const void *data, size_t size, offset at), \
                (fd, data, size, at))
#define WRAP_FTRUNCATE(name, offset) \
    WRAP_OFFSET(int, "ftruncate", name, (int fd, offset size), (fd, size))

#define WRAP_MMAP(name, offset)                                                                             \
    WRAP_OFFSET(void *, "mmap", name, (void *where, size_t size, int rights, int flags, int fd, offset at), \
                (where, size, rights, flags, fd, at))

WRAP_PWRITE(pwrite, off_t)
WRAP_FTRUNCATE(ftruncate, off_t)
WRAP_MMAP(mmap, off_t)
#ifdef __GLIBC__
WRAP_MMAP(mmap64, int64_t)
WRAP_PWRITE(pwrite64, int64_t)
WRAP_FTRUNCATE(ftruncate64, int64_t)
#endif
WRAP(int, socketpair, (int family, int type, int protocol, int ends[2]), (family, type, protocol, ends))
WRAP(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
WRAP(int, tcgetattr, (int fd, struct termios *modes), (fd, modes))
WRAP(int, tcsetattr, (int fd, int when, const struct termios *modes), (fd, when, modes))
WRAP(int, dup2, (int fd, int number), (fd, number))
WRAP(pid_t, setsid, (void), ())
WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, bind, (int fd, const struct sockaddr *where, socklen_t size), (fd, where, size))
WRAP(int, connect, (int fd, const struct sockaddr *where, socklen_t size), (fd, where, size))
WRAP(int, getsockname, (int fd, struct sockaddr *where, socklen_t *size), (fd, where, size))
WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size), (fd, level, name, value, size))
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))

DECLARE(int, epoll_ctl, (int set, int command, int fd, struct epoll_event *event))
int __wrap_epoll_ctl(int set, int command, int fd, struct epoll_event *event)
{
    return refused("epoll_ctl", command, 0) ? -1 : __real_epoll_ctl(set, command, fd, event);
}

/* They answer with the error itself. */
DECLARE(int, pthread_attr_init, (pthread_attr_t *how))
int __wrap_pthread_attr_init(pthread_attr_t *how)
{
    int error = fault_strike("pthread_attr_init", 0, 0);
    return error ? error : __real_pthread_attr_init(how);
}
DECLARE(int, pthread_create, (pthread_t *thread, const pthread_attr_t *how, void *(*body)(void *), void *arg))
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*body)(void *), void *arg)
{
    int error = fault_strike("pthread_create", 0, 0);
    return error ? error : __real_pthread_create(thread, how, body, arg);
}

/* ---- Calls with a variable tail: it is handed on whole, as libc does ---- */

#define WRAP_OPEN(name)                                                           \
    DECLARE(int, name, (const char *path, int flags, ...))                        \
    int __wrap_##name(const char *path, int flags, ...)                           \
    {                                                                             \
        va_list tail;                                                             \
        va_start(tail, flags);                                                    \
        mode_t mode = va_arg(tail, mode_t);                                       \
        va_end(tail);                                                             \
        return refused("open", 0, 0) ? -1 : __real_##name(path, flags, mode);     \
    }
#define WRAP_OPENAT(name)                                                                 \
    DECLARE(int, name, (int directory, const char *path, int flags, ...))                 \
    int __wrap_##name(int directory, const char *path, int flags, ...)                    \
    {                                                                                     \
        va_list tail;                                                                     \
        va_start(tail, flags);                                                            \
        mode_t mode = va_arg(tail, mode_t);                                               \
        va_end(tail);                                                                     \
        return refused("openat", 0, 0) ? -1 : __real_##name(directory, path, flags, mode); \
    }
#define WRAP_FCNTL(name)                                                          \
    DECLARE(int, name, (int fd, int command, ...))                                \
    int __wrap_##name(int fd, int command, ...)                                   \
    {                                                                             \
        va_list tail;                                                             \
        va_start(tail, command);                                                  \
        void *arg = va_arg(tail, void *);                                         \
        va_end(tail);                                                             \
        return refused("fcntl", command, 0) ? -1 : __real_##name(fd, command, arg); \
    }

WRAP_OPEN(open)
WRAP_OPENAT(openat)
WRAP_FCNTL(fcntl)
#ifdef __GLIBC__
WRAP_OPEN(open64)
WRAP_OPENAT(openat64)
WRAP_FCNTL(fcntl64)
#endif

DECLARE(int, ioctl, (int fd, unsigned long request, ...))
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list tail;
    va_start(tail, request);
    void *arg = va_arg(tail, void *);
    va_end(tail);
    return refused("ioctl", (long)request, 0) ? -1 : __real_ioctl(fd, request, arg);
}

DECLARE(int, clone, (int (*body)(void *), void *stack, int flags, void *arg, ...))
int __wrap_clone(int (*body)(void *), void *stack, int flags, void *arg, ...)
{
    va_list tail;
    va_start(tail, arg);
    void *parent_tid = va_arg(tail, void *), *tls = va_arg(tail, void *), *child_tid = va_arg(tail, void *);
    va_end(tail);
    return refused("clone", 0, 0) ? -1 : __real_clone(body, stack, flags, arg, parent_tid, tls, child_tid);
}

/* Which argument says how the call can fail. */
static long deciding_argument(long number, const long *arguments)
{
    if (number == SYS_fcntl || number == SYS_ioctl)
        return arguments[1];
    return arguments[3]; /* pidfd_send_signal: its flags */
}

/* Six are read, however many were given: what is beyond them is the caller's frame. */
DECLARE(long, syscall, (long number, ...))
__attribute__((no_sanitize("address"))) long __wrap_syscall(long number, ...)
{
    long a[6];
    va_list tail;
    va_start(tail, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(tail, long);
    va_end(tail);
    if (refused("syscall", number, deciding_argument(number, a)))
        return -1;
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* ---- The heap ---- */

static atomic_long live_blocks;

long heap_live_blocks(void)
{
    return atomic_load(&live_blocks);
}

static void *counted(void *block)
{
    if (block)
        atomic_fetch_add(&live_blocks, 1);
    return block;
}

#define WRAP_ALLOCATOR(name, parameters, arguments)                           \
    DECLARE(void *, name, parameters)                                         \
    void *__wrap_##name parameters                                            \
    {                                                                         \
        return refused(#name, 0, 0) ? NULL : counted(__real_##name arguments); \
    }
#define WRAP_COPY(name, parameters, arguments)                                \
    DECLARE(char *, name, parameters)                                         \
    char *__wrap_##name parameters                                            \
    {                                                                         \
        return refused(#name, 0, 0) ? NULL : counted(__real_##name arguments); \
    }

WRAP_ALLOCATOR(malloc, (size_t size), (size))
WRAP_ALLOCATOR(calloc, (size_t count, size_t size), (count, size))
WRAP_COPY(strdup, (const char *text), (text))
WRAP_COPY(strndup, (const char *text, size_t most), (text, most))

DECLARE(void *, realloc, (void *block, size_t size))
void *__wrap_realloc(void *block, size_t size)
{
    if (refused("realloc", 0, 0))
        return NULL;
    return block ? __real_realloc(block, size) : counted(__real_realloc(NULL, size));
}

DECLARE(void, free, (void *block))
void __wrap_free(void *block)
{
    if (block)
        atomic_fetch_sub(&live_blocks, 1);
    __real_free(block);
}
