/* SPDX-License-Identifier: MIT */
/*
 * The parts of a PID file lock, for the files of this folder: where its file is, which locks are on it, what it says,
 * who that is, and how to wait for a change. Each part has a file of its own, lock_*.c.
 */
#ifndef PROC_LIB_SERVICE_LOCK_H
#define PROC_LIB_SERVICE_LOCK_H

#include "../base/system.h"

#include <errno.h>
#include <poll.h>
#include <sys/types.h>

#include <proc/lock.h>

#include "../base/clock.h"
#include "../base/error.h"

#define LOCK_KINDS (PROC_LOCK_OFD | PROC_LOCK_FLOCK | PROC_LOCK_FCNTL)

/* ---- The file: lock_file.c ---- */

/* A directory and a name in it, so that no chdir(2) and no turned link on the way changes what is meant. */
struct lock_place {
    int dir;          /* an O_PATH descriptor; -1 = none */
    const char *name; /* the end of the path that was given */
};

/* An open file, and what it is. */
struct lock_file {
    int fd; /* -1 = none */
    dev_t device;
    ino_t inode;
    mode_t mode;
    uid_t owner;
    off_t size;
};

/* Opens the directory of a path that starts at `at`. 0, or a negative errno; -EINVAL: there is no name at its end. */
int proc__lock_find(int at, const char *path, struct lock_place *ret_place);
/*
 * Opens the file to lock it, and makes it if need be; or only to read it: -ENOENT then. 0, -ESTALE: it vanished while
 * it was opened, or a negative errno, for one that is not to be trusted with its reason in words.
 */
int proc__lock_open(const struct lock_place *place, unsigned mode, struct lock_file *ret_file, const char **ret_reason);
int proc__lock_open_to_read(const struct lock_place *place, struct lock_file *ret_file, const char **ret_reason);
/* Takes down what an open file is, and whether it is to be trusted; as above. */
int proc__lock_inspect(int fd, struct lock_file *ret_file, const char **ret_reason);
/* 1: the place still leads to that file. */
int proc__lock_in_place(const struct lock_place *place, const struct lock_file *file);
/* The same, and takes down what it has become: before it was locked, others have written into it. */
int proc__lock_refresh(const struct lock_place *place, struct lock_file *file);

/* ---- The locks: lock_kinds.c ---- */

/* Takes the locks, one after the other and at once, or confirms that they are ours. 0, -EAGAIN, or a negative errno. */
int proc__lock_take(int fd, unsigned kinds);
/* Gives up what a take got before it failed. For a descriptor that nobody shares yet. */
void proc__lock_drop(int fd, unsigned kinds);

/* What is seen of a lock without touching it. */
struct lock_sight {
    int state;      /* PROC_LOCK_FREE, HELD, UNSEEN */
    unsigned kinds; /* PROC_LOCK_... */
    int pid;        /* who took it, as the kernel tells: sure for FCNTL, and perhaps gone for FLOCK; 0 = untold */
};

/* 0; or -EMFILE, -ENFILE, -ENOMEM, for want of ours. */
int proc__lock_look(const struct lock_file *file, struct lock_sight *ret_sight);

/* ---- As the kernel lists them: lock_list.c ---- */

/* What /proc/locks tells, for a file that no call has told a lock of. As above. */
int proc__lock_look_at_list(const struct lock_file *file, struct lock_sight *sight);
/* Which locks our own descriptor of the file holds. Kinds; or a negative errno: it cannot be told. */
int proc__lock_kinds_of_ours(const struct lock_file *file);
/* 1: a descriptor of that process holds a lock on the file; 0: none does; or a negative errno: denied, say. */
int proc__lock_is_held_by(int pid, const struct lock_file *file);
/* The descriptors of a process, in memory that the caller frees. How many, or a negative errno. */
int64_t proc__lock_list_fds(const proc_target *target, int **ret_fds);

/* ---- What it says: lock_record.c ---- */

enum lock_content {
    LOCK_EMPTY,   /* nothing is written yet */
    LOCK_GARBAGE, /* the first line is no pid */
    LOCK_NAMES    /* a pid, and perhaps more */
};

#define LOCK_BOOT_SIZE 40 /* a UUID */

struct lock_record {
    int pid;
    uint64_t start_ticks; /* 0 where it is not told, as all below */
    uint64_t inode;       /* of the pidfd */
    char boot[LOCK_BOOT_SIZE];
    char host[sizeof((proc_holder *)0)->host];
};

/* What a text tells. Pure. */
enum lock_content proc__lock_parse(const char *text, size_t len, struct lock_record *ret_record);
/* What the file tells, an enum lock_content; or a negative errno: it cannot be read. */
int proc__lock_read(int fd, struct lock_record *ret_record);
/*
 * Writes who we are, of which the caller knows the pid; empties the file first if there is something in it. 0 or a
 * negative errno: the file is empty.
 */
int proc__lock_write(int fd, int pid, unsigned flags, int is_empty);
/* Takes out all that stands in it. 0 or a negative errno. */
int proc__lock_empty(int fd);
/* The boot and the host that we are on, "" where that cannot be told. 0; or -EMFILE, -ENFILE, -ENOMEM. */
int proc__lock_here(struct lock_record *record);

/* ---- Who that is: lock_query.c ---- */

/* Who holds the lock on an open file. 0 or a negative errno. */
int proc__lock_holder(const struct lock_file *file, proc_holder *ret_holder);

/* ---- Waiting: lock_wait.c ---- */

struct lock_wait {
    int inotify;            /* on the file; -1: none, or none to be had */
    int pidfd;              /* of the holder; -1: unknown, or ended */
    int cancel;             /* -1: none */
    int pause_ms;           /* until the next try without a sign */
    int deaf;               /* 1: the last sign was in vain, none is listened to for one pause */
    int cancellable;        /* the thread's state: it is cancelled in a pause, and nowhere else */
    struct pollfd signs[3]; /* not in a frame that a cancelled thread jumps out of: the sanitizers lose it then */
};

/* From here to its end the thread is cancelled in a wait only. */
void proc__lock_wait_begin(struct lock_wait *wait, int cancel);
/* From now on the file is listened to, instead of any other. */
void proc__lock_wait_for(struct lock_wait *wait, const struct lock_file *file);
/* Waits for a sign, a pause, or that moment. 0 or -ECANCELED. */
int proc__lock_wait(struct lock_wait *wait, deadline until);
void proc__lock_wait_done(struct lock_wait *wait);

#endif
