/* SPDX-License-Identifier: MIT */
/* The options of a walk or a table as they are kept, and their filters. */
#ifndef PROC_LIB_PROCFS_WALK_WANTED_H
#define PROC_LIB_PROCFS_WALK_WANTED_H

#include "../base/system.h"

#include <proc/walk.h>

/* The options of a caller, copied whole. */
struct wanted {
    proc_walk_options options;
    uint32_t uid;
    uint64_t filtered; /* fields that a filter looks at */
};

/* 0, -EINVAL or -E2BIG. */
int proc__wanted_take(const proc_walk_options *given, struct wanted *ret_wanted);
/* 1: no filter is against what is known of the entry so far. */
int proc__wanted_may_match(const struct wanted *wanted, const proc_entry *entry);

#endif
