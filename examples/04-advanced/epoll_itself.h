/* SPDX-License-Identifier: MIT */
/* What epoll(7) does, without a loop around it. Each prints a line, and answers 0, or 1 if it could not be shown. */
#ifndef EXAMPLES_EPOLL_ITSELF_H
#define EXAMPLES_EPOLL_ITSELF_H

#include <stdint.h>

/* How often it tells of bytes that are read one by one: mode is 0 or EPOLLET. */
int show_trigger(const char *name, uint32_t mode);
/* What is always ready is not taken; the loop makes up for that. */
int show_regular_file(void);
/* What it costs to be told of one descriptor among so many that are silent, by poll(2) and by epoll_wait(2). */
int epoll_bench(int silent);

#endif
