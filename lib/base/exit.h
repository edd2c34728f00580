/* SPDX-License-Identifier: MIT */
/* The kernel's two ways of telling an end, turned into a proc_exit. Pure: no call, no memory. */
#ifndef PROC_LIB_BASE_EXIT_H
#define PROC_LIB_BASE_EXIT_H

#include "system.h"

#include <proc/base.h>

/* From waitid(2)'s si_code and si_status. */
proc_exit proc__exit_from_siginfo(int code, int status);
/* From a wait status, as wait(2) and PIDFD_GET_INFO give it. */
proc_exit proc__exit_from_status(int status);

#endif
