/* SPDX-License-Identifier: MIT */
/* Starts helper programs by the library under test, and looks at what becomes of them. */
#define _GNU_SOURCE 1
#include "started.h"

#include <endian.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/daemon.h>

#include "base/clone.h"
#include "base/probe.h"

/* ---- What a test needs ---- */

/* Not by proc_has(): valgrind lacks pidfd_open(2), but emulates all that a start needs. */
int pidfds_work(void)
{
    return proc__probe_memory() >= 0;
}

int needs_pidfds(void **state)
{
    (void)state;
    if (!pidfds_work())
        leave_out("pidfds are denied here, nothing can be started");
    return 0;
}

int needs_pidfd_open(void **state)
{
    int fd = (int)syscall(434 /* pidfd_open */, getpid(), 0);
    if (fd < 0) {
        leave_out("pidfds cannot be opened here");
        return 0;
    }
    close(fd);
    return needs_pidfds(state);
}

int needs_root(void **state)
{
    if (geteuid() != 0)
        leave_out("only root may change credentials");
    return needs_pidfds(state);
}

int needs_a_machine(void **state)
{
    if (proc__probe_memory() == MEMORY_EMULATED)
        leave_out("an emulator does this in a way of its own");
    return needs_pidfds(state);
}

/* ---- Starting ---- */

proc_child *start(const char *const argv[], const proc_options *options)
{
    proc_child *child = NULL;
    proc_error error = {0};
    proc_options mine = options ? *options : *PROC_OPTIONS(.flags = 0);
    mine.error = &error;
    int rc = proc_spawn(&child, argv, &mine);
    if (rc < 0)
        fail_msg("%s", error.text);
    return child;
}

void skip_if_denied(const proc_options *options)
{
    proc_child *child = NULL;
    proc_error error = {0};
    proc_options mine = *options;
    mine.error = &error;
    int rc = proc_spawn(&child, PROC_ARGV("true"), &mine);
    if (rc == -EPERM || rc == -EACCES)
        SKIP_TEST("denied to us: %s", error.text);
    if (rc < 0)
        fail_msg("%s", error.text);
    check_ends(child, PROC_EXITED, 0, __FILE__, __LINE__);
    proc_child_free(child);
}

/* Starts `report --to path` and waits for its end. Not with assertions: forked copies ask too. */
static int let_report(const char *path, const proc_options *options)
{
    proc_child *child = NULL;
    proc_exit ended = {0};
    proc_error error = {0};
    proc_options mine = *options;
    mine.error = &error;
    int rc = proc_spawn(&child, PROC_ARGV(REPORT, "--to", path), &mine);
    if (rc == 0)
        rc = proc_wait(child, PATIENCE_MS, &ended);
    proc_child_free(child);
    if (rc == 0 && proc_exit_ok(&ended))
        return 0;
    fprintf(stderr, "report: %s, %s, exit %d\n", rc_name(rc), error.text, proc_exit_shell(&ended));
    return -1;
}

/* Through a file that anybody can write, in a directory that anybody can enter: ids and stdio are the test's affair. */
char *report_of(const proc_options *options)
{
    char *directory = directory_make();
    char *path = path_in(directory, "report");
    file_write(path, "");
    chmod(path, 0666);
    chmod(directory, 0711);
    char *text = let_report(path, options) == 0 ? file_read(path) : NULL;
    free(path);
    directory_remove(directory);
    return text ? text : strdup("");
}

int start_daemon(const proc_options *program)
{
    proc_daemon_report told;
    /* So that its end is ours to wait for, once the process between is gone. */
    require(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    require_rc(proc_daemon_spawn(CHILD_DOES("sleep", "forever"), program, NULL, &told), 0);
    return told.pid;
}

void end_daemon(int pid)
{
    require(kill(pid, SIGKILL) == 0);
    require(EVENTUALLY(waitpid(pid, NULL, 0) == pid));
}

const proc_ids *same_ids(void)
{
    static uint32_t uid, gid;
    static const proc_ids ids = {.size = sizeof ids, .uid = &uid, .gid = &gid, .keep_groups = 1};
    uid = geteuid();
    gid = getegid();
    return &ids;
}

const char *said(proc_child *child)
{
    static char line[1024];
    size_t len = 0;
    while (len < sizeof line - 1 && proc_read(child, 1, line + len, 1, PATIENCE_MS) == 1 && line[len] != '\n')
        len++;
    line[len] = '\0';
    return line;
}

char *all_of(proc_child *child, int fd)
{
    size_t len = 0, room = 65536;
    char *text = malloc(room);
    int64_t got;
    while (text && (got = proc_read(child, fd, text + len, room - len - 1, PATIENCE_MS)) > 0) {
        len += (size_t)got;
        if (room - len < 2)
            text = realloc(text, room *= 2);
    }
    if (!text)
        abort();
    text[len] = '\0';
    return text;
}

/* ---- Judging ---- */

void check_ends(proc_child *child, int kind, int code, const char *file, int line)
{
    proc_exit ended = {0};
    char text[80] = "";
    int rc = proc_wait(child, PATIENCE_MS, &ended);
    if (rc == 0 && ended.kind == kind && ended.code == code)
        return;
    proc_exit_text(&ended, text, sizeof text);
    print_error("the wait is %s: %s; not kind %d, code %d\n", rc_name(rc), text, kind, code);
    _fail(file, line);
}

/* A text where there should be none, or another one. */
static int text_differs(const proc_error *error, const char *text)
{
    return text && strcmp(error->text, text) != 0;
}

void check_fails(const char *const argv[], const proc_options *options, int rc, int step, int index, const char *text,
                 const char *file, int line)
{
    proc_child *const untouched = (proc_child *)(uintptr_t)0x55;
    proc_child *child = untouched;
    proc_error error = {.changed = 7};
    proc_options mine = *options;
    mine.error = &error;
    int got = proc_spawn(&child, argv, &mine);
    if (got == rc && child == untouched && error.step == step && error.code == -rc && error.index == index &&
        error.changed == 0 && error.stage == -1 && !text_differs(&error, text))
        return;
    print_error("%s (not %s), step %d (%d), code %d, index %d (%d), changed %u, handle %s\n  %s\n  %s\n", rc_name(got),
                rc_name(rc), error.step, step, error.code, error.index, index, error.changed,
                child == untouched ? "untouched" : "touched", error.text, text ? text : "(any text)");
    if (got == 0)
        proc_child_free(child);
    _fail(file, line);
}

/* ---- Looking from outside ---- */

int state_of(int pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    char *text = file_read(path);
    const char *end = text ? strrchr(text, ')') : NULL; /* the name before it may hold anything */
    int state = end && end[1] ? end[2] : 0;
    free(text);
    return state;
}

int deny_call(long number, int error)
{
    return deny_call_if(number, 0, 0, error);
}

int deny_call_if(long number, unsigned argument, unsigned bits, int error)
{
    size_t low = offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t);
    if (__BYTE_ORDER != __LITTLE_ENDIAN)
        low += sizeof(uint32_t);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)low),
        BPF_JUMP(BPF_JMP | (bits ? BPF_JSET : BPF_JGE) | BPF_K, bits, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}
