/* SPDX-License-Identifier: MIT */
/* Texts of tests/fixtures/, in memory of exactly their size, so that a sanitizer sees a byte too far. */
#ifndef PROC_TESTS_FIXTURE_H
#define PROC_TESTS_FIXTURE_H

#include <stddef.h>

struct fixture {
    char *data; /* not terminated */
    size_t len;
};

/* "limits/user-process": a file of that folder, without its .txt. Aborts if there is none. */
struct fixture fixture_load(const char *directory, const char *name);
struct fixture fixture_of(const void *bytes, size_t len);
void fixture_done(struct fixture *fixture);

#endif
