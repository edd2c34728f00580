/* SPDX-License-Identifier: MIT */
/*
 * Orphans: children of ours that nobody in this program holds. Owns the set of SIGCHLD and, while it lives, the
 * process's setting as a subreaper.
 *
 * The kernel tells of a child's end but not whose child it was before. What tells those that are somebody's is a pidfd:
 * each handle has one from birth, and so have other libraries that wait by pidfd; all are seen in /proc/self/fdinfo.
 * For the rest the callback knows.
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <proc/procfs.h>

#include "../base/exit.h"
#include "signals.h"

/* ---- Who has ended, and who is held ---- */

/* A child that has ended, without reaping it: its pid, 0 = none, or a negative errno. pid 0: any. */
static int peek_at(int pid, proc_exit *ret_exit)
{
    siginfo_t info;
    info.si_pid = 0;
    while (waitid(pid ? P_PID : P_ALL, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        if (errno != EINTR)
            return errno == ECHILD ? 0 : -errno;
    }
    if (info.si_pid != 0)
        *ret_exit = proc__exit_from_siginfo(info.si_code, info.si_status);
    return info.si_pid;
}

static void reap(int pid)
{
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) < 0 && errno == EINTR)
        ;
}

typedef int64_t lister(const proc_target *target, int *ret_numbers, size_t capacity);

/* All numbers of a list, in memory that the caller frees; how many, or a negative errno. */
static int64_t list(lister *ask, int **ret_numbers)
{
    for (size_t room = 64;; room *= 2) {
        int *numbers = malloc(room * sizeof *numbers);
        if (!numbers)
            return -ENOMEM;
        int64_t count = ask(PROC_SELF, numbers, room);
        if (count >= 0 && (size_t)count <= room) {
            *ret_numbers = numbers;
            return count;
        }
        free(numbers);
        if (count < 0)
            return count;
    }
}

static int by_number(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* The pids of all pidfds in this program, sorted, as list(). */
static int64_t list_held(int **ret_pids)
{
    int *fds = NULL;
    int64_t count = list(proc_fd_list, &fds), held = 0;
    for (int64_t i = 0; i < count; i++) {
        proc_fd_info info;
        int rc = proc_fd_info_read(PROC_SELF, fds[i], NULL, &info);
        if (rc == 0 && info.present & UINT64_C(1) << PROC_FD_INFO_PID)
            fds[held++] = info.pid;
        if (rc < 0 && rc != -ESRCH)
            count = rc;
    }
    if (count < 0) {
        free(fds);
        return count;
    }
    qsort(fds, (size_t)held, sizeof *fds, by_number);
    *ret_pids = fds;
    return held;
}

/* ---- A portion of orphans ---- */

struct reaping {
    proc_watch *watch;
    struct watch_ref self;
    int *children, *held;
    int64_t child_count, held_count;
    int reaped; /* those who are left do not count: they would be asked about again, and nobody behind them */
};

/* 0 or more: go on; a negative errno: of the callback. */
static int ask_about(struct reaping *reaping, int pid)
{
    proc_watch *watch = reaping->watch;
    proc_exit ended;
    if (reaping->held_count > 0 && bsearch(&pid, reaping->held, (size_t)reaping->held_count, sizeof pid, by_number))
        return 0;
    int rc = peek_at(pid, &ended);
    if (rc <= 0)
        return rc;
    proc_loop *loop = watch->loop;
    loop->calls++;
    rc = proc__loop_answer(loop, watch->as.orphans.call(watch, pid, &ended, watch->user));
    if (rc != 0)
        return rc;
    reap(pid);
    reaping->reaped++;
    return 0;
}

static int is_watched(const struct reaping *reaping, const proc_loop *loop)
{
    return proc__watch_find(loop, reaping->self) == reaping->watch && !proc__loop_stops(loop);
}

static int ask_about_all(struct reaping *reaping, proc_loop *loop)
{
    int rc = 0;
    int64_t i = 0;
    for (; i < reaping->child_count && rc >= 0 && reaping->reaped < PORTION && is_watched(reaping, loop); i++)
        rc = ask_about(reaping, reaping->children[i]);
    /* The rest in the next round. */
    if (i < reaping->child_count && proc__watch_find(loop, reaping->self))
        proc__watch_queue(reaping->watch);
    return rc;
}

/*
 * Both lists; in any case they are to be freed. 0 or a negative errno. The children first: one that another thread
 * starts meanwhile is in none then, or among those who are held.
 */
static int look_around(struct reaping *reaping)
{
    reaping->child_count = list(proc_children_list, &reaping->children);
    if (reaping->child_count < 0)
        return (int)reaping->child_count;
    reaping->held_count = list_held(&reaping->held);
    return reaping->held_count < 0 ? (int)reaping->held_count : 0;
}

static int reap_a_portion(proc_watch *watch)
{
    struct reaping reaping = {.watch = watch, .self = watch->self};
    proc_exit ended;
    proc_loop *loop = watch->loop;
    int rc = peek_at(0, &ended);
    if (rc <= 0)
        return rc;
    rc = look_around(&reaping);
    if (rc == 0)
        rc = ask_about_all(&reaping, loop);
    else
        proc__watch_queue(watch); /* not knowing who is held is no reason to take anybody: told, and tried again */
    free(reaping.held);
    free(reaping.children);
    return rc;
}

/* ---- The watch ---- */

static int sigchld_has_come(proc_watch *watch, uint32_t events, int second)
{
    proc_signal records[4];
    int count;
    (void)events, (void)second;
    /* All of them, before looking: one that comes later is told of again. */
    do
        count = proc__signals_take(watch->as.orphans.children, records, 4);
    while (count == 4);
    if (count < 0)
        return count;
    /* In the queue, behind the handles, which reap their own in this round. */
    proc__watch_queue(watch);
    return 0;
}

static void end_orphans(proc_watch *watch, int is_copy)
{
    proc_signals *children = watch->as.orphans.children;
    if (!children)
        return;
    if (!is_copy) {
        proc__watch_unpoll(watch, proc_signals_fd(children));
        if (watch->as.orphans.before >= 0)
            (void)proc_subreaper(watch->as.orphans.before);
    }
    watch->loop->signals &= ~PROC_SIGNAL(SIGCHLD);
    watch->as.orphans.children = proc_signals_free(children);
}

static const struct watch_kind orphans_kind = {
    .urgent = 1, .ready = sigchld_has_come, .turn = reap_a_portion, .end = end_orphans};

/* Whether /proc tells what is needed, before anybody relies on it. */
static int try_to_look_around(void)
{
    struct reaping reaping = {0};
    int rc = look_around(&reaping);
    free(reaping.held);
    free(reaping.children);
    return rc;
}

static int begin_to_adopt(proc_watch *watch)
{
    if (watch->loop->signals & PROC_SIGNAL(SIGCHLD))
        return -EBUSY;
    int rc = try_to_look_around();
    if (rc == 0)
        rc = proc_signals_new(&watch->as.orphans.children, PROC_SIGNAL(SIGCHLD), NULL);
    if (rc < 0)
        return rc;
    watch->loop->signals |= PROC_SIGNAL(SIGCHLD);
    rc = proc__watch_poll(watch, proc_signals_fd(watch->as.orphans.children), EPOLLIN, 0);
    if (rc < 0)
        return rc;
    watch->as.orphans.before = rc = proc_subreaper(1);
    /* Some may be there already. */
    proc__watch_queue(watch);
    return rc < 0 ? rc : 0;
}

int proc_loop_orphans(proc_loop *loop, proc_on_orphan call, void *user, proc_watch **ret_watch)
{
    proc_watch *watch;
    if (!call)
        return -EINVAL;
    int rc = proc__watch_new(loop, &orphans_kind, user, &watch);
    if (rc < 0)
        return rc;
    watch->as.orphans.call = call;
    watch->as.orphans.before = -1;
    rc = begin_to_adopt(watch);
    return rc < 0 ? proc__watch_undo(watch, rc) : proc__watch_give(watch, ret_watch);
}

int proc_subreaper(int on)
{
    int before = 0;
    if (on != 0 && on != 1)
        return -EINVAL;
    if (prctl(PR_GET_CHILD_SUBREAPER, &before, 0, 0, 0) < 0 || prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0) < 0)
        return -errno;
    return before;
}
