/* SPDX-License-Identifier: MIT */
/* The environment of the child, as a vector of strings that belong to others. */
#ifndef PROC_LIB_CHILD_ENVIRONMENT_H
#define PROC_LIB_CHILD_ENVIRONMENT_H

#include "../base/system.h"

/* How many strings such a vector has before its NULL; one that is NULL has none. */
size_t proc__strings_count(const char *const *strings);
/*
 * base with the edits applied in their order: "A=1" sets, "A" unsets. A new vector, to be given to free(3); NULL: no
 * memory.
 */
const char **proc__environment_edit(const char *const *base, const char *const *edits);
/* The value of a variable, or NULL. */
const char *proc__environment_get(const char *const *environment, const char *name);

#endif
