/* SPDX-License-Identifier: MIT */
/*
 * ps and top in one: `list_processes [-n ROUNDS] [-d SECONDS] [--sort cpu|mem|pid] [--tree]`. One list; or one every
 * few seconds, on a terminal over the last one and until q or a signal.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proc/proc.h>

#include "line.h"
#include "screen.h"

struct wish {
    int rounds; /* 0: until q */
    int delay_ms;
    uint64_t sort; /* a PROC_FIELD_...; 0: by pid */
    int tree;
};

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
    const int with_cpu = wish->sort == PROC_FIELD_CPU;
    int depth = 0;
    screen_begin(screen);
    screen_line(screen, line_header(with_cpu));
    proc_table_sort(table, wish->sort, wish->sort != 0);
    const proc_entry *entry = wish->tree ? proc_table_child(table, NULL) : proc_table_at(table, 0);
    for (int line = 1; entry && line < screen->lines; line++) {
        screen_line(screen, line_of(entry, with_cpu, depth, screen->width));
        entry = wish->tree ? next_in_tree(table, entry, &depth) : proc_table_at(table, (size_t)line);
    }
    return screen_show(screen);
}

static int list_processes(struct screen *screen, const struct wish *wish)
{
    proc_table *table;
    const uint32_t flags = wish->rounds == 1 ? 0 : PROC_WALK_SAMPLE;
    int rc = proc_table_new(&table, PROC_WALK_OPTIONS(.fields = LINE_FIELDS, .flags = flags));
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
