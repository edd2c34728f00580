/* SPDX-License-Identifier: MIT */
/*
 * One stdio entry by itself: is its kind known, and does it say just what that kind needs? A table says which members a
 * kind takes; whatever else is set was meant for something, so it is refused. Owns nothing.
 */
#include "entry.h"

#include <errno.h>
#include <unistd.h>

enum {
    TAKES_FD = 1,
    TAKES_PATH = 2,
    TAKES_DATA = 4,
    TAKES_SIZE = 8,
    TAKES_FUNCTION = 16
};

static const struct kind {
    uint32_t flags; /* that it may have */
    int takes;
} kinds[] = {
    [PROC_STDIO_DEFAULT] = {0, 0},
    [PROC_STDIO_INHERIT] = {0, 0},
    [PROC_STDIO_NULL] = {0, 0},
    [PROC_STDIO_PIPE] = {PROC_STDIO_TO_CHILD | PROC_STDIO_FROM_CHILD, 0},
    [PROC_STDIO_SOCKET] = {0, 0},
    [PROC_STDIO_PTY] = {0, 0},
    [PROC_STDIO_FD] = {0, TAKES_FD},
    [PROC_STDIO_PATH] = {PROC_STDIO_APPEND | PROC_STDIO_EXPLICIT, TAKES_PATH},
    [PROC_STDIO_SAME_AS] = {0, TAKES_FD},
    [PROC_STDIO_BYTES] = {0, TAKES_DATA | TAKES_SIZE},
    [PROC_STDIO_CAPTURE] = {PROC_STDIO_TAIL | PROC_STDIO_TEE | PROC_STDIO_ON_PTY, TAKES_SIZE},
    [PROC_STDIO_CALLBACK] = {PROC_STDIO_TO_CHILD | PROC_STDIO_FROM_CHILD | PROC_STDIO_LINES | PROC_STDIO_TEE |
                                 PROC_STDIO_ON_PTY,
                             TAKES_SIZE | TAKES_FUNCTION},
};

static const char *what_is_too_much(const proc_stdio *entry, const struct kind *kind)
{
    if (entry->fd != 0 && !(kind->takes & TAKES_FD) && !(entry->flags & PROC_STDIO_TEE))
        return "entry: .fd is not for this kind";
    if ((entry->path || entry->open_flags || entry->mode) && !(kind->takes & TAKES_PATH))
        return "entry: .path, .open_flags and .mode are not for this kind";
    if (entry->data && !(kind->takes & TAKES_DATA))
        return "entry: .data is not for this kind";
    if (entry->size != 0 && !(kind->takes & TAKES_SIZE))
        return "entry: .size is not for this kind";
    if ((entry->on_data || entry->on_space || entry->user) && !(kind->takes & TAKES_FUNCTION))
        return "entry: functions are not for this kind";
    if (entry->reserved0 || entry->reserved[0] || entry->reserved[1])
        return "entry: a reserved member is not 0";
    return NULL;
}

static const char *what_is_wrong_with_path(const proc_stdio *entry)
{
    if (!entry->path)
        return "PATH without a path";
    if ((entry->flags & PROC_STDIO_APPEND) && (entry->flags & PROC_STDIO_EXPLICIT))
        return "PATH: APPEND and EXPLICIT exclude each other";
    if (entry->open_flags && !(entry->flags & PROC_STDIO_EXPLICIT))
        return "PATH: open_flags without EXPLICIT";
    if (entry->mode > 07777)
        return "PATH: no such mode";
    return NULL;
}

static const char *what_is_wrong_with_callback(const proc_stdio *entry, int number)
{
    int to_child = proc__entry_to_child(entry, number);
    if (to_child && (!entry->on_space || entry->on_data))
        return "CALLBACK that the child reads needs on_space alone";
    if (!to_child && (!entry->on_data || entry->on_space))
        return "CALLBACK that the child writes needs on_data alone";
    if (to_child && (entry->flags & (PROC_STDIO_LINES | PROC_STDIO_ON_PTY)))
        return "CALLBACK: LINES and ON_PTY are for what the child writes";
    if (to_child && (entry->flags & PROC_STDIO_TEE))
        return "CALLBACK: TEE is for what the child writes";
    if (entry->size && !(entry->flags & PROC_STDIO_LINES))
        return "CALLBACK: size is for LINES";
    return NULL;
}

static const char *what_is_wrong_with_bytes(const proc_stdio *entry, int number)
{
    if (!entry->data && entry->size)
        return "BYTES without data";
    if (number == STDOUT_FILENO || number == STDERR_FILENO)
        return "BYTES are what the child reads, and this is for its output";
    return NULL;
}

static const char *what_is_wrong_with_capture(const proc_stdio *entry, int number)
{
    int is_input = number == STDIN_FILENO && !proc__entry_on_terminal(entry);
    return is_input ? "CAPTURE is of what the child writes, and this is its input" : NULL;
}

static const char *what_is_missing(const proc_stdio *entry, int number, int is_run)
{
    const uint32_t both = PROC_STDIO_TO_CHILD | PROC_STDIO_FROM_CHILD;
    if ((entry->flags & both) == both)
        return "entry: TO_CHILD and FROM_CHILD exclude each other";
    if ((entry->flags & PROC_STDIO_TEE) && entry->fd < 0)
        return "TEE: the descriptor is negative";
    switch (entry->kind) {
    case PROC_STDIO_PIPE: return is_run ? "PIPE is for proc_spawn: here nobody would move its bytes" : NULL;
    case PROC_STDIO_SOCKET: return is_run ? "SOCKET is for proc_spawn: here nobody would move its bytes" : NULL;
    case PROC_STDIO_FD: return entry->fd < 0 ? "FD: the descriptor is negative" : NULL;
    case PROC_STDIO_SAME_AS: return entry->fd < 0 ? "SAME_AS: the number is negative" : NULL;
    case PROC_STDIO_PATH: return what_is_wrong_with_path(entry);
    case PROC_STDIO_BYTES: return what_is_wrong_with_bytes(entry, number);
    case PROC_STDIO_CAPTURE: return what_is_wrong_with_capture(entry, number);
    case PROC_STDIO_CALLBACK: return what_is_wrong_with_callback(entry, number);
    default: return NULL;
    }
}

int proc__entry_check(const proc_stdio *entry, int number, int is_run, struct failure *ret_failure)
{
    if (entry->kind < 0 || (size_t)entry->kind >= sizeof kinds / sizeof kinds[0])
        return proc__fail(ret_failure, PROC_STEP_OPTIONS, ENOTSUP, number, "entry: a kind that this version lacks");
    const struct kind *kind = &kinds[entry->kind];
    if (entry->flags & ~kind->flags)
        return proc__fail(ret_failure, PROC_STEP_OPTIONS, ENOTSUP, number, "entry: a flag that this kind lacks");
    const char *wrong = what_is_too_much(entry, kind);
    if (!wrong)
        wrong = what_is_missing(entry, number, is_run);
    return wrong ? proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, number, wrong) : 0;
}

int proc__entry_on_terminal(const proc_stdio *entry)
{
    return entry->kind == PROC_STDIO_PTY || (entry->flags & PROC_STDIO_ON_PTY) != 0;
}

int proc__entry_to_child(const proc_stdio *entry, int number)
{
    if (entry->kind == PROC_STDIO_BYTES)
        return 1;
    if (entry->kind == PROC_STDIO_CAPTURE)
        return 0;
    if (entry->flags & (PROC_STDIO_TO_CHILD | PROC_STDIO_FROM_CHILD))
        return (entry->flags & PROC_STDIO_TO_CHILD) != 0;
    return number == 0;
}
