/* SPDX-License-Identifier: MIT */
/*
 * The world: what a call of the library must leave as it was. Open descriptors (number, target, flags), the calling
 * thread's signal mask, the dispositions of all signals, working directory, umask, children, threads.
 *
 * Knows nothing of cmocka, so that forked copies may use it as well.
 */
#ifndef PROC_TESTS_WORLD_H
#define PROC_TESTS_WORLD_H

#include <stddef.h>

struct world;

/* A snapshot; to be freed. Never NULL: the program is aborted if it cannot be made. */
struct world *world_take(void);
struct world *world_free(struct world *world);

/* One line per difference into ret_text. Returns how many there are. Children that are left always are one. */
int world_compare(const struct world *before, const struct world *after, char *ret_text, size_t size);

/* Kills and reaps every child that is left, so that one test's leak does not fail the next one. */
void world_bury_children(void);

#endif
