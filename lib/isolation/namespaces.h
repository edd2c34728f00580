/* SPDX-License-Identifier: MIT */
/* Where a new process lives. */
#ifndef PROC_LIB_ISOLATION_NAMESPACES_H
#define PROC_LIB_ISOLATION_NAMESPACES_H

#include "../base/system.h"

#include <proc/namespace.h>

#include "../base/error.h"
#include "../base/step.h"

struct namespaces {
    int unused;
};

/* By themselves, before anything is made. 0, or a negative errno with the failure. */
int proc__namespaces_check(const proc_namespaces *options, struct failure *ret_failure);
/* Makes ready what the new process will need. 0, or a negative errno with the failure; done is right in either case. */
int proc__namespaces_prepare(struct namespaces *ret_namespaces, const proc_namespaces *options, struct failure *ret_failure);
void proc__namespaces_done(struct namespaces *namespaces);
/* In the new process. */
struct report proc__namespaces_apply(const struct namespaces *namespaces);

#endif
