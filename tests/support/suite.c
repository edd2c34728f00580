/* SPDX-License-Identifier: MIT */
/* Wraps every cmocka test into a case that watches the world and notes the outcome. */
#define _GNU_SOURCE 1
#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forked.h"
#include "names.h"
#include "patience.h"
#include "tools.h"
#include "world.h"

#define FIRST_OF_LIBC 32 /* which keeps those from here to SIGRTMIN for itself */

struct test_case {
    const struct CMUnitTest *test;
    void *state; /* the test's own */
    struct world *before;
    const char *outcome; /* as in the results file */
    char reason[200];    /* of a skip */
};

static struct test_case *current;

/* The three functions that cmocka sees */

static int watched_setup(void **state)
{
    current = *state;
    current->before = world_take();
    current->state = current->test->initial_state;
    return current->test->setup_func ? current->test->setup_func(&current->state) : 0;
}

static void watched_test(void **state)
{
    struct test_case *test_case = *state;
    if (test_case->reason[0])
        SKIP_TEST("%s", test_case->reason);
    test_case->test->test_func(&test_case->state);
    test_case->outcome = "OK"; /* a failed assertion does not come back */
}

/* A thread that was joined is seen in /proc for a moment more, which a loaded machine makes long. */
#define SETTLING_MS 5000

static int world_has_changed(const struct test_case *test_case)
{
    char text[2000];
    int differences;
    int64_t until = patience_now() + SETTLING_MS;
    do {
        struct world *after = world_take();
        differences = world_compare(test_case->before, after, text, sizeof text);
        world_free(after);
        if (differences == 0)
            return 0;
        patience_rest();
    } while (patience_now() < until);
    print_error("%s: the world has changed:\n%s", test_case->test->name, text);
    world_bury_children();
    return 1;
}

static int watched_teardown(void **state)
{
    struct test_case *test_case = *state;
    int rc = test_case->test->teardown_func ? test_case->test->teardown_func(&test_case->state) : 0;
    int changed = world_has_changed(test_case);
    test_case->before = world_free(test_case->before);
    if (rc != 0 || changed)
        test_case->outcome = "FAILED";
    return rc != 0 || changed ? -1 : 0;
}

/* The results file */

/* In memory that the caller frees. */
static char *results_path(const char *suite)
{
    const char *profile = getenv("PROC_TEST_PROFILE");
    char *directory = path_in(TEST_RESULTS_DIR, profile ? profile : "plain");
    char *path = NULL;
    mkdir(TEST_RESULTS_DIR, 0777);
    mkdir(directory, 0777);
    if (asprintf(&path, "%s/test-%s.txt", directory, suite) < 0)
        abort();
    free(directory);
    return path;
}

static void write_results(const char *path, const struct test_case *cases, size_t count)
{
    FILE *file = fopen(path, "we");
    if (!file) {
        print_error("%s: %s\n", path, strerror(errno));
        return;
    }
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s %s%s%s\n", cases[i].outcome, cases[i].test->name, cases[i].reason[0] ? " " : "",
                cases[i].reason);
    fclose(file);
}

static int all_were_skipped(const struct test_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(cases[i].outcome, "SKIPPED") != 0)
            return 0;
    }
    return count > 0;
}

static struct CMUnitTest watched(struct test_case *test_case)
{
    return (struct CMUnitTest){
        .name = test_case->test->name,
        .test_func = watched_test,
        .setup_func = watched_setup,
        .teardown_func = watched_teardown,
        .initial_state = test_case,
    };
}

static void *tell_tid(void *arg)
{
    *(int *)arg = (int)syscall(SYS_gettid);
    return NULL;
}

/*
 * The thread sanitizer starts one of its own together with our first one: not in the middle of a test. Ours must be
 * gone from /proc before the first test counts what is there: it would be missed afterwards.
 */
static void start_first_thread(void)
{
    pthread_t thread;
    char path[64];
    int tid = 0;
    if (pthread_create(&thread, NULL, tell_tid, &tid) != 0)
        return;
    pthread_join(thread, NULL);
    snprintf(path, sizeof path, "/proc/self/task/%d", tid);
    (void)EVENTUALLY(access(path, F_OK) < 0);
}

/*
 * Whoever started us may ignore some, as nohup(1) and a shell's `&` do; what we start would inherit it. posix_spawn(3)
 * does so with those that libc keeps for itself, and lets nobody else change them.
 */
static void reset_ignored_signals(void)
{
    const unsigned long by_default[8] = {0};
    for (int number = 1; number < NSIG; number++)
        if (number >= FIRST_OF_LIBC && number < SIGRTMIN)
            syscall(SYS_rt_sigaction, number, by_default, NULL, NSIG / 8);
        else if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
}

int run_suite(const char *name, const struct CMUnitTest *tests, size_t count, int argc, char **argv)
{
    reset_ignored_signals();
    helpers_open();
    start_first_thread();
    char *path = results_path(name);
    struct test_case *cases = calloc(count, sizeof *cases);
    struct CMUnitTest *group = calloc(count, sizeof *group);
    if (!cases || !group)
        abort();
    for (size_t i = 0; i < count; i++) {
        cases[i].test = &tests[i];
        cases[i].outcome = "FAILED";
        group[i] = watched(&cases[i]);
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    else
        unlink(path); /* no stale results, should we crash */

    int failed = _cmocka_run_group_tests(name, group, count, NULL, NULL);
    int skipped = all_were_skipped(cases, count);
    if (argc <= 1)
        write_results(path, cases, count);
    helpers_close();
    free(path);
    free(group);
    free(cases);
    return failed != 0 ? 1 : skipped ? 77 : 0;
}

/* What tests say */

void leave_out(const char *reason)
{
    snprintf(current->reason, sizeof current->reason, "%s", reason);
}

_Noreturn void skip_test(const char *file, int line, const char *format, ...)
{
    char reason[sizeof current->reason];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    leave_out(reason);
    current->outcome = "SKIPPED";
    print_message("SKIP %s: %s\n", current->test->name, current->reason);
    _skip(file, line);
    abort();
}

void check_rc(int64_t rc, int64_t expected, const char *what, const char *file, int line)
{
    if (rc == expected)
        return;
    print_error("%s is %s, not %s\n", what, rc_name(rc), rc_name(expected));
    _fail(file, line);
}

void check_contains(const char *text, const char *part, const char *file, int line)
{
    if (text && strstr(text, part))
        return;
    print_error("\"%s\" does not contain \"%s\"\n", text ? text : "(null)", part);
    _fail(file, line);
}

void check_in_fork(int (*body)(void *arg), void *arg, const char *reason, const char *what, const char *file, int line)
{
    struct verdict verdict;
    run_in_fork(&verdict, body, arg, PATIENCE_MS);
    if (verdict.code == 0)
        return;
    if (verdict.code == NOT_POSSIBLE && reason)
        skip_test(file, line, "%s", reason);
    if (verdict.timed_out)
        print_error("%s: was not over in time\n", what);
    else if (verdict.signal)
        print_error("%s: was killed by signal %d (%s)\n", what, verdict.signal, strsignal(verdict.signal));
    else
        print_error("%s: left with %d\n", what, verdict.code);
    if (verdict.text[0])
        print_error("%s\n", verdict.text);
    _fail(file, line);
}
