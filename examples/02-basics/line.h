/* SPDX-License-Identifier: MIT */
/* One line of list_processes for each process. A dash stands for what is not ours to see. */
#ifndef EXAMPLES_LINE_H
#define EXAMPLES_LINE_H

#include <proc/walk.h>

/* What is to be known of a process. */
#define LINE_FIELDS                                                                                                    \
    (PROC_FIELD_PARENT | PROC_FIELD_USER | PROC_FIELD_STATE | PROC_FIELD_RSS | PROC_FIELD_THREADS | PROC_FIELD_TIMES | \
     PROC_FIELD_NAME | PROC_FIELD_CMDLINE | PROC_FIELD_CPU)

const char *line_header(int with_cpu);
/* The command is that far to the right, and cut at the width. In static memory, until the next call. */
const char *line_of(const proc_entry *entry, int with_cpu, int depth, int width);

#endif
