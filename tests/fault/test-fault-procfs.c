/* SPDX-License-Identifier: MIT */
/* Fault runs of reading a status: with and without a buffer, by every kind of target. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"

#include <proc/status.h>

static void read_one(struct attempt *attempt, const proc_target *target, proc_buffer *buffer)
{
    proc_status status, before;
    memset(&status, 0x55, sizeof status);
    memcpy(&before, &status, sizeof status);
    fault_begin();
    attempt->rc = proc_status_read(target, buffer, sizeof status, &status);
    fault_end();
    attempt->untouched = memcmp(&status, &before, sizeof status) == 0;
    if (attempt->rc == 0 && status.pid != getpid())
        strcpy(attempt->wrong, "told of somebody else");
    if (attempt->rc == 0 && !buffer && status.cpus_list.data)
        strcpy(attempt->wrong, "a span of a text that was not kept");
}

/* What is left in it after a failure must do for the next call. */
static void give_back(struct attempt *attempt, proc_buffer *buffer)
{
    proc_status status;
    if (proc_status_read(PROC_SELF, buffer, sizeof status, &status) < 0 || status.pid != getpid())
        strcpy(attempt->wrong, "the buffer cannot be used again");
    proc_buffer_done(buffer);
}

static void read_ourselves(struct attempt *attempt)
{
    proc_buffer buffer = {0};
    read_one(attempt, PROC_SELF, &buffer);
    give_back(attempt, &buffer);
}

static void read_without_a_buffer(struct attempt *attempt)
{
    read_one(attempt, PROC_PID(getpid()), NULL);
}

static void read_up_to_a_limit(struct attempt *attempt)
{
    proc_buffer buffer = {.limit = 300};
    read_one(attempt, PROC_SELF, &buffer);
    give_back(attempt, &buffer);
}

static void read_by_a_directory(struct attempt *attempt)
{
    int dir = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const proc_target target = {.dir_fd = &dir};
    read_one(attempt, &target, NULL);
    close(dir);
}

static void read_by_a_pidfd(struct attempt *attempt)
{
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (pidfd < 0)
        return;
    read_one(attempt, PROC_PIDFD(pidfd), NULL);
    close(pidfd);
}

static void every_failure_of_reading_a_status_is_told_and_leaves_nothing(void **state)
{
    static const struct scenario scenarios[] = {
        {"ourselves", read_ourselves},         {"without a buffer", read_without_a_buffer},
        {"up to a limit", read_up_to_a_limit}, {"by a directory", read_by_a_directory},
        {"by a pidfd", read_by_a_pidfd},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_of_reading_a_status_is_told_and_leaves_nothing),
    };
    return run_suite("fault-procfs", tests, sizeof tests / sizeof tests[0], argc, argv);
}
