/* SPDX-License-Identifier: MIT */
/*
 * ps and top in one: `list_processes [-n ROUNDS] [-d SECONDS] [--sort cpu|mem|pid] [--tree]`. One list; or one every few
 * seconds, on a terminal over the last one and until q or a signal. A dash stands for what is not ours to see.
 */
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

#include "screen.h"

#define FIELDS                                                                                                         \
    (PROC_FIELD_PARENT | PROC_FIELD_USER | PROC_FIELD_STATE | PROC_FIELD_RSS | PROC_FIELD_THREADS | PROC_FIELD_TIMES | \
     PROC_FIELD_NAME | PROC_FIELD_CMDLINE | PROC_FIELD_CPU)
#define HEADER(cpu) "    PID    PPID USER       S" cpu "       RSS  THR     TIME COMMAND"
#define MOST_ARGUMENTS (128 << 10)               /* a table keeps no more of them */
#define LONGEST_LINE (4 * MOST_ARGUMENTS + 4096) /* all of them escaped, behind the figures and a branch of the tree */

struct wish {
    int rounds; /* 0: until q */
    int delay_ms;
    uint64_t sort; /* a PROC_FIELD_...; 0: by pid */
    int tree;
};

/* As in ps: a name that does not fit is not cut, the number takes its place. */
static void write_user(uint32_t uid, char text[11])
{
    const struct passwd *user = getpwuid(uid);
    if (!user || proc_escape(user->pw_name, strlen(user->pw_name), text, 11) > 10)
        snprintf(text, 11, "%" PRIu32, uid);
}

static int write_figures(const proc_entry *entry, int with_cpu, char *text, size_t size)
{
    char user[11], cpu[16] = "";
    uint64_t seconds = (entry->user_ticks + entry->system_ticks) / (uint64_t)sysconf(_SC_CLK_TCK);
    if (!(entry->present & PROC_FIELD_STATE))
        return snprintf(text, size, "%7d %7s %-10s -", entry->pid, "-", "-");
    write_user(entry->euid, user);
    if (with_cpu)
        snprintf(cpu, sizeof cpu, " %4" PRIu32 ".%" PRIu32, entry->cpu_permille / 10, entry->cpu_permille % 10);
    return snprintf(text, size, "%7d %7d %-10s %c%s %9" PRIu64 " %4" PRIu32 " %5" PRIu64 ":%02d ", entry->pid,
                    entry->ppid, user, entry->state, cpu, entry->rss_kb, entry->threads, seconds / 60,
                    (int)(seconds % 60));
}

/* The arguments with blanks between them; the [name] of who has none: a thread of the kernel, a zombie. */
static void write_command(const proc_entry *entry, char *text, size_t size)
{
    static char words[MOST_ARGUMENTS];
    size_t len = entry->present & PROC_FIELD_CMDLINE ? entry->cmdline.len : 0;
    for (size_t i = 0; i < len; i++)
        words[i] = entry->cmdline.data[i] ? entry->cmdline.data[i] : ' ';
    while (len > 0 && words[len - 1] == ' ')
        len--;
    if (len == 0 && entry->present & PROC_FIELD_NAME)
        len = (size_t)snprintf(words, sizeof words, "[%s]", entry->name);
    proc_escape(words, len, text, size);
}

static void print_entry(struct screen *screen, const struct wish *wish, const proc_entry *entry, int depth)
{
    static char line[LONGEST_LINE + 1];
    int width = screen->width < LONGEST_LINE ? screen->width : LONGEST_LINE;
    int len = write_figures(entry, wish->sort == PROC_FIELD_CPU, line, sizeof line);
    for (int indent = 2 * depth; indent > 0 && len < width; indent--)
        line[len++] = ' ';
    if (len < width)
        write_command(entry, line + len, (size_t)(width - len) + 1);
    else
        line[width] = '\0';
    screen_line(screen, line);
}

/* The one below, of a tree that is read from top to bottom. */
static const proc_entry *next_in_tree(const proc_table *table, const proc_entry *entry, int *depth)
{
    const proc_entry *next = proc_table_child(table, entry);
    *depth += next != NULL;
    while (!next && entry && !(next = proc_table_sibling(table, entry))) {
        entry = proc_table_parent(table, entry);
        --*depth;
    }
    return next;
}

static int print_table(struct screen *screen, const struct wish *wish, proc_table *table)
{
    int depth = 0;
    screen_begin(screen);
    screen_line(screen, wish->sort == PROC_FIELD_CPU ? HEADER("   %CPU") : HEADER(""));
    proc_table_sort(table, wish->sort, wish->sort != 0);
    const proc_entry *entry = wish->tree ? proc_table_child(table, NULL) : proc_table_at(table, 0);
    for (int line = 1; entry && line < screen->lines; line++) {
        print_entry(screen, wish, entry, depth);
        entry = wish->tree ? next_in_tree(table, entry, &depth) : proc_table_at(table, (size_t)line);
    }
    return screen_show(screen);
}

static int list_processes(struct screen *screen, const struct wish *wish)
{
    proc_table *table;
    const uint32_t flags = wish->rounds == 1 ? 0 : PROC_WALK_SAMPLE;
    int rc = proc_table_new(&table, PROC_WALK_OPTIONS(.fields = FIELDS, .flags = flags));
    if (rc < 0)
        return rc;
    /* How busy a process is can be told from the second look on. */
    int round = wish->sort == PROC_FIELD_CPU ? -1 : 0;
    while (rc >= 0) {
        if (round >= 0 && (rc = print_table(screen, wish, table)) < 0)
            break;
        if (++round == wish->rounds || !screen_wait(screen, wish->delay_ms))
            break;
        rc = (int)proc_table_refresh(table);
    }
    proc_table_free(table);
    return rc;
}

/* 1: understood. Only a delay: rounds until q; not even that: one. */
static int read_arguments(int argc, char **argv, struct wish *ret_wish)
{
    static const struct option names[] = {
        {"sort", required_argument, NULL, 's'}, {"tree", no_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "n:d:", names, NULL)) >= 0) {
        char *end = NULL;
        double number = optarg ? strtod(optarg, &end) : 0;
        int is_number = end && end != optarg && *end == '\0';
        if (option == 'n' && is_number && number >= 1 && number <= 1e9 && number == (int)number)
            ret_wish->rounds = (int)number;
        else if (option == 'd' && is_number && number >= 0.001 && number <= 1e6)
            ret_wish->delay_ms = (int)(number * 1000);
        else if (option == 's' && (!strcmp(optarg, "cpu") || !strcmp(optarg, "mem") || !strcmp(optarg, "pid")))
            ret_wish->sort = *optarg == 'c' ? PROC_FIELD_CPU : *optarg == 'm' ? PROC_FIELD_RSS : 0;
        else if (option == 't')
            ret_wish->tree = 1;
        else
            return 0;
    }
    if (ret_wish->delay_ms == 0) {
        ret_wish->rounds += ret_wish->rounds == 0;
        ret_wish->delay_ms = 2000;
    }
    return optind == argc;
}

int main(int argc, char **argv)
{
    struct wish wish = {0};
    struct screen screen = {0};
    if (!read_arguments(argc, argv, &wish))
        return fprintf(stderr, "usage: list_processes [-n ROUNDS] [-d SECONDS] [--sort cpu|mem|pid] [--tree]\n"), 2;
    if (wish.rounds != 1)
        screen_take(&screen);
    int rc = list_processes(&screen, &wish);
    screen_give_back(&screen);
    if (rc < 0)
        fprintf(stderr, "list_processes: %s\n", strerror(-rc));
    return rc < 0;
}
