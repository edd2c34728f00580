/* SPDX-License-Identifier: MIT */
/*
 * Status texts: any bytes are parsed, what is present can be printed and parsed again to the same, and every line is
 * accounted for.
 */
#include "fuzz.h"

#include <proc/status.h>

static int count_line(proc_span key, proc_span value, void *user)
{
    PROMISE(key.data && value.data);
    ++*(uint32_t *)user;
    return 0;
}

static size_t lines_of(const char *text, size_t size)
{
    size_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

static void check_groups(const proc_status *status)
{
    uint32_t *groups = calloc((size_t)status->group_count + 1, sizeof *groups);
    PROMISE(groups);
    if (proc_status_has(status, PROC_KEY_GROUPS))
        PROMISE(proc_status_groups(status, groups, (size_t)status->group_count + 1) == status->group_count);
    free(groups);
}

static void check_list(proc_span list)
{
    uint32_t first, last;
    size_t left = list.len + 1;
    while (proc_range_next(&list, &first, &last) == 1) {
        PROMISE(first <= last && list.len < left);
        left = list.len;
    }
}

static void check_helpers(const proc_status *status)
{
    int thread = proc_status_is_kernel_thread(status);
    PROMISE(proc_status_state_word(status));
    PROMISE(proc_status_is_zombie(status) + proc_status_is_exited_leader(status) <= 1);
    PROMISE(thread == 0 || thread == 1 || thread < 0);
    PROMISE(status->name_len < sizeof status->name && status->name[status->name_len] == '\0');
    PROMISE(status->ns_depth <= PROC_NS_DEPTH);
    PROMISE(status->present[0] >> 63 <= 1 && status->present[1] >> (PROC_KEY_COUNT - 64) == 0);
    check_groups(status);
    if (proc_status_has(status, PROC_KEY_CPUS_ALLOWED_LIST))
        check_list(status->cpus_list);
}

static char *print(const proc_status *status, size_t *ret_len)
{
    int64_t len = proc_status_print(status, NULL, 0);
    PROMISE(len >= 0);
    char *text = malloc((size_t)len + 1);
    PROMISE(text && proc_status_print(status, text, (size_t)len + 1) == len);
    *ret_len = (size_t)len;
    return text;
}

static void check_printed(const proc_status *status)
{
    proc_status again;
    size_t len, len_again;
    char *text = print(status, &len);
    proc_status_parse(text, len, sizeof again, &again);
    PROMISE(memcmp(again.present, status->present, sizeof again.present) == 0);
    PROMISE(again.unknown == 0 && again.invalid == 0 && again.truncated == 0);
    char *text_again = print(&again, &len_again);
    PROMISE(len_again == len && memcmp(text, text_again, len) == 0);
    free(text);
    free(text_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    proc_status status, watched;
    uint32_t shown = 0;
    int count = proc_status_parse(text, size, sizeof status, &status);
    PROMISE(count >= 0 && count <= PROC_KEY_COUNT);
    PROMISE((size_t)count + status.unknown + status.invalid <= lines_of(text, size));
    PROMISE(status.truncated == (size > 0 && text[size - 1] != '\n'));
    PROMISE(proc_status_parse_with(text, size, count_line, &shown, sizeof watched, &watched) == count);
    PROMISE(shown == status.unknown && watched.invalid == status.invalid);
    check_helpers(&status);
    check_printed(&status);
    return 0;
}
