/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "loops.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test.h"

proc_loop *new_loop(void)
{
    proc_loop *loop = NULL;
    assert_rc(proc_loop_new(&loop), 0);
    return loop;
}

int ready_eventfd(void)
{
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(fd >= 0);
    return fd;
}

void empty(int fd)
{
    uint64_t value;
    if (read(fd, &value, sizeof value) < 0)
        return;
}

int is_readable(int fd, int timeout_ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, timeout_ms);
}

int note(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct seen *seen = user;
    (void)watch;
    seen->calls++;
    seen->fd = fd;
    seen->events = events;
    return seen->rc;
}

int note_and_empty(proc_watch *watch, int fd, uint32_t events, void *user)
{
    empty(fd);
    return note(watch, fd, events, user);
}

int note_call(proc_watch *watch, void *user)
{
    struct seen *seen = user;
    (void)watch;
    seen->calls++;
    return seen->rc;
}

int tick(proc_watch *watch, uint64_t expirations, void *user)
{
    struct ticks *ticks = user;
    (void)watch;
    ticks->calls++;
    ticks->expirations += expirations;
    return ticks->rc;
}
