/* SPDX-License-Identifier: MIT */
/* `child` as a service that speaks to its supervisor, by a plain socket. */
#define _GNU_SOURCE 1
#include "child.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* To NOTIFY_SOCKET; leaves the program with 5 if that cannot be. */
static void tell(const char *text)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    const char *name = getenv("NOTIFY_SOCKET");
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (!name || strlen(name) >= sizeof where.sun_path)
        _exit(5);
    memcpy(where.sun_path, name, strlen(name));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] == '/'));
    if (name[0] == '@')
        where.sun_path[0] = '\0';
    if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&where, size) < 0)
        _exit(5);
    close(fd);
}

static int tell_and_end(int argc, char **argv)
{
    tell(argc > 1 ? argv[1] : "READY=1");
    return 0;
}

static int tell_and_stay(int argc, char **argv)
{
    tell_and_end(argc, argv);
    say("%d", (int)getpid());
    pause_for_ever();
}

/* Each of its arguments, and then it cannot start. */
static int tell_and_fail(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        tell(argv[i]);
    return 78;
}

static int tell_below(int argc, char **argv)
{
    pid_t pid = fork();
    if (pid == 0)
        tell_and_stay(argc, argv);
    pause_for_ever();
}

/* The one that speaks has lost its parent, which was our child. */
static int tell_orphaned(int argc, char **argv)
{
    pid_t between = fork();
    if (between == 0) {
        pid_t parent = getpid();
        if (fork() != 0)
            _exit(0);
        while (getppid() == parent)
            sleep_ms(1);
        tell_and_stay(argc, argv);
    }
    waitpid(between, NULL, 0);
    pause_for_ever();
}

static void *be_a_thread(void *arg)
{
    int id = (int)syscall(SYS_gettid);
    if (write(*(int *)arg, &id, sizeof id) != (ssize_t)sizeof id)
        _exit(5);
    pause_for_ever();
}

static int thread_of_a_child(void)
{
    int said[2], id;
    pthread_t thread;
    if (pipe2(said, O_CLOEXEC) < 0)
        _exit(5);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (pthread_create(&thread, NULL, be_a_thread, &said[1]) != 0)
            _exit(5);
        pause_for_ever();
    }
    if (read(said[0], &id, sizeof id) != (ssize_t)sizeof id)
        _exit(5);
    return id;
}

static int tell_main_pid(int argc, char **argv)
{
    char text[32];
    const char *whose = argc > 1 ? argv[1] : "own";
    pid_t pid = getpid();
    if (strcmp(whose, "parent") == 0)
        pid = getppid();
    else if (strcmp(whose, "child") == 0 && (pid = fork()) == 0)
        pause_for_ever();
    else if (strcmp(whose, "thread") == 0)
        pid = thread_of_a_child();
    else if (strcmp(whose, "own") != 0 && strcmp(whose, "child") != 0)
        pid = (pid_t)number_at(argc, argv, 1, 1);
    snprintf(text, sizeof text, "MAINPID=%d", (int)pid);
    tell(text);
    say("%d", (int)pid);
    pause_for_ever();
}

const struct verb notify_verbs[] = {
    {"tell", "[TEXT]: to NOTIFY_SOCKET", tell_and_end},
    {"tell-and-fail", "TEXT...: and exits with 78", tell_and_fail},
    {"tell-and-stay", "[TEXT]: prints its pid, then pauses", tell_and_stay},
    {"tell-below", "[TEXT]: its child does so", tell_below},
    {"tell-orphaned", "[TEXT]: a grandchild does so whose parent has ended", tell_orphaned},
    {"tell-main-pid", "own|child|parent|thread|N: names that process, prints its pid, then pauses", tell_main_pid},
    {NULL, NULL, NULL},
};
