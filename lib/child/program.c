/* SPDX-License-Identifier: MIT */
/*
 * Spells out what the child is to execute, so that it only has to try. Asks the file system nothing about paths; of an
 * open file it looks whether it is a script, since the kernel's word for what is wrong with one would be "no such
 * file". Owns the lists.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/fd.h"
#include "environment.h"
#include "search.h"

#define DEFAULT_SEARCH "/usr/local/bin:/usr/bin:/bin"
#define SHELL "/bin/sh"

/* ---- By its path ---- */

static int needs_search(const char *const *names)
{
    for (; *names; names++)
        if (**names != '\0' && !strchr(*names, '/'))
            return 1;
    return 0;
}

static int make_paths(struct program *program, struct plan *plan, const struct request *request)
{
    const proc_options *options = &request->options;
    const char *const single[] = {options->program ? options->program : request->argv[0], NULL};
    const char *const *names = request->start.candidates ? request->start.candidates : single;
    const char *list = options->search;
    if (!list)
        list = proc__environment_get(plan->env, "PATH");
    if (!list)
        list = DEFAULT_SEARCH;
    if (needs_search(names))
        program->search_list = list;
    program->paths = proc__search_paths(names, list, (options->flags & PROC_SEARCH_RELATIVE) != 0);
    plan->paths = program->paths;
    plan->searched = program->search_list != NULL;
    return program->paths ? 0 : -ENOMEM;
}

/* The shell, "--" since a path may begin with a dash, room for the path, and the arguments behind the first. */
static int make_script_argv(struct program *program, struct plan *plan, const struct request *request)
{
    size_t count = proc__strings_count(request->argv);
    const char **argv = calloc(SCRIPT_PATH + count + 1, sizeof *argv);
    if (!argv)
        return -ENOMEM;
    argv[0] = SHELL;
    argv[1] = "--";
    memcpy(&argv[SCRIPT_PATH + 1], &request->argv[1], (count - 1) * sizeof *argv);
    program->script_argv = plan->script_argv = argv;
    return 0;
}

/* ---- By a descriptor ---- */

/* The number at which the child will have that descriptor of ours, -1: at none. */
static int number_in_child(const struct wiring *wiring, int fd)
{
    for (size_t i = 0; i < wiring->move_count; i++)
        if (wiring->moves[i].source == fd)
            return wiring->moves[i].number;
    return -1;
}

/* A descriptor that is open for its path alone cannot be read, but opened once more. */
static int64_t read_begin(int fd, char *begin, size_t size)
{
    char path[sizeof "/proc/self/fd/" + DECIMAL_ROOM];
    struct stat about;
    int64_t got = proc__fd_read_first(fd, begin, size);
    if (got != -EBADF || fstat(fd, &about) < 0 || !S_ISREG(about.st_mode))
        return got;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int readable = proc__fd_open(path, O_RDONLY, 0);
    if (readable < 0)
        return readable;
    got = proc__fd_read_first(readable, begin, size);
    proc__fd_close(&readable);
    return got;
}

static int is_script(int fd)
{
    char begin[2];
    return read_begin(fd, begin, sizeof begin) == sizeof begin && memcmp(begin, "#!", sizeof begin) == 0;
}

/* At its own number, without being asked for; unless something else is put there. */
static int stays_open(const struct request *request, const struct wiring *wiring, int fd)
{
    for (size_t i = 0; i < wiring->move_count; i++)
        if (wiring->moves[i].number == fd)
            return 0;
    return (fd <= STDERR_FILENO || request->options.flags & PROC_INHERIT_FDS) && !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static int use_descriptor(struct plan *plan, const struct request *request, const struct wiring *wiring,
                          struct failure *ret_failure)
{
    static const char *const no_paths[] = {NULL};
    int fd = *request->start.program_fd;
    plan->paths = no_paths;
    plan->program_fd = fd;
    plan->program_number = number_in_child(wiring, fd);
    if (plan->program_number >= 0 || stays_open(request, wiring, fd) || !is_script(fd))
        return 0;
    proc__fail(ret_failure, PROC_STEP_EXEC, ENOENT, fd, NULL);
    ret_failure->reason = "a script, whose interpreter needs it in .fds, too";
    return -ENOENT;
}

/* ---- Either ---- */

int proc__program_prepare(struct program *ret_program, struct plan *plan, const struct request *request,
                          const struct wiring *wiring, struct failure *ret_failure)
{
    *ret_program = (struct program){0};
    plan->program_fd = plan->program_number = -1;
    plan->argv = request->argv;
    if (request->start.program_fd)
        return use_descriptor(plan, request, wiring, ret_failure);
    int rc = make_paths(ret_program, plan, request);
    if (rc == 0 && request->options.flags & PROC_SCRIPT_FALLBACK)
        rc = make_script_argv(ret_program, plan, request);
    return rc < 0 ? proc__fail_memory(ret_failure) : 0;
}

void proc__program_done(struct program *program)
{
    free(program->paths);
    free(program->script_argv);
    *program = (struct program){0};
}

const char *proc__program_argument(const struct program *program, const struct report *report)
{
    if (report->step == PROC_STEP_SEARCH)
        return program->search_list;
    /* Without paths it is a descriptor, whose number the report tells. */
    if (report->step != PROC_STEP_EXEC || !program->paths)
        return NULL;
    return program->paths[report->index == PATH_NOT_THERE ? 0 : report->index];
}

void proc__program_explain(const struct program *program, const struct plan *plan, struct failure *failure)
{
    if (program->paths && failure->index == PATH_NOT_THERE)
        failure->index = 0;
    else if (failure->code == ENOENT && !proc__plan_has_filter(plan)) /* which may answer so for anything */
        failure->reason = "it is there, but its interpreter is not";
}
