/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP server on the loop: `web_server [-p PORT]`, 8000 if none is named, any free one for 0; for programs on
 * this machine only. It has one page. Each connection is for one request, and may take ten seconds.
 *
 * SIGTERM or SIGINT ends it when those that have begun have their answers, a second one at once.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <proc/loop.h>

#include "http.h"

#define MOST_CONNECTIONS 64
#define PATIENCE_MS 10000

struct connection {
    struct server *server;
    int fd;
    proc_watch *ready, *late;
    size_t len, answer_len, sent;
    char head[HTTP_MOST_HEAD], answer[HTTP_MOST_ANSWER];
};

struct server {
    proc_loop *loop;
    int fd;
    proc_watch *caller; /* NULL: it takes no more calls */
    struct connection *connections[MOST_CONNECTIONS];
    int count;
};

/* ---- A connection ---- */

static void hang_up(struct connection *connection)
{
    struct server *server = connection->server;
    int i = 0;
    while (server->connections[i] != connection)
        i++;
    server->connections[i] = server->connections[--server->count];
    proc_watch_free(connection->ready);
    proc_watch_free(connection->late);
    close(connection->fd);
    free(connection);
    if (server->caller)
        (void)proc_watch_set_events(server->caller, EPOLLIN);
    else if (server->count == 0)
        proc_loop_quit(server->loop, 0);
}

static int is_late(proc_watch *watch, uint64_t expirations, void *user)
{
    (void)watch, (void)expirations;
    hang_up(user);
    return 0;
}

/* What was sent and not read when a connection is closed takes the answer along: so the other side closes first. */
static int send_answer(struct connection *connection)
{
    ssize_t sent = send(connection->fd, connection->answer + connection->sent,
                        connection->answer_len - connection->sent, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return -1;
    connection->sent += sent > 0 ? (size_t)sent : 0;
    if (connection->sent < connection->answer_len)
        return proc_watch_set_events(connection->ready, EPOLLOUT);
    return shutdown(connection->fd, SHUT_WR) < 0 ? -1 : proc_watch_set_events(connection->ready, EPOLLIN);
}

static int handle_request(struct connection *connection, int status, const struct http_request *request)
{
    int is_found = status == 200 && request->path_len == 1;
    if (status == 200 && !is_found)
        status = 404;
    printf("Handle request: %d\n", status);
    connection->answer_len = http_answer(status, is_found ? "Hello World" : NULL, request->is_head, connection->answer);
    return send_answer(connection);
}

/* 0: nothing yet; -1: it has ended. */
static ssize_t receive(const struct connection *connection, void *bytes, size_t room)
{
    ssize_t got = recv(connection->fd, bytes, room, 0);
    return got > 0 ? got : got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static int read_request(struct connection *connection)
{
    struct http_request request = {0};
    ssize_t got = receive(connection, connection->head + connection->len, sizeof connection->head - connection->len);
    if (got <= 0)
        return (int)got;
    connection->len += (size_t)got;
    int status = http_parse(connection->head, connection->len, &request);
    return status == 0 ? 0 : handle_request(connection, status, &request);
}

static int await_end(struct connection *connection)
{
    char unread[4096];
    return receive(connection, unread, sizeof unread) < 0 ? -1 : 0;
}

static int is_ready(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct connection *connection = user;
    (void)watch, (void)fd, (void)events;
    int rc = connection->answer_len == 0                 ? read_request(connection)
             : connection->sent < connection->answer_len ? send_answer(connection)
                                                         : await_end(connection);
    if (rc < 0)
        hang_up(connection);
    return 0;
}

/* ---- The server ---- */

/* Full, or out of descriptors: who calls waits until another one has gone. */
static int take_call(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct server *server = user;
    (void)events;
    if (server->count == MOST_CONNECTIONS)
        return proc_watch_set_events(watch, 0);
    int caller = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (caller < 0)
        return errno != EMFILE && errno != ENFILE ? 0 : server->count > 0 ? proc_watch_set_events(watch, 0) : -errno;
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        close(caller);
        return 0;
    }
    connection->server = server;
    connection->fd = caller;
    server->connections[server->count++] = connection;
    if (proc_loop_descriptor(server->loop, caller, EPOLLIN, is_ready, connection, &connection->ready) < 0 ||
        proc_loop_timer(server->loop, PATIENCE_MS, 0, is_late, connection, &connection->late) < 0)
        hang_up(connection);
    return 0;
}

static void take_no_more(struct server *server)
{
    server->caller = proc_watch_free(server->caller);
    if (server->fd >= 0)
        close(server->fd);
    server->fd = -1;
}

static int stop(proc_watch *watch, const proc_signal *signal, void *user)
{
    struct server *server = user;
    (void)signal;
    if (!server->caller || server->count == 0)
        proc_loop_quit(proc_watch_loop(watch), 0);
    take_no_more(server);
    for (int i = server->count; i-- > 0;)
        if (server->connections[i]->len == 0)
            hang_up(server->connections[i]);
    return 0;
}

static int listen_at(uint16_t port)
{
    const int on = 1;
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, SOMAXCONN) < 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return -error;
    }
    return fd;
}

/* Once all is in place: who reads it may call, or end us by a signal, at once. */
static int tell_address(int fd)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return -errno;
    printf("listening on http://127.0.0.1:%d/\n", ntohs(address.sin_port));
    return 0;
}

static int serve(int fd)
{
    struct server server = {.fd = fd};
    int rc = proc_loop_new(&server.loop);
    if (rc == 0)
        rc = proc_loop_signals(server.loop, PROC_SIGNAL(SIGTERM) | PROC_SIGNAL(SIGINT), stop, &server, NULL);
    if (rc == 0)
        rc = proc_loop_descriptor(server.loop, fd, EPOLLIN, take_call, &server, &server.caller);
    if (rc == 0)
        rc = tell_address(fd);
    if (rc == 0)
        rc = proc_loop_run(server.loop);
    while (server.count > 0)
        hang_up(server.connections[0]);
    take_no_more(&server);
    proc_loop_free(server.loop);
    return rc;
}

int main(int argc, char **argv)
{
    long port = 8000;
    char *end = "";
    int option;
    while ((option = getopt(argc, argv, "p:")) == 'p' && *end == '\0')
        port = *optarg ? strtol(optarg, &end, 10) : -1;
    if (option != -1 || optind != argc || *end || port < 0 || port > 65535)
        return fprintf(stderr, "usage: web_server [-p PORT]\n"), 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int fd = listen_at((uint16_t)port);
    if (fd < 0)
        return fprintf(stderr, "web_server: port %ld: %s\n", port, strerror(-fd)), 1;
    int rc = serve(fd);
    if (rc < 0)
        fprintf(stderr, "web_server: %s\n", strerror(-rc));
    return rc < 0;
}
