/* SPDX-License-Identifier: MIT */
/* The table of error names. Pure but for its small round of buffers. */
#include "names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const char *const names[] = {
#define NAME(number) [number] = #number
    NAME(EPERM),        NAME(ENOENT),       NAME(ESRCH),       NAME(EINTR),        NAME(EIO),         NAME(ENXIO),
    NAME(E2BIG),        NAME(ENOEXEC),      NAME(EBADF),       NAME(ECHILD),       NAME(EAGAIN),      NAME(ENOMEM),
    NAME(EACCES),       NAME(EFAULT),       NAME(EBUSY),       NAME(EEXIST),       NAME(ENODEV),      NAME(ENOTDIR),
    NAME(EISDIR),       NAME(EINVAL),       NAME(ENFILE),      NAME(EMFILE),       NAME(ENOTTY),      NAME(ETXTBSY),
    NAME(EFBIG),        NAME(ENOSPC),       NAME(ESPIPE),      NAME(EROFS),        NAME(EMLINK),      NAME(EPIPE),
    NAME(EDOM),         NAME(ERANGE),       NAME(EDEADLK),     NAME(ENAMETOOLONG), NAME(ENOLCK),      NAME(ENOSYS),
    NAME(ENOTEMPTY),    NAME(ELOOP),        NAME(ENODATA),     NAME(ETIME),        NAME(EPROTO),      NAME(EOVERFLOW),
    NAME(EILSEQ),       NAME(EUSERS),       NAME(ENOTSOCK),    NAME(EMSGSIZE),     NAME(EOPNOTSUPP),  NAME(EADDRINUSE),
    NAME(ECONNABORTED), NAME(ECONNRESET),   NAME(ENOBUFS),     NAME(ENOTCONN),     NAME(ETIMEDOUT),   NAME(ECONNREFUSED),
    NAME(EALREADY),     NAME(EINPROGRESS),  NAME(ESTALE),      NAME(EDQUOT),       NAME(ECANCELED),
#undef NAME
};

static char *next_buffer(size_t *ret_size)
{
    static _Thread_local char buffers[8][32];
    static _Thread_local unsigned next;
    *ret_size = sizeof buffers[0];
    return buffers[next++ % 8];
}

const char *errno_name(int number)
{
    if (number > 0 && (size_t)number < sizeof names / sizeof names[0] && names[number])
        return names[number];
    size_t size;
    char *text = next_buffer(&size);
    snprintf(text, size, "errno %d", number);
    return text;
}

const char *rc_name(int64_t rc)
{
    size_t size;
    char *text = next_buffer(&size);
    if (rc < 0 && rc >= -4095)
        snprintf(text, size, "-%s", errno_name((int)-rc));
    else
        snprintf(text, size, "%" PRId64, rc);
    return text;
}
