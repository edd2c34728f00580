/* SPDX-License-Identifier: MIT */
/* One process or thread, read by a plan into an entry, and held against the filters as early as can be. */
#ifndef PROC_LIB_PROCFS_WALK_READ_H
#define PROC_LIB_PROCFS_WALK_READ_H

#include "../base/system.h"

#include <proc/walk.h>

#include "walk_list.h"
#include "walk_plan.h"
#include "walk_wanted.h"

/* Files of one process that stay open from one sample to the next; -1: not open. */
struct kept {
    int fds[CORE_COUNT];
};
#define KEPT_NONE ((struct kept){{-1, -1, -1, -1, -1}})

/* How many of them were closed. */
int proc__kept_close(struct kept *kept);

struct reader {
    struct wanted wanted;
    struct walk_plan plan;
    int root; /* a /proc, open */
    int may_keep; /* how many more files may be kept open */
    unsigned page_kb;
    proc_buffer text, cgroup, cmdline; /* what entries point into */
};

/* Opens the /proc that is wanted, and plans for these fields too. 0 or a negative errno. */
int proc__reader_begin(struct reader *reader, const struct wanted *wanted, uint64_t more_fields);
void proc__reader_end(struct reader *reader);
/* The list of all processes, to be ended by who calls. */
int proc__reader_list(const struct reader *reader, struct list *ret_list);
/* The list of a process's threads, of nothing if it is gone or denied; -EMFILE, -ENFILE or -ENOMEM. */
int proc__reader_list_threads(const struct reader *reader, int pid, struct list *ret_list);

/*
 * Reads what stands below the directory `base` (of /proc, or of a process's threads) as `tid`. kept: NULL, or files to
 * use and to open. 1; 0: gone, or filtered out; -EMFILE, -ENFILE or -ENOMEM. The entry's texts live until the next one.
 */
int proc__reader_read(struct reader *reader, int base, int pid, int tid, struct kept *kept, proc_entry *ret_entry);

#endif
