/* SPDX-License-Identifier: MIT */
/* Descriptors above stdio, close-on-exec from birth. Owns nothing: who calls keeps what it gets. */
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

void proc__fd_close(int *fd)
{
    if (*fd < 0)
        return;
    /* Not again after EINTR: Linux has released the number already, and another thread may own it by now. */
#ifdef THREAD_SANITIZER
    /* Which follows descriptors, and takes one that it has not seen closed for a race with its next user. */
    int saved = errno, cancellable;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    close(*fd);
    pthread_setcancelstate(cancellable, NULL);
    errno = saved;
#else
    proc__syscall(SYS_close, *fd, 0, 0, 0, 0, 0);
#endif
    *fd = -1;
}

int proc__fd_is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

int proc__fd_copy(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    /* EINVAL: the limit allows for stdio alone. */
    return copy >= 0 ? copy : errno == EINVAL ? -EMFILE : -errno;
}

int proc__fd_above_stdio(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int above = proc__fd_copy(fd);
    proc__fd_close(&fd);
    return above;
}

/* Takes both in every case. */
static int both_above_stdio(int ends[2], int ret_ends[2])
{
    int rc = 0;
    for (int i = 0; i < 2; i++) {
        ends[i] = proc__fd_above_stdio(ends[i]);
        if (ends[i] < 0)
            rc = ends[i];
    }
    if (rc < 0) {
        proc__fd_close(&ends[0]);
        proc__fd_close(&ends[1]);
        return rc;
    }
    ret_ends[0] = ends[0];
    ret_ends[1] = ends[1];
    return 0;
}

int proc__fd_pipe(int ret_ends[2])
{
    int ends[2];
    return pipe2(ends, O_CLOEXEC) < 0 ? -errno : both_above_stdio(ends, ret_ends);
}

int proc__fd_socket_pair(int ret_ends[2])
{
    int ends[2];
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0 ? -errno : both_above_stdio(ends, ret_ends);
}

int proc__fd_put(int fd, int number)
{
    while (dup2(fd, number) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

int proc__fd_open(const char *path, int flags, unsigned mode)
{
    return proc__fd_open_at(AT_FDCWD, path, flags, mode);
}

/*
 * Neither opening nor reading is a point at which a thread is cancelled: who calls holds descriptors and memory by
 * then, and nobody would give them back.
 */
int proc__fd_open_at(int dir, const char *path, int flags, unsigned mode)
{
    int fd, cancellable;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    do
        fd = openat(dir, path, flags | O_CLOEXEC | O_NOCTTY, (mode_t)mode);
    while (fd < 0 && errno == EINTR);
    int rc = fd < 0 ? -errno : proc__fd_above_stdio(fd);
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}

int proc__fd_nonblocking(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int64_t proc__fd_read(int fd, void *buffer, size_t size)
{
    int cancellable;
    ssize_t got;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    do
        got = read(fd, buffer, size);
    while (got < 0 && errno == EINTR);
    int64_t rc = got < 0 ? -errno : got;
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}

int64_t proc__fd_read_first(int fd, void *buffer, size_t size)
{
    int cancellable;
    ssize_t got;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    do
        got = pread(fd, buffer, size, 0);
    while (got < 0 && errno == EINTR);
    int64_t rc = got < 0 ? -errno : got;
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}

int64_t proc__fd_read_text(int dir, const char *path, char *ret_text, size_t size)
{
    int fd = proc__fd_open_at(dir, path, O_RDONLY, 0);
    int64_t len = fd < 0 ? fd : proc__fd_read(fd, ret_text, size - 1);
    proc__fd_close(&fd);
    if (len >= 0)
        ret_text[len] = '\0';
    return len;
}
