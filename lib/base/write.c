/* SPDX-License-Identifier: MIT */
/*
 * Writing to a pipe that may have lost its reader, without SIGPIPE and without touching any process-wide setting.
 *
 * Newer kernels take RWF_NOSIGNAL. Elsewhere the writing thread blocks SIGPIPE for the length of the write and takes
 * back the one it may have caused: SIGPIPE is sent to the thread that wrote. One that was pending before stays pending.
 */
#include "fd.h"

#include <errno.h>
#include <pthread.h>
#include <sys/uio.h>
#include <unistd.h>

/* Answers of a kernel, file system or filter that has no such flag or call. */
static int lacks_the_flag(int64_t rc)
{
    return rc == -EOPNOTSUPP || rc == -EINVAL || rc == -ENOSYS || rc == -EPERM || rc == -ESPIPE;
}

static int64_t write_with_flag(int fd, const void *data, size_t size)
{
    const struct iovec part = {(void *)(uintptr_t)data, size};
    const long here = -1; /* at the file's own position, as write(2) */
    return proc__syscall(SYS_pwritev2, fd, (long)&part, 1, here, here, RWF_NOSIGNAL);
}

static int is_pending(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

/*
 * Takes back the SIGPIPE that our own write has just made pending for this thread. One that was pending for the thread
 * before has merged with ours, as equal standard signals do, and is put back; one of the process is another, and stays.
 */
static void take_back(const sigset_t *sigpipe, int was_pending)
{
    static const struct timespec at_once = {0, 0};
    while (sigtimedwait(sigpipe, NULL, &at_once) < 0 && errno == EINTR)
        ;
    if (was_pending && !is_pending())
        pthread_kill(pthread_self(), SIGPIPE);
}

static int64_t write_with_sigpipe_blocked(int fd, const void *data, size_t size)
{
    sigset_t sigpipe, before;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    int was_pending = is_pending();
    int rc = pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    if (rc != 0)
        return -rc;

    ssize_t done = write(fd, data, size);
    rc = done < 0 ? -errno : 0;
    if (rc == -EPIPE)
        take_back(&sigpipe, was_pending);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc < 0 ? rc : done;
}

int64_t proc__fd_write_quietly(int fd, const void *data, size_t size)
{
    for (;;) {
        int64_t done = write_with_flag(fd, data, size);
        if (lacks_the_flag(done))
            done = write_with_sigpipe_blocked(fd, data, size);
        if (done != -EINTR)
            return done;
    }
}
