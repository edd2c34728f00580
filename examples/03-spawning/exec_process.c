/* SPDX-License-Identifier: MIT */
/*
 * Becomes another program: `exec_process [--show-pid] [COMMAND [ARGUMENT...]]`, by default `ls -a -l -h`. The process
 * is the same before and after, and nothing behind the call is ever run. Exits as a shell would if there is no such
 * program: 127, or 126 if it cannot be run.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <proc/proc.h>

int main(int argc, char *argv[])
{
    int shows = argc > 1 && strcmp(argv[1], "--show-pid") == 0;
    int first = shows ? 2 : 1;
    proc_error error;
    if (shows) {
        printf("pid %d\n", (int)getpid());
        fflush(stdout); /* what is left in there would be lost with the program */
    }
    int rc = proc_exec(argc > first ? PROC_STRINGS(argv + first) : PROC_ARGV("ls", "-a", "-l", "-h"),
                       PROC_OPTIONS(.error = &error));
    fprintf(stderr, "exec_process: %s\n", error.text);
    return rc == -ENOENT ? 127 : 126;
}
