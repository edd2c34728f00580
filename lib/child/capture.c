/* SPDX-License-Identifier: MIT */
/*
 * The memory of a CAPTURE entry. Grows geometrically while it may; then it either sends everything to a spare buffer
 * (the first bytes are kept) or goes round as a ring (the last ones are). Owns its two blocks of memory.
 */
#include "capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT ((size_t)64 << 20)
/* Enough for the many programs that print a few lines, without touching the heap's large end. */
#define FIRST_CAPACITY ((size_t)4096)
#define SPARE_SIZE ((size_t)64 << 10)
/* A ring for ten bytes would read ten bytes at a time; a larger one costs nothing and keeps the last ten as well. */
#define SMALLEST_RING ((size_t)64 << 10)
#define LARGEST ((size_t)PTRDIFF_MAX - 1)

static const char nothing[1] = "";

char *proc__capture_nothing(void)
{
    return (char *)(uintptr_t)nothing;
}

void proc__capture_free(char *data)
{
    if (data != nothing)
        free(data);
}

void proc__capture_init(struct capture *capture, size_t limit, int tail)
{
    *capture = (struct capture){.limit = limit ? limit : DEFAULT_LIMIT, .tail = tail};
    if (capture->limit > LARGEST)
        capture->limit = LARGEST;
    capture->most = capture->limit;
    if (tail && capture->most < SMALLEST_RING)
        capture->most = SMALLEST_RING;
}

void proc__capture_done(struct capture *capture)
{
    free(capture->data);
    free(capture->spare);
    capture->data = capture->spare = NULL;
    capture->len = capture->capacity = capture->oldest = 0;
}

/* A failure ends the growing for good: what is there is kept, and goes on to be used. */
static void grow(struct capture *capture)
{
    size_t capacity = capture->capacity < capture->most / 2 ? capture->capacity * 2 : capture->most;
    if (capacity < FIRST_CAPACITY)
        capacity = FIRST_CAPACITY < capture->most ? FIRST_CAPACITY : capture->most;
    char *data = realloc(capture->data, capacity + 1);
    if (!data) {
        capture->error = -ENOMEM;
        capture->most = capture->capacity;
        return;
    }
    capture->data = data;
    capture->capacity = capacity;
}

static int is_ring(const struct capture *capture)
{
    return capture->tail && capture->capacity > 0 && capture->len == capture->capacity;
}

static char *spare_room(struct capture *capture, size_t *ret_room)
{
    if (!capture->spare)
        capture->spare = malloc(SPARE_SIZE);
    *ret_room = capture->spare ? SPARE_SIZE : sizeof capture->few;
    return capture->spare ? capture->spare : capture->few;
}

char *proc__capture_room(struct capture *capture, size_t *ret_room)
{
    if (capture->len == capture->capacity && capture->capacity < capture->most)
        grow(capture);
    if (capture->len < capture->capacity) {
        *ret_room = capture->capacity - capture->len;
        return capture->data + capture->len;
    }
    if (is_ring(capture)) {
        *ret_room = capture->capacity - capture->oldest;
        return capture->data + capture->oldest;
    }
    return spare_room(capture, ret_room);
}

void proc__capture_add(struct capture *capture, size_t count)
{
    if (capture->len < capture->capacity)
        capture->len += count;
    else if (is_ring(capture))
        capture->oldest = (capture->oldest + count) % capture->capacity;
}

static void swap_bytes(char *a, char *b, size_t count)
{
    char held[512];
    while (count > 0) {
        size_t part = count < sizeof held ? count : sizeof held;
        memcpy(held, a, part);
        memcpy(a, b, part);
        memcpy(b, held, part);
        a += part;
        b += part;
        count -= part;
    }
}

/*
 * In place, since there may be no second block of that size: each round puts the shorter part's worth of bytes where
 * they belong, and goes on with the rest.
 */
static void rotate_left(char *data, size_t len, size_t by)
{
    while (by > 0 && by < len) {
        size_t rest = len - by;
        size_t placed = by < rest ? by : rest;
        swap_bytes(data, data + by, placed);
        data += placed;
        len -= placed;
        if (by > rest)
            by -= rest;
    }
}

/* Brings the ring into order and keeps its last `limit` bytes. */
static void straighten(struct capture *capture)
{
    rotate_left(capture->data, capture->len, capture->oldest);
    capture->oldest = 0;
    if (capture->len > capture->limit) {
        memmove(capture->data, capture->data + (capture->len - capture->limit), capture->limit);
        capture->len = capture->limit;
    }
}

char *proc__capture_take(struct capture *capture, size_t *ret_len)
{
    char *data = proc__capture_nothing();
    *ret_len = 0;
    if (capture->len > 0) {
        straighten(capture);
        data = capture->data;
        data[capture->len] = '\0';
        *ret_len = capture->len;
        char *fitting = realloc(data, capture->len + 1);
        if (fitting)
            data = fitting;
        capture->data = NULL;
    }
    proc__capture_done(capture);
    return data;
}
