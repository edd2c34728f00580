/* SPDX-License-Identifier: MIT */
/* Sleeps until it is killed, which the end of whoever started it does as well. In one page. */
#include "bare.h"

#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

void bare_main(char **argv)
{
    const struct timespec long_time = {1 << 20, 0};
    (void)argv;
    bare_syscall(SYS_prctl, PR_SET_PDEATHSIG, (const void *)SIGKILL, 0);
    for (;;)
        bare_syscall(SYS_nanosleep, (long)&long_time, 0, 0);
}
