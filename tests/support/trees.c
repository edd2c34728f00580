/* SPDX-License-Identifier: MIT */
#include "trees.h"

#include <stdlib.h>

#include "procfs/descendants.h"
#include "started.h"

int needs_walks(void **state)
{
    if (needs_pidfd_open(state) == 0 && proc__descendants_possible() < 0)
        leave_out("no process can be held by its number here, or /proc is not of this pid namespace");
    return 0;
}

proc_reach reach_of(const proc_child *child)
{
    proc_reach reach;
    assert_rc(proc_child_reach(child, &reach), 0);
    return reach;
}

int has_ended(int pid)
{
    int state = state_of(pid);
    return state == 0 || state == 'Z' || state == 'X';
}

int said_pid(proc_child *child)
{
    int pid = atoi(said(child));
    assert_true(pid > 0);
    return pid;
}
