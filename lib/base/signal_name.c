/* SPDX-License-Identifier: MIT */
/* Signals in words. Pure, but for the question where libc's real-time signals begin. */
#include "text.h"

#include <errno.h>
#include <stdio.h>

#include <proc/base.h>

#define MASK_BITS 128

static const char *const names[] = {
    [SIGHUP] = "HUP",       [SIGINT] = "INT",     [SIGQUIT] = "QUIT", [SIGILL] = "ILL",   [SIGTRAP] = "TRAP",
    [SIGABRT] = "ABRT",     [SIGBUS] = "BUS",     [SIGFPE] = "FPE",   [SIGKILL] = "KILL", [SIGUSR1] = "USR1",
    [SIGSEGV] = "SEGV",     [SIGUSR2] = "USR2",   [SIGPIPE] = "PIPE", [SIGALRM] = "ALRM", [SIGTERM] = "TERM",
    [SIGCHLD] = "CHLD",     [SIGCONT] = "CONT",   [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP", [SIGTTIN] = "TTIN",
    [SIGTTOU] = "TTOU",     [SIGURG] = "URG",     [SIGXCPU] = "XCPU", [SIGXFSZ] = "XFSZ", [SIGPROF] = "PROF",
    [SIGVTALRM] = "VTALRM", [SIGWINCH] = "WINCH", [SIGIO] = "IO",     [SIGPWR] = "PWR",   [SIGSYS] = "SYS",
#ifdef SIGSTKFLT
    [SIGSTKFLT] = "STKFLT",
#endif
#ifdef SIGEMT
    [SIGEMT] = "EMT",
#endif
};

static void put_name(struct text *text, int signal)
{
    if ((size_t)signal < sizeof names / sizeof names[0] && names[signal])
        proc__text_print(text, "%s", names[signal]);
    else if (signal == SIGRTMIN)
        proc__text_print(text, "RTMIN");
    else if (signal > SIGRTMIN && signal <= SIGRTMAX)
        proc__text_print(text, "RTMIN+%d", signal - SIGRTMIN);
    else
        proc__text_print(text, "%d", signal);
}

int proc_signal_name(int signal, char *ret_text, size_t size)
{
    if (signal < 1 || signal > MASK_BITS || (!ret_text && size > 0))
        return -EINVAL;
    struct text text = proc__text_into(ret_text, size);
    put_name(&text, signal);
    return (int)proc__text_length(&text);
}

int proc_signal_mask_has(const uint64_t mask[2], int signal)
{
    if (!mask || signal < 1 || signal > MASK_BITS)
        return 0;
    return (int)(mask[(signal - 1) / 64] >> (signal - 1) % 64 & 1);
}

int proc_signal_mask_text(const uint64_t mask[2], char *ret_text, size_t size)
{
    if (!mask || (!ret_text && size > 0))
        return -EINVAL;
    struct text text = proc__text_into(ret_text, size);
    for (int signal = 1; signal <= MASK_BITS; signal++) {
        if (!proc_signal_mask_has(mask, signal))
            continue;
        if (text.needed > 0)
            proc__text_put(&text, ",", 1);
        put_name(&text, signal);
    }
    return (int)proc__text_length(&text);
}
