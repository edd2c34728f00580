/* SPDX-License-Identifier: MIT */
/* Verbs that read and write. */
#define _GNU_SOURCE 1
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULUS 251 /* a prime, so that a lost or doubled block shows */

static int echo(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (i > 1)
            put(STDOUT_FILENO, " ", 1);
        put(STDOUT_FILENO, argv[i], strlen(argv[i]));
    }
    put(STDOUT_FILENO, "\n", 1);
    return 0;
}

static int lines(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        say("%s", argv[i]);
    return 0;
}

static int print(int argc, char **argv)
{
    int fd = (int)number_at(argc, argv, 1, 1);
    for (int i = 2; i < argc; i++)
        put(fd, argv[i], strlen(argv[i]));
    return 0;
}

static int write_pattern(int argc, char **argv)
{
    long size = number_at(argc, argv, 1, 0), chunk = number_at(argc, argv, 2, 65536);
    int fd = (int)number_at(argc, argv, 3, 1);
    char *buffer = malloc((size_t)chunk);
    for (long done = 0; buffer && done < size;) {
        long part = size - done < chunk ? size - done : chunk;
        for (long i = 0; i < part; i++)
            buffer[i] = (char)((done + i) % MODULUS);
        put(fd, buffer, (size_t)part);
        done += part;
    }
    free(buffer);
    return 0;
}

static int write_for_ever(int argc, char **argv)
{
    static const char block[4096] = "for ever";
    int fd = (int)number_at(argc, argv, 1, 1);
    while (fd >= 0)
        put(fd, block, sizeof block);
    return 2;
}

static ssize_t take(int fd, void *buffer, size_t size)
{
    ssize_t got;
    while ((got = read(fd, buffer, size)) < 0 && errno == EINTR)
        ;
    return got;
}

static int read_all(int argc, char **argv)
{
    static unsigned char buffer[65536];
    int fd = (int)number_at(argc, argv, 1, 0), pattern = 1;
    uint32_t sum = 2166136261u; /* FNV-1a */
    uint64_t total = 0;
    ssize_t got;
    while ((got = take(fd, buffer, sizeof buffer)) > 0) {
        for (ssize_t i = 0; i < got; i++, total++) {
            sum = (sum ^ buffer[i]) * 16777619u;
            pattern &= buffer[i] == total % MODULUS;
        }
    }
    say("%ju %08x %s", (uintmax_t)total, sum, pattern ? "pattern" : "other");
    return got < 0 ? 3 : 0;
}

static int read_some(int argc, char **argv)
{
    static char buffer[65536];
    long left = number_at(argc, argv, 1, 1);
    while (left > 0) {
        ssize_t got = take(STDIN_FILENO, buffer, left < 65536 ? (size_t)left : sizeof buffer);
        if (got <= 0)
            return 3;
        left -= got;
    }
    return 0;
}

static int cat(int argc, char **argv)
{
    static char buffer[65536];
    ssize_t got;
    while ((got = take((int)number_at(argc, argv, 1, 0), buffer, sizeof buffer)) > 0)
        put((int)number_at(argc, argv, 2, 1), buffer, (size_t)got);
    return got < 0 ? 3 : 0;
}

static int close_stdin_then_sleep(int argc, char **argv)
{
    close(STDIN_FILENO);
    say("closed");
    sleep_ms(number_at(argc, argv, 1, LONG_MAX / 1000));
    return 0;
}

static int close_stdout_and_pause(int argc, char **argv)
{
    (void)argc, (void)argv;
    close(STDOUT_FILENO);
    pause_for_ever();
}

static int close_all_and_pause(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int fd = 0; fd < 1024; fd++)
        close(fd);
    pause_for_ever();
}

static int fds(int argc, char **argv)
{
    for (int fd = 0, end = (int)number_at(argc, argv, 1, 4096); fd < end; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            say("%d", fd);
    }
    return 0;
}

/* Whose files are where, in one write: none of them is written to, and no position moves. */
static int firsts(int argc, char **argv)
{
    char line[64];
    int count = 0;
    for (; count + 2 < argc && count < (int)sizeof line; count++)
        if (pread(atoi(argv[count + 2]), &line[count], 1, 0) != 1)
            line[count] = '-';
    put((int)number_at(argc, argv, 1, 1), line, (size_t)count);
    return 0;
}

const struct verb io_verbs[] = {
    {"echo", "TEXT ...: the words, a newline", echo},
    {"lines", "TEXT ...: one line each", lines},
    {"print", "FD TEXT ...: the texts and nothing else", print},
    {"write", "BYTES [CHUNK [FD]]: byte n is n % 251", write_pattern},
    {"write-forever", "[FD]", write_for_ever},
    {"read-all", "[FD]: to the end; prints `COUNT FNV1A pattern|other`", read_all},
    {"read", "BYTES: so many, and leaves the rest", read_some},
    {"cat", "[FROM [TO]]", cat},
    {"close-stdin-then-sleep", "[MS]: prints `closed` after the close", close_stdin_then_sleep},
    {"close-stdout-and-pause", "", close_stdout_and_pause},
    {"close-all-and-pause", "", close_all_and_pause},
    {"firsts", "TO FD ...: to TO the first byte of the file at each number, `-` where there is none", firsts},
    {"fds", "[END]: the open descriptors below END (4096), a line each", fds},
    {NULL, NULL, NULL},
};
