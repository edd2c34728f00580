/* SPDX-License-Identifier: MIT */
/* Takes lines of the small shell apart. Knows nothing of processes. */
#define _GNU_SOURCE 1
#include "shell_parse.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *memory)
{
    if (!memory) {
        perror("mini_shell");
        exit(2);
    }
    return memory;
}

/* ---- A word that grows ---- */

struct word {
    char *text;
    size_t len, room;
};

static void add(struct word *word, const char *text, size_t len)
{
    if (word->len + len + 1 > word->room) {
        word->room = 2 * (word->len + len) + 16;
        word->text = or_die(realloc(word->text, word->room));
    }
    memcpy(word->text + word->len, text, len);
    word->len += len;
    word->text[word->len] = '\0';
}

/* `$?` and `$NAME`: *text is behind the dollar sign. Any other one stands for itself. */
static void add_value(struct word *word, const char **text, int last_status)
{
    char number[16];
    const char *name = *text;
    size_t len = 0;
    if (*name == '?') {
        *text = name + 1;
        add(word, number, (size_t)snprintf(number, sizeof number, "%d", last_status));
        return;
    }
    while (name[len] == '_' || isalpha((unsigned char)name[len]) || (len > 0 && isdigit((unsigned char)name[len])))
        len++;
    if (len == 0) {
        add(word, "$", 1);
        return;
    }
    char *copy = or_die(strndup(name, len));
    const char *value = getenv(copy);
    free(copy);
    add(word, value ? value : "", value ? strlen(value) : 0);
    *text = name + len;
}

/* Up to the closing quote; 0, or -1 if there is none. In single quotes everything stands for itself. */
static int add_quoted(struct word *word, const char **text, char quote, int last_status)
{
    while (**text != quote) {
        char c = *(*text)++;
        if (c == '\0')
            return -1;
        if (quote == '"' && c == '$')
            add_value(word, text, last_status);
        else if (quote == '"' && c == '\\' && **text && strchr("\"\\$", **text))
            add(word, (*text)++, 1);
        else
            add(word, &c, 1);
    }
    (*text)++;
    return 0;
}

/* The next word, to be freed; NULL for a quote that is not closed. There is one at *text. */
static char *take_word(const char **text, int last_status)
{
    struct word word = {0};
    add(&word, "", 0);
    while (**text && !strchr(" \t\n|<>;&", **text)) {
        char c = *(*text)++;
        int rc = 0;
        if (c == '\'' || c == '"')
            rc = add_quoted(&word, text, c, last_status);
        else if (c == '$')
            add_value(&word, text, last_status);
        else if (c != '\\')
            add(&word, &c, 1);
        else if (**text == '\n')
            ++*text;
        else if (**text)
            add(&word, (*text)++, 1);
        if (rc < 0) {
            free(word.text);
            return NULL;
        }
    }
    return word.text;
}

/* ---- Commands ---- */

static void skip_blanks(const char **text)
{
    *text += strspn(*text, " \t");
    if (**text == '#')
        *text += strcspn(*text, "\n");
}

static void add_argument(struct command *command, char *word)
{
    command->argv = or_die(realloc(command->argv, (command->argc + 2) * sizeof *command->argv));
    command->argv[command->argc++] = word;
    command->argv[command->argc] = NULL;
}

/* Where the file's name goes, if *text is at a redirection, which is passed over; or NULL. */
static char **take_redirection(struct command *command, const char **text)
{
    if (strncmp(*text, "2>", 2) == 0)
        return *text += 2, &command->err;
    if (**text == '<')
        return ++*text, &command->in;
    if (**text != '>')
        return NULL;
    command->append = (*text)[1] == '>';
    *text += command->append ? 2 : 1;
    return &command->out;
}

static const char *parse_command(struct command *command, const char **text, int last_status)
{
    for (skip_blanks(text); **text && !strchr("|;&\n", **text); skip_blanks(text)) {
        char **file = take_redirection(command, text);
        if (file)
            skip_blanks(text);
        if (file && (**text == '\0' || strchr("|;&<>\n", **text)))
            return "a file is missing";
        char *word = take_word(text, last_status);
        if (!word)
            return "a quote is not closed";
        if (!file)
            add_argument(command, word);
        else
            free(*file), *file = word;
    }
    return command->argc > 0 ? NULL : "a command is missing";
}

static const char *parse_commands(struct pipeline *pipeline, const char **text, int last_status)
{
    for (;;) {
        pipeline->commands = or_die(realloc(pipeline->commands, (pipeline->count + 1) * sizeof *pipeline->commands));
        struct command *command = &pipeline->commands[pipeline->count++];
        *command = (struct command){0};
        const char *complaint = parse_command(command, text, last_status);
        if (complaint || **text != '|')
            return complaint;
        ++*text;
    }
}

int pipeline_parse(const char **line, int last_status, struct pipeline *ret_pipeline, const char **ret_complaint)
{
    struct pipeline pipeline = {0};
    for (skip_blanks(line); **line == '\n'; skip_blanks(line))
        ++*line;
    const char *begin = *line;
    if (*begin == '\0')
        return 0;
    *ret_complaint = parse_commands(&pipeline, line, last_status);
    if (*ret_complaint) {
        pipeline_done(&pipeline);
        return -1;
    }
    pipeline.background = **line == '&';
    pipeline.text = or_die(strndup(begin, (size_t)(*line - begin)));
    if (**line)
        ++*line;
    *ret_pipeline = pipeline;
    return 1;
}

void pipeline_done(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count; i++) {
        struct command *command = &pipeline->commands[i];
        for (size_t k = 0; k < command->argc; k++)
            free(command->argv[k]);
        free(command->argv);
        free(command->in);
        free(command->out);
        free(command->err);
    }
    free(pipeline->commands);
    free(pipeline->text);
}
