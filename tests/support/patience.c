/* SPDX-License-Identifier: MIT */
/* The clock of the tests. Owns nothing. */
#define _GNU_SOURCE 1
#include "patience.h"

#include <poll.h>
#include <stddef.h>
#include <time.h>

int64_t patience_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void patience_rest(void)
{
    poll(NULL, 0, 1);
}
