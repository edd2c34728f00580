/* SPDX-License-Identifier: MIT */
/*
 * The poll over the transferring streams: in rounds for proc_run() and proc_collect(), once for proc_pump(), and by an
 * epoll set for loops of others. Only the one who has entered the pump closes a transferring stream, so it may look
 * at the descriptors without the lock.
 */
#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "../base/fd.h"

/* Polled descriptors that find room on the stack: three streams, the child's end, cancel_fd, and some. */
#define FEW 8

/* ---- The streams of one child ---- */

static size_t count_moving(const proc_child *child)
{
    size_t count = 0;
    for (size_t i = 0; i < child->stream_count; i++)
        count += proc__stream_is_moving(&child->streams[i]) ? 1 : 0;
    return count;
}

/* Writes one entry for each moving stream. How many. */
static size_t add_streams(const proc_child *child, struct pollfd *fds)
{
    size_t count = 0;
    for (size_t i = 0; i < child->stream_count; i++) {
        const struct stream *stream = &child->streams[i];
        if (proc__stream_is_moving(stream))
            fds[count++] = (struct pollfd){.fd = stream->fd, .events = stream->from_child ? POLLIN : POLLOUT};
    }
    return count;
}

static void move(proc_child *child, struct stream *stream)
{
    int moved = proc__transfer_move(&stream->transfer, stream->fd, stream->number);
    if (child->transfer_error == 0)
        child->transfer_error = stream->transfer.error;
    if (moved == TRANSFER_ENDED)
        proc__stream_finish(child, stream);
}

/* Moves a portion of each ready stream. `fds` is what add_streams() wrote for the same streams; how many it used. */
static size_t move_ready(proc_child *child, const struct pollfd *fds)
{
    size_t used = 0;
    for (size_t i = 0; i < child->stream_count; i++) {
        struct stream *stream = &child->streams[i];
        if (proc__stream_is_moving(stream) && fds[used++].revents != 0)
            move(child, stream);
    }
    return used;
}

/* ---- Rounds ---- */

int proc__pump_prepare(proc_child *child)
{
    size_t moving = 0, outputs = 0;
    for (size_t i = 0; i < child->stream_count; i++) {
        const struct stream *stream = &child->streams[i];
        moving += proc__transfer_is_ours(&stream->transfer) ? 1 : 0;
        outputs += stream->transfer.is.kind == PROC_STDIO_CAPTURE && stream->number != 1 && stream->number != 2;
    }
    if (moving + 2 > FEW)
        child->polled = calloc(moving + 2, sizeof *child->polled);
    if (outputs > 0)
        child->outputs = calloc(outputs, sizeof *child->outputs);
    child->output_count = outputs;
    if ((moving + 2 > FEW && !child->polled) || (outputs > 0 && !child->outputs)) {
        proc__pump_done(child);
        return -ENOMEM;
    }
    return 0;
}

void proc__pump_done(proc_child *child)
{
    free(child->polled);
    free(child->outputs);
    child->polled = NULL;
    child->outputs = NULL;
    child->output_count = 0;
    proc__fd_close(&child->pump_fd);
}

int proc__pump_enter(proc_child *child)
{
    pthread_mutex_lock(&child->lock);
    int rc = child->pumping ? -EBUSY : 0;
    child->pumping = 1;
    pthread_mutex_unlock(&child->lock);
    return rc;
}

void proc__pump_leave(proc_child *child)
{
    pthread_mutex_lock(&child->lock);
    child->pumping = 0;
    pthread_mutex_unlock(&child->lock);
}

static uint64_t bytes_moved(const proc_child *child)
{
    uint64_t total = 0;
    for (size_t i = 0; i < child->stream_count; i++)
        total += child->streams[i].transfer.total;
    return total;
}

/* poll(2) can lack memory, too. Our ends do not block, so trying all of them now and then does as well. */
static void move_blindly(proc_child *child, struct pollfd *fds, size_t count, deadline when)
{
    uint64_t before = bytes_moved(child);
    for (size_t i = 0; i < count; i++)
        fds[i].revents = fds[i].events;
    move_ready(child, fds);
    if (bytes_moved(child) == before)
        (void)proc__nap(when);
}

int proc__pump_round(proc_child *child, deadline when, int watched)
{
    struct pollfd few[FEW];
    struct pollfd *fds = child->polled ? child->polled : few;
    size_t count = add_streams(child, fds);
    struct pollfd *end = NULL, *cancel = NULL;
    if (watched & PUMP_END) {
        end = &fds[count++];
        *end = (struct pollfd){.fd = child->pidfd, .events = POLLIN};
    }
    if (watched & PUMP_CANCEL && child->cancel_fd >= 0) {
        cancel = &fds[count];
        *cancel = (struct pollfd){.fd = child->cancel_fd, .events = POLLIN};
    }
    if (proc__poll(fds, cancel ? count + 1 : count, when) < 0) {
        move_blindly(child, fds, count, when);
        return watched & PUMP_END;
    }
    move_ready(child, fds);
    return (end && end->revents ? PUMP_END : 0) | (cancel && cancel->revents ? PUMP_CANCEL : 0);
}

size_t proc__pump_outputs_open(const proc_child *child)
{
    size_t count = 0;
    for (size_t i = 0; i < child->stream_count; i++)
        count += proc__stream_is_moving(&child->streams[i]) && child->streams[i].from_child ? 1 : 0;
    return count;
}

void proc__pump_note_due(proc_child *child)
{
    for (size_t i = 0; i < child->stream_count; i++) {
        struct stream *stream = &child->streams[i];
        if (proc__stream_is_moving(stream) && stream->from_child)
            proc__transfer_note_due(&stream->transfer, stream->fd);
    }
}

static int is_any_due(const proc_child *child)
{
    for (size_t i = 0; i < child->stream_count; i++) {
        const struct stream *stream = &child->streams[i];
        if (proc__stream_is_moving(stream) && stream->from_child && proc__transfer_is_due(&stream->transfer))
            return 1;
    }
    return 0;
}

void proc__pump_move_due(proc_child *child)
{
    uint64_t before = UINT64_MAX;
    /* Not moved any further: a forked copy of this program has read some of it. */
    while (is_any_due(child) && bytes_moved(child) != before) {
        before = bytes_moved(child);
        proc__pump_round(child, proc__deadline_in(0), 0);
    }
    /* The end of file comes as a round of its own. */
    if (proc__pump_outputs_open(child) > 0)
        proc__pump_round(child, proc__deadline_in(0), 0);
}

void proc__pump_give_up(proc_child *child)
{
    for (size_t i = 0; i < child->stream_count; i++) {
        struct stream *stream = &child->streams[i];
        if (!proc__stream_is_moving(stream))
            continue;
        proc__transfer_leave(&stream->transfer, stream->from_child, stream->number);
        if (child->transfer_error == 0)
            child->transfer_error = stream->transfer.error;
        proc__stream_close(child, stream);
    }
}

/* ---- For programs with their own loop ---- */

static size_t count_all(proc_child *const children[], size_t count)
{
    size_t streams = 0;
    for (size_t i = 0; i < count; i++)
        streams += count_moving(children[i]);
    return streams;
}

/* One poll over the streams of all, one portion for each that is ready. As proc_pump(). */
static int pump_once(proc_child *const children[], size_t count, int timeout_ms)
{
    size_t streams = count_all(children, count);
    if (streams == 0)
        return 0;
    struct pollfd few[FEW];
    struct pollfd *fds = streams > FEW ? calloc(streams, sizeof *fds) : few;
    if (!fds)
        return -ENOMEM;
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        used += add_streams(children[i], fds + used);
    int rc = proc__poll(fds, used, proc__deadline_in(timeout_ms));
    if (rc > 0) {
        used = 0;
        for (size_t i = 0; i < count; i++)
            used += move_ready(children[i], fds + used);
        rc = (int)count_all(children, count);
    } else if (rc == 0) {
        rc = -ETIMEDOUT;
    }
    if (fds != few)
        free(fds);
    return rc;
}

int proc_pump(proc_child *const children[], size_t count, int timeout_ms)
{
    if (!children || count == 0 || timeout_ms < -1)
        return -EINVAL;
    int rc = 0, cancellable;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = proc__child_check(children[i]);
    if (rc < 0)
        return rc;

    /* A thread that is cancelled halfway would keep the others out for ever. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    size_t entered = 0;
    while (entered < count && rc == 0) {
        rc = proc__pump_enter(children[entered]);
        entered += rc == 0 ? 1 : 0;
    }
    if (rc == 0)
        rc = pump_once(children, count, timeout_ms);
    while (entered > 0)
        proc__pump_leave(children[--entered]);
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}

/* An epoll set of the moving streams. The descriptor or a negative errno. */
static int make_epoll_set(const proc_child *child)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    set = set < 0 ? -errno : proc__fd_above_stdio(set);
    for (size_t i = 0; i < child->stream_count && set >= 0; i++) {
        const struct stream *stream = &child->streams[i];
        struct epoll_event event = {.events = stream->from_child ? EPOLLIN : EPOLLOUT};
        if (proc__stream_is_moving(stream) && epoll_ctl(set, EPOLL_CTL_ADD, stream->fd, &event) < 0) {
            int rc = -errno;
            proc__fd_close(&set);
            set = rc;
        }
    }
    return set;
}

int proc_pump_fd(proc_child *child)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&child->lock);
    if (child->pump_fd < 0) {
        rc = make_epoll_set(child);
        if (rc >= 0)
            child->pump_fd = rc;
    } else {
        rc = child->pump_fd;
    }
    pthread_mutex_unlock(&child->lock);
    return rc;
}
