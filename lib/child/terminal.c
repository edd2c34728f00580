/* SPDX-License-Identifier: MIT */
/*
 * Terminals of children: made ready by the parent, taken by the child, resized and handed back and forth later. A
 * terminal is a descriptor here; that it is a pseudoterminal, and who reads it, is the business of the wiring.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/sigmask.h"
#include "handle.h"

static const char own_terminal[] = "/dev/tty";

/* ---- The request ---- */

static int is_extent(int cells)
{
    return cells >= 0 && cells <= USHRT_MAX;
}

int proc__terminal_check(const proc_terminal *options, struct failure *ret_failure)
{
    if (!is_extent(options->rows) || !is_extent(options->columns))
        return proc__refuse(ret_failure, EINVAL, ".terminal: rows and columns are not 0 to 65535");
    if (options->controlling_fd && *options->controlling_fd < 0)
        return proc__refuse(ret_failure, EINVAL, ".terminal->controlling_fd is negative");
    if (options->foreground > 1 || options->raw > 1)
        return proc__refuse(ret_failure, EINVAL, ".terminal: a member that must be 0 or 1");
    return 0;
}

/* ---- Before the start ---- */

static int resize(const proc_terminal *options, int fd)
{
    int rows, columns;
    proc__pty_usual_size(&rows, &columns);
    return proc__pty_resize(fd, options->rows ? options->rows : rows, options->columns ? options->columns : columns);
}

static int make_as_wanted(const proc_terminal *options, const struct pty *pty, const uint32_t *uid)
{
    int rc = resize(options, pty->ours);
    if (rc == 0 && options->raw)
        rc = proc__pty_make_raw(pty->theirs);
    if (rc == 0 && uid)
        rc = proc__pty_give_to(pty->theirs, *uid);
    return rc;
}

static int open_ours(struct terminal *terminal)
{
    int fd = proc__fd_open(own_terminal, O_RDWR, 0);
    if (fd < 0)
        return fd;
    terminal->ours = fd;
    return ioctl(fd, TIOCGPGRP, &terminal->foreground_group) < 0 ? -errno : 0;
}

int proc__terminal_prepare(struct terminal *ret_terminal, const proc_terminal *options, const struct pty *pty,
                           const uint32_t *uid, struct failure *ret_failure)
{
    int rc = 0;
    *ret_terminal = (struct terminal){-1, -1, 0};
    if (pty->theirs >= 0) {
        ret_terminal->controlling = pty->theirs;
        rc = make_as_wanted(options, pty, uid);
        return rc < 0 ? proc__fail(ret_failure, PROC_STEP_PTY, -rc, -1, NULL) : 0;
    }
    if (options->controlling_fd)
        ret_terminal->controlling = *options->controlling_fd;
    else if (options->foreground)
        rc = open_ours(ret_terminal);
    return rc < 0 ? proc__fail(ret_failure, PROC_STEP_TERMINAL, -rc, -1, own_terminal) : 0;
}

void proc__terminal_done(struct terminal *terminal)
{
    proc__fd_close(&terminal->ours);
}

/* ---- In the new process ---- */

/* All signals are blocked: the kernel would stop a group in the background for what it does here. */
struct report proc__terminal_apply(const struct terminal *terminal)
{
    long rc;
    if (terminal->controlling >= 0 && (rc = proc__step_call(SYS_ioctl, terminal->controlling, TIOCSCTTY, 0)) < 0)
        return proc__step_failed(PROC_STEP_TERMINAL, rc, terminal->controlling);
    if (terminal->ours < 0)
        return STEP_DONE;
    int group = (int)proc__step_call(SYS_getpgid, 0, 0, 0);
    if ((rc = proc__step_call(SYS_ioctl, terminal->ours, TIOCSPGRP, (long)&group)) < 0)
        return proc__step_failed(PROC_STEP_TERMINAL, rc, -1);
    return STEP_DONE;
}

/* ---- Handing it over ---- */

static int give(int fd, int group)
{
    struct sigmask before, blocked;
    int rc = proc__sigmask_get(&before);
    if (rc < 0)
        return rc;
    blocked = before;
    blocked.bits[0] |= PROC_SIGNAL(SIGTTOU);
    rc = proc__sigmask_set(&blocked);
    if (rc == 0)
        rc = ioctl(fd, TIOCSPGRP, &group) < 0 ? -errno : 0;
    proc__sigmask_set(&before);
    return rc;
}

void proc__terminal_undo(const struct terminal *terminal)
{
    int group;
    if (terminal->ours >= 0 && ioctl(terminal->ours, TIOCGPGRP, &group) == 0 && group != terminal->foreground_group)
        (void)give(terminal->ours, terminal->foreground_group);
}

int proc_terminal_give(int tty_fd, int group)
{
    return tty_fd < 0 || group <= 0 ? -EINVAL : give(tty_fd, group);
}

int proc_child_resize(proc_child *child, int rows, int columns)
{
    int rc = proc__child_check(child);
    if (rc < 0)
        return rc;
    if (!is_extent(rows) || !is_extent(columns) || rows == 0 || columns == 0)
        return -EINVAL;
    struct stream *terminal = proc__stream_terminal(child);
    int fd = terminal ? proc__stream_enter(child, terminal) : -EBADF;
    if (fd < 0)
        return fd;
    rc = proc__pty_resize(fd, rows, columns);
    proc__stream_leave(child, terminal);
    return rc;
}
