/* SPDX-License-Identifier: MIT */
/* Signals in words. Pure, but for the question where libc's real-time signals begin. */
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

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

/* ---- The other way ---- */

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A decimal number without sign and blanks, which the whole text is; -1: it is none, or beyond any signal. */
static int whole_number(const char *text)
{
    int number = 0;
    if (!*text)
        return -1;
    for (; is_digit(*text) && number <= LAST_SIGNAL; text++)
        number = number * 10 + (*text - '0');
    return *text ? -1 : number;
}

/* "RTMIN", "RTMIN+3", "RTMAX-1"; 0: no such signal. */
static int real_time_number(const char *name)
{
    const int from_below = strncasecmp(name, "RTMIN", 5) == 0;
    if (!from_below && strncasecmp(name, "RTMAX", 5) != 0)
        return 0;
    int distance = 0;
    if (name[5] == (from_below ? '+' : '-'))
        distance = whole_number(name + 6);
    else if (name[5])
        return 0;
    if (distance < 0 || distance > SIGRTMAX - SIGRTMIN)
        return 0;
    return from_below ? SIGRTMIN + distance : SIGRTMAX - distance;
}

static int named_number(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } others[] = {{"CLD", SIGCHLD}, {"IOT", SIGABRT}, {"POLL", SIGIO}};
    for (size_t i = 1; i < sizeof names / sizeof names[0]; i++)
        if (names[i] && strcasecmp(name, names[i]) == 0)
            return (int)i;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcasecmp(name, others[i].name) == 0)
            return others[i].number;
    return real_time_number(name);
}

int proc_signal_number(const char *name)
{
    if (!name)
        return -EINVAL;
    int number = is_digit(name[0]) ? whole_number(name)
                                   : named_number(strncasecmp(name, "SIG", 3) == 0 ? name + 3 : name);
    return number >= 1 && number <= LAST_SIGNAL ? number : -EINVAL;
}
