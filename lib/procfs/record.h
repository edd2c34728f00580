/* SPDX-License-Identifier: MIT */
/* Small files of a process, which the kernel hands out as one record: read whole into bytes of who calls. */
#ifndef PROC_LIB_PROCFS_RECORD_H
#define PROC_LIB_PROCFS_RECORD_H

#include "../base/system.h"

#include <proc/base.h>

/* Holds any file that is a line or a few lines of numbers. */
#define RECORD_SIZE 4096

/*
 * Reads a file of the target's directory, or what fits of it. How many bytes, or an error as proc__target_open() has
 * them. Some emulations open the file of a process that has gone, and find nothing in it: -ESRCH.
 */
int64_t proc__record_read(const proc_target *target, const char *file, char *bytes, size_t size);

/* Copies bytes out as snprintf(3) does: what fits and a terminator. The length needed. */
int64_t proc__record_give(const char *bytes, size_t len, char *ret_text, size_t size);

#endif
