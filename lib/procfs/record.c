/* SPDX-License-Identifier: MIT */
/* One open, one read where the kernel answers in one, one close. Keeps nothing. */
#include "record.h"

#include <errno.h>
#include <string.h>

#include "../base/fd.h"
#include "target.h"

/* A read that leaves room behind a line feed has brought the whole record. */
static int64_t read_record(int fd, char *bytes, size_t size)
{
    size_t len = 0;
    while (len < size) {
        int64_t got = proc__fd_read(fd, bytes + len, size - len);
        if (got < 0)
            return got;
        len += (size_t)got;
        if (got == 0 || (len < size && bytes[len - 1] == '\n'))
            break;
    }
    return (int64_t)len;
}

int64_t proc__record_read(const proc_target *target, const char *file, char *bytes, size_t size)
{
    int fd = proc__target_open(target, file, 0);
    if (fd < 0)
        return fd;
    int64_t len = read_record(fd, bytes, size);
    proc__fd_close(&fd);
    if (len < 0)
        return proc__target_error((int)len);
    return len > 0 ? len : -ESRCH;
}

int64_t proc__record_give(const char *bytes, size_t len, char *ret_text, size_t size)
{
    if (size > 0) {
        size_t kept = len < size ? len : size - 1;
        memcpy(ret_text, bytes, kept);
        ret_text[kept] = '\0';
    }
    return (int64_t)len;
}
