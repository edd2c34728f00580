/* SPDX-License-Identifier: MIT */
/*
 * The parts of a daemon's start, for the files of this folder. Three processes share what is here, each with its own
 * copy after a fork: the launcher, the watcher, the daemon. Each part has a file of its own, daemon_*.c.
 */
#ifndef PROC_LIB_SERVICE_DAEMON_H
#define PROC_LIB_SERVICE_DAEMON_H

#include "../base/system.h"

#include <proc/daemon.h>
#include <proc/notify.h>

#include "../base/error.h"
#include "../child/prepare.h"

/* What lives on in the daemon. */
struct proc_daemon {
    int owner;     /* the process that may speak: a forked copy is another one */
    int line;      /* to the watcher; -1: told, or nobody is there */
    int err;       /* what standard error shall become; -1 = it is so already */
    int stays;     /* 1: nothing was forked, a supervisor is told */
    int notify_fd; /* of that supervisor; -1 = none */
    int told;
    proc_lock *lock;
};

/* A start on its way. */
struct launch {
    const char *verb, *thing; /* for texts */
    proc_daemon_options options;
    proc_options program; /* all that a plan is made of */
    const char *const *argv;
    proc_ids ids;
    int spawns; /* 1: the daemon executes argv */
    int stays;  /* 1: nothing is forked */
    int changed; /* PROC_CHANGED_...: it has failed, and this could not be undone */
    size_t keep_count;
    proc_slot *slots;    /* spawns: what stays open, and the lock */
    const char **edits;  /* spawns: of the environment */
    int *kept;           /* room for all that the daemon keeps */
    proc_daemon *daemon; /* made beforehand, so that nothing can be lacking later */
    proc_notify_server *server; /* PROC_DAEMON_NOTIFY */
    struct prepared ready;
    int is_prepared;
    int to_launcher[2], to_watcher[2]; /* pipes of words */
};

/* ---- Words: what goes through the pipes, each in one piece. daemon_word.c ---- */

enum { WORD_STARTED = 1, WORD_STATUS, WORD_READY, WORD_FAILED, WORD_ENDED };

struct daemon_word {
    int32_t kind;
    int32_t code; /* FAILED: what the launcher shall exit with */
    int32_t pid;  /* of the daemon */
    int32_t reserved0;
    proc_exit exit;   /* ENDED */
    proc_error error; /* FAILED; STATUS: the text alone, printable */
};

/* Without SIGPIPE. 1; 0: nobody reads any more; or a negative errno. */
int proc__word_send(int fd, const struct daemon_word *word);
/* 1; 0: the other side is gone; or a negative errno, of which -EAGAIN: nothing is there yet. */
int proc__word_read(int fd, struct daemon_word *ret_word);
/* The word for a failure. */
struct daemon_word proc__word_failed(const struct launch *launch, const struct failure *failure);

/* ---- Making ready, in the launcher: daemon_options.c, daemon_prepare.c ---- */

/* Takes over and checks what the caller asks for. 0 or a negative errno, with the failure. */
int proc__daemon_take(struct launch *launch, const proc_options *program, const proc_daemon_options *options,
                      struct failure *failure);
/* Takes the lock and opens and makes all that will be needed. As above; the report says who is in the way. */
int proc__daemon_prepare(struct launch *launch, proc_daemon_report *report, struct failure *failure);
/* Gives back what is left. The lock: only closed if the daemon may still be on its way to it. */
void proc__daemon_discard(struct launch *launch);

/* ---- The start ---- */

/*
 * Forks. 0: this is the daemon, which is to settle; 1 or a negative errno: this is the launcher, and the report tells
 * the outcome. daemon_launch.c
 */
int proc__daemon_launch(struct launch *launch, proc_daemon_report *report);
/* The watcher's life. Returns in the daemon. daemon_watch.c */
void proc__daemon_watch(struct launch *launch);
/* The daemon's own steps, with failures told to the launcher; does not return if one fails. daemon_settle.c */
void proc__daemon_settle(struct launch *launch);
/* Becomes the program. Does not return. */
_Noreturn void proc__daemon_become(struct launch *launch);
/* The steps without a fork. 0 or a negative errno, with the failure, and all as before, or `changed`. */
int proc__daemon_stay(struct launch *launch, struct failure *failure);

#endif
