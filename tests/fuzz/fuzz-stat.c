/* SPDX-License-Identifier: MIT */
/*
 * Stat texts: any bytes are parsed, the name is what stands between the outer parentheses, and no cut invents a value.
 */
#include "fuzz.h"

#include <proc/procfs.h>

static void check_name(const char *text, size_t size, const proc_stat *stat)
{
    const char *open = size > 0 ? memchr(text, '(', size) : NULL;
    PROMISE(stat->name_len < sizeof stat->name && stat->name[stat->name_len] == '\0');
    if (!proc_stat_has(stat, PROC_STAT_NAME))
        return;
    PROMISE(open && open + 1 + stat->name_len < text + size && open[1 + stat->name_len] == ')');
    PROMISE(memcmp(open + 1, stat->name, stat->name_len) == 0);
    PROMISE(!memchr(open + 2 + stat->name_len, ')', (size_t)(text + size - open) - 2 - stat->name_len));
}

/* What a text without its end has, the whole one has too, if the name ends where it did. */
static void check_cut(const char *text, size_t size, const proc_stat *whole)
{
    proc_stat cut;
    size_t len = size / 2;
    proc_stat_parse(text, len, &cut);
    if (cut.name_len != whole->name_len || !proc_stat_has(&cut, PROC_STAT_NAME))
        return;
    PROMISE((cut.present & ~whole->present) == 0 && cut.field_count <= whole->field_count);
    if (proc_stat_has(&cut, PROC_STAT_START_TICKS))
        PROMISE(cut.start_ticks == whole->start_ticks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    proc_stat stat;
    int count = proc_stat_parse(text, size, &stat), has = 0;
    PROMISE(count >= 0 && count <= PROC_STAT_EXIT_CODE && (uint32_t)count <= stat.field_count);
    for (int field = 0; field < 64; field++)
        has += proc_stat_has(&stat, field);
    PROMISE(has == count);
    PROMISE(stat.field_count <= size);
    check_name(text, size, &stat);
    if (proc_stat_has(&stat, PROC_STAT_NAME))
        check_cut(text, size, &stat);
    return 0;
}
