/* SPDX-License-Identifier: MIT */
/*
 * Takes a status text apart in one pass. Pure: no system call, no allocation, no state.
 *
 * Two ideas carry it. Only the text up to its last line feed is read, so every line ends with one, and no reader of a
 * value goes beyond (number.h). And a kernel prints its keys in the order of the table: the key of the next line is
 * nearly always the next row or one soon after it, so looking for it from there on finds it at once, and any other
 * order all the same.
 */
#include "status_keys.h"

#include <errno.h>
#include <string.h>

#include "number.h"

/* ---- Values: each reader gets the place behind the colon, and returns the place behind the value or NULL ---- */

static const char *line_end(const char *at, const char *end)
{
    return memchr(at, '\n', (size_t)(end - at));
}

/* A number, and its unit if there is one. */
__attribute__((noinline)) static const char *take_measure(const char *at, const char *unit, uint64_t *ret_value)
{
    at = take_u64(skip_blanks(at), ret_value);
    if (!at)
        return NULL;
    const char *behind = skip_blanks(at);
    if (*behind != *unit)
        return at;
    while (*unit != '\0' && *behind == *unit) {
        unit++;
        behind++;
    }
    return *unit == '\0' ? behind : NULL;
}

/* What nearly every line of memory looks like, taken as a whole: a tab, eight columns, the unit. */
static inline const char *take_kb(const char *at, const char *end, uint64_t *ret_value)
{
    if (end - at >= 13 && *at == '\t' && memcmp(at + 9, " kB\n", 4) == 0 && take_eight_columns(at + 1, ret_value))
        return at + 12;
    return take_measure(at, "kB", ret_value);
}

/* The raw bytes again: the kernel writes a line feed as \n and a backslash as \\, and nothing else so. */
static const char *take_name(const char *at, proc_status *status)
{
    uint32_t len = 0;
    /* Exactly one tab: the blanks behind it belong to the name. */
    at = *at == '\t' ? at + 1 : skip_blanks(at);
    for (; *at != '\n' && len < sizeof status->name - 1; at++) {
        char c = *at;
        if (c == '\\' && (at[1] == 'n' || at[1] == '\\'))
            c = *++at == 'n' ? '\n' : '\\';
        status->name[len++] = c;
    }
    /* A later Name may be the shorter one. */
    memset(status->name + len, 0, sizeof status->name - len);
    status->name_len = len;
    return *at == '\n' ? at : NULL;
}

static const char *take_state(const char *at, const char *end, char *ret_state)
{
    at = skip_blanks(at);
    if (*at == '\n')
        return NULL;
    *ret_state = *at;
    return line_end(at, end);
}

static const char *take_ids(const char *at, const char *end, uint32_t ret_ids[4])
{
    for (int i = 0; i < 4; i++) {
        at = take_id(skip_blanks(at), &ret_ids[i]);
        if (!at)
            return NULL;
    }
    /* More columns than a kernel has are not ours to judge. */
    return is_blank(*at) ? line_end(at, end) : at;
}

/* All the ids before stop, a place where no digit is: how many, or -1 if something else is among them. */
static int64_t count_groups(const char *at, const char *stop)
{
    uint32_t group, count = 0;
    while (at < stop) {
        if (is_blank(*at)) {
            at++;
            continue;
        }
        at = take_id(at, &group);
        if (!at || (at < stop && !is_blank(*at)))
            return -1;
        count++;
    }
    return count;
}

/* From the first byte that is no blank to the last one before stop. */
static inline proc_span trimmed(const char *at, const char *stop)
{
    while (at < stop && is_blank(*at))
        at++;
    while (stop > at && is_blank(stop[-1]))
        stop--;
    return (proc_span){at, (size_t)(stop - at)};
}

static const char *take_group_list(const char *at, const char *end, proc_status *status)
{
    const char *stop = line_end(at, end);
    int64_t count = count_groups(at, stop);
    if (count < 0)
        return NULL;
    status->group_count = (uint32_t)count;
    status->groups = trimmed(at, stop);
    return stop;
}

static const char *take_text(const char *at, const char *end, proc_span *ret_text)
{
    const char *stop = line_end(at, end);
    *ret_text = trimmed(at, stop);
    return stop;
}

static const char *take_namespaces(const char *at, int32_t ids[PROC_NS_DEPTH], uint32_t *depth)
{
    uint32_t count = 0;
    for (at = skip_blanks(at); *at != '\n'; at = skip_blanks(at)) {
        if (count == PROC_NS_DEPTH)
            return NULL;
        at = take_i32(at, &ids[count]);
        if (!at)
            return NULL;
        count++;
    }
    /* The four keys share the depth: it is not for a line that is none to change. */
    if (count == 0)
        return NULL;
    /* An earlier line, a forged one, may have been longer. */
    memset(ids + count, 0, (PROC_NS_DEPTH - count) * sizeof *ids);
    *depth = count;
    return at;
}

static const char *take_signals(const char *at, const char *end, uint64_t ret_mask[2], uint32_t *bits)
{
    unsigned digits;
    at = take_hex(skip_blanks(at), end, ret_mask, &digits);
    if (at && *bits < 128)
        *bits = digits > 16 ? 128 : 64;
    return at;
}

static const char *take_word(const char *at, const char *end, uint64_t *ret_word, unsigned *ret_digits)
{
    uint64_t words[2];
    at = take_hex(at, end, words, ret_digits);
    if (!at || words[1] != 0)
        return NULL;
    *ret_word = words[0];
    return at;
}

static const char *take_caps(const char *at, const char *end, uint64_t *ret_caps, uint32_t *bits)
{
    unsigned digits;
    at = take_word(skip_blanks(at), end, ret_caps, &digits);
    if (at && *bits < 64)
        *bits = digits > 8 ? 64 : 32;
    return at;
}

static const char *take_address(const char *at, const char *end, uint64_t *ret_address)
{
    unsigned digits;
    at = skip_blanks(at);
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
        at += 2;
    return take_word(at, end, ret_address, &digits);
}

static const char *take_queue(const char *at, uint64_t *ret_queued, uint64_t *ret_limit)
{
    at = take_u64(skip_blanks(at), ret_queued);
    if (!at || *at != '/')
        return NULL;
    return take_u64(at + 1, ret_limit);
}

static const char *take_features(const char *at, uint32_t *ret_features)
{
    uint32_t features = 0;
    for (at = skip_blanks(at); *at != '\n'; at = skip_blanks(at)) {
        const char *word = at;
        while (*at != '\n' && !is_blank(*at))
            at++;
        if (at - word == 5 && memcmp(word, "shstk", 5) == 0)
            features |= PROC_THREAD_FEATURE_SHSTK;
        else if (at - word == 4 && memcmp(word, "wrss", 4) == 0)
            features |= PROC_THREAD_FEATURE_WRSS;
        else
            features |= PROC_THREAD_FEATURE_OTHER;
    }
    *ret_features = features;
    return at;
}

static const char *take_value(const struct key *key, const char *at, const char *end, proc_status *status)
{
    void *member = proc__status_member(key, status);
    switch ((enum form)key->form) {
    case FORM_NAME: return take_name(at, status);
    case FORM_STATE: return take_state(at, end, member);
    case FORM_OCTAL: return take_octal(skip_blanks(at), member);
    case FORM_PID: return take_i32(skip_blanks(at), member);
    case FORM_IDS: return take_ids(at, end, member);
    case FORM_COUNT: return take_u32(skip_blanks(at), member);
    case FORM_LONG: return take_u64(skip_blanks(at), member);
    case FORM_KB:
    case FORM_PLAIN_KB: return take_kb(at, end, member);
    case FORM_BYTES: return take_measure(at, "bytes", member);
    case FORM_PERCENT: return take_measure(at, "%", member);
    case FORM_GROUPS: return take_group_list(at, end, status);
    case FORM_NAMESPACES: return take_namespaces(at, member, &status->ns_depth);
    case FORM_ADDRESS: return take_address(at, end, member);
    case FORM_CAPS: return take_caps(at, end, member, &status->cap_bits);
    case FORM_SIGNALS: return take_signals(at, end, member, &status->signal_bits);
    case FORM_QUEUE: return take_queue(at, &status->sigq_queued, &status->sigq_limit);
    case FORM_STORE_BYPASS:
        at = take_text(at, end, member);
        status->store_bypass = proc__speculation_kind(FORM_STORE_BYPASS, status->store_bypass_text);
        return at;
    case FORM_INDIRECT_BRANCH:
        at = take_text(at, end, member);
        status->indirect_branch = proc__speculation_kind(FORM_INDIRECT_BRANCH, status->indirect_branch_text);
        return at;
    case FORM_FEATURES: return take_features(at, member);
    case FORM_TEXT: return take_text(at, end, member);
    }
    return NULL;
}

/* ---- Lines ---- */

/* Who is shown the lines that are nobody's. */
struct watcher {
    int (*on_unknown)(proc_span key, proc_span value, void *user);
    void *user;
};

static inline int same_eight(const char *a, const char *b)
{
    return memcmp(a, b, 8) == 0;
}

static inline int same_four(const char *a, const char *b)
{
    return memcmp(a, b, 4) == 0;
}

/* Whether a line has that key: by pieces of one size, which may overlap, and which compilers compare as one. */
static inline int has_key(const char *line, size_t left, const struct key *key)
{
    const char *name = key->name;
    size_t len = key->len;
    if (left <= len || line[len] != ':')
        return 0;
    if (len >= 8)
        return same_eight(line, name) && same_eight(line + len - 8, name + len - 8) &&
               (len <= 16 || (same_eight(line + 8, name + 8) && same_eight(line + len - 16, name + len - 16)));
    if (len >= 4)
        return same_four(line, name) && same_four(line + len - 4, name + len - 4);
    return memcmp(line, name, len) == 0;
}

/* Out of the way of the usual line. */
__attribute__((noinline)) static const struct key *search(const char *line, size_t left, const struct key *expected,
                                                          const proc_status *status)
{
    const struct key *first = proc__status_keys, *last = first + PROC_KEY_COUNT;
    /* The first Name is the process's own; a later one it may have written into its name. */
    if (proc_status_has(status, PROC_KEY_NAME))
        first++;
    for (const struct key *key = expected; key < last; key++)
        if (has_key(line, left, key))
            return key;
    for (const struct key *key = first; key < expected; key++)
        if (has_key(line, left, key))
            return key;
    return NULL;
}

/* The row of a line's key, looked for from the expected one on and then from the first; NULL: no known key. */
static inline const struct key *find_key(const char *line, size_t left, const struct key *expected,
                                         const proc_status *status)
{
    if (expected < proc__status_keys + PROC_KEY_COUNT && has_key(line, left, expected))
        return expected;
    return search(line, left, expected, status);
}

static inline uint64_t bit_of(const struct key *key)
{
    return UINT64_C(1) << key->number % 64;
}

/* A line of a known key. The place of its line feed, or NULL: it is not what the key promises. */
static inline const char *take_known(const struct key *key, const char *line, const char *end, proc_status *status)
{
    const char *at = take_value(key, line + key->len + 1, end, status);
    if (at && *at != '\n')
        at = skip_blanks(at);
    if (at && *at == '\n') {
        status->present[key->number / 64] |= bit_of(key);
        return at;
    }
    status->present[key->number / 64] &= ~bit_of(key);
    status->invalid++;
    return NULL;
}

/* A line that is nobody's. What the caller's function returned, if there is one. */
__attribute__((noinline)) static int take_other(const char *line, const char *stop, const struct watcher *watcher,
                                                proc_status *status)
{
    proc_span all = trimmed(line, stop);
    if (all.len == 0)
        return 0;
    status->unknown++;
    if (!watcher->on_unknown)
        return 0;
    const char *colon = memchr(line, ':', (size_t)(stop - line));
    proc_span key = {line, colon ? (size_t)(colon - line) : 0};
    return watcher->on_unknown(key, colon ? trimmed(colon + 1, stop) : all, watcher->user);
}

/* What stands behind the last line feed is not trusted, but for the group ids that have a blank behind them. */
static void take_cut_line(const char *line, size_t len, proc_status *status)
{
    const struct key *key = find_key(line, len, proc__status_keys, status);
    status->truncated = 1;
    if (!key || key->form != FORM_GROUPS)
        return;
    const char *start = line + key->len + 1, *stop = line + len;
    while (stop > start && !is_blank(stop[-1]))
        stop--;
    if (stop == start || count_groups(start, stop - 1) < 0)
        return;
    status->group_count = (uint32_t)count_groups(start, stop - 1);
    status->groups = trimmed(start, stop);
}

static int take_lines(const char *text, const char *end, const struct watcher *watcher, proc_status *status)
{
    const struct key *expected = proc__status_keys;
    const char *stop;
    for (const char *line = text; line < end; line = stop + 1) {
        const struct key *key = find_key(line, (size_t)(end - line), expected, status);
        if (key) {
            stop = take_known(key, line, end, status);
            if (!stop)
                stop = line_end(line, end);
            expected = key + 1;
            continue;
        }
        stop = line_end(line, end);
        int rc = take_other(line, stop, watcher, status);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int take_all(const char *text, size_t len, const struct watcher *watcher, proc_status *ret_status)
{
    const char *last = memrchr(text, '\n', len);
    const char *end = last ? last + 1 : text;
    memset(ret_status, 0, sizeof *ret_status);
    int rc = take_lines(text, end, watcher, ret_status);
    if (rc == 0 && end < text + len)
        take_cut_line(end, (size_t)(text + len - end), ret_status);
    return rc;
}

/* ---- The public door ---- */

/* An older caller's record ends earlier: what is not in it is not present in it. */
static void leave_out_beyond(proc_status *status, size_t size)
{
    for (const struct key *key = proc__status_keys; key < proc__status_keys + PROC_KEY_COUNT; key++)
        if ((size_t)key->offset + key->size > size)
            status->present[key->number / 64] &= ~bit_of(key);
}

static int count_present(const proc_status *status)
{
    return __builtin_popcountll(status->present[0]) + __builtin_popcountll(status->present[1]);
}

void proc__status_give(proc_status *whole, size_t size, proc_status *ret_status)
{
    size_t shared = size < sizeof *whole ? size : sizeof *whole;
    if (size < sizeof *whole)
        leave_out_beyond(whole, size);
    memcpy(ret_status, whole, shared);
    memset((char *)ret_status + shared, 0, size - shared);
}

/* By way of a record of our own: the caller's is of another version, or must not be touched if the parse is ended. */
static int parse_aside(const char *text, size_t len, const struct watcher *watcher, size_t size,
                       proc_status *ret_status)
{
    proc_status whole;
    int rc = take_all(text, len, watcher, &whole);
    if (rc != 0)
        return rc;
    proc__status_give(&whole, size, ret_status);
    return count_present(&whole);
}

int proc_status_parse_with(const char *text, size_t len, int (*on_unknown)(proc_span key, proc_span value, void *user),
                           void *user, size_t status_size, proc_status *ret_status)
{
    if (!ret_status || (!text && len > 0) || status_size < PROC__STATUS_SIZE_MIN)
        return -EINVAL;
    const struct watcher watcher = {on_unknown, user};
    if (!text)
        text = "";
    if (on_unknown || status_size != sizeof *ret_status)
        return parse_aside(text, len, &watcher, status_size, ret_status);
    take_all(text, len, &watcher, ret_status);
    return count_present(ret_status);
}

int proc_status_parse(const char *text, size_t len, size_t status_size, proc_status *ret_status)
{
    return proc_status_parse_with(text, len, NULL, NULL, status_size, ret_status);
}
