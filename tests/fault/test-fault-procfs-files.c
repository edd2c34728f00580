/* SPDX-License-Identifier: MIT */
/* Fault runs of reading all other files of /proc: what fails is told, touches no output and leaves nothing. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#include <proc/procfs.h>

/* A reader into bytes that are looked at afterwards. */
static void read_into(struct attempt *attempt, int64_t (*read)(void *output), size_t size)
{
    unsigned char output[4096], before[4096];
    memset(output, 0x55, sizeof output);
    memset(before, 0x55, sizeof before);
    fault_begin();
    attempt->rc = (int)read(output);
    fault_end();
    attempt->untouched = memcmp(output, before, sizeof before) == 0;
    if (memcmp(output + size, before + size, sizeof before - size) != 0)
        strcpy(attempt->wrong, "wrote beyond the output");
}

#define READER(name, size, call)                       \
    static int64_t call_##name(void *output)           \
    {                                                  \
        return call;                                   \
    }                                                  \
    static void read_##name(struct attempt *attempt)   \
    {                                                  \
        read_into(attempt, call_##name, size);         \
    }

READER(stat, sizeof(proc_stat), proc_stat_read(PROC_SELF, output))
READER(statm, sizeof(proc_statm), proc_statm_read(PROC_SELF, output))
READER(schedstat, sizeof(proc_schedstat), proc_schedstat_read(PROC_SELF, output))
READER(io, sizeof(proc_io), proc_io_read(PROC_SELF, output))
READER(limits, sizeof(proc_limit_list), proc_limits_read(PROC_SELF, output))
READER(rollup, sizeof(proc_rollup), proc_rollup_read(PROC_SELF, output))
READER(comm, 64, proc_comm_read(PROC_SELF, output, 64))
READER(wchan, 64, proc_wchan_read(PROC_SELF, output, 64))
READER(link, 512, proc_link_read(PROC_SELF, PROC_LINK_CWD, output, 512, NULL))
READER(namespace, 8, proc_namespace_read(PROC_SELF, "pid", output))
READER(descriptors, 1024, proc_fd_list(PROC_SELF, output, 256))
READER(descriptor, sizeof(proc_fd_info), proc_fd_info_read(PROC_SELF, 0, NULL, output))
READER(tasks, 1024, proc_task_list(PROC_SELF, output, 256))
READER(children, 1024, proc_children_list(PROC_SELF, output, 256))

/* Of a file that was removed: the link is followed, too. */
static int removed = -1;

READER(removed, 512, proc_fd_link_read(PROC_SELF, removed, output, 512, NULL))

static void read_removed_file(struct attempt *attempt)
{
    FILE *file = tmpfile();
    if (!file)
        return;
    removed = fileno(file);
    read_removed(attempt);
    fclose(file);
}

static void read_file_into_a_buffer(struct attempt *attempt)
{
    proc_buffer buffer = {0};
    fault_begin();
    attempt->rc = proc_file_read(PROC_SELF, PROC_FILE_MAPS, &buffer);
    fault_end();
    attempt->untouched = buffer.len == 0;
    proc_map map;
    proc_span rest = proc_buffer_span(&buffer);
    if (attempt->rc == 0 && proc_map_next(&rest, &map) != 1)
        strcpy(attempt->wrong, "no mappings");
    proc_buffer_done(&buffer);
}

static void open_directories(struct attempt *attempt)
{
    fault_begin();
    int root = proc_procfs_open(NULL), process = root < 0 ? root : proc_procfs_open_process(PROC_SELF);
    fault_end();
    attempt->untouched = 1;
    attempt->rc = process < 0 ? process : 0;
    if (process >= 0)
        close(process);
    if (root >= 0)
        close(root);
}

static void every_failure_of_reading_a_file_of_proc_is_told_and_leaves_nothing(void **state)
{
    static const struct scenario scenarios[] = {
        {"stat", read_stat},
        {"statm", read_statm},
        {"schedstat", read_schedstat},
        {"io", read_io},
        {"limits", read_limits},
        {"rollup", read_rollup},
        {"comm", read_comm},
        {"wchan", read_wchan},
        {"link", read_link},
        {"removed file", read_removed_file},
        {"namespace", read_namespace},
        {"descriptors", read_descriptors},
        {"descriptor", read_descriptor},
        {"tasks", read_tasks},
        {"children", read_children},
        {"file", read_file_into_a_buffer},
        {"directories", open_directories},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_of_reading_a_file_of_proc_is_told_and_leaves_nothing),
    };
    return run_suite("fault-procfs-files", tests, sizeof tests / sizeof tests[0], argc, argv);
}
