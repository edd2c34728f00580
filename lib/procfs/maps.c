/* SPDX-License-Identifier: MIT */
/* The memory of a process: its mappings one by one, and what they come to. Parsing is pure. */
#include "../base/system.h"

#include <errno.h>
#include <string.h>

#include <proc/procfs.h>

#include "keyed.h"
#include "line.h"

/* A hexadecimal number and the byte that has to stand behind it. */
static const char *take_address(const char *at, const char *stop, char behind, uint64_t *ret_address)
{
    at = take_hex_word(at, stop, ret_address);
    return at && *at == behind ? at + 1 : NULL;
}

static const char *take_device(const char *at, const char *stop, char behind, uint32_t *ret_number)
{
    uint64_t number;
    at = take_address(at, stop, behind, &number);
    if (!at || number > UINT32_MAX)
        return NULL;
    *ret_number = (uint32_t)number;
    return at;
}

static const char *take_access(const char *at, const char *stop, char ret_access[8])
{
    if (stop - at < 5 || at[4] != ' ')
        return NULL;
    memcpy(ret_access, at, 4);
    return at + 5;
}

/* The place behind the inode, or NULL. */
static const char *take_numbers(const char *at, const char *stop, proc_map *map)
{
    at = take_address(at, stop, '-', &map->start);
    at = at ? take_address(at, stop, ' ', &map->end) : NULL;
    at = at ? take_access(at, stop, map->access) : NULL;
    at = at ? take_address(at, stop, ' ', &map->offset) : NULL;
    at = at ? take_device(at, stop, ':', &map->major) : NULL;
    at = at ? take_device(at, stop, ' ', &map->minor) : NULL;
    at = at ? take_u64(at, &map->inode) : NULL;
    return at && (is_blank(*at) || at == stop) ? at : NULL;
}

int proc_map_next(proc_span *rest, proc_map *ret_map)
{
    const char *line, *stop;
    if (!is_readable(rest) || !ret_map)
        return -EINVAL;
    line = next_line(rest, &stop);
    if (!line)
        return 0;
    proc_map map = {0};
    const char *at = take_numbers(line, stop, &map);
    if (!at)
        return -EBADMSG;
    /* The path is aligned, and may end in blanks of its own. */
    while (at < stop && *at == ' ')
        at++;
    map.path = span_of(at, stop);
    map.deleted = (uint32_t)take_deleted_mark(&map.path);
    *ret_map = map;
    return 1;
}

#define ROLLUP_ROW(text, number, member) {text, offsetof(proc_rollup, member), KEYED_KB, PROC_ROLLUP_##number}

static const struct keyed rollup_rows[] = {
    ROLLUP_ROW("Rss", RSS, rss_kb),
    ROLLUP_ROW("Pss", PSS, pss_kb),
    ROLLUP_ROW("Pss_Dirty", PSS_DIRTY, pss_dirty_kb),
    ROLLUP_ROW("Pss_Anon", PSS_ANON, pss_anon_kb),
    ROLLUP_ROW("Pss_File", PSS_FILE, pss_file_kb),
    ROLLUP_ROW("Pss_Shmem", PSS_SHMEM, pss_shmem_kb),
    ROLLUP_ROW("Shared_Clean", SHARED_CLEAN, shared_clean_kb),
    ROLLUP_ROW("Shared_Dirty", SHARED_DIRTY, shared_dirty_kb),
    ROLLUP_ROW("Private_Clean", PRIVATE_CLEAN, private_clean_kb),
    ROLLUP_ROW("Private_Dirty", PRIVATE_DIRTY, private_dirty_kb),
    ROLLUP_ROW("Referenced", REFERENCED, referenced_kb),
    ROLLUP_ROW("Anonymous", ANONYMOUS, anonymous_kb),
    ROLLUP_ROW("KSM", KSM, ksm_kb),
    ROLLUP_ROW("LazyFree", LAZY_FREE, lazy_free_kb),
    ROLLUP_ROW("AnonHugePages", ANON_HUGE_PAGES, anon_huge_pages_kb),
    ROLLUP_ROW("ShmemPmdMapped", SHMEM_PMD_MAPPED, shmem_pmd_mapped_kb),
    ROLLUP_ROW("FilePmdMapped", FILE_PMD_MAPPED, file_pmd_mapped_kb),
    ROLLUP_ROW("Shared_Hugetlb", SHARED_HUGETLB, shared_hugetlb_kb),
    ROLLUP_ROW("Private_Hugetlb", PRIVATE_HUGETLB, private_hugetlb_kb),
    ROLLUP_ROW("Swap", SWAP, swap_kb),
    ROLLUP_ROW("SwapPss", SWAP_PSS, swap_pss_kb),
    ROLLUP_ROW("Locked", LOCKED, locked_kb),
};

static const struct keyed_record rollup_record = KEYED_RECORD(proc_rollup, rollup_rows);

int proc_rollup_parse(const char *text, size_t len, proc_rollup *ret_rollup)
{
    return proc__keyed_parse(text, len, &rollup_record, ret_rollup);
}

int proc_rollup_read(const proc_target *target, proc_rollup *ret_rollup)
{
    return proc__keyed_read(target, "smaps_rollup", &rollup_record, ret_rollup);
}
