/* SPDX-License-Identifier: MIT */
/* What options of different parts of a request mean to each other. */
#ifndef PROC_LIB_CHILD_COMBINATIONS_H
#define PROC_LIB_CHILD_COMBINATIONS_H

#include "../base/system.h"

#include "request.h"

/*
 * Of a request whose entries are good: writes down what some options imply. 0, or -EINVAL with the failure: it is the
 * contrary of what another one asks for.
 */
int proc__combinations_imply(struct request *request, struct failure *ret_failure);
/* Of one whose parts are good by themselves. 0, or -EINVAL with the failure. */
int proc__combinations_check(const struct request *request, const struct spawn_call *call, struct failure *ret_failure);

#endif
