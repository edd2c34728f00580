/* SPDX-License-Identifier: MIT */
/* The door to the kernel: one call, a negative errno, errno untouched. Owns nothing. */
#include "system.h"

#include <errno.h>
#include <unistd.h>

long proc__syscall(long number, long a, long b, long c, long d, long e, long f)
{
    int saved = errno;
    long rc = syscall(number, a, b, c, d, e, f);
    if (rc == -1) {
        rc = -errno;
        errno = saved;
    }
    return rc;
}
