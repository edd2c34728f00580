/* SPDX-License-Identifier: MIT */
/* What tells what, and what it costs. Costs are in tenths of a microsecond, as measured; only their ratios matter. */
#include "walk_plan.h"

#include <errno.h>

#define STAT_FIELDS                                                                                             \
    (PROC_FIELD_PARENT | PROC_FIELD_NAME | PROC_FIELD_STATE | PROC_FIELD_START | PROC_FIELD_TIMES |             \
     PROC_FIELD_VM_SIZE | PROC_FIELD_THREADS | PROC_FIELD_GROUP | PROC_FIELD_NICE | PROC_FIELD_KTHREAD)
#define STATUS_FIELDS                                                                                           \
    (PROC_FIELD_PARENT | PROC_FIELD_NAME | PROC_FIELD_STATE | PROC_FIELD_USER | PROC_FIELD_RSS |                \
     PROC_FIELD_VM_SIZE | PROC_FIELD_THREADS | PROC_FIELD_SWAP | PROC_FIELD_SWITCHES | PROC_FIELD_KTHREAD |     \
     PROC_FIELD_INNER_PID)

/* A directory's descriptor, where more than one file has to be of the same process. */
#define DIRECTORY_COST 18

static const struct {
    uint64_t fields;
    unsigned cost;
    const char *file;
} sources[SOURCE_COUNT] = {
    [SOURCE_INFO] = {PROC_FIELD_PARENT | PROC_FIELD_USER, 43, NULL},
    [SOURCE_COMM] = {PROC_FIELD_NAME, 54, "comm"},
    [SOURCE_STATM] = {PROC_FIELD_RSS | PROC_FIELD_VM_SIZE, 59, "statm"},
    [SOURCE_STAT] = {STAT_FIELDS, 89, "stat"},
    [SOURCE_STATUS] = {STATUS_FIELDS, 136, "status"},
    [SOURCE_CGROUP] = {PROC_FIELD_CGROUP, 87, "cgroup"},
    [SOURCE_IO] = {PROC_FIELD_IO, 65, "io"},
    [SOURCE_CMDLINE] = {PROC_FIELD_CMDLINE, 68, "cmdline"},
    [SOURCE_PSS] = {PROC_FIELD_PSS, 490, "smaps_rollup"},
};

static uint64_t fields_of(unsigned set)
{
    uint64_t fields = 0;
    for (int i = 0; i < SOURCE_COUNT; i++)
        if (set & SOURCE_BIT(i))
            fields |= sources[i].fields;
    return fields;
}

static unsigned cost_of(unsigned set)
{
    unsigned cost = __builtin_popcount(set) > 1 ? DIRECTORY_COST : 0;
    for (int i = 0; i < SOURCE_COUNT; i++)
        if (set & SOURCE_BIT(i))
            cost += sources[i].cost;
    return cost;
}

/* Those without an alternative. */
static unsigned sources_needed(uint64_t fields)
{
    unsigned set = 0;
    for (int i = CORE_COUNT; i < SOURCE_COUNT; i++)
        if (sources[i].fields & fields)
            set |= SOURCE_BIT(i);
    return set;
}

static int is_within(uint64_t part, uint64_t whole)
{
    return (part & ~whole) == 0;
}

struct walk_plan proc__plan_for(uint64_t fields, unsigned allowed)
{
    const unsigned all_of_core = SOURCE_BIT(SOURCE_STAT) | SOURCE_BIT(SOURCE_STATUS);
    const uint64_t core = fields_of(all_of_core) & fields;
    const unsigned needed = sources_needed(fields);
    unsigned best = all_of_core | needed;
    /* So few that all ways can be tried. */
    for (unsigned set = 0; set < SOURCE_BIT(CORE_COUNT); set++)
        if (is_within(set, allowed) && is_within(core, fields_of(set)) && cost_of(set | needed) < cost_of(best))
            best = set | needed;
    return (struct walk_plan){.fields = fields, .sources = best, .directory = __builtin_popcount(best) > 1};
}

uint64_t proc__source_fields(enum source source)
{
    return sources[source].fields;
}

const char *proc__source_file(enum source source)
{
    return sources[source].file;
}

int proc_field_cost(uint64_t field)
{
    if (field == 0 || (field & ~ALL_FIELDS) || (field & (field - 1)))
        return -EINVAL;
    switch (field) {
    case PROC_FIELD_CMDLINE: return PROC_COST_MAY_BLOCK;
    case PROC_FIELD_IO: return PROC_COST_PRIVILEGED;
    case PROC_FIELD_PSS: return PROC_COST_BOTH;
    default: return PROC_COST_CHEAP;
    }
}
