/* SPDX-License-Identifier: MIT */
/*
 * Trees of processes, for who may speak and who may be named. What cannot be proven is not so: a wrong yes would let a
 * stranger speak for a service. Keeps nothing.
 */
#include "notify_tree.h"

#include <proc/child.h>

#include "../base/pidfd.h"
#include "../procfs/ancestry.h"

/* The same process by their pidfds, whatever has become of it. */
static int is_same(int a, int b)
{
    uint64_t inode = a >= 0 && b >= 0 ? proc__pidfd_inode(a) : 0;
    return inode != 0 && inode == proc__pidfd_inode(b);
}

static int is_below(const struct named *process, int ancestor)
{
    const proc_target target = {.pid = process->pidfd < 0 ? process->pid : 0,
                                .pidfd = process->pidfd < 0 ? NULL : &process->pidfd};
    return process->pid > 0 && proc__descends_from(&target, ancestor) == 1;
}

int proc__tree_of_child(const struct named *process, const proc_child *child)
{
    int pidfd = proc_child_fd(child), pid = proc_child_pid(child);
    if (is_same(process->pidfd, pidfd))
        return 1;
    /* Its pid is its own until it is reaped: nobody can have got it, if that is not so even afterwards. */
    return is_below(process, pid) && proc__pidfd_is_child(pidfd) == 0;
}

/* A root that is not ours can be reaped at any moment, which its pidfd knows; without one, its pid has to do. */
static int keeps_its_pid(const struct named *root)
{
    return root->pidfd < 0 || proc__pidfd_signal(root->pidfd, 0, 0) == 0;
}

int proc__tree_of(const struct named *process, const struct named *root)
{
    if (is_same(process->pidfd, root->pidfd))
        return 1;
    return root->pid > 0 && is_below(process, root->pid) && keeps_its_pid(root);
}
