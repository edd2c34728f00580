/* SPDX-License-Identifier: MIT */
/*
 * The path that a start would run, found without a start: the same search list, asked of the file system as execve(2)
 * asks it, from the child's directory. Owns the directory while it looks.
 */
#include "../base/system.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proc/exec.h>

#include "../base/fd.h"
#include "prepare.h"
#include "search.h"
#include "spawn.h"

/* ---- The request ---- */

static int check_for_which(const struct request *request, struct failure *ret_failure)
{
    if (request->options.sandbox && request->sandbox.root)
        return proc__refuse(ret_failure, ENOTSUP, ".sandbox->root: it is not looked into");
    if (request->options.namespaces)
        return proc__refuse(ret_failure, ENOTSUP, ".namespaces: they are not looked into");
    if (request->start.program_fd)
        return proc__refuse(ret_failure, EINVAL, ".start->program_fd is found already");
    return 0;
}

/* ---- Looking ---- */

/* Where relative paths start: AT_FDCWD, or a descriptor to be closed. */
static int open_start(const struct prepared *prepared, struct failure *ret_failure)
{
    const char *cwd = prepared->request.options.cwd;
    const int *cwd_fd = prepared->request.start.cwd_fd;
    if (!cwd && !cwd_fd)
        return AT_FDCWD;
    int fd = proc__fd_open_at(cwd_fd ? *cwd_fd : AT_FDCWD, cwd ? cwd : ".", O_PATH | O_DIRECTORY, 0);
    return fd < 0 ? proc__fail(ret_failure, PROC_STEP_CWD, -fd, cwd ? -1 : *cwd_fd, cwd) : fd;
}

/* As execve(2) sees a file: 0 or a negative errno. */
static int look_at(int start, const char *path)
{
    struct stat about;
    if (fstatat(start, path, &about, 0) < 0)
        return -errno;
    if (!S_ISREG(about.st_mode))
        return -EACCES;
    return faccessat(start, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* The first that can be run; or what a start would say: that one may not be run counts more than that others lack. */
static int find_path(const struct prepared *prepared, int start, const char **ret_path, struct failure *ret_failure)
{
    const char *const *paths = prepared->plan.paths;
    const char *denied = NULL;
    for (; *paths; paths++) {
        int rc = look_at(start, *paths);
        if (rc == 0) {
            *ret_path = *paths;
            return 0;
        }
        if (rc == -EACCES)
            denied = *paths;
        else if (!proc__path_is_absent(rc))
            return proc__fail(ret_failure, PROC_STEP_EXEC, -rc, -1, *paths);
    }
    if (denied)
        return proc__fail(ret_failure, PROC_STEP_EXEC, EACCES, -1, denied);
    if (prepared->plan.searched)
        return proc__fail(ret_failure, PROC_STEP_SEARCH, ENOENT, -1, prepared->program.search_list);
    return proc__fail(ret_failure, PROC_STEP_EXEC, ENOENT, -1, prepared->plan.paths[0]);
}

static int which(struct prepared *prepared, char *ret_path, size_t size, struct failure *ret_failure)
{
    const char *path = NULL;
    int start = open_start(prepared, ret_failure);
    if (start < 0 && start != AT_FDCWD)
        return start;
    int rc = find_path(prepared, start, &path, ret_failure);
    if (start >= 0)
        proc__fd_close(&start);
    return rc < 0 ? rc : proc__text_out(path, ret_path, size);
}

int proc_which(const char *program, const proc_options *options, char *ret_path, size_t size)
{
    static const struct spawn_call call = {.verb = "which", .is_question = 1, .check = check_for_which};
    const char *const argv[] = {program, NULL};
    struct prepared prepared;
    struct failure failure = {0};
    int cancellable;
    if (!program || (!ret_path && size > 0))
        return proc__refuse_call(options, call.verb, program ? "ret_path is NULL" : "program is NULL");
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    int rc = proc__prepare_program(&prepared, argv, options, &call, &failure);
    if (rc == 0)
        rc = which(&prepared, ret_path, size, &failure);
    if (rc < 0)
        proc__error_render(proc__error_of(options), call.verb, program, &failure);
    proc__prepared_done(&prepared);
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}
