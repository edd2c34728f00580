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

#include <proc/status.h>

#include "number.h"

#define PROC_MAGIC 0x9fa0

/* Where a path starts: a directory's descriptor, and the text that goes before the path. */
struct root {
    int fd;
    const char *prefix;
};

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
    char digits[12];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(path, digits + start, sizeof digits - start);
}

static struct root root_of(const proc_target *target)
{
    if (target->root_fd)
        return (struct root){*target->root_fd, ""};
    return (struct root){AT_FDCWD, "/proc/"};
}

static int check(const proc_target *target)
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

/*
 * The pid of a pidfd as that /proc counts: from the fdinfo that the same /proc tells, since an ioctl would tell it in
 * the caller's pid namespace. -ESRCH: reaped, or it or we are not of that namespace.
 */
static int pid_of_pidfd(const struct root *root, int pidfd)
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
    return rc == 0 || (rc != -ESRCH && pid_of_pidfd(root, pidfd) == pid);
}

static int open_by_pidfd(const struct root *root, int pidfd, int tid, const char *file, int flags)
{
    if (fcntl(pidfd, F_GETFD) < 0)
        return -EBADF;
    int pid = pid_of_pidfd(root, pidfd);
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
    int rc = check(target);
    if (rc < 0)
        return rc;
    if (target->dir_fd)
        return open_in_directory(*target->dir_fd, target->tid, file, flags);
    struct root root = root_of(target);
    if (target->pidfd)
        return open_by_pidfd(&root, *target->pidfd, target->tid, file, flags);
    return open_in_process(&root, target->pid, target->tid, file, flags);
}

/* ---- Pidfds ---- */

static int open_pidfd(int pid)
{
    int fd = proc__pidfd_open(pid);
    if (fd >= 0)
        return proc__fd_above_stdio(fd);
    /* What newer and older kernels say of a thread's id. */
    return fd == -EINVAL || fd == -ENOENT ? -ESRCH : fd;
}

/* The same for a pid as that /proc counts. */
static int open_pidfd_under(const struct root *root, int pid)
{
    int fd = open_pidfd(pid);
    if (fd >= 0 && pid_of_pidfd(root, fd) != pid) {
        proc__fd_close(&fd);
        return -EOPNOTSUPP;
    }
    return fd;
}

/* The process whose directory that is, which names it as long as it can be read. */
static int open_pidfd_in(const proc_target *target)
{
    const struct root above = {*target->dir_fd, "../"};
    proc_status status;
    int rc = proc_status_read(target, NULL, sizeof status, &status);
    if (rc < 0)
        return rc;
    if (!proc_status_has(&status, PROC_KEY_PID) || !proc_status_has(&status, PROC_KEY_TGID) ||
        status.pid != status.tgid)
        return -ESRCH;
    int fd = open_pidfd_under(&above, status.pid);
    /* Only if it was there all the time the number was its own. */
    rc = proc_status_read(target, NULL, sizeof status, &status);
    if (fd >= 0 && rc < 0)
        proc__fd_close(&fd);
    return rc < 0 ? rc : fd;
}

/* Pidfds of threads, since 6.9, carry it among their flags: PIDFD_THREAD. */
static int is_of_a_thread(int pidfd)
{
    int flags = fcntl(pidfd, F_GETFL);
    return flags >= 0 && (flags & O_EXCL);
}

static int another(int pidfd)
{
    if (is_of_a_thread(pidfd))
        return -EINVAL;
    int fd = fcntl(pidfd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    /* EINVAL: the limit allows for stdio alone. */
    return fd >= 0 ? fd : errno == EINVAL ? -EMFILE : -errno;
}

int proc__target_pidfd(const proc_target *target)
{
    if (!target)
        return open_pidfd(getpid());
    int rc = check(target);
    if (rc < 0 || target->tid != 0)
        return rc < 0 ? rc : -EINVAL;
    if (target->pidfd)
        return another(*target->pidfd);
    if (target->dir_fd)
        return open_pidfd_in(target);
    if (target->pid == 0)
        return open_pidfd(getpid());
    if (!target->root_fd)
        return open_pidfd(target->pid);
    struct root root = root_of(target);
    return open_pidfd_under(&root, target->pid);
}
