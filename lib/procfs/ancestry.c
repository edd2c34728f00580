/* SPDX-License-Identifier: MIT */
/*
 * The way up from a process, parent by parent. Each is held by its directory, which never speaks for a later process,
 * before the next step is taken. Owns nothing but those.
 */
#include "ancestry.h"

#include <errno.h>

#include <proc/procfs.h>

#include "../base/fd.h"

/* A longer way is nobody's but that of a process which wants to keep us busy. */
#define STEPS_MAX 1024

static int read_pids(int dir, proc_stat *ret_stat)
{
    const proc_target in_directory = {.dir_fd = &dir};
    int rc = proc_stat_read(&in_directory, ret_stat);
    if (rc < 0)
        return rc;
    return proc_stat_has(ret_stat, PROC_STAT_PID) && proc_stat_has(ret_stat, PROC_STAT_PPID) ? 0 : -ENODATA;
}

/*
 * Goes to the parent, unless it ends meanwhile: then this process has got another one, which *stat names, and stays
 * where it is. What was opened was the parent if it still is so afterwards.
 */
static int step_up(int *dir, proc_stat *stat)
{
    int ppid = stat->ppid;
    const proc_target above = {.pid = ppid};
    int parent = proc_procfs_open_process(&above);
    if (parent < 0 && parent != -ESRCH)
        return parent;
    int rc = read_pids(*dir, stat);
    if (rc == 0 && parent >= 0 && stat->ppid == ppid) {
        proc__fd_close(dir);
        *dir = parent;
        return read_pids(*dir, stat);
    }
    proc__fd_close(&parent);
    return rc;
}

int proc__descends_from(const proc_target *process, int ancestor)
{
    proc_stat stat;
    int dir = proc_procfs_open_process(process);
    if (dir < 0)
        return dir;
    int rc = read_pids(dir, &stat);
    int found = 0;
    for (int steps = 0; rc == 0 && steps < STEPS_MAX; steps++) {
        found = stat.pid == ancestor;
        if (found || stat.ppid <= 0)
            break;
        rc = step_up(&dir, &stat);
    }
    proc__fd_close(&dir);
    return rc < 0 ? rc : found;
}
