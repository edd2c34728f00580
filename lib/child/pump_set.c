/* SPDX-License-Identifier: MIT */
/*
 * The descriptor by which loops of others learn that there are bytes to be moved: an epoll set of what the transferring
 * streams of a child wait for. The handle owns it; all of this happens under its lock, since any thread may ask for it.
 */
#include "pump.h"

#include <errno.h>
#include <sys/epoll.h>

#include "../base/fd.h"

/*
 * A stream that waits for its tee must be out of the set, or a loop would spin: it stays readable, and a hangup is told
 * of whatever one asks for. What it waits for comes in before the other goes out: if there is no memory for that, a
 * loop that spins is better than one that is never told.
 */
static void follow_locked(int set, const struct stream *stream)
{
    struct epoll_event room = {.events = EPOLLOUT}, bytes = {.events = EPOLLIN};
    int target = stream->transfer.tee.fd;
    if (stream->waits_for_tee && epoll_ctl(set, EPOLL_CTL_ADD, target, &room) == 0)
        epoll_ctl(set, EPOLL_CTL_DEL, stream->fd, NULL);
    else if (!stream->waits_for_tee && (epoll_ctl(set, EPOLL_CTL_ADD, stream->fd, &bytes) == 0 || errno == EEXIST))
        epoll_ctl(set, EPOLL_CTL_DEL, target, NULL);
}

void proc__pump_set_follow(proc_child *child, struct stream *stream)
{
    int waits = proc__tee_waits(&stream->transfer.tee) > 0;
    if (waits == stream->waits_for_tee)
        return;
    pthread_mutex_lock(&child->lock);
    stream->waits_for_tee = waits;
    if (child->pump_fd >= 0)
        follow_locked(child->pump_fd, stream);
    pthread_mutex_unlock(&child->lock);
}

void proc__pump_set_remove(proc_child *child, struct stream *stream)
{
    if (child->pump_fd >= 0 && stream->fd >= 0)
        epoll_ctl(child->pump_fd, EPOLL_CTL_DEL, stream->fd, NULL);
    if (child->pump_fd >= 0 && stream->transfer.tee.fd >= 0)
        epoll_ctl(child->pump_fd, EPOLL_CTL_DEL, stream->transfer.tee.fd, NULL);
}

static int add(int set, const struct stream *stream)
{
    struct epoll_event event = {.events = stream->from_child ? EPOLLIN : EPOLLOUT};
    if (epoll_ctl(set, EPOLL_CTL_ADD, stream->fd, &event) < 0)
        return -errno;
    if (stream->waits_for_tee)
        follow_locked(set, stream);
    return 0;
}

/* An epoll set of the moving streams. The descriptor or a negative errno. */
static int make_set(const proc_child *child)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    set = set < 0 ? -errno : proc__fd_above_stdio(set);
    for (size_t i = 0; i < child->stream_count && set >= 0; i++) {
        const struct stream *stream = &child->streams[i];
        int rc = proc__stream_is_moving(stream) ? add(set, stream) : 0;
        if (rc < 0) {
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
        rc = make_set(child);
        if (rc >= 0)
            child->pump_fd = rc;
    } else {
        rc = child->pump_fd;
    }
    pthread_mutex_unlock(&child->lock);
    return rc;
}
