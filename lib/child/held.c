/* SPDX-License-Identifier: MIT */
/*
 * The two pipes between a starter and a process that it holds, and how its outcome is learnt although others may have
 * their ends, too. Owns the pipes. Knows neither how the process is made nor who reaps it.
 *
 * That the process has execed shows by the end of its report pipe; but a copy of ours that another thread has forked
 * meanwhile may keep that open. So the new process takes a record lock (fcntl(2)) on the pipe as well: the kernel hands
 * that to no copy, and drops it when the process closes its end, by execve(2) or by its death. The starter shows with
 * another one that it is still there.
 */
#include "held.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/pidfd.h"
#include "child_side.h"

_Static_assert(sizeof(struct report) <= _POSIX_PIPE_BUF, "a report could be torn apart");

#define GO 1
#define LEAVE 0
#define FIRST_LOOK_MS 1
#define LAST_LOOK_MS 250
/* One that has closed its report pipe in a hook is about to end, or has become something of its own. */
#define HOOK_GONE_MS 1000

/* ---- Making and giving back ---- */

static void close_both(int ends[2])
{
    proc__fd_close(&ends[0]);
    proc__fd_close(&ends[1]);
}

int proc__hold_make(struct hold *ret_hold)
{
    struct hold hold = {
        .gate = {-1, -1},
        .report = {-1, -1},
        .starter = (int)getpid(),
        .starter_fd = -1,
        .hook_ms = -1,
        .gone_end = DEADLINE_NEVER,
    };
    int rc = proc__fd_pipe(hold.gate);
    if (rc == 0)
        rc = proc__fd_pipe(hold.report);
    if (rc == 0)
        rc = proc__fd_nonblocking(hold.report[0]);
    if (rc < 0)
        proc__hold_done(&hold);
    else
        *ret_hold = hold;
    return rc;
}

int proc__hold_for_orphan(struct hold *hold)
{
    int fd = proc__fd_above_stdio(proc__pidfd_open(hold->starter));
    if (fd < 0)
        return fd == -EPERM || fd == -EINVAL ? -ENOSYS : fd;
    hold->starter_fd = fd;
    return 0;
}

void proc__hold_done(struct hold *hold)
{
    close_both(hold->gate);
    close_both(hold->report);
    proc__fd_close(&hold->starter_fd);
}

/* ---- In the new process ---- */

/* What libc's struct flock goes with: its offsets are of 64 bits, or of 32, and so is the command. */
#ifdef SYS_fcntl64
#define FCNTL SYS_fcntl64
#else
#define FCNTL SYS_fcntl
#endif

/* The bytes of the report pipe that are locked: one by each side. */
enum { BYTE_OF_CHILD, BYTE_OF_STARTER };

static long lock_byte(int fd, short type, int byte)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return proc__step_call(FCNTL, fd, F_SETLK, (long)&lock);
}

/* 1: another process has a lock that such a one would meet; 0: nobody has; or a negative errno. */
static long is_locked(int fd, short type, int byte)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    long rc = proc__step_call(FCNTL, fd, F_GETLK, (long)&lock);
    return rc < 0 ? rc : lock.l_type != F_UNLCK;
}

long proc__hold_say(int report_fd, int word)
{
    const struct report report = {PROC_STEP_NONE, word, -1};
    return proc__step_call(SYS_write, report_fd, (long)&report, sizeof report);
}

static void die_with_starter(int signal)
{
    proc__syscall(SYS_prctl, PR_SET_PDEATHSIG, signal, 0, 0, 0, 0);
}

/* 0: in a pid namespace of its own, where the starter has no number. */
static int has_lost_parent(const struct hold *hold)
{
    long parent = proc__syscall(SYS_getppid, 0, 0, 0, 0, 0, 0);
    return parent != 0 && parent != hold->starter;
}

int proc__hold_is_let_through(const struct hold *hold)
{
    unsigned char word = LEAVE;
    return proc__step_call(SYS_read, hold->gate[0], (long)&word, sizeof word) == sizeof word && word == GO;
}

/* Killed with the thread that holds it, which cannot end otherwise than with its whole process. */
static int wait_as_child(const struct hold *hold)
{
    die_with_starter(SIGKILL);
    if (has_lost_parent(hold))
        return 0;
    int through = proc__hold_is_let_through(hold);
    die_with_starter(0);
    return through;
}

/* poll(2) without an end: 0 in the place of a time, whatever its type, and of a mask. */
#ifdef SYS_ppoll
#define PPOLL SYS_ppoll
#else
#define PPOLL SYS_ppoll_time64
#endif

/* Its parent goes first, so that the program has but one that it ever sees. */
static int wait_as_orphan(struct hold *hold)
{
    struct pollfd fds[2] = {{.fd = hold->gate[0], .events = POLLIN}, {.fd = hold->starter_fd, .events = POLLIN}};
    proc__step_call(PPOLL, (long)fds, 2, 0);
    if (!fds[0].revents && fds[1].revents)
        return 0;
    proc__step_call(SYS_close, hold->starter_fd, 0, 0);
    return proc__hold_is_let_through(hold);
}

static int wait_at_gate(struct hold *hold)
{
    return hold->starter_fd < 0 ? wait_as_child(hold) : wait_as_orphan(hold);
}

void proc__hold_stay(const struct hold *hold)
{
    struct pollfd end = {.fd = hold->starter_fd, .events = POLLIN};
    long rc = proc__hold_say(hold->report[1], HOLD_WORD_BORN) > 0 ? -EAGAIN : 0;
    /* Where it cannot wait it asks: it is killed in a moment. */
    while (rc < 0 && proc__syscall(SYS_getppid, 0, 0, 0, 0, 0, 0) == hold->starter)
        rc = proc__step_call(PPOLL, (long)&end, 1, 0);
}

/* The lock would go with any other number of the same pipe: the old one is closed before it is taken. */
static long move_clear(struct hold *hold, const struct plan *plan)
{
    struct needed needed;
    for (int i = 0; i < NEEDED_COUNT; i++)
        needed.fds[i] = -1;
    needed.fds[NEEDED_REPORT] = hold->report[1];
    struct report report = proc__child_save_needed(plan, &needed);
    if (report.step) {
        proc__step_call(SYS_write, hold->report[1], (long)&report, sizeof report);
        return -report.code;
    }
    if (needed.fds[NEEDED_REPORT] != hold->report[1])
        proc__step_call(SYS_close, hold->report[1], 0, 0);
    hold->report[1] = needed.fds[NEEDED_REPORT];
    return 0;
}

int proc__hold_wait(struct hold *hold, const struct plan *plan)
{
    proc__step_call(SYS_close, hold->gate[1], 0, 0);
    proc__step_call(SYS_close, hold->report[0], 0, 0);
    if (!wait_at_gate(hold))
        return 0;
    proc__step_call(SYS_close, hold->gate[0], 0, 0);
    if (move_clear(hold, plan) < 0)
        return 0;
    if (lock_byte(hold->report[1], F_WRLCK, BYTE_OF_CHILD) == 0)
        proc__hold_say(hold->report[1], HOLD_WORD_GUARDED);
    return 1;
}

long proc__hold_has_starter(int report_fd)
{
    return is_locked(report_fd, F_WRLCK, BYTE_OF_STARTER);
}

/* ---- In the starter ---- */

void proc__hold_refuse(const struct hold *hold)
{
    const unsigned char word = LEAVE;
    if (hold->gate[1] >= 0)
        proc__step_call(SYS_write, hold->gate[1], (long)&word, sizeof word);
}

/* As long as we have the other end too, it raises no SIGPIPE, and its one byte fits. */
long proc__hold_let_one_through(const struct hold *hold)
{
    const unsigned char word = GO;
    return proc__step_call(SYS_write, hold->gate[1], (long)&word, sizeof word);
}

int proc__hold_release(struct hold *hold)
{
    /* Any number of the pipe that we close takes our lock along: first that, then the lock. */
    proc__fd_close(&hold->report[1]);
    long rc = hold->binds ? lock_byte(hold->report[0], F_RDLCK, BYTE_OF_STARTER) : 0;
    if (rc == 0)
        rc = proc__hold_let_one_through(hold);
    if (rc < 0)
        return (int)rc;
    close_both(hold->gate);
    return 0;
}

/* If that cannot be told: until its pidfd says otherwise. */
static int is_guarded(const struct hold *hold)
{
    return is_locked(hold->report[0], F_RDLCK, BYTE_OF_CHILD) != 0;
}

static void take_word(struct hold *hold, int word)
{
    if (word == HOLD_WORD_GUARDED)
        hold->guarded = 1;
    if (word == HOLD_WORD_HOOK)
        hold->hook_end = proc__deadline_in(hold->hook_ms);
    hold->in_hook = word == HOLD_WORD_HOOK;
}

/* Reads all that is there. 0; or a negative errno: it has failed, see the report. */
static int take_words(struct hold *hold, struct report *ret_report)
{
    while (!hold->silent) {
        struct report report;
        int64_t got = proc__fd_read(hold->report[0], &report, sizeof report);
        if (got == -EAGAIN)
            return 0;
        if (got != 0 && got != (int64_t)sizeof report)
            report = proc__step_failed(PROC_STEP_PIPE, got < 0 ? (long)got : -EPROTO, -1);
        if (got != 0 && report.step) {
            *ret_report = report;
            return -report.code;
        }
        if (got == 0)
            hold->silent = 1;
        else
            take_word(hold, report.code);
    }
    return 0;
}

/* 1: it goes on; 0: it is over, as if there were none; or a negative errno. */
static int judge_hook(struct hold *hold, int left, int ended, struct report *ret_report)
{
    if (ended)
        return proc__step_fail(ret_report, PROC_STEP_HOOK, -ECHILD, -1);
    if (proc__deadline_passed(hold->hook_end))
        return proc__step_fail(ret_report, PROC_STEP_HOOK, -ETIMEDOUT, -1);
    if (left && hold->gone_end == DEADLINE_NEVER)
        hold->gone_end = proc__deadline_in(HOOK_GONE_MS);
    return !proc__deadline_passed(hold->gone_end);
}

/* 1: the process has ended; 0: not yet, or there is no telling. Waits for a word, or to look by ourselves. */
static int listen_to(const struct hold *hold, int pidfd, int pause_ms)
{
    struct pollfd fds[2] = {{.fd = hold->silent ? -1 : hold->report[0], .events = POLLIN},
                            {.fd = pidfd, .events = POLLIN}};
    deadline until = proc__deadline_in(pause_ms);
    if (hold->in_hook)
        until = proc__deadline_min(until, hold->hook_end);
    if (proc__poll(fds, 2, until) >= 0)
        return fds[1].revents != 0;
    proc_exit unused;
    proc__nap(until);
    return proc__pidfd_peek(pidfd, &unused) == 1;
}

int proc__hold_outcome(struct hold *hold, int pidfd, struct report *ret_report)
{
    for (int pause_ms = FIRST_LOOK_MS;; pause_ms = pause_ms * 2 < LAST_LOOK_MS ? pause_ms * 2 : LAST_LOOK_MS) {
        int ended = listen_to(hold, pidfd, pause_ms);
        int left = ended || (hold->guarded && !is_guarded(hold));
        /* Not before that: now all that it has said before it left is in the pipe. */
        int rc = take_words(hold, ret_report);
        if (rc < 0)
            return rc;
        left = left || hold->silent;
        rc = hold->in_hook ? judge_hook(hold, left, ended, ret_report) : !left;
        if (rc <= 0)
            return rc;
    }
}

struct report proc__hold_see_off(struct hold *hold, int pidfd, const struct report *told)
{
    struct report report = STEP_DONE;
    int rc = proc__hold_release(hold);
    if (rc < 0)
        return proc__step_failed(PROC_STEP_PIPE, rc, -1);
    proc__hold_outcome(hold, pidfd, &report);
    /* What it says itself counts more than how it left. */
    return __atomic_load_n(&told->step, __ATOMIC_ACQUIRE) ? *told : report;
}
