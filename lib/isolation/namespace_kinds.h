/* SPDX-License-Identifier: MIT */
/* The kinds of namespaces: our bit for each, the kernel's flag, and the name of its file in /proc/<pid>/ns. */
#ifndef PROC_LIB_ISOLATION_NAMESPACE_KINDS_H
#define PROC_LIB_ISOLATION_NAMESPACE_KINDS_H

#include "../base/system.h"

#include <proc/namespace.h>

#define ALL_NAMESPACES 0xffu

struct namespace_kind {
    uint32_t bit; /* PROC_NS_... */
    unsigned flag; /* CLONE_NEW... */
    const char *file; /* "ns/net" */
};

/* In the order in which they are made or entered: users first, for the others are owned by them. */
extern const struct namespace_kind proc__namespace_kinds[];
#define NAMESPACE_KINDS 8

/* CLONE_NEW... of all these bits. */
unsigned proc__namespace_flags(uint32_t bits);
/* "net" for that bit; "" for what is not just one. */
const char *proc__namespace_name(uint32_t bit);

#endif
