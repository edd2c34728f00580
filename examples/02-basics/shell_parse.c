/* SPDX-License-Identifier: MIT */
/* Takes lines of the small shell apart. Knows nothing of processes. */
#define _GNU_SOURCE 1
#include "shell_parse.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *or_die(void *memory)
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
    for (*text += strspn(*text, " \t"); strncmp(*text, "\\\n", 2) == 0; *text += strspn(*text, " \t"))
        *text += 2;
    if (**text == '#')
        *text += strcspn(*text, "\n");
}

static void skip_lines(const char **text)
{
    for (skip_blanks(text); **text == '\n'; skip_blanks(text))
        ++*text;
}

static void add_argument(struct command *command, char *word)
{
    command->argv = or_die(realloc(command->argv, (command->argc + 2) * sizeof *command->argv));
    command->argv[command->argc++] = word;
    command->argv[command->argc] = NULL;
}

/* Passes over the sign of a redirection: *ret_kind is what it is, and returned is of which descriptor; -1: none. */
static int take_sign(const char **text, enum redirected *ret_kind)
{
    const char *at = *text;
    int fd = *at == '<' ? 0 : 1;
    if ((at[0] == '1' || at[0] == '2') && at[1] == '>')
        fd = *at++ - '0';
    if (*at != '<' && *at != '>')
        return -1;
    *ret_kind = TO_FILE;
    if (strncmp(at, ">>", 2) == 0)
        *ret_kind = TO_END_OF_FILE, at++;
    else if (strncmp(at, ">&", 2) == 0)
        *ret_kind = TO_THE_OTHER, at++;
    *text = at + 1;
    return fd;
}

/* For one that has been redirected to what the other one was at that time, it is too late to change that. */
static const char *redirect(struct command *command, int fd, enum redirected kind, char *target)
{
    struct redirection *other = &command->on[fd == 1 ? 2 : 1];
    struct redirection before = command->on[fd];
    int is_followed = fd > 0 && other->kind == TO_THE_OTHER;
    command->on[fd] = (struct redirection){kind, target};
    free(before.file);
    if (is_followed)
        return "2>&1 stands before the > that it is about";
    if (kind == TO_THE_OTHER && strcmp(target, fd == 1 ? "2" : "1") != 0)
        return "behind >& a 1 or 2 is missing";
    return NULL;
}

static const char *parse_command(struct command *command, const char **text, int last_status)
{
    const char *complaint = NULL;
    for (skip_blanks(text); !complaint && **text && !strchr("|;&\n", **text); skip_blanks(text)) {
        enum redirected kind;
        int fd = take_sign(text, &kind);
        if (fd >= 0)
            skip_blanks(text);
        if (fd >= 0 && (**text == '\0' || strchr("|;&<>\n", **text)))
            return "a file is missing";
        char *word = take_word(text, last_status);
        if (!word)
            return "a quote is not closed";
        if (fd < 0)
            add_argument(command, word);
        else
            complaint = redirect(command, fd, kind, word);
    }
    return complaint || command->argc > 0 ? complaint : "a command is missing";
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
        skip_lines(text);
    }
}

int text_goes_on(const char *text)
{
    char quote = '\0', last = '\n';
    int begins = 1; /* a word: there a # begins a remark */
    for (char c; (c = *text); begins = !quote && strchr(" \t\n|<>;&", c)) {
        text++;
        if (c == '\\' && quote != '\'') {
            if (strcmp(text, "\n") == 0)
                return 1;
            text += *text != '\0';
            last = c;
        } else if (quote || c == '\'' || c == '"') {
            quote = quote == '\0' ? c : c == quote ? '\0' : quote;
            last = c;
        } else if (c == '#' && begins)
            text += strcspn(text, "\n");
        else if (!strchr(" \t\n", c))
            last = c;
    }
    return quote != '\0' || last == '|';
}

int pipeline_parse(const char **line, int last_status, struct pipeline *ret_pipeline, const char **ret_complaint)
{
    struct pipeline pipeline = {0};
    skip_lines(line);
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
        for (int fd = 0; fd < 3; fd++)
            free(command->on[fd].file);
    }
    free(pipeline->commands);
    free(pipeline->text);
}
