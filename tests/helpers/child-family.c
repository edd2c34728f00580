/* SPDX-License-Identifier: MIT */
/* Verbs that have children of their own. */
#define _GNU_SOURCE 1
#include "child.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIFETIME_S 120

/* A copy that keeps stdout open. An alarm is not inherited. */
static pid_t fork_one(void)
{
    pid_t pid = fork();
    if (pid < 0)
        exit(99);
    if (pid == 0)
        alarm(LIFETIME_S);
    return pid;
}

/* One that does nothing, and whose pid is told. */
static void bear_one(void)
{
    pid_t pid = fork_one();
    if (pid == 0)
        pause_for_ever();
    say("%d", pid);
}

static int grandchild_holds_stdout(int argc, char **argv)
{
    say("parent");
    pid_t pid = fork_one();
    if (pid > 0)
        return (int)number_at(argc, argv, 2, 0);
    sleep_ms(number_at(argc, argv, 1, 1000));
    say("grandchild");
    return 0;
}

/* Both know their part before the first line is out. */
static int grandchild_ignoring_term(int argc, char **argv)
{
    (void)argc, (void)argv;
    signal(SIGTERM, SIG_IGN);
    bear_one();
    pause_for_ever();
}

/* The leader obeys SIGTERM, its child in the same group does not. */
static int group_with_a_stubborn_member(int argc, char **argv)
{
    (void)argc, (void)argv;
    signal(SIGTERM, SIG_IGN);
    pid_t pid = fork_one();
    if (pid == 0)
        pause_for_ever();
    signal(SIGTERM, SIG_DFL);
    say("%d", pid);
    pause_for_ever();
}

static int tree(int argc, char **argv)
{
    for (long i = number_at(argc, argv, 1, 3); i > 0; i--)
        bear_one();
    say("ready");
    pause_for_ever();
}

static int leave_group(int argc, char **argv)
{
    (void)argc, (void)argv;
    bear_one();
    say("%s", setpgid(0, getpgid(getppid())) == 0 ? "ready" : "stays");
    pause_for_ever();
}

static int orphan(int argc, char **argv)
{
    (void)argc, (void)argv;
    pid_t pid = fork_one();
    if (pid == 0) {
        setsid();
        pause_for_ever();
    }
    say("%d", pid);
    return 0;
}

/* ---- Trees ---- */

/* In a session, or a group, of its own. */
static pid_t fork_apart(int (*leave)(void))
{
    pid_t pid = fork_one();
    if (pid == 0)
        leave();
    return pid;
}

static int leave_session(void)
{
    return setsid();
}

static int lead_group(void)
{
    return setpgid(0, 0);
}

/* Each says who it is only when it is where it shall be, and the last one speaks last. */
static int scattered(int argc, char **argv)
{
    (void)argc, (void)argv;
    if (fork_apart(leave_session) == 0) {
        say("%d", getpid());
        if (fork_apart(lead_group) == 0) {
            say("%d", getpid());
            if (fork_apart(leave_session) == 0) {
                say("%d", getpid());
                say("ready");
            }
        }
    }
    pause_for_ever();
}

/* As daemons do it, but its middle is never waited for. */
static int zombie_middle(int argc, char **argv)
{
    siginfo_t info;
    (void)argc, (void)argv;
    pid_t middle = fork_apart(leave_session);
    if (middle == 0) {
        bear_one();
        _exit(0);
    }
    waitid(P_PID, (id_t)middle, &info, WEXITED | WNOWAIT);
    say("ready");
    pause_for_ever();
}

/* Its child stays in its group, and the parent leaves. */
static int left_in_group(int argc, char **argv)
{
    (void)argc, (void)argv;
    bear_one();
    return 0;
}

static int suspended_child(int argc, char **argv)
{
    siginfo_t info;
    (void)argc, (void)argv;
    pid_t pid = fork_one();
    if (pid == 0) {
        raise(SIGSTOP);
        pause_for_ever();
    }
    waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT);
    say("%d", pid);
    say("ready");
    pause_for_ever();
}

static int traced_child(int argc, char **argv)
{
    siginfo_t info;
    (void)argc, (void)argv;
    pid_t pid = fork_one();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
            _exit(77);
        raise(SIGUSR1);
        pause_for_ever();
    }
    waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT);
    say("%d", pid);
    say(info.si_code == CLD_EXITED ? "denied" : "ready");
    pause_for_ever();
}

static int say_and_pause(void *arg)
{
    (void)arg;
    say("%d", (int)syscall(SYS_getpid));
    say("ready");
    pause_for_ever();
}

/* The parent of a vfork(2) sleeps in the kernel. */
static int vforked_child(int argc, char **argv)
{
    (void)argc, (void)argv;
    char stack[8192] __attribute__((aligned(16)));
    clone(say_and_pause, stack + sizeof stack, CLONE_VFORK | CLONE_VM | SIGCHLD, NULL);
    return 99;
}

static void *fork_and_pause(void *arg)
{
    pthread_join(*(pthread_t *)arg, NULL);
    bear_one();
    say("ready");
    pause_for_ever();
}

/* Its first thread has ended, so that it looks like a zombie. */
static int leaderless(int argc, char **argv)
{
    static pthread_t leader;
    pthread_t other;
    (void)argc, (void)argv;
    leader = pthread_self();
    if (pthread_create(&other, NULL, fork_and_pause, &leader) != 0)
        return 99;
    pthread_exit(NULL);
}

/* Grows to N processes as fast as it can, in all directions, and keeps bearing some that end at once. */
static int storm(int argc, char **argv)
{
    long limit = number_at(argc, argv, 1, 50);
    atomic_long *count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (count == MAP_FAILED)
        return 99;
    say("ready");
    for (;;) {
        int grows = atomic_fetch_add(count, 1) < limit;
        pid_t pid = fork();
        if (pid == 0 && !grows)
            _exit(0);
        if (pid == 0)
            alarm(LIFETIME_S);
        else if (pid > 0 && !grows)
            waitpid(pid, NULL, 0);
    }
}

/* Root's: one child stays so, another one and the parent become the user. */
static int two_users(int argc, char **argv)
{
    uid_t uid = (uid_t)number_at(argc, argv, 1, 65534);
    pid_t roots = fork_one();
    if (roots == 0)
        pause_for_ever();
    int ends[2];
    char byte;
    if (pipe(ends) < 0)
        return 99;
    pid_t users = fork_one();
    if (users == 0) {
        close(ends[0]);
        if (setuid(uid) < 0)
            _exit(99);
        close(ends[1]);
        pause_for_ever();
    }
    close(ends[1]);
    (void)!read(ends[0], &byte, 1);
    if (setuid(uid) < 0)
        return 99;
    say("%d", roots);
    say("%d", users);
    pause_for_ever();
}

/* exec in place: the same process, another program. */
static int exec_program(int argc, char **argv)
{
    if (argc > 1)
        execv(argv[1], argv + 1);
    return 127;
}

const struct verb family_verbs[] = {
    {"grandchild-holds-stdout", "MS [CODE]: prints `parent`, leaves; its child prints `grandchild` after MS",
     grandchild_holds_stdout},
    {"grandchild-group-ignoring-term", ": both ignore SIGTERM; prints the grandchild's pid, then pauses",
     grandchild_ignoring_term},
    {"group-with-a-stubborn-member", ": only the grandchild ignores SIGTERM; prints its pid, then pauses",
     group_with_a_stubborn_member},
    {"tree", "[N]: N children that pause; prints their pids and `ready`, then pauses", tree},
    {"leave-group", ": joins its parent's group, its own child stays; prints that one's pid and `ready`, then pauses",
     leave_group},
    {"scattered", ": a child in another session, one of its own in another group, one in another session again; prints"
     " their pids and `ready`", scattered},
    {"zombie-middle", ": a daemon whose middle process is a zombie of ours; prints its pid and `ready`, then pauses",
     zombie_middle},
    {"left-in-group", ": prints the pid of a child that pauses, and leaves it", left_in_group},
    {"suspended-child", ": prints the pid of a suspended child and `ready`, then pauses", suspended_child},
    {"traced-child", ": prints the pid of a child that is stopped by us as its tracer and `ready`, then pauses",
     traced_child},
    {"vforked-child", ": the vforked child prints its pid and `ready`, then pauses", vforked_child},
    {"leaderless", ": the first thread ends, the second one prints the pid of a child and `ready`, then pauses",
     leaderless},
    {"storm", "[N]: prints `ready` and grows to N processes, which keep bearing others that end at once", storm},
    {"two-users", "[UID]: prints the pids of a child that stays root, and of one that becomes UID as we do", two_users},
    {"orphan", ": a child in a session of its own is left behind; prints its pid", orphan},
    {"exec", "PROGRAM ARGUMENT ...", exec_program},
    {NULL, NULL, NULL},
};
