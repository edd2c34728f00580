/* SPDX-License-Identifier: MIT */
/*
 * Files of many lines: control groups, mappings and what they come to, mounts. From texts of fixtures/ and the answers
 * that a person has read out of them, and as this kernel tells them.
 */
#define _GNU_SOURCE 1
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fixture.h"
#include "started.h"

#include <proc/procfs.h>
#include <proc/status.h>

static struct fixture text;

static proc_span load(const char *name)
{
    fixture_load(&text, TEST_FIXTURES_DIR, name);
    return (proc_span){text.data, text.len};
}

static int is_span(proc_span span, const char *expected)
{
    return span.data && span.len == strlen(expected) && memcmp(span.data, expected, span.len) == 0;
}

#define assert_span(span, expected) assert_true(is_span(span, expected))

/* ---- Control groups ---- */

static void control_groups_of_both_versions_are_told(void **state)
{
    (void)state;
    proc_cgroup_line line;
    proc_span rest = load("cgroup/hybrid");
    assert_int_equal(proc_cgroup_next(&rest, &line), 1);
    assert_int_equal(line.hierarchy, 9);
    assert_span(line.controllers, "name=systemd");
    assert_span(line.path, "/");
    assert_int_equal(proc_cgroup_next(&rest, &line), 1);
    assert_span(line.controllers, "cpu,cpuacct");
    assert_span(line.path, "/a:b");
    assert_int_equal(line.deleted, 1);
    assert_int_equal(proc_cgroup_next(&rest, &line), 1);
    assert_span(line.path, "/../..");
    assert_int_equal(line.deleted, 0);
    assert_int_equal(proc_cgroup_next(&rest, &line), 1);
    assert_int_equal(line.hierarchy, 0);
    assert_span(line.controllers, "");
    assert_span(line.path, "/user.slice/x y");
    assert_int_equal(proc_cgroup_next(&rest, &line), 0);
    rest = load("cgroup/version-2");
    assert_int_equal(proc_cgroup_next(&rest, &line), 1);
    assert_span(line.path, "/");
}

static void a_line_that_is_no_group_is_passed_over(void **state)
{
    (void)state;
    proc_cgroup_line line = {.hierarchy = 77};
    proc_span rest = load("cgroup/odd");
    for (int i = 0; i < 5; i++)
        assert_rc(proc_cgroup_next(&rest, &line), -EBADMSG);
    assert_int_equal(line.hierarchy, 77);
    assert_int_equal(proc_cgroup_next(&rest, &line), 1);
    assert_span(line.path, "/good");
    assert_int_equal(proc_cgroup_next(&rest, &line), 0);
    assert_span(rest, "0::/cut");
    assert_rc(proc_cgroup_next(NULL, &line), -EINVAL);
    assert_rc(proc_cgroup_next(&rest, NULL), -EINVAL);
}

/* ---- Memory ---- */

static void mappings_are_told_one_by_one(void **state)
{
    (void)state;
    proc_map map;
    proc_span rest = load("maps/five");
    assert_int_equal(proc_map_next(&rest, &map), 1);
    assert_true(map.start == 0x555cc80df000 && map.end == 0x555cc80e1000 && map.offset == 0x1000);
    assert_true(map.major == 0xfe && map.minor == 0 && map.inode == 247498 && map.deleted == 0);
    assert_string_equal(map.access, "r--p");
    assert_span(map.path, "/usr/bin/head");
    assert_int_equal(proc_map_next(&rest, &map), 1);
    assert_span(map.path, "[stack]");
    assert_int_equal(proc_map_next(&rest, &map), 1);
    assert_string_equal(map.access, "rwxs");
    assert_span(map.path, "");
    assert_int_equal(proc_map_next(&rest, &map), 1);
    assert_true(map.major == 0x103 && map.minor == 0x1f && map.inode == UINT64_MAX && map.offset == 0xffffffff000);
    assert_span(map.path, "/tmp/a b\\012");
    assert_int_equal(map.deleted, 1);
    assert_int_equal(proc_map_next(&rest, &map), 1);
    assert_true(map.end == 0xffffffffff601000);
    assert_int_equal(proc_map_next(&rest, &map), 0);
    rest = load("maps/i386");
    assert_int_equal(proc_map_next(&rest, &map), 1);
    assert_true(map.start == 0x8048000 && map.inode == 64593);
    assert_span(map.path, "/usr/sbin/gpm  ");
}

static void a_line_that_is_no_mapping_is_passed_over(void **state)
{
    (void)state;
    proc_map map = {.inode = 77};
    proc_span rest = load("maps/odd");
    for (int i = 0; i < 5; i++)
        assert_rc(proc_map_next(&rest, &map), -EBADMSG);
    assert_true(map.inode == 77);
    assert_int_equal(proc_map_next(&rest, &map), 1);
    assert_true(map.inode == 7);
    assert_int_equal(proc_map_next(&rest, &map), 0);
    assert_rc(proc_map_next(NULL, &map), -EINVAL);
}

static void all_memory_is_added_up(void **state)
{
    (void)state;
    proc_rollup rollup;
    load("smaps_rollup/linux-6.18");
    assert_int_equal(proc_rollup_parse(text.data, text.len, &rollup), 22);
    assert_true(rollup.rss_kb == 1616 && rollup.pss_kb == 346 && rollup.pss_dirty_kb == 112);
    assert_true(rollup.pss_anon_kb == 113 && rollup.pss_file_kb == 234 && rollup.pss_shmem_kb == 1);
    assert_true(rollup.shared_clean_kb == 1452 && rollup.shared_dirty_kb == 2);
    assert_true(rollup.private_clean_kb == 52 && rollup.private_dirty_kb == 114 && rollup.referenced_kb == 1617);
    assert_true(rollup.anonymous_kb == 115 && rollup.ksm_kb == 3 && rollup.lazy_free_kb == 4);
    assert_true(rollup.anon_huge_pages_kb == 5 && rollup.shmem_pmd_mapped_kb == 6 && rollup.file_pmd_mapped_kb == 7);
    assert_true(rollup.shared_hugetlb_kb == 8 && rollup.private_hugetlb_kb == 9);
    assert_true(rollup.swap_kb == 10 && rollup.swap_pss_kb == 11 && rollup.locked_kb == 12);
    load("smaps_rollup/odd");
    assert_int_equal(proc_rollup_parse(text.data, text.len, &rollup), 2);
    assert_true(rollup.locked_kb == 5 && rollup.private_dirty_kb == UINT64_MAX);
    assert_rc(proc_rollup_parse(NULL, 1, &rollup), -EINVAL);
}

/* ---- Mounts ---- */

static void mounts_are_told_with_any_number_of_tags(void **state)
{
    (void)state;
    proc_mount mount;
    char bytes[64];
    proc_span rest = load("mountinfo/four");
    assert_int_equal(proc_mount_next(&rest, &mount), 1);
    assert_true(mount.id == 22 && mount.parent_id == 27 && mount.major == 0 && mount.minor == 21);
    assert_span(mount.root, "/");
    assert_span(mount.point, "/proc");
    assert_span(mount.options, "rw,relatime");
    assert_span(mount.tags, "");
    assert_span(mount.type, "proc");
    assert_span(mount.source, "proc");
    assert_span(mount.super_options, "rw");
    assert_int_equal(proc_mount_next(&rest, &mount), 1);
    assert_span(mount.tags, "shared:1 master:2");
    assert_int_equal(proc_mount_unescape(mount.point, bytes, sizeof bytes), 4);
    assert_string_equal(bytes, "/a b");
    assert_int_equal(proc_mount_next(&rest, &mount), 1);
    assert_span(mount.source, "");
    assert_span(mount.super_options, "rw,size=4k");
    assert_int_equal(proc_mount_unescape(mount.point, bytes, sizeof bytes), 9);
    assert_string_equal(bytes, "/tmp/x\t\n\\");
    assert_int_equal(proc_mount_next(&rest, &mount), 1);
    assert_span(mount.root, "/gone//deleted");
    assert_span(mount.point, "/-");
    assert_span(mount.tags, "unbindable");
    assert_span(mount.super_options, "rw user_id=0");
    assert_int_equal(proc_mount_next(&rest, &mount), 0);
}

static void a_line_that_is_no_mount_is_passed_over(void **state)
{
    (void)state;
    proc_mount mount = {.id = 77};
    proc_span rest = load("mountinfo/odd");
    for (int i = 0; i < 5; i++)
        assert_rc(proc_mount_next(&rest, &mount), -EBADMSG);
    assert_int_equal(mount.id, 77);
    assert_int_equal(proc_mount_next(&rest, &mount), 1);
    assert_span(mount.type, "rootfs");
    assert_int_equal(proc_mount_next(&rest, &mount), 0);
    assert_rc(proc_mount_next(NULL, &mount), -EINVAL);
}

static void what_is_no_escape_stays_as_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes;
    } cases[] = {{"\\040", " "},       {"\\04", "\\04"}, {"\\400", "\\400"},    {"\\\\040", "\\ "},
                 {"\\377", "\377"},    {"a\\", "a\\"},   {"\\048x", "\\048x"},  {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bytes[16];
        struct fixture exact = {0};
        fixture_set(&exact, cases[i].text, strlen(cases[i].text));
        const proc_span span = {exact.data, exact.len};
        assert_int_equal(proc_mount_unescape(span, bytes, sizeof bytes), strlen(cases[i].bytes));
        assert_string_equal(bytes, cases[i].bytes);
        assert_int_equal(proc_mount_unescape(span, NULL, 0), strlen(cases[i].bytes));
        fixture_done(&exact);
    }
    char small[3];
    assert_int_equal(proc_mount_unescape((proc_span){"abcdef", 6}, small, sizeof small), 6);
    assert_string_equal(small, "ab");
    assert_rc(proc_mount_unescape((proc_span){NULL, 1}, small, sizeof small), -EINVAL);
}

/* ---- The kernel ---- */

static int take_group(proc_span *rest)
{
    proc_cgroup_line line;
    return proc_cgroup_next(rest, &line);
}

static int take_map(proc_span *rest)
{
    proc_map map;
    int rc = proc_map_next(rest, &map);
    return rc == 1 && map.end <= map.start ? -EBADMSG : rc;
}

static int take_mount(proc_span *rest)
{
    proc_mount mount;
    return proc_mount_next(rest, &mount);
}

static void check_file(int pid, int which, int (*take)(proc_span *rest), proc_buffer *buffer)
{
    int rc = proc_file_read(PROC_PID(pid), which, buffer);
    if (rc == -ESRCH || rc == -EACCES)
        return;
    assert_rc(rc, 0);
    proc_span rest = proc_buffer_span(buffer);
    while ((rc = take(&rest)) == 1)
        continue;
    if (rc < 0 || rest.len > 0)
        fail_msg("process %d, file %d: a line is not understood, before: %s", pid, which, rest.data);
}

static void every_line_of_every_live_process_is_understood(void **state)
{
    (void)state;
    proc_buffer buffer = {0};
    proc_rollup rollup;
    DIR *all = opendir("/proc");
    assert_non_null(all);
    for (struct dirent *entry; (entry = readdir(all));) {
        int pid = atoi(entry->d_name);
        if (pid <= 0)
            continue;
        check_file(pid, PROC_FILE_CGROUP, take_group, &buffer);
        check_file(pid, PROC_FILE_MAPS, take_map, &buffer);
        check_file(pid, PROC_FILE_MOUNTINFO, take_mount, &buffer);
        int rc = proc_rollup_read(PROC_PID(pid), &rollup);
        assert_true(rc == -ESRCH || rc == -EACCES || (rc == 0 && rollup.present >= 0x7));
    }
    closedir(all);
    proc_buffer_done(&buffer);
}

static void check_descriptors(int pid)
{
    int fds[256];
    int64_t count = proc_fd_list(PROC_PID(pid), fds, 256);
    assert_true(count >= 0 || count == -ESRCH || count == -EACCES);
    for (int64_t i = 0; i < count && i < 256; i++) {
        proc_fd_info info;
        char path[4096];
        int64_t len = proc_fd_link_read(PROC_PID(pid), fds[i], path, sizeof path, NULL);
        int rc = proc_fd_info_read(PROC_PID(pid), fds[i], NULL, &info);
        assert_true(len > 0 || len == -ESRCH || len == -EACCES);
        assert_true(rc == -ESRCH || rc == -EACCES || (rc == 0 && (info.present & 3) == 3));
    }
}

static void every_descriptor_of_every_live_process_is_understood(void **state)
{
    (void)state;
    DIR *all = opendir("/proc");
    assert_non_null(all);
    for (struct dirent *entry; (entry = readdir(all));)
        if (atoi(entry->d_name) > 0)
            check_descriptors(atoi(entry->d_name));
    closedir(all);
}

static void our_own_mapping_is_found(void **state)
{
    (void)state;
    proc_buffer buffer = {0};
    proc_map map;
    int found = 0;
    size_t size = 3 * (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_rc(proc_file_read(PROC_SELF, PROC_FILE_MAPS, &buffer), 0);
    for (proc_span rest = proc_buffer_span(&buffer); proc_map_next(&rest, &map) == 1;)
        if (map.start == (uintptr_t)memory) {
            found++;
            assert_true(map.end - map.start == size);
            assert_string_equal(map.access, "r--s");
            assert_span(map.path, "/dev/zero");
            assert_int_equal(map.deleted, 1);
        }
    assert_int_equal(found, 1);
    munmap(memory, size);
    proc_buffer_done(&buffer);
}

static void our_memory_adds_up_to_the_status(void **state)
{
    (void)state;
    proc_rollup rollup;
    proc_status status;
    int rc = proc_rollup_read(PROC_SELF, &rollup);
    if (rc == -ESRCH)
        SKIP_TEST("this kernel has no smaps_rollup");
    assert_rc(rc, 0);
    assert_rc(proc_status_read(PROC_SELF, NULL, sizeof status, &status), 0);
    assert_true(rollup.pss_kb <= rollup.rss_kb && rollup.rss_kb > 0 && status.vm_rss_kb > 0);
    assert_true(rollup.shared_clean_kb + rollup.shared_dirty_kb + rollup.private_clean_kb + rollup.private_dirty_kb ==
                rollup.rss_kb);
}

static int sees_a_mount_with_an_odd_name(void *arg)
{
    static const char name[] = "a b\t\n\\040#";
    char point[256], bytes[256];
    proc_buffer buffer = {0};
    proc_mount seen, found = {0};
    struct stat about;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
        leave(NOT_POSSIBLE);
    snprintf(point, sizeof point, "%s/%s", (const char *)arg, name);
    require(mkdir(point, 0700) == 0);
    if (mount("a - b", point, "tmpfs", 0, NULL) < 0)
        leave(NOT_POSSIBLE);
    require_rc(proc_file_read(PROC_SELF, PROC_FILE_MOUNTINFO, &buffer), 0);
    for (proc_span rest = proc_buffer_span(&buffer); proc_mount_next(&rest, &seen) == 1;) {
        proc_mount_unescape(seen.point, bytes, sizeof bytes);
        if (strcmp(bytes, point) == 0)
            found = seen;
    }
    require(found.id > 0 && is_span(found.type, "tmpfs"));
    require(stat(point, &about) == 0 && major(about.st_dev) == found.major && minor(about.st_dev) == found.minor);
    proc_mount_unescape(found.source, bytes, sizeof bytes);
    require(strcmp(bytes, "a - b") == 0);
    proc_buffer_done(&buffer);
    return 0;
}

static void a_mount_with_an_odd_name_is_told_by_it(void **state)
{
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("needs root to mount");
    struct verdict verdict;
    char *directory = directory_make();
    run_in_fork(&verdict, sees_a_mount_with_an_odd_name, directory, PATIENCE_MS);
    directory_remove(directory);
    if (verdict.code == NOT_POSSIBLE)
        SKIP_TEST("no mounts here");
    if (verdict.code != 0)
        fail_msg("%s", verdict.text);
}

#define TEST(name) cmocka_unit_test(name)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(control_groups_of_both_versions_are_told),
        TEST(a_line_that_is_no_group_is_passed_over),
        TEST(mappings_are_told_one_by_one),
        TEST(a_line_that_is_no_mapping_is_passed_over),
        TEST(all_memory_is_added_up),
        TEST(mounts_are_told_with_any_number_of_tags),
        TEST(a_line_that_is_no_mount_is_passed_over),
        TEST(what_is_no_escape_stays_as_it_is),
        TEST(every_line_of_every_live_process_is_understood),
        TEST(every_descriptor_of_every_live_process_is_understood),
        TEST(our_own_mapping_is_found),
        TEST(our_memory_adds_up_to_the_status),
        machine_test(a_mount_with_an_odd_name_is_told_by_it),
    };
    int rc = run_suite("procfs-lines", tests, sizeof tests / sizeof tests[0], argc, argv);
    fixture_done(&text);
    return rc;
}
