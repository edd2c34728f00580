/* SPDX-License-Identifier: MIT */
/* Prints a record as a kernel would: the present keys, in the order of the table. Pure. */
#include "status_keys.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../base/text.h"

static void put_span(struct text *text, proc_span span)
{
    proc__text_put(text, span.data ? span.data : "", span.len);
}

/* In one piece, so that no half of it is printed. */
static void put_name(struct text *text, const proc_status *status)
{
    char escaped[2 * sizeof status->name];
    size_t len = 0;
    for (uint32_t i = 0; i < status->name_len && i < sizeof status->name; i++) {
        char c = status->name[i];
        if (c == '\n' || c == '\\')
            escaped[len++] = '\\';
        escaped[len++] = c == '\n' ? 'n' : c;
    }
    proc__text_put(text, escaped, len);
}

static void put_ids(struct text *text, const uint32_t ids[4])
{
    for (int i = 0; i < 4; i++)
        proc__text_print(text, i > 0 ? "\t%" PRIu32 : "%" PRIu32, ids[i]);
}

static void put_namespaces(struct text *text, const int32_t *ids, uint32_t depth)
{
    for (uint32_t i = 0; i < depth && i < PROC_NS_DEPTH; i++)
        proc__text_print(text, i > 0 ? "\t%" PRId32 : "%" PRId32, ids[i]);
}

static void put_signals(struct text *text, const uint64_t mask[2], uint32_t bits)
{
    if (bits == 128)
        proc__text_print(text, "%016" PRIx64 "%016" PRIx64, mask[1], mask[0]);
    else
        proc__text_print(text, "%016" PRIx64, mask[0]);
}

static void put_features(struct text *text, uint32_t features)
{
    if (features & PROC_THREAD_FEATURE_SHSTK)
        proc__text_put(text, "shstk ", 6);
    if (features & PROC_THREAD_FEATURE_WRSS)
        proc__text_put(text, "wrss ", 5);
}

/* The kernel's own words if the text is still known, else those for the kind. */
static void put_speculation(struct text *text, enum form form, proc_span words, uint32_t kind)
{
    const char *known = proc__speculation_words(form, kind);
    if (words.data)
        put_span(text, words);
    else
        proc__text_print(text, "%s", known ? known : "unknown");
}

static void put_value(struct text *text, const struct key *key, const proc_status *status)
{
    const void *member = (const char *)status + key->offset;
    const uint64_t *number = member;
    const uint32_t *count = member;
    switch ((enum form)key->form) {
    case FORM_NAME: put_name(text, status); break;
    case FORM_STATE: proc__text_print(text, "%c (%s)", status->state, proc_status_state_word(status)); break;
    case FORM_OCTAL: proc__text_print(text, "%#04" PRIo32, *count); break;
    case FORM_PID: proc__text_print(text, "%" PRId32, *(const int32_t *)member); break;
    case FORM_IDS: put_ids(text, count); break;
    case FORM_COUNT: proc__text_print(text, "%" PRIu32, *count); break;
    case FORM_LONG: proc__text_print(text, "%" PRIu64, *number); break;
    case FORM_KB: proc__text_print(text, "%8" PRIu64 " kB", *number); break;
    case FORM_PLAIN_KB: proc__text_print(text, "%" PRIu64 " kB", *number); break;
    case FORM_BYTES: proc__text_print(text, "%8" PRIu64 " bytes", *number); break;
    case FORM_PERCENT: proc__text_print(text, "%" PRIu64 "%%", *number); break;
    case FORM_GROUPS:
        put_span(text, status->groups);
        /* A slip in the kernel that programs have come to expect. */
        proc__text_put(text, " ", 1);
        break;
    case FORM_NAMESPACES: put_namespaces(text, member, status->ns_depth); break;
    case FORM_ADDRESS: proc__text_print(text, "0x%" PRIx64, *number); break;
    case FORM_CAPS: proc__text_print(text, status->cap_bits == 32 ? "%08" PRIx64 : "%016" PRIx64, *number); break;
    case FORM_SIGNALS: put_signals(text, number, status->signal_bits); break;
    case FORM_QUEUE: proc__text_print(text, "%" PRIu64 "/%" PRIu64, status->sigq_queued, status->sigq_limit); break;
    case FORM_STORE_BYPASS:
        put_speculation(text, FORM_STORE_BYPASS, status->store_bypass_text, status->store_bypass);
        break;
    case FORM_INDIRECT_BRANCH:
        put_speculation(text, FORM_INDIRECT_BRANCH, status->indirect_branch_text, status->indirect_branch);
        break;
    case FORM_FEATURES: put_features(text, *count); break;
    case FORM_TEXT: put_span(text, *(const proc_span *)member); break;
    }
}

int64_t proc_status_print(const proc_status *status, char *ret_text, size_t size)
{
    if (!status || (!ret_text && size > 0))
        return -EINVAL;
    struct text text = proc__text_into(ret_text, size);
    for (const struct key *key = proc__status_keys; key < proc__status_keys + PROC_KEY_COUNT; key++) {
        if (!proc_status_has(status, key->number))
            continue;
        proc__text_print(&text, "%s:\t", key->name);
        put_value(&text, key, status);
        proc__text_put(&text, "\n", 1);
    }
    return proc__text_length(&text);
}
