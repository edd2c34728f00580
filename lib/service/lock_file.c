/* SPDX-License-Identifier: MIT */
/*
 * From a path to an open file that may be trusted. The directory is opened first: by openat2(2), which refuses every
 * symbolic link; where that is missing, or a link is in the way, part by part, and a link is followed only if it
 * belongs to root or to us. Knows nothing of locks.
 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fd.h"

/* ---- The directory ---- */

#define LINKS_MAX 40
#define RESOLVE_NO_SYMLINKS_ 0x04

/* openat2(2)'s struct open_how. */
struct open_how_ {
    uint64_t flags, mode, resolve;
};

static int is_trusted_owner(uid_t owner)
{
    return owner == 0 || owner == geteuid();
}

static int open_without_links(int at, const char *path)
{
    const struct open_how_ how = {O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS_};
    long fd;
    do
        fd = proc__syscall(SYS_openat2, at, (long)path, (long)&how, sizeof how, 0, 0);
    while (fd == -EINTR);
    return fd < 0 ? (int)fd : proc__fd_above_stdio((int)fd);
}

/* A walk along a path: where it is, and what is left to go. */
struct walk {
    int dir;
    int links;
    char rest[PATH_MAX];
};

static int start_walk(struct walk *walk, int at)
{
    int dir = proc__fd_open_at(at, walk->rest[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY, 0);
    if (dir < 0)
        return dir;
    proc__fd_close(&walk->dir);
    walk->dir = dir;
    return 0;
}

/* Puts where a link leads to in front of what is left. */
static int follow_link(struct walk *walk, int link)
{
    char target[PATH_MAX];
    struct stat about;
    if (fstat(link, &about) < 0)
        return -errno;
    if (!is_trusted_owner(about.st_uid) || ++walk->links > LINKS_MAX)
        return -ELOOP;
    ssize_t len = readlinkat(link, "", target, sizeof target);
    if (len < 0)
        return -errno;
    size_t left = strlen(walk->rest);
    if (len == 0 || (size_t)len + 1 + left >= sizeof walk->rest)
        return len == 0 ? -ENOENT : -ENAMETOOLONG;
    memmove(walk->rest + len + 1, walk->rest, left + 1);
    memcpy(walk->rest, target, (size_t)len);
    walk->rest[len] = '/';
    return target[0] == '/' ? start_walk(walk, AT_FDCWD) : 0;
}

/* Takes the next part off what is left, as a string; "" at the end. */
static void take_part(struct walk *walk, char ret_part[NAME_MAX + 2])
{
    size_t start = strspn(walk->rest, "/");
    size_t len = strcspn(walk->rest + start, "/");
    size_t kept = len > NAME_MAX ? NAME_MAX + 1 : len; /* too long is for the kernel to say */
    memcpy(ret_part, walk->rest + start, kept);
    ret_part[kept] = '\0';
    memmove(walk->rest, walk->rest + start + len, strlen(walk->rest + start + len) + 1);
}

static int walk_on(struct walk *walk, const char *part)
{
    struct stat about;
    int next = proc__fd_open_at(walk->dir, part, O_PATH | O_NOFOLLOW, 0);
    if (next < 0)
        return next;
    int rc = fstat(next, &about) < 0 ? -errno : 0;
    if (rc == 0 && S_ISLNK(about.st_mode)) {
        rc = follow_link(walk, next);
    } else if (rc == 0 && !S_ISDIR(about.st_mode)) {
        rc = -ENOTDIR;
    } else if (rc == 0) {
        proc__fd_close(&walk->dir);
        walk->dir = next;
        return 0;
    }
    proc__fd_close(&next);
    return rc;
}

static int open_part_by_part(int at, const char *path)
{
    struct walk walk = {.dir = -1};
    char part[NAME_MAX + 2];
    memcpy(walk.rest, path, strlen(path) + 1);
    int rc = start_walk(&walk, at);
    while (rc == 0) {
        take_part(&walk, part);
        if (part[0] == '\0')
            return walk.dir;
        rc = walk_on(&walk, part);
    }
    proc__fd_close(&walk.dir);
    return rc;
}

static int is_for_the_walk(int rc)
{
    return rc == -ELOOP || rc == -ENOSYS || rc == -EPERM || rc == -EINVAL;
}

int proc__lock_find(int at, const char *path, struct lock_place *ret_place)
{
    char directory[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t len = (size_t)(name - path);
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return -EINVAL;
    if (len >= sizeof directory)
        return -ENAMETOOLONG;
    if (len > 0) {
        memcpy(directory, path, len);
        directory[len] = '\0';
    }
    int dir = open_without_links(at, directory);
    if (is_for_the_walk(dir))
        dir = open_part_by_part(at, directory);
    if (dir < 0)
        return dir;
    *ret_place = (struct lock_place){dir, name};
    return 0;
}

/* ---- The file ---- */

#define OPENING (O_NOFOLLOW | O_NONBLOCK)
#define OPEN_TRIES 16

static int distrust(int code, const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return -code;
}

static int judge(const struct stat *about, const char **ret_reason)
{
    if (S_ISLNK(about->st_mode))
        return distrust(ELOOP, "is a symbolic link", ret_reason);
    if (S_ISDIR(about->st_mode))
        return distrust(EISDIR, "is a directory", ret_reason);
    if (!S_ISREG(about->st_mode))
        return distrust(EPERM, "is not a regular file", ret_reason);
    if (about->st_nlink > 1)
        return distrust(EMLINK, "has more than one name", ret_reason);
    if (!is_trusted_owner(about->st_uid))
        return distrust(EPERM, "belongs to another user", ret_reason);
    if (about->st_mode & (S_IWGRP | S_IWOTH))
        return distrust(EPERM, "can be written by others", ret_reason);
    return 0;
}

static struct lock_file describe(int fd, const struct stat *about)
{
    return (struct lock_file){fd, about->st_dev, about->st_ino, about->st_mode, about->st_uid, about->st_size};
}

int proc__lock_inspect(int fd, struct lock_file *ret_file, const char **ret_reason)
{
    struct stat about;
    if (fstat(fd, &about) < 0)
        return -errno;
    int rc = judge(&about, ret_reason);
    if (rc < 0)
        return rc;
    if (about.st_nlink == 0)
        return -ESTALE;
    *ret_file = describe(fd, &about);
    return 0;
}

/* What is there already: seen before it is opened, for to open a device may do something. */
static int open_existing(const struct lock_place *place, int flags, const char **ret_reason)
{
    struct stat about;
    if (fstatat(place->dir, place->name, &about, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    int rc = judge(&about, ret_reason);
    return rc < 0 ? rc : proc__fd_open_at(place->dir, place->name, flags | OPENING, 0);
}

static int open_or_make(const struct lock_place *place, unsigned mode, int *ret_made, const char **ret_reason)
{
    for (int i = 0; i < OPEN_TRIES; i++) {
        int fd = proc__fd_open_at(place->dir, place->name, O_RDWR | O_CREAT | O_EXCL | OPENING, mode);
        *ret_made = fd >= 0;
        if (fd != -EEXIST)
            return fd;
        fd = open_existing(place, O_RDWR, ret_reason);
        if (fd != -ENOENT)
            return fd;
    }
    return -ESTALE;
}

static int inspect_opened(int fd, struct lock_file *ret_file, const char **ret_reason)
{
    if (fd < 0)
        return fd;
    int rc = proc__lock_inspect(fd, ret_file, ret_reason);
    if (rc < 0)
        proc__fd_close(&fd);
    return rc;
}

int proc__lock_open(const struct lock_place *place, unsigned mode, struct lock_file *ret_file, const char **ret_reason)
{
    int made;
    int rc = inspect_opened(open_or_make(place, mode, &made, ret_reason), ret_file, ret_reason);
    /*
     * What the umask has taken off comes back at once: if the lock cannot be had, the next one finds a file that may be
     * opened. An error here is told when the mode is set again, under the lock.
     */
    if (rc == 0 && made && (ret_file->mode & 07777) != mode)
        (void)fchmod(ret_file->fd, (mode_t)mode);
    return rc;
}

int proc__lock_open_to_read(const struct lock_place *place, struct lock_file *ret_file, const char **ret_reason)
{
    return inspect_opened(open_existing(place, O_RDONLY, ret_reason), ret_file, ret_reason);
}

int proc__lock_refresh(const struct lock_place *place, struct lock_file *file)
{
    struct stat about;
    if (fstatat(place->dir, place->name, &about, AT_SYMLINK_NOFOLLOW) < 0 || about.st_dev != file->device ||
        about.st_ino != file->inode)
        return 0;
    *file = describe(file->fd, &about);
    return 1;
}

int proc__lock_in_place(const struct lock_place *place, const struct lock_file *file)
{
    struct lock_file now = *file;
    return proc__lock_refresh(place, &now);
}
