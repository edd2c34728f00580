/* SPDX-License-Identifier: MIT */
/* A result before anything is in it: giving it back is right from here on. */
#ifndef PROC_LIB_CHILD_RESULT_H
#define PROC_LIB_CHILD_RESULT_H

#include "../base/system.h"

#include <proc/run.h>

void proc__result_empty(proc_result *ret_result);

#endif
