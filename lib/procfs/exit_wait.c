/* SPDX-License-Identifier: MIT */
/*
 * How a process ended that is not, or need not be, a child of ours. Asks its pidfd, reaps nobody, keeps nothing.
 *
 * A stranger goes through three states: it runs; it has ended, and only its parent may know how; its parent has reaped
 * it, and the kernel tells everybody who holds a pidfd, if it is one that does (6.15).
 */
#include "exit_wait.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/fd.h"
#include "../base/pidfd.h"
#include "target.h"

/* For what the kernel does at once; only so that no surprise of it can hang us. */
#define PATIENCE_MS 1000
/* Between two looks at what cannot be polled for. */
#define NAP_MS 10

/* The events of a pidfd now. */
static int events_of(int pidfd)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    int ready = proc__poll(&end, 1, proc__deadline_in(0));
    return ready < 0 ? ready : end.revents;
}

/*
 * Ended, and not our child. Reaped, if the kernel finds nobody behind the pidfd; a status is ready when it reports
 * POLLHUP, which can be a moment later.
 */
static void look_at_stranger(int pidfd, struct exit_view *view)
{
    int rc = proc__pidfd_exit_info(pidfd, &view->exit);
    if (rc == 0)
        return;
    view->silent = rc == -ENODATA;
    view->exit = (proc_exit){.kind = PROC_EXITED_UNREAPED};
    if (proc__pidfd_signal(pidfd, 0, 0) != -ESRCH)
        return;
    view->exit.kind = PROC_LOST;
    if (view->silent)
        return;
    struct pollfd hangup = {.fd = pidfd};
    proc__poll(&hangup, 1, proc__deadline_in(PATIENCE_MS));
    proc__pidfd_exit_info(pidfd, &view->exit);
}

static int look(int pidfd, int has_ended, struct exit_view *view)
{
    *view = (struct exit_view){.exit = {.kind = PROC_RUNNING}};
    int rc = proc__pidfd_peek(pidfd, &view->exit);
    if (rc < 0 && rc != -ECHILD)
        return rc;
    view->ours = rc == 0;
    if (rc == 1 || !has_ended)
        return 0;
    /* Our child, and yet nothing to reap: a debugger comes first. */
    if (view->ours)
        view->exit.kind = PROC_EXITED_UNREAPED;
    else
        look_at_stranger(pidfd, view);
    return 0;
}

int proc__exit_look_at_ended(int pidfd, struct exit_view *view)
{
    return look(pidfd, 1, view);
}

/* The events first: what they say stays so. */
int proc__exit_look(int pidfd, struct exit_view *view)
{
    int events = events_of(pidfd);
    return events < 0 ? events : look(pidfd, (events & (POLLIN | POLLHUP)) != 0, view);
}

static int wait_until(int pidfd, deadline when, struct exit_view *view)
{
    for (;;) {
        int rc = proc__exit_look(pidfd, view);
        if (rc < 0)
            return rc;
        int ended = view->exit.kind != PROC_RUNNING;
        if ((ended && view->exit.kind != PROC_EXITED_UNREAPED) || view->silent)
            return 0;
        if (proc__deadline_passed(when))
            return ended ? 0 : -ETIMEDOUT;
        deadline next = ended && view->ours ? proc__deadline_min(when, proc__deadline_in(NAP_MS)) : when;
        struct pollfd end = {.fd = pidfd, .events = ended ? 0 : POLLIN};
        rc = proc__poll(&end, ended && view->ours ? 0 : 1, next);
        if (rc < 0)
            return rc;
    }
}

/* Of a thread that is cancelled while it waits. */
static void close_pidfd(void *pidfd)
{
    proc__fd_close(pidfd);
}

/*
 * Looks until then, or once if that is NULL, in the only calls of this file in which a thread can be cancelled. Left
 * alone by the address sanitizer, which does not see that the frames above a cancelled one are gone.
 */
__attribute__((no_sanitize_address)) static int look_until(const proc_target *target, const deadline *until,
                                                           struct exit_view *view)
{
    int rc, pidfd = proc__target_pidfd(target);
    if (pidfd < 0)
        return pidfd;
    pthread_cleanup_push(close_pidfd, &pidfd);
    rc = until ? wait_until(pidfd, *until, view) : proc__exit_look(pidfd, view);
    pthread_cleanup_pop(1);
    return rc;
}

int proc_exit_get(const proc_target *target, proc_exit *ret_exit)
{
    struct exit_view view;
    if (!ret_exit)
        return -EINVAL;
    int rc = look_until(target, NULL, &view);
    if (rc == 0)
        *ret_exit = view.exit;
    return rc;
}

static int is_self(const proc_target *target)
{
    return !target || (!target->pidfd && !target->dir_fd &&
                       (target->pid == 0 || (target->pid == getpid() && !target->root_fd)));
}

int proc_exit_wait(const proc_target *target, int timeout_ms, proc_exit *ret_exit)
{
    struct exit_view view;
    if (timeout_ms < -1 || is_self(target))
        return -EINVAL;
    const deadline until = proc__deadline_in(timeout_ms);
    int rc = look_until(target, &until, &view);
    if (rc == 0 && ret_exit)
        *ret_exit = view.exit;
    return rc;
}
