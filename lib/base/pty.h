/* SPDX-License-Identifier: MIT */
/* Pseudoterminals as pairs of descriptors: ours, and the one that looks like a terminal. */
#ifndef PROC_LIB_BASE_PTY_H
#define PROC_LIB_BASE_PTY_H

#include "system.h"

struct pty {
    int ours, theirs; /* -1: none */
};

/* A new one, which becomes nobody's controlling terminal. 0 or a negative errno. */
int proc__pty_open(struct pty *ret_pty);
/* Tells the terminal its size; who is in its foreground gets SIGWINCH if it changes. 0 or a negative errno. */
int proc__pty_resize(int fd, int rows, int columns);
/* Bytes pass as they are: no echo, no lines, no signals, no translation. 0 or a negative errno. */
int proc__pty_make_raw(int theirs);
/* Makes somebody else its owner, who can then open it by its name. 0 or a negative errno. */
int proc__pty_give_to(int theirs, uint32_t uid);
/* The size of the first of our descriptors 0 to 2 that is a terminal and knows it; else 24 by 80. */
void proc__pty_usual_size(int *ret_rows, int *ret_columns);

#endif
