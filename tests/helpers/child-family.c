/* SPDX-License-Identifier: MIT */
/* Verbs that have children of their own. */
#define _GNU_SOURCE 1
#include "child.h"

#include <signal.h>
#include <stdlib.h>
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
    pid_t pid = fork_one();
    if (pid == 0)
        pause_for_ever();
    say("%d", pid);
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
    for (long i = number_at(argc, argv, 1, 3); i > 0; i--) {
        pid_t pid = fork_one();
        if (pid == 0)
            pause_for_ever();
        say("%d", pid);
    }
    say("ready");
    pause_for_ever();
}

static int leave_group(int argc, char **argv)
{
    (void)argc, (void)argv;
    pid_t pid = fork_one();
    if (pid == 0)
        pause_for_ever();
    say("%d", pid);
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
    {"orphan", ": a child in a session of its own is left behind; prints its pid", orphan},
    {"exec", "PROGRAM ARGUMENT ...", exec_program},
    {NULL, NULL, NULL},
};
