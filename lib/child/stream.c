/* SPDX-License-Identifier: MIT */
/*
 * Our ends of the child's descriptors: finding, borrowing, closing, and the verbs that read and write them. A verb
 * borrows the descriptor while it waits without the lock, so that closing it in another thread cannot let the number
 * fall to a stranger in between.
 */
#include "handle.h"

#include <errno.h>
#include <poll.h>

#include "../base/fd.h"

struct stream *proc__stream_find(const proc_child *child, int number)
{
    for (size_t i = 0; i < child->stream_count; i++) {
        struct stream *stream = &child->streams[i];
        if (stream->number == number)
            return stream->is_at ? stream->is_at : stream;
    }
    return NULL;
}

struct stream *proc__stream_terminal(const proc_child *child)
{
    for (size_t i = 0; i < child->stream_count; i++)
        if (proc__transfer_is_on_terminal(&child->streams[i].transfer))
            return &child->streams[i];
    return NULL;
}

int proc__stream_is_moving(const struct stream *stream)
{
    return proc__transfer_is_ours(&stream->transfer) && stream->fd >= 0 && !stream->closing && !stream->done;
}

/* ---- Borrowing and closing ---- */

/* Before the close: an entry of a descriptor that a child just past its vfork still holds would fire for ever. */
static void stop_watching_locked(proc_child *child, struct stream *stream)
{
    proc__pump_set_remove(child, stream);
    proc__tee_close(&stream->transfer.tee);
}

/* Our end; -EBADF: it is closed, will be when its last user leaves, or was taken. */
static int fd_locked(const struct stream *stream)
{
    return stream->closing || stream->fd < 0 ? -EBADF : stream->fd;
}

int proc__stream_enter(proc_child *child, struct stream *stream)
{
    pthread_mutex_lock(&child->lock);
    int fd = fd_locked(stream);
    if (fd >= 0)
        stream->users++;
    pthread_mutex_unlock(&child->lock);
    return fd;
}

void proc__stream_leave(proc_child *child, struct stream *stream)
{
    pthread_mutex_lock(&child->lock);
    if (--stream->users == 0 && stream->closing)
        proc__fd_close(&stream->fd);
    pthread_mutex_unlock(&child->lock);
}

int proc__stream_close(proc_child *child, struct stream *stream)
{
    pthread_mutex_lock(&child->lock);
    int fd = fd_locked(stream);
    stream->closing = 1;
    stop_watching_locked(child, stream);
    if (stream->users == 0)
        proc__fd_close(&stream->fd);
    pthread_mutex_unlock(&child->lock);
    return fd < 0 ? fd : 0;
}

void proc__stream_finish(proc_child *child, struct stream *stream)
{
    /* A function that refuses more is to be felt by who writes. */
    if (!proc__transfer_is_on_terminal(&stream->transfer) || stream->transfer.error < 0) {
        proc__stream_close(child, stream);
        return;
    }
    pthread_mutex_lock(&child->lock);
    stop_watching_locked(child, stream);
    stream->done = 1;
    pthread_mutex_unlock(&child->lock);
}

static int find_open_to_all(const proc_child *child, int number, struct stream **ret_stream)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    *ret_stream = proc__stream_find(child, number);
    return *ret_stream ? 0 : -EBADF;
}

/* The stream that a verb may touch: one whose bytes nobody else moves. */
static int find_for_verb(const proc_child *child, int number, struct stream **ret_stream)
{
    int rc = find_open_to_all(child, number, ret_stream);
    return rc == 0 && proc__transfer_is_ours(&(*ret_stream)->transfer) ? -EINVAL : rc;
}

/* What a terminal shows may be captured while we go on typing. */
static int find_for_writing(const proc_child *child, int number, struct stream **ret_stream)
{
    int rc = find_open_to_all(child, number, ret_stream);
    if (rc < 0 || proc__transfer_is_on_terminal(&(*ret_stream)->transfer))
        return rc;
    return find_for_verb(child, number, ret_stream);
}

int proc_close(proc_child *child, int fd)
{
    struct stream *stream;
    int rc = find_for_verb(child, fd, &stream);
    return rc < 0 ? rc : proc__stream_close(child, stream);
}

int proc_child_stream(const proc_child *child, int fd)
{
    struct stream *stream;
    int rc = find_for_verb(child, fd, &stream);
    if (rc < 0)
        return rc;
    pthread_mutex_t *lock = (pthread_mutex_t *)&child->lock;
    pthread_mutex_lock(lock);
    rc = fd_locked(stream);
    pthread_mutex_unlock(lock);
    return rc;
}

int proc_child_take_stream(proc_child *child, int fd)
{
    struct stream *stream;
    int rc = find_for_verb(child, fd, &stream);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&child->lock);
    rc = fd_locked(stream);
    if (rc >= 0 && stream->users > 0)
        rc = -EBUSY;
    if (rc >= 0)
        stream->fd = -1;
    pthread_mutex_unlock(&child->lock);
    return rc;
}

/* ---- Reading and writing ---- */

static int wait_for(int fd, short events, deadline when)
{
    struct pollfd one = {.fd = fd, .events = events};
    int ready = proc__poll(&one, 1, when);
    if (ready < 0) /* trying now and then does as well */
        return proc__nap(when);
    return ready > 0 ? 0 : -ETIMEDOUT;
}

static int64_t read_until(const struct stream *stream, int fd, void *buffer, size_t size, deadline when)
{
    for (;;) {
        int64_t got = proc__transfer_read(&stream->transfer, fd, buffer, size);
        if (got != -EAGAIN)
            return got;
        int rc = wait_for(fd, POLLIN, when);
        if (rc < 0)
            return rc;
    }
}

/* A thread that is cancelled while it waits lets go of the descriptor, or a close would never come to pass. */
struct use {
    proc_child *child;
    struct stream *stream;
};

static void end_use(void *arg)
{
    const struct use *use = arg;
    proc__stream_leave(use->child, use->stream);
}

int64_t proc_read(proc_child *child, int fd, void *buffer, size_t size, int timeout_ms)
{
    struct stream *stream;
    int rc = find_for_verb(child, fd, &stream);
    if (rc < 0)
        return rc;
    if (!buffer || size == 0 || timeout_ms < -1)
        return -EINVAL;
    if (!stream->from_child)
        return -EBADF;
    int own = proc__stream_enter(child, stream);
    if (own < 0)
        return own;
    struct use use = {child, stream};
    int64_t got;
    pthread_cleanup_push(end_use, &use);
    got = read_until(stream, own, buffer, size, proc__deadline_in(timeout_ms));
    pthread_cleanup_pop(1);
    return got;
}

/* What was written before something went wrong counts; the same thing will go wrong again at the next call. */
static int64_t write_until(const struct stream *stream, int fd, const char *data, size_t size, deadline when)
{
    size_t done = 0;
    while (done < size) {
        int64_t some = proc__transfer_write(&stream->transfer, fd, data + done, size - done);
        if (some == -EAGAIN)
            some = wait_for(fd, POLLOUT, when);
        if (some < 0)
            return done > 0 ? (int64_t)done : some;
        done += (size_t)some;
    }
    return (int64_t)done;
}

int64_t proc_write(proc_child *child, int fd, const void *data, size_t size, int timeout_ms)
{
    struct stream *stream;
    int rc = find_for_writing(child, fd, &stream);
    if (rc < 0)
        return rc;
    if ((!data && size > 0) || size > INT64_MAX || timeout_ms < -1)
        return -EINVAL;
    if (!stream->to_child)
        return -EBADF;
    int own = proc__stream_enter(child, stream);
    if (own < 0)
        return own;
    struct use use = {child, stream};
    int64_t done;
    pthread_cleanup_push(end_use, &use);
    done = write_until(stream, own, data, size, proc__deadline_in(timeout_ms));
    pthread_cleanup_pop(1);
    return done;
}
