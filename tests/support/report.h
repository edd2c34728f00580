/* SPDX-License-Identifier: MIT */
/*
 * Reading what the helper program `report` tells of itself: lines of `key value`, see tests/helpers/report.c. The
 * calls take the text of such a report, and answer in static memory that the next call of the same name reuses.
 */
#ifndef PROC_TESTS_REPORT_H
#define PROC_TESTS_REPORT_H

#include <stddef.h>
#include <stdint.h>

/* The value of the first line with that key; NULL if there is none. */
const char *report_get(const char *report, const char *key);
/* "argv 2" and the like: the value of key number. */
const char *report_get_nth(const char *report, const char *key, int number);
/* A value as a number, -1 if it is missing; sets of signals are told in hexadecimal. */
int64_t report_number(const char *report, const char *key);
uint64_t report_mask(const char *report, const char *key);

/* The value of an environment variable of the child, NULL if it has none; how many variables it has. */
const char *report_env(const char *report, const char *name);
int report_env_count(const char *report);

struct report_fd {
    int cloexec;        /* FD_CLOEXEC is set */
    int flags;          /* F_GETFL */
    char target[200];   /* the link in /proc/self/fd: "/dev/null", "pipe:[123]" */
};

/* 1 and the details if the child had that descriptor, else 0. */
int report_fd(const char *report, int number, struct report_fd *ret_fd);
/* All its descriptors, "0 1 2 7". */
const char *report_fds(const char *report);

#endif
