/* SPDX-License-Identifier: MIT */
/*
 * The watcher: leads the new session, forks the daemon into it, and stays its parent until the outcome is known: so the
 * end of a daemon is seen by who may wait for it, whatever kernel this is. It runs with all signals blocked and holds
 * nothing but its pipes. It never returns but in the daemon.
 */
#include "daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/procfs.h>

#include "../base/clock.h"
#include "../base/exit.h"
#include "../base/fd.h"
#include "../base/fd_table.h"
#include "notify_receive.h"

/* PF_FORKNOEXEC. */
#define FORKED_WITHOUT_EXEC 0x40

struct watch {
    struct launch *launch;
    pid_t daemon;
    int main_pid; /* what it calls itself, if that is another process of its tree; 0 */
    int ends;     /* readable when a child has ended */
    int line_up;  /* 1: the daemon may still say something */
};

/* ---- Telling ---- */

_Noreturn static void leave_with(struct watch *watch, struct daemon_word *word)
{
    word->pid = watch->main_pid ? watch->main_pid : (int)watch->daemon;
    int rc = proc__word_send(watch->launch->to_launcher[1], word);
    /* If even that fails, the exit code is left to say it. */
    _exit(rc < 0 ? -rc : 0);
}

_Noreturn static void fail_start(struct watch *watch, int step, int code)
{
    const struct failure failure = {.step = step, .code = code, .index = -1};
    struct daemon_word word = proc__word_failed(watch->launch, &failure);
    leave_with(watch, &word);
}

/* ---- Looking: a word counts more than the end of who said it ---- */

/* A program that is executed closes the line by that, and so does a daemon that ends or gives up its handle. */
static void look_at_line(struct watch *watch)
{
    struct daemon_word word;
    if (!watch->line_up)
        return;
    int rc = proc__word_read(watch->launch->to_watcher[0], &word);
    if (rc == 1)
        leave_with(watch, &word);
    if (rc == -EAGAIN)
        return;
    if (rc < 0)
        fail_start(watch, PROC_STEP_PIPE, -rc);
    watch->line_up = 0;
}

/* What it tells of itself, for a launcher that may wait in vain for more. */
static void pass_on(const struct watch *watch, proc_span status)
{
    struct daemon_word word = {.kind = WORD_STATUS, .pid = (int)watch->daemon};
    proc_escape(status.data, status.len, word.error.text, sizeof word.error.text);
    proc__word_send(watch->launch->to_launcher[1], &word);
}

static void look_at_messages(struct watch *watch)
{
    proc_notify_server *server = watch->launch->server;
    const struct named tree = {(int)watch->daemon, -1};
    proc_notify_message message;
    while (server && proc__notify_receive(server, &tree, proc__deadline_in(0), &message) == 1) {
        struct daemon_word word = {.kind = WORD_READY};
        if (message.what & PROC_NOTIFY_MAIN_PID && message.main_pid > 0)
            watch->main_pid = message.main_pid;
        if (message.what & PROC_NOTIFY_STATUS)
            pass_on(watch, message.status);
        if (message.what & PROC_NOTIFY_READY)
            leave_with(watch, &word);
        proc_notify_message_done(&message);
    }
}

/* Without reaping it: it is looked at once more by its number, for what it has said. */
static int has_ended(const struct watch *watch)
{
    siginfo_t info = {.si_pid = 0};
    while (waitid(P_PID, (id_t)watch->daemon, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
        if (errno != EINTR)
            return 1;
    }
    return info.si_pid != 0;
}

_Noreturn static void tell_end(struct watch *watch)
{
    int status;
    struct daemon_word word = {.kind = WORD_ENDED, .exit = {.kind = PROC_LOST}};
    if (waitpid(watch->daemon, &status, WNOHANG) == watch->daemon)
        word.exit = proc__exit_from_status(status);
    leave_with(watch, &word);
}

/*
 * The line of a process that is killed on the way to its program is closed, too, a moment before it can be waited for.
 * The kernel marks who has not executed anything since it was forked; where it does not tell, the line is believed.
 */
static int has_executed(const struct watch *watch)
{
    proc_stat stat;
    const proc_target target = {.pid = (int)watch->daemon};
    if (proc_stat_read(&target, &stat) < 0 || !proc_stat_has(&stat, PROC_STAT_FLAGS))
        return 1;
    return !(stat.flags & FORKED_WITHOUT_EXEC);
}

static void look_around(struct watch *watch)
{
    const int ended = has_ended(watch); /* first: what it has said before that is there by now */
    look_at_line(watch);
    look_at_messages(watch);
    if (ended)
        tell_end(watch);
    if (!watch->line_up && watch->launch->spawns && !watch->launch->server && has_executed(watch)) {
        struct daemon_word word = {.kind = WORD_READY};
        leave_with(watch, &word);
    }
}

/* ---- Waiting ---- */

static void drain_ends(const struct watch *watch)
{
    struct signalfd_siginfo info;
    while (proc__fd_read(watch->ends, &info, sizeof info) > 0)
        ;
}

_Noreturn static void keep_watch(struct watch *watch)
{
    enum { LINE, ENDS, MESSAGES, LAUNCHER, COUNT };
    const struct launch *launch = watch->launch;
    for (;;) {
        struct pollfd fds[COUNT] = {
            [LINE] = {.fd = watch->line_up ? launch->to_watcher[0] : -1, .events = POLLIN},
            [ENDS] = {.fd = watch->ends, .events = POLLIN},
            [MESSAGES] = {.fd = launch->server ? proc_notify_server_fd(launch->server) : -1, .events = POLLIN},
            [LAUNCHER] = {.fd = launch->to_launcher[1]}, /* an error: nobody reads any more */
        };
        int rc = proc__poll(fds, COUNT, DEADLINE_NEVER);
        if (rc < 0)
            fail_start(watch, PROC_STEP_READY, -rc);
        if (fds[LAUNCHER].revents)
            _exit(0);
        drain_ends(watch);
        look_around(watch);
    }
}

/* ---- The beginning ---- */

/* Handlers would never run here, but an ignored SIGCHLD would take the daemon's status away. */
static void heed_sigchld(void)
{
    const struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &action, NULL);
}

static int listen_to_ends(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    int fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : proc__fd_above_stdio(fd);
}

/* So that nothing of the user's stays open or busy for our sake: pipes, the lock, a directory. */
static void hold_nothing_else(const struct watch *watch)
{
    const struct launch *launch = watch->launch;
    int keep[] = {launch->to_launcher[1], launch->to_watcher[0], watch->ends,
                  launch->server ? proc_notify_server_fd(launch->server) : -1};
    int left = chdir("/");
    (void)left; /* where that cannot be, the directory stays busy a little longer */
    proc__fd_close_others(keep, sizeof keep / sizeof keep[0]);
}

static void begin_watch(struct watch *watch)
{
    struct launch *launch = watch->launch;
    heed_sigchld();
    if (setsid() < 0)
        fail_start(watch, PROC_STEP_SESSION, errno);
    watch->ends = listen_to_ends();
    if (watch->ends < 0)
        fail_start(watch, PROC_STEP_SIGNALS, -watch->ends);
    watch->daemon = fork();
    if (watch->daemon < 0) {
        int code = errno;
        watch->daemon = 0;
        fail_start(watch, PROC_STEP_FORK, code);
    }
    if (watch->daemon == 0)
        return;
    const struct daemon_word started = {.kind = WORD_STARTED, .pid = (int)watch->daemon};
    proc__word_send(launch->to_launcher[1], &started);
    proc__fd_close(&launch->to_watcher[1]);
    hold_nothing_else(watch);
}

void proc__daemon_watch(struct launch *launch)
{
    struct watch watch = {.launch = launch, .ends = -1, .line_up = 1};
    begin_watch(&watch);
    if (watch.daemon > 0)
        keep_watch(&watch);
    proc__fd_close(&watch.ends);
    proc__fd_close(&launch->to_launcher[0]);
    proc__fd_close(&launch->to_launcher[1]);
    proc__fd_close(&launch->to_watcher[0]);
}
