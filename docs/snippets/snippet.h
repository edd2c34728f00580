/* SPDX-License-Identifier: MIT */
/* What all files of snippets begin with. It comes first, for what libc hides. */
#ifndef DOCS_SNIPPETS_SNIPPET_H
#define DOCS_SNIPPETS_SNIPPET_H

#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

/* Also in a release, which has no assert(3). */
#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

#endif
