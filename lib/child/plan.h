/* SPDX-License-Identifier: MIT */
/*
 * The plan: all that the new process needs between its birth and execve(2), made ready by the parent so that the child
 * side neither allocates nor decides. Everything in it is borrowed.
 */
#ifndef PROC_LIB_CHILD_PLAN_H
#define PROC_LIB_CHILD_PLAN_H

#include "../base/system.h"

#include "../base/clone.h"
#include "../base/sigmask.h"
#include "../base/step.h"

/* One descriptor of the child: `number` becomes what `source` is in the parent. */
struct fd_move {
    int number;
    int source;
    int lift; /* 1: another move overwrites `source`, so a copy is put aside first */
};

/* What goes on where no program is executed. Does not return. */
typedef void forked_body(void *arg);

/* Beside the moves: 0 to 2, and what the steps need. */
#define PLAN_KEPT 8

/* The place of the path in script_argv, behind the shell and "--". */
#define SCRIPT_PATH 2

/* What a report of PROC_STEP_EXEC says instead of the index of a path, where the only one names no file. */
#define PATH_NOT_THERE (-1)

struct plan {
    const char *const *paths; /* what to execute: the first that can be; ended by NULL */
    const char *const *argv;
    const char *const *env;
    int searched;             /* 1: the paths come from a search list, so "not found" is about the name */
    int program_fd;           /* to execute instead of the paths; -1 = none */
    int program_number;       /* what it is in the child; -1 = nothing */
    const char **script_argv; /* for a file without a format: at SCRIPT_PATH its path belongs; NULL = none */
    char *listen_pid;         /* in env, where its pid belongs; NULL = nowhere */

    int new_session, new_group;
    int join_group;  /* -1 = none */
    const char *cwd; /* NULL = none */
    int cwd_fd;      /* -1 = none */
    int umask;       /* -1 = as it is */

    struct fd_move *moves; /* sorted by number, each number once */
    size_t move_count;
    int inherit_fds;

    int change_groups; /* 1: to groups[0..group_count) */
    const uint32_t *groups;
    size_t group_count;
    const uint32_t *uid, *gid; /* NULL = as they are */

    /* NULL = nothing of the kind */
    const struct terminal *terminal;
    const struct scheduling *scheduling;
    const struct limits *limits;
    const struct namespaces *namespaces;
    const struct sandbox *sandbox;

    int parent;    /* the pid to die with; 0 = none */
    int is_orphan; /* 1: it is to be no child of ours */

    struct sigmask mask;
    uint64_t ignore, reset; /* sets of signals */

    /* Functions of the caller's: they need a copy made by fork(2). */
    struct hook *hook;  /* on the way; NULL = none */
    forked_body *stays; /* instead of a program; NULL = a program is executed */
    void *arg;          /* of that */
    int *kept;          /* for that: room for PLAN_KEPT + move_count descriptors */
};

/* 1: the last steps are taken under a filter of system calls that may answer as it likes. */
int proc__plan_has_filter(const struct plan *plan);

/*
 * Carries out the plan, once. Returns only if a step fails, or with step 0 if the plan is one that stays. born: of
 * BORN_..., what is done already. *report_fd: a descriptor to keep clear of, moved if need be; or -1.
 */
struct report proc__child_side(const struct plan *plan, int born, int *report_fd);

/*
 * Of a new process that has left the plan without a word, and was not made by fork(2). Killed by its filter on the way
 * to its program: not a start, although no step has failed. Else it was executed, step 0, or somebody has killed it,
 * which may happen to a program at any time.
 */
struct report proc__judge_silence(const struct plan *plan, int pidfd);

/* The steps of it that are not about a new program: all up to the ids. Step 0: done. */
struct report proc__child_settle(const struct plan *plan, int *report_fd);

/* Carries out the plan in a new process. 0; or a negative errno, *ret_report tells where, and nothing is left. */
int proc__start(const struct plan *plan, enum memory memory, int *ret_pid, int *ret_pidfd, struct report *ret_report);

#endif
