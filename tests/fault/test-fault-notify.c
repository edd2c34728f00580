/* SPDX-License-Identifier: MIT */
/* Fault runs of telling and being told: nobody is left waiting, and no descriptor stays. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#include <proc/notify.h>

#define SOON_MS 5000

/* Where all is told; nothing that it hears matters. */
static proc_notify_server *listener(void)
{
    proc_notify_server *server = NULL;
    if (proc_notify_server_new(&server, NULL) < 0)
        abort();
    putenv((char *)(uintptr_t)proc_notify_server_env(server));
    return server;
}

static void unlisten(proc_notify_server *server)
{
    unsetenv("NOTIFY_SOCKET");
    proc_notify_server_free(server);
}

static void tell_a_status(struct attempt *attempt)
{
    proc_notify_server *server = listener();
    fault_begin();
    attempt->rc = proc_notify_status("up");
    fault_end();
    attempt->untouched = 1;
    unlisten(server);
}

static void store_descriptors(struct attempt *attempt)
{
    proc_notify_server *server = listener();
    const int fds[] = {STDIN_FILENO, STDIN_FILENO};
    fault_begin();
    attempt->rc = proc_notify_store("two", fds, 2);
    fault_end();
    attempt->untouched = 1;
    unlisten(server);
}

/* Told, but never come to while the call lasts: that is no failure of a call. */
static void wait_for_a_barrier(struct attempt *attempt)
{
    proc_notify_server *server = listener();
    fault_begin();
    attempt->rc = proc_notify_barrier(0);
    fault_end();
    if (attempt->rc == -ETIMEDOUT)
        attempt->rc = 0;
    attempt->untouched = 1;
    unlisten(server);
}

static void open_a_place(struct attempt *attempt, const char *path)
{
    proc_notify_server *const sentinel = (void *)-1;
    proc_notify_server *server = sentinel;
    fault_begin();
    attempt->rc = proc_notify_server_new(&server, path);
    fault_end();
    attempt->untouched = server == sentinel;
    if (attempt->rc == 0)
        proc_notify_server_free(server);
}

static void open_without_a_path(struct attempt *attempt)
{
    open_a_place(attempt, NULL);
}

static void open_at_a_path(struct attempt *attempt)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/proc-fault-notify-%d", (int)getpid());
    open_a_place(attempt, path);
    if (access(path, F_OK) == 0)
        strcpy(attempt->wrong, "the file is left");
}

static void receive(struct attempt *attempt, const char *text)
{
    proc_notify_server *server = listener();
    proc_notify_message message, before;
    memset(&message, 0x55, sizeof message);
    memcpy(&before, &message, sizeof message);
    if (proc_notify(text) != 1)
        abort();
    fault_begin();
    attempt->rc = proc_notify_server_receive(server, NULL, SOON_MS, &message);
    fault_end();
    attempt->untouched = memcmp(&message, &before, sizeof message) == 0;
    if (attempt->rc == 0 && (message.text.len != strlen(text) || message.sender != getpid()))
        strcpy(attempt->wrong, "heard something else");
    if (attempt->rc == 0)
        proc_notify_message_done(&message);
    unlisten(server);
}

static void hear_that_it_is_ready(struct attempt *attempt)
{
    receive(attempt, "READY=1");
}

/* The file that says whose child we are may be denied: then the main process is not believed. */
static void hear_of_a_main_process(struct attempt *attempt)
{
    char text[32];
    snprintf(text, sizeof text, "MAINPID=%d", (int)getpid());
    receive(attempt, text);
}

static void telling_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"status", tell_a_status},
        {"store", store_descriptors},
        {"barrier", wait_for_a_barrier},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

static void being_told_leaves_no_trace_when_a_call_fails(void **state)
{
    static const struct scenario scenarios[] = {
        {"open", open_without_a_path},
        {"open a path", open_at_a_path},
        {"receive", hear_that_it_is_ready},
        {"receive a main process", hear_of_a_main_process},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(telling_leaves_no_trace_when_a_call_fails),
        cmocka_unit_test(being_told_leaves_no_trace_when_a_call_fails),
    };
    return run_suite("fault-notify", tests, sizeof tests / sizeof tests[0], argc, argv);
}
