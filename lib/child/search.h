/* SPDX-License-Identifier: MIT */
/* Where a program may be: its names put together with the directories of a search list. */
#ifndef PROC_LIB_CHILD_SEARCH_H
#define PROC_LIB_CHILD_SEARCH_H

#include "../base/system.h"

#include <errno.h>

/*
 * All paths to try, in order, as one vector ended by NULL and to be given to free(3); NULL: no memory. A name with a
 * slash stands for itself. relative: empty and relative elements of the list count.
 */
const char **proc__search_paths(const char *const *names, const char *list, int relative);

/* 1: a file is not there, in one of the ways that a directory of a search list can lack it; rc: a negative errno. */
static inline int proc__path_is_absent(long rc)
{
    return rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP || rc == -ENAMETOOLONG || rc == -ESTALE || rc == -ENODEV ||
           rc == -ETIMEDOUT;
}

#endif
