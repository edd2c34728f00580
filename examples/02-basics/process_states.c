/* SPDX-License-Identifier: MIT */
/*
 * Every state that a process can be seen in: a child is brought into each, and /proc is asked what it says. The children
 * are this program again, with the life that they shall lead as their argument.
 */
#define _GNU_SOURCE 1 /* clone, PTRACE_SEIZE */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <proc/proc.h>

#define PATIENCE_MS 10000

/* ---- The child ---- */

static int until_end_of_input(void *unused)
{
    char byte;
    (void)unused;
    return read(STDIN_FILENO, &byte, 1) != 0;
}

/* As vfork(2), the child's memory a copy: a parent that waits in the kernel until its child executes or ends. */
static int wait_as_in_vfork(void)
{
    static _Alignas(16) char stack[64 << 10];
    int pid = clone(until_end_of_input, stack + sizeof stack, CLONE_VFORK | SIGCHLD, NULL);
    return pid < 0 || waitpid(pid, NULL, 0) != pid;
}

static int live(const char *life)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* whatever becomes of us, nothing is left behind */
    if (strcmp(life, "vfork") == 0)
        return wait_as_in_vfork();
    while (strcmp(life, "pause") == 0)
        pause();
    while (strcmp(life, "spin") == 0)
        continue;
    return strcmp(life, "end") == 0 ? 0 : 2;
}

/* ---- The parent ---- */

static const struct example {
    char state;
    const char *life, *reason;
} examples[] = {
    {'R', "spin", "runs, or would if a processor were free"},
    {'S', "pause", "sleeps until a signal comes"},
    {'D', "vfork", "waits in vfork(2), where only a deadly signal wakes it"},
    {'T', "pause", "was stopped by SIGSTOP"},
    {'t', "pause", "was stopped by its tracer"},
    {'Z', "end", "has ended, and its parent has not waited for it"},
};

static int bring_into(proc_child *child, char state)
{
    int pid = proc_child_pid(child);
    if (state == 'T')
        return proc_kill(child, SIGSTOP, PROC_ONE);
    if (state == 't' && (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0))
        return -errno;
    return 0;
}

static int await_state(int pid, char state, proc_status *ret_status)
{
    int64_t end = proc_now_ms() + PATIENCE_MS;
    for (;;) {
        int rc = proc_status_read(PROC_PID(pid), NULL, sizeof *ret_status, ret_status);
        if (rc < 0 || ret_status->state == state)
            return rc;
        if (proc_now_ms() >= end)
            return -ETIMEDOUT;
        poll(NULL, 0, 1);
    }
}

static int show(const struct example *example)
{
    proc_child *child;
    proc_error error;
    proc_status status;
    int rc = proc_spawn(&child, PROC_ARGV("process_states", example->life),
                        PROC_OPTIONS(.program = "/proc/self/exe", .in = PROC_PIPE, .error = &error));
    if (rc < 0)
        return fprintf(stderr, "process_states: %s\n", error.text), -1;
    rc = bring_into(child, example->state);
    if (rc == 0)
        rc = await_state(proc_child_pid(child), example->state, &status);
    if (rc == 0)
        printf("%c (%s)  pid %d  %s\n", status.state, proc_status_state_word(&status), status.pid, example->reason);
    else
        fprintf(stderr, "process_states: %c: %s\n", example->state, strerror(-rc));
    /* The end of its input lets the child of our child go, and so our child, which waits for it. */
    proc_close(child, STDIN_FILENO);
    if (example->state == 'D')
        proc_wait(child, PATIENCE_MS, NULL);
    proc_child_free(child);
    return rc;
}

/* No process can be idle: only threads of the kernel, and those are not to be seen in every pid namespace. */
static void show_idle(void)
{
    proc_walk *walk;
    const proc_entry *entry = NULL;
    char name[4 * sizeof entry->name] = "";
    int pid = 0, rc = proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = PROC_FIELD_STATE | PROC_FIELD_NAME));
    if (rc < 0)
        return;
    while (pid == 0 && proc_walk_next(walk, &entry) > 0)
        if (entry->present & PROC_FIELD_STATE && entry->state == 'I') {
            proc_escape(entry->name, strlen(entry->name), name, sizeof name);
            pid = entry->pid;
        }
    walk = proc_walk_free(walk);
    if (pid > 0)
        printf("I (idle)  pid %d  %s, a thread of the kernel, has nothing to do\n", pid, name);
    else
        puts("I (idle)  a thread of the kernel that has nothing to do; none is to be seen here");
}

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc > 1)
        return live(argv[1]);
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        failed |= show(&examples[i]) < 0;
    show_idle();
    puts("X (dead)  what has been waited for, on its way out: hardly ever caught\n"
         "P (parked)  a thread of the kernel whose processor is switched off");
    return failed;
}
