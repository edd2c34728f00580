/* SPDX-License-Identifier: MIT */
/* Where lists are shown: on a terminal each over the last one, and elsewhere below it. */
#ifndef EXAMPLES_SCREEN_H
#define EXAMPLES_SCREEN_H

#include <signal.h>
#include <termios.h>

struct screen {
    int width, lines; /* that fit; INT_MAX: any number */
    int error;        /* errno of the first line that could not be written; 0 = none */
    int drawn;        /* 1: a terminal that is ours to draw on */
    int signals;      /* then: a descriptor, readable once a signal wants to end us */
    struct termios terminal_before;
    sigset_t mask_before;
};

/* Takes the terminal, if there is one; until it is given back, keys come one by one and unseen. */
void screen_take(struct screen *screen);
/* The terminal is as before. If a signal wants to end us, this is where it does. */
void screen_give_back(struct screen *screen);

/* A list is begun on a screen of today's size; has lines, cut where the screen ends; and is shown. */
void screen_begin(struct screen *screen);
void screen_line(struct screen *screen, const char *text);
int screen_show(struct screen *screen); /* 0, or a negative errno */

/* 1: that time has passed; 0: q was pressed, or a signal wants to end us. */
int screen_wait(const struct screen *screen, int ms);

#endif
