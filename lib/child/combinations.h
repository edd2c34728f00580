/* SPDX-License-Identifier: MIT */
/* What options of different parts of a request mean for each other. */
#ifndef PROC_LIB_CHILD_COMBINATIONS_H
#define PROC_LIB_CHILD_COMBINATIONS_H

#include "../base/system.h"

#include "request.h"

/* Of a request whose parts are good by themselves. 0, or a negative errno with the failure. */
int proc__combinations_check(const struct request *request, struct failure *ret_failure);
/* For who is there already: 0, or a negative errno if namespaces are asked for that only a birth can give. */
int proc__births_refuse(const struct request *request, struct failure *ret_failure);

#endif
