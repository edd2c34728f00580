/* SPDX-License-Identifier: MIT */
/* What a service tells its supervisor, verb by verb. Keeps nothing; how a message travels is not its concern. */
#include "notify_send.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <proc/notify.h>

#include "../base/clock.h"
#include "../base/fd.h"
#include "../ipc/datagram.h"
#include "notify_text.h"

/* For a supervisor that does not read: it must not hold up its services for ever. */
#define SEND_MS 5000

/* Sends what is printed. */
__attribute__((format(printf, 3, 4))) static int tell(const int *fds, size_t fd_count, const char *format, ...)
{
    char text[NOTIFY_MOST + 1];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments); /* NOLINT(clang-analyzer-valist.Uninitialized): it is */
    va_end(arguments);
    if (len > NOTIFY_MOST)
        return -EMSGSIZE;
    return proc__notify_send(text, fds, fd_count, proc__deadline_in(SEND_MS));
}

int proc_notify(const char *assignments)
{
    int rc = assignments ? proc__notify_check(assignments) : -EINVAL;
    return rc < 0 ? rc : proc__notify_send(assignments, NULL, 0, proc__deadline_in(SEND_MS));
}

int proc_notify_ready(void)
{
    return tell(NULL, 0, "READY=1");
}

int proc_notify_status(const char *text)
{
    if (!text || !proc__notify_is_value(text))
        return -EINVAL;
    return tell(NULL, 0, "STATUS=%s", text);
}

int proc_notify_reloading(void)
{
    return tell(NULL, 0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, proc__now_ns() / 1000);
}

int proc_notify_stopping(void)
{
    return tell(NULL, 0, "STOPPING=1");
}

int proc_notify_watchdog(void)
{
    return tell(NULL, 0, "WATCHDOG=1");
}

int proc_notify_extend(int timeout_ms)
{
    if (timeout_ms < 1)
        return -EINVAL;
    return tell(NULL, 0, "EXTEND_TIMEOUT_USEC=%" PRId64, (int64_t)timeout_ms * 1000);
}

int proc_notify_main_pid(int pid)
{
    if (pid < 1)
        return -EINVAL;
    return tell(NULL, 0, "MAINPID=%d", pid);
}

/* ---- Descriptors ---- */

int proc_notify_store(const char *name, const int fds[], size_t count)
{
    if (!fds || count < 1 || count > DATAGRAM_FDS || (name && !proc__notify_is_fd_name(name)))
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!proc__fd_is_open(fds[i]))
            return -EBADF;
    return name ? tell(fds, count, "FDSTORE=1\nFDNAME=%s", name) : tell(fds, count, "FDSTORE=1");
}

int proc_notify_unstore(const char *name)
{
    if (!name || !proc__notify_is_fd_name(name))
        return -EINVAL;
    return tell(NULL, 0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

/* Until the supervisor has closed the other end of a pipe, as it does when it comes to this message. */
static int wait_for_the_end(int ends[2], deadline when)
{
    int rc = proc__notify_send("BARRIER=1", &ends[1], 1, when);
    proc__fd_close(&ends[1]);
    if (rc <= 0)
        return rc;
    struct pollfd end = {.fd = ends[0]};
    rc = proc__poll(&end, 1, when);
    return rc < 0 ? rc : rc == 0 ? -ETIMEDOUT : 1;
}

int proc_notify_barrier(int timeout_ms)
{
    int ends[2], cancel_state;
    if (timeout_ms < -1)
        return -EINVAL;
    deadline when = proc__deadline_in(timeout_ms);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    int rc = proc__fd_pipe(ends);
    if (rc == 0) {
        rc = wait_for_the_end(ends, when);
        proc__fd_close(&ends[0]);
        proc__fd_close(&ends[1]);
    }
    pthread_setcancelstate(cancel_state, NULL);
    return rc;
}

int proc_notify_newline(int fd)
{
    if (fd < 0)
        return -EINVAL;
    int64_t done = proc__fd_write_quietly(fd, "\n", 1);
    proc__fd_close(&fd);
    return done < 0 ? (int)done : 0;
}
