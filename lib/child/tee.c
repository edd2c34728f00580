/* SPDX-License-Identifier: MIT */
/*
 * Writes to a descriptor that others use as well, so its flags must stay as they are, may be changed by others at any
 * time, and yet it never waits: pipes and terminals are opened a second time, sockets have a flag for it, and files
 * never let one wait. What is left is written in pieces so small that they fit where poll(2) says that something does.
 * Owns its copy of the descriptor, and what is still to be written.
 */
#include "tee.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/fd.h"

enum {
    WAY_PLAIN,    /* a write does not wait: a file, or a description of our own */
    WAY_SOCKET,   /* with a flag it does not */
    WAY_TERMINAL, /* it might */
    WAY_CAREFUL   /* it might: a pipe, or who knows what */
};

/*
 * What fits where something does: a terminal has room for 256 bytes or for none, and makes two bytes of some; a pipe
 * takes PIPE_BUF whole, unless others fill it in this very moment.
 */
#define TERMINAL_PIECE ((size_t)128)
#define PIECE ((size_t)PIPE_BUF)

void proc__tee_init(struct tee *tee)
{
    *tee = (struct tee){.fd = -1};
}

static void forget_kept(struct tee *tee)
{
    free(tee->kept);
    tee->kept = NULL;
    tee->len = tee->done = 0;
}

/* ---- The target ---- */

static int is_terminal(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0;
}

/* To open a master again would make another terminal. */
static int is_master(int fd)
{
    unsigned number;
    return ioctl(fd, TIOCGPTN, &number) == 0;
}

/* A description of our own for the same pipe or terminal. The descriptor, or negative: then the other ways are left. */
static int open_again(int fd)
{
    char path[sizeof "/proc/thread-self/fd/" + 12];
    snprintf(path, sizeof path, "/proc/thread-self/fd/%d", fd);
    return proc__fd_open(path, O_WRONLY | O_NONBLOCK, 0);
}

static int way_of(int fd, mode_t mode)
{
    if (S_ISREG(mode))
        return WAY_PLAIN;
    if (S_ISSOCK(mode))
        return WAY_SOCKET;
    return is_terminal(fd) ? WAY_TERMINAL : WAY_CAREFUL;
}

int proc__tee_open(struct tee *tee, int fd)
{
    struct stat is;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &is) < 0 || (flags & O_ACCMODE) == O_RDONLY || flags & O_PATH)
        return -EBADF;
    tee->way = way_of(fd, is.st_mode);
    if (S_ISFIFO(is.st_mode) || (tee->way == WAY_TERMINAL && !is_master(fd)))
        tee->fd = open_again(fd);
    if (tee->fd >= 0) {
        tee->way = WAY_PLAIN;
        return 0;
    }
    tee->fd = proc__fd_copy(fd);
    return tee->fd < 0 ? tee->fd : 0;
}

void proc__tee_close(struct tee *tee)
{
    forget_kept(tee);
    proc__fd_close(&tee->fd);
}

/* ---- Writing ---- */

static int64_t send_now(int fd, const char *data, size_t size)
{
    struct iovec part = {(void *)(uintptr_t)data, size};
    const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t sent;
    do
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

static int64_t write_carefully(int fd, const char *data, size_t size, size_t piece)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (proc__poll(&room, 1, proc__deadline_in(0)) == 0)
        return -EAGAIN;
    return proc__fd_write_quietly(fd, data, size < piece ? size : piece);
}

static int64_t write_some(const struct tee *tee, const char *data, size_t size)
{
    switch (tee->way) {
    case WAY_SOCKET: return send_now(tee->fd, data, size);
    case WAY_TERMINAL: return write_carefully(tee->fd, data, size, TERMINAL_PIECE);
    case WAY_CAREFUL: return write_carefully(tee->fd, data, size, PIECE);
    default: return proc__fd_write_quietly(tee->fd, data, size);
    }
}

/* How many bytes were written, which is less than all if the target would have let us wait, or has failed. */
static size_t write_now(struct tee *tee, const char *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        int64_t some = write_some(tee, data + done, size - done);
        if (some <= 0) {
            if (some != -EAGAIN)
                proc__tee_give_up(tee, some < 0 ? (int)some : -EIO);
            break;
        }
        done += (size_t)some;
    }
    return done;
}

void proc__tee_write(struct tee *tee, const char *data, size_t size)
{
    if (tee->fd < 0 || tee->error < 0)
        return;
    size_t done = write_now(tee, data, size);
    if (done == size || tee->error < 0)
        return;
    tee->kept = malloc(size - done);
    if (!tee->kept) {
        proc__tee_give_up(tee, -ENOMEM);
        return;
    }
    memcpy(tee->kept, data + done, size - done);
    tee->len = size - done;
    tee->done = 0;
}

void proc__tee_go_on(struct tee *tee)
{
    if (!tee->kept)
        return;
    tee->done += write_now(tee, tee->kept + tee->done, tee->len - tee->done);
    if (tee->done == tee->len)
        forget_kept(tee);
}

size_t proc__tee_waits(const struct tee *tee)
{
    return tee->len - tee->done;
}

void proc__tee_give_up(struct tee *tee, int error)
{
    tee->error = error;
    forget_kept(tee);
}
