/* SPDX-License-Identifier: MIT */
/* Sends one message, by a socket that lives as long as the call. Keeps nothing. */
#include "notify_send.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../base/fd.h"
#include "../ipc/datagram.h"

/* "vsock:", "vsock-stream:" and the like. */
static int is_vsock(const char *name)
{
    return strncmp(name, "vsock", 5) == 0 && (name[5] == ':' || name[5] == '-');
}

int proc__notify_address(const char *name, struct notify_address *ret_address)
{
    size_t len = strlen(name);
    if (is_vsock(name))
        return -EAFNOSUPPORT;
    if ((name[0] != '/' && name[0] != '@') || len < 2)
        return -EINVAL;
    /* A path needs its terminator; an abstract name is as long as its address says. */
    size_t taken = name[0] == '/' ? len + 1 : len;
    if (taken > sizeof ret_address->where.sun_path)
        return -ENAMETOOLONG;
    *ret_address = (struct notify_address){.where = {.sun_family = AF_UNIX}};
    memcpy(ret_address->where.sun_path, name, len);
    if (name[0] == '@')
        ret_address->where.sun_path[0] = '\0';
    ret_address->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + taken);
    return 0;
}

static int open_to(const struct notify_address *address)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    fd = proc__fd_above_stdio(fd);
    if (fd < 0)
        return fd;
    if (connect(fd, (const struct sockaddr *)&address->where, address->size) < 0) {
        int rc = -errno;
        proc__fd_close(&fd);
        return rc;
    }
    return fd;
}

static int send_to(const struct notify_address *address, const char *text, const int *fds, size_t fd_count,
                   deadline when)
{
    int fd = open_to(address);
    if (fd < 0)
        return fd;
    int rc = proc__datagram_send(fd, text, strlen(text), fds, fd_count, when);
    proc__fd_close(&fd);
    return rc < 0 ? rc : 1;
}

int proc__notify_send(const char *text, const int *fds, size_t fd_count, deadline when)
{
    struct notify_address address;
    const char *name = getenv("NOTIFY_SOCKET");
    if (!name || *name == '\0')
        return 0;
    int rc = proc__notify_address(name, &address), cancel_state;
    if (rc < 0)
        return rc;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    rc = send_to(&address, text, fds, fd_count, when);
    pthread_setcancelstate(cancel_state, NULL);
    return rc;
}
