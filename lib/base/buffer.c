/* SPDX-License-Identifier: MIT */
/* A buffer that grows by doubling up to its limit, one byte of it for the terminator. Owned by who calls. */
#include "buffer.h"

#include <errno.h>
#include <stdlib.h>

#include "fd.h"

/* Two pages hold what most processes have to say. */
#define FIRST_SIZE ((size_t)8192)
#define DEFAULT_LIMIT ((size_t)16 << 20)

static size_t limit_of(const proc_buffer *buffer)
{
    size_t limit = buffer->limit > 0 ? buffer->limit : DEFAULT_LIMIT;
    return limit < PTRDIFF_MAX - 1 ? limit : PTRDIFF_MAX - 1;
}

/* Makes room for at least one byte more; only called below the limit. */
static int grow(proc_buffer *buffer, size_t limit)
{
    size_t capacity = buffer->data ? buffer->capacity * 2 + 1 : FIRST_SIZE - 1;
    if (capacity > limit || capacity < buffer->capacity)
        capacity = limit;
    char *data = realloc(buffer->data, capacity + 1);
    if (!data)
        return -ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

/* Whether fd has more, now that the buffer is full. */
static int64_t peek(int fd)
{
    char byte;
    return proc__fd_read(fd, &byte, 1);
}

/* The count of the last read: 0 at the end, positive if the limit came first, or a negative errno. */
static int64_t read_up_to(proc_buffer *buffer, int fd, size_t limit, enum extent extent)
{
    for (;;) {
        if (buffer->len == limit)
            return peek(fd);
        if (!buffer->data || buffer->len >= buffer->capacity) {
            int rc = grow(buffer, limit);
            if (rc < 0)
                return rc;
        }
        size_t room = (buffer->capacity < limit ? buffer->capacity : limit) - buffer->len;
        int64_t got = proc__fd_read(fd, buffer->data + buffer->len, room);
        if (got <= 0)
            return got;
        buffer->len += (size_t)got;
        if (extent == ONE_RECORD && (size_t)got < room && buffer->data[buffer->len - 1] == '\n')
            return 0;
    }
}

int proc__buffer_fill(proc_buffer *buffer, int fd, enum extent extent)
{
    buffer->len = 0;
    buffer->truncated = 0;
    int64_t rest = read_up_to(buffer, fd, limit_of(buffer), extent);
    if (rest < 0)
        buffer->len = 0;
    if (buffer->data)
        buffer->data[buffer->len] = '\0';
    buffer->truncated = rest > 0;
    return rest < 0 ? (int)rest : 0;
}

void proc_buffer_done(proc_buffer *buffer)
{
    if (!buffer)
        return;
    free(buffer->data);
    *buffer = (proc_buffer){.limit = buffer->limit};
}
