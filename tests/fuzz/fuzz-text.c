/* SPDX-License-Identifier: MIT */
/*
 * Escaped text: safe for a terminal, cut nowhere but between letters, and it can be turned back. And the names of
 * signals: whatever the text, a signal or an error.
 */
#include "fuzz.h"

#include <errno.h>

#include <proc/base.h>

static int hex(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* The bytes again; how many. */
static size_t unescape(const char *text, uint8_t *bytes)
{
    size_t len = 0;
    for (; *text; text++) {
        if (*text == '\\') {
            PROMISE(text[1] == 'x');
            bytes[len++] = (uint8_t)(hex(text[2]) << 4 | hex(text[3]));
            text += 3;
        } else {
            bytes[len++] = (uint8_t)*text;
        }
    }
    return len;
}

static void check_signal_name(const uint8_t *data, size_t size)
{
    char *line = next_line(&data, &size), name[16];
    int signal = proc_signal_number(line);
    PROMISE(signal == -EINVAL || (signal >= 1 && signal <= 64));
    if (signal > 0)
        PROMISE(proc_signal_name(signal, name, sizeof name) > 0 && proc_signal_number(name) == signal);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_signal_name(data, size);
    int64_t len = proc_escape(data, size, NULL, 0);
    PROMISE(len >= (int64_t)size && len <= (int64_t)size * 4);
    char *text = malloc((size_t)len + 1), *cut = malloc((size_t)len + 1);
    uint8_t *bytes = malloc((size_t)len + 1);
    PROMISE(text && cut && bytes);
    PROMISE(proc_escape(data, size, text, (size_t)len + 1) == len);
    for (const char *c = text; *c; c++)
        PROMISE((unsigned char)*c >= 0x20 && *c != 0x7f);
    PROMISE(unescape(text, bytes) == size && memcmp(bytes, data, size) == 0);

    size_t room = size > 0 ? data[0] % ((size_t)len + 1) : 0;
    PROMISE(proc_escape(data, size, cut, room) == len);
    if (room > 0) {
        PROMISE(strlen(cut) < room && memcmp(cut, text, strlen(cut)) == 0);
        size_t back = unescape(cut, bytes);
        PROMISE(back <= size && memcmp(bytes, data, back) == 0);
    }
    free(text);
    free(cut);
    free(bytes);
    return 0;
}
