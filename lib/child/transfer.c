/* SPDX-License-Identifier: MIT */
/*
 * Moves the bytes of one stream, a bounded portion at a time, so that no busy stream keeps another one or a deadline
 * waiting. Reads go straight into the memory where the bytes stay. Owns its buffers; the descriptor is the caller's.
 */
#include "transfer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../base/clock.h"
#include "../base/fd.h"
#include "entry.h"

/* One portion. A larger read of a large pipe would only hold the pipe's lock against its writer. */
#define PORTION ((size_t)128 << 10)
#define CHUNK ((size_t)64 << 10)
#define DEFAULT_LINE ((size_t)64 << 10)

void proc__transfer_init(struct transfer *transfer, const proc_stdio *entry)
{
    *transfer = (struct transfer){.is = *entry};
    proc__tee_init(&transfer->tee);
    if (entry->kind == PROC_STDIO_BYTES)
        transfer->len = entry->size == SIZE_MAX ? strlen(entry->data) : entry->size;
    if (entry->kind == PROC_STDIO_CAPTURE)
        proc__capture_init(&transfer->kept, entry->size, (entry->flags & PROC_STDIO_TAIL) != 0);
}

void proc__transfer_done(struct transfer *transfer)
{
    proc__capture_done(&transfer->kept);
    proc__tee_close(&transfer->tee);
    free(transfer->buffer);
    transfer->buffer = NULL;
    transfer->capacity = transfer->len = transfer->done = 0;
}

int proc__transfer_is_ours(const struct transfer *transfer)
{
    int kind = transfer->is.kind;
    return kind == PROC_STDIO_BYTES || kind == PROC_STDIO_CAPTURE || kind == PROC_STDIO_CALLBACK;
}

int proc__transfer_is_on_terminal(const struct transfer *transfer)
{
    return proc__entry_on_terminal(&transfer->is);
}

/* ---- Ends of a stream that are told as errors ---- */

static int state_of(int fd)
{
    struct pollfd state = {.fd = fd, .events = POLLIN};
    return proc__poll(&state, 1, proc__deadline_in(0)) > 0 ? state.revents & (POLLIN | POLLHUP) : 0;
}

/* A terminal that has been read to its last byte; whatever else EIO may mean is still an error. */
static int is_end(const struct transfer *transfer, int fd, int64_t error)
{
    if (error == -EIO && proc__transfer_is_on_terminal(transfer))
        return state_of(fd) == POLLHUP;
    return error == -ECONNRESET && transfer->is.kind == PROC_STDIO_SOCKET;
}

int64_t proc__transfer_read(const struct transfer *transfer, int fd, void *buffer, size_t size)
{
    int64_t got = proc__fd_read(fd, buffer, size);
    return got < 0 && is_end(transfer, fd, got) ? 0 : got;
}

int64_t proc__transfer_write(const struct transfer *transfer, int fd, const void *data, size_t size)
{
    /* Some kernels take what is typed into a terminal that nobody has open. */
    if (proc__transfer_is_on_terminal(transfer) && (state_of(fd) & POLLHUP))
        return -EPIPE;
    int64_t written = proc__fd_write_quietly(fd, data, size);
    return written < 0 && is_end(transfer, fd, written) ? -EPIPE : written;
}

static int end_with(struct transfer *transfer, int error)
{
    if (error < 0 && transfer->error == 0)
        transfer->error = error;
    return TRANSFER_ENDED;
}

/* Makes room for `wanted` bytes. 0 or -ENOMEM: the buffer is as it was. */
static int enlarge(struct transfer *transfer, size_t wanted)
{
    char *buffer = realloc(transfer->buffer, wanted);
    if (!buffer)
        return -ENOMEM;
    transfer->buffer = buffer;
    transfer->capacity = wanted;
    return 0;
}

/* ---- To the child ---- */

static int write_pending(struct transfer *transfer, int fd, const char *data)
{
    size_t size = transfer->len - transfer->done;
    int64_t written = proc__fd_write_quietly(fd, data + transfer->done, size < PORTION ? size : PORTION);
    if (written == -EAGAIN)
        return TRANSFER_WAITS;
    if (written < 0) {
        /* No more reader: many a program is done before it has read everything, so this is not an error. */
        transfer->cut = 1;
        return end_with(transfer, written == -EPIPE ? 0 : (int)written);
    }
    transfer->done += (size_t)written;
    transfer->total += (uint64_t)written;
    return TRANSFER_MOVED;
}

static int feed_bytes(struct transfer *transfer, int fd)
{
    int moved = TRANSFER_MOVED;
    if (transfer->done < transfer->len)
        moved = write_pending(transfer, fd, transfer->is.data);
    return moved == TRANSFER_MOVED && transfer->done == transfer->len ? TRANSFER_ENDED : moved;
}

/* Asks the function for more. 1 = there is some, 0 = that was all, or a negative errno. */
static int ask_for_more(struct transfer *transfer, int number)
{
    if (!transfer->buffer && enlarge(transfer, CHUNK) < 0)
        return -ENOMEM;
    int64_t given = transfer->is.on_space(number, transfer->buffer, transfer->capacity, transfer->is.user);
    if (given > (int64_t)transfer->capacity)
        return -EINVAL;
    if (given <= 0)
        return given < INT32_MIN ? -EINVAL : (int)given;
    transfer->len = (size_t)given;
    transfer->done = 0;
    return 1;
}

static int supply(struct transfer *transfer, int fd, int number)
{
    if (transfer->done == transfer->len) {
        int more = ask_for_more(transfer, number);
        if (more <= 0)
            return end_with(transfer, more);
    }
    return write_pending(transfer, fd, transfer->buffer);
}

/* ---- From the child ---- */

static int read_failed(struct transfer *transfer, int64_t error)
{
    return error == -EAGAIN ? TRANSFER_WAITS : end_with(transfer, (int)error);
}

static int keep(struct transfer *transfer, int fd)
{
    size_t room;
    char *place = proc__capture_room(&transfer->kept, &room);
    if (transfer->kept.error < 0 && transfer->error == 0)
        transfer->error = transfer->kept.error;
    int64_t got = proc__transfer_read(transfer, fd, place, room < PORTION ? room : PORTION);
    if (got < 0)
        return read_failed(transfer, got);
    if (got == 0)
        return TRANSFER_ENDED;
    proc__capture_add(&transfer->kept, (size_t)got);
    transfer->total += (uint64_t)got;
    proc__tee_write(&transfer->tee, place, (size_t)got);
    return TRANSFER_MOVED;
}

static int deliver(struct transfer *transfer, int number, const char *data, size_t len)
{
    int rc = transfer->is.on_data(number, data, len, transfer->is.user);
    if (rc == INT_MIN) /* no errno, and nothing that has a positive counterpart */
        return -EINVAL;
    return rc < 0 ? rc : 0;
}

static int pass_chunk(struct transfer *transfer, int fd, int number)
{
    if (!transfer->buffer && enlarge(transfer, CHUNK) < 0)
        return end_with(transfer, -ENOMEM);
    int64_t got = proc__transfer_read(transfer, fd, transfer->buffer, transfer->capacity);
    if (got < 0)
        return read_failed(transfer, got);
    transfer->total += (uint64_t)got;
    proc__tee_write(&transfer->tee, transfer->buffer, (size_t)got);
    int rc = deliver(transfer, number, transfer->buffer, (size_t)got);
    return got == 0 || rc < 0 ? end_with(transfer, rc) : TRANSFER_MOVED;
}

static size_t longest_line(const struct transfer *transfer)
{
    return transfer->is.size ? transfer->is.size : DEFAULT_LINE;
}

/* The length of the next line or piece in data; 0: its end has yet to come. The first `known` bytes have no newline. */
static size_t next_line(const char *data, size_t len, size_t known, size_t longest)
{
    size_t looked_at = len < longest ? len : longest;
    const char *newline = looked_at > known ? memchr(data + known, '\n', looked_at - known) : NULL;
    if (newline)
        return (size_t)(newline - data) + 1;
    return len >= longest ? longest : 0;
}

/* Delivers all lines that are complete, and moves the beginning of the next one to the front. 0 or a negative errno. */
static int deliver_lines(struct transfer *transfer, int number)
{
    size_t begin = 0, known = transfer->done, longest = longest_line(transfer);
    for (;;) {
        const char *data = transfer->buffer + begin;
        size_t line = next_line(data, transfer->len - begin, known, longest);
        if (line == 0)
            break;
        int rc = deliver(transfer, number, data, line);
        if (rc < 0)
            return rc;
        begin += line;
        known = 0;
    }
    transfer->len -= begin;
    transfer->done = transfer->len;
    if (begin > 0)
        memmove(transfer->buffer, transfer->buffer + begin, transfer->len);
    return 0;
}

/* The last line need not end with a newline. */
static int deliver_rest(struct transfer *transfer, int number)
{
    size_t len = transfer->len;
    transfer->len = transfer->done = 0;
    return len > 0 ? deliver(transfer, number, transfer->buffer, len) : 0;
}

/* Room for at least one more byte of an unfinished line. Without memory for a longer one it is delivered in pieces. */
static int make_room_for_line(struct transfer *transfer, int number)
{
    if (transfer->len < transfer->capacity)
        return 0;
    if (enlarge(transfer, transfer->capacity ? transfer->capacity * 2 : CHUNK) == 0)
        return 0;
    if (transfer->capacity == 0)
        return -ENOMEM;
    transfer->error = transfer->error < 0 ? transfer->error : -ENOMEM;
    return deliver_rest(transfer, number);
}

static int pass_lines(struct transfer *transfer, int fd, int number)
{
    int rc = make_room_for_line(transfer, number);
    if (rc < 0)
        return end_with(transfer, rc);
    size_t room = transfer->capacity - transfer->len;
    int64_t got =
        proc__transfer_read(transfer, fd, transfer->buffer + transfer->len, room < PORTION ? room : PORTION);
    if (got < 0)
        return read_failed(transfer, got);
    transfer->total += (uint64_t)got;
    proc__tee_write(&transfer->tee, transfer->buffer + transfer->len, (size_t)got);
    transfer->len += (size_t)got;
    if (got > 0) {
        rc = deliver_lines(transfer, number);
        return rc < 0 ? end_with(transfer, rc) : TRANSFER_MOVED;
    }
    rc = deliver_rest(transfer, number);
    return end_with(transfer, rc < 0 ? rc : deliver(transfer, number, "", 0));
}

/* ---- All of them ---- */

int proc__transfer_move(struct transfer *transfer, int fd, int number)
{
    proc__tee_go_on(&transfer->tee);
    if (proc__tee_waits(&transfer->tee) > 0)
        return TRANSFER_WAITS;
    switch (transfer->is.kind) {
    case PROC_STDIO_BYTES: return feed_bytes(transfer, fd);
    case PROC_STDIO_CAPTURE: return keep(transfer, fd);
    case PROC_STDIO_CALLBACK: break;
    default: return TRANSFER_WAITS;
    }
    if (transfer->is.on_space)
        return supply(transfer, fd, number);
    return transfer->is.flags & PROC_STDIO_LINES ? pass_lines(transfer, fd, number) : pass_chunk(transfer, fd, number);
}

void proc__transfer_note_due(struct transfer *transfer, int fd)
{
    int waiting = 0;
    if (ioctl(fd, FIONREAD, &waiting) < 0 || waiting < 0)
        waiting = 0;
    transfer->due = transfer->total + (uint64_t)waiting;
}

int proc__transfer_is_due(const struct transfer *transfer)
{
    return transfer->total - proc__tee_waits(&transfer->tee) < transfer->due;
}

void proc__transfer_leave(struct transfer *transfer, int from_child, int number)
{
    if (!from_child) {
        transfer->cut = 1;
        return;
    }
    transfer->left = 1;
    if (transfer->is.flags & PROC_STDIO_LINES)
        end_with(transfer, deliver_rest(transfer, number));
}

proc_output proc__transfer_take(struct transfer *transfer, int number)
{
    proc_output output = {.total = transfer->total, .fd = number, .open = transfer->left, .error = transfer->error,
                          .tee_error = transfer->tee.error};
    output.data = proc__capture_take(&transfer->kept, &output.len);
    output.truncated = output.total > output.len;
    return output;
}
