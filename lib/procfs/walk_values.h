/* SPDX-License-Identifier: MIT */
/* The members of an entry, filled in from what the kernel told. */
#ifndef PROC_LIB_PROCFS_WALK_VALUES_H
#define PROC_LIB_PROCFS_WALK_VALUES_H

#include "../base/system.h"

#include <proc/walk.h>

#include "../base/pidfd.h"
#include "walk_plan.h"

/* An entry that is being filled in. */
struct filling {
    uint64_t fields; /* what is wanted in it */
    unsigned page_kb;
    proc_entry *entry;
};

/* The text of a source's file, in which line ends may become terminators; the entry points into it. */
void proc__fill_in(const struct filling *filling, enum source source, proc_buffer *text);
/* What a pidfd told. */
void proc__fill_in_ids(const struct filling *filling, const struct pidfd_ids *ids);

#endif
