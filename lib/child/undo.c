/* SPDX-License-Identifier: MIT */
/*
 * What can be given back of a process that has begun to become a program: mask, dispositions, umask, directory, and its
 * descriptors with their flags. Owns copies of the descriptors that were in the way. Knows nothing of ids, limits and
 * whatever else is changed for good.
 */
#include "undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/fd_table.h"

/* ---- Noting ---- */

static int is_placed_on(const struct plan *plan, int fd)
{
    for (size_t i = 0; i < plan->move_count; i++)
        if (plan->moves[i].number == fd)
            return 1;
    return 0;
}

/* Notes what there is room for, and counts all. */
static void note_inheritable(int fd, void *arg)
{
    struct undo *undo = arg;
    int flags = fcntl(fd, F_GETFD);
    if (fd <= STDERR_FILENO || flags < 0 || (flags & FD_CLOEXEC) || is_placed_on(undo->plan, fd))
        return;
    if (undo->inheritable_count < undo->inheritable_room)
        undo->inheritable[undo->inheritable_count] = fd;
    undo->inheritable_count++;
}

static long list_inheritable(struct undo *undo)
{
    undo->inheritable_count = 0;
    return proc__fd_visit(note_inheritable, undo);
}

/* Those that will be marked to be closed. Another thread may open more between the two looks: some room for these. */
static int save_flags(struct undo *undo, struct report *ret_report)
{
    if (undo->plan->inherit_fds)
        return 0;
    long rc = list_inheritable(undo);
    if (rc < 0)
        return proc__step_fail(ret_report, PROC_STEP_CLOSE, (int)rc, -1);
    undo->inheritable_room = undo->inheritable_count + 16;
    undo->inheritable = calloc(undo->inheritable_room, sizeof *undo->inheritable);
    if (!undo->inheritable)
        return proc__step_fail(ret_report, PROC_STEP_MEMORY, -ENOMEM, -1);
    rc = list_inheritable(undo);
    if (undo->inheritable_count > undo->inheritable_room)
        undo->inheritable_count = undo->inheritable_room;
    return rc < 0 ? proc__step_fail(ret_report, PROC_STEP_CLOSE, (int)rc, -1) : 0;
}

/* What only gets its close-on-exec flag off stays where it is. */
static int save_descriptors(struct undo *undo, struct report *ret_report)
{
    const struct plan *plan = undo->plan;
    int next = STDERR_FILENO + 1;
    undo->moves = calloc(plan->move_count + 1, sizeof *undo->moves);
    undo->fds = calloc(plan->move_count + 1, sizeof *undo->fds);
    if (!undo->moves || !undo->fds)
        return proc__step_fail(ret_report, PROC_STEP_MEMORY, -ENOMEM, -1);
    for (size_t i = 0; i < plan->move_count; i++) {
        const struct fd_move *move = &plan->moves[i];
        undo->moves[i] = *move;
        undo->fds[i] = (struct undo_fd){.flags = fcntl(move->number, F_GETFD), .copy = -1};
    }
    undo->fd_count = plan->move_count;
    for (size_t i = 0; i < plan->move_count; i++) {
        const struct fd_move *move = &plan->moves[i];
        if (undo->fds[i].flags < 0 || move->source == move->number)
            continue;
        long copy = proc__child_put_aside(plan, move->number, &next);
        if (copy < 0)
            return proc__step_fail(ret_report, PROC_STEP_FDS, (int)copy, move->number);
        undo->fds[i].copy = (int)copy;
    }
    return 0;
}

/* A directory that is closed to us can only be left: no reason to stay in it. */
static int save_directory(struct undo *undo, struct report *ret_report)
{
    const struct plan *plan = undo->plan;
    if (!plan->cwd && plan->cwd_fd < 0)
        return 0;
    undo->cwd = proc__fd_open(".", O_PATH | O_DIRECTORY, 0);
    if (proc__is_want_of_ours(undo->cwd))
        return proc__step_fail(ret_report, PROC_STEP_CWD, undo->cwd, -1);
    return 0;
}

static int save_signals(struct undo *undo, struct report *ret_report)
{
    uint64_t change = undo->plan->ignore | undo->plan->reset;
    for (int signal = 1; signal <= LAST_SIGNAL; signal++)
        if (change & PROC_SIGNAL(signal))
            proc__sigaction(signal, NULL, &undo->actions[signal]);
    int rc = proc__sigmask_block_all(&undo->mask);
    return rc < 0 ? proc__step_fail(ret_report, PROC_STEP_SIGNALS, rc, -1) : 0;
}

int proc__undo_prepare(struct undo *ret_undo, const struct plan *plan, struct report *ret_report)
{
    memset(ret_undo, 0, sizeof *ret_undo);
    ret_undo->plan = plan;
    ret_undo->cwd = -1;
    ret_undo->umask = -1;
    ret_undo->needed = proc__needed_of(plan, -1);
    int rc = save_descriptors(ret_undo, ret_report);
    if (rc == 0)
        rc = save_flags(ret_undo, ret_report);
    if (rc == 0)
        rc = save_directory(ret_undo, ret_report);
    if (rc == 0)
        rc = save_signals(ret_undo, ret_report);
    return rc;
}

void proc__undo_done(struct undo *undo)
{
    for (size_t i = 0; i < undo->fd_count; i++)
        proc__fd_close(&undo->fds[i].copy);
    proc__fd_close(&undo->cwd);
    free(undo->inheritable);
    free(undo->fds);
    free(undo->moves);
    undo->inheritable = NULL;
    undo->fds = NULL;
    undo->fd_count = 0;
    undo->moves = NULL;
}

/* ---- Giving back ---- */

/* All are lifted before the first one is placed. */
static int all_are_lifted(const struct undo *undo)
{
    for (size_t i = 0; i < undo->plan->move_count; i++)
        if (undo->moves[i].lift && undo->plan->moves[i].source == undo->moves[i].source)
            return 0;
    return 1;
}

/* The moves from the first one on that have been made: they go from the lowest number up. */
static size_t count_placed(const struct undo *undo, const struct report *failed)
{
    size_t count = 0;
    if (undo->placed || proc__step_is_behind(failed->step, PROC_STEP_FDS))
        return undo->plan->move_count;
    if (failed->step == PROC_STEP_FDS && all_are_lifted(undo))
        while (count < undo->plan->move_count && undo->moves[count].number < failed->index)
            count++;
    return count;
}

static int give_back_number(const struct undo_fd *was, int number)
{
    if (was->flags < 0)
        return (int)proc__step_call(SYS_close, number, 0, 0);
    if (was->copy < 0)
        return (int)proc__step_call(SYS_fcntl, number, F_SETFD, was->flags);
    return (int)proc__step_call(SYS_dup3, was->copy, number, was->flags & FD_CLOEXEC ? O_CLOEXEC : 0);
}

static uint32_t give_back_descriptors(const struct undo *undo, const struct report *failed)
{
    uint32_t changed = 0;
    size_t placed = count_placed(undo, failed);
    for (size_t i = 0; i < undo->plan->move_count; i++) {
        int source = undo->plan->moves[i].source;
        if (i < placed && give_back_number(&undo->fds[i], undo->moves[i].number) < 0)
            changed = PROC_CHANGED_FDS;
        if (undo->moves[i].lift && source != undo->moves[i].source)
            proc__fd_close(&source);
        undo->plan->moves[i] = undo->moves[i];
    }
    if (failed->step == PROC_STEP_CLOSE || proc__step_is_behind(failed->step, PROC_STEP_CLOSE))
        for (size_t i = 0; i < undo->inheritable_count; i++)
            if (proc__step_call(SYS_fcntl, undo->inheritable[i], F_SETFD, 0) < 0)
                changed = PROC_CHANGED_FDS;
    return changed;
}

/* Copies that the steps have made, or descriptors that they have opened, for later steps. */
static void close_needed(const struct undo *undo, const struct needed *needed)
{
    for (int i = 0; i < NEEDED_COUNT; i++) {
        int fd = needed->fds[i];
        if (fd != undo->needed.fds[i])
            proc__fd_close(&fd);
    }
}

static void give_back_signals(const struct undo *undo)
{
    uint64_t change = undo->plan->ignore | undo->plan->reset;
    for (int signal = 1; signal <= LAST_SIGNAL; signal++)
        if (change & PROC_SIGNAL(signal))
            proc__sigaction(signal, &undo->actions[signal], NULL);
    proc__sigmask_set(&undo->mask);
}

/* A directory by descriptor and a path in it are two calls: the second may have failed. */
static uint32_t give_back_directory(const struct undo *undo, const struct report *failed)
{
    const struct plan *plan = undo->plan;
    int is_over = undo->entered || proc__step_is_behind(failed->step, PROC_STEP_CWD);
    int is_halfway = failed->step == PROC_STEP_CWD && plan->cwd_fd >= 0;
    if ((!plan->cwd && plan->cwd_fd < 0) || (!is_over && !is_halfway))
        return 0;
    return undo->cwd < 0 || fchdir(undo->cwd) < 0 ? PROC_CHANGED_ROOT : 0;
}

uint32_t proc__undo(const struct undo *undo, const struct report *failed, const struct needed *needed)
{
    close_needed(undo, needed);
    uint32_t changed = give_back_descriptors(undo, failed) | give_back_directory(undo, failed);
    if (undo->umask >= 0)
        umask((mode_t)undo->umask);
    give_back_signals(undo);
    return changed;
}
