/* SPDX-License-Identifier: MIT */
/*
 * All processes together. Owns a row for each, which lives from one refresh to the next as long as its process does:
 * with the files that are kept open, the sample before, and a copy of the texts. Rows that are free are used again.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../base/clock.h"

#define NS_PER_US 1000

/* ---- Rows ---- */

static struct row *take_row(proc_table *table)
{
    struct row *row = table->free;
    if (row) {
        table->free = row->next_free;
        return row;
    }
    row = calloc(1, sizeof *row);
    if (row)
        row->kept = KEPT_NONE;
    return row;
}

/* Its memory for texts stays. */
static void give_row(proc_table *table, struct row *row)
{
    table->reader.may_keep += proc__kept_close(&row->kept);
    row->sampled_at = 0;
    row->next_free = table->free;
    table->free = row;
}

static void free_row(struct row *row)
{
    free(row->texts);
    free(row);
}

/* Room for one more row in all arrays. */
static int reserve(proc_table *table)
{
    if (table->fresh_count < table->capacity)
        return 0;
    size_t capacity = table->capacity ? table->capacity * 2 : 256;
    struct row ***arrays[] = {&table->by_id, &table->fresh, &table->order, &table->scratch};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        struct row **grown = realloc(*arrays[i], capacity * sizeof **arrays[i]);
        if (!grown)
            return -ENOMEM;
        *arrays[i] = grown;
    }
    table->capacity = capacity;
    return 0;
}

/* ---- A sample ---- */

/* The texts of an entry live in the reader, and only until the next one is read. */
static int keep_texts(struct row *row, const proc_entry *entry)
{
    size_t cgroup = entry->cgroup ? strlen(entry->cgroup) + 1 : 0, needed = cgroup + entry->cmdline.len + 1;
    if (!entry->cgroup && !entry->cmdline.data)
        return 0;
    if (row->texts_size < needed) {
        char *grown = realloc(row->texts, needed);
        if (!grown)
            return -ENOMEM;
        row->texts = grown;
        row->texts_size = needed;
    }
    if (entry->cgroup)
        row->entry.cgroup = memcpy(row->texts, entry->cgroup, cgroup);
    if (entry->cmdline.data) {
        memcpy(row->texts + cgroup, entry->cmdline.data, entry->cmdline.len);
        row->texts[cgroup + entry->cmdline.len] = '\0';
        row->entry.cmdline.data = row->texts + cgroup;
    }
    return 0;
}

/* Thousandths of a CPU, rounded; the largest number stands for all that is beyond it. */
static uint32_t permille_of(uint64_t ticks, uint64_t ticks_per_second, uint64_t passed_us)
{
    uint64_t used, available = ticks_per_second * passed_us;
    if (__builtin_mul_overflow(ticks, UINT64_C(1000) * 1000000, &used) ||
        __builtin_add_overflow(used, available / 2, &used) || used / available > UINT32_MAX)
        return UINT32_MAX;
    return (uint32_t)(used / available);
}

/* How much of a CPU it used since the sample before, which has to be of the same process. */
static void measure(const proc_table *table, struct row *row, uint64_t started, int64_t now)
{
    proc_entry *entry = &row->entry;
    uint64_t ticks = sum_of(entry->user_ticks, entry->system_ticks);
    int64_t passed = now - row->sampled_at;
    int measured = row->sampled_at > 0 && passed >= NS_PER_US && started == entry->start_ticks && ticks >= row->ticks;
    if (!(entry->present & PROC_FIELD_TIMES) || !(entry->present & PROC_FIELD_START)) {
        entry->denied |= entry->denied & PROC_FIELD_TIMES ? table->reader.wanted.options.fields & PROC_FIELD_CPU : 0;
        row->sampled_at = 0;
        return;
    }
    if (measured && (table->reader.wanted.options.fields & PROC_FIELD_CPU)) {
        entry->cpu_permille =
            permille_of(ticks - row->ticks, (uint64_t)table->ticks_per_second, (uint64_t)(passed / NS_PER_US));
        entry->present |= PROC_FIELD_CPU;
    }
    row->ticks = ticks;
    row->sampled_at = now;
}

/*
 * Closes all files that are kept, and keeps none from now on: better than to fail for want of the very descriptors. How
 * many there were.
 */
static int let_go(proc_table *table)
{
    int closed = 0;
    for (size_t i = 0; i < table->count; i++)
        closed += proc__kept_close(&table->by_id[i]->kept);
    for (size_t i = 0; i < table->fresh_count; i++)
        closed += proc__kept_close(&table->fresh[i]->kept);
    table->reader.may_keep = 0;
    return closed;
}

static int is_short_of_descriptors(int rc)
{
    return rc == -EMFILE || rc == -ENFILE;
}

/* Takes one process into the fresh rows. */
static int sample(proc_table *table, int base, int pid, int tid)
{
    proc_entry entry;
    int rc = reserve(table);
    if (rc < 0)
        return rc;
    struct row *old = proc__table_row(table, tid), *row = old ? old : take_row(table);
    /* Listed twice: no kernel does that, an emulation may. */
    if (old && old->seen)
        return 0;
    if (!row)
        return -ENOMEM;
    struct kept *kept = table->reader.wanted.options.flags & PROC_WALK_SAMPLE ? &row->kept : NULL;
    rc = proc__reader_read(&table->reader, base, pid, tid, kept, &entry);
    if (is_short_of_descriptors(rc) && let_go(table) + proc__kept_close(&row->kept) > 0)
        rc = proc__reader_read(&table->reader, base, pid, tid, kept, &entry);
    uint64_t started = row->entry.start_ticks;
    if (rc > 0) {
        row->entry = entry;
        rc = keep_texts(row, &entry) < 0 ? -ENOMEM : 1;
    }
    if (rc <= 0) {
        if (row != old)
            give_row(table, row);
        return rc;
    }
    measure(table, row, started, proc__now_ns());
    row->seen = 1;
    table->fresh[table->fresh_count++] = row;
    return 0;
}

static int sample_threads(proc_table *table, int pid)
{
    int tid, rc = proc__reader_list_threads(&table->reader, pid, &table->threads);
    if (is_short_of_descriptors(rc) && let_go(table) > 0)
        rc = proc__reader_list_threads(&table->reader, pid, &table->threads);
    while (rc == 0 && (rc = proc__list_next(&table->threads, &tid)) > 0)
        rc = sample(table, table->threads.fd, pid, tid);
    proc__list_end(&table->threads);
    return rc;
}

static int sample_all(proc_table *table)
{
    int pid, rc = proc__list_rewind(&table->processes);
    while (rc == 0 && (rc = proc__list_next(&table->processes, &pid)) > 0)
        rc = table->reader.wanted.options.flags & PROC_WALK_THREADS ? sample_threads(table, pid)
                                                                    : sample(table, table->reader.root, pid, pid);
    return rc;
}

/* ---- What a refresh leaves ---- */

static void forget_all(proc_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (!table->by_id[i]->seen)
            give_row(table, table->by_id[i]);
    for (size_t i = 0; i < table->fresh_count; i++) {
        table->fresh[i]->seen = 0;
        give_row(table, table->fresh[i]);
    }
    table->count = table->fresh_count = 0;
}

/* The fresh rows are the table now; those that were not seen again are free. */
static void settle(proc_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (!table->by_id[i]->seen)
            give_row(table, table->by_id[i]);
    struct row **old = table->by_id;
    table->by_id = table->fresh;
    table->fresh = old;
    table->count = table->fresh_count;
    table->fresh_count = 0;
    for (size_t i = 0; i < table->count; i++)
        table->by_id[i]->seen = 0;
    /* The kernel lists in this order, others may not. */
    proc__table_sort_rows(table->by_id, table->scratch, table->count, 0, 0);
    if (table->count > 0)
        memcpy(table->order, table->by_id, table->count * sizeof(struct row *));
}

int64_t proc_table_refresh(proc_table *table)
{
    if (!table)
        return -EINVAL;
    int rc = sample_all(table);
    if (rc < 0)
        forget_all(table);
    else
        settle(table);
    proc__table_link(table);
    return rc < 0 ? rc : (int64_t)table->count;
}

/* ---- The table ---- */

/* Half of the descriptors we may have. */
static int files_to_keep(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    return limit.rlim_cur > 1 << 20 ? 1 << 19 : (int)(limit.rlim_cur / 2);
}

static int begin(proc_table *table, const struct wanted *wanted)
{
    const uint64_t times = wanted->options.fields & PROC_FIELD_CPU ? PROC_FIELD_TIMES : 0;
    table->processes.fd = table->threads.fd = -1;
    table->ticks_per_second = sysconf(_SC_CLK_TCK);
    int rc = proc__reader_begin(&table->reader, wanted, PROC_FIELD_START | times);
    if (rc < 0)
        return rc;
    if (wanted->options.flags & PROC_WALK_SAMPLE)
        table->reader.may_keep = files_to_keep();
    rc = proc__reader_list(&table->reader, &table->processes);
    if (rc < 0)
        return rc;
    int64_t count = proc_table_refresh(table);
    return count < 0 ? (int)count : 0;
}

int proc_table_new(proc_table **table, const proc_walk_options *options)
{
    struct wanted wanted;
    if (!table)
        return -EINVAL;
    int rc = proc__wanted_take(options, &wanted);
    if (rc < 0)
        return rc;
    proc_table *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    rc = begin(made, &wanted);
    if (rc < 0)
        proc_table_free(made);
    else
        *table = made;
    return rc;
}

size_t proc_table_count(const proc_table *table)
{
    return table ? table->count : 0;
}

const proc_entry *proc_table_at(const proc_table *table, size_t index)
{
    return table && index < table->count ? &table->order[index]->entry : NULL;
}

const proc_entry *proc_table_find(const proc_table *table, int id)
{
    const struct row *row = table ? proc__table_row(table, id) : NULL;
    return row ? &row->entry : NULL;
}

proc_table *proc_table_free(proc_table *table)
{
    if (!table)
        return NULL;
    forget_all(table);
    for (struct row *row = table->free, *next; row; row = next) {
        next = row->next_free;
        free_row(row);
    }
    free(table->by_id);
    free(table->fresh);
    free(table->order);
    free(table->scratch);
    proc__list_end(&table->threads);
    proc__list_end(&table->processes);
    proc__reader_end(&table->reader);
    free(table);
    return NULL;
}
