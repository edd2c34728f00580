/* SPDX-License-Identifier: MIT */
/* Control groups that a test makes for itself, below the one it runs in, and removes again. */
#ifndef PROC_TESTS_CGROUPS_H
#define PROC_TESTS_CGROUPS_H

/*
 * A new empty group, of version 2 or of version 1's freezer: its directory, in memory that cgroup_remove() frees. NULL:
 * there is no such tree here, or none in which we may make groups.
 */
char *cgroup_make(int version);
/* A group below that one. */
char *cgroup_make_below(const char *group, const char *name);
/* Takes an empty group away; NULL is welcome. Returns NULL. */
char *cgroup_remove(char *group);

/* Writes into a file of the group: 0 or a negative errno. */
int cgroup_write(const char *group, const char *file, const char *text);

/* The last part of its path, as /proc/PID/cgroup ends. */
const char *cgroup_name(const char *group);

#endif
