/* SPDX-License-Identifier: MIT */
/*
 * stat: the parser with texts of fixtures/stat/ and the answers that a person has read out of them, and the reader held
 * against the kernel's other sources.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#include <proc/procfs.h>
#include <proc/status.h>

static struct fixture text;
static proc_stat stat_;

/* From memory of exactly its size, so that a sanitizer sees a byte too far. */
static int parse_exactly(const char *bytes, size_t len)
{
    static struct fixture exact;
    fixture_set(&exact, bytes, len);
    memset(&stat_, 0x55, sizeof stat_);
    return proc_stat_parse(exact.data, exact.len, &stat_);
}

static int parse(const char *name)
{
    fixture_load(&text, TEST_FIXTURES_DIR "/stat", name);
    return parse_exactly(text.data, text.len);
}

#define assert_u64(value, expected) assert_true((value) == UINT64_C(expected))
#define assert_has(field) assert_int_equal(proc_stat_has(&stat_, PROC_STAT_##field), 1)
#define assert_has_no(field) assert_int_equal(proc_stat_has(&stat_, PROC_STAT_##field), 0)

/* ---- Texts ---- */

static void all_52_fields_have_their_values(void **state)
{
    (void)state;
    assert_int_equal(parse("user-process"), 52);
    assert_int_equal(stat_.field_count, 52);
    assert_int_equal(stat_.truncated, 0);
    assert_int_equal(stat_.pid, 4321);
    assert_string_equal(stat_.name, "cron");
    assert_int_equal(stat_.name_len, 4);
    assert_int_equal(stat_.state, 'S');
    assert_int_equal(stat_.ppid, 17);
    assert_int_equal(stat_.pgrp, 4320);
    assert_int_equal(stat_.session, 4300);
    assert_int_equal(stat_.tty, 34816);
    assert_int_equal(stat_.tty_pgrp, 4322);
    assert_int_equal(stat_.flags, 4194560);
    assert_u64(stat_.minor_faults, 101);
    assert_u64(stat_.child_minor_faults, 102);
    assert_u64(stat_.major_faults, 103);
    assert_u64(stat_.child_major_faults, 104);
    assert_u64(stat_.user_ticks, 105);
    assert_u64(stat_.system_ticks, 106);
    assert_true(stat_.child_user_ticks == 107 && stat_.child_system_ticks == 108);
    assert_int_equal(stat_.priority, 20);
    assert_int_equal(stat_.nice, 0);
    assert_true(stat_.threads == 3 && stat_.timer_value == 0);
    assert_u64(stat_.start_ticks, 109110);
    assert_u64(stat_.vm_size_bytes, 204802048);
    assert_u64(stat_.rss_pages, 12502);
    assert_true(stat_.rss_limit_bytes == PROC_UNLIMITED);
    assert_true(stat_.code_start == 111 && stat_.code_end == 112 && stat_.stack_start == 113);
    assert_true(stat_.stack_pointer == 114 && stat_.instruction_pointer == 115);
    assert_true(stat_.sig_pending == 1 && stat_.sig_blocked == 65536);
    assert_true(stat_.sig_ignored == 4096 && stat_.sig_caught == 1260);
    assert_true(stat_.wait_channel == 1 && stat_.swapped_pages == 0 && stat_.child_swapped_pages == 0);
    assert_int_equal(stat_.exit_signal, 17);
    assert_int_equal(stat_.cpu, 5);
    assert_true(stat_.rt_priority == 0 && stat_.policy == 0);
    assert_true(stat_.io_delay_ticks == 118 && stat_.guest_ticks == 119 && stat_.child_guest_ticks == 120);
    assert_true(stat_.data_start == 121 && stat_.data_end == 122 && stat_.brk_start == 123);
    assert_true(stat_.arg_start == 124 && stat_.arg_end == 125 && stat_.env_start == 126 && stat_.env_end == 127);
    assert_int_equal(stat_.exit_code, 256);
}

static void a_name_may_hold_parentheses_and_line_feeds(void **state)
{
    static const char name[] = "a) S 1 (b)\n\\c: \t\033\377";
    (void)state;
    assert_int_equal(parse("name-forged"), 52);
    assert_int_equal(stat_.name_len, sizeof name - 1);
    assert_memory_equal(stat_.name, name, sizeof name);
    assert_int_equal(stat_.state, 'R');
    assert_int_equal(stat_.ppid, 1);
    assert_int_equal(parse("kernel-thread"), 52);
    assert_int_equal(stat_.name_len, 0);
    assert_has(NAME);
    assert_true(stat_.flags & PROC_STAT_FLAG_KERNEL_THREAD);
}

static void signed_fields_may_be_negative(void **state)
{
    (void)state;
    parse("name-forged");
    assert_int_equal(stat_.tty_pgrp, -1);
    assert_true(stat_.child_user_ticks == -7 && stat_.child_system_ticks == INT64_MIN);
    assert_int_equal(stat_.priority, -2);
    assert_int_equal(stat_.nice, -20);
    assert_int_equal(stat_.exit_signal, -1);
    assert_int_equal(stat_.rt_priority, 99);
    assert_true(stat_.child_guest_ticks == -3);
    assert_int_equal(stat_.exit_code, -1);
}

static void fewer_or_more_fields_are_data(void **state)
{
    (void)state;
    assert_int_equal(parse("linux-2.4"), 39);
    assert_int_equal(stat_.field_count, 39);
    assert_has(CPU);
    assert_has_no(RT_PRIORITY);
    assert_int_equal(stat_.truncated, 0);
    assert_int_equal(parse("of-tomorrow"), 52);
    assert_int_equal(stat_.field_count, 55);
}

static void a_field_out_of_range_is_the_only_one_lost(void **state)
{
    (void)state;
    assert_int_equal(parse("out-of-range"), 48);
    assert_int_equal(stat_.field_count, 52);
    assert_has_no(PPID);
    assert_has(PGRP);
    assert_has_no(SESSION);
    assert_has_no(FLAGS);
    assert_has_no(MINOR_FAULTS);
    assert_has(CHILD_MINOR_FAULTS);
    assert_int_equal(parse("name-too-long"), 4);
    assert_has_no(NAME);
    assert_int_equal(stat_.name_len, sizeof stat_.name - 1);
    assert_int_equal(stat_.ppid, 2);
}

static void what_is_no_stat_has_no_fields(void **state)
{
    (void)state;
    assert_int_equal(parse("not-a-stat"), 0);
    assert_int_equal(stat_.field_count, 0);
    assert_int_equal(parse("empty"), 0);
    assert_int_equal(proc_stat_parse(NULL, 0, &stat_), 0);
    assert_rc(proc_stat_parse(NULL, 1, &stat_), -EINVAL);
    assert_rc(proc_stat_parse("", 0, NULL), -EINVAL);
    assert_rc(proc_stat_read(PROC_SELF, NULL), -EINVAL);
    assert_int_equal(proc_stat_has(NULL, PROC_STAT_PID), 0);
    assert_int_equal(proc_stat_has(&stat_, 0), 0);
    assert_int_equal(proc_stat_has(&stat_, 53), 0);
}

static void no_cut_of_a_stat_makes_a_wrong_value(void **state)
{
    (void)state;
    static const char *const names[] = {"user-process", "name-forged"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        parse(names[i]);
        proc_stat whole = stat_;
        for (size_t len = 0; len < text.len; len++) {
            parse_exactly(text.data, len);
            assert_true((stat_.present & ~whole.present) == 0);
            assert_true(len == 0 || stat_.truncated);
            if (proc_stat_has(&stat_, PROC_STAT_NAME))
                assert_string_equal(stat_.name, whole.name);
            if (proc_stat_has(&stat_, PROC_STAT_STATE))
                assert_int_equal(stat_.state, whole.state);
            if (proc_stat_has(&stat_, PROC_STAT_PPID))
                assert_int_equal(stat_.ppid, whole.ppid);
            if (proc_stat_has(&stat_, PROC_STAT_START_TICKS))
                assert_true(stat_.start_ticks == whole.start_ticks);
            if (proc_stat_has(&stat_, PROC_STAT_VM_SIZE))
                assert_true(stat_.vm_size_bytes == whole.vm_size_bytes);
            assert_has_no(EXIT_CODE);
        }
    }
}

/* ---- The kernel ---- */

static void our_stat_is_what_system_calls_tell(void **state)
{
    (void)state;
    assert_rc(proc_stat_read(PROC_SELF, &stat_), 0);
    assert_true(stat_.field_count >= 44 && stat_.truncated == 0);
    assert_int_equal(stat_.pid, getpid());
    assert_int_equal(stat_.ppid, getppid());
    assert_int_equal(stat_.pgrp, getpgrp());
    assert_int_equal(stat_.session, getsid(0));
    assert_int_equal(stat_.state, 'R');
    assert_int_equal(stat_.exit_signal, SIGCHLD);
    assert_true(stat_.vm_size_bytes > 0 && stat_.threads == 1 + SANITIZER_THREADS);
    assert_true((stat_.flags & PROC_STAT_FLAG_KERNEL_THREAD) == 0);
}

/* 1: they tell the same; 0: it has changed meanwhile. */
static int agrees_with_status(int pid, const proc_stat *told)
{
    proc_status status;
    if (proc_status_read(PROC_PID(pid), NULL, sizeof status, &status) < 0)
        return 0;
    int kernel = proc_status_is_kernel_thread(&status);
    return status.ppid == told->ppid && status.threads == told->threads && status.pid == told->pid &&
           status.name_len == told->name_len && memcmp(status.name, told->name, told->name_len) == 0 &&
           (kernel < 0 || kernel == ((told->flags & PROC_STAT_FLAG_KERNEL_THREAD) != 0)) &&
           (told->state == status.state || strchr("RSDI", told->state)) &&
           status.vm_size_kb == told->vm_size_bytes / 1024;
}

static void every_live_stat_agrees_with_the_status(void **state)
{
    (void)state;
    DIR *all = opendir("/proc");
    assert_non_null(all);
    for (struct dirent *entry; (entry = readdir(all));) {
        int pid = atoi(entry->d_name), agrees = 0, rc = 0;
        for (int attempt = 0; pid > 0 && attempt < 200 && !agrees && rc == 0; attempt++) {
            rc = proc_stat_read(PROC_PID(pid), &stat_);
            assert_true(rc == 0 || rc == -ESRCH);
            if (rc == 0)
                assert_true(stat_.truncated == 0 && (int)stat_.field_count == __builtin_popcountll(stat_.present));
            agrees = rc == 0 && agrees_with_status(pid, &stat_);
        }
        if (pid > 0 && rc == 0 && !agrees)
            print_message("process %d does not stand still\n", pid);
    }
    closedir(all);
}

static int is_told_by_its_name(void *arg)
{
    proc_stat ours;
    require(prctl(PR_SET_NAME, arg, 0, 0, 0) == 0);
    require_rc(proc_stat_read(PROC_SELF, &ours), 0);
    require(strcmp(ours.name, arg) == 0 && ours.pid == getpid() && ours.ppid == getppid());
    return 0;
}

static void a_process_with_any_name_is_told_by_it(void **state)
{
    static const char *const names[] = {"",           ")",         "(",        ") R 1 1 1",
                                        "a\nb) Z 0", "\t\033[2J", "\xff\xc3", "15 bytes long.."};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_in_fork(is_told_by_its_name, (void *)(uintptr_t)names[i]);
}

static void a_process_that_has_gone_has_no_stat(void **state)
{
    (void)state;
    proc_stat untouched;
    int pid = zombie(3);
    assert_rc(proc_stat_read(PROC_PID(pid), &stat_), 0);
    assert_int_equal(stat_.state, 'Z');
    assert_true(!proc_stat_has(&stat_, PROC_STAT_EXIT_CODE) || stat_.exit_code == 3 << 8);
    waitpid(pid, NULL, 0);
    memset(&untouched, 0x55, sizeof untouched);
    memset(&stat_, 0x55, sizeof stat_);
    assert_rc(proc_stat_read(PROC_PID(pid), &stat_), -ESRCH);
    assert_memory_equal(&stat_, &untouched, sizeof stat_);
}

#define TEST(name) cmocka_unit_test(name)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(all_52_fields_have_their_values),
        TEST(a_name_may_hold_parentheses_and_line_feeds),
        TEST(signed_fields_may_be_negative),
        TEST(fewer_or_more_fields_are_data),
        TEST(a_field_out_of_range_is_the_only_one_lost),
        TEST(what_is_no_stat_has_no_fields),
        TEST(no_cut_of_a_stat_makes_a_wrong_value),
        TEST(our_stat_is_what_system_calls_tell),
        TEST(every_live_stat_agrees_with_the_status),
        TEST(a_process_with_any_name_is_told_by_it),
        TEST(a_process_that_has_gone_has_no_stat),
    };
    return run_suite("stat", tests, sizeof tests / sizeof tests[0], argc, argv);
}
