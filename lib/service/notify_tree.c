/* SPDX-License-Identifier: MIT */
/*
 * Trees of processes, for who may speak and who may be named. What cannot be proven is not so: a wrong yes would let a
 * stranger speak for a service. Keeps nothing.
 */
#include "notify_tree.h"

#include "../base/pidfd.h"
#include "../procfs/ancestry.h"

/* The same process by their pidfds, whatever has become of it. */
static int are_one(int a, int b)
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

/* Until it is reaped. The second question needs no right to signal it. */
static int keeps_its_pid(const struct named *root)
{
    return root->pidfd < 0 || proc__pidfd_signal(root->pidfd, 0, 0) == 0 || proc__pidfd_is_child(root->pidfd) == 0;
}

/* Nobody can have got the root's pid meanwhile, if it has it even afterwards. */
int proc__tree_has(const struct named *root, const struct named *process)
{
    if (are_one(process->pidfd, root->pidfd))
        return 1;
    return root->pid > 0 && is_below(process, root->pid) && keeps_its_pid(root);
}
