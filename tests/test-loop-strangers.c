/* SPDX-License-Identifier: MIT */
/* Processes without a handle in a loop: children of fork(2), strangers who are reaped on command, orphans. */
#define _GNU_SOURCE 1
#include "loops.h"
#include "started.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/loop.h>

static int exits_with(int code)
{
    int pid = fork();
    if (pid == 0)
        _exit(code);
    return pid;
}

/* ---- Any process ---- */

struct told {
    int calls, pidfd, reaped;
    proc_exit exit;
};

static int tell(proc_watch *watch, int pidfd, const proc_exit *ended, void *user)
{
    struct told *told = user;
    siginfo_t info;
    (void)watch;
    told->calls++;
    told->pidfd = pidfd;
    told->exit = *ended;
    told->reaped = waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0;
    return 0;
}

static void a_child_without_a_handle_is_told_and_not_reaped(void **state)
{
    (void)state;
    proc_loop *loop = new_loop();
    for (int way = 0; way < 2; way++) {
        struct told told = {0};
        int pid = exits_with(11 + way), pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        assert_rc(proc_loop_process(loop, way == 0 ? PROC_PID(pid) : PROC_PIDFD(pidfd), tell, &told, NULL), 0);
        if (way == 1)
            close(pidfd);
        assert_rc(proc_loop_run(loop), 0);
        assert_int_equal(told.calls, 1);
        assert_int_equal(told.exit.kind, PROC_EXITED);
        assert_int_equal(told.exit.code, 11 + way);
        assert_true(told.reaped);
        if (way == 0)
            close(pidfd);
    }
    proc_loop_free(loop);
}

/* A parent that reaps its child when it gets a byte, and leaves at the end of file. */
struct family {
    int parent, child, to_parent[2], from_parent[2];
};

static void live_as_parent(const struct family *family)
{
    char byte;
    int pid = exits_with(5);
    siginfo_t info;
    close(family->to_parent[1]);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    if (write(family->from_parent[1], &pid, sizeof pid) != (ssize_t)sizeof pid)
        _exit(1);
    if (read(family->to_parent[0], &byte, 1) == 1)
        waitpid(pid, NULL, 0);
    _exit(read(family->to_parent[0], &byte, 1) != 0);
}

/* Its child has ended, and is a zombie. */
static struct family new_family(void)
{
    struct family family = {0};
    assert_int_equal(pipe2(family.to_parent, O_CLOEXEC) | pipe2(family.from_parent, O_CLOEXEC), 0);
    family.parent = fork();
    if (family.parent == 0)
        live_as_parent(&family);
    assert_int_equal(read(family.from_parent[0], &family.child, sizeof family.child), sizeof family.child);
    return family;
}

static void end_family(struct family *family)
{
    for (int i = 0; i < 2; i++) {
        close(family->to_parent[i]);
        close(family->from_parent[i]);
    }
    waitpid(family->parent, NULL, 0);
}

static int let_parent_reap(proc_watch *watch, uint64_t expirations, void *user)
{
    const struct family *family = user;
    (void)watch, (void)expirations;
    return write(family->to_parent[1], "r", 1) == 1 ? 0 : -EIO;
}

static void a_stranger_is_told_with_its_status_once_its_parent_has_taken_note(void **state)
{
    (void)state;
    struct told told = {0};
    struct family family = new_family();
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_process(loop, PROC_PID(family.child), tell, &told, NULL), 0);
    assert_rc(proc_loop_timer(loop, 0, 0, let_parent_reap, &family, NULL), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(told.calls, 1);
    assert_false(told.reaped);
    if (proc_has(PROC_FEATURE_EXIT_INFO) == 1 && told.exit.kind != PROC_EXITED_UNREAPED) {
        assert_int_equal(told.exit.kind, PROC_EXITED);
        assert_int_equal(told.exit.code, 5);
    } else {
        assert_true(told.exit.kind == PROC_EXITED_UNREAPED || told.exit.kind == PROC_LOST);
    }
    proc_loop_free(loop);
    end_family(&family);
}

static void a_stranger_whose_parent_sleeps_is_told_all_the_same(void **state)
{
    (void)state;
    struct told told = {0};
    struct family family = new_family();
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_process(loop, PROC_PID(family.child), tell, &told, NULL), 0);
    assert_rc(proc_loop_run(loop), 0);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.exit.kind, PROC_EXITED_UNREAPED);
    proc_loop_free(loop);
    end_family(&family);
}

static void a_running_stranger_is_left_when_its_watch_is_freed(void **state)
{
    (void)state;
    struct told told = {0};
    proc_watch *watch;
    proc_loop *loop = new_loop();
    proc_child *child = start(CHILD_DOES("sleep", "forever"), NULL);
    /* A handle may be watched in this way, too. */
    assert_rc(proc_loop_process(loop, PROC_PIDFD(proc_child_fd(child)), tell, &told, &watch), 0);
    assert_rc(proc_loop_process(loop, PROC_PIDFD(proc_child_fd(child)), tell, &told, NULL), 0);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    watch = proc_watch_free(watch);
    proc_loop_free(loop);
    assert_int_equal(told.calls, 0);
    assert_rc(proc_wait(child, 0, NULL), -ETIMEDOUT);
    proc_child_free(child);
}

static void nobody_and_ourselves_cannot_be_watched(void **state)
{
    (void)state;
    struct told told = {0};
    proc_loop *loop = new_loop();
    int pid = exits_with(0);
    waitpid(pid, NULL, 0);
    assert_rc(proc_loop_process(loop, PROC_PID(pid), tell, &told, NULL), -ESRCH);
    assert_rc(proc_loop_process(loop, PROC_PIDFD(proc_loop_fd(loop)), tell, &told, NULL), -EINVAL);
    assert_rc(proc_loop_process(loop, PROC_SELF, tell, &told, NULL), -EINVAL);
    assert_rc(proc_loop_process(loop, PROC_PID(getpid()), tell, &told, NULL), -EINVAL);
    assert_rc(proc_loop_process(loop, PROC_PID(1), NULL, &told, NULL), -EINVAL);
    assert_rc(proc_loop_run(loop), 0);
    proc_loop_free(loop);
}

/* ---- Orphans ---- */

struct orphans {
    int calls, pid, state, leave, quit_at;
    proc_exit exit;
    proc_watch *watch;
};

static int take(proc_watch *watch, int pid, const proc_exit *ended, void *user)
{
    struct orphans *orphans = user;
    if (pid == orphans->leave)
        return PROC_ORPHAN_LEAVE;
    orphans->calls++;
    orphans->pid = pid;
    orphans->state = state_of(pid);
    orphans->exit = *ended;
    if (orphans->calls == orphans->quit_at)
        proc_loop_quit(proc_watch_loop(watch), 4);
    return 0;
}

static int is_subreaper(void)
{
    int on = -1;
    prctl(PR_GET_CHILD_SUBREAPER, &on, 0, 0, 0);
    return on;
}

static void an_orphan_becomes_our_child_and_is_reaped(void **state)
{
    (void)state;
    struct orphans orphans = {.quit_at = 1};
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_orphans(loop, take, &orphans, &orphans.watch), 0);
    assert_int_equal(is_subreaper(), 1);
    proc_child *child = start_child("orphan");
    int orphan = atoi(said(child));
    assert_true(orphan > 0);
    assert_ends(child, PROC_EXITED, 0);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    kill(orphan, SIGKILL);
    assert_rc(proc_loop_run(loop), 4);
    assert_int_equal(orphans.pid, orphan);
    assert_int_equal(orphans.state, 'Z');
    assert_int_equal(orphans.exit.kind, PROC_SIGNALED);
    assert_int_equal(orphans.exit.code, SIGKILL);
    assert_rc(waitpid(orphan, NULL, WNOHANG), -1);
    proc_watch_free(orphans.watch);
    assert_int_equal(is_subreaper(), 0);
    proc_child_free(child);
    proc_loop_free(loop);
}

static void a_child_that_somebody_holds_is_not_taken(void **state)
{
    (void)state;
    struct orphans orphans = {0};
    proc_exit ended;
    proc_loop *loop = new_loop();
    proc_child *handle = start(CHILD_DOES("exit", "3"), NULL);
    int by_pidfd = exits_with(4), pidfd = (int)syscall(SYS_pidfd_open, by_pidfd, 0);
    int by_callback = orphans.leave = exits_with(5), orphan = exits_with(6);
    assert_rc(proc_loop_orphans(loop, take, &orphans, NULL), 0);
    assert_eventually(state_of(proc_child_pid(handle)) == 'Z' && state_of(by_pidfd) == 'Z');
    assert_eventually(state_of(by_callback) == 'Z' && state_of(orphan) == 'Z');
    while (orphans.calls == 0)
        assert_true(proc_loop_dispatch(loop, PATIENCE_MS) > 0);
    assert_int_equal(orphans.pid, orphan);
    assert_int_equal(orphans.calls, 1);
    assert_rc(proc_wait(handle, 0, &ended), 0);
    assert_int_equal(ended.code, 3);
    assert_int_equal(waitpid(by_pidfd, NULL, WNOHANG), by_pidfd);
    assert_int_equal(waitpid(by_callback, NULL, WNOHANG), by_callback);
    assert_int_equal(waitpid(orphan, NULL, WNOHANG), -1);
    close(pidfd);
    proc_child_free(handle);
    proc_loop_free(loop);
}

static int tell_child(proc_watch *watch, proc_child *child, const proc_exit *ended, void *user)
{
    (void)watch;
    *(int *)user = ended->code;
    proc_child_free(child);
    return 0;
}

static void many_orphans_are_reaped_in_portions(void **state)
{
    (void)state;
    enum { COUNT = 150 };
    struct orphans orphans = {.quit_at = COUNT};
    int code = 0;
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_orphans(loop, take, &orphans, NULL), 0);
    for (int i = 0; i < COUNT; i++)
        exits_with(1);
    assert_rc(proc_loop_child(loop, start(CHILD_DOES("exit", "9"), NULL), tell_child, &code, NULL), 0);
    assert_rc(proc_loop_run(loop), 4);
    assert_int_equal(orphans.calls, COUNT);
    while (code == 0)
        assert_true(proc_loop_dispatch(loop, PATIENCE_MS) > 0);
    assert_int_equal(code, 9);
    proc_loop_free(loop);
}

static int leave_those_with_5(proc_watch *watch, int pid, const proc_exit *ended, void *user)
{
    struct orphans *orphans = user;
    orphans->state++;
    return ended->code == 5 ? PROC_ORPHAN_LEAVE : take(watch, pid, ended, user);
}

static void those_who_are_left_keep_nobody_waiting(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct orphans orphans = {0};
    int left[COUNT];
    proc_loop *loop = new_loop();
    for (int i = 0; i < COUNT; i++)
        left[i] = exits_with(5);
    int orphan = exits_with(6);
    for (int i = 0; i < COUNT; i++)
        assert_eventually(state_of(left[i]) == 'Z');
    assert_eventually(state_of(orphan) == 'Z');
    assert_rc(proc_loop_orphans(loop, leave_those_with_5, &orphans, NULL), 0);
    while (orphans.calls == 0)
        assert_true(proc_loop_dispatch(loop, PATIENCE_MS) > 0);
    assert_int_equal(orphans.pid, orphan);
    /* And they are not asked about for ever. */
    assert_eventually(proc_loop_dispatch(loop, 0) == 0);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(waitpid(left[i], NULL, 0), left[i]);
    proc_loop_free(loop);
}

static int hear(proc_watch *watch, const proc_signal *signal, void *user)
{
    (void)watch, (void)signal, (void)user;
    return 0;
}

static void orphans_have_sigchld_for_themselves(void **state)
{
    (void)state;
    struct orphans orphans = {0};
    proc_watch *watch;
    proc_loop *loop = new_loop();
    assert_rc(proc_loop_orphans(loop, NULL, &orphans, NULL), -EINVAL);
    assert_rc(proc_loop_orphans(loop, take, &orphans, &watch), 0);
    assert_rc(proc_loop_orphans(loop, take, &orphans, NULL), -EBUSY);
    assert_rc(proc_loop_signals(loop, PROC_SIGNAL(SIGCHLD), hear, NULL, NULL), -EBUSY);
    assert_rc(proc_loop_dispatch(loop, 0), 0);
    watch = proc_watch_free(watch);
    assert_rc(proc_loop_signals(loop, PROC_SIGNAL(SIGCHLD), hear, NULL, NULL), 0);
    assert_rc(proc_loop_orphans(loop, take, &orphans, NULL), -EBUSY);
    assert_int_equal(is_subreaper(), 0);
    proc_loop_free(loop);
}

static void the_setting_for_orphans_is_told_and_put_back(void **state)
{
    (void)state;
    struct orphans orphans = {0};
    proc_loop *loop = new_loop();
    assert_rc(proc_subreaper(2), -EINVAL);
    assert_rc(proc_subreaper(1), 0);
    assert_int_equal(is_subreaper(), 1);
    assert_rc(proc_loop_orphans(loop, take, &orphans, NULL), 0);
    proc_loop_free(loop);
    assert_int_equal(is_subreaper(), 1);
    assert_rc(proc_subreaper(0), 1);
    assert_int_equal(is_subreaper(), 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        pidfd_test(a_child_without_a_handle_is_told_and_not_reaped),
        pidfd_test(a_stranger_is_told_with_its_status_once_its_parent_has_taken_note),
        pidfd_test(a_stranger_whose_parent_sleeps_is_told_all_the_same),
        spawning_test(a_running_stranger_is_left_when_its_watch_is_freed),
        pidfd_test(nobody_and_ourselves_cannot_be_watched),
        spawning_test(an_orphan_becomes_our_child_and_is_reaped),
        pidfd_test(a_child_that_somebody_holds_is_not_taken),
        spawning_test(many_orphans_are_reaped_in_portions),
        spawning_test(those_who_are_left_keep_nobody_waiting),
        spawning_test(orphans_have_sigchld_for_themselves),
        cmocka_unit_test(the_setting_for_orphans_is_told_and_put_back),
    };
    return run_suite("loop-strangers", tests, sizeof tests / sizeof tests[0], argc, argv);
}
