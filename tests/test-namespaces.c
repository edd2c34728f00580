/* SPDX-License-Identifier: MIT */
/* New namespaces of a child, seen from outside and from inside: what is in them, who it is there, and how it ends. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <proc/proc.h>

#include "places.h"

#define OFFSET_MS 5000000
/* Between one look at a clock and another, on a loaded machine. */
#define CLOCK_SLACK_MS 60000

static const uint32_t all_kinds[] = {PROC_NS_USER, PROC_NS_PID, PROC_NS_MOUNT, PROC_NS_NET,
                                     PROC_NS_UTS,  PROC_NS_IPC, PROC_NS_TIME,  PROC_NS_CGROUP};
#define ALL_KINDS 0xffu

static proc_child *sleep_in(const proc_namespaces *namespaces)
{
    return start(CHILD_DOES("sleep", "forever"), PROC_OPTIONS(.namespaces = namespaces));
}

/* ---- Each kind, and all at once ---- */

/* Those that were asked for are others than ours, and no other one is. */
static void check_lives_in(proc_child *child, uint32_t created)
{
    for (size_t i = 0; i < sizeof all_kinds / sizeof all_kinds[0]; i++) {
        uint64_t its = namespace_of(proc_child_pid(child), all_kinds[i]), ours = namespace_of(0, all_kinds[i]);
        if (its == 0 && ours == 0)
            continue;
        assert_true(its != 0);
        if ((its != ours) != ((created & all_kinds[i]) != 0))
            fail_msg("created %#x, and of kind %#x it has %s", created, all_kinds[i], its == ours ? "ours" : "its own");
    }
}

static void each_kind_is_made_and_no_other(void **state)
{
    int made = 0;
    (void)state;
    for (size_t i = 0; i < sizeof all_kinds / sizeof all_kinds[0]; i++) {
        if (!can_make(all_kinds[i]))
            continue;
        made++;
        proc_child *child = sleep_in(PROC_NAMESPACES(.create = all_kinds[i]));
        check_lives_in(child, all_kinds[i]);
        proc_child_free(child);
    }
    if (made == 0)
        SKIP_TEST("a plain unshare(2) of any kind is denied here");
}

static void all_kinds_are_made_at_once_without_any_privilege_outside(void **state)
{
    (void)state;
    NEED_NAMESPACES(ALL_KINDS);
    proc_child *child = sleep_in(PROC_NAMESPACES(.create = ALL_KINDS, .flags = PROC_NS_AS_ROOT));
    check_lives_in(child, ALL_KINDS);
    proc_child_free(child);
}

static void nothing_asked_for_is_where_we_live(void **state)
{
    (void)state;
    proc_child *child = sleep_in(PROC_NAMESPACES(.create = 0));
    check_lives_in(child, 0);
    proc_child_free(child);
}

/* ---- Users ---- */

static int is_itself_within(void *arg)
{
    (void)arg;
    char *report = report_of(PROC_OPTIONS(.namespaces = PROC_NAMESPACES(.create = PROC_NS_USER)));
    require(strcmp(report_get(report, "uids"), "65534 65534 65534") == 0);
    require(strcmp(report_get(report, "gids"), "65534 65534 65534") == 0);
    free(report);
    const char *map = child_tells(PROC_ARGV("cat", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups"),
                                  PROC_NAMESPACES(.create = PROC_NS_USER), NULL);
    require(strcmp(map, "     65534      65534          1\n     65534      65534          1\ndeny\n") == 0);
    return 0;
}

static void we_are_ourselves_within_and_groups_are_denied(void **state)
{
    (void)state;
    assert_as_nobody(is_itself_within);
}

static int is_root_within(void *arg)
{
    (void)arg;
    const proc_namespaces *as_root =
        PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_UTS, .flags = PROC_NS_AS_ROOT, .hostname = "within");
    char *report = report_of(PROC_OPTIONS(.namespaces = as_root));
    require(strcmp(report_get(report, "uids"), "0 0 0") == 0);
    require(strcmp(report_get(report, "gids"), "0 0 0") == 0);
    free(report);
    require(strcmp(value_of(told_by(as_root, NULL, "place"), "hostname"), "within") == 0);
    require(strcmp(told_by(as_root, NULL, "set-groups", "0"), "EPERM\n") == 0);
    return 0;
}

static void as_root_we_are_0_within_and_own_what_was_made(void **state)
{
    (void)state;
    assert_as_nobody(is_root_within);
}

#define RANGES                                                                    \
    .create = PROC_NS_USER, .uid_maps = PROC_ID_MAPS({0, 1000, 10}, {100, 0, 1}), \
    .gid_maps = PROC_ID_MAPS({0, 2000, 10}, {100, 0, 1})

/* Mapped by somebody who may map others; the ids of the request are those within. */
static void ranges_map_others_and_ids_are_those_within(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER);
    const proc_namespaces *ranges = PROC_NAMESPACES(RANGES, .flags = PROC_NS_ALLOW_SETGROUPS);
    proc_child *child = start(CHILD_DOES("sleep", "forever"),
                              PROC_OPTIONS(.namespaces = ranges, .ids = PROC_IDS(.uid = PROC_UID(3), .gid = PROC_GID(4),
                                                                                 .groups = PROC_GROUPS(5, 6))));
    proc_status status;
    assert_rc(proc_status_read(PROC_PID(proc_child_pid(child)), NULL, sizeof status, &status), 0);
    assert_int_equal(status.uid[0], 1003);
    assert_int_equal(status.gid[0], 2004);
    proc_child_free(child);
    const char *ids = child_tells(PROC_ARGV("id"), ranges,
                                  PROC_IDS(.uid = PROC_UID(3), .gid = PROC_GID(4), .groups = PROC_GROUPS(5, 6)));
    assert_contains(ids, "uid=3");
    assert_contains(ids, "gid=4");
}

/* The ids of the request are those within, and the terminal is made outside. */
static void a_terminal_belongs_to_its_user_within(void **state)
{
    char name[64], byte;
    struct stat about;
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER);
    proc_child *child =
        start(CHILD_DOES("write-by-name", "mine"),
              PROC_OPTIONS(.in = PROC_PTY, .out = PROC_PTY, .ids = PROC_IDS(.uid = PROC_UID(3), .gid = PROC_GID(4)),
                           .namespaces = PROC_NAMESPACES(RANGES, .flags = PROC_NS_ALLOW_SETGROUPS)));
    assert_int_equal(ptsname_r(proc_child_stream(child, 0), name, sizeof name), 0);
    assert_int_equal(stat(name, &about), 0);
    assert_int_equal(about.st_uid, 1003);
    assert_rc(proc_read(child, 0, &byte, 1, PATIENCE_MS), 1);
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
    child =
        start(CHILD_DOES("write-by-name", "mine"),
              PROC_OPTIONS(.in = PROC_PTY, .ids = PROC_IDS(.uid = PROC_UID(0), .gid = PROC_GID(0), .keep_groups = 1),
                           .namespaces = PROC_NAMESPACES(.create = PROC_NS_USER, .flags = PROC_NS_AS_ROOT)));
    assert_ends(child, PROC_EXITED, 0);
    proc_child_free(child);
}

/* Root outside keeps its files: what is not mapped is nobody's. */
static void who_is_not_mapped_is_nobody_within(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER);
    const char *ids = child_tells(
        PROC_ARGV("id", "-u"), PROC_NAMESPACES(.create = PROC_NS_USER, .uid_maps = PROC_ID_MAPS({0, 1000, 1})), NULL);
    assert_string_equal(ids, "65534\n");
}

static void setgroups_works_within_where_it_was_allowed(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER);
    const proc_namespaces *allowed =
        PROC_NAMESPACES(.create = PROC_NS_USER, .flags = PROC_NS_ALLOW_SETGROUPS | PROC_NS_AS_ROOT);
    assert_string_equal(told_by(allowed, NULL, "set-groups", "0"), "0\n");
    const proc_namespaces *denied = PROC_NAMESPACES(.create = PROC_NS_USER, .flags = PROC_NS_AS_ROOT);
    assert_string_equal(told_by(denied, NULL, "set-groups", "0"), "EPERM\n");
}

/* The groups of who starts it are not passed on with another user, within as without. */
static void groups_are_emptied_with_a_user_within(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER);
    const proc_ids *ids = PROC_IDS(.uid = PROC_UID(0), .gid = PROC_GID(0));
    char *plain = report_of(PROC_OPTIONS(.ids = ids));
    char *within = report_of(
        PROC_OPTIONS(.ids = ids, .namespaces = PROC_NAMESPACES(.create = PROC_NS_USER,
                                                               .flags = PROC_NS_ALLOW_SETGROUPS | PROC_NS_AS_ROOT)));
    assert_string_equal(report_get(plain, "groups"), "");
    assert_string_equal(report_get(within, "groups"), "");
    free(plain);
    free(within);
    const proc_ids *keeping = PROC_IDS(.uid = PROC_UID(0), .gid = PROC_GID(0), .keep_groups = 1);
    assert_string_equal(
        told_by(PROC_NAMESPACES(.create = PROC_NS_USER, .flags = PROC_NS_AS_ROOT), keeping, "set-groups", "0"),
        "EPERM\n");
}

static void we_stay_dumpable_when_a_child_gets_other_ids(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER);
    int before = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    proc_child_free(sleep_in(PROC_NAMESPACES(.create = PROC_NS_USER, .flags = PROC_NS_AS_ROOT)));
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), before);
}

/* ---- Pids and mounts ---- */

static void the_program_is_pid_1_and_sees_itself_alone(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID | PROC_NS_MOUNT);
    const proc_namespaces *fresh = PROC_NAMESPACES(.create = PROC_NS_PID | PROC_NS_MOUNT);
    const char *place = told_by(fresh, NULL, "place");
    assert_int_equal(number_of(place, "pid"), 1);
    assert_int_equal(number_of(place, "ppid"), 0);
    assert_string_equal(child_tells(PROC_ARGV("sh", "-c", "cd /proc; echo [0-9]*"), fresh, NULL), "1\n");
    /* Ours is as it was. */
    assert_int_equal(access("/proc/self/stat", R_OK), 0);
}

static void proc_stays_ours_when_it_is_asked_to(void **state)
{
    char expected[32];
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID | PROC_NS_MOUNT);
    const char *seen =
        child_tells(PROC_ARGV("sh", "-c", "readlink /proc/self; echo pid $$"),
                    PROC_NAMESPACES(.create = PROC_NS_PID | PROC_NS_MOUNT, .flags = PROC_NS_KEEP_PROC), NULL);
    snprintf(expected, sizeof expected, "%ld", strtol(seen, NULL, 10));
    assert_true(strtol(seen, NULL, 10) > 1);
    assert_int_equal(number_of(seen, "pid"), 1);
}

static void a_fresh_proc_is_where_the_working_directory_may_lead(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID | PROC_NS_MOUNT);
    proc_result result;
    assert_rc(proc_run(&result, PROC_ARGV("pwd"),
                       PROC_OPTIONS(.out = PROC_CAPTURE, .cwd = "/proc/1",
                                    .namespaces = PROC_NAMESPACES(.create = PROC_NS_PID | PROC_NS_MOUNT))),
              0);
    assert_int_equal(result.out.len, 8);
    assert_memory_equal(result.out.data, "/proc/1\n", 8);
    proc_result_done(&result);
}

/* Its default action does not reach the first process of a namespace; a kill does, and takes all others with it. */
static void pid_1_is_not_ended_by_a_plain_signal_and_takes_all_with_it_when_killed(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID);
    proc_child *child = start(CHILD_DOES("grandchild-group-ignoring-term"),
                              PROC_OPTIONS(.out = PROC_PIPE, .namespaces = PROC_NAMESPACES(.create = PROC_NS_PID)));
    assert_int_equal(strtol(said(child), NULL, 10), 2);
    assert_rc(proc_kill(child, SIGTERM, PROC_ONE), 0);
    assert_rc(proc_kill(child, SIGUSR1, PROC_ONE), 0);
    assert_rc(proc_wait(child, 50, NULL), -ETIMEDOUT);
    assert_rc(proc_kill(child, SIGKILL, PROC_ONE), 0);
    assert_ends(child, PROC_SIGNALED, SIGKILL);
    /* Nobody is left who could hold the other end of the pipe. */
    char byte;
    assert_rc(proc_read(child, 1, &byte, 1, PATIENCE_MS), 0);
    proc_child_free(child);
}

static void the_end_of_pid_1_is_the_end_of_a_child(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_PID);
    proc_child *child =
        start(CHILD_DOES("exit", "7"),
              PROC_OPTIONS(.flags = PROC_NEW_SESSION, .namespaces = PROC_NAMESPACES(.create = PROC_NS_PID)));
    assert_ends(child, PROC_EXITED, 7);
    proc_child_free(child);
}

static void what_it_mounts_is_not_seen_outside(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_MOUNT);
    char *directory = directory_make();
    char *inside = path_in(directory, "inside");
    file_write(inside, "x");
    proc_child *child = start(CHILD_DOES("mount", directory),
                              PROC_OPTIONS(.out = PROC_PIPE, .namespaces = PROC_NAMESPACES(.create = PROC_NS_MOUNT)));
    assert_string_equal(said(child), "0");
    assert_int_equal(access(inside, F_OK), 0);
    proc_child_free(child);
    free(inside);
    directory_remove(directory);
}

static int count_shared(const proc_namespaces *namespaces)
{
    int count = 0;
    const char *text = child_tells(PROC_ARGV("sh", "-c", "grep -o shared: /proc/self/mountinfo"), namespaces, NULL);
    for (; (text = strstr(text, "shared:")); text++)
        count++;
    return count;
}

static int sees_propagation(void *arg)
{
    (void)arg;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_SHARED, NULL) < 0)
        return NOT_POSSIBLE;
    require(count_shared(PROC_NAMESPACES(.create = PROC_NS_MOUNT)) == 0);
    require(count_shared(PROC_NAMESPACES(.create = PROC_NS_MOUNT, .flags = PROC_NS_SHARED_MOUNTS)) > 0);
    return 0;
}

static void mounts_are_private_unless_they_shall_be_shared(void **state)
{
    (void)state;
    assert_in_fork_or_skip(sees_propagation, NULL, "no mount namespace of our own here");
}

/* ---- Net, uts, time, cgroup ---- */

static void a_new_net_has_a_loopback_that_is_up(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_NET);
    assert_string_equal(value_of(told_by(PROC_NAMESPACES(.create = PROC_NS_NET), NULL, "place"), "loopback"), "up");
    assert_string_equal(
        value_of(told_by(PROC_NAMESPACES(.create = PROC_NS_NET, .flags = PROC_NS_LOOPBACK_DOWN), NULL, "place"),
                 "loopback"),
        "down");
    const char *devices = child_tells(PROC_ARGV("cat", "/proc/net/dev"), PROC_NAMESPACES(.create = PROC_NS_NET), NULL);
    assert_contains(devices, "lo:");
    assert_null(strchr(strstr(devices, "lo:") + 3, ':')); /* and no other */
}

static void a_new_uts_has_its_names_and_ours_stay(void **state)
{
    char before[100], after[100];
    (void)state;
    NEED_NAMESPACES(PROC_NS_UTS);
    gethostname(before, sizeof before);
    const char *place =
        told_by(PROC_NAMESPACES(.create = PROC_NS_UTS, .hostname = "blue", .domainname = "sea"), NULL, "place");
    assert_string_equal(value_of(place, "hostname"), "blue");
    assert_string_equal(value_of(place, "domainname"), "sea");
    assert_string_equal(value_of(told_by(PROC_NAMESPACES(.create = PROC_NS_UTS), NULL, "place"), "hostname"), before);
    gethostname(after, sizeof after);
    assert_string_equal(before, after);
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void check_clocks(const char *place, int64_t monotonic_ms, int64_t boottime_ms)
{
    assert_in_range(
        (uint64_t)(number_of(place, "monotonic") - clock_ms(CLOCK_MONOTONIC) - monotonic_ms + CLOCK_SLACK_MS), 0,
        2 * CLOCK_SLACK_MS);
    assert_in_range((uint64_t)(number_of(place, "boottime") - clock_ms(CLOCK_BOOTTIME) - boottime_ms + CLOCK_SLACK_MS),
                    0, 2 * CLOCK_SLACK_MS);
}

static void clocks_of_a_new_time_are_ahead_or_behind_from_the_first_moment(void **state)
{
    const int64_t ahead = OFFSET_MS + 1, behind = -1500;
    (void)state;
    NEED_NAMESPACES(PROC_NS_TIME);
    check_clocks(told_by(PROC_NAMESPACES(.create = PROC_NS_TIME), NULL, "place"), 0, 0);
    check_clocks(
        told_by(PROC_NAMESPACES(.create = PROC_NS_TIME, .monotonic_offset_ms = &ahead, .boottime_offset_ms = &behind),
                NULL, "place"),
        ahead, behind);
    const char *offsets = child_tells(PROC_ARGV("cat", "/proc/self/timens_offsets"),
                                      PROC_NAMESPACES(.create = PROC_NS_TIME, .boottime_offset_ms = &behind), NULL);
    assert_contains(offsets, "-2 500000000");
}

static void a_new_cgroup_namespace_begins_where_the_child_is(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_CGROUP);
    const char *groups = child_tells(PROC_ARGV("sh", "-c", "sed 's/[^:]*:[^:]*://' /proc/self/cgroup | sort -u"),
                                     PROC_NAMESPACES(.create = PROC_NS_CGROUP), NULL);
    assert_string_equal(groups, "/\n");
}

/* ---- With the rest of a start ---- */

/* A late step fails: nobody is left, neither the child nor who stood in between. */
static void a_start_that_fails_late_leaves_nobody(void **state)
{
    (void)state;
    NEED_NAMESPACES(ALL_KINDS);
    const uint32_t cases[] = {PROC_NS_USER, PROC_NS_USER | PROC_NS_PID, PROC_NS_USER | PROC_NS_TIME, ALL_KINDS};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const proc_namespaces *namespaces = PROC_NAMESPACES(.create = cases[i]);
        assert_fails(PROC_ARGV("/no/such/program"), PROC_OPTIONS(.namespaces = namespaces), -ENOENT, PROC_STEP_EXEC, 0,
                     "spawn \"/no/such/program\": exec \"/no/such/program\": No such file or directory");
        assert_fails(PROC_ARGV("true"), PROC_OPTIONS(.namespaces = namespaces, .cwd = "/no/where"), -ENOENT,
                     PROC_STEP_CWD, -1, "spawn \"true\": chdir \"/no/where\": No such file or directory");
    }
}

/* Numbers that pipes and gates have are wanted for the child. */
static void descriptors_are_placed_as_in_any_start(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER | PROC_NS_PID | PROC_NS_TIME);
    proc_slot slots[20];
    for (int i = 0; i < 20; i++)
        slots[i] = (proc_slot){i + 3, PROC_NULL};
    char *report =
        report_of(PROC_OPTIONS(.in = PROC_NULL, .out = PROC_NULL, .err = PROC_NULL, .fds = {slots, 20},
                               .namespaces = PROC_NAMESPACES(.create = PROC_NS_USER | PROC_NS_PID | PROC_NS_TIME)));
    assert_string_equal(report_fds(report), "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22");
    assert_true(report_mask(report, "SigBlk") == 0);
    free(report);
}

static void *start_many(void *arg)
{
    const proc_namespaces *namespaces = arg;
    for (int i = 0; i < 10; i++) {
        proc_child *child = NULL;
        proc_exit ended = {0};
        if (proc_spawn(&child, CHILD_DOES("exit", "5"), PROC_OPTIONS(.namespaces = namespaces)) < 0 ||
            proc_wait(child, PATIENCE_MS, &ended) < 0 || ended.code != 5)
            arg = NULL;
        proc_child_free(child);
    }
    return arg;
}

static void starts_of_many_threads_do_not_meet(void **state)
{
    pthread_t threads[8];
    (void)state;
    NEED_NAMESPACES(PROC_NS_USER | PROC_NS_PID | PROC_NS_TIME);
    const proc_namespaces in_between = {.size = sizeof in_between, .create = PROC_NS_USER | PROC_NS_TIME};
    const proc_namespaces direct = {.size = sizeof direct, .create = PROC_NS_USER | PROC_NS_PID};
    for (int i = 0; i < 8; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, start_many, (void *)(uintptr_t)(i % 2 ? &direct : &in_between)), 0);
    for (int i = 0; i < 8; i++) {
        void *well = NULL;
        pthread_join(threads[i], &well);
        assert_non_null(well);
    }
}

static void a_daemon_gets_what_needs_no_birth(void **state)
{
    (void)state;
    NEED_NAMESPACES(PROC_NS_UTS);
    if (SANITIZER_THREADS)
        SKIP_TEST("the sanitizer has a thread of its own");
    char *directory = directory_make(), *path = path_in(directory, "name"), *name = NULL, command[300];
    proc_daemon_report report = {0};
    chmod(directory, 0711);
    snprintf(command, sizeof command, "uname -n > %s.new; mv %s.new %s", path, path, path);
    const proc_namespaces *uts = PROC_NAMESPACES(.create = PROC_NS_UTS, .hostname = "daemonic");
    assert_rc(proc_daemon_spawn(PROC_ARGV("sh", "-c", command), PROC_OPTIONS(.namespaces = uts), NULL, &report), 0);
    assert_eventually((name = file_read(path)) != NULL);
    assert_string_equal(name, "daemonic\n");
    free(name);
    free(path);
    directory_remove(directory);
}

static void a_daemon_is_refused_what_needs_a_birth(void **state)
{
    proc_daemon_report report = {0};
    (void)state;
    for (uint32_t kind = PROC_NS_USER; kind <= PROC_NS_TIME; kind <<= 1) {
        if (kind != PROC_NS_USER && kind != PROC_NS_PID && kind != PROC_NS_TIME)
            continue;
        const proc_namespaces *namespaces = PROC_NAMESPACES(.create = kind);
        assert_rc(proc_daemon_spawn(PROC_ARGV("true"), PROC_OPTIONS(.namespaces = namespaces), NULL, &report),
                  -ENOTSUP);
        assert_contains(report.error.text, "the program's .namespaces: a daemon is born before them");
    }
}

/* Of those who need both. */
static int needs_a_root_machine(void **state)
{
    int rc = needs_a_machine(state);
    if (geteuid() != 0)
        leave_out("only root may map the ids of others");
    return rc;
}
#define root_machine_test(test) cmocka_unit_test_setup(test, needs_a_root_machine)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(nothing_asked_for_is_where_we_live),
        machine_test(each_kind_is_made_and_no_other),
        machine_test(all_kinds_are_made_at_once_without_any_privilege_outside),
        machine_test(we_are_ourselves_within_and_groups_are_denied),
        machine_test(as_root_we_are_0_within_and_own_what_was_made),
        root_machine_test(ranges_map_others_and_ids_are_those_within),
        root_machine_test(a_terminal_belongs_to_its_user_within),
        root_machine_test(who_is_not_mapped_is_nobody_within),
        root_machine_test(setgroups_works_within_where_it_was_allowed),
        root_machine_test(groups_are_emptied_with_a_user_within),
        machine_test(we_stay_dumpable_when_a_child_gets_other_ids),
        machine_test(the_program_is_pid_1_and_sees_itself_alone),
        machine_test(proc_stays_ours_when_it_is_asked_to),
        machine_test(a_fresh_proc_is_where_the_working_directory_may_lead),
        machine_test(pid_1_is_not_ended_by_a_plain_signal_and_takes_all_with_it_when_killed),
        machine_test(the_end_of_pid_1_is_the_end_of_a_child),
        spawning_test(what_it_mounts_is_not_seen_outside),
        spawning_test(mounts_are_private_unless_they_shall_be_shared),
        spawning_test(a_new_net_has_a_loopback_that_is_up),
        machine_test(a_new_uts_has_its_names_and_ours_stay),
        machine_test(clocks_of_a_new_time_are_ahead_or_behind_from_the_first_moment),
        spawning_test(a_new_cgroup_namespace_begins_where_the_child_is),
        machine_test(a_start_that_fails_late_leaves_nobody),
        machine_test(descriptors_are_placed_as_in_any_start),
        machine_test(starts_of_many_threads_do_not_meet),
        machine_test(a_daemon_gets_what_needs_no_birth),
        spawning_test(a_daemon_is_refused_what_needs_a_birth),
    };
    return run_suite("namespaces", tests, sizeof tests / sizeof tests[0], argc, argv);
}
