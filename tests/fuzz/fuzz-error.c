/* SPDX-License-Identifier: MIT */
/* Error texts: whatever the names hold, the text is one line, terminated, unambiguous, and keeps its reason. */
#include "fuzz.h"

#include <errno.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *thing = next_line(&data, &size), *argument = next_line(&data, &size);
    proc_error error;
    memset(&error, 'x', sizeof error);
    struct failure failure = {.step = PROC_STEP_CWD, .code = ENOENT, .index = -1, .argument = argument};
    proc__error_render(&error, "spawn", thing, &failure);

    PROMISE(memchr(error.text, '\0', sizeof error.text));
    int quotes = 0;
    for (const char *c = error.text; *c; c++) {
        PROMISE((unsigned char)*c >= 0x20 && *c != 0x7f);
        quotes += *c == '"';
    }
    PROMISE(quotes == 4);
    PROMISE(strncmp(error.text, "spawn \"", 7) == 0);
    const char *reason = strrchr(error.text, '"') + 1;
    PROMISE(strncmp(reason, ": ", 2) == 0 && strcmp(reason + 2, strerror(ENOENT)) == 0);

    free(thing);
    free(argument);
    return 0;
}
