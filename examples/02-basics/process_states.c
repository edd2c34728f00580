/* SPDX-License-Identifier: MIT */
/* Every state that a process can be seen in: a child is brought into each, and /proc is asked what it says. */
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

/* Whatever becomes of its parent, also before it could say so: nothing is left behind. */
static void end_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        kill(getpid(), SIGKILL);
}

static int sleep_on(void *arg)
{
    const pid_t *parent = arg;
    end_with(*parent);
    return pause();
}

/* The child: on its way into that state, or where it can be brought there. */
static int live(char state, pid_t parent)
{
    static _Alignas(16) char stack[64 << 10];
    pid_t own = getpid();
    end_with(parent);
    if (state == 'Z')
        return 0;
    while (state == 'R')
        (void)getppid();
    /* As vfork(2), the child's memory a copy: the parent waits in the kernel until its child executes or ends. */
    if (state == 'D')
        return clone(sleep_on, stack + sizeof stack, CLONE_VFORK | SIGCHLD, &own);
    return pause();
}

static int bring_into(int pid, char state)
{
    if (state == 'T' && kill(pid, SIGSTOP) < 0)
        return -errno;
    if (state == 't' && (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0))
        return -errno;
    return 0;
}

static int await_state(int pid, char state, proc_status *ret_status)
{
    int64_t until = proc_now_ms() + PATIENCE_MS;
    for (;;) {
        int rc = proc_status_read(PROC_PID(pid), NULL, sizeof *ret_status, ret_status);
        if (rc < 0 || ret_status->state == state)
            return rc;
        if (proc_now_ms() >= until)
            return -ETIMEDOUT;
        poll(NULL, 0, 1);
    }
}

static int show(char state, const char *reason)
{
    proc_status status;
    fflush(stdout); /* so that the copy has nothing left to print */
    pid_t own = getpid(), pid = fork();
    if (pid == 0)
        _exit(live(state, own));
    int rc = pid < 0 ? -errno : bring_into(pid, state);
    if (rc == 0)
        rc = await_state(pid, state, &status);
    if (rc == 0)
        printf("%c (%s)  pid %d  %s\n", status.state, proc_status_state_word(&status), pid, reason);
    else
        fprintf(stderr, "process_states: %c: %s\n", state, strerror(-rc));
    if (pid > 0)
        kill(pid, SIGKILL);
    while (pid > 0 && waitpid(pid, NULL, 0) == pid) /* its stop is told as well as its end */
        continue;
    return rc;
}

/* No process can be idle: only threads of the kernel, and those are not to be seen in every pid namespace. */
static void show_idle(void)
{
    proc_walk *walk;
    const proc_entry *entry;
    char name[4 * sizeof entry->name];
    if (proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = PROC_FIELD_STATE | PROC_FIELD_NAME)) < 0)
        return;
    while (proc_walk_next(walk, &entry) > 0)
        if (entry->present & PROC_FIELD_STATE && entry->state == 'I') {
            proc_escape(entry->name, strlen(entry->name), name, sizeof name);
            printf("I (idle)  pid %d  %s, a thread of the kernel, has nothing to do\n", entry->pid, name);
            proc_walk_free(walk);
            return;
        }
    proc_walk_free(walk);
    puts("I (idle)  a thread of the kernel that has nothing to do; none is to be seen here");
}

int main(void)
{
    static const struct {
        char state;
        const char *reason;
    } examples[] = {
        {'R', "runs, or would if a processor were free"},
        {'S', "sleeps until a signal comes"},
        {'D', "waits in vfork(2), where only a deadly signal wakes it"},
        {'T', "was stopped by SIGSTOP"},
        {'t', "was stopped by its tracer"},
        {'Z', "has ended, and its parent has not waited for it"},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        failed |= show(examples[i].state, examples[i].reason) < 0;
    show_idle();
    puts("X (dead)  what has been waited for, on its way out: hardly ever caught\n"
         "P (parked)  a thread of the kernel whose processor is switched off");
    return failed;
}
