/* SPDX-License-Identifier: MIT */
/* Verbs that live on a terminal. */
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct winsize size_of(int fd)
{
    struct winsize size = {0};
    ioctl(fd, TIOCGWINSZ, &size);
    return size;
}

/* How fd sees the terminal, in a line on standard output. */
static int tell(int argc, char **argv)
{
    int fd = (int)number_at(argc, argv, 1, 1);
    struct termios modes = {0};
    int controlling = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    const struct winsize size = size_of(fd);
    tcgetattr(fd, &modes);
    say("tty %d%d%d size %dx%d leader %d foreground %d controlling %d echo %d", isatty(0), isatty(1), isatty(2),
        size.ws_row, size.ws_col, getsid(0) == getpid(), tcgetpgrp(controlling) == getpgrp(), controlling >= 0,
        (modes.c_lflag & ECHO) != 0);
    return 0;
}

static void note_change(int number)
{
    (void)number;
}

static int tell_changes(int argc, char **argv)
{
    sigset_t change, before;
    const struct sigaction action = {.sa_handler = note_change};
    sigemptyset(&change);
    sigaddset(&change, SIGWINCH);
    sigprocmask(SIG_BLOCK, &change, &before);
    sigaction(SIGWINCH, &action, NULL);
    say("ready");
    for (long left = number_at(argc, argv, 1, 1); left > 0; left--) {
        sigsuspend(&before);
        const struct winsize size = size_of(1);
        say("size %dx%d", size.ws_row, size.ws_col);
    }
    return 0;
}

/* Writes to the terminal, by its name, if there is no other way. */
static int type_to_tty(int argc, char **argv)
{
    char name[64];
    if (argc < 2 || ttyname_r((int)number_at(argc, argv, 2, 0), name, sizeof name) != 0)
        return 5;
    int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? 6 : 7;
    put(fd, argv[1], strlen(argv[1]));
    return 0;
}

/* Lets go of the terminal, and lives on: who hangs up kills it. */
static int let_go_of_tty(int argc, char **argv)
{
    put(1, "bye", 3);
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    sleep_ms(number_at(argc, argv, 1, 0));
    return (int)number_at(argc, argv, 2, 0);
}

/* Reads a line from the terminal, whatever standard input is. */
static int ask(int argc, char **argv)
{
    char line[128];
    FILE *tty = fopen("/dev/tty", "r+e");
    if (!tty || argc < 2)
        return 5;
    fprintf(tty, "%s", argv[1]);
    fflush(tty);
    if (!fgets(line, sizeof line, tty))
        return 6;
    line[strcspn(line, "\n")] = '\0';
    say("got %s", line);
    fclose(tty);
    return 0;
}

const struct verb terminal_verbs[] = {
    {"terminal", "[FD]: what it sees of its terminal", tell},
    {"winch", "[TIMES]: prints `ready`, then the size at every SIGWINCH", tell_changes},
    {"write-by-name", "TEXT [FD]: to the terminal at FD, opened by its name", type_to_tty},
    {"let-go", "MS CODE: writes `bye`, closes 0 to 2, waits, leaves", let_go_of_tty},
    {"ask", "QUESTION: on /dev/tty; prints `got ANSWER`", ask},
    {NULL, NULL, NULL},
};
