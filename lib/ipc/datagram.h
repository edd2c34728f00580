/* SPDX-License-Identifier: MIT */
/*
 * Datagrams of Unix sockets with what comes along: descriptors, and who has sent it as the kernel tells. Whatever
 * arrives is owned by who receives, down to the last descriptor.
 */
#ifndef PROC_LIB_IPC_DATAGRAM_H
#define PROC_LIB_IPC_DATAGRAM_H

#include "../base/system.h"

#include "../base/clock.h"

/* SCM_MAX_FD: more descriptors the kernel lets nobody send at once. */
#define DATAGRAM_FDS 253

struct datagram {
    size_t len;    /* bytes that were read */
    int cut;       /* 1: there were more */
    int pid;       /* of the sender, when it sent; 0 = not told, or of a pid namespace that we do not see */
    uint32_t uid;
    int known;     /* 1: pid and uid were told */
    int pidfd;     /* of the sender, above stdio; -1 = none was given, or there was no room for it */
    size_t fd_count;
    int fds[DATAGRAM_FDS];
};

/* From here on every datagram says who has sent it. 0 or a negative errno. Without pidfds, where there are none. */
int proc__datagram_identify(int socket);

/* Sends all by a connected socket, waiting until then if the receiver is slow. 0; -ETIMEDOUT; or a negative errno. */
int proc__datagram_send(int socket, const void *data, size_t size, const int *fds, size_t fd_count, deadline when);

/*
 * Takes the next datagram, if there is one. 0; or -EAGAIN: none, or another negative errno. Give it back.
 */
int proc__datagram_receive(int socket, void *buffer, size_t size, struct datagram *ret_datagram);
/* Closes what is left in it. */
void proc__datagram_done(struct datagram *datagram);

#endif
