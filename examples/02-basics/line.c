/* SPDX-License-Identifier: MIT */
#include "line.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOST_ARGUMENTS (128 << 10)               /* a table keeps no more of them */
#define LONGEST_LINE (4 * MOST_ARGUMENTS + 4096) /* all of them escaped, behind the figures and a branch of the tree */

/* As in ps: a name that does not fit is not cut, the number takes its place. */
static void write_user(uint32_t uid, char text[11])
{
    const struct passwd *user = getpwuid(uid);
    if (!user || proc_escape(user->pw_name, strlen(user->pw_name), text, 11) > 10)
        snprintf(text, 11, "%" PRIu32, uid);
}

static int write_figures(const proc_entry *entry, int with_cpu, char *text, size_t size)
{
    char user[11], cpu[16] = "";
    uint64_t seconds = (entry->user_ticks + entry->system_ticks) / (uint64_t)sysconf(_SC_CLK_TCK);
    if (!(entry->present & PROC_FIELD_STATE))
        return snprintf(text, size, "%7d %7s %-10s -", entry->pid, "-", "-");
    write_user(entry->euid, user);
    if (with_cpu)
        snprintf(cpu, sizeof cpu, " %4" PRIu32 ".%" PRIu32, entry->cpu_permille / 10, entry->cpu_permille % 10);
    return snprintf(text, size, "%7d %7d %-10s %c%s %9" PRIu64 " %4" PRIu32 " %5" PRIu64 ":%02d ", entry->pid,
                    entry->ppid, user, entry->state, cpu, entry->rss_kb, entry->threads, seconds / 60,
                    (int)(seconds % 60));
}

/* The arguments with blanks between them; the [name] of who has none: a thread of the kernel, a zombie. */
static void write_command(const proc_entry *entry, char *text, size_t size)
{
    static char words[MOST_ARGUMENTS];
    size_t len = entry->present & PROC_FIELD_CMDLINE ? entry->cmdline.len : 0;
    for (size_t i = 0; i < len; i++)
        words[i] = entry->cmdline.data[i] ? entry->cmdline.data[i] : ' ';
    while (len > 0 && words[len - 1] == ' ')
        len--;
    if (len == 0 && entry->present & PROC_FIELD_NAME)
        len = (size_t)snprintf(words, sizeof words, "[%s]", entry->name);
    proc_escape(words, len, text, size);
}

const char *line_header(int with_cpu)
{
#define HEADER(cpu) "    PID    PPID USER       S" cpu "       RSS  THR     TIME COMMAND"
    return with_cpu ? HEADER("   %CPU") : HEADER("");
}

const char *line_of(const proc_entry *entry, int with_cpu, int depth, int width)
{
    static char line[LONGEST_LINE + 1];
    if (width > LONGEST_LINE)
        width = LONGEST_LINE;
    int len = write_figures(entry, with_cpu, line, sizeof line);
    for (int indent = 2 * depth; indent > 0 && len < width; indent--)
        line[len++] = ' ';
    if (len < width)
        write_command(entry, line + len, (size_t)(width - len) + 1);
    else
        line[width] = '\0';
    return line;
}
