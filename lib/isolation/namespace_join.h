/* SPDX-License-Identifier: MIT */
/*
 * Namespaces that are there already: opened by the parent, with its ids and its view of /proc, and entered by the new
 * process.
 */
#ifndef PROC_LIB_ISOLATION_NAMESPACE_JOIN_H
#define PROC_LIB_ISOLATION_NAMESPACE_JOIN_H

#include "../base/system.h"

#include <proc/namespace.h>

#include "../base/error.h"
#include "../base/step.h"

/* What one setns(2) enters. */
struct namespace_source {
    int fd;         /* of a namespace, or a pidfd; ours */
    uint32_t which; /* PROC_NS_... */
    unsigned flags; /* for a pidfd: which of its namespaces; 0: fd is the namespace */
};

struct namespace_sources {
    struct namespace_source *items; /* that of users first */
    size_t count;
};

/* All kinds of a list, which may be NULL. */
uint32_t proc__namespace_join_kinds(const proc_ns_join *list);
/* By itself. 0, or a negative errno with the failure. */
int proc__namespace_join_check(const proc_ns_join *list, struct failure *ret_failure);
/* Before we make descriptors of our own: those that it names are open. 0, or a negative errno with the failure. */
int proc__namespace_join_check_open(const proc_ns_join *list, struct failure *ret_failure);
/* Opens all of them. 0, or a negative errno with the failure; to be ended by done in either case. */
int proc__namespace_join_open(const proc_ns_join *list, struct namespace_sources *ret_sources,
                              struct failure *ret_failure);
void proc__namespace_join_done(struct namespace_sources *sources);
/* In the new process. */
struct report proc__namespace_join_apply(const struct namespace_sources *sources);

#endif
