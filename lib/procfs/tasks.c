/* SPDX-License-Identifier: MIT */
/* A process's directory, its threads and its children. Keeps nothing. */
#include "../base/system.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>

#include <proc/procfs.h>

#include "../base/buffer.h"
#include "../base/fd.h"
#include "listing.h"
#include "number.h"
#include "target.h"

int proc_procfs_open(const char *path)
{
    struct statfs about;
    if (!path)
        path = "/proc";
    int fd = proc__fd_open(path, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    if (fstatfs(fd, &about) == 0 && about.f_type == PROC_MAGIC)
        return fd;
    proc__fd_close(&fd);
    return -ENODEV;
}

int proc_procfs_open_process(const proc_target *target)
{
    return proc__target_open(target, ".", O_PATH | O_DIRECTORY);
}

static int list_tasks(const proc_target *target, struct listing *tasks)
{
    int dir = proc__target_open(target, "task", O_DIRECTORY);
    if (dir < 0)
        return dir;
    int rc = proc__listing_take_directory(tasks, dir);
    proc__fd_close(&dir);
    /* No process is without a thread: it went after its directory was opened. */
    return rc == 0 && tasks->count == 0 ? -ESRCH : rc;
}

int64_t proc_task_list(const proc_target *target, int *ret_tids, size_t capacity)
{
    if ((!ret_tids && capacity > 0) || (target && target->tid != 0))
        return -EINVAL;
    struct listing tasks = {0};
    int rc = list_tasks(target, &tasks);
    return proc__listing_give(&tasks, rc, ret_tids, capacity);
}

/* Ids with a blank behind each, and a terminator behind them all. */
static int take_ids(const char *at, struct listing *children)
{
    int32_t pid;
    int rc = 0;
    while (at && rc == 0 && (at = take_i32(skip_blanks(at), &pid)))
        rc = proc__listing_add(children, pid);
    return rc;
}

static int take_children(const proc_target *task, proc_buffer *buffer, struct listing *children)
{
    int fd = proc__target_open(task, "children", 0);
    if (fd < 0)
        return fd;
    int rc = proc__buffer_fill(buffer, fd, UNTIL_END);
    proc__fd_close(&fd);
    return rc < 0 ? proc__target_error(rc) : take_ids(buffer->data, children);
}

/* Each thread has the children that it started. One that goes meanwhile has given its own to another. */
static int take_all_children(int dir, proc_buffer *buffer, struct listing *children)
{
    struct listing tasks = {0};
    proc_target task = {.dir_fd = &dir};
    int told = 0, rc = list_tasks(&task, &tasks);
    for (size_t i = 0; i < tasks.count && (rc == 0 || rc == -ESRCH); i++) {
        task.tid = tasks.numbers[i];
        rc = take_children(&task, buffer, children);
        told += rc == 0;
    }
    proc__listing_done(&tasks);
    return told > 0 && rc == -ESRCH ? 0 : rc;
}

int64_t proc_children_list(const proc_target *target, int *ret_pids, size_t capacity)
{
    if (!ret_pids && capacity > 0)
        return -EINVAL;
    struct listing children = {0};
    proc_buffer buffer = {0};
    int rc;
    if (target && target->tid != 0) {
        rc = take_children(target, &buffer, &children);
    } else {
        int dir = proc_procfs_open_process(target);
        rc = dir < 0 ? dir : take_all_children(dir, &buffer, &children);
        proc__fd_close(&dir);
    }
    proc_buffer_done(&buffer);
    return proc__listing_give(&children, rc, ret_pids, capacity);
}
