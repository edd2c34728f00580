/* SPDX-License-Identifier: MIT */
/* What a supervisor hands to a service by its environment. */
#ifndef PROC_LIB_SERVICE_HANDED_H
#define PROC_LIB_SERVICE_HANDED_H

#include "../base/system.h"

/* The number in a variable: 1; 0: not set, or empty; -EINVAL: that is no number, or more than most. */
int proc__handed_number(const char *variable, uint64_t most, uint64_t *ret_number);
/* How many descriptors were handed to this process, from 3 on, untouched; 0; or -EINVAL. */
int proc__handed_count(void);

#endif
