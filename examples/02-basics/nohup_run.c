/* SPDX-License-Identifier: MIT */
/*
 * As nohup(1): `nohup_run COMMAND [ARGUMENT...]` runs what shall not end with its terminal. SIGHUP is ignored, which
 * lasts over execve(2); what would go to the terminal is appended to nohup.out, here or at home, for our eyes only.
 * That makes no daemon of it: it stays in the session, and the terminal stays its own until that is closed.
 *
 * Exits as the command does; with 127 if there is none, 126 if it cannot be run, 125 if we fail before.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int terminal; /* where we complain, whatever becomes of standard error */

static int complain(int code, const char *what)
{
    dprintf(terminal, "nohup_run: %s: %s\n", what, strerror(errno));
    return code;
}

static int open_log(char path[PATH_MAX])
{
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    const char *home = getenv("HOME");
    int fd = open(strcpy(path, "nohup.out"), flags, 0600);
    if (fd < 0 && home && snprintf(path, PATH_MAX, "%s/nohup.out", home) < PATH_MAX)
        fd = open(path, flags, 0600);
    return fd;
}

static int leave_terminal(void)
{
    char path[PATH_MAX];
    const int no_output = fcntl(STDOUT_FILENO, F_GETFD) < 0;
    int in = -1, out = -1;
    if (isatty(STDIN_FILENO)) {
        if ((in = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0 || dup2(in, STDIN_FILENO) < 0)
            return complain(125, "/dev/null");
        dprintf(terminal, "nohup_run: ignoring input\n");
    }
    if (isatty(STDOUT_FILENO) || (no_output && isatty(STDERR_FILENO))) {
        if ((out = open_log(path)) < 0 || (!no_output && dup2(out, STDOUT_FILENO) < 0))
            return complain(125, path);
        dprintf(terminal, "nohup_run: appending output to %s\n", path);
    }
    if (isatty(STDERR_FILENO) && dup2(no_output ? out : STDOUT_FILENO, STDERR_FILENO) < 0)
        return complain(125, "standard error");
    return 0;
}

int main(int argc, char **argv)
{
    terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (argc < 2)
        return dprintf(terminal, "usage: nohup_run COMMAND [ARGUMENT...]\n"), 125;
    int code = leave_terminal();
    if (code != 0)
        return code;
    signal(SIGHUP, SIG_IGN);
    execvp(argv[1], argv + 1);
    return complain(errno == ENOENT ? 127 : 126, argv[1]);
}
