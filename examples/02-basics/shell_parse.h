/* SPDX-License-Identifier: MIT */
/* Lines of the small shell: words, quotes, `$?` and `$NAME`, `|`, `<`, `>`, `>>`, `2>`, `2>&1`, `;`, `&` and `#`. */
#ifndef SHELL_PARSE_H
#define SHELL_PARSE_H

#include <stddef.h>

/* The other: of 1 and 2. */
enum redirected { TO_NOTHING_ELSE, TO_FILE, TO_END_OF_FILE, TO_THE_OTHER };

struct redirection {
    enum redirected kind;
    char *file;
};

/* One program of a pipeline. */
struct command {
    char **argv; /* ended by NULL; never empty */
    size_t argc;
    struct redirection on[3]; /* by descriptor */
};

/* `a | b | c`, and an `&` or not. */
struct pipeline {
    struct command *commands;
    size_t count;
    int background;
    char *text; /* as it was typed */
};

/* Memory, or the end of the shell. */
void *or_die(void *memory);

/* 1: more lines belong to this text: a quote is open, or it ends with a backslash or a `|`. */
int text_goes_on(const char *text);
/*
 * Takes the next pipeline from *line, and moves *line behind it. 1: there is one, to be given back; 0: there is none;
 * -1: what stands there is no command, and *ret_complaint says why.
 */
int pipeline_parse(const char **line, int last_status, struct pipeline *ret_pipeline, const char **ret_complaint);
void pipeline_done(struct pipeline *pipeline);

#endif
