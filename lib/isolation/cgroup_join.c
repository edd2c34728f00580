/* SPDX-License-Identifier: MIT */
/*
 * Finds a control group, of version 1 or 2, sees that a process can live there, and moves the calling process into it.
 * Owns the directory that it opens. Knows nothing of limits, nor of how a process is born in a group.
 */
#include "cgroup_join.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "../base/fd.h"

#define VERSION_1_MAGIC 0x27e0eb
#define VERSION_2_MAGIC 0x63677270

static int fail(const struct cgroup_join *join, int code, const char *reason, struct failure *ret_failure)
{
    proc__fail(ret_failure, PROC_STEP_CGROUP, code, join->path ? -1 : join->dir, join->path);
    ret_failure->reason = reason;
    return -code;
}

/* 1 or 2, 0: no control group; or a negative errno. */
static int version_of(int dir)
{
    struct statfs system;
    if (fstatfs(dir, &system) < 0)
        return -errno;
    return system.f_type == VERSION_1_MAGIC ? 1 : system.f_type == VERSION_2_MAGIC ? 2 : 0;
}

/* ---- Frozen groups ---- */

/* 1: a file of the group has that word in it, 0: it has not; or a negative errno. All such files are short. */
static int has_word(int dir, const char *file, const char *word)
{
    char text[64];
    int64_t len = proc__fd_read_text(dir, file, text, sizeof text);
    return len < 0 ? (int)len : strstr(text, word) != NULL;
}

/* Of a mount that was taken away, and of our own root, the top is its own "..". */
static int is_top(int dir, int above)
{
    struct stat here, there;
    return fstat(dir, &here) < 0 || fstat(above, &there) < 0 ||
           (here.st_dev == there.st_dev && here.st_ino == there.st_ino);
}

/* Opens the group above; -ENOENT: it cannot be seen, or there is none. */
static int open_above(int dir)
{
    int above = proc__fd_open_at(dir, "..", O_PATH | O_DIRECTORY, 0);
    if (above >= 0 && (version_of(above) != 2 || is_top(dir, above))) {
        proc__fd_close(&above);
        return -ENOENT;
    }
    return above;
}

/*
 * A group freezes with each one above it, and says so itself only once all its processes have come to rest. So all are
 * asked, up to the root, which has no such file, or to where what we see of the tree ends: beyond that we freeze, too.
 */
static int is_frozen_v2(int dir)
{
    int told = has_word(dir, "cgroup.freeze", "1"), above = -1;
    for (int at = dir; told == 0; at = above) {
        int up = open_above(at);
        proc__fd_close(&above);
        above = up;
        told = above < 0 ? above : has_word(above, "cgroup.freeze", "1");
    }
    proc__fd_close(&above);
    return told;
}

/* Of version 1 there may be several trees; only that of the freezer has such a file, and it tells of those above. */
static int is_frozen_v1(int dir)
{
    int thawed = has_word(dir, "freezer.state", "THAWED");
    return thawed < 0 ? thawed : !thawed;
}

/* ---- Finding ---- */

static int look_at(struct cgroup_join *join, struct failure *ret_failure)
{
    int version = version_of(join->dir);
    if (version < 0)
        return fail(join, -version, NULL, ret_failure);
    if (version == 0)
        return fail(join, ENODEV, "not a control group", ret_failure);
    join->birthplace = version == 2 ? join->dir : -1;
    int frozen = version == 2 ? is_frozen_v2(join->dir) : is_frozen_v1(join->dir);
    if (proc__is_want_of_ours(frozen))
        return fail(join, -frozen, NULL, ret_failure);
    /* What cannot be read has no freezer, or keeps it to itself. */
    return frozen == 1 ? fail(join, EAGAIN, "the control group is frozen", ret_failure) : 0;
}

int proc__cgroup_find(struct cgroup_join *ret_join, const int *dir_fd, const char *path, struct failure *ret_failure)
{
    *ret_join = NO_CGROUP;
    if (!dir_fd && !path)
        return 0;
    ret_join->path = path;
    if (path) {
        int fd = proc__fd_open_at(dir_fd ? *dir_fd : AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
        if (fd < 0)
            return fail(ret_join, -fd, NULL, ret_failure);
        ret_join->opened = fd;
    }
    ret_join->dir = path ? ret_join->opened : *dir_fd;
    return look_at(ret_join, ret_failure);
}

void proc__cgroup_done(struct cgroup_join *join)
{
    proc__fd_close(&join->opened);
    join->dir = -1;
}

/* ---- Entering ---- */

/* "0" is who writes it, whatever its pid is called in the namespace of the directory. */
struct report proc__cgroup_enter(const struct cgroup_join *join)
{
    if (join->dir < 0)
        return STEP_DONE;
    int index = join->path ? -1 : join->dir;
    long rc = proc__step_write_file(join->dir, "cgroup.procs", "0", 1);
    return rc < 0 ? proc__step_failed(PROC_STEP_CGROUP, rc, index) : STEP_DONE;
}

const char *proc__cgroup_reason(int code)
{
    switch (code) {
    case EOPNOTSUPP: return "the control group is invalid: those beside it are for threads";
    case EBUSY: return "the control group has controllers for those below it";
    default: return NULL;
    }
}
