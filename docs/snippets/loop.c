/* SPDX-License-Identifier: MIT */
/* The snippets of the loop, as in snippets.c. */
#include "snippet.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int ticked, answered, told, reaped;

//! [loop_timer]
static int tick(proc_watch *watch, uint64_t expirations, void *user)
{
    (void)user;
    ticked += (int)expirations;
    if (ticked >= 3)
        proc_loop_quit(proc_watch_loop(watch), 0);
    return 0;
}

static int tick_every_10_ms(proc_loop *loop)
{
    return proc_loop_timer(loop, 10, 10, tick, NULL, NULL);
}
//! [loop_timer]

static void run(void)
{
    //! [loop]
    proc_loop *loop = NULL;
    int rc = proc_loop_new(&loop);
    if (rc == 0)
        rc = tick_every_10_ms(loop);
    if (rc == 0)
        rc = proc_loop_run(loop);
    loop = proc_loop_free(loop);
    //! [loop]
    CHECK(rc == 0 && ticked >= 3 && !loop);
}

//! [loop_child]
static int child_ended(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user)
{
    char words[64];
    proc_result result;
    (void)watch, (void)user;
    proc_exit_text(ended, words, sizeof words);
    if (proc_collect(child, 0, &result) == 0)
        printf("%s: %s", words, result.out.data); /* exited with 0: hello */
    proc_result_done(&result);
    proc_child_free(child);
    told++;
    return 0;
}

static int start_one(proc_loop *loop)
{
    proc_child *child;
    int rc = proc_spawn(&child, PROC_ARGV("echo", "hello"), PROC_OPTIONS(.out = PROC_CAPTURE));
    if (rc < 0)
        return rc;
    rc = proc_loop_child(loop, child, child_ended, NULL, NULL);
    if (rc < 0)
        proc_child_free(child);
    return rc;
}
//! [loop_child]

//! [loop_process]
static int stranger_ended(proc_watch *watch, int pidfd, const proc_exit *ended, void *user)
{
    (void)watch, (void)pidfd, (void)user;
    printf("gone%s\n", ended->kind == PROC_EXITED_UNREAPED ? ", nobody knows yet how" : "");
    told++;
    return 0;
}

static int watch_a_pid(proc_loop *loop, int pid)
{
    return proc_loop_process(loop, PROC_PID(pid), stranger_ended, NULL, NULL);
}
//! [loop_process]

//! [loop_orphans]
static int orphan_ended(proc_watch *watch, int pid, const proc_exit *ended, void *user)
{
    const int *not_this_one = user;
    (void)watch, (void)ended;
    if (pid == *not_this_one)
        return PROC_ORPHAN_LEAVE; /* somebody here will call waitpid(2) for it */
    reaped++;
    return 0;
}

static int reap_orphans(proc_loop *loop, int *not_this_one)
{
    return proc_loop_orphans(loop, orphan_ended, not_this_one, NULL);
}
//! [loop_orphans]

static void processes(proc_loop *loop)
{
    CHECK(start_one(loop) == 0);
    int pid = fork();
    if (pid == 0)
        _exit(0);
    CHECK(watch_a_pid(loop, pid) == 0);
    CHECK(proc_loop_run(loop) == 0 && told == 2);
    CHECK(reap_orphans(loop, &pid) == 0);
    int orphan = fork();
    if (orphan == 0)
        _exit(0);
    while (reaped == 0)
        CHECK(proc_loop_dispatch(loop, 5000) >= 0);
    CHECK(waitpid(pid, NULL, WNOHANG) == pid && waitpid(orphan, NULL, WNOHANG) < 0);
}

//! [loop_signals]
static int heard(proc_watch *watch, const proc_signal *signal, void *user)
{
    (void)user;
    printf("signal %d from %d\n", signal->signal, signal->pid);
    proc_loop_quit(proc_watch_loop(watch), 0);
    return 0;
}

static int quit_by_signal(proc_loop *loop)
{
    return proc_loop_signals(loop, PROC_SIGNAL(SIGTERM) | PROC_SIGNAL(SIGINT), heard, NULL, NULL);
}
//! [loop_signals]

//! [loop_descriptor]
static int readable(proc_watch *watch, int fd, uint32_t events, void *user)
{
    char bytes[256];
    (void)watch, (void)events, (void)user;
    ssize_t count = read(fd, bytes, sizeof bytes);
    if (count <= 0)
        return count < 0 ? -errno : 0;
    answered += (int)count;
    return 0;
}

static int watch_a_pipe(proc_loop *loop, int fd, proc_watch **watch)
{
    return proc_loop_descriptor(loop, fd, EPOLLIN, readable, NULL, watch);
}
//! [loop_descriptor]

//! [loop_defer]
static int later(proc_watch *watch, void *user)
{
    (void)watch;
    free(user); /* nobody in this round uses it any more */
    return 0;
}

static int free_later(proc_loop *loop, void *memory)
{
    return proc_loop_defer(loop, later, memory, NULL);
}
//! [loop_defer]

static void descriptors(proc_loop *loop)
{
    int ends[2];
    proc_watch *watch;
    CHECK(pipe(ends) == 0 && watch_a_pipe(loop, ends[0], &watch) == 0);
    CHECK(write(ends[1], "ping", 4) == 4);
    //! [loop_dispatch]
    int calls = proc_loop_dispatch(loop, 1000); /* one round; 0: nothing within a second */
    //! [loop_dispatch]
    CHECK(calls == 1 && answered == 4);
    //! [watch_set_events]
    proc_watch_set_events(watch, 0); /* a pause: let the writer wait */
    proc_watch_set_events(watch, EPOLLIN);
    //! [watch_set_events]
    //! [watch_free]
    watch = proc_watch_free(watch); /* before the descriptor is closed */
    close(ends[0]);
    //! [watch_free]
    close(ends[1]);
    CHECK(free_later(loop, malloc(1)) == 0 && proc_loop_dispatch(loop, 1000) == 1);
}

static void times(proc_loop *loop)
{
    proc_watch *watch;
    //! [loop_timer_at]
    int rc = proc_loop_timer_at(loop, proc_now_ms() + 20, tick, NULL, &watch);
    //! [loop_timer_at]
    CHECK(rc == 0);
    //! [watch_set_timer]
    proc_watch_set_timer(watch, 5000, 0); /* five seconds more, from now */
    proc_watch_set_timer(watch, -1, 0);   /* not at all */
    //! [watch_set_timer]
    proc_watch_free(watch);
    //! [loop_fd]
    struct pollfd inner = {.fd = proc_loop_fd(loop), .events = POLLIN};
    if (poll(&inner, 1, 0) > 0)
        proc_loop_dispatch(loop, 0);
    //! [loop_fd]
}

//! [loop_quit]
static int give_up(proc_watch *watch, uint64_t expirations, void *user)
{
    (void)expirations, (void)user;
    proc_loop_quit(proc_watch_loop(watch), 1); /* what proc_loop_run() returns */
    return 0;
}
//! [loop_quit]

//! [watch_loop]
static int once_more(proc_watch *watch, uint64_t expirations, void *user)
{
    (void)expirations;
    return proc_loop_timer(proc_watch_loop(watch), 1, 0, give_up, user, NULL);
}
//! [watch_loop]

int main(void)
{
    proc_loop *loop = NULL;
    run();
    CHECK(proc_loop_new(&loop) == 0);
    descriptors(loop);
    times(loop);
    CHECK(proc_loop_timer(loop, 0, 0, once_more, NULL, NULL) == 0 && proc_loop_run(loop) == 1);
    CHECK(quit_by_signal(loop) == 0 && kill(getpid(), SIGTERM) == 0 && proc_loop_run(loop) == 0);
    loop = proc_loop_free(loop);
    //! [subreaper]
    int before = proc_subreaper(1); /* orphans below us become our children */
    if (before == 0)
        proc_subreaper(0);
    //! [subreaper]
    CHECK(before == 0);
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (pidfd >= 0) {
        close(pidfd);
        CHECK(proc_loop_new(&loop) == 0);
        processes(loop);
        proc_loop_free(loop);
    }
    return 0;
}
