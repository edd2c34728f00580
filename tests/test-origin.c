/* SPDX-License-Identifier: MIT */
/* Forked copies are told from the original: with the kernel's help, where that is denied, and where it is a lie. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/origin.h"

/* In a copy of this one: what body says there, or -1. */
static int in_copy(int (*body)(struct origin *origin), struct origin *origin)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        leave(body(origin));
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int is_another(struct origin *origin)
{
    return proc__origin_is_another(origin);
}

static int copies_are_others(struct origin *origin)
{
    int rc = proc__origin_is_another(origin) && in_copy(is_another, origin) == 1;
    proc__origin_drop(origin);
    return rc;
}

static int tells_copies(int is_marked)
{
    struct origin origin;
    proc__origin_take(&origin);
    require(!origin.mark == !is_marked);
    require(!proc__origin_is_another(&origin));
    require(in_copy(copies_are_others, &origin) == 1);
    require(!proc__origin_is_another(&origin));
    proc__origin_drop(&origin);
    return 0;
}

/* ---- With the kernel's help ---- */

static int kernel_wipes(void)
{
    struct origin origin;
    proc__origin_take(&origin);
    int is_marked = origin.mark != NULL;
    proc__origin_drop(&origin);
    return is_marked;
}

static int needs_wiping(void **state)
{
    (void)state;
    if (!kernel_wipes())
        leave_out("no page is wiped in copies here");
    return 0;
}

static void a_forked_copy_is_another_and_so_are_its_own(void **state)
{
    (void)state;
    assert_int_equal(tells_copies(kernel_wipes()), 0);
}

static int asks_nothing(void *arg)
{
    struct origin origin;
    (void)arg;
    proc__origin_take(&origin);
    /* With the pid it would seem to be another. */
    if (deny_call(SYS_getpid, EPERM) < 0)
        return 77;
    require(!proc__origin_is_another(&origin));
    proc__origin_drop(&origin);
    return 0;
}

static void no_system_call_is_needed_to_tell(void **state)
{
    struct verdict verdict;
    (void)state;
    run_in_fork(&verdict, asks_nothing, NULL, PATIENCE_MS);
    if (verdict.code == 77)
        SKIP_TEST("no filter can be set here");
    if (verdict.code != 0)
        fail_msg("%s", verdict.text);
}

/* The first process of a namespace is 1; and so is the first of the next one, which is its child. */
static int first_of_two(struct origin *origin)
{
    proc__origin_take(origin);
    if (getpid() != 1 || unshare(CLONE_NEWPID) < 0)
        return 77;
    return in_copy(is_another, origin);
}

static int goes_by_the_same_pid(void *arg)
{
    struct origin origin = {0};
    (void)arg;
    if (unshare(CLONE_NEWPID) < 0)
        return 77;
    int rc = in_copy(first_of_two, &origin);
    require(rc == 1 || rc == 77);
    return rc == 1 ? 0 : rc;
}

static void a_copy_with_the_same_pid_is_another(void **state)
{
    struct verdict verdict;
    (void)state;
    run_in_fork(&verdict, goes_by_the_same_pid, NULL, PATIENCE_MS);
    if (verdict.code == 77)
        SKIP_TEST("no pid namespace can be made here");
    if (verdict.code != 0)
        fail_msg("%s", verdict.text);
}

/* ---- Without it ---- */

/* An answer of 0: as from an emulator that takes any advice and follows none. */
static int tells_by_pid(void *arg)
{
    if (deny_call(SYS_madvise, *(const int *)arg) < 0)
        return 77;
    return tells_copies(0);
}

static void where_no_page_is_wiped_the_pid_tells(void **state)
{
    (void)state;
    static const int answers[] = {EINVAL, EPERM, ENOSYS, 0};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct verdict verdict;
        run_in_fork(&verdict, tells_by_pid, (void *)(uintptr_t)&answers[i], PATIENCE_MS);
        if (verdict.code == 77)
            SKIP_TEST("no filter can be set here");
        if (verdict.code != 0)
            fail_msg("with %s: %s", errno_name(answers[i]), verdict.text);
    }
}

static void what_was_never_taken_can_be_dropped(void **state)
{
    (void)state;
    struct origin origin = {0};
    proc__origin_drop(&origin);
    proc__origin_take(&origin);
    proc__origin_drop(&origin);
    proc__origin_drop(&origin);
    assert_null(origin.mark);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forked_copy_is_another_and_so_are_its_own),
        cmocka_unit_test_setup(no_system_call_is_needed_to_tell, needs_wiping),
        cmocka_unit_test_setup(a_copy_with_the_same_pid_is_another, needs_wiping),
        cmocka_unit_test(where_no_page_is_wiped_the_pid_tells),
        cmocka_unit_test(what_was_never_taken_can_be_dropped),
    };
    return run_suite("origin", tests, sizeof tests / sizeof tests[0], argc, argv);
}
