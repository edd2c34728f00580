/* SPDX-License-Identifier: MIT */
/*
 * Eight threads with one handle: all its verbs at once, on a child with a terminal, on a job in the foreground, on a
 * tree and on an orphan. What they answer is other tests' affair; here nobody hangs, nobody is left, the end is told to
 * all alike, and the thread sanitizer finds nothing to say.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <proc/proc.h>

#include "trees.h"

#define THREADS 8
#define ROUNDS 20

struct crowd {
    void (*round)(struct crowd *crowd, int thread);
    proc_child *child;
    int tty;                 /* of a job; else -1 */
    _Atomic int next, stop;  /* the next thread's number; 1: enough */
    _Atomic int rounds;      /* of all */
    _Atomic int differences; /* ends that were told in another way than the first */
    _Atomic int told;        /* kind and code of the first; 0: none */
};

/* In each round, by each thread: whoever sees the end sees the same one. */
static void look_at_end(struct crowd *crowd)
{
    proc_exit ended;
    proc_usage usage;
    int none = 0;
    (void)proc_child_usage(crowd->child, &usage);
    if (proc_wait(crowd->child, 0, &ended) < 0)
        return;
    const int told = ended.kind << 8 | ended.code;
    if (!atomic_compare_exchange_strong(&crowd->told, &none, told) && none != told)
        atomic_fetch_add(&crowd->differences, 1);
}

static void *go_round(void *arg)
{
    struct crowd *crowd = arg;
    int thread = atomic_fetch_add(&crowd->next, 1);
    while (!atomic_load(&crowd->stop)) {
        crowd->round(crowd, thread);
        look_at_end(crowd);
        atomic_fetch_add(&crowd->rounds, 1);
    }
    return NULL;
}

/* Lets them go round, and has the child stopped among them; in forked copies, too. How that went; -1: they differ. */
static int stop_among(struct crowd *crowd, proc_exit *ret_exit)
{
    pthread_t threads[THREADS];
    int count = 0;
    while (count < THREADS && pthread_create(&threads[count], NULL, go_round, crowd) == 0)
        count++;
    int went = EVENTUALLY(atomic_load(&crowd->rounds) >= ROUNDS);
    int rc = proc_stop(crowd->child, ret_exit);
    /* And a few more with the ended one. */
    int last = atomic_load(&crowd->rounds);
    went &= EVENTUALLY(atomic_load(&crowd->rounds) >= last + ROUNDS);
    atomic_store(&crowd->stop, 1);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    int alike = atomic_load(&crowd->differences) == 0 &&
                atomic_load(&crowd->told) == (ret_exit->kind << 8 | ret_exit->code);
    return !went || !alike || count < THREADS ? -1 : rc;
}

static void check_stop(struct crowd *crowd, proc_exit *ret_exit)
{
    int rc = stop_among(crowd, ret_exit);
    if (rc == -1)
        fail_msg("not all threads were told the same end, or they did not go on");
    assert_rc(rc, 0);
}

/* ---- A child on a terminal of its own ---- */

static void use_terminal(struct crowd *crowd, int thread)
{
    proc_child *child = crowd->child;
    char bytes[64];
    switch (thread) {
    case 0:
    case 1: (void)proc_child_resize(child, 10 + atomic_load(&crowd->rounds) % 50, 80 + thread); break;
    case 2: (void)proc_write(child, 0, "typed\n", 6, 1); break;
    case 3:
    case 4: (void)proc_read(child, thread == 3 ? 1 : 2, bytes, sizeof bytes, 1); break;
    case 5: (void)proc_wait_stopped(child, 1, NULL); break;
    case 6: (void)proc_kill(child, SIGWINCH, PROC_GROUP); break;
    default:
        (void)proc_child_stream(child, 1);
        (void)proc_kill(child, SIGCONT, PROC_ONE);
    }
}

static void eight_threads_share_a_child_on_a_terminal(void **state)
{
    proc_exit ended = {0};
    (void)state;
    struct crowd crowd = {.round = use_terminal, .tty = -1};
    crowd.child = start(CHILD_DOES("cat"), PROC_OPTIONS(.in = PROC_PTY, .out = PROC_PTY, .err = PROC_PTY));
    check_stop(&crowd, &ended);
    assert_int_equal(ended.code, SIGTERM);
    assert_rc(proc_close(crowd.child, 0), 0);
    proc_child_free(crowd.child);
}

/* What it shows is captured by whoever comes first, and one of them closes it under the others. */
static void use_captured_terminal(struct crowd *crowd, int thread)
{
    proc_child *child = crowd->child;
    proc_result result;
    switch (thread) {
    case 0: (void)proc_child_resize(child, 10 + atomic_load(&crowd->rounds) % 50, 80); break;
    case 1: (void)proc_write(child, 0, "typed\n", 6, 1); break;
    case 2:
    case 3: (void)proc_pump(&child, 1, 1); break;
    case 4:
        if (proc_collect(child, 1, &result) == 0)
            proc_result_done(&result);
        break;
    case 5: (void)proc_pump_fd(child); break;
    case 6: (void)proc_wait_any(&child, 1, 1, NULL); break;
    default:
        (void)proc_wait_stopped(child, 0, NULL);
        if (atomic_load(&crowd->rounds) > ROUNDS)
            (void)proc_close(child, 0);
    }
}

static void eight_threads_share_a_terminal_that_is_captured(void **state)
{
    proc_exit ended = {0};
    (void)state;
    struct crowd crowd = {.round = use_captured_terminal, .tty = -1};
    crowd.child = start(CHILD_DOES("cat"),
                        PROC_OPTIONS(.in = PROC_PTY, .out = PROC_CAPTURE_PTY, .err = PROC_PTY));
    check_stop(&crowd, &ended);
    assert_true(ended.kind == PROC_SIGNALED || ended.kind == PROC_EXITED);
    proc_child_free(crowd.child);
}

/* ---- A job: we are the shell ---- */

static void use_job(struct crowd *crowd, int thread)
{
    proc_child *child = crowd->child;
    int signal;
    switch (thread) {
    case 0: (void)proc_terminal_give(crowd->tty, proc_child_pid(child)); break;
    case 1:
    case 2: (void)proc_terminal_give(crowd->tty, getpgrp()); break;
    case 3: (void)proc_kill(child, SIGTSTP, PROC_GROUP); break;
    case 4: (void)proc_kill(child, SIGCONT, PROC_GROUP); break;
    case 5: (void)proc_wait_stopped(child, 1, &signal); break;
    case 6: (void)proc_wait_stopped(child, 0, &signal); break;
    default: (void)proc_kill(child, 0, PROC_TREE);
    }
}

static int shares_a_job(void *arg)
{
    proc_exit ended = {0};
    struct crowd crowd = {.round = use_job};
    (void)arg;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    require(setsid() > 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    crowd.tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    require(crowd.tty >= 0 && ioctl(crowd.tty, TIOCSCTTY, 0) == 0);
    require_rc(proc_spawn(&crowd.child, CHILD_DOES("sleep", "forever"),
                          PROC_OPTIONS(.flags = PROC_NEW_GROUP, .in = PROC_FD(crowd.tty),
                                       .terminal = PROC_TERMINAL(.foreground = 1))), 0);
    require_rc(stop_among(&crowd, &ended), 0);
    require(ended.kind == PROC_SIGNALED && (ended.code == SIGTERM || ended.code == SIGKILL));
    require_rc(proc_terminal_give(crowd.tty, getpgrp()), 0);
    require(tcgetpgrp(crowd.tty) == getpgrp());
    proc_child_free(crowd.child);
    return 0;
}

static void eight_threads_share_a_job_and_its_terminal(void **state)
{
    (void)state;
    assert_in_fork(shares_a_job, NULL);
}

/* ---- A tree ---- */

static const proc_stop_steps tree_steps = {
    (const proc_stop_step[]){{SIGTERM, PROC_TREE, 100}, {SIGKILL, PROC_TREE, 10000}}, 2};

static void use_tree(struct crowd *crowd, int thread)
{
    proc_child *child = crowd->child;
    proc_reach reach;
    switch (thread) {
    case 0: (void)proc_kill(child, SIGSTOP, PROC_TREE); break;
    case 1: (void)proc_kill(child, SIGCONT, PROC_TREE); break;
    case 2: (void)proc_kill(child, 0, PROC_TREE); break;
    case 3:
    case 4: (void)proc_child_reach(child, &reach); break;
    case 5: (void)proc_wait_stopped(child, 1, NULL); break;
    case 6: (void)proc_kill(child, SIGCONT, PROC_GROUP); break;
    default: (void)proc_wait_any(&child, 1, 1, NULL);
    }
}

static void share_tree(uint32_t flags)
{
    proc_exit ended = {0};
    struct crowd crowd = {.round = use_tree, .tty = -1};
    crowd.child = start(CHILD_DOES("tree", "3"),
                        PROC_OPTIONS(.out = PROC_PIPE, .flags = PROC_NEW_GROUP | flags, .stop = tree_steps));
    int pids[3];
    for (int i = 0; i < 3; i++)
        pids[i] = said_pid(crowd.child);
    assert_string_equal(said(crowd.child), "ready");
    check_stop(&crowd, &ended);
    for (int i = 0; i < 3; i++)
        assert_true(has_ended(pids[i]));
    assert_int_equal(reach_of(crowd.child).rung, PROC_REACH_WALK);
    proc_child_free(crowd.child);
}

static void eight_threads_share_a_tree(void **state)
{
    (void)state;
    share_tree(0);
}

/* An emulator knows of fork(2), and of no other birth. */
static int needs_trees_of_orphans(void **state)
{
    int rc = needs_a_machine(state);
    return rc < 0 ? rc : needs_walks(state);
}

static void eight_threads_share_an_orphan_and_its_tree(void **state)
{
    (void)state;
    share_tree(PROC_ORPHAN);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        /* First, while a copy may still have threads under the thread sanitizer. */
        spawning_test(eight_threads_share_a_job_and_its_terminal),
        spawning_test(eight_threads_share_a_child_on_a_terminal),
        spawning_test(eight_threads_share_a_terminal_that_is_captured),
        walking_test(eight_threads_share_a_tree),
        cmocka_unit_test_setup(eight_threads_share_an_orphan_and_its_tree, needs_trees_of_orphans),
    };
    live_below_heir();
    return run_suite("child-threads", tests, sizeof tests / sizeof tests[0], argc, argv);
}
