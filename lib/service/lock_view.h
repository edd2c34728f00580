/* SPDX-License-Identifier: MIT */
/* Looking at somebody else's lock, more than once: the file stays open, and is opened anew when it was replaced. */
#ifndef PROC_LIB_SERVICE_LOCK_VIEW_H
#define PROC_LIB_SERVICE_LOCK_VIEW_H

#include "lock.h"

struct lock_view {
    struct lock_place place;
    struct lock_file file; /* the one that was looked at last; fd -1: none */
    int cancellable;       /* the thread's state before; it is not cancelled while it looks */
};

/* 0 or a negative errno; to be done with after a success. */
int proc__view_open(struct lock_view *view, const char *path, const int *dir_fd);
/* As proc_lock_query(). */
int proc__view_look(struct lock_view *view, proc_holder *ret_holder);
void proc__view_done(struct lock_view *view);

#endif
