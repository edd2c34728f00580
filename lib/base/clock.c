/* SPDX-License-Identifier: MIT */
/* Deadlines and the poll that keeps them. Owns nothing; knows no descriptor by name. */
#include "clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

#include <proc/base.h>

#define NS_PER_MS INT64_C(1000000)
#define NAP_MS 10

deadline proc__now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

int64_t proc_now_ms(void)
{
    return proc__now_ns() / NS_PER_MS;
}

deadline proc__deadline_in(int timeout_ms)
{
    return timeout_ms < 0 ? DEADLINE_NEVER : proc__now_ns() + timeout_ms * NS_PER_MS;
}

deadline proc__deadline_min(deadline a, deadline b)
{
    return a < b ? a : b;
}

int proc__deadline_passed(deadline when)
{
    return when != DEADLINE_NEVER && proc__now_ns() >= when;
}

int proc__deadline_ms(deadline when)
{
    if (when == DEADLINE_NEVER)
        return -1;
    int64_t left = when - proc__now_ns();
    if (left <= 0)
        return 0;
    left = (left + NS_PER_MS - 1) / NS_PER_MS;
    return left > INT_MAX ? INT_MAX : (int)left;
}

/* One that was interrupted has not looked since: a process may have been stopped meanwhile. */
static int look_once_more(struct pollfd *fds, size_t count)
{
    int ready = poll(fds, (nfds_t)count, 0);
    return ready < 0 ? 0 : ready;
}

int proc__poll(struct pollfd *fds, size_t count, deadline when)
{
    for (;;) {
        int ready = poll(fds, (nfds_t)count, proc__deadline_ms(when));
        if (ready > 0)
            return ready;
        if (ready < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        /* poll(2) may come back a little early, and a signal must not restart the timeout. */
        if (proc__deadline_passed(when))
            return ready < 0 ? look_once_more(fds, count) : 0;
    }
}

int proc__nap(deadline when)
{
    int left = proc__deadline_ms(when);
    if (left == 0)
        return -ETIMEDOUT;
    int ms = left > 0 && left < NAP_MS ? left : NAP_MS;
    clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, ms * (long)NS_PER_MS}, NULL);
    return 0;
}
