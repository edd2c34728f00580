/* SPDX-License-Identifier: MIT */
/*
 * PID files: any bytes are read, a pid is what its digits say, words are ones that can be shown, and whatever is told
 * of a text is told of it as it was before anything was appended.
 */
#include "fuzz.h"

#include "service/lock.h"

static void check_word(const char *word, size_t size)
{
    size_t len = strnlen(word, size);
    PROMISE(len < size);
    for (size_t i = 0; i < len; i++)
        PROMISE(word[i] > ' ' && word[i] <= '~');
}

static void check_pid(const char *text, size_t size, int pid)
{
    size_t len = 0;
    long long value = 0;
    while (len < size && text[len] != '\n') {
        PROMISE(text[len] >= '0' && text[len] <= '9' && value <= pid);
        value = value * 10 + text[len++] - '0';
    }
    PROMISE(len > 0 && len <= 64 && value == pid && pid > 0 && pid <= 4 * 1024 * 1024);
}

/* More lines tell more of the same process, and never another one. */
static void check_appended(const char *text, size_t size, const struct lock_record *record)
{
    static const char more[] = "\nunknown: 1\n";
    struct lock_record longer;
    char *copy = malloc(size + sizeof more);
    PROMISE(copy);
    memcpy(copy, text, size);
    memcpy(copy + size, more, sizeof more - 1);
    PROMISE(proc__lock_parse(copy, size + sizeof more - 1, &longer) == LOCK_NAMES && longer.pid == record->pid);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct lock_record nothing;
    const char *text = (const char *)data;
    struct lock_record record;
    enum lock_content content = proc__lock_parse(text, size, &record);
    PROMISE((content == LOCK_EMPTY) == (size == 0));
    if (content != LOCK_NAMES) {
        PROMISE(memcmp(&record, &nothing, sizeof record) == 0);
        return 0;
    }
    check_pid(text, size, record.pid);
    check_word(record.boot, sizeof record.boot);
    check_word(record.host, sizeof record.host);
    check_appended(text, size, &record);
    return 0;
}
