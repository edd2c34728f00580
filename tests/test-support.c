/* SPDX-License-Identifier: MIT */
/* The tests' own tools: a harness that misses a leak, or a helper that tells nonsense, would make every test green. */
#define _GNU_SOURCE 1
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The world */

/* In a copy: changes something, then says what the comparison found. */
static void compare_after(void (*change)(void), char *ret_text, size_t size)
{
    struct world *before = world_take();
    change();
    struct world *after = world_take();
    world_compare(before, after, ret_text, size);
    world_free(before);
    world_free(after);
}

static void leak_a_descriptor(void)
{
    require(open("/dev/null", O_RDONLY) >= 0);
}

static void block_a_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void ignore_a_signal(void)
{
    signal(SIGPIPE, SIG_IGN);
}

static void move_away(void)
{
    require(chdir("/") == 0);
}

static void change_umask(void)
{
    umask(umask(0) ^ 0700);
}

static void leave_a_zombie(void)
{
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    require(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
}

static void leave_a_child(void)
{
    if (fork() == 0) {
        alarm(PATIENCE_MS / 1000);
        pause();
        _exit(0);
    }
}

/* The description is shared with whoever started us: the test leaves it as it was. */
static void make_stdin_non_blocking(void)
{
    require(fcntl(0, F_SETFL, fcntl(0, F_GETFL) ^ O_NONBLOCK) == 0);
}

static void change_nothing(void)
{
}

struct change {
    void (*make)(void);
    const char *said;
};

static int notices(void *arg)
{
    static char text[2000];
    const struct change *change = arg;
    compare_after(change->make, text, sizeof text);
    world_bury_children();
    if (change->make == make_stdin_non_blocking)
        make_stdin_non_blocking();
    if (change->said[0] == '\0' ? text[0] != '\0' : !strstr(text, change->said))
        complain("expected \"%s\", got \"%.400s\"", change->said, text);
    return 0;
}

static void the_world_tells_what_has_changed(void **state)
{
    static struct change changes[] = {
        {change_nothing, ""},
        {leak_a_descriptor, "(/dev/null) is left open"},
        {block_a_signal, "is left blocked"},
        {ignore_a_signal, "the action of signal 13"},
        {move_away, "the working directory was"},
        {change_umask, "the umask was"},
        {leave_a_zombie, "is left as a zombie"},
        {leave_a_child, "a child is left running"},
        {make_stdin_non_blocking, "flags were"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        assert_in_fork(notices, &changes[i]);
}

/* Forked copies */

static int complains(void *arg)
{
    (void)arg;
    require(1 + 1 == 3);
    return 0;
}

static int crashes(void *arg)
{
    (void)arg;
    raise(SIGSEGV);
    return 0;
}

static int hangs(void *arg)
{
    (void)arg;
    while (pause() < 0)
        ;
    return 0;
}

static void a_forked_copy_tells_how_it_failed(void **state)
{
    struct verdict verdict;
    (void)state;
    run_in_fork(&verdict, complains, NULL, PATIENCE_MS);
    assert_int_equal(verdict.code, 1);
    assert_contains(verdict.text, "not so: 1 + 1 == 3");
    run_in_fork(&verdict, crashes, NULL, PATIENCE_MS);
    assert_true(verdict.signal == SIGSEGV || verdict.code > 0); /* a sanitizer makes an exit of it */
    run_in_fork(&verdict, hangs, NULL, 50);
    assert_true(verdict.timed_out);
    assert_int_equal(verdict.signal, SIGKILL);
}

static void return_codes_are_shown_by_name(void **state)
{
    (void)state;
    assert_string_equal(rc_name(-ENOENT), "-ENOENT");
    assert_string_equal(rc_name(17), "17");
    assert_string_equal(errno_name(4000), "errno 4000");
}

/* The helpers */

static void the_report_tells_what_the_program_was_started_with(void **state)
{
    char directory[4096];
    (void)state;
    setenv("PROC_TEST_WORD", "two\nlines", 1);
    struct outside ran = outside_run((const char *[]){REPORT, "a b", "", NULL});
    unsetenv("PROC_TEST_WORD");
    assert_int_equal(ran.status, 0);
    assert_string_equal(report_get_nth(ran.output, "argv", 1), "a b");
    assert_string_equal(report_get_nth(ran.output, "argv", 2), "");
    assert_int_equal(report_number(ran.output, "argc"), 3);
    assert_string_equal(report_env(ran.output, "PROC_TEST_WORD"), "two\\x0alines");
    assert_null(report_env(ran.output, "PROC_TEST_WOR"));
    assert_string_equal(report_get(ran.output, "cwd"), getcwd(directory, sizeof directory));
    assert_int_equal(report_number(ran.output, "ppid"), getpid());
    assert_int_equal(report_number(ran.output, "sid"), getsid(0));
    outside_done(&ran);
}

static int reports_its_descriptors(void *arg)
{
    struct report_fd fd;
    (void)arg;
    close(STDIN_FILENO);
    for (int number = 3; number < 900; number++)
        close(number);
    require(dup2(STDOUT_FILENO, 7) == 7);
    struct outside ran = outside_run((const char *[]){REPORT, NULL});
    if (strcmp(report_fds(ran.output), "1 2 7") != 0)
        complain("descriptors are %s", report_fds(ran.output));
    require(report_fd(ran.output, 1, &fd) && strncmp(fd.target, "pipe:", 5) == 0);
    require((fd.flags & O_ACCMODE) == O_WRONLY && !fd.cloexec);
    require(!report_fd(ran.output, 3, &fd));
    outside_done(&ran);
    return 0;
}

static void the_report_adds_no_descriptor_of_its_own(void **state)
{
    (void)state;
    assert_in_fork(reports_its_descriptors, NULL);
}

static int reports_its_signals(void *arg)
{
    sigset_t set;
    (void)arg;
    for (int number = 1; number <= 64; number++)
        signal(number, SIG_DFL);
    signal(SIGUSR1, SIG_IGN);
    sigfillset(&set);
    sigdelset(&set, SIGUSR2);
    sigprocmask(SIG_SETMASK, &set, NULL);
    struct outside ran = outside_run((const char *[]){REPORT, NULL});
    /* But for the two that libc keeps to itself, and does not let us reset if our own parent ignored them. */
    uint64_t ours_to_set = ~(UINT64_C(3) << 31);
    require((report_mask(ran.output, "SigIgn") & ours_to_set) == UINT64_C(1) << (SIGUSR1 - 1));
    require((report_mask(ran.output, "blocked") & (UINT64_C(1) << (SIGUSR2 - 1))) == 0);
    require((report_mask(ran.output, "blocked") & (UINT64_C(1) << (SIGTERM - 1))) != 0);
    require(report_mask(ran.output, "SigBlk") == report_mask(ran.output, "blocked"));
    require(report_mask(ran.output, "SigCgt") == 0);
    outside_done(&ran);
    return 0;
}

static void the_report_shows_mask_and_dispositions(void **state)
{
    (void)state;
    assert_in_fork(reports_its_signals, NULL);
}

static void the_report_goes_where_it_is_told(void **state)
{
    (void)state;
    char *directory = directory_make();
    char *path = path_in(directory, "report");
    struct outside ran = outside_run((const char *[]){REPORT, "--to", path, NULL});
    assert_string_equal(ran.output, "");
    char *report = file_read(path);
    assert_int_equal(report_number(report, "argc"), 3);
    free(report);
    free(path);
    outside_done(&ran);
    directory_remove(directory);
}

static void check_child(const char *const argv[], int status, const char *output)
{
    struct outside ran = outside_run(argv);
    assert_int_equal(ran.status, status);
    assert_string_equal(ran.output, output);
    outside_done(&ran);
}

static void the_child_does_as_told(void **state)
{
    (void)state;
    check_child((const char *[]){CHILD, "exit", "7", NULL}, 7 << 8, "");
    check_child((const char *[]){CHILD, "kill", "15", NULL}, 15, "");
    check_child((const char *[]){CHILD, "echo", "a", "b", NULL}, 0, "a b\n");
    check_child((const char *[]){CHILD, "lines", "a", "b", NULL}, 0, "a\nb\n");
    check_child((const char *[]){CHILD, "print", "1", "x", NULL}, 0, "x");
    check_child((const char *[]){CHILD, "sleep", "1", NULL}, 0, "");
    check_child((const char *[]){CHILD, "grandchild-holds-stdout", "1", "3", NULL}, 3 << 8, "parent\ngrandchild\n");
}

static void the_pattern_of_the_writer_is_the_one_of_the_reader(void **state)
{
    char command[8192];
    (void)state;
    snprintf(command, sizeof command, "'%s' write 100000 777 | '%s' read-all", CHILD, CHILD);
    struct outside ran = outside_run((const char *[]){"/bin/sh", "-c", command, NULL});
    assert_contains(ran.output, "100000 ");
    assert_contains(ran.output, " pattern\n");
    outside_done(&ran);
}

/* The profiles: under another one the two filters add up, and the answers are of both. */

static void check_profile(const char *profile, const char *calls, const char *answers)
{
    char command[16384];
    if (getenv("PROC_TEST_PROFILE"))
        SKIP_TEST("runs under a profile already");
    snprintf(command, sizeof command, "'%s' %s -- '%s' try %s", PROFILE, profile, CHILD, calls);
    struct outside ran = outside_run((const char *[]){"/bin/sh", "-c", command, NULL});
    assert_string_equal(ran.output, answers);
    assert_int_equal(ran.status, 0);
    outside_done(&ran);
}

static void an_old_kernel_has_no_newer_calls(void **state)
{
    (void)state;
    check_profile("old-kernel",
                  "clone3 clone3-full close_range openat2 nosignal pidfd_send_signal-group pidfd-info "
                  "pidfd_open pidfd_send_signal thread",
                  "clone3 ENOSYS\nclone3-full ENOSYS\nclose_range ENOSYS\nopenat2 ENOSYS\nnosignal EOPNOTSUPP\n"
                  "pidfd_send_signal-group EINVAL\npidfd-info ENOTTY\n"
                  "pidfd_open 0\npidfd_send_signal 0\nthread 0\n");
}

static void a_sandbox_denies_with_eperm_but_has_pidfds_and_threads(void **state)
{
    (void)state;
    check_profile("sandbox",
                  "clone3 close_range nosignal pidfd_send_signal-group pidfd-info pidfd_open pidfd_send_signal thread",
                  "clone3 EPERM\nclose_range EPERM\nnosignal EPERM\npidfd_send_signal-group EPERM\npidfd-info EPERM\n"
                  "pidfd_open 0\npidfd_send_signal 0\nthread 0\n");
}

static void without_pidfds_none_of_their_calls_is_there(void **state)
{
    (void)state;
    check_profile("no-pidfd", "pidfd_open pidfd_send_signal waitid-pidfd thread",
                  "pidfd_open ENOSYS\npidfd_send_signal ENOSYS\nwaitid-pidfd ENOSYS\nthread 0\n");
}

static int is_given_twice(void *arg)
{
    (void)arg;
    int pid = sleeper();
    end_process(pid);
    choose_next_pid(pid);
    int again = sleeper(), next = sleeper();
    if (again != pid)
        return NOT_POSSIBLE;
    require(next != pid);
    return 0;
}

static void a_pid_is_given_again_on_request(void **state)
{
    (void)state;
    assert_in_pid_namespace(is_given_twice);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_world_tells_what_has_changed),
        cmocka_unit_test(a_forked_copy_tells_how_it_failed),
        cmocka_unit_test(return_codes_are_shown_by_name),
        cmocka_unit_test(the_report_tells_what_the_program_was_started_with),
        cmocka_unit_test(the_report_adds_no_descriptor_of_its_own),
        cmocka_unit_test(the_report_shows_mask_and_dispositions),
        cmocka_unit_test(the_report_goes_where_it_is_told),
        cmocka_unit_test(the_child_does_as_told),
        cmocka_unit_test(a_pid_is_given_again_on_request),
        cmocka_unit_test(the_pattern_of_the_writer_is_the_one_of_the_reader),
        cmocka_unit_test(an_old_kernel_has_no_newer_calls),
        cmocka_unit_test(a_sandbox_denies_with_eperm_but_has_pidfds_and_threads),
        cmocka_unit_test(without_pidfds_none_of_their_calls_is_there),
    };
    return run_suite("support", tests, sizeof tests / sizeof tests[0], argc, argv);
}
