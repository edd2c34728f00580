/* SPDX-License-Identifier: MIT */
/*
 * Talking with a child: line for line, by verbs and by functions that answer, and from several threads, of which one
 * writes or closes while others wait, kill and take the answers.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proc/proc.h>

/* ---- Line for line ---- */

static void a_child_answers_line_for_line(void **state)
{
    enum { ROUNDS = 300 };
    char line[16];
    (void)state;
    proc_child *child = start(CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
    for (int i = 0; i < ROUNDS; i++) {
        int len = snprintf(line, sizeof line, "%d\n", i);
        assert_rc(proc_write(child, 0, line, (size_t)len, PATIENCE_MS), len);
        assert_int_equal(atoi(said(child)), i);
    }
    assert_rc(proc_close(child, 0), 0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

struct talk {
    proc_child *child;
    int left, heard, ends;
};

/* Asks the next question by the verbs, from within the call that brings the answer. */
static int ask_on(int fd, const char *line, size_t len, void *user)
{
    struct talk *talk = user;
    (void)fd;
    if (len == 0) {
        talk->ends++;
        return 0;
    }
    talk->heard += atoi(line) == talk->left;
    if (--talk->left == 0)
        return proc_close(talk->child, 0);
    char next[16];
    int size = snprintf(next, sizeof next, "%d\n", talk->left);
    return proc_write(talk->child, 0, next, (size_t)size, PATIENCE_MS) == size ? 0 : -EIO;
}

static void a_function_that_hears_an_answer_may_ask_on(void **state)
{
    enum { ROUNDS = 300 };
    (void)state;
    struct talk talk = {.left = ROUNDS};
    proc_result result;
    talk.child = start(CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_LINES(ask_on, &talk)));
    assert_rc(proc_write(talk.child, 0, "300\n", 4, PATIENCE_MS), 4);
    assert_rc(proc_collect(talk.child, PATIENCE_MS, &result), 0);
    assert_true(proc_result_ok(&result));
    assert_int_equal(talk.heard, ROUNDS);
    assert_int_equal(talk.ends, 1);
    proc_result_done(&result);
    proc_child_free(talk.child);
}

/* ---- From several threads ---- */

#define MUCH (1 << 20)

/* What `child read-all` must have got. */
static void *write_all_and_close(void *child)
{
    char *data = malloc(MUCH);
    for (int i = 0; data && i < MUCH; i++)
        data[i] = (char)(i % 251);
    int64_t done = data ? proc_write(child, 0, data, MUCH, PATIENCE_MS) : -ENOMEM;
    free(data);
    int rc = proc_close(child, 0);
    return (void *)(intptr_t)(done == MUCH ? rc : -EIO);
}

static void one_thread_writes_while_another_one_collects(void **state)
{
    pthread_t writer;
    void *written;
    proc_result result;
    (void)state;
    proc_child *child = start(CHILD_DOES("read-all"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_CAPTURE));
    assert_int_equal(pthread_create(&writer, NULL, write_all_and_close, child), 0);
    assert_rc(proc_collect(child, PATIENCE_MS, &result), 0);
    pthread_join(writer, &written);
    assert_rc((intptr_t)written, 0);
    assert_true(proc_result_ok(&result));
    assert_contains(result.out.data, "1048576 ");
    assert_contains(result.out.data, " pattern");
    proc_result_done(&result);
    proc_child_free(child);
}

struct end {
    proc_child *child;
    atomic_int *may_begin;
    int rc;
    proc_exit ended;
};

static void *kill_and_wait(void *arg)
{
    struct end *end = arg;
    while (!atomic_load(end->may_begin))
        ;
    proc_kill(end->child, SIGKILL, PROC_ONE);
    end->rc = proc_wait(end->child, PATIENCE_MS, &end->ended);
    return NULL;
}

/* A pipe is full soon, so that the write waits when its reader is killed and the stream is closed. */
static void *write_on(void *arg)
{
    struct end *end = arg;
    static const char data[100000];
    int64_t rc = 1;
    atomic_store(end->may_begin, 1);
    while (rc > 0)
        rc = proc_write(end->child, 0, data, sizeof data, PATIENCE_MS);
    end->rc = (int)rc;
    return NULL;
}

static void *close_input(void *arg)
{
    struct end *end = arg;
    while (!atomic_load(end->may_begin))
        ;
    end->rc = proc_close(end->child, 0);
    return NULL;
}

static void an_input_may_be_written_and_closed_while_its_reader_is_killed(void **state)
{
    (void)state;
    for (int round = 0; round < 25; round++) {
        void *(*const bodies[])(void *) = {kill_and_wait, write_on, close_input};
        pthread_t threads[3];
        struct end ends[3];
        atomic_int may_begin = 0;
        proc_child *child = start(CHILD_DOES("ready"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
        for (int i = 0; i < 3; i++) {
            ends[i] = (struct end){.child = child, .may_begin = &may_begin};
            assert_int_equal(pthread_create(&threads[i], NULL, bodies[i], &ends[i]), 0);
        }
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        assert_rc(ends[0].rc, 0);
        assert_int_equal(ends[0].ended.kind, PROC_SIGNALED);
        assert_int_equal(ends[0].ended.code, SIGKILL);
        assert_true(ends[1].rc == -EPIPE || ends[1].rc == -EBADF);
        assert_rc(ends[2].rc, 0);
        assert_rc(proc_close(child, 0), -EBADF);
        proc_child_free(child);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(a_child_answers_line_for_line),
        spawning_test(a_function_that_hears_an_answer_may_ask_on),
        spawning_test(one_thread_writes_while_another_one_collects),
        spawning_test(an_input_may_be_written_and_closed_while_its_reader_is_killed),
    };
    return run_suite("talk", tests, sizeof tests / sizeof tests[0], argc, argv);
}
