/* SPDX-License-Identifier: MIT */
/* The paths that a search list and names come to. */
#define _GNU_SOURCE 1
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proc/base.h>

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

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_put_behind_every_directory_in_order),
        cmocka_unit_test(a_name_with_a_slash_and_no_name_stand_for_themselves),
        cmocka_unit_test(empty_and_relative_elements_count_only_on_request),
    };
    return run_suite("search", tests, sizeof tests / sizeof tests[0], argc, argv);
}
