/* SPDX-License-Identifier: MIT */
/*
 * From a question (which process?) to an open file of its /proc directory. The one place that knows paths, other /procs
 * and pidfds, and that turns the kernel's many errors for "not there" and "not yours" into one each.
 */
#ifndef PROC_LIB_PROCFS_TARGET_H
#define PROC_LIB_PROCFS_TARGET_H

#include "../base/system.h"

#include <proc/base.h>

/* What statfs(2) says of a proc file system. */
#define PROC_MAGIC 0x9fa0

/*
 * Opens a file of the target's directory with these flags, which are O_RDONLY if they say nothing else. The descriptor,
 * which belongs to who calls, or -ESRCH: gone, or no such file; -EACCES: denied; -ENODEV: no proc file system; -EBADF:
 * a descriptor of the target is of no use; -EINVAL: the target contradicts itself; or another negative errno.
 */
int proc__target_open(const proc_target *target, const char *file, int flags);

/* Where the paths of a /proc start: a directory's descriptor, and the text that goes before them. */
struct root {
    int fd;
    const char *prefix;
};

/* Of the /proc that the target names. */
struct root proc__target_root(const proc_target *target);
/* 0; -EINVAL: the target contradicts itself. */
int proc__target_check(const proc_target *target);
/*
 * The pid of a pidfd as that /proc counts: from the fdinfo that the same /proc tells, since an ioctl would tell it in
 * the caller's pid namespace. -ESRCH: reaped, or it or we are not of that namespace.
 */
int proc__target_pid_of(const struct root *root, int pidfd);

/* What a read of such a file came to, in the same errors. */
int proc__target_error(int rc);

/*
 * A pidfd of the target, a process: a new one, which belongs to who calls. A plain pid is one of our pid namespace;
 * where a /proc is named by the target, the pidfd is sure to be of the process that this /proc means. -ESRCH: gone, or
 * a thread's id; -EOPNOTSUPP: that /proc counts in another pid namespace than ours; -EINVAL: a thread; or as above.
 */
int proc__target_pidfd(const proc_target *target);

#endif
