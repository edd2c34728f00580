/* SPDX-License-Identifier: MIT */
/* The limit of descriptors: opens files until the soft limit says no, raises it to the hard one, and goes on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define SOFT_LIMIT 8

static int set_soft_limit(rlim_t soft)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : (int)limit.rlim_cur;
}

/* The last descriptor that could be opened, at most `enough`. */
static int open_until_refused(int enough)
{
    int fd, last = -1;
    while (last < enough && (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        last = fd;
    if (last < enough)
        printf("after descriptor %d: %s\n", last, strerror(errno));
    return last;
}

int main(void)
{
    int soft = set_soft_limit(SOFT_LIMIT);
    if (soft < 0)
        return fprintf(stderr, "fd_limit: %s\n", strerror(-soft)), 1;
    printf("soft limit %d\n", soft);
    open_until_refused(SOFT_LIMIT);

    soft = set_soft_limit(RLIM_INFINITY);
    if (soft < 0)
        return fprintf(stderr, "fd_limit: %s\n", strerror(-soft)), 1;
    int last = open_until_refused(2 * SOFT_LIMIT);
    printf("soft limit raised to the hard one: descriptor %d is open\n", last);
    return last < SOFT_LIMIT;
}
