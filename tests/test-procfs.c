/* SPDX-License-Identifier: MIT */
/*
 * Counters, limits and texts of /proc: the parsers with texts of fixtures/ and the answers that a person has read out
 * of them, the readers held against the kernel's other sources.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "started.h"

#include <proc/procfs.h>
#include <proc/status.h>

/* One fixture after the other; what points into it is good until the next. */
static struct fixture text;

static proc_span load(const char *name)
{
    fixture_load(&text, TEST_FIXTURES_DIR, name);
    return (proc_span){text.data, text.len};
}

#define assert_span(span, expected)                          \
    do {                                                     \
        assert_int_equal((span).len, sizeof(expected) - 1);  \
        assert_memory_equal((span).data, (expected), (span).len); \
    } while (0)

/* ---- Counters ---- */

static int parse_statm(const char *name, proc_statm *ret_statm)
{
    memset(ret_statm, 0x55, sizeof *ret_statm);
    load(name);
    return proc_statm_parse(text.data, text.len, ret_statm);
}

static void memory_is_told_in_pages(void **state)
{
    (void)state;
    proc_statm statm;
    assert_int_equal(parse_statm("statm/user-process", &statm), 7);
    assert_true(statm.size == 50001 && statm.resident == 12502 && statm.shared == 2252 && statm.text == 253);
    assert_true(statm.lib == 0 && statm.data == 7502 && statm.dirty == 0 && statm.field_count == 7);
    assert_int_equal(parse_statm("statm/kernel-thread", &statm), 7);
    assert_true(statm.size == 0 && statm.resident == 0);
    assert_int_equal(parse_statm("statm/all-ones", &statm), 7);
    assert_true(statm.shared == UINT64_MAX);
    assert_int_equal(parse_statm("statm/out-of-range", &statm), 2);
    assert_true(statm.resident == 2 && statm.shared == 0 && statm.data == 0);
    assert_int_equal(proc_statm_parse("1 2", 3, &statm), 0);
    assert_int_equal(proc_statm_parse(NULL, 0, &statm), 0);
    assert_rc(proc_statm_parse(NULL, 1, &statm), -EINVAL);
    assert_rc(proc_statm_parse("", 0, NULL), -EINVAL);
}

static void time_is_told_in_nanoseconds(void **state)
{
    (void)state;
    proc_schedstat schedstat;
    load("schedstat/user-process");
    assert_int_equal(proc_schedstat_parse(text.data, text.len, &schedstat), 3);
    assert_true(schedstat.run_ns == 237417 && schedstat.wait_ns == 5237 && schedstat.slices == 2);
    assert_int_equal(proc_schedstat_parse("7 8\n", 4, &schedstat), 2);
    assert_true(schedstat.wait_ns == 8 && schedstat.slices == 0);
    assert_rc(proc_schedstat_parse("", 0, NULL), -EINVAL);
}

static void what_was_read_and_written_is_told(void **state)
{
    (void)state;
    proc_io io;
    load("io/user-process");
    assert_int_equal(proc_io_parse(text.data, text.len, &io), 7);
    assert_true(io.read_chars == 101 && io.written_chars == 102 && io.read_calls == 103 && io.write_calls == 104);
    assert_true(io.read_bytes == 105 && io.written_bytes == 106 && io.cancelled_bytes == 107);
    load("io/odd");
    assert_int_equal(proc_io_parse(text.data, text.len, &io), 4);
    assert_int_equal(io.present, 1 << PROC_IO_READ_CHARS | 1 << PROC_IO_READ_CALLS | 1 << PROC_IO_WRITTEN_BYTES |
                                     1 << PROC_IO_CANCELLED_BYTES);
    assert_true(io.cancelled_bytes == -4096 && io.read_calls == 3 && io.written_bytes == 9);
    assert_int_equal(proc_io_parse("rchar: 12", 9, &io), 0);
    assert_rc(proc_io_parse(NULL, 9, &io), -EINVAL);
}

static void limits_stand_at_their_numbers(void **state)
{
    (void)state;
    proc_limit_list limits;
    load("limits/user-process");
    assert_int_equal(proc_limits_parse(text.data, text.len, &limits), 16);
    assert_true(limits.soft[RLIMIT_CPU] == 1 && limits.hard[RLIMIT_CPU] == 2);
    assert_true(limits.soft[RLIMIT_DATA] == UINT64_MAX - 1);
    assert_true(limits.soft[RLIMIT_STACK] == 8388608 && limits.hard[RLIMIT_STACK] == PROC_UNLIMITED);
    assert_true(limits.soft[RLIMIT_NPROC] == 96365 && limits.hard[RLIMIT_NPROC] == 96366);
    assert_true(limits.soft[RLIMIT_NOFILE] == 1024 && limits.hard[RLIMIT_NOFILE] == 1048576);
    assert_true(limits.soft[RLIMIT_NICE] == 0 && limits.hard[RLIMIT_NICE] == 1);
    assert_true(limits.soft[RLIMIT_RTTIME] == PROC_UNLIMITED && limits.hard[RLIMIT_RTTIME] == 200000);
    load("limits/odd");
    assert_int_equal(proc_limits_parse(text.data, text.len, &limits), 2);
    assert_true(limits.present == (UINT64_C(1) << RLIMIT_CPU | UINT64_C(1) << RLIMIT_NPROC));
    assert_true(limits.soft[RLIMIT_NPROC] == 99 && limits.hard[RLIMIT_NPROC] == 100);
    assert_rc(proc_limits_parse(NULL, 9, &limits), -EINVAL);
}

/* ---- Texts ---- */

static void arguments_are_strings_one_by_one(void **state)
{
    (void)state;
    proc_span string, rest = load("cmdline/arguments");
    assert_int_equal(proc_string_next(&rest, &string), 1);
    assert_span(string, "cat");
    assert_int_equal(proc_string_next(&rest, &string), 1);
    assert_span(string, "-n");
    assert_int_equal(proc_string_next(&rest, &string), 1);
    assert_span(string, "");
    assert_int_equal(proc_string_next(&rest, &string), 1);
    assert_span(string, "a b\n");
    assert_int_equal(proc_string_next(&rest, &string), 0);
    rest = load("environ/four");
    int count = 0;
    while (proc_string_next(&rest, &string) == 1)
        count++;
    assert_int_equal(count, 4);
    assert_span(string, "no-equals");
    rest = load("cmdline/none");
    assert_int_equal(proc_string_next(&rest, &string), 0);
    assert_rc(proc_string_next(NULL, &string), -EINVAL);
}

static void a_title_is_one_string_whatever_is_in_it(void **state)
{
    (void)state;
    proc_span string, rest = load("cmdline/title-without-end");
    assert_int_equal(proc_string_next(&rest, &string), 1);
    assert_span(string, "sshd: root@pts/0 \n[listener]");
    assert_int_equal(proc_string_next(&rest, &string), 0);
    rest = load("cmdline/title-padded");
    assert_int_equal(proc_string_next(&rest, &string), 1);
    assert_span(string, "postgres: writer   ");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(proc_string_next(&rest, &string), 1);
        assert_span(string, "");
    }
    assert_int_equal(proc_string_next(&rest, &string), 0);
}

static void pairs_are_told_line_by_line(void **state)
{
    (void)state;
    static const char lines[] = "pos:\t0\n\n \t\nit_value: (0, 0) \nno colon here\n:\nx:cut";
    proc_span key, value, rest = {lines, sizeof lines - 1};
    assert_int_equal(proc_pair_next(&rest, &key, &value), 1);
    assert_span(key, "pos");
    assert_span(value, "0");
    assert_int_equal(proc_pair_next(&rest, &key, &value), 1);
    assert_span(key, "it_value");
    assert_span(value, "(0, 0)");
    assert_int_equal(proc_pair_next(&rest, &key, &value), 1);
    assert_span(key, "");
    assert_span(value, "no colon here");
    assert_int_equal(proc_pair_next(&rest, &key, &value), 1);
    assert_true(key.len == 0 && value.len == 0);
    assert_int_equal(proc_pair_next(&rest, &key, &value), 0);
    assert_span(rest, "x:cut");
    assert_rc(proc_pair_next(NULL, &key, &value), -EINVAL);
}

/* ---- The kernel ---- */

static void memory_that_stands_still_is_what_the_status_tells(void **state)
{
    (void)state;
    proc_statm statm;
    proc_status status;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
    int pid = fork();
    if (pid == 0)
        _exit(raise(SIGSTOP));
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    assert_rc(proc_statm_read(PROC_PID(pid), &statm), 0);
    assert_rc(proc_status_read(PROC_PID(pid), NULL, sizeof status, &status), 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(statm.field_count, 7);
    assert_true(statm.size * page == status.vm_size_kb && statm.resident * page == status.vm_rss_kb);
    assert_true(statm.shared * page == status.rss_file_kb + status.rss_shmem_kb);
}

static void our_counters_grow_as_we_work(void **state)
{
    (void)state;
    proc_io io, later;
    proc_schedstat schedstat;
    int rc = proc_io_read(PROC_SELF, &io);
    if (rc != -ESRCH) {
        assert_rc(rc, 0);
        char byte[1000];
        FILE *zeros = fopen("/dev/zero", "r");
        setvbuf(zeros, NULL, _IONBF, 0);
        assert_int_equal(fread(byte, 1, sizeof byte, zeros), sizeof byte);
        fclose(zeros);
        assert_rc(proc_io_read(PROC_SELF, &later), 0);
        assert_true(later.read_chars >= io.read_chars + sizeof byte && later.read_calls > io.read_calls);
    }
    rc = proc_schedstat_read(PROC_SELF, &schedstat);
    if (rc != -ESRCH) {
        assert_rc(rc, 0);
        assert_int_equal(schedstat.field_count, 3);
    }
}

static void our_limits_are_what_getrlimit_tells(void **state)
{
    (void)state;
    proc_limit_list limits;
    assert_rc(proc_limits_read(PROC_SELF, &limits), 0);
    assert_int_equal(__builtin_popcountll(limits.present), 16);
    for (unsigned resource = 0; resource < 16; resource++) {
        struct rlimit limit;
        assert_int_equal(getrlimit(resource, &limit), 0);
        assert_true(limits.soft[resource] == (limit.rlim_cur == RLIM_INFINITY ? PROC_UNLIMITED : limit.rlim_cur));
        assert_true(limits.hard[resource] == (limit.rlim_max == RLIM_INFINITY ? PROC_UNLIMITED : limit.rlim_max));
    }
}

static int has_a_name(void *arg)
{
    char name[32];
    prctl(PR_SET_NAME, arg, 0, 0, 0);
    require_rc(proc_comm_read(PROC_SELF, name, sizeof name), (int64_t)strlen(arg));
    require(strcmp(name, arg) == 0);
    require_rc(proc_comm_read(PROC_SELF, NULL, 0), (int64_t)strlen(arg));
    require_rc(proc_comm_read(PROC_SELF, name, 3), (int64_t)strlen(arg));
    require(strlen(name) <= 2 && strncmp(name, arg, strlen(name)) == 0);
    return 0;
}

static void names_come_back_as_they_were_set(void **state)
{
    static const char *const names[] = {"", "a\n", "\n\n", "a\\nb", "fifteen bytes.."};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_in_fork(has_a_name, (void *)(uintptr_t)names[i]);
}

static void a_process_that_runs_waits_nowhere(void **state)
{
    (void)state;
    char name[64] = "x";
    int64_t rc = proc_wchan_read(PROC_SELF, name, sizeof name);
    if (rc == -ESRCH)
        SKIP_TEST("this kernel has no wchan");
    assert_rc(rc, 0);
    assert_string_equal(name, "");
}

static void our_arguments_and_environment_are_read(void **state)
{
    (void)state;
    proc_buffer buffer = {0};
    proc_span rest, string;
    size_t bytes = 0;
    assert_rc(proc_file_read(PROC_SELF, PROC_FILE_CMDLINE, &buffer), 0);
    rest = proc_buffer_span(&buffer);
    assert_int_equal(proc_string_next(&rest, &string), 1);
    assert_true(memmem(string.data, string.len, "test-procfs", 11) != NULL);
    assert_rc(proc_file_read(PROC_SELF, PROC_FILE_ENVIRON, &buffer), 0);
    for (rest = proc_buffer_span(&buffer); proc_string_next(&rest, &string) == 1;)
        bytes += string.len + 1;
    assert_int_equal(bytes, buffer.len);
    buffer.limit = 3;
    proc_buffer_done(&buffer);
    assert_rc(proc_file_read(PROC_SELF, PROC_FILE_CMDLINE, &buffer), 0);
    assert_true(buffer.len == 3 && buffer.truncated == 1);
    proc_buffer_done(&buffer);
    assert_true(proc_buffer_span(&buffer).len == 0 && proc_buffer_span(NULL).data == NULL);
}

static void the_dead_and_the_gone_have_little_to_tell(void **state)
{
    (void)state;
    proc_buffer buffer = {0};
    proc_statm statm;
    int pid = zombie(0);
    assert_rc(proc_file_read(PROC_PID(pid), PROC_FILE_CMDLINE, &buffer), 0);
    assert_int_equal(buffer.len, 0);
    assert_rc(proc_file_read(PROC_PID(pid), PROC_FILE_MOUNTINFO, &buffer), -ESRCH);
    assert_rc(proc_file_read(PROC_PID(-1), PROC_FILE_MOUNTINFO, &buffer), -EINVAL);
    assert_rc(proc_statm_read(PROC_PID(pid), &statm), 0);
    assert_true(statm.field_count == 7 && statm.size == 0);
    waitpid(pid, NULL, 0);
    for (int which = PROC_FILE_COMM; which <= PROC_FILE_SMAPS_ROLLUP; which++)
        assert_rc(proc_file_read(PROC_PID(pid), which, &buffer), -ESRCH);
    assert_rc(proc_statm_read(PROC_PID(pid), &statm), -ESRCH);
    assert_rc(proc_comm_read(PROC_PID(pid), NULL, 0), -ESRCH);
    assert_rc(proc_file_read(PROC_SELF, 0, &buffer), -EINVAL);
    assert_rc(proc_file_read(PROC_SELF, PROC_FILE_COMM, NULL), -EINVAL);
    proc_buffer_done(&buffer);
}

/* Whether they agree; 0 also if it has changed meanwhile. */
static int has_name_of_its_stat(int pid)
{
    proc_stat stat;
    char name[68];
    int64_t len = proc_comm_read(PROC_PID(pid), name, sizeof name);
    return len >= 0 && proc_stat_read(PROC_PID(pid), &stat) == 0 && (uint32_t)len == stat.name_len &&
           memcmp(name, stat.name, stat.name_len) == 0;
}

static void check_counters(int pid)
{
    proc_statm statm;
    proc_schedstat schedstat;
    proc_io io;
    proc_limit_list limits;
    int rc = proc_statm_read(PROC_PID(pid), &statm);
    assert_true(rc == -ESRCH || (rc == 0 && statm.field_count == 7));
    rc = proc_schedstat_read(PROC_PID(pid), &schedstat);
    assert_true(rc == -ESRCH || (rc == 0 && schedstat.field_count == 3));
    rc = proc_io_read(PROC_PID(pid), &io);
    assert_true(rc == -ESRCH || rc == -EACCES || (rc == 0 && io.present == 0x7f));
    rc = proc_limits_read(PROC_PID(pid), &limits);
    assert_true(rc == -ESRCH || (rc == 0 && __builtin_popcountll(limits.present) == 16));
}

static void every_live_process_has_its_counters_and_its_name(void **state)
{
    (void)state;
    DIR *all = opendir("/proc");
    assert_non_null(all);
    for (struct dirent *entry; (entry = readdir(all));) {
        int pid = atoi(entry->d_name), agrees = 0;
        if (pid <= 0)
            continue;
        check_counters(pid);
        for (int attempt = 0; attempt < 200 && !agrees; attempt++)
            agrees = has_name_of_its_stat(pid) || kill(pid, 0) < 0;
        assert_true(agrees);
    }
    closedir(all);
}

/* As nobody, of a process of root. */
static int is_denied(void *arg)
{
    static const int files[] = {PROC_FILE_ENVIRON, PROC_FILE_MAPS, PROC_FILE_IO, PROC_FILE_SMAPS_ROLLUP};
    int pid = *(int *)arg;
    proc_buffer buffer = {0};
    uint64_t inode;
    proc_fd_info info;
    require(setgroups(0, NULL) == 0);
    require(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        require_rc(proc_file_read(PROC_PID(pid), files[i], &buffer), -EACCES);
    require_rc(proc_link_read(PROC_PID(pid), PROC_LINK_EXE, NULL, 0, NULL), -EACCES);
    require_rc(proc_namespace_read(PROC_PID(pid), "net", &inode), -EACCES);
    require_rc(proc_fd_list(PROC_PID(pid), NULL, 0), -EACCES);
    require_rc(proc_fd_link_read(PROC_PID(pid), 0, NULL, 0, NULL), -EACCES);
    require_rc(proc_fd_info_read(PROC_PID(pid), 0, NULL, &info), -EACCES);
    require_rc(proc_file_read(PROC_PID(pid), PROC_FILE_CMDLINE, &buffer), 0);
    require_rc(proc_file_read(PROC_PID(pid), PROC_FILE_CGROUP, &buffer), 0);
    require_rc(proc_file_read(PROC_PID(pid), PROC_FILE_MOUNTINFO, &buffer), 0);
    require(proc_comm_read(PROC_PID(pid), NULL, 0) >= 0);
    require_rc(proc_task_list(PROC_PID(pid), NULL, 0), 1 + SANITIZER_THREADS);
    proc_buffer_done(&buffer);
    return 0;
}

static void what_is_not_ours_is_denied_and_the_rest_is_told(void **state)
{
    (void)state;
    int pid = getpid();
    if (geteuid() != 0)
        SKIP_TEST("needs root to become somebody else");
    assert_in_fork(is_denied, &pid);
}

#define TEST(name) cmocka_unit_test(name)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(memory_is_told_in_pages),
        TEST(time_is_told_in_nanoseconds),
        TEST(what_was_read_and_written_is_told),
        TEST(limits_stand_at_their_numbers),
        TEST(arguments_are_strings_one_by_one),
        TEST(a_title_is_one_string_whatever_is_in_it),
        TEST(pairs_are_told_line_by_line),
        TEST(memory_that_stands_still_is_what_the_status_tells),
        TEST(our_counters_grow_as_we_work),
        machine_test(our_limits_are_what_getrlimit_tells),
        TEST(names_come_back_as_they_were_set),
        TEST(a_process_that_runs_waits_nowhere),
        TEST(our_arguments_and_environment_are_read),
        TEST(every_live_process_has_its_counters_and_its_name),
        TEST(what_is_not_ours_is_denied_and_the_rest_is_told),
        TEST(the_dead_and_the_gone_have_little_to_tell),
    };
    int rc = run_suite("procfs", tests, sizeof tests / sizeof tests[0], argc, argv);
    fixture_done(&text);
    return rc;
}
