/* SPDX-License-Identifier: MIT */
/*
 * From a PID file to the process itself: a descriptor that was seen to be the holder's after it was opened, and a
 * signal through it. A number out of a file is never signalled.
 */
#include "lock_view.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/pidfd.h"

#define TRIES 16

static int is_same_holder(const proc_holder *a, const proc_holder *b)
{
    if (a->pid != b->pid)
        return 0;
    return a->identity.pid == 0 && b->identity.pid == 0 ? 1 : proc_identity_same(&a->identity, &b->identity);
}

/* 0: there is a process to open; else why not. */
static int is_process_here(const proc_holder *holder)
{
    if (holder->state == PROC_LOCK_FREE)
        return -ESRCH;
    return holder->pid == 0 || holder->foreign ? -ENODATA : 0;
}

/*
 * Opens the holder, and sees then that it still is: it was the same process all the time, so it is the one that was
 * opened. -EAGAIN: it has changed meanwhile.
 */
static int open_holder(struct lock_view *view, proc_holder *ret_holder)
{
    proc_holder before, after;
    int rc = proc__view_look(view, &before);
    if (rc == 0)
        rc = is_process_here(&before);
    if (rc < 0)
        return rc;
    int pidfd = proc__pidfd_open(before.pid);
    if (pidfd == -ESRCH)
        return -EAGAIN;
    if (pidfd == -EPERM)
        return -ENOSYS; /* a filter; the kernel lets everybody open everybody */
    if (pidfd < 0)
        return pidfd;
    pidfd = proc__fd_above_stdio(pidfd);
    rc = pidfd < 0 ? pidfd : proc__view_look(view, &after);
    if (rc == 0 && (is_process_here(&after) < 0 || !is_same_holder(&before, &after)))
        rc = -EAGAIN;
    if (rc < 0) {
        proc__fd_close(&pidfd);
        return rc;
    }
    *ret_holder = after;
    return pidfd;
}

static int open_steady_holder(struct lock_view *view, proc_holder *ret_holder)
{
    int rc = -EAGAIN;
    for (int i = 0; rc == -EAGAIN && i < TRIES; i++)
        rc = open_holder(view, ret_holder);
    return rc == -EAGAIN ? -ENODATA : rc;
}

int proc_lock_holder_fd(const char *path, const int *dir_fd)
{
    struct lock_view view;
    proc_holder holder;
    if (!path)
        return -EINVAL;
    int rc = proc__view_open(&view, path, dir_fd);
    if (rc < 0)
        return rc == -ENOENT ? -ESRCH : rc;
    rc = open_steady_holder(&view, &holder);
    proc__view_done(&view);
    return rc;
}

/* ---- Signals ---- */

/* 1: it holds the lock no longer, whoever does now; 0: it does, or a child of it. */
static int has_let_go(const proc_holder *was, const proc_holder *now, int has_ended)
{
    if (now->state != PROC_LOCK_HELD)
        return 1;
    if (now->pid == 0)
        return has_ended && now->starting;
    return !is_same_holder(was, now);
}

static int wait_until_it_lets_go(struct lock_view *view, const proc_holder *was, struct lock_wait *wait, deadline until)
{
    ino_t listened = 0;
    for (;;) {
        proc_holder now;
        int rc = proc__view_look(view, &now);
        if (rc < 0)
            return rc;
        if (has_let_go(was, &now, wait->pidfd < 0))
            return 0;
        if (proc__deadline_passed(until))
            return -ETIMEDOUT;
        if (view->file.inode != listened) {
            listened = view->file.inode;
            proc__lock_wait_for(wait, &view->file);
            continue;
        }
        proc__lock_wait(wait, until);
    }
}

static int signal_and_wait(struct lock_view *view, struct lock_wait *wait, int signal, int timeout_ms)
{
    proc_holder holder;
    deadline until = proc__deadline_in(timeout_ms);
    int pidfd = open_steady_holder(view, &holder);
    if (pidfd < 0)
        return pidfd;
    wait->pidfd = pidfd;
    if (holder.pid == (int)getpid() && timeout_ms != 0)
        return -EDEADLK;
    int rc = proc__pidfd_signal(pidfd, signal, 0);
    if (rc < 0 || timeout_ms == 0)
        return rc;
    return wait_until_it_lets_go(view, &holder, wait, until);
}

struct signalling {
    struct lock_view view;
    struct lock_wait wait;
};

static void end_signalling(void *arg)
{
    struct signalling *signalling = arg;
    proc__lock_wait_done(&signalling->wait);
    proc__view_done(&signalling->view);
}

int proc_lock_signal(const char *path, const int *dir_fd, int signal, int timeout_ms)
{
    struct signalling signalling;
    if (!path || signal < 0 || signal > LAST_SIGNAL || timeout_ms < -1)
        return -EINVAL;
    int rc = proc__view_open(&signalling.view, path, dir_fd);
    if (rc < 0)
        return rc == -ENOENT ? -ESRCH : rc;
    proc__lock_wait_begin(&signalling.wait, -1);
    pthread_cleanup_push(end_signalling, &signalling);
    rc = signal_and_wait(&signalling.view, &signalling.wait, signal, timeout_ms);
    pthread_cleanup_pop(1);
    return rc;
}
