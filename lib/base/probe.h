/* SPDX-License-Identifier: MIT */
/* What only a process that lives and ends can tell: made for that, without SIGCHLD, and gone when the call returns. */
#ifndef PROC_LIB_BASE_PROBE_H
#define PROC_LIB_BASE_PROBE_H

#include "system.h"

/*
 * The enum memory that a start gets here: SHARED or EMULATED, tried once and remembered; COPIED in a build for the
 * thread sanitizer, which loses its way in shared memory. A negative errno: it cannot be told now; -ENOSYS: this
 * kernel, or a filter, has no pidfds to wait on.
 */
int proc__probe_memory(void);

/* 1 = the kernel keeps the status of a process that is reaped, 0 = not; or a negative errno as above. */
int proc__probe_exit_info(void);

/*
 * Whether a process can be born into new namespaces, and then make others for itself (CLONE_NEW...). 0, or the negative
 * errno of what was denied; -ENOSYS: also where an emulator makes the processes.
 */
int proc__probe_namespaces(unsigned at_birth, unsigned later);

#endif
