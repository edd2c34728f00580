/* SPDX-License-Identifier: MIT */
/*
 * Opens pipes, sockets, a terminal, files and /dev/null for a start, and works out the moves that put them at their
 * numbers in the child. Owns every descriptor it makes until the wiring is done or its streams are taken by a handle.
 */
#include "wiring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../base/fd.h"
#include "entry.h"

/* The source of a move that is the same as that of another number, until that one is known. */
#define REFERS_TO(number) (-1 - (number))

/* Not said, so 0 to 2 stay as they are. */
static int is_left_alone(const proc_stdio *entry, size_t index)
{
    return entry->kind == PROC_STDIO_DEFAULT && index < 3;
}

static size_t count_wired(const struct request *request)
{
    size_t count = proc__request_entry_count(request), wired = 0;
    for (size_t i = 0; i < count; i++) {
        int number;
        wired += !is_left_alone(proc__request_entry(request, i, &number), i);
    }
    return wired;
}

static int allocate(struct wiring *wiring, size_t count, struct failure *ret_failure)
{
    if (count == 0)
        return 0;
    wiring->moves = calloc(count, sizeof *wiring->moves);
    wiring->ends = calloc(count, sizeof *wiring->ends);
    wiring->streams = calloc(count, sizeof *wiring->streams);
    return wiring->moves && wiring->ends && wiring->streams ? 0 : proc__fail_memory(ret_failure);
}

/* ---- Which numbers there are ---- */

static int compare_numbers(const void *a, const void *b)
{
    int left = ((const struct fd_move *)a)->number, right = ((const struct fd_move *)b)->number;
    return (left > right) - (left < right);
}

static struct fd_move *find(const struct wiring *wiring, int number)
{
    const struct fd_move key = {.number = number};
    if (wiring->move_count == 0)
        return NULL;
    return bsearch(&key, wiring->moves, wiring->move_count, sizeof key, compare_numbers);
}

/* One move for each entry, as yet from the number to itself. 0 to 2 may stay as they are, open or not. */
static void list_moves(struct wiring *wiring, const struct request *request)
{
    for (size_t i = 0; i < proc__request_entry_count(request); i++) {
        int number;
        const proc_stdio *entry = proc__request_entry(request, i, &number);
        if (is_left_alone(entry, i))
            continue;
        int source = entry->kind == PROC_STDIO_SAME_AS ? REFERS_TO(entry->fd) : number;
        wiring->moves[wiring->move_count++] = (struct fd_move){.number = number, .source = source};
    }
    if (wiring->move_count > 1)
        qsort(wiring->moves, wiring->move_count, sizeof *wiring->moves, compare_numbers);
}

/* The source that a number gets in the end, through any chain of SAME_AS; negative if it never gets one. */
static int source_of(const struct wiring *wiring, int number)
{
    for (size_t steps = 0; steps <= wiring->move_count; steps++) {
        const struct fd_move *move = find(wiring, number);
        if (!move)
            return number <= 2 ? number : -1;
        if (move->source >= 0)
            return move->source;
        number = REFERS_TO(move->source);
    }
    return -1;
}

static int check_moves(const struct wiring *wiring, struct failure *ret_failure)
{
    for (size_t i = 0; i < wiring->move_count; i++) {
        int number = wiring->moves[i].number;
        if (i > 0 && number == wiring->moves[i - 1].number)
            return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, number, ".fds: a number twice");
        if (source_of(wiring, number) < 0)
            return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, number,
                              "SAME_AS: the child lacks that one, or they refer to each other");
    }
    return 0;
}

int proc__fail_not_open(struct failure *ret_failure, int number)
{
    proc__fail(ret_failure, PROC_STEP_FDS, EBADF, number, NULL);
    ret_failure->reason = "our descriptor for it is not open";
    return -EBADF;
}

/*
 * A descriptor that the entries name, and that is not open, must not become one of those that we are about to make:
 * these are above 2, so only such numbers are asked about. The child finds the others missing.
 */
int proc__wiring_check(const struct request *request, struct failure *ret_failure)
{
    for (size_t i = 0; i < proc__request_entry_count(request); i++) {
        int number;
        const proc_stdio *entry = proc__request_entry(request, i, &number);
        int is_ours = entry->kind == PROC_STDIO_DEFAULT || entry->kind == PROC_STDIO_INHERIT;
        int names_one = entry->kind == PROC_STDIO_FD || entry->flags & PROC_STDIO_TEE;
        int source = is_ours ? number : names_one ? entry->fd : -1;
        if (source > STDERR_FILENO && !proc__fd_is_open(source))
            return proc__fail_not_open(ret_failure, number);
    }
    return 0;
}

/* dup3(2) says EBADF to both of its numbers. Which numbers there are is a matter of the limit alone. */
void proc__wiring_explain(struct failure *failure)
{
    struct rlimit limit;
    if (failure->code == EBADF && getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)failure->index >= limit.rlim_cur)
        failure->reason = "not below our RLIMIT_NOFILE";
}

/* ---- One entry ---- */

/* What only the child needs: closed here once it has started. */
static void use_end(struct wiring *wiring, int number, int fd)
{
    wiring->ends[wiring->end_count++] = fd;
    find(wiring, number)->source = fd;
}

static struct stream *add_stream(struct wiring *wiring, const proc_stdio *entry, int number, int fd)
{
    struct stream *stream = &wiring->streams[wiring->stream_count++];
    stream->number = number;
    stream->fd = fd;
    proc__transfer_init(&stream->transfer, entry);
    return stream;
}

static int wire_tee(struct stream *stream, const proc_stdio *entry, struct failure *ret_failure)
{
    int rc = entry->flags & PROC_STDIO_TEE ? proc__tee_open(&stream->transfer.tee, entry->fd) : 0;
    if (rc == 0)
        return 0;
    proc__fail(ret_failure, PROC_STEP_FDS, -rc, stream->number, NULL);
    if (rc == -EBADF)
        ret_failure->reason = "the target of TEE is not open for writing";
    return rc;
}

static int wire_pipe(struct wiring *wiring, const proc_stdio *entry, int number, struct failure *ret_failure)
{
    int ends[2];
    int rc = proc__fd_pipe(ends);
    if (rc < 0)
        return proc__fail(ret_failure, PROC_STEP_PIPE, -rc, number, NULL);
    int to_child = proc__entry_to_child(entry, number);
    struct stream *stream = add_stream(wiring, entry, number, ends[to_child ? 1 : 0]);
    stream->to_child = to_child;
    stream->from_child = !to_child;
    use_end(wiring, number, ends[to_child ? 0 : 1]);

    rc = proc__fd_nonblocking(stream->fd);
    if (rc < 0)
        return proc__fail(ret_failure, PROC_STEP_PIPE, -rc, number, NULL);
    return wire_tee(stream, entry, ret_failure);
}

static int wire_socket(struct wiring *wiring, const proc_stdio *entry, int number, struct failure *ret_failure)
{
    int ends[2];
    int rc = proc__fd_socket_pair(ends);
    if (rc < 0)
        return proc__fail(ret_failure, PROC_STEP_PIPE, -rc, number, NULL);
    struct stream *stream = add_stream(wiring, entry, number, ends[0]);
    stream->from_child = stream->to_child = 1;
    use_end(wiring, number, ends[1]);

    rc = proc__fd_nonblocking(stream->fd);
    return rc < 0 ? proc__fail(ret_failure, PROC_STEP_PIPE, -rc, number, NULL) : 0;
}

static int open_terminal(struct wiring *wiring, const proc_stdio *entry, int number, struct failure *ret_failure)
{
    struct pty pty;
    int rc = proc__pty_open(&pty);
    if (rc < 0)
        return proc__fail(ret_failure, PROC_STEP_PTY, -rc, number, NULL);
    wiring->terminal = add_stream(wiring, entry, number, pty.ours);
    wiring->terminal->from_child = wiring->terminal->to_child = 1;
    wiring->terminal_end = pty.theirs;
    use_end(wiring, number, pty.theirs);

    rc = proc__fd_nonblocking(pty.ours);
    if (rc < 0)
        return proc__fail(ret_failure, PROC_STEP_PTY, -rc, number, NULL);
    return wire_tee(wiring->terminal, entry, ret_failure);
}

/* The terminal is one for all of them, and its stream that of the one entry, if there is one, that takes the bytes. */
static int wire_terminal(struct wiring *wiring, const proc_stdio *entry, int number, struct failure *ret_failure)
{
    if (!wiring->terminal)
        return open_terminal(wiring, entry, number, ret_failure);
    find(wiring, number)->source = wiring->terminal_end;
    struct stream *other = &wiring->streams[wiring->stream_count++];
    *other = (struct stream){.number = number, .is_at = wiring->terminal, .fd = -1};
    proc__tee_init(&other->transfer.tee);
    if (entry->kind == PROC_STDIO_PTY)
        return 0;
    other->number = wiring->terminal->number;
    wiring->terminal->number = number;
    proc__transfer_init(&wiring->terminal->transfer, entry);
    return wire_tee(wiring->terminal, entry, ret_failure);
}

static int path_flags(const proc_stdio *entry, int number)
{
    if (entry->flags & PROC_STDIO_EXPLICIT)
        return entry->open_flags;
    if (entry->flags & PROC_STDIO_APPEND)
        return O_WRONLY | O_CREAT | O_APPEND;
    return number == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
}

static int wire_path(struct wiring *wiring, const proc_stdio *entry, int number, struct failure *ret_failure)
{
    int fd = proc__fd_open(entry->path, path_flags(entry, number), entry->mode ? entry->mode : 0666);
    if (fd < 0)
        return proc__fail(ret_failure, PROC_STEP_OPEN, -fd, number, entry->path);
    use_end(wiring, number, fd);
    return 0;
}

static int wire_null(struct wiring *wiring, int number, struct failure *ret_failure)
{
    static const char path[] = "/dev/null";
    if (wiring->null_fd < 0) {
        int fd = proc__fd_open(path, O_RDWR, 0);
        if (fd < 0)
            return proc__fail(ret_failure, PROC_STEP_OPEN, -fd, number, path);
        wiring->null_fd = fd;
    }
    find(wiring, number)->source = wiring->null_fd;
    return 0;
}

static int wire(struct wiring *wiring, const proc_stdio *entry, int number, struct failure *ret_failure)
{
    if (proc__entry_on_terminal(entry))
        return wire_terminal(wiring, entry, number, ret_failure);
    switch (entry->kind) {
    case PROC_STDIO_DEFAULT:
    case PROC_STDIO_INHERIT:
    case PROC_STDIO_SAME_AS: return 0;
    case PROC_STDIO_NULL: return wire_null(wiring, number, ret_failure);
    case PROC_STDIO_FD: find(wiring, number)->source = entry->fd; return 0;
    case PROC_STDIO_PATH: return wire_path(wiring, entry, number, ret_failure);
    case PROC_STDIO_SOCKET: return wire_socket(wiring, entry, number, ret_failure);
    default: return wire_pipe(wiring, entry, number, ret_failure);
    }
}

static int wire_all(struct wiring *wiring, const struct request *request, struct failure *ret_failure)
{
    for (size_t i = 0; i < proc__request_entry_count(request); i++) {
        int number;
        const proc_stdio *entry = proc__request_entry(request, i, &number);
        int rc = wire(wiring, entry, number, ret_failure);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- All together ---- */

static void resolve_references(struct wiring *wiring)
{
    for (size_t i = 0; i < wiring->move_count; i++)
        wiring->moves[i].source = source_of(wiring, wiring->moves[i].number);
}

/* A source is in danger if it is the number of another move, unless that one leaves it in place. */
static void mark_lifts(struct wiring *wiring)
{
    for (size_t i = 0; i < wiring->move_count; i++) {
        struct fd_move *move = &wiring->moves[i];
        const struct fd_move *danger = move->source == move->number ? NULL : find(wiring, move->source);
        move->lift = danger && danger->source != danger->number;
    }
}

int proc__wiring_make(struct wiring *ret_wiring, const struct request *request, struct failure *ret_failure)
{
    struct wiring *wiring = ret_wiring;
    *wiring = (struct wiring)NO_WIRING;
    int rc = allocate(wiring, count_wired(request), ret_failure);
    if (rc < 0)
        return rc;
    list_moves(wiring, request);
    rc = check_moves(wiring, ret_failure);
    if (rc == 0)
        rc = wire_all(wiring, request, ret_failure);
    if (rc < 0)
        return rc;
    resolve_references(wiring);
    mark_lifts(wiring);
    return 0;
}

int proc__wiring_source(const struct wiring *wiring, int number)
{
    return find(wiring, number)->source;
}

struct pty proc__wiring_pty(const struct wiring *wiring)
{
    return (struct pty){wiring->terminal ? wiring->terminal->fd : -1, wiring->terminal_end};
}

void proc__wiring_close_ends(struct wiring *wiring)
{
    for (size_t i = 0; i < wiring->end_count; i++)
        proc__fd_close(&wiring->ends[i]);
    wiring->end_count = 0;
    proc__fd_close(&wiring->null_fd);
}

void proc__wiring_done(struct wiring *wiring)
{
    proc__wiring_close_ends(wiring);
    for (size_t i = 0; wiring->streams && i < wiring->stream_count; i++) {
        proc__fd_close(&wiring->streams[i].fd);
        proc__transfer_done(&wiring->streams[i].transfer);
    }
    free(wiring->streams);
    free(wiring->ends);
    free(wiring->moves);
}
