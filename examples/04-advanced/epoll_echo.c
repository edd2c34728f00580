/* SPDX-License-Identifier: MIT */
/*
 * An echo server over TCP, in one thread, and what it is made of:
 *
 *     epoll_echo [N]        N clients (100), each answered, and then they go
 *     epoll_echo --lt|--et  what epoll(7) tells of bytes that are left unread: again (level), or nothing new (edge)
 *     epoll_echo --bench N  what it costs to be told of one descriptor among N silent ones
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <proc/proc.h>

#include "epoll_itself.h"

#define MOST_CLIENTS 400
#define MOST_SILENT 100000

struct server {
    proc_loop *loop;
    int count, expected; /* connections that are open, and that are to come */
};

struct connection {
    struct server *server;
    size_t len, sent;
    char bytes[4096];
};

/* ---- The server ---- */

static int hang_up(proc_watch *watch, int fd, struct connection *connection)
{
    struct server *server = connection->server;
    proc_watch_free(watch);
    close(fd);
    free(connection);
    if (--server->count == 0 && server->expected == 0)
        proc_loop_quit(server->loop, 0);
    return 0;
}

/* Nothing more is read from who does not read, so that what is kept for it stays small. */
static int echo(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct connection *connection = user;
    ssize_t count;
    (void)events;
    if (connection->sent == connection->len) {
        count = recv(fd, connection->bytes, sizeof connection->bytes, 0);
        if (count <= 0)
            return count < 0 && errno == EAGAIN ? 0 : hang_up(watch, fd, connection);
        connection->len = (size_t)count;
        connection->sent = 0;
    }
    count = send(fd, connection->bytes + connection->sent, connection->len - connection->sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN)
        return hang_up(watch, fd, connection);
    connection->sent += count > 0 ? (size_t)count : 0;
    return proc_watch_set_events(watch, connection->sent < connection->len ? EPOLLOUT : EPOLLIN);
}

static int take_call(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct server *server = user;
    struct connection *connection = calloc(1, sizeof *connection);
    int caller = connection ? accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
    (void)watch, (void)events;
    if (caller < 0) {
        free(connection);
        return errno == EAGAIN || errno == ECONNABORTED ? 0 : -errno;
    }
    connection->server = server;
    server->count++;
    server->expected -= server->expected > 0;
    int rc = proc_loop_descriptor(server->loop, caller, EPOLLIN, echo, connection, NULL);
    return rc < 0 ? (hang_up(NULL, caller, connection), rc) : 0;
}

/* ---- Clients of our own, in the same loop ---- */

static int hear(proc_watch *watch, int fd, uint32_t events, void *user)
{
    char answer[5] = "";
    int *answers = user;
    (void)events;
    *answers += read(fd, answer, 4) == 4 && strcmp(answer, "ping") == 0;
    proc_watch_free(watch);
    close(fd);
    return 0;
}

static int call(proc_loop *loop, const struct sockaddr_in *address, int *answers)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ||
        send(fd, "ping", 4, MSG_NOSIGNAL) != 4)
        return -errno;
    int rc = proc_loop_descriptor(loop, fd, EPOLLIN, hear, answers, NULL);
    return rc < 0 ? rc : proc_loop_dispatch(loop, 0);
}

/* On this machine, at any free port. */
static int listen_here(struct sockaddr_in *ret_address)
{
    socklen_t len = sizeof *ret_address;
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)ret_address, len) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *)ret_address, &len) < 0)
        return -errno;
    return fd;
}

static int serve(int clients)
{
    struct sockaddr_in address;
    struct server server = {.expected = clients};
    int answers = 0, rc = proc_loop_new(&server.loop), fd = rc < 0 ? rc : listen_here(&address);
    rc = fd < 0 ? fd : proc_loop_descriptor(server.loop, fd, EPOLLIN, take_call, &server, NULL);
    for (int i = 0; rc >= 0 && i < clients; i++)
        rc = call(server.loop, &address, &answers);
    if (rc >= 0)
        rc = proc_loop_run(server.loop);
    proc_loop_free(server.loop);
    if (rc < 0)
        fprintf(stderr, "epoll_echo: %s\n", strerror(-rc));
    else
        printf("%d clients, %d answers, %d left\n", clients, answers, server.count);
    return rc < 0;
}

int main(int argc, char *argv[])
{
    const char *way = argc > 1 && argv[1][0] == '-' ? argv[1] : "";
    const char *number = argv[*way ? 2 : 1];
    char *end = "";
    long count = number && *number ? strtol(number, &end, 10) : number ? 0 : 100;
    const int is_bench = strcmp(way, "--bench") == 0, is_echo = !*way;
    if (strcmp(way, "--lt") == 0 && argc == 2)
        return show_trigger("level", 0);
    if (strcmp(way, "--et") == 0 && argc == 2)
        return show_trigger("edge", EPOLLET);
    if ((!is_bench && !is_echo) || argc > 2 + is_bench || *end || count < 1 ||
        count > (is_bench ? MOST_SILENT : MOST_CLIENTS))
        return fprintf(stderr, "usage: epoll_echo [1..%d] | --lt | --et | --bench 1..%d\n", MOST_CLIENTS, MOST_SILENT), 2;
    if (is_bench)
        return epoll_bench((int)count);
    int failed = show_trigger("level", 0) | show_trigger("edge", EPOLLET);
    return failed | show_regular_file() | serve((int)count);
}
