/* SPDX-License-Identifier: MIT */
/*
 * A set of signals as a signalfd(2). Owns the descriptor, and per thread the count of open sets that hold each signal,
 * so that sets which overlap give the mask back as it was, in whatever order they are freed.
 *
 * A mask is its thread's own. In which thread a set was opened is told by a number that each thread draws at its first
 * set: a thread's id, or the place of its memory, is given to another one after it. A forked copy inherits the number
 * together with mask and counts.
 */
#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/fd.h"

/* Records in one read(2). */
#define BATCH 32

struct proc_signals {
    int owner; /* pid of the program that opened it */
    unsigned long thread;
    int fd;
    uint64_t set;
};

/* ---- The mask ---- */

static atomic_ulong last_thread;

static _Thread_local struct {
    unsigned long number; /* 0 = not drawn yet */
    uint64_t ours;        /* signals that were not blocked before the first set that holds them */
    unsigned holders[LAST_SIGNAL];
} thread;

static unsigned long thread_number(void)
{
    if (thread.number == 0)
        thread.number = atomic_fetch_add(&last_thread, 1) + 1;
    return thread.number;
}

/* The signals of a set, one after the other: `for (int s = 0; (s = next_signal(set, s)) > 0;)`. */
static int next_signal(uint64_t set, int after)
{
    for (int signal = after + 1; signal <= LAST_SIGNAL; signal++)
        if (set & PROC_SIGNAL(signal))
            return signal;
    return 0;
}

static sigset_t libc_set(uint64_t set)
{
    sigset_t signals;
    sigemptyset(&signals);
    for (int s = 0; (s = next_signal(set, s)) > 0;)
        sigaddset(&signals, s);
    return signals;
}

static int block(uint64_t set)
{
    const sigset_t wanted = libc_set(set);
    sigset_t before;
    int rc = pthread_sigmask(SIG_BLOCK, &wanted, &before);
    if (rc != 0)
        return -rc;
    for (int s = 0; (s = next_signal(set, s)) > 0;) {
        if (thread.holders[s - 1]++ == 0 && !sigismember(&before, s))
            thread.ours |= PROC_SIGNAL(s);
    }
    return 0;
}

static void give_mask_back(uint64_t set)
{
    uint64_t last = 0;
    for (int s = 0; (s = next_signal(set, s)) > 0;) {
        if (--thread.holders[s - 1] == 0)
            last |= PROC_SIGNAL(s) & thread.ours;
    }
    thread.ours &= ~last;
    const sigset_t unblocked = libc_set(last);
    if (last)
        pthread_sigmask(SIG_UNBLOCK, &unblocked, NULL);
}

/* ---- Opening ---- */

static int can_be_read(int signal)
{
    static const uint64_t never = PROC_SIGNAL(SIGKILL) | PROC_SIGNAL(SIGSTOP);
    static const uint64_t faults = PROC_SIGNAL(SIGSEGV) | PROC_SIGNAL(SIGBUS) | PROC_SIGNAL(SIGFPE) |
                                   PROC_SIGNAL(SIGILL) | PROC_SIGNAL(SIGTRAP) | PROC_SIGNAL(SIGSYS);
    const int is_libcs = signal >= FIRST_REAL_TIME && signal < SIGRTMIN;
    return !is_libcs && signal <= SIGRTMAX && !((never | faults) & PROC_SIGNAL(signal));
}

static int check_set(uint64_t set, char *text, size_t size, struct failure *ret_failure)
{
    if (!set)
        return proc__refuse(ret_failure, EINVAL, "an empty set");
    for (int s = 0; (s = next_signal(set, s)) > 0;) {
        if (can_be_read(s))
            continue;
        proc_signal_name(s, text, size);
        return proc__fail(ret_failure, PROC_STEP_SIGNALS, EINVAL, s, text);
    }
    return 0;
}

static int open_descriptor(proc_signals *signals, struct failure *ret_failure)
{
    const sigset_t set = libc_set(signals->set);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    fd = fd < 0 ? -errno : proc__fd_above_stdio(fd);
    signals->fd = fd;
    return fd < 0 ? proc__fail(ret_failure, PROC_STEP_SIGNALS, -fd, -1, NULL) : 0;
}

/* Blocked first: a signal that comes in between waits for the descriptor. */
static int open_set(proc_signals *signals, struct failure *ret_failure)
{
    int rc = block(signals->set);
    if (rc < 0)
        return proc__fail(ret_failure, PROC_STEP_SIGNALS, -rc, -1, NULL);
    rc = open_descriptor(signals, ret_failure);
    if (rc < 0)
        give_mask_back(signals->set);
    return rc;
}

int proc_signals_new(proc_signals **ret_signals, uint64_t set, proc_error *error)
{
    struct failure failure;
    char name[16];
    if (!ret_signals)
        return -EINVAL;
    proc_signals *signals = NULL;
    int rc = check_set(set, name, sizeof name, &failure);
    if (rc == 0 && !(signals = malloc(sizeof *signals)))
        rc = proc__fail_memory(&failure);
    if (signals) {
        *signals = (proc_signals){.owner = (int)getpid(), .thread = thread_number(), .fd = -1, .set = set};
        rc = open_set(signals, &failure);
    }
    if (rc != 0) {
        proc__error_render(error, "signals", NULL, &failure);
        free(signals);
        return rc;
    }
    *ret_signals = signals;
    return 0;
}

int proc_signals_fd(const proc_signals *signals)
{
    return signals ? signals->fd : -EINVAL;
}

proc_signals *proc_signals_free(proc_signals *signals)
{
    if (!signals)
        return NULL;
    proc__fd_close(&signals->fd);
    if (signals->thread == thread.number)
        give_mask_back(signals->set);
    free(signals);
    return NULL;
}

/* ---- Reading ---- */

static proc_signal record_of(const struct signalfd_siginfo *info)
{
    return (proc_signal){
        .signal = (int32_t)info->ssi_signo,
        .code = info->ssi_code,
        .pid = (int32_t)info->ssi_pid,
        .uid = info->ssi_uid,
        .value = info->ssi_int,
        .status = info->ssi_status,
        .pointer = info->ssi_ptr,
    };
}

int proc__signals_take(proc_signals *signals, proc_signal *ret_records, size_t capacity)
{
    struct signalfd_siginfo infos[BATCH];
    size_t count = 0;
    while (count < capacity) {
        size_t room = capacity - count < BATCH ? capacity - count : BATCH;
        int64_t got = proc__fd_read(signals->fd, infos, room * sizeof infos[0]);
        if (got < 0)
            return count > 0 || got == -EAGAIN ? (int)count : (int)got;
        size_t came = (size_t)got / sizeof infos[0];
        for (size_t i = 0; i < came; i++)
            ret_records[count++] = record_of(&infos[i]);
        /* Fewer than asked for: the queue is empty, no need to ask again. */
        if (came < room)
            break;
    }
    return (int)count;
}

int proc_signals_read(proc_signals *signals, proc_signal ret_records[], size_t capacity, int timeout_ms)
{
    if (!signals || !ret_records || capacity == 0 || timeout_ms < -1)
        return -EINVAL;
    if (signals->owner != (int)getpid())
        return -ECHILD;
    const size_t most = capacity < INT32_MAX ? capacity : INT32_MAX;
    int count = proc__signals_take(signals, ret_records, most);
    const deadline until = count == 0 ? proc__deadline_in(timeout_ms) : 0;
    while (count == 0) {
        struct pollfd ready = {.fd = signals->fd, .events = POLLIN};
        int rc = proc__poll(&ready, 1, until);
        if (rc <= 0)
            return rc < 0 ? rc : -ETIMEDOUT;
        /* None, if another thread was faster. */
        count = proc__signals_take(signals, ret_records, most);
    }
    return count;
}
