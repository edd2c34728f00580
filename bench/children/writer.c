/* SPDX-License-Identifier: MIT */
/* writer BYTES CHUNK: writes so many bytes, so many at a time (1 MiB at most). */
#include "bare.h"

static char chunk[1 << 20];

static long number(const char *text)
{
    long value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (*text - '0');
    return value;
}

void bare_main(char **argv)
{
    if (!argv[1] || !argv[2])
        bare_exit(2);
    long left = number(argv[1]), most = number(argv[2]);
    if (most < 1 || most > (long)sizeof chunk)
        bare_exit(2);
    /* Pages of its own, not the one page of zeros that all untouched ones are. */
    for (long i = 0; i < most; i += 1024)
        chunk[i] = 'x';
    while (left > 0) {
        long written = bare_syscall(SYS_write, 1, chunk, left < most ? left : most);
        if (written <= 0)
            bare_exit(1);
        left -= written;
    }
    bare_exit(0);
}
