/* SPDX-License-Identifier: MIT */
/* Edits a vector of "NAME=value" strings without copying one. Owns nothing; knows no process. */
#include "environment.h"

#include <stdlib.h>
#include <string.h>

size_t proc__strings_count(const char *const *strings)
{
    size_t count = 0;
    while (strings && strings[count])
        count++;
    return count;
}

static int has_name(const char *string, const char *name, size_t length)
{
    return strncmp(string, name, length) == 0 && string[length] == '=';
}

/* Drops every string of that name: an environment may hold one twice. How many are left. */
static size_t drop(const char **strings, size_t count, const char *name, size_t length)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        if (!has_name(strings[i], name, length))
            strings[left++] = strings[i];
    return left;
}

const char **proc__environment_edit(const char *const *base, const char *const *edits)
{
    size_t count = proc__strings_count(base);
    const char **strings = calloc(count + proc__strings_count(edits) + 1, sizeof *strings);
    if (!strings)
        return NULL;
    if (count > 0)
        memcpy(strings, base, count * sizeof *strings);
    for (; *edits; edits++) {
        size_t length = strcspn(*edits, "=");
        count = drop(strings, count, *edits, length);
        if ((*edits)[length] == '=')
            strings[count++] = *edits;
    }
    strings[count] = NULL;
    return strings;
}

const char *proc__environment_get(const char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (has_name(*environment, name, length))
            return *environment + length + 1;
    return NULL;
}
