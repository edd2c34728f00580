/* SPDX-License-Identifier: MIT */
/*
 * Watches of all kinds: their memory, their slots, their descriptors in the epoll set, and the queue of those that have
 * something to do without a descriptor. Knows no kind by name.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define FIRST_SLOTS 8
#define MOST_SLOTS INT32_MAX
#define SECOND (UINT64_C(1) << 31)

/* ---- Slots ---- */

/* Slots and heap grow together, so that a watch that exists can always be given a time. */
static int grow_slots(proc_loop *loop)
{
    if (loop->slot_room >= MOST_SLOTS / 2)
        return -ENOMEM;
    const uint32_t room = loop->slot_room > 0 ? 2 * loop->slot_room : FIRST_SLOTS;
    proc_watch **heap = realloc(loop->heap, room * sizeof *heap);
    if (heap)
        loop->heap = heap;
    struct watch_slot *slots = realloc(loop->slots, room * sizeof *slots);
    if (slots)
        loop->slots = slots;
    if (!heap || !slots)
        return -ENOMEM;
    loop->slot_room = room;
    return 0;
}

static int take_slot(proc_loop *loop, proc_watch *watch)
{
    uint32_t slot = loop->free_slot;
    if (slot != NO_SLOT) {
        loop->free_slot = loop->slots[slot].next_free;
    } else {
        int rc = loop->slot_count < loop->slot_room ? 0 : grow_slots(loop);
        if (rc < 0)
            return rc;
        slot = loop->slot_count++;
        loop->slots[slot].generation = 0;
    }
    loop->slots[slot].watch = watch;
    watch->self = (struct watch_ref){slot, loop->slots[slot].generation};
    return 0;
}

static void give_slot_back(proc_watch *watch)
{
    proc_loop *loop = watch->loop;
    struct watch_slot *slot = &loop->slots[watch->self.slot];
    *slot = (struct watch_slot){NULL, slot->generation + 1, loop->free_slot};
    loop->free_slot = watch->self.slot;
}

proc_watch *proc__watch_find(const proc_loop *loop, struct watch_ref ref)
{
    if (loop->doomed || ref.slot >= loop->slot_count || loop->slots[ref.slot].generation != ref.generation)
        return NULL;
    return loop->slots[ref.slot].watch;
}

/* ---- From making to the end ---- */

int proc__watch_new(proc_loop *loop, const struct watch_kind *kind, void *user, proc_watch **ret_watch)
{
    int rc = proc__loop_check(loop);
    if (rc < 0)
        return rc;
    proc_watch *watch = calloc(1, sizeof *watch);
    rc = watch ? take_slot(loop, watch) : -ENOMEM;
    if (rc < 0) {
        free(watch);
        return rc;
    }
    watch->loop = loop;
    watch->kind = kind;
    watch->owned = 1;
    watch->user = user;
    watch->due = DEADLINE_NEVER;
    proc__watch_revive(watch);
    *ret_watch = watch;
    return 0;
}

int proc__watch_give(proc_watch *watch, proc_watch **ret_watch)
{
    watch->owned = !ret_watch;
    if (ret_watch)
        *ret_watch = watch;
    return 0;
}

int proc__watch_undo(proc_watch *watch, int rc)
{
    proc__watch_discard(watch);
    return rc;
}

void proc__watch_revive(proc_watch *watch)
{
    if (!watch->live)
        watch->loop->live++;
    watch->live = 1;
}

void proc__watch_rest(proc_watch *watch)
{
    if (watch->live)
        watch->loop->live--;
    watch->live = 0;
    proc__watch_unqueue(watch);
    proc__watch_set_due(watch, DEADLINE_NEVER);
}

void proc__watch_retire(proc_watch *watch)
{
    proc__watch_rest(watch);
    if (!watch->ended && watch->kind->end)
        watch->kind->end(watch, proc__loop_is_copy(watch->loop));
    watch->ended = 1;
}

void proc__watch_finish(proc_watch *watch)
{
    proc__watch_retire(watch);
    if (watch->owned)
        proc__watch_discard(watch);
}

void proc__watch_discard(proc_watch *watch)
{
    proc__watch_retire(watch);
    give_slot_back(watch);
    free(watch);
}

void proc__watch_retire_all(proc_loop *loop)
{
    for (uint32_t i = 0; i < loop->slot_count; i++) {
        if (loop->slots[i].watch)
            proc__watch_retire(loop->slots[i].watch);
    }
}

void proc__watch_discard_all(proc_loop *loop)
{
    for (uint32_t i = 0; i < loop->slot_count; i++) {
        if (loop->slots[i].watch)
            proc__watch_discard(loop->slots[i].watch);
    }
}

proc_watch *proc_watch_free(proc_watch *watch)
{
    /* The memory of a loop that was freed in a callback goes as a whole. */
    if (watch && !watch->loop->doomed)
        proc__watch_discard(watch);
    return NULL;
}

proc_loop *proc_watch_loop(const proc_watch *watch)
{
    return watch ? watch->loop : NULL;
}

/* ---- Descriptors ---- */

static int control(const proc_watch *watch, int command, int fd, uint32_t events, int second)
{
    struct epoll_event event = {.events = events};
    event.data.u64 = (uint64_t)watch->self.generation << 32 | (second ? SECOND : 0) | watch->self.slot;
    return epoll_ctl(watch->loop->epoll_fd, command, fd, &event) < 0 ? -errno : 0;
}

int proc__watch_poll(proc_watch *watch, int fd, uint32_t events, int second)
{
    return control(watch, EPOLL_CTL_ADD, fd, events, second);
}

int proc__watch_poll_again(proc_watch *watch, int fd, uint32_t events, int second)
{
    return control(watch, EPOLL_CTL_MOD, fd, events, second);
}

/*
 * Before the descriptor is closed, always: a process that is just being started, or a forked copy, may hold another
 * descriptor of the same file, and the kernel would go on telling of that.
 */
void proc__watch_unpoll(proc_watch *watch, int fd)
{
    (void)control(watch, EPOLL_CTL_DEL, fd, 0, 0);
}

proc_watch *proc__watch_of_event(const proc_loop *loop, uint64_t data, int *ret_second)
{
    const struct watch_ref ref = {(uint32_t)(data & (SECOND - 1)), (uint32_t)(data >> 32)};
    *ret_second = (data & SECOND) != 0;
    return proc__watch_find(loop, ref);
}

/* ---- The queue ---- */

void proc__watch_queue(proc_watch *watch)
{
    proc_loop *loop = watch->loop;
    if (watch->queued)
        return;
    watch->queued = 1;
    watch->turn_order = loop->orders++;
    watch->next = NULL;
    watch->previous = loop->last;
    if (loop->last)
        loop->last->next = watch;
    else
        loop->first = watch;
    loop->last = watch;
    proc__timers_changed(loop);
}

void proc__watch_unqueue(proc_watch *watch)
{
    proc_loop *loop = watch->loop;
    if (!watch->queued)
        return;
    watch->queued = 0;
    if (watch->previous)
        watch->previous->next = watch->next;
    else
        loop->first = watch->next;
    if (watch->next)
        watch->next->previous = watch->previous;
    else
        loop->last = watch->previous;
}
