/* SPDX-License-Identifier: MIT */
/* The one table of the keys of /proc/<pid>/status: how each is spelled, what its value looks like, where it goes. */
#ifndef PROC_LIB_PROCFS_STATUS_KEYS_H
#define PROC_LIB_PROCFS_STATUS_KEYS_H

#include "../base/system.h"

#include <proc/status.h>

/* What a value looks like, and so the type of its member. */
enum form {
    FORM_NAME,            /* raw bytes, '\n' and '\\' escaped           name, name_len */
    FORM_STATE,           /* a letter, and its word in parentheses      char */
    FORM_OCTAL,           /* 0022                                       uint32_t */
    FORM_PID,             /* an id, perhaps negative                    int32_t */
    FORM_IDS,             /* four user or group ids                     uint32_t[4] */
    FORM_COUNT,           /*                                            uint32_t */
    FORM_LONG,            /*                                            uint64_t */
    FORM_KB,              /* "    1234 kB"                              uint64_t */
    FORM_PLAIN_KB,        /* the same, not padded                       uint64_t */
    FORM_BYTES,           /* "    1234 bytes"                           uint64_t */
    FORM_PERCENT,         /* "78%"                                      uint64_t */
    FORM_GROUPS,          /* any number of group ids                    proc_span, group_count */
    FORM_NAMESPACES,      /* an id for each pid namespace               int32_t[PROC_NS_DEPTH], ns_depth */
    FORM_ADDRESS,         /* 0x and hexadecimal                         uint64_t */
    FORM_CAPS,            /* 8 or 16 hexadecimal digits                 uint64_t, cap_bits */
    FORM_SIGNALS,         /* 16 or 32 hexadecimal digits                uint64_t[2], signal_bits */
    FORM_QUEUE,           /* 3/1234                                     sigq_queued, sigq_limit */
    FORM_STORE_BYPASS,    /* words                                      proc_span, store_bypass */
    FORM_INDIRECT_BRANCH, /* words                                      proc_span, indirect_branch */
    FORM_FEATURES,        /* "shstk wrss "                              uint32_t */
    FORM_TEXT             /* all of the line                            proc_span */
};

struct key {
    char name[28];   /* "VmRSS" */
    uint8_t len;     /* bytes of name */
    uint8_t number;  /* PROC_KEY_... */
    uint8_t form;    /* enum form */
    uint8_t size;    /* of its member in proc_status */
    uint16_t offset; /* of that member */
};

/* In the order in which kernels print them, those of other times and machines where they stood. */
extern const struct key proc__status_keys[PROC_KEY_COUNT];

/* The member of a record that a key's value goes to. */
static inline void *proc__status_member(const struct key *key, proc_status *status)
{
    return (char *)status + key->offset;
}

/* The kernel's words for a PROC_SPECULATION_... of that form, and back; NULL and OTHER_TEXT if there is none. */
const char *proc__speculation_words(enum form form, uint32_t kind);
uint32_t proc__speculation_kind(enum form form, proc_span words);

/* Every version of a record has at least the name and what stands before it. */
#define PROC__STATUS_SIZE_MIN offsetof(proc_status, umask)

/* Hands a whole record over to a caller whose own has that size, and leaves out in it what does not fit. */
void proc__status_give(proc_status *whole, size_t size, proc_status *ret_status);

#endif
