/* SPDX-License-Identifier: MIT */
/* The paths that a search list and names come to, and that there may be any number of them. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proc/proc.h>

#include "child/search.h"

/* All paths, with spaces between them. */
static void check_paths(const char *const *names, const char *list, int relative, const char *expected)
{
    char text[400] = "";
    const char **paths = proc__search_paths(names, list, relative);
    assert_non_null(paths);
    for (size_t i = 0; paths[i]; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "", paths[i]);
    free(paths);
    assert_string_equal(text, expected);
}

static void a_name_is_put_behind_every_directory_in_order(void **state)
{
    (void)state;
    check_paths(PROC_NAMES("sh"), "/bin:/usr/bin", 0, "/bin/sh /usr/bin/sh");
    check_paths(PROC_NAMES("sh"), "/", 0, "//sh");
    check_paths(PROC_NAMES("a", "b"), "/x:/y", 0, "/x/a /y/a /x/b /y/b");
}

static void a_name_with_a_slash_and_no_name_stand_for_themselves(void **state)
{
    (void)state;
    check_paths(PROC_NAMES("./sh", "/bin/sh", "d/"), "/bin", 0, "./sh /bin/sh d/");
    check_paths(PROC_NAMES(""), "/bin", 0, "");
    check_paths(PROC_NAMES("a", "./b"), "/x:/y", 0, "/x/a /y/a ./b");
}

static void empty_and_relative_elements_count_only_on_request(void **state)
{
    (void)state;
    check_paths(PROC_NAMES("sh"), "", 0, "");
    check_paths(PROC_NAMES("sh"), "::.:bin:/bin:", 0, "/bin/sh");
    check_paths(PROC_NAMES("sh"), "", 1, "./sh");
    check_paths(PROC_NAMES("sh"), ":.:bin:/bin:", 1, "./sh ./sh bin/sh /bin/sh ./sh");
}

/* Nothing of the search is on a stack: not the list, and not the paths that come of it. */
static void a_list_and_a_name_of_any_length_are_searched(void **state)
{
    enum { ELEMENTS = 20000, NAME = 200 };
    char name[NAME + 1], *list = malloc(ELEMENTS * 6 + 16), *end = list;
    proc_child *child;
    (void)state;
    assert_non_null(list);
    for (int i = 0; i < ELEMENTS; i++)
        end += sprintf(end, "/nope:");
    strcpy(end, "/bin");
    assert_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.search = list)), 0);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    memset(name, 'n', NAME);
    name[NAME] = '\0';
    proc_error error = {0};
    assert_rc(proc_spawn(&child, PROC_ARGV(name), PROC_OPTIONS(.search = list, .error = &error)), -ENOENT);
    assert_int_equal(error.step, PROC_STEP_SEARCH);
    free(list);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_put_behind_every_directory_in_order),
        cmocka_unit_test(a_name_with_a_slash_and_no_name_stand_for_themselves),
        cmocka_unit_test(empty_and_relative_elements_count_only_on_request),
        spawning_test(a_list_and_a_name_of_any_length_are_searched),
    };
    return run_suite("search", tests, sizeof tests / sizeof tests[0], argc, argv);
}
