/* SPDX-License-Identifier: MIT */
/*
 * Options that are good by themselves may exclude, need or imply each other across the parts of a request. All of that
 * stands here, one function for each subject. Pure; owns nothing.
 */
#include "combinations.h"

#include <errno.h>

#include "announcement.h"

static int refuse(struct failure *ret_failure, const char *what)
{
    return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, -1, what);
}

/* ---- What is executed ---- */

static int check_program_fd(const struct request *request, struct failure *ret_failure)
{
    const proc_options *options = &request->options;
    if (!request->start.program_fd)
        return 0;
    if (*request->start.program_fd < 0)
        return refuse(ret_failure, ".start->program_fd is negative");
    if (options->program || request->start.candidates)
        return refuse(ret_failure, ".start->program_fd excludes .program and .candidates");
    if (options->search || options->flags & PROC_SEARCH_RELATIVE)
        return refuse(ret_failure, ".start->program_fd: there is nothing to search");
    if (options->flags & PROC_SCRIPT_FALLBACK)
        return refuse(ret_failure, ".start->program_fd excludes PROC_SCRIPT_FALLBACK");
    return 0;
}

/* ---- Descriptors that are announced ---- */

static int check_announced(const struct request *request, struct failure *ret_failure)
{
    const char *const *names = request->start.listen_names;
    if (!(request->options.flags & PROC_LISTEN_FDS))
        return names ? refuse(ret_failure, ".start->listen_names without PROC_LISTEN_FDS") : 0;
    if (!proc__announcement_is_dense(&request->options.fds))
        return refuse(ret_failure, "PROC_LISTEN_FDS: .fds are 3, 4, 5, ... without a gap");
    const char *wrong = names ? proc__announcement_check_names(names, request->options.fds.count) : NULL;
    return wrong ? refuse(ret_failure, wrong) : 0;
}

/* ---- All of them ---- */

int proc__combinations_check(const struct request *request, struct failure *ret_failure)
{
    int rc = check_program_fd(request, ret_failure);
    return rc < 0 ? rc : check_announced(request, ret_failure);
}
