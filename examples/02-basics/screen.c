/* SPDX-License-Identifier: MIT */
/*
 * The terminal of list_processes. It must be given back on every way out, so signals that would end us are not
 * delivered while it is ours: they are seen through a descriptor, and stay pending until all is as before.
 */
#define _GNU_SOURCE 1 /* struct winsize */
#include "screen.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <proc/proc.h>

#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"
#define CLEAR_ALL "\033[2J"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

static int can_draw(void)
{
    const char *type = getenv("TERM");
    return type && strcmp(type, "dumb") != 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

void screen_take(struct screen *screen)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGHUP);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGQUIT);
    sigaddset(&ending, SIGTERM);
    if (!can_draw() || tcgetattr(STDIN_FILENO, &screen->terminal_before) < 0 ||
        (screen->signals = signalfd(-1, &ending, SFD_CLOEXEC)) < 0)
        return;
    sigprocmask(SIG_BLOCK, &ending, &screen->mask_before);
    struct termios keys = screen->terminal_before;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VSUSP] = _POSIX_VDISABLE; /* suspended we could give nothing back */
    tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    fputs(CLEAR_ALL HIDE_CURSOR, stdout);
    screen->drawn = 1;
}

void screen_give_back(struct screen *screen)
{
    if (!screen->drawn)
        return;
    fputs(SHOW_CURSOR, stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &screen->terminal_before);
    close(screen->signals);
    screen->drawn = 0;
    sigprocmask(SIG_SETMASK, &screen->mask_before, NULL);
}

void screen_begin(struct screen *screen)
{
    struct winsize size;
    screen->width = screen->lines = INT_MAX;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        screen->width = size.ws_col > 0 ? size.ws_col : 80;
    if (!screen->drawn)
        return;
    screen->lines = (size.ws_row > 0 ? size.ws_row : 24) - 1; /* the cursor stands in the last one */
    fputs(HOME, stdout);
}

/* A line may be what fills the buffer: then it is the one that fails, and not the flush at the end. */
void screen_line(struct screen *screen, const char *text)
{
    if (printf("%.*s%s\n", screen->width, text, screen->drawn ? CLEAR_LINE : "") < 0 && screen->error == 0)
        screen->error = errno;
}

int screen_show(struct screen *screen)
{
    if (screen->drawn)
        fputs(CLEAR_BELOW, stdout);
    if (fflush(stdout) != 0 && screen->error == 0)
        screen->error = errno;
    return -screen->error;
}

int screen_wait(const struct screen *screen, int ms)
{
    struct pollfd asked[] = {{screen->drawn ? STDIN_FILENO : -1, POLLIN, 0},
                             {screen->drawn ? screen->signals : -1, POLLIN, 0}};
    int64_t end = proc_now_ms() + ms, left;
    while ((left = end - proc_now_ms()) > 0) {
        char key = 'q'; /* also if the terminal is gone */
        if (poll(asked, 2, (int)left) < 0 || asked[1].revents)
            return 0;
        if (asked[0].revents && (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q'))
            return 0;
    }
    return 1;
}
