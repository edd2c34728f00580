/* SPDX-License-Identifier: MIT */
/*
 * From the texts of a process to the members of its entry. Each value is taken from the first source that has it. Opens
 * nothing; what an entry points to is the text that it was taken from.
 */
#include "walk_values.h"

#include <string.h>

#include "number.h"

#include <proc/procfs.h>
#include <proc/status.h>

/* Whether the entry still lacks that field; then the caller fills it in. */
static int lacks(const struct filling *filling, uint64_t field)
{
    proc_entry *entry = filling->entry;
    if (!(filling->fields & field) || (entry->present & field))
        return 0;
    entry->present |= field;
    return 1;
}

static void set_name(proc_entry *entry, const char *name, size_t len)
{
    len = len < sizeof entry->name ? len : sizeof entry->name - 1;
    memcpy(entry->name, name, len);
    entry->name[len] = '\0';
}

static void take_comm(const struct filling *filling, const char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (lacks(filling, PROC_FIELD_NAME))
        set_name(filling->entry, text, len);
}

static void take_statm(const struct filling *filling, const char *text, size_t len)
{
    proc_statm statm;
    uint64_t size_kb, resident_kb;
    if (proc_statm_parse(text, len, &statm) < 2)
        return;
    if (!__builtin_mul_overflow(statm.resident, filling->page_kb, &resident_kb) && lacks(filling, PROC_FIELD_RSS))
        filling->entry->rss_kb = resident_kb;
    if (!__builtin_mul_overflow(statm.size, filling->page_kb, &size_kb) && lacks(filling, PROC_FIELD_VM_SIZE))
        filling->entry->vm_size_kb = size_kb;
}

static int stat_has_all(const proc_stat *stat, int first, int second, int third)
{
    return proc_stat_has(stat, first) && proc_stat_has(stat, second) && proc_stat_has(stat, third);
}

static void take_stat(const struct filling *filling, const char *text, size_t len)
{
    proc_stat stat;
    proc_entry *entry = filling->entry;
    proc_stat_parse(text, len, &stat);
    if (proc_stat_has(&stat, PROC_STAT_PPID) && lacks(filling, PROC_FIELD_PARENT))
        entry->ppid = stat.ppid;
    if (proc_stat_has(&stat, PROC_STAT_NAME) && lacks(filling, PROC_FIELD_NAME))
        set_name(entry, stat.name, stat.name_len);
    if (proc_stat_has(&stat, PROC_STAT_STATE) && lacks(filling, PROC_FIELD_STATE))
        entry->state = stat.state;
    if (proc_stat_has(&stat, PROC_STAT_START_TICKS) && lacks(filling, PROC_FIELD_START))
        entry->start_ticks = stat.start_ticks;
    if (stat_has_all(&stat, PROC_STAT_USER_TICKS, PROC_STAT_SYSTEM_TICKS, PROC_STAT_SYSTEM_TICKS) &&
        lacks(filling, PROC_FIELD_TIMES)) {
        entry->user_ticks = stat.user_ticks;
        entry->system_ticks = stat.system_ticks;
    }
    if (proc_stat_has(&stat, PROC_STAT_VM_SIZE) && lacks(filling, PROC_FIELD_VM_SIZE))
        entry->vm_size_kb = stat.vm_size_bytes / 1024;
    if (proc_stat_has(&stat, PROC_STAT_THREADS) && stat.threads >= 0 && stat.threads <= UINT32_MAX &&
        lacks(filling, PROC_FIELD_THREADS))
        entry->threads = (uint32_t)stat.threads;
    if (stat_has_all(&stat, PROC_STAT_PGRP, PROC_STAT_SESSION, PROC_STAT_TTY) && lacks(filling, PROC_FIELD_GROUP)) {
        entry->pgrp = stat.pgrp;
        entry->session = stat.session;
        entry->tty = stat.tty;
    }
    if (stat_has_all(&stat, PROC_STAT_PRIORITY, PROC_STAT_NICE, PROC_STAT_POLICY) && lacks(filling, PROC_FIELD_NICE)) {
        entry->priority = stat.priority;
        entry->nice = stat.nice;
        entry->policy = stat.policy;
    }
    if (proc_stat_has(&stat, PROC_STAT_FLAGS) && lacks(filling, PROC_FIELD_KTHREAD))
        entry->kthread = (stat.flags & PROC_STAT_FLAG_KERNEL_THREAD) != 0;
}

/* Kernels that tell of memory tell nothing of one that has none; an emulation may tell nothing of anybody. */
static int has_no_memory(const proc_status *status)
{
    if (proc_status_has(status, PROC_KEY_VM_SIZE) || proc_status_has(status, PROC_KEY_VM_RSS) ||
        proc_status_has(status, PROC_KEY_MEM))
        return 0;
    return proc_status_has(status, PROC_KEY_KTHREAD) || proc_status_is_kernel_thread(status) == 1 ||
           (proc_status_has(status, PROC_KEY_STATE) && (status->state == 'Z' || status->state == 'X'));
}

/* A size that is not there because there is no memory is 0. */
static void take_size(const struct filling *filling, const proc_status *status, int key, uint64_t field, uint64_t value,
                      uint64_t *ret_kb)
{
    int has = proc_status_has(status, key);
    if ((has || has_no_memory(status)) && lacks(filling, field))
        *ret_kb = has ? value : 0;
}

static void take_status(const struct filling *filling, const char *text, size_t len)
{
    proc_status status;
    proc_entry *entry = filling->entry;
    proc_status_parse(text, len, sizeof status, &status);
    if (proc_status_has(&status, PROC_KEY_PPID) && lacks(filling, PROC_FIELD_PARENT))
        entry->ppid = status.ppid;
    if (proc_status_has(&status, PROC_KEY_NAME) && lacks(filling, PROC_FIELD_NAME))
        set_name(entry, status.name, status.name_len);
    if (proc_status_has(&status, PROC_KEY_STATE) && lacks(filling, PROC_FIELD_STATE))
        entry->state = status.state;
    if (proc_status_has(&status, PROC_KEY_UID) && proc_status_has(&status, PROC_KEY_GID) &&
        lacks(filling, PROC_FIELD_USER)) {
        entry->uid = status.uid[0];
        entry->euid = status.uid[1];
        entry->gid = status.gid[0];
        entry->egid = status.gid[1];
    }
    take_size(filling, &status, PROC_KEY_VM_RSS, PROC_FIELD_RSS, status.vm_rss_kb, &entry->rss_kb);
    take_size(filling, &status, PROC_KEY_VM_SIZE, PROC_FIELD_VM_SIZE, status.vm_size_kb, &entry->vm_size_kb);
    take_size(filling, &status, PROC_KEY_VM_SWAP, PROC_FIELD_SWAP, status.vm_swap_kb, &entry->swap_kb);
    if (proc_status_has(&status, PROC_KEY_THREADS) && lacks(filling, PROC_FIELD_THREADS))
        entry->threads = status.threads;
    if (proc_status_has(&status, PROC_KEY_VOLUNTARY_SWITCHES) &&
        proc_status_has(&status, PROC_KEY_NONVOLUNTARY_SWITCHES) && lacks(filling, PROC_FIELD_SWITCHES)) {
        entry->voluntary_switches = status.voluntary_switches;
        entry->nonvoluntary_switches = status.nonvoluntary_switches;
    }
    int kthread = proc_status_is_kernel_thread(&status);
    if (kthread >= 0 && lacks(filling, PROC_FIELD_KTHREAD))
        entry->kthread = (uint32_t)kthread;
    if (proc_status_has(&status, PROC_KEY_NS_PID) && status.ns_depth > 0 && lacks(filling, PROC_FIELD_INNER_PID))
        entry->inner_pid = status.ns_pid[status.ns_depth - 1];
}

/* The number behind a key at the start of a line; 0: there is none. */
static int number_after(const char *text, const char *end, const char *key, uint64_t *ret_value)
{
    const size_t len = strlen(key);
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        if (!stop)
            return 0;
        if ((size_t)(stop - line) > len && memcmp(line, key, len) == 0)
            return take_u64(skip_blanks(line + len), ret_value) != NULL;
        line = stop + 1;
    }
    return 0;
}

static void take_io(const struct filling *filling, const char *text, size_t len)
{
    uint64_t fetched, sent;
    if (!number_after(text, text + len, "read_bytes:", &fetched) ||
        !number_after(text, text + len, "write_bytes:", &sent) || !lacks(filling, PROC_FIELD_IO))
        return;
    filling->entry->read_bytes = fetched;
    filling->entry->written_bytes = sent;
}

static void take_pss(const struct filling *filling, const char *text, size_t len)
{
    uint64_t kb;
    if (number_after(text, text + len, "Pss:", &kb) && lacks(filling, PROC_FIELD_PSS))
        filling->entry->pss_kb = kb;
}

/* The line "0::/path" of version 2, else the path of the first line; ends it with a NUL. */
static void take_cgroup(const struct filling *filling, char *text, size_t len)
{
    char *end = text + len, *best = NULL;
    for (char *line = text, *stop; line < end && (stop = memchr(line, '\n', (size_t)(end - line))); line = stop + 1) {
        char *first = memchr(line, ':', (size_t)(stop - line));
        char *second = first ? memchr(first + 1, ':', (size_t)(stop - first - 1)) : NULL;
        if (!second)
            continue;
        *stop = '\0';
        int is_v2 = second == first + 1 && first == line + 1 && *line == '0';
        if (is_v2 || !best)
            best = second + 1;
        if (is_v2)
            break;
    }
    if (best && lacks(filling, PROC_FIELD_CGROUP))
        filling->entry->cgroup = best;
}

void proc__fill_in(const struct filling *filling, enum source source, proc_buffer *text)
{
    switch (source) {
    case SOURCE_COMM: take_comm(filling, text->data, text->len); break;
    case SOURCE_STATM: take_statm(filling, text->data, text->len); break;
    case SOURCE_STAT: take_stat(filling, text->data, text->len); break;
    case SOURCE_STATUS: take_status(filling, text->data, text->len); break;
    case SOURCE_CGROUP: take_cgroup(filling, text->data, text->len); break;
    case SOURCE_IO: take_io(filling, text->data, text->len); break;
    case SOURCE_PSS: take_pss(filling, text->data, text->len); break;
    case SOURCE_CMDLINE:
        if (lacks(filling, PROC_FIELD_CMDLINE))
            filling->entry->cmdline = (proc_span){text->data, text->len};
        break;
    case SOURCE_INFO:
    case SOURCE_COUNT: break;
    }
}

void proc__fill_in_ids(const struct filling *filling, const struct pidfd_ids *ids)
{
    proc_entry *entry = filling->entry;
    if (lacks(filling, PROC_FIELD_PARENT))
        entry->ppid = ids->ppid;
    if (lacks(filling, PROC_FIELD_USER)) {
        entry->uid = ids->uid;
        entry->euid = ids->euid;
        entry->gid = ids->gid;
        entry->egid = ids->egid;
    }
}
