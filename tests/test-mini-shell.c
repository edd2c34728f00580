/* SPDX-License-Identifier: MIT */
/* The small shell of the examples on a terminal, as somebody who types: jobs, Ctrl-C, Ctrl-Z, fg and bg. */
#define _GNU_SOURCE 1
#include "started.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

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

/* Waits until the terminal shows it; what stood before is forgotten. */
static void await(proc_child *shell, const char *text)
{
    char *found;
    while (!(found = strstr(shown, text))) {
        int64_t got = proc_read(shell, 1, shown + shown_len, sizeof shown - 1 - shown_len, PATIENCE_MS);
        if (got <= 0)
            fail_msg("in vain waited for \"%s\" behind \"%s\"", text, shown);
        shown_len += (size_t)got;
        shown[shown_len] = '\0';
    }
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

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        spawning_test(a_command_is_run_and_its_status_is_known),
        spawning_test(ctrl_c_ends_the_job_in_front_and_not_the_shell),
        spawning_test(ctrl_c_at_the_prompt_is_nothing),
        spawning_test(ctrl_z_stops_a_job_and_fg_goes_on_with_it),
        spawning_test(a_stopped_job_goes_on_behind),
        spawning_test(a_job_behind_leaves_the_terminal_to_the_shell),
    };
    return run_suite("mini-shell", tests, sizeof tests / sizeof tests[0], argc, argv);
}
