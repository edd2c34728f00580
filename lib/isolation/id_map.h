/* SPDX-License-Identifier: MIT */
/*
 * Who is who in a new user namespace: ranges of ids, checked as the kernel will, spelled as it wants them, and written
 * by the parent of the process that has just been born in there.
 */
#ifndef PROC_LIB_ISOLATION_ID_MAP_H
#define PROC_LIB_ISOLATION_ID_MAP_H

#include "../base/system.h"

#include <proc/namespace.h>

#include "../base/step.h"

/* NULL: they make sense; or what is wrong with them, in words. No ranges at all make sense: our own id alone. */
const char *proc__id_map_wrong(const proc_id_maps *maps);
/* 1: somebody within has this id. */
int proc__id_map_has(const proc_id_maps *maps, uint32_t id);
/* Who that is outside. 1: told; 0: nobody within has this id. */
int proc__id_map_outside(const proc_id_maps *maps, uint32_t id, uint32_t *ret_outside);
/* The lines of these ranges, terminated; to be freed. NULL: no memory. */
char *proc__id_map_text(const proc_id_maps *maps);

/* What is written for a process, in this order. */
struct id_maps {
    int deny_setgroups;
    char *uids, *gids; /* texts */
};

/*
 * Writes them for the process of a pidfd, which is held: it has to wait for this before it relies on an id. The report
 * of step PROC_STEP_ID_MAP tells which file could not be written.
 */
struct report proc__id_maps_write(const struct id_maps *maps, int pidfd);
/* The file of such a report: "uid_map". */
const char *proc__id_map_file(int index);

enum { ID_MAP_SETGROUPS, ID_MAP_UIDS, ID_MAP_GIDS }; /* index of the report */

#endif
