/* SPDX-License-Identifier: MIT */
/* libproc2 of procps, if the build found it, and psutil, if a Python on the machine has it. Owns both until the end. */
#include "peers.h"

#include "bench.h"

#include <stdio.h>

#include <proc/proc.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

static const struct peer *present[3];
static int present_count;

/* ---- libproc2 ---- */

#ifdef HAVE_LIBPROC2
#include <libproc2/pids.h>

static struct pids_info *of_pids, *of_statuses, *of_times;

static struct pids_info *info_for(enum pids_item *items, int count)
{
    struct pids_info *info = NULL;
    int rc = procps_pids_new(&info, items, count);
    if (rc < 0)
        bench_die("procps_pids_new", -rc);
    return info;
}

static void reap(struct pids_info *info)
{
    const struct pids_fetch *fetch = procps_pids_reap(info, PIDS_FETCH_TASKS_ONLY);
    if (!fetch || fetch->counts->total < 1)
        bench_die("procps_pids_reap", 0);
}

static void procps_pids(const void *peer)
{
    (void)peer;
    reap(of_pids);
}

static void procps_statuses(const void *peer)
{
    (void)peer;
    reap(of_statuses);
}

static void procps_times(const void *peer)
{
    (void)peer;
    reap(of_times);
}

static const struct peer procps = {"libproc2", procps_pids, procps_statuses, procps_times};

static void begin_procps(void)
{
    enum pids_item pids[] = {PIDS_ID_PID}, statuses[] = {PIDS_ID_PID, PIDS_ID_EUID, PIDS_VM_RSS, PIDS_VM_SWAP},
                   times[] = {PIDS_ID_PID, PIDS_TICS_USER, PIDS_TICS_SYSTEM};
    of_pids = info_for(pids, COUNT(pids));
    of_statuses = info_for(statuses, COUNT(statuses));
    of_times = info_for(times, COUNT(times));
    present[present_count++] = &procps;
}

static void end_procps(void)
{
    procps_pids_unref(&of_pids);
    procps_pids_unref(&of_statuses);
    procps_pids_unref(&of_times);
}
#else
static void begin_procps(void)
{
    fputs("libproc2 was not there when this was built\n", stderr);
}

static void end_procps(void)
{
}
#endif

/* ---- psutil ---- */

/* Does what a letter asks for and answers with the same letter. */
static const char script[] =
    "import sys, psutil\n"
    "def walk(attrs):\n"
    "    for process in psutil.process_iter(attrs): pass\n"
    "work = {'p': psutil.pids, 's': lambda: walk(['uids', 'memory_info']), 't': lambda: walk(['cpu_times']), '?': int}\n"
    "while True:\n"
    "    letter = sys.stdin.read(1)\n"
    "    if not letter: break\n"
    "    work[letter]()\n"
    "    sys.stdout.write(letter)\n"
    "    sys.stdout.flush()\n";

static proc_child *python;

static int ask(char letter)
{
    char answer;
    return proc_write(python, 0, &letter, 1, -1) == 1 && proc_read(python, 1, &answer, 1, -1) == 1 && answer == letter;
}

static void psutil_pids(const void *peer)
{
    (void)peer;
    if (!ask('p'))
        bench_die("psutil", 0);
}

static void psutil_statuses(const void *peer)
{
    (void)peer;
    if (!ask('s'))
        bench_die("psutil", 0);
}

static void psutil_times(const void *peer)
{
    (void)peer;
    if (!ask('t'))
        bench_die("psutil", 0);
}

static const struct peer psutil = {"psutil", psutil_pids, psutil_statuses, psutil_times};

static void begin_psutil(void)
{
    /* The distribution's, which has its packages, before any other. */
    static const char *const pythons[] = {"/usr/bin/python3", "python3"};
    for (int i = 0; i < COUNT(pythons); i++) {
        if (proc_spawn(&python, PROC_ARGV(pythons[i], "-u", "-c", script),
                       PROC_OPTIONS(.in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_NULL)) < 0)
            continue;
        if (ask('?')) {
            present[present_count++] = &psutil;
            return;
        }
        python = proc_child_free(python);
    }
    fputs("no Python here has psutil\n", stderr);
}

/* ---- All ---- */

const struct peer *const *peers(void)
{
    if (present_count == 0) {
        begin_procps();
        begin_psutil();
    }
    return present;
}

void peers_end(void)
{
    end_procps();
    python = proc_child_free(python);
}
