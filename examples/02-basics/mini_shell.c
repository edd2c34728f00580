/* SPDX-License-Identifier: MIT */
/*
 * What a shell does with processes: `mini_shell [-c TEXT | FILE]`. Words, quotes and pipelines, redirections, jobs
 * behind and in front, `$?`; built in are cd, exit, jobs, fg and bg. On a terminal Ctrl-C and Ctrl-Z go to the job in
 * front.
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

/* ---- What has to happen in the shell itself ---- */

/* What stands for `otherwise` if it is not said; -1: no number. */
static int number_of(const struct command *command, int otherwise)
{
    const char *text = command->argc > 1 ? command->argv[1] : NULL;
    char *end;
    if (!text)
        return otherwise;
    text += *text == '%';
    long number = strtol(text, &end, 10);
    return end == text || *end != '\0' || number < 0 || number > 0xffff ? -1 : (int)number;
}

static int change_directory(struct shell *shell, const struct command *command)
{
    const char *where = command->argc > 1 ? command->argv[1] : getenv("HOME");
    (void)shell;
    if (where && chdir(where) == 0)
        return 0;
    fprintf(stderr, "mini_shell: cd: %s: %s\n", where ? where : "HOME", where ? strerror(errno) : "not set");
    return 1;
}

static int leave(struct shell *shell, const struct command *command)
{
    int number = number_of(command, shell->last_status);
    shell->leaves = 1;
    if (number >= 0)
        return number & 0xff;
    fprintf(stderr, "mini_shell: exit: %s: no number\n", command->argv[1]);
    return 2;
}

static int go_on_in_front(struct shell *shell, const struct command *command)
{
    (void)shell;
    return job_foreground(number_of(command, 0));
}

static int go_on_behind(struct shell *shell, const struct command *command)
{
    (void)shell;
    return job_background(number_of(command, 0));
}

static int list_jobs(struct shell *shell, const struct command *command)
{
    (void)shell, (void)command;
    jobs_list();
    return 0;
}

static const struct builtin {
    const char *name;
    int (*run)(struct shell *shell, const struct command *command);
} builtins[] = {
    {"cd", change_directory}, {"exit", leave}, {"fg", go_on_in_front}, {"bg", go_on_behind}, {"jobs", list_jobs},
};

/* NULL: it is a program, or programs. */
static const struct builtin *builtin_of(const struct pipeline *pipeline)
{
    for (size_t i = 0; pipeline->count == 1 && i < sizeof builtins / sizeof builtins[0]; i++)
        if (strcmp(pipeline->commands[0].argv[0], builtins[i].name) == 0)
            return &builtins[i];
    return NULL;
}

static int run_builtin(struct shell *shell, const struct builtin *builtin, const struct pipeline *pipeline)
{
    const struct command *command = &pipeline->commands[0];
    const struct redirection *on = command->on;
    if (!on[0].file && !on[1].file && !on[2].file && !pipeline->background)
        return builtin->run(shell, command);
    fprintf(stderr, "mini_shell: %s: redirections and & are for programs\n", builtin->name);
    return 2;
}

/* ---- Lines ---- */

static void run_line(struct shell *shell, const char *line)
{
    struct pipeline pipeline;
    const char *complaint;
    int rc = 0;
    while (!shell->leaves && (rc = pipeline_parse(&line, shell->last_status, &pipeline, &complaint)) > 0) {
        const struct builtin *builtin = builtin_of(&pipeline);
        shell->last_status = builtin ? run_builtin(shell, builtin, &pipeline) : job_run(&pipeline);
        pipeline_done(&pipeline);
    }
    if (rc < 0) {
        fprintf(stderr, "mini_shell: %s\n", complaint);
        shell->last_status = 2;
    }
}

/* Reads a line, with those that belong to it. To be freed; NULL at the end. */
static char *read_line(FILE *from, int interactive)
{
    char *text = NULL, *line = NULL;
    size_t len = 0, room = 0;
    do {
        if (interactive)
            fputs(text ? "> " : "$ ", stderr);
        ssize_t got = getline(&line, &room, from);
        if (got < 0)
            break;
        text = or_die(realloc(text, len + (size_t)got + 1));
        memcpy(text + len, line, (size_t)got + 1);
        len += (size_t)got;
    } while (text_goes_on(text));
    free(line);
    return text;
}

static void run_lines(struct shell *shell, FILE *from, int interactive)
{
    while (!shell->leaves) {
        jobs_report();
        char *text = read_line(from, interactive);
        if (!text)
            break;
        run_line(shell, text);
        free(text);
    }
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
    jobs_end();
    return shell.last_status;
}
