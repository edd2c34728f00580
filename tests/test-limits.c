/* SPDX-License-Identifier: MIT */
/* What a child may use: resource limits and OOM score, as it finds them, with us as we were; and what is refused. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <proc/proc.h>

#define SOME_UID 54321 /* nobody else's, so that its processes can be counted */
#define SOME_GID 1234
#define SOMEBODY PROC_IDS(.uid = PROC_UID(SOME_UID), .gid = PROC_GID(SOME_GID))

/* ---- Resource limits ---- */

struct limit_pair {
    uint64_t soft, hard;
};

static struct limit_pair ours(int resource)
{
    struct limit_pair pair;
    assert_int_equal(syscall(SYS_prlimit64, 0, resource, NULL, &pair), 0);
    return pair;
}

static void check_limit(const char *report, int resource, uint64_t soft, uint64_t hard)
{
    char expected[64];
    snprintf(expected, sizeof expected, "%ju %ju", (uintmax_t)soft, (uintmax_t)hard);
    assert_string_equal(report_get_nth(report, "rlimit", resource), expected);
}

static void limits_are_as_asked_and_ours_as_before(void **state)
{
    (void)state;
    const struct limit_pair files = ours(RLIMIT_NOFILE), core = ours(RLIMIT_CORE), stack = ours(RLIMIT_STACK);
    IN_EACH_MEMORY(in_copy)
    {
        const proc_limits *limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_NOFILE, 0, 50, 60},
                                                                        {RLIMIT_CORE, 0, 0, 0},
                                                                        {RLIMIT_STACK, 0, 4 << 20, stack.hard}));
        char *report = report_of(PROC_OPTIONS(.limits = limits, .ids = in_copy ? same_ids() : NULL));
        check_limit(report, RLIMIT_NOFILE, 50, 60);
        check_limit(report, RLIMIT_CORE, 0, 0);
        check_limit(report, RLIMIT_STACK, 4 << 20, stack.hard);
        check_limit(report, RLIMIT_FSIZE, ours(RLIMIT_FSIZE).soft, ours(RLIMIT_FSIZE).hard);
        const struct limit_pair now = ours(RLIMIT_NOFILE);
        assert_true(now.soft == files.soft && now.hard == files.hard && ours(RLIMIT_CORE).soft == core.soft);
        free(report);
    }
}

static void limits_may_be_lifted(void **state)
{
    (void)state;
    if (ours(RLIMIT_CPU).hard != PROC_UNLIMITED)
        SKIP_TEST("our own time is limited");
    char *report = report_of(PROC_OPTIONS(
        .limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_CPU, 0, PROC_UNLIMITED, PROC_UNLIMITED},
                                                      {RLIMIT_FSIZE, 0, UINT64_C(5) << 32, PROC_UNLIMITED}))));
    check_limit(report, RLIMIT_CPU, PROC_UNLIMITED, PROC_UNLIMITED);
    check_limit(report, RLIMIT_FSIZE, UINT64_C(5) << 32, PROC_UNLIMITED); /* beyond 32 bits */
    free(report);
}

/* While it still may: the user is changed later. */
static void a_limit_may_be_raised_for_another_user(void **state)
{
    (void)state;
    const struct limit_pair before = ours(RLIMIT_MSGQUEUE);
    const uint64_t more = before.hard == PROC_UNLIMITED ? PROC_UNLIMITED : before.hard + 1;
    const proc_limits *limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_MSGQUEUE, 0, more, more}));
    skip_if_denied(PROC_OPTIONS(.limits = limits));
    char *report = report_of(PROC_OPTIONS(.limits = limits, .ids = SOMEBODY));
    check_limit(report, RLIMIT_MSGQUEUE, more, more);
    free(report);
}

/* ---- The limit of descriptors ---- */

static void descriptors_beyond_their_limit_are_there(void **state)
{
    (void)state;
    IN_EACH_MEMORY(in_copy)
    {
        char *report =
            report_of(PROC_OPTIONS(.in = PROC_NULL, .out = PROC_NULL, .err = PROC_NULL,
                                   .fds = PROC_FDS({70, PROC_SAME_AS(0)}, {1000, PROC_SAME_AS(1)}),
                                   .limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_NOFILE, 0, 8, 8})),
                                   .ids = in_copy ? same_ids() : NULL));
        assert_string_equal(report_fds(report), "0 1 2 70 1000");
        check_limit(report, RLIMIT_NOFILE, 8, 8);
        free(report);
    }
}

/* How the rest is found that has to be closed. */
enum finding { BY_RANGE, BY_LIST, BY_NUMBER };

static int leaks_nothing(void *arg)
{
    const enum finding finding = *(const enum finding *)arg;
    const struct rlimit enough = {400, 400};
    proc_child *child;
    require(setrlimit(RLIMIT_NOFILE, &enough) == 0);
    for (int fd = 3; fd < 300; fd++)
        require(dup2(STDERR_FILENO, fd) == fd); /* not close-on-exec */
    if (finding >= BY_LIST)
        require(deny_call(SYS_close_range, ENOSYS) == 0);
    if (finding == BY_NUMBER)
        require(deny_call_if(SYS_openat, 2, O_DIRECTORY, ENOENT) == 0);
    /* One number is left, for the loader of the program. */
    require_rc(proc_spawn(&child, CHILD_DOES("fds"),
                          PROC_OPTIONS(.in = PROC_NULL, .out = PROC_PIPE, .fds = PROC_FDS({50, PROC_SAME_AS(0)}),
                                       .limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_NOFILE, 0, 4, 4})))),
               0);
    char *open = all_of(child, 1);
    if (strcmp(open, "0\n1\n2\n50\n") != 0)
        complain("way %d: open are %s", (int)finding, open);
    free(open);
    proc_child_free(child);
    return 0;
}

static void no_descriptor_hides_behind_the_limit(void **state)
{
    (void)state;
    for (enum finding finding = BY_RANGE; finding <= BY_NUMBER; finding++)
        assert_in_fork(leaks_nothing, &finding);
}

/* ---- The limit of processes ---- */

/* Only root becomes somebody else, and an emulator does not exec as the kernel does. */
static int needs_root_and_a_machine(void **state)
{
    needs_root(state);
    return needs_a_machine(state);
}

#define process_test(test) cmocka_unit_test_setup(test, needs_root_and_a_machine)

static void a_user_has_no_more_processes_than_it_may(void **state)
{
    (void)state;
    if (SANITIZER_THREADS)
        SKIP_TEST("the thread sanitizer needs a process more");
    proc_child *child =
        start(CHILD_DOES("try", "fork"),
              PROC_OPTIONS(.out = PROC_PIPE, .ids = SOMEBODY,
                           .limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_NPROC, 0, 1, 1}))));
    assert_string_equal(said(child), "fork EAGAIN");
    proc_child_free(child);
}

/* The kernel notes it when the user changes, and answers when the program is executed. */
static void a_user_with_too_many_processes_starts_no_program(void **state)
{
    (void)state;
    proc_child *other = start(CHILD_DOES("ready"), PROC_OPTIONS(.out = PROC_PIPE, .ids = SOMEBODY));
    assert_fails(PROC_ARGV("/bin/true"),
                 PROC_OPTIONS(.ids = SOMEBODY,
                              .limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_NPROC, 0, 0, 0}))),
                 -EAGAIN, PROC_STEP_EXEC, 0,
                 "spawn \"/bin/true\": exec \"/bin/true\": Resource temporarily unavailable");
    proc_child_free(other);
}

/* ---- The OOM killer ---- */

static int64_t our_score(void)
{
    char *text = file_read("/proc/self/oom_score_adj");
    assert_non_null(text);
    int64_t score = strtoll(text, NULL, 10);
    free(text);
    return score;
}

static void check_score(int score)
{
    const int64_t before = our_score();
    IN_EACH_MEMORY(in_copy)
    {
        char *report = report_of(
            PROC_OPTIONS(.limits = PROC_LIMITS(.oom_score_adj = &score), .ids = in_copy ? same_ids() : NULL));
        assert_string_equal(report_get(report, "oom_score_adj"), score == 1000 ? "1000" : score == 0 ? "0" : "-500");
        assert_int_equal(our_score(), before);
        free(report);
    }
}

/* In our memory, too: the kernel would give it to all who share that, but for the wait. */
static void a_childs_oom_score_is_its_own(void **state)
{
    (void)state;
    check_score(1000);
}

static void a_child_may_be_spared_by_the_oom_killer(void **state)
{
    (void)state;
    skip_if_denied(PROC_OPTIONS(.limits = PROC_LIMITS(.oom_score_adj = PROC_INT(-500))));
    check_score(-500);
    check_score(0);
}

static int asks_to_be_spared(void *arg)
{
    (void)arg;
    proc_child *child;
    proc_error error;
    if (geteuid() == 0)
        require(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    require(prctl(PR_SET_DUMPABLE, 1) == 0); /* or the file would not even be ours */
    require_rc(proc_spawn(&child, PROC_ARGV("true"),
                          PROC_OPTIONS(.limits = PROC_LIMITS(.oom_score_adj = PROC_INT(-1000)), .error = &error)),
               -EACCES);
    require(error.step == PROC_STEP_OOM_SCORE);
    require(strcmp(error.text, "spawn \"true\": OOM score: Permission denied") == 0);
    return 0;
}

static int raises_a_limit(void *arg)
{
    (void)arg;
    const struct rlimit few = {40, 40};
    proc_child *child;
    proc_error error;
    require(setrlimit(RLIMIT_NOFILE, &few) == 0);
    if (geteuid() == 0)
        require(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    const proc_limits *limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_NOFILE, 0, 41, 41}));
    require_rc(proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.limits = limits, .error = &error)), -EPERM);
    require(error.step == PROC_STEP_RLIMIT && error.index == RLIMIT_NOFILE);
    require(strcmp(error.text, "spawn \"true\": rlimit \"RLIMIT_NOFILE\": Operation not permitted") == 0);
    return 0;
}

static void what_is_not_allowed_is_named(void **state)
{
    (void)state;
    assert_in_fork(asks_to_be_spared, NULL);
    assert_in_fork(raises_a_limit, NULL);
}

/* ---- A daemon ---- */

static int a_daemon_has_limits(void *arg)
{
    (void)arg;
    char path[64];
    struct limit_pair files;
    const int pid =
        start_daemon(PROC_OPTIONS(.limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_NOFILE, 0, 20, 30}),
                                                        .oom_score_adj = PROC_INT(900)),
                                  .scheduling = PROC_SCHEDULING(.nice = PROC_INT(13))));
    require(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &files) == 0 && files.soft == 20 && files.hard == 30);
    require(getpriority(PRIO_PROCESS, (id_t)pid) == 13);
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
    char *score = file_read(path);
    require(score && strcmp(score, "900\n") == 0);
    free(score);
    end_daemon(pid);
    return 0;
}

static void a_daemons_program_has_them_as_well(void **state)
{
    (void)state;
    if (SANITIZER_THREADS)
        SKIP_TEST("no daemon is made of a program with threads");
    assert_in_fork(a_daemon_has_limits, NULL);
}

/* ---- Refused ---- */

static void check_refused(const proc_limits *limits, const char *what, const char *reason, int line)
{
    char text[300];
    snprintf(text, sizeof text, "spawn \"x\": options \"%s\": %s", what, reason);
    check_fails(PROC_ARGV("x"), PROC_OPTIONS(.limits = limits), -EINVAL, PROC_STEP_OPTIONS, -1, text, __FILE__, line);
}
#define assert_refused(limits, what) check_refused((limits), (what), "Invalid argument", __LINE__)

static void limits_that_make_no_sense_are_refused(void **state)
{
    static const char soft_above[] = "the soft limit is above the hard one";
    const proc_rlimits without_items = {NULL, 1}, too_many = {(const proc_rlimit[]){{0}}, 65};
    (void)state;
    check_refused(PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_CORE, 0, 1, 1}, {RLIMIT_NPROC, 0, 2, 1})),
                  "RLIMIT_NPROC", soft_above, __LINE__);
    check_refused(PROC_LIMITS(.rlimits = PROC_RLIMITS({77, 0, 2, 1})), ".limits->rlimits", soft_above, __LINE__);
    assert_refused(PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_CORE, 0, 1, 1}, {RLIMIT_CPU, 0, 1, 1},
                                                       {RLIMIT_CORE, 0, 1, 1})),
                   ".limits->rlimits: a resource twice");
    assert_refused(PROC_LIMITS(.rlimits = PROC_RLIMITS({-1, 0, 1, 1})), ".limits->rlimits: no such resource");
    assert_refused(PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_CORE, 1, 1, 1})),
                   ".limits->rlimits: a member that must be 0");
    assert_refused(PROC_LIMITS(.rlimits = without_items), ".limits->rlimits without .items");
    assert_refused(PROC_LIMITS(.rlimits = too_many), ".limits->rlimits: too many");
    assert_refused(PROC_LIMITS(.oom_score_adj = PROC_INT(1001)), ".limits->oom_score_adj is not -1000 to 1000");
    assert_refused(PROC_LIMITS(.oom_score_adj = PROC_INT(-1001)), ".limits->oom_score_adj is not -1000 to 1000");
    assert_refused(PROC_LIMITS(.cgroup_fd = PROC_INT(-1)), ".limits->cgroup_fd is negative");
}

/* Tomorrow's are not in our list. */
static void a_resource_that_the_kernel_lacks_is_its_own_answer(void **state)
{
    (void)state;
    assert_fails(PROC_ARGV("true"),
                 PROC_OPTIONS(.limits = PROC_LIMITS(.rlimits = PROC_RLIMITS({RLIMIT_CORE, 0, 0, 0}, {99, 0, 1, 1}))),
                 -EINVAL, PROC_STEP_RLIMIT, 99, "spawn \"true\": rlimit 99: Invalid argument");
}

static void nothing_asked_for_changes_nothing(void **state)
{
    const proc_limits shorter = {.size = sizeof(size_t), .oom_score_adj = PROC_INT(9999)};
    (void)state;
    char *plain = report_of(PROC_OPTIONS(.limits = NULL)), *empty = report_of(PROC_OPTIONS(.limits = &shorter));
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        const struct limit_pair pair = ours(resource);
        check_limit(plain, resource, pair.soft, pair.hard);
        check_limit(empty, resource, pair.soft, pair.hard);
    }
    assert_int_equal(report_number(empty, "oom_score_adj"), our_score());
    free(plain);
    free(empty);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        machine_test(limits_are_as_asked_and_ours_as_before),
        spawning_test(limits_may_be_lifted),
        root_test(a_limit_may_be_raised_for_another_user),
        machine_test(descriptors_beyond_their_limit_are_there),
        machine_test(no_descriptor_hides_behind_the_limit),
        process_test(a_user_has_no_more_processes_than_it_may),
        process_test(a_user_with_too_many_processes_starts_no_program),
        machine_test(a_childs_oom_score_is_its_own),
        root_test(a_child_may_be_spared_by_the_oom_killer),
        machine_test(what_is_not_allowed_is_named),
        machine_test(a_daemons_program_has_them_as_well),
        cmocka_unit_test(limits_that_make_no_sense_are_refused),
        spawning_test(a_resource_that_the_kernel_lacks_is_its_own_answer),
        machine_test(nothing_asked_for_changes_nothing),
    };
    return run_suite("limits", tests, sizeof tests / sizeof tests[0], argc, argv);
}
