/* SPDX-License-Identifier: MIT */
/* Opens files of /proc/<pid>. Keeps nothing. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../base/fd.h"
#include "../base/pidfd.h"
#include "../base/text.h"

#include "number.h"

/* A path, built without stdio: walks build one for each process. Cut if too long, which only a file's name could do. */
struct path {
    char text[128];
    size_t len;
};

static void put(struct path *path, const char *piece, size_t len)
{
    size_t room = sizeof path->text - 1 - path->len;
    len = len < room ? len : room;
    memcpy(path->text + path->len, piece, len);
    path->len += len;
    path->text[path->len] = '\0';
}

static void put_text(struct path *path, const char *text)
{
    put(path, text, strlen(text));
}

static void put_number(struct path *path, int number)
{
    char digits[10];
    put(path, digits, proc__text_decimal(digits, number));
}

struct root proc__target_root(const proc_target *target)
{
    if (target->root_fd)
        return (struct root){*target->root_fd, ""};
    return (struct root){AT_FDCWD, "/proc/"};
}

int proc__target_check(const proc_target *target)
{
    if (target->pid < 0 || target->tid < 0)
        return -EINVAL;
    if ((target->pid != 0) + (target->dir_fd != NULL) + (target->pidfd != NULL) > 1)
        return -EINVAL;
    if (target->dir_fd && target->root_fd)
        return -EINVAL;
    for (size_t i = 0; i < sizeof target->reserved / sizeof target->reserved[0]; i++)
        if (target->reserved[i] != 0)
            return -EINVAL;
    return 0;
}

int proc__target_error(int rc)
{
    switch (rc) {
    case -ENOENT: return -ESRCH;
    case -EPERM: return -EACCES;
    /* No tree of a kernel: a FIFO, a directory, a socket, a link to itself. */
    case -EAGAIN:
    case -EISDIR:
    case -ELOOP:
    case -ENXIO:
    case -ENOTDIR: return -EBADF;
    default: return rc;
    }
}

static int is_proc(const char *path)
{
    struct statfs about;
    return statfs(path, &about) == 0 && about.f_type == PROC_MAGIC;
}

/* Where nothing was found: whether there is a /proc at all. */
static int missing(const struct root *root, int rc)
{
    if (rc == -ENOENT && root->fd == AT_FDCWD && !is_proc(root->prefix))
        return -ENODEV;
    return proc__target_error(rc);
}

static int open_under(const struct root *root, const char *path, int flags)
{
    /* Not held up by a FIFO, which may stand in a tree that somebody else has laid out. */
    int fd = proc__fd_open_at(root->fd, path, O_RDONLY | O_NONBLOCK | flags, 0);
    return fd < 0 ? missing(root, fd) : fd;
}

static void put_thread(struct path *path, int tid, const char *file)
{
    if (tid > 0) {
        put_text(path, "task/");
        put_number(path, tid);
        put_text(path, "/");
    }
    put_text(path, file);
}

static int open_in_process(const struct root *root, int pid, int tid, const char *file, int flags)
{
    struct path path = {.len = 0};
    put_text(&path, root->prefix);
    if (pid > 0)
        put_number(&path, pid);
    else
        put_text(&path, "self");
    put_text(&path, "/");
    put_thread(&path, tid, file);
    return open_under(root, path.text, flags);
}

static int open_in_directory(int dir, int tid, const char *file, int flags)
{
    const struct root root = {dir, ""};
    struct path path = {.len = 0};
    put_thread(&path, tid, file);
    return open_under(&root, path.text, flags);
}

/* The value of the line "Pid:" in a pidfd's fdinfo, or -EBADF: that is no pidfd. */
static int pid_in_fdinfo(char *text, size_t len)
{
    const char *end = text + len;
    text[len] = '\n';
    for (const char *line = text; line < end; line = (const char *)memchr(line, '\n', (size_t)(end + 1 - line)) + 1) {
        int32_t pid;
        if (end - line > 4 && memcmp(line, "Pid:", 4) == 0 && take_i32(skip_blanks(line + 4), &pid))
            return pid > 0 ? pid : -ESRCH;
    }
    return -EBADF;
}

int proc__target_pid_of(const struct root *root, int pidfd)
{
    char text[1024];
    struct path path = {.len = 0};
    put_text(&path, root->prefix);
    put_text(&path, "thread-self/fdinfo/");
    put_number(&path, pidfd);
    int fd = open_under(root, path.text, 0);
    if (fd < 0)
        return fd;
    int64_t len = proc__fd_read(fd, text, sizeof text - 1);
    proc__fd_close(&fd);
    return len < 0 ? proc__target_error((int)len) : pid_in_fdinfo(text, (size_t)len);
}

/*
 * Whether the pid that we went by was still the pidfd's when the file was opened: it cannot have been given to another
 * process while this one is not reaped.
 */
static int still_there(const struct root *root, int pidfd, int pid)
{
    /* Denied may come from a filter that looks at no process: ask again, then, the longer way. */
    int rc = proc__pidfd_signal(pidfd, 0, 0);
    return rc == 0 || (rc != -ESRCH && proc__target_pid_of(root, pidfd) == pid);
}

static int open_by_pidfd(const struct root *root, int pidfd, int tid, const char *file, int flags)
{
    if (fcntl(pidfd, F_GETFD) < 0)
        return -EBADF;
    int pid = proc__target_pid_of(root, pidfd);
    if (pid < 0)
        return pid;
    int fd = open_in_process(root, pid, tid, file, flags);
    if (fd >= 0 && !still_there(root, pidfd, pid)) {
        proc__fd_close(&fd);
        return -ESRCH;
    }
    return fd;
}

int proc__target_open(const proc_target *target, const char *file, int flags)
{
    static const proc_target self;
    if (!target)
        target = &self;
    int rc = proc__target_check(target);
    if (rc < 0)
        return rc;
    if (target->dir_fd)
        return open_in_directory(*target->dir_fd, target->tid, file, flags);
    struct root root = proc__target_root(target);
    if (target->pidfd)
        return open_by_pidfd(&root, *target->pidfd, target->tid, file, flags);
    return open_in_process(&root, target->pid, target->tid, file, flags);
}
