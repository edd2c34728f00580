/* SPDX-License-Identifier: MIT */
/* The capabilities of a child: as its program finds them, over a change of its user too, and ours as before. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <proc/proc.h>

#define SOMEBODY 65534
#define AS_SOMEBODY PROC_IDS(.uid = PROC_UID(SOMEBODY), .gid = PROC_GID(SOMEBODY))
#define LOW_PORTS PROC_CAP(CAP_NET_BIND_SERVICE)
#define RAW PROC_CAP(CAP_NET_RAW)

/* ---- Looking ---- */

struct found {
    uint64_t inheritable, permitted, effective, bounding, ambient;
};

static struct found found_in(const char *report)
{
    return (struct found){report_mask(report, "CapInh"), report_mask(report, "CapPrm"), report_mask(report, "CapEff"),
                          report_mask(report, "CapBnd"), report_mask(report, "CapAmb")};
}

/* What a program finds that is started so. */
static struct found program_finds(const proc_options *options)
{
    char *report = report_of(options);
    struct found found = found_in(report);
    free(report);
    return found;
}

static int same(struct found a, struct found b)
{
    return a.inheritable == b.inheritable && a.permitted == b.permitted && a.effective == b.effective &&
           a.bounding == b.bounding && a.ambient == b.ambient;
}

/* ---- What a program gets ---- */

static void a_user_gets_what_is_ambient(void **state)
{
    (void)state;
    struct found before = program_finds(PROC_OPTIONS(.ids = AS_SOMEBODY));
    struct found found = program_finds(
        PROC_OPTIONS(.ids = AS_SOMEBODY, .sandbox = PROC_SANDBOX(.caps = {.ambient = PROC_CAP_SET(LOW_PORTS)})));
    assert_int_equal(before.permitted, 0);
    assert_int_equal(found.ambient, LOW_PORTS);
    assert_int_equal(found.permitted, LOW_PORTS);
    assert_int_equal(found.effective, LOW_PORTS);
    assert_int_equal(found.inheritable, before.inheritable | LOW_PORTS);
    assert_int_equal(found.bounding, before.bounding);
}

static void a_user_with_a_capability_may_do_what_it_is_for(void **state)
{
    (void)state;
    proc_child *child =
        start(CHILD_DOES("try-bind", "1"),
              PROC_OPTIONS(.out = PROC_PIPE, .ids = AS_SOMEBODY,
                           .sandbox = PROC_SANDBOX(.caps = {.ambient = PROC_CAP_SET(LOW_PORTS)}, .no_new_privs = 1)));
    const char *line = said(child);
    assert_true(strcmp(line, "1 0") == 0 || strcmp(line, "1 EADDRINUSE") == 0);
    proc_child_free(child);
    child = start(CHILD_DOES("try-bind", "1"), PROC_OPTIONS(.out = PROC_PIPE, .ids = AS_SOMEBODY));
    assert_string_equal(said(child), "1 EACCES");
    proc_child_free(child);
}

static void only_these_is_right_for_root_and_for_users(void **state)
{
    const proc_ids *const ids[] = {NULL, AS_SOMEBODY};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct found one = {RAW, RAW, RAW, RAW, RAW}, none = {0, 0, 0, 0, 0};
        assert_true(same(
            one, program_finds(PROC_OPTIONS(.ids = ids[i], .sandbox = PROC_SANDBOX(.caps = PROC_CAPS_ONLY(RAW))))));
        assert_true(
            same(none, program_finds(PROC_OPTIONS(.ids = ids[i], .sandbox = PROC_SANDBOX(.caps = PROC_CAPS_ONLY(0))))));
    }
}

static void the_bounding_set_bounds_root(void **state)
{
    (void)state;
    struct found before = program_finds(PROC_OPTIONS(.cwd = "/"));
    uint64_t rest = before.bounding & ~RAW;
    struct found found = program_finds(PROC_OPTIONS(.sandbox = PROC_SANDBOX(.caps = {.bounding = PROC_CAP_SET(~RAW)})));
    assert_true(before.bounding & RAW);
    assert_int_equal(found.bounding, rest);
    assert_int_equal(found.permitted, before.permitted & rest);
    assert_int_equal(found.inheritable, before.inheritable);
    assert_int_equal(found.ambient, before.ambient);
}

static void without_new_privileges_root_keeps_no_more_than_it_is_permitted(void **state)
{
    (void)state;
    struct found found = program_finds(
        PROC_OPTIONS(.sandbox = PROC_SANDBOX(.caps = {.permitted = PROC_CAP_SET(RAW | LOW_PORTS)}, .no_new_privs = 1)));
    assert_int_equal(found.permitted, RAW | LOW_PORTS);
}

static void each_set_is_set_by_itself(void **state)
{
    (void)state;
    struct found before = program_finds(PROC_OPTIONS(.cwd = "/"));
    struct found found =
        program_finds(PROC_OPTIONS(.sandbox = PROC_SANDBOX(.caps = {.inheritable = PROC_CAP_SET(RAW)})));
    assert_int_equal(found.inheritable, RAW);
    assert_int_equal(found.bounding, before.bounding);
    assert_int_equal(found.ambient, before.ambient);
    /* What is new in the inheritable set has to come before the bounding set loses it. */
    found = program_finds(PROC_OPTIONS(.sandbox = PROC_SANDBOX(.caps = {.inheritable = PROC_CAP_SET(RAW),
                                                                        .bounding = PROC_CAP_SET(LOW_PORTS)})));
    assert_int_equal(found.inheritable, RAW);
    assert_int_equal(found.bounding, LOW_PORTS);
}

static void sets_that_are_not_said_stay(void **state)
{
    (void)state;
    assert_true(same(program_finds(PROC_OPTIONS(.cwd = "/")),
                     program_finds(PROC_OPTIONS(.sandbox = PROC_SANDBOX(.best_effort = 0)))));
    assert_true(same(program_finds(PROC_OPTIONS(.ids = AS_SOMEBODY)),
                     program_finds(PROC_OPTIONS(.ids = AS_SOMEBODY,
                                                .sandbox = PROC_SANDBOX(.caps = {.effective = PROC_CAP_SET(0)})))));
}

/* ---- What is not possible ---- */

static int spawn_with(const proc_caps *caps, proc_error *ret_error)
{
    proc_child *child = NULL;
    const proc_sandbox sandbox = {.size = sizeof sandbox, .caps = *caps};
    int rc = proc_spawn(&child, PROC_ARGV("true"), PROC_OPTIONS(.sandbox = &sandbox, .error = ret_error));
    proc_child_free(child);
    return rc;
}

static void expect_refusal(const proc_caps *caps, int rc, int cap, const char *text)
{
    proc_error error = {0};
    require_rc(spawn_with(caps, &error), rc);
    require(error.step == PROC_STEP_CAPS && error.index == cap);
    if (strcmp(error.text, text) != 0)
        complain("%s", error.text);
}

static int capabilities_that_are_not_ours(void *arg)
{
    (void)arg;
    if (geteuid() == 0)
        require(setgid(SOMEBODY) == 0 && setuid(SOMEBODY) == 0);
    expect_refusal(&(proc_caps){.ambient = PROC_CAP_SET(LOW_PORTS)}, -EPERM, CAP_NET_BIND_SERVICE,
                   "spawn \"true\": capability \"net_bind_service\": Operation not permitted");
    expect_refusal(&(proc_caps){.permitted = PROC_CAP_SET(RAW)}, -EPERM, CAP_NET_RAW,
                   "spawn \"true\": capability \"net_raw\": Operation not permitted");
    expect_refusal(&(proc_caps){.inheritable = PROC_CAP_SET(RAW)}, -EPERM, CAP_NET_RAW,
                   "spawn \"true\": capability \"net_raw\": Operation not permitted");
    if (prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 1)
        expect_refusal(&(proc_caps){.bounding = PROC_CAP_SET(0)}, -EPERM, CAP_CHOWN,
                       "spawn \"true\": capability \"chown\": Operation not permitted");
    proc_error error;
    require_rc(spawn_with(&(proc_caps){.permitted = PROC_CAP_SET(0),
                                       .effective = PROC_CAP_SET(0),
                                       .inheritable = PROC_CAP_SET(0),
                                       .ambient = PROC_CAP_SET(0)},
                          &error),
               0);
    return 0;
}

static void a_capability_that_is_not_ours_to_give_is_named(void **state)
{
    (void)state;
    assert_in_fork(capabilities_that_are_not_ours, NULL);
}

static int unknown_capabilities(void *arg)
{
    (void)arg;
    expect_refusal(&(proc_caps){.permitted = PROC_CAP_SET(PROC_CAP(63))}, -EINVAL, 63,
                   "spawn \"true\": capability 63: Invalid argument");
    expect_refusal(&(proc_caps){.inheritable = PROC_CAP_SET(PROC_CAP(62))}, -EINVAL, 62,
                   "spawn \"true\": capability 62: Invalid argument");
    expect_refusal(&(proc_caps){.ambient = PROC_CAP_SET(PROC_CAP(61))}, -EINVAL, 61,
                   "spawn \"true\": capability 61: Invalid argument");
    return 0;
}

static void a_capability_that_the_kernel_lacks_is_refused(void **state)
{
    (void)state;
    assert_in_fork(unknown_capabilities, NULL);
}

#define assert_refused(what, ...)                                                                       \
    assert_fails(PROC_ARGV("x"), PROC_OPTIONS(.sandbox = PROC_SANDBOX(.caps = {__VA_ARGS__})), -EINVAL, \
                 PROC_STEP_OPTIONS, -1, "spawn \"x\": options \".sandbox->caps: " what "\": Invalid argument")

static void sets_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    assert_refused("effective is more than permitted", .permitted = PROC_CAP_SET(1), .effective = PROC_CAP_SET(3));
    assert_refused("ambient is more than permitted", .permitted = PROC_CAP_SET(1), .ambient = PROC_CAP_SET(2));
    assert_refused("ambient is more than inheritable", .inheritable = PROC_CAP_SET(1), .ambient = PROC_CAP_SET(2));
}

/* ---- Ours ---- */

struct ours {
    int dumpable, keepcaps, securebits, no_new_privs;
    char *status;
};

static struct ours look_at_us(void)
{
    return (struct ours){prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0),
                         prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
                         file_read("/proc/thread-self/status")};
}

static int is_as_before(struct ours *before)
{
    struct ours now = look_at_us();
    struct found then = {0, 0, 0, 0, 0}, since = then;
    proc_status a, b;
    int parsed = proc_status_parse(before->status, strlen(before->status), sizeof a, &a) > 0 &&
                 proc_status_parse(now.status, strlen(now.status), sizeof b, &b) > 0;
    if (parsed) {
        then = (struct found){a.cap_inheritable, a.cap_permitted, a.cap_effective, a.cap_bounding, a.cap_ambient};
        since = (struct found){b.cap_inheritable, b.cap_permitted, b.cap_effective, b.cap_bounding, b.cap_ambient};
    }
    free(before->status);
    free(now.status);
    return parsed && same(then, since) && before->dumpable == now.dumpable && before->keepcaps == now.keepcaps &&
           before->securebits == now.securebits && before->no_new_privs == now.no_new_privs;
}

static void starts_leave_our_own_privileges_alone(void **state)
{
    const proc_caps sets[] = {
        PROC_CAPS_ONLY(RAW),
        PROC_CAPS_ONLY(0),
        {.bounding = PROC_CAP_SET(~RAW)},
        {.ambient = PROC_CAP_SET(LOW_PORTS)},
    };
    (void)state;
    struct ours before = look_at_us();
    assert_int_equal(before.dumpable, 1);
    for (size_t i = 0; i < 2 * sizeof sets / sizeof sets[0]; i++) {
        const proc_sandbox sandbox = {.size = sizeof sandbox, .caps = sets[i / 2], .no_new_privs = i % 2};
        proc_child *child =
            start(PROC_ARGV("true"), PROC_OPTIONS(.sandbox = &sandbox, .ids = i % 2 ? AS_SOMEBODY : NULL));
        assert_ends(child, PROC_EXITED, 0);
        proc_child_free(child);
    }
    assert_true(is_as_before(&before));
}

/* The program starts with the bits that we have, but for keeping capabilities, which ends at every execve(2). */
static int with_securebits(void *arg)
{
    (void)arg;
    require(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0) == 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
    int before = prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
    struct found found =
        program_finds(PROC_OPTIONS(.ids = AS_SOMEBODY, .sandbox = PROC_SANDBOX(.caps = PROC_CAPS_ONLY(RAW))));
    require(found.permitted == RAW && found.effective == RAW);
    require(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == before && before == (SECBIT_NOROOT | SECBIT_KEEP_CAPS));
    return 0;
}

static void securebits_are_used_and_left_as_they_are(void **state)
{
    (void)state;
    assert_in_fork(with_securebits, NULL);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        root_test(a_user_gets_what_is_ambient),
        root_test(a_user_with_a_capability_may_do_what_it_is_for),
        root_test(only_these_is_right_for_root_and_for_users),
        root_test(the_bounding_set_bounds_root),
        root_test(without_new_privileges_root_keeps_no_more_than_it_is_permitted),
        root_test(each_set_is_set_by_itself),
        root_test(sets_that_are_not_said_stay),
        spawning_test(a_capability_that_is_not_ours_to_give_is_named),
        spawning_test(a_capability_that_the_kernel_lacks_is_refused),
        cmocka_unit_test(sets_that_contradict_each_other_are_refused),
        root_test(starts_leave_our_own_privileges_alone),
        root_test(securebits_are_used_and_left_as_they_are),
    };
    return run_suite("capabilities", tests, sizeof tests / sizeof tests[0], argc, argv);
}
