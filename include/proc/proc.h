/* SPDX-License-Identifier: MIT */
/**
 * @file
 * <proc/proc.h> - all of libproc. The core is <proc/run.h>; each header also stands alone.
 */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include <proc/base.h>
#include <proc/child.h>
#include <proc/daemon.h>
#include <proc/exec.h>
#include <proc/fork.h>
#include <proc/limits.h>
#include <proc/lock.h>
#include <proc/loop.h>
#include <proc/namespace.h>
#include <proc/notify.h>
#include <proc/procfs.h>
#include <proc/run.h>
#include <proc/sandbox.h>
#include <proc/scheduling.h>
#include <proc/signals.h>
#include <proc/spawn.h>
#include <proc/status.h>
#include <proc/terminal.h>
#include <proc/walk.h>

#endif
