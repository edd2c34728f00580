/* SPDX-License-Identifier: MIT */
/* What tests of namespaces share: whether there can be any, who asks, and what is said from inside. */
#ifndef PROC_TESTS_PLACES_H
#define PROC_TESTS_PLACES_H

#include <stdint.h>

#include <proc/proc.h>

#define NOBODY 65534

/* Leaves the test out where a plain unshare(2) of these cannot be made (PROC_NS_...). */
#define NEED_NAMESPACES(which)                                                   \
    do {                                                                         \
        if (!can_make(which))                                                    \
            SKIP_TEST("no such namespaces here: a plain unshare(2) is denied");  \
    } while (0)
/* Users first, then the others, as a start does. */
int can_make(uint32_t which);

/* In a forked copy: from here on in a user namespace of our own, with our own id. 0, or -1 if that cannot be. */
int enter_user_namespace(void);
/* In a forked copy: without any privilege from here on, and still ours for /proc. 0, or -1 if that cannot be. */
int become_nobody(void);
/* Body as that, or as who we are if that is nobody special already. */
#define assert_as_nobody(body) check_as_nobody((body), #body, __FILE__, __LINE__)
void check_as_nobody(int (*body)(void *arg), const char *what, const char *file, int line);

/* What `child VERB ...` writes when it is started so, in static memory; in forked copies too, which complain. */
#define told_by(namespaces, ids, ...) child_tells(PROC_ARGV(CHILD, __VA_ARGS__), (namespaces), (ids))
const char *child_tells(const char *const argv[], const proc_namespaces *namespaces, const proc_ids *ids);
/* The lines `key value` of a text: the value, in static memory; "" if there is none. */
const char *value_of(const char *text, const char *key);
int64_t number_of(const char *text, const char *key);

/* The inode of a namespace of a process, 0 = ourselves; 0 if it cannot be seen. */
uint64_t namespace_of(int pid, uint32_t kind);

#endif
