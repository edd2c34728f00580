/* SPDX-License-Identifier: MIT */
/* From the fields that are wanted to the files that have to be read for them. Pure. */
#ifndef PROC_LIB_PROCFS_WALK_PLAN_H
#define PROC_LIB_PROCFS_WALK_PLAN_H

#include "../base/system.h"

#include <proc/walk.h>

/* Where fields come from, in the order in which they are asked. */
enum source {
    SOURCE_INFO, /* a pidfd; first, since what is read after it proves whose it was */
    SOURCE_COMM,
    SOURCE_STATM,
    SOURCE_STAT,
    SOURCE_STATUS,
    SOURCE_CGROUP,
    SOURCE_IO,
    SOURCE_CMDLINE,
    SOURCE_PSS,
    SOURCE_COUNT
};
/* The first few can stand in for each other; of the others each has a field of its own. */
#define CORE_COUNT SOURCE_CGROUP

#define SOURCE_BIT(source) (1u << (source))
#define ALL_SOURCES (SOURCE_BIT(SOURCE_COUNT) - 1)
#define ALL_FIELDS (PROC_FIELD_CPU * 2 - 1)

struct walk_plan {
    uint64_t fields;   /* what is told at the end */
    unsigned sources;  /* SOURCE_BIT */
    int directory;     /* 1: more than one source: opens the process's directory, so that they are of one process */
};

/* The cheapest way to those fields by the allowed sources, of which only INFO may be missing. */
struct walk_plan proc__plan_for(uint64_t fields, unsigned allowed);
/* The fields that a source tells, and its file. */
uint64_t proc__source_fields(enum source source);
const char *proc__source_file(enum source source);

#endif
