/* SPDX-License-Identifier: MIT */
/*
 * Other processes, by a pidfd of our own. A stranger's pidfd is readable from its end on, and hung up once its parent
 * has taken note, which makes its status known; the parent is given a moment for that.
 */
#include "loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../procfs/exit_wait.h"
#include "../procfs/target.h"

#define PARENT_PATIENCE_MS 100

static int tell_of_process(proc_watch *watch, const proc_exit *ended)
{
    proc_loop *loop = watch->loop;
    const struct watch_ref self = watch->self;
    int pidfd = watch->as.process.pidfd;
    proc__watch_unpoll(watch, pidfd);
    watch->as.process.pidfd = -1;
    proc__watch_rest(watch);
    loop->calls++;
    int rc = proc__loop_answer(loop, watch->as.process.call(watch, pidfd, ended, watch->user));
    proc__fd_close(&pidfd);
    watch = proc__watch_find(loop, self);
    if (watch)
        proc__watch_finish(watch);
    return rc;
}

/* Hanging up is told of without being asked for, and is all that is of interest now. */
static int give_the_parent_time(proc_watch *watch)
{
    watch->as.process.patience = proc__deadline_in(PARENT_PATIENCE_MS);
    proc__watch_set_due(watch, watch->as.process.patience);
    return proc__watch_poll_again(watch, watch->as.process.pidfd, 0, 0);
}

/* One that has ended. */
static int judge_process(proc_watch *watch)
{
    struct exit_view view;
    int rc = proc__exit_look_at_ended(watch->as.process.pidfd, &view);
    if (rc < 0)
        return rc;
    const int is_known = view.exit.kind != PROC_EXITED_UNREAPED || view.silent;
    if (!is_known && watch->as.process.patience == 0)
        return give_the_parent_time(watch);
    if (!is_known && !proc__deadline_passed(watch->as.process.patience))
        return 0;
    return tell_of_process(watch, &view.exit);
}

static int process_is_ready(proc_watch *watch, uint32_t events, int second)
{
    (void)events, (void)second;
    return judge_process(watch);
}

static void end_process(proc_watch *watch, int is_copy)
{
    if (watch->as.process.pidfd >= 0 && !is_copy)
        proc__watch_unpoll(watch, watch->as.process.pidfd);
    proc__fd_close(&watch->as.process.pidfd);
}

static const struct watch_kind process_kind = {
    .urgent = 1, .ready = process_is_ready, .due = judge_process, .end = end_process};

static int is_ourselves(const proc_target *target)
{
    return !target || (!target->pidfd && !target->dir_fd && (target->pid == 0 || target->pid == (int)getpid()));
}

int proc_loop_process(proc_loop *loop, const proc_target *target, proc_on_process call, void *user,
                      proc_watch **ret_watch)
{
    proc_watch *watch;
    if (!call || is_ourselves(target))
        return -EINVAL;
    int rc = proc__watch_new(loop, &process_kind, user, &watch);
    if (rc < 0)
        return rc;
    watch->as.process.call = call;
    watch->as.process.pidfd = rc = proc__target_pidfd(target);
    if (rc >= 0)
        rc = proc__watch_poll(watch, watch->as.process.pidfd, EPOLLIN, 0);
    return rc < 0 ? proc__watch_undo(watch, rc) : proc__watch_give(watch, ret_watch);
}
