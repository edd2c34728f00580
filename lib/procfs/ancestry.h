/* SPDX-License-Identifier: MIT */
/* Whether one process comes of another, by what /proc tells of parents. */
#ifndef PROC_LIB_PROCFS_ANCESTRY_H
#define PROC_LIB_PROCFS_ANCESTRY_H

#include "../base/system.h"

#include <proc/base.h>

/*
 * 1: the process is the ancestor, or a descendant of it of which no process in between has ended; 0: not; or a negative
 * errno, of which -ESRCH: it has gone. No pid that is given away meanwhile can deceive this, if the caller makes sure
 * that the ancestor keeps its own.
 */
int proc__descends_from(const proc_target *process, int ancestor);

#endif
