/* SPDX-License-Identifier: MIT */
/* The text of a notification: lines of NAME=VALUE. Pure: no call, no memory; any bytes are welcome. */
#ifndef PROC_LIB_SERVICE_NOTIFY_TEXT_H
#define PROC_LIB_SERVICE_NOTIFY_TEXT_H

#include "../base/system.h"

#include <proc/base.h>

/* What systemd reads of a message, and so everybody. */
#define NOTIFY_MOST 4096

struct notify_text {
    uint32_t what; /* PROC_NOTIFY_... */
    int32_t main_pid;
    uint64_t reloading_us, extend_us;
    proc_span status; /* a part of the text */
};

/* What is to be sent: 0; -EINVAL: not lines of NAME=VALUE throughout; -EMSGSIZE. */
int proc__notify_check(const char *text);
/*
 * What has arrived. Lines that are not understood are somebody else's, and left out; of two with one name the first
 * counts. 0; -EINVAL: a NUL in it, but for one behind the end, which *len then leaves out.
 */
int proc__notify_parse(const char *text, size_t *len, struct notify_text *ret_parsed);
/* A value that makes no second line: 1 or 0. */
int proc__notify_is_value(const char *value);
/* The name of what is kept or handed on: 1 to 255 printable ASCII characters, no colon. 1 or 0. */
int proc__notify_is_fd_name(const char *name);
/* A number of digits alone, up to most. 0 or -EINVAL. */
int proc__notify_number(proc_span digits, uint64_t most, uint64_t *ret_number);

#endif
