/* SPDX-License-Identifier: MIT */
/* Gathers numbers, from a directory by getdents64(2): no stream, one array. */
#include "listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "target.h"

#define FIRST_CAPACITY 64

/* What getdents64(2) writes; libc's own struct need not be that one. */
struct record {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

int proc__listing_add(struct listing *listing, int number)
{
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity > 0 ? listing->capacity * 2 : FIRST_CAPACITY;
        int *numbers = realloc(listing->numbers, capacity * sizeof *numbers);
        if (!numbers)
            return -ENOMEM;
        listing->numbers = numbers;
        listing->capacity = capacity;
    }
    listing->numbers[listing->count++] = number;
    return 0;
}

static int take_name(struct listing *listing, const char *name)
{
    int32_t number;
    const char *behind = digit_of(*name) <= 9 ? take_i32(name, &number) : NULL;
    return behind && *behind == '\0' ? proc__listing_add(listing, number) : 0;
}

static int take_records(struct listing *listing, const char *bytes, size_t len)
{
    int rc = 0;
    for (size_t at = 0; at < len && rc == 0;) {
        uint16_t size;
        memcpy(&size, bytes + at + offsetof(struct record, size), sizeof size);
        rc = take_name(listing, bytes + at + offsetof(struct record, name));
        at += size;
    }
    return rc;
}

int proc__listing_take_directory(struct listing *listing, int dir)
{
    char bytes[8192] __attribute__((aligned(8)));
    for (;;) {
        long len = proc__syscall(SYS_getdents64, dir, (long)bytes, sizeof bytes, 0, 0, 0);
        if (len <= 0)
            return len < 0 ? proc__target_error((int)len) : 0;
        int rc = take_records(listing, bytes, (size_t)len);
        if (rc < 0)
            return rc;
    }
}

void proc__listing_leave_out(struct listing *listing, int number)
{
    size_t kept = 0;
    for (size_t i = 0; i < listing->count; i++)
        if (listing->numbers[i] != number)
            listing->numbers[kept++] = listing->numbers[i];
    listing->count = kept;
}

void proc__listing_done(struct listing *listing)
{
    free(listing->numbers);
    *listing = (struct listing){0};
}

int64_t proc__listing_give(struct listing *listing, int rc, int *ret_numbers, size_t capacity)
{
    int64_t count = (int64_t)listing->count;
    size_t given = listing->count < capacity ? listing->count : capacity;
    if (rc == 0 && given > 0)
        memcpy(ret_numbers, listing->numbers, given * sizeof *ret_numbers);
    proc__listing_done(listing);
    return rc < 0 ? rc : count;
}
