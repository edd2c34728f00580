/* SPDX-License-Identifier: MIT */
/* The small shell of the examples on a terminal, as somebody who types: jobs, Ctrl-C, Ctrl-Z, fg and bg. */
#define _GNU_SOURCE 1
#include "started.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

#define CTRL_C "\003"
#define CTRL_D "\004"
#define CTRL_Z "\032"
/* Says so once it is in the foreground. The line is echoed, too, but never so. */
#define WAITING_JOB "sh -c 'echo u''p; exec sleep 1000'"

static char shown[65536]; /* by the terminal, and not asked for yet */
static size_t shown_len;

static proc_child *start_shell(void)
{
    proc_child *shell;
    shown_len = 0;
    shown[0] = '\0';
    assert_rc(proc_spawn(&shell, PROC_ARGV(MINI_SHELL), PROC_OPTIONS(.in = PROC_PTY, .out = PROC_PTY, .err = PROC_PTY)),
              0);
    return shell;
}

static void type(proc_child *shell, const char *text)
{
    assert_int_equal(proc_write(shell, 0, text, strlen(text), PATIENCE_MS), (int64_t)strlen(text));
}

/* 0: there is nothing more in any reasonable time. */
static int read_some(proc_child *shell)
{
    int64_t got = proc_read(shell, 1, shown + shown_len, sizeof shown - 1 - shown_len, PATIENCE_MS);
    if (got <= 0)
        return 0;
    shown_len += (size_t)got;
    shown[shown_len] = '\0';
    return 1;
}

/* Waits until the terminal shows it; what stood before is forgotten. */
static void await(proc_child *shell, const char *text)
{
    char *found;
    while (!(found = strstr(shown, text)))
        if (!read_some(shell))
            fail_msg("in vain waited for \"%s\" behind \"%s\"", text, shown);
    shown_len -= (size_t)(found - shown) + strlen(text);
    memmove(shown, found + strlen(text), shown_len + 1);
}

/* Types a line when the shell asks for one. */
static void enter(proc_child *shell, const char *line)
{
    await(shell, "$ ");
    type(shell, line);
    type(shell, "\n");
}

static void leave_shell(proc_child *shell, int code)
{
    assert_ends(shell, PROC_EXITED, code);
    proc_child_free(shell);
}

static void a_command_is_run_and_its_status_is_known(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, "echo hel'lo'");
    await(shell, "\nhello\r\n");
    enter(shell, "sh -c 'exit 3'");
    enter(shell, "echo \"status $?\"");
    await(shell, "\nstatus 3\r\n");
    enter(shell, "exit 7");
    leave_shell(shell, 7);
}

static void ctrl_c_ends_the_job_in_front_and_not_the_shell(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, WAITING_JOB " | cat");
    await(shell, "\nup\r\n");
    type(shell, CTRL_C);
    enter(shell, "echo ended $?");
    await(shell, "\nended 130\r\n");
    enter(shell, "exit");
    leave_shell(shell, 0);
}

static void ctrl_c_at_the_prompt_is_nothing(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    await(shell, "$ ");
    type(shell, CTRL_C "echo still 'here'\n");
    await(shell, "\nstill here\r\n");
    enter(shell, "exit");
    leave_shell(shell, 0);
}

static void ctrl_z_stops_a_job_and_fg_goes_on_with_it(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, "sh -c 'echo u''p; read x; echo got $x'");
    await(shell, "\nup\r\n");
    type(shell, CTRL_Z);
    await(shell, "[1] stopped");
    enter(shell, "jobs");
    await(shell, "[1] stopped");
    enter(shell, "fg");
    type(shell, "wo"
                "rd\n");
    await(shell, "got word\r\n");
    enter(shell, "exit");
    leave_shell(shell, 0);
}

static void a_stopped_job_goes_on_behind(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, WAITING_JOB);
    await(shell, "\nup\r\n");
    type(shell, CTRL_Z);
    await(shell, "[1] stopped");
    enter(shell, "bg 1");
    enter(shell, "jobs");
    await(shell, "[1] running");
    enter(shell, "fg 1");
    await(shell, "exec sleep 1000");
    type(shell, CTRL_C);
    enter(shell, "exit 0");
    leave_shell(shell, 0);
}

static void a_job_behind_leaves_the_terminal_to_the_shell(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, "sleep 1000 &");
    await(shell, "[1] ");
    enter(shell, "echo fr''ont");
    await(shell, "\nfront\r\n");
    enter(shell, "fg");
    await(shell, "\nsleep 1000");
    type(shell, CTRL_C);
    enter(shell, "echo ended $?");
    await(shell, "\nended 130\r\n");
    type(shell, CTRL_D);
    leave_shell(shell, 0);
}

static void a_job_goes_on_as_a_whole_though_its_first_program_has_ended(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, "true | sh -c 'echo u''p; read x < /dev/tty; echo got $x'");
    await(shell, "\nup\r\n");
    type(shell, CTRL_Z);
    await(shell, "[1] stopped");
    enter(shell, "fg");
    type(shell, "wo"
                "rd\n");
    await(shell, "got word\r\n");
    enter(shell, "exit");
    leave_shell(shell, 0);
}

static void a_job_that_stops_itself_is_a_stopped_job(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, "sh -c 'kill -STOP $$; echo o''n'");
    await(shell, "[1] stopped");
    enter(shell, "echo status $?");
    await(shell, "\nstatus 147\r\n");
    enter(shell, "fg");
    await(shell, "\non\r\n");
    enter(shell, "exit");
    leave_shell(shell, 0);
}

static void a_job_behind_that_reads_the_terminal_is_told_to_be_stopped(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, "cat > /dev/null &");
    for (int64_t begin = patience_now(); !strstr(shown, "[1] stopped") && patience_now() - begin < PATIENCE_MS;) {
        type(shell, "\n");
        read_some(shell);
    }
    await(shell, "[1] stopped");
    enter(shell, "fg");
    type(shell, CTRL_D);
    enter(shell, "exit");
    leave_shell(shell, 0);
}

static void a_job_is_named_by_its_number(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, "sleep 1000 &");
    enter(shell, "sleep 2000 &");
    enter(shell, "fg %1");
    await(shell, "\nsleep 1000");
    type(shell, CTRL_C);
    enter(shell, "fg 2x");
    await(shell, "no such job");
    enter(shell, "fg %2");
    await(shell, "\nsleep 2000");
    type(shell, CTRL_C);
    enter(shell, "exit 0");
    leave_shell(shell, 0);
}

/* ---- The terminal ---- */

static void what_a_killed_job_made_of_the_terminal_is_undone(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, "sh -c 'stty -echo; kill -KILL $$'");
    enter(shell, "stty -a");
    await(shell, " echo ");
    enter(shell, "exit");
    leave_shell(shell, 0);
}

static void what_a_program_sets_on_purpose_stays(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, "stty -echo");
    enter(shell, "stty -a");
    await(shell, " -echo ");
    enter(shell, "exit");
    leave_shell(shell, 0);
}

static void a_stopped_job_finds_the_terminal_as_it_had_it(void **state)
{
    (void)state;
    proc_child *shell = start_shell();
    enter(shell, "sh -c 'stty -echo; kill -STOP $$; stty -a'");
    enter(shell, "stty -a");
    await(shell, " echo ");
    enter(shell, "fg");
    await(shell, " -echo ");
    enter(shell, "exit");
    leave_shell(shell, 0);
}

static void who_had_the_terminal_before_has_it_again(void **state)
{
    (void)state;
    shown_len = 0;
    shown[0] = '\0';
    proc_child *caller = start(PROC_ARGV("sh", "-c", MINI_SHELL "; read x; echo got $x"),
                               PROC_OPTIONS(.in = PROC_PTY, .out = PROC_PTY, .err = PROC_PTY));
    enter(caller, "exit");
    type(caller, "word\n");
    await(caller, "got word\r\n");
    assert_ends(caller, PROC_EXITED, 0);
    proc_child_free(caller);
}

/* A terminal, but not that of its session: there is nobody who could put it in front. */
static void on_a_strangers_terminal_there_is_no_job_control(void **state)
{
    (void)state;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    proc_child *shell = start(PROC_ARGV(MINI_SHELL), PROC_OPTIONS(.in = PROC_FD(tty), .err = PROC_NULL));
    assert_int_equal(write(master, "sh -c 'exit 5'\nexit\n", 20), 20);
    leave_shell(shell, 5);
    close(tty);
    close(master);
}

/* Who has stopped its job may go on with it; to the next command that is no end. */
static void without_a_terminal_a_stop_is_waited_out(void **state)
{
    (void)state;
    proc_child *shell = start(PROC_ARGV(MINI_SHELL, "-c", "sh -c 'kill -STOP $$; echo on'; echo then"),
                              PROC_OPTIONS(.out = PROC_PIPE, .err = PROC_NULL, .flags = PROC_NEW_GROUP));
    while (proc_wait(shell, 10, NULL) == -ETIMEDOUT)
        proc_kill(shell, SIGCONT, PROC_GROUP);
    char *all = all_of(shell, 1);
    assert_string_equal(all, "on\nthen\n");
    free(all);
    leave_shell(shell, 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(a_command_is_run_and_its_status_is_known),
        spawning_test(ctrl_c_ends_the_job_in_front_and_not_the_shell),
        spawning_test(ctrl_c_at_the_prompt_is_nothing),
        spawning_test(ctrl_z_stops_a_job_and_fg_goes_on_with_it),
        spawning_test(a_stopped_job_goes_on_behind),
        spawning_test(a_job_behind_leaves_the_terminal_to_the_shell),
        spawning_test(a_job_goes_on_as_a_whole_though_its_first_program_has_ended),
        spawning_test(a_job_that_stops_itself_is_a_stopped_job),
        spawning_test(a_job_behind_that_reads_the_terminal_is_told_to_be_stopped),
        spawning_test(a_job_is_named_by_its_number),
        spawning_test(what_a_killed_job_made_of_the_terminal_is_undone),
        spawning_test(what_a_program_sets_on_purpose_stays),
        spawning_test(a_stopped_job_finds_the_terminal_as_it_had_it),
        spawning_test(who_had_the_terminal_before_has_it_again),
        spawning_test(on_a_strangers_terminal_there_is_no_job_control),
        spawning_test(without_a_terminal_a_stop_is_waited_out),
    };
    return run_suite("mini-shell", tests, sizeof tests / sizeof tests[0], argc, argv);
}
