/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a lock without taking it: the file and the holder are listened to, and every pause ends by itself, since
 * some give a lock up without a sign. A sign in vain is followed by a pause in which none is heard, so that nobody who
 * opens and closes the file can keep us busy. Owns its descriptors.
 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/pidfd.h"

#define PAUSE_MIN_MS 10
#define PAUSE_MAX_MS 250

void proc__lock_wait_begin(struct lock_wait *wait, int cancel)
{
    *wait = (struct lock_wait){.inotify = -1, .pidfd = -1, .cancel = cancel, .pause_ms = PAUSE_MIN_MS};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &wait->cancellable);
}

void proc__lock_wait_done(struct lock_wait *wait)
{
    proc__fd_close(&wait->inotify);
    proc__fd_close(&wait->pidfd);
    pthread_setcancelstate(wait->cancellable, NULL);
}

/* Of a closed descriptor, which is still locked for a moment; of a name that is gone; of a file moved elsewhere. */
#define SIGNS (IN_CLOSE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)

/* Without it, for want of a /proc or of inotify instances, the pauses have to do. */
void proc__lock_wait_for(struct lock_wait *wait, const struct lock_file *file)
{
    char path[40];
    proc__fd_close(&wait->inotify);
    wait->pause_ms = PAUSE_MIN_MS;
    wait->deaf = 0;
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return;
    fd = proc__fd_above_stdio(fd);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file->fd);
    if (fd >= 0 && inotify_add_watch(fd, path, SIGNS) < 0)
        proc__fd_close(&fd);
    wait->inotify = fd < 0 ? -1 : fd;
}

static void drain(int inotify)
{
    _Alignas(struct inotify_event) char events[4096];
    while (proc__fd_read(inotify, events, sizeof events) > 0)
        ;
}

/* What has become ready decides what the next pause is like. */
static int heed(struct lock_wait *wait)
{
    const struct pollfd *signs = wait->signs;
    if (signs[0].revents)
        return -ECANCELED;
    if (signs[1].revents) {
        /* It has ended, and with it its locks, unless a child keeps them; who opens it again hears that at once. */
        proc__fd_close(&wait->pidfd);
        wait->pause_ms = PAUSE_MIN_MS;
        wait->deaf = 1;
    } else if (signs[2].revents) {
        drain(wait->inotify);
        wait->pause_ms = PAUSE_MIN_MS;
        wait->deaf = 1;
    }
    return 0;
}

int proc__lock_wait(struct lock_wait *wait, deadline until)
{
    wait->signs[0] = (struct pollfd){.fd = wait->cancel, .events = POLLIN};
    wait->signs[1] = (struct pollfd){.fd = wait->pidfd, .events = POLLIN};
    wait->signs[2] = (struct pollfd){.fd = wait->deaf ? -1 : wait->inotify, .events = POLLIN};
    pthread_setcancelstate(wait->cancellable, NULL);
    int ready = proc__poll(wait->signs, 3, proc__deadline_min(until, proc__deadline_in(wait->pause_ms)));
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    if (ready > 0)
        return heed(wait);
    if (ready < 0)
        proc__nap(until);
    wait->deaf = 0;
    wait->pause_ms = wait->pause_ms * 2 < PAUSE_MAX_MS ? wait->pause_ms * 2 : PAUSE_MAX_MS;
    return 0;
}
