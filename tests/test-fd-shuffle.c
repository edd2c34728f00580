/* SPDX-License-Identifier: MIT */
/*
 * All the ways in which descriptors can change places: every arrangement of a few numbers, 0 to 2 among them, with any
 * of those closed here; and in every kind of start, each of which has descriptors of its own that get in the way.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

#define TO 60 /* where the child tells what it has found */
#define TO_TEXT "60"

/* What the child has at its numbers: a letter of each. Not with assertions: forked copies ask too. */
static const char *letters_at(const char *const numbers[], const proc_options *options)
{
    static char text[64];
    const char *argv[16] = {CHILD, "firsts", TO_TEXT};
    proc_child *child;
    proc_error error = {0};
    proc_options mine = *options;
    mine.error = &error;
    for (int i = 0; numbers[i]; i++)
        argv[3 + i] = numbers[i];
    if (proc_spawn(&child, argv, &mine) < 0)
        return strcpy(text, error.text);
    int64_t len = proc_read(child, TO, text, sizeof text - 1, PATIENCE_MS);
    text[len > 0 ? len : 0] = '\0';
    proc_child_free(child);
    return text;
}

/* ---- Every arrangement ---- */

/*
 * `how` says of each number which file it gets: digit i of it, to the base `base`, is that of number i; one beyond the
 * files is a number that is left out.
 */
static void check_arrangement(const struct named_files *letters, int how, int base)
{
    proc_slot slots[5] = {{TO, PROC_PIPE_FROM_CHILD}};
    char numbers[4][8], expected[5] = "";
    const char *names[5] = {NULL};
    size_t count = 1;
    for (int i = 0; i < letters->count; i++, how /= base) {
        int source = how % base;
        snprintf(numbers[i], sizeof numbers[i], "%d", letters->fd[i]);
        names[i] = numbers[i];
        expected[i] = source < letters->count ? (char)('a' + source) : '-';
        if (source < letters->count)
            slots[count++] = (proc_slot){letters->fd[i], PROC_FD(letters->fd[source])};
    }
    assert_string_equal(letters_at(names, PROC_OPTIONS(.fds = {slots, count})), expected);
}

static void three_descriptors_take_each_others_places_in_all_64_ways(void **state)
{
    (void)state;
    struct named_files letters = named_files_open('a', 3);
    for (int how = 0; how < 64; how++)
        check_arrangement(&letters, how, 4);
    named_files_close(&letters);
}

static int is_permutation(int how)
{
    unsigned seen = 0;
    for (int i = 0; i < 4; i++, how /= 4)
        seen |= 1u << how % 4;
    return seen == 15;
}

static void four_descriptors_are_permuted_in_all_24_ways(void **state)
{
    (void)state;
    struct named_files letters = named_files_open('a', 4);
    for (int how = 0; how < 256; how++)
        if (is_permutation(how))
            check_arrangement(&letters, how, 4);
    named_files_close(&letters);
}

/* ---- 0 to 2, any of which may be closed here ---- */

/* Each of 0 to 2 gets one of those that are open here, in all ways. */
static void check_stdio(const char *letters, int closed)
{
    for (int how = 0; how < 27; how++) {
        const int source[] = {how % 3, how / 3 % 3, how / 9};
        if (source[0] == closed || source[1] == closed || source[2] == closed)
            continue;
        const char expected[] = {letters[source[0]], letters[source[1]], letters[source[2]], '\0'};
        const char *got = letters_at(PROC_NAMES("0", "1", "2"),
                                     PROC_OPTIONS(.in = PROC_FD(source[0]), .out = PROC_FD(source[1]),
                                                  .err = PROC_FD(source[2]),
                                                  .fds = PROC_FDS({TO, PROC_PIPE_FROM_CHILD})));
        if (strcmp(got, expected) != 0)
            complain("closed %d, from %d %d %d: %s, not %s", closed, source[0], source[1], source[2], got, expected);
    }
}

static int stdio_in_all_ways(void *arg)
{
    const int closed = *(const int *)arg;
    struct named_files letters = named_files_open('a', 3);
    for (int i = 0; i <= 2; i++)
        require(i == closed ? close(i) == 0 : dup2(letters.fd[i], i) == i);
    named_files_close(&letters);
    check_stdio("abc", closed);
    return 0;
}

static void stdio_is_shuffled_in_all_ways_whichever_of_it_is_closed_here(void **state)
{
    (void)state;
    for (int closed = 0; closed <= 3; closed++) /* 3: none of them */
        assert_in_fork(stdio_in_all_ways, &closed);
}

static int out_and_err_are_files(void *arg)
{
    (void)arg;
    struct named_files letters = named_files_open('a', 2);
    proc_child *child;
    char *out = path_in(letters.directory, "a"), *err = path_in(letters.directory, "b");
    require(dup2(letters.fd[0], 1) == 1 && dup2(letters.fd[1], 2) == 2);
    require_rc(proc_spawn(&child, PROC_ARGV("sh", "-c", "echo to out; echo to err >&2"),
                          PROC_OPTIONS(.out = PROC_FD(2), .err = PROC_FD(1))), 0);
    require_rc(proc_wait(child, PATIENCE_MS, NULL), 0);
    proc_child_free(child);
    char *in_out = file_read(out), *in_err = file_read(err);
    require(strcmp(in_out, "to err\n") == 0);
    require(strcmp(in_err, "to out\n") == 0);
    free(in_out);
    free(in_err);
    free(out);
    free(err);
    named_files_close(&letters);
    return 0;
}

static void what_is_written_to_swapped_streams_goes_to_the_other_file(void **state)
{
    (void)state;
    assert_in_fork(out_and_err_are_files, NULL);
}

/* ---- Every kind of start ---- */

static int nothing_to_do(void *user)
{
    (void)user;
    return 0;
}

static int users_are_allowed(void)
{
    return proc_namespaces_check(PROC_NS_USER, NULL) == 0;
}

static int pids_can_be_opened(void)
{
    return proc_has(PROC_FEATURE_PIDFD) == 1;
}

/* Each has another way home, and other descriptors open on it. */
static const struct kind {
    const char *name;
    uint32_t flags;
    int has_ids, has_hook, has_users;
    int (*is_possible)(void);
} kinds[] = {
    {.name = "in our memory"},
    {.name = "in a copy", .has_ids = 1},
    {.name = "with a hook", .has_hook = 1},
    {.name = "with a thread behind it", .flags = PROC_DIE_WITH_PARENT},
    {.name = "born by another process", .flags = PROC_ORPHAN, .is_possible = pids_can_be_opened},
    {.name = "with users of its own", .has_users = 1, .is_possible = users_are_allowed},
    {.name = "inheriting the rest", .flags = PROC_INHERIT_FDS},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

#define CROWD 40

/* All numbers from 3 on, so that whatever the start has made is on one of them. */
static void fill_crowd(proc_slot slots[CROWD + 1], const struct named_files *letters)
{
    for (int i = 0; i < CROWD; i++)
        slots[i] = (proc_slot){3 + i, PROC_FD(letters->fd[i % 4])};
    slots[CROWD] = (proc_slot){TO, PROC_PIPE_FROM_CHILD};
}

static proc_options options_of(const struct kind *kind, const proc_slot *slots, const proc_hook *hook,
                               const proc_namespaces *users)
{
    proc_options options = {.size = sizeof options, .flags = kind->flags, .fds = {slots, CROWD + 1}};
    options.ids = kind->has_ids ? same_ids() : NULL;
    options.hook = kind->has_hook ? hook : NULL;
    options.namespaces = kind->has_users ? users : NULL;
    return options;
}

static void try_each_kind(void (*check)(const char *name, const proc_options *options))
{
    const proc_hook *hook = PROC_HOOK(nothing_to_do, NULL);
    const proc_namespaces *users = PROC_NAMESPACES(.create = PROC_NS_USER);
    proc_slot slots[CROWD + 1];
    struct named_files letters = named_files_open('a', 4);
    fill_crowd(slots, &letters);
    for (size_t i = 0; i < KINDS; i++) {
        const struct kind *kind = &kinds[i];
        if (kind->is_possible && !kind->is_possible())
            continue;
        const proc_options options = options_of(kind, slots, hook, users);
        check(kind->name, &options);
    }
    named_files_close(&letters);
}

static void check_crowd(const char *name, const proc_options *options)
{
    const char *got = letters_at(PROC_NAMES("3", "4", "5", "6", "7", "8", "9", "10", "42"), options);
    if (strcmp(got, "abcdabcdd") != 0)
        fail_msg("%s: %s", name, got);
}

static void every_kind_of_start_makes_way_for_whatever_is_wanted(void **state)
{
    (void)state;
    try_each_kind(check_crowd);
}

/* The way home is one of those descriptors. */
static void check_failure(const char *name, const proc_options *options)
{
    (void)name;
    assert_fails(PROC_ARGV("/nope/program"), options, -ENOENT, PROC_STEP_EXEC, 0,
                 "spawn \"/nope/program\": exec \"/nope/program\": No such file or directory");
}

static void every_kind_of_start_that_fails_says_why_whatever_is_wanted(void **state)
{
    (void)state;
    try_each_kind(check_failure);
}

static int first_letters(void *user)
{
    char text[9] = "";
    (void)user;
    for (int i = 0; i < 8; i++)
        if (pread(3 + i, &text[i], 1, 0) != 1)
            return 1;
    return strcmp(text, "abcdabcd") == 0 ? 0 : 2;
}

static void a_function_finds_its_descriptors_where_it_wants_them(void **state)
{
    (void)state;
    proc_slot slots[CROWD + 1];
    struct named_files letters = named_files_open('a', 4);
    proc_child *child;
    fill_crowd(slots, &letters);
    assert_rc(proc_fork(&child, first_letters, NULL, PROC_OPTIONS(.fds = {slots, CROWD + 1})), 0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    named_files_close(&letters);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(three_descriptors_take_each_others_places_in_all_64_ways),
        spawning_test(four_descriptors_are_permuted_in_all_24_ways),
        spawning_test(stdio_is_shuffled_in_all_ways_whichever_of_it_is_closed_here),
        spawning_test(what_is_written_to_swapped_streams_goes_to_the_other_file),
        spawning_test(every_kind_of_start_makes_way_for_whatever_is_wanted),
        spawning_test(every_kind_of_start_that_fails_says_why_whatever_is_wanted),
        spawning_test(a_function_finds_its_descriptors_where_it_wants_them),
    };
    return run_suite("fd-shuffle", tests, sizeof tests / sizeof tests[0], argc, argv);
}
