/* SPDX-License-Identifier: MIT */
/* What callbacks may do to the loop that calls them: free, close and replace what is watched, run it, free it. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loops.h"

/* ---- What callbacks may do ---- */

static int free_both(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct seen *seen = user;
    note(watch, fd, events, user);
    seen->watch = proc_watch_free(seen->watch);
    seen->other = proc_watch_free(seen->other);
    return 0;
}

static void a_callback_may_free_itself_and_others(void **state)
{
    (void)state;
    struct seen seen = {0};
    proc_loop *loop = new_loop();
    int fds[2] = {ready_eventfd(), ready_eventfd()};
    assert_rc(proc_loop_descriptor(loop, fds[0], EPOLLIN, free_both, &seen, &seen.watch), 0);
    assert_rc(proc_loop_descriptor(loop, fds[1], EPOLLIN, free_both, &seen, &seen.other), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(seen.calls, 1);
    proc_loop_free(loop);
    close(fds[0]);
    close(fds[1]);
}

struct reuse {
    proc_loop *loop;
    int fds[2];
    proc_watch *watches[2];
    struct seen fresh;
};

/* The other one, which is ready in this round too, makes room for a new descriptor with its number and slot. */
static int replace_other(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct reuse *reuse = user;
    int other = fd == reuse->fds[0];
    (void)watch, (void)events;
    empty(fd);
    proc_watch_free(reuse->watches[other]);
    close(reuse->fds[other]);
    int fresh = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fresh != reuse->fds[other])
        return -EBADF;
    return proc_loop_descriptor(reuse->loop, fresh, EPOLLIN, note, &reuse->fresh, &reuse->watches[other]);
}

static void an_event_of_a_closed_descriptor_is_not_its_successors(void **state)
{
    (void)state;
    struct reuse reuse = {.loop = new_loop(), .fds = {ready_eventfd(), ready_eventfd()}};
    for (int i = 0; i < 2; i++)
        assert_rc(proc_loop_descriptor(reuse.loop, reuse.fds[i], EPOLLIN, replace_other, &reuse, &reuse.watches[i]), 0);
    assert_rc(proc_loop_dispatch(reuse.loop, 0), 1);
    assert_rc(proc_loop_dispatch(reuse.loop, 0), 0);
    assert_int_equal(reuse.fresh.calls, 0);
    proc_loop_free(reuse.loop);
    close(reuse.fds[0]);
    close(reuse.fds[1]);
}

static int dispatch_within(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct seen *seen = user;
    note_and_empty(watch, fd, events, user);
    int rc = proc_loop_dispatch(proc_watch_loop(watch), 0);
    seen->rc += rc;
    return rc < 0 ? rc : 0;
}

static void a_nested_round_leaves_nothing_for_the_outer_one_to_repeat(void **state)
{
    (void)state;
    struct seen seen[3] = {{0}, {0}, {0}};
    proc_loop *loop = new_loop();
    int fds[3] = {ready_eventfd(), ready_eventfd(), ready_eventfd()};
    for (int i = 0; i < 3; i++)
        assert_rc(proc_loop_descriptor(loop, fds[i], EPOLLIN, dispatch_within, &seen[i], NULL), 0);
    assert_rc(proc_loop_dispatch(loop, 0), 3);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(seen[i].calls, 1);
    assert_int_equal(seen[0].rc + seen[1].rc + seen[2].rc, 2 + 1);
    proc_loop_free(loop);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

static int quit_inner(proc_watch *watch, void *user)
{
    (void)user;
    proc_loop_quit(proc_watch_loop(watch), 2);
    return 0;
}

static int run_within(proc_watch *watch, void *user)
{
    struct seen *seen = user;
    proc_loop *loop = proc_watch_loop(watch);
    if (proc_loop_defer(loop, quit_inner, NULL, NULL) < 0)
        return -ENOMEM;
    seen->rc = proc_loop_run(loop);
    proc_loop_quit(loop, 3);
    return 0;
}

static void quit_ends_the_innermost_run(void **state)
{
    (void)state;
    struct seen seen = {0}, idle = {0};
    proc_loop *loop = new_loop();
    int fd = eventfd(0, EFD_CLOEXEC);
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLIN, note, &idle, NULL), 0);
    assert_rc(proc_loop_defer(loop, run_within, &seen, NULL), 0);
    assert_rc(proc_loop_run(loop), 3);
    assert_int_equal(seen.rc, 2);
    proc_loop_free(loop);
    close(fd);
}

static int free_loop(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct seen *seen = user;
    note(watch, fd, events, user);
    seen->loop = proc_loop_free(seen->loop);
    seen->other = proc_watch_free(seen->other);
    return 0;
}

static void a_callback_may_free_the_loop(void **state)
{
    (void)state;
    int fds[2] = {ready_eventfd(), ready_eventfd()};
    for (int way = 0; way < 2; way++) {
        struct seen seen = {.loop = new_loop()};
        assert_rc(proc_loop_descriptor(seen.loop, fds[0], EPOLLIN, free_loop, &seen, NULL), 0);
        assert_rc(proc_loop_descriptor(seen.loop, fds[1], EPOLLIN, free_loop, &seen, &seen.other), 0);
        assert_rc(proc_loop_defer(seen.loop, note_call, &seen, NULL), 0);
        assert_rc(way == 0 ? proc_loop_run(seen.loop) : proc_loop_dispatch(seen.loop, -1), -ECANCELED);
        assert_int_equal(seen.calls, 1);
        assert_null(seen.loop);
    }
    close(fds[0]);
    close(fds[1]);
}

static int cancel_this_thread(proc_watch *watch, int fd, uint32_t events, void *user)
{
    note_and_empty(watch, fd, events, user);
    pthread_cancel(pthread_self());
    poll(NULL, 0, 0); /* where a thread may be cancelled */
    return 0;
}

static void *run_in_thread(void *arg)
{
    (void)proc_loop_run(arg);
    return NULL;
}

static void a_cancelled_thread_leaves_a_loop_that_goes_on(void **state)
{
    (void)state;
    struct seen seen = {0};
    pthread_t thread;
    void *end;
    if (ADDRESS_SANITIZER)
        SKIP_TEST("the address sanitizer does not survive the cancelling of a thread");
    proc_loop *loop = new_loop();
    int fd = ready_eventfd();
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLIN, cancel_this_thread, &seen, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, run_in_thread, loop), 0);
    pthread_join(thread, &end);
    assert_ptr_equal(end, PTHREAD_CANCELED);
    assert_int_equal(seen.calls, 1);
    assert_rc(proc_loop_defer(loop, note_call, &seen, NULL), 0);
    assert_rc(proc_loop_dispatch(loop, 0), 1);
    proc_loop_free(loop);
    close(fd);
}

/* ---- Forks ---- */

/* In the copy the rest of the round, its timers included, is none of its business. */
static int fork_and_return(proc_watch *watch, void *user)
{
    struct seen *seen = user;
    note_call(watch, seen);
    seen->rc = fork();
    return 0;
}

static int dispatch_with_fork(void *arg)
{
    const int run = *(const int *)arg;
    struct seen first = {0}, second = {0};
    proc_loop *loop = NULL;
    require_rc(proc_loop_new(&loop), 0);
    require_rc(proc_loop_defer(loop, fork_and_return, &first, NULL), 0);
    require_rc(proc_loop_defer(loop, note_call, &second, NULL), 0);
    int rc = run ? proc_loop_run(loop) : proc_loop_dispatch(loop, 0);
    if (first.rc == 0)
        leave(rc == -ECHILD && second.calls == 0 ? 0 : 1);
    int status = -1;
    require(waitpid(first.rc, &status, 0) == first.rc);
    require(status == 0);
    require_rc(rc, run ? 0 : 2);
    require(second.calls == 1);
    proc_loop_free(loop);
    return 0;
}

static void a_copy_that_returns_from_a_callback_leaves_the_round(void **state)
{
    (void)state;
    for (int run = 0; run < 2; run++)
        assert_in_fork(dispatch_with_fork, &run);
}

/* ---- All of it at once ---- */

enum { PLACES = 40, STORM_CALLS = 20000 };

/* Whatever is done to it, a watch that was freed never calls, and one that is there calls by the right pointer. */
static struct storm {
    proc_loop *loop;
    unsigned seed;
    int calls, depth, wrong;
    struct place {
        proc_watch *watch;
        int fd; /* -1: no descriptor */
    } places[PLACES];
} storm;

static int draw(int below)
{
    return (int)((unsigned)rand_r(&storm.seed) >> 4) % below;
}

static void clear_place(struct place *place)
{
    place->watch = proc_watch_free(place->watch);
    if (place->fd >= 0)
        close(place->fd);
    place->fd = -1;
}

static int blow(proc_watch *watch, struct place *place);

static int storm_fd(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct place *place = user;
    (void)events;
    if (fd != place->fd)
        storm.wrong++;
    if (draw(2))
        empty(fd);
    return blow(watch, place);
}

static int storm_timer(proc_watch *watch, uint64_t expirations, void *user)
{
    if (expirations == 0)
        storm.wrong++;
    return blow(watch, user);
}

static int storm_call(proc_watch *watch, void *user)
{
    return blow(watch, user);
}

static void fill_place(struct place *place)
{
    clear_place(place);
    switch (draw(4)) {
    case 0:
        place->fd = ready_eventfd();
        (void)proc_loop_descriptor(storm.loop, place->fd, EPOLLIN, storm_fd, place, &place->watch);
        break;
    case 1: (void)proc_loop_timer(storm.loop, draw(2), draw(2), storm_timer, place, &place->watch); break;
    case 2: (void)proc_loop_timer_at(storm.loop, draw(1000), storm_timer, place, &place->watch); break;
    default: (void)proc_loop_defer(storm.loop, storm_call, place, &place->watch);
    }
}

static void change(struct place *place)
{
    if (!place->watch)
        return;
    if (place->fd >= 0)
        (void)proc_watch_set_events(place->watch, draw(2) ? EPOLLIN : EPOLLIN | EPOLLOUT);
    else
        (void)proc_watch_set_timer(place->watch, draw(3) - 1, 0);
}

static int blow(proc_watch *watch, struct place *place)
{
    int rc = 0;
    if (watch != place->watch)
        storm.wrong++;
    storm.calls++;
    for (int i = draw(4); i > 0; i--) {
        struct place *other = draw(3) ? &storm.places[draw(PLACES)] : place;
        switch (draw(4)) {
        case 0: clear_place(other); break;
        case 1: change(other); break;
        default: fill_place(other);
        }
    }
    if (storm.depth < 4 && draw(8) == 0) {
        storm.depth++;
        rc = proc_loop_dispatch(storm.loop, draw(2));
        storm.depth--;
    }
    return rc < 0 ? rc : 0;
}

static void a_storm_of_changes_calls_nobody_who_is_gone(void **state)
{
    (void)state;
    storm = (struct storm){.loop = new_loop(), .seed = 20};
    for (int i = 0; i < PLACES; i++)
        storm.places[i].fd = -1;
    while (storm.calls < STORM_CALLS) {
        int rc = proc_loop_dispatch(storm.loop, 1);
        assert_true(rc >= 0);
        for (int i = 0; i < PLACES && rc == 0; i++)
            fill_place(&storm.places[i]);
    }
    assert_int_equal(storm.wrong, 0);
    for (int i = 0; i < PLACES; i++)
        clear_place(&storm.places[i]);
    assert_rc(proc_loop_run(storm.loop), 0);
    proc_loop_free(storm.loop);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_callback_may_free_itself_and_others),
        cmocka_unit_test(an_event_of_a_closed_descriptor_is_not_its_successors),
        cmocka_unit_test(a_nested_round_leaves_nothing_for_the_outer_one_to_repeat),
        cmocka_unit_test(quit_ends_the_innermost_run),
        cmocka_unit_test(a_callback_may_free_the_loop),
        cmocka_unit_test(a_cancelled_thread_leaves_a_loop_that_goes_on),
        cmocka_unit_test(a_copy_that_returns_from_a_callback_leaves_the_round),
        cmocka_unit_test(a_storm_of_changes_calls_nobody_who_is_gone),
    };
    return run_suite("loop-callbacks", tests, sizeof tests / sizeof tests[0], argc, argv);
}
