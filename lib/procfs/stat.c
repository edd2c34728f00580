/* SPDX-License-Identifier: MIT */
/*
 * /proc/<pid>/stat: a line of numbers around a name that may hold anything. Parsing is pure.
 *
 * The name ends at the last parenthesis of the text, since only numbers follow. No reader of a number goes beyond the
 * blank or line feed that the fields end with (number.h).
 */
#include "../base/system.h"

#include <errno.h>
#include <string.h>

#include <proc/procfs.h>

#include "number.h"
#include "record.h"

enum number_form { FORM_LETTER, FORM_I32, FORM_U32, FORM_I64, FORM_U64 };

struct field {
    uint16_t offset;
    uint16_t form;
};

#define FIELD(form, member) {offsetof(proc_stat, member), FORM_##form}

/* From the third field on. */
#define FIRST_FIELD PROC_STAT_STATE
static const struct field fields[] = {
    FIELD(LETTER, state),
    FIELD(I32, ppid),
    FIELD(I32, pgrp),
    FIELD(I32, session),
    FIELD(I32, tty),
    FIELD(I32, tty_pgrp),
    FIELD(U32, flags),
    FIELD(U64, minor_faults),
    FIELD(U64, child_minor_faults),
    FIELD(U64, major_faults),
    FIELD(U64, child_major_faults),
    FIELD(U64, user_ticks),
    FIELD(U64, system_ticks),
    FIELD(I64, child_user_ticks),
    FIELD(I64, child_system_ticks),
    FIELD(I32, priority),
    FIELD(I32, nice),
    FIELD(I64, threads),
    FIELD(I64, timer_value),
    FIELD(U64, start_ticks),
    FIELD(U64, vm_size_bytes),
    FIELD(U64, rss_pages),
    FIELD(U64, rss_limit_bytes),
    FIELD(U64, code_start),
    FIELD(U64, code_end),
    FIELD(U64, stack_start),
    FIELD(U64, stack_pointer),
    FIELD(U64, instruction_pointer),
    FIELD(U64, sig_pending),
    FIELD(U64, sig_blocked),
    FIELD(U64, sig_ignored),
    FIELD(U64, sig_caught),
    FIELD(U64, wait_channel),
    FIELD(U64, swapped_pages),
    FIELD(U64, child_swapped_pages),
    FIELD(I32, exit_signal),
    FIELD(I32, cpu),
    FIELD(U32, rt_priority),
    FIELD(U32, policy),
    FIELD(U64, io_delay_ticks),
    FIELD(U64, guest_ticks),
    FIELD(I64, child_guest_ticks),
    FIELD(U64, data_start),
    FIELD(U64, data_end),
    FIELD(U64, brk_start),
    FIELD(U64, arg_start),
    FIELD(U64, arg_end),
    FIELD(U64, env_start),
    FIELD(U64, env_end),
    FIELD(I32, exit_code),
};
_Static_assert(FIRST_FIELD + sizeof fields / sizeof fields[0] - 1 == PROC_STAT_EXIT_CODE, "a row for each field");

static const char *take_letter(const char *at, char *ret_letter)
{
    *ret_letter = *at;
    return at + 1;
}

static const char *take_value(const struct field *field, const char *at, proc_stat *stat)
{
    void *member = (char *)stat + field->offset;
    switch ((enum number_form)field->form) {
    case FORM_LETTER: return take_letter(at, member);
    case FORM_I32: return take_i32(at, member);
    case FORM_U32: return take_u32(at, member);
    case FORM_I64: return take_i64(at, member);
    case FORM_U64: return take_u64(at, member);
    }
    return NULL;
}

static int ends_field(char c)
{
    return c == '\n' || is_blank(c);
}

static void set_present(proc_stat *stat, unsigned field)
{
    stat->present |= UINT64_C(1) << field;
}

/* The fields behind the name, up to stop, where a blank or a line feed is. */
static void take_fields(const char *at, const char *stop, proc_stat *stat)
{
    const size_t known = sizeof fields / sizeof fields[0];
    for (size_t i = 0;; i++) {
        while (at < stop && is_blank(*at))
            at++;
        if (at >= stop)
            return;
        const char *behind = i < known ? take_value(&fields[i], at, stat) : NULL;
        if (behind && ends_field(*behind))
            set_present(stat, (unsigned)(FIRST_FIELD + i));
        for (at = behind ? behind : at; !ends_field(*at);)
            at++;
        stat->field_count++;
    }
}

static void take_name(const char *name, size_t len, proc_stat *stat)
{
    size_t kept = len < sizeof stat->name ? len : sizeof stat->name - 1;
    memcpy(stat->name, name, kept);
    stat->name_len = (uint32_t)kept;
    stat->field_count++;
    if (kept == len)
        set_present(stat, PROC_STAT_NAME);
}

/* The number in front of the name: text has a parenthesis behind it. */
static void take_pid(const char *text, proc_stat *stat)
{
    const char *behind = take_i32(skip_blanks(text), &stat->pid);
    stat->field_count++;
    if (behind && is_blank(*behind) && *skip_blanks(behind) == '(')
        set_present(stat, PROC_STAT_PID);
}

/* Where the fields end: their line feed; in a text that was cut, the last blank, since what follows may go on. */
static const char *end_of_fields(const char *behind, const char *end, proc_stat *stat)
{
    const char *stop = memchr(behind, '\n', (size_t)(end - behind));
    if (stop)
        return stop;
    stat->truncated = 1;
    for (stop = end; stop > behind && !is_blank(stop[-1]);)
        stop--;
    return stop > behind ? stop - 1 : NULL;
}

/* Bytes of the longest name that kernels print, of threads of their own. */
#define LONGEST_NAME 63

/* Whether a text may have been cut before the end of the name, and the parenthesis is one of the name's own. */
static int is_cut_in_name(const char *open, const char *close, const char *end)
{
    const char *stop = memchr(close, '\n', (size_t)(end - close));
    return stop ? stop == close + 1 : end - open <= LONGEST_NAME + 1;
}

static void take_stat_line(const char *text, const char *end, proc_stat *stat)
{
    const char *open = memchr(text, '(', (size_t)(end - text));
    const char *close = open ? memrchr(open, ')', (size_t)(end - open)) : NULL;
    if (!close || is_cut_in_name(open, close, end)) {
        stat->truncated = 1;
        return;
    }
    take_pid(text, stat);
    take_name(open + 1, (size_t)(close - open - 1), stat);
    const char *stop = end_of_fields(close + 1, end, stat);
    if (stop)
        take_fields(close + 1, stop, stat);
}

int proc_stat_parse(const char *text, size_t len, proc_stat *ret_stat)
{
    if (!ret_stat || (!text && len > 0))
        return -EINVAL;
    *ret_stat = (proc_stat){0};
    if (len > 0)
        take_stat_line(text, text + len, ret_stat);
    return __builtin_popcountll(ret_stat->present);
}

int proc_stat_has(const proc_stat *stat, int field)
{
    if (!stat || field < PROC_STAT_PID || field > PROC_STAT_EXIT_CODE)
        return 0;
    return (int)(stat->present >> field & 1);
}

int proc_stat_read(const proc_target *target, proc_stat *ret_stat)
{
    char bytes[RECORD_SIZE];
    if (!ret_stat)
        return -EINVAL;
    int64_t len = proc__record_read(target, "stat", bytes, sizeof bytes);
    if (len < 0)
        return (int)len;
    proc_stat_parse(bytes, (size_t)len, ret_stat);
    return 0;
}
