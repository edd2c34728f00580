/* SPDX-License-Identifier: MIT */
/*
 * The status parser and all that is pure: every key, every hazard and every form of other kernels and machines, from
 * texts in fixtures/status/ and the answers that a person has read out of them.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

#include <proc/status.h>

/* ---- Help ---- */

/* A fixture, its record, and room for both to be looked at until the next one. */
static struct fixture text;
static proc_status status;

static void load(const char *name)
{
    fixture_load(&text, TEST_FIXTURES_DIR "/status", name);
}

/* From memory of exactly its size, so that a sanitizer sees a byte too far. */
static int parse_exactly(const char *bytes, size_t len)
{
    static struct fixture exact;
    fixture_set(&exact, bytes, len);
    memset(&status, 0x55, sizeof status);
    return proc_status_parse(exact.data, exact.len, sizeof status, &status);
}

static int parse(const char *name)
{
    load(name);
    return parse_exactly(text.data, text.len);
}

static int parse_text(const char *bytes)
{
    return parse_exactly(bytes, strlen(bytes));
}

#define assert_has(key) assert_int_equal(proc_status_has(&status, PROC_KEY_##key), 1)
#define assert_has_no(key) assert_int_equal(proc_status_has(&status, PROC_KEY_##key), 0)
#define assert_u64(value, expected) assert_true((value) == UINT64_C(expected))
#define assert_four(ids, a, b, c, d) \
    assert_true((ids)[0] == (a) && (ids)[1] == (b) && (ids)[2] == (c) && (ids)[3] == (d))
#define assert_bytes(data, len, expected)               \
    do {                                                \
        assert_int_equal((len), sizeof(expected) - 1);  \
        assert_memory_equal((data), (expected), (len)); \
    } while (0)
#define assert_span(span, expected) assert_bytes((span).data, (span).len, expected)

static void assert_counts(uint32_t unknown, uint32_t invalid, uint32_t truncated)
{
    assert_int_equal(status.unknown, unknown);
    assert_int_equal(status.invalid, invalid);
    assert_int_equal(status.truncated, truncated);
}

static void assert_printed_again(void)
{
    char *printed = malloc(text.len + 1);
    assert_non_null(printed);
    assert_int_equal(proc_status_print(&status, printed, text.len + 1), text.len);
    assert_memory_equal(printed, text.data, text.len);
    free(printed);
}

/* ---- A process of today ---- */

static void every_key_of_a_user_process_has_its_value(void **state)
{
    (void)state;
    assert_int_equal(parse("user-process"), 61);
    assert_counts(0, 0, 0);
    assert_bytes(status.name, status.name_len, "cron");
    assert_int_equal(status.umask, 027);
    assert_int_equal(status.state, 'S');
    assert_int_equal(status.tgid, 4321);
    assert_int_equal(status.ngid, 7);
    assert_int_equal(status.pid, 4321);
    assert_int_equal(status.ppid, 17);
    assert_int_equal(status.tracer_pid, 99);
    assert_four(status.uid, 1000, 1001, 1002, 1003);
    assert_four(status.gid, 100, 101, 102, 4061200383);
    assert_int_equal(status.fd_size, 64);
    assert_int_equal(status.kthread, 0);
    assert_has(KTHREAD);
    assert_u64(status.vm_peak_kb, 200001);
    assert_u64(status.vm_size_kb, 200002);
    assert_u64(status.vm_locked_kb, 3);
    assert_u64(status.vm_pinned_kb, 4);
    assert_u64(status.vm_hwm_kb, 50005);
    assert_u64(status.vm_rss_kb, 50006);
    assert_u64(status.rss_anon_kb, 40007);
    assert_u64(status.rss_file_kb, 9008);
    assert_u64(status.rss_shmem_kb, 991);
    assert_u64(status.vm_data_kb, 30010);
    assert_u64(status.vm_stack_kb, 132);
    assert_u64(status.vm_exe_kb, 1012);
    assert_u64(status.vm_lib_kb, 2013);
    assert_u64(status.vm_pte_kb, 114);
    assert_u64(status.vm_swap_kb, 15);
    assert_u64(status.hugetlb_kb, 2048);
    assert_int_equal(status.core_dumping, 1);
    assert_int_equal(status.thp_enabled, 1);
    assert_u64(status.untag_mask, 0xffffffffffffff);
    assert_int_equal(status.threads, 3);
    assert_u64(status.sigq_queued, 2);
    assert_u64(status.sigq_limit, 96365);
    assert_int_equal(status.no_new_privs, 1);
    assert_int_equal(status.seccomp, 2);
    assert_int_equal(status.seccomp_filters, 5);
    assert_int_equal(status.store_bypass, PROC_SPECULATION_THREAD_FORCE_MITIGATED);
    assert_int_equal(status.indirect_branch, PROC_SPECULATION_CONDITIONAL_FORCE_DISABLED);
    assert_u64(status.voluntary_switches, 150);
    assert_u64(status.nonvoluntary_switches, 545);
    assert_int_equal(status.thread_features, PROC_THREAD_FEATURE_SHSTK | PROC_THREAD_FEATURE_WRSS);
    assert_int_equal(status.thread_features_locked, 0);
    assert_has(X86_THREAD_FEATURES_LOCKED);
}

static void masks_keep_their_bits(void **state)
{
    (void)state;
    parse("user-process");
    assert_int_equal(status.signal_bits, 64);
    assert_int_equal(status.cap_bits, 64);
    assert_u64(status.sig_pending[0], 1);
    assert_u64(status.shared_pending[0], 0x4000);
    assert_u64(status.sig_blocked[0], 0x8000000000010000);
    assert_u64(status.sig_ignored[0], 0x1000);
    assert_u64(status.sig_caught[0], 0x1800004ec);
    assert_true(status.sig_caught[1] == 0 && status.sig_blocked[1] == 0);
    assert_u64(status.cap_inheritable, 1);
    assert_u64(status.cap_permitted, 0x1ffffffffff);
    assert_u64(status.cap_effective, 0x20);
    assert_u64(status.cap_bounding, 0x1fffeffffff);
    assert_u64(status.cap_ambient, 0x8000000000000000);
}

static void lists_are_spans_and_nested_ids_are_in_order(void **state)
{
    (void)state;
    uint32_t groups[3] = {0};
    parse("user-process");
    assert_int_equal(status.group_count, 3);
    assert_span(status.groups, "4 27 4061200383");
    assert_int_equal(proc_status_groups(&status, groups, 3), 3);
    assert_true(groups[0] == 4 && groups[1] == 27 && groups[2] == 4061200383);
    groups[1] = 0;
    assert_int_equal(proc_status_groups(&status, groups, 1), 3);
    assert_int_equal(groups[1], 0);
    assert_int_equal(proc_status_groups(&status, NULL, 0), 3);

    assert_int_equal(status.ns_depth, 3);
    assert_true(status.ns_tgid[0] == 4321 && status.ns_tgid[1] == 12 && status.ns_tgid[2] == 1);
    assert_true(status.ns_pid[2] == 1 && status.ns_pid[3] == 0);
    assert_true(status.ns_pgid[0] == 4320 && status.ns_pgid[2] == 0);
    assert_true(status.ns_sid[1] == 10);

    assert_span(status.cpus_mask, "f,ffff0000");
    assert_span(status.cpus_list, "16-35");
    assert_span(status.mems_mask, "00000000,00000003");
    assert_span(status.mems_list, "0-1");
    assert_span(status.store_bypass_text, "thread force mitigated");
}

static void what_was_parsed_is_printed_as_the_kernel_would(void **state)
{
    static const char *const fixtures[] = {
        "user-process", "kernel-thread", "zombie",     "exited-leader", "mips",  "nommu",      "name-escaped",
        "name-blanks",  "name-bytes",    "name-empty", "name-long",     "empty", "forged-name"};
    (void)state;
    for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++) {
        parse(fixtures[i]);
        assert_printed_again();
    }
}

static void a_print_that_does_not_fit_tells_what_it_needs(void **state)
{
    (void)state;
    char small[32];
    parse("kernel-thread");
    assert_int_equal(proc_status_print(&status, NULL, 0), text.len);
    for (size_t size = 1; size <= sizeof small; size++) {
        memset(small, 'x', sizeof small);
        assert_int_equal(proc_status_print(&status, small, size), text.len);
        assert_true(strlen(small) < size);
        assert_memory_equal(small, text.data, strlen(small));
    }
    assert_rc(proc_status_print(NULL, NULL, 0), -EINVAL);
    assert_rc(proc_status_print(&status, NULL, 5), -EINVAL);
}

/* ---- Names ---- */

/* That a reader of it never sees half of a value. */
static void a_print_is_cut_between_values(void **state)
{
    (void)state;
    static const char *const names[] = {"kernel-thread", "mips", "name-escaped"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char whole[4096], cut[4096];
        parse(names[i]);
        int64_t len = proc_status_print(&status, whole, sizeof whole);
        assert_true(len > 0 && len < (int64_t)sizeof whole);
        for (size_t size = 1; size < (size_t)len; size++) {
            assert_rc(proc_status_print(&status, cut, size), len);
            size_t at = strlen(cut);
            assert_true(at == 0 || strchr("\t\n ", whole[at - 1]) || strchr("\t\n ", whole[at]));
        }
    }
}

static void a_name_that_looks_like_a_key_forges_nothing(void **state)
{
    (void)state;
    parse("forged-name");
    assert_bytes(status.name, status.name_len, "Uid:\t0\t0\t0");
    assert_four(status.uid, 65534, 65534, 65534, 65534);
    assert_counts(0, 0, 0);
}

static void a_name_with_bare_line_feeds_forges_nothing(void **state)
{
    (void)state;
    parse("forged-lines");
    assert_bytes(status.name, status.name_len, "x");
    assert_four(status.uid, 1000, 1000, 1000, 1000);
    assert_has(CAP_EFF);
    assert_u64(status.cap_effective, 0);
    /* A longer list that was forged leaves nothing behind the true one. */
    assert_true(status.ns_depth == 1 && status.ns_pid[0] == 78 && status.ns_pid[1] == 0);
    assert_counts(1, 0, 0);
}

static void a_list_of_ids_that_is_none_leaves_the_others_as_they_are(void **state)
{
    (void)state;
    parse_text("NStgid:\t77\t1\nNSpid:\t78\t2\nNSpgid:\t\nNSsid:\t9\tx\n");
    assert_int_equal(status.ns_depth, 2);
    assert_true(status.ns_tgid[1] == 1 && status.ns_pid[1] == 2);
    assert_has(NS_TGID);
    assert_has(NS_PID);
    assert_has_no(NS_PGID);
    assert_has_no(NS_SID);
    assert_counts(0, 2, 0);
}

static void a_name_comes_back_as_the_bytes_that_were_set(void **state)
{
    (void)state;
    parse("name-escaped");
    assert_bytes(status.name, status.name_len, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\\");
    parse("name-other-escapes");
    assert_bytes(status.name, status.name_len, "a\\tb\\x\\n\\");
    parse("name-blanks");
    assert_bytes(status.name, status.name_len, " \t: ");
    parse("name-bytes");
    assert_bytes(status.name, status.name_len, "ab\xff\xc3(\xe2\x82\x1b[31m");
    parse("name-empty");
    assert_bytes(status.name, status.name_len, "");
    assert_has(NAME);
    parse("name-long");
    assert_int_equal(status.name_len, 63);
    assert_has(NAME);
}

static void a_name_beyond_its_room_is_cut_and_not_present(void **state)
{
    (void)state;
    parse("name-too-long");
    assert_has_no(NAME);
    assert_int_equal(status.name_len, 67);
    assert_int_equal(strlen(status.name), 67);
    assert_has(PID);
    assert_counts(0, 1, 0);
}

/* ---- Other states, kernels and machines ---- */

static void a_kernel_thread_is_told_by_its_key(void **state)
{
    (void)state;
    assert_int_equal(parse("kernel-thread"), 40);
    assert_counts(0, 0, 0);
    assert_bytes(status.name, status.name_len, "kworker/u8:3-events_unbound");
    assert_int_equal(proc_status_is_kernel_thread(&status), 1);
    assert_string_equal(proc_status_state_word(&status), "idle");
    assert_has_no(VM_RSS);
    assert_has(GROUPS);
    assert_int_equal(proc_status_groups(&status, NULL, 0), 0);
    parse("user-process");
    assert_int_equal(proc_status_is_kernel_thread(&status), 0);
}

static void without_its_key_a_kernel_thread_is_told_by_what_no_program_can_do(void **state)
{
    (void)state;
    parse_text("State:\tS (sleeping)\nSigIgn:\tffffffffffffffff\n");
    assert_int_equal(proc_status_is_kernel_thread(&status), 1);
    parse_text("State:\tS (sleeping)\nVmSize:\t    1 kB\nSigIgn:\t0000000000000000\n");
    assert_int_equal(proc_status_is_kernel_thread(&status), 0);
    parse("nommu");
    assert_int_equal(proc_status_is_kernel_thread(&status), 0);
    parse_text("State:\tZ (zombie)\nSigIgn:\tfffffffe7ffbfeff\n");
    assert_rc(proc_status_is_kernel_thread(&status), -ENODATA);
}

static void a_zombie_and_an_exited_leader_are_not_the_same(void **state)
{
    (void)state;
    parse("zombie");
    assert_int_equal(proc_status_is_zombie(&status), 1);
    assert_int_equal(proc_status_is_exited_leader(&status), 0);
    assert_string_equal(proc_status_state_word(&status), "zombie");
    assert_has_no(UMASK);
    assert_has_no(VM_SIZE);
    parse("exited-leader");
    assert_int_equal(proc_status_is_zombie(&status), 0);
    assert_int_equal(proc_status_is_exited_leader(&status), 1);
    parse("user-process");
    assert_int_equal(proc_status_is_zombie(&status), 0);
    assert_int_equal(proc_status_is_exited_leader(&status), 0);
    /* Another thread than the first, dead and not reaped by its tracer. */
    parse_text("State:\tZ (zombie)\nTgid:\t10\nPid:\t11\nThreads:\t2\n");
    assert_int_equal(proc_status_is_zombie(&status), 1);
    assert_int_equal(proc_status_is_exited_leader(&status), 0);
}

static void a_2_6_9_kernel_is_understood(void **state)
{
    (void)state;
    uint32_t group = 0;
    parse("linux-2.6.9");
    assert_counts(0, 0, 0);
    assert_u64(status.sleep_avg_percent, 78);
    assert_four(status.uid, 4294967294, 4294967294, 4294967294, 4294967294);
    assert_int_equal(proc_status_groups(&status, &group, 1), 1);
    assert_true(group == 4294967294);
    assert_int_equal(status.cap_bits, 32);
    assert_u64(status.cap_effective, 0xfffffeff);
    assert_u64(status.vm_lib_kb, 18014398509481980);
    assert_has_no(SIG_Q);
    assert_has_no(CAP_BND);
    assert_has_no(CPUS_ALLOWED);
}

static void a_2_6_32_kernel_is_understood(void **state)
{
    (void)state;
    parse("linux-2.6.32");
    assert_counts(0, 0, 0);
    assert_int_equal(status.state, 'T');
    assert_u64(status.stack_usage_kb, 12);
    assert_has(STACK_USAGE);
    assert_true(status.sigq_limit == PROC_UNLIMITED);
}

static void a_blank_line_ends_nothing(void **state)
{
    (void)state;
    parse("linux-4.4-blank-line");
    assert_counts(0, 0, 0);
    assert_int_equal(status.store_bypass, PROC_SPECULATION_THREAD_VULNERABLE);
    assert_u64(status.vm_pmd_kb, 12);
    assert_span(status.cpus_list, "0");
    assert_u64(status.nonvoluntary_switches, 7);
}

static void mips_has_128_signals(void **state)
{
    (void)state;
    parse("mips");
    assert_counts(0, 0, 0);
    assert_int_equal(status.signal_bits, 128);
    assert_u64(status.sig_blocked[0], 2);
    assert_u64(status.sig_blocked[1], 0x8000000000000000);
    assert_int_equal(proc_signal_mask_has(status.sig_blocked, 2), 1);
    assert_int_equal(proc_signal_mask_has(status.sig_blocked, 128), 1);
    assert_int_equal(proc_signal_mask_has(status.sig_blocked, 127), 0);
    assert_u64(status.sig_caught[0], 0);
    assert_u64(status.sig_caught[1], 1);
}

static void a_machine_without_mmu_counts_bytes(void **state)
{
    (void)state;
    parse("nommu");
    assert_counts(0, 0, 0);
    assert_u64(status.nommu_mem_bytes, 123456);
    assert_u64(status.nommu_slack_bytes, 7890);
    assert_has(SHARED);
    assert_has_no(VM_SIZE);
}

static void emulations_may_tell_little_and_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(parse("gvisor"), 17);
    assert_counts(0, 0, 0);
    assert_u64(status.vm_rss_kb, 2108);
    assert_u64(status.cap_effective, 0xa80425fb);
    assert_has_no(UID);
    assert_int_equal(parse("odd-order"), 11);
    assert_counts(0, 0, 0);
    assert_int_equal(status.pid, 5);
    assert_int_equal(status.threads, 2);
    assert_bytes(status.name, status.name_len, "late");
    assert_u64(status.vm_size_kb, 200);
    assert_u64(status.voluntary_switches, 1);
}

static void blanks_may_stand_where_a_tab_does(void **state)
{
    (void)state;
    assert_int_equal(parse("spaces"), 12);
    assert_counts(0, 0, 0);
    assert_bytes(status.name, status.name_len, "java");
    assert_int_equal(status.pid, 31000);
    assert_four(status.gid, 10123, 10123, 10123, 10123);
    assert_int_equal(status.group_count, 2);
    assert_u64(status.vm_rss_kb, 2000);
    assert_u64(status.vm_size_kb, 3000);
}

struct seen {
    int count, stop_at;
    char text[1024];
};

static int note_unknown(proc_span key, proc_span value, void *user)
{
    struct seen *seen = user;
    size_t len = strlen(seen->text);
    snprintf(seen->text + len, sizeof seen->text - len, "<%.*s|%.*s>", (int)key.len, key.data, (int)value.len,
             value.data);
    return ++seen->count == seen->stop_at ? -ECANCELED : 0;
}

static void unknown_keys_are_counted_and_shown(void **state)
{
    (void)state;
    struct seen seen = {.stop_at = 0};
    load("vendor-keys");
    int found = proc_status_parse_with(text.data, text.len, note_unknown, &seen, sizeof status, &status);
    assert_int_equal(found, 7);
    assert_counts(10, 0, 0);
    assert_string_equal(seen.text,
                        "<envID|101><VPid|7><PaX|PemRs><VmRSSx|1 kB><Vm|1 kB><VmRS|1 kB>< Uid|0\t0\t0\t0><pid|1>"
                        "<|no colon here><|nothing>");
}

static void a_watcher_can_end_the_parse_and_leaves_the_record_alone(void **state)
{
    (void)state;
    struct seen seen = {.stop_at = 2};
    proc_status untouched;
    load("vendor-keys");
    memset(&status, 0x55, sizeof status);
    memset(&untouched, 0x55, sizeof untouched);
    assert_rc(proc_status_parse_with(text.data, text.len, note_unknown, &seen, sizeof status, &status), -ECANCELED);
    assert_int_equal(seen.count, 2);
    assert_memory_equal(&status, &untouched, sizeof status);
}

static void a_dump_of_registers_is_passed_over(void **state)
{
    (void)state;
    parse("registers");
    assert_counts(6, 0, 0);
    assert_u64(status.nonvoluntary_switches, 13);
}

static void new_words_and_letters_are_kept(void **state)
{
    (void)state;
    parse("words-of-tomorrow");
    assert_counts(0, 0, 0);
    assert_int_equal(status.state, 'Q');
    assert_string_equal(proc_status_state_word(&status), "unknown");
    assert_int_equal(status.store_bypass, PROC_SPECULATION_OTHER_TEXT);
    assert_span(status.store_bypass_text, "thread teleported");
    assert_int_equal(status.indirect_branch, PROC_SPECULATION_UNKNOWN);
    assert_true(status.thread_features == (PROC_THREAD_FEATURE_SHSTK | PROC_THREAD_FEATURE_OTHER));
    assert_int_equal(status.thread_features_locked, PROC_THREAD_FEATURE_WRSS);
}

/* ---- Numbers and cuts ---- */

static void a_value_out_of_range_clears_its_own_key_only(void **state)
{
    static const int good[] = {PROC_KEY_NAME,    PROC_KEY_NGID,     PROC_KEY_PID,
                               PROC_KEY_VM_PEAK, PROC_KEY_RSS_ANON, PROC_KEY_THREADS,
                               PROC_KEY_SIG_CGT, PROC_KEY_CAP_INH,  PROC_KEY_SECCOMP};
    (void)state;
    int count = parse("out-of-range");
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(proc_status_has(&status, good[i]), 1);
    assert_int_equal(count, sizeof good / sizeof good[0]);
    assert_counts(0, 25, 0);
    assert_int_equal(status.ngid, INT32_MIN);
    assert_int_equal(status.pid, INT32_MAX);
    assert_true(status.vm_peak_kb == UINT64_MAX);
    assert_u64(status.rss_anon_kb, 1);
    assert_true(status.threads == UINT32_MAX);
    assert_true(status.sig_caught[0] == UINT64_MAX);
    assert_u64(status.cap_inheritable, 1);
}

/* A cut anywhere gives the values that stood before it, and no wrong one. */
static void no_cut_makes_a_wrong_value(void **state)
{
    (void)state;
    proc_status whole;
    parse("user-process");
    whole = status;
    for (size_t len = 0; len < text.len; len++) {
        int count = parse_exactly(text.data, len);
        int lines = 0;
        for (size_t i = 0; i < len; i++)
            lines += text.data[i] == '\n';
        assert_int_equal(count, lines);
        assert_counts(0, 0, len > 0 && text.data[len - 1] != '\n');
        assert_true(!proc_status_has(&status, PROC_KEY_VM_RSS) || status.vm_rss_kb == whole.vm_rss_kb);
        assert_true(!proc_status_has(&status, PROC_KEY_THREADS) || status.threads == whole.threads);
        assert_true(!proc_status_has(&status, PROC_KEY_GROUPS) || status.group_count == whole.group_count);
    }
}

static void groups_that_are_cut_keep_the_whole_ones(void **state)
{
    (void)state;
    parse_text("Pid:\t1\nGroups:\t10 20 300");
    assert_counts(0, 0, 1);
    assert_has_no(GROUPS);
    assert_int_equal(status.group_count, 2);
    assert_span(status.groups, "10 20");
    assert_rc(proc_status_groups(&status, NULL, 0), -ENODATA);
    parse_text("Groups:\t10 20 ");
    assert_int_equal(status.group_count, 2);
    parse_text("Groups:\t");
    assert_int_equal(status.group_count, 0);
    parse_text("Groups:");
    assert_int_equal(status.group_count, 0);
}

static void any_bytes_are_parsed(void **state)
{
    (void)state;
    assert_int_equal(parse("empty"), 0);
    assert_counts(0, 0, 0);
    assert_int_equal(parse("not-a-status"), 0);
    assert_rc(proc_status_parse(NULL, 0, sizeof status, &status), 0);
    for (int length = 0; length < 40; length++)
        for (int byte = 0; byte < 256; byte++) {
            char bytes[40];
            memset(bytes, byte, sizeof bytes);
            parse_exactly(bytes, (size_t)length);
            assert_int_equal(status.present[0] | status.present[1], 0);
        }
}

static void every_key_is_found_from_everywhere_in_the_table(void **state)
{
    (void)state;
    for (int first = 0; first < PROC_KEY_COUNT; first++)
        for (int second = 0; second < PROC_KEY_COUNT; second++) {
            char both[128];
            snprintf(both, sizeof both, "%s:\n%s:\n", proc_status_key_name(first), proc_status_key_name(second));
            parse_text(both);
            /* Nothing behind it is a good value for some, but none is unknown, unless a second Name is. */
            assert_int_equal(status.unknown, first == PROC_KEY_NAME && second == PROC_KEY_NAME);
        }
    assert_null(proc_status_key_name(-1));
    assert_null(proc_status_key_name(PROC_KEY_COUNT));
    assert_string_equal(proc_status_key_name(PROC_KEY_VM_RSS), "VmRSS");
    assert_string_equal(proc_status_key_name(PROC_KEY_STACK_USAGE), "Stack usage");
}

static void the_last_of_equal_lines_counts(void **state)
{
    (void)state;
    parse_text("Threads:\t1\nThreads:\t2\n");
    assert_int_equal(status.threads, 2);
    parse_text("Threads:\t1\nThreads:\tx\n");
    assert_has_no(THREADS);
    parse_text("Threads:\tx\nThreads:\t3\n");
    assert_has(THREADS);
}

static void columns_are_taken_in_every_width(void **state)
{
    (void)state;
    char line[64];
    uint64_t value = 0;
    for (int digits = 1; digits <= 19; digits++) {
        value = value * 10 + (uint64_t)(digits % 10);
        snprintf(line, sizeof line, "VmRSS:\t%8llu kB\nPid:\t1\n", (unsigned long long)value);
        assert_int_equal(parse_text(line), 2);
        assert_true(status.vm_rss_kb == value);
    }
}

static int is_blank_byte(int byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static void any_byte_among_columns_is_judged(void **state)
{
    (void)state;
    char line[64];
    for (int byte = 0; byte < 256; byte++)
        for (int place = 0; place < 8; place++) {
            strcpy(line, "VmRSS:\t 1234567 kB\n");
            line[7 + place] = (char)byte;
            parse_text(line);
            /* A blank before or behind all digits; a line feed behind the first ends the line there. */
            int outside = is_blank_byte(byte) && (place <= 1 || place == 7);
            int expected = (byte >= '0' && byte <= '9') || outside || (byte == '\n' && place >= 2);
            assert_int_equal(proc_status_has(&status, PROC_KEY_VM_RSS), expected);
        }
}

static void any_byte_in_a_mask_is_judged(void **state)
{
    (void)state;
    char line[64];
    for (int byte = 0; byte < 256; byte++)
        for (int place = 0; place < 16; place++) {
            strcpy(line, "SigCgt:\t0123456789abcdef\n");
            line[8 + place] = (char)byte;
            parse_text(line);
            int outside = is_blank_byte(byte) && (place == 0 || place == 15);
            int digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
            assert_int_equal(proc_status_has(&status, PROC_KEY_SIG_CGT),
                             digit || outside || (byte == '\n' && place > 0));
            assert_true(!digit || status.sig_caught[0] == strtoull(line + 8, NULL, 16));
        }
}

/* ---- Large records ---- */

static void eight_thousand_cpus_are_ranges(void **state)
{
    (void)state;
    static char list[64 * 1024];
    size_t len = (size_t)snprintf(list, sizeof list, "Cpus_allowed_list:\t");
    for (int cpu = 0; cpu < 8192; cpu += 2)
        len += (size_t)snprintf(list + len, sizeof list - len, cpu > 0 ? ",%d" : "%d", cpu);
    len += (size_t)snprintf(list + len, sizeof list - len, "\nMems_allowed_list:\t0-1023\n");
    assert_int_equal(parse_exactly(list, len), 2);
    uint32_t first, last, count = 0;
    proc_span rest = status.cpus_list;
    int rc;
    while ((rc = proc_range_next(&rest, &first, &last)) == 1) {
        assert_true(first == 2 * count && last == first);
        count++;
    }
    assert_rc(rc, 0);
    assert_int_equal(count, 4096);
    rest = status.mems_list;
    assert_rc(proc_range_next(&rest, &first, &last), 1);
    assert_true(first == 0 && last == 1023);
}

static void all_groups_that_a_process_can_have_are_there(void **state)
{
    (void)state;
    enum { COUNT = 65536 };
    char *record = malloc(COUNT * 11 + 64);
    uint32_t *groups = calloc(COUNT, sizeof *groups);
    assert_non_null(record);
    assert_non_null(groups);
    size_t len = (size_t)sprintf(record, "Groups:\t");
    for (unsigned i = 0; i < COUNT; i++)
        len += (size_t)sprintf(record + len, "%u ", 4294901760u + i);
    len += (size_t)sprintf(record + len, "\nPid:\t1\n");
    assert_int_equal(parse_exactly(record, len), 2);
    assert_int_equal(status.group_count, COUNT);
    assert_int_equal(proc_status_groups(&status, groups, COUNT), COUNT);
    assert_true(groups[0] == 4294901760u && groups[COUNT - 1] == UINT32_MAX);
    free(record);
    free(groups);
}

/* ---- Sizes ---- */

static void a_record_of_another_version_gets_what_it_knows(void **state)
{
    (void)state;
    unsigned char longer[sizeof(proc_status) + 64];
    load("user-process");

    memset(longer, 0x55, sizeof longer);
    assert_int_equal(proc_status_parse(text.data, text.len, sizeof longer, (proc_status *)(void *)longer), 61);
    for (size_t i = sizeof(proc_status); i < sizeof longer; i++)
        assert_int_equal(longer[i], 0);

    size_t shorter = offsetof(proc_status, vm_rss_kb);
    memset(&status, 0x55, sizeof status);
    int count = proc_status_parse(text.data, text.len, shorter, &status);
    assert_true(count > 20 && count < 61);
    assert_has(VM_HWM);
    assert_has_no(VM_RSS);
    assert_has_no(CPUS_ALLOWED_LIST);
    assert_has(PID);
    assert_int_equal(((unsigned char *)&status)[shorter], 0x55);

    assert_rc(proc_status_parse(text.data, text.len, 0, &status), -EINVAL);
    assert_rc(proc_status_parse(text.data, text.len, 16, &status), -EINVAL);
    assert_rc(proc_status_parse(text.data, text.len, sizeof status, NULL), -EINVAL);
    assert_rc(proc_status_parse(NULL, 1, sizeof status, &status), -EINVAL);
}

/* ---- Words ---- */

static void capabilities_have_names(void **state)
{
    (void)state;
    char words[64];
    assert_string_equal(proc_cap_name(0), "chown");
    assert_string_equal(proc_cap_name(21), "sys_admin");
    assert_string_equal(proc_cap_name(40), "checkpoint_restore");
    assert_null(proc_cap_name(-1));
    assert_null(proc_cap_name(64));
    assert_int_equal(proc_caps_text(0x21, words, sizeof words), 10);
    assert_string_equal(words, "chown,kill");
    assert_int_equal(proc_caps_text(UINT64_C(1) << 63 | 2, words, sizeof words), 15);
    assert_string_equal(words, "dac_override,63");
    assert_int_equal(proc_caps_text(0, words, sizeof words), 0);
    assert_string_equal(words, "");
    assert_rc(proc_caps_text(1, NULL, 3), -EINVAL);
}

#define TEST(name) cmocka_unit_test(name)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(every_key_of_a_user_process_has_its_value),
        TEST(masks_keep_their_bits),
        TEST(lists_are_spans_and_nested_ids_are_in_order),
        TEST(what_was_parsed_is_printed_as_the_kernel_would),
        TEST(a_print_that_does_not_fit_tells_what_it_needs),
        TEST(a_print_is_cut_between_values),
        TEST(a_name_that_looks_like_a_key_forges_nothing),
        TEST(a_name_with_bare_line_feeds_forges_nothing),
        TEST(a_list_of_ids_that_is_none_leaves_the_others_as_they_are),
        TEST(a_name_comes_back_as_the_bytes_that_were_set),
        TEST(a_name_beyond_its_room_is_cut_and_not_present),
        TEST(a_kernel_thread_is_told_by_its_key),
        TEST(without_its_key_a_kernel_thread_is_told_by_what_no_program_can_do),
        TEST(a_zombie_and_an_exited_leader_are_not_the_same),
        TEST(a_2_6_9_kernel_is_understood),
        TEST(a_2_6_32_kernel_is_understood),
        TEST(a_blank_line_ends_nothing),
        TEST(mips_has_128_signals),
        TEST(a_machine_without_mmu_counts_bytes),
        TEST(emulations_may_tell_little_and_in_any_order),
        TEST(blanks_may_stand_where_a_tab_does),
        TEST(unknown_keys_are_counted_and_shown),
        TEST(a_watcher_can_end_the_parse_and_leaves_the_record_alone),
        TEST(a_dump_of_registers_is_passed_over),
        TEST(new_words_and_letters_are_kept),
        TEST(a_value_out_of_range_clears_its_own_key_only),
        TEST(no_cut_makes_a_wrong_value),
        TEST(groups_that_are_cut_keep_the_whole_ones),
        TEST(any_bytes_are_parsed),
        TEST(every_key_is_found_from_everywhere_in_the_table),
        TEST(the_last_of_equal_lines_counts),
        TEST(columns_are_taken_in_every_width),
        TEST(any_byte_among_columns_is_judged),
        TEST(any_byte_in_a_mask_is_judged),
        TEST(eight_thousand_cpus_are_ranges),
        TEST(all_groups_that_a_process_can_have_are_there),
        TEST(a_record_of_another_version_gets_what_it_knows),
        TEST(capabilities_have_names),
    };
    return run_suite("status", tests, sizeof tests / sizeof tests[0], argc, argv);
}
