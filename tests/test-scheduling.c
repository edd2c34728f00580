/* SPDX-License-Identifier: MIT */
/* When and where a child runs: as it finds itself, in either memory, with us as we were; and what is refused. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <proc/proc.h>

#define RESET_ON_FORK 0x40000000
#define DEADLINE 6
#define EXTRA_CPUS "60000-60003" /* no machine has them */

/* What the helper tells, started in the memory that is the default here, or in a copy. To be freed. */
static char *scheduled(const proc_scheduling *scheduling, int in_copy)
{
    return report_of(PROC_OPTIONS(.scheduling = scheduling, .ids = in_copy ? same_ids() : NULL));
}

/* One that we may use: the last, so that it is not the first by chance. */
static int some_cpu(void)
{
    cpu_set_t allowed;
    int last = -1;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &allowed))
            last = cpu;
    return last;
}

/* ---- Nice ---- */

static void a_child_is_as_nice_as_asked_and_we_as_before(void **state)
{
    (void)state;
    int before = getpriority(PRIO_PROCESS, 0);
    IN_EACH_MEMORY(in_copy)
    {
        char *report = scheduled(PROC_SCHEDULING(.nice = PROC_INT(17)), in_copy);
        assert_int_equal(report_number(report, "nice"), 17);
        assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
        free(report);
    }
}

static int asks_for_more(void *arg)
{
    (void)arg;
    const struct rlimit none = {0, 0};
    proc_child *child;
    proc_error error;
    require(setrlimit(RLIMIT_NICE, &none) == 0 && setrlimit(RLIMIT_RTPRIO, &none) == 0);
    require(geteuid() != 0 || (setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0));
    const proc_scheduling *first = PROC_SCHEDULING(.nice = PROC_INT(-20));
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.scheduling = first, .error = &error)), -EACCES);
    require(strcmp(error.text, "spawn \"true\": nice: Permission denied") == 0 && error.step == PROC_STEP_NICE);
    const proc_scheduling *real_time = PROC_SCHEDULING(.policy = PROC_INT(SCHED_FIFO), .priority = 1);
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.scheduling = real_time, .error = &error)), -EPERM);
    require(strcmp(error.text, "spawn \"true\": scheduler: Operation not permitted") == 0);
    require(error.step == PROC_STEP_SCHEDULER);
    const proc_scheduling *disk = PROC_SCHEDULING(.io_priority = PROC_IO_PRIORITY(1, 0));
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.scheduling = disk, .error = &error)), -EPERM);
    require(strcmp(error.text, "spawn \"true\": I/O priority: Operation not permitted") == 0);
    require(error.step == PROC_STEP_IO_PRIORITY);
    return 0;
}

static void what_is_not_allowed_is_named(void **state)
{
    (void)state;
    assert_in_fork(asks_for_more, NULL);
}

/* The rights to it are given up later. */
static void a_child_with_a_user_of_its_own_may_come_first(void **state)
{
    char cpu[16];
    (void)state;
    skip_if_denied(PROC_OPTIONS(.scheduling = PROC_SCHEDULING(.nice = PROC_INT(-7))));
    const int before = getpriority(PRIO_PROCESS, 0);
    snprintf(cpu, sizeof cpu, "%d", some_cpu());
    char *report = report_of(PROC_OPTIONS(.ids = PROC_IDS(.uid = PROC_UID(4321), .gid = PROC_GID(1234)),
                                          .scheduling = PROC_SCHEDULING(.nice = PROC_INT(-7), .cpus = cpu)));
    assert_string_equal(report_get(report, "uids"), "4321 4321 4321");
    assert_int_equal(report_number(report, "nice"), -7);
    assert_string_equal(report_get(report, "cpus"), cpu);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), before);
    free(report);
}

/* ---- CPUs ---- */

static void check_cpus(const char *list, const char *expected)
{
    cpu_set_t before, after;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    IN_EACH_MEMORY(in_copy)
    {
        char *report = scheduled(PROC_SCHEDULING(.cpus = list), in_copy);
        assert_string_equal(report_get(report, "cpus"), expected);
        free(report);
    }
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
}

static void a_child_runs_where_it_was_asked_to(void **state)
{
    char list[300], expected[16];
    (void)state;
    snprintf(expected, sizeof expected, "%d", some_cpu());
    check_cpus(expected, expected);
    /* As a file of the kernel has it: a line feed, blanks, numbers that nobody has. */
    snprintf(list, sizeof list, "%s,%s, 65535\n", expected, EXTRA_CPUS);
    check_cpus(list, expected);
    snprintf(list, sizeof list, "%s-%s,%s,%s", expected, expected, expected, expected);
    check_cpus(list, expected);
}

static void all_cpus_are_those_that_there_are(void **state)
{
    (void)state;
    char *ours = scheduled(NULL, 0), *all = scheduled(PROC_SCHEDULING(.cpus = "0-65535"), 0);
    char *cpus = strdup(report_get(ours, "cpus"));
    assert_string_equal(report_get(all, "cpus"), cpus);
    free(cpus);
    free(ours);
    free(all);
}

static void cpus_that_nobody_has_are_refused_by_the_kernel(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.scheduling = PROC_SCHEDULING(.cpus = "65000,65535")), -EINVAL,
                 PROC_STEP_CPUS, -1, "spawn \"true\": CPUs \"65000,65535\": Invalid argument");
}

/* ---- Policy ---- */

static int may_set(int policy, int priority)
{
    const struct sched_param param = {.sched_priority = priority}, usual = {.sched_priority = 0};
    if (sched_setscheduler(0, policy, &param) < 0)
        return 0;
    sched_setscheduler(0, SCHED_OTHER, &usual);
    return 1;
}

static void check_policy(const proc_scheduling *scheduling, const char *policy, int priority)
{
    IN_EACH_MEMORY(in_copy)
    {
        char *report = scheduled(scheduling, in_copy);
        assert_string_equal(report_get(report, "policy"), policy);
        assert_int_equal(report_number(report, "priority"), priority);
        assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
        free(report);
    }
}

static void a_child_has_the_policy_that_was_asked_for(void **state)
{
    (void)state;
    check_policy(PROC_SCHEDULING(.policy = PROC_INT(SCHED_BATCH)), "0x3", 0);
    check_policy(PROC_SCHEDULING(.policy = PROC_INT(SCHED_BATCH), .reset_on_fork = 1), "0x40000003", 0);
    check_policy(PROC_SCHEDULING(.policy = PROC_INT(SCHED_OTHER)), "0", 0);
}

/* From outside: on a busy machine it may be long until it comes to say so. */
static void a_child_may_run_when_nobody_else_does(void **state)
{
    (void)state;
    proc_child *child = start(CHILD_DOES("sleep", "forever"),
                              PROC_OPTIONS(.scheduling = PROC_SCHEDULING(.policy = PROC_INT(SCHED_IDLE))));
    assert_int_equal(sched_getscheduler(proc_child_pid(child)), SCHED_IDLE);
    assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    assert_ends(child, PROC_SIGNALED, SIGKILL); /* that may be long, too */
    proc_child_free(child);
}

static void a_policy_leaves_nice_as_it_is(void **state)
{
    (void)state;
    char *ours = scheduled(NULL, 0);
    char *batch = scheduled(PROC_SCHEDULING(.policy = PROC_INT(SCHED_BATCH)), 0);
    char *both = scheduled(PROC_SCHEDULING(.policy = PROC_INT(SCHED_BATCH), .nice = PROC_INT(11)), 0);
    assert_int_equal(report_number(batch, "nice"), report_number(ours, "nice"));
    assert_int_equal(report_number(both, "nice"), 11);
    free(ours);
    free(batch);
    free(both);
}

static void a_child_may_run_in_real_time(void **state)
{
    (void)state;
    if (!may_set(SCHED_RR, 3))
        SKIP_TEST("real-time policies are denied here");
    check_policy(PROC_SCHEDULING(.policy = PROC_INT(SCHED_RR), .priority = 3), "0x2", 3);
    check_policy(PROC_SCHEDULING(.policy = PROC_INT(SCHED_FIFO), .priority = 1, .reset_on_fork = 1), "0x40000001", 1);
}

static void a_child_may_have_a_deadline(void **state)
{
    (void)state;
    const uint64_t ms = 1000000;
    proc_child *child = NULL;
    int rc = proc_spawn(&child, CHILD_DOES("exit", "5"),
                        PROC_OPTIONS(.scheduling = PROC_SCHEDULING(.policy = PROC_INT(DEADLINE), .runtime_ns = 2 * ms,
                                                                   .deadline_ns = 50 * ms, .period_ns = 100 * ms)));
    if (rc == -EPERM || rc == -EBUSY || rc == -ENOSYS)
        SKIP_TEST("deadlines are denied here: %s", rc_name(rc));
    assert_rc(rc, 0);
    assert_ends(child, PROC_EXITED, 5);
    proc_child_free(child);
    check_policy(PROC_SCHEDULING(.policy = PROC_INT(DEADLINE), .runtime_ns = 2 * ms, .deadline_ns = 50 * ms,
                                 .reset_on_fork = 1),
                 "0x40000006", 0);
}

/* ---- I/O priority ---- */

static void check_io_priority(const int *asked)
{
    IN_EACH_MEMORY(in_copy)
    {
        long before = syscall(SYS_ioprio_get, 1, 0);
        char *report = scheduled(PROC_SCHEDULING(.io_priority = asked), in_copy);
        assert_int_equal(report_number(report, "io_priority"), *asked);
        assert_int_equal(syscall(SYS_ioprio_get, 1, 0), before);
        free(report);
    }
}

static void a_child_has_the_io_priority_that_was_asked_for(void **state)
{
    (void)state;
    if (syscall(SYS_ioprio_set, 1, 0, 0) < 0)
        SKIP_TEST("no I/O priorities here");
    check_io_priority(PROC_IO_PRIORITY(2, 0));
    check_io_priority(PROC_IO_PRIORITY(2, 7));
    check_io_priority(PROC_IO_PRIORITY(3, 0));
}

/* ---- Refused ---- */

static void check_refused(const proc_scheduling *scheduling, const char *what, int line)
{
    char text[300];
    snprintf(text, sizeof text, "spawn \"x\": options \".scheduling%s\": Invalid argument", what);
    check_fails(PROC_ARGV("x"), PROC_OPTIONS(.scheduling = scheduling), -EINVAL, PROC_STEP_OPTIONS, -1, text, __FILE__,
                line);
}
#define assert_refused(scheduling, what) check_refused((scheduling), (what), __LINE__)

static void a_scheduling_that_makes_no_sense_is_refused(void **state)
{
    static const char no_policy[] = "->policy: no such policy", no_priority[] = "->priority is not 1 to 99",
                      not_ordered[] = ": not 0 < runtime <= deadline <= period";
    (void)state;
    assert_refused(PROC_SCHEDULING(.nice = PROC_INT(20)), "->nice is not -20 to 19");
    assert_refused(PROC_SCHEDULING(.nice = PROC_INT(-21)), "->nice is not -20 to 19");
    assert_refused(PROC_SCHEDULING(.policy = PROC_INT(-1)), no_policy);
    assert_refused(PROC_SCHEDULING(.policy = PROC_INT(SCHED_BATCH | RESET_ON_FORK)), no_policy);
    assert_refused(PROC_SCHEDULING(.policy = PROC_INT(SCHED_FIFO)), no_priority);
    assert_refused(PROC_SCHEDULING(.policy = PROC_INT(SCHED_RR), .priority = 100), no_priority);
    assert_refused(PROC_SCHEDULING(.priority = 1), "->priority is for SCHED_FIFO and SCHED_RR");
    assert_refused(PROC_SCHEDULING(.policy = PROC_INT(SCHED_BATCH), .priority = -1),
                   "->priority is for SCHED_FIFO and SCHED_RR");
    assert_refused(PROC_SCHEDULING(.reset_on_fork = 1), "->reset_on_fork without .policy");
    assert_refused(PROC_SCHEDULING(.policy = PROC_INT(0), .reset_on_fork = 2), "->reset_on_fork is 0 or 1");
    assert_refused(PROC_SCHEDULING(.runtime_ns = 1),
                   ": runtime, deadline and period are for SCHED_DEADLINE");
    assert_refused(PROC_SCHEDULING(.policy = PROC_INT(DEADLINE)), not_ordered);
    assert_refused(PROC_SCHEDULING(.policy = PROC_INT(DEADLINE), .runtime_ns = 3, .deadline_ns = 2), not_ordered);
    assert_refused(PROC_SCHEDULING(.policy = PROC_INT(DEADLINE), .runtime_ns = 1, .deadline_ns = 3, .period_ns = 2),
                   not_ordered);
    assert_refused(PROC_SCHEDULING(.io_priority = PROC_IO_PRIORITY(4, 0)), "->io_priority: no such class");
    assert_refused(PROC_SCHEDULING(.io_priority = PROC_INT(-1)), "->io_priority: no such class");
    assert_refused(PROC_SCHEDULING(.io_priority = PROC_IO_PRIORITY(2, 8)), "->io_priority: no such level");
    assert_refused(PROC_SCHEDULING(.io_priority = PROC_IO_PRIORITY(3, 1)), "->io_priority: a class without levels");
    assert_refused(PROC_SCHEDULING(.io_priority = PROC_IO_PRIORITY(0, 1)), "->io_priority: a class without levels");
}

static void a_text_that_is_no_list_of_cpus_is_refused(void **state)
{
    static const char *const garbage[] = {"x", "-1", "0-", "0,,1", "3-1", "0 1", "1.5", "0x1", ",", "0,", "+1",
                                          "0-3:1/2", "all", "99999999999", "1-4294967296", "0-1-2"};
    static const char *const nobody[] = {"", " ", "\n"};
    static const char *const absurd[] = {"65536", "0-65536", "4294967295", "1,2,70000,3"};
    (void)state;
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++)
        assert_refused(PROC_SCHEDULING(.cpus = garbage[i]), "->cpus is not a list of CPUs");
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++)
        assert_refused(PROC_SCHEDULING(.cpus = nobody[i]), "->cpus names no CPU");
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++)
        assert_refused(PROC_SCHEDULING(.cpus = absurd[i]), "->cpus: no machine has so many");
}

/* An older caller's struct says nothing of what came later. */
static void nothing_asked_for_changes_nothing(void **state)
{
    const proc_scheduling shorter = {.size = sizeof(size_t), .nice = PROC_INT(99)};
    (void)state;
    char *plain = scheduled(NULL, 0), *empty = scheduled(PROC_SCHEDULING(.nice = NULL), 0),
         *old = scheduled(&shorter, 0);
    static const char *const keys[] = {"nice", "cpus", "policy", "priority", "io_priority"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char *expected = strdup(report_get(plain, keys[i]));
        assert_string_equal(report_get(empty, keys[i]), expected);
        assert_string_equal(report_get(old, keys[i]), expected);
        free(expected);
    }
    free(plain);
    free(empty);
    free(old);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(a_child_is_as_nice_as_asked_and_we_as_before),
        spawning_test(what_is_not_allowed_is_named),
        root_test(a_child_with_a_user_of_its_own_may_come_first),
        spawning_test(a_child_runs_where_it_was_asked_to),
        spawning_test(all_cpus_are_those_that_there_are),
        spawning_test(cpus_that_nobody_has_are_refused_by_the_kernel),
        spawning_test(a_child_has_the_policy_that_was_asked_for),
        spawning_test(a_child_may_run_when_nobody_else_does),
        spawning_test(a_policy_leaves_nice_as_it_is),
        spawning_test(a_child_may_run_in_real_time),
        spawning_test(a_child_may_have_a_deadline),
        spawning_test(a_child_has_the_io_priority_that_was_asked_for),
        cmocka_unit_test(a_scheduling_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_text_that_is_no_list_of_cpus_is_refused),
        spawning_test(nothing_asked_for_changes_nothing),
    };
    return run_suite("scheduling", tests, sizeof tests / sizeof tests[0], argc, argv);
}
