/* SPDX-License-Identifier: MIT */
/*
 * Notifications: any bytes are parsed, what is told was said, and whatever a service may send is understood as it was
 * meant.
 */
#include "fuzz.h"

#include <errno.h>

#include <proc/notify.h>

#include "service/notify_text.h"

static int is_inside(proc_span part, const char *text, size_t len)
{
    return part.data >= text && part.data + part.len <= text + len;
}

static void check_parse(const char *text, size_t size)
{
    struct notify_text parsed;
    proc_span value;
    size_t len = size;
    int rc = proc__notify_parse(text, &len, &parsed);
    PROMISE(rc == (len > 0 && memchr(text, '\0', len) ? -EINVAL : 0) && (len == size || len == size - 1));
    if (rc < 0)
        return;
    const proc_span whole = {text, len};
    if (parsed.what & PROC_NOTIFY_STATUS) {
        PROMISE(is_inside(parsed.status, text, len) && !memchr(parsed.status.data, '\n', parsed.status.len));
        PROMISE(proc_notify_value(whole, "STATUS", &value) == 0 && value.data == parsed.status.data);
    }
    PROMISE(!(parsed.what & PROC_NOTIFY_MAIN_PID) == (parsed.main_pid == 0) && parsed.main_pid >= 0);
    PROMISE(parsed.reloading_us == 0 || parsed.what & PROC_NOTIFY_RELOADING);
    PROMISE(parsed.extend_us == 0 || parsed.what & PROC_NOTIFY_EXTEND);
    if (parsed.what & PROC_NOTIFY_READY)
        PROMISE(proc_notify_value(whole, "READY", &value) == 0 && value.len == 1 && *value.data == '1');
}

/* What may be sent is heard whole: every line of it is an assignment that is found again. */
static void check_said(const uint8_t *data, size_t size)
{
    struct notify_text parsed;
    char *text = malloc(size + 1);
    PROMISE(text);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    int rc = proc__notify_check(text);
    size_t len = strlen(text);
    PROMISE(rc == 0 || rc == -EINVAL || (rc == -EMSGSIZE && len > NOTIFY_MOST));
    if (rc == 0) {
        proc_span value;
        char *end = strchr(text, '=');
        PROMISE(end && proc__notify_parse(text, &len, &parsed) == 0);
        *end = '\0';
        char *name = strdup(text);
        *end = '=';
        PROMISE(name && proc_notify_value((proc_span){text, len}, name, &value) == 0 && value.data == end + 1);
        free(name);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_parse(size > 0 ? (const char *)data : "", size);
    check_said(data, size);
    return 0;
}
