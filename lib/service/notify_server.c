/* SPDX-License-Identifier: MIT */
/*
 * The place where services speak: one datagram socket with an address. Everything that arrives is taken for hostile
 * until the kernel has told whose it is. Owns the socket, its file if it has one, and each message until it is handed
 * over.
 */
#include "notify_receive.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proc/notify.h>
#include <proc/status.h>

#include "../base/fd.h"
#include "../base/pidfd.h"
#include "../ipc/datagram.h"
#include "notify_send.h"
#include "notify_text.h"

#define VARIABLE "NOTIFY_SOCKET="
/* So that a flood of what nobody may say ends a call whose time is over. */
#define MOST_IGNORED 64

struct proc_notify_server {
    int owner; /* pid of the program that made it */
    int fd;
    int has_file;
    dev_t device; /* of its file */
    ino_t inode;
    char env[sizeof VARIABLE + sizeof(struct sockaddr_un)];
};

/* ---- Making ---- */

static const char *path_of(const proc_notify_server *server)
{
    return server->env + strlen(VARIABLE);
}

static int bind_to_path(proc_notify_server *server, const char *path)
{
    struct notify_address address;
    struct stat file;
    int rc = path[0] == '/' ? proc__notify_address(path, &address) : -EINVAL;
    if (rc < 0)
        return rc;
    if (bind(server->fd, (const struct sockaddr *)&address.where, address.size) < 0)
        return -errno;
    snprintf(server->env, sizeof server->env, VARIABLE "%s", path);
    server->has_file = lstat(path, &file) == 0;
    if (server->has_file) {
        server->device = file.st_dev;
        server->inode = file.st_ino;
    }
    return 0;
}

/* An address without a name makes the kernel choose one: a NUL and a few digits. */
static int bind_to_any(proc_notify_server *server)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    socklen_t size = sizeof where;
    if (bind(server->fd, (const struct sockaddr *)&where, offsetof(struct sockaddr_un, sun_path)) < 0)
        return -errno;
    if (getsockname(server->fd, (struct sockaddr *)&where, &size) < 0)
        return -errno;
    size_t len = size - offsetof(struct sockaddr_un, sun_path);
    snprintf(server->env, sizeof server->env, VARIABLE "@%.*s", (int)len - 1, where.sun_path + 1);
    return 0;
}

/* Identified before it has an address: nothing can arrive without its sender. */
static int open_socket(proc_notify_server *server, const char *path)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    server->fd = fd < 0 ? -errno : proc__fd_above_stdio(fd);
    if (server->fd < 0)
        return server->fd;
    int rc = proc__datagram_identify(server->fd);
    if (rc < 0)
        return rc;
    return path ? bind_to_path(server, path) : bind_to_any(server);
}

int proc_notify_server_new(proc_notify_server **server, const char *path)
{
    if (!server)
        return -EINVAL;
    proc_notify_server *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->owner = (int)getpid();
    int rc = open_socket(made, path);
    if (rc < 0)
        proc_notify_server_free(made);
    else
        *server = made;
    return rc;
}

/* Not if somebody has put another file in its place. */
static void remove_file(const proc_notify_server *server)
{
    struct stat file;
    if (!server->has_file || server->owner != (int)getpid())
        return;
    if (lstat(path_of(server), &file) == 0 && file.st_dev == server->device && file.st_ino == server->inode)
        unlink(path_of(server));
}

proc_notify_server *proc_notify_server_free(proc_notify_server *server)
{
    if (!server)
        return NULL;
    remove_file(server);
    proc__fd_close(&server->fd);
    free(server);
    return NULL;
}

int proc_notify_server_fd(const proc_notify_server *server)
{
    return server ? server->fd : -EINVAL;
}

const char *proc_notify_server_env(const proc_notify_server *server)
{
    return server ? server->env : NULL;
}

/* ---- One message ---- */

static int may_speak(const struct datagram *datagram, const struct named *tree)
{
    const struct named sender = {datagram->pid, datagram->pidfd};
    if (!datagram->known)
        return 0;
    if (tree)
        return proc__tree_has(tree, &sender);
    return datagram->uid == geteuid() || datagram->uid == 0;
}

/* Where no pidfd can be opened: /proc shows a thread under its id as well. */
static int leads_its_threads(int pid)
{
    proc_status status;
    return proc_status_read(PROC_PID(pid), NULL, sizeof status, &status) == 0 &&
           proc_status_has(&status, PROC_KEY_TGID) && status.tgid == pid;
}

/* What the kernel says of an id that is a thread's, or nobody's; other errors say nothing of it. */
static int is_process(int pid, int pidfd)
{
    if (pidfd == -ESRCH || pidfd == -ENOENT || pidfd == -EINVAL)
        return 0;
    return pidfd >= 0 || leads_its_threads(pid);
}

/* The main process is taken by its pidfd first, so that it is the one that was looked at. */
static void verify_main_pid(proc_notify_message *message, int pid, const struct named *tree)
{
    const struct named sender = {message->sender, message->sender_fd};
    int pidfd = proc__pidfd_open(pid);
    if (!is_process(pid, pidfd))
        return;
    const struct named named = {pid, pidfd < 0 ? -1 : pidfd};
    if (proc__tree_has(tree ? tree : &sender, &named)) {
        message->main_pid = pid;
        message->main_fd = named.pidfd < 0 ? -1 : proc__fd_above_stdio(pidfd);
        if (message->main_fd < 0)
            message->main_fd = -1;
        return;
    }
    proc__fd_close(&pidfd);
}

/* Alone, and with one descriptor: that is kept until the message is done, and all others are closed now. */
static void take_barrier(proc_notify_message *message, struct datagram *datagram)
{
    if (message->what != PROC_NOTIFY_BARRIER || datagram->fd_count != 1) {
        message->what &= ~PROC_NOTIFY_BARRIER;
        return;
    }
    datagram->fd_count = 0;
    message->barrier_fd = proc__fd_above_stdio(datagram->fds[0]);
    if (message->barrier_fd < 0)
        message->barrier_fd = -1;
}

/* 1 = a message; 0 = nobody's, or none that can be read. */
static int accept_datagram(struct datagram *datagram, char *text, const struct named *tree,
                           proc_notify_message *ret_message)
{
    struct notify_text parsed;
    size_t len = datagram->len;
    if (datagram->cut || proc__notify_parse(text, &len, &parsed) < 0 || !may_speak(datagram, tree))
        return 0;
    *ret_message = (proc_notify_message){
        .what = parsed.what,
        .sender = datagram->pid,
        .sender_fd = datagram->pidfd,
        .uid = datagram->uid,
        .main_fd = -1,
        .barrier_fd = -1,
        .reloading_us = parsed.reloading_us,
        .extend_us = parsed.extend_us,
        .status = parsed.status,
        .text = {text, len},
        .owned = text,
    };
    datagram->pidfd = -1;
    take_barrier(ret_message, datagram);
    if (parsed.main_pid > 0)
        verify_main_pid(ret_message, parsed.main_pid, tree);
    return 1;
}

/* 1 = a message; 0 = one that does not count; -EAGAIN: there is none; or another negative errno. */
static int take_one(proc_notify_server *server, const struct named *tree, proc_notify_message *ret_message)
{
    struct datagram datagram;
    char *text = malloc(NOTIFY_MOST + 1);
    if (!text)
        return -ENOMEM;
    int rc = proc__datagram_receive(server->fd, text, NOTIFY_MOST, &datagram);
    if (rc == 0) {
        rc = accept_datagram(&datagram, text, tree, ret_message);
        proc__datagram_done(&datagram);
    }
    if (rc <= 0)
        free(text);
    return rc;
}

/* ---- Receiving ---- */

static int wait_for_one(int fd, deadline when)
{
    struct pollfd said = {.fd = fd, .events = POLLIN};
    int rc = proc__poll(&said, 1, when);
    return rc < 0 ? rc : rc == 0 ? -ETIMEDOUT : 0;
}

/* What is there when the time is over still counts; but not for ever, if it is no good. */
int proc__notify_receive(proc_notify_server *server, const struct named *tree, deadline when,
                         proc_notify_message *ret_message)
{
    for (int ignored = 0;;) {
        int cancel_state;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
        int rc = take_one(server, tree, ret_message);
        pthread_setcancelstate(cancel_state, NULL);
        if (rc == -EAGAIN)
            rc = wait_for_one(server->fd, when);
        else if (rc == 0 && ++ignored >= MOST_IGNORED && proc__deadline_passed(when))
            rc = -ETIMEDOUT;
        if (rc != 0)
            return rc;
    }
}

int proc_notify_server_receive(proc_notify_server *server, const proc_child *child, int timeout_ms,
                               proc_notify_message *ret_message)
{
    if (!server || !ret_message || timeout_ms < -1)
        return -EINVAL;
    if (server->owner != (int)getpid())
        return -ECHILD;
    const struct named root = {proc_child_pid(child), proc_child_fd(child)};
    int rc = proc__notify_receive(server, child ? &root : NULL, proc__deadline_in(timeout_ms), ret_message);
    return rc < 0 ? rc : 0;
}

void proc_notify_message_done(proc_notify_message *message)
{
    if (!message || !message->owned)
        return;
    proc__fd_close(&message->sender_fd);
    proc__fd_close(&message->main_fd);
    proc__fd_close(&message->barrier_fd);
    free(message->owned);
    *message = (proc_notify_message){.sender_fd = -1, .main_fd = -1, .barrier_fd = -1};
}
