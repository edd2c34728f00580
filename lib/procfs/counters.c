/* SPDX-License-Identifier: MIT */
/* statm, schedstat and io: small files of numbers. Parsing is pure. */
#include "../base/system.h"

#include <errno.h>
#include <string.h>

#include <proc/procfs.h>

#include "keyed.h"
#include "number.h"
#include "record.h"

/* Numbers of one line, up to the first that is none or was cut: how many. */
static uint32_t take_numbers(const char *text, size_t len, uint64_t *numbers, uint32_t most)
{
    uint32_t count = 0;
    const char *at = text;
    if (len == 0 || !memchr(text, '\n', len))
        return 0;
    while (count < most) {
        uint64_t number;
        at = take_u64(skip_blanks(at), &number);
        if (!at || !(is_blank(*at) || *at == '\n'))
            break;
        numbers[count++] = number;
    }
    return count;
}

int proc_statm_parse(const char *text, size_t len, proc_statm *ret_statm)
{
    uint64_t n[7] = {0};
    if (!ret_statm || (!text && len > 0))
        return -EINVAL;
    uint32_t count = take_numbers(text, len, n, 7);
    *ret_statm = (proc_statm){.field_count = count, .size = n[0], .resident = n[1], .shared = n[2], .text = n[3],
                              .lib = n[4], .data = n[5], .dirty = n[6]};
    return (int)count;
}

int proc_statm_read(const proc_target *target, proc_statm *ret_statm)
{
    char bytes[RECORD_SIZE];
    if (!ret_statm)
        return -EINVAL;
    int64_t len = proc__record_read(target, "statm", bytes, sizeof bytes);
    if (len < 0)
        return (int)len;
    proc_statm_parse(bytes, (size_t)len, ret_statm);
    return 0;
}

int proc_schedstat_parse(const char *text, size_t len, proc_schedstat *ret_schedstat)
{
    uint64_t n[3] = {0};
    if (!ret_schedstat || (!text && len > 0))
        return -EINVAL;
    uint32_t count = take_numbers(text, len, n, 3);
    *ret_schedstat = (proc_schedstat){.field_count = count, .run_ns = n[0], .wait_ns = n[1], .slices = n[2]};
    return (int)count;
}

int proc_schedstat_read(const proc_target *target, proc_schedstat *ret_schedstat)
{
    char bytes[RECORD_SIZE];
    if (!ret_schedstat)
        return -EINVAL;
    int64_t len = proc__record_read(target, "schedstat", bytes, sizeof bytes);
    if (len < 0)
        return (int)len;
    proc_schedstat_parse(bytes, (size_t)len, ret_schedstat);
    return 0;
}

#define COUNTER_ROW(text, number, form, member) {text, offsetof(proc_io, member), KEYED_##form, PROC_IO_##number}

static const struct keyed io_rows[] = {
    COUNTER_ROW("rchar", READ_CHARS, U64, read_chars),
    COUNTER_ROW("wchar", WRITTEN_CHARS, U64, written_chars),
    COUNTER_ROW("syscr", READ_CALLS, U64, read_calls),
    COUNTER_ROW("syscw", WRITE_CALLS, U64, write_calls),
    COUNTER_ROW("read_bytes", READ_BYTES, U64, read_bytes),
    COUNTER_ROW("write_bytes", WRITTEN_BYTES, U64, written_bytes),
    COUNTER_ROW("cancelled_write_bytes", CANCELLED_BYTES, I64, cancelled_bytes),
};

static const struct keyed_record io_record = KEYED_RECORD(proc_io, io_rows);

int proc_io_parse(const char *text, size_t len, proc_io *ret_io)
{
    return proc__keyed_parse(text, len, &io_record, ret_io);
}

int proc_io_read(const proc_target *target, proc_io *ret_io)
{
    return proc__keyed_read(target, "io", &io_record, ret_io);
}
