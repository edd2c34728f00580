/* SPDX-License-Identifier: MIT */
/*
 * The loop itself: descriptors, deferred calls, rounds, runs. What callbacks may do to it is in test-loop-callbacks.c,
 * each kind of event beside descriptors in a file of its own.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loops.h"

static void fill(int fd)
{
    const uint64_t one = 1;
    if (write(fd, &one, sizeof one) < 0)
        return;
}

/* ---- Descriptors ---- */

static void a_descriptor_is_called_for_as_long_as_it_is_ready(void **state)
{
    (void)state;
    struct seen seen = {0};
    proc_watch *watch;
    proc_loop *loop = new_loop();
    int fd = ready_eventfd();
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLIN, note, &seen, &watch), 0);
    assert_ptr_equal(proc_watch_loop(watch), loop);
    assert_rc(proc_loop_dispatch(loop, 0), 1);
    assert_rc(proc_loop_dispatch(loop, -1), 1);
    assert_int_equal(seen.calls, 2);
    assert_int_equal(seen.fd, fd);
    assert_int_equal(seen.events, EPOLLIN);
    empty(fd);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    assert_rc(proc_watch_set_events(watch, EPOLLIN | EPOLLOUT), 0);
    assert_rc(proc_loop_dispatch(loop, 0), 1);
    assert_int_equal(seen.events, EPOLLOUT);
    assert_rc(proc_watch_set_events(watch, 0), 0);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    watch = proc_watch_free(watch);
    fill(fd);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    close(fd);
    proc_loop_free(loop);
}

static void a_hangup_is_told_without_being_asked_for(void **state)
{
    (void)state;
    int ends[2];
    struct seen seen = {0};
    proc_loop *loop = new_loop();
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_rc(proc_loop_descriptor(loop, ends[0], 0, note, &seen, NULL), 0);
    close(ends[1]);
    assert_rc(proc_loop_dispatch(loop, 0), 1);
    assert_int_equal(seen.events, EPOLLHUP);
    proc_loop_free(loop);
    close(ends[0]);
}

static void a_regular_file_is_always_ready(void **state)
{
    (void)state;
    char *directory = directory_make(), *path = path_in(directory, "file");
    struct seen seen = {0}, other = {0};
    proc_watch *watch;
    file_write(path, "text");
    int fd = open(path, O_RDWR | O_CLOEXEC), ready = ready_eventfd();
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLIN, note, &seen, &watch), 0);
    assert_rc(proc_loop_descriptor(loop, ready, EPOLLIN, note, &other, NULL), 0);
    struct pollfd outside = {.fd = proc_loop_fd(loop), .events = POLLIN};
    assert_int_equal(poll(&outside, 1, PATIENCE_MS), 1);
    for (int i = 1; i <= 3; i++) {
        assert_rc(proc_loop_dispatch(loop, -1), 2);
        assert_int_equal(seen.calls, i);
        assert_int_equal(seen.events, EPOLLIN);
        assert_int_equal(other.calls, i);
    }
    empty(ready);
    assert_rc(proc_watch_set_events(watch, 0), 0);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    assert_rc(proc_watch_set_events(watch, EPOLLOUT), 0);
    assert_rc(proc_loop_dispatch(loop, -1), 1);
    assert_int_equal(seen.events, EPOLLOUT);
    proc_watch_free(watch);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    assert_int_equal(poll(&outside, 1, 0), 0);
    proc_loop_free(loop);
    close(fd);
    close(ready);
    free(path);
    directory_remove(directory);
}

static void what_cannot_be_watched_is_refused(void **state)
{
    (void)state;
    struct seen seen = {0};
    proc_watch *const none = (proc_watch *)&seen;
    proc_watch *watch = none;
    proc_loop *loop = new_loop();
    int fd = ready_eventfd();
    assert_rc(proc_loop_new(NULL), -EINVAL);
    assert_rc(proc_loop_descriptor(NULL, fd, EPOLLIN, note, &seen, &watch), -EINVAL);
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLIN, NULL, &seen, &watch), -EINVAL);
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLIN | EPOLLET, note, &seen, &watch), -EINVAL);
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLONESHOT, note, &seen, &watch), -EINVAL);
    assert_rc(proc_loop_descriptor(loop, -1, EPOLLIN, note, &seen, &watch), -EBADF);
    assert_rc(proc_loop_descriptor(loop, proc_loop_fd(loop), EPOLLIN, note, &seen, &watch), -EINVAL);
    assert_rc(proc_loop_defer(loop, NULL, &seen, &watch), -EINVAL);
    assert_rc(proc_loop_dispatch(loop, -2), -EINVAL);
    assert_rc(proc_loop_fd(NULL), -EINVAL);
    assert_rc(proc_loop_run(NULL), -EINVAL);
    assert_ptr_equal(watch, none);
    assert_null(proc_watch_free(NULL));
    assert_null(proc_loop_free(NULL));
    assert_null(proc_watch_loop(NULL));
    proc_loop_quit(NULL, 0);
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLIN, note, &seen, &watch), 0);
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLIN, note, &seen, NULL), -EEXIST);
    assert_rc(proc_watch_set_events(watch, EPOLLET), -EINVAL);
    assert_rc(proc_watch_set_timer(watch, 0, 0), -EINVAL);
    assert_rc(proc_loop_dispatch(loop, 0), 1);
    proc_loop_free(loop);
    close(fd);
}

/* ---- Running and quitting ---- */

static int quit_with_5(proc_watch *watch, int fd, uint32_t events, void *user)
{
    proc_loop_quit(proc_watch_loop(watch), 5);
    return note(watch, fd, events, user);
}

static void a_run_ends_by_quit_or_when_nothing_is_left(void **state)
{
    (void)state;
    struct seen seen = {0};
    proc_loop *loop = new_loop();
    int fd = ready_eventfd();
    assert_rc(proc_loop_run(loop), 0);
    assert_rc(proc_loop_defer(loop, note_call, &seen, NULL), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(seen.calls, 1);
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLIN, quit_with_5, &seen, NULL), 0);
    assert_rc(proc_loop_run(loop), 5);
    assert_int_equal(seen.calls, 2);
    proc_loop_quit(loop, -3);
    assert_rc(proc_loop_dispatch(loop, -1), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(seen.calls, 2);
    assert_rc(proc_loop_run(loop), 5);
    proc_loop_free(loop);
    close(fd);
}

static void what_a_callback_refuses_ends_the_round_and_loses_nothing(void **state)
{
    (void)state;
    struct seen seen[3] = {{.rc = -EPROTO}, {.rc = -EPROTO}, {.rc = -EPROTO}};
    proc_loop *loop = new_loop();
    int fds[2] = {ready_eventfd(), ready_eventfd()};
    for (int i = 0; i < 2; i++)
        assert_rc(proc_loop_descriptor(loop, fds[i], EPOLLIN, note_and_empty, &seen[i], NULL), 0);
    assert_rc(proc_loop_defer(loop, note_call, &seen[2], NULL), 0);
    assert_rc(proc_loop_run(loop), -EPROTO);
    assert_int_equal(seen[0].calls + seen[1].calls + seen[2].calls, 1);
    assert_rc(proc_loop_dispatch(loop, -1), -EPROTO);
    assert_rc(proc_loop_dispatch(loop, -1), -EPROTO);
    for (int i = 0; i < 3; i++)
        assert_int_equal(seen[i].calls, 1);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    proc_loop_free(loop);
    close(fds[0]);
    close(fds[1]);
}

static int defer_again(proc_watch *watch, void *user)
{
    struct seen *seen = user;
    seen->calls++;
    return proc_loop_defer(proc_watch_loop(watch), note_call, seen->other, NULL);
}

static int defer_from_fd(proc_watch *watch, int fd, uint32_t events, void *user)
{
    struct seen *seen = user;
    note_and_empty(watch, fd, events, user);
    return proc_loop_defer(seen->loop, defer_again, user, NULL);
}

static void a_deferred_call_comes_at_the_end_of_the_round(void **state)
{
    (void)state;
    struct seen last = {0}, seen = {.other = (proc_watch *)&last};
    proc_watch *watch;
    proc_loop *loop = seen.loop = new_loop();
    int fd = ready_eventfd();
    assert_rc(proc_loop_descriptor(loop, fd, EPOLLIN, defer_from_fd, &seen, &watch), 0);
    assert_rc(proc_loop_dispatch(loop, 0), 2);
    assert_int_equal(seen.calls, 2);
    assert_int_equal(last.calls, 0);
    assert_rc(proc_loop_dispatch(loop, 0), 1);
    assert_int_equal(last.calls, 1);
    proc_watch *deferred;
    assert_rc(proc_loop_defer(loop, note_call, &last, &deferred), 0);
    proc_watch_free(deferred);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    proc_loop_free(loop);
    close(fd);
}

/* ---- In another loop ---- */

static int dispatch_inner(proc_watch *watch, int fd, uint32_t events, void *user)
{
    (void)watch, (void)fd, (void)events;
    int rc = proc_loop_dispatch(user, 0);
    return rc < 0 ? rc : 0;
}

static void a_loop_nests_in_another_one(void **state)
{
    (void)state;
    struct seen seen = {0};
    proc_loop *outer = new_loop(), *inner = new_loop();
    int fd = ready_eventfd();
    assert_true(proc_loop_fd(inner) > STDERR_FILENO);
    assert_true(fcntl(proc_loop_fd(inner), F_GETFD) & FD_CLOEXEC);
    assert_rc(proc_loop_descriptor(outer, proc_loop_fd(inner), EPOLLIN, dispatch_inner, inner, NULL), 0);
    assert_rc(proc_loop_descriptor(inner, proc_loop_fd(outer), EPOLLIN, note, &seen, NULL), -ELOOP);
    assert_rc(proc_loop_dispatch(outer, 0), 0);
    assert_rc(proc_loop_descriptor(inner, fd, EPOLLIN, note_and_empty, &seen, NULL), 0);
    assert_rc(proc_loop_dispatch(outer, -1), 1);
    assert_int_equal(seen.calls, 1);
    assert_false(is_readable(proc_loop_fd(inner), 0));
    /* What needs no descriptor of its own makes it readable, too. */
    assert_rc(proc_loop_defer(inner, note_call, &seen, NULL), 0);
    assert_true(is_readable(proc_loop_fd(inner), 0));
    assert_rc(proc_loop_dispatch(outer, -1), 1);
    assert_int_equal(seen.calls, 2);
    assert_rc(proc_loop_dispatch(outer, 0), 0);
    assert_false(is_readable(proc_loop_fd(inner), 0));
    proc_loop_free(outer);
    proc_loop_free(inner);
    close(fd);
}

/* ---- In a forked copy ---- */

static int never_heard(proc_watch *watch, const proc_signal *signal, void *user)
{
    (void)watch, (void)signal, (void)user;
    return -EPROTO;
}

static int use_in_copy(void *arg)
{
    struct seen *seen = arg;
    proc_loop *loop = seen->loop;
    require_rc(proc_loop_run(loop), -ECHILD);
    require_rc(proc_loop_dispatch(loop, 0), -ECHILD);
    require_rc(proc_loop_defer(loop, note_call, seen, NULL), -ECHILD);
    require_rc(proc_loop_descriptor(loop, 0, EPOLLIN, note, seen, NULL), -ECHILD);
    require_rc(proc_loop_timer(loop, 0, 0, tick, seen, NULL), -ECHILD);
    require_rc(proc_loop_signals(loop, PROC_SIGNAL(SIGUSR1), never_heard, seen, NULL), -ECHILD);
    require_rc(proc_watch_set_events(seen->watch, 0), -ECHILD);
    proc_watch_free(seen->watch);
    proc_loop_free(loop);
    return 0;
}

static void a_forked_copy_does_not_touch_ours(void **state)
{
    (void)state;
    struct seen seen = {.loop = new_loop()}, other = {0};
    int fds[2] = {eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    assert_rc(proc_loop_descriptor(seen.loop, fds[0], EPOLLIN, note_and_empty, &seen, &seen.watch), 0);
    assert_rc(proc_loop_descriptor(seen.loop, fds[1], EPOLLIN, note_and_empty, &other, NULL), 0);
    assert_in_fork(use_in_copy, &seen);
    fill(fds[0]);
    fill(fds[1]);
    assert_rc(proc_loop_dispatch(seen.loop, 0), 2);
    assert_int_equal(seen.calls, 1);
    proc_loop_free(seen.loop);
    close(fds[0]);
    close(fds[1]);
}

/* ---- Many, and busy ones ---- */

static int refill(proc_watch *watch, int fd, uint32_t events, void *user)
{
    fill(fd);
    return note(watch, fd, events, user);
}

static void a_busy_descriptor_starves_nobody(void **state)
{
    (void)state;
    struct seen busy = {0}, quiet = {0}, deferred = {0};
    proc_loop *loop = new_loop();
    int fds[2] = {ready_eventfd(), ready_eventfd()};
    assert_rc(proc_loop_descriptor(loop, fds[0], EPOLLIN, refill, &busy, NULL), 0);
    assert_rc(proc_loop_descriptor(loop, fds[1], EPOLLIN, note, &quiet, NULL), 0);
    assert_rc(proc_loop_defer(loop, note_call, &deferred, NULL), 0);
    for (int i = 1; i <= 5; i++) {
        assert_rc(proc_loop_dispatch(loop, -1), i == 1 ? 3 : 2);
        assert_int_equal(busy.calls, i);
        assert_int_equal(quiet.calls, i);
    }
    assert_int_equal(deferred.calls, 1);
    proc_loop_free(loop);
    close(fds[0]);
    close(fds[1]);
}

/* All of them ready, and so they stay. */
static void what_one_round_leaves_comes_first_in_the_next(void **state)
{
    enum { READY = 300, IN_A_ROUND = 256 };
    static struct seen seen[READY];
    int fds[READY];
    (void)state;
    proc_loop *loop = new_loop();
    for (int i = 0; i < READY; i++) {
        seen[i] = (struct seen){0};
        fds[i] = ready_eventfd();
        assert_rc(proc_loop_descriptor(loop, fds[i], EPOLLIN, note, &seen[i], NULL), 0);
    }
    assert_rc(proc_loop_dispatch(loop, 0), IN_A_ROUND);
    assert_rc(proc_loop_dispatch(loop, 0), IN_A_ROUND);
    for (int i = 0; i < READY; i++)
        assert_true(seen[i].calls > 0);
    proc_loop_free(loop);
    for (int i = 0; i < READY; i++)
        close(fds[i]);
}

#define MANY 10000

static int count_each(proc_watch *watch, int fd, uint32_t events, void *user)
{
    uint8_t *counts = user;
    (void)watch, (void)events;
    counts[fd]++;
    empty(fd);
    return 0;
}

static int watch_many(void *arg)
{
    static uint8_t counts[MANY + 100];
    static int fds[MANY];
    proc_loop *loop = NULL;
    (void)arg;
    require_rc(proc_loop_new(&loop), 0);
    for (int i = 0; i < MANY; i++) {
        fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        require(fds[i] > 0 && fds[i] < (int)sizeof counts);
        require_rc(proc_loop_descriptor(loop, fds[i], EPOLLIN, count_each, counts, NULL), 0);
    }
    fill(fds[7]);
    fill(fds[MANY - 7]);
    require_rc(proc_loop_dispatch(loop, -1), 2);
    require(counts[fds[7]] == 1 && counts[fds[MANY - 7]] == 1);
    for (int i = 0; i < MANY; i++)
        fill(fds[i]);
    for (int told = 0; told < MANY;) {
        int rc = proc_loop_dispatch(loop, -1);
        require(rc > 0);
        told += rc;
    }
    require_rc(proc_loop_dispatch(loop, 0), 0);
    for (int i = 0; i < MANY; i++)
        require(counts[fds[i]] == (i == 7 || i == MANY - 7 ? 2 : 1));
    proc_loop_free(loop);
    return 0;
}

static void ten_thousand_descriptors_are_watched(void **state)
{
    (void)state;
    struct rlimit before, many;
    getrlimit(RLIMIT_NOFILE, &before);
    if (before.rlim_max < MANY + 100)
        SKIP_TEST("the hard limit allows for %d descriptors only", (int)before.rlim_max);
    many = before;
    many.rlim_cur = MANY + 100;
    setrlimit(RLIMIT_NOFILE, &many);
    assert_in_fork(watch_many, NULL);
    setrlimit(RLIMIT_NOFILE, &before);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_is_called_for_as_long_as_it_is_ready),
        cmocka_unit_test(a_hangup_is_told_without_being_asked_for),
        cmocka_unit_test(a_regular_file_is_always_ready),
        cmocka_unit_test(what_cannot_be_watched_is_refused),
        cmocka_unit_test(a_run_ends_by_quit_or_when_nothing_is_left),
        cmocka_unit_test(what_a_callback_refuses_ends_the_round_and_loses_nothing),
        cmocka_unit_test(a_deferred_call_comes_at_the_end_of_the_round),
        cmocka_unit_test(a_loop_nests_in_another_one),
        cmocka_unit_test(a_forked_copy_does_not_touch_ours),
        cmocka_unit_test(a_busy_descriptor_starves_nobody),
        cmocka_unit_test(what_one_round_leaves_comes_first_in_the_next),
        cmocka_unit_test(ten_thousand_descriptors_are_watched),
    };
    return run_suite("loop", tests, sizeof tests / sizeof tests[0], argc, argv);
}
