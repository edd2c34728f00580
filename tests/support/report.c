/* SPDX-License-Identifier: MIT */
/* Finds lines in a report. Owns only its static answers. */
#define _GNU_SOURCE 1
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value in the first line, at or after text, that starts with `key `; its length without the newline. */
static const char *find(const char *text, const char *key, size_t *ret_len)
{
    size_t len = strlen(key);
    while (text && *text) {
        if (strncmp(text, key, len) == 0 && text[len] == ' ') {
            *ret_len = strcspn(text + len + 1, "\n");
            return text + len + 1;
        }
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    return NULL;
}

static const char *copy(const char *value, size_t len)
{
    static char answer[4096];
    if (!value)
        return NULL;
    if (len >= sizeof answer)
        len = sizeof answer - 1;
    memcpy(answer, value, len);
    answer[len] = '\0';
    return answer;
}

const char *report_get(const char *report, const char *key)
{
    size_t len = 0;
    const char *value = find(report, key, &len);
    return copy(value, len);
}

const char *report_get_nth(const char *report, const char *key, int number)
{
    char full[80];
    snprintf(full, sizeof full, "%s %d", key, number);
    return report_get(report, full);
}

int64_t report_number(const char *report, const char *key)
{
    const char *value = report_get(report, key);
    return value ? strtoll(value, NULL, 10) : -1;
}

uint64_t report_mask(const char *report, const char *key)
{
    const char *value = report_get(report, key);
    return value ? strtoull(value, NULL, 16) : UINT64_MAX;
}

const char *report_env(const char *report, const char *name)
{
    size_t len = 0, name_len = strlen(name);
    for (const char *value = find(report, "env", &len); value; value = find(value + len, "env", &len)) {
        if (strncmp(value, name, name_len) == 0 && value[name_len] == '=')
            return copy(value + name_len + 1, len - name_len - 1);
    }
    return NULL;
}

int report_env_count(const char *report)
{
    int count = 0;
    size_t len = 0;
    for (const char *value = find(report, "env", &len); value; value = find(value + len, "env", &len))
        count++;
    return count;
}

int report_fd(const char *report, int number, struct report_fd *ret_fd)
{
    const char *value = report_get_nth(report, "fd", number);
    return value && sscanf(value, "cloexec=%d flags=%x %199[^\n]", &ret_fd->cloexec, (unsigned *)&ret_fd->flags,
                           ret_fd->target) == 3;
}

const char *report_fds(const char *report)
{
    static char answer[4096];
    size_t len = 0, used = 0;
    answer[0] = '\0';
    for (const char *value = find(report, "fd", &len); value && used < sizeof answer;
         value = find(value + len, "fd", &len))
        used += (size_t)snprintf(answer + used, sizeof answer - used, "%s%d", used ? " " : "", atoi(value));
    return answer;
}
