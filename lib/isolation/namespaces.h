/* SPDX-License-Identifier: MIT */
/*
 * Where a new process lives: the namespaces that are made for it, and those that it joins.
 *
 * Most are entered by a process that is there already. Four things take effect at a birth alone, or have to be waited
 * for, and so are the business of how the process is made: a new user namespace (its parent writes the ids), a new pid
 * namespace, one that is joined, and a new time namespace (the last two are for those who are born in there, so that
 * another process stands in between). What is to be done, and where, is said here; the start does it.
 */
#ifndef PROC_LIB_ISOLATION_NAMESPACES_H
#define PROC_LIB_ISOLATION_NAMESPACES_H

#include "../base/system.h"

#include <proc/namespace.h>

#include "../base/error.h"
#include "../base/step.h"
#include "id_map.h"
#include "namespace_join.h"

/* How the process comes into being. */
struct namespace_births {
    int is_held;            /* 1: not by a plain start; 0: all that follows is nothing */
    int has_middle;         /* 1: a first process prepares the place, and bears the one that counts */
    unsigned first, second; /* CLONE_NEW... of each birth; without a middle there is only the first */
};

/* Longer than the longest of both: names of all kinds, and a text about a limit. */
#define NAMESPACE_WORDS 64

struct namespaces {
    uint32_t create, joined, flags; /* PROC_NS_... */
    struct namespace_births births;
    int is_born; /* 1: that has been done */
    struct namespace_sources sources;
    struct id_maps maps;
    char offsets[96]; /* of clocks, as the kernel reads them; "" = none */
    const char *hostname, *domainname;
    char names[NAMESPACE_WORDS], reason[NAMESPACE_WORDS]; /* for the text of a failure */
};

/* ---- Before anything is made ---- */

/* By themselves. 0, or a negative errno with the failure. */
int proc__namespaces_check(const proc_namespaces *options, struct failure *ret_failure);
/* Of what has been found good. */
struct namespace_births proc__namespaces_births(const proc_namespaces *options);
/* 1: the process has another pid namespace than we: numbers mean others there, and getppid(2) says 0. */
int proc__namespaces_hide_pids(const proc_namespaces *options);
/* 1: the process cannot set its groups. */
int proc__namespaces_deny_groups(const proc_namespaces *options);
/* 1: there is such an id within, as far as can be told. */
int proc__namespaces_have_uid(const proc_namespaces *options, uint32_t uid);
int proc__namespaces_have_gid(const proc_namespaces *options, uint32_t gid);
/* Who that user within is to us. 1: told; 0: it cannot be, in a user namespace that is joined. */
int proc__namespaces_uid_outside(const proc_namespaces *options, uint32_t uid, uint32_t *ret_outside);

/* Makes ready what the new process will need. 0, or a negative errno with the failure; done is right in either case. */
int proc__namespaces_prepare(struct namespaces *ret_namespaces, const proc_namespaces *options,
                             struct failure *ret_failure);
void proc__namespaces_done(struct namespaces *namespaces);

/* ---- In the new process: namespaces_apply.c ---- */

/* Indexes of the reports of PROC_STEP_MOUNT and PROC_STEP_HOSTNAME. */
enum { NAMESPACE_MOUNT_ROOT, NAMESPACE_MOUNT_PROC };
enum { NAMESPACE_HOSTNAME, NAMESPACE_DOMAINNAME };

/* Of a held start, in the process that stands in between, or is on its way: before its own plan. */
struct report proc__namespaces_join(const struct namespaces *namespaces);
struct report proc__namespaces_make_time(const struct namespaces *namespaces);
/* All that is left, in the process that counts. */
struct report proc__namespaces_apply(const struct namespaces *namespaces);
/* 1: the process has another pid namespace than we, see above. */
int proc__namespaces_have_other_pids(const struct namespaces *namespaces);
/* Behind a change of the root directory. */
struct report proc__namespaces_mount_proc(const struct namespaces *namespaces);

/* ---- After a failure: namespaces_gate.c ---- */

/* Adds to the failure of one of these steps what it was about, and what is in the way. */
void proc__namespaces_explain(struct namespaces *namespaces, struct failure *failure);

#endif
