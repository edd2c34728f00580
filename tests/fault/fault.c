/* SPDX-License-Identifier: MIT */
/*
 * The engine: counts calls, fails the one that a case asks for, and looks at what is left after it. The counter lives
 * in memory that forked copies and children share.
 */
#define _GNU_SOURCE 1
#include "fault.h"

#include "test.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "child/handle.h"

#define CASE_LIMIT_MS PATIENCE_MS
#define SLOW_MS (PATIENCE_MS / 4)
#define SHOWN_MAX 25
#define RUNAWAY 20000 /* a scenario with more calls than this does not end */

static struct {
    /* the case */
    int n;      /* the call that fails first, from 1 */
    int always; /* 1: and all that follow */
    int pick;   /* which of its errors */

    /* what has become of it */
    atomic_int armed;
    atomic_int calls;
    atomic_int error;   /* the first one given */
    atomic_int no_such; /* 1: the call has fewer errors than that */
    const char *call;   /* the one that failed first */
    long number;
} *shared;

/* 1 in the forked copy and in all that comes of it: the runner's own calls go through the wrappers too. */
static int in_case;

/* ---- In the library's place ---- */

static int error_at(const int *errors, size_t size, int pick)
{
    for (size_t i = 0; i < size && errors[i]; i++) {
        if ((int)i == pick)
            return errors[i];
    }
    return 0;
}

#define ERROR_AT(errors, pick) error_at((errors), sizeof(errors) / sizeof(errors)[0], (pick))

static int first_strike(const char *call, long number, int error)
{
    shared->call = call;
    shared->number = number;
    if (error)
        atomic_store(&shared->error, error);
    else
        atomic_store(&shared->no_such, 1);
    return error;
}

int fault_strike(const char *call, long number, long arg)
{
    if (!in_case || !atomic_load(&shared->armed))
        return 0;
    const struct answers *answers = answers_for(call, number, arg);
    if (!answers || (shared->always && !answers->always[0]))
        return 0;
    int count = atomic_fetch_add(&shared->calls, 1) + 1;
    if (count < shared->n || (count > shared->n && !shared->always) || atomic_load(&shared->no_such))
        return 0;
    int error = shared->always ? ERROR_AT(answers->always, shared->pick) : ERROR_AT(answers->once, shared->pick);
    if (count == shared->n)
        return first_strike(call, number, error);
    /* Another process may be about to say what the first one gave. */
    for (int spins = 0; spins < 1000000 && !atomic_load(&shared->error) && !atomic_load(&shared->no_such); spins++)
        sched_yield(); /* it may be waiting for our processor */
    if (atomic_load(&shared->no_such))
        return 0;
    return error ? error : answers->always[0];
}

void find_wrong(struct attempt *attempt, const char *what)
{
    snprintf(attempt->wrong, sizeof attempt->wrong, "%s", what);
}

void fault_begin(void)
{
    atomic_store(&shared->armed, shared->n > 0);
}

void fault_end(void)
{
    atomic_store(&shared->armed, 0);
}

/* ---- One case, in a forked copy ---- */

static int is_one_line(const char *text)
{
    return text[0] != '\0' && !strchr(text, '\n');
}

/* Denied pidfds, in whatever way, are one answer for the caller. */
static int is_expected(int64_t rc, int error)
{
    if (rc == -error)
        return 1;
    return rc == -ENOSYS && (error == EPERM || error == EINVAL);
}

static void check_failure(const struct attempt *attempt)
{
    int error = atomic_load(&shared->error);
    if (attempt->rc < -4095)
        complain("returned %lld, which is no errno", (long long)attempt->rc);
    if (attempt->rc == -EINTR)
        complain("gave an interruption back to the caller");
    if (error == 0)
        complain("returned %s although nothing failed", rc_name(attempt->rc));
    if (!shared->always && !is_expected(attempt->rc, error))
        complain("returned %s", rc_name(attempt->rc));
    if (!attempt->untouched)
        complain("returned %s, but wrote its outputs", rc_name(attempt->rc));
    if (!attempt->takes_error)
        return;
    if (attempt->error.code != -attempt->rc)
        complain("returned %s, but error.code is %s", rc_name(attempt->rc), errno_name(attempt->error.code));
    if (!is_one_line(attempt->error.text))
        complain("returned %s, but error.text is \"%.200s\"", rc_name(attempt->rc), attempt->error.text);
    if (attempt->error.step == PROC_STEP_NONE)
        complain("returned %s, but names no step", rc_name(attempt->rc));
}

/* A handle may outlast its free: its child was killed, and a slow machine has not come to that yet. */
static long blocks_left(long before)
{
    const long long end = proc_now_ms() + SLOW_MS;
    long left;
    for (proc__child_sweep(); (left = heap_live_blocks() - before) > 0 && proc_now_ms() < end; proc__child_sweep())
        sched_yield();
    return left;
}

static void attempt_once(const struct scenario *scenario, struct attempt *attempt)
{
    static char differences[400];
    static struct world *before; /* not lost for valgrind, when a copy that became a daemon leaves from below */
    memset(attempt, 0, sizeof *attempt);
    before = world_take();
    long blocks = heap_live_blocks();
    scenario->run(attempt);
    fault_end();
    blocks = blocks_left(blocks);
    struct world *after = world_take();
    int changed = world_compare(before, after, differences, sizeof differences);
    before = world_free(before);
    world_free(after);
    world_bury_children(); /* what is left would keep our output open, and the runner waiting */

    if (attempt->wrong[0])
        complain("%s (returned %s)", attempt->wrong, rc_name(attempt->rc));
    if (blocks != 0)
        complain("returned %s, and %ld blocks of memory are left", rc_name(attempt->rc), blocks);
    if (changed)
        complain("returned %s: %s", rc_name(attempt->rc), differences);
}

static int run_case(void *arg)
{
    const struct scenario *scenario = arg;
    struct attempt attempt;
    in_case = 1;
    attempt_once(scenario, &attempt);
    if (attempt.rc < 0)
        check_failure(&attempt);

    shared->n = 0; /* and once more, with all well */
    attempt_once(scenario, &attempt);
    if (attempt.rc < 0)
        complain("afterwards it does not work any more: %s", rc_name(attempt.rc));
    return 0;
}

/* ---- All cases ---- */

static void share_memory(void)
{
    if (shared)
        return;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
}

static void show_case(const struct scenario *scenario, int n, int always, const struct verdict *verdict)
{
    char number[32] = "", end[64] = "";
    if (shared->call && strcmp(shared->call, "syscall") == 0)
        snprintf(number, sizeof number, "(%ld)", shared->number);
    if (verdict->timed_out)
        snprintf(end, sizeof end, "not over in time; ");
    else if (verdict->signal)
        snprintf(end, sizeof end, "killed by signal %d; ", verdict->signal);
    print_error("%s: call %d, %s%s, %s, %s: %s%s\n", scenario->name, n, shared->call ? shared->call : "none", number,
                always ? "all from here on" : "once", errno_name(atomic_load(&shared->error)), end, verdict->text);
}

/* 1 = broken, 0 = all well. */
static int run_one(const struct scenario *scenario, int n, int always, int pick, int show)
{
    struct verdict verdict;
    memset(shared, 0, sizeof *shared);
    shared->n = n;
    shared->always = always;
    shared->pick = pick;
    run_in_fork(&verdict, run_case, (void *)(uintptr_t)scenario, CASE_LIMIT_MS);
    if (verdict.code == 0)
        return 0;
    if (show)
        show_case(scenario, n, always, &verdict);
    return 1;
}

/* From one n to the next: 1, or PROC_TEST_FAULT_STRIDE for who has run them all already. */
static int stride = 1;

/* Every n until nothing failed any more, every error of that call. */
static int run_mode(const struct scenario *scenario, int always, int show, int *ret_cases)
{
    int broken = 0;
    for (int n = 1; n < RUNAWAY; n += stride) {
        for (int pick = 0;; pick++) {
            broken += run_one(scenario, n, always, pick, show && broken < SHOWN_MAX);
            if (atomic_load(&shared->calls) < n && pick == 0)
                return broken; /* it has no n-th call */
            if (!atomic_load(&shared->error))
                break;
            ++*ret_cases;
        }
    }
    return broken + 1;
}

int fault_run(const struct scenario *scenario, int show)
{
    int cases = 0;
    int64_t start = patience_now();
    share_memory();
    int broken = run_one(scenario, 0, 0, 0, show); /* without any fault */
    if (!broken) {
        broken += run_mode(scenario, 0, show, &cases);
        broken += run_mode(scenario, 1, show, &cases);
    }
    if (show)
        print_message("%s: %d cases, %d broken, %lld ms\n", scenario->name, cases, broken,
                      (long long)(patience_now() - start));
    return broken;
}

void fault_take_stride(void)
{
    const char *given = getenv("PROC_TEST_FAULT_STRIDE");
    if (given && atoi(given) > 1)
        stride = atoi(given);
}

void fault_check(const struct scenario *scenarios, size_t count)
{
    int broken = 0;
    fault_take_stride();
    for (size_t i = 0; i < count; i++)
        broken += fault_run(&scenarios[i], 1);
    assert_int_equal(broken, 0);
}
