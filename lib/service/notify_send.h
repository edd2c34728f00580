/* SPDX-License-Identifier: MIT */
/* Addresses of notification sockets, and one message to the one that the environment names. */
#ifndef PROC_LIB_SERVICE_NOTIFY_SEND_H
#define PROC_LIB_SERVICE_NOTIFY_SEND_H

#include "../base/system.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "../base/clock.h"

struct notify_address {
    struct sockaddr_un where;
    socklen_t size;
};

/* `/path` or `@abstract`. 0; -EAFNOSUPPORT: a vsock's; -ENAMETOOLONG; -EINVAL. */
int proc__notify_address(const char *name, struct notify_address *ret_address);
/* Waits for room until then. 1 = sent; 0 = the environment names no socket; or a negative errno, also -ETIMEDOUT. */
int proc__notify_send(const char *text, const int *fds, size_t fd_count, deadline when);

#endif
