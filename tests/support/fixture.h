/* SPDX-License-Identifier: MIT */
/* Texts of tests/fixtures/, in memory of exactly their size, so that a sanitizer sees a byte too far. */
#ifndef PROC_TESTS_FIXTURE_H
#define PROC_TESTS_FIXTURE_H

#include <stddef.h>

struct fixture {
    char *data; /* not terminated */
    size_t len;
};

/* What a fixture was before, {0} or another one, is given back. */
/* "limits/user-process": a file of that folder, without its .txt. Aborts if there is none. */
void fixture_load(struct fixture *fixture, const char *directory, const char *name);
void fixture_set(struct fixture *fixture, const void *bytes, size_t len);
void fixture_done(struct fixture *fixture);

#endif
