/* SPDX-License-Identifier: MIT */
/* How a process ended: decoding, and the helpers that put it into words. Pure. */
#include "exit.h"

#include "error.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>

proc_exit proc__exit_from_siginfo(int code, int status)
{
    if (code == CLD_EXITED)
        return (proc_exit){.kind = PROC_EXITED, .code = status & 0xff};
    return (proc_exit){.kind = PROC_SIGNALED, .code = status, .core = code == CLD_DUMPED};
}

proc_exit proc__exit_from_status(int status)
{
    if (WIFSIGNALED(status))
        return (proc_exit){.kind = PROC_SIGNALED, .code = WTERMSIG(status), .core = WCOREDUMP(status) ? 1 : 0};
    return (proc_exit){.kind = PROC_EXITED, .code = WEXITSTATUS(status)};
}

int proc_exit_ok(const proc_exit *ended)
{
    return ended && ended->kind == PROC_EXITED && ended->code == 0;
}

int proc_exit_shell(const proc_exit *ended)
{
    if (ended && ended->kind == PROC_EXITED)
        return ended->code;
    if (ended && ended->kind == PROC_SIGNALED)
        return 128 + ended->code;
    return 255;
}

/* A signal without a name is told by its number alone. */
static int killed_text(const proc_exit *ended, char *ret_text, size_t size)
{
    const char *core = ended->core ? " (core dumped)" : "";
    char name[16];
    if (proc_signal_name(ended->code, name, sizeof name) > 0 && (name[0] < '0' || name[0] > '9'))
        return snprintf(ret_text, size, "killed by SIG%s%s", name, core);
    return snprintf(ret_text, size, "killed by signal %d%s", ended->code, core);
}

int proc_exit_text(const proc_exit *ended, char *ret_text, size_t size)
{
    if (!ended || (!ret_text && size > 0))
        return -EINVAL;
    switch (ended->kind) {
    case PROC_RUNNING: return proc__text_out("still running", ret_text, size);
    case PROC_EXITED: return snprintf(ret_text, size, "exited with %d", ended->code);
    case PROC_SIGNALED: return killed_text(ended, ret_text, size);
    case PROC_EXITED_UNREAPED: return proc__text_out("ended, not reaped yet", ret_text, size);
    case PROC_LOST: return proc__text_out("ended, status lost", ret_text, size);
    default: return -EINVAL;
    }
}
