/* SPDX-License-Identifier: MIT */
/*
 * One instance of a program: `pid_file PATH` runs until its input ends. A second one names the first and exits with 1.
 * A file that was left behind is not in the way, since the lock on it died with its holder.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <proc/proc.h>

int main(int argc, char *argv[])
{
    char byte;
    proc_lock *lock;
    proc_error error;
    proc_holder holder;
    if (argc != 2)
        return fprintf(stderr, "usage: pid_file PATH\n"), 2;
    int was_there = access(argv[1], F_OK) == 0;
    int rc = proc_lock_acquire(&lock, argv[1], PROC_LOCK_OPTIONS(.ret_holder = &holder, .error = &error));
    if (rc == -EAGAIN && holder.pid)
        return fprintf(stderr, "already running, pid %d\n", holder.pid), 1;
    if (rc < 0)
        return fprintf(stderr, "pid_file: %s\n", error.text), 1;
    printf("%s, pid %d\n", was_there ? "taken over, the lock was free" : "started", (int)getpid());
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    proc_lock_free(lock);
    return 0;
}
