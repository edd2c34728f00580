/* SPDX-License-Identifier: MIT */
/* Edits of an environment: what is set can be found, what is unset cannot, and the last edit of a name wins. */
#include "fuzz.h"

#include "child/environment.h"

enum { LINES = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const base[] = {"PATH=/bin", "HOME=/", "A=1", NULL};
    char *lines[LINES + 1] = {0};
    const char *edits[LINES + 1] = {0};
    size_t count = 0;
    while (count < LINES && size > 0) {
        lines[count] = next_line(&data, &size);
        /* A name has at least one letter: others are refused before they come here. */
        if (lines[count][0] == '\0' || lines[count][0] == '=') {
            free(lines[count]);
            lines[count] = NULL;
            continue;
        }
        edits[count] = lines[count];
        count++;
    }
    const char **edited = proc__environment_edit(base, edits);
    PROMISE(edited);
    if (count > 0) {
        const char *last = edits[count - 1], *value = strchr(last, '=');
        /* The edited vector borrows its strings, so the name is cut out of a copy. */
        char *name = strndup(last, strcspn(last, "="));
        PROMISE(name);
        const char *found = proc__environment_get(edited, name);
        PROMISE(value ? found && strcmp(found, value + 1) == 0 : !found);
        free(name);
    }
    free(edited);
    for (size_t i = 0; i < count; i++)
        free(lines[i]);
    return 0;
}
