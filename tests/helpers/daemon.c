/* SPDX-License-Identifier: MIT */
/*
 * A program that becomes a daemon, or starts one, as the tests want it:
 *
 *     daemon [OPTION ...] become ready|serve|fail CODE TEXT|exit CODE|signal N|silent|late MS
 *     daemon [OPTION ...] spawn PROGRAM ARGUMENT ...
 *
 *     --lock PATH, --keep-file, --timeout MS, --out PATH, --err PATH, --keep FD, --keep-err, --cwd PATH, --umask OCTAL,
 *     --uid N, --stay, --notify, --notify-fd FD, --thread
 *
 * The launcher prints `rc outcome code pid exit.kind exit.code text` on standard output, and exits with the code. A
 * daemon ends by an alarm after two minutes: nothing outlives a broken test.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <proc/daemon.h>

#define LIFETIME_S 120
#define KEEP_MAX 8

static proc_daemon_options options = {.size = sizeof options};
static proc_lock_options lock_options = {.size = sizeof lock_options};
static proc_ids ids = {.size = sizeof ids};
static int keep[KEEP_MAX + 1], keep_count, notify_fd, with_thread;
static uint32_t mask, id;

static void take_option(int option)
{
    switch (option) {
    case 'l': options.lock = optarg; break;
    case 'f': lock_options.flags |= PROC_LOCK_KEEP_FILE; options.lock_options = &lock_options; break;
    case 't': options.timeout_ms = atoi(optarg); break;
    case 'o': options.out = PROC_APPEND(optarg); break;
    case 'e': options.err = PROC_APPEND(optarg); break;
    case 'k': keep[keep_count++ % KEEP_MAX] = atoi(optarg); break;
    case 'E': options.flags |= PROC_DAEMON_KEEP_ERR; break;
    case 'c': options.cwd = optarg; break;
    case 'u': mask = (uint32_t)strtoul(optarg, NULL, 8); options.umask = &mask; break;
    case 'i': id = (uint32_t)atoi(optarg); ids.uid = ids.gid = &id; options.ids = &ids; break;
    case 's': options.flags |= PROC_DAEMON_STAY; break;
    case 'n': options.flags |= PROC_DAEMON_NOTIFY; break;
    case 'N': notify_fd = atoi(optarg); options.notify_fd = &notify_fd; break;
    case 'T': with_thread = 1; break;
    default: exit(2);
    }
}

static void take_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"lock", 1, NULL, 'l'},  {"keep-file", 0, NULL, 'f'}, {"timeout", 1, NULL, 't'}, {"out", 1, NULL, 'o'},
        {"err", 1, NULL, 'e'},   {"keep", 1, NULL, 'k'},      {"keep-err", 0, NULL, 'E'}, {"cwd", 1, NULL, 'c'},
        {"umask", 1, NULL, 'u'}, {"uid", 1, NULL, 'i'},       {"stay", 0, NULL, 's'},    {"notify", 0, NULL, 'n'},
        {"notify-fd", 1, NULL, 'N'}, {"thread", 0, NULL, 'T'}, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1)
        take_option(option);
    keep[keep_count] = -1;
    if (keep_count > 0)
        options.keep = keep;
}

/* ---- The daemon ---- */

static volatile sig_atomic_t told_to_end;

static void end(int signal)
{
    (void)signal;
    told_to_end = 1;
}

static int serve(proc_daemon *daemon)
{
    sigset_t term, before;
    signal(SIGTERM, end);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before);
    proc_daemon_ready(daemon);
    while (!told_to_end)
        sigsuspend(&before);
    proc_daemon_free(daemon);
    return 0;
}

static int wait_for_the_end(proc_daemon *daemon)
{
    for (;;)
        pause();
    proc_daemon_free(daemon);
    return 0;
}

static int behave(proc_daemon *daemon, char **how)
{
    alarm(LIFETIME_S);
    if (strcmp(how[0], "serve") == 0)
        return serve(daemon);
    if (strcmp(how[0], "fail") == 0) {
        int code = proc_daemon_fail(daemon, atoi(how[1]), how[2]);
        fprintf(stderr, "after it failed\n");
        proc_daemon_free(daemon);
        return code;
    }
    if (strcmp(how[0], "exit") == 0)
        _exit(atoi(how[1]));
    if (strcmp(how[0], "signal") == 0)
        raise(atoi(how[1]));
    if (strcmp(how[0], "late") == 0) {
        const struct timespec pause = {atoi(how[1]) / 1000, atoi(how[1]) % 1000 * 1000000L};
        nanosleep(&pause, NULL);
    }
    if (strcmp(how[0], "complain") == 0)
        fprintf(stderr, "before it is ready\n");
    if (strcmp(how[0], "silent") != 0)
        proc_daemon_ready(daemon);
    if (strcmp(how[0], "complain") == 0)
        fprintf(stderr, "after that\n");
    return wait_for_the_end(daemon);
}

/* ---- The launcher ---- */

static int tell(int rc, const proc_daemon_report *report)
{
    dprintf(STDOUT_FILENO, "%d %d %d %d %d %d %s\n", rc, report->outcome, report->code, report->pid, report->exit.kind,
            report->exit.code, report->error.text);
    return report->code;
}

static void *idle(void *arg)
{
    for (;;)
        pause();
    return arg;
}

int main(int argc, char **argv)
{
    proc_daemon *daemon = NULL;
    proc_daemon_report report;
    pthread_t thread;
    take_options(argc, argv);
    argv += optind;
    argc -= optind;
    if (argc < 2)
        return 2;
    if (with_thread && pthread_create(&thread, NULL, idle, NULL) != 0)
        return 2;
    if (strcmp(argv[0], "spawn") == 0) {
        int rc = proc_daemon_spawn(PROC_STRINGS(argv + 1), NULL, &options, &report);
        return tell(rc, &report);
    }
    int rc = proc_daemonize(&daemon, &options, &report);
    if (rc != 0)
        return tell(rc, &report);
    return behave(daemon, argv + 1);
}
