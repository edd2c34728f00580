/* SPDX-License-Identifier: MIT */
/* Being told, for the other files of this folder: by a tree of any root, and in a forked copy too. */
#ifndef PROC_LIB_SERVICE_NOTIFY_RECEIVE_H
#define PROC_LIB_SERVICE_NOTIFY_RECEIVE_H

#include "../base/system.h"

#include <proc/notify.h>

#include "../base/clock.h"
#include "notify_tree.h"

/* tree: its root; NULL: anybody with our uid. 1 = a message; or a negative errno, of which -ETIMEDOUT. */
int proc__notify_receive(proc_notify_server *server, const struct named *tree, deadline when,
                         proc_notify_message *ret_message);

#endif
