/* SPDX-License-Identifier: MIT */
/*
 * Fault runs of walks and tables. They go over a tree of their own, whose two processes are both the runner itself: the
 * machine's /proc has too many, and no two runs alike.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#include <proc/walk.h>

#define PLACES 2 /* that the tree has */

static char *tree;

static int plant_tree(void **state)
{
    (void)state;
    tree = directory_make();
    for (int i = 0; i < PLACES; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", 10 + i);
        char *path = path_in(tree, name);
        int rc = symlink("/proc/self", path);
        free(path);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int fell_tree(void **state)
{
    (void)state;
    directory_remove(tree);
    return 0;
}

static int open_tree(void)
{
    return open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* What is told must be true, and what is not told must be either denied or left out. */
static void look_at(struct attempt *attempt, const proc_entry *entry)
{
    if ((entry->present & PROC_FIELD_PARENT) && entry->ppid != getppid())
        strcpy(attempt->wrong, "another parent");
    if ((entry->present & PROC_FIELD_USER) && entry->uid != getuid())
        strcpy(attempt->wrong, "another user");
    if (entry->present & entry->denied)
        strcpy(attempt->wrong, "told and denied");
}

/* ---- Walks ---- */

/* Every call of a walk counts; what one entry lacks for want of ours is told by the call that should have given it. */
static void walk_over(struct attempt *attempt, const proc_walk_options *options)
{
    proc_walk *const untouched = (proc_walk *)(uintptr_t)64, *walk = untouched;
    const proc_entry *entry = NULL;
    fault_begin();
    int rc = proc_walk_new(&walk, options);
    attempt->untouched = walk == untouched && entry == NULL;
    if (rc == 0) {
        while ((rc = proc_walk_next(walk, &entry)) == 1)
            look_at(attempt, entry);
        attempt->untouched = 1;
        proc_walk_free(walk);
    }
    fault_end();
    attempt->rc = rc;
}

static void walk_with(struct attempt *attempt, uint64_t fields, uint32_t flags)
{
    int root = open_tree();
    walk_over(attempt, PROC_WALK_OPTIONS(.root_fd = &root, .fields = fields, .flags = flags));
    close(root);
}

static void walk_over_pids(struct attempt *attempt)
{
    walk_with(attempt, 0, 0);
}

static void walk_by_status(struct attempt *attempt)
{
    walk_with(attempt, PROC_FIELD_USER | PROC_FIELD_PARENT | PROC_FIELD_RSS, 0);
}

static void walk_by_many_files(struct attempt *attempt)
{
    walk_with(attempt, PROC_FIELD_TIMES | PROC_FIELD_RSS | PROC_FIELD_CGROUP | PROC_FIELD_CMDLINE | PROC_FIELD_IO, 0);
}

static void walk_over_threads(struct attempt *attempt)
{
    walk_with(attempt, PROC_FIELD_STATE | PROC_FIELD_NAME, PROC_WALK_THREADS);
}

/* The first process only: all of a machine's would be too many calls. */
static void walk_by_pidfds(struct attempt *attempt)
{
    proc_walk *walk = NULL;
    const proc_entry *entry = NULL;
    fault_begin();
    int rc = proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = PROC_FIELD_PARENT | PROC_FIELD_USER));
    if (rc == 0)
        rc = proc_walk_next(walk, &entry);
    attempt->untouched = entry == NULL;
    proc_walk_free(walk);
    fault_end();
    attempt->rc = rc;
}

/* ---- Tables ---- */

static void fill(struct attempt *attempt, uint64_t fields, uint32_t flags)
{
    proc_table *const untouched = (proc_table *)(uintptr_t)64, *table = untouched;
    int root = open_tree();
    fault_begin();
    attempt->rc = proc_table_new(&table, PROC_WALK_OPTIONS(.root_fd = &root, .fields = fields, .flags = flags));
    if (attempt->rc == 0)
        attempt->rc = proc_table_sort(table, 0, 1);
    fault_end();
    attempt->untouched = table == untouched;
    if (attempt->rc == 0) {
        for (size_t i = 0; i < proc_table_count(table); i++)
            look_at(attempt, proc_table_at(table, i));
        proc_table_free(table);
    }
    close(root);
}

static void fill_a_table(struct attempt *attempt)
{
    fill(attempt, PROC_FIELD_PARENT | PROC_FIELD_NAME | PROC_FIELD_CGROUP | PROC_FIELD_CMDLINE, 0);
}

static void fill_a_table_of_threads(struct attempt *attempt)
{
    fill(attempt, PROC_FIELD_STATE, PROC_WALK_THREADS);
}

/* A refresh that fails leaves an empty table, and the next one fills it again. */
static void refresh_with(struct attempt *attempt, uint32_t flags)
{
    proc_table *table = NULL;
    int root = open_tree();
    const uint64_t fields = PROC_FIELD_CPU | PROC_FIELD_RSS | PROC_FIELD_CMDLINE;
    if (proc_table_new(&table, PROC_WALK_OPTIONS(.root_fd = &root, .fields = fields, .flags = flags)) < 0) {
        strcpy(attempt->wrong, "no table");
        close(root);
        return;
    }
    fault_begin();
    attempt->rc = proc_table_refresh(table);
    fault_end();
    attempt->untouched = proc_table_count(table) == 0;
    if (attempt->rc > PLACES)
        strcpy(attempt->wrong, "more than there are");
    if (proc_table_refresh(table) != PLACES)
        strcpy(attempt->wrong, "the next refresh does not find all");
    proc_table_free(table);
    close(root);
}

static void refresh_a_table(struct attempt *attempt)
{
    refresh_with(attempt, 0);
}

static void refresh_kept_files(struct attempt *attempt)
{
    refresh_with(attempt, PROC_WALK_SAMPLE);
}

static void every_failure_of_a_walk_is_told_and_leaves_nothing(void **state)
{
    static const struct scenario scenarios[] = {
        {"pids", walk_over_pids},
        {"status", walk_by_status},
        {"many files", walk_by_many_files},
        {"threads", walk_over_threads},
        {"pidfds", walk_by_pidfds},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

static void every_failure_of_a_table_is_told_and_leaves_nothing(void **state)
{
    static const struct scenario scenarios[] = {
        {"a table", fill_a_table},
        {"a table of threads", fill_a_table_of_threads},
        {"a refresh", refresh_a_table},
        {"a refresh of kept files", refresh_kept_files},
    };
    (void)state;
    FAULT_CHECK(scenarios);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_failure_of_a_walk_is_told_and_leaves_nothing, plant_tree, fell_tree),
        cmocka_unit_test_setup_teardown(every_failure_of_a_table_is_told_and_leaves_nothing, plant_tree, fell_tree),
    };
    return run_suite("fault-walk", tests, sizeof tests / sizeof tests[0], argc, argv);
}
