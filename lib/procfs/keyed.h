/* SPDX-License-Identifier: MIT */
/* Files of lines "key: number", told by a table. */
#ifndef PROC_LIB_PROCFS_KEYED_H
#define PROC_LIB_PROCFS_KEYED_H

#include "../base/system.h"

#include <proc/base.h>

enum keyed_form {
    KEYED_U64,
    KEYED_I64,
    KEYED_I32,
    KEYED_OCTAL, /* uint32_t */
    KEYED_HEX,   /* uint64_t */
    KEYED_KB     /* a number and " kB", uint64_t */
};

struct keyed {
    const char *key;
    uint16_t offset; /* of its member in the record */
    uint8_t form;    /* enum keyed_form */
    uint8_t number;  /* of its bit */
};

/* All of a record, whose first member are the bits of its keys: uint64_t present. */
struct keyed_record {
    size_t size;
    const struct keyed *rows;
    size_t count;
};
#define KEYED_RECORD(type, rows) {sizeof(type), (rows), sizeof(rows) / sizeof(rows)[0]}

/*
 * Fills a whole record from a text. Of equal lines the first counts; lines of other keys, and a last one without line
 * feed, are passed over. How many keys have a good value, or -EINVAL.
 */
int proc__keyed_parse(const char *text, size_t len, const struct keyed_record *shape, void *ret_record);

/* The same from a file of the target's directory. 0, or an error as proc__record_read() has them. */
int proc__keyed_read(const proc_target *target, const char *file, const struct keyed_record *shape, void *ret_record);

#endif
