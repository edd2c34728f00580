/* SPDX-License-Identifier: MIT */
/*
 * The making and the end of a handle. Keeps the list of killed children that the kernel had not let go of when they
 * were freed; a later start, wait or free reaps them.
 */
#include "handle.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/fd.h"
#include "pump.h"
#include "watch.h"

#define REAP_MS 100

/* ---- Making ---- */

proc_child *proc__child_new(const proc_stop_step *stop, size_t stop_count, int leads_group)
{
    proc_child *child = calloc(1, sizeof *child);
    proc_stop_step *steps = stop_count > 0 ? calloc(stop_count, sizeof *steps) : NULL;
    if (!child || (stop_count > 0 && !steps)) {
        free(child);
        free(steps);
        return NULL;
    }
    if (steps)
        memcpy(steps, stop, stop_count * sizeof *steps);
    pthread_mutex_init(&child->lock, NULL);
    pthread_mutex_init(&child->tree_lock, NULL);
    child->owner = (int)getpid();
    child->pid = child->pidfd = child->pump_fd = child->cancel_fd = -1;
    child->leads_group = leads_group;
    child->stop = steps;
    child->stop_count = stop_count;
    return child;
}

void proc__child_discard(proc_child *child)
{
    if (!child)
        return;
    for (size_t i = 0; i < child->stream_count; i++) {
        proc__fd_close(&child->streams[i].fd);
        proc__transfer_done(&child->streams[i].transfer);
    }
    proc__pump_done(child);
    /* It is no thread of a forked copy. */
    if (child->owner == (int)getpid())
        proc__parent_thread_done(&child->parent_thread, child->ended);
    proc__fd_close(&child->pidfd);
    pthread_mutex_destroy(&child->lock);
    pthread_mutex_destroy(&child->tree_lock);
    free(child->streams);
    free(child->stop);
    free(child);
}

/* ---- The end ---- */

/*
 * Killed, but not gone yet. A stack that is pushed and taken whole by one atomic exchange each: no lock that a fork(2)
 * in another thread could leave taken in the copy.
 */
static _Atomic(proc_child *) unreaped;

static void push_unreaped(proc_child *child)
{
    child->next = atomic_load(&unreaped);
    while (!atomic_compare_exchange_weak(&unreaped, &child->next, child))
        ;
}

/*
 * 1: reaped, or not ours to reap. A process that could not be killed before is killed now. `ended` needs no lock here:
 * nobody else is using the handle.
 */
static int is_gone(proc_child *child)
{
    if (child->ended || proc__child_check(child) < 0 || proc__child_look(child) == 0)
        return 1;
    proc__child_signal_to_end(child, SIGKILL, child->leads_group ? PROC_GROUP : PROC_ONE);
    return 0;
}

void proc__child_sweep(void)
{
    if (!atomic_load_explicit(&unreaped, memory_order_relaxed))
        return;
    proc_child *child = atomic_exchange(&unreaped, NULL);
    while (child) {
        proc_child *next = child->next;
        if (is_gone(child))
            proc__child_discard(child);
        else
            push_unreaped(child);
        child = next;
    }
}

proc_child *proc_child_free(proc_child *child)
{
    int cancellable;
    if (!child)
        return NULL;
    /* A thread that is cancelled halfway would leave a handle that nobody owns. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    proc__child_tell_watcher(child);
    proc__child_sweep();
    if (child->detached || is_gone(child) || proc__child_wait_until(child, proc__deadline_in(REAP_MS)) == 0)
        proc__child_discard(child);
    else
        push_unreaped(child);
    pthread_setcancelstate(cancellable, NULL);
    return NULL;
}
