/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of a new process: what sits on a wanted number is put aside, all are placed as if at once, and the
 * rest is marked to be closed, or closed where nothing else will do it. Decides nothing: the plan says what goes where.
 */
#include "child_side.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "../base/fd_table.h"

_Static_assert(NEEDED_COUNT + 3 <= PLAN_KEPT, "more is kept than there is room for");

static const struct fd_move *find_move(const struct plan *plan, int number)
{
    size_t low = 0, high = plan->move_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plan->moves[middle].number == number)
            return &plan->moves[middle];
        if (plan->moves[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* From *next on: all below it has been looked at, and asking again for every one of thousands would take seconds. */
long proc__child_put_aside(const struct plan *plan, int fd, int *next)
{
    long copy = proc__step_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, *next);
    while (copy >= 0 && find_move(plan, (int)copy)) {
        proc__step_call(SYS_close, copy, 0, 0);
        copy = proc__step_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, copy + 1);
    }
    if (copy >= 0)
        *next = (int)copy + 1;
    /* EINVAL: so high a number is beyond the limit. */
    return copy == -EINVAL ? -EMFILE : copy;
}

struct report proc__child_save_needed(const struct plan *plan, struct needed *needed)
{
    int next = 0;
    for (int i = 0; i < NEEDED_COUNT; i++) {
        int fd = needed->fds[i];
        if (fd < 0 || !find_move(plan, fd))
            continue;
        long copy = proc__child_put_aside(plan, fd, &next);
        if (copy < 0)
            return proc__step_failed(PROC_STEP_FDS, copy, fd);
        needed->fds[i] = (int)copy;
    }
    return STEP_DONE;
}

/* Sources that a move would overwrite are put aside before the first one. */
struct report proc__child_place_descriptors(const struct plan *plan)
{
    int next = 0;
    for (size_t i = 0; i < plan->move_count; i++) {
        struct fd_move *move = &plan->moves[i];
        if (!move->lift)
            continue;
        long copy = proc__child_put_aside(plan, move->source, &next);
        if (copy < 0)
            return proc__step_failed(PROC_STEP_FDS, copy, move->number);
        move->source = (int)copy;
    }
    for (size_t i = 0; i < plan->move_count; i++) {
        const struct fd_move *move = &plan->moves[i];
        /* dup3(2) refuses equal numbers, and dup2(2) would leave the close-on-exec flag on. */
        long rc = move->source == move->number ? proc__step_call(SYS_fcntl, move->number, F_SETFD, 0)
                                               : proc__step_call(SYS_dup3, move->source, move->number, 0);
        if (rc < 0)
            return proc__step_failed(PROC_STEP_FDS, rc, move->number);
    }
    return STEP_DONE;
}

/* ---- Closing all others ---- */

static long mark_range(unsigned first, unsigned last)
{
    if (first > last)
        return 0;
    return proc__syscall(SYS_close_range, (long)first, (long)last, CLOSE_RANGE_CLOEXEC, 0, 0, 0);
}

/* The gaps between the numbers that the child shall have. */
static long mark_gaps(const struct plan *plan)
{
    unsigned first = STDERR_FILENO + 1;
    for (size_t i = 0; i < plan->move_count; i++) {
        unsigned number = (unsigned)plan->moves[i].number;
        if (number < first)
            continue;
        long rc = mark_range(first, number - 1);
        if (rc < 0)
            return rc;
        first = number + 1;
    }
    return mark_range(first, UINT_MAX);
}

void proc__child_open_fd_list(struct needed *needed)
{
    struct fd_list list;
    if (mark_range(UINT_MAX, UINT_MAX) == 0) /* open nowhere */
        return;
    proc__fd_list_open(&list);
    needed->fds[NEEDED_FD_LIST] = list.dir;
    needed->fd_end = list.end;
}

static long visit_all(const struct needed *needed, fd_visitor *visit, void *arg)
{
    const struct fd_list list = {.dir = needed->fds[NEEDED_FD_LIST], .end = needed->fd_end};
    if (list.dir < 0 && list.end < 0)
        return proc__fd_visit(visit, arg);
    return proc__fd_list_visit(&list, visit, arg);
}

static void mark_one(int fd, void *arg)
{
    if (fd > STDERR_FILENO && !find_move(arg, fd))
        proc__step_call(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
}

struct report proc__child_mark_others(const struct plan *plan, const struct needed *needed)
{
    if (plan->inherit_fds)
        return STEP_DONE;
    long rc = mark_gaps(plan);
    if (rc < 0)
        rc = visit_all(needed, mark_one, (void *)(uintptr_t)plan);
    return rc < 0 ? proc__step_failed(PROC_STEP_CLOSE, rc, -1) : STEP_DONE;
}

/* ---- Where no execve(2) will close them ---- */

static int is_marked(int fd)
{
    long flags = proc__step_call(SYS_fcntl, fd, F_GETFD, 0);
    return flags < 0 || (flags & FD_CLOEXEC);
}

static void close_marked(int fd, void *arg)
{
    const struct needed *needed = arg;
    for (int i = 0; i < NEEDED_COUNT; i++)
        if (needed->fds[i] == fd)
            return;
    if (is_marked(fd))
        proc__step_call(SYS_close, fd, 0, 0);
}

struct report proc__child_close_others(const struct plan *plan, const struct needed *needed)
{
    size_t count = 0;
    long rc;
    for (size_t i = 0; i < plan->move_count; i++)
        plan->kept[count++] = plan->moves[i].number;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        plan->kept[count++] = is_marked(fd) ? -1 : fd;
    for (int i = 0; i < NEEDED_COUNT; i++)
        plan->kept[count++] = needed->fds[i];
    if (plan->inherit_fds)
        rc = visit_all(needed, close_marked, (void *)(uintptr_t)needed);
    else
        rc = proc__fd_close_others(plan->kept, count);
    return rc < 0 ? proc__step_failed(PROC_STEP_CLOSE, rc, -1) : STEP_DONE;
}

void proc__child_drop_needed(struct needed *needed)
{
    for (int i = 0; i < NEEDED_COUNT; i++) {
        if (i == NEEDED_REPORT || needed->fds[i] < 0)
            continue;
        proc__step_call(SYS_close, needed->fds[i], 0, 0);
        needed->fds[i] = -1;
    }
}
