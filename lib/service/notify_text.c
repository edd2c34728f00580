/* SPDX-License-Identifier: MIT */
/*
 * Checks what is said and parses what is heard. What is heard comes from processes that may wish us ill: nothing is
 * believed but its length.
 */
#include "notify_text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <proc/notify.h>

#define FD_NAME_MOST 255

/* ---- Lines ---- */

/* Takes the next line off the rest, without its line feed. */
static int next_said(proc_span *rest, proc_span *ret_line)
{
    if (rest->len == 0)
        return 0;
    const char *end = memchr(rest->data, '\n', rest->len);
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    size_t taken = end ? len + 1 : len;
    *ret_line = (proc_span){rest->data, len};
    *rest = (proc_span){rest->data + taken, rest->len - taken};
    return 1;
}

/* 1: the line is that name's, and the value follows. */
static int is_of(proc_span line, const char *name, proc_span *ret_value)
{
    size_t len = strlen(name);
    if (line.len <= len || memcmp(line.data, name, len) != 0 || line.data[len] != '=')
        return 0;
    *ret_value = (proc_span){line.data + len + 1, line.len - len - 1};
    return 1;
}

static int is_text(proc_span value, const char *text)
{
    return value.len == strlen(text) && memcmp(value.data, text, value.len) == 0;
}

int proc_notify_value(proc_span text, const char *name, proc_span *ret_value)
{
    proc_span line;
    if ((!text.data && text.len > 0) || !name || *name == '\0' || !ret_value)
        return -EINVAL;
    while (next_said(&text, &line))
        if (is_of(line, name, ret_value))
            return 0;
    return -ENOENT;
}

/* ---- Values ---- */

int proc__notify_number(proc_span digits, uint64_t most, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (digits.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(unsigned char)digits.data[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, digit, &number))
            return -EINVAL;
    }
    if (number > most)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

int proc__notify_is_value(const char *value)
{
    return strchr(value, '\n') == NULL;
}

int proc__notify_is_fd_name(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if (name[i] < ' ' || name[i] > '~' || name[i] == ':')
            return 0;
    return len > 0 && len <= FD_NAME_MOST;
}

/* ---- What is said ---- */

static int is_name_byte(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static int is_assignment(proc_span line)
{
    size_t len = 0;
    while (len < line.len && is_name_byte(line.data[len]))
        len++;
    return len > 0 && len < line.len && line.data[len] == '=';
}

int proc__notify_check(const char *text)
{
    proc_span rest = {text, strlen(text)}, line;
    if (rest.len == 0)
        return -EINVAL;
    if (rest.len > NOTIFY_MOST)
        return -EMSGSIZE;
    while (next_said(&rest, &line))
        if (!is_assignment(line))
            return -EINVAL;
    return 0;
}

/* ---- What is heard ---- */

static uint32_t flags_of(proc_span text)
{
    static const struct {
        const char *name, *value;
        uint32_t flag;
    } known[] = {
        {"READY", "1", PROC_NOTIFY_READY},
        {"RELOADING", "1", PROC_NOTIFY_RELOADING},
        {"STOPPING", "1", PROC_NOTIFY_STOPPING},
        {"WATCHDOG", "1", PROC_NOTIFY_WATCHDOG},
        {"WATCHDOG", "trigger", PROC_NOTIFY_TRIGGER},
        {"BARRIER", "1", PROC_NOTIFY_BARRIER},
    };
    uint32_t flags = 0;
    proc_span value;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (proc_notify_value(text, known[i].name, &value) == 0 && is_text(value, known[i].value))
            flags |= known[i].flag;
    return flags;
}

static int number_said(proc_span text, const char *name, uint64_t most, uint64_t *ret_number)
{
    proc_span value;
    return proc_notify_value(text, name, &value) == 0 && proc__notify_number(value, most, ret_number) == 0;
}

static void parse_values(proc_span text, struct notify_text *parsed)
{
    uint64_t number;
    if (proc_notify_value(text, "STATUS", &parsed->status) == 0)
        parsed->what |= PROC_NOTIFY_STATUS;
    if (number_said(text, "MAINPID", INT_MAX, &number) && number > 0) {
        parsed->what |= PROC_NOTIFY_MAIN_PID;
        parsed->main_pid = (int32_t)number;
    }
    if (number_said(text, "EXTEND_TIMEOUT_USEC", UINT64_MAX, &parsed->extend_us))
        parsed->what |= PROC_NOTIFY_EXTEND;
    if (parsed->what & PROC_NOTIFY_RELOADING && number_said(text, "MONOTONIC_USEC", UINT64_MAX, &number))
        parsed->reloading_us = number;
}

int proc__notify_parse(const char *text, size_t *len, struct notify_text *ret_parsed)
{
    if (*len > 0 && text[*len - 1] == '\0')
        --*len;
    if (memchr(text, '\0', *len))
        return -EINVAL;
    const proc_span whole = {text, *len};
    *ret_parsed = (struct notify_text){.what = flags_of(whole)};
    parse_values(whole, ret_parsed);
    return 0;
}
