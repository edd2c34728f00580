/* SPDX-License-Identifier: MIT */
/* What a caller asked for: taken over whole and checked, and held against entries. Owns nothing, knows no files. */
#include "walk_wanted.h"

#include <errno.h>
#include <string.h>

#include "walk_plan.h"

/* ---- Options ---- */

static int is_zero(const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (((const char *)bytes)[i] != 0)
            return 0;
    return 1;
}

int proc__wanted_take(const proc_walk_options *given, struct wanted *ret_wanted)
{
    struct wanted wanted = {.options = {.size = sizeof wanted.options}};
    proc_walk_options *options = &wanted.options;
    if (given) {
        size_t size = given->size;
        if (size < sizeof size)
            return -EINVAL;
        if (size > sizeof *options && !is_zero((const char *)given + sizeof *options, size - sizeof *options))
            return -E2BIG;
        memcpy(options, given, size < sizeof *options ? size : sizeof *options);
    }
    const uint32_t flags = PROC_WALK_THREADS | PROC_WALK_NO_KERNEL | PROC_WALK_SAMPLE;
    if ((options->fields & ~ALL_FIELDS) || (options->flags & ~flags) || options->parent < 0)
        return -EINVAL;
    wanted.uid = options->uid ? *options->uid : 0;
    wanted.filtered = (options->flags & PROC_WALK_NO_KERNEL ? PROC_FIELD_KTHREAD : 0) |
                      (options->parent ? PROC_FIELD_PARENT : 0) | (options->uid ? PROC_FIELD_USER : 0) |
                      (options->name ? PROC_FIELD_NAME : 0) | (options->cgroup ? PROC_FIELD_CGROUP : 0);
    *ret_wanted = wanted;
    return 0;
}

/* ---- Filters ---- */

static int is_in_cgroup(const char *path, const char *group)
{
    size_t len = strlen(group);
    while (len > 0 && group[len - 1] == '/')
        len--;
    return strncmp(path, group, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Whether a filter for that field lets the entry, which has it, pass. */
static int passes(const struct wanted *wanted, uint64_t field, const proc_entry *entry)
{
    switch (field) {
    case PROC_FIELD_KTHREAD: return !entry->kthread;
    case PROC_FIELD_PARENT: return entry->ppid == wanted->options.parent;
    case PROC_FIELD_USER: return entry->euid == wanted->uid;
    case PROC_FIELD_NAME: return strcmp(entry->name, wanted->options.name) == 0;
    case PROC_FIELD_CGROUP: return is_in_cgroup(entry->cgroup, wanted->options.cgroup);
    default: return 1;
    }
}

int proc__wanted_may_match(const struct wanted *wanted, const proc_entry *entry)
{
    for (uint64_t left = wanted->filtered & entry->present; left; left &= left - 1)
        if (!passes(wanted, left & (0 - left), entry))
            return 0;
    return 1;
}
