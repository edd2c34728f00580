/* SPDX-License-Identifier: MIT */
/*
 * Who holds a lock. The kernel's word comes first; what the file says counts only if the process that it names is the
 * one that wrote it. Takes no lock, ever; keeps nothing.
 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include <proc/procfs.h>

#include "../base/fd.h"
#include "lock_view.h"

/* ---- Is it him? ---- */

/* 0: a zombie, which has left all its descriptors: who has the lock is a child of it; 1: not so; or a want of ours. */
static int is_alive(int pid)
{
    proc_stat stat;
    int rc = proc_stat_read(PROC_PID(pid), &stat);
    if (rc < 0)
        return proc__is_want_of_ours(rc) ? rc : rc != -ESRCH;
    /* A leader whose other threads live on looks the same, but for their number. */
    return stat.state != 'Z' || stat.threads > 1;
}

/* 1: it may well be, or nobody can tell; 0: it is not; or a want of ours. */
static int is_same_process(const proc_holder *holder)
{
    proc_identity now;
    int rc = proc_identity_get(PROC_PID(holder->pid), &now);
    if (rc == 0)
        return proc_identity_same(&holder->identity, &now) ? is_alive(holder->pid) : 0;
    return proc__is_want_of_ours(rc) ? rc : rc == -ENODEV;
}

/* A file that holds nothing but a pid is believed, unless we can see that this process does not have the lock. */
static int is_plausible(int pid, const struct lock_file *file)
{
    int rc = proc__lock_is_held_by(pid, file);
    return proc__is_want_of_ours(rc) ? rc : rc != 0;
}

/* ---- What the file says ---- */

static void take_details(const struct lock_record *record, proc_holder *holder)
{
    holder->pid = record->pid;
    memcpy(holder->host, record->host, sizeof holder->host);
    if (record->start_ticks)
        holder->identity = (proc_identity){record->pid, 0, record->start_ticks, record->inode, {0}};
}

static void forget_details(proc_holder *holder)
{
    holder->pid = 0;
    holder->foreign = 0;
    holder->host[0] = '\0';
    holder->identity = (proc_identity){0};
}

/* Written on another machine, or before this one was booted: then by somebody who is no more. */
static int place_in_the_world(const struct lock_record *record, proc_holder *holder)
{
    struct lock_record here = {0};
    int rc = proc__lock_here(&here);
    if (rc < 0 || !record->boot[0] || !here.boot[0] || strcmp(record->boot, here.boot) == 0)
        return rc;
    if (strcmp(record->host, here.host) == 0)
        forget_details(holder);
    else
        holder->foreign = 1;
    return 0;
}

static int believe(const struct lock_record *record, const struct lock_file *file, proc_holder *holder)
{
    take_details(record, holder);
    int rc = place_in_the_world(record, holder);
    if (rc < 0 || holder->foreign || holder->pid == 0)
        return rc;
    rc = holder->identity.pid ? is_same_process(holder) : is_plausible(holder->pid, file);
    if (rc == 0)
        forget_details(holder);
    return rc < 0 ? rc : 0;
}

/* ---- Both together ---- */

/* Of a record lock the kernel is sure. */
static int is_contradicted(const struct lock_sight *sight, const struct lock_record *record)
{
    return (sight->kinds & PROC_LOCK_FCNTL) && sight->pid > 0 && sight->pid != record->pid;
}

/* The kernel knows who took a flock(2), but he may have passed it on and gone. */
static int is_taker_known(const struct lock_sight *sight, const struct lock_file *file)
{
    return sight->pid > 0 && ((sight->kinds & PROC_LOCK_FCNTL) || proc__lock_is_held_by(sight->pid, file) == 1);
}

static int look_into(const struct lock_file *file, const struct lock_sight *sight, proc_holder *holder)
{
    struct lock_record record;
    int content = proc__lock_read(file->fd, &record);
    int rc = content == LOCK_NAMES && !is_contradicted(sight, &record) ? believe(&record, file, holder) : content;
    if (rc < 0)
        return rc;
    if (holder->pid == 0 && is_taker_known(sight, file))
        holder->pid = sight->pid;
    holder->starting = content == LOCK_EMPTY && holder->pid == 0;
    return 0;
}

int proc__lock_holder(const struct lock_file *file, proc_holder *ret_holder)
{
    struct lock_sight sight;
    int rc = proc__lock_look(file, &sight);
    proc_holder holder = {.state = sight.state, .kinds = sight.kinds};
    if (rc == 0 && sight.state == PROC_LOCK_HELD)
        rc = look_into(file, &sight, &holder);
    if (rc == 0)
        *ret_holder = holder;
    return rc;
}

/* ---- A file that is looked at more than once ---- */

#define VIEW_TRIES 16

int proc__view_open(struct lock_view *view, const char *path, const int *dir_fd)
{
    *view = (struct lock_view){.place = {.dir = -1}, .file = {.fd = -1}};
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &view->cancellable);
    int rc = proc__lock_find(dir_fd ? *dir_fd : AT_FDCWD, path, &view->place);
    if (rc < 0)
        proc__view_done(view);
    return rc;
}

void proc__view_done(struct lock_view *view)
{
    proc__fd_close(&view->file.fd);
    proc__fd_close(&view->place.dir);
    pthread_setcancelstate(view->cancellable, NULL);
}

/* The file that is there now. 0 or a negative errno, -ENOENT: none. */
static int catch_up(struct lock_view *view)
{
    const char *reason;
    if (view->file.fd >= 0 && proc__lock_in_place(&view->place, &view->file))
        return 0;
    proc__fd_close(&view->file.fd);
    return proc__lock_open_to_read(&view->place, &view->file, &reason);
}

int proc__view_look(struct lock_view *view, proc_holder *ret_holder)
{
    proc_holder holder = {0};
    int rc = -ESTALE;
    for (int i = 0; rc == -ESTALE && i < VIEW_TRIES; i++) {
        rc = catch_up(view);
        if (rc == 0)
            rc = proc__lock_holder(&view->file, &holder);
        if (rc == 0 && !proc__lock_in_place(&view->place, &view->file))
            rc = -ESTALE;
    }
    /* Replaced again and again: nobody has it for long. */
    if (rc == -ENOENT || rc == -ESTALE)
        holder = (proc_holder){0};
    else if (rc < 0)
        return rc;
    *ret_holder = holder;
    return 0;
}

int proc_lock_query(const char *path, const int *dir_fd, proc_holder *ret_holder)
{
    struct lock_view view;
    if (!path || !ret_holder)
        return -EINVAL;
    int rc = proc__view_open(&view, path, dir_fd);
    if (rc == -ENOENT)
        *ret_holder = (proc_holder){0};
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    rc = proc__view_look(&view, ret_holder);
    proc__view_done(&view);
    return rc;
}
