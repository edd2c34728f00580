/* SPDX-License-Identifier: MIT */
/* The snippets of terminals, as in snippets.c. */
#include "snippet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>

static void capture(void)
{
    //! [capture_pty]
    proc_result result;
    int rc = proc_run(&result, PROC_ARGV("ls", "--color=auto", "/"),
                      PROC_OPTIONS(.in = PROC_PTY, .out = PROC_CAPTURE_PTY, .err = PROC_PTY,
                                   .terminal = PROC_TERMINAL(.columns = 132, .raw = 1)));
    if (rc == 0)
        printf("%s", result.out.data); /* as ls shows it to people, and with "\n" alone */
    proc_result_done(&result);
    //! [capture_pty]
    CHECK(rc == 0);
}

static void resize(void)
{
    proc_child *child = NULL;
    //! [pty]
    int rc = proc_spawn(&child, PROC_ARGV("cat"), PROC_OPTIONS(.in = PROC_PTY, .out = PROC_PTY, .err = PROC_PTY));
    if (rc == 0)
        proc_write(child, 0, "typed\n\4", 7, 1000); /* 4 is Ctrl-D: the end of file */
    //! [pty]
    CHECK(rc == 0);
    //! [resize]
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) /* after a SIGWINCH of our own */
        proc_child_resize(child, size.ws_row, size.ws_col);
    //! [resize]
    CHECK(proc_child_resize(child, 50, 132) == 0);
    CHECK(proc_wait(child, 10000, NULL) == 0);
    proc_child_free(child);
}

static void wait_for_job(void)
{
    proc_child *job = NULL;
    CHECK(proc_spawn(&job, PROC_ARGV("sh", "-c", "kill -STOP $$"), PROC_OPTIONS(.flags = PROC_NEW_GROUP)) == 0);
    //! [wait_stopped]
    int number;
    int rc = proc_wait_stopped(job, -1, &number);
    if (rc == 1)
        printf("stopped by signal %d\n", number); /* `fg` and `bg` begin with proc_kill(job, SIGCONT, PROC_GROUP) */
    else if (rc == 0)
        printf("done\n"); /* proc_wait() tells how */
    //! [wait_stopped]
    CHECK(rc == 1 && number == SIGSTOP);
    proc_child_free(job);
}

static void run_in_foreground(void)
{
    proc_child *job = NULL;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (tty < 0)
        return;
    //! [give]
    int rc = proc_spawn(&job, PROC_ARGV("true"),
                        PROC_OPTIONS(.flags = PROC_NEW_GROUP, .terminal = PROC_TERMINAL(.foreground = 1)));
    if (rc == 0)
        proc_wait_stopped(job, -1, NULL);
    proc_terminal_give(tty, getpgrp()); /* the terminal is ours again */
    //! [give]
    proc_child_free(job);
    close(tty);
}

int main(void)
{
    proc_child *probe;
    if (proc_spawn(&probe, PROC_ARGV("true"), NULL) == -ENOSYS)
        return 0; /* no pidfds here */
    proc_child_free(probe);
    capture();
    resize();
    wait_for_job();
    run_in_foreground();
    return 0;
}
