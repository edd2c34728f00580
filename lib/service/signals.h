/* SPDX-License-Identifier: MIT */
/* Reading a set of signals, for who knows already that this is no forked copy and that there is something to read. */
#ifndef PROC_LIB_SERVICE_SIGNALS_H
#define PROC_LIB_SERVICE_SIGNALS_H

#include "../base/system.h"

#include <proc/signals.h>

/* How many, 0 = there is none, or a negative errno. */
int proc__signals_take(proc_signals *signals, proc_signal *ret_records, size_t capacity);

#endif
