/* SPDX-License-Identifier: MIT */
/* Search lists: every path ends in the name, and none is relative unless it was asked for. */
#include "fuzz.h"

#include "child/search.h"

static void check(const char *name, const char *list, int relative)
{
    const char *const names[] = {name, NULL};
    const char **paths = proc__search_paths(names, list, relative);
    PROMISE(paths);
    for (size_t i = 0; paths[i]; i++) {
        size_t len = strlen(paths[i]), name_len = strlen(name);
        PROMISE(len >= name_len && strcmp(paths[i] + len - name_len, name) == 0);
        PROMISE(relative || paths[i][0] == '/' || paths[i] == name);
    }
    free(paths);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *name = next_line(&data, &size), *list = next_line(&data, &size);
    check(name, list, 0);
    check(name, list, 1);
    free(name);
    free(list);
    return 0;
}
