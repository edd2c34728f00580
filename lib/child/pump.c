/* SPDX-License-Identifier: MIT */
/*
 * The poll over the transferring streams: in rounds for the calls that take children to their end, and once for
 * proc_pump(). Only the one who has entered the pump closes a transferring stream, so it may look at the descriptors
 * without the lock.
 */
#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "../base/fd.h"

/* Polled descriptors that find room on the stack: three streams, the child's end, cancel_fd, and some. */
#define FEW 8

/* ---- The streams of all ---- */

/* A way along the moving streams of all children. A stream may be closed when it has been passed. */
struct way {
    const struct crew *crew;
    size_t child, next;
};

/* The next one, and whose it is; NULL at the end. */
static struct stream *next_moving(struct way *way, proc_child **ret_child)
{
    for (; way->child < way->crew->count; way->child++, way->next = 0) {
        proc_child *child = way->crew->children[way->child];
        while (way->next < child->stream_count) {
            struct stream *stream = &child->streams[way->next++];
            *ret_child = child;
            if (proc__stream_is_moving(stream))
                return stream;
        }
    }
    return NULL;
}

static size_t count_moving(const struct crew *crew)
{
    size_t count = 0;
    proc_child *child;
    for (struct way way = {.crew = crew}; next_moving(&way, &child);)
        count++;
    return count;
}

/* Writes one entry for each moving stream. How many. */
static size_t add_streams(const struct crew *crew, struct pollfd *fds)
{
    size_t count = 0;
    proc_child *child;
    const struct stream *stream;
    for (struct way way = {.crew = crew}; (stream = next_moving(&way, &child));)
        fds[count++] = proc__tee_waits(&stream->transfer.tee) > 0
                           ? (struct pollfd){.fd = stream->transfer.tee.fd, .events = POLLOUT}
                           : (struct pollfd){.fd = stream->fd, .events = stream->from_child ? POLLIN : POLLOUT};
    return count;
}

static void note_error(proc_child *child, const struct stream *stream)
{
    if (child->transfer_error == 0)
        child->transfer_error = stream->transfer.error;
    if (child->transfer_error == 0)
        child->transfer_error = stream->transfer.tee.error;
}

static void move(proc_child *child, struct stream *stream)
{
    int moved = proc__transfer_move(&stream->transfer, stream->fd, stream->number);
    note_error(child, stream);
    if (moved == TRANSFER_ENDED)
        proc__stream_finish(child, stream);
    else
        proc__pump_set_follow(child, stream);
}

/* Moves a portion of each ready stream. `fds` is what add_streams() wrote for the same streams. */
static void move_ready(const struct crew *crew, const struct pollfd *fds)
{
    proc_child *child;
    struct stream *stream;
    for (struct way way = {.crew = crew}; (stream = next_moving(&way, &child)); fds++)
        if (fds->revents != 0)
            move(child, stream);
}

/* ---- Rounds ---- */

/* The output 1 has its own place in the result, and so has a 2, but not one that a stage has of its own. */
static int may_need_a_place(const struct stream *stream)
{
    return stream->transfer.is.kind == PROC_STDIO_CAPTURE && stream->number != 1;
}

int proc__pump_prepare(const struct crew *crew)
{
    proc_child *first = crew->children[0];
    size_t polled = crew->count + 1, outputs = 0;
    for (size_t i = 0; i < crew->count; i++)
        for (size_t j = 0; j < crew->children[i]->stream_count; j++) {
            const struct stream *stream = &crew->children[i]->streams[j];
            polled += proc__transfer_is_ours(&stream->transfer) ? 1 : 0;
            outputs += may_need_a_place(stream) ? 1 : 0;
        }
    proc__pump_done(first);
    if (polled > FEW)
        first->polled = calloc(polled, sizeof *first->polled);
    if (outputs > 0)
        first->outputs = calloc(outputs, sizeof *first->outputs);
    if ((polled > FEW && !first->polled) || (outputs > 0 && !first->outputs)) {
        proc__pump_done(first);
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

static uint64_t bytes_moved(const struct crew *crew)
{
    uint64_t total = 0;
    for (size_t i = 0; i < crew->count; i++)
        for (size_t j = 0; j < crew->children[i]->stream_count; j++)
            total += crew->children[i]->streams[j].transfer.total;
    return total;
}

/* poll(2) can lack memory, too. Our ends do not block, so trying all of them now and then does as well. */
static void move_blindly(const struct crew *crew, struct pollfd *fds, size_t count, deadline when)
{
    uint64_t before = bytes_moved(crew);
    for (size_t i = 0; i < count; i++)
        fds[i].revents = fds[i].events;
    move_ready(crew, fds);
    if (bytes_moved(crew) == before)
        (void)proc__nap(when);
}

static size_t add_ends(const struct crew *crew, struct pollfd *fds)
{
    size_t count = 0;
    for (size_t i = 0; i < crew->count; i++)
        if (!crew->children[i]->seen_ended)
            fds[count++] = (struct pollfd){.fd = crew->children[i]->pidfd, .events = POLLIN};
    return count;
}

static int is_any_ready(const struct pollfd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (fds[i].revents != 0)
            return 1;
    return 0;
}

int proc__pump_round(const struct crew *crew, deadline when, int watched)
{
    struct pollfd few[FEW];
    const proc_child *first = crew->children[0];
    struct pollfd *fds = first->polled ? first->polled : few;
    size_t streams = add_streams(crew, fds);
    size_t ends = watched & PUMP_END ? add_ends(crew, fds + streams) : 0;
    struct pollfd *cancel = fds + streams + ends;
    size_t cancels = watched & PUMP_CANCEL && first->cancel_fd >= 0 ? 1 : 0;
    if (cancels)
        *cancel = (struct pollfd){.fd = first->cancel_fd, .events = POLLIN};
    if (proc__poll(fds, streams + ends + cancels, when) < 0) {
        move_blindly(crew, fds, streams, when);
        /* It allows fewer at once than may be open, but one it does. */
        int is_cancelled = cancels && proc__poll(cancel, 1, proc__deadline_in(0)) > 0;
        return (watched & PUMP_END) | (is_cancelled ? PUMP_CANCEL : 0);
    }
    move_ready(crew, fds);
    return (is_any_ready(fds + streams, ends) ? PUMP_END : 0) | (is_any_ready(cancel, cancels) ? PUMP_CANCEL : 0);
}

size_t proc__pump_outputs_open(const struct crew *crew)
{
    size_t count = 0;
    proc_child *child;
    const struct stream *stream;
    for (struct way way = {.crew = crew}; (stream = next_moving(&way, &child));)
        count += stream->from_child ? 1 : 0;
    return count;
}

void proc__pump_note_due(const struct crew *crew)
{
    proc_child *child;
    struct stream *stream;
    for (struct way way = {.crew = crew}; (stream = next_moving(&way, &child));)
        if (stream->from_child)
            proc__transfer_note_due(&stream->transfer, stream->fd);
}

static int is_any_due(const struct crew *crew)
{
    proc_child *child;
    const struct stream *stream;
    for (struct way way = {.crew = crew}; (stream = next_moving(&way, &child));)
        if (stream->from_child && proc__transfer_is_due(&stream->transfer))
            return 1;
    return 0;
}

void proc__pump_move_due(const struct crew *crew)
{
    uint64_t before = UINT64_MAX;
    /* Not moved any further: a forked copy of this program has read some of it. */
    while (is_any_due(crew) && bytes_moved(crew) != before) {
        before = bytes_moved(crew);
        proc__pump_round(crew, proc__deadline_in(0), 0);
    }
    /* The end of file comes as a round of its own. */
    if (proc__pump_outputs_open(crew) > 0)
        proc__pump_round(crew, proc__deadline_in(0), 0);
}

int proc__pump_waits_for_tees(const struct crew *crew)
{
    proc_child *child;
    const struct stream *stream;
    for (struct way way = {.crew = crew}; (stream = next_moving(&way, &child));)
        if (proc__tee_waits(&stream->transfer.tee) > 0 && proc__transfer_is_due(&stream->transfer))
            return 1;
    return 0;
}

size_t proc__pump_give_up_tees(const struct crew *crew)
{
    size_t count = 0;
    proc_child *child;
    struct stream *stream;
    for (struct way way = {.crew = crew}; (stream = next_moving(&way, &child));) {
        if (proc__tee_waits(&stream->transfer.tee) == 0)
            continue;
        proc__tee_give_up(&stream->transfer.tee, -ETIMEDOUT);
        note_error(child, stream);
        proc__pump_set_follow(child, stream);
        count++;
    }
    return count;
}

void proc__pump_give_up(const struct crew *crew)
{
    if (proc__pump_give_up_tees(crew) > 0)
        proc__pump_move_due(crew);
    proc_child *child;
    struct stream *stream;
    for (struct way way = {.crew = crew}; (stream = next_moving(&way, &child));) {
        proc__transfer_leave(&stream->transfer, stream->from_child, stream->number);
        note_error(child, stream);
        proc__stream_close(child, stream);
    }
}

/* ---- For programs with their own loop ---- */

/* One poll over the streams of all, one portion for each that is ready. As proc_pump(). */
static int pump_once(const struct crew *crew, int timeout_ms)
{
    size_t streams = count_moving(crew);
    if (streams == 0)
        return 0;
    struct pollfd few[FEW];
    struct pollfd *fds = streams > FEW ? calloc(streams, sizeof *fds) : few;
    if (!fds)
        return -ENOMEM;
    add_streams(crew, fds);
    int rc = proc__poll(fds, streams, proc__deadline_in(timeout_ms));
    if (rc > 0) {
        move_ready(crew, fds);
        rc = (int)count_moving(crew);
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
        rc = pump_once(&(const struct crew){children, count}, timeout_ms);
    while (entered > 0)
        proc__pump_leave(children[--entered]);
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}
