/* SPDX-License-Identifier: MIT */
/*
 * What a shell does with processes: `mini_shell [-c TEXT | FILE]`. Words, quotes and pipelines, redirections, jobs behind
 * and in front, `$?`; built in are cd, exit, jobs, fg and bg. On a terminal Ctrl-C and Ctrl-Z go to the job in front.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell_jobs.h"
#include "shell_parse.h"

struct shell {
    int last_status;
    int leaves; /* 1: by exit */
};

static int number_of(const struct command *command)
{
    return command->argc > 1 ? atoi(command->argv[1]) : 0;
}

static int change_directory(const struct command *command)
{
    const char *where = command->argc > 1 ? command->argv[1] : getenv("HOME");
    if (where && chdir(where) == 0)
        return 0;
    fprintf(stderr, "mini_shell: cd: %s: %s\n", where ? where : "HOME", where ? strerror(errno) : "not set");
    return 1;
}

static int leave(struct shell *shell, const struct command *command)
{
    shell->leaves = 1;
    return command->argc > 1 ? number_of(command) & 0xff : shell->last_status;
}

/* What has to happen in the shell itself. 0: the command is none of these. */
static int run_builtin(struct shell *shell, const struct command *command)
{
    const char *name = command->argv[0];
    if (strcmp(name, "cd") == 0)
        shell->last_status = change_directory(command);
    else if (strcmp(name, "exit") == 0)
        shell->last_status = leave(shell, command);
    else if (strcmp(name, "fg") == 0)
        shell->last_status = job_foreground(number_of(command));
    else if (strcmp(name, "bg") == 0)
        shell->last_status = job_background(number_of(command));
    else if (strcmp(name, "jobs") == 0)
        jobs_list(), shell->last_status = 0;
    else
        return 0;
    return 1;
}

static void run_line(struct shell *shell, const char *line)
{
    struct pipeline pipeline;
    const char *complaint;
    int rc = 0;
    while (!shell->leaves && (rc = pipeline_parse(&line, shell->last_status, &pipeline, &complaint)) > 0) {
        if (pipeline.count > 1 || !run_builtin(shell, &pipeline.commands[0]))
            shell->last_status = job_run(&pipeline);
        pipeline_done(&pipeline);
    }
    if (rc < 0) {
        fprintf(stderr, "mini_shell: %s\n", complaint);
        shell->last_status = 2;
    }
}

static void run_lines(struct shell *shell, FILE *from, int interactive)
{
    char *line = NULL;
    size_t room = 0;
    while (!shell->leaves) {
        jobs_report();
        if (interactive)
            fputs("$ ", stderr);
        if (getline(&line, &room, from) < 0)
            break;
        run_line(shell, line);
    }
    free(line);
}

int main(int argc, char *argv[])
{
    struct shell shell = {0};
    FILE *from = stdin;
    int has_text = argc > 1 && strcmp(argv[1], "-c") == 0;
    if (argc > 3 || (has_text && argc != 3) || (!has_text && argc > 2)) {
        fprintf(stderr, "usage: mini_shell [-c TEXT | FILE]\n");
        return 2;
    }
    if (!has_text && argc == 2 && !(from = fopen(argv[1], "re"))) {
        fprintf(stderr, "mini_shell: %s: %s\n", argv[1], strerror(errno));
        return 127;
    }
    int interactive = argc == 1 && isatty(STDIN_FILENO);
    jobs_begin(interactive);
    if (has_text)
        run_line(&shell, argv[2]);
    else
        run_lines(&shell, from, interactive);
    if (from != stdin)
        fclose(from);
    return shell.last_status;
}
