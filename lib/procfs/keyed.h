/* SPDX-License-Identifier: MIT */
/* Files of lines "key: number", told by a table. Pure. */
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

/*
 * Fills the members of the known keys, and returns the bits of those with a good value. Of equal lines the first
 * counts; lines of other keys, and a last one without line feed, are passed over.
 */
uint64_t proc__keyed_take(const char *text, size_t len, const struct keyed *rows, size_t count, void *record);

#endif
