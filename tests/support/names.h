/* SPDX-License-Identifier: MIT */
/* Names of error numbers, so that a failed test says ENOENT and not -2. */
#ifndef PROC_TESTS_NAMES_H
#define PROC_TESTS_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* "ENOENT" for 2; "errno 4000" for a number without a name. In a buffer of the calling thread, until the next calls. */
const char *errno_name(int number);
/* What a call has returned: "0", "17", "-ENOENT". In the same buffers. */
const char *rc_name(int64_t rc);

#endif
