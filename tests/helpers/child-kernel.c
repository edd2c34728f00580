/* SPDX-License-Identifier: MIT */
/* The verb that tries system calls and says how they are answered: shows that a profile is in force. */
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/names.h"

/* The numbers are the same on every architecture but alpha. */
#define NR_PIDFD_SEND_SIGNAL 424
#define NR_PIDFD_OPEN 434
#define NR_CLONE3 435
#define NR_CLOSE_RANGE 436
#define NR_OPENAT2 437
#define CLONE_ARGS_FULL 88 /* what libcs pass */
#define CLONE_ARGS_FIRST 64
#define PIDFD_GET_INFO _IOWR(0xff, 11, char[64])
#define OWN_PIDFD ((int)syscall(NR_PIDFD_OPEN, getpid(), 0))

static long try_clone3(long size)
{
    char nothing[CLONE_ARGS_FULL] = {0};
    nothing[4 * 8] = (char)200; /* no such exit signal: EINVAL if the call is there */
    return syscall(NR_CLONE3, nothing, size);
}

static long try_nosignal(void)
{
    struct iovec part = {NULL, 0};
    return syscall(SYS_pwritev2, STDOUT_FILENO, &part, 1, -1L, -1L, 0x100);
}

static void *nothing_to_do(void *arg)
{
    return arg;
}

static long try_thread(void)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, nothing_to_do, NULL);
    if (rc == 0)
        return pthread_join(thread, NULL);
    errno = rc;
    return -1;
}

static long try_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 ? -1 : waitpid(pid, NULL, 0);
}

static long try_call(const char *name)
{
    if (strcmp(name, "clone3") == 0)
        return try_clone3(CLONE_ARGS_FIRST);
    if (strcmp(name, "clone3-full") == 0)
        return try_clone3(CLONE_ARGS_FULL);
    if (strcmp(name, "close_range") == 0)
        return syscall(NR_CLOSE_RANGE, 4000000u, 4000001u, 0);
    if (strcmp(name, "openat2") == 0)
        return syscall(NR_OPENAT2, -1, NULL, NULL, 0);
    if (strcmp(name, "pidfd_open") == 0)
        return OWN_PIDFD >= 0 ? 0 : -1;
    if (strcmp(name, "pidfd_send_signal") == 0)
        return syscall(NR_PIDFD_SEND_SIGNAL, OWN_PIDFD, 0, NULL, 0);
    if (strcmp(name, "pidfd_send_signal-group") == 0)
        return syscall(NR_PIDFD_SEND_SIGNAL, OWN_PIDFD, 0, NULL, 4);
    if (strcmp(name, "waitid-pidfd") == 0)
        return syscall(SYS_waitid, 3, OWN_PIDFD, NULL, 4 | 1, NULL);
    if (strcmp(name, "pidfd-info") == 0)
        return ioctl(OWN_PIDFD, PIDFD_GET_INFO, (char[64]){1});
    if (strcmp(name, "nosignal") == 0)
        return try_nosignal();
    if (strcmp(name, "fork") == 0)
        return try_fork();
    if (strcmp(name, "thread") == 0)
        return try_thread();
    errno = EDOM;
    return -1;
}

static int try_calls(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        errno = 0;
        say("%s %s", argv[i], try_call(argv[i]) < 0 ? errno_name(errno) : "0");
    }
    return 0;
}

const struct verb kernel_verbs[] = {
    {"try", "CALL ...: prints `CALL 0` or `CALL ERRNO`", try_calls},
    {NULL, NULL, NULL},
};
