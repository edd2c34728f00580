/* SPDX-License-Identifier: MIT */
/* The snippets of <proc/procfs.h>: compiled and run, as snippets.c. */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/procfs.h>

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

static void stat_parse(void)
{
    //! [stat_parse]
    static const char text[] = "77 (a) b (c) S 1 77 77\n";
    proc_stat stat;
    int fields = proc_stat_parse(text, sizeof text - 1, &stat);
    printf("%d of 52 fields; its name is %s\n", fields, stat.name); /* 6 of them, and "a) b (c" */
    //! [stat_parse]
    CHECK(fields == 6 && strcmp(stat.name, "a) b (c") == 0);
}

static void stat_read(void)
{
    //! [stat_read]
    proc_stat stat;
    if (proc_stat_read(PROC_SELF, &stat) == 0 && proc_stat_has(&stat, PROC_STAT_START_TICKS))
        printf("%" PRId32 " has run since tick %" PRIu64 "\n", stat.pid, stat.start_ticks); /* nobody else is both */
    //! [stat_read]
    CHECK(stat.pid == getpid());
}

int main(void)
{
    stat_parse();
    stat_read();
    return 0;
}
