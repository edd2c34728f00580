/* SPDX-License-Identifier: MIT */
/* Children by their handles in a loop: drained, told as zombies, reaped behind, whatever becomes of the handle. */
#define _GNU_SOURCE 1
#include "loops.h"
#include "started.h"
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/loop.h>

/* What a callback has been told, and what it is to do. */
struct told {
    int calls, pid, state;
    proc_exit exit;
    proc_result *result;            /* to be filled */
    proc_child **child_to_free;
    proc_watch **watch_to_free;
};

static int tell(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user)
{
    struct told *told = user;
    (void)watch;
    told->calls++;
    told->pid = proc_child_pid(child);
    told->state = state_of(told->pid);
    told->exit = *ended;
    if (told->result && proc_collect(child, 0, told->result) < 0)
        return -EPROTO;
    if (told->watch_to_free)
        *told->watch_to_free = proc_watch_free(*told->watch_to_free);
    if (told->child_to_free)
        *told->child_to_free = proc_child_free(*told->child_to_free);
    return 0;
}

static int is_reaped(int pid)
{
    siginfo_t info;
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

/* ---- Telling ---- */

static void a_child_is_a_zombie_while_it_is_told_and_reaped_afterwards(void **state)
{
    (void)state;
    struct told told = {0};
    proc_exit ended;
    proc_loop *loop = new_loop();
    proc_child *child = start(CHILD_DOES("exit", "42"), NULL);
    assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.pid, proc_child_pid(child));
    assert_int_equal(told.state, 'Z');
    assert_int_equal(told.exit.kind, PROC_EXITED);
    assert_int_equal(told.exit.code, 42);
    assert_true(is_reaped(told.pid));
    assert_rc(proc_wait(child, 0, &ended), 0);
    assert_int_equal(ended.code, 42);
    proc_child_free(child);
    proc_loop_free(loop);
}

static void a_dead_child_is_told_however_it_was_found(void **state)
{
    (void)state;
    proc_loop *loop = new_loop();
    for (int way = 0; way < 3; way++) {
        struct told told = {0};
        proc_child *child = start(CHILD_DOES("exit", "7"), NULL);
        int pid = proc_child_pid(child);
        struct pollfd end = {.fd = proc_child_fd(child), .events = POLLIN};
        assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
        if (way == 1)
            assert_rc(proc_wait(child, -1, NULL), 0);
        if (way == 2)
            assert_int_equal(waitpid(-1, NULL, 0), pid);
        assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
        assert_rc(proc_loop_run(loop), 0);
        assert_int_equal(told.calls, 1);
        if (way == 2 && proc_has(PROC_FEATURE_EXIT_INFO) != 1) {
            assert_int_equal(told.exit.kind, PROC_LOST);
        } else {
            assert_int_equal(told.exit.kind, PROC_EXITED);
            assert_int_equal(told.exit.code, 7);
        }
        proc_child_free(child);
    }
    proc_loop_free(loop);
}

static int tell_of_many(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user)
{
    int *codes = user;
    (void)watch;
    codes[ended->code]++;
    proc_child_free(child);
    return 0;
}

static void each_of_many_children_is_told_once(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    int codes[256] = {0};
    proc_loop *loop = new_loop();
    for (int i = 0; i < COUNT; i++) {
        char code[8];
        snprintf(code, sizeof code, "%d", i);
        assert_rc(proc_loop_child(loop, start(CHILD_DOES("exit", code), NULL), tell_of_many, codes, NULL), 0);
    }
    assert_rc(proc_loop_run(loop), 0);
    for (int i = 0; i < 256; i++)
        assert_int_equal(codes[i], i < COUNT);
    proc_loop_free(loop);
}

static void a_handle_has_one_watch_at_a_time(void **state)
{
    (void)state;
    struct told told = {0};
    proc_watch *watch = NULL;
    proc_loop *loop = new_loop(), *other = new_loop();
    proc_child *child = start(CHILD_DOES("sleep", "forever"), NULL);
    assert_rc(proc_loop_child(loop, child, NULL, &told, NULL), -EINVAL);
    assert_rc(proc_loop_child(loop, NULL, tell, &told, NULL), -EINVAL);
    assert_rc(proc_loop_child(loop, child, tell, &told, &watch), 0);
    assert_rc(proc_loop_child(loop, child, tell, &told, NULL), -EBUSY);
    assert_rc(proc_loop_child(other, child, tell, &told, NULL), -EBUSY);
    watch = proc_watch_free(watch);
    assert_rc(proc_loop_child(other, child, tell, &told, NULL), 0);
    other = proc_loop_free(other);
    assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
    proc_kill(child, SIGKILL, PROC_ONE);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(told.exit.code, SIGKILL);
    proc_loop_free(loop);
    proc_child_free(child);
}

/* ---- Bytes ---- */

static void bytes_are_moved_until_the_end(void **state)
{
    (void)state;
    enum { SIZE = 3000000 };
    char *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (int i = 0; i < SIZE; i++)
        bytes[i] = (char)(i % 251);
    proc_result result;
    struct told told = {.result = &result};
    proc_loop *loop = new_loop();
    proc_child *child = start(CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_BYTES(bytes, SIZE), .out = PROC_CAPTURE));
    assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.state, 'Z');
    assert_int_equal(result.out.len, SIZE);
    assert_memory_equal(result.out.data, bytes, SIZE);
    assert_true(proc_result_ok(&result));
    proc_result_done(&result);
    proc_child_free(child);
    proc_loop_free(loop);
    free(bytes);
}

static void an_output_that_is_held_is_waited_for_only_for_the_drain_time(void **state)
{
    (void)state;
    proc_result result;
    struct told told = {.result = &result};
    proc_loop *loop = new_loop();
    proc_child *child = start(PROC_ARGV("sh", "-c", "sleep 1000 & echo $!"),
                              PROC_OPTIONS(.out = PROC_CAPTURE, .transfer = PROC_TRANSFER(.drain_ms = 20)));
    int64_t before = proc_now_ms();
    assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_true(proc_now_ms() - before >= 20);
    assert_int_equal(told.calls, 1);
    assert_true(result.output_open);
    kill(atoi(result.out.data), SIGKILL);
    proc_result_done(&result);
    proc_child_free(child);
    proc_loop_free(loop);
}

static void output_of_descendants_is_drained_as_long_as_it_may_take(void **state)
{
    (void)state;
    proc_result result;
    struct told told = {.result = &result};
    proc_loop *loop = new_loop();
    proc_child *child = start(CHILD_DOES("grandchild-holds-stdout", "50", "3"),
                              PROC_OPTIONS(.out = PROC_CAPTURE, .transfer = PROC_TRANSFER(.drain_ms = -1)));
    assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(told.exit.code, 3);
    assert_string_equal(result.out.data, "parent\ngrandchild\n");
    assert_false(result.output_open);
    proc_result_done(&result);
    proc_child_free(child);
    proc_loop_free(loop);
}

struct lines {
    int count;
    proc_watch *watch;
};

static int free_at_the_second_line(int fd, const char *data, size_t len, void *user)
{
    struct lines *lines = user;
    (void)fd, (void)data;
    lines->count += len > 0;
    if (lines->count == 2)
        lines->watch = proc_watch_free(lines->watch);
    return 0;
}

static void a_function_that_takes_lines_may_free_the_watch(void **state)
{
    (void)state;
    struct lines lines = {0};
    struct told told = {0};
    proc_loop *loop = new_loop();
    proc_child *child = start(CHILD_DOES("lines", "a", "b", "c"),
                              PROC_OPTIONS(.out = PROC_LINES(free_at_the_second_line, &lines)));
    assert_rc(proc_loop_child(loop, child, tell, &told, &lines.watch), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_null(lines.watch);
    assert_int_equal(told.calls, 0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    proc_loop_free(loop);
}

static void *collect(void *arg)
{
    proc_result result;
    while (proc_collect(arg, 5, &result) == -ETIMEDOUT)
        ;
    proc_result_done(&result);
    return NULL;
}

/* Of a child that another thread collects meanwhile, or has collected before it is watched. */
static void check_told_of_a_collected_child(const char *bytes, int has_collected)
{
    struct told told = {0};
    pthread_t thread;
    proc_loop *loop = new_loop();
    proc_child *child = start(CHILD_DOES("write", bytes), PROC_OPTIONS(.out = PROC_CAPTURE));
    if (!has_collected)
        assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, collect, child), 0);
    if (has_collected) {
        assert_eventually(state_of(proc_child_pid(child)) == 0);
        assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
    }
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.exit.kind, PROC_EXITED);
    pthread_join(thread, NULL);
    proc_child_free(child);
    proc_loop_free(loop);
}

static void another_thread_may_move_the_bytes_at_the_same_time(void **state)
{
    (void)state;
    check_told_of_a_collected_child("2000000", 0);
}

/* Nothing but the handle itself tells this thread what the other one has done. */
static void a_child_that_another_thread_has_collected_is_told(void **state)
{
    (void)state;
    check_told_of_a_collected_child("20", 1);
}

/* ---- Handles that are freed ---- */

static void a_freed_handle_ends_its_watch(void **state)
{
    (void)state;
    struct told told = {0};
    proc_watch *watch;
    proc_loop *loop = new_loop();
    proc_child *own = start(CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.out = PROC_CAPTURE));
    proc_child *held = start(CHILD_DOES("sleep", "forever"), NULL);
    assert_rc(proc_loop_child(loop, own, tell, &told, NULL), 0);
    assert_rc(proc_loop_child(loop, held, tell, &told, &watch), 0);
    proc_child_free(own);
    proc_child_free(held);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(told.calls, 0);
    watch = proc_watch_free(watch);
    proc_loop_free(loop);
}

static void a_callback_may_free_the_child_and_the_watch(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        proc_watch *watch = NULL;
        proc_loop *loop = new_loop();
        proc_child *child = start(CHILD_DOES("exit", "1"), PROC_OPTIONS(.out = PROC_CAPTURE));
        struct told told = {.child_to_free = way & 1 ? &child : NULL, .watch_to_free = way & 2 ? &watch : NULL};
        assert_rc(proc_loop_child(loop, child, tell, &told, &watch), 0);
        assert_rc(proc_loop_run(loop), 0);
        assert_int_equal(told.calls, 1);
        assert_int_equal(!child, way & 1);
        proc_child_free(child);
        proc_watch_free(watch);
        proc_loop_free(loop);
    }
}

static void a_loop_may_go_before_its_children(void **state)
{
    (void)state;
    struct told told = {0};
    proc_loop *loop = new_loop();
    proc_child *child = start(CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.out = PROC_CAPTURE));
    assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
    proc_loop_free(loop);
    assert_rc(proc_wait(child, 0, NULL), -ETIMEDOUT);
    proc_child_free(child);
}

/* A process that is just being started holds copies of our descriptors for a moment; here, for as long as it lives. */
static void a_descriptor_that_a_copy_holds_tells_nothing_after_its_end(void **state)
{
    (void)state;
    struct told told = {0};
    struct ticks ticks = {0};
    int pipes[2];
    char byte;
    proc_loop *loop = new_loop();
    proc_child *child = start(CHILD_DOES("sleep", "forever"), NULL);
    assert_rc(proc_loop_child(loop, child, tell, &told, NULL), 0);
    assert_int_equal(pipe(pipes), 0);
    int holder = fork();
    if (holder == 0) {
        close(pipes[1]);
        _exit(read(pipes[0], &byte, 1) != 0);
    }
    proc_child_free(child);
    assert_rc(proc_loop_timer(loop, 10, 0, tick, &ticks, NULL), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(is_readable(proc_loop_fd(loop), 0), 0);
    assert_int_equal(ticks.calls, 1);
    assert_int_equal(told.calls, 0);
    close(pipes[0]);
    close(pipes[1]);
    waitpid(holder, NULL, 0);
    proc_loop_free(loop);
}

struct shared {
    proc_loop *loop;
    proc_child *child;
};

static int free_in_copy(void *arg)
{
    struct shared *shared = arg;
    struct told told = {0};
    require_rc(proc_loop_child(shared->loop, shared->child, tell, &told, NULL), -ECHILD);
    proc_child_free(shared->child);
    proc_loop_free(shared->loop);
    return 0;
}

static void a_forked_copy_leaves_our_child_watched(void **state)
{
    (void)state;
    struct told told = {0};
    struct shared shared = {new_loop(), start(CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.out = PROC_CAPTURE))};
    assert_rc(proc_loop_child(shared.loop, shared.child, tell, &told, NULL), 0);
    assert_in_fork(free_in_copy, &shared);
    assert_rc(proc_loop_dispatch(shared.loop, 0), 0);
    proc_kill(shared.child, SIGTERM, PROC_ONE);
    assert_rc(proc_loop_run(shared.loop), 0);
    assert_int_equal(told.exit.code, SIGTERM);
    proc_child_free(shared.child);
    proc_loop_free(shared.loop);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(a_child_is_a_zombie_while_it_is_told_and_reaped_afterwards),
        spawning_test(a_dead_child_is_told_however_it_was_found),
        spawning_test(each_of_many_children_is_told_once),
        spawning_test(a_handle_has_one_watch_at_a_time),
        spawning_test(bytes_are_moved_until_the_end),
        spawning_test(an_output_that_is_held_is_waited_for_only_for_the_drain_time),
        spawning_test(output_of_descendants_is_drained_as_long_as_it_may_take),
        spawning_test(a_function_that_takes_lines_may_free_the_watch),
        spawning_test(another_thread_may_move_the_bytes_at_the_same_time),
        spawning_test(a_child_that_another_thread_has_collected_is_told),
        spawning_test(a_freed_handle_ends_its_watch),
        spawning_test(a_callback_may_free_the_child_and_the_watch),
        spawning_test(a_loop_may_go_before_its_children),
        spawning_test(a_descriptor_that_a_copy_holds_tells_nothing_after_its_end),
        spawning_test(a_forked_copy_leaves_our_child_watched),
    };
    return run_suite("loop-children", tests, sizeof tests / sizeof tests[0], argc, argv);
}
