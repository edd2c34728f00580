/* SPDX-License-Identifier: MIT */
/* What we read of a process that stands still, against what ps(1) of procps reads of it. */
#define _GNU_SOURCE 1
#include "test.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#include "started.h"

/* One that has settings worth comparing, and has stopped itself. */
static int stopped_child(void)
{
    siginfo_t info;
    int pid = fork();
    if (pid == 0) {
        sigset_t blocked;
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGUSR2);
        sigaddset(&blocked, SIGRTMAX);
        sigprocmask(SIG_BLOCK, &blocked, NULL);
        signal(SIGHUP, SIG_IGN);
        if (nice(3) == -1 || setpgid(0, 0) < 0)
            _exit(1);
        raise(SIGUSR2);
        raise(SIGSTOP);
        _exit(0);
    }
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT), 0);
    assert_int_equal(info.si_code, CLD_STOPPED);
    return pid;
}

/* What ps says in one column, without the blanks around it; NULL: it knows no such column, or there is no ps. */
static char *said_by_ps(int pid, const char *column)
{
    char format[32], number[16];
    proc_result result;
    char *said = NULL;
    snprintf(format, sizeof format, "%s=", column);
    snprintf(number, sizeof number, "%d", pid);
    int rc = proc_run(&result, PROC_ARGV("ps", "-o", format, "-p", number),
                      PROC_OPTIONS(.out = PROC_CAPTURE, .err = PROC_NULL, .timeout_ms = PATIENCE_MS));
    if (rc == 0 && proc_result_ok(&result)) {
        char *start = result.out.data + strspn(result.out.data, " ");
        start[strcspn(start, " \n")] = '\0';
        said = strdup(start);
    }
    proc_result_done(&result);
    return said;
}

struct column {
    const char *name;
    char ours[80];
};

#define SAYS(column, ...)                                                                    \
    do {                                                                                     \
        columns[count].name = (column);                                                      \
        snprintf(columns[count++].ours, sizeof columns[0].ours, __VA_ARGS__);                \
    } while (0)

static size_t all_columns(int pid, struct column *columns)
{
    size_t count = 0;
    proc_status status;
    proc_stat stat;
    assert_rc(proc_status_read(PROC_PID(pid), NULL, sizeof status, &status), 0);
    assert_rc(proc_stat_read(PROC_PID(pid), &stat), 0);
    SAYS("pid", "%d", status.pid);
    SAYS("ppid", "%d", status.ppid);
    SAYS("ruid", "%u", status.uid[0]);
    SAYS("euid", "%u", status.uid[1]);
    SAYS("suid", "%u", status.uid[2]);
    SAYS("fuid", "%u", status.uid[3]);
    SAYS("rgid", "%u", status.gid[0]);
    SAYS("egid", "%u", status.gid[1]);
    SAYS("sgid", "%u", status.gid[2]);
    SAYS("fgid", "%u", status.gid[3]);
    SAYS("vsz", "%" PRIu64, status.vm_size_kb);
    SAYS("nlwp", "%u", status.threads);
    SAYS("s", "%c", status.state);
    SAYS("blocked", "%016" PRIx64, status.sig_blocked[0]);
    SAYS("ignored", "%016" PRIx64, status.sig_ignored[0]);
    SAYS("caught", "%016" PRIx64, status.sig_caught[0]);
    SAYS("comm", "%s", status.name);
    SAYS("pgid", "%d", stat.pgrp);
    SAYS("sid", "%d", stat.session);
    SAYS("tpgid", "%d", stat.tty_pgrp);
    SAYS("ni", "%d", stat.nice);
    SAYS("psr", "%d", stat.cpu);
    SAYS("maj_flt", "%" PRIu64, stat.major_faults);
    SAYS("min_flt", "%" PRIu64, stat.minor_faults);
    return count;
}

static void a_process_that_stands_still_is_told_as_ps_tells_it(void **state)
{
    (void)state;
    struct column columns[32];
    char *there = said_by_ps(getpid(), "vsz");
    if (!there)
        SKIP_TEST("no ps of procps here");
    free(there);
    int pid = stopped_child(), compared = 0;
    size_t count = all_columns(pid, columns);
    for (size_t i = 0; i < count; i++) {
        char *said = said_by_ps(pid, columns[i].name);
        if (said && strcmp(said, columns[i].ours) != 0)
            print_error("%s: ps says %s, we say %s\n", columns[i].name, said, columns[i].ours);
        assert_true(!said || strcmp(said, columns[i].ours) == 0);
        compared += said != NULL;
        free(said);
    }
    assert_true(compared >= 20);
    end_process(pid);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        spawning_test(a_process_that_stands_still_is_told_as_ps_tells_it),
    };
    return run_suite("ps", tests, sizeof tests / sizeof tests[0], argc, argv);
}
