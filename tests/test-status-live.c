/* SPDX-License-Identifier: MIT */
/*
 * Status as this kernel tells it: read by every kind of target, held against the kernel's other sources, and with the
 * hazards made for real: processes that vanish, die halfway, call themselves like a key, or are hidden.
 */
#define _GNU_SOURCE 1
#include "started.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/status.h>

static proc_status status;

static int read_status(const proc_target *target, proc_buffer *buffer)
{
    memset(&status, 0x55, sizeof status);
    return proc_status_read(target, buffer, sizeof status, &status);
}

/* ---- Ourselves ---- */

static void our_ids_are_those_that_system_calls_tell(void **state)
{
    (void)state;
    uid_t uid[3];
    gid_t gid[3], groups[256];
    uint32_t told[256];
    proc_buffer buffer = {0};
    assert_rc(read_status(PROC_SELF, &buffer), 0);
    getresuid(&uid[0], &uid[1], &uid[2]);
    getresgid(&gid[0], &gid[1], &gid[2]);
    for (int i = 0; i < 3; i++)
        assert_true(status.uid[i] == uid[i] && status.gid[i] == gid[i]);
    int count = getgroups(256, groups);
    assert_int_equal(proc_status_groups(&status, told, 256), count);
    for (int i = 0; i < count; i++)
        assert_true(groups[i] == told[i]);
    assert_int_equal(status.pid, getpid());
    assert_int_equal(status.tgid, getpid());
    assert_int_equal(status.ppid, getppid());
    assert_int_equal(status.ns_pid[status.ns_depth - 1], getpid());
    assert_int_equal(status.ns_pgid[status.ns_depth - 1], getpgrp());
    assert_int_equal(status.ns_sid[status.ns_depth - 1], getsid(0));
    proc_buffer_done(&buffer);
}

static int has_our_settings(void *arg)
{
    (void)arg;
    struct rlimit limit;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];
    umask(0137);
    signal(SIGUSR1, SIG_IGN);
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    sigaddset(&some, SIGRTMAX);
    sigprocmask(SIG_SETMASK, &some, NULL);
    raise(SIGUSR2);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_NAME, "a\\b\nc\td", 0, 0, 0);
    proc_buffer buffer = {0};
    require_rc(read_status(PROC_SELF, &buffer), 0);
    require(status.umask == 0137);
    require(proc_signal_mask_has(status.sig_ignored, SIGUSR1));
    require(status.sig_blocked[0] == (PROC_SIGNAL(SIGUSR2) | PROC_SIGNAL(SIGRTMAX)));
    require(status.sig_pending[0] == PROC_SIGNAL(SIGUSR2));
    require(!proc_status_has(&status, PROC_KEY_NO_NEW_PRIVS) || status.no_new_privs == 1);
    require(strcmp(status.name, "a\\b\nc\td") == 0);
    require(getrlimit(RLIMIT_SIGPENDING, &limit) == 0 && status.sigq_limit == limit.rlim_cur);
    require(status.sigq_queued >= 1);
    require(syscall(SYS_capget, &header, caps) == 0);
    require(status.cap_effective == ((uint64_t)caps[1].effective << 32 | caps[0].effective));
    require(status.cap_permitted == ((uint64_t)caps[1].permitted << 32 | caps[0].permitted));
    require(status.cap_inheritable == ((uint64_t)caps[1].inheritable << 32 | caps[0].inheritable));
    require(status.threads == 1 + SANITIZER_THREADS);
    proc_buffer_done(&buffer);
    return 0;
}

static void our_settings_are_those_that_we_have_made(void **state)
{
    (void)state;
    assert_in_fork(has_our_settings, NULL);
}

static void our_cpus_are_those_of_the_scheduler(void **state)
{
    (void)state;
    cpu_set_t allowed;
    proc_buffer buffer = {0};
    assert_rc(read_status(PROC_SELF, &buffer), 0);
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    proc_span rest = status.cpus_list;
    uint32_t first, last;
    int told = 0;
    while (proc_range_next(&rest, &first, &last) == 1)
        for (uint32_t cpu = first; cpu <= last; cpu++, told++)
            assert_true(CPU_ISSET(cpu, &allowed));
    assert_int_equal(told, CPU_COUNT(&allowed));
    proc_buffer_done(&buffer);
}

/* ---- Everybody ---- */

static int read_file(int pid, const char *name, char *bytes, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = read(fd, bytes, size - 1);
    close(fd);
    bytes[got > 0 ? got : 0] = '\0';
    return (int)got;
}

/* 1: status and stat tell the same of it; 0: it has changed meanwhile. */
static int agrees_with_stat(int pid, const proc_status *told)
{
    char bytes[1024], letter;
    int ppid, group, session;
    long threads;
    if (read_file(pid, "stat", bytes, sizeof bytes) <= 0)
        return 0;
    char *behind = strrchr(bytes, ')');
    size_t len = (size_t)(behind - strchr(bytes, '(') - 1);
    if (len != told->name_len || memcmp(strchr(bytes, '(') + 1, told->name, len) != 0)
        return 0;
    if (sscanf(behind + 2, "%c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld", &letter, &ppid,
               &group, &session, &threads) != 5)
        return 0;
    return told->ppid == ppid && told->ns_pgid[0] == group && told->ns_sid[0] == session &&
           told->threads == (uint32_t)threads && (told->state == letter || strchr("RSDI", letter));
}

static int agrees_with_statm(int pid, const proc_status *told)
{
    char bytes[256];
    unsigned long size, resident, shared, page = (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
    if (read_file(pid, "statm", bytes, sizeof bytes) <= 0 ||
        sscanf(bytes, "%lu %lu %lu", &size, &resident, &shared) != 3)
        return 0;
    if (!proc_status_has(told, PROC_KEY_VM_SIZE))
        return size == 0 && resident == 0;
    return told->vm_size_kb == size * page && told->vm_rss_kb == resident * page &&
           told->rss_file_kb + told->rss_shmem_kb == shared * page;
}

static int is_whole(const proc_status *told, const proc_buffer *buffer)
{
    static char printed[1 << 20];
    return told->unknown == 0 && told->invalid == 0 && told->truncated == 0 &&
           proc_status_print(told, printed, sizeof printed) == (int64_t)buffer->len &&
           memcmp(printed, buffer->data, buffer->len) == 0;
}

/* Once it stands still, all agree. */
static void check_process(int pid, proc_buffer *buffer)
{
    for (int attempt = 0; attempt < 200; attempt++) {
        int rc = read_status(PROC_PID(pid), buffer);
        if (rc == -ESRCH)
            return;
        assert_rc(rc, 0);
        if (!is_whole(&status, buffer))
            fail_msg("process %d: %u unknown, %u invalid: %s", pid, status.unknown, status.invalid, buffer->data);
        if (agrees_with_stat(pid, &status) && agrees_with_statm(pid, &status))
            return;
    }
    print_message("process %d does not stand still\n", pid);
}

static void every_live_process_is_told_as_its_other_files_tell_it(void **state)
{
    (void)state;
    proc_buffer buffer = {0};
    DIR *all = opendir("/proc");
    assert_non_null(all);
    for (struct dirent *entry; (entry = readdir(all));)
        if (atoi(entry->d_name) > 0)
            check_process(atoi(entry->d_name), &buffer);
    closedir(all);
    proc_buffer_done(&buffer);
}

static void a_stopped_process_is_told_exactly(void **state)
{
    (void)state;
    proc_buffer buffer = {0};
    int pid = sleeper();
    kill(pid, SIGSTOP);
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    assert_rc(read_status(PROC_PID(pid), &buffer), 0);
    assert_true(is_whole(&status, &buffer) && agrees_with_stat(pid, &status) && agrees_with_statm(pid, &status));
    assert_string_equal(proc_status_state_word(&status), "stopped");
    assert_int_equal(proc_status_is_kernel_thread(&status), 0);
    end_process(pid);
    proc_buffer_done(&buffer);
}

/* ---- Targets ---- */

static void one_process_is_reached_in_many_ways(void **state)
{
    (void)state;
    int pid = sleeper();
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", pid);
    int root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const proc_target targets[] = {
        {.pid = pid},     {.pid = pid, .tid = pid},     {.pid = pid, .root_fd = &root},
        {.dir_fd = &dir}, {.dir_fd = &dir, .tid = pid},
    };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        assert_rc(read_status(&targets[i], NULL), 0);
        assert_int_equal(status.pid, pid);
    }
    close(root);
    close(dir);
    end_process(pid);
}

static void a_pidfd_names_its_process_until_it_is_reaped(void **state)
{
    (void)state;
    int pid = sleeper();
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (pidfd < 0) {
        close(root);
        end_process(pid);
        SKIP_TEST("no pidfds here");
    }
    const proc_target by_root = {.pidfd = &pidfd, .root_fd = &root};
    assert_rc(read_status(PROC_PIDFD(pidfd), NULL), 0);
    assert_int_equal(status.pid, pid);
    assert_rc(read_status(&by_root, NULL), 0);
    assert_int_equal(status.pid, pid);
    kill_unreaped(pid);
    assert_rc(read_status(PROC_PIDFD(pidfd), NULL), 0);
    assert_int_equal(proc_status_is_zombie(&status), 1);
    waitpid(pid, NULL, 0);
    assert_rc(read_status(PROC_PIDFD(pidfd), NULL), -ESRCH);
    close(pidfd);
    assert_rc(read_status(PROC_PIDFD(pidfd), NULL), -EBADF);
    assert_rc(read_status(PROC_PIDFD(root), NULL), -EBADF);
    assert_rc(read_status(PROC_PIDFD(-1), NULL), -EBADF);
    close(root);
}

static void what_has_gone_is_gone_by_every_way(void **state)
{
    (void)state;
    int pid = sleeper();
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", pid);
    int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    end_process(pid);
    const proc_target by_directory = {.dir_fd = &dir};
    proc_status untouched;
    memset(&untouched, 0x55, sizeof untouched);
    assert_rc(read_status(&by_directory, NULL), -ESRCH);
    assert_rc(read_status(PROC_PID(pid), NULL), -ESRCH);
    assert_memory_equal(&status, &untouched, sizeof status);
    close(dir);
}

static void targets_that_contradict_themselves_are_refused(void **state)
{
    (void)state;
    int fd = 0;
    const proc_target wrong[] = {
        {.pid = -1},
        {.tid = -1},
        {.pid = 1, .pidfd = &fd},
        {.pid = 1, .dir_fd = &fd},
        {.dir_fd = &fd, .pidfd = &fd},
        {.dir_fd = &fd, .root_fd = &fd},
        {.reserved = {0, 0, 0, 1}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_rc(read_status(&wrong[i], NULL), -EINVAL);
    assert_rc(proc_status_read(PROC_SELF, NULL, sizeof status, NULL), -EINVAL);
    assert_rc(proc_status_read(PROC_SELF, NULL, 0, &status), -EINVAL);
}

static void a_tree_of_files_serves_as_proc(void **state)
{
    (void)state;
    char *directory = directory_make(), *process = path_in(directory, "42");
    assert_int_equal(mkdir(process, 0755), 0);
    char *file = path_in(process, "status");
    file_write(file, "Name:\tkept\nTgid:\t7\nPid:\t7\n");
    int root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const proc_target target = {.pid = 42, .root_fd = &root}, nobody = {.pid = 43, .root_fd = &root};
    assert_rc(read_status(&target, NULL), 0);
    assert_string_equal(status.name, "kept");
    assert_rc(read_status(&nobody, NULL), -ESRCH);
    file_write(file, "");
    assert_rc(read_status(&target, NULL), -ESRCH);
    close(root);
    free(file);
    free(process);
    directory_remove(directory);
}

/* ---- Buffers ---- */

static void a_buffer_that_is_full_tells_what_stood_before(void **state)
{
    (void)state;
    proc_buffer buffer = {.limit = 100};
    assert_rc(read_status(PROC_SELF, &buffer), 0);
    assert_int_equal(status.truncated, 1);
    assert_int_equal(buffer.truncated, 1);
    assert_int_equal(buffer.len, 100);
    assert_int_equal(strlen(buffer.data), 100);
    assert_int_equal(proc_status_has(&status, PROC_KEY_NAME), 1);
    assert_int_equal(proc_status_has(&status, PROC_KEY_VM_RSS), 0);
    buffer.limit = 0;
    assert_rc(read_status(PROC_SELF, &buffer), 0);
    assert_int_equal(status.truncated, 0);
    char *kept = buffer.data;
    assert_rc(read_status(PROC_PID(1), &buffer), 0);
    assert_ptr_equal(buffer.data, kept);
    /* A limit below what the buffer already holds. */
    buffer.limit = 10;
    assert_rc(read_status(PROC_SELF, &buffer), 0);
    assert_int_equal(buffer.len, 10);
    proc_buffer_done(&buffer);
    assert_null(buffer.data);
    proc_buffer_done(&buffer);
    proc_buffer_done(NULL);
}

static void without_a_buffer_there_are_no_lists(void **state)
{
    (void)state;
    assert_rc(read_status(PROC_SELF, NULL), 0);
    assert_int_equal(proc_status_has(&status, PROC_KEY_NAME), 1);
    assert_int_equal(proc_status_has(&status, PROC_KEY_CPUS_ALLOWED_LIST), 0);
    assert_null(status.cpus_list.data);
    assert_null(status.store_bypass_text.data);
    assert_rc(proc_status_groups(&status, NULL, 0), -ENODATA);
    assert_true(proc_status_print(&status, NULL, 0) > 500);
}

static int has_many_groups(void *arg)
{
    enum { COUNT = 65536 };
    (void)arg;
    gid_t *groups = calloc(COUNT, sizeof *groups);
    uint32_t *told = calloc(COUNT, sizeof *told);
    for (gid_t i = 0; i < COUNT; i++)
        groups[i] = 4000000000u + i;
    if (setgroups(COUNT, groups) < 0)
        complain("setgroups: %s", errno_name(errno));
    proc_buffer buffer = {0};
    require_rc(read_status(PROC_SELF, &buffer), 0);
    require(status.truncated == 0 && buffer.len > 700000);
    require(proc_status_groups(&status, told, COUNT) == COUNT);
    require(memcmp(groups, told, COUNT * sizeof *told) == 0);
    require(proc_status_has(&status, PROC_KEY_NONVOLUNTARY_SWITCHES));
    require_rc(read_status(PROC_SELF, NULL), 0);
    require(status.group_count == COUNT);
    proc_buffer_done(&buffer);
    free(groups);
    free(told);
    return 0;
}

static void sixty_five_thousand_groups_are_read(void **state)
{
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("needs root for setgroups");
    assert_in_fork(has_many_groups, NULL);
}

/* ---- Hazards ---- */

static int calls_itself_like_a_key(void *arg)
{
    (void)arg;
    require(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    static const char *const names[] = {"Uid:\t0\t0\t0", "Threads:\t99", "Tgid:1", "\nUid:\t0\t0", "\\nPid:\t1\n"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        prctl(PR_SET_NAME, names[i], 0, 0, 0);
        require_rc(read_status(PROC_SELF, NULL), 0);
        require(strcmp(status.name, names[i]) == 0);
        require(status.uid[0] == 65534 && status.uid[3] == 65534);
        require(status.threads == 1 + SANITIZER_THREADS && status.tgid == getpid() && status.pid == getpid());
        require(status.unknown == 0 && status.invalid == 0);
    }
    return 0;
}

static void a_process_named_like_a_key_fools_nothing(void **state)
{
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("needs root to become somebody else");
    assert_in_fork(calls_itself_like_a_key, NULL);
}

static void *tells_its_id(void *arg)
{
    int tid = (int)syscall(SYS_gettid);
    if (write(*(int *)arg, &tid, sizeof tid) != (ssize_t)sizeof tid)
        _exit(1);
    live_on();
}

/* A child with a second thread, whose id comes back; its first thread has exited if asked for. */
static int child_of_two_threads(int leader_exits, int *ret_tid)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int pid = fork_bound();
    if (pid == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, tells_its_id, &ends[1]) != 0)
            _exit(1);
        if (leader_exits)
            syscall(SYS_exit, 0);
        live_on();
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], ret_tid, sizeof *ret_tid), sizeof *ret_tid);
    close(ends[0]);
    return pid;
}

static int is_dead(int pid)
{
    return read_status(PROC_PID(pid), NULL) == 0 && status.state == 'Z';
}

static void an_exited_leader_lives_on_in_another_thread(void **state)
{
    (void)state;
    int tid, pid = child_of_two_threads(1, &tid);
    assert_eventually(is_dead(pid));
    assert_int_equal(proc_status_is_exited_leader(&status), 1);
    assert_int_equal(proc_status_is_zombie(&status), 0);
    assert_int_equal(proc_status_has(&status, PROC_KEY_VM_RSS), 0);
    assert_rc(read_status(PROC_THREAD(pid, tid), NULL), 0);
    assert_int_equal(status.pid, tid);
    assert_int_equal(status.tgid, pid);
    assert_int_equal(proc_status_has(&status, PROC_KEY_VM_RSS), 1);
    end_process(pid);
}

static void a_thread_is_no_process(void **state)
{
    (void)state;
    int tid, pid = child_of_two_threads(0, &tid);
    assert_rc(read_status(PROC_PID(tid), NULL), -ESRCH);
    assert_rc(read_status(PROC_THREAD(tid, tid), NULL), -ESRCH);
    assert_rc(read_status(PROC_THREAD(pid, tid), NULL), 0);
    assert_int_equal(status.threads, 2 + SANITIZER_THREADS);
    end_process(pid);
}

static void a_zombie_is_told_as_one(void **state)
{
    (void)state;
    int pid = zombie(0);
    assert_rc(read_status(PROC_PID(pid), NULL), 0);
    assert_int_equal(proc_status_is_zombie(&status), 1);
    assert_int_equal(proc_status_has(&status, PROC_KEY_UMASK), 0);
    assert_int_equal(status.fd_size, 0);
    waitpid(pid, NULL, 0);
}

static int has_no_proc(void *arg)
{
    require(chroot(arg) == 0);
    require_rc(read_status(PROC_SELF, NULL), -ENODEV);
    require_rc(read_status(PROC_PID(1), NULL), -ENODEV);
    return 0;
}

static void without_a_proc_file_system_nobody_is_called_gone(void **state)
{
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("needs root for chroot");
    char *directory = directory_make();
    assert_in_fork(has_no_proc, directory);
    directory_remove(directory);
}

/* As nobody, before a /proc of our own that hides the others. */
static int is_hidden_from(void *arg)
{
    const char *options = arg;
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
        leave(NOT_POSSIBLE);
    if (mount("proc", "/proc", "proc", 0, options) < 0)
        leave(NOT_POSSIBLE);
    require(setgroups(0, NULL) == 0);
    require(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
    require_rc(read_status(PROC_PID(1), NULL), strcmp(options, "hidepid=1") == 0 ? -EACCES : -ESRCH);
    require_rc(read_status(PROC_SELF, NULL), 0);
    return 0;
}

static void a_hidden_process_is_denied_or_gone(void **state)
{
    static const char *const options[] = {"hidepid=1", "hidepid=2", "hidepid=4"};
    (void)state;
    if (geteuid() != 0)
        SKIP_TEST("needs root to mount a proc file system");
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct verdict verdict;
        run_in_fork(&verdict, is_hidden_from, (void *)(uintptr_t)options[i], PATIENCE_MS);
        if (verdict.code == NOT_POSSIBLE)
            SKIP_TEST("no mount of %s here", options[i]);
        if (verdict.code != 0)
            fail_msg("%s: %s", options[i], verdict.text);
    }
}

#define TEST(name) cmocka_unit_test(name)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(our_ids_are_those_that_system_calls_tell),
        machine_test(our_settings_are_those_that_we_have_made),
        TEST(our_cpus_are_those_of_the_scheduler),
        TEST(every_live_process_is_told_as_its_other_files_tell_it),
        TEST(a_stopped_process_is_told_exactly),
        TEST(one_process_is_reached_in_many_ways),
        TEST(a_pidfd_names_its_process_until_it_is_reaped),
        TEST(what_has_gone_is_gone_by_every_way),
        TEST(targets_that_contradict_themselves_are_refused),
        TEST(a_tree_of_files_serves_as_proc),
        TEST(a_buffer_that_is_full_tells_what_stood_before),
        TEST(without_a_buffer_there_are_no_lists),
        TEST(sixty_five_thousand_groups_are_read),
        TEST(a_process_named_like_a_key_fools_nothing),
        TEST(an_exited_leader_lives_on_in_another_thread),
        TEST(a_thread_is_no_process),
        TEST(a_zombie_is_told_as_one),
        TEST(without_a_proc_file_system_nobody_is_called_gone),
        machine_test(a_hidden_process_is_denied_or_gone),
    };
    return run_suite("status-live", tests, sizeof tests / sizeof tests[0], argc, argv);
}
