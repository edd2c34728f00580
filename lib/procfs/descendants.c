/* SPDX-License-Identifier: MIT */
/*
 * The way down from a process. Owns the pidfds of all that are found, and the memory for them.
 *
 * Who belongs to the tree: who has a parent in it; who is in a session that one of it leads, since a session is never
 * joined, only inherited; and who is in the process group of a root that says so. That is read by number, and numbers
 * are given away again. So whoever looks right is opened first, read again, and only then asked whether it, and whom it
 * belongs to, still hold their numbers, which nobody does who has been reaped: if so, both held them all the time, and
 * what was read was true of these two.
 */
#include "descendants.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <proc/procfs.h>

#include "../base/fd.h"
#include "../base/pidfd.h"
#include "listing.h"
#include "target.h"

/* For a poll(2) that fails. */
#define FAILED_POLL_MS 100

/* ---- Whether that can be done here ---- */

int proc__descendants_possible(void)
{
    const struct root root = {AT_FDCWD, "/proc/"};
    int self = proc__fd_above_stdio(proc__pidfd_open(getpid()));
    if (self < 0)
        return self;
    int rc = proc__pidfd_signal(self, 0, 0);
    int pid = rc < 0 ? rc : proc__target_pid_of(&root, self);
    proc__fd_close(&self);
    return pid == getpid() ? 0 : pid < 0 ? pid : -EOPNOTSUPP;
}

/* ---- Those who are held ---- */

static int reserve(struct descendants *tree)
{
    if (tree->count < tree->room)
        return 0;
    size_t room = tree->room ? tree->room * 2 : 16;
    struct kin *items = realloc(tree->items, room * sizeof *items);
    if (items)
        tree->items = items;
    struct pollfd *polled = realloc(tree->polled, room * sizeof *polled);
    if (polled)
        tree->polled = polled;
    if (!items || !polled)
        return -ENOMEM;
    tree->room = room;
    return 0;
}

int proc__descendants_add_root(struct descendants *tree, int pid, int pidfd, int with_group)
{
    int rc = reserve(tree);
    if (rc == 0)
        tree->items[tree->count++] =
            (struct kin){.pid = pid, .pidfd = pidfd, .is_root = 1, .with_group = with_group, .is_running = 1};
    return rc;
}

/* To anybody, whatever we may: who has been reaped is not found. */
static int holds_its_number(const struct kin *kin)
{
    int rc = proc__pidfd_signal(kin->pidfd, 0, 0);
    return rc == 0 || rc == -EPERM;
}

int proc__kin_has_ended(const struct kin *kin)
{
    return proc__pidfd_has_ended(kin->pidfd);
}

int proc__descendants_await(struct descendants *tree, deadline when)
{
    size_t left = 0;
    for (size_t i = 0; i < tree->count; i++)
        if (!tree->items[i].is_denied)
            tree->polled[left++] = (struct pollfd){.fd = tree->items[i].pidfd, .events = POLLIN};
    while (left > 0) {
        int ready = proc__poll(tree->polled, left, when);
        size_t kept = 0;
        for (size_t i = 0; i < left; i++)
            if (ready <= 0 || !tree->polled[i].revents)
                tree->polled[kept++] = tree->polled[i];
        left = kept;
        if (ready < 0)
            when = proc__deadline_min(when, proc__deadline_in(FAILED_POLL_MS));
        if (ready == 0 || (ready < 0 && proc__nap(when) < 0))
            break;
    }
    return (int)left;
}

void proc__descendants_done(struct descendants *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        if (!tree->items[i].is_root)
            proc__fd_close(&tree->items[i].pidfd);
    free(tree->items);
    free(tree->polled);
    *tree = (struct descendants){0};
}

/* ---- What a scan sees ---- */

struct seen {
    int pid, ppid, pgrp, session; /* pid 0: done with */
    char state;
    int has_threads;
    uint64_t start;
};

struct scan {
    struct seen *items;
    size_t count, room;
};

static int look_at(const proc_target *target, struct seen *ret_seen)
{
    proc_stat stat;
    int rc = proc_stat_read(target, &stat);
    if (rc < 0)
        return rc;
    if (!proc_stat_has(&stat, PROC_STAT_START_TICKS))
        return -ENODATA;
    *ret_seen = (struct seen){.pid = stat.pid,
                              .ppid = stat.ppid,
                              .pgrp = stat.pgrp,
                              .session = stat.session,
                              .state = stat.state,
                              .has_threads = stat.threads > 1,
                              .start = stat.start_ticks};
    return 0;
}

static int add_seen(struct scan *scan, const struct seen *seen)
{
    if (scan->count == scan->room) {
        size_t room = scan->room ? scan->room * 2 : 256;
        struct seen *items = realloc(scan->items, room * sizeof *items);
        if (!items)
            return -ENOMEM;
        scan->items = items;
        scan->room = room;
    }
    scan->items[scan->count++] = *seen;
    return 0;
}

/* What is not told of one process, because it has gone or is not ours to see, is no reason to stop. */
static int is_of_the_one(int rc)
{
    return rc == -ESRCH || rc == -EACCES || rc == -ENODATA;
}

static int look_at_all(struct scan *scan)
{
    struct listing processes = {0};
    struct seen seen;
    int dir = proc__fd_open("/proc", O_RDONLY | O_DIRECTORY, 0);
    int rc = dir < 0 ? dir : proc__listing_take_directory(&processes, dir);
    proc__fd_close(&dir);
    proc__listing_leave_out(&processes, getpid());
    for (size_t i = 0; rc == 0 && i < processes.count; i++) {
        int told = look_at(&(const proc_target){.pid = processes.numbers[i]}, &seen);
        if (told == 0)
            rc = add_seen(scan, &seen);
        else if (!is_of_the_one(told))
            rc = told;
    }
    proc__listing_done(&processes);
    return rc;
}

/* ---- Who is known already ---- */

static int is_end_state(char state)
{
    return state == 'Z' || state == 'X' || state == 'x';
}

static int is_still_state(char state)
{
    return state == 'T' || state == 't' || is_end_state(state);
}

/* A thread that starts another one in the meantime hands its suspension on. */
static int are_threads_still(int pid)
{
    struct listing tasks = {0};
    struct seen seen;
    int dir = proc__target_open(&(const proc_target){.pid = pid}, "task", O_DIRECTORY), still = 1;
    int rc = dir < 0 ? dir : proc__listing_take_directory(&tasks, dir);
    proc__fd_close(&dir);
    for (size_t i = 0; rc == 0 && still && i < tasks.count; i++) {
        const proc_target thread = {.pid = pid, .tid = tasks.numbers[i]};
        if (look_at(&thread, &seen) == 0)
            still = is_still_state(seen.state);
    }
    proc__listing_done(&tasks);
    return still && (rc == 0 || rc == -ESRCH);
}

/* The state is that of the first thread, which may have ended long before the others. */
static void note(struct kin *kin, const struct seen *seen)
{
    kin->ppid = seen->ppid;
    kin->start = seen->start;
    int has_others = seen->has_threads || is_end_state(seen->state);
    kin->is_running = seen->state == 'R';
    kin->is_still =
        is_still_state(seen->state) && (!has_others || proc__kin_has_ended(kin) || are_threads_still(kin->pid));
}

static void note_known(struct descendants *tree, struct scan *scan)
{
    for (size_t i = 0; i < tree->count; i++) {
        struct kin *kin = &tree->items[i];
        struct seen *found = NULL;
        for (size_t j = 0; j < scan->count && !found; j++)
            if (scan->items[j].pid == kin->pid && (kin->start == 0 || scan->items[j].start == kin->start))
                found = &scan->items[j];
        /* The number that a root holds is its own. */
        if (found && (kin->start != 0 || holds_its_number(kin))) {
            note(kin, found);
            found->pid = 0;
        } else {
            kin->is_running = 0;
            kin->is_still = 1;
        }
    }
}

/* ---- Who is new ---- */

/* Who it is that this process belongs to, if what was read is true; NULL: nobody. */
static const struct kin *claimed_by(const struct descendants *tree, const struct seen *seen)
{
    for (size_t i = 0; i < tree->count; i++) {
        const struct kin *kin = &tree->items[i];
        if (seen->ppid == kin->pid || seen->session == kin->pid || (kin->with_group && seen->pgrp == kin->pid))
            return kin;
    }
    return NULL;
}

/* Nothing that has ended is of use, but for the number of a session, which may have others in it. */
static int is_of_use(const struct kin *kin, const struct seen *seen)
{
    return !is_end_state(seen->state) || seen->session == seen->pid || !proc__kin_has_ended(kin);
}

/* The proof; *kin is open. 1: it is of the tree; 0: it is not, or gone; or a negative errno. */
static int prove(const struct descendants *tree, struct kin *kin)
{
    struct seen seen;
    int rc = look_at(&(const proc_target){.pid = kin->pid}, &seen);
    if (rc < 0)
        return is_of_the_one(rc) ? 0 : rc;
    const struct kin *claimant = claimed_by(tree, &seen);
    if (!claimant || !holds_its_number(kin) || !holds_its_number(claimant) || !is_of_use(kin, &seen))
        return 0;
    note(kin, &seen);
    return 1;
}

/* 1: it is one of us now; 0: it is not, or gone; or a negative errno. */
static int take_in(struct descendants *tree, int pid)
{
    struct kin kin = {.pid = pid};
    int rc = reserve(tree);
    if (rc < 0)
        return rc;
    kin.pidfd = proc__fd_above_stdio(proc__pidfd_open(pid));
    if (kin.pidfd == -ESRCH || kin.pidfd == -EINVAL) /* gone, for an instant or longer */
        return 0;
    if (kin.pidfd < 0)
        return kin.pidfd;
    rc = prove(tree, &kin);
    if (rc > 0)
        tree->items[tree->count++] = kin;
    else
        proc__fd_close(&kin.pidfd);
    return rc;
}

/* Until nobody of those who were seen belongs to those who have been taken in. */
static int take_in_all(struct descendants *tree, struct scan *scan)
{
    size_t before = tree->count, round;
    do {
        round = tree->count;
        for (size_t i = 0; i < scan->count; i++) {
            struct seen *seen = &scan->items[i];
            if (seen->pid == 0 || !claimed_by(tree, seen))
                continue;
            int rc = take_in(tree, seen->pid);
            if (rc < 0)
                return rc;
            seen->pid = 0;
        }
    } while (tree->count > round);
    return (int)(tree->count - before);
}

int proc__descendants_scan(struct descendants *tree)
{
    struct scan scan = {0};
    int rc = look_at_all(&scan);
    if (rc == 0) {
        note_known(tree, &scan);
        rc = take_in_all(tree, &scan);
    }
    free(scan.items);
    return rc;
}

/* ---- In order ---- */

static const struct kin *parent_of(const struct descendants *tree, const struct kin *child)
{
    for (size_t i = 0; i < tree->count; i++)
        if (tree->items[i].pid == child->ppid && &tree->items[i] != child)
            return &tree->items[i];
    return NULL;
}

/* Who is as deep as another one stays before or behind it. */
static void sort_by_depth(struct descendants *tree)
{
    for (size_t i = 1; i < tree->count; i++) {
        struct kin kin = tree->items[i];
        size_t at = i;
        for (; at > 0 && tree->items[at - 1].depth > kin.depth; at--)
            tree->items[at] = tree->items[at - 1];
        tree->items[at] = kin;
    }
}

/* One round for each generation; a number that was given away might make a circle, so there is an end to it. */
void proc__descendants_sort(struct descendants *tree)
{
    int changed = 1;
    for (size_t round = 0; changed && round < tree->count; round++) {
        changed = 0;
        for (size_t i = 0; i < tree->count; i++) {
            struct kin *kin = &tree->items[i];
            const struct kin *parent = parent_of(tree, kin);
            int depth = parent ? parent->depth + 1 : 0;
            changed |= depth != kin->depth;
            kin->depth = depth;
        }
    }
    sort_by_depth(tree);
}
