/* SPDX-License-Identifier: MIT */
/*
 * The three names of a process: argv[0], which whoever starts it makes up; comm, 15 bytes that it may change itself;
 * and the file that it runs.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include <proc/proc.h>

static int show_names(const char *argv0)
{
    proc_status status;
    char comm[4 * sizeof status.name], exe[PATH_MAX];
    int64_t rc = proc_status_read(PROC_SELF, NULL, sizeof status, &status);
    if (rc == 0)
        rc = proc_link_read(PROC_SELF, PROC_LINK_EXE, exe, sizeof exe, NULL);
    if (rc < 0)
        return fprintf(stderr, "process_name: /proc: %s\n", strerror((int)-rc)), 1;
    /* A process may put anything into its name, also what drives a terminal. */
    proc_escape(status.name, status.name_len, comm, sizeof comm);
    printf("argv[0]=%s comm=%s exe=%s\n", argv0, comm, exe);
    return 0;
}

static int show_false_name(void)
{
    proc_error error;
    proc_result result;
    int rc = proc_run(&result, PROC_ARGV("not-what-it-seems", "child"),
                      PROC_OPTIONS(.program = "/proc/self/exe", .error = &error));
    if (rc < 0)
        fprintf(stderr, "process_name: %s\n", error.text);
    int failed = rc < 0 || !proc_result_ok(&result);
    proc_result_done(&result);
    return failed;
}

int main(int argc, char **argv)
{
    if (show_names(argv[0]))
        return 1;
    if (argc > 1)
        return 0;
    prctl(PR_SET_NAME, "a-very-long-name");
    if (show_names(argv[0]))
        return 1;
    fflush(stdout);
    return show_false_name();
}
