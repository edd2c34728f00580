/* SPDX-License-Identifier: MIT */
/*
 * sendmsg(2) and recvmsg(2) with control messages. Knows sockets and descriptors; nothing of what is said.
 */
#include "datagram.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "../base/fd.h"

/* ---- Sending ---- */

static int send_at_once(int socket, const void *data, size_t size, const int *fds, size_t fd_count)
{
    union {
        char bytes[CMSG_SPACE(DATAGRAM_FDS * sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec part = {(void *)(uintptr_t)data, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

int proc__datagram_send(int socket, const void *data, size_t size, const int *fds, size_t fd_count, deadline when)
{
    for (;;) {
        int rc = send_at_once(socket, data, size, fds, fd_count);
        if (rc != -EAGAIN)
            return rc;
        /* Connected, so that this waits for room with the receiver, not with us. */
        struct pollfd room = {.fd = socket, .events = POLLOUT};
        rc = proc__poll(&room, 1, when);
        if (rc <= 0)
            return rc < 0 ? rc : -ETIMEDOUT;
    }
}

/* ---- Receiving ---- */

int proc__datagram_identify(int socket)
{
    static const int on = 1;
    if (setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
        return -errno;
    /* Where it is refused, the ids will have to do. */
    setsockopt(socket, SOL_SOCKET, SOCKET_PASS_PIDFD, &on, sizeof on);
    return 0;
}

static void take_fds(struct datagram *datagram, const struct cmsghdr *header)
{
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
        if (datagram->fd_count < DATAGRAM_FDS)
            datagram->fds[datagram->fd_count++] = fd;
        else
            proc__fd_close(&fd);
    }
}

static void take_sender(struct datagram *datagram, const struct cmsghdr *header)
{
    struct ucred sender;
    memcpy(&sender, CMSG_DATA(header), sizeof sender);
    datagram->known = 1;
    datagram->pid = sender.pid;
    datagram->uid = sender.uid;
}

/* A number below zero is the errno for which the kernel could give none. */
static void take_pidfd(struct datagram *datagram, const struct cmsghdr *header)
{
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    if (fd < 0)
        return;
    proc__fd_close(&datagram->pidfd);
    datagram->pidfd = proc__fd_above_stdio(fd);
    if (datagram->pidfd < 0)
        datagram->pidfd = -1;
}

static void take_control(struct datagram *datagram, struct msghdr *message)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET)
            continue;
        if (header->cmsg_type == SCM_RIGHTS)
            take_fds(datagram, header);
        else if (header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len >= CMSG_LEN(sizeof(struct ucred)))
            take_sender(datagram, header);
        else if (header->cmsg_type == CONTROL_PIDFD && header->cmsg_len >= CMSG_LEN(sizeof(int)))
            take_pidfd(datagram, header);
    }
}

/*
 * There is room for all that the kernel can send at once, so a cut list means that no number was free for the rest: the
 * kernel has closed those itself, and what has arrived is complete in every other way.
 */
int proc__datagram_receive(int socket, void *buffer, size_t size, struct datagram *ret_datagram)
{
    union {
        char bytes[CMSG_SPACE(DATAGRAM_FDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec part = {buffer, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    *ret_datagram = (struct datagram){.pidfd = -1, .len = (size_t)got, .cut = (message.msg_flags & MSG_TRUNC) != 0};
    take_control(ret_datagram, &message);
    return 0;
}

void proc__datagram_done(struct datagram *datagram)
{
    for (size_t i = 0; i < datagram->fd_count; i++)
        proc__fd_close(&datagram->fds[i]);
    datagram->fd_count = 0;
    proc__fd_close(&datagram->pidfd);
}
