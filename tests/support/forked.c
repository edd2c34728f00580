/* SPDX-License-Identifier: MIT */
/* Forked copies of a test with a time limit, and their way to complain. */
#define _GNU_SOURCE 1
#include "forked.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patience.h"

/* High, so that a copy may do as it likes with the numbers that tests are about. */
#define COMPLAINT_FD 900

static int complaint_fd = -1;

void __gcov_dump(void) __attribute__((weak));

_Noreturn void leave(int code)
{
    if (__gcov_dump)
        __gcov_dump();
    _exit(code);
}

_Noreturn void complain(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (len > 0 && write(complaint_fd, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1) < 0)
        leave(98);
    leave(1);
}

/* cmocka catches these to go on with the next test; a copy shall die of them. */
static void die_of_crashes(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGABRT};
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        signal(crashes[i], SIG_DFL);
}

/* Until the copy has closed its end, or the time is over. */
static void read_complaint(int fd, struct verdict *verdict, int limit_ms)
{
    size_t len = 0;
    int64_t until = patience_now() + limit_ms;
    for (;;) {
        int64_t left = until - patience_now();
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int rc = left > 0 ? poll(&ready, 1, (int)left) : 0;
        if (rc < 0 && errno == EINTR)
            continue;
        if (rc <= 0) {
            verdict->timed_out = 1;
            break;
        }
        ssize_t got = read(fd, verdict->text + len, sizeof verdict->text - 1 - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        len += (size_t)got;
    }
    verdict->text[len] = '\0';
}

void run_in_fork(struct verdict *ret_verdict, int (*body)(void *arg), void *arg, int limit_ms)
{
    int ends[2];
    memset(ret_verdict, 0, sizeof *ret_verdict);
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) < 0)
        abort();
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        close(ends[0]);
        complaint_fd = fcntl(ends[1], F_DUPFD_CLOEXEC, COMPLAINT_FD);
        close(ends[1]);
        die_of_crashes();
        leave(body(arg));
    }
    close(ends[1]);
    read_complaint(ends[0], ret_verdict, limit_ms);
    close(ends[0]);
    if (ret_verdict->timed_out)
        kill(pid, SIGKILL);

    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    ret_verdict->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ret_verdict->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
