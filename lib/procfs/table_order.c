/* SPDX-License-Identifier: MIT */
/* The orders of a table: sorted by a field, and as a tree. Reads nothing, allocates nothing. */
#include "table.h"

#include <errno.h>
#include <string.h>

/* ---- Sorting ---- */

/* -1, 0, 1 */
#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int order_spans(const proc_span *a, const proc_span *b)
{
    size_t len = a->len < b->len ? a->len : b->len;
    int order = len > 0 ? memcmp(a->data, b->data, len) : 0;
    return order != 0 ? order : ORDER(a->len, b->len);
}

static int order_sums(uint64_t a1, uint64_t a2, uint64_t b1, uint64_t b2)
{
    uint64_t a = sum_of(a1, a2), b = sum_of(b1, b2);
    return ORDER(a, b);
}

static int order_entries(const proc_entry *a, const proc_entry *b, uint64_t field)
{
    switch (field) {
    case PROC_FIELD_PARENT: return ORDER(a->ppid, b->ppid);
    case PROC_FIELD_NAME: return strcmp(a->name, b->name);
    case PROC_FIELD_STATE: return ORDER(a->state, b->state);
    case PROC_FIELD_USER: return ORDER(a->euid, b->euid);
    case PROC_FIELD_START: return ORDER(a->start_ticks, b->start_ticks);
    case PROC_FIELD_TIMES: return order_sums(a->user_ticks, a->system_ticks, b->user_ticks, b->system_ticks);
    case PROC_FIELD_RSS: return ORDER(a->rss_kb, b->rss_kb);
    case PROC_FIELD_VM_SIZE: return ORDER(a->vm_size_kb, b->vm_size_kb);
    case PROC_FIELD_THREADS: return ORDER(a->threads, b->threads);
    case PROC_FIELD_GROUP: return ORDER(a->pgrp, b->pgrp);
    case PROC_FIELD_NICE: return ORDER(a->nice, b->nice);
    case PROC_FIELD_SWAP: return ORDER(a->swap_kb, b->swap_kb);
    case PROC_FIELD_SWITCHES:
        return order_sums(a->voluntary_switches, a->nonvoluntary_switches, b->voluntary_switches,
                          b->nonvoluntary_switches);
    case PROC_FIELD_KTHREAD: return ORDER(a->kthread, b->kthread);
    case PROC_FIELD_IO: return order_sums(a->read_bytes, a->written_bytes, b->read_bytes, b->written_bytes);
    case PROC_FIELD_CGROUP: return strcmp(a->cgroup, b->cgroup);
    case PROC_FIELD_PSS: return ORDER(a->pss_kb, b->pss_kb);
    case PROC_FIELD_CMDLINE: return order_spans(&a->cmdline, &b->cmdline);
    case PROC_FIELD_INNER_PID: return ORDER(a->inner_pid, b->inner_pid);
    case PROC_FIELD_CPU: return ORDER(a->cpu_permille, b->cpu_permille);
    default: return ORDER(a->tid, b->tid);
    }
}

/* 1: b has to stand before a, which stands before b now. */
static int is_wrong(const struct row *a, const struct row *b, uint64_t field, int descending)
{
    int a_has = field == 0 || (a->entry.present & field), b_has = field == 0 || (b->entry.present & field);
    if (!a_has || !b_has)
        return !a_has && b_has;
    int order = order_entries(&a->entry, &b->entry, field);
    return descending ? order < 0 : order > 0;
}

/* Two sorted parts, from `from` to `middle` and on to `to`, into one. */
static void merge(struct row **rows, struct row **into, size_t from, size_t middle, size_t to, uint64_t field,
                  int descending)
{
    size_t left = from, right = middle;
    for (size_t i = from; i < to; i++) {
        int take_right = left == middle || (right < to && is_wrong(rows[left], rows[right], field, descending));
        into[i] = rows[take_right ? right++ : left++];
    }
}

static int is_sorted(struct row **rows, size_t count, uint64_t field, int descending)
{
    for (size_t i = 1; i < count; i++)
        if (is_wrong(rows[i - 1], rows[i], field, descending))
            return 0;
    return 1;
}

void proc__table_sort_rows(struct row **rows, struct row **scratch, size_t count, uint64_t field, int descending)
{
    if (is_sorted(rows, count, field, descending))
        return;
    struct row **from = rows, **into = scratch;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            size_t middle = at + width < count ? at + width : count;
            size_t to = middle + width < count ? middle + width : count;
            merge(from, into, at, middle, to, field, descending);
        }
        struct row **swap = from;
        from = into;
        into = swap;
    }
    if (from != rows)
        memcpy(rows, from, count * sizeof *rows);
}

int proc_table_sort(proc_table *table, uint64_t field, int descending)
{
    if (!table || (field & (field - 1)) || (field & ~(table->reader.plan.fields | PROC_FIELD_START)))
        return -EINVAL;
    proc__table_sort_rows(table->order, table->scratch, table->count, field, descending);
    proc__table_link(table);
    return 0;
}

/* ---- By id ---- */

struct row *proc__table_row(const proc_table *table, int id)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->by_id[middle]->entry.tid < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < table->count && table->by_id[low]->entry.tid == id ? table->by_id[low] : NULL;
}

/* ---- The tree ---- */

/*
 * A parent is never younger than its children: init, a subreaper, a sibling's parent, all are there before. What is
 * younger has only got the pid of a parent that died while the table was being read.
 */
static struct row *parent_of(const proc_table *table, const struct row *row)
{
    const proc_entry *entry = &row->entry;
    if (!(entry->present & PROC_FIELD_PARENT) || entry->ppid <= 0 || entry->ppid == entry->tid)
        return NULL;
    struct row *parent = proc__table_row(table, entry->ppid);
    if (!parent || (parent->entry.present & entry->present & PROC_FIELD_START) == 0 ||
        parent->entry.start_ticks > entry->start_ticks)
        return NULL;
    return parent;
}

/*
 * 1: the row is among its own parent's ancestors, which only an emulation could claim. Since nobody's parent is
 * younger, all in a circle have started together: nothing beyond those has to be looked at, however deep the tree is.
 */
static int makes_a_circle(const struct row *row, const struct row *parent)
{
    const uint64_t started = row->entry.start_ticks;
    for (const struct row *above = parent; above && above->entry.start_ticks == started; above = above->parent)
        if (above == row)
            return 1;
    return 0;
}

void proc__table_link(proc_table *table)
{
    table->root = NULL;
    for (size_t i = 0; i < table->count; i++)
        table->order[i]->parent = table->order[i]->child = table->order[i]->sibling = NULL;
    if (!(table->reader.plan.fields & PROC_FIELD_PARENT))
        return;
    for (size_t i = 0; i < table->count; i++) {
        struct row *row = table->order[i], *parent = parent_of(table, row);
        row->parent = parent && !makes_a_circle(row, parent) ? parent : NULL;
    }
    /* From the last, so that each list stands in order. */
    for (size_t i = table->count; i-- > 0;) {
        struct row *row = table->order[i], **first = row->parent ? &row->parent->child : &table->root;
        row->sibling = *first;
        *first = row;
    }
}

static const proc_entry *entry_of(const struct row *row)
{
    return row ? &row->entry : NULL;
}

static const struct row *row_with(const proc_entry *entry)
{
    return (const struct row *)(const void *)entry;
}

const proc_entry *proc_table_child(const proc_table *table, const proc_entry *entry)
{
    if (!table)
        return NULL;
    return entry_of(entry ? row_with(entry)->child : table->root);
}

const proc_entry *proc_table_sibling(const proc_table *table, const proc_entry *entry)
{
    return table && entry ? entry_of(row_with(entry)->sibling) : NULL;
}

const proc_entry *proc_table_parent(const proc_table *table, const proc_entry *entry)
{
    return table && entry ? entry_of(row_with(entry)->parent) : NULL;
}
