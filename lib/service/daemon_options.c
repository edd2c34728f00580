/* SPDX-License-Identifier: MIT */
/*
 * Takes over what a caller asks for, and turns it into the options of a start, so that one plan serves a program that
 * is executed and a process that goes on. Owns nothing.
 */
#include "daemon.h"

#include <errno.h>
#include <string.h>

#include "../base/fd.h"
#include "lock_handle.h"

#define KNOWN_FLAGS (PROC_DAEMON_STAY | PROC_DAEMON_NOTIFY | PROC_DAEMON_KEEP_ERR)
#define PROGRAM_FLAGS (PROC_SEARCH_RELATIVE | PROC_SCRIPT_FALLBACK | PROC_INHERIT_SIGNALS)
/* A size that was never set may span what is not even memory. */
#define NEVER_SET_SIZE ((size_t)64 << 10)
#define DEFAULT_UMASK 022

/* ---- Structs of any size ---- */

static int take_sized_struct(const void *given, void *copy, size_t known, struct failure *failure)
{
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size)
        return proc__refuse(failure, EINVAL, "size is not set");
    if (size > NEVER_SET_SIZE)
        return proc__refuse(failure, E2BIG, "more than this version knows");
    for (size_t i = known; i < size; i++)
        if (((const char *)given)[i] != 0)
            return proc__refuse(failure, E2BIG, "more than this version knows");
    memset(copy, 0, known);
    memcpy(copy, given, size < known ? size : known);
    memcpy(copy, &known, sizeof known);
    return 0;
}

/* ---- The daemon ---- */

static int check_flags(const struct launch *launch, struct failure *failure)
{
    const proc_daemon_options *options = &launch->options;
    if (options->flags & ~KNOWN_FLAGS)
        return proc__refuse(failure, ENOTSUP, ".flags: one that this version lacks");
    if (options->timeout_ms < -1)
        return proc__refuse(failure, EINVAL, ".timeout_ms is below -1");
    if (launch->spawns && options->flags & (PROC_DAEMON_STAY | PROC_DAEMON_KEEP_ERR))
        return proc__refuse(failure, EINVAL, ".flags: STAY and KEEP_ERR are for proc_daemonize");
    if (launch->spawns && options->notify_fd)
        return proc__refuse(failure, EINVAL, ".notify_fd is for proc_daemonize");
    if (!launch->spawns && options->flags & PROC_DAEMON_NOTIFY)
        return proc__refuse(failure, EINVAL, ".flags: NOTIFY is for proc_daemon_spawn");
    if (options->notify_fd && !proc__fd_is_open(*options->notify_fd))
        return proc__refuse(failure, EBADF, ".notify_fd is not open");
    return 0;
}

static int check_lock(const proc_daemon_options *options, struct failure *failure)
{
    proc_lock_options lock;
    if (!options->lock_options)
        return 0;
    if (!options->lock)
        return proc__refuse(failure, EINVAL, ".lock_options without .lock");
    int rc = proc__lock_options(options->lock_options, &lock, failure);
    if (rc < 0)
        return rc;
    if (lock.flags & PROC_LOCK_FCNTL)
        return proc__refuse(failure, EINVAL, ".lock_options: a record lock does not pass a fork");
    if (lock.error || lock.ret_holder)
        return proc__refuse(failure, EINVAL, ".lock_options: error and ret_holder are in the report");
    return 0;
}

static int check_keep(struct launch *launch, struct failure *failure)
{
    const int *keep = launch->options.keep;
    for (; keep && keep[launch->keep_count] != -1; launch->keep_count++) {
        int fd = keep[launch->keep_count];
        if (fd < 3)
            return proc__refuse(failure, EINVAL, ".keep: 0 to 2 are .in, .out and .err");
        if (!proc__fd_is_open(fd))
            return proc__fail(failure, PROC_STEP_FDS, EBADF, fd, NULL);
    }
    return 0;
}

/* What a daemon's descriptor may be; nothing is /dev/null. One that is not open must not become the lock. */
static int take_entry(const proc_stdio *given, int number, proc_stdio *ret_entry, struct failure *failure)
{
    if (given->kind == PROC_STDIO_FD && !proc__fd_is_open(given->fd))
        return proc__fail_not_open(failure, number);
    switch (given->kind) {
    case PROC_STDIO_DEFAULT: *ret_entry = PROC_NULL; return 0;
    case PROC_STDIO_NULL:
    case PROC_STDIO_INHERIT:
    case PROC_STDIO_FD:
    case PROC_STDIO_PATH:
    case PROC_STDIO_SAME_AS: *ret_entry = *given; return 0;
    default: return proc__refuse(failure, EINVAL, "stdio of a daemon: NULL, INHERIT, FD, PATH or SAME_AS");
    }
}

static int take_stdio(struct launch *launch, struct failure *failure)
{
    int rc = take_entry(&launch->options.in, 0, &launch->program.in, failure);
    if (rc == 0)
        rc = take_entry(&launch->options.out, 1, &launch->program.out, failure);
    if (rc == 0)
        rc = take_entry(&launch->options.err, 2, &launch->program.err, failure);
    return rc;
}

/* Where nothing is forked, only what was asked for is done, and stdio is the supervisor's. */
static int choose_place(struct launch *launch, struct failure *failure)
{
    static const uint32_t usual_umask = DEFAULT_UMASK;
    const proc_daemon_options *options = &launch->options;
    launch->program.cwd = options->cwd ? options->cwd : launch->stays ? NULL : "/";
    launch->program.umask = options->umask ? options->umask : launch->stays ? NULL : &usual_umask;
    launch->program.ids = options->ids;
    return launch->stays ? 0 : take_stdio(launch, failure);
}

/* ---- The program ---- */

static int is_nothing(const proc_stdio *entry)
{
    static const proc_stdio nothing;
    return memcmp(entry, &nothing, sizeof nothing) == 0;
}

/* What is the daemon's is said in one place. */
static int take_program(struct launch *launch, const proc_options *given, struct failure *failure)
{
    static const proc_dispositions all_default = {.size = sizeof all_default, .reset = UINT64_MAX};
    proc_options *program = &launch->program;
    static const proc_options none = {.size = sizeof none};
    int rc = take_sized_struct(given ? given : &none, program, sizeof *program, failure);
    if (rc < 0)
        return rc;
    if (program->flags & ~PROGRAM_FLAGS)
        return proc__refuse(failure, EINVAL, "the program's .flags: SEARCH_RELATIVE, SCRIPT_FALLBACK, INHERIT_SIGNALS");
    if (!is_nothing(&program->in) || !is_nothing(&program->out) || !is_nothing(&program->err) || program->cwd ||
        program->umask || program->ids)
        return proc__refuse(failure, EINVAL, "stdio, cwd, umask and ids are the daemon's options");
    if (program->terminal)
        return proc__refuse(failure, EINVAL, "the program's .terminal: a daemon has none");
    if (program->fds.count > 0)
        return proc__refuse(failure, EINVAL, "the program's .fds: use .keep");
    if (program->timeout_ms != 0 || program->stop.count > 0 || program->transfer || program->error)
        return proc__refuse(failure, EINVAL, "the program's .timeout_ms, .stop, .transfer and .error");
    if (!program->signals && !(program->flags & PROC_INHERIT_SIGNALS))
        program->signals = &all_default;
    if (!launch->argv || !launch->argv[0])
        return proc__refuse(failure, EINVAL, "argv is empty");
    launch->thing = program->program ? program->program : launch->argv[0];
    return 0;
}

/* An abstract socket is one of a network, and landlock may keep others from it. */
static int can_say_ready(const struct request *request)
{
    uint32_t which = request->namespaces.create | proc__namespace_join_kinds(request->namespaces.join);
    return !(request->sandbox.scope & PROC_LANDLOCK_SCOPE_ABSTRACT) && !(which & PROC_NS_NET);
}

/* By who will carry it out, on a copy: contradictions are told before anything is made. */
static int check_request(const struct launch *launch, struct failure *failure)
{
    const struct spawn_call call = {.verb = launch->verb};
    struct request scratch;
    int rc = proc__request_take(&scratch, launch->argv, &launch->program, &call, failure);
    if (rc < 0)
        return rc;
    if (launch->program.namespaces && proc__namespaces_births(&scratch.namespaces).is_held)
        return proc__refuse(failure, ENOTSUP, "the program's .namespaces: a daemon is born before them");
    if (scratch.start.cwd_fd || scratch.start.group)
        return proc__refuse(failure, EINVAL, "the program's .start->cwd_fd and .group: use .cwd");
    if (launch->program.hook && scratch.hook.timeout_ms != 0)
        return proc__refuse(failure, EINVAL, "the program's .hook->timeout_ms: use the daemon's .timeout_ms");
    if (launch->options.flags & PROC_DAEMON_NOTIFY && !can_say_ready(&scratch))
        return proc__refuse(failure, EINVAL, "NOTIFY: its socket is beyond .sandbox->scope or .namespaces");
    return 0;
}

int proc__daemon_take(struct launch *launch, const proc_options *program, const proc_daemon_options *options,
                      struct failure *failure)
{
    static const proc_daemon_options none = {.size = sizeof none};
    int rc = take_sized_struct(options ? options : &none, &launch->options, sizeof launch->options, failure);
    if (rc == 0)
        rc = check_flags(launch, failure);
    if (rc == 0)
        rc = check_lock(&launch->options, failure);
    if (rc == 0)
        rc = check_keep(launch, failure);
    if (rc < 0)
        return rc;
    launch->stays =
        !launch->spawns && (launch->options.flags & PROC_DAEMON_STAY || launch->options.notify_fd || proc_supervised());
    launch->program.size = sizeof launch->program;
    if (launch->spawns)
        rc = take_program(launch, program, failure);
    if (rc == 0)
        rc = choose_place(launch, failure);
    return rc < 0 ? rc : check_request(launch, failure);
}
