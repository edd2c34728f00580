/* SPDX-License-Identifier: MIT */
/*
 * The launcher: forks the watcher, listens until the outcome is known, and puts it into words. Owns the watcher, which
 * is gone when the call returns, and nobody's signals but its own mask meanwhile.
 */
#include "daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/fd.h"
#include "../base/sigmask.h"
#include "lock_handle.h"

#define DEFAULT_TIMEOUT_MS 30000
#define CODE_SILENT 124
/* For a watcher that was stopped, or is starved: it has nothing to do but to leave. */
#define WATCHER_MS 1000

/* ---- The outcome, in words ---- */

static int tell_reason(const struct launch *launch, int code, const char *reason, proc_daemon_report *report)
{
    const struct failure failure = {.step = PROC_STEP_READY, .code = code, .index = -1, .reason = reason};
    proc__error_render(&report->error, launch->verb, launch->thing, &failure);
    return -code;
}

static int tell_ready(const struct daemon_word *word, proc_daemon_report *report)
{
    *report = (proc_daemon_report){.outcome = PROC_DAEMON_READY, .pid = word->pid};
    return 1;
}

static int tell_failed(const struct daemon_word *word, proc_daemon_report *report)
{
    *report =
        (proc_daemon_report){.outcome = PROC_DAEMON_FAILED, .code = word->code, .pid = word->pid, .error = word->error};
    return -word->error.code;
}

/* What the daemon has told of itself last, if anything, as far as there is room. */
static void append(proc_error *error, const char *words)
{
    size_t len = strlen(error->text);
    if (!words[0])
        return;
    proc__text_out(": ", error->text + len, sizeof error->text - len);
    len = strlen(error->text);
    proc__text_out(words, error->text + len, sizeof error->text - len);
}

static int tell_ended(const struct launch *launch, const struct daemon_word *word, const char *status,
                      proc_daemon_report *report)
{
    char how[40], reason[64];
    int code = proc_exit_shell(&word->exit);
    *report = (proc_daemon_report){
        .outcome = PROC_DAEMON_ENDED, .code = code ? code : 1, .pid = word->pid, .exit = word->exit};
    proc_exit_text(&word->exit, how, sizeof how);
    snprintf(reason, sizeof reason, "%s before it was ready", how);
    int rc = tell_reason(launch, ECHILD, reason, report);
    append(&report->error, status);
    return rc;
}

static int tell_silent(const struct launch *launch, int pid, int timeout_ms, const char *status,
                       proc_daemon_report *report)
{
    char reason[64];
    *report = (proc_daemon_report){.outcome = PROC_DAEMON_SILENT, .code = CODE_SILENT, .pid = pid};
    snprintf(reason, sizeof reason, "not ready after %d ms, but running", timeout_ms);
    int rc = tell_reason(launch, ETIMEDOUT, reason, report);
    append(&report->error, status);
    return rc;
}

static int tell_deaf(const struct launch *launch, int code, int pid, proc_daemon_report *report)
{
    *report = (proc_daemon_report){.outcome = PROC_DAEMON_FAILED, .code = 1, .pid = pid};
    return tell_reason(launch, code, NULL, report);
}

/* The watcher is gone without a last word: it could not say it, or somebody has killed it. */
static int tell_lost(const struct launch *launch, int pid, int status, proc_daemon_report *report)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        return tell_deaf(launch, WEXITSTATUS(status), pid, report);
    *report = (proc_daemon_report){.outcome = PROC_DAEMON_ENDED, .code = 1, .pid = pid, .exit = {.kind = PROC_LOST}};
    return tell_reason(launch, ECHILD, "its watcher was killed, nothing is known", report);
}

/* ---- Listening ---- */

/* 1 = a word; 0 = the watcher is gone; or a negative errno, of which -ETIMEDOUT. */
static int next_word(int fd, deadline until, struct daemon_word *ret_word)
{
    struct pollfd said = {.fd = fd, .events = POLLIN};
    int rc = proc__poll(&said, 1, until);
    if (rc <= 0)
        return rc < 0 ? rc : -ETIMEDOUT;
    return proc__word_read(fd, ret_word);
}

/* 1 or a negative errno: the report is written; 0: the watcher is gone. */
static int listen_to_start(const struct launch *launch, proc_daemon_report *report, int *ret_pid)
{
    int timeout_ms = launch->options.timeout_ms ? launch->options.timeout_ms : DEFAULT_TIMEOUT_MS;
    deadline until = proc__deadline_in(timeout_ms);
    proc_error status = {0}; /* its text: what the daemon has told of itself last */
    for (*ret_pid = 0;;) {
        struct daemon_word word;
        int rc = next_word(launch->to_launcher[0], until, &word);
        if (rc == -ETIMEDOUT)
            return tell_silent(launch, *ret_pid, timeout_ms, status.text, report);
        if (rc <= 0)
            return rc < 0 ? tell_deaf(launch, -rc, *ret_pid, report) : 0;
        switch (word.kind) {
        case WORD_STARTED: *ret_pid = word.pid; break;
        case WORD_STATUS: status = word.error; break;
        case WORD_READY: return tell_ready(&word, report);
        case WORD_ENDED: return tell_ended(launch, &word, status.text, report);
        default: return tell_failed(&word, report);
        }
    }
}

/* ---- The watcher ---- */

/* The last word said, it is leaving: this comes first, without a pause. */
static void await_hangup(int fd)
{
    struct pollfd end = {.fd = fd};
    proc__poll(&end, 1, proc__deadline_in(WATCHER_MS));
}

/*
 * It leaves when its pipe has no reader any more. Its wait status; 0 if the kernel has reaped it, since SIGCHLD is
 * ignored. Nobody else does: SIGCHLD is blocked here, and there are no other threads. So a pid that is killed is still
 * its own.
 */
static int await_watcher(pid_t watcher)
{
    deadline until = proc__deadline_in(WATCHER_MS);
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(watcher, &status, WNOHANG);
        if (pid == watcher || (pid < 0 && errno != EINTR))
            return status;
        if (pid == 0 && proc__nap(until) == -ETIMEDOUT)
            kill(watcher, SIGKILL);
    }
}

static int may_live(const proc_daemon_report *report)
{
    return report->outcome == PROC_DAEMON_READY || report->outcome == PROC_DAEMON_SILENT ||
           report->exit.kind == PROC_LOST;
}

/*
 * What belongs to a daemon that lives is left to it. Its lock may not name it: it is still on its way to that, or its
 * program is taking the lock over, and the file is empty for a moment.
 */
static void let_go(struct launch *launch, const proc_daemon_report *report)
{
    if (!may_live(report))
        return;
    proc__lock_discard(launch->daemon->lock);
    launch->daemon->lock = NULL;
}

static int lead(struct launch *launch, pid_t watcher, proc_daemon_report *report)
{
    proc__fd_close(&launch->to_launcher[1]);
    proc__fd_close(&launch->to_watcher[0]);
    proc__fd_close(&launch->to_watcher[1]);
    int pid;
    int rc = listen_to_start(launch, report, &pid);
    if (report->outcome != PROC_DAEMON_SILENT)
        await_hangup(launch->to_launcher[0]);
    proc__fd_close(&launch->to_launcher[0]);
    int status = await_watcher(watcher);
    if (rc == 0)
        rc = tell_lost(launch, pid, status, report);
    let_go(launch, report);
    return rc;
}

static int fail_fork(const struct launch *launch, int code, int step, proc_daemon_report *report)
{
    const struct failure failure = {.step = step, .code = code, .index = -1};
    *report = (proc_daemon_report){.outcome = PROC_DAEMON_FAILED, .code = 1};
    proc__error_render(&report->error, launch->verb, launch->thing, &failure);
    return -code;
}

int proc__daemon_launch(struct launch *launch, proc_daemon_report *report)
{
    struct sigmask before, waiting;
    /* So that no handler of ours runs in the watcher, and none ends the launcher between the two. */
    int rc = proc__sigmask_block_all(&before);
    if (rc < 0)
        return fail_fork(launch, -rc, PROC_STEP_SIGNALS, report);
    pid_t watcher = fork();
    int code = errno;
    if (watcher == 0) {
        proc__daemon_watch(launch);
        return 0;
    }
    waiting = before;
    waiting.bits[0] |= PROC_SIGNAL(SIGCHLD);
    proc__sigmask_set(&waiting);
    rc = watcher < 0 ? fail_fork(launch, code, PROC_STEP_FORK, report) : lead(launch, watcher, report);
    proc__sigmask_set(&before);
    return rc;
}
