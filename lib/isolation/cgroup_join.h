/* SPDX-License-Identifier: MIT */
/*
 * The control group that a new process shall be in: found and looked at by its parent, and entered by the process
 * itself where it was not born there.
 */
#ifndef PROC_LIB_ISOLATION_CGROUP_JOIN_H
#define PROC_LIB_ISOLATION_CGROUP_JOIN_H

#include "../base/system.h"

#include "../base/error.h"
#include "../base/step.h"

struct cgroup_join {
    int dir;          /* -1 = stay where we are */
    int birthplace;   /* the same if a process can be born there: a group of version 2; else -1 */
    int opened;       /* the same if we have opened it; else -1 */
    const char *path; /* borrowed; NULL = it was given as a descriptor */
};

#define NO_CGROUP ((struct cgroup_join){.dir = -1, .birthplace = -1, .opened = -1})

/*
 * The directory dir_fd, or path (from dir_fd, if both are given), which must be one of a control group that is not
 * frozen: a process that is born in such a group stops there, and who waits for it with it. 0, or a negative errno with
 * the failure; done is right in either case.
 */
int proc__cgroup_find(struct cgroup_join *ret_join, const int *dir_fd, const char *path, struct failure *ret_failure);
void proc__cgroup_done(struct cgroup_join *join);
/* In the new process. */
struct report proc__cgroup_enter(const struct cgroup_join *join);
/* Why entering has failed, where the errno's own words do not tell; else NULL. */
const char *proc__cgroup_reason(int code);

#endif
