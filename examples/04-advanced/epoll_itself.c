/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "epoll_itself.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 1000
#define OTHERS 16 /* stdio, the set, and what a sanitizer has */

static int fail(const char *what)
{
    fprintf(stderr, "epoll_echo: %s: %s\n", what, strerror(errno));
    return 1;
}

int show_trigger(const char *name, uint32_t mode)
{
    int set = epoll_create1(EPOLL_CLOEXEC), ends[2], told = 0;
    struct epoll_event event = {.events = EPOLLIN | mode};
    char byte;
    if (set < 0 || pipe(ends) < 0 || epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) < 0 ||
        write(ends[1], "abc", 3) != 3)
        return fail("pipe");
    while (told < 3 && epoll_wait(set, &event, 1, 0) == 1 && read(ends[0], &byte, 1) == 1)
        told++;
    printf("%s: told %d times of three bytes that are read one by one\n", name, told);
    close(ends[0]);
    close(ends[1]);
    close(set);
    return 0;
}

int show_regular_file(void)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    FILE *file = tmpfile();
    struct epoll_event event = {.events = EPOLLIN};
    if (set < 0 || !file)
        return fail("tmpfile");
    int rc = epoll_ctl(set, EPOLL_CTL_ADD, fileno(file), &event);
    printf("a regular file: %s\n", rc < 0 ? strerror(errno) : "taken");
    fclose(file);
    close(set);
    return 0;
}

/* ---- Against poll(2), which is handed the whole list each time, and walks it ---- */

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int allow_descriptors(int count)
{
    struct rlimit limit;
    const rlim_t wanted = (rlim_t)count + OTHERS;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -1;
    if (limit.rlim_max < wanted)
        return errno = EMFILE, -1;
    if (limit.rlim_cur < wanted)
        limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static int await_by_poll(struct pollfd *all, int count, int set)
{
    (void)set;
    return poll(all, (nfds_t)count, -1);
}

static int await_by_epoll(struct pollfd *all, int count, int set)
{
    struct epoll_event event;
    (void)all, (void)count;
    return epoll_wait(set, &event, 1, -1);
}

/* The best of many rounds, so that what else the machine does is left out; negative: it failed. */
static double time_wakeup(int (*await)(struct pollfd *, int, int), struct pollfd *all, int count, int set)
{
    const uint64_t one = 1;
    const int active = all[count - 1].fd;
    double best = -1;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t value;
        if (write(active, &one, sizeof one) != sizeof one)
            return -1;
        double start = now_us();
        int ready = await(all, count, set);
        double took = now_us() - start;
        if (ready != 1 || read(active, &value, sizeof value) != sizeof value)
            return -1;
        if (best < 0 || took < best)
            best = took;
    }
    return best;
}

int epoll_bench(int silent)
{
    const int count = silent + 1;
    int set = epoll_create1(EPOLL_CLOEXEC), made = 0;
    struct pollfd *all = calloc((size_t)count, sizeof *all);
    double by_poll = -1, by_epoll = -1;
    if (all && set >= 0 && allow_descriptors(count) == 0)
        for (; made < count; made++) {
            struct epoll_event event = {.events = EPOLLIN};
            all[made] = (struct pollfd){eventfd(0, EFD_CLOEXEC), POLLIN, 0};
            if (all[made].fd < 0 || epoll_ctl(set, EPOLL_CTL_ADD, all[made].fd, &event) < 0)
                break;
        }
    if (made == count) {
        by_poll = time_wakeup(await_by_poll, all, count, set);
        by_epoll = time_wakeup(await_by_epoll, all, count, set);
    }
    int failed = by_poll < 0 || by_epoll < 0;
    if (failed)
        fail("bench");
    else
        printf("one of %d: poll(2) %.2f us, epoll_wait(2) %.2f us\n", count, by_poll, by_epoll);
    free(all); /* the descriptors go with us */
    return failed;
}
