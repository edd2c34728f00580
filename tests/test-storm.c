/* SPDX-License-Identifier: MIT */
/*
 * Many threads that start children at the same time, in all kinds of ways, while others fork: each child has what it
 * was given and nothing of the others', no start hangs by what another one's child holds, and a program that was
 * written a moment ago is started, whoever still has it open. PROC_STRESS=STARTS: how many each thread makes.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

static int starts_each(int otherwise)
{
    const char *asked = getenv("PROC_STRESS");
    return asked ? atoi(asked) : otherwise;
}

/* ---- Threads ---- */

#define STARTERS 64

struct starter {
    pthread_t thread;
    int number;
    char complaint[300];
};

static atomic_int others_stop;

/* A copy has all that was open, and keeps it for a moment. */
static void *fork_on(void *arg)
{
    (void)arg;
    while (!atomic_load(&others_stop)) {
        pid_t pid = fork();
        if (pid == 0) {
            patience_rest();
            _exit(0);
        }
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
    return NULL;
}

static void run_starters(void *(*body)(void *), int count)
{
    static struct starter starters[STARTERS];
    pthread_t others[2];
    assert_non_null(CHILD); /* which is found out once, and not by all of them at the same time */
    atomic_store(&others_stop, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&others[i], NULL, fork_on, NULL), 0);
    for (int i = 0; i < count; i++) {
        starters[i] = (struct starter){.number = i};
        assert_int_equal(pthread_create(&starters[i].thread, NULL, body, &starters[i]), 0);
    }
    for (int i = 0; i < count; i++)
        pthread_join(starters[i].thread, NULL);
    atomic_store(&others_stop, 1);
    for (int i = 0; i < 2; i++)
        pthread_join(others[i], NULL);
    for (int i = 0; i < count; i++)
        if (starters[i].complaint[0])
            fail_msg("thread %d: %s", i, starters[i].complaint);
}

/* ---- Each child has its own ---- */

static int nothing_to_do(void *user)
{
    (void)user;
    return 0;
}

/* A file of its own, in which only the number of the thread is, becomes descriptor 3 of the child. */
static int open_own_file(int number)
{
    char text[16];
    int fd = memfd_create("own", MFD_CLOEXEC), len = snprintf(text, sizeof text, "%d\n", number);
    return fd >= 0 && write(fd, text, (size_t)len) == len && lseek(fd, 0, SEEK_SET) == 0 ? fd : -1;
}

static void start_own(struct starter *starter, proc_options *options)
{
    proc_child *child;
    proc_error error = {0};
    int own = open_own_file(starter->number);
    const proc_slot slot = {3, PROC_FD(own)};
    options->error = &error;
    options->out = PROC_PIPE;
    options->fds = (proc_slots){&slot, 1};
    if (proc_spawn(&child, CHILD_DOES("cat", "3"), options) < 0) {
        snprintf(starter->complaint, sizeof starter->complaint, "%s", error.text);
        close(own);
        return;
    }
    /* The end of file comes only if no other child has our pipe. */
    char *told = all_of(child, 1);
    proc_exit ended = {0};
    if (atoi(told) != starter->number || proc_wait(child, PATIENCE_MS, &ended) < 0 || !proc_exit_ok(&ended))
        snprintf(starter->complaint, sizeof starter->complaint, "told \"%s\", exit %d", told, proc_exit_shell(&ended));
    free(told);
    proc_child_free(child);
    close(own);
}

static void fail_to_start(struct starter *starter, proc_options *options)
{
    proc_child *child;
    options->out = PROC_PIPE;
    int rc = proc_spawn(&child, PROC_ARGV("/no/such/program"), options);
    if (rc != -ENOENT)
        snprintf(starter->complaint, sizeof starter->complaint, "missing program: %s", rc_name(rc));
}

/* Every kind of start beside every other one, those that fail among them. */
static void *start_in_all_ways(void *arg)
{
    struct starter *starter = arg;
    const uint32_t uid = geteuid(), gid = getegid();
    const proc_ids ids = {.size = sizeof ids, .uid = &uid, .gid = &gid, .keep_groups = 1};
    const proc_hook *hook = PROC_HOOK(nothing_to_do, NULL);
    for (int i = 0, count = starts_each(2); i < count && !starter->complaint[0]; i++) {
        const int kind = (starter->number + i) % 4;
        proc_options options = {.size = sizeof options};
        options.ids = kind == 1 ? &ids : NULL;
        options.hook = kind == 2 ? hook : NULL;
        options.flags = kind == 3 ? PROC_DIE_WITH_PARENT : 0;
        proc_options same = options;
        start_own(starter, &options);
        if (!starter->complaint[0])
            fail_to_start(starter, &same);
    }
    return NULL;
}

static void sixty_four_threads_start_in_all_ways_while_others_fork(void **state)
{
    (void)state;
    run_starters(start_in_all_ways, STARTERS);
}

/* ---- Started, killed, waited for: all at once ---- */

static void *kill_at_once(void *arg)
{
    struct starter *starter = arg;
    for (int i = 0, count = starts_each(4); i < count && !starter->complaint[0]; i++) {
        proc_child *child;
        proc_exit ended = {0};
        int rc = proc_spawn(&child, CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE));
        if (rc == 0) {
            proc_kill(child, SIGKILL, PROC_ONE);
            rc = proc_wait(child, PATIENCE_MS, &ended);
            proc_child_free(child);
        }
        if (rc < 0 || ended.kind != PROC_SIGNALED || ended.code != SIGKILL)
            snprintf(starter->complaint, sizeof starter->complaint, "%s, exit %d", rc_name(rc),
                     proc_exit_shell(&ended));
    }
    return NULL;
}

static void children_of_many_threads_are_started_and_killed_at_once(void **state)
{
    (void)state;
    run_starters(kill_at_once, 32);
}

/* ---- Programs that were written a moment ago ---- */

#define WRITERS 8

static char *workshop;
static atomic_int written, busy;

/*
 * The descriptor to write is in every copy that another thread makes meanwhile, and in every child until its execve(2).
 * A loaded machine may let one lie for longer than the patience of the library lasts.
 */
static void *write_and_start(void *arg)
{
    struct starter *starter = arg;
    char path[300], text[64];
    for (int i = 0, count = starts_each(12); i < count && !starter->complaint[0]; i++) {
        snprintf(path, sizeof path, "%s/%d-%d", workshop, starter->number, i);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        int len = snprintf(text, sizeof text, "#!/bin/sh\nexit %d\n", starter->number);
        proc_child *child = NULL;
        proc_exit ended = {0};
        int rc = write(fd, text, (size_t)len) == len ? 0 : -errno;
        patience_rest(); /* so that there is a copy that has it */
        close(fd);
        if (rc == 0)
            rc = proc_spawn(&child, PROC_ARGV(path), NULL);
        atomic_fetch_add(&written, 1);
        atomic_fetch_add(&busy, rc == -ETXTBSY);
        if (rc == 0)
            rc = proc_wait(child, PATIENCE_MS, &ended);
        if (rc != -ETXTBSY && (rc < 0 || ended.kind != PROC_EXITED || ended.code != starter->number))
            snprintf(starter->complaint, sizeof starter->complaint, "%s, exit %d", rc_name(rc),
                     proc_exit_shell(&ended));
        proc_child_free(child);
        unlink(path);
    }
    return NULL;
}

static void programs_are_written_and_started_at_once_by_many_threads(void **state)
{
    (void)state;
    atomic_store(&written, 0);
    atomic_store(&busy, 0);
    workshop = directory_make();
    run_starters(write_and_start, WRITERS);
    workshop = directory_remove(workshop);
    print_message("%d of %d were busy\n", atomic_load(&busy), atomic_load(&written));
    /* Without any patience nine of ten would be. */
    assert_true(atomic_load(&busy) * 3 <= atomic_load(&written));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        /* valgrind tidies up libc in each copy that ends, and waits there for locks that only another thread had. */
        machine_test(sixty_four_threads_start_in_all_ways_while_others_fork),
        spawning_test(children_of_many_threads_are_started_and_killed_at_once),
        machine_test(programs_are_written_and_started_at_once_by_many_threads),
    };
    return run_suite("storm", tests, sizeof tests / sizeof tests[0], argc, argv);
}
