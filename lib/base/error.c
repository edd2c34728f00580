/* SPDX-License-Identifier: MIT */
/*
 * Renders a failure into one line: `spawn "grep": chdir "/nope": No such file or directory`. Names are shown with
 * control bytes escaped, and long ones cut in the middle with "...", so that the line stays one line and the reason is
 * never lost. Owns nothing.
 */
#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* So that verb, two names, step and reason always fit into proc_error.text. */
#define SHOWN_NAME_MAX 72
#define REASON_MAX 64

int proc__fail(struct failure *ret_failure, int step, int code, int index, const char *argument)
{
    *ret_failure = (struct failure){.step = step, .code = code, .index = index, .argument = argument};
    return -code;
}

int proc__refuse(struct failure *ret_failure, int code, const char *what)
{
    return proc__fail(ret_failure, PROC_STEP_OPTIONS, code, -1, what);
}

int proc__fail_memory(struct failure *ret_failure)
{
    return proc__fail(ret_failure, PROC_STEP_MEMORY, ENOMEM, -1, NULL);
}

const char *proc_step_name(int step)
{
    switch (step) {
    case PROC_STEP_NONE: return "nothing";
    case PROC_STEP_OPTIONS: return "options";
    case PROC_STEP_MEMORY: return "memory";
    case PROC_STEP_SEARCH: return "search";
    case PROC_STEP_OPEN: return "open";
    case PROC_STEP_PIPE: return "pipe";
    case PROC_STEP_PTY: return "pseudoterminal";
    case PROC_STEP_CLONE: return "clone";
    case PROC_STEP_SESSION: return "session";
    case PROC_STEP_GROUP: return "process group";
    case PROC_STEP_TERMINAL: return "terminal";
    case PROC_STEP_CGROUP: return "control group";
    case PROC_STEP_RLIMIT: return "rlimit";
    case PROC_STEP_NICE: return "nice";
    case PROC_STEP_SCHEDULER: return "scheduler";
    case PROC_STEP_CPUS: return "CPUs";
    case PROC_STEP_IO_PRIORITY: return "I/O priority";
    case PROC_STEP_OOM_SCORE: return "OOM score";
    case PROC_STEP_ROOT: return "chroot";
    case PROC_STEP_NAMESPACE: return "namespace";
    case PROC_STEP_ID_MAP: return "id map";
    case PROC_STEP_MOUNT: return "mount";
    case PROC_STEP_HOSTNAME: return "hostname";
    case PROC_STEP_NETWORK: return "loopback";
    case PROC_STEP_CWD: return "chdir";
    case PROC_STEP_FDS: return "descriptor";
    case PROC_STEP_GROUPS: return "groups";
    case PROC_STEP_GID: return "gid";
    case PROC_STEP_UID: return "uid";
    case PROC_STEP_DIE_WITH_PARENT: return "die with parent";
    case PROC_STEP_CAPS: return "capability";
    case PROC_STEP_NO_NEW_PRIVS: return "no_new_privs";
    case PROC_STEP_LANDLOCK: return "landlock";
    case PROC_STEP_CLOSE: return "close";
    case PROC_STEP_SIGNALS: return "signal";
    case PROC_STEP_HOOK: return "hook";
    case PROC_STEP_SECCOMP: return "seccomp";
    case PROC_STEP_EXEC: return "exec";
    case PROC_STEP_WRITE: return "write";
    case PROC_STEP_LOCK: return "lock";
    case PROC_STEP_INSPECT: return "inspect";
    case PROC_STEP_FORK: return "fork";
    case PROC_STEP_READY: return "start";
    default: return "unknown step";
    }
}

/* The text that glibc's or the XSI variant of strerror_r(3) gives, whichever this libc has. */
static const char *reason_gnu(char *text, char *buffer)
{
    (void)buffer;
    return text;
}
static const char *reason_xsi(int rc, char *buffer)
{
    return rc == 0 ? buffer : "unknown error";
}
#define REASON(call, buffer) _Generic((call), char * : reason_gnu, int : reason_xsi)((call), (buffer))

const char *proc__reason(int code, char *buffer, size_t size)
{
    return REASON(strerror_r(code, buffer, size), buffer);
}

/* A growing line that stops, terminated, at the end of its room. */
struct line {
    char *text;
    size_t size, len;
};

static void put(struct line *line, const char *text, size_t len)
{
    size_t room = line->size - 1 - line->len;
    if (len > room)
        len = room;
    memcpy(line->text + line->len, text, len);
    line->len += len;
    line->text[line->len] = '\0';
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static int is_plain(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';
}

static void put_escaped(struct line *line, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char escape[5];
        if (is_plain(text[i]))
            put(line, &text[i], 1);
        else
            put(line, escape, (size_t)snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)text[i]));
    }
}

static size_t escaped_length(const char *text, size_t len)
{
    size_t total = 0;
    for (size_t i = 0; i < len; i++)
        total += is_plain(text[i]) ? 1 : 4;
    return total;
}

/* Whether a name may be cut before this byte: not inside a letter of UTF-8. */
static int may_cut_at(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* The end of a long name says more than its middle: show both ends. */
static void put_quoted(struct line *line, const char *name)
{
    size_t len = strlen(name), head = len, tail = 0;
    if (escaped_length(name, len) > SHOWN_NAME_MAX) {
        head = 0;
        while (escaped_length(name, head + 1) <= SHOWN_NAME_MAX / 2)
            head++;
        while (escaped_length(name + len - tail - 1, tail + 1) <= SHOWN_NAME_MAX / 2 - 3)
            tail++;
        while (head > 0 && !may_cut_at(name[head]))
            head--;
        while (tail > 0 && !may_cut_at(name[len - tail]))
            tail--;
    }
    put_text(line, "\"");
    put_escaped(line, name, head);
    if (head < len) {
        put_text(line, "...");
        put_escaped(line, name + len - tail, tail);
    }
    put_text(line, "\"");
}

void proc__error_render(proc_error *error, const char *verb, const char *thing, const struct failure *failure)
{
    if (!error)
        return;
    char buffer[REASON_MAX];
    const char *reason = failure->reason ? failure->reason : proc__reason(failure->code, buffer, sizeof buffer);

    *error = (proc_error){.step = failure->step, .code = failure->code, .index = failure->index, .stage = -1};
    struct line line = {error->text, sizeof error->text, 0};
    put_text(&line, verb);
    if (thing) {
        put_text(&line, " ");
        put_quoted(&line, thing);
    }
    put_text(&line, ": ");
    put_text(&line, proc_step_name(failure->step));
    if (failure->argument) {
        put_text(&line, " ");
        put_quoted(&line, failure->argument);
    }
    if (failure->index >= 0 && (!failure->argument || failure->step == PROC_STEP_OPTIONS)) {
        char number[40];
        const char *form = failure->argument ? " for descriptor %d" : " %d";
        put(&line, number, (size_t)snprintf(number, sizeof number, form, failure->index));
    }
    put_text(&line, ": ");
    put_text(&line, reason);
}

int proc__text_out(const char *text, char *ret_text, size_t size)
{
    return snprintf(ret_text, size, "%s", text);
}
