/* SPDX-License-Identifier: MIT */
/*
 * Starts a program as a daemon, and says truly what has become of it:
 *
 *     daemon [-f] [-n] [-t SECONDS] [-p PIDFILE] COMMAND [ARGUMENT...]
 *
 *     -f  stay in the foreground, as under a supervisor
 *     -n  it is ready when it says so (READY=1 to the socket in NOTIFY_SOCKET), not as soon as it runs
 *     -t  how long that may take; 30
 *     -p  one at a time: a PID file, locked as long as it runs
 *
 * Exits with 0 when the daemon is ready; with its own code, or 128 and the signal, if it ended before; 124 if it is
 * silent; 127 and 126 if there is no such program; 1 if one runs already.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <proc/daemon.h>

static const uint32_t file_mask = 027; /* what it makes is not for others */

/* No fork: the program takes our place, and our lock with it. */
static int run_here(char **argv, const char *pid_file)
{
    proc_daemon *daemon;
    proc_daemon_report report;
    if (proc_daemonize(&daemon, PROC_DAEMON_OPTIONS(.flags = PROC_DAEMON_STAY, .lock = pid_file, .umask = &file_mask),
                       &report) != 0) {
        fprintf(stderr, "%s\n", report.error.text);
        return report.code;
    }
    if (!pid_file || proc_lock_hand_over(proc_daemon_lock(daemon), 1) == 0)
        execvp(argv[0], argv);
    int error = errno;
    fprintf(stderr, "daemon: %s: %s\n", argv[0], strerror(error));
    daemon = proc_daemon_free(daemon);
    return error == ENOENT ? 127 : 126;
}

static int usage(void)
{
    fprintf(stderr, "usage: daemon [-f] [-n] [-t SECONDS] [-p PIDFILE] COMMAND [ARGUMENT...]\n");
    return 2;
}

int main(int argc, char **argv)
{
    proc_daemon_options options = {.size = sizeof options, .umask = &file_mask};
    proc_daemon_report report;
    int option, foreground = 0;
    while ((option = getopt(argc, argv, "+fnt:p:")) != -1)
        switch (option) {
        case 'f': foreground = 1; break;
        case 'n': options.flags |= PROC_DAEMON_NOTIFY; break;
        case 't': options.timeout_ms = (int)(1000 * strtod(optarg, NULL)); break;
        case 'p': options.lock = optarg; break;
        default: return usage();
        }
    if (optind == argc)
        return usage();
    argv += optind;
    if (foreground || proc_supervised())
        return run_here(argv, options.lock);
    if (proc_daemon_spawn(PROC_STRINGS(argv), NULL, &options, &report) == 0)
        printf("started pid %d\n", report.pid);
    else
        fprintf(stderr, "%s\n", report.error.text);
    return report.code;
}
