/* SPDX-License-Identifier: MIT */
/*
 * What the loop costs above the system calls that it stands on, which are what anybody needs for as much:
 *
 *   signals   kill(2) to ourselves, epoll_wait(2), read(2) of a signalfd; ours calls back, and would notice a callback
 *             that forked
 *   deaths    of one among thousands of living processes, each held by a pidfd in the epoll set: from the kill to the
 *             status known, the zombie reaped, and all about it given back: pidfd_send_signal(2), epoll_wait(2),
 *             epoll_ctl(2), waitid(2), close(2). Ours tells of a zombie, which keeps its pid until the callback is
 *             over, so that the status is asked for once more before: "told as a zombie" is raw with that waitid(2).
 *             What the start of the victim takes is left out, since it would hide the rest; the row after it has
 *             starts and ends together.
 */
#include "raw.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "services.h"

#define TOGETHER 64
/* Started before the clock is, and killed one after the other. */
#define VICTIMS 16

/* ---- The two sides ---- */

struct sides {
    proc_loop *loop;
    int set, signals; /* epoll and signalfd */
    uint64_t heard;
    struct raw_program program, sleeper;
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

/* ---- The living ---- */

static int never(proc_watch *watch, int pidfd, const proc_exit *ended, void *user)
{
    (void)watch, (void)pidfd, (void)ended, (void)user;
    bench_die("one of the living has died", 0);
}

static void allow_descriptors(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

/* A process that lives as long as we do, in both sets. 0 or the errno: there is no room for it. */
static int let_one_live(struct sides *sides)
{
    int pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), rc = pidfd < 0 ? -errno : 0;
    if (rc == 0)
        rc = proc_loop_process(sides->loop, PROC_PIDFD(pidfd), never, NULL, NULL);
    if (rc == 0)
        add(sides->set, pidfd);
    else
        kill(pid, SIGKILL);
    return -rc;
}

/* How many there are. Descriptors for the rows themselves are kept free. */
static long live_among(struct sides *sides, long wanted)
{
    int kept[2 * VICTIMS + 8], error = 0;
    long count = 0;
    allow_descriptors();
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        kept[i] = dup(sides->set);
    while (count < wanted && (error = let_one_live(sides)) == 0)
        count++;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        close(kept[i]);
    if (error)
        printf("only %ld of %ld can live here: %s\n", count, wanted, strerror(error));
    return count;
}

/* ---- Ends ---- */

static void kill_by(int pidfd)
{
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0)
        bench_die("pidfd_send_signal", errno);
}

/* The program, in the raw set. */
static int start_raw(const struct sides *sides, const struct raw_program *program)
{
    int pidfd = raw_start(program);
    add(sides->set, pidfd);
    return pidfd;
}

static void await_raw(const struct sides *sides, int pidfd)
{
    if (next_event(sides->set) != pidfd)
        bench_die("another one", 0);
    epoll_ctl(sides->set, EPOLL_CTL_DEL, pidfd, NULL);
}

static void raw_deaths(const struct sides *sides, int told_as_zombie)
{
    const int64_t begin = bench_now();
    int pidfds[VICTIMS];
    siginfo_t info;
    for (int i = 0; i < VICTIMS; i++)
        pidfds[i] = start_raw(sides, &sides->sleeper);
    bench_leave_out(begin);
    for (int i = 0; i < VICTIMS; i++) {
        kill_by(pidfds[i]);
        await_raw(sides, pidfds[i]);
        if (told_as_zombie && waitid(WAIT_FOR_PIDFD, (id_t)pidfds[i], &info, WEXITED | WNOWAIT) < 0)
            bench_die("waitid", errno);
        raw_end_killed(pidfds[i]);
    }
}

static void raw_death(const void *context)
{
    raw_deaths(context, 0);
}

static void raw_zombie(const void *context)
{
    raw_deaths(context, 1);
}

static void raw_life(const void *context)
{
    const struct sides *sides = context;
    int pidfd = start_raw(sides, &sides->program);
    await_raw(sides, pidfd);
    raw_end(pidfd);
}

static int end_child(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user)
{
    (void)watch, (void)user;
    if (!proc_exit_ok(ended) && !(ended->kind == PROC_SIGNALED && ended->code == SIGKILL))
        bench_die("the program has failed", 0);
    proc_child_free(child);
    return 0;
}

static proc_child *start_child(const struct sides *sides, const struct raw_program *program)
{
    proc_child *child;
    int rc = proc_spawn(&child, PROC_STRINGS(program->argv), NULL);
    if (rc == 0)
        rc = proc_loop_child(sides->loop, child, end_child, NULL, NULL);
    if (rc < 0)
        bench_die("proc_loop_child", -rc);
    return child;
}

static void await_one(const struct sides *sides)
{
    int rc = proc_loop_dispatch(sides->loop, -1);
    if (rc != 1)
        bench_die("proc_loop_dispatch", rc < 0 ? -rc : 0);
}

static void child_death(const void *context)
{
    const struct sides *sides = context;
    const int64_t begin = bench_now();
    proc_child *children[VICTIMS];
    for (int i = 0; i < VICTIMS; i++)
        children[i] = start_child(sides, &sides->sleeper);
    bench_leave_out(begin);
    for (int i = 0; i < VICTIMS; i++) {
        kill_by(proc_child_fd(children[i]));
        await_one(sides);
    }
}

static void child_life(const void *context)
{
    const struct sides *sides = context;
    start_child(sides, &sides->program);
    await_one(sides);
}

/* By the raw pidfd, which is ours; the loop has one of its own. */
static int end_process(proc_watch *watch, int pidfd, const proc_exit *ended, void *user)
{
    (void)watch, (void)pidfd;
    if (proc_exit_ok(ended))
        raw_end(*(int *)user);
    else
        raw_end_killed(*(int *)user);
    return 0;
}

static void watch_process(const struct sides *sides, int *pidfd)
{
    int rc = proc_loop_process(sides->loop, PROC_PIDFD(*pidfd), end_process, pidfd, NULL);
    if (rc < 0)
        bench_die("proc_loop_process", -rc);
}

static void process_death(const void *context)
{
    const struct sides *sides = context;
    const int64_t begin = bench_now();
    int pidfds[VICTIMS];
    for (int i = 0; i < VICTIMS; i++) {
        pidfds[i] = raw_start(&sides->sleeper);
        watch_process(sides, &pidfds[i]);
    }
    bench_leave_out(begin);
    for (int i = 0; i < VICTIMS; i++) {
        kill_by(pidfds[i]);
        await_one(sides);
    }
}

static void process_life(const void *context)
{
    const struct sides *sides = context;
    int pidfd = raw_start(&sides->program);
    watch_process(sides, &pidfd);
    await_one(sides);
}

/* ---- Rows ---- */

static void measure_signals(const struct sides *sides)
{
    const struct bench_work one = {"one signal", "us", 1e3, 2};
    const struct bench_way one_ways[] = {
        {"raw signalfd, epoll", raw_signal, sides, 0},
        {"raw again", raw_signal, sides, 0},
        {"proc_loop_signals", loop_signal, sides, 0},
    };
    bench_row(&one, one_ways, sizeof one_ways / sizeof one_ways[0]);

    const struct bench_work together = {"each of 64 signals", "us", 1e3 * TOGETHER, 2};
    const struct bench_way together_ways[] = {
        {"raw, one by one", raw_one_by_one, sides, 0},
        {"raw, in one read", raw_together, sides, 0},
        {"proc_loop_signals", loop_together, sides, 0},
    };
    bench_row(&together, together_ways, sizeof together_ways / sizeof together_ways[0]);
}

static void measure_ends(const struct sides *sides, long alive)
{
    char name[40];
    snprintf(name, sizeof name, "one death of %ld", alive);
    const struct bench_work death = {name, "us", 1e3 * VICTIMS, 2};
    const struct bench_way death_ways[] = {
        {"raw pidfd, epoll", raw_death, sides, 0},       {"raw again", raw_death, sides, 0},
        {"raw, told as a zombie", raw_zombie, sides, 0}, {"proc_loop_process", process_death, sides, 0},
        {"proc_loop_child", child_death, sides, 0},
    };
    bench_row(&death, death_ways, sizeof death_ways / sizeof death_ways[0]);

    const struct bench_work life = {"and its start", "us", 1e3, 5};
    const struct bench_way life_ways[] = {
        {"raw start, pidfd, epoll", raw_life, sides, 0},
        {"raw start, proc_loop_process", process_life, sides, 0},
        {"proc_spawn, proc_loop_child", child_life, sides, 0},
    };
    bench_row(&life, life_ways, sizeof life_ways / sizeof life_ways[0]);
}

static struct raw_program program(const char *name, char *arguments[2])
{
    const char *path = bench_sibling(name);
    arguments[0] = (char *)(uintptr_t)path;
    arguments[1] = NULL;
    return (struct raw_program){path, arguments, -1};
}

void bench_loop(long alive)
{
    char *arguments[2][2];
    struct sides sides = {
        .set = epoll_create1(EPOLL_CLOEXEC),
        .program = program("child-true", arguments[0]),
        .sleeper = program("child-sleeper", arguments[1]),
    };
    if (sides.set < 0 || proc_loop_new(&sides.loop) < 0)
        bench_die("epoll_create1", errno);
    watch_signals(&sides);
    measure_signals(&sides);
    measure_ends(&sides, live_among(&sides, alive));
    proc_loop_free(sides.loop);
}
