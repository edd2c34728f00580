/* SPDX-License-Identifier: MIT */
/*
 * This process becomes a program: the steps of a child, in this process itself. What can be undone comes first, as far
 * as the rest allows for it, and is undone when a later step fails; what is for good comes last, and is told. Owns what
 * it has prepared, until there is nobody to own anything.
 */
#include "../base/system.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

#include <proc/exec.h>

#include "../isolation/namespaces.h"
#include "prepare.h"
#include "spawn.h"
#include "undo.h"

/* ---- The request ---- */

static int needs_other_end(const proc_stdio *entry)
{
    switch (entry->kind) {
    case PROC_STDIO_DEFAULT:
    case PROC_STDIO_INHERIT:
    case PROC_STDIO_NULL:
    case PROC_STDIO_FD:
    case PROC_STDIO_PATH:
    case PROC_STDIO_SAME_AS: return 0;
    default: return 1;
    }
}

/* Nobody is left who could wait, move bytes or stop it. */
static int check_for_exec(const struct request *request, struct failure *ret_failure)
{
    const proc_options *options = &request->options;
    for (size_t i = 0; i < proc__request_entry_count(request); i++) {
        int number;
        if (needs_other_end(proc__request_entry(request, i, &number)))
            return proc__fail(ret_failure, PROC_STEP_OPTIONS, EINVAL, number, "nobody would be left at its other end");
    }
    if (options->flags & (PROC_DETACH | PROC_DIE_WITH_PARENT))
        return proc__refuse(ret_failure, EINVAL, "PROC_DETACH and PROC_DIE_WITH_PARENT are for a child");
    if (options->stop.count > 0 || options->transfer)
        return proc__refuse(ret_failure, EINVAL, ".stop, .transfer: nobody is left to do it");
    if (options->namespaces && proc__namespaces_births(&request->namespaces).is_held)
        return proc__refuse(ret_failure, EINVAL, ".namespaces: new user, pid or time, or joined pid, are for a child");
    if (options->hook)
        return proc__refuse(ret_failure, EINVAL, ".hook: call the function before");
    return 0;
}

/* ---- What cannot be undone ---- */

/* What the request asks to change for good. */
static uint32_t asked_for(const struct prepared *prepared)
{
    const struct plan *plan = &prepared->plan;
    uint32_t asked = 0;
    if (plan->new_session || plan->new_group || plan->join_group >= 0 || plan->terminal)
        asked |= PROC_CHANGED_SESSION;
    if (plan->scheduling || plan->limits)
        asked |= PROC_CHANGED_LIMITS;
    if (plan->namespaces)
        asked |= PROC_CHANGED_NAMESPACES;
    if (prepared->request.options.sandbox && prepared->request.sandbox.root)
        asked |= PROC_CHANGED_ROOT;
    if (plan->change_groups || plan->gid || plan->uid)
        asked |= PROC_CHANGED_IDS;
    if (plan->sandbox)
        asked |= PROC_CHANGED_SANDBOX;
    return asked;
}

/* ---- The steps ---- */

/* In another root, or in other mounts, it is another directory. */
static int may_enter_directory(const struct plan *plan, const struct request *request)
{
    return !plan->namespaces && !(request->options.sandbox && request->sandbox.root);
}

/* Parts that bring descriptors of their own may have them on the wanted numbers. */
static int may_place_descriptors(const struct plan *plan)
{
    return !plan->terminal && !plan->namespaces && !plan->scheduling && !plan->limits;
}

static struct report enter_directory(struct undo *undo, struct plan *plan)
{
    struct report report = proc__child_enter_directory(plan);
    undo->entered = !report.step;
    plan->cwd = NULL;
    plan->cwd_fd = -1;
    return report;
}

/* Once more in its place of the list it will change nothing: no source is overwritten that was not lifted. */
static struct report place_descriptors(struct undo *undo, struct plan *plan)
{
    struct report report = proc__child_place_descriptors(plan);
    undo->placed = !report.step;
    for (size_t i = 0; undo->placed && i < plan->move_count; i++)
        plan->moves[i].lift = 0;
    return report;
}

/* What can be undone, before anything that cannot; what depends on such a step is left to its place in the list. */
static struct report take_undoable_steps(struct undo *undo, struct plan *plan, const struct request *request,
                                         struct needed *needed)
{
    struct report report = proc__child_save_needed(plan, needed);
    if (!report.step && plan->umask >= 0)
        undo->umask = (int)umask((mode_t)plan->umask);
    if (!report.step && may_enter_directory(plan, request))
        report = enter_directory(undo, plan);
    if (!report.step && may_place_descriptors(plan))
        report = place_descriptors(undo, plan);
    return report;
}

/* What could not be undone is returned. */
static uint32_t take_steps(struct prepared *prepared, struct undo *undo, struct report *ret_report)
{
    struct plan plan = prepared->plan;
    struct needed needed = undo->needed;
    uint32_t changed = 0;
    struct report report = take_undoable_steps(undo, &plan, &prepared->request, &needed);
    if (!report.step) {
        /* No handlers to clear: they are our own, and execve(2) does that. */
        report = proc__child_steps(&plan, BORN_WITHOUT_HANDLERS, &needed);
        changed = proc__steps_changed(report.step) & asked_for(prepared);
    }
    *ret_report = report;
    return changed | proc__undo(undo, &report, &needed);
}

static int become(struct prepared *prepared, struct failure *ret_failure, uint32_t *ret_changed)
{
    struct undo undo;
    struct report report;
    if (proc__undo_prepare(&undo, &prepared->plan, &report) == 0)
        *ret_changed = take_steps(prepared, &undo, &report);
    proc__undo_done(&undo);
    if (prepared->plan.terminal)
        proc__terminal_undo(prepared->plan.terminal);
    return proc__prepared_fail(prepared, &report, ret_failure);
}

int proc_exec(const char *const argv[], const proc_options *options)
{
    static const struct spawn_call call = {.verb = "exec", .check = check_for_exec};
    struct prepared prepared;
    struct failure failure = {0};
    uint32_t changed = 0;
    int cancellable;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellable);
    int rc = proc__prepare(&prepared, argv, options, &call, &failure);
    if (rc == 0)
        rc = become(&prepared, &failure, &changed);
    proc_error *error = proc__error_of(options);
    const char *program = prepared.request.options.program;
    proc__error_render(error, call.verb, program ? program : argv ? argv[0] : NULL, &failure);
    if (error)
        error->changed = changed;
    proc__prepared_done(&prepared);
    pthread_setcancelstate(cancellable, NULL);
    return rc;
}
