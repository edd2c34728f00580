/* SPDX-License-Identifier: MIT */
/* Finds a thread of this process that would take a signal away from who reads it. Reads /proc, keeps nothing. */
#include "../base/system.h"

#include <errno.h>
#include <stdlib.h>

#include <proc/procfs.h>
#include <proc/signals.h>
#include <proc/status.h>

/* Threads that may start between asking how many there are and asking for them. */
#define SOME_MORE 16

/* All threads; *ret_tids is the caller's to free. How many, or a negative errno. */
static int64_t list_threads(int **ret_tids)
{
    int *tids = NULL;
    for (size_t room = 0;;) {
        int64_t count = proc_task_list(PROC_SELF, tids, room);
        if (count < 0 || (tids && (size_t)count <= room)) {
            if (count < 0)
                free(tids);
            else
                *ret_tids = tids;
            return count;
        }
        free(tids);
        room = (size_t)count + SOME_MORE;
        tids = malloc(room * sizeof *tids);
        if (!tids)
            return -ENOMEM;
    }
}

static int first_signal(uint64_t set)
{
    int signal = 1;
    while (!(set & PROC_SIGNAL(signal)))
        signal++;
    return signal;
}

/* The first signal that the thread does not block; 0: none, or it takes none any more; or a negative errno. */
static int unblocked_in(int tid, proc_buffer *buffer, uint64_t set)
{
    const proc_target task = {.tid = tid};
    proc_status status;
    int rc = proc_status_read(&task, buffer, sizeof status, &status);
    if (rc < 0)
        return rc == -ESRCH ? 0 : rc;
    if (proc_status_is_zombie(&status) || proc_status_is_exited_leader(&status))
        return 0;
    if (!proc_status_has(&status, PROC_KEY_SIG_BLK))
        return -ENODATA;
    set &= ~status.sig_blocked[0];
    return set ? first_signal(set) : 0;
}

int proc_signals_check(uint64_t set, int *ret_signal)
{
    int *tids = NULL;
    if (!set)
        return -EINVAL;
    int64_t count = list_threads(&tids);
    if (count < 0)
        return (int)count;
    proc_buffer buffer = {0};
    int rc = 0;
    for (int64_t i = 0; i < count && rc == 0; i++) {
        int signal = unblocked_in(tids[i], &buffer, set);
        rc = signal > 0 ? tids[i] : signal;
        if (signal > 0 && ret_signal)
            *ret_signal = signal;
    }
    proc_buffer_done(&buffer);
    free(tids);
    return rc;
}
