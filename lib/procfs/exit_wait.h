/* SPDX-License-Identifier: MIT */
/* One look at how the process of a pidfd has ended, whosever child it is; for those who wait in ways of their own. */
#ifndef PROC_LIB_PROCFS_EXIT_WAIT_H
#define PROC_LIB_PROCFS_EXIT_WAIT_H

#include "../base/system.h"

#include <proc/base.h>

struct exit_view {
    proc_exit exit; /* PROC_EXITED_UNREAPED: its parent, or a debugger, has not taken note yet */
    int ours;       /* 1: our child, not reaped yet */
    int silent;     /* 1: this kernel will never tell more */
};

/* 0 or a negative errno. */
int proc__exit_look(int pidfd, struct exit_view *ret_view);
/* The same for a pidfd that was found readable, or hung up, which it stays. */
int proc__exit_look_at_ended(int pidfd, struct exit_view *ret_view);

#endif
