/* SPDX-License-Identifier: MIT */
/* Fault runs of the floor, and of calls that are wrong on purpose: the harness has to notice. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/fd.h"

#include <poll.h>

/* ---- The floor ---- */

static void make_a_pipe(struct attempt *attempt)
{
    int ends[2] = {-5, -6};
    fault_begin();
    attempt->rc = proc__fd_pipe(ends);
    fault_end();
    attempt->untouched = ends[0] == -5 && ends[1] == -6;
    if (attempt->rc == 0) {
        close(ends[0]);
        close(ends[1]);
    }
}

/* Every number is low here, so that each end has to be moved. */
static void make_a_pipe_with_stdio_closed(struct attempt *attempt)
{
    int aside[3];
    for (int fd = 0; fd < 3; fd++) {
        aside[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
        close(fd);
    }
    make_a_pipe(attempt);
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            strcpy(attempt->wrong, "a descriptor of stdio is left open");
        dup2(aside[fd], fd);
        close(aside[fd]);
    }
}

static void open_a_file(struct attempt *attempt)
{
    fault_begin();
    int fd = proc__fd_open("/dev/null", O_RDWR, 0);
    fault_end();
    attempt->rc = fd < 0 ? fd : 0;
    attempt->untouched = 1;
    proc__fd_close(&fd);
}

static void write_quietly(struct attempt *attempt)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        abort();
    fault_begin();
    attempt->rc = proc__fd_write_quietly(ends[1], "12345", 5);
    fault_end();
    attempt->untouched = 1;
    if (attempt->rc >= 0 && attempt->rc != 5)
        strcpy(attempt->wrong, "wrote something else");
    close(ends[0]);
    close(ends[1]);
}

/* EPIPE is the right answer, whatever else happens on the way. */
static void write_quietly_to_nobody(struct attempt *attempt)
{
    sigset_t pending;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        abort();
    close(ends[0]);
    fault_begin();
    attempt->rc = proc__fd_write_quietly(ends[1], "12345", 5);
    fault_end();
    attempt->untouched = 1;
    if (attempt->rc == -EPIPE)
        attempt->rc = 0;
    sigpending(&pending);
    if (sigismember(&pending, SIGPIPE))
        strcpy(attempt->wrong, "left a SIGPIPE behind");
    close(ends[1]);
}

static void read_a_byte(struct attempt *attempt)
{
    char byte;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0 || write(ends[1], "x", 1) != 1)
        abort();
    fault_begin();
    attempt->rc = proc__fd_read(ends[0], &byte, 1);
    fault_end();
    attempt->untouched = 1;
    close(ends[0]);
    close(ends[1]);
}

static void poll_a_pipe(struct attempt *attempt)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0 || write(ends[1], "x", 1) != 1)
        abort();
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    fault_begin();
    attempt->rc = proc__poll(&ready, 1, DEADLINE_NEVER);
    fault_end();
    attempt->untouched = 1;
    close(ends[0]);
    close(ends[1]);
}

static void the_floor_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"pipe", make_a_pipe},
        {"pipe with stdio closed", make_a_pipe_with_stdio_closed},
        {"open", open_a_file},
        {"quiet write", write_quietly},
        {"quiet write to nobody", write_quietly_to_nobody},
        {"read", read_a_byte},
        {"poll", poll_a_pipe},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

/* ---- Wrong on purpose. These calls go through the wrappers as the library's do. ---- */

/* Through a pointer that may change at any time: a compiler may leave out a malloc(3) that it sees nobody use. */
static void *(*volatile allocate)(size_t) = malloc;

static void leak_a_descriptor(struct attempt *attempt)
{
    static int kept = -1;
    int ends[2];
    if (kept >= 0)
        close(kept);
    kept = -1;
    attempt->untouched = 1;
    fault_begin();
    if (pipe2(ends, O_CLOEXEC) < 0) {
        fault_end();
        attempt->rc = -errno;
        return;
    }
    int copy = fcntl(ends[0], F_DUPFD_CLOEXEC, 3);
    attempt->rc = copy < 0 ? -errno : 0;
    fault_end();
    if (copy < 0)
        kept = ends[1]; /* forgotten */
    else
        close(ends[1]);
    close(ends[0]);
    if (copy >= 0)
        close(copy);
}

static void leak_a_block(struct attempt *attempt)
{
    attempt->untouched = 1;
    fault_begin();
    char *first = allocate(1);
    char *second = first ? allocate(1) : NULL;
    fault_end();
    attempt->rc = second ? 0 : -ENOMEM;
    if (second) {
        free(first);
        free(second);
    }
}

static void leave_the_mask(struct attempt *attempt)
{
    sigset_t all, before;
    attempt->untouched = 1;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    fault_begin();
    char *block = allocate(1);
    fault_end();
    attempt->rc = block ? 0 : -ENOMEM;
    if (block)
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(block);
}

static void give_an_interruption_back(struct attempt *attempt)
{
    char byte;
    attempt->untouched = 1;
    fault_begin();
    ssize_t got = read(STDIN_FILENO, &byte, 0);
    attempt->rc = got < 0 ? -errno : 0;
    fault_end();
}

static void write_an_output(struct attempt *attempt)
{
    fault_begin();
    char *block = allocate(1);
    fault_end();
    attempt->rc = block ? 0 : -ENOMEM;
    attempt->untouched = 0;
    free(block);
}

static void say_nothing(struct attempt *attempt)
{
    attempt->untouched = attempt->takes_error = 1;
    fault_begin();
    char *block = allocate(1);
    fault_end();
    attempt->rc = block ? 0 : -ENOMEM;
    free(block);
}

static void say_something_else(struct attempt *attempt)
{
    attempt->untouched = 1;
    fault_begin();
    char *block = allocate(1);
    fault_end();
    attempt->rc = block ? 0 : -EIO;
    free(block);
}

static void crash(struct attempt *attempt)
{
    attempt->untouched = 1;
    fault_begin();
    volatile char *block = allocate(1);
    fault_end();
    if (!block)
        abort();
    free((char *)block);
}

static void leave_a_zombie(struct attempt *attempt)
{
    attempt->untouched = 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    fault_begin();
    char *block = allocate(1);
    fault_end();
    attempt->rc = block ? 0 : -ENOMEM;
    if (block)
        waitpid(pid, NULL, 0);
    free(block);
}

static void be_broken_afterwards(struct attempt *attempt)
{
    static int broken;
    attempt->untouched = 1;
    fault_begin();
    char *block = broken ? NULL : allocate(1);
    fault_end();
    broken = !block;
    attempt->rc = block ? 0 : -ENOMEM;
    free(block);
}

static void make_an_unknown_call(struct attempt *attempt)
{
    attempt->untouched = 1;
    fault_begin();
    attempt->rc = proc__syscall(SYS_getsid, 0, 0, 0, 0, 0, 0);
    fault_end();
    if (attempt->rc == -EUCLEAN)
        strcpy(attempt->wrong, "a system call is missing in answers.c");
}

static void the_harness_notices_what_is_wrong(void **state)
{
    static const struct scenario wrong[] = {
        {"leaks a descriptor", leak_a_descriptor},
        {"leaks a block", leak_a_block},
        {"leaves the mask", leave_the_mask},
        {"gives an interruption back", give_an_interruption_back},
        {"writes an output", write_an_output},
        {"says nothing", say_nothing},
        {"says something else", say_something_else},
        {"crashes", crash},
        {"leaves a zombie", leave_a_zombie},
        {"is broken afterwards", be_broken_afterwards},
        {"makes an unknown call", make_an_unknown_call},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (fault_run(&wrong[i], 0) == 0)
            fail_msg("not noticed: a call that %s", wrong[i].name);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_harness_notices_what_is_wrong),
        cmocka_unit_test(the_floor_leaves_no_trace_when_a_call_fails),
    };
    return run_suite("fault-base", tests, sizeof tests / sizeof tests[0], argc, argv);
}
