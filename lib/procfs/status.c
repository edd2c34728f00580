/* SPDX-License-Identifier: MIT */
/* What a parsed record says, in answers. Pure. Each looks at present first: an older caller's record may be shorter. */
#include "status_keys.h"

#include <errno.h>

#include "number.h"

#define KILL_BIT (UINT64_C(1) << (SIGKILL - 1))

int proc_status_has(const proc_status *status, int key)
{
    if (!status || key < 0 || key >= PROC_KEY_COUNT)
        return 0;
    return (int)(status->present[key / 64] >> key % 64 & 1);
}

const char *proc_status_key_name(int key)
{
    for (const struct key *row = proc__status_keys; row < proc__status_keys + PROC_KEY_COUNT; row++)
        if (row->number == key)
            return row->name;
    return NULL;
}

int64_t proc_status_groups(const proc_status *status, uint32_t *ret_groups, size_t capacity)
{
    if (!status || (!ret_groups && capacity > 0))
        return -EINVAL;
    if (!proc_status_has(status, PROC_KEY_GROUPS))
        return -ENODATA;
    const char *at = status->groups.data, *stop = at + status->groups.len;
    for (size_t i = 0; i < capacity && at < stop; i++) {
        at = take_id(skip_blanks(at), &ret_groups[i]);
        if (!at)
            return -EINVAL;
    }
    return status->group_count;
}

const char *proc_status_state_word(const proc_status *status)
{
    switch (proc_status_has(status, PROC_KEY_STATE) ? status->state : 0) {
    case 'R': return "running";
    case 'S': return "sleeping";
    case 'D': return "disk sleep";
    case 'T': return "stopped";
    case 't': return "tracing stop";
    case 'X':
    case 'x': return "dead";
    case 'Z': return "zombie";
    case 'P': return "parked";
    case 'I': return "idle";
    case 'K': return "wakekill";
    case 'W': return "waking";
    default: return "unknown";
    }
}

static int is_dead(const proc_status *status)
{
    return proc_status_has(status, PROC_KEY_STATE) && status->state == 'Z';
}

static int is_leader(const proc_status *status)
{
    return !proc_status_has(status, PROC_KEY_PID) || !proc_status_has(status, PROC_KEY_TGID) ||
           status->pid == status->tgid;
}

int proc_status_is_exited_leader(const proc_status *status)
{
    /* Counted among the threads as long as it is not reaped. */
    return is_dead(status) && is_leader(status) && proc_status_has(status, PROC_KEY_THREADS) && status->threads > 1;
}

int proc_status_is_zombie(const proc_status *status)
{
    return is_dead(status) && !proc_status_is_exited_leader(status);
}

int proc_status_is_kernel_thread(const proc_status *status)
{
    if (proc_status_has(status, PROC_KEY_KTHREAD))
        return status->kthread != 0;
    if (proc_status_has(status, PROC_KEY_VM_SIZE) || proc_status_has(status, PROC_KEY_VM_RSS) ||
        proc_status_has(status, PROC_KEY_MEM))
        return 0;
    if (proc_status_has(status, PROC_KEY_SIG_IGN) && (status->sig_ignored[0] & KILL_BIT))
        return 1;
    return -ENODATA;
}
