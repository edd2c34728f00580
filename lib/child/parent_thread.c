/* SPDX-License-Identifier: MIT */
/*
 * Makes one thread for one child: it starts the child, then sleeps until the child has ended, and ends. Owns a pidfd of
 * its own, so that the handle may go before.
 */
#include "parent_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/fd.h"

/* What a start needs, and some for a signal that libc sends to all threads. */
#define STACK_BYTES ((size_t)256 << 10)

/* In the frame of the calling thread, which waits for `done`. */
struct birth {
    const struct plan *plan;
    enum memory memory;
    int seat; /* a descriptor whose place the thread's own pidfd takes: nothing may be lacking once the child runs */

    int rc, pid, pidfd;
    struct report report;
    sem_t done;
};

static void sleep_until_it_ends(int pidfd)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    while (proc__poll(&end, 1, DEADLINE_NEVER) <= 0)
        (void)proc__nap(DEADLINE_NEVER);
}

static void *be_parent(void *arg)
{
    struct birth *birth = arg;
    int seat = birth->seat;
    birth->rc = proc__start(birth->plan, birth->memory, &birth->pid, &birth->pidfd, &birth->report);
    int started = birth->rc == 0;
    while (started && dup3(birth->pidfd, seat, O_CLOEXEC) < 0 && errno == EINTR)
        ;
    sem_post(&birth->done); /* the frame may be gone from here on */
    if (started)
        sleep_until_it_ends(seat);
    proc__fd_close(&seat);
    return NULL;
}

/* In the copy that it makes, a function of the caller's runs on its stack, and so do the program's fork handlers. */
static int needs_a_whole_stack(const struct plan *plan)
{
    return plan->hook || plan->stays;
}

/* No signal for the program is to be taken by it; libc's own, which go to all threads, must be. */
static int create(pthread_t *ret_thread, struct birth *birth)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    int rc = pthread_attr_init(&attributes);
    if (rc != 0)
        return -rc;
    if (!needs_a_whole_stack(birth->plan))
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(ret_thread, &attributes, be_parent, birth);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -rc;
}

static int take_seat(void)
{
    int fd = eventfd(0, EFD_CLOEXEC);
    return fd < 0 ? -errno : proc__fd_above_stdio(fd);
}

static int run_thread(struct parent_thread *thread, struct birth *birth)
{
    birth->seat = take_seat();
    if (birth->seat < 0)
        return birth->seat;
    sem_init(&birth->done, 0, 0);
    int rc = create(&thread->thread, birth);
    if (rc < 0)
        proc__fd_close(&birth->seat);
    while (rc == 0 && sem_wait(&birth->done) < 0)
        ;
    sem_destroy(&birth->done);
    return rc;
}

int proc__parent_thread_start(struct parent_thread *ret_thread, const struct plan *plan, enum memory memory,
                              int *ret_pid, int *ret_pidfd, struct report *ret_report)
{
    struct birth birth = {.plan = plan, .memory = memory, .pid = -1, .pidfd = -1};
    struct parent_thread thread = {.exists = 1};
    int rc = run_thread(&thread, &birth);
    if (rc < 0)
        return proc__step_fail(ret_report, PROC_STEP_DIE_WITH_PARENT, rc, -1);
    if (birth.rc < 0) {
        proc__parent_thread_done(&thread, 1);
        *ret_report = birth.report;
        return birth.rc;
    }
    *ret_thread = thread;
    *ret_pid = birth.pid;
    *ret_pidfd = birth.pidfd;
    return 0;
}

void proc__parent_thread_done(struct parent_thread *thread, int has_ended)
{
    if (!thread->exists)
        return;
    if (has_ended)
        pthread_join(thread->thread, NULL);
    else
        pthread_detach(thread->thread);
    thread->exists = 0;
}
