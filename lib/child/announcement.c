/* SPDX-License-Identifier: MIT */
/*
 * Announces descriptors to a child as sd_listen_fds(3) expects it, and keeps from it what was announced to us. The
 * number of the child is not known before the child is there: room is left for it. Owns the text and the list.
 */
#include "announcement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/step.h"
#include "environment.h"

#define FIRST_FD 3
#define LONGEST_NAME 255

static const char fds_variable[] = "LISTEN_FDS=", pid_variable[] = "LISTEN_PID=", names_variable[] = "LISTEN_FDNAMES=";

/* ---- The request ---- */

/* That no number is there twice is looked at elsewhere. */
int proc__announcement_is_dense(const proc_slots *fds)
{
    for (size_t i = 0; i < fds->count; i++)
        if ((size_t)fds->items[i].number >= FIRST_FD + fds->count)
            return 0;
    return fds->count > 0;
}

static int is_name(const char *name)
{
    size_t len = 0;
    for (; name[len] != '\0'; len++)
        if (name[len] <= 0x20 || name[len] >= 0x7f || name[len] == ':')
            return 0;
    return len > 0 && len <= LONGEST_NAME;
}

const char *proc__announcement_check_names(const char *const *names, size_t count)
{
    size_t i = 0;
    for (; names[i]; i++)
        if (!is_name(names[i]))
            return ".start->listen_names: 1 to 255 printable letters, no colon";
    return i == count ? NULL : ".start->listen_names: one for each of .fds";
}

/* ---- The environment ---- */

/* As text: a number with our digits and something else around is not ours. */
static int is_meant_for_us(const char *const *env)
{
    char pid[16];
    const char *meant = proc__environment_get(env, "LISTEN_PID");
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    return meant && strcmp(meant, pid) == 0;
}

static size_t size_of_names(const char *const *names)
{
    size_t size = sizeof names_variable;
    for (; names && *names; names++)
        size += strlen(*names) + 1;
    return size;
}

static void write_names(char *text, const char *const *names)
{
    text = stpcpy(text, names_variable);
    for (size_t i = 0; names[i]; i++) {
        if (i > 0)
            *text++ = ':';
        text = stpcpy(text, names[i]);
    }
}

/* At `at`, ended by the zeros of the list. 0 or -ENOMEM. */
static int add_variables(struct announcement *announcement, const struct request *request, const char **at)
{
    enum { NUMBER_ROOM = sizeof fds_variable + DECIMAL_ROOM };
    const char *const *names = request->start.listen_names;
    char *text = malloc(2 * NUMBER_ROOM + size_of_names(names));
    if (!text)
        return -ENOMEM;
    char *pid = text + NUMBER_ROOM, *named = text + 2 * NUMBER_ROOM;
    announcement->text = text;
    announcement->pid = stpcpy(pid, pid_variable);
    snprintf(text, NUMBER_ROOM, "%s%u", fds_variable, (unsigned)request->options.fds.count);
    if (names)
        write_names(named, names);
    *at++ = text;
    *at++ = pid;
    *at++ = names ? named : "LISTEN_FDNAMES";
    *at++ = "LISTEN_PIDFDID";
    return 0;
}

int proc__announcement_make(struct announcement *ret_announcement, const struct request *request,
                            const char *const *env)
{
    static const char *const ours[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"};
    enum { OURS = sizeof ours / sizeof ours[0] };
    const proc_options *options = &request->options;
    int announces = (options->flags & PROC_LISTEN_FDS) != 0;
    int is_ours = !options->env && is_meant_for_us(env);
    *ret_announcement = (struct announcement){0};
    if (!announces && !is_ours)
        return 0;

    size_t given = proc__strings_count(options->env_edit);
    const char **at = calloc(OURS + given + OURS + 1, sizeof *at); /* each may be taken away first, and told last */
    if (!at)
        return -ENOMEM;
    ret_announcement->edits = at;
    for (size_t i = 0; is_ours && i < OURS; i++)
        *at++ = ours[i];
    for (size_t i = 0; i < given; i++)
        *at++ = options->env_edit[i];
    return announces ? add_variables(ret_announcement, request, at) : 0;
}

void proc__announcement_done(struct announcement *announcement)
{
    free(announcement->edits);
    free(announcement->text);
    *announcement = (struct announcement){0};
}

/* ---- In the new process ---- */

void proc__announcement_fill_in(char *pid)
{
    proc__step_decimal(pid, (unsigned)proc__step_call(SYS_getpid, 0, 0, 0));
}
