/* SPDX-License-Identifier: MIT */
/* One process or thread after the other. Owns its reader and the directories that it lists. */
#include "walk_read.h"

#include <errno.h>
#include <stdlib.h>

struct proc_walk {
    struct reader reader;
    proc_entry entry;
    int pid;             /* whose threads are being listed */
    struct list threads; /* only in a walk of threads */
    struct list processes;
};

static int begin(proc_walk *walk, const struct wanted *wanted)
{
    walk->threads.fd = walk->processes.fd = -1;
    int rc = proc__reader_begin(&walk->reader, wanted, 0);
    return rc < 0 ? rc : proc__reader_list(&walk->reader, &walk->processes);
}

int proc_walk_new(proc_walk **walk, const proc_walk_options *options)
{
    struct wanted wanted;
    if (!walk)
        return -EINVAL;
    int rc = proc__wanted_take(options, &wanted);
    if (rc < 0)
        return rc;
    if ((wanted.options.flags & PROC_WALK_SAMPLE) || (wanted.options.fields & PROC_FIELD_CPU))
        return -EINVAL;
    proc_walk *made = malloc(sizeof *made);
    if (!made)
        return -ENOMEM;
    rc = begin(made, &wanted);
    if (rc < 0)
        proc_walk_free(made);
    else
        *walk = made;
    return rc;
}

/* As proc__list_next(); a list that fails is over, so that who goes on after every error comes to an end. */
static int next_of(struct list *list, int *ret_number)
{
    int rc = proc__list_next(list, ret_number);
    if (rc < 0)
        proc__list_end(list);
    return rc;
}

/* The next thread of this process or of a later one. */
static int next_thread(proc_walk *walk)
{
    int tid, pid, rc;
    for (;;) {
        while ((rc = next_of(&walk->threads, &tid)) > 0) {
            rc = proc__reader_read(&walk->reader, walk->threads.fd, walk->pid, tid, NULL, &walk->entry);
            if (rc != 0)
                return rc;
        }
        proc__list_end(&walk->threads);
        if (rc < 0)
            return rc;
        rc = next_of(&walk->processes, &pid);
        if (rc <= 0)
            return rc;
        walk->pid = pid;
        rc = proc__reader_list_threads(&walk->reader, pid, &walk->threads);
        if (rc < 0)
            return rc;
    }
}

static int next_process(proc_walk *walk)
{
    int pid, rc;
    while ((rc = next_of(&walk->processes, &pid)) > 0) {
        rc = proc__reader_read(&walk->reader, walk->reader.root, pid, pid, NULL, &walk->entry);
        if (rc != 0)
            return rc;
    }
    return rc;
}

int proc_walk_next(proc_walk *walk, const proc_entry **ret_entry)
{
    if (!walk || !ret_entry)
        return -EINVAL;
    int rc = walk->reader.wanted.options.flags & PROC_WALK_THREADS ? next_thread(walk) : next_process(walk);
    if (rc > 0)
        *ret_entry = &walk->entry;
    return rc;
}

proc_walk *proc_walk_free(proc_walk *walk)
{
    if (!walk)
        return NULL;
    proc__list_end(&walk->threads);
    proc__list_end(&walk->processes);
    proc__reader_end(&walk->reader);
    free(walk);
    return NULL;
}
