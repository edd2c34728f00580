/* SPDX-License-Identifier: MIT */
/* The doors of daemons: becoming one, starting one, and what a daemon tells. Owns the handle. */
#include "daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/fd.h"
#include "handed.h"

#define CODE_OWN 1

/* ---- Becoming one ---- */

int proc_supervised(void)
{
    uint64_t pid;
    const char *socket = getenv("NOTIFY_SOCKET");
    if (socket && *socket != '\0')
        return 1;
    if (proc__handed_number("LISTEN_PID", INT32_MAX, &pid) == 1 && pid == (uint64_t)getpid())
        return 1;
    return getpid() == 1;
}

/* A failure before anything was forked; a lock that is held has told itself already. */
static void report_failure(const struct launch *launch, const struct failure *failure, proc_daemon_report *report)
{
    report->code = CODE_OWN;
    if (report->outcome == 0)
        report->outcome = PROC_DAEMON_FAILED;
    if (report->error.code == 0)
        proc__error_render(&report->error, launch->verb, launch->thing, failure);
    report->error.changed = (uint32_t)launch->changed;
}

/* 0: this is the daemon; 1 or a negative errno: this is not. */
static int launch_it(struct launch *launch, proc_daemon_report *report, struct failure *failure)
{
    if (launch->stays)
        return proc__daemon_stay(launch, failure);
    int rc = proc__daemon_launch(launch, report);
    if (rc == 0 && launch->spawns)
        proc__daemon_become(launch);
    if (rc == 0)
        proc__daemon_settle(launch);
    return rc;
}

static int run(struct launch *launch, const proc_options *program, const proc_daemon_options *options,
               proc_daemon_report *report)
{
    struct failure failure = {0};
    int rc = proc__daemon_take(launch, program, options, &failure);
    if (rc == 0)
        rc = proc__daemon_prepare(launch, report, &failure);
    if (rc == 0)
        rc = launch_it(launch, report, &failure);
    if (rc < 0 && report->code == 0)
        report_failure(launch, &failure, report);
    return rc;
}

/* Told like every other mistake: who prints the report does not ask what it was. */
static int refuse_daemon(const struct launch *launch, proc_daemon_report *report)
{
    struct failure failure = {0};
    (void)proc__refuse(&failure, EINVAL, "nowhere to put the daemon");
    report_failure(launch, &failure, report);
    return -EINVAL;
}

int proc_daemonize(proc_daemon **daemon, const proc_daemon_options *options, proc_daemon_report *ret_report)
{
    static const char *const argv[] = {"/", NULL};
    struct launch launch = {.verb = "daemonize", .argv = argv, .to_launcher = {-1, -1}, .to_watcher = {-1, -1}};
    proc_daemon_report report = {0};
    if (!ret_report)
        return -EINVAL;
    int rc = daemon ? run(&launch, NULL, options, &report) : refuse_daemon(&launch, &report);
    if (rc == 0) {
        *daemon = launch.daemon;
        launch.daemon = NULL;
    } else {
        *ret_report = report;
    }
    proc__daemon_discard(&launch);
    return rc;
}

int proc_daemon_spawn(const char *const argv[], const proc_options *options, const proc_daemon_options *daemon_options,
                      proc_daemon_report *ret_report)
{
    struct launch launch = {
        .verb = "daemon", .argv = argv, .spawns = 1, .to_launcher = {-1, -1}, .to_watcher = {-1, -1}};
    proc_daemon_report report = {0};
    if (!ret_report)
        return -EINVAL;
    int rc = run(&launch, options, daemon_options, &report);
    *ret_report = report;
    proc__daemon_discard(&launch);
    return rc < 0 ? rc : 0;
}

/* ---- What it tells ---- */

/* Once, and then there is no line any more. */
static int tell_launcher(proc_daemon *daemon, const struct daemon_word *word)
{
    if (daemon->line < 0)
        return 0;
    int rc = proc__word_send(daemon->line, word);
    proc__fd_close(&daemon->line);
    return rc;
}

static int change_err(proc_daemon *daemon)
{
    if (daemon->err < 0)
        return 0;
    int rc = proc__fd_put(daemon->err, STDERR_FILENO);
    proc__fd_close(&daemon->err);
    return rc;
}

/* Both, if there are two; what has failed counts more than what was told, and can be said again. */
static int tell_supervisor_ready(proc_daemon *daemon)
{
    int rc = proc_notify_ready();
    if (daemon->notify_fd >= 0) {
        int written = proc_notify_newline(daemon->notify_fd);
        daemon->notify_fd = -1;
        rc = rc < 0 ? rc : written < 0 ? written : 1;
    }
    daemon->told = rc >= 0;
    return rc;
}

int proc_daemon_ready(proc_daemon *daemon)
{
    static const struct daemon_word ready = {.kind = WORD_READY};
    if (!daemon)
        return -EINVAL;
    if (daemon->owner != (int)getpid())
        return -ECHILD;
    if (daemon->told)
        return 0;
    if (daemon->stays)
        return tell_supervisor_ready(daemon);
    daemon->told = 1;
    int rc = change_err(daemon);
    int told = tell_launcher(daemon, &ready);
    return rc < 0 ? rc : told;
}

static void tell_supervisor_failure(const char *text)
{
    char line[sizeof((proc_error *)0)->text];
    proc_escape(text, strlen(text), line, sizeof line);
    proc_notify_status(line);
}

int proc_daemon_fail(proc_daemon *daemon, int code, const char *text)
{
    if (code < 1 || code > 255)
        code = 1;
    if (!daemon || daemon->owner != (int)getpid() || daemon->told)
        return code;
    daemon->told = 1;
    if (!text)
        text = "it gives no reason";
    if (daemon->stays) {
        tell_supervisor_failure(text);
        return code;
    }
    struct daemon_word word = {
        .kind = WORD_FAILED, .code = code, .error = {.step = PROC_STEP_READY, .code = ECANCELED, .index = -1}};
    proc_escape(text, strlen(text), word.error.text, sizeof word.error.text);
    change_err(daemon); /* why it has failed counts more than that this may fail, too */
    tell_launcher(daemon, &word);
    return code;
}

proc_lock *proc_daemon_lock(proc_daemon *daemon)
{
    return daemon ? daemon->lock : NULL;
}

proc_daemon *proc_daemon_free(proc_daemon *daemon)
{
    if (!daemon)
        return NULL;
    proc__fd_close(&daemon->line);
    proc__fd_close(&daemon->err);
    proc_lock_free(daemon->lock);
    free(daemon);
    return NULL;
}
