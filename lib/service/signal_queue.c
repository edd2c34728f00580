/* SPDX-License-Identifier: MIT */
/* Sends a signal with a value, through a pidfd. Keeps nothing. */
#include "../base/system.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <proc/signals.h>

#include "../base/fd.h"
#include "../procfs/target.h"

int proc_signal_queue(const proc_target *target, int signal, int value)
{
    if (signal < 0 || signal > LAST_SIGNAL)
        return -EINVAL;
    int pidfd = proc__target_pidfd(target);
    if (pidfd < 0)
        return pidfd;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = signal;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = value;
    int rc = (int)proc__syscall(SYS_pidfd_send_signal, pidfd, signal, (long)&info, 0, 0, 0);
    proc__fd_close(&pidfd);
    return rc;
}
