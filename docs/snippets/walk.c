/* SPDX-License-Identifier: MIT */
/* The snippets of identities, walks and tables, as in snippets.c. */
#include "snippet.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int sleeper(void)
{
    int pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void end(int pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void identity(void)
{
    int pid = sleeper();
    //! [identity]
    proc_identity then, now;
    int rc = proc_identity_get(PROC_PID(pid), &then);
    /* ... later, perhaps in another program ... */
    int the_same = rc == 0 && proc_identity_get(PROC_PID(pid), &now) == 0 && proc_identity_same(&then, &now);
    //! [identity]
    CHECK(the_same);
    end(pid);
}

static void exit_of_others(void)
{
    int pid = sleeper();
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        end(pid);
        return;
    }
    //! [exit_get]
    proc_exit ended;
    if (proc_exit_get(PROC_PIDFD(pidfd), &ended) == 0 && ended.kind == PROC_RUNNING)
        puts("still there");
    //! [exit_get]
    CHECK(ended.kind == PROC_RUNNING);
    end(pid);
    //! [exit_wait]
    char words[64];
    if (proc_exit_wait(PROC_PIDFD(pidfd), 5000, &ended) == 0 && proc_exit_text(&ended, words, sizeof words) >= 0)
        puts(words); /* killed by SIGKILL; or: ended, not reaped yet */
    //! [exit_wait]
    CHECK(ended.kind == PROC_LOST || (ended.kind == PROC_SIGNALED && ended.code == SIGKILL));
    close(pidfd);
}

static void field_cost(void)
{
    uint64_t fields = 0;
    //! [field_cost]
    if (geteuid() == 0 && proc_field_cost(PROC_FIELD_IO) == PROC_COST_PRIVILEGED)
        fields |= PROC_FIELD_IO;
    //! [field_cost]
    CHECK(fields == (geteuid() == 0 ? PROC_FIELD_IO : 0));
}

static int print_names(void)
{
    //! [walk]
    proc_walk *walk;
    const proc_entry *entry;
    int rc = proc_walk_new(&walk, PROC_WALK_OPTIONS(.fields = PROC_FIELD_NAME | PROC_FIELD_USER));
    if (rc < 0)
        return rc;
    while ((rc = proc_walk_next(walk, &entry)) > 0) {
        char name[4 * sizeof entry->name];
        if (entry->present & PROC_FIELD_NAME && proc_escape(entry->name, strlen(entry->name), name, sizeof name) >= 0)
            printf("%d %s\n", entry->pid, name);
    }
    walk = proc_walk_free(walk);
    //! [walk]
    return rc;
}

static int print_table(void)
{
    //! [table]
    proc_table *table;
    int rc = proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_NAME | PROC_FIELD_RSS));
    if (rc < 0)
        return rc;
    proc_table_sort(table, PROC_FIELD_RSS, 1);
    for (size_t i = 0; i < proc_table_count(table) && i < 5; i++)
        printf("%d %" PRIu64 " kB\n", proc_table_at(table, i)->pid, proc_table_at(table, i)->rss_kb);
    table = proc_table_free(table);
    //! [table]
    return rc;
}

static void refresh(void)
{
    proc_table *table = NULL;
    int seconds = 1;
    CHECK(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_CPU, .flags = PROC_WALK_SAMPLE)) == 0);
    //! [table_refresh]
    while (seconds-- > 0 && usleep(100000) == 0 && proc_table_refresh(table) > 0) {
        proc_table_sort(table, PROC_FIELD_CPU, 1);
        const proc_entry *busiest = proc_table_at(table, 0);
        if (busiest->present & PROC_FIELD_CPU)
            printf("%d: %u.%u %%\n", busiest->pid, busiest->cpu_permille / 10, busiest->cpu_permille % 10);
    }
    //! [table_refresh]
    CHECK(proc_table_count(table) > 0);
    proc_table_free(table);
}

//! [table_tree]
static int count_below(const proc_table *table, const proc_entry *entry)
{
    int count = 0;
    for (const proc_entry *child = proc_table_child(table, entry); child; child = proc_table_sibling(table, child))
        count += 1 + count_below(table, child);
    return count;
}
//! [table_tree]

static void tree(void)
{
    proc_table *table = NULL;
    int pid = sleeper();
    CHECK(proc_table_new(&table, PROC_WALK_OPTIONS(.fields = PROC_FIELD_PARENT)) == 0);
    CHECK(count_below(table, proc_table_find(table, getpid())) == 1);
    proc_table_free(table);
    end(pid);
}

int main(void)
{
    field_cost();
    CHECK(print_names() == 0);
    CHECK(print_table() == 0);
    refresh();
    tree();
    identity();
    exit_of_others();
    return 0;
}
