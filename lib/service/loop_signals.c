/* SPDX-License-Identifier: MIT */
/*
 * Signals in a loop. Owns the set, and the records of it that were read together and are told one by one; what a round
 * that stops leaves of them is told by the next.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "signals.h"

struct signal_batch {
    uint64_t set;
    int next, count;
    proc_signal records[PORTION];
};

static int tell_all(proc_watch *watch)
{
    proc_loop *loop = watch->loop;
    struct signal_batch *batch = watch->as.signals.batch;
    const struct watch_ref self = watch->self;
    int rc = 0;
    while (rc >= 0 && batch->next < batch->count && !proc__loop_stops(loop)) {
        const proc_signal record = batch->records[batch->next++];
        loop->calls++;
        rc = proc__loop_answer(loop, watch->as.signals.call(watch, &record, watch->user));
        if (proc__watch_find(loop, self) != watch)
            return rc;
    }
    if (batch->next < batch->count)
        proc__watch_queue(watch);
    return rc;
}

static int signals_are_ready(proc_watch *watch, uint32_t events, int second)
{
    struct signal_batch *batch = watch->as.signals.batch;
    (void)events, (void)second;
    if (batch->next == batch->count) {
        int count = proc__signals_take(watch->as.signals.signals, batch->records, PORTION);
        if (count <= 0)
            return count;
        batch->next = 0;
        batch->count = count;
    }
    return tell_all(watch);
}

static void end_signals(proc_watch *watch, int is_copy)
{
    proc_signals *signals = watch->as.signals.signals;
    if (signals && !is_copy)
        proc__watch_unpoll(watch, proc_signals_fd(signals));
    if (signals)
        watch->loop->signals &= ~watch->as.signals.batch->set;
    watch->as.signals.signals = proc_signals_free(signals);
    free(watch->as.signals.batch);
    watch->as.signals.batch = NULL;
}

static const struct watch_kind signals_kind = {
    .urgent = 1, .ready = signals_are_ready, .turn = tell_all, .end = end_signals};

static int open_signals(proc_watch *watch, uint64_t set)
{
    /* Of two descriptors for one signal only the first to be read would have it. */
    if (watch->loop->signals & set)
        return -EBUSY;
    struct signal_batch *batch = malloc(sizeof *batch);
    if (!batch)
        return -ENOMEM;
    batch->set = set;
    batch->next = batch->count = 0;
    watch->as.signals.batch = batch;
    int rc = proc_signals_new(&watch->as.signals.signals, set, NULL);
    if (rc < 0)
        return rc;
    watch->loop->signals |= set;
    return proc__watch_poll(watch, proc_signals_fd(watch->as.signals.signals), EPOLLIN, 0);
}

int proc_loop_signals(proc_loop *loop, uint64_t set, proc_on_signal call, void *user, proc_watch **ret_watch)
{
    proc_watch *watch;
    if (!call)
        return -EINVAL;
    int rc = proc__watch_new(loop, &signals_kind, user, &watch);
    if (rc < 0)
        return rc;
    watch->as.signals.call = call;
    rc = open_signals(watch, set);
    return rc < 0 ? proc__watch_undo(watch, rc) : proc__watch_give(watch, ret_watch);
}
