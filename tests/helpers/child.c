/* SPDX-License-Identifier: MIT */
/*
 * The program that the tests start when they need one that behaves in a certain way: `child VERB [ARGUMENT ...]`.
 * Without a verb it lists them all. Whatever it does, an alarm ends it after two minutes: nothing outlives a broken
 * test.
 */
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIFETIME_S 120

void put(int fd, const void *data, size_t size)
{
    const char *bytes = data;
    while (size > 0) {
        ssize_t done = write(fd, bytes, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            _exit(errno == EPIPE ? 4 : 3);
        bytes += done;
        size -= (size_t)done;
    }
}

void say(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (len > (int)sizeof line - 2)
        len = (int)sizeof line - 2;
    line[len] = '\n';
    put(STDOUT_FILENO, line, (size_t)len + 1);
}

long number_at(int argc, char **argv, int index, long otherwise)
{
    return index < argc ? strtol(argv[index], NULL, 0) : otherwise;
}

_Noreturn void pause_for_ever(void)
{
    for (;;)
        pause();
}

void sleep_ms(long ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

static const struct verb *const tables[] = {io_verbs, signal_verbs, family_verbs, kernel_verbs, notify_verbs,
                                            sandbox_verbs, place_verbs, terminal_verbs};
#define TABLES (sizeof tables / sizeof tables[0])

static int show_usage(void)
{
    for (size_t i = 0; i < TABLES; i++) {
        for (const struct verb *verb = tables[i]; verb->name; verb++)
            fprintf(stderr, "child %s %s\n", verb->name, verb->usage);
    }
    return 2;
}

int main(int argc, char **argv)
{
    alarm(LIFETIME_S);
    for (size_t i = 0; argc > 1 && i < TABLES; i++) {
        for (const struct verb *verb = tables[i]; verb->name; verb++) {
            if (strcmp(verb->name, argv[1]) == 0)
                return verb->run(argc - 1, argv + 1);
        }
    }
    return show_usage();
}
