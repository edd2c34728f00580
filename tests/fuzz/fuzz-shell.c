/* SPDX-License-Identifier: MIT */
/* Lines of the small shell: any text is taken apart to its end or refused, and nobody waits in vain for more of it. */
#include "fuzz.h"

#include "../../examples/02-basics/shell_parse.h"

static void check_command(const struct command *command)
{
    PROMISE(command->argc > 0 && command->argv[command->argc] == NULL);
    for (size_t i = 0; i < command->argc; i++)
        PROMISE(command->argv[i]);
    for (int fd = 0; fd < 3; fd++) {
        const struct redirection *redirection = &command->on[fd];
        PROMISE((redirection->kind == TO_NOTHING_ELSE) == (redirection->file == NULL));
    }
    PROMISE(command->on[0].kind != TO_THE_OTHER);
    PROMISE(command->on[1].kind != TO_THE_OTHER || command->on[2].kind != TO_THE_OTHER);
}

static void check_pipeline(const struct pipeline *pipeline, const char *begin, const char *end)
{
    PROMISE(end > begin && pipeline->count > 0 && strlen(pipeline->text) <= (size_t)(end - begin));
    for (size_t i = 0; i < pipeline->count; i++)
        check_command(&pipeline->commands[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pipeline pipeline;
    const char *complaint = NULL;
    char *text = malloc(size + 1);
    PROMISE(text);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    int rc, goes_on = text_goes_on(text);
    const char *line = text, *begin = text;
    for (; (rc = pipeline_parse(&line, 7, &pipeline, &complaint)) > 0; begin = line) {
        check_pipeline(&pipeline, begin, line);
        pipeline_done(&pipeline);
    }
    PROMISE(rc == 0 ? *line == '\0' : complaint != NULL);
    /* A quote that is open at the end is read on, unless a complaint came first. */
    if (rc < 0 && strcmp(complaint, "a quote is not closed") == 0)
        PROMISE(goes_on);
    free(text);
    return 0;
}
