/* SPDX-License-Identifier: MIT */
/*
 * Jobs are pipelines of the library. On a terminal each is a process group of its own; the group in the foreground gets
 * what is typed, Ctrl-C and Ctrl-Z included, and the shell takes the terminal back when that job ends or stops. Without
 * a terminal a job stays in the shell's group.
 */
#include "shell_jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <proc/proc.h>

#define TTY STDIN_FILENO
#define MOST_TRIES 16
#define OF_THE_SHELL \
    (PROC_SIGNAL(SIGINT) | PROC_SIGNAL(SIGQUIT) | PROC_SIGNAL(SIGTSTP) | PROC_SIGNAL(SIGTTIN) | PROC_SIGNAL(SIGTTOU))

struct job {
    int number;
    char *text;
    proc_child **stages;
    size_t count;
    int stopped_by;       /* a signal; 0: it is not stopped */
    struct termios modes; /* of the terminal when it was stopped in front */
    int has_modes;
    struct job *next; /* the one that was started before */
};

static struct job *jobs;
static int has_terminal;
static struct termios usual; /* how the shell wants its terminal */
static pid_t before;         /* the group that had the terminal */

/*
 * A shell that is started behind another job must not touch the terminal: it stops until somebody puts it in front. 0:
 * there is nobody who would, or the terminal is not ours.
 */
static int wait_for_the_front(void)
{
    signal(SIGTTIN, SIG_DFL);
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        before = tcgetpgrp(TTY);
        if (before < 0 || before == getpgrp())
            return before > 0;
        kill(0, SIGTTIN);
    }
    return 0;
}

void jobs_begin(int interactive)
{
    if (!interactive)
        return;
    has_terminal = wait_for_the_front();
    if (!has_terminal) {
        fprintf(stderr, "mini_shell: the terminal is not ours: no job control\n");
        return;
    }
    /* Typed signals are for the jobs. */
    for (int signal_number = 1; signal_number < 32; signal_number++)
        if (OF_THE_SHELL & PROC_SIGNAL(signal_number))
            signal(signal_number, SIG_IGN);
    setpgid(0, 0);
    proc_terminal_give(TTY, (int)getpgrp());
    tcgetattr(TTY, &usual);
}

void jobs_end(void)
{
    if (has_terminal)
        proc_terminal_give(TTY, (int)before);
}

/* ---- Starting ---- */

/* What a redirection is for the library; the other: 1 for 2, and 2 for 1. */
static proc_stdio stdio_of(const struct redirection *redirection, int other)
{
    switch (redirection->kind) {
    case TO_FILE: return PROC_PATH(redirection->file);
    case TO_END_OF_FILE: return PROC_APPEND(redirection->file);
    case TO_THE_OTHER: return PROC_SAME_AS(other);
    default: return (proc_stdio){0};
    }
}

static proc_options options_of(const struct command *command)
{
    return (proc_options){
        .size = sizeof(proc_options),
        .in = stdio_of(&command->on[0], 0),
        .out = stdio_of(&command->on[1], 2),
        .err = stdio_of(&command->on[2], 1),
    };
}

static int start(struct job *job, const struct pipeline *pipeline, proc_error *error)
{
    proc_options *each = calloc(pipeline->count, sizeof *each);
    proc_request *requests = calloc(pipeline->count + 1, sizeof *requests);
    int rc = -1;
    if (each && requests) {
        for (size_t i = 0; i < pipeline->count; i++) {
            each[i] = options_of(&pipeline->commands[i]);
            requests[i] = (proc_request){PROC_STRINGS(pipeline->commands[i].argv), &each[i]};
        }
        if (!has_terminal && pipeline->background && !pipeline->commands[0].on[0].file)
            each[0].in = PROC_NULL;
        int in_front = has_terminal && !pipeline->background;
        rc = proc_spawn_pipeline(job->stages, requests,
                                 PROC_OPTIONS(.flags = has_terminal ? PROC_NEW_GROUP : 0,
                                              .terminal = in_front ? PROC_TERMINAL(.foreground = 1) : NULL,
                                              .signals = has_terminal ? PROC_DISPOSITIONS(.reset = OF_THE_SHELL) : NULL,
                                              .error = error));
    }
    free(each);
    free(requests);
    return rc < 0 ? -1 : 0;
}

static struct job *job_new(const struct pipeline *pipeline)
{
    struct job *job = or_die(calloc(1, sizeof *job));
    proc_child **stages = or_die(calloc(pipeline->count, sizeof(proc_child *)));
    char *text = or_die(strdup(pipeline->text));
    *job =
        (struct job){.number = jobs ? jobs->number + 1 : 1, .text = text, .stages = stages, .count = pipeline->count};
    return job;
}

static void job_free(struct job *job)
{
    for (size_t i = job->count; i > 0; i--)
        proc_child_free(job->stages[i - 1]);
    free(job->stages);
    free(job->text);
    free(job);
}

static void forget(struct job *job)
{
    struct job **at = &jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    job_free(job);
}

/* ---- Waiting ---- */

/*
 * 0: all stages have ended; 1: one is stopped; -1: it runs on. Nothing is taken away, so that the group keeps its name.
 * Without a terminal nobody could go on with what is stopped but he who has stopped it, so that is no news for us.
 */
static int look_at(struct job *job, int timeout_ms)
{
    job->stopped_by = 0;
    for (size_t i = 0; i < job->count; i++) {
        int rc = has_terminal ? proc_wait_stopped(job->stages[i], timeout_ms, &job->stopped_by)
                              : proc_wait(job->stages[i], timeout_ms, NULL);
        if (rc != 0)
            return rc > 0 ? 1 : -1;
    }
    return 0;
}

/* The leader of the group is waited for last. */
static proc_exit end_of(const struct job *job)
{
    proc_exit last = {0};
    for (size_t i = job->count; i > 0; i--) {
        proc_exit ended;
        if (proc_wait(job->stages[i - 1], -1, &ended) == 0 && i == job->count)
            last = ended;
    }
    if (last.kind == PROC_SIGNALED && last.code != SIGINT && last.code != SIGPIPE) {
        char text[80];
        proc_exit_text(&last, text, sizeof text);
        fprintf(stderr, "%s: %s\n", job->text, text);
    }
    return last;
}

/* What a job has left behind that ended by itself is meant, as by stty(1); not what one had made for its own use. */
static void take_terminal_back(int keeps_modes)
{
    if (!has_terminal)
        return;
    proc_terminal_give(TTY, (int)getpgrp());
    if (keeps_modes)
        tcgetattr(TTY, &usual);
    else
        tcsetattr(TTY, TCSADRAIN, &usual);
}

static int wait_for(struct job *job)
{
    if (look_at(job, -1) == 1) {
        job->has_modes = tcgetattr(TTY, &job->modes) == 0;
        take_terminal_back(0);
        fprintf(stderr, "\n[%d] stopped  %s\n", job->number, job->text);
        return 128 + job->stopped_by;
    }
    proc_exit ended = end_of(job);
    take_terminal_back(ended.kind == PROC_EXITED);
    forget(job);
    return proc_exit_shell(&ended);
}

/* As other shells tell them apart: a file that a redirection names, a program that is not there, any other reason. */
static int status_of_failure(const proc_error *error)
{
    if (error->step == PROC_STEP_OPEN)
        return 1;
    return error->step == PROC_STEP_SEARCH || error->code == ENOENT ? 127 : 126;
}

int job_run(const struct pipeline *pipeline)
{
    proc_error error = {0};
    struct job *job = job_new(pipeline);
    if (start(job, pipeline, &error) < 0) {
        fprintf(stderr, "mini_shell: %s\n", error.text[0] ? error.text : "cannot start");
        job->count = 0;
        job_free(job);
        return status_of_failure(&error);
    }
    job->next = jobs;
    jobs = job;
    if (!pipeline->background)
        return wait_for(job);
    if (has_terminal)
        fprintf(stderr, "[%d] %d\n", job->number, proc_child_pid(job->stages[0]));
    return 0;
}

/* ---- Jobs by number ---- */

static struct job *find(int number)
{
    struct job *job = jobs;
    while (job && number != 0 && job->number != number)
        job = job->next;
    if (!job)
        fprintf(stderr, "mini_shell: no such job\n");
    return job;
}

static void go_on(struct job *job)
{
    job->stopped_by = 0;
    proc_kill(job->stages[0], SIGCONT, has_terminal ? PROC_GROUP : PROC_ONE);
}

int job_foreground(int number)
{
    struct job *job = find(number);
    if (!job)
        return 1;
    if (job->has_modes)
        tcsetattr(TTY, TCSADRAIN, &job->modes);
    if (has_terminal)
        proc_terminal_give(TTY, proc_child_pid(job->stages[0]));
    go_on(job);
    /* Only now: who reads it may type for the job at once. */
    fprintf(stderr, "%s\n", job->text);
    return wait_for(job);
}

int job_background(int number)
{
    struct job *job = find(number);
    if (!job)
        return 1;
    go_on(job);
    fprintf(stderr, "[%d] %s &\n", job->number, job->text);
    return 0;
}

void jobs_list(void)
{
    for (const struct job *job = jobs; job; job = job->next)
        printf("[%d] %s  %s\n", job->number, job->stopped_by ? "stopped" : "running", job->text);
    fflush(stdout);
}

void jobs_report(void)
{
    struct job *next;
    for (struct job *job = jobs; job; job = next) {
        next = job->next;
        int was_stopped = job->stopped_by, seen = look_at(job, 0);
        if (has_terminal && (seen == 0 || (seen == 1 && !was_stopped)))
            fprintf(stderr, "[%d] %s  %s\n", job->number, seen == 0 ? "ended  " : "stopped", job->text);
        if (seen != 0)
            continue;
        (void)end_of(job);
        forget(job);
    }
}
