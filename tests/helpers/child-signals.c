/* SPDX-License-Identifier: MIT */
/* Verbs that end, wait, and live with signals. */
#define _GNU_SOURCE 1
#include "child.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int leave_with(int argc, char **argv)
{
    return (int)number_at(argc, argv, 1, 0);
}

/* By the default action, whatever the program was started with; without a core file. */
static int kill_self(int argc, char **argv)
{
    int number = (int)number_at(argc, argv, 1, SIGTERM);
    const struct rlimit none = {0, 0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    setrlimit(RLIMIT_CORE, &none);
    signal(number, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    kill(getpid(), number);
    return 9;
}

static int sleep_a_while(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "forever") == 0)
        pause_for_ever();
    sleep_ms(number_at(argc, argv, 1, 0));
    return 0;
}

static int ignore(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        signal(atoi(argv[i]), SIG_IGN);
    say("ready");
    pause_for_ever();
}

static int answer_code;

static void answer(int number)
{
    (void)number;
    _exit(answer_code);
}

static int exit_on(int argc, char **argv)
{
    answer_code = (int)number_at(argc, argv, 2, 0);
    signal((int)number_at(argc, argv, 1, SIGTERM), answer);
    say("ready");
    pause_for_ever();
}

/* One that it waits for comes even if it is one to stop or to continue it. */
static int tell_signals(int argc, char **argv)
{
    sigset_t all;
    (void)argc, (void)argv;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    say("ready");
    for (;;) {
        int number = sigwaitinfo(&all, NULL);
        if (number > 0)
            say("%d", number);
        if (number == SIGTERM)
            return 0;
    }
}

static int stop_self(int argc, char **argv)
{
    say("stopping");
    kill(getpid(), SIGSTOP);
    say("continued");
    return (int)number_at(argc, argv, 1, 0);
}

static int ready_and_pause(int argc, char **argv)
{
    (void)argc, (void)argv;
    say("ready");
    pause_for_ever();
}

/* For usage figures: so much processor time, so much memory. */
static int burn(int argc, char **argv)
{
    clock_t until = clock() + number_at(argc, argv, 1, 50) * (CLOCKS_PER_SEC / 1000);
    size_t size = (size_t)number_at(argc, argv, 2, 0) * 1024 * 1024;
    volatile char *memory = size ? malloc(size) : NULL; /* not to be optimized away */
    for (size_t i = 0; memory && i < size; i += 512)
        memory[i] = 1;
    while (clock() < until)
        ;
    free((char *)(uintptr_t)memory);
    return 0;
}

const struct verb signal_verbs[] = {
    {"exit", "N", leave_with},
    {"kill", "SIGNAL: itself", kill_self},
    {"sleep", "MS | forever", sleep_a_while},
    {"ignore", "SIGNAL ...: prints `ready`, then pauses", ignore},
    {"exit-on", "SIGNAL CODE: prints `ready`, then pauses", exit_on},
    {"tell-signals", ": prints `ready`, then the number of each signal that it gets; SIGTERM is the last",
     tell_signals},
    {"stop-self", "[CODE]: prints `stopping`, stops; once continued prints `continued` and leaves", stop_self},
    {"ready", ": prints `ready`, then pauses", ready_and_pause},
    {"burn", "MS [MEBIBYTES]", burn},
    {NULL, NULL, NULL},
};
