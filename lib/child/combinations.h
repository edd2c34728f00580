/* SPDX-License-Identifier: MIT */
/* What options of different parts mean to each other. */
#ifndef PROC_LIB_CHILD_COMBINATIONS_H
#define PROC_LIB_CHILD_COMBINATIONS_H

#include "../base/system.h"

#include "request.h"

/* Of a request whose parts are good by themselves. 0, or -EINVAL with the failure. */
int proc__combinations_check(const struct request *request, struct failure *ret_failure);

#endif
