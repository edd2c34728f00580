/* SPDX-License-Identifier: MIT */
/* Asks the kernel for a status: one open, one read where the kernel answers in one, one close. Keeps nothing. */
#include "status_keys.h"

#include <errno.h>
#include <string.h>

#include "../base/buffer.h"
#include "../base/fd.h"
#include "target.h"

static int read_text(const proc_target *target, proc_buffer *buffer)
{
    int fd = proc__target_open(target, "status", 0);
    if (fd < 0)
        return fd;
    int rc = proc__buffer_fill(buffer, fd, ONE_RECORD);
    proc__fd_close(&fd);
    if (rc < 0)
        return proc__target_error(rc);
    /* Some emulations open the file of a process that has gone, and find nothing in it. */
    return buffer->len > 0 ? 0 : -ESRCH;
}

/* Threads are not listed in /proc, but a thread's id opens there as if it were a process, with threads of its own. */
static int is_stray_thread(const proc_target *target, const proc_status *status)
{
    if (!target || target->pid <= 0 || !proc_status_has(status, PROC_KEY_PID) ||
        !proc_status_has(status, PROC_KEY_TGID))
        return 0;
    return status->tgid != (target->tid > 0 ? target->pid : status->pid);
}

/* The text goes: what only points into it goes too. */
static void forget_text(proc_status *status)
{
    static const uint8_t lists[] = {PROC_KEY_GROUPS, PROC_KEY_CPUS_ALLOWED, PROC_KEY_CPUS_ALLOWED_LIST,
                                    PROC_KEY_MEMS_ALLOWED, PROC_KEY_MEMS_ALLOWED_LIST};
    const proc_span none = {NULL, 0};
    for (size_t i = 0; i < sizeof lists; i++)
        status->present[lists[i] / 64] &= ~(UINT64_C(1) << lists[i] % 64);
    status->groups = status->store_bypass_text = status->indirect_branch_text = none;
    status->cpus_mask = status->cpus_list = status->mems_mask = status->mems_list = none;
}

static int read_and_parse(const proc_target *target, proc_buffer *buffer, proc_status *ret_status)
{
    int rc = read_text(target, buffer);
    if (rc < 0)
        return rc;
    proc_status_parse(buffer->data, buffer->len, sizeof *ret_status, ret_status);
    if (buffer->truncated)
        ret_status->truncated = 1;
    return is_stray_thread(target, ret_status) ? -ESRCH : 0;
}

int proc_status_read(const proc_target *target, proc_buffer *buffer, size_t status_size, proc_status *ret_status)
{
    if (!ret_status || status_size < PROC__STATUS_SIZE_MIN)
        return -EINVAL;
    proc_status status;
    proc_buffer own = {0};
    int rc = read_and_parse(target, buffer ? buffer : &own, &status);
    proc_buffer_done(&own);
    if (rc < 0)
        return rc;
    if (!buffer)
        forget_text(&status);
    proc__status_give(&status, status_size, ret_status);
    return 0;
}
