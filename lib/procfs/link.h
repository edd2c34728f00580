/* SPDX-License-Identifier: MIT */
/* Links of /proc/<pid>: what the kernel says they lead to. */
#ifndef PROC_LIB_PROCFS_LINK_H
#define PROC_LIB_PROCFS_LINK_H

#include "../base/system.h"

#include <proc/base.h>

/*
 * The text of a link of the target's directory, not terminated: its length, -ENAMETOOLONG, -ENODATA: the process is
 * there, and has nothing that the link could lead to; or an error as proc__target_open() has them.
 */
int64_t proc__link_text(const proc_target *target, const char *name, char *ret_text, size_t size);

/* The path that it leads to, as proc_link_read() promises. */
int64_t proc__link_path(const proc_target *target, const char *name, char *ret_path, size_t size, int *ret_deleted);

#endif
