/* SPDX-License-Identifier: MIT */
/*
 * What the loop costs above the system calls that it stands on: one signal, 64 signals together, and one death among
 * thousands of living processes.
 */
#include "raw.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <proc/proc.h>

#define TOGETHER 64

static long alive = 2000;

/* ---- The two sides ---- */

struct sides {
    proc_loop *loop;
    int set, signals; /* epoll and signalfd */
    uint64_t heard;
    struct raw_program program;
};

static void add(int set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0)
        bench_die("epoll_ctl", errno);
}

static int next_event(int set)
{
    struct epoll_event events[256];
    int count;
    do
        count = epoll_wait(set, events, 256, -1);
    while (count < 0 && errno == EINTR);
    if (count != 1)
        bench_die("not one event", count < 0 ? errno : 0);
    return events[0].data.fd;
}

static int hear(proc_watch *watch, const proc_signal *signal, void *user)
{
    (void)watch, (void)signal;
    ++*(uint64_t *)user;
    return 0;
}

/* Each side has a signal of its own: one descriptor would hear what is meant for the other. */
static void watch_signals(struct sides *sides)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sides->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    add(sides->set, sides->signals);
    if (proc_loop_signals(sides->loop, PROC_SIGNAL(SIGUSR2) | PROC_SIGNAL(SIGRTMIN + 1), hear, &sides->heard, NULL) < 0)
        bench_die("proc_loop_signals", 0);
}

/* ---- Signals ---- */

static void raw_signal(const void *context)
{
    const struct sides *sides = context;
    struct signalfd_siginfo info[TOGETHER];
    kill(getpid(), SIGUSR1);
    next_event(sides->set);
    if (read(sides->signals, info, sizeof info) != (ssize_t)sizeof info[0])
        bench_die("signalfd", errno);
}

static void loop_signal(const void *context)
{
    const struct sides *sides = context;
    kill(getpid(), SIGUSR2);
    if (proc_loop_dispatch(sides->loop, -1) != 1)
        bench_die("proc_loop_dispatch", 0);
}

static void send_together(int signal)
{
    for (int i = 0; i < TOGETHER; i++)
        if (sigqueue(getpid(), signal, (union sigval){.sival_int = i}) < 0)
            bench_die("sigqueue", errno);
}

static void raw_one_by_one(const void *context)
{
    const struct sides *sides = context;
    struct signalfd_siginfo info;
    for (int i = 0; i < TOGETHER; i++) {
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
        next_event(sides->set);
        if (read(sides->signals, &info, sizeof info) != (ssize_t)sizeof info)
            bench_die("signalfd", errno);
    }
}

static void raw_together(const void *context)
{
    const struct sides *sides = context;
    struct signalfd_siginfo info[TOGETHER];
    send_together(SIGRTMIN);
    next_event(sides->set);
    if (read(sides->signals, info, sizeof info) != (ssize_t)sizeof info)
        bench_die("signalfd", errno);
}

static void loop_together(const void *context)
{
    const struct sides *sides = context;
    send_together(SIGRTMIN + 1);
    if (proc_loop_dispatch(sides->loop, -1) != TOGETHER)
        bench_die("proc_loop_dispatch", 0);
}

/* ---- A death among many ---- */

static int never(proc_watch *watch, int pidfd, const proc_exit *ended, void *user)
{
    (void)watch, (void)pidfd, (void)ended, (void)user;
    bench_die("one of the living has died", 0);
}

static void live_among(struct sides *sides)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    for (long i = 0; i < alive; i++) {
        int pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
        int pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0)
            bench_die("too many alive", errno);
        add(sides->set, pidfd);
        if (proc_loop_process(sides->loop, PROC_PIDFD(pidfd), never, NULL, NULL) < 0)
            bench_die("proc_loop_process", 0);
    }
}

static void raw_death(const void *context)
{
    const struct sides *sides = context;
    int pidfd = raw_start(&sides->program);
    add(sides->set, pidfd);
    if (next_event(sides->set) != pidfd)
        bench_die("another one", 0);
    epoll_ctl(sides->set, EPOLL_CTL_DEL, pidfd, NULL);
    raw_end(pidfd);
}

static int tell(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user)
{
    (void)watch, (void)user;
    if (!proc_exit_ok(ended))
        bench_die("the program has failed", 0);
    proc_child_free(child);
    return 0;
}

static void loop_child(const void *context)
{
    const struct sides *sides = context;
    proc_child *child;
    int rc = proc_spawn(&child, PROC_STRINGS(sides->program.argv), NULL);
    if (rc == 0)
        rc = proc_loop_child(sides->loop, child, tell, NULL, NULL);
    if (rc < 0 || proc_loop_dispatch(sides->loop, -1) != 1)
        bench_die("proc_loop_child", -rc);
}

static int end_raw(proc_watch *watch, int pidfd, const proc_exit *ended, void *user)
{
    (void)watch, (void)pidfd, (void)ended;
    raw_end(*(int *)user);
    return 0;
}

static void loop_process(const void *context)
{
    const struct sides *sides = context;
    int pidfd = raw_start(&sides->program);
    int rc = proc_loop_process(sides->loop, PROC_PIDFD(pidfd), end_raw, &pidfd, NULL);
    if (rc < 0 || proc_loop_dispatch(sides->loop, -1) != 1)
        bench_die("proc_loop_process", -rc);
}

int main(int argc, char *argv[])
{
    const struct bench_option options[] = {{"alive", "processes that live on while one dies", &alive}};
    bench_begin(argc, argv, options, sizeof options / sizeof options[0]);

    const char *path = bench_sibling("child-true");
    char *const arguments[] = {(char *)(uintptr_t)path, NULL};
    struct sides sides = {.set = epoll_create1(EPOLL_CLOEXEC), .program = {path, arguments, -1}};
    if (sides.set < 0 || proc_loop_new(&sides.loop) < 0)
        bench_die("epoll_create1", errno);
    watch_signals(&sides);

    const struct bench_work one = {"one signal", "us", 1e3, 2};
    const struct bench_way one_ways[] = {
        {"raw signalfd, epoll", raw_signal, &sides, 0},
        {"raw again", raw_signal, &sides, 0},
        {"proc_loop_signals", loop_signal, &sides, 0},
    };
    bench_row(&one, one_ways, sizeof one_ways / sizeof one_ways[0]);

    const struct bench_work together = {"each of 64 signals", "us", 1e3 * TOGETHER, 2};
    const struct bench_way together_ways[] = {
        {"raw, one by one", raw_one_by_one, &sides, 0},
        {"raw, in one read", raw_together, &sides, 0},
        {"proc_loop_signals", loop_together, &sides, 0},
    };
    bench_row(&together, together_ways, sizeof together_ways / sizeof together_ways[0]);

    live_among(&sides);
    const struct bench_work death = {"one death of many", "us", 1e3, 5};
    const struct bench_way death_ways[] = {
        {"raw pidfd, epoll", raw_death, &sides, 0},
        {"raw again", raw_death, &sides, 0},
        {"raw start, proc_loop_process", loop_process, &sides, 0},
        {"proc_spawn, proc_loop_child", loop_child, &sides, 0},
    };
    bench_row(&death, death_ways, sizeof death_ways / sizeof death_ways[0]);
    proc_loop_free(sides.loop);
    return 0;
}
