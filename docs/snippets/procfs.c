/* SPDX-License-Identifier: MIT */
/* The snippets of <proc/procfs.h>: compiled and run, as snippets.c. */
#include "snippet.h"

#include <sys/resource.h>

static void stat_parse(void)
{
    //! [stat_parse]
    static const char text[] = "77 (a) b (c) S 1 77 77\n";
    proc_stat stat;
    int fields = proc_stat_parse(text, sizeof text - 1, &stat);
    printf("%d of 52 fields; its name is %s\n", fields, stat.name); /* 6 of them, and "a) b (c" */
    //! [stat_parse]
    CHECK(fields == 6 && strcmp(stat.name, "a) b (c") == 0);
}

static void stat_read(void)
{
    //! [stat_read]
    proc_stat stat;
    if (proc_stat_read(PROC_SELF, &stat) == 0 && proc_stat_has(&stat, PROC_STAT_START_TICKS))
        printf("%" PRId32 " has run since tick %" PRIu64 "\n", stat.pid, stat.start_ticks); /* nobody else is both */
    //! [stat_read]
    CHECK(stat.pid == getpid());
}

static void strings(void)
{
    size_t bytes = 0;
    //! [strings]
    proc_buffer buffer = {0};
    if (proc_file_read(PROC_SELF, PROC_FILE_CMDLINE, &buffer) == 0) {
        proc_span rest = proc_buffer_span(&buffer), string;
        char shown[256];
        while (proc_string_next(&rest, &string) == 1) {
            proc_escape(string.data, string.len, shown, sizeof shown);
            printf("[%s]\n", shown);
            bytes += string.len + 1;
        }
    }
    proc_buffer_done(&buffer);
    //! [strings]
    CHECK(bytes > 1);
}

static void pairs(void)
{
    int found = 0;
    static const char text[] = "pos:\t0\neventfd-count:                5\n";
    //! [pairs]
    proc_span rest = {text, sizeof text - 1}, key, value;
    while (proc_pair_next(&rest, &key, &value) == 1)
        if (key.len == 13 && memcmp(key.data, "eventfd-count", 13) == 0)
            found = value.len == 1 && *value.data == '5';
    //! [pairs]
    CHECK(found);
}

static void names(void)
{
    //! [names]
    char name[64], place[128];
    if (proc_comm_read(PROC_SELF, name, sizeof name) >= 0 && proc_wchan_read(PROC_SELF, place, sizeof place) >= 0)
        printf("%zu bytes of name; waits in \"%s\"\n", strlen(name), place);
    //! [names]
    CHECK(strlen(name) > 0);
}

static void parse_counters(void)
{
    //! [parse_counters]
    proc_statm statm;
    proc_schedstat time;
    proc_io io;
    proc_statm_parse("9 7 5 3 0 4 0\n", 14, &statm);      /* 7 fields */
    proc_schedstat_parse("1000 20 3\n", 10, &time);       /* 3 fields */
    proc_io_parse("rchar: 5\nwchar: 6\n", 18, &io);       /* 2 keys */
    //! [parse_counters]
    CHECK(statm.resident == 7 && time.slices == 3 && io.written_chars == 6);
}

static void counters(void)
{
    //! [counters]
    proc_statm statm;
    proc_schedstat time;
    proc_io io;
    if (proc_statm_read(PROC_SELF, &statm) == 0)
        printf("%" PRIu64 " KiB resident\n", statm.resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024);
    if (proc_schedstat_read(PROC_SELF, &time) == 0)
        printf("%" PRIu64 " us on a CPU\n", time.run_ns / 1000);
    if (proc_io_read(PROC_SELF, &io) == 0 && (io.present & 1u << PROC_IO_READ_CHARS))
        printf("%" PRIu64 " bytes read\n", io.read_chars);
    //! [counters]
    CHECK(statm.resident > 0);
}

static void limits(void)
{
    //! [limits]
    proc_limit_list limits;
    if (proc_limits_read(PROC_PID(getppid()), &limits) == 0 && (limits.present & 1u << RLIMIT_NOFILE))
        printf("may open %" PRIu64 " files\n", limits.soft[RLIMIT_NOFILE]);
    //! [limits]
    CHECK(limits.soft[RLIMIT_NOFILE] > 0);
}

static void cgroups(void)
{
    int groups = 0;
    //! [cgroups]
    proc_buffer buffer = {0};
    if (proc_file_read(PROC_SELF, PROC_FILE_CGROUP, &buffer) == 0) {
        proc_span rest = proc_buffer_span(&buffer);
        proc_cgroup_line line;
        for (int rc; (rc = proc_cgroup_next(&rest, &line)) != 0;)
            groups += rc == 1 && line.path.len > 0;
    }
    proc_buffer_done(&buffer);
    //! [cgroups]
    printf("in %d groups\n", groups);
}

static void maps(void)
{
    uint64_t code = 0;
    //! [maps]
    proc_buffer buffer = {0};
    if (proc_file_read(PROC_SELF, PROC_FILE_MAPS, &buffer) == 0) {
        proc_span rest = proc_buffer_span(&buffer);
        proc_map map;
        for (int rc; (rc = proc_map_next(&rest, &map)) != 0;)
            if (rc == 1 && map.access[2] == 'x')
                code += map.end - map.start;
    }
    proc_buffer_done(&buffer);
    //! [maps]
    CHECK(code > 0);
}

static void mounts(void)
{
    int found = 0;
    //! [mounts]
    proc_buffer buffer = {0};
    if (proc_file_read(PROC_SELF, PROC_FILE_MOUNTINFO, &buffer) == 0) {
        proc_span rest = proc_buffer_span(&buffer);
        proc_mount mount;
        char point[4096];
        for (int rc; (rc = proc_mount_next(&rest, &mount)) != 0;)
            if (rc == 1 && proc_mount_unescape(mount.point, point, sizeof point) < (int64_t)sizeof point)
                found += strcmp(point, "/proc") == 0;
    }
    proc_buffer_done(&buffer);
    //! [mounts]
    printf("%d mounts at /proc\n", found);
}

static void rollup(void)
{
    static const char text[] = "Rss: 16 kB\nPss: 3 kB\n";
    //! [rollup]
    proc_rollup parsed, rollup;
    proc_rollup_parse(text, sizeof text - 1, &parsed); /* 2 keys */
    if (proc_rollup_read(PROC_SELF, &rollup) == 0)
        printf("%" PRIu64 " KiB are ours alone\n", rollup.private_clean_kb + rollup.private_dirty_kb);
    //! [rollup]
    CHECK(parsed.pss_kb == 3);
}

static void link_read(void)
{
    //! [link_read]
    char path[4096];
    int deleted;
    if (proc_link_read(PROC_SELF, PROC_LINK_CWD, path, sizeof path, &deleted) >= 0)
        printf("works in %s%s\n", path, deleted ? ", which has been removed" : "");
    //! [link_read]
    CHECK(path[0] == '/');
}

static void namespace_read(void)
{
    int same = 0;
    //! [namespace_read]
    uint64_t ours, theirs;
    if (proc_namespace_read(PROC_SELF, "net", &ours) == 0 &&
        proc_namespace_read(PROC_PID(getppid()), "net", &theirs) == 0)
        same = ours == theirs;
    //! [namespace_read]
    printf("the same network as our parent: %d\n", same);
}

static void descriptors(void)
{
    int64_t count;
    //! [descriptors]
    int fds[64];
    count = proc_fd_list(PROC_SELF, fds, 64);
    for (int64_t i = 0; i < count && i < 64; i++) {
        char path[256];
        proc_fd_info info;
        if (proc_fd_link_read(PROC_SELF, fds[i], path, sizeof path, NULL) >= 0 &&
            proc_fd_info_read(PROC_SELF, fds[i], NULL, &info) == 0)
            printf("%d: %s at %" PRId64 "\n", fds[i], path, info.position);
    }
    //! [descriptors]
    CHECK(count > 0);
}

static void fd_info_parse(void)
{
    //! [fd_info_parse]
    static const char text[] = "pos:\t7\nflags:\t02000002\n";
    proc_fd_info info;
    proc_fd_info_parse(text, sizeof text - 1, &info); /* 2 keys */
    //! [fd_info_parse]
    CHECK(info.position == 7 && !(info.present & 1u << PROC_FD_INFO_PID));
}

static void tasks(void)
{
    int64_t threads;
    //! [tasks]
    int tids[16], pids[16];
    threads = proc_task_list(PROC_SELF, tids, 16);
    int64_t children = proc_children_list(PROC_SELF, pids, 16);
    if (threads > 0 && children >= 0)
        printf("%" PRId64 " threads, %" PRId64 " children\n", threads, children);
    //! [tasks]
    CHECK(threads == 1 && tids[0] == getpid());
}

static void roots(void)
{
    proc_stat stat = {0};
    //! [roots]
    int root = proc_procfs_open("/proc"); /* or a container's */
    if (root >= 0) {
        int process = proc_procfs_open_process(&(const proc_target){.pid = getpid(), .root_fd = &root});
        if (process >= 0 && proc_stat_read(&(const proc_target){.dir_fd = &process}, &stat) == 0)
            printf("%s has %" PRId64 " threads\n", stat.name, stat.threads);
        close(process);
        close(root);
    }
    //! [roots]
    CHECK(stat.pid == getpid());
}

int main(void)
{
    stat_parse();
    stat_read();
    strings();
    pairs();
    names();
    parse_counters();
    counters();
    limits();
    cgroups();
    maps();
    mounts();
    rollup();
    link_read();
    namespace_read();
    descriptors();
    fd_info_parse();
    tasks();
    roots();
    return 0;
}
