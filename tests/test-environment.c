/* SPDX-License-Identifier: MIT */
/* Edits of an environment. */
#define _GNU_SOURCE 1
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proc/base.h>

#include "child/environment.h"

/* All variables, with spaces between them. */
static void check_edit(const char *const *base, const char *const *edits, const char *expected)
{
    char text[400] = "";
    const char **strings = proc__environment_edit(base, edits);
    assert_non_null(strings);
    for (size_t i = 0; strings[i]; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "", strings[i]);
    free(strings);
    assert_string_equal(text, expected);
}

static void edits_apply_in_their_order(void **state)
{
    (void)state;
    check_edit(PROC_ENV("A=1", "B=2"), PROC_ENV_EMPTY, "A=1 B=2");
    check_edit(PROC_ENV("A=1", "B=2"), PROC_ENV("A", "C=3", "B=4"), "C=3 B=4");
    check_edit(PROC_ENV_EMPTY, PROC_ENV("A=1", "A", "A=2", "A=3"), "A=3");
    check_edit(PROC_ENV_EMPTY, PROC_ENV("A"), "");
    check_edit(PROC_ENV("A=1"), PROC_ENV("A="), "A=");
}

static void only_the_whole_name_counts(void **state)
{
    (void)state;
    check_edit(PROC_ENV("AB=1", "A=2", "ABC=3"), PROC_ENV("AB"), "A=2 ABC=3");
    check_edit(PROC_ENV("AB=1"), PROC_ENV("A=2"), "AB=1 A=2");
    check_edit(PROC_ENV("strange", "A=b=c"), PROC_ENV("strange", "A"), "strange");
}

static void every_copy_of_a_double_variable_goes(void **state)
{
    (void)state;
    check_edit(PROC_ENV("A=1", "B=2", "A=3"), PROC_ENV("A"), "B=2");
    check_edit(PROC_ENV("A=1", "B=2", "A=3"), PROC_ENV("A=4"), "B=2 A=4");
}

static void the_first_value_of_a_name_is_found(void **state)
{
    (void)state;
    const char *const *environment = PROC_ENV("PATHS=no", "PATH=yes", "PATH=later", "EMPTY=");
    assert_string_equal(proc__environment_get(environment, "PATH"), "yes");
    assert_string_equal(proc__environment_get(environment, "EMPTY"), "");
    assert_null(proc__environment_get(environment, "PAT"));
    assert_null(proc__environment_get(PROC_ENV_EMPTY, "PATH"));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_apply_in_their_order),
        cmocka_unit_test(only_the_whole_name_counts),
        cmocka_unit_test(every_copy_of_a_double_variable_goes),
        cmocka_unit_test(the_first_value_of_a_name_is_found),
    };
    return run_suite("environment", tests, sizeof tests / sizeof tests[0], argc, argv);
}
