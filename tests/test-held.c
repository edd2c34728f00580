/* SPDX-License-Identifier: MIT */
/*
 * A process that is held at a gate, goes on beside us, and tells what became of it: whoever else has got the ends of
 * its pipes, and whenever it or its starter dies.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/pidfd.h"
#include "child/held.h"

#define LEFT 111 /* the exit code of one that was not let through */

struct started {
    struct hold hold;
    int pid, pidfd;
};

static struct plan empty_plan(void)
{
    return (struct plan){.join_group = -1, .cwd_fd = -1, .umask = -1, .program_fd = -1, .program_number = -1};
}

/* In the copy: what it does behind the gate. */
typedef void behind(struct hold *hold);

static void hold_one(struct started *one, const struct plan *plan, behind *then)
{
    assert_rc(proc__hold_make(&one->hold), 0);
    one->pid = fork();
    assert_true(one->pid >= 0);
    if (one->pid == 0) {
        if (proc__hold_wait(&one->hold, plan))
            then(&one->hold);
        _exit(LEFT);
    }
    one->pidfd = proc__pidfd_open(one->pid);
    assert_true(one->pidfd >= 0);
}

static void release_one(struct started *one)
{
    assert_rc(proc__hold_release(&one->hold), 0);
}

static int end_one(struct started *one)
{
    int status = 0;
    proc__hold_done(&one->hold);
    proc__pidfd_signal(one->pidfd, SIGKILL, 0);
    assert_int_equal(waitpid(one->pid, &status, 0), one->pid);
    proc__fd_close(&one->pidfd);
    return status;
}

/* ---- What a process does behind the gate ---- */

static void run_sleep(struct hold *hold)
{
    (void)hold;
    execl("/bin/sleep", "sleep", "100", (char *)NULL);
}

static void fail_somewhere(struct hold *hold)
{
    const struct report report = {PROC_STEP_CWD, ENOTDIR, 7};
    if (write(hold->report[1], &report, sizeof report) != (ssize_t)sizeof report)
        _exit(1);
    live_on();
}

static void die(struct hold *hold)
{
    (void)hold;
    raise(SIGKILL);
}

static void close_and_live_on(struct hold *hold)
{
    close(hold->report[1]);
    live_on();
}

static void die_in_hook(struct hold *hold)
{
    proc__hold_say(hold->report[1], HOLD_WORD_HOOK);
    raise(SIGKILL);
}

static void stay_in_hook(struct hold *hold)
{
    proc__hold_say(hold->report[1], HOLD_WORD_HOOK);
    live_on();
}

static void exec_in_hook(struct hold *hold)
{
    proc__hold_say(hold->report[1], HOLD_WORD_HOOK);
    run_sleep(hold);
}

static void come_back_from_hook(struct hold *hold)
{
    proc__hold_say(hold->report[1], HOLD_WORD_HOOK);
    proc__hold_say(hold->report[1], HOLD_WORD_BACK);
    raise(SIGKILL);
}

/* ---- Outcomes ---- */

/* with_others: a copy of ours that has all ends of the pipes lives on, as one that another thread forks may. */
static void check_outcome(behind *then, int hook_ms, int with_others, int rc, int step)
{
    struct started one;
    struct plan plan = empty_plan();
    struct report report = {0, 0, 0};
    hold_one(&one, &plan, then);
    int other = with_others ? sleeper() : 0;
    release_one(&one);
    one.hold.hook_ms = hook_ms;
    assert_rc(proc__hold_outcome(&one.hold, one.pidfd, &report), rc);
    assert_int_equal(report.step, step);
    end_one(&one);
    if (other)
        end_process(other);
}

#define BOTH_WAYS(then, hook_ms, rc, step)             \
    do {                                               \
        check_outcome(then, hook_ms, 0, (rc), (step)); \
        check_outcome(then, hook_ms, 1, (rc), (step)); \
    } while (0)

static void that_it_has_execed_is_learnt_whoever_has_its_pipe(void **state)
{
    (void)state;
    BOTH_WAYS(run_sleep, -1, 0, 0);
    BOTH_WAYS(close_and_live_on, -1, 0, 0);
}

static void where_it_has_failed_is_learnt_whoever_has_its_pipe(void **state)
{
    (void)state;
    BOTH_WAYS(fail_somewhere, -1, -ENOTDIR, PROC_STEP_CWD);
}

static void one_that_dies_on_the_way_is_one_that_was_started(void **state)
{
    (void)state;
    BOTH_WAYS(die, -1, 0, 0);
    BOTH_WAYS(come_back_from_hook, -1, 0, 0);
}

static void a_hook_that_dies_or_stays_is_told_from_a_start(void **state)
{
    (void)state;
    BOTH_WAYS(die_in_hook, -1, -ECHILD, PROC_STEP_HOOK);
    BOTH_WAYS(stay_in_hook, 30, -ETIMEDOUT, PROC_STEP_HOOK);
    BOTH_WAYS(exec_in_hook, -1, 0, 0);
}

/* The report's number is wanted by the plan: it makes way, and its lock comes along. */
static void the_way_home_makes_way_for_the_plan(void **state)
{
    struct started one;
    struct fd_move moves[12];
    struct plan plan = empty_plan();
    struct report report;
    (void)state;
    for (int i = 0; i < 12; i++)
        moves[i] = (struct fd_move){.number = 3 + i, .source = 3 + i};
    plan.moves = moves;
    plan.move_count = 12;
    hold_one(&one, &plan, stay_in_hook);
    assert_true(one.hold.report[1] < 15);
    int other = sleeper();
    release_one(&one);
    one.hold.hook_ms = 30;
    assert_rc(proc__hold_outcome(&one.hold, one.pidfd, &report), -ETIMEDOUT);
    assert_true(one.hold.guarded);
    end_one(&one);
    end_process(other);
}

/* ---- The gate ---- */

static void it_does_nothing_before_it_is_let_through(void **state)
{
    struct started one;
    struct plan plan = empty_plan();
    (void)state;
    hold_one(&one, &plan, die);
    assert_eventually(state_of(one.pid) == 'S');
    assert_false(proc__pidfd_has_ended(one.pidfd));
    proc__hold_done(&one.hold); /* the end of the gate */
    assert_eventually(proc__pidfd_has_ended(one.pidfd));
    int status = end_one(&one);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == LEFT);
}

static void tell_pid(int fd, int pid)
{
    if (write(fd, &pid, sizeof pid) != (ssize_t)sizeof pid)
        _exit(1);
}

/* Holds one, and leaves another copy behind that has the gate, too; then waits to be killed. */
_Noreturn static void be_starter(int fd)
{
    struct hold hold;
    struct plan plan = empty_plan();
    if (proc__hold_make(&hold) < 0)
        _exit(1);
    int held = fork();
    if (held == 0) {
        proc__hold_wait(&hold, &plan);
        _exit(LEFT);
    }
    int copy = fork();
    if (copy == 0)
        live_on();
    tell_pid(fd, held);
    tell_pid(fd, copy);
    live_on();
}

static void it_dies_with_its_starter_whoever_has_its_gate(void **state)
{
    int ends[2], pids[2] = {0, 0};
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int starter = fork_bound();
    if (starter == 0)
        be_starter(ends[1]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(read(ends[0], &pids[i], sizeof pids[i]), sizeof pids[i]);
    assert_eventually(state_of(pids[0]) == 'S');
    end_process(starter);
    int status = 0;
    assert_int_equal(waitpid(pids[0], &status, 0), pids[0]);
    end_process(pids[1]);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(ends[0]);
    close(ends[1]);
}

/* ---- Whether the starter is there ---- */

enum { THERE = 90, GONE = 91, UNKNOWN = 92 };

/*
 * Tells twice: when it is let through, and when its starter has ended. Of one with several threads, as a sanitizer may
 * have made, one may still be leaving when another one has left its children to somebody else.
 */
_Noreturn static void look_for_starter(struct hold *hold, int fd)
{
    struct plan plan = empty_plan();
    if (!proc__hold_wait(hold, &plan))
        _exit(LEFT);
    tell_pid(fd, proc__hold_has_starter(hold->report[1]) == 1 ? THERE : UNKNOWN);
    while (getppid() == hold->starter)
        sched_yield();
    tell_pid(fd, EVENTUALLY(proc__hold_has_starter(hold->report[1]) == 0) ? GONE : UNKNOWN);
    _exit(LEFT);
}

_Noreturn static void be_binding_starter(int fd)
{
    struct hold hold;
    if (proc__hold_make(&hold) < 0)
        _exit(1);
    hold.binds = 1;
    if (fork() == 0)
        look_for_starter(&hold, fd);
    int copy = fork();
    if (copy == 0)
        live_on();
    if (proc__hold_release(&hold) < 0)
        _exit(1);
    tell_pid(fd, copy);
    live_on();
}

static void that_its_starter_is_there_is_seen_without_its_number(void **state)
{
    int ends[2], words[2] = {0, 0}, end = 0;
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int starter = fork_bound();
    if (starter == 0)
        be_binding_starter(ends[1]);
    for (int i = 0; i < 2; i++)
        assert_int_equal(read(ends[0], &words[i], sizeof words[i]), sizeof words[i]);
    end_process(starter);
    assert_int_equal(read(ends[0], &end, sizeof end), sizeof end);
    assert_int_equal(end, GONE);
    assert_true(words[0] == THERE || words[1] == THERE);
    end_process(words[0] == THERE ? words[1] : words[0]);
    int status = 0;
    assert_true(waitpid(-1, &status, 0) > 0);
    assert_int_equal(WEXITSTATUS(status), LEFT);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(ends[0]);
    close(ends[1]);
}

/* ---- No child of the starter ---- */

/* The starter; tells who is held, and who has a copy of the gate. */
_Noreturn static void start_unbound(int told)
{
    const struct plan plan = empty_plan();
    struct hold hold;
    int pids[2];
    if (proc__hold_make(&hold) < 0 || proc__hold_for_orphan(&hold) < 0)
        _exit(1);
    pids[0] = fork();
    if (pids[0] == 0)
        _exit(proc__hold_wait(&hold, &plan) ? 0 : LEFT);
    pids[1] = fork();
    if (pids[1] != 0 && write(told, pids, sizeof pids) != (ssize_t)sizeof pids)
        _exit(1);
    live_on();
}

static void an_orphan_leaves_when_its_starter_dies_although_a_copy_has_the_gate(void **state)
{
    int told[2], pids[2];
    (void)state;
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    int starter = fork_bound();
    if (starter == 0)
        start_unbound(told[1]);
    close(told[1]);
    assert_int_equal(read(told[0], pids, sizeof pids), sizeof pids);
    close(told[0]);
    struct pollfd end = {.fd = proc__pidfd_open(pids[0]), .events = POLLIN};
    assert_true(end.fd >= 0);
    end_process(starter);
    int ended = poll(&end, 1, PATIENCE_MS);
    kill(pids[1], SIGKILL);
    close(end.fd);
    assert_int_equal(ended, 1);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        pidfd_test(that_it_has_execed_is_learnt_whoever_has_its_pipe),
        pidfd_test(where_it_has_failed_is_learnt_whoever_has_its_pipe),
        pidfd_test(one_that_dies_on_the_way_is_one_that_was_started),
        pidfd_test(a_hook_that_dies_or_stays_is_told_from_a_start),
        pidfd_test(the_way_home_makes_way_for_the_plan),
        pidfd_test(it_does_nothing_before_it_is_let_through),
        pidfd_test(it_dies_with_its_starter_whoever_has_its_gate),
        pidfd_test(that_its_starter_is_there_is_seen_without_its_number),
        pidfd_test(an_orphan_leaves_when_its_starter_dies_although_a_copy_has_the_gate),
    };
    return run_suite("held", tests, sizeof tests / sizeof tests[0], argc, argv);
}
