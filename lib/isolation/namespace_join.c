/* SPDX-License-Identifier: MIT */
/*
 * From what the caller names (a process, a pidfd, a file) to descriptors that setns(2) takes. Newer kernels (5.8) enter
 * all namespaces of a pidfd at once, and need no /proc for it; for older ones each is opened by its file. Owns the
 * descriptors until done: also those that the caller has are copied.
 */
#include "namespace_join.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/pidfd.h"
#include "../procfs/target.h"
#include "namespace_kinds.h"

/* <linux/nsfs.h>: the CLONE_NEW... of a namespace file; ENOTTY from any other file. */
#define GET_KIND _IO(0xb7, 0x3)

/* ---- Looking at the list ---- */

static int is_single(uint32_t which)
{
    return (which & (which - 1)) == 0;
}

static int check_source(const proc_ns_join *source, struct failure *ret_failure)
{
    if (source->which & ~ALL_NAMESPACES)
        return proc__refuse(ret_failure, EINVAL, ".namespaces->join: no such kind");
    if (source->reserved != 0)
        return proc__refuse(ret_failure, EINVAL, ".namespaces->join: a member that must be 0");
    if ((source->pid != 0) + (source->fd != NULL) + (source->path != NULL) != 1)
        return proc__refuse(ret_failure, EINVAL, ".namespaces->join: one of pid, fd and path");
    if (source->pid < 0 || (source->fd && *source->fd < 0))
        return proc__refuse(ret_failure, EINVAL, ".namespaces->join: a negative pid or fd");
    if (source->path && !is_single(source->which))
        return proc__refuse(ret_failure, EINVAL, ".namespaces->join: one kind from a file");
    return 0;
}

uint32_t proc__namespace_join_kinds(const proc_ns_join *list)
{
    uint32_t which = 0;
    for (; list && list->which; list++)
        which |= list->which;
    return which;
}

int proc__namespace_join_check(const proc_ns_join *list, struct failure *ret_failure)
{
    uint32_t before = 0;
    for (; list && list->which; list++) {
        int rc = check_source(list, ret_failure);
        if (rc < 0)
            return rc;
        if (list->which & before)
            return proc__refuse(ret_failure, EINVAL, ".namespaces->join: a kind twice");
        before |= list->which;
    }
    return 0;
}

/* ---- Opening ---- */

static int fail_kind(struct failure *ret_failure, int code, uint32_t which, const char *reason)
{
    const char *name = is_single(which) ? proc__namespace_name(which) : "of a process";
    proc__fail(ret_failure, PROC_STEP_NAMESPACE, code, (int)which, name);
    ret_failure->reason = reason;
    return -code;
}

int proc__namespace_join_check_open(const proc_ns_join *list, struct failure *ret_failure)
{
    for (; list && list->which; list++)
        if (list->fd && !proc__fd_is_open(*list->fd))
            return fail_kind(ret_failure, EBADF, list->which, NULL);
    return 0;
}

static void note_source(struct namespace_sources *sources, int fd, uint32_t which, unsigned flags)
{
    struct namespace_source source = {fd, which, flags};
    size_t at = sources->count++;
    if (which & PROC_NS_USER) {
        memmove(sources->items + 1, sources->items, at * sizeof *sources->items);
        at = 0;
    }
    sources->items[at] = source;
}

/* Takes the file in any case. */
static int note_file(struct namespace_sources *sources, int fd, uint32_t which, struct failure *ret_failure)
{
    int kind = ioctl(fd, GET_KIND), code = kind < 0 ? errno : EINVAL;
    if (kind == (int)proc__namespace_flags(which)) {
        note_source(sources, fd, which, 0);
        return 0;
    }
    proc__fd_close(&fd);
    return fail_kind(ret_failure, code, which, "not a namespace of that kind");
}

static int note_path(struct namespace_sources *sources, const proc_ns_join *source, struct failure *ret_failure)
{
    /* Without waiting for the other end of what may be a FIFO. */
    int fd = proc__fd_open(source->path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return proc__fail(ret_failure, PROC_STEP_NAMESPACE, -fd, (int)source->which, source->path);
    return note_file(sources, fd, source->which, ret_failure);
}

/*
 * Whether setns(2) takes pidfds: to enter where one is changes nothing, and is denied to who may not, but only an older
 * kernel does not understand it.
 */
static int setns_takes_pidfds(void)
{
    int self = proc__pidfd_open((int)getpid());
    if (self < 0)
        return 0;
    long rc = proc__syscall(SYS_setns, self, CLONE_NEWUTS, 0, 0, 0, 0);
    proc__fd_close(&self);
    return rc != -EINVAL;
}

static int note_files_of(struct namespace_sources *sources, int pidfd, uint32_t which, struct failure *ret_failure)
{
    const proc_target target = {.pidfd = &pidfd};
    for (int i = 0; i < NAMESPACE_KINDS; i++) {
        const struct namespace_kind *kind = &proc__namespace_kinds[i];
        if (!(which & kind->bit))
            continue;
        int fd = proc__target_open(&target, kind->file, 0);
        if (fd < 0)
            return fail_kind(ret_failure, -fd, kind->bit, NULL);
        note_source(sources, fd, kind->bit, 0);
    }
    return 0;
}

/* Takes the pidfd in any case. */
static int note_process(struct namespace_sources *sources, int pidfd, uint32_t which, struct failure *ret_failure)
{
    if (setns_takes_pidfds()) {
        note_source(sources, pidfd, which, proc__namespace_flags(which));
        return 0;
    }
    int rc = note_files_of(sources, pidfd, which, ret_failure);
    proc__fd_close(&pidfd);
    return rc;
}

static int note_descriptor(struct namespace_sources *sources, const proc_ns_join *source, struct failure *ret_failure)
{
    int fd = proc__fd_copy(*source->fd);
    if (fd < 0)
        return fail_kind(ret_failure, -fd, source->which, NULL);
    if (ioctl(fd, GET_KIND) >= 0 || proc__pidfd_signal(fd, 0, 0) == -EBADF)
        return note_file(sources, fd, source->which, ret_failure);
    return note_process(sources, fd, source->which, ret_failure);
}

static int note_pid(struct namespace_sources *sources, const proc_ns_join *source, struct failure *ret_failure)
{
    const proc_target target = {.pid = source->pid};
    int pidfd = proc__target_pidfd(&target);
    if (pidfd < 0)
        return fail_kind(ret_failure, -pidfd, source->which, NULL);
    return note_process(sources, pidfd, source->which, ret_failure);
}

static size_t count_kinds(const proc_ns_join *list)
{
    size_t count = 0;
    for (; list->which; list++)
        count += (size_t)__builtin_popcount(list->which);
    return count;
}

int proc__namespace_join_open(const proc_ns_join *list, struct namespace_sources *ret_sources,
                              struct failure *ret_failure)
{
    *ret_sources = (struct namespace_sources){0};
    if (!list || !list->which)
        return 0;
    ret_sources->items = calloc(count_kinds(list), sizeof *ret_sources->items);
    if (!ret_sources->items)
        return proc__fail_memory(ret_failure);
    int rc = 0;
    for (; rc == 0 && list->which; list++) {
        if (list->path)
            rc = note_path(ret_sources, list, ret_failure);
        else if (list->fd)
            rc = note_descriptor(ret_sources, list, ret_failure);
        else
            rc = note_pid(ret_sources, list, ret_failure);
    }
    return rc;
}

void proc__namespace_join_done(struct namespace_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++)
        proc__fd_close(&sources->items[i].fd);
    free(sources->items);
    *sources = (struct namespace_sources){0};
}

/* ---- Entering ---- */

struct report proc__namespace_join_apply(const struct namespace_sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        const struct namespace_source *source = &sources->items[i];
        long rc = proc__step_call(SYS_setns, source->fd, source->flags, 0);
        if (rc < 0)
            return proc__step_failed(PROC_STEP_NAMESPACE, rc, (int)source->which);
    }
    return STEP_DONE;
}
