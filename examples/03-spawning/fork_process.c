/* SPDX-License-Identifier: MIT */
/*
 * A copy of this process goes on with a function of it. Shown are three things that a copy means: memory is apart,
 * descriptors are not, and what was printed but not written yet is there twice - unless somebody takes care.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <proc/proc.h>

struct shared {
    int x;
    int file;
};

static int in_child(void *arg)
{
    struct shared *shared = arg;
    shared->x = 2;
    printf("child x=%d\n", shared->x);
    return lseek(shared->file, 10, SEEK_CUR) == 10 ? 0 : 1;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "fork_process: %s: %s\n", what, why);
    return 1;
}

int main(void)
{
    struct shared shared = {.x = 1};
    proc_child *child;
    proc_error error;
    proc_exit ended;
    char name[] = "/tmp/fork_process.XXXXXX";
    shared.file = mkstemp(name);
    if (shared.file < 0)
        return fail("mkstemp", "no temporary file");
    unlink(name);

    printf("before: "); /* not written yet where standard output is a file: the copy has it, too, and leaves it to us */
    const int kept = shared.file;
    if (proc_fork(&child, in_child, &shared, PROC_OPTIONS(.fds = PROC_FDS({kept, PROC_FD(kept)}), .error = &error)) < 0)
        return fail("proc_fork", error.text);
    proc_wait(child, -1, &ended);
    proc_child_free(child);
    printf("parent x=%d\n", shared.x);
    printf("the file is at %d, where the child has put it\n", (int)lseek(shared.file, 0, SEEK_CUR));
    close(shared.file);
    return proc_exit_shell(&ended);
}
